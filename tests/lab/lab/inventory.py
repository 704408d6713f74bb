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

from lab.aws.sts.sessions import LAB_PATH
from lab.aws.tagging.index import everything, zone_arn
from lab.running.schedules.roster import made
from lab.world.places import ACCOUNT, Place, everywhere

GONE = {"INACTIVE", "DELETE_IN_PROGRESS", "deleted"}
# Linked roles, and those of accounts that the lab was asked to open.
MADE_WITHOUT_ASKING = ("/aws-service-role/", LAB_PATH)
MADE_BY_AWS = {"kms:key", "ssm:document", "ec2:managed-prefix-lists"}


def inventory() -> list[dict[str, Any]]:
    """One entry a resource: its kind, ARN, place, tags and, where it has one, its state."""
    found = [entry for place in _places() for entry in _regional(place)]
    found += [*_roles(), *_zones()]
    found += [entry for place in _places() for entry in _untaggable(place)]
    return sorted(found, key=lambda entry: (entry["kind"], entry["arn"]))


def secret_values() -> list[str]:
    """Every secret's text, and every parameter's that is encrypted; of a JSON object, its password."""
    texts = [
        version["secret_string"]
        for backend in everywhere(secretsmanager_backends)
        for secret in backend.secrets.values()
        for version in secret.versions.values()
        if version.get("secret_string")
    ]
    texts += [
        version.decrypt(version.value)
        for backend in everywhere(ssm_backends)
        for versions in backend._parameters.values()
        for version in versions
        if version.parameter_type == "SecureString"
    ]
    return [
        json.loads(text)["password"] if text.startswith("{") and "password" in text else text
        for text in texts
    ]


def _places() -> list[Place]:
    """The places in which anything was asked for."""
    known = set(ec2_backends[ACCOUNT].regions)
    # A list of a generic class, which means nothing to those who only read it.
    services: Any = BackendDict
    return sorted(
        {
            Place(account, region)
            for backends in list(services._instances)
            for account, regions in list(backends.items())
            for region in regions
            if region in known
        }
    )


def _regional(place: Place) -> Iterator[dict[str, Any]]:
    states = _states(place)
    for resource in everything(place):
        state = states.get(resource.arn) or states.get(resource.arn.rsplit("/", 1)[-1])
        if state in GONE or _is_default(place, resource.arn):
            continue
        if resource.resource_type == "route53:hostedzone":
            continue  # an account's, in no region
        if resource.resource_type in MADE_BY_AWS and not resource.tags:
            continue
        entry: dict[str, Any] = {
            "kind": resource.resource_type,
            "arn": resource.arn,
            **place._asdict(),
            "tags": resource.tags,
        }
        yield {**entry, "state": state} if state else entry


def _untaggable(place: Place) -> Iterator[dict[str, Any]]:
    """What is in a place and can carry no tags."""
    for group in made(place):
        for schedule in group.schedules.values():
            kind = {"kind": "scheduler:schedule", "arn": schedule.arn}
            yield {**kind, **place._asdict(), "tags": {}}


def _states(place: Place) -> dict[str, str]:
    from moto.ecs.models import ecs_backends

    account, region = place
    ec2, ecs = ec2_backends[account][region], ecs_backends[account][region]
    states = {gateway.id: gateway.state for gateway in ec2.nat_gateways.values()}
    states |= {endpoint.id: endpoint.state for endpoint in ec2.vpc_end_points.values()}
    states |= {cluster.arn: cluster.status for cluster in ecs.clusters.values()}
    for revisions in ecs.task_definitions.values():
        states |= {definition.arn: definition.status for definition in revisions.values()}
    return states


def _is_default(place: Place, arn: str) -> bool:
    """Whether AWS made it by itself: with a VPC, for a service of its own, or with the first database of an engine."""
    if ":rds:" in arn and ":pg:default." in arn:
        return True
    ec2 = ec2_backends[place.account][place.region]
    id = arn.rsplit("/", 1)[-1]
    if ":security-group/" in arn:
        group = ec2.get_security_group_from_id(id)
        return bool(group and group.is_default)
    if ":network-acl/" in arn:
        return id in ec2.network_acls and bool(ec2.network_acls[id].default)
    if ":vpc-endpoint/" in arn:
        endpoint: Any = ec2.vpc_end_points.get(id)
        return bool(endpoint and endpoint.requester_managed)
    if ":route-table/" in arn:
        return id in ec2.route_tables and bool(ec2.route_tables[id].main_association_id)
    return False


def _zones() -> Iterator[dict[str, Any]]:
    """Hosted zones, each with its records but for the two that begin it."""
    for backend in everywhere(route53_backends):
        for zone in backend.zones.values():
            own = {(zone.name, "NS"), (zone.name, "SOA")}
            sets = {(record.name, record.type) for record in zone.rrsets} - own
            yield {
                "kind": "route53:hostedzone",
                "arn": zone_arn(backend, zone),
                "tags": dict(backend.resource_tags.get(zone.resource_id, {})),
                "name": zone.name,
                "records": sorted(f"{name} {kind}" for name, kind in sets),
                "account": backend.account_id,
                "region": "",
            }


def _roles() -> Iterator[dict[str, Any]]:
    for backend in everywhere(iam_backends):
        for role in backend.roles.values():
            if not role.path.startswith(MADE_WITHOUT_ASKING):
                yield {
                    "kind": "iam:role",
                    "arn": role.arn,
                    "account": backend.account_id,
                    "region": "",
                    "tags": {tag["Key"]: tag["Value"] for tag in role.tags},
                }
