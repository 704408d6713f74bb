"""Health of targets: the states they go through, and the reasons that are given."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc_peer
import pytest
from conftest import RunningLab, until
from stack import forward, target_group
from test_balancer import Edge

GRPC: dict[str, Any] = {"ProtocolVersion": "GRPC", "HealthCheckPath": "/AWS.ALB/healthcheck"}


@pytest.fixture
def edge(lab: RunningLab) -> Iterator[Edge]:
    """A load balancer."""
    made = Edge(lab)
    yield made
    for server in made.servers:
        server.shutdown()


def health(edge: Edge, group: str) -> tuple[str, str | None, str | None]:
    """State, reason and description of the only target."""
    (found,) = edge.elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    shown = found["TargetHealth"]
    return shown["State"], shown.get("Reason"), shown.get("Description")


def becomes(edge: Edge, group: str, state: str, reason: str | None, text: str | None) -> None:
    """Waits until the target is in this state, for this reason, in these words."""
    wanted = (state, reason, text)
    until(lambda: health(edge, group) == wanted, f"{wanted}", 20)


def with_target(edge: Edge, port: int, used: bool = True, **settings: Any) -> str:
    """A target group with one target on this port, used by a rule."""
    group = target_group(edge.elbv2, edge.vpc, "checked", **settings)
    if used:
        edge.rule(1, forward(group), Field="path-pattern", Values=["/*"])
    target = {"Id": "127.0.0.1", "Port": port}
    edge.elbv2.register_targets(TargetGroupArn=group, Targets=[target])
    return group


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    taken: list[socket.socket] = []

    def take() -> None:
        while True:
            try:
                taken.append(listener.accept()[0])
            except OSError:
                return

    threading.Thread(target=take, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


@pytest.fixture
def rude() -> Iterator[int]:
    """A port that hangs up on everybody."""
    listener = socket.create_server(("127.0.0.1", 0))

    def hang_up() -> None:
        while True:
            try:
                listener.accept()[0].close()
            except OSError:
                return

    threading.Thread(target=hang_up, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


def test_a_target_of_a_group_that_no_listener_uses_is_unused(edge: Edge, silent: int) -> None:
    text = "Target group is not configured to receive traffic from the load balancer"
    group = with_target(edge, silent, used=False)
    becomes(edge, group, "unused", "Target.NotInUse", text)


def test_a_target_is_initial_until_its_first_check_is_answered(
    start_lab: Callable[..., RunningLab], silent: int
) -> None:
    edge = Edge(start_lab("--scale", "0.01"))
    group = with_target(edge, silent, HealthCheckTimeoutSeconds=4, HealthCheckIntervalSeconds=60)
    assert health(edge, group)[:2] in (
        ("initial", "Elb.RegistrationInProgress"),
        ("initial", "Elb.InitialHealthChecking"),
    )
    becomes(
        edge,
        group,
        "initial",
        "Elb.InitialHealthChecking",
        "Initial health checks in progress",
    )


def test_a_target_that_does_not_answer_in_time_is_unhealthy_for_that(
    edge: Edge, silent: int
) -> None:
    group = with_target(edge, silent)
    becomes(edge, group, "unhealthy", "Target.Timeout", "Request timed out")


def test_a_target_that_refuses_or_hangs_up_has_failed_its_checks(edge: Edge, rude: int) -> None:
    group = with_target(edge, rude)
    becomes(edge, group, "unhealthy", "Target.FailedHealthChecks", "Health checks failed")


def test_a_target_with_another_status_has_a_mismatch_until_the_matcher_takes_it(
    edge: Edge,
) -> None:
    edge.group("other")
    group = with_target(edge, edge.servers[0].server_address[1], Matcher={"HttpCode": "201-202"})
    text = "Health checks failed with these codes: [200]"
    becomes(edge, group, "unhealthy", "Target.ResponseCodeMismatch", text)
    edge.elbv2.modify_target_group(TargetGroupArn=group, Matcher={"HttpCode": "200,204"})
    becomes(edge, group, "healthy", None, None)


def test_a_target_drains_for_the_delay_of_its_group_and_is_then_not_known(
    start_lab: Callable[..., RunningLab],
) -> None:
    edge = Edge(start_lab("--scale", "0.005"))
    edge.group("other")
    port = edge.servers[0].server_address[1]
    group = with_target(edge, port)
    target = {"Id": "127.0.0.1", "Port": port}
    becomes(edge, group, "healthy", None, None)
    edge.elbv2.deregister_targets(TargetGroupArn=group, Targets=[target])
    text = "Target deregistration is in progress"
    assert health(edge, group) == ("draining", "Target.DeregistrationInProgress", text)

    def asked() -> Any:
        found = edge.elbv2.describe_target_health(TargetGroupArn=group, Targets=[target])
        return found["TargetHealthDescriptions"][0]["TargetHealth"]

    until(lambda: asked()["State"] == "unused", "the end of draining")
    assert asked()["Reason"] == "Target.NotRegistered"
    assert asked()["Description"] == "Target is not registered to the target group"
    left = edge.elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert left == []


@pytest.mark.parametrize(("status", "matcher"), [(12, None), (0, "0"), (5, "0,3-6")])
def test_a_grpc_target_is_healthy_by_its_status(
    edge: Edge, status: int, matcher: str | None
) -> None:
    peer = grpc_peer.Server(status)
    settings: dict[str, Any] = {"Matcher": {"GrpcCode": matcher}} if matcher else {}
    becomes(edge, with_target(edge, peer.port, **GRPC, **settings), "healthy", None, None)
    assert set(peer.paths) == {"/AWS.ALB/healthcheck"}
    peer.close()


def test_a_grpc_target_with_another_status_or_without_http2_is_unhealthy(edge: Edge) -> None:
    peer = grpc_peer.Server(14)
    group = with_target(edge, peer.port, **GRPC)
    text = "Health checks failed with these codes: [14]"
    becomes(edge, group, "unhealthy", "Target.ResponseCodeMismatch", text)
    edge.group("other")
    plain = {"Id": "127.0.0.1", "Port": edge.servers[0].server_address[1]}
    edge.elbv2.register_targets(TargetGroupArn=group, Targets=[plain])

    def reason() -> str | None:
        found = edge.elbv2.describe_target_health(TargetGroupArn=group, Targets=[plain])
        reason: str | None = found["TargetHealthDescriptions"][0]["TargetHealth"].get("Reason")
        return reason

    until(lambda: reason() == "Target.FailedHealthChecks", "the other target's failure")
    peer.close()


def test_a_target_of_http2_is_asked_in_http2(edge: Edge) -> None:
    peer = grpc_peer.Server()
    becomes(edge, with_target(edge, peer.port, ProtocolVersion="HTTP2"), "healthy", None, None)
    assert set(peer.paths) == {"/healthz"}
    peer.close()
