"""Things take time: a lab at a small scale, watched while it works."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import RunningLab, until
from stack import balancer, network, refused
from test_database import MANAGED
from test_services import Web

SCALE = 0.006


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    """One slow lab for this file."""
    folder: Path = tmp_path_factory.mktemp("slow")
    lab = RunningLab("--scale", str(SCALE), ready_file=folder / "ready")
    yield lab
    lab.stop()


@pytest.fixture
def slow(running: RunningLab) -> RunningLab:
    """The slow lab, empty."""
    running.post("reset")
    return running


def states(
    look: Callable[[], str | None], last: str | None, seconds: float = 20
) -> list[str | None]:
    """The states seen, in order, until the last one."""
    seen: list[str | None] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        state = look()
        if not seen or seen[-1] != state:
            seen.append(state)
        if state == last:
            return seen
        time.sleep(0.02)
    raise AssertionError(f"{last} was not reached: {seen}")


@pytest.mark.slow
def test_states_follow_the_table(slow: RunningLab) -> None:
    ec2, elbv2, rds = slow.client("ec2"), slow.client("elbv2"), slow.client("rds")
    _, subnets, group = network(ec2)
    rds.create_db_subnet_group(
        DBSubnetGroupName="d", DBSubnetGroupDescription="d", SubnetIds=subnets
    )
    address = ec2.allocate_address()["AllocationId"]
    made = ec2.create_nat_gateway(SubnetId=subnets[0], AllocationId=address)["NatGateway"]
    assert made["State"] == "pending"

    def gateway() -> str:
        return str(ec2.describe_nat_gateways()["NatGateways"][0]["State"])

    def load_balancer() -> str:
        return str(elbv2.describe_load_balancers()["LoadBalancers"][0]["State"]["Code"])

    def database() -> str | None:
        found = rds.describe_db_instances()["DBInstances"]
        return found[0]["DBInstanceStatus"] if found else None

    assert states(gateway, "available")[-1] == "available"
    ec2.delete_nat_gateway(NatGatewayId=made["NatGatewayId"])
    with refused("InvalidIPAddress.InUse"):
        ec2.release_address(AllocationId=address)
    assert states(gateway, "deleted")[-1] == "deleted"
    ec2.release_address(AllocationId=address)
    balancer(elbv2, subnets, group)
    assert states(load_balancer, "active") == ["provisioning", "active"]
    rds.create_db_instance(DBInstanceIdentifier="main", DBSubnetGroupName="d", **MANAGED)
    assert states(database, "available") == ["creating", "backing-up", "available"]
    rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)
    assert states(database, None) == ["deleting", None]


def test_a_busy_instance_is_not_changed(slow: RunningLab) -> None:
    rds = slow.client("rds")
    _, subnets, _ = network(slow.client("ec2"))
    rds.create_db_subnet_group(
        DBSubnetGroupName="d", DBSubnetGroupDescription="d", SubnetIds=subnets
    )
    made = rds.create_db_instance(DBInstanceIdentifier="main", DBSubnetGroupName="d", **MANAGED)[
        "DBInstance"
    ]
    assert made["DBInstanceStatus"] == "creating" and "Endpoint" not in made
    assert made["MasterUserSecret"]["SecretStatus"] == "creating"
    with refused("InvalidDBInstanceState"):
        rds.modify_db_instance(DBInstanceIdentifier="main", DBInstanceClass="db.t4g.small")
    with refused("InvalidDBInstanceState"):
        rds.delete_db_instance(DBInstanceIdentifier="main", FinalDBSnapshotIdentifier="last")
    rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)
    with refused("InvalidDBInstanceState"):
        rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)
    with refused("InvalidDBSubnetGroupStateFault"):
        rds.delete_db_subnet_group(DBSubnetGroupName="d")


@pytest.mark.slow
def test_storage_that_grew_is_optimized_and_not_changed_meanwhile(slow: RunningLab) -> None:
    rds = slow.client("rds")
    _, subnets, _ = network(slow.client("ec2"))
    rds.create_db_subnet_group(
        DBSubnetGroupName="d", DBSubnetGroupDescription="d", SubnetIds=subnets
    )
    rds.create_db_instance(
        DBInstanceIdentifier="main",
        DBSubnetGroupName="d",
        **{**MANAGED, "Engine": "oracle-se2", "EngineVersion": "19"},
    )

    def status() -> str:
        found: str = rds.describe_db_instances()["DBInstances"][0]["DBInstanceStatus"]
        return found

    def grow(size: int) -> None:
        rds.modify_db_instance(
            DBInstanceIdentifier="main", AllocatedStorage=size, ApplyImmediately=True
        )

    states(status, "available")
    grow(40)
    assert states(status, "storage-optimization") == ["modifying", "storage-optimization"]
    with refused("InvalidParameterCombination"):
        grow(60)
    rds.modify_db_instance(DBInstanceIdentifier="main", DeletionProtection=True)
    assert states(status, "available", 30)[-1] == "available"
    grow(60)


def test_interfaces_outlive_their_owner(slow: RunningLab) -> None:
    ec2, elbv2 = slow.client("ec2"), slow.client("elbv2")
    _, subnets, group = network(ec2)
    arn = balancer(elbv2, subnets, group)
    elbv2.delete_load_balancer(LoadBalancerArn=arn)
    assert elbv2.describe_load_balancers()["LoadBalancers"] == []
    with refused("DependencyViolation"):
        ec2.delete_security_group(GroupId=group)
    until(lambda: not ec2.describe_network_interfaces()["NetworkInterfaces"], "the interfaces' end")
    ec2.delete_security_group(GroupId=group)


@pytest.mark.slow
def test_the_interface_of_a_task_outlives_it(start_lab: Callable[..., RunningLab]) -> None:
    lab = start_lab("--scale", "0.05")
    ec2, ecs = lab.client("ec2"), lab.client("ecs")
    _, subnets, group = network(ec2)
    ecs.create_cluster(clusterName="main")
    ecs.register_task_definition(
        family="web",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "web", "image": "nowhere.example/web:1"}],
    )
    placed = {"subnets": subnets, "securityGroups": [group], "assignPublicIp": "ENABLED"}
    task = ecs.run_task(
        cluster="main",
        taskDefinition="web",
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": placed},
    )["tasks"][0]["taskArn"]

    def status() -> str:
        found: str = ecs.describe_tasks(cluster="main", tasks=[task])["tasks"][0]["lastStatus"]
        return found

    assert states(status, "STOPPED")[-1] == "STOPPED"
    with refused("DependencyViolation"):
        ec2.delete_security_group(GroupId=group)
    until(lambda: not ec2.describe_network_interfaces()["NetworkInterfaces"], "the interface's end")
    ec2.delete_security_group(GroupId=group)


def test_a_task_drains_before_it_stops(slow: RunningLab) -> None:
    web = Web(slow)
    web.registry.push("web", "1")
    until(
        lambda: (
            web.elbv2.describe_load_balancers()["LoadBalancers"][0]["State"]["Code"] == "active"
        ),
        "the edge",
    )
    web.create(web.definition())
    web.rollout()
    web.ecs.update_service(cluster="main", service="web", desiredCount=0)

    def health() -> Any:
        found = web.elbv2.describe_target_health(TargetGroupArn=web.targets)[
            "TargetHealthDescriptions"
        ]
        return found[0]["TargetHealth"]["State"] if found else None

    assert states(health, None)[-2:] == ["draining", None]
    assert "has begun draining connections on 1 tasks." in web.messages()
