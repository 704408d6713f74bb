"""AWS Cloud Map. A new namespace has no ARN yet, and is given its tags by an action of its own."""

from __future__ import annotations

from collections.abc import Iterator

from lab.aws.authorization.table import Asked, Service, Want, named, tagging

TAGS = ("ListTagsForResource", "TagResource", "UntagResource")


def _beside(asked: Asked) -> Iterator[Want]:
    if asked.operation == "CreateHttpNamespace":
        yield from tagging(asked, "TagResource", "namespace/*")


SERVICE = Service(
    {
        **dict.fromkeys(("DeleteNamespace", "GetNamespace"), (named("namespace/{}", "Id"),)),
        **dict.fromkeys(TAGS, (named("{}", "ResourceARN"),)),
    },
    _beside,
)
