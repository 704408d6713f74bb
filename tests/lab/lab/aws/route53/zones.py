"""Hosted zones: a caller reference makes one, each has name servers of its own, tags come after."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from moto.core.responses import ActionResult
from moto.route53.exceptions import (
    HostedZoneNotEmpty,
    InvalidInput,
    NoSuchHostedZone,
    Route53ClientError,
)
from moto.route53.models import FakeZone, Route53Backend
from moto.route53.responses import Route53 as Response

from lab.aws.common.patching import patch
from lab.aws.route53 import records
from lab.aws.route53.changes import Changes
from lab.aws.route53.shapes import record_with
from lab.aws.route53.spelling import check_name
from lab.running.names.resolver import Names
from lab.running.names.server import Server
from lab.running.names.spelling import backwards, normal
from lab.world.lab import Lab

MOST, MOST_TAGGED = 100, 10
ENDS = ("com", "net", "org", "co.uk")
SOA = "awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"


def install(lab: Lab) -> None:
    """Patches moto's hosted zones, and starts what answers for them."""
    names, changes = Names(lab), Changes(lab)
    Server(lab, names)
    records.install(changes, names)
    _patch_making()
    _patch_answers(changes, names)
    _patch_lists()
    _patch_tags()


def _patch_making() -> None:
    @patch(Route53Backend)
    def create_hosted_zone(original: Any, self: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        reference = kwargs.get("caller_reference")
        if reference and any(zone.caller_reference == reference for zone in self.zones.values()):
            raise Route53ClientError(
                "HostedZoneAlreadyExists",
                f"A hosted zone has already been created with the caller reference {reference}.",
            )
        check_name(name, "InvalidDomainName")
        zone: FakeZone = original(self, normal(name), *args, **kwargs)
        _furnish(zone)
        return zone

    @patch(Route53Backend)
    def delete_hosted_zone(self: Any, id_: str) -> FakeZone:
        zone: FakeZone = self.get_hosted_zone(id_)
        own = {(zone.name, "NS"), (zone.name, "SOA")}
        if any((record.name, record.type) not in own for record in zone.rrsets):
            raise HostedZoneNotEmpty()
        self.resource_tags.pop(zone.resource_id, None)
        del self.zones[zone.resource_id]
        return zone


def _furnish(zone: FakeZone) -> None:
    """Gives a zone name servers that no other has, and the two records that begin it."""
    digest = sha256(zone.resource_id.encode()).digest()
    servers = [
        f"ns-{512 * place + digest[2 * place]}.awsdns-{digest[2 * place + 1] % 64:02}.{end}"
        for place, end in enumerate(ENDS)
    ]
    if zone.delegation_set is not None and not zone.delegation_set.id:
        zone.delegation_set.name_servers = servers
    elif zone.delegation_set is not None:
        servers = zone.delegation_set.name_servers
    first = {
        "NS": (172_800, [f"{server}." for server in servers]),
        "SOA": (900, [f"{servers[0]}. {SOA}"]),
    }
    zone.rrsets = [
        record_with({"Name": zone.name, "Type": kind, "TTL": ttl, "ResourceRecords": values})
        for kind, (ttl, values) in first.items()
    ]


def _patch_answers(changes: Changes, names: Names) -> None:
    @patch(Response)
    def create_hosted_zone(original: Any, self: Any) -> ActionResult:
        answer: ActionResult = original(self)
        result: Any = answer.result
        zone = result["HostedZone"]
        first = list(zone.rrsets)

        def publish() -> None:
            names.zones.publish(zone, first)

        result["ChangeInfo"] = changes.begin(self.backend, publish)
        return answer

    @patch(Response)
    def delete_hosted_zone(self: Any) -> ActionResult:
        self.backend.delete_hosted_zone(self._get_param("Id"))
        return ActionResult({"ChangeInfo": changes.begin(self.backend, lambda: None)})


def _patch_lists() -> None:
    @patch(Response)
    def list_hosted_zones_by_name(self: Any) -> ActionResult:
        """Begins at a name; what comes after it follows, whatever it is called."""
        name, id = self._get_param("DNSName"), self._get_param("HostedZoneId")
        if id and not name:
            raise InvalidInput("The input is not valid")
        start = (backwards(normal(name)), str(id or "")) if name else ([], "")
        zones = [zone for zone in sorted(self.backend.zones.values(), key=_order)]
        zones = [zone for zone in zones if _order(zone) >= start]
        size = min(int(self._get_param("MaxItems") or MOST), MOST)
        answer = {
            "HostedZones": zones[:size],
            "DNSName": name,
            "HostedZoneId": id,
            "MaxItems": str(size),
            "IsTruncated": len(zones) > size,
        }
        if following := zones[size : size + 1]:
            answer["NextDNSName"] = following[0].name
            answer["NextHostedZoneId"] = following[0].resource_id
        return ActionResult(answer)


def _order(zone: FakeZone) -> tuple[list[str], str]:
    return backwards(zone.name), zone.resource_id


def _patch_tags() -> None:
    @patch(Response)
    def change_tags_for_resource(original: Any, self: Any) -> ActionResult:
        for member in ("AddTags", "RemoveTagKeys"):
            if len(self._get_param(member) or []) > MOST_TAGGED:
                raise InvalidInput(f"At most {MOST_TAGGED} of {member} are taken at once.")
        answer: ActionResult = original(self)
        return answer

    @patch(Response)
    def list_tags_for_resource(original: Any, self: Any) -> ActionResult:
        _must_be_there(self, self._get_param("ResourceId"))
        answer: ActionResult = original(self)
        return answer

    @patch(Response)
    def list_tags_for_resources(original: Any, self: Any) -> ActionResult:
        ids = self._get_param("ResourceIds") or []
        if len(ids) > MOST_TAGGED:
            raise InvalidInput(f"At most {MOST_TAGGED} resources are asked for at once.")
        for id in ids:
            _must_be_there(self, id)
        answer: ActionResult = original(self)
        return answer


def _must_be_there(response: Any, id: str) -> None:
    if response._get_param("ResourceType") == "hostedzone" and id not in response.backend.zones:
        raise NoSuchHostedZone(id)
