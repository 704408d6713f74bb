"""Nothing is left of a lab, however it ends and wherever its processes hide."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import RunningLab, until
from stack import network
from test_database import MANAGED
from test_services import Web

SERVERS = {"postgres": "postgres", "mariadb": "mariadbd", "redis": "redis-server"}
has_namespaces = pytest.mark.skipif(
    subprocess.run(
        ["unshare", "--pid", "--fork", *(["--user"] if os.geteuid() else []), "true"],
        capture_output=True,
        check=False,
    ).returncode
    != 0,
    reason="this machine lets nobody make PID namespaces",
)


@pytest.mark.slow
@has_namespaces
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_nothing_is_left_however_it_ends(start_lab: Callable[..., RunningLab], number: int) -> None:
    lab, mark = start_lab(), uuid.uuid4().hex
    serve(lab, present())
    web = Web(lab)
    web.registry.push("web", "1")
    web.create(web.definition(environment={"STRAY": mark}))
    web.rollout()
    state = lab.get("")
    folder, pid = Path(state["data"]), state["pid"]
    children = below(pid)
    assert {"app", *(SERVERS[engine] for engine in present())} <= {
        name(child) for child in children
    }
    until(lambda: len(marked(mark)) == 2, "the program and its stray")
    assert folder.exists()
    os.kill(pid, number)
    until(lambda: not any(alive(child) for child in children), "the end of all children", 10)
    until(lambda: not marked(mark), "the end of what the task left behind", 10)
    until(lambda: not folder.exists(), "the end of the folder", 10)


@has_namespaces
def test_what_a_task_leaves_behind_ends_with_the_task(lab: RunningLab) -> None:
    web, mark = Web(lab), uuid.uuid4().hex
    web.registry.push("web", "1")
    web.create(web.definition(environment={"STRAY": mark}))
    web.rollout()
    until(lambda: len(marked(mark)) == 2, "the program and its stray")
    web.ecs.update_service(cluster="main", service="web", desiredCount=0)
    until(web.stopped, "the end of the task")
    until(lambda: not marked(mark), "the end of its stray", 5)


def present() -> list[str]:
    """The engines that this machine has the servers of."""
    places = f"{os.environ['PATH']}:/usr/sbin"
    return [engine for engine, program in SERVERS.items() if shutil.which(program, path=places)]


def serve(lab: RunningLab, engines: list[str]) -> None:
    """Starts a server of each engine and waits for them."""
    rds, caches = lab.client("rds"), lab.client("elasticache")
    _, subnets, _ = network(lab.client("ec2"))
    rds.create_db_subnet_group(
        DBSubnetGroupName="data", DBSubnetGroupDescription="data", SubnetIds=subnets
    )
    caches.create_cache_subnet_group(
        CacheSubnetGroupName="data", CacheSubnetGroupDescription="data", SubnetIds=subnets
    )
    wanted = {key: value for key, value in MANAGED.items() if key != "EngineVersion"}
    for engine in engines:
        if engine == "redis":
            caches.create_cache_cluster(
                CacheClusterId=engine,
                Engine=engine,
                CacheNodeType="cache.t4g.micro",
                NumCacheNodes=1,
                CacheSubnetGroupName="data",
            )
        else:
            settings = {**wanted, "Engine": engine, "DBSubnetGroupName": "data"}
            rds.create_db_instance(DBInstanceIdentifier=engine, **settings)

    def states() -> set[str]:
        found = {d["DBInstanceStatus"] for d in rds.describe_db_instances()["DBInstances"]}
        clusters = caches.describe_cache_clusters()["CacheClusters"]
        return found | {c["CacheClusterStatus"] for c in clusters}

    until(lambda: states() <= {"available"}, "the servers")


def below(pid: int) -> list[int]:
    """All descendants of a process."""
    listing = subprocess.run(
        ["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    )
    pairs = [tuple(map(int, line.split())) for line in listing.stdout.splitlines()]
    found, todo = [], [pid]
    while todo:
        parent = todo.pop()
        children = [child for child, other in pairs if other == parent]
        found += children
        todo += children
    return found


def marked(mark: str) -> list[int]:
    """The processes of the test program that were given `mark` in their environment."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            given = f"STRAY={mark}\0".encode() in (place / "environ").read_bytes()
            if given and name(int(place.name)) == "app":
                found.append(int(place.name))
    return found


def name(pid: int) -> str:
    """The name of a process's program."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def alive(pid: int) -> bool:
    """Whether a process still runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
