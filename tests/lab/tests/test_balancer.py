"""Load balancers that listen: rules, redirects, fixed answers, and what they say without targets."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from conftest import RunningLab, until
from stack import balancer, forward, network, target_group


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked, and how."""

    protocol_version = "HTTP/1.1"
    status = 200

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        port = self.connection.getsockname()[1]
        text = f"{port} {self.command} {self.path} {body.decode()}".encode()
        healthy = self.path != "/healthz" or self.status == 200
        self.send_response(200 if healthy else 500)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("X-Seen-For", self.headers.get("X-Forwarded-For", ""))
        self.send_header("X-Seen-Proto", self.headers.get("X-Forwarded-Proto", ""))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_POST = do_HEAD = _answer

    def log_message(self, format: str, *args: Any) -> None:
        """Is quiet."""


class Edge:
    """A load balancer with a listener that answers 404 by default."""

    def __init__(self, lab: RunningLab) -> None:
        self.elbv2 = lab.client("elbv2")
        self.vpc, subnets, group = network(lab.client("ec2"))
        self.arn = balancer(self.elbv2, subnets, group)
        fixed = {"StatusCode": "404", "ContentType": "text/plain", "MessageBody": "nothing here"}
        self.listener = self.elbv2.create_listener(
            LoadBalancerArn=self.arn,
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": fixed}],
        )["Listeners"][0]["ListenerArn"]
        self.name = self.elbv2.describe_load_balancers()["LoadBalancers"][0]["DNSName"]
        self.servers: list[ThreadingHTTPServer] = []

    def group(self, name: str, count: int = 1) -> str:
        """A target group with servers in it."""
        arn = target_group(self.elbv2, self.vpc, name=name)
        for _ in range(count):
            server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.servers.append(server)
            target = {"Id": "127.0.0.1", "Port": server.server_address[1]}
            self.elbv2.register_targets(TargetGroupArn=arn, Targets=[target])
        return arn

    def rule(self, priority: int, actions: list[dict[str, Any]], **condition: Any) -> None:
        """Adds a rule with one condition."""
        self.elbv2.create_rule(
            ListenerArn=self.listener, Priority=priority, Conditions=[condition], Actions=actions
        )

    def healthy(self, group: str) -> None:
        """Waits until all targets are."""
        until(
            lambda: all(
                d["TargetHealth"]["State"] == "healthy"
                for d in self.elbv2.describe_target_health(TargetGroupArn=group)[
                    "TargetHealthDescriptions"
                ]
            ),
            "healthy targets",
        )

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: str | None = None,
        host: str = "edge",
        **headers: str,
    ) -> Any:
        """One request."""
        connection = http.client.HTTPConnection(self.name, timeout=5)
        connection.request(method, path, body=body, headers={"Host": host, **headers})
        reply = connection.getresponse()
        return reply.status, dict(reply.getheaders()), reply.read().decode()


@pytest.fixture
def edge(lab: RunningLab) -> Iterator[Edge]:
    """A load balancer."""
    made = Edge(lab)
    yield made
    for server in made.servers:
        server.shutdown()


def test_rules_choose_by_priority_path_and_host(edge: Edge) -> None:
    one, two = edge.group("one"), edge.group("two")
    edge.rule(20, forward(one), Field="path-pattern", Values=["/api/*"])
    edge.rule(10, forward(two), Field="host-header", Values=["*.example.org"])
    edge.rule(
        30, forward(two), Field="http-request-method", HttpRequestMethodConfig={"Values": ["POST"]}
    )
    edge.healthy(one)
    edge.healthy(two)
    first, second = (server.server_address[1] for server in edge.servers)
    assert edge.ask("/api/x?y=1")[2] == f"{first} GET /api/x?y=1 "
    assert edge.ask("/api/x", host="a.example.org")[2] == f"{second} GET /api/x "
    assert edge.ask("/other", "POST", "text")[2] == f"{second} POST /other text"
    assert edge.ask("/other")[::2] == (404, "nothing here")
    assert edge.ask("/api/x", "HEAD")[2] == ""
    assert edge.ask("/api/x")[1]["X-Seen-For"] == "127.0.0.1"


