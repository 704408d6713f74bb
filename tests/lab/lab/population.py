"""Things of others: an account in which many people work, made in one go.

They are made where the API makes them, without a call each, and carry no tags.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from moto.ec2.models import ec2_backends
from moto.ecr.models import ecr_backends
from moto.elbv2.models import elbv2_backends
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.secretsmanager.models import secretsmanager_backends

from lab.world.places import ACCOUNT

if TYPE_CHECKING:
    from lab.world.lab import Lab

REGION = "eu-west-1"
NUMBERS = itertools.count(1)
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def populate(lab: Lab, wanted: dict[str, Any]) -> dict[str, int]:
    """Makes so many of each kind, under new names each time, and says how many were made."""
    wanted = dict(wanted)
    others = Others(wanted.pop("account", ACCOUNT), wanted.pop("region", REGION))
    if unknown := sorted(set(wanted) - set(others.kinds)):
        raise ValueError(f"no kind is called {unknown[0]!r}; there are {', '.join(others.kinds)}")
    with lab.lock:
        for kind, many in wanted.items():
            for number in itertools.islice(NUMBERS, int(many)):
                others.kinds[kind](f"others-{number}")
    return {kind: int(many) for kind, many in wanted.items()}


class Others:
    """The other people in one region of an account."""

    def __init__(self, account: str, region: str) -> None:
        self._region = region
        self._ec2 = ec2_backends[account][region]
        self._ecr = ecr_backends[account][region]
        self._elbv2 = elbv2_backends[account][region]
        self._iam = iam_backends[account]["aws"]
        self._logs = logs_backends[account][region]
        self._secrets = secretsmanager_backends[account][region]
        self._network: tuple[str, list[str]] | None = None
        self.kinds: dict[str, Callable[[str], None]] = {
            "roles": self._role,
            "target-groups": self._target_group,
            "load-balancers": self._load_balancer,
            "repositories": self._repository,
            "secrets": self._secret,
            "log-groups": self._log_group,
        }

    def _role(self, name: str) -> None:
        self._iam.create_role(name, json.dumps(TRUST), "/", None, "", [], "3600")

    def _target_group(self, name: str) -> None:
        vpc, _ = self._in_network()
        self._elbv2.create_target_group(
            name, vpc_id=vpc, protocol="HTTP", port="80", target_type="ip"
        )

    def _load_balancer(self, name: str) -> None:
        _, subnets = self._in_network()
        self._elbv2.create_load_balancer(
            name,
            security_groups=[],
            subnet_ids=subnets,
            scheme="internal",
            loadbalancer_type="application",
        )

    def _repository(self, name: str) -> None:
        self._ecr.create_repository(name, None, {}, None, "MUTABLE", [])

    def _secret(self, name: str) -> None:
        self._secrets.create_secret(name, "theirs", None, None, [], None, None, [], False)

    def _log_group(self, name: str) -> None:
        self._logs.create_log_group(f"/{name}", {})

    def _in_network(self) -> tuple[str, list[str]]:
        """A VPC of theirs with subnets in two zones."""
        if self._network is None:
            vpc = self._ec2.create_vpc("172.16.0.0/16").id
            subnets = [
                self._ec2.create_subnet(
                    vpc, f"172.16.{16 * zone}.0/20", availability_zone=f"{self._region}{letter}"
                ).id
                for zone, letter in enumerate("ab")
            ]
            self._network = (vpc, subnets)
        return self._network
