"""EC2 as the deployer uses it."""

from __future__ import annotations

from conftest import RunningLab
from stack import (
    TAGS,
    balancer,
    gateway_of,
    network,
    refused,
    remove_gateway,
    tags_for,
)

MINE = [{"Name": "tag:stack", "Values": ["test"]}]


def test_a_new_account_has_no_network_and_the_zones_of_the_region(lab: RunningLab) -> None:
    ec2 = lab.client("ec2")
    assert ec2.describe_vpcs()["Vpcs"] == []
    assert ec2.describe_subnets()["Subnets"] == []
    assert ec2.describe_security_groups()["SecurityGroups"] == []
    zones = ec2.describe_availability_zones()["AvailabilityZones"]
    assert [zone["ZoneName"] for zone in zones] == ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
    assert lab.client("sts").get_caller_identity()["Account"] == "123456789012"


def test_vpc_attributes_and_subnets_hold_what_was_set(lab: RunningLab) -> None:
    ec2 = lab.client("ec2")
    vpc, subnets, _ = network(ec2)
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    read = ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")
    assert read["EnableDnsHostnames"] == {"Value": True}
    assert ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsSupport")["EnableDnsSupport"][
        "Value"
    ]
    found = ec2.describe_subnets(Filters=MINE)["Subnets"]
    assert [s["MapPublicIpOnLaunch"] for s in found] == [False, False]
    ec2.modify_subnet_attribute(SubnetId=subnets[0], MapPublicIpOnLaunch={"Value": True})
    found = ec2.describe_subnets(SubnetIds=[subnets[0]])["Subnets"]
    assert found[0]["MapPublicIpOnLaunch"] is True
    assert found[0]["VpcId"] == vpc


def test_nat_gateway_holds_its_address_and_the_internet_gateway(lab: RunningLab) -> None:
    ec2 = lab.client("ec2")
    vpc, subnets, _ = network(ec2)
    igw_id = gateway_of(ec2, vpc)
    eip = ec2.allocate_address(Domain="vpc", TagSpecifications=tags_for("elastic-ip"))
    nat = ec2.create_nat_gateway(
        SubnetId=subnets[0],
        AllocationId=eip["AllocationId"],
        TagSpecifications=tags_for("natgateway"),
        ClientToken="once",
    )["NatGateway"]
    again = ec2.create_nat_gateway(
        SubnetId=subnets[0],
        AllocationId=eip["AllocationId"],
        TagSpecifications=tags_for("natgateway"),
        ClientToken="once",
    )["NatGateway"]
    assert again["NatGatewayId"] == nat["NatGatewayId"]
    assert [a["AllocationId"] for a in ec2.describe_addresses(Filters=MINE)["Addresses"]] == [
        eip["AllocationId"]
    ]
    found = ec2.describe_nat_gateways(Filters=MINE)["NatGateways"]
    assert [n["State"] for n in found] == ["available"]
    assert found[0]["NatGatewayAddresses"][0]["PublicIp"] == eip["PublicIp"]
    assert {t["Key"]: t["Value"] for t in found[0]["Tags"]} == {"stack": "test", "Name": "web"}
    with refused("InvalidIPAddress.InUse"):
        ec2.release_address(AllocationId=eip["AllocationId"])
    with refused("DependencyViolation"):
        ec2.detach_internet_gateway(InternetGatewayId=igw_id, VpcId=vpc)
    with refused("DependencyViolation"):
        ec2.delete_subnet(SubnetId=subnets[0])
    with refused("DependencyViolation"):
        ec2.delete_internet_gateway(InternetGatewayId=igw_id)
    ec2.delete_nat_gateway(NatGatewayId=nat["NatGatewayId"])
    assert ec2.describe_nat_gateways()["NatGateways"][0]["State"] == "deleted"
    ec2.release_address(AllocationId=eip["AllocationId"])
    ec2.detach_internet_gateway(InternetGatewayId=igw_id, VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=igw_id)
    ec2.delete_subnet(SubnetId=subnets[0])


