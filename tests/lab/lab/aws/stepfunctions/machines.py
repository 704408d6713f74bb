"""Step Functions' state machines, which are ours from end to end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.core.resource_tagging import TaggedResource
from moto.core.responses import ActionResult
from moto.stepfunctions.models import StepFunctionBackend
from moto.stepfunctions.responses import StepFunctionResponse as Response

from lab.aws.common.patching import patch
from lab.aws.stepfunctions import executions
from lab.aws.stepfunctions.checks import (
    Refusal,
    check_definition,
    check_name,
    check_request,
    check_role,
)
from lab.aws.stepfunctions.requests import listed, machine_of, members
from lab.running.machines.definition import Invalid, read
from lab.running.machines.machine import Machine, Revision, settings_of
from lab.running.machines.roster import Machines, made
from lab.world.lab import Lab
from lab.world.places import of_backend, of_request

CHANGES = (
    "definition",
    "roleArn",
    "loggingConfiguration",
    "tracingConfiguration",
    "encryptionConfiguration",
)


def install(lab: Lab) -> None:
    """Patches moto's Step Functions."""
    machines = Machines(lab)
    _patch_create(lab, machines)
    _patch_changes(lab, machines)
    _patch_reads(machines)
    _patch_tags(machines)
    executions.install(lab, machines)


def _patch_create(lab: Lab, machines: Machines) -> None:
    @patch(Response)
    def create_state_machine(self: Any) -> ActionResult:
        request, place = members(self), of_request(self)
        check_request("CreateStateMachine", request)
        check_name(request["name"])
        if request.get("type") == "EXPRESS":
            raise NotImplementedError("a state machine of type EXPRESS")
        definition = check_definition(request["definition"])
        settings = settings_of(request)
        there = next((it for it in machines.of(place) if it.name == request["name"]), None)
        if there is not None:
            _check_same(there, request["definition"], settings)
            return ActionResult({"stateMachineArn": there.arn, "creationDate": there.created})
        revision = Revision(request["definition"], request["roleArn"])
        machine = Machine(place, request["name"], revision, lab.clock.moment(), settings)
        check_role(machines, machine, revision.role, definition)
        machine.tags = _read(request.get("tags"))
        machines.of(place).append(machine)
        return ActionResult({"stateMachineArn": machine.arn, "creationDate": machine.created})

    @patch(Response)
    def validate_state_machine_definition(self: Any) -> ActionResult:
        try:
            read(self._get_param("definition"))
        except Invalid as error:
            code, _, why = str(error).partition(": ")
            what, _, where = why.rpartition(" at ")
            told = {"severity": "ERROR", "code": code, "message": what, "location": where}
            return ActionResult({"result": "FAIL", "diagnostics": [told], "truncated": False})
        return ActionResult({"result": "OK", "diagnostics": [], "truncated": False})


def _check_same(there: Machine, definition: str, settings: dict[str, Any]) -> None:
    """Whoever asks for the same again gets it, whatever role and tags are named."""
    if there.status != "ACTIVE":
        raise Refusal("StateMachineDeleting", f"State machine is being deleted: '{there.arn}'")
    if (definition, settings) != (there.revision.definition, there.settings):
        raise Refusal("StateMachineAlreadyExists", f"State Machine Already Exists: '{there.arn}'")


def _patch_changes(lab: Lab, machines: Machines) -> None:
    @patch(Response)
    def update_state_machine(self: Any) -> ActionResult:
        machine, request = machine_of(self, machines), members(self)
        check_request("UpdateStateMachine", request)
        if machine.status != "ACTIVE":
            raise Refusal(
                "StateMachineDeleting", f"State machine is being deleted: '{machine.arn}'"
            )
        if not any(request.get(name) is not None for name in CHANGES):
            raise Refusal(
                "MissingRequiredParameter",
                "Either the definition, the role ARN, the LoggingConfiguration, or the "
                "TracingConfiguration must be specified",
            )
        wanted = request.get("definition") or machine.revision.definition
        role = request.get("roleArn") or machine.revision.role
        check_role(machines, machine, role, check_definition(wanted))
        machine.settings |= {k: v for k, v in request.items() if k in machine.settings and v}
        machine.update(request.get("definition"), request.get("roleArn"))
        lab.strict.made(machine.revision)
        return ActionResult({"updateDate": lab.clock.moment(), "revisionId": machine.revision.id})

    @patch(Response)
    def delete_state_machine(self: Any) -> ActionResult:
        arn = self._get_param("stateMachineArn")
        for machine in machines.of(of_request(self)):
            if machine.arn == arn and machine.status == "ACTIVE":
                machines.remove(machine)
                break
        return ActionResult({})


def _patch_reads(machines: Machines) -> None:
    @patch(Response)
    def describe_state_machine(self: Any) -> ActionResult:
        machine = machine_of(self, machines)
        shown = {
            **_summary(machine),
            **machine.settings,
            "definition": machine.revision.definition,
            "roleArn": machine.revision.role,
            "status": machine.status,
        }
        if machine.before is not None:
            shown["revisionId"] = machine.revision.id
        return ActionResult(shown)

    @patch(Response)
    def list_state_machines(self: Any) -> ActionResult:
        found = [_summary(machine) for machine in machines.of(of_request(self))]
        return listed(self, "stateMachines", found)


def _summary(machine: Machine) -> dict[str, Any]:
    return {
        "stateMachineArn": machine.arn,
        "name": machine.name,
        "type": "STANDARD",
        "creationDate": machine.created,
    }


def _patch_tags(machines: Machines) -> None:
    def tagged(response: Any) -> dict[str, str]:
        arn = response._get_param("resourceArn")
        for machine in machines.of(of_request(response)):
            if machine.arn == arn:
                return machine.tags
        raise Refusal("ResourceNotFound", f"Resource not found: '{arn}'")

    @patch(Response)
    def list_tags_for_resource(self: Any) -> ActionResult:
        tags = tagged(self).items()
        return ActionResult({"tags": [{"key": key, "value": value} for key, value in tags]})

    @patch(Response)
    def tag_resource(self: Any) -> ActionResult:
        tagged(self).update(_read(self._get_param("tags")))
        return ActionResult({})

    @patch(Response)
    def untag_resource(self: Any) -> ActionResult:
        tags = tagged(self)
        for key in self._get_param("tagKeys") or []:
            tags.pop(key, None)
        return ActionResult({})

    @patch(StepFunctionBackend)
    def iter_tagged_resources(self: Any) -> Iterator[TaggedResource]:
        for machine in made(of_backend(self)):
            yield TaggedResource(machine.arn, dict(machine.tags), "states:stateMachine")


def _read(tags: list[dict[str, str]] | None) -> dict[str, str]:
    return {tag["key"]: tag.get("value") or "" for tag in tags or []}
