"""The tagging index learns late of what was made, and late of what is gone."""

from __future__ import annotations

import time
from collections.abc import Iterator

from moto.core.resource_tagging import TaggedResource

from lab.aws.tagging import index as tagging
from lab.world.lab import Lab
from lab.world.places import Place


def install(lab: Lab) -> None:
    """Puts a copy that ages between the tagging API and what there is."""
    copies: dict[Place, tuple[float, list[TaggedResource]]] = {}
    lab.resets.append(copies.clear)

    def indexed(place: Place) -> Iterator[TaggedResource]:
        now, age = time.monotonic(), lab.strict.seconds("tag-index")
        if place not in copies or now - copies[place][0] > age or not age:
            copies[place] = (now, list(tagging.everything(place)))
        yield from copies[place][1]

    tagging.indexed = indexed
