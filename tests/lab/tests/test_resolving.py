"""Where names lead: what the lab's DNS server says, and `GET /_lab/resolve`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conftest import RunningLab, until
from dns_peer import TYPES, alias, ask, change, record
from stack import balancer, forward, network, target_group
from test_balancer import Edge
from test_bounds import sockets
from test_records import make

NXDOMAIN = 3


def test_records_are_answered_and_cnames_followed(lab: RunningLab) -> None:
    zone, other = make(lab), make(lab, "example.net")
    zone.change(
        ("CREATE", record("www.example.org", "CNAME", "Web.Example.net")),
        ("CREATE", record("away.example.org", "CNAME", "www.example.com")),
        ("CREATE", record("txt.example.org", "TXT", '"mine"')),
        ("CREATE", record("sign.example.org", "TXT", '"a\\052\\"b"')),
        ("CREATE", record("*.any.example.org", "A", "192.0.2.9")),
        ("CREATE", record("x.any.example.org", "TXT", '"x"')),
    )
    other.change(("CREATE", record("web.example.net", "A", "192.0.2.1")))
    assert ask(lab, "WWW.example.org").records == [
        ("www.example.org", TYPES["CNAME"], "Web.Example.net"),
        ("web.example.net", TYPES["A"], "192.0.2.1"),
    ]
    assert len(ask(lab, "away.example.org").records) == 1
    assert ask(lab, "txt.example.org", "TXT").records[0][2] == "mine"
    assert ask(lab, "sign.example.org", "TXT").records[0][2] == 'a*"b'
    assert ask(lab, "a.b.any.example.org").records[0][::2] == ("a.b.any.example.org", "192.0.2.9")
    assert ask(lab, "x.any.example.org") == (0, [])
    assert ask(lab, "any.example.org") == (0, [])
    assert ask(lab, "none.example.org") == ask(lab, "example.com") == (NXDOMAIN, [])
    assert ask(lab, "example.org", "SRV").code == 4
    assert len(ask(lab, "example.org", "NS").records) == 4
    assert lab.get("resolve?name=txt.example.org&type=TXT")["answers"] == [
        {"name": "txt.example.org.", "type": "TXT", "ttl": 60, "value": '"mine"'}
    ]


def test_a_zone_below_another_answers_once_it_is_delegated(lab: RunningLab) -> None:
    zone, below = make(lab), make(lab, "web.example.org")
    below.change(("CREATE", record("a.web.example.org", "A", "192.0.2.1")))
    assert ask(lab, "a.web.example.org").code == NXDOMAIN
    servers = below.dns.get_hosted_zone(Id=below.id)["DelegationSet"]["NameServers"]
    zone.change(("CREATE", record("web.example.org", "NS", "ns-1.example.net")))
    assert ask(lab, "a.web.example.org").code == NXDOMAIN
    zone.change(("UPSERT", record("web.example.org", "NS", *servers)))
    assert ask(lab, "a.web.example.org").records[0][2] == "192.0.2.1"


def test_a_private_zone_answers_nobody_outside(lab: RunningLab) -> None:
    dns = lab.client("route53")
    vpc = network(lab.client("ec2"))[0]
    made = dns.create_hosted_zone(
        Name="example.org",
        CallerReference="1",
        VPC={"VPCRegion": "eu-west-1", "VPCId": vpc},
        HostedZoneConfig={"PrivateZone": True},
    )
    change(dns, made["HostedZone"]["Id"], ("CREATE", record("a.example.org", "A", "192.0.2.1")))
    assert ask(lab, "a.example.org").code == NXDOMAIN


def test_an_alias_leads_to_its_load_balancer_and_fails_over(lab: RunningLab) -> None:
    edge, zone = Edge(lab), make(lab)
    elbv2 = lab.client("elbv2")
    _, subnets, group = network(lab.client("ec2"))
    spare = balancer(elbv2, subnets, group, "spare")
    found = elbv2.describe_load_balancers(LoadBalancerArns=[spare])["LoadBalancers"][0]
    first: dict[str, Any] = {"SetIdentifier": "1", "Failover": "PRIMARY"}
    second: dict[str, Any] = {"SetIdentifier": "2", "Failover": "SECONDARY"}
    of, other = found["CanonicalHostedZoneId"], found["DNSName"]
    zone.change(
        ("CREATE", alias("www.example.org", of, edge.name, **first)),
        ("CREATE", alias("www.example.org", of, other, **second)),
        ("CREATE", alias("example.org", zone.id, "www.example.org")),
        ("CREATE", alias("old.example.org", of, "127.1.2.250")),
    )

    def leads_to() -> str:
        return ask(lab, "www.example.org").records[0][2]

    plain = {"primary": edge.name.split(":")[0], "spare": other.split(":")[0]}
    assert leads_to() == plain["primary"], "neither is healthy"
    web = target_group(elbv2, edge.vpc, "spare-web")
    elbv2.create_listener(
        LoadBalancerArn=spare, Protocol="HTTP", Port=80, DefaultActions=forward(web)
    )
    server = edge.group("web")
    elbv2.register_targets(TargetGroupArn=web, Targets=[edge_target(edge)])
    until(lambda: leads_to() == plain["spare"], "the secondary")
    elbv2.modify_listener(ListenerArn=edge.listener, DefaultActions=forward(server))
    until(lambda: leads_to() == plain["primary"], "the primary again")
    assert ask(lab, "example.org").records == [("example.org", TYPES["A"], plain["primary"])]
    assert ask(lab, "old.example.org") == (0, [])
    for one in edge.servers:
        one.shutdown()


def edge_target(edge: Edge) -> dict[str, Any]:
    """The target of the last server that an edge started."""
    host, port = edge.servers[-1].server_address[:2]
    return {"Id": host, "Port": port}


def test_the_dns_server_is_on_loopback_only(lab: RunningLab) -> None:
    where = lab.get("")["dns"]
    ours = sockets(lab.get("")["pid"])
    bound = [
        fields[1].split(":")
        for fields in map(str.split, Path("/proc/net/udp").read_text().splitlines()[1:])
        if f"socket:[{fields[9]}]" in ours
    ]
    assert [(place[0][-2:], int(place[1], 16)) for place in bound] == [("7F", where["port"])]
