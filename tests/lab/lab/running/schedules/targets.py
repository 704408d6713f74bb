"""What a schedule can start, under its role."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import ServiceException

from lab.aws.common.service_roles import Agent, NotAllowed
from lab.policies.needs import Need
from lab.running.deliveries import queues
from lab.running.machines.roster import Machines, Refused
from lab.running.schedules.schedule import Schedule
from lab.running.tasks.requests import Requests, needs
from lab.world.places import of_arn

if TYPE_CHECKING:
    from lab.world.lab import Lab

SCHEDULER = "scheduler.amazonaws.com"
CLUSTER, MACHINE, QUEUE = ":cluster/", ":stateMachine:", ":sqs:"
# What EventBridge Scheduler's parameters call otherwise than RunTask does.
RENAMED = {"TaskDefinitionArn": "taskDefinition", "TaskCount": "count"}


class Failed(Exception):
    """What a target answered: a code, and the text."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def knows(arn: str) -> bool:
    """Whether the lab can start it."""
    return any(kind in arn for kind in (CLUSTER, MACHINE, QUEUE))


def agent(schedule: Schedule) -> Agent:
    """EventBridge Scheduler under the role of a schedule."""
    return Agent(schedule.target["RoleArn"], SCHEDULER, schedule.name, schedule.group_arn)


def start(lab: Lab, schedule: Schedule) -> list[str]:
    """Starts a schedule's target; the ARNs of what runs then. Failed says why not."""
    arn = schedule.target["Arn"]
    try:
        if CLUSTER in arn:
            return _run_tasks(lab, schedule)
        return _execute(lab, schedule) if MACHINE in arn else _send(schedule)
    except NotAllowed as error:
        raise Failed("AccessDeniedException", str(error)) from None
    except ServiceException as error:
        raise Failed(error.code, error.message) from None


def task_request(schedule: Schedule) -> dict[str, Any]:
    """The request of RunTask that a schedule stands for."""
    target = schedule.target
    request = {RENAMED.get(name, name): value for name, value in target["EcsParameters"].items()}
    request = {name[0].lower() + name[1:]: value for name, value in request.items()}
    request["networkConfiguration"] = {
        name: {key[0].lower() + key[1:]: value for key, value in inner.items()}
        for name, inner in (request.get("networkConfiguration") or {}).items()
    }
    return {
        **request,
        "cluster": target["Arn"],
        "startedBy": f"chronos-schedule/{schedule.name}"[:128],
        "overrides": json.loads(target.get("Input") or "{}"),
    }


def _run_tasks(lab: Lab, schedule: Schedule) -> list[str]:
    place, request = of_arn(schedule.target["Arn"]), task_request(schedule)
    agent(schedule).demand(needs(place, request))
    started = lab.part(Requests).run(place, request)
    if started.failures:
        reasons = ", ".join(failure["reason"] for failure in started.failures)
        raise Failed("AmazonECSException", reasons)
    return [task.arn for task in started.tasks]


def _execute(lab: Lab, schedule: Schedule) -> list[str]:
    arn = schedule.target["Arn"]
    agent(schedule).demand([Need("states:StartExecution", arn)])
    machines = lab.part(Machines)
    machine = machines.find(arn)
    if machine is None:
        raise Failed("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
    try:
        return [machines.start(machine, None, schedule.target.get("Input") or "{}").arn]
    except Refused as error:
        raise Failed(error.code, str(error)) from None


def _send(schedule: Schedule) -> list[str]:
    arn = schedule.target["Arn"]
    agent(schedule).demand([Need("sqs:SendMessage", arn)])
    group = (schedule.target.get("SqsParameters") or {}).get("MessageGroupId")
    if not queues.send(arn, schedule.target.get("Input") or "{}", group=group):
        raise Failed("AWS.SimpleQueueService.NonExistentQueue", "The queue does not exist.")
    return []
