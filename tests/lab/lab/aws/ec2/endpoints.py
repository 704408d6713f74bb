"""EC2's VPC endpoints: interfaces in subnets, routes in tables, states that take time."""

from __future__ import annotations

from functools import partial
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.models.core import TaggedEC2Resource
from moto.ec2.models.route_tables import RouteBackend, RouteTable
from moto.ec2.responses.route_tables import RouteTables
from moto.ec2.responses.vpcs import VPCs
from moto.ec2.utils import random_resource_id, random_vpc_ep_id

from lab.aws.common import interfaces
from lab.aws.common.patching import patch
from lab.aws.ec2 import endpoint_checks as checks
from lab.aws.ec2.endpoint_checks import Wanted
from lab.aws.ec2.endpoint_services import GATEWAY
from lab.aws.ec2.filters import Known, chosen
from lab.world.lab import Lab
from lab.world.places import of_backend

FILTERS: Known = {
    "ip-address-type": lambda endpoint: [endpoint.ip_address_type],
    "service-name": lambda endpoint: [endpoint.service_name],
    "service-region": lambda endpoint: [endpoint.service_region],
    "vpc-endpoint-id": lambda endpoint: [endpoint.id],
    "vpc-endpoint-state": lambda endpoint: [endpoint.state],
    "vpc-endpoint-type": lambda endpoint: [endpoint.vpc_endpoint_type],
    "vpc-id": lambda endpoint: [endpoint.vpc_id],
}


class Endpoint(TaggedEC2Resource):
    """An endpoint with all that AWS shows of it. It `serves` from when it is there to its end."""

    def __init__(self, ec2: Any, wanted: Wanted) -> None:
        offer = wanted.offer
        self.ec2_backend = ec2
        self.id = random_vpc_ep_id()
        self.vpc_id, self.offer = wanted.vpc, offer
        self.service_name, self.vpc_endpoint_type = offer.name, offer.kind
        self.service_region, self.owner_id = offer.place.region, ec2.account_id
        self.state = "pending"
        self.serves = False
        self.requester_managed = False
        self.creation_timestamp = utcnow()
        self.policy_document = wanted.policy or checks.FULL_ACCESS
        self.ip_address_type = wanted.ip_type
        self.private_dns_enabled = wanted.private_dns
        self.dns_options = {
            "DnsRecordIpType": "service-defined" if offer.kind == GATEWAY else "ipv4",
            "PrivateDnsPreference": "VERIFIED_DOMAINS_ONLY",
            "PrivateDnsSpecifiedDomains": ["*"],
            **wanted.dns,
        }
        self.dns_entries: list[dict[str, str]] = []
        self.route_table_ids: list[str] = []
        self.destination_prefix_list_id: str | None = None
        self.security_group_ids = list(wanted.groups)
        self.by_subnet: dict[str, str] = {}
        self.add_tags(wanted.tags)
        self._zone, self._word = random_resource_id(13).upper(), random_resource_id(8)

    @property
    def subnet_ids(self) -> list[str]:
        """Where its interfaces are."""
        return list(self.by_subnet)

    @property
    def network_interface_ids(self) -> list[str]:
        """Its interfaces, as its subnets are listed."""
        return list(self.by_subnet.values())

    @property
    def groups(self) -> list[dict[str, str]]:
        """Its security groups, by identifier and name."""
        found = [self.ec2_backend.get_security_group_from_id(id) for id in self.security_group_ids]
        return [{"GroupId": group.id, "GroupName": group.name} for group in found if group]

    def place_in(self, subnets: list[str]) -> None:
        """Puts interfaces into these subnets, and takes others away."""
        place = of_backend(self.ec2_backend)
        for subnet in [subnet for subnet in self.by_subnet if subnet not in subnets]:
            interfaces.delete(place, self.by_subnet.pop(subnet))
        for subnet in subnets:
            if subnet not in self.by_subnet:
                self.by_subnet[subnet] = interfaces.create(
                    place,
                    subnet,
                    self.security_group_ids,
                    f"VPC Endpoint Interface {self.id}",
                    "amazon-aws",
                    kind="vpc_endpoint",
                ).id

    def put_into(self, groups: list[str]) -> None:
        """Puts its interfaces into these security groups."""
        self.security_group_ids = groups
        for interface in self.by_subnet.values():
            interfaces.set_groups(of_backend(self.ec2_backend), interface, groups)

    def route_from(self, tables: list[str]) -> None:
        """Writes its route into these tables, and takes it out of others."""
        prefixes = prefix_list(self.ec2_backend, self.service_name)
        self.destination_prefix_list_id = prefixes
        for table in self.route_table_ids:
            if table not in tables and table in self.ec2_backend.route_tables:
                self.ec2_backend.delete_route(table, prefixes)
        for table in tables:
            if table not in self.route_table_ids:
                self.ec2_backend.create_route(
                    table, None, gateway_id=self.id, destination_prefix_list_id=prefixes
                )
        self.route_table_ids = list(tables)

    def name(self) -> None:
        """Gives it its names in DNS: one for all zones, one for each, and the private ones."""
        if self.offer.kind == GATEWAY:
            self.dns_entries = []
            return
        first = self.offer.domains[0].partition(f".{self.service_region}.")[0]
        rest = f"{first}.{self.service_region}.vpce.amazonaws.com"
        zones = [self.ec2_backend.get_subnet(s).availability_zone for s in self.by_subnet]
        labels = [self._word, *(f"{self._word}-{zone}" for zone in zones)]
        names = [f"{self.id}-{label}.{rest}" for label in labels]
        names += self.offer.domains if self.private_dns_enabled else []
        self.dns_entries = [{"DnsName": n, "HostedZoneId": f"Z{self._zone}"} for n in names]


