"""The other services, as the deployer uses them."""

from __future__ import annotations

import json
import time
from typing import Any

from conftest import RunningLab
from image import MANIFEST, Registry
from stack import TAGS, balancer, forward, network, refused, tags_for, target_group

LOW_TAGS = [{"key": tag["Key"], "value": tag["Value"]} for tag in TAGS]
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
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
    }
)
EXECUTION = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"


def test_health_checks_take_paths_and_codes_that_can_be_asked_for(lab: RunningLab) -> None:
    ec2, elbv2 = lab.client("ec2"), lab.client("elbv2")
    vpc, _, _ = network(ec2)
    given = {"Protocol": "HTTP", "Port": 80, "VpcId": vpc, "TargetType": "ip"}
    paths = ["healthz", "/a b", "/?query={x}", "/" + "x" * 1024]
    codes = ["100", "99-600", "2xx", "200 302", "399-200"]
    wrong: list[dict[str, Any]] = [{"HealthCheckPath": path} for path in paths]
    wrong += [{"Matcher": {"HttpCode": code}} for code in codes]
    for check in wrong:
        with refused("ValidationError"):
            elbv2.create_target_group(Name="wrong", **given, **check)
    made = elbv2.create_target_group(
        Name="right",
        **given,
        HealthCheckPath="/a-b_c?x=1",
        Matcher={"HttpCode": "200-299,302"},
    )
    arn = made["TargetGroups"][0]["TargetGroupArn"]
    for check in wrong:
        with refused("ValidationError"):
            elbv2.modify_target_group(TargetGroupArn=arn, **check)
    grpc = {**given, "ProtocolVersion": "GRPC"}
    with refused("ValidationError"):
        elbv2.create_target_group(Name="calls", **grpc, Matcher={"GrpcCode": "200"})
    elbv2.create_target_group(
        Name="calls", **grpc, HealthCheckPath="/a.b.C/Check", Matcher={"GrpcCode": "0,12"}
    )


def test_load_balancers_and_their_attributes(lab: RunningLab) -> None:
    ec2, elbv2 = lab.client("ec2"), lab.client("elbv2")
    vpc, subnets, group = network(ec2, zones=3)
    arn = balancer(elbv2, subnets[:2], group)
    assert balancer(elbv2, subnets[:2], group) == arn
    with refused("DuplicateLoadBalancerName"):
        balancer(elbv2, subnets[1:], group)
    with refused("ValidationError"):
        balancer(elbv2, subnets[:2], group, name="internal-edge")
    with refused("ValidationError"):
        balancer(elbv2, subnets[:2], group, name="e" * 33)
    with refused("ValidationError"):
        balancer(elbv2, subnets[:1], group, name="one")
    found = elbv2.describe_load_balancers(Names=["edge"])["LoadBalancers"][0]
    assert found["State"]["Code"] == "active"
    attributes = elbv2.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    values = {a["Key"]: a["Value"] for a in attributes}
    assert values["idle_timeout.timeout_seconds"] == "60"
    elbv2.modify_load_balancer_attributes(
        LoadBalancerArn=arn, Attributes=[{"Key": "deletion_protection.enabled", "Value": "true"}]
    )
    with refused("OperationNotPermitted"):
        elbv2.delete_load_balancer(LoadBalancerArn=arn)
    elbv2.set_subnets(LoadBalancerArn=arn, Subnets=subnets)
    other = ec2.create_security_group(VpcId=vpc, GroupName="other", Description="x")["GroupId"]
    elbv2.set_security_groups(LoadBalancerArn=arn, SecurityGroups=[other])
    found = elbv2.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]
    assert len(found["AvailabilityZones"]) == 3 and found["SecurityGroups"] == [other]
    ec2.delete_security_group(GroupId=group)


