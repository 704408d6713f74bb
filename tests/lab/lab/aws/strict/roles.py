"""A role just made: IAM and ECS do not find it at first, and no service can assume it for longer."""

from __future__ import annotations

from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses.flow_logs import FlowLogs
from moto.ecs.exceptions import (
    EcsClientException,
    InvalidParameterException,
    TaskDefinitionNotFoundException,
)
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.iam.exceptions import NotFoundException
from moto.iam.models import IAMBackend, Role, iam_backends
from moto.iam.responses import IamResponse
from moto.scheduler.responses import EventBridgeSchedulerResponse
from moto.stepfunctions.responses import StepFunctionResponse

from lab.aws.common.patching import patch
from lab.aws.common.permissions import unassumable
from lab.aws.scheduler.checks import UNTRUSTED
from lab.aws.stepfunctions.checks import UNTRUSTED as UNTRUSTED_MACHINE
from lab.world.lab import Lab

BY_NAME = ("get_role", "put_role_policy", "attach_role_policy", "tag_role")
# The roles that a task definition names.
NAMED = ("executionRoleArn", "taskRoleArn")


def install(lab: Lab) -> None:
    """Patches roles and those who use them."""

    @patch(Role, "__init__")
    def make(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        lab.strict.made(self)

    for operation in BY_NAME:
        _patch_by_name(lab, operation)

    @patch(EC2ContainerServiceResponse)
    def register_task_definition(original: Any, self: Any) -> Any:
        used = {self._get_param(name) for name in NAMED}
        for role in iam_backends[self.current_account]["aws"].roles.values():
            if role.arn in used and lab.strict.is_fresh("role-definition", role):
                raise EcsClientException("Role is not valid")
        return original(self)

    for operation in ("create_schedule", "update_schedule"):
        _patch_schedules(lab, operation)
    for operation in ("create_state_machine", "update_state_machine"):
        _patch_machines(lab, operation)

    @patch(EC2ContainerServiceResponse)
    def create_service(original: Any, self: Any) -> Any:
        _check_assumable(lab, self, self._get_param("taskDefinition"))
        return original(self)

    @patch(EC2ContainerServiceResponse)
    def update_service(original: Any, self: Any) -> Any:
        if definition := self._get_param("taskDefinition"):
            _check_assumable(lab, self, definition)
        return original(self)

    @patch(EC2ContainerServiceResponse)
    def run_task(original: Any, self: Any) -> Any:
        if role := _young(lab, self, self._get_param("taskDefinition")):
            raise EcsClientException(unassumable(role.arn))
        return original(self)

    @patch(FlowLogs)
    def create_flow_logs(original: Any, self: Any) -> Any:
        for role in iam_backends[self.current_account][self.partition].roles.values():
            is_used = role.arn == self._get_param("DeliverLogsPermissionArn")
            if is_used and lab.strict.is_fresh("role", role):
                raise EC2ClientError("InvalidParameter", "Unable to assume given IAM role")
        return original(self)


def _patch_by_name(lab: Lab, operation: str) -> None:
    @patch(IamResponse, operation)
    def by_name(original: Any, self: Any) -> Any:
        backend: IAMBackend = iam_backends[self.current_account][self.partition]
        name = self._get_param("RoleName")
        for role in backend.roles.values():
            if role.name == name and lab.strict.is_fresh("role-policy", role):
                raise NotFoundException(f"The role with name {name} cannot be found.")
        return original(self)


def _patch_schedules(lab: Lab, operation: str) -> None:
    @patch(EventBridgeSchedulerResponse, operation)
    def put(original: Any, self: Any) -> Any:
        used = (self._get_param("Target") or {}).get("RoleArn")
        for role in iam_backends[self.current_account][self.partition].roles.values():
            if role.arn == used and lab.strict.is_fresh("role", role):
                raise JsonRESTError("ValidationException", UNTRUSTED)
        return original(self)


def _patch_machines(lab: Lab, operation: str) -> None:
    @patch(StepFunctionResponse, operation)
    def put(original: Any, self: Any) -> Any:
        used = self._get_param("roleArn")
        for role in iam_backends[self.current_account][self.partition].roles.values():
            if role.arn == used and lab.strict.is_fresh("role", role):
                raise JsonRESTError("AccessDeniedException", UNTRUSTED_MACHINE)
        return original(self)


def _check_assumable(lab: Lab, response: Any, definition: str) -> None:
    if role := _young(lab, response, definition):
        raise InvalidParameterException(
            "Unable to assume role and validate the specified task definition. Please verify "
            f"that the ECS service role being passed has the proper permissions: {role.arn}"
        )


def _young(lab: Lab, response: Any, definition: str) -> Role | None:
    """A role of a task definition that no service can assume yet; none of one that is not there."""
    try:
        described = response.ecs_backend.describe_task_definition(definition)
    except TaskDefinitionNotFoundException:
        return None
    used = {getattr(described, f"{kind}_role_arn", None) for kind in ("execution", "task")}
    roles = iam_backends[response.current_account][response.partition].roles.values()
    young = (role for role in roles if role.arn in used and lab.strict.is_fresh("role", role))
    return next(young, None)
