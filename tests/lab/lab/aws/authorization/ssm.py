"""Systems Manager: parameters, whose ARN has no second slash before a path."""

from __future__ import annotations

from collections.abc import Iterator

from lab.aws.authorization.table import Asked, Service, Want, found, tagging


def _parameters(asked: Asked) -> Iterator[str]:
    names = [name for path in ("Name", "Names", "Path", "ResourceId") for name in asked.all(path)]
    for name in names:
        yield name if name.startswith("arn:") else f"parameter/{name.removeprefix('/')}"


def _beside(asked: Asked) -> Iterator[Want]:
    if asked.operation == "PutParameter":
        for resource in _parameters(asked):
            yield from tagging(asked, "AddTagsToResource", resource)


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
