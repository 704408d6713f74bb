"""What a task needs from outside of it: security groups, permissions and a way out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import RunningLab, until
from stack import EXECUTION
from test_database import MANAGED
from test_network_acls import Lists
from test_services import Web


@pytest.fixture
def web(lab: RunningLab) -> Web:
    """Everything but the service itself."""
    made = Web(lab)
    made.registry.push("web", "1")
    return made


def database(web: Web) -> tuple[str, dict[str, Any]]:
    """A database beside the service in a security group of its own, and where it listens."""
    rds = web.lab.client("rds")
    group: str = web.ec2.create_security_group(VpcId=web.vpc, GroupName="data", Description="data")[
        "GroupId"
    ]
    rds.create_db_subnet_group(
        DBSubnetGroupName="data", DBSubnetGroupDescription="data", SubnetIds=web.subnets
    )
    rds.create_db_instance(
        DBInstanceIdentifier="main",
        DBSubnetGroupName="data",
        VpcSecurityGroupIds=[group],
        **MANAGED,
    )

    def available() -> Any:
        found = rds.describe_db_instances(DBInstanceIdentifier="main")["DBInstances"][0]
        return found if found["DBInstanceStatus"] == "available" else None

    endpoint: dict[str, Any] = until(available, "the instance")["Endpoint"]
    return group, endpoint


def stopped_reason(web: Web) -> str:
    """Why the first task stopped."""
    return str(until(web.stopped, "a stopped task")[0]["stoppedReason"])


@pytest.mark.slow
def test_a_database_answers_whom_its_security_groups_let_in(web: Web) -> None:
    group, endpoint = database(web)
    place = f"{endpoint['Address']} {endpoint['Port']}"
    web.subnets = web.subnets[1:]
    web.create(web.definition(environment={"REACH": place}))
    web.rollout()
    assert web.get("/reach") == "lost\n"
    port = {"IpProtocol": "tcp", "FromPort": endpoint["Port"], "ToPort": endpoint["Port"]}
    rule = [{**port, "UserIdGroupPairs": [{"GroupId": web.group}]}]
    web.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=rule)
    until(lambda: web.get("/reach") == "reached\n", "the database is reached")
    lists = Lists(web.ec2, web.vpc)
    (acl,) = lists.find("default", "true")
    answers = {"Egress": True, "Protocol": "6", "PortRange": {"From": 32768, "To": 60999}}
    lists.allow(acl["NetworkAclId"], 9, RuleAction="deny", CidrBlock="10.20.1.0/24", **answers)
    assert web.get("/reach") == "lost\n"
    lists.ec2.delete_network_acl_entry(NetworkAclId=acl["NetworkAclId"], RuleNumber=9, Egress=True)
    assert web.get("/reach") == "reached\n"
    web.ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=rule)
    assert web.get("/reach") == "lost\n"


def test_a_task_is_started_with_what_its_role_may_do(web: Web) -> None:
    iam = web.lab.client("iam")
    secret = web.lab.client("secretsmanager").create_secret(Name="s", SecretString="open")["ARN"]
    iam.delete_role_policy(RoleName=EXECUTION, PolicyName="secrets")
    web.create(web.definition(secrets=[{"name": "SECRET", "valueFrom": secret}]))
    reason = stopped_reason(web)
    assert (
        f"not authorized to perform: secretsmanager:GetSecretValue on resource: {secret}" in reason
    )
    iam.detach_role_policy(
        RoleName=EXECUTION,
        PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy",
    )
    web.ecs.update_service(cluster="main", service="web", taskDefinition=web.definition())
    until(
        lambda: any("logs:CreateLogStream" in task["stoppedReason"] for task in web.stopped()),
        "a task that may not write logs",
    )


def test_a_value_under_a_key_of_ones_own_takes_a_role_that_may_use_it(web: Web) -> None:
    key = web.lab.client("kms").create_key()["KeyMetadata"]["Arn"]
    web.lab.client("ssm").put_parameter(
        Name="/s/token", Value="open", Type="SecureString", KeyId=key
    )
    read = {"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [read]})
    web.lab.client("iam").put_role_policy(
        RoleName=EXECUTION, PolicyName="secrets", PolicyDocument=policy
    )
    web.create(web.definition(secrets=[{"name": "SECRET", "valueFrom": "/s/token"}]))
    assert f"not authorized to perform: kms:Decrypt on resource: {key}" in stopped_reason(web)


def test_a_task_is_started_with_a_role_that_trusts_ecs_for_its_account(web: Web) -> None:
    def trust(account: str) -> None:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        }
        document = {"Version": "2012-10-17", "Statement": [statement]}
        iam = web.lab.client("iam")
        iam.update_assume_role_policy(RoleName=EXECUTION, PolicyDocument=json.dumps(document))

    trust("210987654321")
    web.create(web.definition())
    said = "(service web) failed to launch a task with (error ECS was unable to assume the role"
    until(lambda: f"{said} '{web.role}' that was provided" in web.messages(), "an event")
    assert not web.stopped()
    trust("123456789012")
    until(lambda: web.describe()["runningCount"] == 1, "a task")


def test_a_task_without_a_way_out_does_not_start(web: Web) -> None:
    of_vpc = [{"Name": "vpc-id", "Values": [web.vpc]}]
    table = web.ec2.describe_route_tables(Filters=of_vpc)["RouteTables"][0]["RouteTableId"]
    web.ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    web.create(web.definition())
    assert "Check your task network configuration" in stopped_reason(web)


def test_an_unhealthy_task_is_stopped_after_another_is_healthy(web: Web) -> None:
    checked = {"TargetGroupArn": web.targets, "UnhealthyThresholdCount": 2}
    web.elbv2.modify_target_group(**checked, HealthCheckPath="/")
    web.create(web.definition(environment={"SICK": "1"}), count=2)
    web.rollout()
    web.elbv2.modify_target_group(**checked, HealthCheckPath="/healthz")
    running = []

    def replaced() -> bool:
        running.append(web.describe()["runningCount"])
        return len(web.stopped()) >= 2

    until(replaced, "tasks in the place of those that are unhealthy")
    assert min(running) >= 2, running
    assert "is unhealthy in (target-group " in web.messages()
