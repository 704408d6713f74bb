"""What calls about zones, records and certificates need."""

from __future__ import annotations

from typing import Any

from conftest import RunningLab
from dns_peer import change, record
from policy import allow, arn, attach, denied, needed
from stack import TAGS, refused

KEY = "route53:ChangeResourceRecordSets"


def zone_of(lab: RunningLab, name: str = "example.org") -> str:
    """Makes a zone; its ARN."""
    dns = lab.client("route53")
    made = dns.create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]["Id"]
    return f"arn:aws:route53:::{made.removeprefix('/')}"


def test_calls_about_a_zone_are_on_it(lab: RunningLab) -> None:
    zone, dns = zone_of(lab), lab.client("route53")
    id = zone.rsplit("/", 1)[-1]
    tagged = {"ResourceType": "hostedzone", "ResourceId": id}
    calls: dict[str, Any] = {
        "GetHostedZone": lambda: dns.get_hosted_zone(Id=id),
        "ListResourceRecordSets": lambda: dns.list_resource_record_sets(HostedZoneId=id),
        "ChangeResourceRecordSets": lambda: change(
            dns, id, ("UPSERT", record("a.example.org", "A", "192.0.2.1"))
        ),
        "ChangeTagsForResource": lambda: dns.change_tags_for_resource(**tagged, AddTags=TAGS),
        "ListTagsForResource": lambda: dns.list_tags_for_resource(**tagged),
        "DeleteHostedZone": lambda: dns.delete_hosted_zone(Id=id),
    }
    for operation, call in calls.items():
        attach(lab, allow(f"route53:{operation}", on=f"{zone}X"))
        with refused("AccessDenied", f"route53:{operation} on resource: {zone} because"):
            call()
        assert denied(lab) == [(f"route53:{operation}", f"hostedzone/{id}")]
    attach(lab, *(allow(f"route53:{operation}", on=zone) for operation in calls))
    for operation in list(calls)[:-1]:
        calls[operation]()
    with refused("AccessDenied", "perform: route53:ListHostedZonesByName because"):
        dns.list_hosted_zones_by_name()
    with refused("AccessDenied", "perform: route53:CreateHostedZone because"):
        dns.create_hosted_zone(Name="example.net", CallerReference="2")
    attach(lab, allow("route53:ChangeResourceRecordSets", "route53:CreateHostedZone"))
    id = change(dns, id, ("DELETE", record("a.example.org", "A", "192.0.2.1")))
    with refused("AccessDenied", f"route53:GetChange on resource: arn:aws:route53:::{id[1:]} "):
        dns.get_change(Id=id)
    attach(lab, allow("route53:GetChange", on="arn:aws:route53:::change/*"))
    dns.get_change(Id=id)


def test_changes_of_records_are_narrowed_by_conditions(lab: RunningLab) -> None:
    zone, dns = zone_of(lab), lab.client("route53")
    id = zone.rsplit("/", 1)[-1]
    only: dict[str, Any] = {
        "ForAllValues:StringLike": {f"{KEY}NormalizedRecordNames": ["*.web.example.org"]},
        "ForAllValues:StringEquals": {
            f"{KEY}RecordTypes": ["A", "TXT"],
            f"{KEY}Actions": ["CREATE", "UPSERT"],
        },
    }
    attach(lab, allow("route53:ChangeResourceRecordSets", on=zone, **only))
    mine = record("A.web.example.org.", "A", "192.0.2.1")
    change(dns, id, ("CREATE", mine), ("CREATE", {**mine, "Name": "*.web.example.org"}))
    for action, wrong in (
        ("CREATE", record("www.example.org", "A", "192.0.2.1")),
        ("CREATE", record("b.web.example.org", "AAAA", "2001:db8::1")),
        ("DELETE", mine),
    ):
        with refused("AccessDenied"):
            change(dns, id, ("UPSERT", mine), (action, wrong))


def test_certificates_are_their_own_resources_and_tags_need_a_right(lab: RunningLab) -> None:
    acm = lab.client("acm")
    wanted = {"DomainName": "www.Example.org", "ValidationMethod": "DNS"}
    attach(lab, allow("acm:RequestCertificate"))
    with refused(
        "AccessDeniedException", r"acm:AddTagsToCertificate on resource: .*certificate/\* because"
    ):
        acm.request_certificate(**wanted, Tags=TAGS)
    tag = allow("acm:AddTagsToCertificate", on=arn("acm", "certificate/*"))
    only: dict[str, Any] = {"ForAllValues:StringEquals": {"acm:DomainNames": "www.example.org"}}
    attach(lab, allow("acm:RequestCertificate", **only), tag)
    made = acm.request_certificate(**wanted, Tags=TAGS)["CertificateArn"]
    with refused("AccessDeniedException", "acm:RequestCertificate"):
        acm.request_certificate(DomainName="api.example.org", ValidationMethod="DNS")
    calls: dict[str, Any] = {
        "DescribeCertificate": lambda: acm.describe_certificate(CertificateArn=made),
        "ListTagsForCertificate": lambda: acm.list_tags_for_certificate(CertificateArn=made),
        "RemoveTagsFromCertificate": lambda: acm.remove_tags_from_certificate(
            CertificateArn=made, Tags=TAGS
        ),
        "UpdateCertificateOptions": lambda: acm.update_certificate_options(
            CertificateArn=made, Options={"ValidationMethod": "DNS"}
        ),
        "DeleteCertificate": lambda: acm.delete_certificate(CertificateArn=made),
    }
    for operation, call in calls.items():
        attach(lab, tag, allow(f"acm:{operation}", on=f"{made}X"))
        with refused("AccessDeniedException", f"acm:{operation} on resource: {made} because"):
            call()
        attach(lab, allow(f"acm:{operation}", on=made))
        call()
        assert needed(lab, f"acm:{operation}") == [made.split(":", 5)[-1]]
    mine = {"aws:ResourceTag/stack": "test"}
    attach(lab, allow("acm:RequestCertificate", "acm:AddTagsToCertificate"))
    tagged = acm.request_certificate(**wanted, Tags=TAGS, IdempotencyToken="a")["CertificateArn"]
    other = acm.request_certificate(**wanted, IdempotencyToken="b")["CertificateArn"]
    attach(lab, allow("acm:DescribeCertificate", StringEquals=mine))
    acm.describe_certificate(CertificateArn=tagged)
    with refused("AccessDeniedException"):
        acm.describe_certificate(CertificateArn=other)


def test_certificates_of_a_listener_are_on_the_listener(lab: RunningLab) -> None:
    elbv2 = lab.client("elbv2")
    listener = arn("elasticloadbalancing", "listener/app/edge/1/2")
    certificate = [{"CertificateArn": arn("acm", "certificate/1")}]
    attach(lab, allow("elasticloadbalancing:Describe*"))
    for call in (elbv2.add_listener_certificates, elbv2.remove_listener_certificates):
        with refused("AccessDenied", f"ListenerCertificates on resource: {listener} because"):
            call(ListenerArn=listener, Certificates=certificate)
