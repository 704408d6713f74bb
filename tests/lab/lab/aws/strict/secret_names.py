"""A secret's name stays taken for a while after a delete without recovery."""

from __future__ import annotations

import time
from typing import Any

from moto.secretsmanager.exceptions import InvalidRequestException
from moto.secretsmanager.models import SecretsManagerBackend

from lab.aws.common.patching import patch
from lab.world.lab import Lab
from lab.world.places import Place, of_backend


def install(lab: Lab) -> None:
    """Patches the creation and the deletion of secrets."""
    gone: dict[tuple[Place, str], float] = {}
    lab.resets.append(gone.clear)

    @patch(SecretsManagerBackend)
    def delete_secret(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        answer = original(self, *args, **kwargs)
        name = answer[1]
        if not dict.__contains__(self.secrets, name):
            gone[of_backend(self), name] = time.monotonic()
        return answer

    @patch(SecretsManagerBackend)
    def create_secret(original: Any, self: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        ended = gone.get((of_backend(self), name))
        delay = lab.strict.seconds("secret-name")
        if ended is not None and time.monotonic() - ended < delay:
            raise InvalidRequestException(
                "You can't create this secret because a secret with this name is already "
                "scheduled for deletion."
            )
        return original(self, name, *args, **kwargs)
