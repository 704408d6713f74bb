"""EC2's NAT gateways and elastic addresses: states that take time, addresses held until the end."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.elastic_ip_addresses import ElasticAddressBackend
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.nat_gateways import NatGateway, NatGatewayBackend

from lab.aws.common import interfaces
from lab.aws.common.patching import patch
from lab.world.lab import Lab
from lab.world.places import of_backend

if TYPE_CHECKING:
    from moto.ec2.models import EC2Backend

DELETED_STAYS_SECONDS = 3600


def install(lab: Lab) -> None:
    """Patches moto's NAT gateways and addresses."""

    @patch(NatGatewayBackend)
    def create_nat_gateway(original: Any, self: Any, *args: Any, **kwargs: Any) -> NatGateway:
        allocation = kwargs.get("allocation_id")
        if allocation and self.address_by_allocation([allocation])[0].association_id:
            raise EC2ClientError(
                "Resource.AlreadyAssociated",
                f"resource {allocation} is already associated with another resource",
            )
        gateway: NatGateway = original(self, *args, **kwargs)
        gateway._eni.description = f"Interface for NAT Gateway {gateway.id}"
        gateway._eni.interface_type = "nat_gateway"
        gateway._eni.requester_managed = True
        gateway._eni.requester_id = "amazon-aws"
        gateway._eni.status = "in-use"
        gateway._eni._group_set = []
        gateway.state = "pending"

        def arrive() -> None:
            public = gateway.connectivity_type != "private"
            if gateway.state == "pending" and public and not _reaches_out(self, gateway):
                _release(self, gateway)
                gateway.state = "failed"
                # moto answers with these, and has no place for them.
                told: Any = gateway
                told.failure_code = "Gateway.NotAttached"
                told.failure_message = f"Network {gateway.vpc_id} has no Internet gateway attached"
            elif gateway.state == "pending":
                gateway.state = "available"

        lab.timers.after("nat-gateway.pending", arrive)
        return gateway

    @patch(NatGatewayBackend)
    def delete_nat_gateway(self: Any, nat_gateway_id: str) -> NatGateway:
        gateway: NatGateway | None = self.nat_gateways.get(nat_gateway_id)
        if gateway is None or gateway.state == "deleted":
            raise EC2ClientError(
                "NatGatewayNotFound", f"The Nat Gateway {nat_gateway_id} was not found"
            )
        if gateway.state == "deleting":
            return gateway

        def finish() -> None:
            _release(self, gateway)
            gateway.state = "deleted"
            lab.timers.after(
                max(DELETED_STAYS_SECONDS * lab.options.scale, 1.0),
                lambda: _forget(self, nat_gateway_id),
            )

        gateway.state = "deleting"
        lab.timers.after("nat-gateway.deleting", finish)
        return gateway

    @patch(NatGatewayBackend)
    def describe_nat_gateways(
        self: Any, filters: dict[str, list[str]] | None, nat_gateway_ids: list[str] | None
    ) -> list[NatGateway]:
        for id in nat_gateway_ids or []:
            if id not in self.nat_gateways:
                raise EC2ClientError("NatGatewayNotFound", f"The Nat Gateway {id} was not found")
        return [
            gateway
            for gateway in self.nat_gateways.values()
            if (not nat_gateway_ids or gateway.id in nat_gateway_ids)
            and all(_matches(gateway, name, values) for name, values in (filters or {}).items())
        ]

    @patch(ElasticAddressBackend)
    def release_address(
        original: Any, self: Any, address: str | None = None, allocation_id: str | None = None
    ) -> None:
        for held in self.addresses:
            wanted = held.allocation_id == allocation_id if allocation_id else False
            if (wanted or held.public_ip == address) and held.eni is not None:
                raise EC2ClientError(
                    "InvalidIPAddress.InUse", f"Address {held.public_ip} is in use."
                )
        original(self, address=address, allocation_id=allocation_id)
        if allocation_id:
            self.tags.pop(allocation_id, None)

    @patch(NetworkInterface)
    def get_filter_value(
        original: Any, self: Any, filter_name: str, method_name: str | None = None
    ) -> Any:
        known: dict[str, Callable[[], Any]] = {
            "status": lambda: self.status,
            "interface-type": lambda: self.interface_type,
            "requester-id": lambda: self.requester_id,
            "requester-managed": lambda: str(self.requester_managed).lower(),
            "association.public-ip": lambda: self.public_ip,
        }
        if filter_name in known:
            return known[filter_name]()
        return original(self, filter_name, method_name)


def _reaches_out(ec2: EC2Backend, gateway: NatGateway) -> bool:
    return interfaces.has_gateway(of_backend(ec2), gateway.vpc_id)


def _release(ec2: EC2Backend, gateway: NatGateway) -> None:
    """Gives back the address and removes the interface."""
    for address in ec2.addresses:
        if address.eni is gateway._eni:
            ec2.disassociate_address(association_id=address.association_id)
    interfaces.delete(of_backend(ec2), gateway._eni.id)


def _forget(ec2: EC2Backend, nat_gateway_id: str) -> None:
    ec2.nat_gateways.pop(nat_gateway_id, None)
    ec2.tags.pop(nat_gateway_id, None)


def _matches(gateway: NatGateway, name: str, values: list[str]) -> bool:
    tags = {tag["key"]: tag["value"] for tag in gateway.get_tags()}
    if name.startswith("tag:"):
        found = [tags[name[4:]]] if name[4:] in tags else []
    elif name == "tag-key":
        found = list(tags)
    else:
        attribute = {"nat-gateway-id": "id", "vpc-id": "vpc_id", "subnet-id": "subnet_id"}
        found = [str(getattr(gateway, attribute.get(name, name.replace("-", "_")), ""))]
    return any(fnmatch.fnmatchcase(value, pattern) for value in found for pattern in values)
