"""Small pieces of infrastructure that many tests stand on."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

TAGS = [{"Key": "stack", "Value": "test"}, {"Key": "Name", "Value": "web"}]


def tags_for(kind: str) -> list[dict[str, Any]]:
    """EC2's way to tag at creation."""
    return [{"ResourceType": kind, "Tags": TAGS}]


def network(ec2: Any, zones: int = 2) -> tuple[str, list[str], str]:
    """A VPC with public subnets behind an internet gateway, and a security group."""
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16", TagSpecifications=tags_for("vpc"))["Vpc"][
        "VpcId"
    ]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    subnets = [
        ec2.create_subnet(
            VpcId=vpc,
            CidrBlock=f"10.20.{zone}.0/24",
            AvailabilityZone=f"{ec2.meta.region_name}{'abc'[zone]}",
            TagSpecifications=tags_for("subnet"),
        )["Subnet"]["SubnetId"]
        for zone in range(zones)
    ]
    group = ec2.create_security_group(
        VpcId=vpc,
        GroupName="web",
        Description="web",
        TagSpecifications=tags_for("security-group"),
    )["GroupId"]
    return vpc, subnets, group


def gateway_of(ec2: Any, vpc: str) -> str:
    """The internet gateway of `network`."""
    attached = [{"Name": "attachment.vpc-id", "Values": [vpc]}]
    found = ec2.describe_internet_gateways(Filters=attached)["InternetGateways"]
    id: str = found[0]["InternetGatewayId"]
    return id


def remove_gateway(ec2: Any, vpc: str) -> None:
    """Takes the internet gateway of `network` away."""
    gateway = gateway_of(ec2, vpc)
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)


def balancer(elbv2: Any, subnets: list[str], group: str, name: str = "edge") -> str:
    """An internet-facing load balancer."""
    made = elbv2.create_load_balancer(Name=name, Subnets=subnets, SecurityGroups=[group], Tags=TAGS)
    arn: str = made["LoadBalancers"][0]["LoadBalancerArn"]
    return arn


def target_group(elbv2: Any, vpc: str, name: str = "web", **settings: Any) -> str:
    """An HTTP target group of addresses."""
    made = elbv2.create_target_group(
        Name=name,
        Protocol="HTTP",
        Port=8080,
        VpcId=vpc,
        TargetType="ip",
        Tags=TAGS,
        **{"HealthCheckPath": "/healthz", **settings},
    )
    arn: str = made["TargetGroups"][0]["TargetGroupArn"]
    return arn


def forward(group: str) -> list[dict[str, Any]]:
    """The default action of most listeners."""
    return [{"Type": "forward", "TargetGroupArn": group}]


def refused(code: str, words: str = "") -> Any:
    """Expects AWS's error code, and these words of its message."""
    return pytest.raises(ClientError, match=rf"(?s)\({code}\).*{words}")
