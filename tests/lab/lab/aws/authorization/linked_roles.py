"""Service-linked roles that a call makes on the way, which its caller needs to be allowed.

Where the strict profile has them come late, ECS and RDS make theirs with the first call in an
account; nowhere else does the lab make any by itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from moto.iam.models import iam_backends

from lab.aws.authorization.iam import linked_role
from lab.aws.authorization.table import Asked, Target, Want
from lab.world.lab import Lab

FIRST = {
    ("ecs", "CreateCluster"): "ecs.amazonaws.com",
    ("rds", "CreateDBInstance"): "rds.amazonaws.com",
    ("rds", "CreateDBSubnetGroup"): "rds.amazonaws.com",
}


def wants(lab: Lab, asked: Asked) -> Iterator[Want]:
    """The right to make the role of the service, if it is not there."""
    service = FIRST.get((asked.service, asked.operation))
    if service is None or not lab.strict.is_on("linked-role"):
        return
    path = f"/aws-service-role/{service}/"
    roles = iam_backends[asked.place.account][asked.place.partition].roles.values()
    if not any(role.path == path for role in roles):
        yield Want(
            "iam:CreateServiceLinkedRole",
            Target(asked.place.arn_of_iam(linked_role(service)), {}),
            {"iam:awsservicename": (service,), "aws:viaawsservice": ("true",)},
        )
