"""Whoever makes a call, by the access key that signed it, and what they are told when they may not."""

from __future__ import annotations

from collections.abc import Iterable

from moto.sts.models import sts_backends

from lab.http.errors import Reply, denied
from lab.policies.needs import Caller, Need, Values
from lab.world.lab import Lab
from lab.world.places import Place, everywhere

# Services that name no resource when they refuse an action that takes none.
SILENT = ("cloudwatch", "ec2", "elasticloadbalancing", "route53", "secretsmanager", "tag")

OF_A_SESSION = "ASIA"


def caller_of(key: str, place: Place) -> Caller:
    """A session of a role when the key is of one; the lab's user otherwise."""
    for backend in everywhere(sts_backends) if key.startswith(OF_A_SESSION) else ():
        for session in backend.assumed_roles:
            if session.access_key_id == key:
                return Caller(key, session.arn, session.account_id, session.role_arn)
    return Caller(key, place.arn_of_iam("user/lab"), place.account)


def facts(caller: Caller, place: Place) -> dict[str, Values]:
    """What conditions may ask of any call."""
    return {
        "aws:principalaccount": (caller.account,),
        "aws:requestedregion": (place.region,),
        "aws:resourceaccount": (place.account,),
        "aws:viaawsservice": ("false",),
    }


def refused(lab: Lab, caller: Caller, needs: Iterable[Need], protocol: str) -> Reply | None:
    """What a service says to a call that the caller's policies do not allow."""
    refusal = lab.policies.judge(caller, needs)
    if refusal is None:
        return None
    action, resource = refusal.need.action, refusal.need.resource
    is_silent = resource == "*" and action.partition(":")[0] in SILENT
    return denied(
        caller.arn, action, protocol, None if is_silent else resource, refusal.is_explicit
    )
