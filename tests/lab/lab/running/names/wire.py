"""DNS messages (RFC 1035): one question read, one answer written."""

from __future__ import annotations

import ipaddress
import re
import struct

from lab.running.names.resolver import Answer, Line
from lab.running.names.spelling import ESCAPED

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28}
KINDS = {number: name for name, number in TYPES.items()}
STATUS = {"NOERROR": 0, "SERVFAIL": 2, "NXDOMAIN": 3}
RESPONSE, AUTHORITATIVE, TRUNCATED, RECURSION = 0x8000, 0x0400, 0x0200, 0x0100
NOT_IMPLEMENTED = 4
LONGEST = 512
STRINGS = re.compile(r'"((?:[^"\\]|\\.)*)"')


def question(message: bytes) -> tuple[str, int, bytes]:
    """The name and type that are asked for, and the question as it stands; ValueError for none."""
    (number,) = struct.unpack_from("!H", message, 4)
    if number != 1:
        raise ValueError("not one question")
    labels, place = [], 12
    while size := message[place]:
        labels.append(message[place + 1 : place + 1 + size].decode("latin-1"))
        place += 1 + size
    kind, _ = struct.unpack_from("!HH", message, place + 1)
    return ".".join(labels), kind, message[12 : place + 5]


def response(message: bytes, asked: bytes, answer: Answer | None) -> bytes:
    """The whole answer to a message; without one, that such questions are not answered."""
    id, flags = struct.unpack_from("!HH", message)
    code = NOT_IMPLEMENTED if answer is None else STATUS[answer.status]
    flags = RESPONSE | AUTHORITATIVE | (flags & RECURSION) | code
    records = [_record(line) for line in (answer.lines if answer else []) if line.type in TYPES]
    body = b"".join(records)
    if 12 + len(asked) + len(body) > LONGEST:
        flags, records, body = flags | TRUNCATED, [], b""
    return struct.pack("!6H", id, flags, 1, len(records), 0, 0) + asked + body


def _record(line: Line) -> bytes:
    data = _data(line.type, line.value)
    return _name(line.name) + struct.pack("!HHIH", TYPES[line.type], 1, line.ttl, len(data)) + data


def _data(kind: str, value: str) -> bytes:
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(value).packed
    if kind == "TXT":
        parts = [_plain(text) for text in STRINGS.findall(value)]
        return b"".join(bytes([len(part)]) + part for part in parts)
    if kind == "MX":
        priority, host = value.split()
        return struct.pack("!H", int(priority)) + _name(host)
    if kind == "SOA":
        server, person, *numbers = value.split()
        return _name(server) + _name(person) + struct.pack("!5I", *map(int, numbers))
    return _name(value)


def _plain(text: str) -> bytes:
    """A string without its escapes: three octal digits, or any other sign."""
    return re.sub(
        r"\\(?:([0-7]{3})|(.))", lambda it: chr(int(it[1], 8)) if it[1] else it[2], text
    ).encode("latin-1", "replace")


def _name(name: str) -> bytes:
    labels = [_label(label) for label in name.removesuffix(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _label(label: str) -> bytes:
    return ESCAPED.sub(lambda number: chr(int(number[1], 8)), label).encode("latin-1")
