"""Records: changed in batches, listed in Route 53's order, answered once they are in sync."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.route53.exceptions import InvalidInput
from moto.route53.models import RecordSet
from moto.route53.responses import Route53 as Response

from lab.aws.common.patching import patch
from lab.aws.route53.batch import changed
from lab.aws.route53.changes import Changes
from lab.running.names.resolver import Names
from lab.running.names.spelling import backwards, normal

MOST = 300
Order = tuple[list[str], str, str]


def install(changes: Changes, names: Names) -> None:
    """Patches the calls about records and changes."""

    @patch(Response)
    def change_resource_record_sets(self: Any) -> ActionResult:
        zone = self.backend.get_hosted_zone(self._get_param("HostedZoneId"))
        batch = self._get_param("ChangeBatch.Changes") or []
        for change in batch:
            if check := change["ResourceRecordSet"].get("HealthCheckId"):
                self.backend.get_health_check(check)
        zone.rrsets = records = changed(zone, batch)

        def publish() -> None:
            names.zones.publish(zone, records)

        comment = self._get_param("ChangeBatch.Comment")
        return ActionResult({"ChangeInfo": changes.begin(self.backend, publish, comment)})

    @patch(Response)
    def get_change(self: Any) -> ActionResult:
        return ActionResult({"ChangeInfo": changes.get(self.backend, self._get_param("Id"))})

    @patch(Response)
    def list_resource_record_sets(self: Any) -> ActionResult:
        zone = self.backend.get_hosted_zone(self._get_param("HostedZoneId"))
        start = _start(self)
        sets = sorted(zone.rrsets, key=_order)
        sets = [record for record in sets if start is None or _order(record) >= start]
        size = min(int(self._get_param("MaxItems") or MOST), MOST)
        answer = {"ResourceRecordSets": sets[:size], "MaxItems": str(size), "IsTruncated": False}
        if following := sets[size : size + 1]:
            answer |= {
                "IsTruncated": True,
                "NextRecordName": following[0].name,
                "NextRecordType": following[0].type,
                "NextRecordIdentifier": following[0].set_identifier,
            }
        return ActionResult(answer)


def _start(response: Any) -> Order | None:
    """Where a list is to begin."""
    name, kind, id = (
        response._get_param(f"StartRecord{part}") for part in ("Name", "Type", "Identifier")
    )
    if (kind and not name) or (id and not kind):
        raise InvalidInput("The input is not valid")
    return (backwards(normal(str(name))), str(kind or ""), str(id or "")) if name else None


def _order(record: RecordSet) -> Order:
    return backwards(record.name), str(record.type), record.set_identifier or ""
