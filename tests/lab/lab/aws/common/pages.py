"""Pages of lists, as small as AWS's are by default."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


def page(
    items: Sequence[Item], token: str | None, wanted: int | None, most: int
) -> tuple[list[Item], str | None]:
    """One page, and the token of the next one if there is more; ValueError for a bad token."""
    start = int(base64.b64decode(token, validate=True)) if token else 0
    end = start + min(wanted or most, most)
    following = base64.b64encode(str(end).encode()).decode() if end < len(items) else None
    return list(items[start:end]), following
