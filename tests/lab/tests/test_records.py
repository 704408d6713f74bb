"""Hosted zones and their records: what Route 53 takes, refuses, and reads back."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from conftest import LAB_KEYS, RunningLab, until
from dns_peer import alias, change, record
from late import code, eventually, switch
from stack import balancer, network, refused

WRONG = "InvalidChangeBatch"


class Zone(NamedTuple):
    """A hosted zone of `example.org`."""

    dns: Any
    id: str

    def change(self, *changes: tuple[str, dict[str, Any]]) -> str:
        """Sends one batch."""
        return change(self.dns, self.id, *changes)

    def records(self) -> list[dict[str, Any]]:
        """All but the two that begin it."""
        found = self.dns.list_resource_record_sets(HostedZoneId=self.id)["ResourceRecordSets"]
        return [it for it in found if it["Type"] not in ("NS", "SOA")]


def make(lab: RunningLab, name: str = "example.org") -> Zone:
    """Makes a zone."""
    dns = lab.client("route53")
    made = dns.create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]
    return Zone(dns, made["Id"].removeprefix("/hostedzone/"))


@pytest.fixture
def zone(lab: RunningLab) -> Zone:
    """An empty zone."""
    return make(lab)


def test_what_exists_is_not_created_again(zone: Zone) -> None:
    www = record("WWW.example.org", "A", "192.0.2.1")
    zone.change(("CREATE", www))
    words = r"\[Tried to create resource record set \[name='www.example.org.', type='A'\] but it al"
    for again in (www, record("www.example.org", "A", "192.0.2.9")):
        with refused(WRONG, words):
            zone.change(("CREATE", again))
    zone.change(("UPSERT", record("www.example.org", "A", "192.0.2.9")))
    zone.change(("CREATE", record("www.example.org", "AAAA", "2001:db8::1")))
    assert [it["Type"] for it in zone.records()] == ["A", "AAAA"]


def test_a_delete_repeats_all_that_there_is(zone: Zone) -> None:
    zone.change(("CREATE", record("a.example.org", "A", "192.0.2.1", "192.0.2.2")))
    for wrong in (
        record("a.example.org", "A", "192.0.2.1"),
        record("a.example.org", "A", "192.0.2.1", "192.0.2.2", ttl=61),
    ):
        with refused(WRONG, "but the values provided do not match the current values"):
            zone.change(("DELETE", wrong))
    with refused(WRONG, "but it was not found"):
        zone.change(("DELETE", record("b.example.org", "A", "192.0.2.1")))
    zone.change(("DELETE", record("A.example.org.", "A", "192.0.2.2", "192.0.2.1")))
    assert zone.records() == []
    found = zone.dns.list_resource_record_sets(HostedZoneId=zone.id)["ResourceRecordSets"]
    for own in found:
        with refused(WRONG, "A HostedZone must contain"):
            zone.change(("DELETE", own))


def test_a_batch_is_all_or_nothing(zone: Zone) -> None:
    zone.change(("CREATE", record("old.example.org", "A", "192.0.2.1")))
    with refused(WRONG, "already exists, Tried to delete .*not found"):
        zone.change(
            ("CREATE", record("new.example.org", "A", "192.0.2.1")),
            ("CREATE", record("old.example.org", "A", "192.0.2.1")),
            ("DELETE", record("none.example.org", "A", "192.0.2.1")),
        )
    assert [it["Name"] for it in zone.records()] == ["old.example.org."]
    zone.change(
        ("DELETE", record("old.example.org", "A", "192.0.2.1")),
        ("CREATE", record("old.example.org", "CNAME", "new.example.net")),
    )
    assert [it["Type"] for it in zone.records()] == ["CNAME"]


def test_a_cname_stands_alone_and_not_at_the_apex(zone: Zone) -> None:
    with refused(WRONG, "CNAME with DNS name example.org. is not permitted at apex"):
        zone.change(("CREATE", record("example.org", "CNAME", "other.example.net")))
    zone.change(("CREATE", record("www.example.org", "TXT", '"mine"')))
    with refused(WRONG, "conflicts with other records with the same DNS name"):
        zone.change(("CREATE", record("www.example.org", "CNAME", "other.example.net")))
    zone.change(("CREATE", record("api.example.org", "CNAME", "other.example.net")))
    with refused(WRONG, "conflicts with other records"):
        zone.change(("CREATE", record("api.example.org", "A", "192.0.2.1")))
    with refused(WRONG, "a CNAME has one value"):
        zone.change(("CREATE", record("two.example.org", "CNAME", "a.example", "b.example")))


def test_sets_of_one_name_and_type_share_a_policy(zone: Zone) -> None:
    first = record("a.example.org", "A", "192.0.2.1", SetIdentifier="1", Failover="PRIMARY")
    zone.change(("CREATE", first))
    with refused(WRONG, "failover and simple"):
        zone.change(("UPSERT", record("a.example.org", "A", "192.0.2.2")))
    with refused(WRONG, "PRIMARY already exists"):
        zone.change(("CREATE", {**first, "SetIdentifier": "2"}))
    with refused(WRONG, "failover and weighted"):
        other = record("a.example.org", "A", "192.0.2.2", SetIdentifier="2", Weight=1)
        zone.change(("CREATE", other))
    with refused("InvalidInput", "Missing field 'SetIdentifier'"):
        zone.change(("CREATE", record("b.example.org", "A", "192.0.2.2", Failover="PRIMARY")))
    with refused("InvalidInput", "but found none"):
        zone.change(("CREATE", record("b.example.org", "A", "192.0.2.2", SetIdentifier="1")))
    with refused("NoSuchHealthCheck"):
        zone.change(("UPSERT", {**first, "HealthCheckId": "none"}))
    zone.change(("CREATE", {**first, "SetIdentifier": "2", "Failover": "SECONDARY"}))
    assert [it["Failover"] for it in zone.records()] == ["PRIMARY", "SECONDARY"]
    with refused(WRONG, "set identifier='3'"):
        zone.change(("DELETE", {**first, "SetIdentifier": "3"}))
    zone.change(("DELETE", first))
    assert [it["SetIdentifier"] for it in zone.records()] == ["2"]


def test_an_alias_to_a_load_balancer_names_its_zone(lab: RunningLab, zone: Zone) -> None:
    elbv2 = lab.client("elbv2")
    _, subnets, group = network(lab.client("ec2"))
    arn = balancer(elbv2, subnets, group)
    found = elbv2.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]
    assert found["CanonicalHostedZoneId"] == "Z32O12XQLNTSW2"
    name = found["DNSName"]
    for wrong, target in ((zone.id, name), ("Z35SXDOTRQ7X7K", name), ("Z32O12XQLNTSW2", "a.b")):
        words = "that target was not found" if wrong == zone.id else "does not lie within"
        with refused(WRONG, words):
            zone.change(("CREATE", alias("www.example.org", wrong, target)))
    right = alias("www.example.org", "Z32O12XQLNTSW2", f"dualstack.{name}")
    with refused("InvalidInput", "found more than one"):
        zone.change(("CREATE", {**right, "TTL": 60}))
    zone.change(("CREATE", right))
    target = zone.records()[0]["AliasTarget"]
    assert target["DNSName"] == f"dualstack.{name.lower()}." and "TTL" not in zone.records()[0]
    with refused(WRONG, "do not match"):
        zone.change(("DELETE", alias("www.example.org", "Z32O12XQLNTSW2", name, evaluate=False)))
    zone.change(("DELETE", zone.records()[0]))
    cloudfront = ("Z2FDTNDATAQYW2", "D111.cloudfront.net")
    with refused(WRONG, "must be false"):
        zone.change(("CREATE", alias("www.example.org", *cloudfront)))
    zone.change(("CREATE", alias("www.example.org", *cloudfront, evaluate=False)))
    zone.change(("CREATE", alias("api.example.org", zone.id, "www.example.org")))


def test_names_and_values_are_read_back_as_route_53_keeps_them(zone: Zone) -> None:
    zone.change(
        ("CREATE", record("*.Example.ORG", "A", "192.0.2.1")),
        ("CREATE", record("a@b.example.org", "TXT", '"x" "y"')),
    )
    assert [it["Name"] for it in zone.records()] == ["\\052.example.org.", "a\\100b.example.org."]
    with refused(WRONG, "already exists"):
        zone.change(("CREATE", record("\\052.example.org.", "A", "192.0.2.1")))
    for kind, value, words in (
        ("TXT", "mine", "should be enclosed in quotation marks"),
        ("TXT", f'"{"x" * 256}"', "CharacterStringTooLong"),
        ("A", "192.0.2", "not a valid IPv4 address"),
        ("AAAA", "192.0.2.1", "not a valid IPv6 address"),
        ("CNAME", "a b", "not a valid domain name"),
        ("CNAME", f"{'x' * 64}.example.net", "not a valid domain name"),
        ("MX", "mail.example.net", "not a priority and a domain name"),
        ("CAA", "amazon.com", "not a flag, a tag and a quoted value"),
    ):
        with refused(WRONG, words):
            zone.change(("CREATE", record("b.example.org", kind, value)))
    for name, words in (
        ("b.example.com", "is not permitted in zone example.org"),
        ("notexample.org", "is not permitted in zone"),
        ("b..example.org", "DomainLabelEmpty"),
        (f"{'x' * 64}.example.org", "DomainLabelTooLong"),
        ("b c.example.org", "UnsupportedCharacter"),
    ):
        with refused(WRONG, words):
            zone.change(("CREATE", record(name, "A", "192.0.2.1")))
    with refused("InvalidInput", "found none"):
        zone.change(("CREATE", {"Name": "b.example.org", "Type": "A"}))


def test_a_batch_has_an_end(zone: Zone) -> None:
    many = [record(f"n{n}.example.org", "A", "192.0.2.1") for n in range(501)]
    with refused(WRONG, "limit of 1000"):
        zone.change(*(("UPSERT", it) for it in many))
    long = [record(f"n{n}.example.org", "TXT", f'"{"x" * 250}"') for n in range(130)]
    with refused(WRONG, "limit of 32000"):
        zone.change(*(("CREATE", it) for it in long))
    zone.change(*(("CREATE", it) for it in many))
    assert len(zone.records()) == 298
    listed = [
        it["Name"]
        for page in zone.dns.get_paginator("list_resource_record_sets").paginate(
            HostedZoneId=zone.id, PaginationConfig={"PageSize": 100}
        )
        for it in page["ResourceRecordSets"]
    ]
    assert len(listed) == len(set(listed)) + 1 == 503


def test_a_change_is_pending_and_then_in_sync(start_lab: Any) -> None:
    slow = start_lab("--scale", "0.05")
    zone = make(slow)
    id = zone.change(("CREATE", record("www.example.org", "A", "192.0.2.1")))
    assert zone.dns.get_change(Id=id)["ChangeInfo"]["Status"] == "PENDING"
    assert len(zone.records()) == 1
    asked = "resolve?name=www.example.org"
    assert slow.get(asked) == {"status": "NXDOMAIN", "answers": []}
    until(lambda: zone.dns.get_change(Id=id)["ChangeInfo"]["Status"] == "INSYNC", "the change", 5)
    assert [it["value"] for it in slow.get(asked)["answers"]] == ["192.0.2.1"]
    with refused("NoSuchChange"):
        zone.dns.get_change(Id="C0000000")


def test_zones_are_listed_from_a_name_on(lab: RunningLab) -> None:
    ids = {name: make(lab, name).id for name in ("b.example", "a.example", "z.a.example")}
    dns = lab.client("route53")
    found = dns.list_hosted_zones_by_name(DNSName="b.a.example")
    assert [it["Name"] for it in found["HostedZones"]] == ["z.a.example.", "b.example."]
    first = dns.list_hosted_zones_by_name(MaxItems="1")
    assert first["IsTruncated"] and first["NextHostedZoneId"] == ids["z.a.example"]
    servers = {
        name: tuple(dns.get_hosted_zone(Id=id)["DelegationSet"]["NameServers"])
        for name, id in ids.items()
    }
    assert len(set(servers.values())) == 3
    listed = dns.list_resource_record_sets(HostedZoneId=ids["b.example"])["ResourceRecordSets"]
    assert [it["Value"] for it in listed[0]["ResourceRecords"]] == [
        f"{it}." for it in servers["b.example"]
    ]
    assert listed[1]["ResourceRecords"][0]["Value"].startswith(f"{servers['b.example'][0]}. ")


def test_a_zone_with_records_stays_and_its_tags_go_with_it(lab: RunningLab, zone: Zone) -> None:
    zone.change(("CREATE", record("sub.example.org", "NS", "ns.example.net")))
    with refused("HostedZoneNotEmpty"):
        zone.dns.delete_hosted_zone(Id=zone.id)
    tagged = {"ResourceType": "hostedzone", "ResourceId": zone.id}
    zone.dns.change_tags_for_resource(**tagged, AddTags=[{"Key": "stack", "Value": "test"}])
    tags = zone.dns.list_tags_for_resource(**tagged)["ResourceTagSet"]["Tags"]
    assert tags == [{"Key": "stack", "Value": "test"}]
    with refused("InvalidInput", "reserved"):
        zone.dns.change_tags_for_resource(**tagged, AddTags=[{"Key": "aws:a", "Value": "b"}])
    many = [{"Key": f"k{n}", "Value": "v"} for n in range(11)]
    with refused("InvalidInput", "At most 10"):
        zone.dns.change_tags_for_resource(**tagged, AddTags=many)
    entry = next(it for it in lab.get("inventory")["resources"] if "route53" in it["kind"])
    assert entry["arn"] == f"arn:aws:route53:::hostedzone/{zone.id}"
    assert entry["tags"] == {"stack": "test"} and entry["records"] == ["sub.example.org. NS"]
    assert [found(lab, region) for region in ("us-east-1", "eu-west-1")] == [[entry["arn"]], []]
    zone.change(("DELETE", record("sub.example.org", "NS", "ns.example.net")))
    zone.dns.delete_hosted_zone(Id=zone.id)
    with refused("NoSuchHostedZone"):
        zone.dns.list_tags_for_resource(**tagged)
    assert found(lab, "us-east-1") == []


def found(lab: RunningLab, region: str) -> list[str]:
    """What the tagging index of a region knows of Route 53."""
    index = lab.client_at("resourcegroupstaggingapi", region, LAB_KEYS)
    listed = index.get_resources(ResourceTypeFilters=["route53:hostedzone"])
    return [it["ResourceARN"] for it in listed["ResourceTagMappingList"]]


def test_the_requests_are_known_by_their_operation(lab: RunningLab, zone: Zone) -> None:
    zone.change(("CREATE", record("www.example.org", "A", "192.0.2.1")))
    zone.records()
    counted = lab.get("calls")["operations"]
    assert counted["route53:ChangeResourceRecordSets"] == 1
    lab.post("faults", {"kind": "throttle", "match": "route53:ListResourceRecordSets"})
    with refused("Throttling", "Rate exceeded"):
        zone.records()
    lab.post("faults", method="DELETE")
    lab.post("strict", {"buckets": True})
    codes = [code(zone.records) for _ in range(12)]
    assert codes[:5] == [None] * 5 and "Throttling" in codes
    lab.post("strict", {"buckets": False})
    checked = lab.get("model-check")
    assert (checked["skipped"], checked["refused"]) == (0, [])
    with refused("InvalidInput", "found none"):
        zone.change(("CREATE", {"Name": "a.example.org", "Type": "LOC"}))
    problems = lab.get("model-check")["refused"]
    assert [it["operation"] for it in problems] == ["route53:ChangeResourceRecordSets"]
    assert "'LOC' is not one of" in problems[0]["problem"]


def test_lists_come_in_pages_where_they_may(lab: RunningLab, zone: Zone) -> None:
    for name in "abc":
        make(lab, f"{name}.example")
        zone.change(("CREATE", record(f"{name}.example.org", "A", "192.0.2.1")))
    switch(lab, "pages")
    assert len(zone.records()) == 0, "the first two are the zone's own"
    for operation, key, more in (
        ("list_resource_record_sets", "ResourceRecordSets", {"HostedZoneId": zone.id}),
        ("list_hosted_zones", "HostedZones", {}),
    ):
        pages = list(zone.dns.get_paginator(operation).paginate(**more))
        found = [it["Name"] for page in pages for it in page[key]]
        assert len(found) == 5 - (key == "HostedZones") and len(pages) == 3 - (len(found) == 4)
    first = zone.dns.list_hosted_zones_by_name(DNSName="b.example")
    assert [it["Name"] for it in first["HostedZones"]] == ["b.example.", "c.example."]
    assert first["NextDNSName"] == "example.org."


def test_a_zone_takes_one_change_after_the_other(lab: RunningLab) -> None:
    zone, other = make(lab), make(lab, "example.net")
    switch(lab, "zone-change")
    zone.change(("CREATE", record("a.example.org", "A", "192.0.2.1")))
    other.change(("CREATE", record("a.example.net", "A", "192.0.2.1")))
    second = record("b.example.org", "A", "192.0.2.1")
    eventually(lambda: zone.change(("CREATE", second)), "PriorRequestNotComplete")
