"""Aliases: what they may lead to, and in which zone of AWS's that lies."""

from __future__ import annotations

import re

from moto.route53.models import FakeZone, RecordSet

from lab.running.names.balancers import PREFIX, balancer_called

CLOUDFRONT, OF_CLOUDFRONT = "Z2FDTNDATAQYW2", ".cloudfront.net."
# The names of load balancers that are gone: on AWS, and in the lab.
OF_A_BALANCER = re.compile(r".*\.elb\.[a-z0-9-]+\.amazonaws\.com\.|.*\.elb\.amazonaws\.com\.")
OF_A_LAB = re.compile(r"127(\.\d+){3}(\\072\d+)?\.")
ADDRESSES = ("A", "AAAA")


def alias_problem(zone: FakeZone, record: RecordSet) -> str | None:
    """Why an alias cannot be; whether a target in its own zone is there is looked at later."""
    alias = record.alias_target
    if not alias:
        return None
    target, of = str(alias["DNSName"]), str(alias["HostedZoneId"])
    what = f"Tried to create an alias that targets {target}, type {record.type} in zone {of},"
    if of == zone.resource_id:
        if record.type in ("NS", "SOA"):
            return f"{what} but an alias of this type is not permitted"
        return None
    if record.type not in ADDRESSES:
        return f"{what} but that target was not found"
    if of == CLOUDFRONT:
        evaluates = str(alias["EvaluateTargetHealth"]).lower() == "true"
        if evaluates:
            return f"{what} but EvaluateTargetHealth must be false for CloudFront distributions"
        is_there = target.endswith(OF_CLOUDFRONT)
        return None if is_there else _elsewhere(what)
    balancer = balancer_called(target)
    if balancer is not None:
        return None if balancer.canonical_hosted_zone_id == of else _elsewhere(what)
    plain = target.removeprefix(PREFIX)
    is_gone = OF_A_BALANCER.fullmatch(plain) or OF_A_LAB.fullmatch(plain)
    return None if is_gone else _elsewhere(what)


def _elsewhere(what: str) -> str:
    return f"{what} but the alias target name does not lie within the target zone"
