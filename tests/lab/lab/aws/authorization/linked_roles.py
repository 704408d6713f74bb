"""Service-linked roles that a call makes on the way, which its caller needs to be allowed.

The first load balancer, cluster, database or scalable target of an account makes the role of its service, with the
caller's right to make it ("Using service-linked roles" in the user guides of Elastic Load Balancing,
ECS, RDS and Application Auto Scaling).
"""

from __future__ import annotations

from collections.abc import Iterator

from moto.iam.models import iam_backends

from lab.aws.authorization.iam import linked_role
from lab.aws.authorization.table import Asked, Target, Want

FIRST = {
    (
        "application-autoscaling",
        "RegisterScalableTarget",
    ): "ecs.application-autoscaling.amazonaws.com",
    ("ecs", "CreateCluster"): "ecs.amazonaws.com",
    ("elasticloadbalancing", "CreateLoadBalancer"): "elasticloadbalancing.amazonaws.com",
    ("rds", "CreateDBInstance"): "rds.amazonaws.com",
    ("rds", "CreateDBSubnetGroup"): "rds.amazonaws.com",
}


def wants(asked: Asked) -> Iterator[Want]:
    """The right to make the role of the service, if it is not there."""
    service = FIRST.get((asked.service, asked.operation))
    if service is None:
        return
    path = f"/aws-service-role/{service}/"
    roles = iam_backends[asked.place.account][asked.place.partition].roles.values()
    if not any(role.path == path for role in roles):
        yield Want(
            "iam:CreateServiceLinkedRole",
            Target(asked.place.arn_of_iam(linked_role(service)), {}),
            {"iam:awsservicename": (service,), "aws:viaawsservice": ("true",)},
        )
