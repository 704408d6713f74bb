"""Identity policies: what those may do who call the AWS API, and what they are told."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from conftest import REGION, RunningLab
from policy import ACCOUNT, ALL, CIDR, TAG, USER, allow, arn, attach, deny, problem
from stack import TAGS, refused


def test_without_policies_everything_goes_and_with_none_nothing_but_ones_identity(
    lab: RunningLab,
) -> None:
    ec2 = lab.client("ec2")
    ec2.describe_vpcs()
    lab.post("policies", {"documents": []})
    with refused("UnauthorizedOperation"):
        ec2.describe_vpcs()
    assert lab.client("sts").get_caller_identity()["Account"] == ACCOUNT
    lab.post("policies", {"documents": None})
    ec2.describe_vpcs()
    lab.post("policies", {"documents": []})
    lab.post("reset")
    ec2.describe_vpcs()
    assert lab.get("policies") == {"denied": [], "allowed": []}


def test_refusals_are_in_the_words_of_each_protocol(lab: RunningLab) -> None:
    attach(lab, allow("ec2:DescribeVpcs"))
    vpc = arn("ec2", "vpc/*")
    with refused("UnauthorizedOperation", "You are not authorized to perform this operation. User"):
        lab.client("ec2").create_vpc(CidrBlock=CIDR)
    why = "because no identity-based policy allows the ec2:CreateVpc action"
    text = f"User: {USER} is not authorized to perform: ec2:CreateVpc on resource: {vpc} {why}"
    with pytest.raises(ClientError) as caught:
        lab.client("ec2").create_vpc(CidrBlock=CIDR)
    assert text in str(caught.value)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    with refused("AccessDenied", f"rds:DescribeDBInstances on resource: {arn('rds', 'db:.')} bec"):
        lab.client("rds").describe_db_instances()
    with refused("AccessDeniedException", "ecs:ListClusters on resource: \\* because"):
        lab.client("ecs").list_clusters()
    with refused("AccessDenied", "elasticloadbalancing:DescribeLoadBalancers because"):
        lab.client("elbv2").describe_load_balancers()
    with refused("AccessDeniedException", "cloudwatch:ListMetrics because"):
        lab.client("cloudwatch").list_metrics()
    with refused("AccessDeniedException", "tag:GetResources because"):
        lab.client("resourcegroupstaggingapi").get_resources()
    attach(lab, ALL, deny("iam:List*"))
    with refused("AccessDenied", "iam:ListRoles .* with an explicit deny in an identity-based pol"):
        lab.client("iam").list_roles()


def test_a_refused_call_changes_nothing_and_is_listed_and_counted(lab: RunningLab) -> None:
    ec2 = lab.client("ec2")
    before = lab.get("inventory")
    attach(lab, allow("ec2:Describe*"))
    for _ in range(2):
        with refused("UnauthorizedOperation"):
            ec2.create_vpc(CidrBlock=CIDR)
    ec2.describe_vpcs()
    ec2.describe_subnets()
    assert lab.get("inventory") == before
    assert lab.get("calls")["operations"]["ec2:CreateVpc"] == 2
    assert lab.get("policies") == {
        "denied": [{"action": "ec2:CreateVpc", "resource": arn("ec2", "vpc/*")}],
        "allowed": [["ec2:DescribeSubnets", "*"], ["ec2:DescribeVpcs", "*"]],
    }
    attach(lab, ALL)
    assert lab.get("policies") == {"denied": [], "allowed": []}


def test_what_denies_counts_more_than_what_allows(lab: RunningLab) -> None:
    ecr = lab.client("ecr")
    attach(lab, deny("ecr:Delete*", on=arn("ecr", "repository/kept-*")), ALL)
    for name in ("kept-one", "other"):
        ecr.create_repository(repositoryName=name)
    ecr.delete_repository(repositoryName="other")
    with refused("AccessDeniedException", "explicit deny"):
        ecr.delete_repository(repositoryName="kept-one")


def test_an_action_without_resources_is_allowed_on_all_of_them_alone(lab: RunningLab) -> None:
    ec2 = lab.client("ec2")
    attach(lab, allow("ec2:DescribeVpcs", on=arn("ec2", "*")))
    with refused("UnauthorizedOperation"):
        ec2.describe_vpcs()
    attach(lab, allow("ec2:DescribeVpcs"))
    ec2.describe_vpcs()


def test_a_wildcard_reaches_over_colons_only_at_the_end_of_a_part(lab: RunningLab) -> None:
    logs = lab.client("logs")
    for pattern, is_allowed in (
        ("arn:aws:logs:*", True),
        ("arn:aws:logs:*:*:log-group:/web:*", True),
        ("arn:aws:logs:*:*:log-group:/w*b:*", True),
        ("arn:aws:logs:*:*:log-group:/web", False),
        ("arn:aws:logs:*:*:lo*b:*", False),
        ("arn:aws:logs:us-east-1:*:*", False),
    ):
        attach(lab, allow("logs:*", on=pattern))
        if is_allowed:
            logs.create_log_group(logGroupName="/web")
            logs.delete_log_group(logGroupName="/web")
        else:
            with refused("AccessDeniedException"):
                logs.create_log_group(logGroupName="/web")


def test_every_resource_of_a_call_has_to_be_allowed(lab: RunningLab) -> None:
    ec2 = lab.client("ec2")
    vpc, other = (ec2.create_vpc(CidrBlock=CIDR)["Vpc"]["VpcId"] for _ in range(2))
    attach(lab, allow("ec2:CreateSubnet", on=[arn("ec2", "subnet/*"), arn("ec2", f"vpc/{vpc}")]))
    ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")
    with refused("UnauthorizedOperation", f"on resource: {arn('ec2', f'vpc/{other}')} "):
        ec2.create_subnet(VpcId=other, CidrBlock="10.0.0.0/24")
    attach(lab, allow("ec2:CreateSubnet", on=arn("ec2", f"vpc/{vpc}")))
    with refused("UnauthorizedOperation", "subnet/\\*"):
        ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")


@pytest.mark.parametrize(
    ("condition", "is_allowed"),
    [
        ({"StringEquals": {"aws:RequestTag/stack": ["a", "test"]}}, True),
        ({"StringEquals": {"aws:RequestTag/Stack": "test"}}, True),
        ({"StringEquals": {"aws:RequestTag/none": "test"}}, False),
        ({"StringEqualsIfExists": {"aws:RequestTag/none": "test"}}, True),
        ({"StringEqualsIfExists": {"aws:RequestTag/stack": "none"}}, False),
        ({"StringNotEquals": {"aws:RequestTag/stack": ["a", "test"]}}, False),
        ({"StringNotEquals": {"aws:RequestTag/none": "test"}}, True),
        ({"StringEqualsIgnoreCase": {"aws:RequestTag/stack": "TEST"}}, True),
        ({"StringLike": {"aws:RequestTag/stack": "t?s*"}}, True),
        ({"StringNotLike": {"aws:RequestTag/stack": "t*"}}, False),
        ({"Null": {"aws:RequestTag/stack": False, "aws:RequestTag/none": "true"}}, True),
        ({"Null": {"aws:RequestTag/stack": "true"}}, False),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["Name", "stack", "env"]}}, True),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["stack"]}}, False),
        ({"ForAnyValue:StringEquals": {"aws:TagKeys": ["stack"]}}, True),
        ({"ForAnyValue:StringLike": {"aws:TagKeys": ["env*"]}}, False),
        ({"ForAllValues:StringNotEquals": {"aws:TagKeys": ["env"]}}, True),
        ({"ForAllValues:StringEquals": {"ecs:cluster": ["none"]}}, True),
        ({"ForAnyValue:StringNotEquals": {"ecs:cluster": ["none"]}}, False),
        ({"StringEquals": {"aws:RequestedRegion": [REGION, "us-east-1"]}}, True),
        ({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}, False),
        ({"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}, True),
        ({"StringNotEquals": {"aws:ResourceAccount": ACCOUNT}}, False),
        ({"Bool": {"aws:ViaAWSService": False}}, True),
        ({"Bool": {"aws:ViaAWSService": "true"}}, False),
        ({"StringEquals": TAG, "StringLike": {"aws:RequestedRegion": "us-*"}}, False),
    ],
    ids=str,
)
def test_conditions(lab: RunningLab, condition: dict[str, Any], is_allowed: bool) -> None:
    ecr = lab.client("ecr")
    attach(lab, allow("ecr:CreateRepository", **condition), allow("ecr:TagResource"))
    if is_allowed:
        ecr.create_repository(repositoryName="web", tags=TAGS)
    else:
        with refused("AccessDeniedException", "ecr:CreateRepository"):
            ecr.create_repository(repositoryName="web", tags=TAGS)


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ({**ALL, "Condition": {"StringEquals": {"aws:SourceIp": "10.0.0.1"}}}, "aws:SourceIp"),
        ({**ALL, "Condition": {"StringEquals": {"aws:RequestTag": "x"}}}, "aws:RequestTag"),
        ({**ALL, "Condition": {"IpAddress": {"aws:TagKeys": "x"}}}, "IpAddress"),
        ({**ALL, "Condition": {"NullIfExists": {"aws:TagKeys": "true"}}}, "NullIfExists"),
        ({**ALL, "Condition": {"ForSome:Bool": {"aws:TagKeys": "x"}}}, "ForSome:Bool"),
        ({**ALL, "Condition": {"StringEquals": {"aws:TagKeys": "${aws:userid}"}}}, "aws:userid"),
        ({**ALL, "Resource": "arn:aws:iam::*:role/${aws:userid}"}, "aws:userid"),
        ({**ALL, "Resource": "role/web"}, "role/web"),
        ({**ALL, "Action": "CreateVpc"}, "CreateVpc"),
        ({**ALL, "Action": []}, "Action"),
        ({**ALL, "Effect": "allow"}, "'allow'"),
        ({**ALL, "Principal": "*"}, "Principal"),
        ({**ALL, "NotAction": "*"}, "NotAction"),
        ({"Effect": "Allow", "Action": "*"}, "Resource"),
    ],
    ids=str,
)
def test_what_the_lab_does_not_know_is_refused_by_its_name(
    lab: RunningLab, statement: dict[str, Any], named: str
) -> None:
    attach(lab, allow("ec2:DescribeVpcs"))
    assert named in problem(lab, {"documents": [{"Statement": [statement]}]})
    lab.client("ec2").describe_vpcs()
    with refused("UnauthorizedOperation"):
        lab.client("ec2").describe_subnets()


def test_what_is_posted_has_documents_and_nothing_that_nobody_knows(lab: RunningLab) -> None:
    assert "documents" in problem(lab, {"access_key": "x"})
    assert "user" in problem(lab, {"documents": [], "user": "x"})
    assert "Id2" in problem(lab, {"documents": [{"Id2": "x", "Statement": []}]})
    assert "2020" in problem(lab, {"documents": [{"Version": "2020-01-01", "Statement": []}]})


def test_a_session_has_policies_of_its_own_by_its_key_or_by_its_role(lab: RunningLab) -> None:
    (role,) = lab.post("accounts", {"account": "222222222222", "roles": ["deploy"]})["roles"]
    attach(lab, allow("ec2:*"))
    with refused("AccessDenied", f"sts:AssumeRole on resource: {role}"):
        lab.client("sts").assume_role(RoleArn=role, RoleSessionName="one")
    attach(lab, allow("sts:AssumeRole", on=role, StringEquals={"aws:ResourceAccount": "2" * 12}))
    given = lab.client("sts").assume_role(RoleArn=role, RoleSessionName="one")["Credentials"]
    keys = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }
    ec2 = lab.client_at("ec2", REGION, keys)
    session = "arn:aws:sts::222222222222:assumed-role/deploy/one"
    with refused("UnauthorizedOperation", f"User: {session} is not"):
        ec2.describe_vpcs()
    for holder in ({"role": role}, {"access_key": given["AccessKeyId"]}):
        attach(lab, allow("ec2:DescribeVpcs"), **holder)
        ec2.describe_vpcs()
        with refused("UnauthorizedOperation"):
            lab.client("ec2").describe_vpcs()
        lab.post("policies", {"documents": None, **holder})
        with refused("UnauthorizedOperation"):
            ec2.describe_vpcs()


def test_a_key_alone_is_limited(lab: RunningLab) -> None:
    attach(lab, allow("ec2:DescribeVpcs"), access_key="reader")
    keys = {"aws_access_key_id": "reader", "aws_secret_access_key": "x"}
    reader = lab.client_at("ec2", REGION, keys)
    reader.describe_vpcs()
    with refused("UnauthorizedOperation"):
        reader.describe_subnets()
    lab.client("ec2").describe_subnets()


def test_a_secret_parameter_is_hidden_by_a_denial_alone(lab: RunningLab) -> None:
    ssm = lab.client("ssm")
    for name, kind in (("/a/open", "String"), ("/a/b/key", "SecureString")):
        ssm.put_parameter(Name=name, Value="x", Type=kind)
    read = allow("ssm:GetParametersByPath")
    asked = {"Path": "/a", "Recursive": True}
    attach(lab, read)
    assert len(ssm.get_parameters_by_path(**asked, WithDecryption=True)["Parameters"]) == 2
    key = "kms:EncryptionContext:PARAMETER_ARN"
    hidden = {
        "Effect": "Deny",
        "Action": "kms:Decrypt",
        "Resource": "*",
        "Condition": {
            "StringLike": {key: arn("ssm", "parameter/a/*")},
            "StringNotLike": {key: arn("ssm", "parameter/a/own/*")},
        },
    }
    attach(lab, read, hidden)
    assert len(ssm.get_parameters_by_path(**asked)["Parameters"]) == 2
    with refused("AccessDeniedException", "kms:Decrypt .*explicit deny"):
        ssm.get_parameters_by_path(**asked, WithDecryption=True)
