"""Security Token Service: roles are assumed by those whom they trust, for as long as they allow."""

from __future__ import annotations

import json
import re
from typing import Any

from moto.iam.models import iam_backends
from moto.sts.exceptions import STSValidationError
from moto.sts.models import AssumedRole, STSBackend
from moto.sts.responses import TokenResponse

from lab.aws.common.patching import patch
from lab.aws.sts import sessions
from lab.http.errors import error_reply
from lab.world.lab import Lab
from lab.world.places import of_arn, partition_in

SESSION_NAME = re.compile(r"^[A-Za-z0-9_+=,.@-]{2,64}$")
ROLE = re.compile(r"^arn:aws[a-z-]*:iam::(\d{12}):role/(?:[!-~]+/)?([\w+=,.@-]{1,64})$")
SHORTEST, CHAINED = 900, 3600


def install(lab: Lab) -> None:
    """Patches moto's Security Token Service."""

    @patch(TokenResponse)
    def assume_role(original: Any, self: Any) -> Any:
        name, arn = self._get_param("RoleSessionName") or "", self._get_param("RoleArn") or ""
        if not SESSION_NAME.match(name):
            raise STSValidationError(
                f"1 validation error detected: Value '{name}' at 'roleSessionName' failed to "
                "satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*"
            )
        if not ROLE.match(arn):
            raise STSValidationError(f"{arn} is invalid")
        caller = self.backend.get_caller_identity(self.get_access_key(), self.region)[1]
        role = _role(arn)
        if role is None or not _trusts(role, caller, self._get_param("ExternalId")):
            message = (
                f"User: {caller} is not authorized to perform: sts:AssumeRole on resource: {arn}"
            )
            status, headers, body = error_reply("query", "AccessDenied", message, 403)
            return body.decode(), {**dict(headers), "status": status}
        _check_duration(self._get_int_param("DurationSeconds", CHAINED), role, caller)
        return original(self)

    @patch(TokenResponse)
    def assume_role_with_web_identity(original: Any, self: Any) -> Any:
        role = _role(self._get_param("RoleArn") or "")
        if role is None or not _trusts_tokens(role):
            message = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
            status, headers, body = error_reply("query", "AccessDenied", message, 403)
            return body.decode(), {**dict(headers), "status": status}
        return original(self)

    @patch(STSBackend)
    def get_caller_identity(original: Any, self: Any, key: str, region: str) -> Any:
        user, arn, account = original(self, key, region)
        if arn.endswith(":user/moto"):
            arn = f"arn:{partition_in(arn)}:iam::{account}:user/lab"
        return user, arn, account

    @patch(AssumedRole, "__init__")
    def made(original: Any, self: AssumedRole, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        if lab.session_seconds is not None:
            sessions.shorten(self, lab.session_seconds)


def _role(arn: str) -> Any | None:
    account = of_arn(arn).account
    if account not in iam_backends:
        return None
    roles = iam_backends[account][partition_in(arn)].roles.values()
    return next((role for role in roles if role.arn == arn), None)


def _trusts(role: Any, caller: str, external_id: str | None) -> bool:
    """Whether the role's trust policy names the caller; of conditions, the external ID counts."""
    account = of_arn(caller).account
    partition = partition_in(caller)
    names = {"*", account, f"arn:{partition}:iam::{account}:root", caller}
    if ":assumed-role/" in caller:
        names.add(f"arn:{partition}:iam::{account}:role/{caller.split('/')[1]}")
    for statement in _listed(json.loads(role.assume_role_policy_document)["Statement"]):
        principal = statement.get("Principal") or {}
        trusted = [principal] if isinstance(principal, str) else _listed(principal.get("AWS"))
        wanted = (statement.get("Condition") or {}).get("StringEquals", {}).get("sts:ExternalId")
        if (
            statement["Effect"] == "Allow"
            and {"sts:AssumeRole", "sts:*", "*"} & set(_listed(statement.get("Action")))
            and names & set(trusted)
            and wanted in (None, external_id)
        ):
            return True
    return False


def _trusts_tokens(role: Any) -> bool:
    """Whether the role trusts tokens of an identity provider; whose they are is not looked at."""
    return any(
        statement["Effect"] == "Allow"
        and "sts:AssumeRoleWithWebIdentity" in _listed(statement.get("Action"))
        and (statement.get("Principal") or {}).get("Federated")
        for statement in _listed(json.loads(role.assume_role_policy_document)["Statement"])
    )


def _check_duration(seconds: int, role: Any, caller: str) -> None:
    if seconds < SHORTEST:
        raise STSValidationError(
            f"1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy "
            f"constraint: Member must have value greater than or equal to {SHORTEST}"
        )
    if seconds > int(role.max_session_duration or CHAINED):
        raise STSValidationError(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        )
    if seconds > CHAINED and ":assumed-role/" in caller:
        raise STSValidationError(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
            "role chaining"
        )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
