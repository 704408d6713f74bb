"""What a task may do on this machine, also one whose definition says that it is root."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import RunningLab, until
from test_ends import below, has_namespaces, name
from test_services import Web

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root's lab locks tasks in")
LAUNCH = Path(__file__).parents[1] / "lab/world/launch.py"
SHOW = ["/bin/sh", "-c", "id -u; id -g; cat /proc/self/status"]


@pytest.fixture
def victim() -> Iterator[subprocess.Popen[bytes]]:
    """A process of root's that has nothing to do with the lab."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def said(web: Web) -> str:
    """The line in which the task says how far it came."""

    def find() -> Any:
        events = web.lab.client("logs").filter_log_events(logGroupName="/web")["events"]
        return [event["message"] for event in events if event["message"].startswith("as ")]

    line: str = until(find, "the line")[0]
    return line


@has_namespaces
@pytest.mark.parametrize(
    ("user", "root"),
    [
        ("0", "as 0: bind 1, chown 1, mknod 0, chroot 0, and outside 0, setuid 1"),
        ("4711", "as 4711: bind 0, chown 0, mknod 0, chroot 0, and outside 0, setuid 0"),
    ],
)
def test_a_task_does_what_it_may_in_fargate_and_nothing_outside_of_its_root(
    lab: RunningLab, victim: subprocess.Popen[bytes], tmp_path: Path, user: str, root: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("outside")
    web = Web(lab)
    web.registry.push("web", "1")
    escape = {"ESCAPE": str(secret), "VICTIM": str(victim.pid)}
    web.create(web.definition(user=user, environment=escape))
    assert said(web) == root
    assert victim.poll() is None


def test_a_task_that_is_root_has_few_capabilities_and_gets_no_more(lab: RunningLab) -> None:
    web = Web(lab)
    web.registry.push("web", "1")
    web.create(web.definition(user="0"))
    web.rollout()
    (program,) = [child for child in below(lab.get("")["pid"]) if name(child) == "app"]
    status = Path(f"/proc/{program}/status").read_text().split("\n")
    found = dict(line.split(":\t", 1) for line in status if ":\t" in line)
    for kind in ("CapPrm", "CapEff", "CapBnd"):
        assert int(found[kind], 16) == 0b100_1111_1011, kind
    assert int(found["CapInh"], 16) == int(found["CapAmb"], 16) == 0
    assert found["NoNewPrivs"] == "1"
    folder = Path(lab.get("")["data"]) / "tasks"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_who_would_see_other_processes_is_not_root() -> None:
    # Within these, no namespace of processes can be made.
    without = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=+sys_chroot", "--"]
    command = [
        sys.executable,
        "-I",
        "-S",
        str(LAUNCH),
        str(os.getpid()),
        "/",
        "",
        "0",
        "0",
        "[]",
        "",
        "--",
    ]
    shown = subprocess.run(
        [*without, *command, *SHOW], capture_output=True, text=True, check=True
    ).stdout
    assert shown.startswith("65534\n65534\n")
    for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert f"{kind}:\t0000000000000000" in shown
