"""What every service refuses in tags: keys of AWS's own, too many, too long.

EC2 has limits and words of its own, in the room of EC2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse

from lab.aws.common.patching import patch
from lab.world.lab import Lab

MOST, LONGEST_KEY, LONGEST_VALUE = 50, 128, 256
# By service: the code for a bad tag, and the code for too many.
CODES = {
    "acm": ("InvalidTagException", "TooManyTagsException"),
    "cloudwatch": ("InvalidParameterValue", "InvalidParameterValue"),
    "ecr": ("InvalidTagParameterException", "TooManyTagsException"),
    "ecs": ("InvalidParameterException", "InvalidParameterException"),
    "elasticache": ("InvalidParameterValue", "TagQuotaPerResourceExceeded"),
    "elbv2": ("ValidationError", "TooManyTags"),
    "events": ("ValidationException", "LimitExceededException"),
    "iam": ("InvalidInput", "ValidationError"),
    "logs": ("InvalidParameterException", "InvalidParameterException"),
    "rds": ("InvalidParameterValue", "InvalidParameterValue"),
    "route53": ("InvalidInput", "InvalidInput"),
    "scheduler": ("ValidationException", "ValidationException"),
    "secretsmanager": ("InvalidParameterException", "InvalidParameterException"),
    "servicediscovery": ("InvalidInput", "TooManyTagsException"),
    "sns": ("InvalidParameter", "TagLimitExceeded"),
    "sqs": ("InvalidParameterValue", "InvalidParameterValue"),
    "ssm": ("ValidationException", "TooManyTagsError"),
    "stepfunctions": ("ValidationException", "TooManyTags"),
}
# What services call the tags of a request.
NAMES = ("Tags", "tags", "AddTags")


class BadTag(ServiceException):
    """One of the services' errors."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def install(lab: Lab) -> None:
    """Patches what all of moto's services answer with; called before they are patched."""

    @patch(BaseResponse)
    def call_action(original: Any, self: Any) -> Any:
        if self.service_name in CODES:
            try:
                _check(self, *CODES[self.service_name])
            except BadTag as error:
                return self.serialized(ActionResult(error))
        return original(self)


def _check(response: Any, bad: str, too_many: str) -> None:
    tags = _tags(response)
    if len(tags) > MOST:
        raise BadTag(too_many, f"A resource can have at most {MOST} tags.")
    for key, value in tags:
        if key.lower().startswith("aws:"):
            raise BadTag(bad, f"The tag key {key} is reserved: it starts with 'aws:'.")
        if not 1 <= len(key) <= LONGEST_KEY:
            raise BadTag(bad, f"A tag key has 1 to {LONGEST_KEY} characters.")
        if len(value) > LONGEST_VALUE:
            raise BadTag(bad, f"A tag value has at most {LONGEST_VALUE} characters.")


def _tags(response: Any) -> list[tuple[str, str]]:
    """The tags of a request: a list of pairs in most services, a map in CloudWatch Logs."""
    tags: Any = next((found for name in NAMES if (found := response._get_param(name))), [])
    if isinstance(tags, Mapping):
        return [(str(key), str(value)) for key, value in tags.items()]
    return [
        (str(tag.get("Key", tag.get("key"))), str(tag.get("Value") or tag.get("value") or ""))
        for tag in tags
        if isinstance(tag, Mapping)
    ]
