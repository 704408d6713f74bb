"""IAM's simulator of policies: what a role, or the lab's user, might do by the policies it has.

IAM API reference, SimulatePrincipalPolicy and EvaluationResult; the ARN template of a result is `*`
here. What was attached over `/_lab/policies` counts as the policies of whoever it was attached to. The
lab's user may do everything without. Words are assumed, but for those about ARNs (newrelic-lambda-cli
issue 96, amazon-ecs-exec-checker issue 35).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.exceptions import InvalidInput, NotFoundException
from moto.iam.models import Policy as Managed
from moto.iam.models import Role, iam_backends
from moto.iam.responses import IamResponse

from lab.aws.common.pages import page
from lab.aws.common.patching import patch
from lab.aws.iam.roles import managed
from lab.http.calls import signed_by
from lab.policies.documents import statements
from lab.policies.needs import Caller, Values
from lab.policies.simulation import Imagined, Policy, Verdict, judge, strictest
from lab.world.lab import Lab
from lab.world.places import of_arn, of_request, partition_in

ACTION = re.compile(r"[a-zA-Z0-9-]+:[a-zA-Z0-9*]+")
ENTITY = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:(user|group|role)/[\x21-\x7e]+")
A_PAGE, MOST = 100, 1000
EVERYTHING = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
UNKNOWN = ("CallerArn", "PolicyExclusionList", "ResourceOwner", "ResourcePolicy")


def install(lab: Lab) -> None:
    """Patches moto's IAM, which has none."""

    @patch(IamResponse)
    def simulate_principal_policy(self: Any) -> ActionResult:
        asked = dict(self._get_params())
        for member in UNKNOWN:
            if member in asked:
                raise NotImplementedError(f"a simulation with {member}")
        source = str(asked.get("PolicySourceArn"))
        if not ENTITY.fullmatch(source):
            raise InvalidInput(
                f"Invalid Entity Arn: {source} does not clearly define entity type and name."
            )
        role = _role(source)
        if role is None and source != of_request(self).arn_of_iam("user/lab"):
            kind, name = source.split(":", 5)[-1].partition("/")[::2]
            raise NotFoundException(f"The {kind} with name {name.rsplit('/')[-1]} cannot be found.")
        policies = _attached(lab, self, source, role) or list(_of(role))
        policies += _given(asked, "PolicyInputList")
        bounds = _given(asked, "PermissionsBoundaryPolicyInputList") or _boundary(role)
        context = _context(asked)
        results = [
            _result(action, _resources(asked), context, policies, bounds)
            for action in _actions(asked)
        ]
        try:
            shown, following = page(
                results, asked.get("Marker"), int(asked.get("MaxItems") or A_PAGE), MOST
            )
        except ValueError:
            raise InvalidInput("Invalid Marker.") from None
        answer = {"EvaluationResults": shown, "IsTruncated": following is not None}
        return ActionResult(answer | ({"Marker": following} if following else {}))


def _actions(asked: dict[str, Any]) -> list[str]:
    actions = [str(action) for action in asked.get("ActionNames") or []]
    for action in actions:
        if not ACTION.fullmatch(action):
            raise InvalidInput(f"Invalid action name: {action}")
    return actions


def _resources(asked: dict[str, Any]) -> list[str]:
    resources = [str(resource) for resource in asked.get("ResourceArns") or ["*"]]
    for resource in resources:
        if resource != "*" and not resource.startswith("arn:"):
            raise InvalidInput(f"ResourceNames are not in a valid ARN format: {resource}.")
    return resources


def _context(asked: dict[str, Any]) -> dict[str, Values]:
    return {
        entry["ContextKeyName"].lower(): tuple(entry.get("ContextKeyValues") or ())
        for entry in asked.get("ContextEntries") or []
    }


