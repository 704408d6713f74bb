"""Elastic Load Balancing: also what it asks of EC2 under the caller's name (user guide, "Elastic
Load Balancing API permissions")."""

from __future__ import annotations

from collections.abc import Iterator

from lab.aws.authorization.table import Asked, Service, Target, Want, found, named, tagging

KINDS = {"application": "app", "network": "net", "gateway": "gwy"}
READS = {
    "CreateLoadBalancer": (
        "DescribeAccountAttributes",
        "DescribeAddresses",
        "DescribeInternetGateways",
        "DescribeSecurityGroups",
        "DescribeSubnets",
        "DescribeVpcs",
    ),
    "CreateTargetGroup": ("DescribeInternetGateways", "DescribeVpcs"),
    "SetIpAddressType": ("DescribeSubnets",),
    "SetSubnets": ("DescribeSubnets",),
}
BALANCER = [named("{}", "LoadBalancerArn")]
LISTENER = [named("{}", "ListenerArn")]
RULE = [named("{}", "RuleArn", "RulePriorities.RuleArn")]
TARGETS = [named("{}", "TargetGroupArn")]
TAGGED = [named("{}", "ResourceArns")]


def _balancer(asked: Asked) -> Iterator[str]:
    kind = KINDS.get(asked.text("Type") or "application", "*")
    yield f"loadbalancer/{kind}/{asked.text('Name')}/*"


def _made(asked: Asked) -> Iterator[str]:
    """What a call makes, whose identifier is not known yet."""
    if asked.operation == "CreateLoadBalancer":
        yield from _balancer(asked)
    elif asked.operation == "CreateTargetGroup":
        yield f"targetgroup/{asked.text('Name')}/*"
    elif asked.operation == "CreateListener":
        yield asked.text("LoadBalancerArn").replace(":loadbalancer/", ":listener/", 1) + "/*"
    elif asked.operation == "CreateRule":
        yield asked.text("ListenerArn").replace(":listener/", ":listener-rule/", 1) + "/*"


def _beside(asked: Asked) -> Iterator[Want]:
    for action in READS.get(asked.operation, ()):
        yield Want(f"ec2:{action}", Target("*", {}), {"aws:viaawsservice": ("true",)})
    for resource in _made(asked):
        yield from tagging(asked, "AddTags", resource)


SERVICE = Service(
    {
        "AddListenerCertificates": LISTENER,
        "AddTags": TAGGED,
        "CreateListener": BALANCER,
        "CreateLoadBalancer": [found(_balancer)],
        "CreateRule": LISTENER,
        "CreateTargetGroup": [named("targetgroup/{}/*", "Name")],
        "DeleteListener": LISTENER,
        "DeleteLoadBalancer": BALANCER,
        "DeleteRule": RULE,
        "DeleteTargetGroup": TARGETS,
        "DeregisterTargets": TARGETS,
        "ModifyListener": LISTENER,
        "ModifyLoadBalancerAttributes": BALANCER,
        "ModifyRule": RULE,
        "ModifyTargetGroup": TARGETS,
        "ModifyTargetGroupAttributes": TARGETS,
        "RegisterTargets": TARGETS,
        "RemoveListenerCertificates": LISTENER,
        "RemoveTags": TAGGED,
        "SetIpAddressType": BALANCER,
        "SetRulePriorities": RULE,
        "SetSecurityGroups": BALANCER,
        "SetSubnets": BALANCER,
    },
    _beside,
)
