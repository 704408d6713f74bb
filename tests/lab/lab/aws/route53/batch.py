"""A batch of changes: applied whole or not at all, and refused with all that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator

from moto.route53.exceptions import Route53ClientError
from moto.route53.models import FakeZone, RecordSet

from lab.aws.route53.aliases import alias_problem
from lab.aws.route53.shapes import Change, check_members, check_size, policy_of, record_of
from lab.aws.route53.values import problem, same
from lab.running.names.spelling import within

OF_THE_ZONE = ("NS", "SOA")


def changed(zone: FakeZone, changes: list[Change]) -> list[RecordSet]:
    """The records of a zone after a batch; the zone itself stays as it is."""
    check_size(changes)
    for change in changes:
        check_members(change)
    batch = _Batch(zone)
    for change in changes:
        batch.take(str(change["Action"]), record_of(change))
    batch.check()
    if batch.problems:
        text = ", ".join(dict.fromkeys(batch.problems))
        raise Route53ClientError("InvalidChangeBatch", f"[{text}]")
    return batch.records


class _Batch:
    """The records on their way to what they are to be."""

    def __init__(self, zone: FakeZone) -> None:
        self._zone = zone
        self._touched: dict[str, None] = {}
        self.records = list(zone.rrsets)
        self.problems: list[str] = []

    def take(self, action: str, record: RecordSet) -> None:
        """Applies one change, or notes what is wrong with it."""
        if not within(record.name, self._zone.name):
            zone = self._zone.name
            self.problems.append(
                f"RRSet with DNS name {record.name} is not permitted in zone {zone}"
            )
            return
        self._touched[record.name] = None
        place = next((n for n, it in enumerate(self.records) if _key(it) == _key(record)), None)
        if action == "DELETE":
            self._delete(record, place)
            return
        if action == "CREATE" and place is not None:
            self.problems.append(f"Tried to create {_named(record)} but it already exists")
            return
        self.problems += self._wrong_values(record)
        if place is None:
            self.records.append(record)
        else:
            self.records[place] = record

    def _delete(self, record: RecordSet, place: int | None) -> None:
        if place is None:
            self.problems.append(f"Tried to delete {_named(record)} but it was not found")
        elif not same(self.records[place], record):
            self.problems.append(
                f"Tried to delete {_named(record)} but the values provided do not match the "
                "current values"
            )
        elif record.name == self._zone.name and record.type == "SOA":
            self.problems.append("A HostedZone must contain exactly one SOA record.")
        elif record.name == self._zone.name and record.type == "NS":
            self.problems.append(
                "A HostedZone must contain at least one NS record for the zone itself."
            )
        else:
            del self.records[place]

    def _wrong_values(self, record: RecordSet) -> Iterator[str]:
        kind, values = str(record.type), [str(value) for value in record.records]
        for value in values:
            if found := problem(kind, value):
                yield found
        for value in {value for value in values if values.count(value) > 1}:
            yield f"Duplicate Resource Record: '{value}'"
        if kind == "CNAME" and len(values) > 1:
            yield f"{_named(record)}: a CNAME has one value"
        if record.alias_target and (found := alias_problem(self._zone, record)):
            yield found

    def check(self) -> None:
        """Notes records that cannot stand beside each other; aliases may need some of the batch."""
        for name in self._touched:
            there = [record for record in self.records if record.name == name]
            self.problems += _cname_problems(self._zone, there)
            for kind in dict.fromkeys(record.type for record in there):
                self.problems += _policy_problems([it for it in there if it.type == kind])
        self.problems += self._lost_targets()

    def _lost_targets(self) -> Iterator[str]:
        """Aliases of the batch to records of the zone that are not there."""
        known = {(record.name, record.type) for record in self.records}
        for record in self.records:
            alias = record.alias_target
            if record.name not in self._touched or not alias:
                continue
            target = str(alias["DNSName"])
            is_here = alias["HostedZoneId"] == self._zone.resource_id
            if is_here and (target, record.type) not in known:
                yield (
                    f"Tried to create an alias that targets {target}, type {record.type} in zone "
                    f"{self._zone.resource_id}, but that target was not found"
                )


def _key(record: RecordSet) -> tuple[str, str | None, str | None]:
    return record.name, record.type, record.set_identifier


def _named(record: RecordSet) -> str:
    id = f", set identifier='{record.set_identifier}'" if record.set_identifier else ""
    return f"resource record set [name='{record.name}', type='{record.type}'{id}]"


def _cname_problems(zone: FakeZone, there: list[RecordSet]) -> Iterator[str]:
    cnames = [record for record in there if record.type == "CNAME"]
    if not cnames:
        return
    what = f"RRSet of type CNAME with DNS name {cnames[0].name} is not permitted"
    if cnames[0].name == zone.name:
        yield f"{what} at apex in zone {zone.name}"
    elif len(cnames) < len(there):
        yield (
            f"{what} as it conflicts with other records with the same DNS name in zone {zone.name}"
        )


def _policy_problems(there: list[RecordSet]) -> Iterator[str]:
    """Sets of one name and type are of one policy, and a failover has one of each side."""
    if len(there) < 2:
        return
    last = there[-1]
    what = f"RRSet with DNS name {last.name}, type {last.type}, SetIdentifier {last.set_identifier}"
    policies = {policy_of(record) for record in there}
    if len(policies) > 1:
        names = " and ".join(sorted(policy or "simple" for policy in policies))
        yield f"{what} cannot be created as {names} RRSets with the same name and type exist"
    for side in ("PRIMARY", "SECONDARY"):
        if sum(record.failover == side for record in there) > 1:
            yield f"{what} cannot be created as a failover RRSet that is {side} already exists"
