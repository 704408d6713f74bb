"""EC2's network: no default VPC, delete order enforced, tags looked up directly."""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.core import TaggedEC2Resource
from moto.ec2.models.internet_gateways import InternetGateway, InternetGatewayBackend
from moto.ec2.models.route_tables import Route, RouteBackend
from moto.ec2.models.subnets import SubnetBackend
from moto.ec2.models.tags import TagBackend
from moto.ec2.models.vpcs import VPCBackend

from lab.aws.common.patching import patch, put
from lab.world.lab import Lab


def has_dependencies(kind: str, id: str) -> DependencyViolationError:
    """What EC2 says when something still holds a resource."""
    return DependencyViolationError(f"The {kind} '{id}' has dependencies and cannot be deleted.")


def _is_default(acl: Any) -> bool:
    return str(acl.default) in ("True", "true")


def _state(route: Route) -> str:
    """A route whose gateway is not attached to its VPC, or is gone, leads nowhere."""
    # moto's types know only None for a gateway and its VPC.
    gateway: Any = route.gateway
    nat = route.nat_gateway
    if isinstance(gateway, InternetGateway):
        vpc: Any = gateway.vpc
        leads = vpc is not None and vpc.id == route.route_table.vpc_id
    else:
        leads = nat is None or nat.state != "deleted"
    return "active" if leads else "blackhole"


