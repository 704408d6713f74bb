"""HTTPS listeners: whose certificate they show, and what passes through them."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc_peer
import pytest
from conftest import RunningLab, until
from cryptography import x509
from stack import forward, target_group
from test_balancer import Edge


class Secure(Edge):
    """A load balancer that listens on 443 too, once somebody says with which certificates."""

    def __init__(self, lab: RunningLab) -> None:
        super().__init__(lab)
        self.lab = lab
        self.acm = lab.client("acm")

    def listen(self, certificate: str, group: str) -> str:
        """Makes the HTTPS listener."""
        made = self.elbv2.create_listener(
            LoadBalancerArn=self.arn,
            Protocol="HTTPS",
            Port=443,
            Certificates=[{"CertificateArn": certificate}],
            DefaultActions=forward(group),
        )
        arn: str = made["Listeners"][0]["ListenerArn"]
        return arn

    @property
    def trust(self) -> str:
        """The authority's certificate."""
        path: str = self.lab.get("")["authority"]["certificate"]
        return path

    def shown(self, name: str | None) -> x509.Certificate:
        """The certificate that a client asking for `name` gets; none is refused."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection((self.name, 443), 5) as plain:
            with context.wrap_socket(plain, server_hostname=name) as stream:
                return x509.load_der_x509_certificate(stream.getpeercert(binary_form=True) or b"")

    def names(self, name: str | None) -> list[str]:
        """The names in the certificate shown."""
        found = self.shown(name).extensions.get_extension_for_class(x509.SubjectAlternativeName)
        return found.value.get_values_for_type(x509.DNSName)


@pytest.fixture
def edge(lab: RunningLab) -> Iterator[Secure]:
    """A load balancer."""
    if not lab.get("")["balancers"]["low-ports"]:
        pytest.skip("port 443 cannot be bound")
    made = Secure(lab)
    yield made
    for server in made.servers:
        server.shutdown()


def issued(edge: Secure, *names: str) -> str:
    """An issued certificate for some names."""
    dns = edge.lab.client("route53")
    arn: str = edge.acm.request_certificate(
        DomainName=names[0], SubjectAlternativeNames=list(names), ValidationMethod="DNS"
    )["CertificateArn"]
    zone = dns.create_hosted_zone(Name=names[0].lstrip("*."), CallerReference=arn)["HostedZone"]
    described = edge.acm.describe_certificate(CertificateArn=arn)["Certificate"]
    records = [option["ResourceRecord"] for option in described["DomainValidationOptions"]]
    changes = [
        {
            "Action": "UPSERT",
            "ResourceRecordSet": {
                "Name": record["Name"],
                "Type": record["Type"],
                "TTL": 60,
                "ResourceRecords": [{"Value": record["Value"]}],
            },
        }
        for record in records
    ]
    dns.change_resource_record_sets(HostedZoneId=zone["Id"], ChangeBatch={"Changes": changes})
    edge.acm.describe_certificate(CertificateArn=arn)
    return arn


def test_a_client_that_trusts_the_authority_is_served(edge: Secure) -> None:
    group = edge.group("web")
    edge.listen(issued(edge, "www.example.org"), group)
    edge.healthy(group)
    context = ssl.create_default_context(cafile=edge.trust)
    with socket.create_connection((edge.name, 443), 5) as plain:
        with context.wrap_socket(plain, server_hostname="www.example.org") as stream:
            stream.sendall(b"GET /page HTTP/1.1\r\nHost: www.example.org\r\n\r\n")
            answer = http.client.HTTPResponse(stream)
            answer.begin()
            assert answer.status == 200 and b" GET /page" in answer.read()
            assert answer.headers["X-Seen-Proto"] == "https"
    with socket.create_connection((edge.name, 443), 5) as plain:
        with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
            context.wrap_socket(plain, server_hostname="www.example.com")


def test_the_name_asked_for_picks_among_the_listeners_certificates(edge: Secure) -> None:
    first, second = issued(edge, "www.example.org"), issued(edge, "*.example.net")
    listener = edge.listen(first, edge.group("web"))
    assert edge.names("a.example.net") == ["www.example.org"]
    edge.elbv2.add_listener_certificates(
        ListenerArn=listener, Certificates=[{"CertificateArn": second}]
    )
    assert edge.names("a.example.net") == ["*.example.net"]
    assert edge.names("a.b.example.net") == ["www.example.org"]
    assert edge.names("www.example.org") == ["www.example.org"]
    assert edge.names(None) == ["www.example.org"]
    edge.elbv2.modify_listener(ListenerArn=listener, Certificates=[{"CertificateArn": second}])
    assert edge.names(None) == ["*.example.net"]


def test_an_imported_certificate_is_shown_as_it_is(edge: Secure, tmp_path: Path) -> None:
    from lab.running.authority import Authority
    from lab.world.lab import Lab, Options

    elsewhere = Lab(Options(data=tmp_path))
    pem = Authority(elsewhere).issue(["own.example.org"])
    end = b"-----END PRIVATE KEY-----\n"
    key, certificate = pem.split(end)
    arn = edge.acm.import_certificate(Certificate=certificate, PrivateKey=key + end)
    edge.listen(arn["CertificateArn"], edge.group("web"))
    assert edge.shown("own.example.org") == x509.load_pem_x509_certificate(certificate)
    elsewhere.stop()


def test_http_is_redirected_to_https_which_answers(edge: Secure) -> None:
    group = edge.group("web")
    edge.listen(issued(edge, "www.example.org"), group)
    edge.healthy(group)
    redirect = {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
    edge.elbv2.modify_listener(
        ListenerArn=edge.listener,
        DefaultActions=[{"Type": "redirect", "RedirectConfig": redirect}],
    )
    status, headers, _ = edge.ask("/page?a=b", host="www.example.org")
    assert (status, headers["Location"]) == (301, "https://www.example.org:443/page?a=b")
    assert edge.names("www.example.org") == ["www.example.org"]


def test_a_redirect_that_keeps_the_protocol_of_https_says_https(edge: Secure) -> None:
    listener = edge.listen(issued(edge, "www.example.org"), edge.group("web"))
    redirect = {"Path": "/new", "StatusCode": "HTTP_302"}
    edge.elbv2.modify_listener(
        ListenerArn=listener, DefaultActions=[{"Type": "redirect", "RedirectConfig": redirect}]
    )
    context = ssl.create_default_context(cafile=edge.trust)
    context.check_hostname = False
    connection = http.client.HTTPSConnection(edge.name, timeout=5, context=context)
    connection.request("GET", "/old", headers={"Host": "www.example.org"})
    assert connection.getresponse().headers["Location"] == "https://www.example.org:443/new"


def grpc_group(edge: Secure, peer: grpc_peer.Server, **settings: Any) -> str:
    """A target group of gRPC with one target."""
    settings = {"ProtocolVersion": "GRPC", "HealthCheckPath": "/AWS.ALB/healthcheck", **settings}
    group = target_group(edge.elbv2, edge.vpc, "calls", **settings)
    target = {"Id": "127.0.0.1", "Port": peer.port}
    edge.elbv2.register_targets(TargetGroupArn=group, Targets=[target])
    return group


def test_grpc_goes_through_to_its_target_and_its_trailers_come_back(edge: Secure) -> None:
    peer = grpc_peer.Server()
    group = grpc_group(edge, peer, Matcher={"GrpcCode": "0"})
    listener = edge.listen(issued(edge, "www.example.org"), group)
    edge.healthy(group)
    client = grpc_peer.Client((edge.name, 443), "www.example.org", edge.trust)
    for path in ("/notes.Notes/List", "/notes.Notes/Add"):
        answer, body = client.call(path)
        assert (answer[":status"], answer["grpc-status"]) == ("200", "0")
        assert body == grpc_peer.MESSAGE
        assert path in peer.paths
    fixed = {"StatusCode": "404", "ContentType": "text/plain", "MessageBody": "none"}
    edge.elbv2.modify_listener(
        ListenerArn=listener,
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": fixed}],
    )
    other = grpc_peer.Client((edge.name, 443), "www.example.org", edge.trust)
    answer, body = other.call("/notes.Notes/List")
    assert (answer[":status"], body) == ("404", b"none")
    peer.close()


def test_protocols_that_do_not_fit_are_told_so(edge: Secure) -> None:
    peer = grpc_peer.Server()
    calls, web = grpc_group(edge, peer), edge.group("web")
    edge.rule(1, forward(calls), Field="path-pattern", Values=["/*"])
    edge.listen(issued(edge, "www.example.org"), web)
    until(lambda: edge.ask("/")[0] == 464, "an answer after the first check")

    def is_told() -> bool:
        client = grpc_peer.Client((edge.name, 443), "www.example.org", edge.trust)
        return client.call("/")[0][":status"] == "464"

    until(is_told, "the same in HTTP/2")
    peer.close()
