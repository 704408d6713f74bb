"""Values of records: which are refused, and which are the same."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from typing import Any

QUOTED = re.compile(r'\s*"((?:[^"\\]|\\.)*)"')
LONGEST_STRING, LONGEST_LABEL = 255, 63
HIGHEST_PRIORITY = 65_535
# Types whose values are names, with a dot at their end or without.
NAMES = ("CNAME", "NS", "PTR")


def problem(kind: str, value: str) -> str | None:
    """Why a value is none of its type; None when it is one."""
    found = None
    if kind == "A":
        found = _address(value, 4)
    elif kind == "AAAA":
        found = _address(value, 6)
    elif kind in ("SPF", "TXT"):
        found = _texts(value)
    elif kind in NAMES and not _is_name(value.strip()):
        found = "DomainNameInvalid (Value is not a valid domain name)"
    elif kind == "MX" and not _is_exchange(value):
        found = "MXRRDATAInvalid (Value is not a priority and a domain name)"
    elif kind == "CAA" and not re.fullmatch(r'\d{1,3} [a-z0-9]+ ".*"', value):
        found = "CAARRDATAInvalid (Value is not a flag, a tag and a quoted value)"
    if found is None:
        return None
    return f"Invalid Resource Record: 'FATAL problem: {found} encountered with '{value}''"


def same(one: Any, other: Any) -> bool:
    """Whether two sets of records say the same, in whatever order."""
    return _said(one) == _said(other)


def _said(record: Any) -> tuple[Any, ...]:
    values = Counter(_plain(str(record.type), str(value)) for value in record.records or [])
    alias = record.alias_target
    target = alias and tuple(str(alias[name]).lower() for name in sorted(alias))
    policy = (record.weight, record.region, record.failover, record.geo_location)
    ttl = None if record.ttl is None else int(record.ttl)
    return ttl, values, target, policy, record.health_check_id, record.multi_value_answer


def _plain(kind: str, value: str) -> str:
    return value.strip().removesuffix(".").lower() if kind in NAMES else value.strip()


def _is_name(value: str) -> bool:
    labels = value.removesuffix(".").split(".")
    return all(0 < len(label) <= LONGEST_LABEL for label in labels) and not re.search(r"\s", value)


def _is_exchange(value: str) -> bool:
    priority, _, host = value.partition(" ")
    is_priority = priority.isascii() and priority.isdigit() and int(priority) <= HIGHEST_PRIORITY
    return is_priority and _is_name(host.strip())


def _address(value: str, version: int) -> str | None:
    try:
        if ipaddress.ip_address(value).version == version:
            return None
    except ValueError:
        pass
    kind = "ARRDATAIllegalIPv4Address" if version == 4 else "AAAARRDATAIllegalIPv6Address"
    return f"{kind} (Value is not a valid IPv{version} address)"


def _texts(value: str) -> str | None:
    left = value
    while found := QUOTED.match(left):
        if len(re.sub(r"\\(\d{3}|.)", "x", found[1])) > LONGEST_STRING:
            return "CharacterStringTooLong (Value is too long)"
        left = left[found.end() :]
    if left.strip() or left == value:
        return "InvalidCharacterString (Value should be enclosed in quotation marks)"
    return None
