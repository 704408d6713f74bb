"""A lab in which nothing runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import RunningLab, until
from stack import placed
from test_services import Web


def test_a_service_and_a_database_come_and_go_as_states(
    start_lab: Callable[..., RunningLab], tmp_path: Path
) -> None:
    lab = start_lab("--hollow", "--data", str(tmp_path / "data"))
    web = Web(lab)
    web.registry.push("web", "1")
    web.create(web.definition("1", healthCheck={"command": ["CMD", "/none"]}), count=2)
    assert web.rollout()["runningCount"] == 2
    lab.client("rds").create_db_subnet_group(
        DBSubnetGroupName="data", DBSubnetGroupDescription="data", SubnetIds=web.subnets
    )
    lab.client("rds").create_db_instance(
        DBSubnetGroupName="data",
        DBInstanceIdentifier="main",
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="deployer",
        ManageMasterUserPassword=True,
    )
    described = lab.client("rds").describe_db_instances
    until(lambda: described()["DBInstances"][0]["DBInstanceStatus"] == "available", "it is there")
    assert not list((tmp_path / "data").glob("tasks/*/*")), "nothing was unpacked"
    web.ecs.update_service(cluster="main", service="web", desiredCount=0)
    until(lambda: web.describe()["runningCount"] == 0, "no task runs")
    job = web.ecs.run_task(
        cluster="main",
        taskDefinition=web.definition("1"),
        launchType="FARGATE",
        networkConfiguration=placed(web.subnets, web.group),
    )["tasks"][0]["taskArn"]

    def ended() -> dict[str, Any] | None:
        (found,) = web.ecs.describe_tasks(cluster="main", tasks=[job])["tasks"]
        return found if found["lastStatus"] == "STOPPED" else None

    assert until(ended, "a job ends well")["containers"][0]["exitCode"] == 0
