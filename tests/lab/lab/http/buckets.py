"""Token buckets per place, service and class of action, as AWS throttles; strict has them.

EC2 documents a bucket of 100 that refills at 20 a second for its Describe calls; calls that
change something have far smaller ones. ECS tells burst and sustained rates by group of action.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from lab.http.calls import Call
from lab.http.hostile import BY_HAND

READING = ("Describe", "List", "Get", "BatchGet", "Filter", "Lookup")
RATES: dict[tuple[str, str], tuple[float, float]] = {
    ("ec2", "read"): (100, 20),
    ("ec2", "change"): (50, 5),
    ("ecs", "read"): (100, 20),
    ("ecs", "change"): (50, 5),
    ("elasticloadbalancing", "read"): (40, 10),
    ("elasticloadbalancing", "change"): (20, 3),
    ("rds", "read"): (50, 10),
    ("rds", "change"): (20, 3),
    ("iam", "read"): (50, 15),
    ("iam", "change"): (30, 5),
}
OTHERS = (100.0, 20.0)
# Services with one bucket an account for all that they are asked (Route 53 developer guide, quotas).
WHOLE: dict[str, tuple[float, float]] = {"route53": (5, 5)}


@dataclass
class Bucket:
    """Tokens that come back over time."""

    capacity: float
    rate: float
    tokens: float = 0.0
    filled: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.tokens = self.capacity

    def take(self) -> bool:
        """Takes one token if there is one."""
        now = time.monotonic()
        self.tokens = min(self.capacity, self.tokens + (now - self.filled) * self.rate)
        self.filled = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Buckets:
    """One bucket a place, service and class."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, ...], Bucket] = {}

    def allows(self, call: Call) -> bool:
        """Whether the call has a token; what is done by hand needs none."""
        if call.key == BY_HAND:
            return True
        kind = "read" if call.operation.startswith(READING) else "change"
        key: tuple[str, ...] = (call.account, call.region, call.service, kind)
        size = RATES.get((call.service, kind), OTHERS)
        if call.service in WHOLE:
            key, size = (call.account, call.service), WHOLE[call.service]
        with self._lock:
            bucket = self._buckets.get(key)
            if bucket is None:
                bucket = self._buckets[key] = Bucket(*size)
            return bucket.take()

    def clear(self) -> None:
        """Fills all buckets."""
        with self._lock:
            self._buckets.clear()
