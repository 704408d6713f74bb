"""A zone takes no change while Route 53 works at the one before."""

from __future__ import annotations

import time
from typing import Any
from weakref import WeakKeyDictionary

from moto.route53.exceptions import Route53ClientError
from moto.route53.models import FakeZone
from moto.route53.responses import Route53 as Response

from lab.aws.common.patching import patch
from lab.world.lab import Lab


def install(lab: Lab) -> None:
    """Patches changes of records."""
    changed: WeakKeyDictionary[FakeZone, float] = WeakKeyDictionary()

    @patch(Response)
    def change_resource_record_sets(original: Any, self: Any) -> Any:
        zone = self.backend.get_hosted_zone(self._get_param("HostedZoneId"))
        now = time.monotonic()
        if zone in changed and now - changed[zone] < lab.strict.seconds("zone-change"):
            raise Route53ClientError(
                "PriorRequestNotComplete",
                "The request was rejected because Route 53 was still processing a prior request.",
            )
        answer = original(self)
        changed[zone] = now
        return answer
