"""IAM's simulator of policies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import LAB_KEYS, REGION, RunningLab
from jobs import trust
from policy import USER, allow, arn, attach, deny
from stack import refused

CLUSTER = arn("ecs", "cluster/main")
OTHER = arn("ecs", "cluster/other")


def document(*statements: dict[str, Any]) -> str:
    """A policy as IAM takes it."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def role(iam: Any, *statements: dict[str, Any], **settings: Any) -> str:
    """A role beneath a path, and what it may do."""
    made = iam.create_role(
        RoleName="deploy",
        Path="/teams/",
        AssumeRolePolicyDocument=trust("ecs-tasks.amazonaws.com"),
        **settings,
    )
    iam.put_role_policy(RoleName="deploy", PolicyName="own", PolicyDocument=document(*statements))
    found: str = made["Role"]["Arn"]
    return found


def simulate(iam: Any, source: str, *actions: str, **settings: Any) -> list[Any]:
    """What the simulator says to actions."""
    found: list[Any] = iam.simulate_principal_policy(
        PolicySourceArn=source, ActionNames=list(actions), **settings
    )["EvaluationResults"]
    return found


def test_each_action_has_a_decision_on_all_resources_and_on_each(lab: RunningLab) -> None:
    iam = lab.client("iam")
    own = role(iam, allow("ecs:*", on=CLUSTER), deny("ecs:Delete*"), allow("rds:*"))
    kept, deleted, free = simulate(
        iam, own, "ecs:UpdateCluster", "ecs:DeleteCluster", "rds:X", ResourceArns=[CLUSTER, OTHER]
    )
    assert [it["EvalDecision"] for it in (kept, deleted, free)] == [
        "implicitDeny",
        "explicitDeny",
        "allowed",
    ]
    assert [
        (it["EvalResourceName"], it["EvalResourceDecision"])
        for it in kept["ResourceSpecificResults"]
    ] == [(CLUSTER, "allowed"), (OTHER, "implicitDeny")]
    assert free["EvalResourceName"] == "*"
    assert deleted["MatchedStatements"] == [{"SourcePolicyId": "own", "SourcePolicyType": "role"}]
    (anywhere,) = simulate(iam, own, "ecs:UpdateCluster")
    assert anywhere["EvalDecision"] == "implicitDeny"
    assert "ResourceSpecificResults" not in anywhere


def test_what_conditions_ask_about_is_in_the_context_or_said_to_be_missing(
    lab: RunningLab,
) -> None:
    iam = lab.client("iam")
    tagged = {"aws:RequestTag/stack": "test"}
    own = role(iam, allow("ec2:CreateVpc", StringEquals=tagged))
    (unknown,) = simulate(iam, own, "ec2:CreateVpc")
    assert (unknown["EvalDecision"], unknown["MissingContextValues"]) == (
        "implicitDeny",
        ["aws:RequestTag/stack"],
    )
    for value, decision in (("test", "allowed"), ("other", "implicitDeny")):
        context = {
            "ContextKeyName": "aws:RequestTag/stack",
            "ContextKeyValues": [value],
            "ContextKeyType": "string",
        }
        (known,) = simulate(iam, own, "ec2:CreateVpc", ContextEntries=[context])
        assert known["EvalDecision"] == decision
        assert not known.get("MissingContextValues")


def test_a_boundary_allows_nothing_by_itself_and_takes_away_what_it_does_not_name(
    lab: RunningLab,
) -> None:
    iam = lab.client("iam")
    made = iam.create_policy(
        PolicyName="limit", PolicyDocument=document(allow("ecs:*", "s3:*"), deny("ecs:Delete*"))
    )
    limit = made["Policy"]["Arn"]
    own = role(iam, allow("ecs:*", "rds:*"), PermissionsBoundary=limit)
    results = simulate(iam, own, "ecs:CreateCluster", "ecs:DeleteCluster", "rds:X", "s3:X")
    assert [
        (
            it["EvalDecision"],
            it["PermissionsBoundaryDecisionDetail"]["AllowedByPermissionsBoundary"],
        )
        for it in results
    ] == [
        ("allowed", True),
        ("explicitDeny", False),
        ("implicitDeny", False),
        ("implicitDeny", True),
    ]


def test_pages_follow_one_another(lab: RunningLab) -> None:
    iam = lab.client("iam")
    wanted = [f"ecs:Action{letter}" for letter in "abc"]
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=role(iam, allow("*")),
        ActionNames=wanted,
        PaginationConfig={"PageSize": 2},
    )
    found = [[it["EvalActionName"] for it in page["EvaluationResults"]] for page in pages]
    assert found == [wanted[:2], wanted[2:]]


def test_a_role_is_named_with_its_path_and_a_session_is_no_entity(lab: RunningLab) -> None:
    iam = lab.client("iam")
    own = role(iam, allow("*"))
    with refused("NoSuchEntity", "The role with name deploy cannot be found"):
        simulate(iam, own.replace("/teams/", "/"), "ecs:X")
    session = own.replace(":iam:", ":sts:").replace("role/teams/", "assumed-role/") + "/me"
    with refused("InvalidInput", f"Invalid Entity Arn: {session}"):
        simulate(iam, session, "ecs:X")
    with refused("InvalidInput", "ResourceNames are not in a valid ARN format: main."):
        simulate(iam, own, "ecs:X", ResourceArns=["main"])


@pytest.mark.parametrize("holder", [{}, {"access_key": LAB_KEYS["aws_access_key_id"]}])
def test_what_was_attached_to_the_caller_is_what_is_simulated(
    lab: RunningLab, holder: dict[str, str]
) -> None:
    iam, sts = lab.client("iam"), lab.client_at("sts", REGION, LAB_KEYS)
    caller = sts.get_caller_identity()["Arn"]
    assert caller == USER
    assert simulate(iam, caller, "rds:X")[0]["EvalDecision"] == "allowed"
    attach(lab, allow("iam:Simulate*", on=USER), deny("rds:*"), **holder)
    assert simulate(iam, caller, "rds:X")[0]["EvalDecision"] == "explicitDeny"
    attach(lab, allow("rds:*"), **holder)
    with refused("AccessDenied", f"iam:SimulatePrincipalPolicy on resource: {USER}"):
        simulate(iam, caller, "rds:X")
