"""SNS. A subscription's ARN begins with its topic's, which is what its calls are on."""

from __future__ import annotations

from collections.abc import Iterator

from lab.aws.authorization.table import Asked, Facts, Service, Want, found, named, tagging

OF_TOPIC = (
    "AddPermission",
    "ConfirmSubscription",
    "DeleteTopic",
    "GetTopicAttributes",
    "ListSubscriptionsByTopic",
    "RemovePermission",
    "SetTopicAttributes",
    "Subscribe",
)
OF_SUBSCRIPTION = ("GetSubscriptionAttributes", "SetSubscriptionAttributes", "Unsubscribe")


def _topic(asked: Asked) -> Iterator[str]:
    parts = asked.text("SubscriptionArn").split(":")
    yield ":".join(parts[:6]) if len(parts) > 6 else "*"


def _beside(asked: Asked) -> Iterator[Want]:
    if asked.operation == "CreateTopic":
        yield from tagging(asked, "TagResource", asked.text("Name"))


def _facts(asked: Asked) -> Facts:
    names = {"sns:protocol": "Protocol", "sns:endpoint": "Endpoint"}
    return {key: (asked.text(it),) for key, it in names.items() if asked.text(it)}


SERVICE = Service(
    {
        "CreateTopic": (named("{}", "Name"),),
        **dict.fromkeys(OF_TOPIC, (named("{}", "TopicArn"),)),
        **dict.fromkeys(("Publish", "PublishBatch"), (named("{}", "TopicArn", "TargetArn"),)),
        **dict.fromkeys(OF_SUBSCRIPTION, (found(_topic),)),
        **dict.fromkeys(
            ("ListTagsForResource", "TagResource", "UntagResource"), (named("{}", "ResourceArn"),)
        ),
    },
    _beside,
    _facts,
)
