"""What is told late, each part by itself, on a lab that is otherwise instant."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
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


def test_a_task_definition_does_not_find_a_new_role_yet(lab: RunningLab) -> None:
    switch(lab, "role-definition")
    ecs, iam = lab.client("ecs"), lab.client("iam")
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]

    def register() -> Any:
        return ecs.register_task_definition(
            family="web",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            taskRoleArn=role,
            containerDefinitions=[{"name": "web", "image": "x"}],
        )

    eventually(register, "ClientException")


def test_a_second_call_does_not_find_what_the_first_made(lab: RunningLab) -> None:
    ec2, elbv2 = lab.client("ec2"), lab.client("elbv2")
    ecr, logs = lab.client("ecr"), lab.client("logs")
    vpc, subnets, group = network(ec2)
    switch(lab, "second-call")
    rule = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    oldest = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 5}
    keep = {"rules": [{"rulePriority": 1, "selection": oldest, "action": {"type": "expire"}}]}
    policy = json.dumps(keep)
    idle = [{"Key": "idle_timeout.timeout_seconds", "Value": "30"}]
    delay = [{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}]
    # What makes the thing, the second call, and what that says at first.
    seconds: list[tuple[Callable[[], Any], Callable[[Any], Any], str]] = [
        (lambda: ec2.create_vpc(CidrBlock="10.30.0.0/16")["Vpc"]["VpcId"],
         lambda id: ec2.modify_vpc_attribute(VpcId=id, EnableDnsHostnames={"Value": True}),
         "InvalidVpcID.NotFound"),
        (lambda: ec2.create_subnet(VpcId=vpc, CidrBlock="10.20.9.0/24")["Subnet"]["SubnetId"],
         lambda id: ec2.modify_subnet_attribute(SubnetId=id, MapPublicIpOnLaunch={"Value": True}),
         "InvalidSubnetID.NotFound"),
        (lambda: ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"],
         lambda id: ec2.attach_internet_gateway(InternetGatewayId=id, VpcId=ec2.create_vpc(CidrBlock="10.31.0.0/16")["Vpc"]["VpcId"]),
         "InvalidInternetGatewayID.NotFound"),
        (lambda: ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"],
         lambda id: ec2.associate_route_table(RouteTableId=id, SubnetId=subnets[0]),
         "InvalidRouteTableID.NotFound"),
        (lambda: ec2.create_security_group(VpcId=vpc, GroupName="in", Description="in")["GroupId"],
         lambda id: ec2.authorize_security_group_ingress(GroupId=id, IpPermissions=[rule]),
         "InvalidGroup.NotFound"),
        (lambda: balancer(elbv2, subnets, group),
         lambda id: elbv2.modify_load_balancer_attributes(LoadBalancerArn=id, Attributes=idle),
         "LoadBalancerNotFound"),
        (lambda: target_group(elbv2, vpc),
         lambda id: elbv2.modify_target_group_attributes(TargetGroupArn=id, Attributes=delay),
         "TargetGroupNotFound"),
        (lambda: ecr.create_repository(repositoryName="web"),
         lambda _: ecr.put_lifecycle_policy(repositoryName="web", lifecyclePolicyText=policy),
         "RepositoryNotFoundException"),
        (lambda: logs.create_log_group(logGroupName="web"),
         lambda _: logs.put_retention_policy(logGroupName="web", retentionInDays=7),
         "ResourceNotFoundException"),
    ]  # fmt: skip
    for make, second, error in seconds:
        made = make()
        eventually(partial(second, made), error)


def test_elb_and_rds_see_late_what_ec2_has_made(lab: RunningLab) -> None:
    switch(lab, "network-elsewhere")
    ec2, elbv2, rds = lab.client("ec2"), lab.client("elbv2"), lab.client("rds")
    vpc, subnets, group = network(ec2)
    assert ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"], "EC2 itself sees it"
    with refused("InvalidSubnet"):
        elbv2.create_load_balancer(Name="edge", Subnets=subnets)
    with refused("ValidationError"):
        target_group(elbv2, vpc)
    with refused("InvalidSubnet"):
        rds.create_db_subnet_group(
            DBSubnetGroupName="d", DBSubnetGroupDescription="d", SubnetIds=subnets
        )
    eventually(lambda: balancer(elbv2, subnets, group), "InvalidSecurityGroup")
    rds.create_db_subnet_group(
        DBSubnetGroupName="d", DBSubnetGroupDescription="d", SubnetIds=subnets
    )
    other = ec2.create_security_group(VpcId=vpc, GroupName="o", Description="o")["GroupId"]
    eventually(
        lambda: rds.create_db_instance(
            DBInstanceIdentifier="main",
            DBSubnetGroupName="d",
            DBInstanceClass="db.t4g.micro",
            Engine="mysql",
            AllocatedStorage=20,
            MasterUsername="notes",
            ManageMasterUserPassword=True,
            VpcSecurityGroupIds=[other],
        ),
        "InvalidParameterValue",
    )


def test_an_address_is_held_after_its_gateway_is_gone(lab: RunningLab) -> None:
    switch(lab, "address")
    ec2 = lab.client("ec2")
    _, subnets, _ = network(ec2)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    gateway = ec2.create_nat_gateway(SubnetId=subnets[0], AllocationId=address)["NatGateway"]
    id = gateway["NatGatewayId"]

    def is_in(state: str) -> bool:
        shown: str = ec2.describe_nat_gateways(NatGatewayIds=[id])["NatGateways"][0]["State"]
        return shown == state

    until(lambda: is_in("available"), "the gateway")
    ec2.delete_nat_gateway(NatGatewayId=id)
    until(lambda: is_in("deleted"), "its end")
    eventually(lambda: ec2.release_address(AllocationId=address), "AuthFailure")


def test_the_first_database_meets_no_linked_role(lab: RunningLab) -> None:
    switch(lab, "linked-role")
    rds = lab.client("rds")
    _, subnets, _ = network(lab.client("ec2"))
    eventually(
        lambda: rds.create_db_subnet_group(
            DBSubnetGroupName="d", DBSubnetGroupDescription="d", SubnetIds=subnets
        ),
        "InvalidParameterValue",
    )


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
    described = secrets.describe_secret(SecretId="key")
    assert described["DeletedDate"] and described["Tags"] == TAGS
    eventually(
        lambda: secrets.create_secret(Name="key", SecretString="two"), "InvalidRequestException"
    )
    assert "DeletedDate" not in secrets.describe_secret(SecretId="key")


def test_a_secret_that_is_vanishing_can_be_restored(lab: RunningLab) -> None:
    switch(lab, "secret-name")
    secrets = lab.client("secretsmanager")
    secrets.create_secret(Name="key", SecretString="one")
    secrets.delete_secret(SecretId="key", ForceDeleteWithoutRecovery=True)
    secrets.restore_secret(SecretId="key")
    assert secrets.get_secret_value(SecretId="key")["SecretString"] == "one"


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


def test_a_new_service_is_missing_and_a_changed_one_is_as_it_was(lab: RunningLab) -> None:
    ecs = lab.client("ecs")
    ecs.create_cluster(clusterName="main")
    settings = definition(lab)["service"]
    target = {"cluster": "main", "service": "web"}
    switch(lab, "service")

    def shown() -> Any:
        answer = ecs.describe_services(cluster="main", services=["web"])
        assert bool(answer["services"]) != bool(answer["failures"])
        return answer["services"][0] if answer["services"] else None

    arn = ecs.create_service(**settings)["service"]["serviceArn"]
    assert shown() is None and ecs.list_services(cluster="main")["serviceArns"] == []
    assert ecs.list_service_deployments(**target)["serviceDeployments"] == []
    until(shown, "the service", 5)
    assert ecs.list_services(cluster="main")["serviceArns"] == [arn]
    changed = ecs.update_service(**target, forceNewDeployment=True)["service"]
    newest = changed["deployments"][0]["id"]
    assert shown()["deployments"][0]["id"] != newest
    assert len(ecs.list_service_deployments(**target)["serviceDeployments"]) == 1
    until(lambda: shown()["deployments"][0]["id"] == newest, "the change", 5)
    ecs.delete_service(**target)
    until(lambda: shown()["status"] == "INACTIVE", "the end")
    ecs.create_service(**settings)
    assert shown()["status"] == "INACTIVE"
    until(lambda: shown()["status"] == "ACTIVE", "the successor", 5)
