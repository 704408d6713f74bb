"""Caches that are a local Redis."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.running.authority import Authority
from lab.running.databases.caches import Caches
from lab.world.lab import Lab, Options

TOKEN, OTHER = "a-token-of-16-letters", "another-token-of-it"
has_redis = pytest.mark.skipif(
    not shutil.which("redis-server") or not shutil.which("redis-cli"),
    reason="Redis is not on this machine",
)


@pytest.fixture
def lab() -> Iterator[Lab]:
    """The parts beside moto, without it."""
    made = Lab(Options())
    Authority(made)
    yield made
    made.stop()


def ask(place: tuple[str, int], *words: str, token: str = "", trust: Path | None = None) -> str:
    """What Redis answers, or its complaint."""
    command = ["redis-cli", "-h", place[0], "-p", str(place[1]), "--no-auth-warning"]
    command += ["-a", token] if token else []
    command += ["--tls", "--cacert", str(trust)] if trust else []
    run = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
    return (run.stdout.strip() or run.stderr).strip()


@has_redis
@pytest.mark.parametrize("engine", ["redis", "valkey"])
def test_a_cache_answers_on_the_port_asked_for_and_is_gone_when_it_is_stopped(
    lab: Lab, engine: str
) -> None:
    caches = Caches(lab)
    place = caches.start("sessions", engine, 6379)
    assert place is not None and place[1] == 6379
    assert ask(place, "set", "a", "1") == "OK"
    caches.restart("sessions")
    assert ask(place, "get", "a") == "1"
    caches.stop("sessions")
    assert "Connection refused" in ask(place, "get", "a")


@has_redis
def test_commands_that_elasticache_keeps_for_itself_are_refused(lab: Lab) -> None:
    place = Caches(lab).start("sessions", "redis", 6379)
    assert place is not None
    assert ask(place, "config", "get", "*").startswith("NOPERM")
    assert ask(place, "shutdown").startswith("NOPERM")


@has_redis
def test_a_token_is_needed_and_a_former_one_stays_good_while_it_is_kept(lab: Lab) -> None:
    caches = Caches(lab)
    place = caches.start("sessions", "redis", 6379, token=TOKEN)
    assert place is not None
    assert ask(place, "get", "a").startswith("NOAUTH")
    assert ask(place, "set", "a", "1", token=TOKEN) == "OK"
    caches.change_token("sessions", OTHER, former=TOKEN)
    assert {ask(place, "get", "a", token=token) for token in (TOKEN, OTHER)} == {"1"}
    caches.change_token("sessions", OTHER)
    assert "WRONGPASS" in ask(place, "get", "a", token=TOKEN) + ask(place, "auth", TOKEN)
    assert ask(place, "get", "a", token=OTHER) == "1"


@has_redis
def test_encryption_in_transit_is_tls_with_a_certificate_of_the_labs_authority(lab: Lab) -> None:
    place = Caches(lab).start("sessions", "redis", 6379, tls=True)
    assert place is not None
    trust = lab.part(Authority).file
    assert ask(place, "ping", trust=trust) == "PONG"
    assert ask(place, "ping") != "PONG"


def test_a_machine_without_redis_is_told_that_nothing_listens(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("lab.running.databases.redis.folders_of", lambda program: [])
    caches = Caches(lab)
    assert caches.describe() == {"redis": None, "valkey": None}
    assert caches.start("sessions", "redis", 6379) is None
    assert caches.start("pages", "memcached", 11211) is None
    assert capsys.readouterr().err.splitlines() == [
        "lab: nothing listens behind sessions: Redis is not on this machine (redis-server)",
        "lab: nothing listens behind pages: caches of engine memcached have no server here",
    ]
