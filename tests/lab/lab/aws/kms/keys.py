"""KMS keys that others name: one that is not there, or is not enabled, is refused.

Nothing is encrypted, and no key policy is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.exceptions import ServiceException
from moto.ecr.models import ECRBackend
from moto.elasticache.responses import ElastiCacheResponse
from moto.kms.models import kms_backends
from moto.logs.models import LogsBackend
from moto.rds.models import RDSBackend
from moto.secretsmanager.models import SecretsManagerBackend
from moto.ssm.models import SimpleSystemManagerBackend

from lab.aws.common.patching import patch
from lab.world.lab import Lab
from lab.world.places import Place, of_arn, of_backend, of_request

Keys = Callable[[Any, Any, Any], list[str | None]]


class KeyNotUsable(ServiceException):
    """What a service says about a key that it cannot use."""

    def __init__(self, code: str, key: str) -> None:
        self.code = code
        super().__init__(
            f"The KMS key '{key}' does not exist, is not enabled or is not accessible."
        )


def _named(name: str) -> Keys:
    return lambda self, args, kwargs: [kwargs.get(name)]


def _of_repository(self: Any, args: Any, kwargs: Any) -> list[str | None]:
    return [(kwargs.get("encryption_config") or {}).get("kmsKey")]


def _of_parameter(self: Any, args: Any, kwargs: Any) -> list[str | None]:
    return [args[5]]


def _of_database(self: Any, args: Any, kwargs: Any) -> list[str | None]:
    request = args[0]
    return [request.get("kms_key_id"), request.get("master_user_secret_kms_key_id")]


def _of_cache(self: Any, args: Any, kwargs: Any) -> list[str | None]:
    return [self._get_param("KmsKeyId")]


# Who names keys, in which operation, the error of its model, and where the keys stand.
USERS: tuple[tuple[type, str, str, Keys], ...] = (
    (SecretsManagerBackend, "create_secret", "EncryptionFailure", _named("kms_key_id")),
    (SecretsManagerBackend, "update_secret", "EncryptionFailure", _named("kms_key_id")),
    (ECRBackend, "create_repository", "KmsException", _of_repository),
    (SimpleSystemManagerBackend, "put_parameter", "InvalidKeyId", _of_parameter),
    (LogsBackend, "create_log_group", "InvalidParameterException", _named("kmsKeyId")),
    (RDSBackend, "create_db_instance", "KMSKeyNotAccessibleFault", _of_database),
    (RDSBackend, "create_db_cluster", "KMSKeyNotAccessibleFault", _of_database),
    (ElastiCacheResponse, "create_replication_group", "InvalidKMSKeyFault", _of_cache),
)


def install(lab: Lab) -> None:
    """Patches those who name keys."""
    for owner, operation, code, keys in USERS:
        _patch(owner, operation, code, keys)


def _patch(owner: type, operation: str, code: str, keys: Keys) -> None:
    @patch(owner, operation)
    def use(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        place = of_backend(self) if hasattr(self, "region_name") else of_request(self)
        for key in keys(self, args, kwargs):
            if key and not is_usable(place, key):
                raise KeyNotUsable(code, key)
        return original(self, *args, **kwargs)


def is_usable(place: Place, key: str) -> bool:
    """Whether a key, its ARN or its alias names an enabled key; AWS's own are always there."""
    account, region = of_arn(key) if key.startswith("arn:") else place
    backend = kms_backends[account][region]
    if "alias/aws/" in key:
        return True
    try:
        found = backend.keys[backend.any_id_to_key_id(key)]
    except (KeyError, AttributeError, TypeError):
        return False
    return bool(found.key_state == "Enabled")
