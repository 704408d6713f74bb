"""What EC2 refuses of VPC endpoints, and what it takes where a request says nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.vpcs import VPCEndPoint

from lab.aws.ec2.endpoint_services import GATEWAY, INTERFACE, Offer, offered

FULL_ACCESS = json.dumps(VPCEndPoint.DEFAULT_POLICY)
DNS = (
    "DnsRecordIpType",
    "PrivateDnsOnlyForInboundResolverEndpoint",
    "PrivateDnsPreference",
    "PrivateDnsSpecifiedDomains",
)


@dataclass
class Wanted:
    """An endpoint as it is to be."""

    vpc: str
    offer: Offer
    subnets: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    policy: str | None = None
    private_dns: bool = False
    ip_type: str = "ipv4"
    dns: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def moves(self, endpoint: Any) -> bool:
        """Whether it takes AWS a while to get there from what there is."""
        now = (set(endpoint.subnet_ids), bool(endpoint.private_dns_enabled))
        return now != (set(self.subnets), self.private_dns)


def invalid(message: str) -> EC2ClientError:
    """What EC2 says of most that it does not take here."""
    return EC2ClientError("InvalidParameter", message)


def absent(id: str) -> str:
    """The words for an endpoint that is not there."""
    return f"The Vpc Endpoint Id '{id}' does not exist"


def present(ec2: Any, id: str) -> Any:
    """The endpoint, if it is there."""
    found = ec2.vpc_end_points.get(id)
    if found is None:
        raise EC2ClientError("InvalidVpcEndpointId.NotFound", absent(id))
    return found


def wanted(request: Any) -> Wanted:
    """What CreateVpcEndpoint asks for."""
    ec2, param = request.ec2_backend, request._get_param
    vpc = param("VpcId")
    if vpc not in ec2.vpcs:
        raise EC2ClientError("InvalidVpcId.NotFound", f"The Vpc Id {vpc} does not exist")
    offer = _offer(ec2, param("ServiceName"), param("VpcEndpointType") or GATEWAY)
    if (region := param("ServiceRegion") or offer.place.region) != offer.place.region:
        raise invalid(f"The service {offer.name} is not offered from {region}")
    it = Wanted(
        vpc,
        offer,
        subnets=_once(param("SubnetIds", [])),
        groups=_once(param("SecurityGroupIds", [])),
        tables=_once(param("RouteTableIds", [])),
        policy=_policy(param("PolicyDocument")),
        dns=_dns(request),
        tags=request._parse_tag_specification("vpc-endpoint").get("vpc-endpoint", {}),
    )
    if offer.kind == INTERFACE:
        it.groups = it.groups or [_default_group(ec2, vpc)]
    it.private_dns = bool(request._get_bool_param("PrivateDnsEnabled", offer.kind == INTERFACE))
    _check_kind(it, param("IpAddressType"))
    _check(ec2, it, None)
    return it


def change(request: Any, endpoint: Any) -> Wanted:
    """What ModifyVpcEndpoint makes of an endpoint."""
    param = request._get_param
    if endpoint.state == "deleting":
        raise EC2ClientError("InvalidVpcEndpointId.NotFound", absent(endpoint.id))
    if param("ResetPolicy") and param("PolicyDocument"):
        raise invalid("PolicyDocument and ResetPolicy cannot both be given.")
    reset = FULL_ACCESS if param("ResetPolicy") else None
    asked = request._get_bool_param("PrivateDnsEnabled")
    it = Wanted(
        endpoint.vpc_id,
        endpoint.offer,
        subnets=_changed(endpoint.subnet_ids, request, "SubnetIds"),
        groups=_changed(endpoint.security_group_ids, request, "SecurityGroupIds"),
        tables=_changed(endpoint.route_table_ids, request, "RouteTableIds"),
        policy=reset or _policy(param("PolicyDocument")),
        private_dns=bool(endpoint.private_dns_enabled if asked is None else asked),
        dns=_dns(request),
    )
    _check_kind(it, param("IpAddressType"))
    if endpoint.security_group_ids and not it.groups:
        raise invalid("An interface endpoint has one security group at least.")
    _check(request.ec2_backend, it, endpoint)
    return it


def check_route(ec2: Any, table: str, prefixes: str | None, gateway: str | None) -> None:
    """Refuses to change by hand what an endpoint has written into a table."""
    if (gateway or "").startswith("vpce-"):
        raise EC2ClientError(
            "InvalidParameterValue", f"Routes to the VPC endpoint {gateway} are the endpoint's own"
        )
    for endpoint in ec2.vpc_end_points.values():
        if prefixes == endpoint.destination_prefix_list_id and table in endpoint.route_table_ids:
            raise EC2ClientError(
                "InvalidParameterValue", f"cannot change VPC endpoint route {prefixes} in {table}"
            )


def _once(ids: list[str]) -> list[str]:
    return list(dict.fromkeys(ids))


def _changed(now: list[str], request: Any, what: str) -> list[str]:
    removed = request._get_param(f"Remove{what}", [])
    for id in removed:
        if id not in now:
            raise invalid(f"{id} is not associated with the VPC endpoint.")
    kept = [id for id in now if id not in removed]
    return _once([*kept, *request._get_param(f"Add{what}", [])])


def _offer(ec2: Any, service: str, kind: str) -> Offer:
    found = offered(ec2, service)
    for offer in found:
        if offer.kind == kind:
            return offer
    kinds = ", ".join(offer.kind for offer in found)
    raise invalid(f"Endpoint type ({kind}) does not match available service types ([{kinds}]).")


def _policy(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        is_policy = "Statement" in json.loads(text)
    except (ValueError, TypeError):
        is_policy = False
    if not is_policy:
        raise EC2ClientError("InvalidPolicyDocument", "The policy document is not valid JSON.")
    return text


def _dns(request: Any) -> dict[str, Any]:
    asked = request._get_param("DnsOptions") or {}
    return {name: asked[name] for name in DNS if asked.get(name) is not None}


def _default_group(ec2: Any, vpc: str) -> str:
    return next(str(group.id) for group in ec2.groups[vpc].values() if group.is_default)


def _check_kind(it: Wanted, ip_type: str | None) -> None:
    """Gateways have tables, and what has interfaces has subnets, groups and names."""
    if it.offer.kind == GATEWAY and (it.subnets or it.groups):
        raise invalid("A gateway endpoint takes neither subnets nor security groups.")
    if it.offer.kind == GATEWAY and it.private_dns:
        raise invalid("Private DNS can only be enabled for interface endpoints.")
    if it.offer.kind == INTERFACE and it.tables:
        raise invalid("An interface endpoint takes no route tables.")
    if ip_type not in (None, "ipv4"):
        raise invalid(f"The service {it.offer.name} does not support the type {ip_type}.")


def _check(ec2: Any, it: Wanted, endpoint: Any) -> None:
    _check_tables(ec2, it, endpoint)
    _check_subnets(ec2, it)
    for id in it.groups:
        group = ec2.get_security_group_from_id(id)
        if group is None:
            raise EC2ClientError(
                "InvalidGroup.NotFound", f"The security group '{id}' does not exist"
            )
        if group.vpc_id != it.vpc:
            raise invalid(f"The security group {id} does not belong to {it.vpc}.")
    if it.private_dns and not (endpoint is not None and endpoint.private_dns_enabled):
        _check_private_dns(ec2, it, endpoint)


def _check_tables(ec2: Any, it: Wanted, endpoint: Any) -> None:
    own = endpoint.route_table_ids if endpoint is not None else []
    for id in [id for id in it.tables if id not in own]:
        table = ec2.route_tables.get(id)
        if table is None:
            raise EC2ClientError(
                "InvalidRouteTableId.NotFound", f"The routeTable ID '{id}' does not exist"
            )
        if table.vpc_id != it.vpc:
            raise invalid(f"The route table {id} does not belong to {it.vpc}.")
        for route in table.routes:
            prefixes = route.destination_prefix_list
            if prefixes is not None and prefixes.prefix_list_name == it.offer.name:
                raise EC2ClientError(
                    "RouteAlreadyExists",
                    f"route table {id} already has a route with destination-prefix-list-id "
                    f"{prefixes.id}",
                )


def _check_subnets(ec2: Any, it: Wanted) -> None:
    known = {id: subnet for zone in ec2.subnets.values() for id, subnet in zone.items()}
    zones: set[str] = set()
    for id in it.subnets:
        if id not in known:
            raise EC2ClientError("InvalidSubnetId.NotFound", f"The subnet ID '{id}' does not exist")
        zone = known[id].availability_zone
        if known[id].vpc_id != it.vpc:
            raise invalid(f"The subnet {id} does not belong to {it.vpc}.")
        if zone not in it.offer.zones:
            raise invalid(
                f"The VPC endpoint service {it.offer.name} does not support the availability zone "
                f"of the subnet: {id}."
            )
        if zone in zones:
            raise EC2ClientError(
                "DuplicateSubnetsInSameZone",
                f"Found another VPC endpoint subnet in the availability zone of {id}. VPC endpoint "
                "subnets should be in different availability zones supported by the VPC endpoint "
                "service.",
            )
        zones.add(zone)


def _check_private_dns(ec2: Any, it: Wanted, endpoint: Any) -> None:
    vpc = ec2.vpcs[it.vpc]
    if not (vpc.enable_dns_support and vpc.enable_dns_hostnames):
        raise invalid(
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC "
            f"attributes set to true for {it.vpc}"
        )
    for other in ec2.vpc_end_points.values():
        is_same = other.vpc_id == it.vpc and other.service_name == it.offer.name
        if is_same and other is not endpoint and other.private_dns_enabled:
            raise invalid(
                "private-dns-enabled cannot be set because there is already a conflicting DNS "
                f"domain for {it.offer.domains[0]} in the VPC {it.vpc}"
            )
