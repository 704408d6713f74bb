"""Tags of alarms and dashboards."""

from __future__ import annotations

from typing import Any

from moto.cloudwatch.models import CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult, EmptyResult

from lab.aws.cloudwatch.alarms import alarms_of
from lab.aws.cloudwatch.dashboards import backend_of, dashboards_of
from lab.aws.cloudwatch.refusals import Refused
from lab.aws.common.patching import patch
from lab.aws.common.tag_rules import MOST
from lab.world.lab import Lab
from lab.world.places import Place


def install(lab: Lab) -> None:
    """Patches what reads and writes tags."""

    @patch(CloudWatchResponse)
    def list_tags_for_resource(self: Any) -> ActionResult:
        arn, backend = _found(self)
        tags = backend.tagger.get_tag_dict_for_resource(arn)
        return ActionResult({"Tags": [{"Key": key, "Value": tags[key]} for key in tags]})

    @patch(CloudWatchResponse)
    def tag_resource(self: Any) -> EmptyResult:
        arn, backend = _found(self)
        tags = self._get_param("Tags") or []
        if len({*backend.tagger.get_tag_dict_for_resource(arn), *(t["Key"] for t in tags)}) > MOST:
            raise Refused("InvalidParameterValue", f"A resource can have at most {MOST} tags.")
        backend.tagger.tag_resource(arn, tags)
        return EmptyResult()

    @patch(CloudWatchResponse)
    def untag_resource(self: Any) -> EmptyResult:
        arn, backend = _found(self)
        backend.tagger.untag_resource_using_names(arn, self._get_param("TagKeys") or [])
        return EmptyResult()


def _found(response: Any) -> tuple[str, CloudWatchBackend]:
    """What an ARN names, and who keeps its tags."""
    arn = str(response._get_param("ResourceARN"))
    place = Place(response.current_account, response.region)
    if any(alarm.alarm_arn == arn for alarm in alarms_of(place).values()):
        return arn, response.cloudwatch_backend
    if any(dashboard.arn == arn for dashboard in dashboards_of(place).values()):
        return arn, backend_of(place)
    raise Refused("ResourceNotFoundException", f"{arn} does not exist")
