"""CloudWatch Logs. A log group's ARN goes on behind its name, but for the actions on tags (API
reference, `LogGroup`)."""

from __future__ import annotations

from collections.abc import Iterator

from lab.aws.authorization.table import Asked, Service, Want, found, named, tagging

GROUPS = (
    "CreateLogGroup",
    "CreateLogStream",
    "DeleteLogGroup",
    "DeleteRetentionPolicy",
    "DescribeLogStreams",
    "FilterLogEvents",
    "PutRetentionPolicy",
)
STREAMS = ("DeleteLogStream", "GetLogEvents", "PutLogEvents")


def _group(asked: Asked) -> str:
    arn = asked.text("logGroupIdentifier")
    return asked.text("logGroupName") or arn.split(":log-group:")[-1].removesuffix(":*")


def _whole_group(asked: Asked) -> Iterator[str]:
    yield f"log-group:{_group(asked)}:log-stream:"


def _stream(asked: Asked) -> Iterator[str]:
    yield f"log-group:{_group(asked)}:log-stream:{asked.text('logStreamName')}"


def _beside(asked: Asked) -> Iterator[Want]:
    if asked.operation == "CreateLogGroup":
        yield from tagging(asked, "TagResource", f"log-group:{_group(asked)}")


SERVICE = Service(
    {
        **dict.fromkeys(GROUPS, (found(_whole_group),)),
        **dict.fromkeys(STREAMS, (found(_stream),)),
        **dict.fromkeys(
            ("ListTagsForResource", "TagResource", "UntagResource"), (named("{}", "resourceArn"),)
        ),
    },
    _beside,
)
