"""Whose a connection is: the process that holds its other end, as the kernel knows it."""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path

Place = tuple[str, int]

# From linux/netlink.h, linux/sock_diag.h and linux/inet_diag.h.
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST = 4, 20, 1
ANY_STATE = NO_COOKIE = 0xFFFFFFFF
HEADER, REQUEST, PLACES = "=IHHII", "=BBBBI", "=4s12x4s12xIII"
INODE_AT = 16 + 4 + 48 + 16


def inode(local: Place, remote: Place) -> int | None:
    """The socket that is connected from one place to another; None when it has gone."""
    ports = struct.pack("!HH", local[1], remote[1])
    addresses = socket.inet_aton(local[0]), socket.inet_aton(remote[0])
    request = struct.pack(REQUEST, socket.AF_INET, socket.IPPROTO_TCP, 0, 0, ANY_STATE)
    request += ports + struct.pack(PLACES, *addresses, 0, NO_COOKIE, NO_COOKIE)
    length = struct.calcsize(HEADER) + len(request)
    header = struct.pack(HEADER, length, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_SOCK_DIAG) as kernel:
        kernel.send(header + request)
        answer = kernel.recv(4096)
    if struct.unpack_from(HEADER, answer)[1] != SOCK_DIAG_BY_FAMILY:
        return None
    (found,) = struct.unpack_from("=I", answer, INODE_AT)
    return int(found)


def holds(process: int, inode: int) -> bool:
    """Whether a process has this socket open."""
    try:
        return any(
            os.readlink(entry) == f"socket:[{inode}]"
            for entry in Path(f"/proc/{process}/fd").iterdir()
        )
    except OSError:
        return False
