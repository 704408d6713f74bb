"""Starts a lab for the tests and hands out AWS clients for it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

START = Path(__file__).parents[1] / "start"
REGION = "eu-west-1"
HEADER = {"X-Lab": "1"}
LAB_KEYS = {"aws_access_key_id": "lab", "aws_secret_access_key": "lab"}


class RunningLab:
    """One lab process."""

    def __init__(self, *options: str, ready_file: Path, program: Path = START) -> None:
        command = [str(program), "--ready-file", str(ready_file), *options]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("lab ready http://127.0.0.1:"), line
        self.endpoint = line.split()[2]
        assert ready_file.read_text().strip() == self.endpoint

    def client(self, service: str, **settings: Any) -> Any:
        """A boto3 client that does not retry."""
        return self.client_at(service, REGION, LAB_KEYS, **settings)

    def client_at(self, service: str, region: str, keys: dict[str, str], **settings: Any) -> Any:
        """The same with other credentials, or in another region."""
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            **keys,
            config=Config(retries={"total_max_attempts": 1}, **settings),
        )

    def get(self, path: str) -> Any:
        """Reads from `/_lab/`."""
        request = urllib.request.Request(f"{self.endpoint}/_lab/{path}", headers=HEADER)
        with urllib.request.urlopen(request) as reply:
            text = reply.read().decode()
        return text if path == "log" else json.loads(text)

    def post(self, path: str, value: Any = None, method: str = "POST") -> Any:
        """Writes to `/_lab/`."""
        data = json.dumps(value).encode() if value is not None else b""
        request = urllib.request.Request(
            f"{self.endpoint}/_lab/{path}", data, HEADER, method=method
        )
        with urllib.request.urlopen(request) as reply:
            return json.loads(reply.read())

    def stop(self) -> None:
        """Ends the lab and whatever it left behind in its session."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)


def until(condition: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """Polls until the condition holds and returns its value."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {seconds} s")


@pytest.fixture(scope="session")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    """One lab at scale 0 for all tests."""
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    running = RunningLab(ready_file=tmp_path_factory.mktemp("lab") / "ready")
    yield running
    running.stop()


@pytest.fixture
def lab(shared_lab: RunningLab) -> Iterator[RunningLab]:
    """The shared lab, empty."""
    shared_lab.post("reset")
    yield shared_lab


@pytest.fixture
def start_lab(tmp_path: Path) -> Iterator[Callable[..., RunningLab]]:
    """Starts labs with options of one's own."""
    running: list[RunningLab] = []

    def start(*options: str) -> RunningLab:
        running.append(RunningLab(*options, ready_file=tmp_path / f"ready-{len(running)}"))
        return running[-1]

    yield start
    for one in running:
        one.stop()
