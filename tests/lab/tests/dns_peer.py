"""A client of DNS, small enough to be read, and records as tests write them."""

from __future__ import annotations

import ipaddress
import socket
import struct
from typing import Any, NamedTuple

from conftest import RunningLab

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "TXT": 16, "SRV": 33}


class Reply(NamedTuple):
    """The code of an answer, and its records as name, type and value."""

    code: int
    records: list[tuple[str, int, str]]


def record(name: str, kind: str, *values: str, ttl: int = 60, **more: Any) -> dict[str, Any]:
    """A record set."""
    listed = [{"Value": value} for value in values]
    return {"Name": name, "Type": kind, "TTL": ttl, "ResourceRecords": listed, **more}


def alias(name: str, zone: str, target: str, evaluate: bool = True, **more: Any) -> dict[str, Any]:
    """A record set of type A that leads to something else of AWS's."""
    found = {"HostedZoneId": zone, "DNSName": target, "EvaluateTargetHealth": evaluate}
    return {"Name": name, "Type": "A", "AliasTarget": found, **more}


def change(dns: Any, zone: str, *changes: tuple[str, dict[str, Any]]) -> str:
    """Sends one batch; its identifier."""
    batch = [{"Action": action, "ResourceRecordSet": record} for action, record in changes]
    made = dns.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": batch})
    id: str = made["ChangeInfo"]["Id"]
    return id


def ask(lab: RunningLab, name: str, kind: str = "A") -> Reply:
    """Asks the lab's DNS server over UDP."""
    where = lab.get("")["dns"]
    labels = b"".join(bytes([len(it)]) + it.encode() for it in name.rstrip(".").split("."))
    asked = labels + b"\0" + struct.pack("!HH", TYPES[kind], 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        head = struct.pack("!6H", 77, 0x0100, 1, 0, 0, 0)
        client.sendto(head + asked, (where["address"], where["port"]))
        message = client.recv(4096)
    id, flags, questions, answers, _, _ = struct.unpack_from("!6H", message)
    assert (id, questions) == (77, 1) and flags & 0x8000
    place, records = 12 + len(asked), []
    for _ in range(answers):
        owner, place = _name(message, place)
        number, _, _, size = struct.unpack_from("!HHIH", message, place)
        place += 10
        records.append((owner, number, _value(message, place, number, size)))
        place += size
    return Reply(flags & 15, records)


def _name(message: bytes, place: int) -> tuple[str, int]:
    labels = []
    while size := message[place]:
        labels.append(message[place + 1 : place + 1 + size].decode("latin-1"))
        place += 1 + size
    return ".".join(labels), place + 1


def _value(message: bytes, place: int, kind: int, size: int) -> str:
    if kind == TYPES["A"]:
        return str(ipaddress.ip_address(message[place : place + 4]))
    if kind == TYPES["TXT"]:
        return message[place + 1 : place + size].decode()
    return _name(message, place)[0]