def _result(
    action: str,
    resources: list[str],
    context: dict[str, Values],
    policies: list[Policy],
    bounds: list[Policy],
) -> dict[str, Any]:
    """One action, on all resources together and on each by itself."""
    boundary = bounds[0] if bounds else None
    verdicts = {
        resource: judge(Imagined(action, resource, context), policies, boundary)
        for resource in resources
    }
    decision = strictest(verdict.decision for verdict in verdicts.values())
    because = [v for v in verdicts.values() if v.decision == decision]
    result: dict[str, Any] = {
        "EvalActionName": action,
        "EvalResourceName": "*",
        "EvalDecision": decision,
        "MatchedStatements": _matched(because),
        "MissingContextValues": _missing(list(verdicts.values())),
    }
    if boundary:
        in_bounds = all(verdict.in_bounds for verdict in verdicts.values())
        result["PermissionsBoundaryDecisionDetail"] = _detail(in_bounds)
    if resources != ["*"]:
        result["EvalDecisionDetails"] = {}
        result["ResourceSpecificResults"] = [
            {
                "EvalResourceName": resource,
                "EvalResourceDecision": verdict.decision,
                "MatchedStatements": _matched([verdict]),
                "MissingContextValues": verdict.missing,
                **(
                    {"PermissionsBoundaryDecisionDetail": _detail(bool(verdict.in_bounds))}
                    if boundary
                    else {}
                ),
            }
            for resource, verdict in verdicts.items()
        ]
    return result


def _detail(in_bounds: bool) -> dict[str, bool]:
    return {"AllowedByPermissionsBoundary": in_bounds}


def _matched(verdicts: list[Verdict]) -> list[dict[str, str]]:
    found = {(policy.name, policy.kind) for verdict in verdicts for policy in verdict.because}
    return [{"SourcePolicyId": name, "SourcePolicyType": kind} for name, kind in sorted(found)]


def _missing(verdicts: list[Verdict]) -> list[str]:
    return sorted({key for verdict in verdicts for key in verdict.missing})


def _attached(lab: Lab, response: Any, source: str, role: Role | None) -> list[Policy]:
    """What was attached to whoever is asked about, or to everybody."""
    key = "" if role else signed_by(response.headers.get("Authorization", ""))
    account = response.current_account
    found = lab.policies.of(Caller(key, source, account, role.arn if role else None))
    return [] if found is None else [Policy("attached", "role" if role else "user", found)]


def _of(role: Role | None) -> Iterator[Policy]:
    """The policies that IAM has of a role; the lab's user may do everything."""
    if role is None:
        yield _policy("everything", "user", EVERYTHING)
        return
    for name, document in role.policies.items():
        yield _policy(name, "role", document)
    for arn, policy in role.managed_policies.items():
        yield _managed(arn, policy)


def _boundary(role: Role | None) -> list[Policy]:
    arn = role.permissions_boundary_arn if role else None
    if not role or not arn:
        return []
    known = iam_backends[role.account_id][role.partition].managed_policies.get(arn)
    if known:
        return [_managed(arn, known)]
    # Where its policy is not there it allows nothing.
    return [_policy(arn, "aws-managed", managed(arn) or {"Statement": []})]


def _managed(arn: str, policy: Managed) -> Policy:
    kind = "aws-managed" if ":iam::aws:policy/" in arn else "user-managed"
    version = next(version for version in policy.versions if version.is_default)
    return _policy(policy.name, kind, version.document)


def _given(asked: dict[str, Any], member: str) -> list[Policy]:
    documents = asked.get(member) or []
    return [_policy(f"{member}.{i}", "none", one) for i, one in enumerate(documents, 1)]


def _policy(name: str, kind: str, document: Any) -> Policy:
    read = json.loads(document) if isinstance(document, str) else document
    try:
        return Policy(name, kind, statements(read))
    except ValueError as error:
        raise NotImplementedError(f"a simulation of the policy {name}: {error}") from None


def _role(source: str) -> Role | None:
    """The role of an ARN, with its path."""
    roles = iam_backends[of_arn(source).account][partition_in(source)].roles.values()
    return next((role for role in roles if role.arn == source), None)
