"""The same token again is the same thing; the same token for something else is a mistake."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conftest import RunningLab
from stack import network, refused


def test_tokens_of_ec2(lab: RunningLab) -> None:
    ec2 = lab.client("ec2")
    vpc, subnets, _ = network(ec2)

    def gateway(**request: Any) -> str:
        id: str = ec2.create_nat_gateway(
            ConnectivityType="private", **{"SubnetId": subnets[0], **request}
        )["NatGateway"]["NatGatewayId"]
        return id

    def table(**request: Any) -> str:
        id: str = ec2.create_route_table(**{"VpcId": vpc, **request})["RouteTable"]["RouteTableId"]
        return id

    def acl(**request: Any) -> str:
        id: str = ec2.create_network_acl(**{"VpcId": vpc, **request})["NetworkAcl"]["NetworkAclId"]
        return id

    def endpoint(**request: Any) -> str:
        name = "com.amazonaws.eu-west-1.s3"
        made = ec2.create_vpc_endpoint(**{"VpcId": vpc, "ServiceName": name, **request})
        id: str = made["VpcEndpoint"]["VpcEndpointId"]
        return id

    creates: dict[Callable[..., str], dict[str, Any]] = {
        gateway: {"SubnetId": subnets[1]},
        table: {"VpcId": "vpc-12345678"},
        acl: {"VpcId": "vpc-12345678"},
        endpoint: {"ServiceName": "com.amazonaws.eu-west-1.dynamodb"},
    }
    for create, different in creates.items():
        assert create(ClientToken="once") == create(ClientToken="once")
        assert create(ClientToken="twice") != create(ClientToken="once")
        with refused("IdempotentParameterMismatch"):
            create(ClientToken="once", **different)


def test_tokens_of_secrets_are_their_versions(lab: RunningLab) -> None:
    secrets = lab.client("secretsmanager")
    first, second = "a" * 32, "b" * 32
    made = {"Name": "key", "SecretString": "one", "ClientRequestToken": first}
    assert secrets.create_secret(**made)["ARN"] == secrets.create_secret(**made)["ARN"]
    with refused("ResourceExistsException"):
        secrets.create_secret(**{**made, "SecretString": "other"})
    for write in (secrets.put_secret_value, secrets.update_secret):
        for _ in range(2):
            write(SecretId="key", SecretString="two", ClientRequestToken=second)
        with refused("ResourceExistsException"):
            write(SecretId="key", SecretString="other", ClientRequestToken=second)
    versions = secrets.list_secret_version_ids(SecretId="key")["Versions"]
    assert {version["VersionId"] for version in versions} == {first, second}


def test_tokens_of_certificates_and_hosted_zones(lab: RunningLab) -> None:
    acm, dns = lab.client("acm"), lab.client("route53")

    def certificate(name: str, token: str = "a") -> str:
        arn: str = acm.request_certificate(
            DomainName=name, ValidationMethod="DNS", IdempotencyToken=token
        )["CertificateArn"]
        return arn

    first = certificate("www.example.org")
    assert certificate("www.example.org") == first
    assert certificate("www.example.org", token="b") != first
    assert certificate("api.example.org") != first
    dns.create_hosted_zone(Name="example.org", CallerReference="once")
    with refused("HostedZoneAlreadyExists"):
        dns.create_hosted_zone(Name="example.org", CallerReference="once")
    assert len(dns.list_hosted_zones()["HostedZones"]) == 1
