"""What differs between regions: the zones of the account, names and features of partitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from conftest import LAB_KEYS, RunningLab


@pytest.mark.parametrize(
    ("region", "letters"),
    [
        ("eu-west-1", "abc"),
        ("ap-northeast-1", "acd"),
        ("us-west-1", "bc"),
        ("us-west-2", "abcd"),
        ("cn-north-1", "ab"),
        ("us-gov-west-1", "abc"),
        ("eusc-de-east-1", "abc"),
    ],
)
def test_a_region_has_its_zones_and_no_others(lab: RunningLab, region: str, letters: str) -> None:
    ec2 = lab.client_at("ec2", region, LAB_KEYS)
    zones = ec2.describe_availability_zones()["AvailabilityZones"]
    usual = [zone for zone in zones if zone["ZoneType"] == "availability-zone"]
    assert [zone["ZoneName"] for zone in usual] == [f"{region}{letter}" for letter in letters]
    assert {(zone["State"], zone["OptInStatus"]) for zone in usual} == {
        ("available", "opt-in-not-required")
    }
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    for wrong in (f"{region}z", "eu-central-1a"):
        with pytest.raises(ClientError) as said:
            ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZone=wrong)
        assert said.value.response["Error"]["Code"] == "InvalidParameterValue"
        message = said.value.response["Error"]["Message"]
        names = ", ".join(zone["ZoneName"] for zone in zones)
        assert message == (
            f"Value ({wrong}) for parameter availabilityZone is invalid. Subnets can currently "
            f"only be created in the following availability zones: {names}."
        )


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("eu-west-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("eusc-de-east-1", "aws-eusc"),
    ],
)
def test_arns_name_the_partition_of_the_region(
    lab: RunningLab, region: str, partition: str
) -> None:
    def client(service: str) -> Any:
        return lab.client_at(service, region, LAB_KEYS)

    tags = {"Key": "deployer:stack", "Value": "test"}
    client("ec2").allocate_address(
        Domain="vpc", TagSpecifications=[{"ResourceType": "elastic-ip", "Tags": [tags]}]
    )
    trust = '{"Version": "2012-10-17", "Statement": []}'
    client("iam").create_role(RoleName="web", AssumeRolePolicyDocument=trust, Tags=[tags])
    client("ecs").create_cluster(
        clusterName="web", tags=[{"key": "deployer:stack", "value": "test"}]
    )
    client("secretsmanager").create_secret(Name="web", SecretString="a", Tags=[tags])
    arns = [it["arn"] for it in lab.get("inventory")["resources"] if it["tags"]]
    assert len(arns) == 4, arns
    assert {arn.split(":")[1] for arn in arns} == {partition}
    lab.post("faults", {"kind": "deny", "match": "ec2:DescribeVpcs"})
    with pytest.raises(ClientError) as said:
        client("ec2").describe_vpcs()
    assert f"arn:{partition}:iam::" in said.value.response["Error"]["Message"]


def test_an_attribute_that_a_partition_lacks_is_neither_shown_nor_taken(
    start_lab: Callable[..., RunningLab],
) -> None:
    running = start_lab("--without", "slow_start.duration_seconds")
    vpc = running.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    elb = running.client("elbv2")
    group = elb.create_target_group(
        Name="web", TargetType="ip", Protocol="HTTP", Port=80, VpcId=vpc
    )
    arn = group["TargetGroups"][0]["TargetGroupArn"]
    shown = elb.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
    assert "slow_start.duration_seconds" not in {attribute["Key"] for attribute in shown}
    for key, is_known in (("slow_start.duration_seconds", False), ("stickiness.enabled", True)):
        given = [{"Key": key, "Value": "true" if is_known else "30"}]
        if is_known:
            elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=given)
            continue
        with pytest.raises(ClientError, match="is not recognized"):
            elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=given)


def test_a_local_zone_is_listed_as_one(lab: RunningLab) -> None:
    zones = lab.client_at("ec2", "us-west-2", LAB_KEYS).describe_availability_zones()
    local = [z for z in zones["AvailabilityZones"] if z["ZoneType"] != "availability-zone"]
    assert [(zone["ZoneName"], zone["OptInStatus"]) for zone in local] == [
        ("us-west-2-lax-1a", "opted-in")
    ]
