"""What hosted zones answer: their records as of the last change that has reached the name servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from lab.running.names.spelling import backwards, within
from lab.world.places import everywhere

if TYPE_CHECKING:
    from moto.route53.models import FakeZone, RecordSet


class Zones:
    """The public zones of all accounts. A private one answers inside of its VPCs, and not here."""

    def __init__(self) -> None:
        self._served: WeakKeyDictionary[FakeZone, list[RecordSet]] = WeakKeyDictionary()
        self.watchers: list[Callable[[], None]] = []

    def publish(self, zone: FakeZone, records: list[RecordSet]) -> None:
        """Lets a zone answer with these records from now on."""
        self._served[zone] = records
        for watcher in self.watchers:
            watcher()

    def records(self, zone: FakeZone) -> list[RecordSet]:
        """What a zone answers with."""
        return self._served.get(zone, [])

    def of(self, name: str) -> FakeZone | None:
        """The zone that answers for a name, found as resolvers find it: from the top, by delegation.

        The uppermost zone, and of several the oldest, is taken for the one that the registrar names.
        """
        above = [zone for zone in self._public() if within(name, zone.name)]
        above.sort(key=lambda zone: len(zone.name))
        zone = above[0] if above else None
        while zone is not None and (servers := self._cut(zone, name)) is not None:
            cut, names = servers
            zone = next((it for it in above if it.name == cut and names & _servers(it)), None)
        return zone

    def _cut(self, zone: FakeZone, name: str) -> tuple[str, set[str]] | None:
        """Where a zone hands a name on, and to which name servers."""
        hands = [
            record
            for record in self.records(zone)
            if record.type == "NS" and record.name != zone.name and within(name, record.name)
        ]
        if not hands:
            return None
        first = min(hands, key=lambda record: len(backwards(record.name)))
        return first.name, {str(value).removesuffix(".").lower() for value in first.records}

    @staticmethod
    def _public() -> Iterator[FakeZone]:
        from moto.route53.models import route53_backends

        for backend in everywhere(route53_backends):
            yield from (zone for zone in list(backend.zones.values()) if not zone.private_zone)


def _servers(zone: FakeZone) -> set[str]:
    return set(zone.delegation_set.name_servers) if zone.delegation_set else set()
