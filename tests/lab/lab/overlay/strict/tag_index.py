"""The tagging index learns late of what was made, and late of what is gone."""

from __future__ import annotations

import time
from collections.abc import Iterator

from moto.core.resource_tagging import TaggedResource

from lab.overlay import tagging
from lab.world import Lab


def install(lab: Lab) -> None:
    """Puts a copy that ages between the tagging API and what there is."""
    copies: dict[str, tuple[float, list[TaggedResource]]] = {}
    lab.resets.append(copies.clear)

    def indexed(region: str) -> Iterator[TaggedResource]:
        now, age = time.monotonic(), lab.strict.seconds("tag-index")
        if region not in copies or now - copies[region][0] > age or not age:
            copies[region] = (now, list(tagging.everything(region)))
        yield from copies[region][1]

    tagging.indexed = indexed