SPECIAL = {
    "header": (
        {
            "Field": "http-header",
            "HttpHeaderConfig": {"HttpHeaderName": "X-Kind", "Values": ["b*"]},
        },
        ("/", {"X-Kind": "beta"}),
        ("/", {"X-Kind": "alpha"}),
    ),
    "query": (
        {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "a", "Value": "1?"}]}},
        ("/?x=y&a=12", {}),
        ("/?a=1", {}),
    ),
}


@pytest.mark.parametrize("kind", SPECIAL)
def test_rules_choose_by_header_and_query(edge: Edge, kind: str) -> None:
    condition, taken, left = SPECIAL[kind]
    fixed = {"StatusCode": "202", "ContentType": "text/plain", "MessageBody": kind}
    edge.rule(1, [{"Type": "fixed-response", "FixedResponseConfig": fixed}], **condition)
    assert edge.ask(taken[0], **taken[1])[::2] == (202, kind)
    assert edge.ask(left[0], **left[1])[0] == 404


def test_rules_choose_by_the_clients_address(edge: Edge) -> None:
    fixed = {"StatusCode": "202", "ContentType": "text/plain", "MessageBody": "near"}
    for priority, block in ((1, "10.0.0.0/8"), (2, "127.0.0.0/8")):
        fixed["MessageBody"] = block
        edge.rule(
            priority,
            [{"Type": "fixed-response", "FixedResponseConfig": fixed}],
            Field="source-ip",
            SourceIpConfig={"Values": [block]},
        )
    assert edge.ask("/")[::2] == (202, "127.0.0.0/8")


def test_a_forward_to_several_groups_is_by_weight(edge: Edge) -> None:
    all, none = edge.group("all"), edge.group("none")
    weights = [{"TargetGroupArn": all, "Weight": 3}, {"TargetGroupArn": none, "Weight": 0}]
    action = {"Type": "forward", "ForwardConfig": {"TargetGroups": weights}}
    edge.rule(1, [action], Field="path-pattern", Values=["/*"])
    edge.healthy(all)
    edge.healthy(none)
    port = edge.servers[0].server_address[1]
    assert {edge.ask("/")[2] for _ in range(12)} == {f"{port} GET / "}


def test_targets_take_turns(edge: Edge) -> None:
    group = edge.group("many", count=3)
    edge.rule(1, forward(group), Field="path-pattern", Values=["/*"])
    edge.healthy(group)
    assert len({edge.ask("/")[2] for _ in range(9)}) == 3


def test_redirects_fill_in_what_is_left_out(edge: Edge) -> None:
    redirect = {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
    edge.rule(
        1,
        [{"Type": "redirect", "RedirectConfig": redirect}],
        Field="path-pattern",
        Values=["/old/*"],
    )
    status, headers, _ = edge.ask("/old/page?a=b", host="www.example.org")
    assert (status, headers["Location"]) == (301, "https://www.example.org:443/old/page?a=b")


def test_no_target_is_503_and_only_unhealthy_ones_are_asked_all_the_same(edge: Edge) -> None:
    group = edge.group("none", count=0)
    edge.rule(1, forward(group), Field="path-pattern", Values=["/*"])
    assert edge.ask("/")[0] == 503
    edge.elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": "127.0.0.1", "Port": 9}])
    assert edge.ask("/")[0] in (503, 502), "nothing before its first check"
    until(lambda: edge.ask("/")[0] == 502, "an unhealthy target that is asked all the same")

    def health() -> Any:
        found = edge.elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"][
            0
        ]
        return found["TargetHealth"] if found["TargetHealth"]["State"] == "unhealthy" else None

    assert until(health, "an unhealthy target")["Reason"] == "Target.FailedHealthChecks"


def test_nothing_listens_once_it_is_deleted(edge: Edge) -> None:
    assert edge.ask("/")[0] == 404
    edge.elbv2.delete_load_balancer(LoadBalancerArn=edge.arn)
    with pytest.raises(OSError):
        edge.ask("/")
