"""What moto lacks, forgets or waves through, put right in one room a service.

`install(lab)` patches moto's classes once, before the first call is served.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.world.lab import Lab


def install(lab: Lab) -> None:
    """Patches every service; what goes across services comes first and last."""
    from lab.aws.acm import certificates
    from lab.aws.autoscaling import targets
    from lab.aws.cloudwatch import (
        dashboards,
        evaluation,
        keeping,
        listing,
        measured,
        metrics,
        reading,
    )
    from lab.aws.cloudwatch import tags as metric_tags
    from lab.aws.common import paging, tag_rules
    from lab.aws.ec2 import (
        addresses,
        cidr_blocks,
        endpoint_services,
        endpoints,
        flow_logs,
        groups,
        network,
        network_acls,
        prefix_lists,
    )
    from lab.aws.ec2 import paging as network_paging
    from lab.aws.ec2 import tokens as network_tokens
    from lab.aws.ec2 import zones as network_zones
    from lab.aws.ecr import images
    from lab.aws.ecs import services
    from lab.aws.elasticache import caches
    from lab.aws.elbv2 import balancers
    from lab.aws.events import rules
    from lab.aws.iam import roles, simulation
    from lab.aws.kms import keys
    from lab.aws.logs import groups as log_groups
    from lab.aws.rds import instances
    from lab.aws.route53 import zones
    from lab.aws.scheduler import schedules
    from lab.aws.secrets import names
    from lab.aws.servicediscovery import namespaces
    from lab.aws.servicequotas import quotas
    from lab.aws.sns import delivery, subscriptions, topics
    from lab.aws.sqs import queues
    from lab.aws.ssm import parameters
    from lab.aws.stepfunctions import machines
    from lab.aws.strict import profile
    from lab.aws.sts import roles as assumed_roles
    from lab.aws.tagging import index
    from lab.aws.wafv2 import associations

    for part in (
        tag_rules,
        network,
        network_zones,
        cidr_blocks,
        groups,
        endpoint_services,
        endpoints,
        prefix_lists,
        network_acls,
        flow_logs,
        network_paging,
        addresses,
        network_tokens,
        balancers,
        zones,
        certificates,
        images,
        services,
        queues,
        machines,
        schedules,
        rules,
        instances,
        caches,
        roles,
        simulation,
        log_groups,
        metrics,
        reading,
        measured,
        keeping,
        listing,
        dashboards,
        metric_tags,
        evaluation,
        topics,
        subscriptions,
        delivery,
        namespaces,
        quotas,
        names,
        parameters,
        assumed_roles,
        targets,
        associations,
        index,
        keys,
        paging,
        profile,
    ):
        part.install(lab)
