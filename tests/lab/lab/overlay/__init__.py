"""What moto lacks, forgets or waves through, put right in one file a service.

`install(lab)` patches moto's classes once, before the first call is served.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.world import Lab


def install(lab: Lab) -> None:
    """Patches every service."""
    from lab.overlay import (
        acm,
        ec2_addresses,
        ec2_groups,
        ec2_paging,
        ec2_vpc,
        ecr,
        ecs,
        elasticache,
        elbv2,
        iam,
        logs,
        paging,
        rds,
        scaling,
        secrets,
        strict,
        tagging,
    )

    for service in (
        ec2_vpc,
        ec2_groups,
        ec2_paging,
        ec2_addresses,
        elbv2,
        acm,
        ecr,
        ecs,
        rds,
        elasticache,
        iam,
        logs,
        secrets,
        scaling,
        tagging,
        paging,
        strict,
    ):
        service.install(lab)
