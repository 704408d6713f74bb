"""KMS: keys that a call names, and those that AWS keeps for a service."""

from __future__ import annotations

from collections.abc import Iterator

from moto.kms.models import kms_backends

from lab.aws.authorization.table import Asked, Service, Target, Want, found

# What a service does with a key under the caller's name that is not AWS's own.
USES = ("CreateGrant", "Decrypt", "GenerateDataKey")
ALIAS = "alias/"


def arn_of(asked: Asked, name: str) -> str:
    """The ARN of a key, by identifier, alias or ARN of either; any key when it is not there."""
    if ":key/" in name:
        return name
    backend = kms_backends[asked.place.account][asked.place.region]
    id = backend.get_key_id_from_alias(name[name.index(ALIAS) :]) if ALIAS in name else name
    return asked.place.arn("kms", f"key/{id or '*'}")


def asked_for(asked: Asked, path: str, own: str) -> Iterator[Want]:
    """What a service needs of the key at a path, or of its own key when none is there."""
    name = asked.text(path) or f"{ALIAS}{own}"
    actions = ("DescribeKey",) if name.endswith(f"{ALIAS}{own}") else ("DescribeKey", *USES)
    for action in actions:
        target = Target(arn_of(asked, name), {})
        yield Want(f"kms:{action}", target, {"aws:viaawsservice": ("true",)})


def _key(asked: Asked) -> Iterator[str]:
    yield arn_of(asked, asked.text("KeyId"))


SERVICE = Service(
    dict.fromkeys(
        ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ScheduleKeyDeletion"),
        (found(_key),),
    )
)
