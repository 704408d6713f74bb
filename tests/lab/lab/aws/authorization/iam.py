"""IAM: roles, by the path that those have that are there."""

from __future__ import annotations

from collections.abc import Iterator

from moto.iam.models import iam_backends

from lab.aws.authorization.table import Asked, Facts, Service, Target, Want, found, named, tagging

ROLES = (
    "AttachRolePolicy",
    "DeleteRole",
    "DeleteRolePermissionsBoundary",
    "DeleteRolePolicy",
    "DetachRolePolicy",
    "GetRole",
    "GetRolePolicy",
    "ListAttachedRolePolicies",
    "ListRolePolicies",
    "ListRoleTags",
    "PutRolePermissionsBoundary",
    "PutRolePolicy",
    "TagRole",
    "UntagRole",
    "UpdateAssumeRolePolicy",
    "UpdateRole",
    "UpdateRoleDescription",
)
# What services call their linked roles, where it can be told (their user guides).
LINKED = {
    "ecs.amazonaws.com": "ECS",
    "ecs.application-autoscaling.amazonaws.com": "ApplicationAutoScaling_ECSService",
    "elasticache.amazonaws.com": "ElastiCache",
    "elasticloadbalancing.amazonaws.com": "ElasticLoadBalancing",
    "rds.amazonaws.com": "RDS",
}


def _role(asked: Asked) -> Iterator[str]:
    name = asked.text("RoleName")
    roles = iam_backends[asked.place.account][asked.place.partition].roles.values()
    yield next((role.arn for role in roles if role.name == name), f"role/{name}")


def _new_role(asked: Asked) -> Iterator[str]:
    yield f"role{asked.text('Path') or '/'}{asked.text('RoleName')}"


def linked_role(service: str) -> str:
    """The linked role of a service, such as `ecs.amazonaws.com`."""
    name = f"AWSServiceRoleFor{LINKED.get(service, '*')}"
    return f"role/aws-service-role/{service}/{name}"


def _linked(asked: Asked) -> Iterator[Target]:
    service = asked.text("AWSServiceName")
    yield Target(asked.arn(linked_role(service)), {})


def _beside(asked: Asked) -> Iterator[Want]:
    if asked.operation == "CreateRole":
        for resource in _new_role(asked):
            yield from tagging(asked, "TagRole", resource)


def _facts(asked: Asked) -> Facts:
    service = asked.text("AWSServiceName")
    return {"iam:awsservicename": (service,)} if service else {}


SERVICE = Service(
    {
        **dict.fromkeys(ROLES, (found(_role),)),
        "CreateRole": [found(_new_role)],
        "CreateServiceLinkedRole": [_linked],
        "SimulatePrincipalPolicy": [named("{}", "PolicySourceArn")],
    },
    _beside,
    _facts,
)
