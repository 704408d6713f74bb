"""EC2. What is not made yet is `*`, and the tags of a request count for what is made alone."""

from __future__ import annotations

from collections.abc import Iterator

from moto.ec2.models import ec2_backends

from lab.aws.authorization.table import Asked, On, Service, Target, Want, passing
from lab.policies.needs import Tags

KINDS = {
    "acl": "network-acl",
    "eipalloc": "elastic-ip",
    "eigw": "egress-only-internet-gateway",
    "eni": "network-interface",
    "fl": "vpc-flow-log",
    "igw": "internet-gateway",
    "nat": "natgateway",
    "pcx": "vpc-peering-connection",
    "pl": "prefix-list",
    "rtb": "route-table",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "subnet": "subnet",
    "vgw": "vpn-gateway",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
}


def new(kind: str) -> On:
    """What the call makes."""
    return lambda asked: [Target(asked.arn(f"{kind}/*"), _tags_for(asked, kind))]


def new_if_tagged(kind: str) -> On:
    """The same, where it is looked at only with tags."""
    return lambda asked: new(kind)(asked) if _tags_for(asked, kind) else ()


def at(kind: str, *paths: str) -> On:
    """What the call is on or uses, by its identifier."""
    return lambda asked: [
        Target(asked.arn(f"{kind}/{id}"), {}) for path in paths for id in asked.all(path)
    ]


def _tags_for(asked: Asked, kind: str) -> Tags:
    return {
        tag["Key"]: tag.get("Value", "")
        for specification in asked.all("TagSpecifications")
        if specification.get("ResourceType") == kind
        for tag in specification.get("Tags", [])
    }


def _tagged(asked: Asked) -> Iterator[Target]:
    for id in asked.all("Resources"):
        kind = KINDS.get(id.rsplit("-", 1)[0], "*")
        yield Target(asked.arn(f"{kind}/{id}"), asked.tags)


def _associated(asked: Asked) -> Iterator[Target]:
    """The subnet of an association, and its route table unless the call names another."""
    wanted = asked.text("AssociationId")
    backend = ec2_backends[asked.place.account][asked.place.region]
    for table in backend.route_tables.values():
        if wanted not in table.all_associations_ids:
            continue
        if wanted in table._associations:
            yield Target(asked.arn(f"subnet/{table._associations[wanted]}"), {})
        if not asked.all("RouteTableId"):
            yield Target(asked.arn(f"route-table/{table.id}"), {})


def _subnet_of(asked: Asked) -> Iterator[Target]:
    """The subnet of an association with a network ACL."""
    backend = ec2_backends[asked.place.account][asked.place.region]
    for acl in backend.network_acls.values():
        for held in acl.associations:
            if held.id == asked.text("AssociationId"):
                yield Target(asked.arn(f"subnet/{held.subnet_id}"), {})


def _vpc_of(asked: Asked) -> Iterator[Target]:
    """The VPC of an association with a CIDR block."""
    backend = ec2_backends[asked.place.account][asked.place.region]
    for vpc in backend.vpcs.values():
        if asked.text("AssociationId") in vpc._cidr_block_association_set:
            yield Target(asked.arn(f"vpc/{vpc.id}"), {})


def _logged(asked: Asked) -> Iterator[Target]:
    """What flow logs are made for."""
    kinds = {"VPC": "vpc", "Subnet": "subnet", "NetworkInterface": "network-interface"}
    kind = kinds.get(asked.text("ResourceType"), "*")
    yield from at(kind, "ResourceIds")(asked)


RULES = (at("security-group", "GroupId"), new_if_tagged("security-group-rule"))
GROUP, ROUTES = (at("security-group", "GroupId"),), (at("route-table", "RouteTableId"),)
GATEWAY = at("internet-gateway", "InternetGatewayId")
VPC, SUBNET = at("vpc", "VpcId"), at("subnet", "SubnetId")
ACL = at("network-acl", "NetworkAclId")
ENDPOINT_PARTS = (
    at("route-table", "RouteTableIds", "AddRouteTableIds", "RemoveRouteTableIds"),
    at("subnet", "SubnetIds", "AddSubnetIds", "RemoveSubnetIds"),
    at("security-group", "SecurityGroupIds", "AddSecurityGroupIds", "RemoveSecurityGroupIds"),
)


