"""One entry of a network ACL, as a request gives it and as EC2 keeps it.

EC2 API reference, `CreateNetworkAclEntry`: protocols are numbers, ports are those of TCP and UDP,
types and codes those of ICMP, and a CIDR block is put into its canonical form.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.network_acls import NetworkAcl, NetworkAclEntry

# What AWS ends every list with, which nobody writes.
LAST, LAST_IPV6 = 32767, 32768
NUMBERS = {"tcp": "6", "udp": "17", "icmp": "1", "icmpv6": "58", "all": "-1"}
WITH_PORTS, ICMP, ICMPV6 = ("6", "17"), "1", "58"
HIGHEST = 65535


def read(request: Any, acl: NetworkAcl) -> NetworkAclEntry:
    """The entry of a request; EC2ClientError for one that EC2 does not take."""
    param = request._get_param
    number, protocol = _number(param("RuleNumber")), _protocol(str(param("Protocol")))
    ipv4, ipv6 = _block(param("CidrBlock"), 4), _block(param("Ipv6CidrBlock"), 6)
    if (ipv4 is None) == (ipv6 is None):
        code = "MissingParameter" if ipv4 is None else "InvalidParameterCombination"
        raise EC2ClientError(code, "An entry has either a cidrBlock or an ipv6CidrBlock.")
    if param("RuleAction") not in ("allow", "deny"):
        raise _wrong(param("RuleAction"), "ruleAction", "It is allow or deny.")
    low, high = _ports(param("PortRange") or {}, protocol)
    kind, code_of = _icmp(param("Icmp") or param("IcmpTypeCode") or {}, protocol, ipv6)
    entry = NetworkAclEntry(
        acl.ec2_backend,
        acl.id,
        number,
        protocol,
        param("RuleAction"),
        bool(request._get_bool_param("Egress")),
        ipv4 or "",
        code_of,
        kind,
        low,
        high,
        ipv6,
    )
    told: Any = entry
    told.cidr_block = ipv4
    return entry


def _wrong(value: Any, parameter: str, why: str) -> EC2ClientError:
    return EC2ClientError(
        "InvalidParameterValue", f"Value ({value}) for parameter {parameter} is invalid. {why}"
    )


def _number(value: Any) -> int:
    number = int(value)
    if not 1 <= number < LAST:
        raise _wrong(number, "ruleNumber", f"It must be between 1 and {LAST - 1}.")
    return number


def _protocol(value: str) -> str:
    protocol = NUMBERS.get(value.lower(), value)
    if protocol != "-1" and not (protocol.isdigit() and int(protocol) <= 255):
        raise _wrong(value, "protocol", "Unknown protocol.")
    return protocol


def _block(cidr: str | None, version: int) -> str | None:
    if cidr is None:
        return None
    try:
        network = ip_network(cidr, strict=False)
    except ValueError:
        network = None
    if network is None or network.version != version:
        raise _wrong(cidr, "cidrBlock", "This is not a valid CIDR block.")
    return str(network)


def _ports(given: dict[str, Any], protocol: str) -> tuple[int | None, int | None]:
    if protocol not in WITH_PORTS:
        return None, None
    low, high = given.get("From"), given.get("To")
    if low is None or high is None:
        raise EC2ClientError("MissingParameter", "TCP and UDP need a portRange.")
    if not 0 <= int(low) <= int(high) <= HIGHEST:
        raise _wrong(f"{low}-{high}", "portRange", "These are no ports.")
    return int(low), int(high)


def _icmp(given: dict[str, Any], protocol: str, ipv6: str | None) -> tuple[int | None, int | None]:
    """Type and code; without a block of IPv6, ICMPv6 is all of it."""
    if protocol != ICMP and not (protocol == ICMPV6 and ipv6):
        return None, None
    if given.get("Type") is None or given.get("Code") is None:
        raise EC2ClientError("MissingParameter", "ICMP needs an icmpTypeCode.")
    return int(given["Type"]), int(given["Code"])
