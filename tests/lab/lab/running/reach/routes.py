"""The way from a subnet to AWS's own services: an endpoint, or a gateway to the internet."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from lab.running.reach import acls
from lab.running.reach.acls import OF_AWS, OF_TASKS
from lab.running.reach.groups import is_let_in, lets_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from moto.ec2.models.elastic_network_interfaces import NetworkInterface

EVERYWHERE = "0.0.0.0/0"
HTTPS = 443
# Stands for all addresses that AWS's services, and others, have in the internet.
ELSEWHERE = "54.239.0.1"


def reaches(task: NetworkInterface, service: str | None) -> bool:
    """Whether a task reaches a service by its name, or the internet if it is none of AWS's here.

    PrivateLink guide: where private DNS is on, a service's name means the endpoint, and nothing
    else is tried. VPC user guide, "Route priority": so it is with the route of a gateway endpoint.
    """
    if service is not None:
        for endpoint in _named(task, service):
            return any(is_let_in(task, target, HTTPS) for target in _interfaces(task, endpoint))
        for prefixes in _routed(task, service):
            address = str(ip_network(prefixes.entries[1][0]["Cidr"])[1])
            return _leaves(task, address, prefixes.id)
    return any(_leads_out(task, route) for route in _routes(task, task.subnet.id))


def _named(task: NetworkInterface, service: str) -> Iterator[Any]:
    """The endpoint that has the name of a service in the VPC of a task."""
    vpc = task.ec2_backend.get_vpc(task.subnet.vpc_id)
    if not (vpc.enable_dns_support and vpc.enable_dns_hostnames):
        return
    for endpoint in list(task.ec2_backend.vpc_end_points.values()):
        is_here = endpoint.vpc_id == vpc.id and endpoint.offer.service == service
        if is_here and endpoint.serves and endpoint.private_dns_enabled:
            yield endpoint


def _interfaces(task: NetworkInterface, endpoint: Any) -> list[NetworkInterface]:
    present = task.ec2_backend.enis
    return [present[id] for id in endpoint.network_interface_ids if id in present]


def _routed(task: NetworkInterface, service: str) -> Iterator[Any]:
    """The prefix list of a service, if a gateway has written it into the table of the subnet."""
    for route in _routes(task, task.subnet.id):
        prefixes = route.destination_prefix_list
        is_its = prefixes is not None and prefixes.prefix_list_name.endswith(f".{service}")
        if is_its and getattr(route.gateway, "serves", False):
            yield prefixes


def _routes(task: NetworkInterface, subnet: str) -> list[Any]:
    """The routes of the table of a subnet: its own, or the VPC's main one."""
    present = list(task.ec2_backend.route_tables.values())
    tables = [table for table in present if table.vpc_id == task.subnet.vpc_id]
    own = [table for table in tables if subnet in table._associations.values()]
    main = [table for table in tables if table.main_association_id]
    return [route for table in own or main for route in table.routes]


def _leads_out(task: NetworkInterface, route: Any) -> bool:
    """ECS developer guide, "Amazon ECS task networking options for Fargate": through an internet
    gateway with a public address, and through a NAT gateway without one.
    """
    if route.destination_cidr_block != EVERYWHERE or route.state != "active":
        return False
    if not _leaves(task, ELSEWHERE):
        return False
    return bool(task.public_ip) if route.nat_gateway is None else _translates(task, route)


def _translates(task: NetworkInterface, route: Any) -> bool:
    """Whether a NAT gateway lets a task out: it is there, and has a way and rules of its own."""
    nat, ec2, address = route.nat_gateway, task.ec2_backend, str(task.private_ip_address)
    ways = [
        way
        for way in _routes(task, nat.subnet_id)
        if way.destination_cidr_block == EVERYWHERE and way.gateway is not None
    ]
    if nat.state != "available" or not any(way.state == "active" for way in ways):
        return False
    is_beside = nat.subnet_id == task.subnet.id
    return acls.goes_out(ec2, nat.subnet_id, ELSEWHERE, HTTPS, OF_AWS) and (
        is_beside or acls.comes_in(ec2, nat.subnet_id, address, HTTPS, OF_TASKS)
    )


def _leaves(task: NetworkInterface, address: str, prefixes: str | None = None) -> bool:
    """Whether the groups of a task and the ACL of its subnet let it out to an address."""
    subnet = task.subnet.id
    return lets_out(task, address, HTTPS, prefixes) and acls.goes_out(
        task.ec2_backend, subnet, address, HTTPS, OF_TASKS
    )
