"""Everything that exists in the lab, tagged or not, but for what AWS makes by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from moto.core.base_backend import BackendDict
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.route53.models import route53_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.ssm.models import ssm_backends

from lab.overlay.tagging import everything
from lab.world import ACCOUNT

GONE = {"INACTIVE", "DELETE_IN_PROGRESS", "deleted"}
MADE_BY_AWS = {"kms:key", "ssm:document", "ec2:managed-prefix-lists"}


def inventory() -> list[dict[str, Any]]:
    """One entry a resource: its kind, ARN, tags and, where it has one, its state."""
    found = [entry for region in _regions() for entry in _regional(region)]
    found += [*_roles(), *_zones()]
    return sorted(found, key=lambda entry: (entry["kind"], entry["arn"]))


def secret_values() -> list[str]:
    """Every secret's text, and every parameter's that is encrypted; of a JSON object, its password."""
    texts = [
        version["secret_string"]
        for backend in secretsmanager_backends[ACCOUNT].values()
        for secret in backend.secrets.values()
        for version in secret.versions.values()
        if version.get("secret_string")
    ]
    texts += [
        version.decrypt(version.value)
        for backend in ssm_backends[ACCOUNT].values()
        for versions in backend._parameters.values()
        for version in versions
        if version.parameter_type == "SecureString"
    ]
    return [
        json.loads(text)["password"] if text.startswith("{") and "password" in text else text
        for text in texts
    ]


def _regions() -> list[str]:
    """The regions in which anything was asked for."""
    known = set(ec2_backends[ACCOUNT].regions)
    used: set[str] = set()
    for backends in list(BackendDict._instances):  # type: ignore[misc]
        if ACCOUNT in backends:
            used.update(backends[ACCOUNT])
    return sorted(used & known)


def _regional(region: str) -> Iterator[dict[str, Any]]:
    states = _states(region)
    for resource in everything(region):
        state = states.get(resource.arn) or states.get(resource.arn.rsplit("/", 1)[-1])
        if state in GONE or _is_default(region, resource.arn):
            continue
        if resource.resource_type in MADE_BY_AWS and not resource.tags:
            continue
        entry: dict[str, Any] = {
            "kind": resource.resource_type,
            "arn": resource.arn,
            "region": region,
            "tags": resource.tags,
        }
        yield {**entry, "state": state} if state else entry


def _states(region: str) -> dict[str, str]:
    from moto.ecs.models import ecs_backends

    ec2, ecs = ec2_backends[ACCOUNT][region], ecs_backends[ACCOUNT][region]
    states = {gateway.id: gateway.state for gateway in ec2.nat_gateways.values()}
    states |= {cluster.arn: cluster.status for cluster in ecs.clusters.values()}
    for revisions in ecs.task_definitions.values():
        states |= {definition.arn: definition.status for definition in revisions.values()}
    return states


def _is_default(region: str, arn: str) -> bool:
    """Whether AWS made it by itself: with a VPC, or with the first database of an engine."""
    if ":rds:" in arn and ":pg:default." in arn:
        return True
    ec2 = ec2_backends[ACCOUNT][region]
    id = arn.rsplit("/", 1)[-1]
    if ":security-group/" in arn:
        group = ec2.get_security_group_from_id(id)
        return bool(group and group.is_default)
    if ":route-table/" in arn:
        return id in ec2.route_tables and bool(ec2.route_tables[id].main_association_id)
    return False


def _zones() -> list[dict[str, Any]]:
    if ACCOUNT not in route53_backends:
        return []
    return [
        {"kind": "route53:hostedzone", "arn": zone.id, "region": "", "tags": {}, "name": zone.name}
        for backend in route53_backends[ACCOUNT].values()
        for zone in backend.zones.values()
    ]


def _roles() -> list[dict[str, Any]]:
    if ACCOUNT not in iam_backends:
        return []
    return [
        {
            "kind": "iam:role",
            "arn": role.arn,
            "region": "",
            "tags": {tag["Key"]: tag["Value"] for tag in role.tags},
        }
        for backend in iam_backends[ACCOUNT].values()
        for role in backend.roles.values()
        if not role.path.startswith("/aws-service-role/")
    ]
