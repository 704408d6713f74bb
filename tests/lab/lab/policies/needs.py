"""What a call needs: one action on one resource, and what conditions may ask about the two."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Values = tuple[str, ...]
# Those of a request that takes tags off have no values.
Tags = Mapping[str, str | None]


@dataclass(frozen=True)
class Caller:
    """Whoever makes a call: by which key, under which ARN, and in a session of which role."""

    key: str
    arn: str
    account: str
    role: str | None = None


def nothing() -> Tags:
    """No tags."""
    return {}


@dataclass(frozen=True)
class Need:
    """An action on a resource, `*` where the action takes none.

    `facts` are values of condition keys in lower case. `given` are the tags in the request, `tags`
    looks up those that the resource has. What is `granted` the resource's own policy allows: it
    takes an explicit denial to refuse it.
    """

    action: str
    resource: str
    facts: Mapping[str, Values] = field(default_factory=dict)
    given: Tags = field(default_factory=dict)
    tags: Callable[[], Tags] = nothing
    granted: bool = False

    def values(self, key: str) -> Values | None:
        """The values of a condition key, in any case; None when the request has none."""
        kind, _, tag = key.lower().partition("/")
        service = self.action.partition(":")[0]
        if kind == "aws:requesttag":
            return _of_tag(self.given, tag)
        if kind in ("aws:resourcetag", f"{service}:resourcetag"):
            return _of_tag(self.tags(), tag)
        if kind == "aws:tagkeys":
            return tuple(sorted(self.given)) or None
        return self.facts.get(kind)


def _of_tag(tags: Tags, wanted: str) -> Values | None:
    """The value of a tag, whose key counts in any case."""
    for key, value in tags.items():
        if key.lower() == wanted and value is not None:
            return (value,)
    return None