def test_target_groups_listeners_and_rules(lab: RunningLab) -> None:
    ec2, elbv2 = lab.client("ec2"), lab.client("elbv2")
    vpc, subnets, group = network(ec2)
    arn, targets = balancer(elbv2, subnets, group), target_group(elbv2, vpc)
    assert target_group(elbv2, vpc) == targets
    with refused("DuplicateTargetGroupName"):
        target_group(elbv2, vpc, HealthCheckPath="/other")
    elbv2.modify_target_group(
        TargetGroupArn=targets,
        HealthCheckPath="/up",
        HealthyThresholdCount=2,
        Matcher={"HttpCode": "200-299"},
    )
    elbv2.modify_target_group_attributes(
        TargetGroupArn=targets,
        Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}],
    )
    found = elbv2.describe_target_groups(Names=["web"])["TargetGroups"][0]
    assert found["HealthCheckPath"] == "/up" and found["HealthyThresholdCount"] == 2
    assert found["Matcher"] == {"HttpCode": "200-299"} and found["LoadBalancerArns"] == []
    attributes = elbv2.describe_target_group_attributes(TargetGroupArn=targets)["Attributes"]
    assert {"Key": "deregistration_delay.timeout_seconds", "Value": "5"} in attributes
    assert {"Key": "stickiness.enabled", "Value": "false"} in attributes
    listener = elbv2.create_listener(
        LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=forward(targets), Tags=TAGS
    )["Listeners"][0]
    assert (
        listener["DefaultActions"][0]["ForwardConfig"]["TargetGroups"][0]["TargetGroupArn"]
        == targets
    )
    again = elbv2.create_listener(
        LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=forward(targets)
    )["Listeners"][0]
    assert again["ListenerArn"] == listener["ListenerArn"], "the same settings are the same one"
    elsewhere: list[dict[str, Any]] = [
        {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_302", "Path": "/x"}}
    ]
    with refused("DuplicateListener"):
        elbv2.create_listener(
            LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=elsewhere
        )
    rules = [
        elbv2.create_rule(
            ListenerArn=listener["ListenerArn"],
            Priority=priority,
            Conditions=[{"Field": "path-pattern", "Values": [f"/{priority}/*"]}],
            Actions=forward(targets),
            Tags=TAGS,
        )["Rules"][0]["RuleArn"]
        for priority in (10, 20)
    ]
    with refused("PriorityInUse"):
        elbv2.create_rule(
            ListenerArn=listener["ListenerArn"],
            Priority=10,
            Conditions=[{"Field": "path-pattern", "Values": ["/x"]}],
            Actions=forward(targets),
        )
    elbv2.set_rule_priorities(
        RulePriorities=[
            {"RuleArn": rules[0], "Priority": 20},
            {"RuleArn": rules[1], "Priority": 10},
        ]
    )
    elbv2.modify_rule(
        RuleArn=rules[0], Conditions=[{"Field": "host-header", "Values": ["a.example"]}]
    )
    shown = elbv2.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
    assert [rule["Priority"] for rule in shown] == ["10", "20", "default"]
    assert shown[1]["Conditions"][0]["HostHeaderConfig"] == {"Values": ["a.example"]}
    redirect = [
        {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "StatusCode": "HTTP_301"}}
    ]
    elbv2.modify_listener(ListenerArn=listener["ListenerArn"], DefaultActions=redirect)
    shown = elbv2.describe_listeners(LoadBalancerArn=arn)["Listeners"][0]
    assert shown["DefaultActions"][0]["RedirectConfig"]["Host"] == "#{host}"
    with refused("ResourceInUse"):
        elbv2.delete_target_group(TargetGroupArn=targets)
    arns = [arn, targets, listener["ListenerArn"], rules[0]]
    described = elbv2.describe_tags(ResourceArns=arns)["TagDescriptions"]
    assert [d["ResourceArn"] for d in described] == arns
    assert all({t["Key"] for t in d["Tags"]} == {"stack", "Name"} for d in described)
    elbv2.delete_load_balancer(LoadBalancerArn=arn)
    elbv2.delete_target_group(TargetGroupArn=targets)


