"""Somebody who may only create and tag: bare things under any tags, and any tags on what is there.

Tags of the form that a deployer writes are as good as any to AWS, and so they are to the lab.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import RunningLab, until
from late import TRUST

FORGED = {"deployer:stack": "notes", "deployer:adopted": "vpc-0", "deployer:proof": "none"}
KINDS = {
    "ec2:vpc",
    "ec2:subnet",
    "ec2:internet-gateway",
    "ec2:elastic-ip",
    "ec2:natgateway",
    "ec2:route-table",
    "ec2:security-group",
    "elasticloadbalancing:loadbalancer",
    "elasticloadbalancing:targetgroup",
    "elasticloadbalancing:listener",
    "elasticloadbalancing:listener-rule",
    "ecs:cluster",
    "ecs:service",
    "ecs:task-definition",
    "rds:db",
    "rds:subgrp",
    "logs:loggroup",
    "ecr:repository",
    "secretsmanager:secret",
    "ssm:parameter",
    "iam:role",
    "ec2:network-acl",
    "ec2:vpc-endpoint",
    "ec2:vpc-flow-log",
    "application-autoscaling:scalable-target",
    "acm:certificate",
    "cloudwatch:alarm",
    "sns:topic",
    "route53:hostedzone",
}


def pairs(tags: dict[str, str], upper: bool = True) -> list[dict[str, str]]:
    """The list of pairs that most services want."""
    key, value = ("Key", "Value") if upper else ("key", "value")
    return [{key: k, value: v} for k, v in tags.items()]


def bare(lab: RunningLab, tags: dict[str, str]) -> None:
    """Makes one of each kind, with as little as AWS takes, and these tags."""
    subnets = networked(lab, tags)
    balanced(lab, tags, subnets)
    stored(lab, tags, subnets)
    running(lab, tags, subnets)
    watched(lab, tags, subnets)


def networked(lab: RunningLab, tags: dict[str, str]) -> list[str]:
    """A network; its subnets."""
    ec2 = lab.client("ec2")

    def tagged(kind: str) -> dict[str, Any]:
        return {"TagSpecifications": [{"ResourceType": kind, "Tags": pairs(tags)}]}

    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16", **tagged("vpc"))["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(
            VpcId=vpc,
            CidrBlock=f"10.9.{number}.0/24",
            AvailabilityZone=f"eu-west-1{zone}",
            **tagged("subnet"),
        )["Subnet"]["SubnetId"]
        for number, zone in enumerate("ab")
    ]
    ec2.create_internet_gateway(**tagged("internet-gateway"))
    ec2.allocate_address(**tagged("elastic-ip"))
    ec2.create_nat_gateway(SubnetId=subnets[0], ConnectivityType="private", **tagged("natgateway"))
    ec2.create_route_table(VpcId=vpc, **tagged("route-table"))
    ec2.create_security_group(
        VpcId=vpc, GroupName="bare", Description="bare", **tagged("security-group")
    )
    ec2.create_network_acl(VpcId=vpc, **tagged("network-acl"))
    ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName="com.amazonaws.eu-west-1.s3", **tagged("vpc-endpoint")
    )
    return subnets


def balanced(lab: RunningLab, tags: dict[str, str], subnets: list[str]) -> None:
    """A load balancer with a listener and a rule, and a target group."""
    elbv2, given = lab.client("elbv2"), {"Tags": pairs(tags)}
    edge = elbv2.create_load_balancer(Name="bare", Subnets=subnets, Scheme="internal", **given)
    elbv2.create_target_group(Name="bare", TargetType="lambda", **given)
    action = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
    listener = elbv2.create_listener(
        LoadBalancerArn=edge["LoadBalancers"][0]["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[action],
        **given,
    )["Listeners"][0]["ListenerArn"]
    elbv2.create_rule(
        ListenerArn=listener,
        Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["/x"]}],
        Actions=[action],
        **given,
    )


def stored(lab: RunningLab, tags: dict[str, str], subnets: list[str]) -> None:
    """A database with its replica and subnet group, and what else keeps something."""
    rds, given = lab.client("rds"), {"Tags": pairs(tags)}
    rds.create_db_subnet_group(
        DBSubnetGroupName="bare", DBSubnetGroupDescription="bare", SubnetIds=subnets, **given
    )
    rds.create_db_instance(
        DBInstanceIdentifier="bare",
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        AllocatedStorage=20,
        DBSubnetGroupName="bare",
        BackupRetentionPeriod=1,
        MasterUsername="theirs",
        MasterUserPassword="long-enough",
        **given,
    )
    until(
        lambda: rds.describe_db_instances()["DBInstances"][0]["DBInstanceStatus"] == "available",
        "the database",
    )
    rds.create_db_instance_read_replica(
        DBInstanceIdentifier="copy", SourceDBInstanceIdentifier="bare", **given
    )
    lab.client("logs").create_log_group(logGroupName="/bare", tags=tags)
    lab.client("ecr").create_repository(repositoryName="bare", tags=pairs(tags))
    lab.client("secretsmanager").create_secret(Name="bare", SecretString="known", **given)
    lab.client("ssm").put_parameter(Name="/bare", Value="x", Type="String", **given)


def running(lab: RunningLab, tags: dict[str, str], subnets: list[str]) -> None:
    """A role, and a cluster with a service that has no tasks and is scaled."""
    role = lab.client("iam").create_role(
        RoleName="bare", AssumeRolePolicyDocument=TRUST, Tags=pairs(tags)
    )["Role"]["Arn"]
    ecs, given = lab.client("ecs"), {"tags": pairs(tags, upper=False)}
    ecs.create_cluster(clusterName="bare", **given)
    ecs.register_task_definition(
        family="bare",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        executionRoleArn=role,
        containerDefinitions=[{"name": "bare", "image": "public.ecr.aws/docker/library/busybox"}],
        **given,
    )
    ecs.create_service(
        cluster="bare",
        serviceName="bare",
        taskDefinition="bare",
        desiredCount=0,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": subnets}},
        **given,
    )
    lab.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId="service/bare/bare",
        ScalableDimension="ecs:service:DesiredCount",
        MinCapacity=0,
        MaxCapacity=1,
        Tags=tags,
    )


def watched(lab: RunningLab, tags: dict[str, str], subnets: list[str]) -> None:
    """A topic with an alarm, a flow log, and a certificate beside a hosted zone."""
    given = {"Tags": pairs(tags)}
    role = lab.client("iam").create_role(
        RoleName="flows",
        AssumeRolePolicyDocument=TRUST.replace("ecs-tasks", "vpc-flow-logs"),
        **given,
    )["Role"]["Arn"]
    lab.client("ec2").create_flow_logs(
        ResourceIds=subnets[:1],
        ResourceType="Subnet",
        TrafficType="ALL",
        LogGroupName="/bare",
        DeliverLogsPermissionArn=role,
        TagSpecifications=[{"ResourceType": "vpc-flow-log", "Tags": pairs(tags)}],
    )
    topic = lab.client("sns").create_topic(Name="bare", **given)["TopicArn"]
    lab.client("cloudwatch").put_metric_alarm(
        AlarmName="bare",
        MetricName="CPUUtilization",
        Namespace="AWS/ECS",
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=80,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[topic],
        **given,
    )
    lab.client("acm").request_certificate(
        DomainName="bare.example.com", ValidationMethod="DNS", **given
    )
    route53 = lab.client("route53")
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="bare")
    tag_zone(route53, zone["HostedZone"]["Id"], tags)


def tag_zone(route53: Any, arn: str, tags: dict[str, str]) -> None:
    """Tags a hosted zone, which takes none when it is made."""
    id = arn.rsplit("/", 1)[-1]
    route53.change_tags_for_resource(ResourceType="hostedzone", ResourceId=id, AddTags=pairs(tags))


def taggers(lab: RunningLab) -> dict[str, Callable[[str, dict[str, str]], Any]]:
    """How each service tags what is there."""
    ec2, elbv2, rds = lab.client("ec2"), lab.client("elbv2"), lab.client("rds")
    ecs, ecr, logs = lab.client("ecs"), lab.client("ecr"), lab.client("logs")
    secrets, ssm, iam = lab.client("secretsmanager"), lab.client("ssm"), lab.client("iam")
    scaling, acm = lab.client("application-autoscaling"), lab.client("acm")
    sns, cloudwatch, route53 = lab.client("sns"), lab.client("cloudwatch"), lab.client("route53")
    return {
        "ec2": lambda arn, t: ec2.create_tags(Resources=[arn.split("/")[-1]], Tags=pairs(t)),
        "elasticloadbalancing": lambda arn, t: elbv2.add_tags(ResourceArns=[arn], Tags=pairs(t)),
        "rds": lambda arn, t: rds.add_tags_to_resource(ResourceName=arn, Tags=pairs(t)),
        "ecs": lambda arn, t: ecs.tag_resource(resourceArn=arn, tags=pairs(t, upper=False)),
        "ecr": lambda arn, t: ecr.tag_resource(resourceArn=arn, tags=pairs(t)),
        "logs": lambda arn, t: logs.tag_resource(resourceArn=arn, tags=t),
        "secretsmanager": lambda arn, t: secrets.tag_resource(SecretId=arn, Tags=pairs(t)),
        "ssm": lambda arn, t: ssm.add_tags_to_resource(
            ResourceType="Parameter", ResourceId=arn.split(":parameter")[1], Tags=pairs(t)
        ),
        "iam": lambda arn, t: iam.tag_role(RoleName=arn.split("/")[-1], Tags=pairs(t)),
        "application-autoscaling": lambda arn, t: scaling.tag_resource(ResourceARN=arn, Tags=t),
        "acm": lambda arn, t: acm.add_tags_to_certificate(CertificateArn=arn, Tags=pairs(t)),
        "cloudwatch": lambda arn, t: cloudwatch.tag_resource(ResourceARN=arn, Tags=pairs(t)),
        "sns": lambda arn, t: sns.tag_resource(ResourceArn=arn, Tags=pairs(t)),
        "route53": lambda arn, t: tag_zone(route53, arn, t),
    }


def untaggers(lab: RunningLab) -> dict[str, Callable[[str, list[str]], Any]]:
    """How each service takes tags away."""
    ec2, elbv2, rds = lab.client("ec2"), lab.client("elbv2"), lab.client("rds")
    ecs, ecr, logs = lab.client("ecs"), lab.client("ecr"), lab.client("logs")
    secrets, ssm, iam = lab.client("secretsmanager"), lab.client("ssm"), lab.client("iam")
    scaling, acm = lab.client("application-autoscaling"), lab.client("acm")
    sns, cloudwatch, route53 = lab.client("sns"), lab.client("cloudwatch"), lab.client("route53")
    return {
        "ec2": lambda arn, keys: ec2.delete_tags(
            Resources=[arn.split("/")[-1]], Tags=[{"Key": key} for key in keys]
        ),
        "elasticloadbalancing": lambda arn, keys: elbv2.remove_tags(
            ResourceArns=[arn], TagKeys=keys
        ),
        "rds": lambda arn, keys: rds.remove_tags_from_resource(ResourceName=arn, TagKeys=keys),
        "ecs": lambda arn, keys: ecs.untag_resource(resourceArn=arn, tagKeys=keys),
        "ecr": lambda arn, keys: ecr.untag_resource(resourceArn=arn, tagKeys=keys),
        "logs": lambda arn, keys: logs.untag_resource(resourceArn=arn, tagKeys=keys),
        "secretsmanager": lambda arn, keys: secrets.untag_resource(SecretId=arn, TagKeys=keys),
        "ssm": lambda arn, keys: ssm.remove_tags_from_resource(
            ResourceType="Parameter", ResourceId=arn.split(":parameter")[1], TagKeys=keys
        ),
        "iam": lambda arn, keys: iam.untag_role(RoleName=arn.split("/")[-1], TagKeys=keys),
        "application-autoscaling": lambda arn, keys: scaling.untag_resource(
            ResourceARN=arn, TagKeys=keys
        ),
        "acm": lambda arn, keys: acm.remove_tags_from_certificate(
            CertificateArn=arn, Tags=[{"Key": key} for key in keys]
        ),
        "cloudwatch": lambda arn, keys: cloudwatch.untag_resource(ResourceARN=arn, TagKeys=keys),
        "sns": lambda arn, keys: sns.untag_resource(ResourceArn=arn, TagKeys=keys),
        "route53": lambda arn, keys: route53.change_tags_for_resource(
            ResourceType="hostedzone", ResourceId=arn.split("/")[-1], RemoveTagKeys=keys
        ),
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    """A lab in which nothing runs, with one of each kind."""
    lab = RunningLab("--hollow", ready_file=tmp_path_factory.mktemp("lab") / "ready")
    bare(lab, FORGED)
    yield lab
    lab.stop()


def tagged_so(lab: RunningLab, key: str, value: str) -> set[str]:
    """The kinds of all that carries a tag; a subnet, say, counts once."""
    found = [r for r in lab.get("inventory")["resources"] if r["tags"].get(key) == value]
    return {resource["kind"] for resource in found}


def test_bare_things_of_every_kind_are_made_under_any_tags(made: RunningLab) -> None:
    assert tagged_so(made, "deployer:stack", "notes") == KINDS
    databases = [r for r in made.get("inventory")["resources"] if r["kind"] == "rds:db"]
    assert [r["tags"]["deployer:stack"] for r in databases] == ["notes", "notes"]


def test_what_is_there_takes_any_tags_in_every_service(made: RunningLab) -> None:
    tag, untag = taggers(made), untaggers(made)
    resources = [r for r in made.get("inventory")["resources"] if r["kind"] in KINDS]
    assert {r["kind"] for r in resources} == KINDS
    for resource in resources:
        service = resource["kind"].split(":")[0]
        tag[service](resource["arn"], {"deployer:proof": "copied", "more": "1"})
    assert tagged_so(made, "deployer:proof", "copied") == KINDS
    for resource in made.get("inventory")["resources"]:
        if resource["kind"] in KINDS:
            assert resource["tags"] == {**FORGED, "deployer:proof": "copied", "more": "1"}
            untag[resource["kind"].split(":")[0]](resource["arn"], ["deployer:proof", "more"])
    assert tagged_so(made, "deployer:proof", "copied") == tagged_so(made, "more", "1") == set()
    assert made.get("model-check")["refused"] == []


def test_the_services_own_lists_show_the_tags(made: RunningLab) -> None:
    arns = {r["kind"]: r["arn"] for r in made.get("inventory")["resources"]}
    elbv2, iam, ecs = made.client("elbv2"), made.client("iam"), made.client("ecs")
    shown = [
        *(
            elbv2.describe_tags(ResourceArns=[arns[f"elasticloadbalancing:{kind}"]])
            for kind in ("loadbalancer", "targetgroup", "listener", "listener-rule")
        ),
        *(
            ecs.list_tags_for_resource(resourceArn=arns[f"ecs:{kind}"])
            for kind in ("cluster", "service", "task-definition")
        ),
        *(
            made.client("rds").list_tags_for_resource(ResourceName=arns[f"rds:{kind}"])
            for kind in ("db", "subgrp")
        ),
        made.client("ec2").describe_tags(Filters=[{"Name": "key", "Values": ["deployer:stack"]}]),
        made.client("ecr").list_tags_for_resource(resourceArn=arns["ecr:repository"]),
        made.client("logs").list_tags_for_resource(resourceArn=arns["logs:loggroup"]),
        made.client("secretsmanager").describe_secret(SecretId=arns["secretsmanager:secret"]),
        iam.list_role_tags(RoleName="bare"),
        iam.get_account_authorization_details(Filter=["Role"])["RoleDetailList"],
    ]
    for answer in shown:
        assert "deployer:stack" in json.dumps(answer, default=str), answer
