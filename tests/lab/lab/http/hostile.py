"""Hostile AWS: what goes wrong with a call, drawn by a seed.

The shares are higher than anybody has reported of AWS: a run that gets through all of it gets
through the rest.
"""

from __future__ import annotations

import random
from typing import Any

# Of all calls, so many in a hundred at the least and at the most.
THROTTLED = (3, 8)
FAILED = (1, 3)
LOST = (1, 3)
# Calls take so many milliseconds longer, on average.
SLOWER = (5, 40)

# The access key of somebody who does something by hand, which a test counts on: nothing befalls it.
BY_HAND = "by-hand"


def faults(seed: int) -> list[dict[str, Any]]:
    """The rules for one seed: each the same for the same seed."""
    drawn = random.Random(seed)

    def rule(kind: str, share: tuple[int, int], **more: Any) -> dict[str, Any]:
        return {
            "kind": kind,
            "fraction": drawn.uniform(*share) / 100,
            "seed": drawn.randrange(2**31),
            "unless_key": BY_HAND,
            **more,
        }

    return [
        {
            "kind": "delay",
            "jitter": drawn.uniform(*SLOWER),
            "distribution": "lognormal",
            "seed": drawn.randrange(2**31),
        },
        rule("throttle", THROTTLED),
        rule("fail", FAILED, when="before"),
        rule("fail", FAILED, when="after", code="ServiceUnavailable", status=503),
        rule("drop", LOST, when="before"),
        rule("drop", LOST, when="after"),
    ]
