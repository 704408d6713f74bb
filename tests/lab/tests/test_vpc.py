"""What a VPC gives by itself, and what keeps it from being deleted."""

from __future__ import annotations

from conftest import RunningLab
from stack import gateway_of, network, refused

EVERYWHERE = {"0.0.0.0/0", "::/0"}


def test_a_new_group_lets_everything_out_over_both_families_of_a_vpc(lab: RunningLab) -> None:
    ec2 = lab.client("ec2")

    def egress(vpc: str) -> set[str]:
        group = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)
        of = [{"Name": "group-id", "Values": [group["GroupId"]]}]
        rules = ec2.describe_security_group_rules(Filters=of)["SecurityGroupRules"]
        assert {rule["IpProtocol"] for rule in rules} == {"-1"}
        return {rule.get("CidrIpv4") or rule["CidrIpv6"] for rule in rules}

    assert egress(ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]) == {"0.0.0.0/0"}
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]["VpcId"]
    assert egress(vpc) == EVERYWHERE
    later = ec2.create_vpc(CidrBlock="10.2.0.0/16")["Vpc"]["VpcId"]
    ec2.associate_vpc_cidr_block(VpcId=later, AmazonProvidedIpv6CidrBlock=True)
    assert egress(later) == EVERYWHERE


def test_the_description_of_a_prefix_list_rule_is_kept(lab: RunningLab) -> None:
    ec2 = lab.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)["GroupId"]
    prefixes = {"PrefixListId": "pl-1", "Description": "the offices"}
    made = ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": [prefixes]}
        ],
    )["SecurityGroupRules"]
    of = [{"Name": "group-id", "Values": [group]}]
    rules = ec2.describe_security_group_rules(Filters=of)["SecurityGroupRules"]
    ingress = [rule for rule in rules if not rule["IsEgress"]]
    assert [rule["Description"] for rule in ingress] == ["the offices"]
    assert made[0]["Description"] == "the offices"


def test_a_vpc_is_held_by_what_guard_duty_left_in_it(lab: RunningLab) -> None:
    ec2 = lab.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    left = lab.post("guard-duty", {"vpc": vpc})
    with refused("DependencyViolation"):
        ec2.delete_subnet(SubnetId=subnet)
    (endpoint,) = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    assert {"Key": "GuardDutyManaged", "Value": "true"} in endpoint["Tags"]
    ec2.delete_vpc_endpoints(VpcEndpointIds=[left["endpoint"]])
    ec2.delete_subnet(SubnetId=subnet)
    with refused("DependencyViolation"):
        ec2.delete_vpc(VpcId=vpc)
    ec2.delete_security_group(GroupId=left["group"])
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    with refused("DependencyViolation"):
        ec2.delete_vpc(VpcId=vpc)
    ec2.delete_network_acl(NetworkAclId=acl)
    ec2.delete_vpc(VpcId=vpc)


def test_a_load_balancer_wants_room_in_its_subnets(lab: RunningLab) -> None:
    ec2, elb = lab.client("ec2"), lab.client("elbv2")
    vpc, _, _ = network(ec2)
    gateway_of(ec2, vpc)
    subnets = [
        ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.20.200.{start}/28", AvailabilityZone=f"eu-west-1{letter}"
        )["Subnet"]["SubnetId"]
        for letter, start in (("a", 0), ("b", 16))
    ]
    with refused("InvalidSubnet"):
        elb.create_load_balancer(Name="web", Subnets=subnets)


def test_a_policy_may_demand_a_tag(lab: RunningLab) -> None:
    ec2 = lab.client("ec2")
    lab.post("faults", {"kind": "deny", "match": "ec2:CreateVpc", "unless_tagged": "cost-center"})
    with refused("UnauthorizedOperation"):
        ec2.create_vpc(CidrBlock="10.0.0.0/16")
    tags = [{"Key": "cost-center", "Value": "42"}]
    ec2.create_vpc(
        CidrBlock="10.0.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}]
    )
