"""Lines that services of AWS write into log groups, where a resource policy lets them."""

from __future__ import annotations

import json
import uuid

from moto.logs.models import logs_backends

from lab.running.deliveries.permits import Delivery
from lab.running.tasks import log_lines
from lab.world.places import of_arn


def name_of(arn: str) -> str:
    """The group that an ARN names."""
    return arn.rsplit(":log-group:", maxsplit=1)[-1].removesuffix(":*")


def is_there(arn: str) -> bool:
    """Whether the group exists."""
    return log_lines.has_group(of_arn(arn), name_of(arn))


def permits(arn: str, service: str, source: str) -> bool:
    """Whether one of the place's resource policies lets a service write into the group."""
    place = of_arn(arn)
    stream = f"{arn.removesuffix(':*')}:log-stream:{source.rsplit('/', 1)[-1]}"
    policies = logs_backends[place.account][place.region].resource_policies.values()
    documents = [json.loads(policy.policy_document) for policy in policies]
    return all(
        any(Delivery(service, action, stream, source).is_permitted(one) for one in documents)
        for action in ("logs:CreateLogStream", "logs:PutLogEvents")
    )


def write(arn: str, text: str) -> None:
    """Writes a line into a stream of its own."""
    log_lines.write(of_arn(arn), name_of(arn), str(uuid.uuid4()), [text])
