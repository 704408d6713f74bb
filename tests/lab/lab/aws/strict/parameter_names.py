"""A parameter's name stays taken for a while after it was deleted, and nothing shows why."""

from __future__ import annotations

import time
from typing import Any

from moto.ssm.exceptions import ParameterAlreadyExists
from moto.ssm.models import SimpleSystemManagerBackend

from lab.aws.common.patching import patch
from lab.world.lab import Lab
from lab.world.places import Place, of_backend


def install(lab: Lab) -> None:
    """Patches the creation and the deletion of parameters."""
    gone: dict[tuple[Place, str], float] = {}
    lab.resets.append(gone.clear)

    @patch(SimpleSystemManagerBackend)
    def delete_parameter(original: Any, self: Any, name: str) -> None:
        original(self, name)
        gone[of_backend(self), name] = time.monotonic()

    @patch(SimpleSystemManagerBackend)
    def delete_parameters(original: Any, self: Any, names: list[str]) -> list[str]:
        deleted: list[str] = original(self, names)
        for name in deleted:
            gone[of_backend(self), name] = time.monotonic()
        return deleted

    @patch(SimpleSystemManagerBackend)
    def put_parameter(original: Any, self: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        ended = gone.get((of_backend(self), name))
        delay = lab.strict.seconds("parameter-name")
        if ended is not None and time.monotonic() - ended < delay:
            raise ParameterAlreadyExists
        return original(self, name, *args, **kwargs)
