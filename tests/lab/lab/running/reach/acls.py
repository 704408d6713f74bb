"""Network ACLs: what they let through at the edge of a subnet, each packet by itself.

VPC user guide, "Network ACLs": rules count in the order of their numbers, the first that fits
decides, and answers need a rule as well, for the port that the other side happened to take. What
stays inside of a subnet is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from moto.ec2.models.elastic_network_interfaces import NetworkInterface

TCP, ANYTHING = "6", "-1"


class Ports(NamedTuple):
    """Ports from one to another, both of them too."""

    low: int
    high: int


ALL = Ports(0, 65535)
# What Linux takes for connections that a task opens, and AWS's balancers and gateways for theirs.
OF_TASKS, OF_AWS = Ports(32768, 60999), Ports(1024, 65535)


def connects(
    source: NetworkInterface, target: NetworkInterface, port: int, answers: Ports = OF_TASKS
) -> bool:
    """Whether a connection between two interfaces gets through, there and back."""
    here, there = source.subnet.id, target.subnet.id
    if here == there:
        return True
    own, other = str(source.private_ip_address), str(target.private_ip_address)
    ec2 = source.ec2_backend
    return _exchanges(ec2, here, other, Ports(port, port), answers) and _admits(
        ec2, there, own, Ports(port, port), answers
    )


def goes_out(ec2: Any, subnet: str, address: str, port: int, answers: Ports) -> bool:
    """Whether a connection to an address elsewhere leaves a subnet, and is answered."""
    return _exchanges(ec2, subnet, address, Ports(port, port), answers)


def comes_in(ec2: Any, subnet: str, address: str, port: int, answers: Ports) -> bool:
    """Whether a connection from an address elsewhere enters a subnet, and is answered."""
    return _admits(ec2, subnet, address, Ports(port, port), answers)


def _exchanges(ec2: Any, subnet: str, peer: str, ports: Ports, answers: Ports) -> bool:
    return _lets(ec2, subnet, True, peer, ports) and _lets(ec2, subnet, False, peer, answers)


def _admits(ec2: Any, subnet: str, peer: str, ports: Ports, answers: Ports) -> bool:
    return _lets(ec2, subnet, False, peer, ports) and _lets(ec2, subnet, True, peer, answers)


def _lets(ec2: Any, subnet: str, egress: bool, peer: str, ports: Ports) -> bool:
    """Whether all of these ports are let through; one that is denied is enough for a no."""
    left = [ports]
    for entry in _entries(ec2, subnet, egress, peer):
        covered = _ports(entry)
        rest = [part for one in left for part in _without(one, covered)]
        if entry.rule_action == "deny" and rest != left:
            return False
        left = rest
        if not left:
            return True
    return False


def _entries(ec2: Any, subnet: str, egress: bool, peer: str) -> Iterable[Any]:
    for acl in list(ec2.network_acls.values()):
        if any(held.subnet_id == subnet for held in acl.associations):
            about = [e for e in acl.entries if e.egress == egress and _is_about(e, peer)]
            return sorted(about, key=lambda entry: int(entry.rule_number))
    return ()


def _is_about(entry: Any, peer: str) -> bool:
    cidr = entry.cidr_block
    if not cidr or str(entry.protocol) not in (TCP, ANYTHING):
        return False
    return ip_address(peer) in ip_network(cidr, strict=False)


def _ports(entry: Any) -> Ports:
    if str(entry.protocol) == ANYTHING or entry.port_range_from is None:
        return ALL
    return Ports(int(entry.port_range_from), int(entry.port_range_to))


def _without(one: Ports, covered: Ports) -> list[Ports]:
    below = Ports(one.low, min(one.high, covered.low - 1))
    above = Ports(max(one.low, covered.high + 1), one.high)
    return [part for part in (below, above) if part.low <= part.high]
