"""VPC endpoints: what they take, what they hold, and the routes that they write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from conftest import RunningLab, until
from late import eventually, switch
from policy import ALL, allow, attach, needed
from stack import TAGS, network, refused, tags_for

S3, DYNAMODB = "com.amazonaws.eu-west-1.s3", "com.amazonaws.eu-west-1.dynamodb"
LOGS, ECR = "com.amazonaws.eu-west-1.logs", "com.amazonaws.eu-west-1.ecr.dkr"


class Net:
    """A VPC whose DNS is complete, and what endpoints are made of in it."""

    def __init__(self, lab: RunningLab) -> None:
        self.ec2 = lab.client("ec2")
        self.vpc, self.subnets, self.group = network(self.ec2)
        self.ec2.modify_vpc_attribute(VpcId=self.vpc, EnableDnsHostnames={"Value": True})
        of_vpc = [{"Name": "vpc-id", "Values": [self.vpc]}]
        tables = self.ec2.describe_route_tables(Filters=of_vpc)["RouteTables"]
        self.table: str = tables[0]["RouteTableId"]

    def make(self, service: str, **request: Any) -> Any:
        """An endpoint with interfaces, or a gateway when there are tables."""
        kind = "Gateway" if service in (S3, DYNAMODB) else "Interface"
        request = {"VpcEndpointType": kind, "VpcId": self.vpc, "ServiceName": service, **request}
        return self.ec2.create_vpc_endpoint(**request)["VpcEndpoint"]

    def show(self, id: str) -> Any:
        """The endpoint as it is."""
        return self.ec2.describe_vpc_endpoints(VpcEndpointIds=[id])["VpcEndpoints"][0]

    def change(self, id: str, **request: Any) -> None:
        """Modifies it."""
        self.ec2.modify_vpc_endpoint(VpcEndpointId=id, **request)

    def delete(self, *ids: str) -> list[Any]:
        """Deletes endpoints, and says which not."""
        found: list[Any] = self.ec2.delete_vpc_endpoints(VpcEndpointIds=list(ids))["Unsuccessful"]
        return found

    def routes(self, table: str = "") -> dict[str, str]:
        """The routes of a table to prefix lists, and the state of each."""
        found = self.ec2.describe_route_tables(RouteTableIds=[table or self.table])["RouteTables"]
        return {
            route["GatewayId"]: route["State"]
            for route in found[0]["Routes"]
            if "DestinationPrefixListId" in route
        }


@pytest.fixture
def net(lab: RunningLab) -> Net:
    """A VPC to put endpoints into."""
    return Net(lab)


def test_an_interface_endpoint_comes_with_what_aws_fills_in(net: Net) -> None:
    made = net.make(
        LOGS, SubnetIds=net.subnets, TagSpecifications=tags_for("vpc-endpoint"), ClientToken="a"
    )
    shown = net.show(made["VpcEndpointId"])
    assert shown["State"] == "available"
    assert (shown["IpAddressType"], shown["ServiceRegion"]) == ("ipv4", "eu-west-1")
    assert shown["DnsOptions"] == {
        "DnsRecordIpType": "ipv4",
        "PrivateDnsPreference": "VERIFIED_DOMAINS_ONLY",
        "PrivateDnsSpecifiedDomains": ["*"],
    }
    policy = json.loads(shown["PolicyDocument"])
    assert policy["Version"] == "2008-10-17"
    assert policy["Statement"][0]["Action"] == "*"
    assert [group["GroupName"] for group in shown["Groups"]] == ["default"]
    assert shown["PrivateDnsEnabled"] is True
    assert shown["RequesterManaged"] is False
    assert sorted(shown["SubnetIds"]) == sorted(net.subnets)
    names = [entry["DnsName"] for entry in shown["DnsEntries"]]
    assert names[0].startswith(made["VpcEndpointId"])
    assert names[0].endswith(".logs.eu-west-1.vpce.amazonaws.com")
    assert names[-1] == "logs.eu-west-1.amazonaws.com"
    assert len(names) == 4
    again = net.make(
        LOGS, SubnetIds=net.subnets, TagSpecifications=tags_for("vpc-endpoint"), ClientToken="a"
    )
    assert again["VpcEndpointId"] == made["VpcEndpointId"]


def test_endpoints_are_found_by_filters_and_tags(net: Net) -> None:
    logs = net.make(LOGS, TagSpecifications=tags_for("vpc-endpoint"))["VpcEndpointId"]
    s3 = net.make(S3)["VpcEndpointId"]

    def found(name: str, *values: str) -> list[str]:
        filters = [{"Name": name, "Values": list(values)}]
        shown = net.ec2.describe_vpc_endpoints(Filters=filters)["VpcEndpoints"]
        return [endpoint["VpcEndpointId"] for endpoint in shown]

    assert found("tag:stack", "test", "other") == [logs]
    assert found("service-name", S3) == [s3]
    assert found("vpc-endpoint-type", "Interface") == [logs]
    assert found("vpc-endpoint-state", "available") == [logs, s3]
    assert found("vpc-id", "vpc-1") == []
    with refused("InvalidParameterValue", "'color' is invalid"):
        found("color", "red")
    with refused("InvalidVpcEndpointId.NotFound"):
        net.show("vpce-1")
    assert {tag["Key"]: tag["Value"] for tag in net.show(logs)["Tags"]} == {
        tag["Key"]: tag["Value"] for tag in TAGS
    }
    shown = net.ec2.describe_vpc_endpoints(MaxResults=1)
    assert len(shown["VpcEndpoints"]) == 1
    assert shown["NextToken"]


def test_a_gateway_writes_routes_and_takes_them_along(net: Net) -> None:
    other = net.ec2.create_route_table(VpcId=net.vpc)["RouteTable"]["RouteTableId"]
    id = net.make(S3, RouteTableIds=[net.table])["VpcEndpointId"]
    shown = net.show(id)
    assert shown["DnsOptions"]["DnsRecordIpType"] == "service-defined"
    assert (shown["PrivateDnsEnabled"], shown["Groups"]) == (False, [])
    assert (net.routes(), net.routes(other)) == ({id: "active"}, {})
    with refused("RouteAlreadyExists", "already has a route with destination-prefix-list-id pl-"):
        net.make(S3, RouteTableIds=[net.table])
    net.change(id, AddRouteTableIds=[other])
    assert net.routes(other) == {id: "active"}
    net.change(id, RemoveRouteTableIds=[net.table])
    assert (net.routes(), net.show(id)["RouteTableIds"]) == ({}, [other])
    net.ec2.delete_route_table(RouteTableId=other)
    assert net.show(id)["RouteTableIds"] == []
    net.change(id, AddRouteTableIds=[net.table])
    assert net.delete(id) == []
    assert net.routes() == {}


def test_the_route_of_a_gateway_is_not_changed_by_hand(net: Net) -> None:
    id = net.make(S3, RouteTableIds=[net.table])["VpcEndpointId"]
    name = [{"Name": "prefix-list-name", "Values": [S3]}]
    (prefixes,) = net.ec2.describe_prefix_lists(Filters=name)["PrefixLists"]
    route = {"RouteTableId": net.table, "DestinationPrefixListId": prefixes["PrefixListId"]}
    of_list = {"Name": "route.destination-prefix-list-id", "Values": [prefixes["PrefixListId"]]}
    (found,) = net.ec2.describe_route_tables(Filters=[of_list])["RouteTables"]
    assert found["RouteTableId"] == net.table
    with refused("InvalidParameterValue"):
        net.ec2.delete_route(**route)
    with refused("InvalidParameterValue"):
        net.ec2.create_route(RouteTableId=net.table, DestinationCidrBlock="1.0.0.0/8", GatewayId=id)


def test_prefix_lists_of_services_are_aws_own(net: Net) -> None:
    lists = net.ec2.describe_prefix_lists()["PrefixLists"]
    assert {found["PrefixListName"] for found in lists} == {S3, DYNAMODB}
    assert all(found["Cidrs"] for found in lists)
    ids = [lists[0]["PrefixListId"]]
    (managed,) = net.ec2.describe_managed_prefix_lists(PrefixListIds=ids)["PrefixLists"]
    assert (managed["OwnerId"], managed["AddressFamily"]) == ("AWS", "IPv4")
    with refused("InvalidPrefixListId.NotFound"):
        net.ec2.describe_prefix_lists(PrefixListIds=["pl-1"])
    with refused("InvalidPrefixListID.NotFound"):
        net.ec2.describe_managed_prefix_lists(PrefixListIds=["pl-1"])


def test_what_no_endpoint_takes_is_refused(net: Net) -> None:
    with refused("InvalidServiceName"):
        net.make("com.amazonaws.eu-west-1.nothing")
    with refused("InvalidParameter", "does not match available service types"):
        net.make(LOGS, VpcEndpointType="Gateway")
    with refused("InvalidVpcId.NotFound"):
        net.make(LOGS, VpcId="vpc-1")
    with refused("InvalidSubnetId.NotFound"):
        net.make(LOGS, SubnetIds=["subnet-1"])
    with refused("InvalidGroup.NotFound"):
        net.make(LOGS, SecurityGroupIds=["sg-1"])
    with refused("InvalidRouteTableId.NotFound"):
        net.make(S3, RouteTableIds=["rtb-1"])
    with refused("InvalidParameter"):
        net.make(S3, SubnetIds=net.subnets)
    with refused("InvalidParameter"):
        net.make(LOGS, RouteTableIds=[net.table])
    with refused("InvalidPolicyDocument"):
        net.make(S3, PolicyDocument="{")
    with refused("InvalidParameter"):
        net.make(LOGS, IpAddressType="dualstack")
    second = net.ec2.create_subnet(
        VpcId=net.vpc, CidrBlock="10.20.9.0/24", AvailabilityZone="eu-west-1a"
    )["Subnet"]["SubnetId"]
    with refused("DuplicateSubnetsInSameZone"):
        net.make(LOGS, SubnetIds=[net.subnets[0], second])
    assert net.ec2.describe_vpc_endpoints()["VpcEndpoints"] == []


def test_private_dns_needs_the_vpc_and_is_one_endpoints_alone(net: Net) -> None:
    first = net.make(LOGS)["VpcEndpointId"]
    words = "conflicting DNS domain for logs.eu-west-1.amazonaws.com in the VPC"
    with refused("InvalidParameter", words):
        net.make(LOGS)
    second = net.make(LOGS, PrivateDnsEnabled=False)["VpcEndpointId"]
    with refused("InvalidParameter", words):
        net.change(second, PrivateDnsEnabled=True)
    net.delete(first)
    net.change(second, PrivateDnsEnabled=True)
    assert net.show(second)["PrivateDnsEnabled"] is True
    net.ec2.modify_vpc_attribute(VpcId=net.vpc, EnableDnsHostnames={"Value": False})
    with refused("InvalidParameter", "requires both enableDnsSupport and enableDnsHostnames"):
        net.make(ECR)


def test_an_endpoint_changes_where_it_can(net: Net) -> None:
    id = net.make(LOGS, SubnetIds=net.subnets[:1])["VpcEndpointId"]
    default = net.show(id)["Groups"][0]["GroupId"]
    net.change(
        id,
        AddSubnetIds=net.subnets[1:],
        RemoveSubnetIds=net.subnets[:1],
        AddSecurityGroupIds=[net.group],
        RemoveSecurityGroupIds=[default],
        PolicyDocument='{"Version": "2012-10-17", "Statement": []}',
    )
    shown = net.show(id)
    assert shown["SubnetIds"] == net.subnets[1:]
    assert [group["GroupId"] for group in shown["Groups"]] == [net.group]
    assert json.loads(shown["PolicyDocument"])["Version"] == "2012-10-17"
    interfaces = net.ec2.describe_network_interfaces(
        NetworkInterfaceIds=shown["NetworkInterfaceIds"]
    )["NetworkInterfaces"]
    assert [found["SubnetId"] for found in interfaces] == net.subnets[1:]
    assert interfaces[0]["InterfaceType"] == "vpc_endpoint"
    assert [group["GroupId"] for group in interfaces[0]["Groups"]] == [net.group]
    net.change(id, ResetPolicy=True)
    assert json.loads(net.show(id)["PolicyDocument"])["Version"] == "2008-10-17"
    with refused("InvalidParameter", "is not associated"):
        net.change(id, RemoveSubnetIds=net.subnets[:1])
    with refused("InvalidParameter"):
        net.change(id, AddRouteTableIds=[net.table])
    with refused("InvalidParameter"):
        net.change(id, RemoveSecurityGroupIds=[net.group])
    with refused("InvalidVpcEndpointId.NotFound"):
        net.change("vpce-1", ResetPolicy=True)


def test_the_interfaces_of_an_endpoint_hold_groups_subnets_and_vpc(net: Net) -> None:
    id = net.make(LOGS, SubnetIds=net.subnets, SecurityGroupIds=[net.group])["VpcEndpointId"]
    with refused("DependencyViolation"):
        net.ec2.delete_security_group(GroupId=net.group)
    with refused("DependencyViolation"):
        net.ec2.delete_subnet(SubnetId=net.subnets[0])
    assert [it["ResourceId"] for it in net.delete(id, "vpce-1")] == ["vpce-1"]
    (wrong,) = net.delete(id)
    assert wrong["Error"]["Code"] == "InvalidVpcEndpoint.NotFound"
    net.ec2.delete_security_group(GroupId=net.group)
    net.ec2.delete_subnet(SubnetId=net.subnets[0])


def test_services_are_those_of_the_region(lab: RunningLab) -> None:
    ec2 = lab.client("ec2")
    (logs,) = ec2.describe_vpc_endpoint_services(ServiceNames=[LOGS])["ServiceDetails"]
    assert logs["ServiceType"] == [{"ServiceType": "Interface"}]
    assert logs["PrivateDnsName"] == "logs.eu-west-1.amazonaws.com"
    assert logs["AvailabilityZones"] == ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
    gateways = [{"Name": "service-type", "Values": ["Gateway"]}]
    found = ec2.describe_vpc_endpoint_services(Filters=gateways)
    assert found["ServiceNames"] == [DYNAMODB, S3]
    (ecr,) = ec2.describe_vpc_endpoint_services(ServiceNames=[ECR])["ServiceDetails"]
    assert [name["PrivateDnsName"] for name in ecr["PrivateDnsNames"]] == [
        "dkr.ecr.eu-west-1.amazonaws.com",
        "*.dkr.ecr.eu-west-1.amazonaws.com",
    ]
    with refused("InvalidServiceName"):
        ec2.describe_vpc_endpoint_services(ServiceNames=["com.amazonaws.us-east-1.logs"])
    assert lab.get("model-check")["refused"] == []


def test_endpoints_are_in_the_inventory_and_the_tagging_index(net: Net, lab: RunningLab) -> None:
    id = net.make(LOGS, TagSpecifications=tags_for("vpc-endpoint"))["VpcEndpointId"]
    kinds = {entry["arn"]: entry for entry in lab.get("inventory")["resources"]}
    arn = f"arn:aws:ec2:eu-west-1:123456789012:vpc-endpoint/{id}"
    assert (kinds[arn]["kind"], kinds[arn]["state"]) == ("ec2:vpc-endpoint", "available")
    tagging = lab.client("resourcegroupstaggingapi")
    found = tagging.get_resources(ResourceTypeFilters=["ec2:vpc-endpoint"])
    assert [one["ResourceARN"] for one in found["ResourceTagMappingList"]] == [arn]
    net.delete(id)
    assert arn not in {entry["arn"] for entry in lab.get("inventory")["resources"]}


def test_a_young_endpoint_is_found_late(net: Net, lab: RunningLab) -> None:
    switch(lab, "describe-after-create", "second-call")
    id = net.make(S3)["VpcEndpointId"]
    with refused("InvalidVpcEndpointId.NotFound"):
        net.change(id, ResetPolicy=True)
    eventually(lambda: net.show(id), "InvalidVpcEndpointId.NotFound")
    net.change(id, ResetPolicy=True)


def test_a_region_has_twenty_gateways(net: Net, lab: RunningLab) -> None:
    switch(lab, "quotas")
    for _ in range(20):
        net.make(S3)
    with refused("VpcEndpointLimitExceeded"):
        net.make(S3)


def test_endpoints_take_their_time(start_lab: Any) -> None:
    slow = start_lab("--scale", "0.006")
    net = Net(slow)
    made = net.make(LOGS, SubnetIds=net.subnets)
    id = made["VpcEndpointId"]
    assert made["State"] == "pending"
    assert net.make(S3, RouteTableIds=[net.table])["State"] == "available"
    until(lambda: net.show(id)["State"] == "available", "the endpoint", 5)
    net.change(id, RemoveSubnetIds=net.subnets[1:])
    assert net.show(id)["State"] == "pending"
    until(lambda: net.show(id)["State"] == "available", "the change", 5)
    net.delete(id)
    assert net.show(id)["State"] == "deleting"
    assert net.delete(id) == []
    with refused("InvalidParameter", "conflicting DNS domain"):
        net.make(LOGS)
    with refused("DependencyViolation"):
        net.ec2.delete_subnet(SubnetId=net.subnets[0])

    def gone() -> bool:
        try:
            return not net.show(id)
        except ClientError:
            return True

    until(gone, "the end of the endpoint", 5)
    net.ec2.delete_subnet(SubnetId=net.subnets[0])


def test_an_endpoint_needs_rights_on_all_that_it_is_made_of(net: Net, lab: RunningLab) -> None:
    attach(lab, ALL)
    id = net.make(LOGS, SubnetIds=net.subnets[:1], TagSpecifications=tags_for("vpc-endpoint"))[
        "VpcEndpointId"
    ]
    assert needed(lab, "ec2:CreateVpcEndpoint") == [
        f"subnet/{net.subnets[0]}",
        "vpc-endpoint/*",
        f"vpc/{net.vpc}",
    ]
    assert needed(lab, "ec2:CreateTags") == ["vpc-endpoint/*"]
    assert needed(lab, "route53:AssociateVPCWithHostedZone") == ["hostedzone/*"]
    attach(lab, ALL)
    net.change(id, AddSecurityGroupIds=[net.group])
    net.make(S3, RouteTableIds=[net.table])
    net.delete(id)
    assert needed(lab, "ec2:ModifyVpcEndpoint") == [
        f"security-group/{net.group}",
        f"vpc-endpoint/{id}",
    ]
    assert needed(lab, "ec2:DeleteVpcEndpoints") == [f"vpc-endpoint/{id}"]
    assert needed(lab, "route53:AssociateVPCWithHostedZone") == []
    tagged = allow("ec2:DeleteVpcEndpoints", StringEquals={"aws:ResourceTag/stack": "test"})
    attach(lab, tagged, allow("ec2:Describe*", "ec2:Create*"))
    with refused("UnauthorizedOperation"):
        net.delete(net.make(S3)["VpcEndpointId"])
    net.delete(net.make(S3, TagSpecifications=tags_for("vpc-endpoint"))["VpcEndpointId"])
