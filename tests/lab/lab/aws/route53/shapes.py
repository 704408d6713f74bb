"""One change as it is asked for: what it must say and may not say, and the record that it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.route53.exceptions import Route53ClientError
from moto.route53.models import RecordSet

from lab.aws.route53.spelling import check_name
from lab.running.names.spelling import normal

Change = Mapping[str, Any]
POLICIES = (
    "Weight",
    "Region",
    "Failover",
    "GeoLocation",
    "MultiValueAnswer",
    "CidrRoutingConfig",
    "GeoProximityLocation",
)
MOST_RECORDS, MOST_CHARACTERS = 1000, 32_000


def check_size(changes: list[Change]) -> None:
    """Refuses a batch that is too large; what is upserted counts twice."""
    records, characters = 0, 0
    for change in changes:
        times = 2 if change["Action"] == "UPSERT" else 1
        values = [it["Value"] for it in change["ResourceRecordSet"].get("ResourceRecords") or []]
        records += times * len(values)
        characters += times * sum(map(len, values))
    for what, size, most in (
        ("records", records, MOST_RECORDS),
        ("characters", characters, MOST_CHARACTERS),
    ):
        if size > most:
            message = f"Number of {what} limit of {most} exceeded."
            raise Route53ClientError("InvalidChangeBatch", message)


def check_members(change: Change) -> None:
    """Refuses a change that lacks something, or says two things."""
    wanted = change["ResourceRecordSet"]
    check_name(str(wanted["Name"]), "InvalidChangeBatch")
    is_alias, values = bool(wanted.get("AliasTarget")), wanted.get("ResourceRecords")
    has_ttl = wanted.get("TTL") is not None
    if not is_alias and not (has_ttl and values):
        raise _invalid(change, f"Expected exactly one of [{CONTENTS}], but found none")
    if is_alias and (has_ttl or values):
        raise _invalid(change, f"Expected exactly one of [{CONTENTS}], but found more than one")
    policies = [name for name in POLICIES if wanted.get(name) not in (None, False)]
    if policies and not wanted.get("SetIdentifier"):
        raise _invalid(change, "Missing field 'SetIdentifier'")
    if wanted.get("SetIdentifier") and len(policies) != 1:
        found = "more than one" if policies else "none"
        choice = ", ".join(POLICIES)
        raise _invalid(change, f"Expected exactly one of [{choice}], but found {found}")


CONTENTS = "AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId"


def _invalid(change: Change, problem: str) -> Route53ClientError:
    wanted = change["ResourceRecordSet"]
    name, kind, id = wanted["Name"], wanted["Type"], wanted.get("SetIdentifier") or "null"
    what = f"Action={change['Action']}, Name={name}, Type={kind}, SetIdentifier={id}"
    return Route53ClientError("InvalidInput", f"Invalid request: {problem} in Change with [{what}]")


def record_of(change: Change) -> RecordSet:
    """The record of a change, as Route 53 keeps it."""
    wanted = dict(change["ResourceRecordSet"])
    wanted["Name"] = normal(str(wanted["Name"]))
    wanted["ResourceRecords"] = [it["Value"] for it in wanted.get("ResourceRecords") or []]
    if alias := wanted.get("AliasTarget"):
        target, zone = normal(str(alias["DNSName"])), str(alias["HostedZoneId"])
        zone = zone.removeprefix("/hostedzone/")
        wanted["AliasTarget"] = {**alias, "DNSName": target, "HostedZoneId": zone}
    return record_with(wanted)


def record_with(members: dict[str, Any]) -> RecordSet:
    """One of moto's records."""
    made: Any = RecordSet  # which has members that are left to CloudFormation
    record: RecordSet = made(members)
    return record


def policy_of(record: RecordSet) -> str | None:
    """The routing policy that a record is part of; None for a simple one."""
    kept = {
        "weighted": record.weight,
        "latency": record.region,
        "failover": record.failover,
        "geolocation": record.geo_location,
        "multivalue answer": record.multi_value_answer or None,
    }
    found = [name for name, value in kept.items() if value is not None]
    return found[0] if found else ("other" if record.set_identifier else None)
