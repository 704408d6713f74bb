"""What calls need, by service: actions, resources and tags, also of what goes with them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from conftest import LAB_KEYS, REGION, RunningLab
from image import Registry
from policy import ACCOUNT, ALL, CIDR, TAG, USER, allow, arn, attach, denied, deny, needed
from stack import TAGS, execution_role, network, refused, tags_for
from test_alarms import ALARM

CONTAINER = {"name": "web", "image": "none", "essential": True}


def test_actions_and_resources_are_named_by_wildcards_or_by_all_others(lab: RunningLab) -> None:
    ecr, logs = lab.client("ecr"), lab.client("logs")
    others = {"Effect": "Allow", "NotAction": ["ecr:*", "LOGS:delete*"], "Resource": "*"}
    some = {
        "Effect": "Allow",
        "Action": "ecr:?reate*",
        "NotResource": arn("ecr", "repository/b*"),
    }
    attach(lab, others, some)
    logs.create_log_group(logGroupName="/web")
    with refused("AccessDeniedException", "logs:DeleteLogGroup"):
        logs.delete_log_group(logGroupName="/web")
    ecr.create_repository(repositoryName="web")
    with refused("AccessDeniedException", "repository/base"):
        ecr.create_repository(repositoryName="base")


def test_tags_of_the_request_count_for_what_ec2_makes_alone(lab: RunningLab) -> None:
    ec2 = lab.client("ec2")
    attach(lab, allow("ec2:CreateVpc", "ec2:CreateTags", StringEquals=TAG))
    vpc = ec2.create_vpc(CidrBlock=CIDR, TagSpecifications=tags_for("vpc"))["Vpc"]["VpcId"]
    with refused("UnauthorizedOperation", "ec2:CreateVpc"):
        ec2.create_vpc(CidrBlock=CIDR)
    subnet: dict[str, Any] = {
        "VpcId": vpc,
        "CidrBlock": "10.0.0.0/24",
        "TagSpecifications": tags_for("subnet"),
    }
    tagged = allow("ec2:CreateSubnet", "ec2:CreateTags", StringEquals=TAG)
    attach(lab, tagged)
    with refused("UnauthorizedOperation", f"vpc/{vpc}"):
        ec2.create_subnet(**subnet)
    attach(lab, tagged, allow("ec2:CreateSubnet", on=arn("ec2", "vpc/*")))
    ec2.create_subnet(**subnet)


def test_tags_at_creation_need_the_right_to_tag_and_only_in_that_call(lab: RunningLab) -> None:
    ec2 = lab.client("ec2")
    attach(lab, allow("ec2:CreateVpc"))
    with refused("UnauthorizedOperation", "ec2:CreateTags on resource: .*:vpc/\\* because"):
        ec2.create_vpc(CidrBlock=CIDR, TagSpecifications=tags_for("vpc"))
    made = {"ec2:CreateAction": ["CreateVpc"]}
    attach(lab, allow("ec2:CreateVpc"), allow("ec2:CreateTags", StringEquals=made))
    vpc = ec2.create_vpc(CidrBlock=CIDR, TagSpecifications=tags_for("vpc"))["Vpc"]["VpcId"]
    with refused("UnauthorizedOperation", f"ec2:CreateTags on resource: .*:vpc/{vpc} because"):
        ec2.create_tags(Resources=[vpc], Tags=TAGS)


def test_tags_of_a_resource_are_those_that_it_has_at_the_time_of_the_call(
    lab: RunningLab,
) -> None:
    ec2 = lab.client("ec2")
    vpc = ec2.create_vpc(CidrBlock=CIDR)["Vpc"]["VpcId"]
    for key in ("aws:ResourceTag/stack", "ec2:ResourceTag/Stack"):
        attach(lab, allow("ec2:ModifyVpcAttribute", StringEquals={key: "test"}))
        with refused("UnauthorizedOperation"):
            ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        lab.post("policies", {"documents": None})
        ec2.create_tags(Resources=[vpc], Tags=TAGS)
        attach(lab, allow("ec2:ModifyVpcAttribute", StringEquals={key: "test"}))
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        lab.post("policies", {"documents": None})
        ec2.delete_tags(Resources=[vpc], Tags=TAGS)


def test_tags_of_every_service_are_seen(lab: RunningLab) -> None:
    vpc, subnets, _ = network(lab.client("ec2"))
    ecs, logs, ecr, iam = (lab.client(name) for name in ("ecs", "logs", "ecr", "iam"))
    elb, rds, ssm = lab.client("elbv2"), lab.client("rds"), lab.client("ssm")
    secrets = lab.client("secretsmanager")
    ecs.create_cluster(clusterName="main", tags=[{"key": "stack", "value": "test"}])
    logs.create_log_group(logGroupName="/web", tags={"stack": "test"})
    ecr.create_repository(repositoryName="web", tags=TAGS)
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    iam.create_role(RoleName="web", Path="/a/", AssumeRolePolicyDocument=trust, Tags=TAGS)
    group = elb.create_target_group(
        Name="web", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip", Tags=TAGS
    )["TargetGroups"][0]["TargetGroupArn"]
    rds.create_db_subnet_group(
        DBSubnetGroupName="db", DBSubnetGroupDescription="db", SubnetIds=subnets, Tags=TAGS
    )
    ssm.put_parameter(Name="/a/b", Value="x", Type="String", Tags=TAGS)
    secrets.create_secret(Name="a/b", SecretString="x", Tags=TAGS)

    def use() -> None:
        ecs.describe_clusters(clusters=["main"])
        logs.put_retention_policy(logGroupName="/web", retentionInDays=1)
        logs.list_tags_for_resource(resourceArn=arn("logs", "log-group:/web"))
        ecr.describe_images(repositoryName="web")
        iam.tag_role(RoleName="web", Tags=TAGS)
        elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=[])
        rds.describe_db_subnet_groups(DBSubnetGroupName="db")
        ssm.get_parameter(Name="/a/b")
        secrets.get_secret_value(SecretId="a/b")

    attach(lab, allow("*", StringEquals={"aws:ResourceTag/stack": "test"}))
    use()
    assert denied(lab) == []
    assert needed(lab, "iam:TagRole") == ["role/a/web"]
    attach(lab, allow("*", StringEquals={"aws:ResourceTag/stack": "other"}))
    with refused("AccessDeniedException"):
        use()


def test_the_cluster_is_a_condition_where_ecs_takes_no_resource(lab: RunningLab) -> None:
    ecs = lab.client("ecs")
    for name in ("main", "other"):
        ecs.create_cluster(clusterName=name)
    main: Any = {"ecs:cluster": arn("ecs", "cluster/ma*")}
    for statement in (
        allow("ecs:ListServices", ArnEquals=main),
        allow("ecs:ListServices", ArnLike=main),
    ):
        attach(lab, statement)
        ecs.list_services(cluster="main")
        with refused("AccessDeniedException"):
            ecs.list_services(cluster="other")


def test_a_role_is_passed_to_the_service_that_gets_it(lab: RunningLab) -> None:
    ecs = lab.client("ecs")
    role = execution_role(lab.client("iam"))

    def register() -> None:
        ecs.register_task_definition(
            family="web",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            executionRoleArn=role,
            taskRoleArn=role,
            containerDefinitions=[CONTAINER],
        )

    attach(lab, allow("ecs:*"))
    with refused("AccessDeniedException", f"iam:PassRole on resource: {role} because"):
        register()
    for service, is_allowed in (("ecs-tasks.amazonaws.com", True), ("ecs.amazonaws.com", False)):
        passed = {"iam:PassedToService": service}
        attach(lab, allow("ecs:*"), allow("iam:PassRole", on=role, StringEquals=passed))
        if is_allowed:
            register()
        else:
            with refused("AccessDeniedException", "iam:PassRole"):
                register()


def test_tags_at_creation_need_each_services_own_right(lab: RunningLab) -> None:
    pairs: list[tuple[str, Any]] = [
        ("ecs:TagResource", lambda: lab.client("ecs").create_cluster(tags=[{"key": "a"}])),
        (
            "ecr:TagResource",
            lambda: lab.client("ecr").create_repository(repositoryName="web", tags=TAGS),
        ),
        (
            "logs:TagResource",
            lambda: lab.client("logs").create_log_group(logGroupName="web", tags={"a": "b"}),
        ),
        (
            "ssm:AddTagsToResource",
            lambda: lab.client("ssm").put_parameter(Name="/a", Value="x", Type="String", Tags=TAGS),
        ),
        (
            "secretsmanager:TagResource",
            lambda: lab.client("secretsmanager").create_secret(Name="a", Tags=TAGS),
        ),
        (
            "iam:TagRole",
            lambda: lab.client("iam").create_role(
                RoleName="web", AssumeRolePolicyDocument="{}", Tags=TAGS
            ),
        ),
        (
            "rds:AddTagsToResource",
            lambda: lab.client("rds").create_db_parameter_group(
                DBParameterGroupName="db",
                DBParameterGroupFamily="postgres16",
                Description="x",
                Tags=TAGS,
            ),
        ),
    ]
    pairs += [
        ("SNS:TagResource", lambda: lab.client("sns").create_topic(Name="ops", Tags=TAGS)),
        (
            "cloudwatch:TagResource",
            lambda: lab.client("cloudwatch").put_metric_alarm(**ALARM, Tags=TAGS),
        ),
        (
            "cloudwatch:TagResource",
            lambda: lab.client("cloudwatch").put_dashboard(
                DashboardName="web", DashboardBody='{"widgets": []}', Tags=TAGS
            ),
        ),
    ]
    for action, make in pairs:
        attach(lab, ALL, deny(action))
        with pytest.raises(ClientError, match=f"{action} on resource: .* explicit deny"):
            make()
    assert lab.get("inventory")["count"] == 0


def test_alarms_and_topics_are_named_and_composite_alarms_need_all(lab: RunningLab) -> None:
    cloudwatch, sns = lab.client("cloudwatch"), lab.client("sns")
    own = [arn("cloudwatch", "alarm:orders"), arn("sns", "ops")]
    dashboard = "arn:aws:cloudwatch::123456789012:dashboard/web"
    attach(lab, allow("cloudwatch:*", "sns:*", on=[*own, dashboard]))
    topic = sns.create_topic(Name="ops", Tags=TAGS)["TopicArn"]
    wanted = {"TopicArn": topic, "Protocol": "email", "Endpoint": "a@example.org"}
    subscription = sns.subscribe(**wanted, ReturnSubscriptionArn=True)["SubscriptionArn"]
    sns.get_subscription_attributes(SubscriptionArn=subscription)
    cloudwatch.put_metric_alarm(**ALARM, AlarmActions=[topic], Tags=TAGS)
    cloudwatch.describe_alarms(AlarmNames=["orders"])
    cloudwatch.put_dashboard(DashboardName="web", DashboardBody='{"widgets": []}', Tags=TAGS)
    cloudwatch.tag_resource(ResourceARN=dashboard, Tags=TAGS)
    refusals: list[tuple[str, Any]] = [
        ("DescribeAlarms", cloudwatch.describe_alarms),
        (
            "DescribeAlarms",
            lambda: cloudwatch.describe_alarms(
                AlarmNames=["orders"], AlarmTypes=["CompositeAlarm"]
            ),
        ),
        (
            "PutCompositeAlarm",
            lambda: cloudwatch.put_composite_alarm(AlarmName="orders", AlarmRule="TRUE"),
        ),
        ("ListDashboards", cloudwatch.list_dashboards),
        ("ListTopics", sns.list_topics),
        ("CreateTopic", lambda: sns.create_topic(Name="other")),
    ]
    for operation, ask in refusals:
        with pytest.raises(ClientError, match=f":{operation}"):
            ask()
    kinds = [it["kind"] for it in lab.get("inventory")["resources"]]
    assert kinds == ["cloudwatch:alarm", "cloudwatch:dashboard", "sns:topic"]
    attach(lab, allow("*", StringEquals={"aws:ResourceTag/stack": "test"}))
    cloudwatch.get_dashboard(DashboardName="web")
    cloudwatch.delete_alarms(AlarmNames=["orders"])
    sns.delete_topic(TopicArn=topic)
    attach(lab, ALL, deny("sns:Subscribe", StringNotEquals={"sns:Protocol": "sqs"}))
    with refused("AuthorizationError", "SNS:Subscribe"):
        sns.subscribe(**wanted)
    attach(lab, ALL)
    found = lab.client_at("resourcegroupstaggingapi", "us-east-1", LAB_KEYS).get_resources()
    assert [it["ResourceARN"] for it in found["ResourceTagMappingList"]] == [dashboard]


def test_a_load_balancer_needs_what_it_reads_of_ec2_and_its_rules_their_listener(
    lab: RunningLab,
) -> None:
    elb = lab.client("elbv2")
    vpc, subnets, group = network(lab.client("ec2"))
    attach(lab, ALL, deny("ec2:DescribeAccountAttributes"))
    settings: dict[str, Any] = {"Name": "web", "Subnets": subnets, "SecurityGroups": [group]}
    with refused("AccessDenied", "ec2:DescribeAccountAttributes"):
        elb.create_load_balancer(**settings)
    attach(lab, ALL)
    balancer = elb.create_load_balancer(**settings, Tags=TAGS)["LoadBalancers"][0]
    targets = elb.create_target_group(
        Name="web", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip"
    )["TargetGroups"][0]["TargetGroupArn"]
    forward = [{"Type": "forward", "TargetGroupArn": targets}]
    listener = elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Port=80,
        Protocol="HTTP",
        DefaultActions=forward,
        Tags=TAGS,
    )["Listeners"][0]["ListenerArn"]
    path = [{"Field": "path-pattern", "Values": ["/a"]}]
    elb.create_rule(ListenerArn=listener, Priority=1, Conditions=path, Actions=forward, Tags=TAGS)
    id = balancer["LoadBalancerArn"].rsplit("/", 1)[-1]
    of_listener = listener.split(":", 5)[-1]
    assert needed(lab, "elasticloadbalancing:CreateLoadBalancer") == ["loadbalancer/app/web/*"]
    assert needed(lab, "elasticloadbalancing:CreateTargetGroup") == ["targetgroup/web/*"]
    assert needed(lab, "elasticloadbalancing:CreateListener") == [f"loadbalancer/app/web/{id}"]
    assert needed(lab, "elasticloadbalancing:CreateRule") == [of_listener]
    assert needed(lab, "elasticloadbalancing:AddTags") == [
        f"{of_listener.replace('listener', 'listener-rule', 1)}/*",
        f"listener/app/web/{id}/*",
        "loadbalancer/app/web/*",
    ]


def test_a_database_needs_its_groups_its_secret_and_its_last_snapshot(lab: RunningLab) -> None:
    rds = lab.client("rds")
    _, subnets, _ = network(lab.client("ec2"))
    attach(lab, ALL)
    rds.create_db_subnet_group(
        DBSubnetGroupName="db", DBSubnetGroupDescription="x", SubnetIds=subnets
    )
    database: dict[str, Any] = {
        "DBInstanceIdentifier": "db",
        "Engine": "oracle-se2",
        "EngineVersion": "19.0",
        "DBInstanceClass": "db.t3.small",
        "AllocatedStorage": 20,
        "MasterUsername": "me",
        "ManageMasterUserPassword": True,
        "DBSubnetGroupName": "db",
    }
    for action in ("secretsmanager:CreateSecret", "secretsmanager:TagResource", "kms:DescribeKey"):
        attach(lab, ALL, deny(action))
        with refused("AccessDenied", action):
            rds.create_db_instance(**database)
    attach(lab, ALL)
    rds.create_db_instance(**database, CopyTagsToSnapshot=True)
    assert needed(lab, "rds:CreateDBInstance") == [
        "db:db",
        "og:default:oracle-se2-19",
        "pg:default.oracle-se219",
        "subgrp:db",
    ]
    assert needed(lab, "secretsmanager:CreateSecret") == ["secret:rds!db-*"]
    rds.delete_db_instance(DBInstanceIdentifier="db", FinalDBSnapshotIdentifier="last")
    assert needed(lab, "rds:CreateDBSnapshot") == ["db:db", "snapshot:last"]
    assert needed(lab, "rds:AddTagsToResource") == ["snapshot:last"]


def test_a_secret_with_a_key_of_ones_own_needs_the_key(lab: RunningLab) -> None:
    secrets = lab.client("secretsmanager")
    key = lab.client("kms").create_key()["KeyMetadata"]["KeyId"]
    attach(lab, allow("secretsmanager:*"))
    secrets.create_secret(Name="plain", SecretString="x")
    secrets.get_secret_value(SecretId="plain")
    with refused("AccessDeniedException", f"kms:Decrypt on resource: .*:key/{key} because"):
        secrets.create_secret(Name="own", SecretString="x", KmsKeyId=key)
    attach(lab, allow("secretsmanager:*", on=arn("secretsmanager", "secret:plain-??????")))
    secrets.get_secret_value(SecretId="plain")
    with refused("AccessDeniedException"):
        secrets.get_secret_value(SecretId="plain-not")


def test_resources_are_named_by_the_service_authorization_reference(lab: RunningLab) -> None:
    attach(lab, ALL)
    ec2, ecs, ssm = lab.client("ec2"), lab.client("ecs"), lab.client("ssm")
    vpc, subnets, _ = network(ec2)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    association = ec2.associate_route_table(RouteTableId=table, SubnetId=subnets[0])
    ec2.disassociate_route_table(AssociationId=association["AssociationId"])
    for action in ("ec2:AssociateRouteTable", "ec2:DisassociateRouteTable"):
        assert needed(lab, action) == [f"route-table/{table}", f"subnet/{subnets[0]}"]
    ecs.create_cluster(clusterName="main")
    ecs.describe_services(cluster="main", services=["web", arn("ecs", "service/other/api")])
    assert needed(lab, "ecs:DescribeServices") == ["service/main/web", "service/other/api"]
    ecs.list_tasks(cluster=arn("ecs", "cluster/main"))
    assert needed(lab, "ecs:ListTasks") == ["container-instance/main/*"]
    ssm.get_parameters_by_path(Path="/a/b")
    assert needed(lab, "ssm:GetParametersByPath") == ["parameter/a/b"]
    lab.client("logs").create_log_group(logGroupName="/web", tags={"a": "b"})
    assert needed(lab, "logs:CreateLogGroup") == ["log-group:/web:log-stream:"]
    assert needed(lab, "logs:TagResource") == ["log-group:/web"]


def test_arns_name_the_partition_of_the_region(lab: RunningLab) -> None:
    lab.post("policies", {"documents": []})
    for region, partition in (("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")):
        where = f"arn:{partition}:ecr:{region}:{ACCOUNT}:repository/web because"
        with refused("AccessDeniedException", f"arn:{partition}:iam::{ACCOUNT}:user/.*{where}"):
            lab.client_at("ecr", region, LAB_KEYS).create_repository(repositoryName="web")


def test_a_push_needs_the_rights_of_whoever_got_the_token(lab: RunningLab) -> None:
    lab.client("ecr").create_repository(repositoryName="web", tags=TAGS)
    web = arn("ecr", "repository/web")
    token = allow("ecr:GetAuthorizationToken")
    pushing = [
        "ecr:InitiateLayerUpload",
        "ecr:UploadLayerPart",
        "ecr:CompleteLayerUpload",
        "ecr:PutImage",
    ]
    attach(lab, token, allow(*pushing, on=web, StringEquals={"ecr:ResourceTag/stack": "test"}))
    registry = Registry(lab)
    registry.push("web", "1")
    assert [needed(lab, action) for action in pushing] == [["repository/web"]] * 4
    for method, path, action in (
        ("GET", "manifests/1", "BatchGetImage"),
        ("HEAD", "blobs/sha256:0", ""),
        ("GET", "blobs/sha256:0", "GetDownloadUrlForLayer"),
        ("GET", "tags/list", "ListImages"),
    ):
        status, _, text = registry.call(method, f"/v2/web/{path}")
        assert status == 403
        if action:
            error = json.loads(text)["errors"][0]
            why = f"because no identity-based policy allows the ecr:{action} action"
            assert error == {
                "code": "DENIED",
                "message": f"User: {USER} is not authorized to perform: ecr:{action} on resource: "
                f"{web} {why}",
            }
    assert ("ecr:BatchCheckLayerAvailability", "repository/web") in denied(lab)
    attach(lab, token, *(allow(action, on=web) for action in pushing[:3]))
    assert registry.manifest("web", "2", {})[0] == 403
    lab.post("policies", {"documents": None})
    images = lab.client("ecr").describe_images(repositoryName="web")["imageDetails"]
    assert [image["imageTags"] for image in images] == [["1"]]


def test_a_token_is_that_of_the_key_it_was_asked_with(lab: RunningLab) -> None:
    lab.client("ecr").create_repository(repositoryName="web")
    registry = Registry(lab)
    attach(lab, allow("ecr:GetAuthorizationToken"), access_key="reader")
    keys = {"aws_access_key_id": "reader", "aws_secret_access_key": "x"}
    data = lab.client_at("ecr", REGION, keys).get_authorization_token()["authorizationData"][0]
    assert base64.b64decode(data["authorizationToken"]).startswith(b"AWS:")
    header = {"Authorization": f"Basic {data['authorizationToken']}"}
    assert registry.call("GET", "/v2/", headers=header)[0] == 200
    assert registry.call("POST", "/v2/web/blobs/uploads/", b"", header)[0] == 403
    assert registry.call("POST", "/v2/web/blobs/uploads/", b"")[0] == 202


def test_a_linked_role_that_a_service_makes_needs_the_right_to_make_it(lab: RunningLab) -> None:
    lab.post("strict", {"linked-role": True})
    ecs = lab.client("ecs")
    attach(lab, allow("ecs:*"))
    role = "role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
    with refused("AccessDeniedException", f"iam:CreateServiceLinkedRole on resource: .*{role} bec"):
        ecs.create_cluster(clusterName="main")
    named = {"iam:AWSServiceName": "ecs.amazonaws.com"}
    attach(lab, allow("iam:CreateServiceLinkedRole", StringEquals=named))
    lab.client("iam").create_service_linked_role(AWSServiceName="ecs.amazonaws.com")
    with refused("AccessDenied", "iam:CreateServiceLinkedRole"):
        lab.client("iam").create_service_linked_role(AWSServiceName="rds.amazonaws.com")
