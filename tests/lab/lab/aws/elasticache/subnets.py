"""ElastiCache's subnet groups: held by the caches in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import EC2ClientError
from moto.elasticache.models import CacheSubnetGroup
from moto.elasticache.responses import ElastiCacheResponse as Response

from lab.aws.common import interfaces
from lab.aws.common.pages import page
from lab.aws.common.patching import patch
from lab.aws.elasticache.checks import Refused, check_subnet_group
from lab.world.places import Place, of_arn, of_request

if TYPE_CHECKING:
    from moto.elasticache.models import ElastiCacheBackend

MOST = 100


def install() -> None:
    """Patches the operations on subnet groups."""

    @patch(Response)
    def create_cache_subnet_group(self: Any) -> ActionResult:
        backend, name = self.elasticache_backend, self._get_param("CacheSubnetGroupName")
        subnets = self._get_param("SubnetIds") or []
        check_subnet_group(name, subnets)
        _check_subnets(of_request(self), subnets)
        name = name.lower()
        if name in backend.cache_subnet_groups:
            raise Refused(
                "CacheSubnetGroupAlreadyExists", f"Cache subnet group {name} already exists."
            )
        group = CacheSubnetGroup(
            backend.account_id,
            self.region,
            name,
            self._get_param("CacheSubnetGroupDescription"),
            subnets,
            None,
        )
        backend.cache_subnet_groups[name] = group
        backend.tagging_service.tag_resource(group.arn, self._get_param("Tags") or [])
        return ActionResult({"CacheSubnetGroup": _describe(group)})

    @patch(Response)
    def describe_cache_subnet_groups(self: Any) -> ActionResult:
        wanted = self._get_param("CacheSubnetGroupName")
        backend = self.elasticache_backend
        found = [group_of(backend, wanted)] if wanted else backend.cache_subnet_groups.values()
        shown, following = page(
            [_describe(group) for group in found],
            self._get_param("Marker"),
            self._get_int_param("MaxRecords"),
            MOST,
        )
        return ActionResult({"CacheSubnetGroups": shown, "Marker": following})

    @patch(Response)
    def modify_cache_subnet_group(self: Any) -> ActionResult:
        backend = self.elasticache_backend
        group = group_of(backend, self._get_param("CacheSubnetGroupName"))
        if subnets := self._get_param("SubnetIds"):
            _check_subnets(of_request(self), subnets)
            for cache in _users(backend, group):
                for interface in cache.nodes.values():
                    used = interfaces.backend(of_request(self)).enis[interface].subnet.id
                    if used not in subnets:
                        raise Refused("SubnetInUse", f"The subnet {used} is in use by {cache.id}.")
            group.subnet_ids = subnets
        description = self._get_param("CacheSubnetGroupDescription")
        group.cache_subnet_group_description = description or group.cache_subnet_group_description
        return ActionResult({"CacheSubnetGroup": _describe(group)})

    @patch(Response)
    def delete_cache_subnet_group(self: Any) -> ActionResult:
        backend = self.elasticache_backend
        group = group_of(backend, self._get_param("CacheSubnetGroupName"))
        if users := _users(backend, group):
            raise Refused(
                "CacheSubnetGroupInUse",
                f"Cache subnet group {group.cache_subnet_group_name} is currently in use by "
                f"{users[0].id}.",
            )
        del backend.cache_subnet_groups[group.cache_subnet_group_name]
        backend.tagging_service.delete_all_tags_for_resource(group.arn)
        return EmptyResult()


def group_of(backend: ElastiCacheBackend, name: str | None) -> CacheSubnetGroup:
    """The group that a request names; without a default VPC it has to name one."""
    if name is None:
        raise Refused(
            "InvalidVPCNetworkStateFault", "No default VPC was found; name a cache subnet group."
        )
    group: CacheSubnetGroup | None = backend.cache_subnet_groups.get(name.lower())
    if group is None:
        raise Refused("CacheSubnetGroupNotFoundFault", f"Cache subnet group {name} was not found.")
    return group


def _users(backend: ElastiCacheBackend, group: CacheSubnetGroup) -> list[Any]:
    caches = [*backend.replication_groups.values(), *backend.cache_clusters.values()]
    name = group.cache_subnet_group_name
    return [cache for cache in caches if cache.settings["CacheSubnetGroupName"] == name]


def _check_subnets(place: Place, subnets: list[str]) -> None:
    ec2 = interfaces.backend(place)
    try:
        vpcs = {ec2.get_subnet(subnet).vpc_id for subnet in subnets}
    except EC2ClientError as error:
        raise Refused("InvalidSubnet", str(error)) from None
    if len(vpcs) > 1:
        raise Refused("InvalidSubnet", "The subnets belong to different VPCs.")


def _describe(group: CacheSubnetGroup) -> dict[str, Any]:
    ec2 = interfaces.backend(of_arn(group.arn))
    return {
        "CacheSubnetGroupName": group.cache_subnet_group_name,
        "CacheSubnetGroupDescription": group.cache_subnet_group_description,
        "VpcId": group.vpc_id,
        "ARN": group.arn,
        "SupportedNetworkTypes": ["ipv4"],
        "Subnets": [
            {
                "SubnetIdentifier": subnet,
                "SubnetAvailabilityZone": {"Name": ec2.get_subnet(subnet).availability_zone},
                "SupportedNetworkTypes": ["ipv4"],
            }
            for subnet in group.subnet_ids
        ],
    }
