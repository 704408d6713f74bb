"""Changes: `PENDING` until all name servers have them, then `INSYNC`."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from datetime import datetime
from typing import Any

from moto.core.utils import utcnow
from moto.route53.exceptions import Route53ClientError

from lab.world.lab import Lab
from lab.world.places import Place, of_backend

SIGNS = string.ascii_uppercase + string.digits
PATH = "/change/"


class Changes:
    """The changes of each account."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._known: dict[tuple[Place, str], dict[str, Any]] = {}
        lab.resets.append(self._known.clear)

    def begin(
        self, backend: Any, finish: Callable[[], None], comment: str | None = None
    ) -> dict[str, Any]:
        """Begins one and tells of it; `finish` is called once it is in sync."""
        id = "C" + "".join(secrets.choice(SIGNS) for _ in range(19))
        submitted: datetime = utcnow()
        info = {"Id": PATH + id, "Status": "PENDING", "SubmittedAt": submitted, "Comment": comment}
        told = {name: value for name, value in info.items() if value is not None}
        kept = self._known[of_backend(backend), id] = dict(told)

        def end() -> None:
            kept["Status"] = "INSYNC"
            finish()

        self._lab.timers.after("record.in-sync", end)
        return told

    def get(self, backend: Any, id: str) -> dict[str, Any]:
        """One of an account's."""
        known = self._known.get((of_backend(backend), id.removeprefix(PATH)))
        if known is None:
            raise Route53ClientError(
                "NoSuchChange", f"A change with id {id.removeprefix(PATH)} does not exist"
            )
        return known