def test_repositories(lab: RunningLab) -> None:
    ecr = lab.client("ecr")
    made = ecr.create_repository(
        repositoryName="team/notes",
        tags=TAGS,
        imageTagMutability="MUTABLE",
        imageScanningConfiguration={"scanOnPush": False},
    )["repository"]
    assert made["repositoryUri"] == f"{lab.endpoint.removeprefix('http://')}/team/notes"
    ecr.put_image_tag_mutability(repositoryName="team/notes", imageTagMutability="IMMUTABLE")
    ecr.put_image_scanning_configuration(
        repositoryName="team/notes", imageScanningConfiguration={"scanOnPush": True}
    )
    rules = {
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
    ecr.put_lifecycle_policy(repositoryName="team/notes", lifecyclePolicyText=json.dumps(rules))
    assert (
        json.loads(ecr.get_lifecycle_policy(repositoryName="team/notes")["lifecyclePolicyText"])
        == rules
    )
    found = ecr.describe_repositories(repositoryNames=["team/notes"])["repositories"][0]
    assert found["imageTagMutability"] == "IMMUTABLE"
    assert found["imageScanningConfiguration"] == {"scanOnPush": True}
    assert ecr.list_tags_for_resource(resourceArn=found["repositoryArn"])["tags"] == TAGS
    registry = Registry(lab)
    digest = registry.push("team/notes", "1")
    image = ecr.describe_images(repositoryName="team/notes")["imageDetails"][0]
    assert image["imageDigest"] == digest and image["imageTags"] == ["1"]
    assert image["imageSizeInBytes"] > 1000 and image["imagePushedAt"]
    manifest = ecr.batch_get_image(repositoryName="team/notes", imageIds=[{"imageTag": "1"}])[
        "images"
    ][0]
    assert manifest["imageId"]["imageDigest"] == digest
    ecr.put_image(
        repositoryName="team/notes",
        imageManifest=manifest["imageManifest"],
        imageTag="stable",
        imageManifestMediaType=MANIFEST,
    )
    with refused("ImageAlreadyExistsException"):
        ecr.put_image(
            repositoryName="team/notes", imageManifest=manifest["imageManifest"], imageTag="stable"
        )
    with refused("RepositoryNotEmptyException"):
        ecr.delete_repository(repositoryName="team/notes")
    ecr.batch_delete_image(repositoryName="team/notes", imageIds=[{"imageTag": "1"}])
    assert ecr.describe_images(repositoryName="team/notes")["imageDetails"][0]["imageTags"] == [
        "stable"
    ]
    ecr.delete_repository(repositoryName="team/notes", force=True)


def test_roles_with_policies_and_tags(lab: RunningLab) -> None:
    iam = lab.client("iam")
    iam.create_role(RoleName="task", Path="/notes/", AssumeRolePolicyDocument=TRUST, Tags=TAGS)
    iam.put_role_policy(RoleName="task", PolicyName="inline", PolicyDocument=POLICY)
    iam.attach_role_policy(RoleName="task", PolicyArn=EXECUTION)
    with refused("NoSuchEntity"):
        iam.attach_role_policy(RoleName="task", PolicyArn="arn:aws:iam::aws:policy/Nothing")
    with refused("EntityAlreadyExists"):
        iam.create_role(RoleName="task", AssumeRolePolicyDocument=TRUST)
    details = iam.get_account_authorization_details(Filter=["Role"])["RoleDetailList"]
    role = next(role for role in details if role["RoleName"] == "task")
    assert role["Tags"] == TAGS and role["Path"] == "/notes/"
    assert role["RolePolicyList"][0]["PolicyDocument"] == json.loads(POLICY)
    assert role["AttachedManagedPolicies"][0]["PolicyArn"] == EXECUTION
    assert role["AssumeRolePolicyDocument"] == json.loads(TRUST)
    with refused("DeleteConflict"):
        iam.delete_role(RoleName="task")
    iam.delete_role_policy(RoleName="task", PolicyName="inline")
    iam.detach_role_policy(RoleName="task", PolicyArn=EXECUTION)
    iam.delete_role(RoleName="task")
    iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")
    with refused("InvalidInput"):
        iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")
    assert lab.get("inventory")["resources"] == []


def test_log_groups(lab: RunningLab) -> None:
    logs = lab.client("logs")
    logs.create_log_group(logGroupName="/notes/web", tags={"stack": "test"})
    with refused("ResourceAlreadyExistsException"):
        logs.create_log_group(logGroupName="/notes/web")
    logs.put_retention_policy(logGroupName="/notes/web", retentionInDays=14)
    found = logs.describe_log_groups(logGroupNamePrefix="/notes")["logGroups"][0]
    assert found["retentionInDays"] == 14
    arn = found["arn"].removesuffix(":*")
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"stack": "test"}
    logs.create_log_stream(logGroupName="/notes/web", logStreamName="a")
    now = int(time.time() * 1000)
    logs.put_log_events(
        logGroupName="/notes/web",
        logStreamName="a",
        logEvents=[
            {"timestamp": now, "message": "ERROR one"},
            {"timestamp": now + 1, "message": "two"},
        ],
    )
    events = logs.filter_log_events(logGroupName="/notes/web", startTime=now - 1000)["events"]
    assert [event["message"] for event in events] == ["ERROR one", "two"]
    assert len(logs.get_log_events(logGroupName="/notes/web", logStreamName="a")["events"]) == 2
    logs.delete_retention_policy(logGroupName="/notes/web")
    logs.delete_log_group(logGroupName="/notes/web")


