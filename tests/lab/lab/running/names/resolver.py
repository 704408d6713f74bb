"""Answers to questions about names, out of the hosted zones of the lab and nothing else."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from lab.running.names.balancers import address_of, balancer_called, is_healthy
from lab.running.names.spelling import WILDCARD, normal, within
from lab.running.names.zones import Zones

if TYPE_CHECKING:
    from moto.route53.models import FakeZone, RecordSet

    from lab.world.lab import Lab

LONGEST_CHAIN = 10
OF_AN_ALIAS = 60


@dataclass(frozen=True)
class Line:
    """One record of an answer."""

    name: str
    type: str
    ttl: int
    value: str


@dataclass
class Answer:
    """`NOERROR`, also where there is nothing of the type, `NXDOMAIN` or `SERVFAIL`; and the records."""

    status: str = "NOERROR"
    lines: list[Line] = field(default_factory=list)

    def public(self) -> dict[str, Any]:
        """For `GET /_lab/resolve`."""
        return {"status": self.status, "answers": [asdict(line) for line in self.lines]}


class Names:
    """All that the zones say."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.zones = Zones()
        lab.parts["names"] = self

    def resolve(self, name: str, kind: str) -> Answer:
        """What a resolver gets to hear, CNAMEs followed as far as they stay within the lab's zones."""
        answer, current = Answer(), normal(name)
        with self._lab.lock:
            for _ in range(LONGEST_CHAIN):
                zone = self.zones.of(current)
                if zone is None:
                    answer.status = answer.status if answer.lines else "NXDOMAIN"
                    return answer
                step = self._step(zone, current, kind)
                answer.lines += step.lines
                answer.status = step.status
                if kind == "CNAME" or not step.lines or step.lines[-1].type != "CNAME":
                    return answer
                current = normal(step.lines[-1].value)
        return Answer("SERVFAIL", answer.lines)

    def _step(self, zone: FakeZone, name: str, kind: str, hops: int = 0) -> Answer:
        """What one zone says about a name of its own; aliases may go in a circle, and say nothing."""
        there = _at(self.zones.records(zone), zone.name, name)
        if there is None:
            return Answer("NXDOMAIN")
        sets = [record for record in there if record.type == kind]
        sets = sets or [record for record in there if record.type == "CNAME"]
        if hops > LONGEST_CHAIN:
            return Answer("SERVFAIL")
        chosen = self._choose(sets)
        return Answer(
            lines=[line for record in chosen for line in self._lines(record, name, zone, hops)]
        )

    def _lines(self, record: RecordSet, name: str, zone: FakeZone, hops: int) -> list[Line]:
        kind = str(record.type)
        if not record.alias_target:
            ttl = int(record.ttl or 0)
            return [Line(name, kind, ttl, str(value)) for value in record.records]
        target = str(record.alias_target["DNSName"])
        if record.alias_target["HostedZoneId"] == zone.resource_id:
            # A record of the same zone, shown under the alias's own name.
            found = self._step(zone, normal(target), kind, hops + 1).lines
            return [Line(name, line.type, line.ttl, line.value) for line in found]
        balancer = balancer_called(target)
        if balancer is None or kind != "A":
            return []
        return [Line(name, kind, OF_AN_ALIAS, address_of(balancer))]

    def _choose(self, sets: list[RecordSet]) -> list[RecordSet]:
        """By the routing policy: all of a multivalue answer, one of any other."""
        if len(sets) < 2:
            return sets
        healthy = [record for record in sets if self._is_healthy(record)] or sets
        if sets[0].failover:
            return sorted(healthy, key=lambda record: record.failover != "PRIMARY")[:1]
        if sets[0].multi_value_answer:
            return healthy
        weights = [int(record.weight or 0) for record in healthy]
        return random.choices(healthy, weights) if any(weights) else healthy[:1]

    def _is_healthy(self, record: RecordSet) -> bool:
        """A record without a check is; one with a check of Route 53's own counts as healthy too."""
        alias = record.alias_target
        if not alias or not _is_true(alias["EvaluateTargetHealth"]):
            return True
        balancer = balancer_called(str(alias["DNSName"]))
        return balancer is None or is_healthy(self._lab, balancer)


def _at(records: list[RecordSet], zone: str, name: str) -> list[RecordSet] | None:
    """The records of a name, or of the wildcard that covers it; None where there is no such name."""
    while True:
        there = [record for record in records if record.name == name]
        if there or any(within(record.name, name) for record in records):
            return there
        above = name.partition(".")[2]
        covering = f"{WILDCARD}.{above}"
        if found := [record for record in records if record.name == covering]:
            return found
        # An existing name above that has no wildcard ends the search (RFC 4592).
        if above == zone or any(within(record.name, above) for record in records):
            return None
        name = above


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"
