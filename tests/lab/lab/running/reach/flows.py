"""Connections that the lab saw between interfaces, for flow logs: those of load balancers."""

from __future__ import annotations

import random
import time
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from lab.running.reach.acls import OF_AWS

if TYPE_CHECKING:
    from moto.ec2.models.elastic_network_interfaces import NetworkInterface

MOST = 1000


class Flow(NamedTuple):
    """A connection from one interface to another, and whether it came through."""

    at: float
    interfaces: tuple[str, str]
    addresses: tuple[str, str]
    ports: tuple[int, int]
    is_accepted: bool


def note(source: NetworkInterface, target: NetworkInterface, port: int, *, accepted: bool) -> None:
    """Remembers a connection with the network it was in."""
    addresses = str(source.private_ip_address), str(target.private_ip_address)
    ports = random.randint(*OF_AWS), port
    flow = Flow(time.time(), (source.id, target.id), addresses, ports, accepted)
    _all(source.ec2_backend).append(flow)


def since(ec2: Any, moment: float) -> list[Flow]:
    """Those of a place from a moment on."""
    return [flow for flow in list(_all(ec2)) if flow.at >= moment]


def _all(ec2: Any) -> deque[Flow]:
    found: deque[Flow] = vars(ec2).setdefault("lab_flows", deque(maxlen=MOST))
    return found
