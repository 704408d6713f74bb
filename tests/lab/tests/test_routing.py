"""What load balancers refuse of redirects and shares, whom clients stay with, and their web ACL."""

from __future__ import annotations

import http.client
from typing import Any

import pytest
from botocore.exceptions import ClientError
from conftest import RunningLab
from test_balancer import Edge, edge

__all__ = ["edge"]

SHOWN = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "shop"}


def refused(call: Any, **given: Any) -> str:
    """The code with which a call is refused."""
    with pytest.raises(ClientError) as caught:
        call(**given)
    return str(caught.value.response["Error"]["Code"])


def keep_clients(edge: Edge, group: str) -> None:
    """Lets clients stay with the targets of a group."""
    attributes = {"stickiness.enabled": "true", "stickiness.lb_cookie.duration_seconds": "60"}
    pairs = [{"Key": key, "Value": value} for key, value in attributes.items()]
    edge.elbv2.modify_target_group_attributes(TargetGroupArn=group, Attributes=pairs)


def test_a_client_with_the_cookie_stays_with_its_target(edge: Edge) -> None:
    group = edge.group("kept", count=2)
    keep_clients(edge, group)
    edge.elbv2.modify_listener(
        ListenerArn=edge.listener,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    edge.healthy(group)

    def ask(cookie: str) -> tuple[str, str]:
        connection = http.client.HTTPConnection(edge.name, 80)
        connection.request("GET", "/", headers={"Cookie": cookie})
        answer = connection.getresponse()
        said = answer.headers.get_all("Set-Cookie") or []
        return answer.read().decode().split()[0], said[0].split(";")[0]

    first, cookie = ask("")
    assert {ask(cookie)[0] for _ in range(6)} == {first}
    assert len({ask("")[0] for _ in range(4)}) == 2


def test_shares_of_a_group_that_keeps_clients_want_it_of_the_rule(edge: Edge) -> None:
    both = [edge.group("one"), edge.group("two")]
    keep_clients(edge, both[0])
    shares = [{"TargetGroupArn": arn, "Weight": 1} for arn in both]
    forward: dict[str, Any] = {"TargetGroups": shares}
    rule = {"ListenerArn": edge.listener, "Priority": 1}
    rule["Conditions"] = [{"Field": "path-pattern", "Values": ["/*"]}]
    create = edge.elbv2.create_rule
    actions = [{"Type": "forward", "ForwardConfig": forward}]
    assert refused(create, **rule, Actions=actions) == "InvalidLoadBalancerAction"
    forward["TargetGroupStickinessConfig"] = {"Enabled": True, "DurationSeconds": 60}
    create(**rule, Actions=actions)


def test_a_redirect_to_what_was_asked_for_is_a_loop(edge: Edge) -> None:
    rule = {"ListenerArn": edge.listener, "Priority": 1}
    rule["Conditions"] = [{"Field": "path-pattern", "Values": ["/*"]}]
    for place, is_loop in (
        ({"Protocol": "HTTP", "Port": "80", "Query": "a=b"}, True),
        ({"Protocol": "HTTPS", "Port": "443"}, False),
    ):
        redirect = {"Type": "redirect", "RedirectConfig": {**place, "StatusCode": "HTTP_302"}}
        if is_loop:
            code = refused(edge.elbv2.create_rule, **rule, Actions=[redirect])
            assert code == "InvalidLoadBalancerAction"
        else:
            edge.elbv2.create_rule(**rule, Actions=[redirect])


def test_a_target_group_is_of_one_load_balancer(edge: Edge) -> None:
    forward = [{"Type": "forward", "TargetGroupArn": edge.group("one")}]
    subnets = edge.elbv2.describe_load_balancers()["LoadBalancers"][0]["AvailabilityZones"]
    second = edge.elbv2.create_load_balancer(
        Name="second", Subnets=[subnet["SubnetId"] for subnet in subnets]
    )["LoadBalancers"][0]["LoadBalancerArn"]
    listener = {"LoadBalancerArn": second, "Protocol": "HTTP", "Port": 80}
    there = edge.elbv2.create_listener(**listener, DefaultActions=forward)["Listeners"][0]
    change = {"ListenerArn": edge.listener, "DefaultActions": forward}
    assert refused(edge.elbv2.modify_listener, **change) == "TargetGroupAssociationLimit"
    condition = {"Field": "path-pattern", "Values": ["/*"]}
    rule = {"ListenerArn": edge.listener, "Priority": 1, "Conditions": [condition]}
    assert refused(edge.elbv2.create_rule, **rule, Actions=forward) == "TargetGroupAssociationLimit"
    edge.elbv2.delete_listener(ListenerArn=there["ListenerArn"])
    edge.elbv2.modify_listener(**change)


def test_a_load_balancer_has_one_web_acl_of_its_region(edge: Edge, lab: RunningLab) -> None:
    waf = lab.client("wafv2")

    def make(name: str) -> str:
        made = waf.create_web_acl(
            Name=name, Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=SHOWN
        )
        return str(made["Summary"]["ARN"])

    one, two = make("one"), make("two")
    elsewhere = one.replace("eu-west-1", "eu-central-1")
    put = waf.associate_web_acl
    code = refused(put, WebACLArn=elsewhere, ResourceArn=edge.arn)
    assert code == "WAFInvalidParameterException"
    gone = {"WebACLArn": one, "ResourceArn": f"{edge.arn}0"}
    assert refused(put, **gone) == "WAFNonexistentItemException"
    for arn in (one, two):
        put(WebACLArn=arn, ResourceArn=edge.arn)
    there = waf.get_web_acl_for_resource(ResourceArn=edge.arn)
    assert there["WebACL"]["ARN"] == two
    waf.disassociate_web_acl(ResourceArn=edge.arn)
    assert "WebACL" not in waf.get_web_acl_for_resource(ResourceArn=edge.arn)
