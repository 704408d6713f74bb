"""A rule just put sees no events yet."""

from __future__ import annotations

from typing import Any

from moto.events.models import Rule

from lab.aws.common.patching import patch
from lab.world.lab import Lab


def install(lab: Lab) -> None:
    """Notes when rules are made; whoever offers them events asks how old they are."""

    @patch(Rule, "__init__")
    def make(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        lab.strict.made(self)