def test_secrets_keep_their_names_until_they_are_gone(lab: RunningLab) -> None:
    secrets = lab.client("secretsmanager")
    arn = secrets.create_secret(
        Name="notes/key", SecretString="one", Tags=TAGS, ClientRequestToken="a" * 32
    )["ARN"]
    again = secrets.create_secret(
        Name="notes/key", SecretString="one", Tags=TAGS, ClientRequestToken="a" * 32
    )
    assert again["ARN"] == arn
    with refused("ResourceExistsException"):
        secrets.create_secret(Name="notes/key", SecretString="two")
    secrets.update_secret(SecretId=arn, Description="a key", SecretString="two")
    assert secrets.get_secret_value(SecretId=arn)["SecretString"] == "two"
    mine = [{"Key": "tag-key", "Values": ["stack"]}, {"Key": "tag-value", "Values": ["test"]}]
    assert [s["Name"] for s in secrets.list_secrets(Filters=mine)["SecretList"]] == ["notes/key"]
    secrets.tag_resource(SecretId=arn, Tags=[{"Key": "more", "Value": "1"}])
    secrets.delete_secret(SecretId=arn, RecoveryWindowInDays=7)
    assert secrets.list_secrets(Filters=mine)["SecretList"] == []
    hidden = secrets.list_secrets(Filters=mine, IncludePlannedDeletion=True)["SecretList"]
    assert hidden[0]["DeletedDate"]
    with refused("InvalidRequestException"):
        secrets.create_secret(Name="notes/key", SecretString="three")
    with refused("InvalidRequestException"):
        secrets.get_secret_value(SecretId=arn)
    secrets.restore_secret(SecretId=arn)
    assert secrets.describe_secret(SecretId=arn)["Description"] == "a key"
    secrets.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    with refused("ResourceNotFoundException"):
        secrets.describe_secret(SecretId=arn)


