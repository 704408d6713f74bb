"""Caches: their states, what they refuse, what holds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from conftest import RunningLab, until
from stack import TAGS, network, refused

GROUP = {
    "ReplicationGroupId": "Main",
    "ReplicationGroupDescription": "sessions",
    "CacheNodeType": "cache.t4g.micro",
    "Engine": "valkey",
    "EngineVersion": "8.0",
    "CacheSubnetGroupName": "caches",
    "Tags": TAGS,
}


class Caches:
    """A subnet group, and what looks at the caches in it."""

    def __init__(self, lab: RunningLab) -> None:
        self.cache, self.ec2 = lab.client("elasticache"), lab.client("ec2")
        _, self.subnets, self.group = network(self.ec2)
        self.cache.create_cache_subnet_group(
            CacheSubnetGroupName="Caches",
            CacheSubnetGroupDescription="caches",
            SubnetIds=self.subnets,
            Tags=TAGS,
        )

    def create(self, **settings: Any) -> dict[str, Any]:
        """Begins to create a replication group."""
        made: dict[str, Any] = self.cache.create_replication_group(
            **{**GROUP, "SecurityGroupIds": [self.group], **settings}
        )["ReplicationGroup"]
        return made

    def look(self) -> dict[str, Any] | None:
        """The replication group, if there is one."""
        found = self.cache.describe_replication_groups()["ReplicationGroups"]
        return found[0] if found else None

    def available(self) -> dict[str, Any]:
        """Waits for the replication group."""

        def there() -> dict[str, Any] | None:
            found = self.look()
            return found if found and found["Status"] == "available" else None

        result: dict[str, Any] = until(there, "the cache")
        return result

    def node(self, id: str = "main-001") -> dict[str, Any]:
        """One cache cluster with its endpoint."""
        found: dict[str, Any] = self.cache.describe_cache_clusters(
            CacheClusterId=id, ShowCacheNodeInfo=True
        )["CacheClusters"][0]
        return found


def test_a_replication_group_has_nodes_endpoints_and_tags(lab: RunningLab) -> None:
    caches = Caches(lab)
    made = caches.create(NumCacheClusters=2, AutomaticFailoverEnabled=True, MultiAZEnabled=True)
    assert made["ReplicationGroupId"] == "main" and made["Status"] == "creating"
    assert "PrimaryEndpoint" not in made["NodeGroups"][0]
    found = caches.available()
    assert found["MemberClusters"] == ["main-001", "main-002"]
    assert (found["AutomaticFailover"], found["MultiAZ"]) == ("enabled", "enabled")
    shard = found["NodeGroups"][0]
    assert shard["PrimaryEndpoint"]["Port"] and shard["ReaderEndpoint"]["Address"]
    assert [member["CurrentRole"] for member in shard["NodeGroupMembers"]] == ["primary", "replica"]
    assert len({member["PreferredAvailabilityZone"] for member in shard["NodeGroupMembers"]}) == 2
    node = caches.node()
    assert (node["EngineVersion"], node["CacheClusterStatus"]) == ("8.0.1", "available")
    assert node["ReplicationGroupId"] == "main" and node["CacheNodes"][0]["Endpoint"]["Port"]
    assert node["SecurityGroups"] == [{"SecurityGroupId": caches.group, "Status": "active"}]
    caches.cache.add_tags_to_resource(
        ResourceName=found["ARN"], Tags=[{"Key": "more", "Value": "1"}]
    )
    caches.cache.remove_tags_from_resource(ResourceName=found["ARN"], TagKeys=["Name"])
    tags = caches.cache.list_tags_for_resource(ResourceName=found["ARN"])["TagList"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"stack": "test", "more": "1"}
    tagging = lab.client("resourcegroupstaggingapi")
    arns = {
        entry["ResourceARN"].split(":", 5)[5]
        for entry in tagging.get_resources(ResourceTypeFilters=["elasticache"])[
            "ResourceTagMappingList"
        ]
    }
    assert arns == {"replicationgroup:main", "subnetgroup:caches"}
    with refused("InvalidARN"):
        caches.cache.list_tags_for_resource(ResourceName=found["ARN"] + "x")


def test_a_cache_holds_its_subnets_and_groups_until_it_is_gone(lab: RunningLab) -> None:
    caches = Caches(lab)
    caches.create()
    caches.available()
    with refused("ReplicationGroupAlreadyExists"):
        caches.create()
    with refused("CacheSubnetGroupInUse"):
        caches.cache.delete_cache_subnet_group(CacheSubnetGroupName="caches")
    with refused("SubnetInUse"):
        caches.cache.modify_cache_subnet_group(
            CacheSubnetGroupName="caches", SubnetIds=caches.subnets[1:]
        )
    with refused("DependencyViolation"):
        caches.ec2.delete_security_group(GroupId=caches.group)
    caches.cache.delete_replication_group(ReplicationGroupId="main")
    until(lambda: caches.look() is None, "the deletion")
    with refused("ReplicationGroupNotFoundFault"):
        caches.cache.describe_replication_groups(ReplicationGroupId="main")
    caches.cache.delete_cache_subnet_group(CacheSubnetGroupName="caches")
    with refused("CacheSubnetGroupNotFoundFault"):
        caches.cache.describe_cache_subnet_groups(CacheSubnetGroupName="caches")
    caches.ec2.delete_security_group(GroupId=caches.group)
    kinds = {entry["kind"] for entry in lab.get("inventory")["resources"]}
    assert not any(kind.startswith("elasticache") for kind in kinds)


def test_caches_that_are_none_are_refused(lab: RunningLab) -> None:
    caches = Caches(lab)
    for settings, code in (
        ({"ReplicationGroupId": "1main"}, "InvalidParameterValue"),
        ({"ReplicationGroupId": "m" * 41}, "InvalidParameterValue"),
        ({"ReplicationGroupId": "main--a"}, "InvalidParameterValue"),
        ({"CacheNodeType": "t4g.micro"}, "InvalidParameterValue"),
        ({"EngineVersion": "5.0"}, "InvalidParameterValue"),
        ({"NumCacheClusters": 7}, "InvalidParameterValue"),
        ({"AutomaticFailoverEnabled": True}, "InvalidParameterCombination"),
        ({"NumCacheClusters": 2, "MultiAZEnabled": True}, "InvalidParameterCombination"),
        ({"AuthToken": "a" * 16}, "InvalidParameterCombination"),
        ({"AuthToken": "short", "TransitEncryptionEnabled": True}, "InvalidParameterValue"),
        ({"AuthToken": "a/" * 10, "TransitEncryptionEnabled": True}, "InvalidParameterValue"),
        ({"CacheSubnetGroupName": "none"}, "CacheSubnetGroupNotFoundFault"),
        ({"SecurityGroupIds": ["sg-none"]}, "InvalidParameterCombination"),
    ):
        with refused(code):
            caches.create(**settings)
    for name, subnets, code in (
        ("default", caches.subnets, "InvalidParameterValue"),
        ("caches", caches.subnets, "CacheSubnetGroupAlreadyExists"),
        ("other", ["subnet-none"], "InvalidSubnet"),
    ):
        with refused(code):
            caches.cache.create_cache_subnet_group(
                CacheSubnetGroupName=name, CacheSubnetGroupDescription="x", SubnetIds=subnets
            )


def test_a_node_type_waits_for_the_window_unless_applied_at_once(lab: RunningLab) -> None:
    caches = Caches(lab)
    caches.create()
    caches.available()

    def change(kind: str, now: bool) -> None:
        caches.cache.modify_replication_group(
            ReplicationGroupId="main", CacheNodeType=kind, ApplyImmediately=now
        )

    change("cache.t4g.small", now=False)
    assert caches.available()["CacheNodeType"] == "cache.t4g.micro"
    assert caches.node()["PendingModifiedValues"] == {"CacheNodeType": "cache.t4g.small"}
    assert lab.post("maintenance-window")["opened"]
    until(lambda: caches.available()["CacheNodeType"] == "cache.t4g.small", "the window")
    assert caches.node()["PendingModifiedValues"] == {}
    change("cache.t4g.medium", now=True)
    until(lambda: caches.available()["CacheNodeType"] == "cache.t4g.medium", "the change")
    caches.cache.modify_replication_group(
        ReplicationGroupId="main", ReplicationGroupDescription="other", SnapshotRetentionLimit=3
    )
    found = caches.available()
    assert (found["Description"], found["SnapshotRetentionLimit"]) == ("other", 3)
    caches.cache.increase_replica_count(
        ReplicationGroupId="main", NewReplicaCount=2, ApplyImmediately=True
    )
    until(lambda: len(caches.available()["MemberClusters"]) == 3, "the replicas")
    enis = caches.ec2.describe_network_interfaces()["NetworkInterfaces"]
    assert len(enis) == 3
    with refused("NoOperationFault"):
        caches.cache.increase_replica_count(
            ReplicationGroupId="main", NewReplicaCount=2, ApplyImmediately=True
        )


def test_a_single_cluster(lab: RunningLab) -> None:
    caches = Caches(lab)
    made = caches.cache.create_cache_cluster(
        CacheClusterId="one",
        Engine="memcached",
        CacheNodeType="cache.t4g.micro",
        NumCacheNodes=2,
        CacheSubnetGroupName="caches",
        Tags=TAGS,
    )["CacheCluster"]
    assert made["CacheClusterStatus"] == "creating"
    until(lambda: caches.node("one")["CacheClusterStatus"] == "available", "the cluster")
    node = caches.node("one")
    assert len(node["CacheNodes"]) == 2 and node["CacheNodes"][0]["Endpoint"]["Port"] == 11211
    with refused("CacheClusterAlreadyExists"):
        caches.cache.create_cache_cluster(
            CacheClusterId="one", CacheNodeType="cache.t4g.micro", Engine="memcached"
        )
    caches.cache.delete_cache_cluster(CacheClusterId="one")

    def gone() -> bool:
        return not caches.cache.describe_cache_clusters()["CacheClusters"]

    until(gone, "the deletion")
    with refused("CacheClusterNotFound"):
        caches.node("one")


@pytest.mark.slow
def test_states_of_a_cache_follow_the_table(start_lab: Callable[..., RunningLab]) -> None:
    lab = start_lab("--scale", "0.01")
    caches = Caches(lab)
    caches.create()
    with refused("InvalidReplicationGroupState"):
        caches.cache.delete_replication_group(ReplicationGroupId="main")
    with refused("InvalidReplicationGroupState"):
        caches.cache.modify_replication_group(
            ReplicationGroupId="main", ReplicationGroupDescription="x"
        )
    caches.available()
    caches.cache.modify_replication_group(
        ReplicationGroupId="main", CacheNodeType="cache.t4g.small", ApplyImmediately=True
    )
    assert caches.look()["Status"] == "modifying"  # type: ignore[index]
    assert caches.available()["CacheNodeType"] == "cache.t4g.small"
    caches.cache.delete_replication_group(ReplicationGroupId="main")
    assert caches.look()["Status"] == "deleting"  # type: ignore[index]
    with refused("CacheSubnetGroupInUse"):
        caches.cache.delete_cache_subnet_group(CacheSubnetGroupName="caches")
    until(lambda: caches.look() is None, "the deletion")
