"""Systems Manager: parameters, whose ARN has no second slash before a path.

What is decrypted on the way takes KMS's `Decrypt`, with the parameter's ARN as its context. The key
that AWS keeps for parameters lets everybody in the account (user guide, "How AWS Systems Manager
Parameter Store uses AWS KMS").
"""

from __future__ import annotations

from collections.abc import Iterator

from moto.ssm.models import ssm_backends

from lab.aws.authorization.table import Asked, Service, Target, Want, found, tagging


def _parameters(asked: Asked) -> Iterator[str]:
    names = [name for path in ("Name", "Names", "Path", "ResourceId") for name in asked.all(path)]
    for name in names:
        yield name if name.startswith("arn:") else f"parameter/{name.removeprefix('/')}"


def _beside(asked: Asked) -> Iterator[Want]:
    if asked.operation == "PutParameter":
        for resource in _parameters(asked):
            yield from tagging(asked, "AddTagsToResource", resource)
    if asked.members.get("WithDecryption"):
        yield from _decrypting(asked)


def _decrypting(asked: Asked) -> Iterator[Want]:
    """The secret parameters that a call shows."""
    backend = ssm_backends[asked.place.account][asked.place.region]
    names = {str(name) for path in ("Name", "Names") for name in asked.all(path)}
    folder = asked.text("Path").rstrip("/") + "/" if asked.text("Path") else None
    for name, versions in backend._parameters.items():
        is_asked_for = name in names or (folder is not None and name.startswith(folder))
        if is_asked_for and versions and versions[-1].parameter_type == "SecureString":
            arn = asked.arn(f"parameter/{name.removeprefix('/')}")
            key = Target(asked.place.arn("kms", "key/*"), {})
            facts = {"kms:encryptioncontext:parameter_arn": (arn,)}
            yield Want("kms:Decrypt", key, facts, granted=True)


SERVICE = Service(
    dict.fromkeys(
        (
            "AddTagsToResource",
            "DeleteParameter",
            "DeleteParameters",
            "GetParameter",
            "GetParameterHistory",
            "GetParameters",
            "GetParametersByPath",
            "ListTagsForResource",
            "PutParameter",
            "RemoveTagsFromResource",
        ),
        (found(_parameters),),
    ),
    _beside,
)
