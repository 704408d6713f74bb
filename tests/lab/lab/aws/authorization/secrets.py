"""Secrets Manager. A secret's ARN ends in six characters that nobody knows before it is there."""

from __future__ import annotations

from collections.abc import Iterator

from moto.secretsmanager.models import FakeSecret, secretsmanager_backends

from lab.aws.authorization import kms
from lab.aws.authorization.table import Asked, Service, Target, Want, found, tagging

# Which of KMS's actions need the key of a secret (user guide, "Secret encryption and decryption").
USES = {
    "CreateSecret": ("Decrypt", "GenerateDataKey"),
    "GetSecretValue": ("Decrypt",),
    "PutSecretValue": ("Decrypt", "GenerateDataKey"),
    "UpdateSecret": ("Decrypt", "GenerateDataKey"),
}
OWN = "alias/aws/secretsmanager"


def _there(asked: Asked) -> FakeSecret | None:
    wanted = asked.text("SecretId")
    backend = secretsmanager_backends[asked.place.account][asked.place.region]
    return next(
        (
            secret
            for secret in backend.secrets.values()
            if isinstance(secret, FakeSecret) and wanted in (secret.arn, secret.name)
        ),
        None,
    )


def _secret(asked: Asked) -> Iterator[str]:
    there = _there(asked)
    name = asked.text("SecretId")
    yield there.arn if there else name if name.startswith("arn:") else _unknown(name)


def _new(asked: Asked) -> Iterator[str]:
    yield _unknown(asked.text("Name"))


def _unknown(name: str) -> str:
    return f"secret:{name}-??????"


def _beside(asked: Asked) -> Iterator[Want]:
    there = _there(asked)
    key = asked.text("KmsKeyId") or (there.kms_key_id if there else None)
    if key and not key.endswith(OWN):
        for action in USES.get(asked.operation, ()):
            target = Target(kms.arn_of(asked, key), {})
            yield Want(f"kms:{action}", target, {"aws:viaawsservice": ("true",)})
    if asked.operation == "CreateSecret":
        yield from tagging(asked, "TagResource", _unknown(asked.text("Name")))


SERVICE = Service(
    {
        **dict.fromkeys(
            (
                "DeleteSecret",
                "DescribeSecret",
                "GetResourcePolicy",
                "GetSecretValue",
                "ListSecretVersionIds",
                "PutSecretValue",
                "RestoreSecret",
                "RotateSecret",
                "TagResource",
                "UntagResource",
                "UpdateSecret",
            ),
            (found(_secret),),
        ),
        "CreateSecret": [found(_new)],
    },
    _beside,
)
