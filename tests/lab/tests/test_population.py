"""An account full of the things of others, and the pages in which AWS lists them."""

from __future__ import annotations

import urllib.error
from typing import Any

import pytest
from conftest import RunningLab
from late import TRUST
from stack import balancer, network, target_group

MANY = {
    "roles": 1000,
    "target-groups": 500,
    "load-balancers": 60,
    "repositories": 300,
    "secrets": 300,
    "log-groups": 300,
}
# Kind, service, operation, list, page size, AWS's page without one, its largest page.
LISTS: list[tuple[str, str, str, str, str, int, int]] = [
    ("roles", "iam", "get_account_authorization_details", "RoleDetailList", "MaxItems", 100, 1000),
    ("roles", "iam", "list_roles", "Roles", "MaxItems", 100, 1000),
    ("target-groups", "elbv2", "describe_target_groups", "TargetGroups", "PageSize", 400, 400),
    ("load-balancers", "elbv2", "describe_load_balancers", "LoadBalancers", "PageSize", 400, 400),
    ("repositories", "ecr", "describe_repositories", "repositories", "maxResults", 100, 1000),
    ("secrets", "secretsmanager", "list_secrets", "SecretList", "MaxResults", 100, 100),
    ("log-groups", "logs", "describe_log_groups", "logGroups", "limit", 50, 50),
]


def test_what_others_have_comes_in_pages_of_awss_sizes(lab: RunningLab) -> None:
    assert lab.post("populate", MANY)["made"] == MANY
    for kind, service, operation, listed, size, usual, most in LISTS:
        call = getattr(lab.client(service), operation)
        for asked, expected in (({}, usual), ({size: most}, most)):
            assert len(call(**asked)[listed]) == min(expected, MANY[kind]), operation
        pages = lab.client(service).get_paginator(operation).paginate()
        found = [str(item) for page in pages for item in page[listed]]
        assert len(set(found)) == len(found), operation
        # AWS's own role for the load balancers is among the roles.
        assert len([item for item in found if "AWSServiceRole" not in item]) == MANY[kind], (
            operation
        )
    assert lab.get("model-check")["refused"] == []


def test_ones_own_things_stand_among_those_of_others(lab: RunningLab) -> None:
    few: dict[str, Any] = dict.fromkeys(MANY, 3)
    lab.post("populate", few)
    vpc, subnets, group = network(lab.client("ec2"))
    elbv2, iam = lab.client("elbv2"), lab.client("iam")
    made = {balancer(elbv2, subnets, group), target_group(elbv2, vpc)}
    made.add(iam.create_role(RoleName="mine", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"])
    lab.post("populate", few)
    inventory = lab.get("inventory")["resources"]
    kinds = [entry["kind"] for entry in inventory]
    assert kinds.count("iam:role") == kinds.count("elasticloadbalancing:targetgroup") == 7
    assert made < {entry["arn"] for entry in inventory}
    assert len(elbv2.describe_load_balancers()["LoadBalancers"]) == 7


def test_a_population_of_what_there_is_not_is_refused(lab: RunningLab) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400"):
        lab.post("populate", {"people": 3})
