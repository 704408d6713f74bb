"""Client tokens of EC2: the same token with the same request gives the same thing again."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses.flow_logs import FlowLogs
from moto.ec2.responses.nat_gateways import NatGateways
from moto.ec2.responses.network_acls import NetworkACLs
from moto.ec2.responses.route_tables import RouteTables
from moto.ec2.responses.vpcs import VPCs

from lab.aws.common.patching import patch
from lab.aws.common.tokens import Tokens
from lab.world.lab import Lab
from lab.world.places import of_request

OPERATIONS = (
    (FlowLogs, "create_flow_logs"),
    (NatGateways, "create_nat_gateway"),
    (NetworkACLs, "create_network_acl"),
    (RouteTables, "create_route_table"),
    (VPCs, "create_vpc_endpoint"),
)


def install(lab: Lab) -> None:
    """Patches the operations of the table."""
    tokens = Tokens()
    lab.resets.append(tokens.clear)
    for owner, operation in OPERATIONS:
        _patch(tokens, owner, operation)


def _patch(tokens: Tokens, owner: type, operation: str) -> None:
    @patch(owner, operation)
    def create(original: Any, self: Any) -> ActionResult:
        request = {k: v for k, v in self._get_params().items() if k != "ClientToken"}
        result: ActionResult = tokens.once(
            of_request(self),
            operation,
            self._get_param("ClientToken"),
            request,
            lambda: original(self),
            _mismatch,
        )
        return result


def _mismatch() -> EC2ClientError:
    return EC2ClientError(
        "IdempotentParameterMismatch",
        "The request uses the same client token as a previous, but non-identical request.",
    )
