"""Databases that prove who they are: TLS by the server itself, or by the front before it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import RunningLab, until
from moto.acm.models import AWS_ROOT_CA
from test_database import ENGINES, ask_postgres, instance, state
from test_parameter_groups import FORCED, change, group

PASSWORD = "plain-enough"
GIVEN: Any = {"ManageMasterUserPassword": False, "MasterUserPassword": PASSWORD}
WANTS_TLS, WANTS_GSS = struct.pack("!ii", 8, 80877103), struct.pack("!ii", 8, 80877104)
WHO = b"user\0notes\0database\0notes\0\0"
HELLO = struct.pack("!ii", 8 + len(WHO), 196608) + WHO
NO_ENTRY = 'no pg_hba.conf entry for host "127.0.0.1", user "notes", database "notes"'
SLEEPERS = "select count(*) from pg_stat_activity where query like 'select pg_sleep%'"
has_psql = pytest.mark.skipif(not shutil.which("psql"), reason="there is no psql here")


@pytest.fixture(scope="module")
def fronted_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    """A lab whose PostgreSQL speaks no TLS: the wheel's, where the machine has no other.

    Of another one the lab sees a script alone, which has nothing of OpenSSL in it.
    """
    folder = tmp_path_factory.mktemp("postgres")
    programs = folder / "programs/bin"
    programs.mkdir(parents=True)
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    path = os.pathsep.join([os.environ["PATH"], *map(str, installed)])
    with pytest.MonkeyPatch.context() as changed:
        for name in ("postgres", "initdb"):
            if found := shutil.which(name, path=path):
                (programs / name).write_text(f'#!/bin/sh\nexec {Path(found).resolve()} "$@"\n')
                (programs / name).chmod(0o755)
                changed.setenv("DEPLOYER_LAB_POSTGRES", str(programs))
        running = RunningLab(ready_file=folder / "ready")
    yield running
    running.stop()


@pytest.fixture(params=["front", "server"])
def either(request: pytest.FixtureRequest) -> RunningLab:
    """A lab, empty, in which a front speaks TLS for PostgreSQL, and one in which it does so itself."""
    name = "fronted_lab" if request.param == "front" else "shared_lab"
    lab: RunningLab = request.getfixturevalue(name)
    lab.post("reset")
    return lab


@pytest.fixture
def fronted(fronted_lab: RunningLab) -> RunningLab:
    """The lab with the front, empty."""
    fronted_lab.post("reset")
    return fronted_lab


def knock(found: Any) -> socket.socket:
    """A connection on which nothing was said yet."""
    place = found["Endpoint"]["Address"], found["Endpoint"]["Port"]
    return socket.create_connection(place, timeout=10)


def verify(lab: RunningLab, plain: socket.socket, name: str) -> ssl.SSLSocket:
    """Goes on in TLS, as `verify-full` does, with all that the strictest clients check."""
    context = ssl.create_default_context(cafile=lab.get("")["authority"]["certificate"])
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context.wrap_socket(plain, server_hostname=name)


def encrypt(lab: RunningLab, found: Any, name: str | None = None) -> ssl.SSLSocket:
    """A connection to PostgreSQL whose server has proven its name."""
    plain = knock(found)
    plain.sendall(WANTS_TLS)
    assert plain.recv(1) == b"S"
    return verify(lab, plain, name or found["Endpoint"]["Address"])


def greet(connection: socket.socket) -> str:
    """What PostgreSQL says first to a client that wants to come in."""
    connection.sendall(HELLO)
    with connection:
        return connection.recv(4096).decode(errors="replace")


def reboot(lab: RunningLab) -> None:
    """Restarts the database."""
    rds = lab.client("rds")
    rds.reboot_db_instance(DBInstanceIdentifier="main")
    until(lambda: state(rds, "main") == "available", "the reboot")


def test_postgres_proves_its_name(either: RunningLab) -> None:
    found = instance(either, **GIVEN)
    assert "SCRAM-SHA-256" in greet(encrypt(either, found))
    with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
        encrypt(either, found, "127.0.0.1")
    stranger = knock(found)
    stranger.sendall(WANTS_TLS)
    assert stranger.recv(1) == b"S"
    with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
        ssl.create_default_context().wrap_socket(
            stranger, server_hostname=found["Endpoint"]["Address"]
        )


@has_psql
def test_psql_comes_in_by_verify_full(
    either: RunningLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = instance(either, **GIVEN)
    monkeypatch.setenv("PGSSLROOTCERT", either.get("")["authority"]["certificate"])
    statements = "select length(repeat('x', 5000000)); select repeat('x', 5000000)"
    answer = ask_postgres(found, PASSWORD, statements, mode="verify-full")
    assert answer.stdout == f"5000000\n{'x' * 5_000_000}\n", answer.stderr
    assert ask_postgres(found, "other", "select 1", mode="verify-full").returncode != 0
    nobody = tmp_path / "nobody.pem"
    nobody.write_bytes(AWS_ROOT_CA)
    monkeypatch.setenv("PGSSLROOTCERT", str(nobody))
    refused = ask_postgres(found, PASSWORD, "select 1", mode="verify-full")
    assert "certificate verify failed" in refused.stderr


def test_clear_text_is_refused_in_postgres_words_where_tls_is_wanted(either: RunningLab) -> None:
    found = instance(either, **GIVEN)
    assert f"{NO_ENTRY}, no encryption" in greet(knock(found))


def test_postgres_is_told_with_a_restart_whether_it_wants_tls(either: RunningLab) -> None:
    rds = either.client("rds")
    group(rds)
    change(rds, FORCED, "0")
    found = instance(either, DBParameterGroupName="ours", **GIVEN)
    assert "SCRAM-SHA-256" in greet(knock(found))
    assert "SCRAM-SHA-256" in greet(encrypt(either, found))
    change(rds, FORCED, "1")
    reboot(either)
    assert NO_ENTRY in greet(knock(found))
    assert "SCRAM-SHA-256" in greet(encrypt(either, found))


def test_who_asks_for_gssapi_first_is_told_no_and_goes_on(fronted: RunningLab) -> None:
    found = instance(fronted, **GIVEN)
    plain = knock(found)
    plain.sendall(WANTS_GSS)
    assert plain.recv(1) == b"N"
    plain.sendall(WANTS_TLS)
    assert plain.recv(1) == b"S"
    assert "SCRAM-SHA-256" in greet(verify(fronted, plain, found["Endpoint"]["Address"]))
    plain = knock(found)
    plain.sendall(WANTS_GSS)
    assert plain.recv(1) == b"N"
    assert NO_ENTRY in greet(plain)


@has_psql
def test_a_statement_is_cancelled(fronted: RunningLab) -> None:
    found = instance(fronted, **GIVEN)
    place = ["-h", found["Endpoint"]["Address"], "-p", str(found["Endpoint"]["Port"])]
    began = time.monotonic()
    with subprocess.Popen(
        ["psql", *place, "-U", "notes", "-d", "notes", "-qAt"],
        env={**os.environ, "PGPASSWORD": PASSWORD, "PGSSLMODE": "require"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None
        child.stdin.write("select pg_sleep(60);\n")
        child.stdin.flush()
        until(lambda: ask_postgres(found, PASSWORD, SLEEPERS).stdout == "1\n", "its sleep")
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=30)
    assert "canceling statement due to user request" in said
    assert time.monotonic() - began < 30


def test_a_renamed_database_has_its_server_and_certificate(either: RunningLab) -> None:
    rds = either.client("rds")
    found = instance(either, "former", **GIVEN)
    rds.modify_db_instance(
        DBInstanceIdentifier="former", NewDBInstanceIdentifier="main", ApplyImmediately=True
    )
    reboot(either)
    renamed = rds.describe_db_instances(DBInstanceIdentifier="main")["DBInstances"][0]
    assert "SCRAM-SHA-256" in greet(encrypt(either, renamed))
    rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)
    until(lambda: not rds.describe_db_instances()["DBInstances"], "the end of it")
    with pytest.raises(ConnectionRefusedError):
        knock(found)


def test_who_is_connected_is_let_go_when_the_database_ends(fronted: RunningLab) -> None:
    rds = fronted.client("rds")
    found = instance(fronted, **GIVEN)
    inside, silent = encrypt(fronted, found), knock(found)
    inside.sendall(HELLO)
    assert inside.recv(1) == b"R"
    rds.delete_db_instance(DBInstanceIdentifier="main", SkipFinalSnapshot=True)
    while inside.recv(4096):
        pass
    until(lambda: not rds.describe_db_instances()["DBInstances"], "the end of it")
    assert silent.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        knock(found)


@pytest.mark.parametrize("engine", ["mariadb", "mysql"])
def test_mariadb_proves_its_name(lab: RunningLab, engine: str) -> None:
    _, _, version, _, _ = ENGINES[engine]
    if not shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin"):
        pytest.skip("mariadbd is not on this machine")
    found = instance(lab, Engine=engine, EngineVersion=version, **GIVEN)
    plain = knock(found)
    greeting = plain.recv(4096)
    assert greeting[4] == 10, greeting
    # Protocol 4.1, secure passwords, TLS; then the largest packet, utf8mb4, and nothing yet.
    plain.sendall(struct.pack("<3sBIIB23x", b"\x20\0\0", 1, 0x8A00, 1 << 24, 45))
    with verify(lab, plain, found["Endpoint"]["Address"]) as secure:
        assert secure.version() in ("TLSv1.2", "TLSv1.3")
