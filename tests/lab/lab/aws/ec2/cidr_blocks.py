"""CIDR blocks of VPCs and subnets: how large they are, in canonical form, one beside another.

VPC user guide, "VPC CIDR blocks" and "Subnet sizing": /16 to /28, and five blocks a VPC.
"""

from __future__ import annotations

from ipaddress import IPv4Network, ip_network
from typing import Any

from moto.ec2.exceptions import (
    EC2ClientError,
    InvalidCIDRBlockParameterError,
    InvalidSubnetRangeError,
    InvalidVPCRangeError,
)
from moto.ec2.models.subnets import SubnetBackend
from moto.ec2.models.vpcs import VPCBackend

from lab.aws.common.patching import patch
from lab.world.lab import Lab

LARGEST, SMALLEST = 16, 28
PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
# What none takes as a further block, and what those in 172.16.0.0/12 do not (it is the default VPC's).
NEVER, OF_DEFAULTS = IPv4Network("198.19.0.0/16"), IPv4Network("172.31.0.0/16")


def install(lab: Lab) -> None:
    """Patches what makes VPCs and subnets, and what adds blocks and takes them away."""

    @patch(VPCBackend)
    def create_vpc(original: Any, self: Any, cidr_block: str, *args: Any, **kwargs: Any) -> Any:
        return original(self, str(_network(cidr_block)), *args, **kwargs)

    @patch(SubnetBackend)
    def create_subnet(
        original: Any, self: Any, vpc_id: str, cidr_block: str, *args: Any, **kwargs: Any
    ) -> Any:
        if cidr_block:
            network = _network(cidr_block)
            if not LARGEST <= network.prefixlen <= SMALLEST:
                raise InvalidSubnetRangeError(cidr_block)
            if any(it.supernet_of(network) for it in _associating(self.get_vpc(vpc_id))):
                raise InvalidSubnetRangeError(str(network))
            cidr_block = str(network)
        return original(self, vpc_id, cidr_block, *args, **kwargs)

    @patch(VPCBackend)
    def associate_vpc_cidr_block(
        original: Any, self: Any, vpc_id: str, cidr_block: str | None, ipv6: Any
    ) -> Any:
        vpc = self.get_vpc(vpc_id)
        if not ipv6:
            network = _network(str(cidr_block))
            _check(vpc, network)
            cidr_block = str(network)
        block = original(self, vpc_id, cidr_block, ipv6)
        if not ipv6:
            block["cidr_block_state"]["state"] = "associating"
            lab.timers.after("vpc.associating", lambda: _arrive(block))
        return block

    @patch(VPCBackend)
    def disassociate_vpc_cidr_block(original: Any, self: Any, association_id: str) -> Any:
        for vpc in self.vpcs.values():
            block = vpc._cidr_block_association_set.get(association_id)
            if block is not None and _is_used(self, vpc, block["cidr_block"]):
                raise EC2ClientError(
                    "InvalidCidrBlock.InUse",
                    f"The vpc CIDR block with association ID {association_id} is in use by a "
                    "subnet and may not be disassociated.",
                )
        answer = original(self, association_id)
        self.vpcs[answer["vpc_id"]]._cidr_block_association_set.pop(association_id, None)
        return answer


def _arrive(block: dict[str, Any]) -> None:
    """Makes a block usable, unless it goes already."""
    if block["cidr_block_state"]["state"] == "associating":
        block["cidr_block_state"]["state"] = "associated"


def _associating(vpc: Any) -> list[IPv4Network]:
    """The blocks of a VPC that no subnet can be in yet."""
    return [
        IPv4Network(block["cidr_block"])
        for block in (vpc.get_cidr_block_association_set(ipv6=False) if vpc else [])
        if block["cidr_block_state"]["state"] == "associating"
    ]


def _network(cidr: str) -> IPv4Network:
    try:
        return IPv4Network(cidr, strict=False)
    except ValueError:
        raise InvalidCIDRBlockParameterError(cidr) from None


def _check(vpc: Any, network: IPv4Network) -> None:
    if not LARGEST <= network.prefixlen <= SMALLEST:
        raise InvalidVPCRangeError(str(network))
    held = [
        IPv4Network(block["cidr_block"]) for block in vpc.get_cidr_block_association_set(ipv6=False)
    ]
    for other in held:
        if other.overlaps(network):
            raise EC2ClientError(
                "CidrConflict",
                f"The CIDR '{network}' conflicts with another CIDR range associated with VPC "
                f"'{vpc.id}'",
            )
    if _is_restricted(held[0], network):
        raise EC2ClientError(
            "InvalidVpc.Range",
            f"The CIDR '{network}' is restricted. Use a CIDR from the same private address range "
            "as the current VPC CIDR, or use a publicly-routable CIDR.",
        )


def _is_restricted(first: IPv4Network, network: IPv4Network) -> bool:
    """Whether a block does not go with the VPC's first one: private ranges do not mix."""
    if network.overlaps(NEVER):
        return True
    if network.overlaps(OF_DEFAULTS) and first.subnet_of(PRIVATE[1]):
        return True
    return any(network.subnet_of(it) and not first.subnet_of(it) for it in PRIVATE)


def _is_used(ec2: Any, vpc: Any, cidr: str) -> bool:
    block = ip_network(cidr)
    for zone in ec2.subnets.values():
        for subnet in zone.values():
            if subnet.vpc_id != vpc.id:
                continue
            if isinstance(block, IPv4Network):
                used = subnet.cidr.version == 4 and subnet.cidr.subnet_of(block)
            else:
                used = bool(subnet.ipv6_cidr_block_association_set)
            if used:
                return True
    return False