def install(lab: Lab) -> None:
    """Patches moto's VPCs, subnets, gateways and route tables."""

    @patch(EC2Backend)
    def __init__(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        for collection in (self.vpcs, self.subnets, self.route_tables, self.groups):
            collection.clear()
        self.amis.clear()
        self.snapshots.clear()
        self.network_acls.clear()
        self.internet_gateways.clear()
        self.dhcp_options_sets.clear()
        self.tags.clear()

    @patch(TaggedEC2Resource)
    def get_tags(self: Any) -> list[dict[str, str]]:
        tags = self.ec2_backend.tags.get(self.id) or {}
        return [{"key": k, "value": v, "resource_id": self.id} for k, v in tags.items()]

    @patch(TagBackend)
    def create_tags(original: Any, self: Any, ids: list[str], tags: dict[str, str]) -> bool:
        for key, value in tags.items():
            if len(key) > 127 or len(value or "") > 255:
                raise EC2ClientError(
                    "InvalidParameterValue",
                    "Tag key exceeds the maximum length of 127 characters"
                    if len(key) > 127
                    else "Tag value exceeds the maximum length of 255 characters",
                )
            if key.lower().startswith("aws:"):
                raise EC2ClientError(
                    "InvalidParameterValue",
                    "Tag keys starting with 'aws:' are reserved for internal use",
                )
        result: bool = original(self, ids, tags)
        return result

    @patch(SubnetBackend)
    def create_default_subnet(self: Any, availability_zone: str) -> None:
        """Makes none: the account has no default VPC."""

    @patch(SubnetBackend)
    def create_subnet(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        subnet = original(self, *args, **kwargs)
        subnet.default_for_az = False
        subnet.map_public_ip_on_launch = False
        return subnet

    @patch(SubnetBackend)
    def delete_subnet(original: Any, self: Any, subnet_id: str) -> Any:
        if any(interface.subnet.id == subnet_id for interface in self.enis.values()):
            raise has_dependencies("subnet", subnet_id)
        subnet = original(self, subnet_id)
        for table in self.route_tables.values():
            for association in [a for a, s in table._associations.items() if s == subnet_id]:
                del table._associations[association]
        self.tags.pop(subnet_id, None)
        return subnet

    @patch(VPCBackend)
    def delete_vpc(original: Any, self: Any, vpc_id: str) -> Any:
        self.get_vpc(vpc_id)
        gateways = [g for g in self.internet_gateways.values() if g.vpc and g.vpc.id == vpc_id]
        groups = [g for g in self.groups[vpc_id].values() if not g.is_default]
        tables = [
            table
            for table in self.route_tables.values()
            if table.vpc_id == vpc_id and not table.main_association_id
        ]
        endpoints = [
            e for e in self.vpc_end_points.values() if e.vpc_id == vpc_id and e.state != "deleted"
        ]
        lists = [a for a in self.network_acls.values() if a.vpc_id == vpc_id and not _is_default(a)]
        if gateways or groups or tables or endpoints or lists:
            raise has_dependencies("vpc", vpc_id)
        vpc = original(self, vpc_id)
        for acl in [a for a in self.network_acls.values() if a.vpc_id == vpc_id]:
            del self.network_acls[acl.id]
        self.groups.pop(vpc_id, None)
        self.tags.pop(vpc_id, None)
        return vpc

    @patch(InternetGatewayBackend)
    def delete_internet_gateway(original: Any, self: Any, internet_gateway_id: str) -> None:
        if self.get_internet_gateway(internet_gateway_id).vpc:
            raise has_dependencies("internetGateway", internet_gateway_id)
        original(self, internet_gateway_id)
        self.tags.pop(internet_gateway_id, None)

    @patch(InternetGatewayBackend)
    def detach_internet_gateway(
        original: Any, self: Any, internet_gateway_id: str, vpc_id: str
    ) -> None:
        if any(i.public_ip and i.subnet.vpc_id == vpc_id for i in self.enis.values()):
            raise DependencyViolationError(
                f"Network {vpc_id} has some mapped public address(es). Please unmap those "
                "public address(es) before detaching the gateway."
            )
        original(self, internet_gateway_id, vpc_id)

    @patch(InternetGatewayBackend)
    def attach_internet_gateway(
        original: Any, self: Any, internet_gateway_id: str, vpc_id: str
    ) -> Any:
        holder = [g for g in self.internet_gateways.values() if g.vpc and g.vpc.id == vpc_id]
        if holder:
            raise EC2ClientError(
                "Resource.AlreadyAssociated",
                f"resource {holder[0].id} is already attached to network {vpc_id}",
            )
        return original(self, internet_gateway_id, vpc_id)

    @patch(RouteBackend)
    def associate_route_table(
        original: Any,
        self: Any,
        route_table_id: str,
        gateway_id: str | None = None,
        subnet_id: str | None = None,
    ) -> Any:
        for table in self.route_tables.values():
            held = subnet_id and subnet_id in table._associations.values()
            if held and table.id != route_table_id:
                raise EC2ClientError(
                    "Resource.AlreadyAssociated",
                    f"the specified association for route table {route_table_id} conflicts with "
                    "an existing association",
                )
        return original(self, route_table_id, gateway_id, subnet_id)

    put(Route, state=property(_state))

    @patch(RouteBackend)
    def delete_route_table(original: Any, self: Any, route_table_id: str) -> None:
        original(self, route_table_id)
        self.tags.pop(route_table_id, None)

    @patch(RouteBackend)
    def create_route(original: Any, self: Any, route_table_id: str, *args: Any, **kw: Any) -> Any:
        destination = (
            args[0]
            if args
            else kw.get("destination_cidr_block") or kw.get("destination_ipv6_cidr_block")
        )
        gateway = self.internet_gateways.get(kw.get("gateway_id"))
        vpc = self.get_route_table(route_table_id).vpc_id
        if gateway is not None and (gateway.vpc is None or gateway.vpc.id != vpc):
            raise EC2ClientError(
                "InvalidParameterValue",
                f"route table {route_table_id} and network gateway {gateway.id} belong to "
                "different networks",
            )
        if not kw.get("local"):
            for route in self.get_route_table(route_table_id)._routes.values():
                if destination and str(route.destination_cidr_block) == str(destination):
                    raise EC2ClientError(
                        "RouteAlreadyExists",
                        f"The route identified by {destination} already exists.",
                    )
        return original(self, route_table_id, *args, **kw)
