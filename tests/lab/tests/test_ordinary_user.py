"""The lab of somebody who is not root."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import RunningLab, until
from jobs import Jobs
from test_ends import has_namespaces, marked, present, serve
from test_exec import CTRL_C, Client, enter
from test_layers import layer
from test_services import Web

from lab.running.images.bundle import BUNDLE

NOBODY = 65534
MAY_READ = "+dac_read_search,+dac_override"
pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root and setpriv"
)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[RunningLab]:
    """A lab of nobody's, who may read the repository and the Python environment all the same."""
    home = Path(tempfile.mkdtemp(prefix="lab-nobody-"))
    os.chown(home, NOBODY, NOBODY)
    start = tmp_path / "start"
    start.write_text(
        "#!/bin/sh\n"
        f"cd {Path(__file__).parents[1]}\n"
        f"export PYTHONDONTWRITEBYTECODE=1 HOME={home} TMPDIR={home}\n"
        f"exec setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups "
        f"--inh-caps=-all,{MAY_READ} --ambient-caps={MAY_READ} "
        f'{sys.executable} -m lab "$@"\n'
    )
    start.chmod(0o755)
    running = RunningLab(ready_file=tmp_path / "ready", program=start)
    yield running
    running.stop()
    shutil.rmtree(home)


def service(lab: RunningLab, mark: str = "") -> Web:
    """A service of two tasks."""
    web = Web(lab)
    web.registry.push("web", "1")
    web.create(web.definition(environment={"NAME": "plain", "STRAY": mark}), count=2)
    web.rollout()
    return web


def test_tasks_run_and_the_load_balancer_answers_on_a_high_port(lab: RunningLab) -> None:
    assert lab.get("")["balancers"]["low-ports"] is False
    web = service(lab)
    name = web.elbv2.describe_load_balancers()["LoadBalancers"][0]["DNSName"]
    assert name.startswith("127.0.0.1:")
    assert web.get().startswith("plain")


def test_a_container_that_takes_too_much_memory_is_killed(lab: RunningLab) -> None:
    jobs = Jobs(lab)
    definition = jobs.definition(jobs.container(environment={"TAKE": "48"}, memory=32))
    end = jobs.ended(jobs.run(definition)["tasks"][0]["taskArn"])
    assert end["containers"][0]["exitCode"] == 137


def test_a_task_is_told_where_the_bundle_of_its_image_lies(lab: RunningLab) -> None:
    web = Web(lab)
    web.registry.push("web", "1", layers=[layer((BUNDLE, "packed"))])
    web.create(web.definition(environment={"NAME": f"file:{BUNDLE}"}))
    web.rollout()
    told = Path(web.get().split()[0].removeprefix("file:"))
    assert told != Path(BUNDLE)
    own = Path(lab.get("")["authority"]["certificate"]).read_text()
    assert told.read_text() == f"packed\n{own}"


@pytest.mark.slow
def test_databases_and_caches_run(lab: RunningLab) -> None:
    serve(lab, present())


@pytest.mark.slow
@has_namespaces
def test_nothing_is_left(lab: RunningLab) -> None:
    mark = uuid.uuid4().hex
    service(lab, mark)
    serve(lab, present())
    until(lambda: len(marked(mark)) == 4, "two programs and their strays")
    folder = Path(lab.get("")["data"])
    os.kill(lab.get("")["pid"], signal.SIGKILL)
    until(lambda: not marked(mark), "the end of all processes", 10)
    until(lambda: not folder.exists(), "the end of the folder", 10)


def test_a_command_runs_beside_a_task_and_control_c_reaches_it(lab: RunningLab) -> None:
    web = Web(lab)
    web.registry.push("web", "1")
    web.create(web.definition(environment={"NAME": "plain"}), enableExecuteCommand=True)
    web.rollout()
    client = Client(enter(web, "/app talk"))
    client.agree()
    client.until(b"plain as ")
    client.type(CTRL_C)
    client.end()
    assert web.get().startswith("plain")
