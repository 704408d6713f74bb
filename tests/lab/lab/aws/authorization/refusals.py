"""What a service says to a call that the policies of its caller do not allow."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from botocore.exceptions import UnknownServiceError
from botocore.model import OperationNotFoundError

from lab.aws.authorization import (
    acm,
    autoscaling,
    cloudwatch,
    ec2,
    ecr,
    ecs,
    elbv2,
    events,
    iam,
    kms,
    linked_roles,
    logs,
    rds,
    route53,
    scheduler,
    secrets,
    servicediscovery,
    sns,
    sqs,
    ssm,
    stepfunctions,
    sts,
)
from lab.aws.authorization.table import Asked, Service, wants
from lab.aws.authorization.tags import Index
from lab.aws.common.callers import caller_of, facts, refused
from lab.aws.common.parameters import parameters
from lab.http.calls import Call
from lab.http.errors import Reply, error_reply
from lab.policies.needs import Caller, Need
from lab.world.lab import Lab
from lab.world.places import Place, of_arn

SERVICES = {
    "acm": acm.SERVICE,
    "application-autoscaling": autoscaling.SERVICE,
    "cloudwatch": cloudwatch.SERVICE,
    "ec2": ec2.SERVICE,
    "ecr": ecr.SERVICE,
    "ecs": ecs.SERVICE,
    "elasticloadbalancing": elbv2.SERVICE,
    "events": events.SERVICE,
    "iam": iam.SERVICE,
    "kms": kms.SERVICE,
    "logs": logs.SERVICE,
    "rds": rds.SERVICE,
    "route53": route53.SERVICE,
    "scheduler": scheduler.SERVICE,
    "secretsmanager": secrets.SERVICE,
    "servicediscovery": servicediscovery.SERVICE,
    "sns": sns.SERVICE,
    "sqs": sqs.SERVICE,
    "ssm": ssm.SERVICE,
    "states": stepfunctions.SERVICE,
    "sts": sts.SERVICE,
}
# Nobody needs a permission for it, and none takes it away (STS API reference).
FREE = "sts:GetCallerIdentity"


def refusal(lab: Lab, call: Call) -> Reply | None:
    """The refusal of a call; None when it may go on. Calls that nobody signed are nobody's."""
    place = Place(call.account, call.region)
    caller = caller_of(call.key, place)
    if not call.key or call.action == FREE or not lab.policies.binds(caller):
        return None
    if call.protocol == "rest":
        message = f"the lab evaluates no policies for {call.name}"
        return error_reply(call.protocol, "NotImplemented", message, 501)
    return refused(lab, caller, needs(lab, call, caller, place), call.protocol)


def needs(lab: Lab, call: Call, caller: Caller, place: Place) -> Iterator[Need]:
    """All that a call needs."""
    service, _, operation = call.action.partition(":")
    try:
        members = parameters(call)
    except (OperationNotFoundError, UnknownServiceError):
        members = {}
    asked = Asked(place, service, operation, members)
    index, common = Index(), facts(caller, place)
    for want in (
        *wants(asked, SERVICES.get(service, Service({}))),
        *linked_roles.wants(asked),
    ):
        arn, given = want.target
        owner = of_arn(arn).account if arn.startswith("arn:") else place.account
        own = {"aws:resourceaccount": (owner or place.account,)}
        known = common | own | dict(want.facts)
        yield Need(want.action, arn, known, given, partial(index.of, arn), want.granted)
