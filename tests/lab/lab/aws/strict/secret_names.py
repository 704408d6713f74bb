"""A secret's name stays taken for a while after a delete without recovery, and it is described."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from moto.secretsmanager.exceptions import InvalidRequestException
from moto.secretsmanager.models import SecretsManagerBackend

from lab.aws.common.patching import patch
from lab.world.lab import Lab
from lab.world.places import Place, of_backend


@dataclass(frozen=True)
class Vanishing:
    """A secret that was deleted without recovery, and when."""

    secret: Any
    since: float


def install(lab: Lab) -> None:
    """Patches the creation and the deletion of secrets."""
    gone: dict[tuple[Place, str], Vanishing] = {}
    lab.resets.append(gone.clear)

    def vanishing(backend: Any, secret_id: str) -> Any:
        """A secret that was deleted a moment ago, by its name or its ARN."""
        delay = lab.strict.seconds("secret-name")
        for (place, name), left in gone.items():
            is_it = place == of_backend(backend) and secret_id in (name, left.secret.arn)
            if is_it and time.monotonic() - left.since < delay:
                return left.secret
        return None

    @patch(SecretsManagerBackend)
    def delete_secret(original: Any, self: Any, secret_id: str, *args: Any, **kwargs: Any) -> Any:
        secret = self.secrets.get(secret_id)
        answer = original(self, secret_id, *args, **kwargs)
        name = answer[1]
        if secret is not None and not dict.__contains__(self.secrets, name):
            secret.deleted_date = time.time()
            gone[of_backend(self), name] = Vanishing(secret, time.monotonic())
        return answer

    @patch(SecretsManagerBackend)
    def create_secret(original: Any, self: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        if vanishing(self, name) is not None:
            raise InvalidRequestException(
                "You can't create this secret because a secret with this name is already "
                "scheduled for deletion."
            )
        return original(self, name, *args, **kwargs)

    @patch(SecretsManagerBackend)
    def describe_secret(original: Any, self: Any, secret_id: str) -> Any:
        if not dict.__contains__(self.secrets, secret_id):
            secret = vanishing(self, secret_id)
            if secret is not None:
                return secret
        return original(self, secret_id)

    @patch(SecretsManagerBackend)
    def restore_secret(original: Any, self: Any, secret_id: str) -> Any:
        secret = vanishing(self, secret_id)
        if secret is not None:
            secret.deleted_date = None
            self.secrets[secret.name] = secret
            del gone[of_backend(self), secret.name]
        return original(self, secret_id)
