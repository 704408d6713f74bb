"""CloudWatch's metrics: percentiles, and a way to put what AWS itself measures."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend, Statistics, cloudwatch_backends

from lab.aws.common.patching import patch
from lab.world.lab import Lab
from lab.world.places import ACCOUNT

PERCENTILE = re.compile(r"^p(\d+(?:\.\d+)?)$")


def install(lab: Lab) -> None:
    """Patches moto's statistics."""

    @patch(Statistics)
    def get_statistics_for_type(original: Any, self: Any, stat: str) -> Any:
        found = PERCENTILE.match(stat)
        if found is None:
            return original(self, stat)
        values = sorted(self.metric_single_values_list)
        rank = math.ceil(float(found[1]) / 100 * len(values))
        return values[max(rank, 1) - 1] if values else None


def measure(request: dict[str, Any]) -> None:
    """Puts points of one metric, in namespaces of AWS too, which take none from its customers."""
    place = (request.get("account", ACCOUNT), request.get("region", "eu-west-1"))
    backend: CloudWatchBackend = cloudwatch_backends[place[0]][place[1]]
    thing = [{"Name": name, "Value": value} for name, value in request["dimensions"].items()]
    points = [
        {
            "MetricName": request["name"],
            "Dimensions": thing,
            "Timestamp": datetime.fromtimestamp(at, UTC).replace(tzinfo=None),
            "Value": value,
        }
        for at, value in request["points"]
    ]
    backend.put_metric_data(request["namespace"], points)
