"""Certificates that wait for their DNS records."""

from __future__ import annotations

from conftest import RunningLab, until
from stack import balancer, forward, network, refused, target_group


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
