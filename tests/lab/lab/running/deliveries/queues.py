"""Messages that services of AWS put into queues of SQS."""

from __future__ import annotations

from collections.abc import Mapping

from moto.sqs.models import Queue, sqs_backends

from lab.world.places import of_arn


def find(arn: str) -> Queue | None:
    """A queue by its ARN."""
    place, name = of_arn(arn), arn.rsplit(":", 1)[-1]
    return sqs_backends[place.account][place.region].queues.get(name)


def send(
    arn: str, body: str, attributes: Mapping[str, str] | None = None, group: str | None = None
) -> bool:
    """Sends a message; false where the queue is not there."""
    queue = find(arn)
    if queue is None:
        return False
    given = {
        name: {"DataType": "String", "StringValue": value}
        for name, value in (attributes or {}).items()
    }
    place = of_arn(arn)
    backend = sqs_backends[place.account][place.region]
    backend.send_message(queue.name, body, message_attributes=given, group_id=group)
    return True
