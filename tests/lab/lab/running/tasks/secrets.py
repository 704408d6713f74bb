"""Secrets of a task: what `valueFrom` points to, looked up when the task starts.

What is under a key of one's own takes `kms:Decrypt` on that key as well, by the role's own policies
(ECS guide, task execution role). Statements are judged without their conditions.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from moto.secretsmanager.models import secretsmanager_backends
from moto.ssm.models import ssm_backends

from lab.aws.common.permissions import Denied, Reader
from lab.running.tasks.shapes import ContainerDefinition
from lab.world.places import Place, of_arn

if TYPE_CHECKING:
    from lab.world.lab import Lab

FAILURE = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource "
    "retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s): "
)


class CannotInitialise(Exception):
    """The task cannot start; the text is its stopped reason."""


def resolve(
    lab: Lab, definition: ContainerDefinition, place: Place, reader: Reader
) -> dict[str, str]:
    """The secret variables of one container; options of its log and the secret of its registry are
    read as well.
    """
    logging = definition.get("logConfiguration") or {}
    credentials = definition.get("repositoryCredentials")
    with lab.lock:
        for option in logging.get("secretOptions") or []:
            _value(option["valueFrom"], place, reader)
        if credentials:
            _value(credentials["credentialsParameter"], place, reader)
        return {
            secret["name"]: _value(secret["valueFrom"], place, reader)
            for secret in definition.get("secrets") or []
        }


def _value(reference: str, place: Place, reader: Reader) -> str:
    if ":secretsmanager:" not in reference:
        return _parameter(reference, place, reader)
    parts = reference.split(":")
    arn, rest = ":".join(parts[:7]), [*parts[7:], "", "", ""]
    key, stage, version = rest[:3]
    try:
        reader.demand("secretsmanager:GetSecretValue", arn)
    except Denied as error:
        raise CannotInitialise(
            f"{FAILURE}failed to fetch secret {arn} from secrets manager: {error}"
        ) from None
    secret = secretsmanager_backends[parts[4]][parts[3]].secrets.get(arn)
    if secret is None or secret.is_deleted():
        raise CannotInitialise(
            f"{FAILURE}failed to fetch secret {arn} from secrets manager: "
            "ResourceNotFoundException: Secrets Manager can't find the specified secret."
        )
    key_of_ones_own = getattr(secret, "kms_key_id", None)
    try:
        _decrypt(key_of_ones_own, Place(parts[4], parts[3]), reader)
    except Denied:
        raise CannotInitialise(
            f"{FAILURE}failed to fetch secret {arn} from secrets manager: AccessDeniedException: "
            "Access to KMS is not allowed"
        ) from None
    wanted = version or (_with_stage(secret, stage) if stage else secret.default_version_id)
    text = (secret.versions.get(wanted or "") or {}).get("secret_string")
    if text is None:
        raise CannotInitialise(
            f"{FAILURE}failed to fetch secret {arn} from secrets manager: "
            "ResourceNotFoundException: Secrets Manager can't find the specified secret value for "
            f"staging label: {stage or 'AWSCURRENT'}"
        )
    if not key:
        return str(text)
    try:
        return _text(json.loads(text)[key])
    except (ValueError, KeyError, TypeError):
        raise CannotInitialise(
            "ResourceInitializationError: unable to pull secrets or registry auth: execution "
            "resource retrieval failed: unable to retrieve secret from asm: retrieved secret from "
            f"Secrets Manager did not contain json key {key}"
        ) from None


def _with_stage(secret: Any, stage: str) -> str | None:
    for version, content in secret.versions.items():
        if stage in content["version_stages"]:
            return str(version)
    return None


def _parameter(reference: str, place: Place, reader: Reader) -> str:
    name = reference
    if ":ssm:" in reference:
        place, name = of_arn(reference), reference.rsplit(":parameter", maxsplit=1)[-1]
    arn = place.arn("ssm", f"parameter/{name.removeprefix('/')}")
    try:
        reader.demand("ssm:GetParameters", arn)
    except Denied as error:
        raise CannotInitialise(
            "ResourceInitializationError: unable to pull secrets or registry auth: execution "
            "resource retrieval failed: unable to retrieve secrets from ssm: service call has been "
            f"retried 1 time(s): {error}"
        ) from None
    parameter = ssm_backends[place.account][place.region].get_parameter(name)
    if parameter is None:
        raise CannotInitialise(
            "ResourceInitializationError: unable to pull secrets or registry auth: execution "
            "resource retrieval failed: unable to retrieve secrets from ssm: service call has been "
            f"retried 1 time(s): invalid parameters: {name}"
        )
    try:
        if parameter.parameter_type == "SecureString":
            _decrypt(parameter.keyid, place, reader)
    except Denied as error:
        raise CannotInitialise(
            "ResourceInitializationError: unable to pull secrets or registry auth: execution "
            "resource retrieval failed: unable to retrieve secrets from ssm: service call has been "
            f"retried 1 time(s): {error}"
        ) from None
    return str(parameter.decrypt(parameter.value))


def _decrypt(key: str | None, place: Place, reader: Reader) -> None:
    """Asks whether the role may use a key; AWS's own anybody may who may read what is under it."""
    if not key or "alias/aws/" in key:
        return
    reader.demand("kms:Decrypt", key if key.startswith("arn:") else place.arn("kms", f"key/{key}"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
