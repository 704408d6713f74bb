"""Groups of schedules, and the tags that they carry."""

from __future__ import annotations

from typing import Any

from moto.scheduler.responses import EventBridgeSchedulerResponse as Response

from lab.aws.common.patching import patch
from lab.aws.common.tokens import Tokens
from lab.aws.scheduler.checks import Conflict, Invalid
from lab.aws.scheduler.requests import Members, answer, asked, group_of, listed, tagged_group
from lab.running.schedules.roster import DEFAULT, Schedules
from lab.running.schedules.schedule import Group
from lab.world.lab import Lab
from lab.world.places import of_request


def install(lab: Lab, schedules: Schedules, tokens: Tokens) -> None:
    """Patches the operations on groups."""
    _patch_groups(lab, schedules, tokens)
    _patch_tags(schedules)


def _patch_groups(lab: Lab, schedules: Schedules, tokens: Tokens) -> None:
    @patch(Response)
    def create_schedule_group(self: Any) -> str:
        request, place = asked(self), of_request(self)

        def make() -> Group:
            groups, name = schedules.groups(place), request["Name"]
            if name in groups:
                raise Conflict(f"Schedule group {name} already exists.")
            groups[name] = Group(place, name, lab.clock.now(), _read(request.get("Tags")))
            return groups[name]

        group = tokens.once(
            place,
            "CreateScheduleGroup",
            request.get("ClientToken"),
            request,
            make,
            lambda: Conflict("The ClientToken was used with another request."),
        )
        return answer({"ScheduleGroupArn": group.arn})

    @patch(Response)
    def get_schedule_group(self: Any) -> str:
        return answer(_describe(group_of(self, schedules, asked(self)["Name"])))

    @patch(Response)
    def list_schedule_groups(self: Any) -> str:
        request = asked(self)
        prefix = request.get("NamePrefix") or ""
        groups = schedules.groups(of_request(self)).values()
        found = [_describe(group) for group in groups if group.name.startswith(prefix)]
        return listed("ScheduleGroups", found, request)

    @patch(Response)
    def delete_schedule_group(self: Any) -> str:
        group = group_of(self, schedules, asked(self)["Name"])
        if group.name == DEFAULT:
            raise Invalid("The default schedule group cannot be deleted.")
        if group.state == "ACTIVE":
            schedules.remove_group(group)
        return answer({})


def _patch_tags(schedules: Schedules) -> None:
    @patch(Response)
    def list_tags_for_resource(self: Any) -> str:
        tags = tagged_group(self, schedules, asked(self)["ResourceArn"]).tags
        return answer({"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]})

    @patch(Response)
    def tag_resource(self: Any) -> str:
        request = asked(self)
        group = tagged_group(self, schedules, request["ResourceArn"])
        group.tags |= _read(request["Tags"])
        return answer({})

    @patch(Response)
    def untag_resource(self: Any) -> str:
        request = asked(self)
        group = tagged_group(self, schedules, request["ResourceArn"])
        for key in request["TagKeys"]:
            group.tags.pop(key, None)
        return answer({})


def _read(tags: list[dict[str, str]] | None) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags or []}


def _describe(group: Group) -> Members:
    return {
        "Arn": group.arn,
        "CreationDate": group.created,
        "LastModificationDate": group.created,
        "Name": group.name,
        "State": group.state,
    }
