"""The quotas of a new account, and of the things in it."""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.elastic_ip_addresses import ElasticAddressBackend
from moto.ec2.models.nat_gateways import NatGatewayBackend
from moto.ec2.models.vpcs import VPCBackend
from moto.ec2.responses.vpcs import VPCs
from moto.elbv2.exceptions import ELBClientError
from moto.elbv2.models import ELBv2Backend

from lab.aws.common.patching import patch
from lab.world.lab import Lab

VPCS = ADDRESSES = NAT_GATEWAYS_A_ZONE = 5
GATEWAY_ENDPOINTS, ENDPOINTS_A_VPC = 20, 50
LOAD_BALANCERS = LISTENERS = 50
RULES = 100


def install(lab: Lab) -> None:
    """Patches what adds to what is counted."""
    _patch_network(lab)
    _patch_endpoints(lab)
    _patch_balancers(lab)


def _patch_network(lab: Lab) -> None:
    @patch(VPCBackend)
    def create_vpc(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        if _is_full(lab, len(self.vpcs), VPCS):
            raise EC2ClientError("VpcLimitExceeded", "The maximum number of VPCs has been reached.")
        return original(self, *args, **kwargs)

    @patch(ElasticAddressBackend)
    def allocate_address(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        if _is_full(lab, len(self.addresses), ADDRESSES):
            raise EC2ClientError(
                "AddressLimitExceeded", "The maximum number of addresses has been reached."
            )
        return original(self, *args, **kwargs)

    @patch(NatGatewayBackend)
    def create_nat_gateway(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        zone = self.get_subnet(kwargs["subnet_id"]).availability_zone
        present = [
            gateway
            for gateway in self.nat_gateways.values()
            if gateway.state in ("pending", "available", "deleting")
            and gateway._eni.subnet.availability_zone == zone
        ]
        if _is_full(lab, len(present), NAT_GATEWAYS_A_ZONE):
            raise EC2ClientError(
                "NatGatewayLimitExceeded",
                f"Performing this operation would exceed the limit of {NAT_GATEWAYS_A_ZONE} NAT "
                "gateways",
            )
        return original(self, *args, **kwargs)


def _patch_endpoints(lab: Lab) -> None:
    @patch(VPCs)
    def create_vpc_endpoint(original: Any, self: Any) -> Any:
        kind = self._get_param("VpcEndpointType") or "Gateway"
        is_gateway = kind == "Gateway"
        present = [
            endpoint
            for endpoint in self.ec2_backend.vpc_end_points.values()
            if endpoint.vpc_endpoint_type == kind
            and (is_gateway or endpoint.vpc_id == self._get_param("VpcId"))
        ]
        if _is_full(lab, len(present), GATEWAY_ENDPOINTS if is_gateway else ENDPOINTS_A_VPC):
            raise EC2ClientError(
                "VpcEndpointLimitExceeded", "The maximum number of VPC endpoints has been reached."
            )
        return original(self)


def _patch_balancers(lab: Lab) -> None:
    @patch(ELBv2Backend)
    def create_load_balancer(original: Any, self: Any, name: str, **kwargs: Any) -> Any:
        known = any(balancer.name == name for balancer in self.load_balancers.values())
        if not known and _is_full(lab, len(self.load_balancers), LOAD_BALANCERS):
            raise ELBClientError(
                "TooManyLoadBalancers",
                "The limit on the number of load balancers has been reached.",
            )
        return original(self, name, **kwargs)

    @patch(ELBv2Backend)
    def create_listener(
        original: Any, self: Any, load_balancer_arn: str, *a: Any, **kw: Any
    ) -> Any:
        balancer = self.load_balancers.get(load_balancer_arn)
        if balancer and _is_full(lab, len(balancer.listeners), LISTENERS):
            raise ELBClientError(
                "TooManyListeners",
                "The limit on the number of listeners per load balancer has been reached.",
            )
        return original(self, load_balancer_arn, *a, **kw)

    @patch(ELBv2Backend)
    def create_rule(original: Any, self: Any, listener_arn: str, *a: Any, **kw: Any) -> Any:
        balancers = [b for b in self.load_balancers.values() if listener_arn in b.listeners]
        rules = [r for b in balancers for o in b.listeners.values() for r in o._non_default_rules]
        if _is_full(lab, len(rules), RULES):
            raise ELBClientError(
                "TooManyRules",
                "The limit on the number of rules per load balancer has been reached.",
            )
        return original(self, listener_arn, *a, **kw)


def _is_full(lab: Lab, present: int, quota: int) -> bool:
    return present >= quota and lab.strict.is_on("quotas")
