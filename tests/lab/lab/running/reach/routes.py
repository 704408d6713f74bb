"""The way out of a subnet: whether what stands in it reaches AWS's own services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.aws.common import interfaces

if TYPE_CHECKING:
    from lab.world.places import Place

EVERYWHERE = "0.0.0.0/0"


def lead_out(place: Place, subnet_id: str, *, is_public: bool) -> bool:
    """Whether a task reaches the registry: by a gateway, or by an endpoint in its VPC.

    ECS developer guide, "Amazon ECS task networking options for Fargate": through an internet
    gateway with a public address, and through a NAT gateway without one.
    """
    ec2: Any = interfaces.backend(place)
    vpc = ec2.get_subnet(subnet_id).vpc_id
    if any(endpoint.vpc_id == vpc for endpoint in list(ec2.vpc_end_points.values())):
        return True
    tables = [table for table in list(ec2.route_tables.values()) if table.vpc_id == vpc]
    own = [table for table in tables if subnet_id in table._associations.values()]
    main = [table for table in tables if table.main_association_id]
    return any(
        route.nat_gateway is not None or is_public
        for table in own or main
        for route in table.routes
        if route.destination_cidr_block == EVERYWHERE and route.state == "active"
    )
