"""The strict profile: what only shows when AWS is busy, late, or full."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from conftest import RunningLab, until
from stack import TAGS, balancer, forward, network, refused, tags_for, target_group
from test_services import Web

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    """One strict lab for this file."""
    folder: Path = tmp_path_factory.mktemp("strict")
    lab = RunningLab("--profile", "strict", ready_file=folder / "ready")
    yield lab
    lab.stop()


@pytest.fixture
def strict(running: RunningLab) -> RunningLab:
    """The strict lab, empty."""
    running.post("reset")
    return running


def eventually(call: Callable[[], Any], code: str) -> Any:
    """Expects the error first, and success a little later."""
    with refused(code):
        call()

    def attempt() -> Any:
        try:
            return call()
        except ClientError as error:
            assert error.response["Error"]["Code"] == code
            return None

    return until(attempt, f"the end of {code}", 5)


def code(call: Callable[[], Any]) -> str | None:
    """The error code of a call, if it is refused."""
    try:
        call()
    except ClientError as error:
        found: str = error.response["Error"]["Code"]
        return found
    return None


def test_a_new_vpc_is_not_there_yet(strict: RunningLab) -> None:
    ec2 = strict.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    assert ec2.describe_vpcs()["Vpcs"] == []
    eventually(lambda: ec2.describe_vpcs(VpcIds=[vpc]), "InvalidVpcID.NotFound")
    group = ec2.create_security_group(VpcId=vpc, GroupName="g", Description="g")["GroupId"]
    eventually(lambda: ec2.describe_security_groups(GroupIds=[group]), "InvalidGroup.NotFound")


def test_a_changed_attribute_is_seen_late(strict: RunningLab) -> None:
    ec2 = strict.client("ec2")
    _, subnets, _ = network(ec2)

    def shown() -> bool | None:
        found = ec2.describe_subnets(Filters=[{"Name": "subnet-id", "Values": subnets[:1]}])
        return found["Subnets"][0]["MapPublicIpOnLaunch"] if found["Subnets"] else None

    until(lambda: shown() is False, "the subnet")
    ec2.modify_subnet_attribute(SubnetId=subnets[0], MapPublicIpOnLaunch={"Value": True})
    assert shown() is False
    until(shown, "the change")


def test_quotas_of_a_new_account(strict: RunningLab) -> None:
    ec2 = strict.client("ec2")
    for _ in range(5):
        ec2.create_vpc(CidrBlock="10.0.0.0/16")
        ec2.allocate_address()
    with refused("VpcLimitExceeded"):
        ec2.create_vpc(CidrBlock="10.0.0.0/16")
    with refused("AddressLimitExceeded"):
        ec2.allocate_address()


def test_the_first_cluster_meets_no_linked_role_and_the_first_service_no_cluster(
    strict: RunningLab,
) -> None:
    ecs, elbv2 = strict.client("ecs"), strict.client("elbv2")
    eventually(lambda: ecs.create_cluster(clusterName="main"), "InvalidParameterException")
    vpc, subnets, group = network(strict.client("ec2"))
    targets = target_group(elbv2, vpc)
    role = strict.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)["Role"][
        "Arn"
    ]
    ecs.register_task_definition(
        family="web",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        executionRoleArn=role,
        containerDefinitions=[
            {"name": "web", "image": "x", "portMappings": [{"containerPort": 8080}]}
        ],
    )
    wanted = {
        "cluster": "main",
        "taskDefinition": "web",
        "desiredCount": 0,
        "loadBalancers": [
            {"targetGroupArn": targets, "containerName": "web", "containerPort": 8080}
        ],
        "networkConfiguration": {
            "awsvpcConfiguration": {"subnets": subnets, "securityGroups": [group]}
        },
    }
    ecs.create_cluster(clusterName="other")
    with refused("ClusterNotFoundException"):
        ecs.create_service(serviceName="a", **{**wanted, "cluster": "other"})
    until(
        lambda: (
            code(lambda: ecs.create_service(serviceName="a", **wanted))
            == "InvalidParameterException"
        ),
        "the cluster",
        5,
    )
    elbv2.create_listener(
        LoadBalancerArn=balancer(elbv2, subnets, group),
        Protocol="HTTP",
        Port=80,
        DefaultActions=forward(targets),
    )
    eventually(lambda: ecs.create_service(serviceName="a", **wanted), "InvalidParameterException")


def test_a_service_comes_up_for_whoever_is_patient(strict: RunningLab) -> None:
    strict.client("iam").create_service_linked_role(AWSServiceName="ecs.amazonaws.com")
    web = Web(strict)
    web.registry.push("web", "1")
    definition = web.definition(environment={"NAME": "patient"})
    late = {"ClusterNotFoundException", "InvalidParameterException"}

    def create() -> bool:
        refusal = code(lambda: web.create(definition))
        assert refusal is None or refusal in late
        return refusal is None

    until(create, "the service")
    web.rollout()
    assert web.get().startswith("patient")


def test_the_tagging_index_is_late(strict: RunningLab) -> None:
    ec2, tagging = strict.client("ec2"), strict.client("resourcegroupstaggingapi")
    assert tagging.get_resources()["ResourceTagMappingList"] == []
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags_for("vpc"))["Vpc"]["VpcId"]
    assert tagging.get_resources()["ResourceTagMappingList"] == []
    until(lambda: tagging.get_resources()["ResourceTagMappingList"], "the index", 5)
    ec2.delete_vpc(VpcId=vpc)
    assert tagging.get_resources()["ResourceTagMappingList"]
    until(lambda: not tagging.get_resources()["ResourceTagMappingList"], "the index", 5)


def test_whoever_forgets_the_next_page_loses_something(strict: RunningLab) -> None:
    elbv2, ecr, iam = strict.client("elbv2"), strict.client("ecr"), strict.client("iam")
    logs, secrets, rds = (
        strict.client("logs"),
        strict.client("secretsmanager"),
        strict.client("rds"),
    )
    vpc, subnets, _ = network(strict.client("ec2"))
    for number in range(3):
        target_group(elbv2, vpc, name=f"web-{number}")
        ecr.create_repository(repositoryName=f"web-{number}")
        iam.create_role(RoleName=f"web-{number}", AssumeRolePolicyDocument=TRUST)
        logs.create_log_group(logGroupName=f"/web-{number}")
        secrets.create_secret(Name=f"web/{number}", SecretString="x", Tags=TAGS)
        rds.create_db_subnet_group(
            DBSubnetGroupName=f"web-{number}", DBSubnetGroupDescription="x", SubnetIds=subnets
        )
    for client, operation, key in (
        (elbv2, "describe_target_groups", "TargetGroups"),
        (ecr, "describe_repositories", "repositories"),
        (iam, "get_account_authorization_details", "RoleDetailList"),
        (logs, "describe_log_groups", "logGroups"),
        (secrets, "list_secrets", "SecretList"),
    ):
        assert len(getattr(client, operation)()[key]) == 2, operation
        pages = client.get_paginator(operation).paginate()
        assert sum(len(page[key]) for page in pages) == 3, operation


def test_buckets_run_empty_and_fill_again(strict: RunningLab) -> None:
    ec2 = strict.client("ec2")

    def burst() -> int:
        for number in range(200):
            try:
                ec2.create_vpc(CidrBlock="bad")
            except ClientError as error:
                if error.response["Error"]["Code"] == "RequestLimitExceeded":
                    return number
        return 200

    assert 45 < burst() < 120
    until(lambda: burst() > 0, "new tokens", 5)
