"""A queue just made is not found, its changes show late, and the name of one just deleted stays
taken."""

from __future__ import annotations

import time
from typing import Any

from moto.sqs.exceptions import QueueDoesNotExist, SQSException
from moto.sqs.models import Queue, SQSBackend

from lab.aws.common.patching import patch
from lab.world.lab import Lab
from lab.world.places import Place, of_backend


def install(lab: Lab) -> None:
    """Patches queues."""
    gone: dict[tuple[Place, str], float] = {}
    lab.resets.append(gone.clear)

    @patch(Queue, "__init__")
    def make(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        lab.strict.made(self)

    @patch(SQSBackend)
    def get_queue(original: Any, self: Any, queue_name: str) -> Any:
        queue = original(self, queue_name)
        if lab.strict.is_fresh("queue", queue):
            raise QueueDoesNotExist()
        return queue

    @patch(SQSBackend)
    def list_queues(original: Any, self: Any, queue_name_prefix: str) -> Any:
        found = original(self, queue_name_prefix)
        return [queue for queue in found if not lab.strict.is_fresh("queue", queue)]

    @patch(SQSBackend)
    def set_queue_attributes(
        original: Any, self: Any, queue_name: str, attributes: dict[str, Any]
    ) -> Any:
        before = dict(self.get_queue(queue_name).attributes)
        queue = original(self, queue_name, attributes)
        if lab.strict.is_on("queue-attributes"):
            queue.lab_before = (before, time.monotonic())
        return queue

    @patch(SQSBackend)
    def get_queue_attributes(
        original: Any, self: Any, queue_name: str, attribute_names: list[str]
    ) -> dict[str, Any]:
        found: dict[str, Any] = original(self, queue_name, attribute_names)
        before, changed = getattr(self.queues[queue_name], "lab_before", (found, 0.0))
        if time.monotonic() - changed >= lab.strict.seconds("queue-attributes"):
            return found
        return {
            name: value if name.startswith("Approximate") else before[name]
            for name, value in (before | found).items()
            if name in before
        }

    @patch(SQSBackend)
    def delete_queue(original: Any, self: Any, queue_name: str) -> None:
        original(self, queue_name)
        gone[of_backend(self), queue_name] = time.monotonic()

    @patch(SQSBackend)
    def create_queue(original: Any, self: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        ended = gone.get((of_backend(self), name))
        if ended is not None and time.monotonic() - ended < lab.strict.seconds("queue-name"):
            raise SQSException(
                "AWS.SimpleQueueService.QueueDeletedRecently",
                "You must wait 60 seconds after deleting a queue before you can create another "
                "with the same name.",
            )
        return original(self, name, *args, **kwargs)
