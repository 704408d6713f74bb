"""Network load balancers: what they take, what they refuse, and what goes through them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import RunningLab, until
from stack import forward, network, refused


class Flat:
    """A network load balancer and a server that says back what it hears, by TCP and by UDP."""

    def __init__(self, lab: RunningLab) -> None:
        self.elbv2, self.ec2 = lab.client("elbv2"), lab.client("ec2")
        self.vpc, self.subnets, self.security_group = network(self.ec2)
        self.addresses = [
            self.ec2.allocate_address(Domain="vpc")["AllocationId"] for _ in self.subnets
        ]
        self.arn, self.name = self.balancer("flat", SecurityGroups=[self.security_group])
        self.server, self.datagrams = (
            socket.create_server(("127.0.0.1", 0)),
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        )
        self.port = self.server.getsockname()[1]
        self.datagrams.bind(("127.0.0.1", self.port))
        threading.Thread(target=self._connections, daemon=True).start()
        threading.Thread(target=self._datagrams, daemon=True).start()

    def balancer(self, name: str, **settings: Any) -> tuple[str, str]:
        """A load balancer with addresses that stay."""
        both = zip(self.subnets, self.addresses, strict=True)
        made = self.elbv2.create_load_balancer(
            Name=name,
            Type="network",
            SubnetMappings=[{"SubnetId": it, "AllocationId": address} for it, address in both],
            **settings,
        )["LoadBalancers"][0]
        return made["LoadBalancerArn"], made["DNSName"]

    def group(self, name: str, protocol: str, **settings: Any) -> str:
        """A target group with the server in it."""
        arn: str = self.elbv2.create_target_group(
            Name=name,
            Protocol=protocol,
            Port=self.port,
            VpcId=self.vpc,
            TargetType="ip",
            **settings,
        )["TargetGroups"][0]["TargetGroupArn"]
        target = {"Id": "127.0.0.1", "Port": self.port}
        self.elbv2.register_targets(TargetGroupArn=arn, Targets=[target])
        return arn

    def listen(self, protocol: str, port: int, group: str, **settings: Any) -> str:
        """A listener."""
        arn: str = self.elbv2.create_listener(
            LoadBalancerArn=self.arn,
            Protocol=protocol,
            Port=port,
            DefaultActions=forward(group),
            **settings,
        )["Listeners"][0]["ListenerArn"]
        return arn

    def _connections(self) -> None:
        while True:
            try:
                visitor, _ = self.server.accept()
            except OSError:
                return
            with visitor:
                visitor.sendall(visitor.recv(100))

    def _datagrams(self) -> None:
        while True:
            try:
                heard, who = self.datagrams.recvfrom(100)
            except OSError:
                return
            self.datagrams.sendto(heard, who)


@pytest.fixture
def flat(lab: RunningLab) -> Iterator[Flat]:
    """A load balancer."""
    made = Flat(lab)
    yield made
    made.server.close()
    made.datagrams.close()


def test_connections_and_datagrams_are_passed_on(flat: Flat) -> None:
    flat.listen("TCP", 7001, flat.group("tcp", "TCP"))
    flat.listen("UDP", 7002, flat.group("udp", "UDP"))

    def connects() -> bool:
        try:
            with socket.create_connection((flat.name, 7001), 2) as stream:
                stream.sendall(b"one")
                return stream.recv(100) == b"one"
        except OSError:
            return False

    def sends() -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
            way.settimeout(0.5)
            way.sendto(b"two", (flat.name, 7002))
            try:
                return way.recv(100) == b"two"
            except OSError:
                return False

    until(connects, "a connection")
    until(sends, "a datagram")


def test_its_addresses_stay_and_are_nobody_elses(flat: Flat) -> None:
    shown = flat.elbv2.describe_load_balancers(LoadBalancerArns=[flat.arn])["LoadBalancers"][0]
    assert ":loadbalancer/net/flat/" in flat.arn and shown["Type"] == "network"
    held = [it["LoadBalancerAddresses"][0]["AllocationId"] for it in shown["AvailabilityZones"]]
    assert sorted(held) == sorted(flat.addresses)
    with refused("ResourceInUse"):
        flat.balancer("other")
    with refused("InvalidIPAddress.InUse"):
        flat.ec2.release_address(AllocationId=flat.addresses[0])
    swapped = zip(flat.subnets, reversed(flat.addresses), strict=True)
    with refused("InvalidConfigurationRequest", "cannot be changed"):
        flat.elbv2.set_subnets(
            LoadBalancerArn=flat.arn,
            SubnetMappings=[{"SubnetId": it, "AllocationId": address} for it, address in swapped],
        )
    flat.elbv2.delete_load_balancer(LoadBalancerArn=flat.arn)

    def is_free() -> bool:
        known = flat.ec2.describe_addresses(AllocationIds=flat.addresses)["Addresses"]
        return not any(address.get("AssociationId") for address in known)

    until(is_free, "free addresses")


def test_one_without_a_security_group_never_gets_one(flat: Flat) -> None:
    made = flat.elbv2.create_load_balancer(Name="open", Type="network", Subnets=flat.subnets)
    arn = made["LoadBalancers"][0]["LoadBalancerArn"]
    with refused("InvalidConfigurationRequest"):
        flat.elbv2.set_security_groups(LoadBalancerArn=arn, SecurityGroups=[flat.security_group])


def test_listeners_only_forward_in_a_protocol_that_their_targets_speak(flat: Flat) -> None:
    tcp, udp = flat.group("tcp", "TCP"), flat.group("udp", "UDP")
    with refused("IncompatibleProtocols"):
        flat.listen("TCP", 7001, udp)
    with refused("ValidationError", "certificate"):
        flat.listen("TLS", 7001, tcp)
    listener = flat.listen("TCP", 7001, tcp)
    with refused("IncompatibleProtocols"):
        flat.elbv2.modify_listener(ListenerArn=listener, Protocol="UDP")
    flat.elbv2.modify_listener(ListenerArn=listener, Protocol="UDP", DefaultActions=forward(udp))
    fixed = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
    with refused("InvalidConfigurationRequest"):
        flat.elbv2.modify_listener(ListenerArn=listener, DefaultActions=fixed)
    with refused("OperationNotPermitted"):
        flat.elbv2.create_rule(
            ListenerArn=listener,
            Priority=1,
            Conditions=[{"Field": "path-pattern", "Values": ["/*"]}],
            Actions=forward(udp),
        )


def test_target_groups_have_what_their_protocol_has(flat: Flat) -> None:
    tcp, udp = flat.group("tcp", "TCP"), flat.group("udp", "UDP")

    def attributes(group: str) -> dict[str, str]:
        found = flat.elbv2.describe_target_group_attributes(TargetGroupArn=group)["Attributes"]
        return {it["Key"]: it["Value"] for it in found}

    def change(group: str, key: str, value: str) -> None:
        flat.elbv2.modify_target_group_attributes(
            TargetGroupArn=group, Attributes=[{"Key": key, "Value": value}]
        )

    preserve = "preserve_client_ip.enabled"
    assert (attributes(tcp)[preserve], attributes(udp)[preserve]) == ("false", "true")
    change(tcp, preserve, "true")
    with refused("InvalidConfigurationRequest"):
        change(udp, preserve, "false")
    with refused("ValidationError", "not recognized"):
        change(tcp, "slow_start.duration_seconds", "30")
    with refused("ValidationError"):
        flat.group("odd", "UDP", HealthCheckProtocol="UDP")
    shown = flat.elbv2.describe_target_groups(TargetGroupArns=[udp])["TargetGroups"][0]
    assert shown["HealthCheckProtocol"] == "TCP" and "HealthCheckPath" not in shown
