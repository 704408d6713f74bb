"""Where the lab listens."""

from __future__ import annotations

from pathlib import Path

from conftest import RunningLab
from test_services import Web

LISTENING = "0A"


def test_it_listens_on_loopback_only(lab: RunningLab) -> None:
    """A load balancer and its task included; addresses are little-endian in `/proc`."""
    web = Web(lab)
    web.registry.push("web", "1")
    web.create(web.definition())
    web.rollout()
    port = int(lab.endpoint.rsplit(":", 1)[1])
    pid = lab.get("")["pid"]
    ours = sockets(pid)
    listening = [
        fields
        for name in ("tcp", "tcp6")
        for fields in map(str.split, Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:])
        if fields[3] == LISTENING and f"socket:[{fields[9]}]" in ours
    ]
    places = [fields[1].split(":") for fields in listening]
    assert f"{port:04X}" in {place[1] for place in places}
    assert all(place[0].endswith("7F") and len(place[0]) == 8 for place in places), places


def sockets(pid: int) -> set[str]:
    """What the open files of a process link to."""
    found = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.add(str(entry.readlink()))
        except OSError:
            continue
    return found