def test_clusters_and_their_settings(lab: RunningLab) -> None:
    ecs = lab.client("ecs")
    insights = [{"name": "containerInsights", "value": "enabled"}]
    arn = ecs.create_cluster(clusterName="main", settings=insights, tags=LOW_TAGS)["cluster"][
        "clusterArn"
    ]
    assert ecs.create_cluster(clusterName="main")["cluster"]["clusterArn"] == arn
    ecs.update_cluster_settings(
        cluster="main", settings=[{"name": "containerInsights", "value": "disabled"}]
    )
    found = ecs.describe_clusters(clusters=["main"], include=["TAGS", "SETTINGS"])["clusters"][0]
    assert found["settings"] == [{"name": "containerInsights", "value": "disabled"}]
    assert found["tags"] == LOW_TAGS and found["status"] == "ACTIVE"
    ecs.delete_cluster(cluster="main")
    assert ecs.list_clusters()["clusterArns"] == []
    assert ecs.describe_clusters(clusters=["main"])["clusters"][0]["status"] == "INACTIVE"
    with refused("ClusterNotFoundException"):
        ecs.list_services(cluster="main")


def test_the_tagging_api_returns_all_that_is_tagged(lab: RunningLab) -> None:
    ec2, elbv2, rds = lab.client("ec2"), lab.client("elbv2"), lab.client("rds")
    vpc, subnets, group = network(ec2)
    ec2.create_internet_gateway(TagSpecifications=tags_for("internet-gateway"))
    address = ec2.allocate_address(TagSpecifications=tags_for("elastic-ip"))["AllocationId"]
    ec2.create_nat_gateway(
        SubnetId=subnets[0], AllocationId=address, TagSpecifications=tags_for("natgateway")
    )
    ec2.create_route_table(VpcId=vpc, TagSpecifications=tags_for("route-table"))
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        ],
        TagSpecifications=tags_for("security-group-rule"),
    )
    arn, targets = balancer(elbv2, subnets, group), target_group(elbv2, vpc)
    listener = elbv2.create_listener(
        LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=forward(targets), Tags=TAGS
    )["Listeners"][0]["ListenerArn"]
    elbv2.create_rule(
        ListenerArn=listener,
        Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["/a"]}],
        Actions=forward(targets),
        Tags=TAGS,
    )
    rds.create_db_subnet_group(
        DBSubnetGroupName="d", DBSubnetGroupDescription="d", SubnetIds=subnets, Tags=TAGS
    )
    lab.client("ecr").create_repository(repositoryName="web", tags=TAGS)
    lab.client("logs").create_log_group(logGroupName="/web", tags={"stack": "test"})
    lab.client("secretsmanager").create_secret(Name="s", SecretString="x", Tags=TAGS)
    ecs = lab.client("ecs")
    ecs.create_cluster(clusterName="main", tags=LOW_TAGS)
    ecs.register_task_definition(
        family="web",
        tags=LOW_TAGS,
        containerDefinitions=[{"name": "a", "image": "b", "memory": 64}],
    )
    pages: Any = (
        lab.client("resourcegroupstaggingapi")
        .get_paginator("get_resources")
        .paginate(TagFilters=[{"Key": "stack", "Values": ["test"]}])
    )
    arns = [
        resource["ResourceARN"] for page in pages for resource in page["ResourceTagMappingList"]
    ]
    kinds = {
        a.split(":")[2] + ":" + a.split(":", 5)[5].replace("/", ":").split(":")[0] for a in arns
    }
    assert kinds == {
        "ec2:vpc",
        "ec2:subnet",
        "ec2:internet-gateway",
        "ec2:elastic-ip",
        "ec2:natgateway",
        "ec2:route-table",
        "ec2:security-group",
        "ec2:security-group-rule",
        "elasticloadbalancing:loadbalancer",
        "elasticloadbalancing:targetgroup",
        "elasticloadbalancing:listener",
        "elasticloadbalancing:listener-rule",
        "rds:subgrp",
        "ecr:repository",
        "logs:log-group",
        "secretsmanager:secret",
        "ecs:cluster",
        "ecs:task-definition",
    }