def test_route_tables_with_routes_and_associations(lab: RunningLab) -> None:
    ec2 = lab.client("ec2")
    vpc, subnets, _ = network(ec2)
    igw = gateway_of(ec2, vpc)
    tables = [
        ec2.create_route_table(
            VpcId=vpc, TagSpecifications=tags_for("route-table"), ClientToken="routes"
        )["RouteTable"]["RouteTableId"]
        for _ in range(2)
    ]
    assert tables[0] == tables[1]
    table = tables[0]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=igw)
    with refused("RouteAlreadyExists"):
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=igw)
    ec2.replace_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=igw)
    link = ec2.associate_route_table(RouteTableId=table, SubnetId=subnets[0])["AssociationId"]
    other = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    with refused("Resource.AlreadyAssociated"):
        ec2.associate_route_table(RouteTableId=other, SubnetId=subnets[0])
    with refused("DependencyViolation"):
        ec2.delete_route_table(RouteTableId=table)
    read = ec2.describe_route_tables(Filters=MINE)["RouteTables"][0]
    assert {r["DestinationCidrBlock"]: r.get("GatewayId") for r in read["Routes"]} == {
        "10.20.0.0/16": "local",
        "0.0.0.0/0": igw,
    }
    assert read["Associations"][0]["SubnetId"] == subnets[0]
    assert read["Associations"][0]["Main"] is False
    ec2.disassociate_route_table(AssociationId=link)

    def states() -> set[str]:
        read = ec2.describe_route_tables(Filters=MINE)["RouteTables"][0]
        return {route["State"] for route in read["Routes"]}

    assert states() == {"active"}
    ec2.detach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
    assert states() == {"active", "blackhole"}
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    ec2.delete_route_table(RouteTableId=table)


def test_descriptions_of_groups_and_rules_take_ascii_alone(lab: RunningLab) -> None:
    ec2 = lab.client("ec2")
    vpc, _, group = network(ec2)
    ranges = [{"CidrIp": "10.0.0.0/8", "Description": ""}]
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": ranges}
    for text in ["Köln", "it's ours", "x" * 256]:
        with refused("InvalidParameterValue"):
            ec2.create_security_group(VpcId=vpc, GroupName="other", Description=text)
        ranges[0]["Description"] = text
        for authorize in (
            ec2.authorize_security_group_ingress,
            ec2.authorize_security_group_egress,
        ):
            with refused("InvalidParameterValue"):
                authorize(GroupId=group, IpPermissions=[rule])
    ranges[0]["Description"] = "administrators: #1 (office) & co."
    added = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    named = {"SecurityGroupRuleId": added["SecurityGroupRules"][0]["SecurityGroupRuleId"]}
    with refused("InvalidParameterValue"):
        ec2.update_security_group_rule_descriptions_ingress(
            GroupId=group, SecurityGroupRuleDescriptions=[{**named, "Description": "Köln"}]
        )
    with refused("InvalidParameterValue"):
        changed = {
            "IpProtocol": "tcp",
            "FromPort": 22,
            "ToPort": 22,
            "CidrIpv4": "10.0.0.0/8",
            "Description": "Köln",
        }
        ec2.modify_security_group_rules(
            GroupId=group, SecurityGroupRules=[{**named, "SecurityGroupRule": changed}]
        )


