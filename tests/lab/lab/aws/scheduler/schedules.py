"""EventBridge Scheduler's schedules and groups, which are ours from end to end."""

from __future__ import annotations

from typing import Any

from moto.scheduler.responses import EventBridgeSchedulerResponse as Response

from lab.aws.common.patching import patch
from lab.aws.common.tokens import Tokens
from lab.aws.scheduler import groups
from lab.aws.scheduler.checks import Conflict, Missing, check_schedule
from lab.aws.scheduler.requests import Members, answer, asked, group_of, listed
from lab.running.schedules.invocations import Invocations
from lab.running.schedules.roster import Schedules
from lab.running.schedules.schedule import Schedule, complete
from lab.world.lab import Lab
from lab.world.places import of_request


def install(lab: Lab) -> None:
    """Patches moto's scheduler and starts ours."""
    schedules = Schedules(lab, Invocations(lab))
    tokens = Tokens()
    lab.resets.append(tokens.clear)
    groups.install(lab, schedules, tokens)
    _patch_create(lab, schedules, tokens)
    _patch_changes(lab, schedules)
    _patch_reads(schedules)


def _patch_create(lab: Lab, schedules: Schedules, tokens: Tokens) -> None:
    @patch(Response)
    def create_schedule(self: Any) -> str:
        request = asked(self)
        name, place = request["Name"], of_request(self)

        def make() -> Schedule:
            group = group_of(self, schedules, request.get("GroupName"))
            if group.state != "ACTIVE":
                raise Conflict(f"Schedule group {group.name} is being deleted.")
            if name in group.schedules:
                raise Conflict(f"Schedule {name} already exists.")
            now = lab.clock.now()
            made = Schedule(place, group.name, name, complete(request), now)
            check_schedule(made, now)
            group.schedules[name] = made
            return made

        schedule = tokens.once(
            place,
            "CreateSchedule",
            request.get("ClientToken"),
            request,
            make,
            lambda: Conflict("The ClientToken was used with another request."),
        )
        return answer({"ScheduleArn": schedule.arn})


def _patch_changes(lab: Lab, schedules: Schedules) -> None:
    @patch(Response)
    def update_schedule(self: Any) -> str:
        request = asked(self)
        schedule = _schedule(self, schedules, request)
        now, settings = lab.clock.now(), complete(request)
        draft = Schedule(schedule.place, schedule.group, schedule.name, settings, schedule.created)
        check_schedule(draft, now)
        schedule.update(settings, now)
        return answer({"ScheduleArn": schedule.arn})

    @patch(Response)
    def delete_schedule(self: Any) -> str:
        request = asked(self)
        schedule = _schedule(self, schedules, request)
        del group_of(self, schedules, schedule.group).schedules[schedule.name]
        return answer({})


def _patch_reads(schedules: Schedules) -> None:
    @patch(Response)
    def get_schedule(self: Any) -> str:
        schedule = _schedule(self, schedules, asked(self))
        return answer({**_summary(schedule), **schedule.settings})

    @patch(Response)
    def list_schedules(self: Any) -> str:
        request = asked(self)
        wanted, prefix = request.get("GroupName"), request.get("NamePrefix") or ""
        inside = [group_of(self, schedules, wanted)] if wanted else None
        found = [
            schedule
            for group in inside or schedules.groups(of_request(self)).values()
            for schedule in group.schedules.values()
            if schedule.name.startswith(prefix)
            and request.get("State") in (None, schedule.settings["State"])
        ]
        return listed("Schedules", [_summary(schedule) for schedule in found], request)


def _schedule(response: Any, schedules: Schedules, request: Members) -> Schedule:
    group = group_of(response, schedules, request.get("GroupName"))
    if request["Name"] not in group.schedules:
        raise Missing(f"Schedule {request['Name']} does not exist.")
    return group.schedules[request["Name"]]


def _summary(schedule: Schedule) -> Members:
    return {
        "Arn": schedule.arn,
        "CreationDate": schedule.created,
        "GroupName": schedule.group,
        "LastModificationDate": schedule.changed,
        "Name": schedule.name,
        "State": schedule.settings["State"],
        "Target": {"Arn": schedule.target["Arn"]},
    }
