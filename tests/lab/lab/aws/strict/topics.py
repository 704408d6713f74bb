"""The name of a topic that was just deleted is not free at once."""

from __future__ import annotations

import time
from typing import Any

from moto.core.exceptions import ServiceException
from moto.sns.models import SNSBackend
from moto.sns.responses import SNSResponse

from lab.aws.common.patching import patch
from lab.world.lab import Lab
from lab.world.places import Place, of_arn, of_backend


class TooSoon(ServiceException):
    """What SNS says meanwhile: of the tags of the former topic, or of its name."""

    def __init__(self, has_tags: bool) -> None:
        self.code = "StaleTag" if has_tags else "ConcurrentAccess"
        super().__init__(
            "A tag has been added to a resource with the same ARN as a deleted resource. Wait a "
            "short while and then retry the operation."
            if has_tags
            else "Can't perform multiple operations on a tag simultaneously. Perform the "
            "operations sequentially."
        )


def install(lab: Lab) -> None:
    """Patches the creation and the deletion of topics."""
    gone: dict[tuple[Place, str], float] = {}
    lab.resets.append(gone.clear)

    @patch(SNSBackend)
    def delete_topic(original: Any, self: Any, arn: str) -> None:
        is_there = arn in self.topics
        original(self, arn)
        if is_there:
            gone[of_arn(arn), arn.rsplit(":", 1)[-1]] = time.monotonic()

    @patch(SNSResponse)
    def create_topic(original: Any, self: Any) -> Any:
        ended = gone.get((of_backend(self.backend), str(self._get_param("Name"))))
        if ended is not None and time.monotonic() - ended < lab.strict.seconds("topic"):
            raise TooSoon(bool(self._get_param("Tags")))
        return original(self)
