"""Secrets Manager: a name in its recovery window stays taken, owned secrets stay with their owner."""

from __future__ import annotations

import re
from typing import Any

from moto.secretsmanager.exceptions import InvalidParameterException, InvalidRequestException
from moto.secretsmanager.models import SecretsManagerBackend

from lab.aws.common.patching import patch
from lab.running.databases.instances import Databases
from lab.world.lab import Lab

NAME = re.compile(r"^[A-Za-z0-9/_+=.@-]{1,512}$")


def install(lab: Lab) -> None:
    """Patches moto's Secrets Manager."""

    @patch(SecretsManagerBackend)
    def create_secret(original: Any, self: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        if not NAME.match(name):
            raise InvalidParameterException(
                "Invalid name. Must be a valid name containing alphanumeric characters, or any of "
                "the following: -/_+=.@!"
            )
        if dict.__contains__(self.secrets, name) and self.secrets[name].is_deleted():
            raise InvalidRequestException(
                "You can't create this secret because a secret with this name is already "
                "scheduled for deletion."
            )
        return original(self, name, *args, **kwargs)

    @patch(SecretsManagerBackend)
    def delete_secret(
        original: Any,
        self: Any,
        secret_id: str,
        recovery_window_in_days: int | None,
        force_delete_without_recovery: bool,
    ) -> Any:
        secret = self.secrets.get(secret_id)
        if secret and secret.owning_service and not lab.part(Databases).owns_call:
            raise InvalidRequestException(
                f"You can't perform this operation on the secret because it is managed by "
                f"{secret.owning_service}."
            )
        if secret and secret.is_deleted() and not force_delete_without_recovery:
            deletion = secret.deleted_date
            return secret.arn, secret.name, deletion
        return original(self, secret_id, recovery_window_in_days, force_delete_without_recovery)

    @patch(SecretsManagerBackend)
    def update_secret(original: Any, self: Any, secret_id: str, *args: Any, **kwargs: Any) -> Any:
        secret = self.secrets.get(secret_id)
        if secret is None or kwargs.get("client_request_token"):
            return original(self, secret_id, *args, **kwargs)
        if secret.is_deleted():
            raise InvalidRequestException(
                "You can't perform this operation on the secret because it was marked for deletion."
            )
        added, new_version = self._add_secret(
            secret_id,
            secret_string=kwargs.get("secret_string"),
            secret_binary=kwargs.get("secret_binary"),
            description=kwargs.get("description") or secret.description,
            tags=secret.tags,
            kms_key_id=kwargs.get("kms_key_id") or secret.kms_key_id,
        )
        return added.to_short_dict(include_version_id=new_version)

    @patch(SecretsManagerBackend)
    def put_secret_value(original: Any, self: Any, secret_id: str, *args: Any, **kw: Any) -> Any:
        secret = self.secrets.get(secret_id)
        if secret is not None and secret.is_deleted():
            raise InvalidRequestException(
                "You can't perform this operation on the secret because it was marked for deletion."
            )
        return original(self, secret_id, *args, **kw)
