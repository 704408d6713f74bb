"""The tagging API: everything that carries tags, also what moto leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.core.resource_tagging import (
    TaggedResource,
    iter_taggable_backends,
    make_tag_matcher,
    match_resource_type,
)
from moto.ec2.models import ec2_backends
from moto.ecr.models import ecr_backends
from moto.elbv2.models import elbv2_backends
from moto.rds.models import rds_backends
from moto.resourcegroupstaggingapi.models import ResourceGroupsTaggingAPIBackend
from moto.route53.models import FakeZone, Route53Backend, route53_backends
from moto.servicediscovery.models import servicediscovery_backends

from lab.aws.autoscaling import targets
from lab.aws.common.patching import patch
from lab.running.schedules.roster import DEFAULT, made
from lab.world.lab import Lab
from lab.world.places import Place, of_backend

# Where the tagging API shows what has no region (tagging API reference, supported services).
HOME_OF_NO_REGION = "us-east-1"


def install(lab: Lab) -> None:
    """Patches moto's GetResources."""

    @patch(ResourceGroupsTaggingAPIBackend)
    def _get_resources_generator(
        self: Any,
        tag_filters: list[dict[str, Any]] | None = None,
        resource_type_filters: list[str] | None = None,
        resource_arn_list: list[str] | None = None,
    ) -> Iterator[TaggedResource]:
        matches = make_tag_matcher(tag_filters)
        for resource in list(indexed(of_backend(self))):
            if (
                resource.tags
                and matches(resource.tags)
                and match_resource_type(resource.resource_type, resource_type_filters)
                and (not resource_arn_list or resource.arn in resource_arn_list)
            ):
                yield resource


def everything(place: Place) -> Iterator[TaggedResource]:
    """Every resource of a place that can carry tags, IAM excepted as on AWS."""
    for backend in iter_taggable_backends(*place):
        for resource in backend.iter_tagged_resources():
            # Those have another ARN on AWS, and follow with the rest of the network.
            if resource.resource_type != "ec2:flow-logs":
                yield resource
    yield from _addresses(place)
    yield from _network(place)
    yield from _group_rules(place)
    yield from _listeners(place)
    yield from _repositories(place)
    yield from _database_groups(place)
    yield from targets.tagged(place)
    yield from _schedule_groups(place)
    yield from _namespaces(place)
    if place.region == HOME_OF_NO_REGION:
        yield from _zones(place)


indexed = everything  # What the tagging API sees; the strict profile lets it lag behind.


def zone_arn(backend: Route53Backend, zone: FakeZone) -> str:
    """The ARN of a hosted zone, which names neither region nor account."""
    return f"arn:{backend.partition}:route53:::hostedzone/{zone.resource_id}"


def _zones(place: Place) -> Iterator[TaggedResource]:
    if backend := _in_use(route53_backends, Place(place.account, place.partition)):
        for zone in list(backend.zones.values()):
            tags = dict(backend.resource_tags.get(zone.resource_id, {}))
            yield TaggedResource(zone_arn(backend, zone), tags, "route53:hostedzone")


def _in_use(backends: Any, place: Place) -> Any | None:
    account, region = place
    return backends[account].get(region) if account in backends else None


def _addresses(place: Place) -> Iterator[TaggedResource]:
    if ec2 := _in_use(ec2_backends, place):
        for address in list(ec2.addresses):
            arn = place.arn("ec2", f"elastic-ip/{address.allocation_id}")
            tags = dict(ec2.tags.get(address.allocation_id, {}))
            yield TaggedResource(arn, tags, "ec2:elastic-ip")


def _network(place: Place) -> Iterator[TaggedResource]:
    """The parts of the network that moto leaves out."""
    if ec2 := _in_use(ec2_backends, place):
        for kind, things in (
            ("network-acl", ec2.network_acls),
            ("vpc-endpoint", ec2.vpc_end_points),
            ("vpc-flow-log", ec2.flow_logs),
        ):
            for id in list(things):
                arn = place.arn("ec2", f"{kind}/{id}")
                yield TaggedResource(arn, dict(ec2.tags.get(id, {})), f"ec2:{kind}")


def _group_rules(place: Place) -> Iterator[TaggedResource]:
    if ec2 := _in_use(ec2_backends, place):
        for groups in list(ec2.groups.values()):
            for group in list(groups.values()):
                for rule in [*group.ingress_rules, *group.egress_rules]:
                    if ec2.tags.get(rule.id):
                        arn = place.arn("ec2", f"security-group-rule/{rule.id}")
                        tags = dict(ec2.tags[rule.id])
                        yield TaggedResource(arn, tags, "ec2:security-group-rule")


def _listeners(place: Place) -> Iterator[TaggedResource]:
    if elbv2 := _in_use(elbv2_backends, place):
        tags = elbv2.tagging_service.get_tag_dict_for_resource
        for balancer in list(elbv2.load_balancers.values()):
            for listener in list(balancer.listeners.values()):
                kind = "elasticloadbalancing:listener"
                yield TaggedResource(listener.arn, tags(listener.arn), kind)
                for rule in list(listener._non_default_rules.values()):
                    yield TaggedResource(rule.arn, tags(rule.arn), f"{kind}-rule")


def _repositories(place: Place) -> Iterator[TaggedResource]:
    if ecr := _in_use(ecr_backends, place):
        for repository in list(ecr.repositories.values()):
            found = ecr.tagger.list_tags_for_resource(repository.arn)["tags"]
            tags = {tag["Key"]: tag["Value"] for tag in found}
            yield TaggedResource(repository.arn, tags, "ecr:repository")


def _database_groups(place: Place) -> Iterator[TaggedResource]:
    if rds := _in_use(rds_backends, place):
        for kind, groups in (
            ("subgrp", rds.subnet_groups),
            ("pg", rds.db_parameter_groups),
            ("cluster-pg", rds.db_cluster_parameter_groups),
        ):
            for group in list(groups.values()):
                tags = {tag["Key"]: tag["Value"] for tag in group.get_tags()}
                yield TaggedResource(group.arn, tags, f"rds:{kind}")


def _schedule_groups(place: Place) -> Iterator[TaggedResource]:
    for group in made(place):
        if group.name != DEFAULT:
            yield TaggedResource(group.arn, dict(group.tags), "scheduler:schedule-group")


def _namespaces(place: Place) -> Iterator[TaggedResource]:
    if cloud_map := _in_use(servicediscovery_backends, place):
        for namespace in list(cloud_map.namespaces.values()):
            found = cloud_map.list_tags_for_resource(namespace.arn)["Tags"]
            tags = {tag["Key"]: tag["Value"] for tag in found}
            yield TaggedResource(namespace.arn, tags, "servicediscovery:namespace")
