"""What is told late, each part by itself, on a lab that is otherwise instant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conftest import RunningLab, until
from late import TRUST, eventually, switch
from stack import TAGS, balancer, forward, network, refused, tags_for, target_group
from test_database import instance

POLICY = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"


def definition(lab: RunningLab, role: str | None = None) -> dict[str, Any]:
    """A task definition, and a service's settings that name it."""
    lab.client("ecs").register_task_definition(
        family="web",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[
            {"name": "web", "image": "x", "portMappings": [{"containerPort": 8080}]}
        ],
        **({"executionRoleArn": role} if role else {}),
    )
    vpc, subnets, group = network(lab.client("ec2"))
    placed = {"subnets": subnets, "securityGroups": [group]}
    return {
        "vpc": vpc,
        "group": group,
        "subnets": subnets,
        "service": {
            "cluster": "main",
            "serviceName": "web",
            "taskDefinition": "web",
            "desiredCount": 0,
            "networkConfiguration": {"awsvpcConfiguration": placed},
        },
    }


def test_a_new_vpc_is_not_there_yet(lab: RunningLab) -> None:
    switch(lab, "describe-after-create")
    ec2 = lab.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    assert ec2.describe_vpcs()["Vpcs"] == []
    eventually(lambda: ec2.describe_vpcs(VpcIds=[vpc]), "InvalidVpcID.NotFound")
    group = ec2.create_security_group(VpcId=vpc, GroupName="g", Description="g")["GroupId"]
    eventually(lambda: ec2.describe_security_groups(GroupIds=[group]), "InvalidGroup.NotFound")


def test_new_load_balancers_and_what_belongs_to_them_are_not_there_yet(lab: RunningLab) -> None:
    elbv2 = lab.client("elbv2")
    vpc, subnets, group = network(lab.client("ec2"))
    switch(lab, "describe-after-create")
    arn, targets = balancer(elbv2, subnets, group), target_group(elbv2, vpc)
    listener = elbv2.create_listener(
        LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=forward(targets)
    )["Listeners"][0]["ListenerArn"]
    early: list[tuple[Callable[[], Any], str]] = [
        (lambda: elbv2.describe_load_balancers(LoadBalancerArns=[arn]), "LoadBalancerNotFound"),
        (lambda: elbv2.describe_load_balancers(Names=["edge"]), "LoadBalancerNotFound"),
        (lambda: elbv2.describe_target_groups(TargetGroupArns=[targets]), "TargetGroupNotFound"),
        (lambda: elbv2.describe_listeners(ListenerArns=[listener]), "ListenerNotFound"),
    ]
    for describe, error in early:
        with refused(error):
            describe()
    assert elbv2.describe_load_balancers()["LoadBalancers"] == []
    until(lambda: elbv2.describe_listeners(LoadBalancerArn=arn)["Listeners"], "the listener", 5)


def test_a_new_instance_is_not_there_yet(lab: RunningLab) -> None:
    rds = lab.client("rds")
    _, subnets, _ = network(lab.client("ec2"))
    rds.create_db_subnet_group(
        DBSubnetGroupName="d", DBSubnetGroupDescription="d", SubnetIds=subnets
    )
    switch(lab, "describe-after-create")
    rds.create_db_instance(
        DBInstanceIdentifier="main",
        DBSubnetGroupName="d",
        DBInstanceClass="db.t4g.micro",
        Engine="mysql",
        AllocatedStorage=20,
        MasterUsername="notes",
        ManageMasterUserPassword=True,
    )
    assert rds.describe_db_instances()["DBInstances"] == []
    eventually(lambda: rds.describe_db_instances(DBInstanceIdentifier="main"), "DBInstanceNotFound")


def test_a_changed_attribute_is_seen_late(lab: RunningLab) -> None:
    switch(lab, "changed-attribute")
    ec2 = lab.client("ec2")
    _, subnets, _ = network(ec2)

    def shown() -> bool:
        found: bool = ec2.describe_subnets(SubnetIds=subnets[:1])["Subnets"][0][
            "MapPublicIpOnLaunch"
        ]
        return found

    ec2.modify_subnet_attribute(SubnetId=subnets[0], MapPublicIpOnLaunch={"Value": True})
    assert shown() is False
    until(shown, "the change")


def test_a_changed_database_is_seen_late(lab: RunningLab) -> None:
    switch(lab, "changed-attribute")
    rds = lab.client("rds")
    instance(lab)

    def shown() -> tuple[str, str]:
        found = rds.describe_db_instances()["DBInstances"][0]
        return found["DBInstanceStatus"], found["DBInstanceClass"]

    rds.modify_db_instance(
        DBInstanceIdentifier="main", DBInstanceClass="db.t4g.small", ApplyImmediately=True
    )
    assert shown() == ("available", "db.t4g.micro")
    until(lambda: shown() == ("available", "db.t4g.small"), "the change")