def prefix_list(ec2: Any, service: str) -> str:
    """The prefix list of a service that takes gateways."""
    lists = ec2.managed_prefix_lists.values()
    return next(str(found.id) for found in lists if found.prefix_list_name == service)


def make(ec2: Any, wanted: Wanted) -> Endpoint:
    """Makes an endpoint that is not there yet."""
    endpoint = Endpoint(ec2, wanted)
    ec2.vpc_end_points[endpoint.id] = endpoint
    endpoint.place_in(wanted.subnets)
    if wanted.offer.kind == GATEWAY:
        endpoint.route_from(wanted.tables)
    endpoint.name()
    return endpoint


def arrive(endpoint: Endpoint) -> None:
    """Makes it available, unless it goes already."""
    if endpoint.state == "pending":
        endpoint.state, endpoint.serves = "available", True


def _remove(ec2: Any, endpoint: Endpoint) -> None:
    endpoint.place_in([])
    if endpoint.offer.kind == GATEWAY:
        endpoint.route_from([])
    ec2.vpc_end_points.pop(endpoint.id, None)
    ec2.tags.pop(endpoint.id, None)


def install(lab: Lab) -> None:
    """Patches moto's endpoints and what else knows their routes."""
    _patch_endpoints(lab)
    _patch_deletion(lab)
    _patch_routes()


def _patch_endpoints(lab: Lab) -> None:
    @patch(VPCs)
    def create_vpc_endpoint(self: Any) -> ActionResult:
        self.error_on_dryrun()
        endpoint = make(self.ec2_backend, checks.wanted(self))
        if endpoint.offer.kind == GATEWAY:
            arrive(endpoint)
        else:
            lab.timers.after("endpoint.creating", lambda: arrive(endpoint))
        return ActionResult({"VpcEndpoint": endpoint})

    @patch(VPCs)
    def modify_vpc_endpoint(self: Any) -> ActionResult:
        self.error_on_dryrun()
        endpoint: Endpoint = checks.present(self.ec2_backend, self._get_param("VpcEndpointId"))
        change = checks.change(self, endpoint)
        moves = change.moves(endpoint)
        endpoint.policy_document = change.policy or endpoint.policy_document
        endpoint.private_dns_enabled = change.private_dns
        endpoint.dns_options = {**endpoint.dns_options, **change.dns}
        endpoint.put_into(change.groups)
        endpoint.place_in(change.subnets)
        if endpoint.offer.kind == GATEWAY:
            endpoint.route_from(change.tables)
        endpoint.name()
        if moves:
            endpoint.state = "pending"
            lab.timers.after("endpoint.modifying", lambda: arrive(endpoint))
        return ActionResult({"Return": True})

    @patch(VPCs)
    def describe_vpc_endpoints(self: Any) -> ActionResult:
        ids = self._get_param("VpcEndpointIds", [])
        known = self.ec2_backend.vpc_end_points
        for id in ids:
            checks.present(self.ec2_backend, id)
        wanted = [known[id] for id in ids] or list(known.values())
        found = chosen(wanted, self._filters_from_querystring(), FILTERS)
        return ActionResult({"VpcEndpoints": found})


def _patch_deletion(lab: Lab) -> None:
    @patch(VPCs)
    def delete_vpc_endpoints(self: Any) -> ActionResult:
        self.error_on_dryrun()
        ec2, unsuccessful = self.ec2_backend, []
        for id in self._get_param("VpcEndpointIds", []):
            endpoint = ec2.vpc_end_points.get(id)
            if endpoint is None:
                error = {"Code": "InvalidVpcEndpoint.NotFound", "Message": checks.absent(id)}
                unsuccessful.append({"ResourceId": id, "Error": error})
            elif endpoint.state != "deleting":
                endpoint.state, endpoint.serves = "deleting", False
                kind = "gateway-" if endpoint.offer.kind == GATEWAY else ""
                lab.timers.after(f"endpoint.{kind}deleting", partial(_remove, ec2, endpoint))
        return ActionResult({"Unsuccessful": unsuccessful})


def _patch_routes() -> None:
    """The route of an endpoint is the endpoint's: it goes with its table, and not by itself."""

    @patch(RouteBackend)
    def delete_route_table(original: Any, self: Any, route_table_id: str) -> None:
        original(self, route_table_id)
        for endpoint in self.vpc_end_points.values():
            if route_table_id in endpoint.route_table_ids:
                endpoint.route_table_ids.remove(route_table_id)

    @patch(RouteTable)
    def get_filter_value(original: Any, self: Any, filter_name: str, *args: Any) -> Any:
        if filter_name == "route.destination-prefix-list-id":
            lists = [route.destination_prefix_list_id for route in self.routes]
            return [prefixes for prefixes in lists if prefixes]
        return original(self, filter_name, *args)

    for operation in ("create_route", "replace_route", "delete_route"):
        _patch_route(operation)


def _patch_route(operation: str) -> None:
    @patch(RouteTables, operation)
    def change(original: Any, self: Any) -> ActionResult:
        prefixes = self._get_param("DestinationPrefixListId")
        checks.check_route(
            self.ec2_backend,
            self._get_param("RouteTableId"),
            prefixes,
            self._get_param("GatewayId"),
        )
        answer: ActionResult = original(self)
        return answer
