"""What processes use of the machine, as the kernel counts it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
ESTABLISHED = "01"


def cpu_seconds(processes: Iterable[int]) -> float:
    """The CPU seconds that processes have had so far."""
    total = 0
    for process in processes:
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def resident_bytes(processes: Iterable[int]) -> int:
    """The memory that processes have taken."""
    pages = 0
    for process in processes:
        try:
            pages += int(Path(f"/proc/{process}/statm").read_text().split()[1])
        except OSError:
            continue
    return pages * PAGE


def held_bytes(process: int) -> int:
    """The memory of a process that the kernel cannot take back, its part of what it shares with others.

    Who may not look that closely is told all of what is shared; 0 of one that has gone.
    """
    for name, kinds in (
        ("smaps_rollup", ("Pss_Anon:", "Pss_Shmem:")),
        ("status", ("RssAnon:", "RssShmem:")),
    ):
        try:
            lines = Path(f"/proc/{process}/{name}").read_text().splitlines()
        except OSError:
            continue
        sizes = [int(line.split()[1]) for line in lines if line.startswith(kinds)]
        if sizes:
            return sum(sizes) * 1024
    return 0


def folder_bytes(folder: Path) -> int:
    """The size of all files beneath a folder, some of which may be about to go."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(path, name)).st_size
            except OSError:
                continue
    return total


def connections(address: str, port: int) -> int:
    """How many connections a server has."""
    parts = bytes(int(part) for part in reversed(address.split(".")))
    place = f"{parts.hex().upper()}:{port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    fields = [line.split()[1:4] for line in lines]
    return sum(local == place and state == ESTABLISHED for local, _, state in fields)
