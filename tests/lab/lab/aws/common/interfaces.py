"""Network interfaces that services put into subnets: what really blocks a teardown on AWS."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.elastic_network_interfaces import NetworkInterface

from lab.world.places import Place

# Of a subnet's addresses AWS keeps five: the first four and the last one. moto gives them out from
# the fourth host on.
RESERVED, FIRST = 5, 3


class NoAddress(EC2ClientError):
    """What EC2 says of a subnet that is full."""

    def __init__(self, subnet_id: str) -> None:
        super().__init__(
            "InsufficientFreeAddressesInSubnet",
            f"There are not enough free addresses in subnet '{subnet_id}' to satisfy the requested "
            "number of instances.",
        )


def backend(place: Place) -> EC2Backend:
    """The EC2 state of a place."""
    result: EC2Backend = ec2_backends[place.account][place.region]
    return result


def has_gateway(place: Place, vpc_id: str) -> bool:
    """Whether an internet gateway is attached to the VPC."""
    gateways: list[Any] = list(backend(place).internet_gateways.values())
    return any(gateway.vpc and gateway.vpc.id == vpc_id for gateway in gateways)


def create(
    place: Place,
    subnet_id: str,
    groups: Sequence[str],
    description: str,
    requester: str,
    *,
    public: bool = False,
    kind: str = "interface",
) -> NetworkInterface:
    """Creates an interface managed by a service, with an address of its subnet."""
    ec2 = backend(place)
    subnet: Any = ec2.get_subnet(subnet_id)
    address = _free_address(ec2, subnet)
    interface = ec2.create_network_interface(
        subnet, address, group_ids=list(groups) or None, description=description
    )
    if not groups:
        interface._group_set = []
    interface.requester_managed = True
    interface.requester_id = requester
    interface.interface_type = kind
    interface.status = "in-use"
    if public:
        interface.public_ip = (
            f"52.{random.randint(16, 31)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
        )
    return interface


def absent(place: Place, subnet_id: str) -> NetworkInterface:
    """What stands in for an interface that there was no address for; nobody else sees it."""
    ec2 = backend(place)
    interface = ec2.create_network_interface(ec2.get_subnet(subnet_id), "0.0.0.0")
    del ec2.enis[interface.id]
    return interface


def _free_address(ec2: EC2Backend, subnet: Any) -> str:
    """An address that nothing has: a new one, and one that was given back when there is none."""
    present = list(ec2.enis.values())
    taken = {str(it.private_ip_address) for it in present if it.subnet.id == subnet.id}
    while len(taken) < subnet.cidr.num_addresses - RESERVED:
        try:
            # moto asks for an instance, and leaves the address without one just as well.
            address = str(subnet.get_available_subnet_ip(None))
        except StopIteration:
            hosts = [str(host) for host in subnet.cidr.hosts()][FIRST:]
            address = next(host for host in hosts if host not in taken)
        if address not in taken:
            return address
    raise NoAddress(subnet.id)


def delete(place: Place, interface_id: str) -> None:
    """Removes an interface; one that is gone already is no mistake."""
    interface = backend(place).enis.pop(interface_id, None)
    if interface is not None and interface.private_ip_address:
        subnet = interface.subnet
        subnet._subnet_ips.pop(interface.private_ip_address, None)


def set_groups(place: Place, interface_id: str, groups: Sequence[str]) -> None:
    """Puts an interface into other security groups."""
    ec2 = backend(place)
    if interface_id in ec2.enis:
        found: list[Any] = [ec2.get_security_group_from_id(group) for group in groups]
        ec2.enis[interface_id]._group_set = [group for group in found if group]
