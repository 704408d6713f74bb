"""What queues are measured by ("Available CloudWatch metrics for Amazon SQS").

A queue is measured for six hours after it was last used; the lab measures all of them. An age is
counted in minutes as long as the lab's are.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from moto.sqs.models import Queue, sqs_backends

from lab.running.services.load import Loads
from lab.world.lab import Lab
from lab.world.places import Place, everywhere, of_backend

Found = tuple[Place, str, str, Mapping[str, str], list[float], str]


def measured(lab: Lab) -> Iterator[Found]:
    """What is in each queue."""
    minute = lab.part(Loads).minute
    with lab.lock:
        found = [
            (of_backend(backend), queue.name, list(_of(queue, minute)))
            for backend in everywhere(sqs_backends)
            for queue in backend.queues.values()
        ]
    for place, name, values in found:
        for metric, value, unit in values:
            yield place, "AWS/SQS", metric, {"QueueName": name}, [value], unit


def _of(queue: Queue, minute: float) -> Iterator[tuple[str, float, str]]:
    hidden = queue.approximate_number_of_messages_not_visible
    delayed = queue.approximate_number_of_messages_delayed
    yield "ApproximateNumberOfMessagesVisible", queue.approximate_number_of_messages, "Count"
    yield "ApproximateNumberOfMessagesNotVisible", hidden, "Count"
    yield "ApproximateNumberOfMessagesDelayed", delayed, "Count"
    messages: list[Any] = list(queue._messages)
    sent = [it.sent_timestamp / 1000 for it in messages]
    age = (time.time() - min(sent)) / minute * 60 if sent else 0.0
    yield "ApproximateAgeOfOldestMessage", age, "Seconds"
