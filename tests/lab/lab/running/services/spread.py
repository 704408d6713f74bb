"""On which capacity the next task of a service runs.

ECS API reference, `CapacityProviderStrategyItem`: the base comes first, the others go by the weights.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from lab.running.services.settings import StrategyItem


def following(strategy: list[StrategyItem], present: Iterable[str]) -> str:
    """The capacity provider of the next task, beside those of others; empty where there is a launch
    type.
    """
    taken = Counter(present)
    for item in strategy:
        if taken[item["capacityProvider"]] < item.get("base", 0):
            return item["capacityProvider"]
    weighed = [item for item in strategy if item.get("weight")]
    if not weighed:
        return ""
    # The one that has the least of its share, beyond the base.
    chosen = min(
        weighed,
        key=lambda it: (taken[it["capacityProvider"]] - it.get("base", 0) + 1) / it["weight"],
    )
    return chosen["capacityProvider"]
