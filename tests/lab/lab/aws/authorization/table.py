"""The language of the tables: which resources an operation is on, and what it needs beside itself.

Each service has a table by the "Service Authorization Reference". An operation that is in none is
on `*`, as one is that takes no resources.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from lab.policies.needs import Tags, Values
from lab.world.places import Place


@dataclass(frozen=True)
class Asked:
    """A request: its place, service and operation as IAM names them, and its members."""

    place: Place
    service: str
    operation: str
    members: Mapping[str, Any]

    def all(self, path: str) -> list[Any]:
        """What stands at a path of members, in each item of the lists on the way."""
        there: list[Any] = [self.members]
        for name in path.split("."):
            inner = [one.get(name) for one in there if isinstance(one, Mapping)]
            there = [
                item
                for one in inner
                for item in (one if isinstance(one, list) else [one])
                if item is not None
            ]
        return there

    def text(self, path: str) -> str:
        """The text there; empty when there is none."""
        return str(next(iter(self.all(path)), ""))

    def arn(self, resource: str) -> str:
        """The ARN of a resource of the service; one that is an ARN already stays as it is."""
        if resource.startswith("arn:"):
            return resource
        if self.service in ("iam", "sts"):
            return self.place.arn_of_iam(resource)
        return self.place.arn(self.service, resource)

    @cached_property
    def tags(self) -> Tags:
        """The tags that it gives, or the keys of those that it takes off."""
        tags: dict[str, str | None] = {}
        for name in ("Tags", "tags"):
            for tag in self.all(name):
                if "Key" in tag or "key" in tag:
                    tags[tag.get("Key") or tag.get("key")] = tag.get("Value", tag.get("value"))
                else:
                    tags |= tag
        for name in ("TagKeys", "tagKeys"):
            tags |= dict.fromkeys(self.all(name))
        return tags


class Target(NamedTuple):
    """A resource, and the tags of the request that conditions see with it."""

    arn: str
    given: Tags


@dataclass(frozen=True)
class Want:
    """An action on a target, and facts of this one alone; see `Need` for what is granted."""

    action: str
    target: Target
    facts: Mapping[str, Values] = field(default_factory=dict)
    granted: bool = False


On = Callable[[Asked], Iterable[Target]]
Table = Mapping[str, Sequence[On]]


Facts = Mapping[str, Values]


def nothing(asked: Asked) -> Iterable[Want]:
    """For services whose operations need nothing beside themselves."""
    return ()


def no_facts(asked: Asked) -> Facts:
    """For services without condition keys of their own that the lab knows."""
    return {}


@dataclass(frozen=True)
class Service:
    """A service: what its operations are on, what they need beside themselves, and its facts."""

    table: Table
    beside: Callable[[Asked], Iterable[Want]] = nothing
    facts: Callable[[Asked], Facts] = no_facts


def wants(asked: Asked, service: Service) -> Iterator[Want]:
    """All that a request needs, its own action first."""
    action = f"{asked.service}:{asked.operation}"
    targets = [target for on in service.table.get(asked.operation, ()) for target in on(asked)]
    for target in targets or [Target("*", asked.tags)]:
        yield Want(action, target, service.facts(asked))
    yield from service.beside(asked)


def named(form: str, *paths: str, otherwise: str | None = None) -> On:
    """What is named at these paths, by name or ARN; `otherwise` when nothing is."""

    def targets(asked: Asked) -> Iterator[Target]:
        values = [str(value) for path in paths for value in asked.all(path)]
        for value in values:
            arn = value if value.startswith("arn:") else asked.arn(form.format(value))
            yield Target(arn, asked.tags)
        if otherwise is not None and not values:
            yield Target(asked.arn(otherwise), asked.tags)

    return targets


def found(resources: Callable[[Asked], Iterable[str]]) -> On:
    """What a function finds in a request."""

    def targets(asked: Asked) -> Iterator[Target]:
        for resource in resources(asked):
            yield Target(asked.arn(resource), asked.tags)

    return targets


def tagging(asked: Asked, action: str, resource: str) -> Iterator[Want]:
    """What tags in a call that makes something need: the action on what is made."""
    if asked.tags:
        yield Want(
            f"{asked.service}:{action}",
            Target(asked.arn(resource), asked.tags),
            {f"{asked.service}:createaction": (asked.operation,)},
        )


def passing(asked: Asked, service: str, *paths: str) -> Iterator[Want]:
    """What roles need that a call hands to a service (IAM user guide, `iam:PassRole`)."""
    for role in [str(role) for path in paths for role in asked.all(path)]:
        arn = role if role.startswith("arn:") else asked.place.arn_of_iam(f"role/{role}")
        yield Want("iam:PassRole", Target(arn, {}), {"iam:passedtoservice": (service,)})
