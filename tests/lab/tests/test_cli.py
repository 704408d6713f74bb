"""A second opinion: the AWS CLI reads the lab's answers as strictly as AWS's."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from conftest import REGION, RunningLab
from stack import forward, gateway_of
from test_services import Web

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


@pytest.mark.slow
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


# How each kind is read, by service, operation and parameters; `{name}` is a thing of the stack.
READS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("ec2", "describe_vpcs", {"VpcIds": ["{vpc}"]}),
    ("ec2", "describe_vpc_attribute", {"VpcId": "{vpc}", "Attribute": "enableDnsHostnames"}),
    ("ec2", "describe_subnets", {"Filters": [{"Name": "vpc-id", "Values": ["{vpc}"]}]}),
    ("ec2", "describe_internet_gateways", {"InternetGatewayIds": ["{gateway}"]}),
    ("ec2", "describe_route_tables", {"RouteTableIds": ["{table}"]}),
    ("ec2", "describe_security_groups", {"GroupIds": ["{group}"]}),
    ("ec2", "describe_security_group_rules", {"Filters": [{"Name": "group-id", "Values": ["{group}"]}]}),
    ("ec2", "describe_addresses", {}),
    ("ec2", "describe_nat_gateways", {}),
    ("ec2", "describe_network_interfaces", {"Filters": [{"Name": "vpc-id", "Values": ["{vpc}"]}]}),
    ("elbv2", "describe_load_balancers", {}),
    ("elbv2", "describe_load_balancer_attributes", {"LoadBalancerArn": "{balancer}"}),
    ("elbv2", "describe_target_groups", {}),
    ("elbv2", "describe_target_group_attributes", {"TargetGroupArn": "{targets}"}),
    ("elbv2", "describe_listeners", {"LoadBalancerArn": "{balancer}"}),
    ("elbv2", "describe_rules", {"ListenerArn": "{listener}"}),
    ("elbv2", "describe_tags", {"ResourceArns": ["{balancer}", "{targets}"]}),
    ("ecs", "describe_clusters", {"clusters": ["{cluster}"], "include": ["TAGS", "SETTINGS"]}),
    ("ecs", "list_services", {"cluster": "{cluster}"}),
    ("ecs", "describe_services", {"cluster": "{cluster}", "services": ["{service}"], "include": ["TAGS"]}),
    ("ecs", "describe_task_definition", {"taskDefinition": "{definition}", "include": ["TAGS"]}),
    ("ecs", "describe_tasks", {"cluster": "{cluster}", "tasks": ["{task}"]}),
    ("ecr", "describe_repositories", {}),
    ("ecr", "describe_images", {"repositoryName": "{repository}"}),
    ("ecr", "get_lifecycle_policy", {"repositoryName": "{repository}"}),
    ("iam", "get_account_authorization_details", {"Filter": ["Role"]}),
    ("logs", "describe_log_groups", {}),
    ("rds", "describe_db_instances", {}),
    ("rds", "describe_db_subnet_groups", {}),
    ("secretsmanager", "list_secrets", {}),
    ("secretsmanager", "describe_secret", {"SecretId": "{secret}"}),
    ("resourcegroupstaggingapi", "get_resources", {}),
)  # fmt: skip
LIFECYCLE = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {
                "tagStatus": "any",
                "countType": "imageCountMoreThan",
                "countNumber": 20,
            },
            "action": {"type": "expire"},
        }
    ]
}


@pytest.mark.slow
def test_the_cli_says_of_every_kind_what_boto3_says(
    lab: RunningLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\ncli_timestamp_format = iso8601\n")
    monkeypatch.setitem(SETTINGS, "AWS_CONFIG_FILE", str(config))
    things = every_kind(lab)

    def differs(read: tuple[str, str, dict[str, Any]]) -> str | None:
        service, operation, parameters = read
        filled = re.sub(
            r"\{(\w+)\}", lambda match: things.get(match[1], match[0]), json.dumps(parameters)
        )
        said = aws(lab, service, operation.replace("_", "-"), "--cli-input-json", filled)
        answer = getattr(lab.client(service), operation)(**json.loads(filled))
        return (
            f"{operation}: {found}" if (found := differences(shown(said), shown(answer))) else None
        )

    with ThreadPoolExecutor(4) as pool:
        assert [found for found in pool.map(differs, READS) if found] == []
    assert lab.get("model-check")["refused"] == []


def every_kind(lab: RunningLab) -> dict[str, str]:
    """One of each kind, at rest; gives their names and identifiers."""
    web = Web(lab)
    web.registry.push("web", "1")
    ec2, ecr, rds = web.ec2, lab.client("ecr"), lab.client("rds")
    table = ec2.create_route_table(VpcId=web.vpc)["RouteTable"]["RouteTableId"]
    gateway = gateway_of(ec2, web.vpc)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2.associate_route_table(RouteTableId=table, SubnetId=web.subnets[0])
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.create_nat_gateway(SubnetId=web.subnets[0], AllocationId=address)
    listener = web.elbv2.describe_listeners(LoadBalancerArn=web.balancer)["Listeners"][0]
    web.elbv2.create_rule(
        ListenerArn=listener["ListenerArn"],
        Priority=1,
        Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/api/*"]}}],
        Actions=forward(web.targets),
    )
    ecr.put_lifecycle_policy(repositoryName="web", lifecyclePolicyText=json.dumps(LIFECYCLE))
    rds.create_db_subnet_group(
        DBSubnetGroupName="main", DBSubnetGroupDescription="main", SubnetIds=web.subnets
    )
    rds.create_db_instance(
        DBInstanceIdentifier="main",
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="notes",
        ManageMasterUserPassword=True,
        DBSubnetGroupName="main",
        VpcSecurityGroupIds=[web.group],
    )
    rds.get_waiter("db_instance_available").wait(
        DBInstanceIdentifier="main", WaiterConfig={"Delay": 1}
    )
    lab.client("secretsmanager").create_secret(Name="session", SecretString="x")
    definition = web.definition()
    web.create(definition)
    web.rollout()
    return {
        "vpc": web.vpc,
        "gateway": gateway,
        "table": table,
        "group": web.group,
        "balancer": web.balancer,
        "targets": web.targets,
        "listener": listener["ListenerArn"],
        "cluster": "main",
        "service": "web",
        "definition": definition,
        "task": web.ecs.list_tasks(cluster="main")["taskArns"][0],
        "repository": "web",
        "secret": "session",
    }


def differences(said: Any, read: Any, where: str = "") -> list[str]:
    """Where two answers differ, as paths with both values."""
    if isinstance(said, dict) and isinstance(read, dict):
        pairs = [(f"{where}.{name}", said.get(name), read.get(name)) for name in said | read]
    elif isinstance(said, list) and isinstance(read, list) and len(said) == len(read):
        pairs = [(f"{where}[{n}]", a, b) for n, (a, b) in enumerate(zip(said, read, strict=True))]
    else:
        moves = where.endswith(".LatestRestorableTime")
        return [] if moves or said == read else [f"{where}: {said!r}, {read!r}"]
    return [found for path, a, b in pairs for found in differences(a, b, path)]


def shown(answer: Any) -> Any:
    """An answer as JSON, without what belongs to the request and to paging."""
    text = json.loads(json.dumps(answer, default=lambda at: at.astimezone(UTC).isoformat()))
    text.pop("ResponseMetadata", None)
    return {
        name: value
        for name, value in text.items()
        if "token" not in name.lower() and name not in ("IsTruncated", "Marker", "NextMarker")
    }
