"""EventBridge. Rules of the default bus have its name left out of their ARNs."""

from __future__ import annotations

from collections.abc import Iterator

from lab.aws.authorization.table import Asked, Service, Want, found, named, passing, tagging

ON_RULE = (
    "DeleteRule",
    "DescribeRule",
    "DisableRule",
    "EnableRule",
    "ListTargetsByRule",
    "PutRule",
    "PutTargets",
    "RemoveTargets",
)
TAGS = ("ListTagsForResource", "TagResource", "UntagResource")


def _name(asked: Asked) -> str:
    bus = asked.text("EventBusName").rsplit("/", 1)[-1]
    within = f"{bus}/" if bus not in ("", "default") else ""
    return f"rule/{within}{asked.text('Name') or asked.text('Rule')}"


def _rule(asked: Asked) -> Iterator[str]:
    yield _name(asked)


def _beside(asked: Asked) -> Iterator[Want]:
    if asked.operation == "PutRule":
        yield from passing(asked, "events.amazonaws.com", "RoleArn")
        yield from tagging(asked, "TagResource", _name(asked))
    elif asked.operation == "PutTargets":
        yield from passing(asked, "events.amazonaws.com", "Targets.RoleArn")


SERVICE = Service(
    {
        **dict.fromkeys(ON_RULE, (found(_rule),)),
        "PutEvents": (
            named("event-bus/{}", "Entries.EventBusName", otherwise="event-bus/default"),
        ),
        **dict.fromkeys(TAGS, (named("{}", "ResourceARN"),)),
    },
    _beside,
)
