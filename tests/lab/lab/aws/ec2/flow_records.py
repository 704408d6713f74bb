"""The records of a flow log, in its format: one line for each connection of an interface."""

from __future__ import annotations

import re
from typing import Any

from lab.running.reach import flows
from lab.running.reach.flows import Flow

FIELD = re.compile(r"\$\{([a-z0-9-]+)\}")
TCP, VERSION = 6, 2
# A connection is opened and closed, with little between.
PACKETS, BYTES = 10, 1000


def lines(log: Any, account: str, began: float) -> dict[str, list[str]]:
    """The lines of each interface since then; one that says so for an interface without any."""
    found: dict[str, list[str]] = {}
    seen = flows.since(log.ec2_backend, began)
    for interface in _interfaces(log):
        own = [flow for flow in seen if interface.id in flow.interfaces and _is_wanted(log, flow)]
        usual = {
            "version": VERSION,
            "account-id": account,
            "interface-id": interface.id,
            "vpc-id": interface.subnet.vpc_id,
            "subnet-id": interface.subnet.id,
            "start": int(began),
            "end": int(log.delivered),
        }
        records = [{**usual, **_fields(flow)} for flow in own]
        records = records or [{**usual, "log-status": "NODATA"}]
        found[interface.id] = [_line(log.log_format, record) for record in records]
    return found


def _interfaces(log: Any) -> list[Any]:
    return [
        interface
        for interface in log.ec2_backend.enis.values()
        if log.resource_id in (interface.id, interface.subnet.id, interface.subnet.vpc_id)
    ]


def _is_wanted(log: Any, flow: Flow) -> bool:
    return log.traffic_type in ("ALL", "ACCEPT" if flow.is_accepted else "REJECT")


def _fields(flow: Flow) -> dict[str, Any]:
    return {
        "srcaddr": flow.addresses[0],
        "dstaddr": flow.addresses[1],
        "pkt-srcaddr": flow.addresses[0],
        "pkt-dstaddr": flow.addresses[1],
        "srcport": flow.ports[0],
        "dstport": flow.ports[1],
        "protocol": TCP,
        "packets": PACKETS if flow.is_accepted else 1,
        "bytes": BYTES if flow.is_accepted else 40,
        "action": "ACCEPT" if flow.is_accepted else "REJECT",
        "log-status": "OK",
    }


def _line(form: str, record: dict[str, Any]) -> str:
    return " ".join(str(record.get(field, "-")) for field in FIELD.findall(form))
