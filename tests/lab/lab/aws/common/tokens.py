"""Idempotency tokens: the same token with the same request gives the same thing again."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any, TypeVar

from lab.world.places import Place

Thing = TypeVar("Thing")


class Tokens:
    """What each operation made for each token of a place."""

    def __init__(self) -> None:
        self._made: dict[tuple[Place, str, str], tuple[Any, Any]] = {}

    def clear(self) -> None:
        """Forgets everything."""
        self._made.clear()

    def made(self, place: Place, operation: str, token: str | None) -> Any:
        """What a token made."""
        return self._made[place, operation, token or ""][1]

    def once(
        self,
        place: Place,
        operation: str,
        token: str | None,
        request: Any,
        make: Callable[[], Thing],
        mismatch: Callable[[], Exception],
    ) -> Thing:
        """Runs `make` unless this token already made something for an equal request."""
        if not token:
            return make()
        known = self._made.get((place, operation, token))
        if known is None:
            # Whoever makes it may complete the request where it is.
            asked = deepcopy(request)
            thing = make()
            self._made[place, operation, token] = (asked, thing)
            return thing
        if known[0] != request:
            raise mismatch()
        result: Thing = known[1]
        return result
