"""Certificates: how they are asked for, wait for their DNS records, and are held by listeners."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from conftest import LAB_KEYS, RunningLab, until
from dns_peer import record
from late import eventually, switch
from stack import TAGS, balancer, forward, network, refused, target_group
from test_records import Zone, make


def test_a_certificate_is_issued_once_its_records_exist(lab: RunningLab) -> None:
    acm, dns = lab.client("acm"), lab.client("route53")
    arn = acm.request_certificate(
        DomainName="www.example.org", ValidationMethod="DNS", IdempotencyToken="a"
    )["CertificateArn"]
    again = acm.request_certificate(
        DomainName="www.example.org", ValidationMethod="DNS", IdempotencyToken="a"
    )
    assert again["CertificateArn"] == arn

    def status() -> str:
        return str(acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"])

    assert status() == "PENDING_VALIDATION"
    elbv2 = lab.client("elbv2")
    vpc, subnets, group = network(lab.client("ec2"))
    wanted = {
        "LoadBalancerArn": balancer(elbv2, subnets, group),
        "Protocol": "HTTPS",
        "Port": 443,
        "Certificates": [{"CertificateArn": arn}],
        "DefaultActions": forward(target_group(elbv2, vpc)),
    }
    with refused("UnsupportedCertificate"):
        elbv2.create_listener(**wanted)
    described = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    record = described["DomainValidationOptions"][0]["ResourceRecord"]
    zone = dns.create_hosted_zone(Name="example.org", CallerReference="once")["HostedZone"]["Id"]
    change = {
        "Action": "UPSERT",
        "ResourceRecordSet": {
            "Name": record["Name"],
            "Type": record["Type"],
            "TTL": 60,
            "ResourceRecords": [{"Value": record["Value"]}],
        },
    }
    dns.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})
    until(lambda: status() == "ISSUED", "the certificate")
    listener = elbv2.create_listener(**wanted)["Listeners"][0]["ListenerArn"]
    with refused("ResourceInUseException"):
        acm.delete_certificate(CertificateArn=arn)
    elbv2.delete_listener(ListenerArn=listener)
    acm.delete_certificate(CertificateArn=arn)
    kinds = {resource["kind"] for resource in lab.get("inventory")["resources"]}
    assert "route53:hostedzone" in kinds and "acm:certificate" not in kinds


@cache
def acm_of(lab: RunningLab) -> Any:
    """A client, made once: some tests must be quick."""
    return lab.client("acm")


def ask(lab: RunningLab, *names: str, **more: Any) -> str:
    """Asks for a certificate; its ARN."""
    wanted = {"DomainName": names[0], "ValidationMethod": "DNS", **more}
    if names[1:]:
        wanted["SubjectAlternativeNames"] = list(names[1:])
    arn: str = acm_of(lab).request_certificate(**wanted)["CertificateArn"]
    return arn


def detail(lab: RunningLab, arn: str) -> Any:
    """What is said of a certificate."""
    return acm_of(lab).describe_certificate(CertificateArn=arn)["Certificate"]


def proofs(lab: RunningLab, arn: str) -> list[dict[str, str]]:
    """The records that it wants, each once."""
    options = detail(lab, arn)["DomainValidationOptions"]
    found = {option["ResourceRecord"]["Name"]: option["ResourceRecord"] for option in options}
    return list(found.values())


def prove(lab: RunningLab, zone: Zone, arn: str, action: str = "UPSERT") -> None:
    """Puts those records into a zone, or takes them out."""
    sets = [record(it["Name"], "CNAME", it["Value"]) for it in proofs(lab, arn)]
    zone.change(*((action, it) for it in sets))


def listening(lab: RunningLab, arn: str) -> str:
    """An HTTPS listener with a certificate; its ARN."""
    elbv2 = lab.client("elbv2")
    vpc, subnets, group = network(lab.client("ec2"))
    made = elbv2.create_listener(
        LoadBalancerArn=balancer(elbv2, subnets, group),
        Protocol="HTTPS",
        Port=443,
        Certificates=[{"CertificateArn": arn}],
        DefaultActions=forward(target_group(elbv2, vpc)),
    )
    listener: str = made["Listeners"][0]["ListenerArn"]
    return listener


def test_a_certificate_is_shown_as_acm_shows_it(lab: RunningLab) -> None:
    arn = ask(lab, "Example.org", "*.example.ORG", "example.org", KeyAlgorithm="EC_prime256v1")
    found = detail(lab, arn)
    assert found["DomainName"] == "example.org"
    assert found["SubjectAlternativeNames"] == ["example.org", "*.example.org"]
    assert not {"IssuedAt", "NotAfter", "Serial"} & found.keys()
    assert found["KeyAlgorithm"] == "EC_prime256v1"
    assert len(found["DomainValidationOptions"]) == 2 and len(proofs(lab, arn)) == 1
    other = ask(lab, "example.org")
    assert proofs(lab, other) == proofs(lab, arn) != proofs(lab, ask(lab, "example.net"))
    assert detail(lab, other)["KeyAlgorithm"] == "RSA-2048"


def test_names_that_acm_does_not_take(lab: RunningLab) -> None:
    long = f"{'x' * 55}.example.org"
    with refused("InvalidParameterException", "64 characters"):
        ask(lab, long)
    ask(lab, "example.org", long)
    with refused("LimitExceededException"):
        ask(lab, "example.org", *(f"n{n}.example.org" for n in range(10)))
    ask(lab, "example.org", *(f"n{n}.example.org" for n in range(9)))
    for name in ("example", "*.*.example.org", "a_b.example.org"):
        with refused("ValidationException", "domainName"):
            ask(lab, name)


def test_a_request_that_is_made_again_is_the_same_certificate(lab: RunningLab) -> None:
    first = ask(lab, "www.example.org", IdempotencyToken="one", Tags=TAGS)
    assert ask(lab, "WWW.example.org", IdempotencyToken="one") == first
    assert ask(lab, "www.example.org", IdempotencyToken="one", KeyAlgorithm="RSA_4096") != first
    assert ask(lab, "www.example.org") != first
    lab.client("acm").delete_certificate(CertificateArn=first)
    assert ask(lab, "www.example.org", IdempotencyToken="one") != first
    with refused("ValidationException"):
        ask(lab, "www.example.org", IdempotencyToken="a-b")


def test_a_list_has_the_usual_keys_alone(lab: RunningLab) -> None:
    acm = lab.client("acm")
    arns = [ask(lab, "www.example.org"), ask(lab, "api.example.org", Tags=TAGS)]
    curved = ask(lab, "web.example.org", KeyAlgorithm="EC_prime256v1")

    def listed(**more: Any) -> list[str]:
        entries = acm.list_certificates(**more)["CertificateSummaryList"]
        return [entry["CertificateArn"] for entry in entries]

    assert listed() == arns
    assert listed(Includes={"keyTypes": ["RSA_2048", "EC_prime256v1"]}) == [*arns, curved]
    assert listed(CertificateStatuses=["ISSUED"]) == []
    first = acm.list_certificates(MaxItems=1)
    assert listed(MaxItems=1, NextToken=first["NextToken"]) == arns[1:]
    entry = first["CertificateSummaryList"][0]
    assert entry["SubjectAlternativeNameSummaries"] == ["www.example.org"] and not entry["InUse"]

    def indexed(region: str) -> list[str]:
        index = lab.client_at("resourcegroupstaggingapi", region, LAB_KEYS)
        found = index.get_resources(ResourceTypeFilters=["acm:certificate"])
        return [it["ResourceARN"] for it in found["ResourceTagMappingList"]]

    assert (indexed("eu-west-1"), indexed("us-east-1")) == (arns[1:], [])


def test_a_certificate_is_issued_by_what_its_names_lead_to(lab: RunningLab) -> None:
    zone, below = make(lab), make(lab, "web.example.org")
    arn = ask(lab, "a.web.example.org", "example.org")
    first, second = proofs(lab, arn)
    zone.change(("CREATE", record(second["Name"], "CNAME", "_0.acm-validations.aws")))
    below.change(("CREATE", record(first["Name"], "CNAME", first["Value"])))
    assert detail(lab, arn)["Status"] == "PENDING_VALIDATION"
    zone.change(("UPSERT", record(second["Name"], "CNAME", second["Value"])))
    assert detail(lab, arn)["Status"] == "PENDING_VALIDATION", "nobody leads to the zone below"
    servers = below.dns.get_hosted_zone(Id=below.id)["DelegationSet"]["NameServers"]
    zone.change(("CREATE", record("web.example.org", "NS", *servers)))
    found = detail(lab, arn)
    assert found["Status"] == "ISSUED" and found["NotAfter"] > found["IssuedAt"]
    assert {it["ValidationStatus"] for it in found["DomainValidationOptions"]} == {"SUCCESS"}
    assert detail(lab, ask(lab, "*.example.org"))["Status"] == "ISSUED", "its record is there"


def test_who_else_may_issue_alone_keeps_amazon_from_it(lab: RunningLab) -> None:
    zone = make(lab)
    zone.change(("CREATE", record("example.org", "CAA", '0 issue "letsencrypt.org"')))
    arn = ask(lab, "www.example.org")
    prove(lab, zone, arn)
    found = detail(lab, arn)
    assert (found["Status"], found["FailureReason"]) == ("FAILED", "CAA_ERROR")
    both = record("example.org", "CAA", '0 issue "letsencrypt.org"', '0 issue "amazon.com"')
    zone.change(("UPSERT", both))
    assert detail(lab, ask(lab, "www.example.org"))["Status"] == "ISSUED"


def test_mail_is_waited_for_until_it_is_to_be_dns(lab: RunningLab) -> None:
    acm, zone = lab.client("acm"), make(lab)
    arn = ask(lab, "www.example.org", ValidationMethod="EMAIL")
    option = detail(lab, arn)["DomainValidationOptions"][0]
    assert "ResourceRecord" not in option
    assert "admin@www.example.org" in option["ValidationEmails"]
    acm.update_certificate_options(CertificateArn=arn, Options={"ValidationMethod": "DNS"})
    prove(lab, zone, arn)
    assert detail(lab, arn)["Status"] == "ISSUED"
    with refused("ValidationException"):
        acm.update_certificate_options(CertificateArn=arn, Options={"ValidationMethod": "EMAIL"})


def test_a_renewal_wants_the_record_again(lab: RunningLab) -> None:
    zone, arn = make(lab), ask(lab, "www.example.org")
    prove(lab, zone, arn)
    lab.post("certificates", {"arn": arn, "renew": True})
    assert "RenewalSummary" not in detail(lab, arn), "nobody uses it"
    prove(lab, zone, arn, "DELETE")
    listening(lab, arn)
    found = detail(lab, arn)
    assert found["RenewalEligibility"] == "ELIGIBLE" and found["Status"] == "ISSUED"
    assert found["RenewalSummary"]["RenewalStatus"] == "PENDING_VALIDATION"
    prove(lab, zone, arn)
    assert detail(lab, arn)["RenewalSummary"]["RenewalStatus"] == "SUCCESS"
    lab.post("certificates", {"arn": arn, "status": "FAILED", "reason": "OTHER"})
    assert detail(lab, arn)["FailureReason"] == "OTHER"


def test_a_certificate_that_nobody_proves_times_out(start_lab: Callable[..., RunningLab]) -> None:
    quick = start_lab("--scale", "0.000005")
    arn = ask(quick, "www.example.org")
    assert detail(quick, arn)["Status"] == "PENDING_VALIDATION"
    until(lambda: detail(quick, arn)["Status"] == "VALIDATION_TIMED_OUT", "its end", 10)


def test_the_records_are_known_a_while_after_the_request(
    start_lab: Callable[..., RunningLab],
) -> None:
    slow = start_lab("--scale", "0.2")
    arn = ask(slow, "www.example.org")
    assert "ResourceRecord" not in detail(slow, arn)["DomainValidationOptions"][0]
    until(lambda: "ResourceRecord" in detail(slow, arn)["DomainValidationOptions"][0], "it", 5)


def test_a_listener_has_a_default_certificate_and_others(lab: RunningLab) -> None:
    elbv2, zone = lab.client("elbv2"), make(lab)
    arns = [ask(lab, f"{name}.example.org") for name in "abcd"]
    for arn in arns[:3]:
        prove(lab, zone, arn)
    listener = listening(lab, arns[0])

    def given(*arns: str) -> dict[str, Any]:
        listed = [{"CertificateArn": arn} for arn in arns]
        return {"ListenerArn": listener, "Certificates": listed}

    def shown() -> list[tuple[str, bool]]:
        found = elbv2.describe_listener_certificates(ListenerArn=listener)["Certificates"]
        return [(it["CertificateArn"], it["IsDefault"]) for it in found]

    with refused("UnsupportedCertificate"):
        elbv2.add_listener_certificates(**given(arns[3]))
    elsewhere = arns[1].replace("eu-west-1", "us-east-1")
    lab.post("certificates", {"arn": elsewhere})
    for wrong in (f"{arns[0]}0", elsewhere):
        with refused("CertificateNotFound"):
            elbv2.add_listener_certificates(**given(wrong))
    for _ in range(2):
        elbv2.add_listener_certificates(**given(arns[1]))
    assert shown() == [(arns[0], True), (arns[1], False)]
    with refused("OperationNotPermitted", "Default certificate"):
        elbv2.remove_listener_certificates(**given(arns[0]))
    with refused("ValidationError"):
        elbv2.modify_listener(**given(arns[1], arns[2]))
    elbv2.modify_listener(**given(arns[2]))
    assert shown() == [(arns[2], True), (arns[1], False)]
    described = elbv2.describe_listeners(ListenerArns=[listener])["Listeners"][0]
    assert described["Certificates"] == [{"CertificateArn": arns[2]}]
    assert len(detail(lab, arns[1])["InUseBy"]) == 1 and detail(lab, arns[0])["InUseBy"] == []
    elbv2.remove_listener_certificates(**given(arns[1]))
    assert shown() == [(arns[2], True)]
    with refused("UnsupportedCertificate"):
        elbv2.modify_listener(**given(arns[3]))
    with refused("ValidationError", "must be specified"):
        elbv2.create_listener(
            LoadBalancerArn=described["LoadBalancerArn"],
            Protocol="HTTPS",
            Port=8443,
            DefaultActions=described["DefaultActions"],
        )


def test_a_new_certificate_is_described_late_and_its_records_later(lab: RunningLab) -> None:
    switch(lab, "certificate", "validation-record")
    arn = ask(lab, "a.example.org", "b.example.org")
    eventually(lambda: detail(lab, arn), "ResourceNotFoundException")

    def known() -> int:
        options = detail(lab, arn)["DomainValidationOptions"]
        return sum("ResourceRecord" in option for option in options)

    lab.post("strict", {"certificate": False})
    arn = ask(lab, "c.example.org", "d.example.org")
    assert known() == 0
    until(lambda: known() == 1, "the first record", 5)
    until(lambda: known() == 2, "the second", 5)


def test_listeners_take_a_certificate_late_and_are_shown_to_hold_it_on(lab: RunningLab) -> None:
    elbv2, zone = lab.client("elbv2"), make(lab)
    arns = [ask(lab, "a.example.org"), ask(lab, "b.example.org")]
    prove(lab, zone, arns[0])
    listener = listening(lab, arns[0])
    switch(lab, "issued-certificate", "certificate-in-use")
    prove(lab, zone, arns[1])
    assert detail(lab, arns[1])["Status"] == "ISSUED"
    other = {"ListenerArn": listener, "Certificates": [{"CertificateArn": arns[1]}]}
    eventually(lambda: elbv2.modify_listener(**other), "UnsupportedCertificate")
    assert len(detail(lab, arns[0])["InUseBy"]) == 1
    acm = lab.client("acm")
    eventually(lambda: acm.delete_certificate(CertificateArn=arns[0]), "ResourceInUseException")
