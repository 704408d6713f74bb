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
        cloudwatch,
        ec2_addresses,
        ec2_groups,
        ec2_paging,
        ec2_tokens,
        ec2_vpc,
        ecr,
        ecs,
        elasticache,
        elbv2,
        iam,
        kms,
        logs,
        paging,
        rds,
        route53,
        scaling,
        secrets,
        ssm,
        strict,
        sts,
        tag_rules,
        tagging,
    )

    for service in (
        tag_rules,
        ec2_vpc,
        ec2_groups,
        ec2_paging,
        ec2_addresses,
        ec2_tokens,
        elbv2,
        acm,
        route53,
        ecr,
        ecs,
        rds,
        elasticache,
        iam,
        logs,
        cloudwatch,
        secrets,
        ssm,
        sts,
        scaling,
        tagging,
        kms,
        paging,
        strict,
    ):
        service.install(lab)
