"""Who lets whom in: security groups, as EC2 applies them to connections inside of a VPC.

EC2 user guide, "Amazon EC2 security groups": all groups of an interface count together, what no
rule allows is dropped without a word, and a rule that names a group means the interfaces in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

from lab.aws.common import interfaces
from lab.running.reach import acls, flows
from lab.world.places import of_arn

if TYPE_CHECKING:
    from moto.ec2.models.elastic_network_interfaces import NetworkInterface
    from moto.ec2.models.security_groups import SecurityGroup, SecurityGroupRule
    from moto.elbv2.models import FakeLoadBalancer, FakeTargetGroup


def is_open(group: FakeTargetGroup, address: str, port: int, protocol: str = "tcp") -> bool:
    """Whether a load balancer of a target group reaches an address of its VPC.

    A rule that names the load balancer's group counts also where targets see the addresses of clients
    (ELB user guide, "Update the security groups for your Network Load Balancer").
    """
    balancers = [found for arn in group.load_balancer_arns if (found := _balancer(arn))]
    place = of_arn(group.arn)
    target = next(
        (
            interface
            for interface in list(interfaces.backend(place).enis.values())
            if interface.private_ip_address == address and interface.vpc_id == group.vpc_id
        ),
        None,
    )
    # What has no interface of the VPC is elsewhere, and no group of ours keeps it.
    return target is None or any(
        _connects(balancer, target, port, protocol) for balancer in balancers
    )


def is_let_in(source: NetworkInterface, target: NetworkInterface, port: int) -> bool:
    """Whether what has one interface reaches what has the other."""
    own = [group for group in source._group_set if group]
    addresses = [str(source.private_ip_address)]
    return (
        source.vpc_id == target.vpc_id
        and _reaches(own, addresses, target, port)
        and acls.connects(source, target, port)
    )


def lets_out(source: NetworkInterface, address: str, port: int, prefixes: str | None) -> bool:
    """Whether its groups let an interface out to an address, which may be in a prefix list."""
    rules = [rule for group in source._group_set if group for rule in group.egress_rules]
    return _allows(rules, [], [address], port) or any(
        rule.prefix_list_id == prefixes and _is_about(rule, port)
        for rule in rules
        if rule.prefix_list_id
    )


def _connects(
    balancer: FakeLoadBalancer, target: NetworkInterface, port: int, protocol: str
) -> bool:
    ec2 = interfaces.backend(of_arn(balancer.arn))
    own: list[Any] = [ec2.get_security_group_from_id(group) for group in balancer.security_groups]
    own = [group for group in own if group]
    held: dict[str, str] = getattr(balancer, "interfaces", {})
    present = [ec2.enis[id] for id in held.values() if id in ec2.enis]
    through = [
        interface
        for interface in present
        if _reaches(own, [str(interface.private_ip_address)], target, port, protocol)
        and acls.connects(interface, target, port, acls.OF_AWS)
    ]
    for interface in (through or present)[:1]:
        flows.note(interface, target, port, accepted=bool(through))
    return bool(through)


def _reaches(
    own: list[Any],
    addresses: list[str],
    target: NetworkInterface,
    port: int,
    protocol: str = "tcp",
) -> bool:
    theirs = [group for group in target._group_set if group]
    goes_out = (rule for group in own for rule in group.egress_rules)
    comes_in = (rule for group in theirs for rule in group.ingress_rules)
    there = [str(target.private_ip_address)]
    return _allows(goes_out, theirs, there, port, protocol) and _allows(
        comes_in, own, addresses, port, protocol
    )


def _allows(
    rules: Iterable[SecurityGroupRule],
    peers: list[SecurityGroup],
    addresses: list[str],
    port: int,
    protocol: str = "tcp",
) -> bool:
    return any(_is_about(rule, port, protocol) and _names(rule, peers, addresses) for rule in rules)


def _is_about(rule: SecurityGroupRule, port: int, protocol: str = "tcp") -> bool:
    if rule.ip_protocol == "-1":
        return True
    return rule.ip_protocol == protocol and int(rule.from_port or 0) <= port <= int(
        rule.to_port or 0
    )


def _names(rule: SecurityGroupRule, peers: list[SecurityGroup], addresses: list[str]) -> bool:
    if rule.source_group:
        return rule.source_group.get("GroupId") in {peer.id for peer in peers}
    if rule.prefix_list_id:
        return False
    if not rule.cidr_ipv4:
        return False
    network = ip_network(rule.cidr_ipv4, strict=False)
    return any(ip_address(address) in network for address in addresses)


def _balancer(arn: str) -> FakeLoadBalancer | None:
    from moto.elbv2.models import elbv2_backends

    place = of_arn(arn)
    found: FakeLoadBalancer | None = elbv2_backends[place.account][place.region].load_balancers.get(
        arn
    )
    return found