def _beside(asked: Asked) -> Iterator[Want]:
    kinds = dict.fromkeys(asked.all("TagSpecifications.ResourceType"))
    for kind in kinds:
        tags = _tags_for(asked, kind)
        if tags:
            target = Target(asked.arn(f"{kind}/*"), tags)
            yield Want("ec2:CreateTags", target, {"ec2:createaction": (asked.operation,)})
    yield from _beside_endpoints(asked)
    if asked.operation == "CreateFlowLogs":
        yield from passing(asked, "vpc-flow-logs.amazonaws.com", "DeliverLogsPermissionArn")
        if asked.text("LogDestinationType") == "s3":
            yield Want("logs:CreateLogDelivery", Target("*", {}))


def _beside_endpoints(asked: Asked) -> Iterator[Want]:
    """Private DNS is a hosted zone of AWS's that the VPC is put beside."""
    is_new = asked.operation == "CreateVpcEndpoint"
    is_interface = asked.text("VpcEndpointType") == "Interface"
    wants_names = str(asked.text("PrivateDnsEnabled") or is_interface).lower() == "true"
    if wants_names and (is_new or asked.operation == "ModifyVpcEndpoint"):
        zone = f"arn:{asked.place.partition}:route53:::hostedzone/*"
        yield Want("route53:AssociateVPCWithHostedZone", Target(zone, {}))


SERVICE = Service(
    {
        "AllocateAddress": [new("elastic-ip")],
        "AssociateRouteTable": [*ROUTES, SUBNET],
        "AssociateVpcCidrBlock": [VPC],
        "AttachInternetGateway": [GATEWAY, VPC],
        "AuthorizeSecurityGroupEgress": RULES,
        "AuthorizeSecurityGroupIngress": RULES,
        "CreateFlowLogs": [new("vpc-flow-log"), _logged],
        "CreateInternetGateway": [new("internet-gateway")],
        "CreateNatGateway": [new("natgateway"), at("elastic-ip", "AllocationId"), SUBNET, VPC],
        "CreateNetworkAcl": [new("network-acl"), VPC],
        "CreateNetworkAclEntry": [ACL],
        "CreateRoute": ROUTES,
        "CreateRouteTable": [new("route-table"), VPC],
        "CreateSecurityGroup": [new("security-group"), VPC],
        "CreateSubnet": [new("subnet"), VPC],
        "CreateTags": [_tagged],
        "CreateVpc": [new("vpc")],
        "CreateVpcEndpoint": [new("vpc-endpoint"), VPC, *ENDPOINT_PARTS],
        "DeleteFlowLogs": [at("vpc-flow-log", "FlowLogIds")],
        "DeleteInternetGateway": [GATEWAY],
        "DeleteNatGateway": [at("natgateway", "NatGatewayId")],
        "DeleteNetworkAcl": [ACL],
        "DeleteNetworkAclEntry": [ACL],
        "DeleteRoute": ROUTES,
        "DeleteRouteTable": ROUTES,
        "DeleteSecurityGroup": GROUP,
        "DeleteSubnet": [SUBNET],
        "DeleteTags": [_tagged],
        "DeleteVpc": [VPC],
        "DeleteVpcEndpoints": [at("vpc-endpoint", "VpcEndpointIds")],
        "DescribeVpcAttribute": [VPC],
        "DetachInternetGateway": [GATEWAY, VPC],
        "DisassociateRouteTable": [_associated],
        "DisassociateVpcCidrBlock": [_vpc_of],
        "ModifySubnetAttribute": [SUBNET],
        "ModifyVpcAttribute": [VPC],
        "ModifyVpcEndpoint": [at("vpc-endpoint", "VpcEndpointId"), *ENDPOINT_PARTS],
        "ReleaseAddress": [at("elastic-ip", "AllocationId")],
        "ReplaceNetworkAclAssociation": [ACL, _subnet_of],
        "ReplaceNetworkAclEntry": [ACL],
        "ReplaceRoute": ROUTES,
        "ReplaceRouteTableAssociation": [*ROUTES, _associated],
        "RevokeSecurityGroupEgress": GROUP,
        "RevokeSecurityGroupIngress": GROUP,
        "UpdateSecurityGroupRuleDescriptionsEgress": GROUP,
        "UpdateSecurityGroupRuleDescriptionsIngress": GROUP,
    },
    _beside,
)
