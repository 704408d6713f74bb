"""Small pieces of infrastructure that many tests stand on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from conftest import until

EXECUTION = "execution"
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
    found = until(
        lambda: ec2.describe_internet_gateways(Filters=attached)["InternetGateways"], "a gateway"
    )
    id: str = found[0]["InternetGatewayId"]
    return id


def lead_out(ec2: Any, vpc: str) -> None:
    """Gives the subnets of `network` a way to the internet gateway."""
    of_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
    tables = until(lambda: ec2.describe_route_tables(Filters=of_vpc)["RouteTables"], "a table")
    table, gateway = tables[0]["RouteTableId"], gateway_of(ec2, vpc)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)


def placed(subnets: list[str], group: str) -> dict[str, Any]:
    """Where tasks are put: into public subnets, with an address of their own."""
    place = {"subnets": subnets, "securityGroups": [group], "assignPublicIp": "ENABLED"}
    return {"awsvpcConfiguration": place}


def execution_role(iam: Any) -> str:
    """The role that tasks are started with: images, logs and every secret."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    values = ["secretsmanager:GetSecretValue", "ssm:GetParameters", "kms:Decrypt"]
    actions = [*values, "logs:CreateLogGroup"]
    secrets = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}],
    }
    made = iam.create_role(RoleName=EXECUTION, AssumeRolePolicyDocument=json.dumps(trust))
    iam.get_waiter("role_exists").wait(RoleName=EXECUTION, WaiterConfig={"Delay": 1})
    iam.attach_role_policy(
        RoleName=EXECUTION,
        PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy",
    )
    iam.put_role_policy(
        RoleName=EXECUTION, PolicyName="secrets", PolicyDocument=json.dumps(secrets)
    )
    arn: str = made["Role"]["Arn"]
    return arn


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
