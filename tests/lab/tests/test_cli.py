"""A second opinion: the AWS CLI reads the lab's answers as strictly as AWS's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Any

import pytest
from conftest import REGION, RunningLab

pytestmark = pytest.mark.skipif(
    shutil.which("aws") is None, reason="the AWS CLI is not on this machine"
)
SETTINGS = {
    "AWS_ACCESS_KEY_ID": "lab",
    "AWS_SECRET_ACCESS_KEY": "lab",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_PAGER": "",
    "AWS_CONFIG_FILE": "/nonexistent",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
}


def aws(lab: RunningLab, *arguments: str) -> Any:
    """Runs the AWS CLI and reads what it prints."""
    done = subprocess.run(
        ["aws", "--endpoint-url", lab.endpoint, "--output", "json", *arguments],
        env={**os.environ, **SETTINGS},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else None


def test_the_cli_makes_and_reads_a_stack_as_boto3_does(lab: RunningLab) -> None:
    vpc = aws(lab, "ec2", "create-vpc", "--cidr-block", "10.20.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        aws(
            lab,
            "ec2",
            "create-subnet",
            "--vpc-id",
            vpc,
            "--cidr-block",
            f"10.20.{n}.0/24",
            "--availability-zone",
            f"eu-west-1{zone}",
        )["Subnet"]["SubnetId"]
        for n, zone in enumerate("ab")
    ]
    group = aws(
        lab,
        "ec2",
        "create-security-group",
        "--vpc-id",
        vpc,
        "--group-name",
        "web",
        "--description",
        "x",
    )["GroupId"]
    aws(
        lab,
        "ec2",
        "authorize-security-group-ingress",
        "--group-id",
        group,
        "--protocol",
        "tcp",
        "--port",
        "80",
        "--cidr",
        "0.0.0.0/0",
    )
    gateway = aws(lab, "ec2", "create-internet-gateway")["InternetGateway"]["InternetGatewayId"]
    aws(lab, "ec2", "attach-internet-gateway", "--internet-gateway-id", gateway, "--vpc-id", vpc)
    made = aws(
        lab,
        "elbv2",
        "create-load-balancer",
        "--name",
        "edge",
        "--subnets",
        *subnets,
        "--security-groups",
        group,
    )
    arn = made["LoadBalancers"][0]["LoadBalancerArn"]
    aws(lab, "elbv2", "wait", "load-balancer-available", "--load-balancer-arns", arn)
    aws(lab, "ecs", "create-cluster", "--cluster-name", "main")
    aws(lab, "ecr", "create-repository", "--repository-name", "web")
    aws(lab, "logs", "create-log-group", "--log-group-name", "/web")
    shown = {
        "vpcs": (
            aws(lab, "ec2", "describe-vpcs")["Vpcs"],
            lab.client("ec2").describe_vpcs()["Vpcs"],
        ),
        "rules": (
            aws(lab, "ec2", "describe-security-group-rules")["SecurityGroupRules"],
            lab.client("ec2").describe_security_group_rules()["SecurityGroupRules"],
        ),
        "clusters": (
            aws(lab, "ecs", "describe-clusters", "--clusters", "main")["clusters"],
            lab.client("ecs").describe_clusters(clusters=["main"])["clusters"],
        ),
    }
    for name, (said, read) in shown.items():
        assert said == json.loads(json.dumps(read, default=str)), name
    assert lab.get("model-check")["refused"] == []
