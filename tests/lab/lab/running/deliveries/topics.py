"""Messages that services of AWS publish to topics of SNS."""

from __future__ import annotations

from typing import Any

from moto.sns.models import sns_backends

from lab.world.places import of_arn


def find(arn: str) -> Any | None:
    """A topic by its ARN."""
    place = of_arn(arn)
    return sns_backends[place.account][place.region].topics.get(arn)


def publish(arn: str, text: str, subject: str | None = None) -> str:
    """Publishes a message to a topic that is there; its identifier."""
    place = of_arn(arn)
    return str(sns_backends[place.account][place.region].publish(text, arn, subject=subject))