def test_security_group_rules_carry_tags_and_change_in_place(lab: RunningLab) -> None:
    ec2 = lab.client("ec2")
    vpc, _, group = network(ec2)
    source = ec2.create_security_group(VpcId=vpc, GroupName="edge", Description="edge")["GroupId"]
    permissions = [
        {
            "IpProtocol": "tcp",
            "FromPort": 80,
            "ToPort": 80,
            "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "all"}],
        },
        {
            "IpProtocol": "tcp",
            "FromPort": 8080,
            "ToPort": 8080,
            "UserIdGroupPairs": [{"GroupId": source, "Description": "edge"}],
        },
    ]
    added = ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=permissions, TagSpecifications=tags_for("security-group-rule")
    )["SecurityGroupRules"]
    assert len(added) == 2
    assert all({t["Key"] for t in rule["Tags"]} == {"stack", "Name"} for rule in added)
    assert added[1]["ReferencedGroupInfo"]["GroupId"] == source
    assert [rule["Description"] for rule in added] == ["all", "edge"]
    with refused("InvalidPermission.Duplicate"):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=permissions[::-1])
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    egress = [rule for rule in rules["SecurityGroupRules"] if rule["IsEgress"]]
    assert len(rules["SecurityGroupRules"]) == 3
    assert egress[0]["CidrIpv4"] == "0.0.0.0/0" and egress[0]["IpProtocol"] == "-1"
    tagged = ec2.describe_security_group_rules(Filters=MINE)["SecurityGroupRules"]
    assert {rule["SecurityGroupRuleId"] for rule in tagged} == {
        r["SecurityGroupRuleId"] for r in added
    }
    ec2.modify_security_group_rules(
        GroupId=group,
        SecurityGroupRules=[
            {
                "SecurityGroupRuleId": added[0]["SecurityGroupRuleId"],
                "SecurityGroupRule": {
                    "IpProtocol": "tcp",
                    "FromPort": 443,
                    "ToPort": 443,
                    "CidrIpv4": "10.0.0.0/8",
                    "Description": "inside",
                },
            }
        ],
    )
    changed = ec2.describe_security_group_rules(
        SecurityGroupRuleIds=[added[0]["SecurityGroupRuleId"]]
    )
    assert changed["SecurityGroupRules"][0]["FromPort"] == 443
    assert changed["SecurityGroupRules"][0]["CidrIpv4"] == "10.0.0.0/8"
    assert changed["SecurityGroupRules"][0]["Description"] == "inside"
    with refused("DependencyViolation"):
        ec2.delete_security_group(GroupId=source)
    ec2.revoke_security_group_ingress(
        GroupId=group, SecurityGroupRuleIds=[added[1]["SecurityGroupRuleId"]]
    )
    ec2.delete_security_group(GroupId=source)
    ec2.revoke_security_group_egress(
        GroupId=group, SecurityGroupRuleIds=[egress[0]["SecurityGroupRuleId"]]
    )
    ec2.authorize_security_group_egress(
        GroupId=group,
        IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
        TagSpecifications=tags_for("security-group-rule"),
    )


def test_a_load_balancer_holds_group_and_subnets_until_it_is_gone(lab: RunningLab) -> None:
    ec2, elbv2 = lab.client("ec2"), lab.client("elbv2")
    vpc, subnets, group = network(ec2)
    arn = balancer(elbv2, subnets, group)
    interfaces = ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [group]}])
    texts = {i["Description"].split("/")[0] for i in interfaces["NetworkInterfaces"]}
    assert texts == {"ELB app"}
    with refused("DependencyViolation"):
        ec2.delete_security_group(GroupId=group)
    with refused("DependencyViolation"):
        ec2.delete_vpc(VpcId=vpc)
    elbv2.delete_load_balancer(LoadBalancerArn=arn)
    ec2.delete_security_group(GroupId=group)
    for subnet in subnets:
        ec2.delete_subnet(SubnetId=subnet)
    with refused("DependencyViolation"):
        ec2.delete_vpc(VpcId=vpc)
    remove_gateway(ec2, vpc)
    ec2.delete_vpc(VpcId=vpc)
    assert lab.get("inventory")["resources"] == []


def test_tags_can_be_added_and_removed(lab: RunningLab) -> None:
    ec2 = lab.client("ec2")
    vpc, _, _ = network(ec2)
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "more", "Value": "1"}])
    ec2.delete_tags(Resources=[vpc], Tags=[{"Key": "Name"}])
    tags = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Tags"]
    assert {t["Key"]: t["Value"] for t in tags} == {"stack": "test", "more": "1"}
    assert TAGS[0] in tags
    with refused("InvalidParameterValue"):
        ec2.create_tags(Resources=[vpc], Tags=[{"Key": "aws:mine", "Value": "1"}])


def test_what_faces_the_internet_needs_a_gateway_first(lab: RunningLab) -> None:
    ec2, elbv2 = lab.client("ec2"), lab.client("elbv2")
    vpc, subnets, group = network(ec2)
    gateway = gateway_of(ec2, vpc)
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    with refused("InvalidSubnet"):
        balancer(elbv2, subnets, group)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    with refused("InvalidParameterValue"):
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    address = ec2.allocate_address()["AllocationId"]
    ec2.create_nat_gateway(SubnetId=subnets[0], AllocationId=address)
    failed = ec2.describe_nat_gateways()["NatGateways"][0]
    assert (failed["State"], failed["FailureCode"]) == ("failed", "Gateway.NotAttached")
    ec2.release_address(AllocationId=address)
    with refused("VPCIdNotSpecified"):
        ec2.create_security_group(GroupName="x", Description="x")
    with refused("InvalidVpcID.NotFound"):
        ec2.create_security_group(GroupName="x", Description="x", VpcId="vpc-12345678")