def test_a_new_role_cannot_be_assumed_yet(lab: RunningLab) -> None:
    switch(lab, "role")
    ecs, iam = lab.client("ecs"), lab.client("iam")
    ecs.create_cluster(clusterName="main")
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    assert iam.get_role(RoleName="r")["Role"]["Arn"] == role
    service = definition(lab, role)["service"]
    eventually(lambda: ecs.create_service(**service), "InvalidParameterException")


def test_iam_itself_does_not_find_a_new_role_yet(lab: RunningLab) -> None:
    switch(lab, "role-policy")
    iam = lab.client("iam")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    with refused("NoSuchEntity"):
        iam.get_role(RoleName="r")
    with refused("NoSuchEntity"):
        iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=TRUST)
    eventually(lambda: iam.attach_role_policy(RoleName="r", PolicyArn=POLICY), "NoSuchEntity")
    iam.detach_role_policy(RoleName="r", PolicyArn=POLICY)
    iam.delete_role(RoleName="r")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    with refused("NoSuchEntity"):
        iam.get_role(RoleName="r")


def test_the_first_cluster_meets_no_linked_role(lab: RunningLab) -> None:
    switch(lab, "linked-role")
    ecs = lab.client("ecs")
    eventually(lambda: ecs.create_cluster(clusterName="main"), "InvalidParameterException")
    ecs.create_cluster(clusterName="other")


def test_a_new_cluster_is_not_found_by_a_service(lab: RunningLab) -> None:
    switch(lab, "cluster")
    ecs = lab.client("ecs")
    service = definition(lab)["service"]
    ecs.create_cluster(clusterName="main")
    eventually(lambda: ecs.create_service(**service), "ClusterNotFoundException")


def test_a_target_group_has_no_load_balancer_yet(lab: RunningLab) -> None:
    ecs, elbv2 = lab.client("ecs"), lab.client("elbv2")
    made = definition(lab)
    ecs.create_cluster(clusterName="main")
    arn, targets = balancer(elbv2, made["subnets"], made["group"]), target_group(elbv2, made["vpc"])
    balanced = [{"targetGroupArn": targets, "containerName": "web", "containerPort": 8080}]
    switch(lab, "target-group")
    elbv2.create_listener(
        LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=forward(targets)
    )
    eventually(
        lambda: ecs.create_service(**made["service"], loadBalancers=balanced),
        "InvalidParameterException",
    )


def test_a_target_group_behind_a_new_rule_has_no_load_balancer_yet(lab: RunningLab) -> None:
    ecs, elbv2 = lab.client("ecs"), lab.client("elbv2")
    made = definition(lab)
    ecs.create_cluster(clusterName="main")
    first, second = (target_group(elbv2, made["vpc"], name=name) for name in ("one", "two"))
    listener = elbv2.create_listener(
        LoadBalancerArn=balancer(elbv2, made["subnets"], made["group"]),
        Protocol="HTTP",
        Port=80,
        DefaultActions=forward(first),
    )["Listeners"][0]["ListenerArn"]
    switch(lab, "target-group")
    elbv2.create_rule(
        ListenerArn=listener,
        Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["/a"]}],
        Actions=forward(second),
    )
    balanced = [{"targetGroupArn": second, "containerName": "web", "containerPort": 8080}]
    eventually(
        lambda: ecs.create_service(**made["service"], loadBalancers=balanced),
        "InvalidParameterException",
    )


def test_the_tagging_index_is_late(lab: RunningLab) -> None:
    switch(lab, "tag-index")
    ec2, tagging = lab.client("ec2"), lab.client("resourcegroupstaggingapi")
    assert tagging.get_resources()["ResourceTagMappingList"] == []
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags_for("vpc"))["Vpc"]["VpcId"]
    assert tagging.get_resources()["ResourceTagMappingList"] == []
    until(lambda: tagging.get_resources()["ResourceTagMappingList"], "the index", 5)
    ec2.delete_vpc(VpcId=vpc)
    assert tagging.get_resources()["ResourceTagMappingList"]
    until(lambda: not tagging.get_resources()["ResourceTagMappingList"], "the index", 5)


def test_the_name_of_a_deleted_secret_is_taken_for_a_while(lab: RunningLab) -> None:
    switch(lab, "secret-name")
    secrets = lab.client("secretsmanager")
    secrets.create_secret(Name="key", SecretString="one", Tags=TAGS)
    secrets.delete_secret(SecretId="key", ForceDeleteWithoutRecovery=True)
    eventually(
        lambda: secrets.create_secret(Name="key", SecretString="two"), "InvalidRequestException"
    )


def test_an_instant_lab_tells_at_once(lab: RunningLab) -> None:
    assert not any(lab.get("strict").values())
    ec2, secrets, iam = lab.client("ec2"), lab.client("secretsmanager"), lab.client("iam")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags_for("vpc"))["Vpc"]["VpcId"]
    assert ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    tagged = lab.client("resourcegroupstaggingapi").get_resources()["ResourceTagMappingList"]
    assert len(tagged) == 1
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    iam.attach_role_policy(RoleName="r", PolicyArn=POLICY)
    for _ in range(2):
        secrets.create_secret(Name="key", SecretString="one")
        secrets.delete_secret(SecretId="key", ForceDeleteWithoutRecovery=True)
