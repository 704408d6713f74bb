"""Requests that a page in a browser of this machine could send, and those that it could not."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import HEADER, RunningLab

JSON = {"Content-Type": "application/json"}


def ask(
    lab: RunningLab, path: str, headers: dict[str, str], method: str = "GET", body: str = ""
) -> tuple[int, Any]:
    """One request with exactly these headers, and its answer."""
    place = lab.endpoint.removeprefix("http://")
    connection = http.client.HTTPConnection(place, timeout=10)
    connection.putrequest(method, path, skip_host=True)
    for name, value in {"Host": place, "Content-Length": str(len(body)), **headers}.items():
        connection.putheader(name, value)
    connection.endheaders(body.encode())
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    return reply.status, json.loads(text) if text.startswith(("{", "[")) else text


def port(lab: RunningLab) -> str:
    """The lab's port."""
    return lab.endpoint.rsplit(":", 1)[1]


@pytest.mark.parametrize("path", ["/_lab", "/_lab/secrets", "/", "/v2/"])
@pytest.mark.parametrize(
    "host",
    ["rebound.example:{}", "127.0.0.1", "127.0.0.1:1", "localhost.example:{}", "", "[::1:{}"],
)
def test_the_lab_answers_under_no_name_but_its_own(lab: RunningLab, path: str, host: str) -> None:
    status, answer = ask(lab, path, {**HEADER, "Host": host.format(port(lab))})
    assert status == 403
    assert f"127.0.0.1:{port(lab)}" in answer["error"]


@pytest.mark.parametrize("host", ["127.0.0.1:{}", "localhost:{}", "LOCALHOST:{}", "127.1.2.3:{}"])
def test_the_lab_answers_on_every_name_of_loopback(lab: RunningLab, host: str) -> None:
    assert ask(lab, "/_lab", {"Host": host.format(port(lab))})[0] == 200


@pytest.mark.parametrize("path", ["/_lab/faults", "/", "/v2/"])
@pytest.mark.parametrize("origin", ["https://example.org", "null", "http://127.0.0.1:1"])
def test_a_page_of_elsewhere_is_turned_away(lab: RunningLab, path: str, origin: str) -> None:
    for method in ("GET", "POST"):
        assert ask(lab, path, {**HEADER, "Origin": origin}, method)[0] == 403
    assert ask(lab, "/_lab", {**HEADER, "Origin": lab.endpoint})[0] == 200


def test_a_preflight_is_granted_nothing(lab: RunningLab) -> None:
    wanted = {"Origin": "https://example.org", "Access-Control-Request-Headers": "x-lab"}
    status, _ = ask(lab, "/_lab/faults", wanted, "OPTIONS")
    assert status == 501


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/_lab/secrets"),
        ("GET", "/_lab/inventory"),
        ("POST", "/_lab/faults"),
        ("DELETE", "/_lab/faults"),
        ("POST", "/_lab/stop"),
        ("POST", "/_lab/reset"),
        ("POST", "/_lab/populate"),
        ("GET", "/_lab/nothing"),
    ],
)
def test_what_shows_or_changes_something_wants_a_header(
    lab: RunningLab, method: str, path: str
) -> None:
    lab.client("secretsmanager").create_secret(Name="s", SecretString="hidden")
    status, answer = ask(lab, path, JSON, method, '{"kind": "freeze"}')
    assert status == 403
    assert "X-Lab: 1" in answer["error"]
    assert lab.get("faults")["faults"] == []
    assert lab.get("secrets")["values"] == ["hidden"]


def test_what_the_lab_is_may_be_asked_by_anybody_here(lab: RunningLab) -> None:
    lab.client("secretsmanager").create_secret(Name="s", SecretString="hidden")
    status, answer = ask(lab, "/_lab", {})
    assert status == 200
    assert answer["endpoint"] == lab.endpoint
    assert "hidden" not in json.dumps(answer)


def test_a_refused_request_leaves_nothing_on_its_connection(lab: RunningLab) -> None:
    inner = f"POST /_lab/stop HTTP/1.1\r\nHost: 127.0.0.1:{port(lab)}\r\nX-Lab: 1\r\n\r\n"
    assert ask(lab, "/_lab", {"Host": "rebound.example"}, "POST", inner)[0] == 403
    assert lab.get("")["endpoint"] == lab.endpoint


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """A process that calls nobody."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("when", ["before", "after", "replied"])
def test_a_kill_reaches_nobody_but_the_client(
    lab: RunningLab, bystander: subprocess.Popen[bytes], when: str
) -> None:
    for pid in (bystander.pid, lab.get("")["pid"]):
        lab.post("faults", {"kind": "kill", "match": "ec2:*", "when": when, "pid": pid})
        assert lab.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        lab.post("faults", method="DELETE")
    assert bystander.poll() is None
    assert len(lab.client("ec2").describe_vpcs()["Vpcs"]) == 2
