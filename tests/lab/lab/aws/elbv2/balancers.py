"""Load balancers: states that take time, interfaces in their subnets, AWS's defaults and refusals."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.elbv2.exceptions import (
    DuplicateLoadBalancerName,
    ELBClientError,
    TargetGroupNotFoundError,
)
from moto.elbv2.models import (
    ELBv2Backend,
    FakeLoadBalancer,
    FakeTargetGroup,
)
from moto.elbv2.responses import ELBV2Response

from lab.aws.common import interfaces
from lab.aws.common.patching import patch, put
from lab.aws.elbv2 import certificates, network, rules
from lab.aws.elbv2.defaults import (
    BALANCER_ATTRIBUTES,
    DATAGRAM_ATTRIBUTES,
    GROUP_ATTRIBUTES,
    NETWORK_ATTRIBUTES,
    NETWORK_GROUP_ATTRIBUTES,
)
from lab.aws.elbv2.zones import zone_of
from lab.running.balancers.listening import Balancers
from lab.running.balancers.targets import Targets, describe
from lab.world.lab import Lab
from lab.world.places import Place, of_backend

if TYPE_CHECKING:

    class Balancer(FakeLoadBalancer):
        """moto's load balancer, with its interfaces by their subnet."""

        interfaces: dict[str, str]


# ELB's own message names the signs; the hyphen is assumed, since paths have it everywhere.
PATH = re.compile(r"^/[-A-Za-z0-9@:%_+.~#?&/=]{0,1023}$")
NAME = re.compile(r"^(?!-)(?!internal-)[A-Za-z0-9-]{1,32}(?<!-)$")


def install(lab: Lab) -> None:
    """Patches moto's load balancers and starts ours."""
    targets = Targets(lab)
    balancers = Balancers(lab, targets)
    lab.parts["targets"] = targets

    @patch(ELBV2Response)
    def call_action(original: Any, self: Any) -> Any:
        try:
            return original(self)
        finally:
            if self._get_action()[0] not in "DL" or self._get_action().startswith("Delete"):
                balancers.sync()

    _patch_balancers(lab, balancers)
    _patch_groups(lab, targets)
    for what, name in (("Load balancer", "load_balancer"), ("Target group", "target_group")):
        _patch_lacking(lab, what, f"modify_{name}_attributes")
    rules.install()
    certificates.install()
    network.install()


def _patch_balancers(lab: Lab, balancers: Balancers) -> None:
    @patch(FakeLoadBalancer)
    def activate(self: Any) -> None:
        """Leaves the state to the clock."""

    @patch(FakeLoadBalancer, "__init__")
    def make(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        is_network = self.type == "network"
        self.attrs = _known(lab, NETWORK_ATTRIBUTES if is_network else BALANCER_ATTRIBUTES)

    @patch(ELBv2Backend)
    def create_load_balancer(original: Any, self: Any, name: str, **kwargs: Any) -> Any:
        if not NAME.match(name):
            raise ELBClientError(
                "ValidationError",
                f"Load balancer name '{name}' cannot be longer than '32' characters"
                if len(name) > 32
                else f"The load balancer name '{name}' can only contain characters that are "
                "alphanumeric characters and hyphens(-), and must not begin or end with a hyphen "
                "or begin with 'internal-'",
            )
        subnets = [*kwargs.get("subnet_ids", [])]
        subnets += [m["SubnetId"] for m in kwargs.get("subnet_mappings") or []]
        groups = kwargs.get("security_groups") or []
        _check_network(self, subnets, groups, kwargs.get("loadbalancer_type") or "application")
        kwargs["scheme"] = kwargs.get("scheme") or "internet-facing"
        if kwargs["scheme"] == "internet-facing":
            _check_gateway(self, subnets[0])
        for existing in self.load_balancers.values():
            if existing.name == name:
                same = (
                    existing.type == (kwargs.get("loadbalancer_type") or "application")
                    and {s.id for s in existing.subnets} == set(subnets)
                    and set(existing.security_groups) == set(groups)
                    and existing.scheme == kwargs["scheme"]
                )
                if same:
                    return existing
                raise DuplicateLoadBalancerName()
        balancer = original(self, name, **kwargs)
        if balancer.type == "network":
            del self.load_balancers[balancer.arn]
            balancer.arn = balancer.arn.replace(":loadbalancer/app/", ":loadbalancer/net/", 1)
            self.load_balancers[balancer.arn] = balancer
        balancer.dns_name = balancers.name(balancer.arn)
        balancer.canonical_hosted_zone_id = zone_of(self.region_name, str(balancer.type))
        _place_interfaces(of_backend(self), balancer)

        def activate() -> None:
            balancer.state = "active"
            balancers.sync()

        lab.timers.after("load-balancer.provisioning", activate)
        return balancer

    @patch(ELBv2Backend)
    def delete_load_balancer(original: Any, self: Any, arn: str) -> None:
        balancer = self.load_balancers.get(arn)
        if balancer is None:
            return
        if str(balancer.attrs.get("deletion_protection.enabled")).lower() == "true":
            raise ELBClientError(
                "OperationNotPermitted",
                f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled",
            )
        original(self, arn)
        for gone in [arn, *balancer.listeners]:
            self.tagging_service.delete_all_tags_for_resource(gone)
        place, lingering = of_backend(self), list(balancer.interfaces.values())

        def release() -> None:
            network.release(balancer)
            for interface in lingering:
                interfaces.delete(place, interface)

        lab.timers.after("load-balancer.interfaces-linger", release)

    @patch(ELBv2Backend)
    def set_security_groups(original: Any, self: Any, arn: str, sec_groups: list[str]) -> None:
        original(self, arn, sec_groups)
        for interface in self.load_balancers[arn].interfaces.values():
            interfaces.set_groups(of_backend(self), interface, sec_groups)

    @patch(ELBv2Backend)
    def set_subnets(original: Any, self: Any, arn: str, *args: Any) -> Any:
        zones = original(self, arn, *args)
        _place_interfaces(of_backend(self), self.load_balancers[arn])
        return zones


def _patch_groups(lab: Lab, targets: Targets) -> None:
    @patch(FakeTargetGroup, "__init__")
    def make(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        if self.protocol in ("HTTP", "HTTPS"):
            self.attributes = _known(lab, GROUP_ATTRIBUTES)
            if self.protocol_version == "GRPC" and not kwargs.get("matcher"):
                self.matcher = {"GrpcCode": "12"}
                self.health_check_path = kwargs.get("healthcheck_path") or "/AWS.ALB/healthcheck"
        elif self.protocol in network.OF_NETWORK:
            has_datagrams = "UDP" in self.protocol
            of_group = DATAGRAM_ATTRIBUTES if has_datagrams else NETWORK_GROUP_ATTRIBUTES
            self.attributes = _known(lab, of_group)
            self.matcher = None
            if self.health_check_protocol != "TCP":
                self.matcher = kwargs.get("matcher") or {"HttpCode": "200-399"}
                self.health_check_path = kwargs.get("healthcheck_path") or "/"

    def users(self: Any) -> list[str]:
        backend = lab_backend(self)
        return sorted(
            balancer.arn
            for balancer in backend.load_balancers.values()
            for listener in balancer.listeners.values()
            if any(
                self.arn in backend._get_target_group_arns_from(action_data=action.data)
                for rule in listener.rules.values()
                for action in rule.actions
            )
        )[:1]

    put(FakeTargetGroup, load_balancer_arns=property(users, lambda self, value: None))

    @patch(ELBv2Backend)
    def create_target_group(original: Any, self: Any, name: str, **kwargs: Any) -> Any:
        _check_health(
            kwargs.get("healthcheck_path"),
            kwargs.get("matcher"),
            kwargs.get("protocol_version"),
            of_network=kwargs.get("protocol") in network.OF_NETWORK,
        )
        network.check_health(kwargs.get("protocol"), kwargs.get("healthcheck_protocol"))
        if kwargs.get("protocol") in network.OF_NETWORK and kwargs.get("protocol_version"):
            raise ELBClientError(
                "ValidationError",
                f"Protocol version is not supported for {kwargs['protocol']} target groups",
            )
        for existing in self.target_groups.values():
            if existing.name == name and _same_group(existing, kwargs):
                return existing
        return original(self, name, **kwargs)

    @patch(ELBv2Backend)
    def register_targets(self: Any, target_group_arn: str, instances: list[Any]) -> None:
        group = self.target_groups.get(target_group_arn)
        if group is None:
            raise TargetGroupNotFoundError()
        for target in instances:
            targets.register(target_group_arn, target["Id"], int(target.get("Port") or group.port))

    @patch(ELBv2Backend)
    def deregister_targets(self: Any, target_group_arn: str, instances: list[Any]) -> None:
        group = self.target_groups.get(target_group_arn)
        if group is None:
            raise TargetGroupNotFoundError()
        delay = float(group.attributes["deregistration_delay.timeout_seconds"])
        for target in instances:
            port = int(target.get("Port") or group.port)
            targets.deregister(target_group_arn, target["Id"], port, delay * lab.options.scale)

    @patch(ELBV2Response)
    def describe_target_health(self: Any) -> ActionResult:
        arn = self._get_param("TargetGroupArn")
        group = self.elbv2_backend.target_groups.get(arn)
        if group is None:
            raise TargetGroupNotFoundError()
        asked = self._get_param("Targets") or []
        places = [(target["Id"], int(target.get("Port") or group.port)) for target in asked]
        found = targets.described(arn, places)
        return ActionResult({"TargetHealthDescriptions": [describe(t, group) for t in found]})

    @patch(ELBv2Backend)
    def delete_target_group(original: Any, self: Any, target_group_arn: str) -> Any:
        group = original(self, target_group_arn)
        targets.forget_group(target_group_arn)
        self.tagging_service.delete_all_tags_for_resource(target_group_arn)
        return group

    @patch(ELBV2Response)
    def modify_target_group_attributes(original: Any, self: Any) -> ActionResult:
        asked = self.elbv2_backend.target_groups.get(self._get_param("TargetGroupArn"))
        if asked is not None:
            network.check_attributes(asked, self._get_param("Attributes") or [])
        original(self)
        group = self.elbv2_backend.target_groups[self._get_param("TargetGroupArn")]
        return ActionResult({"Attributes": group.attributes})

    @patch(ELBV2Response)
    def modify_target_group(original: Any, self: Any) -> Any:
        known = self.elbv2_backend.target_groups.get(self._get_param("TargetGroupArn"))
        _check_health(
            self._get_param("HealthCheckPath"),
            self._get_param("Matcher"),
            known.protocol_version if known else None,
            of_network=bool(known and known.protocol in network.OF_NETWORK),
        )
        if known:
            network.check_health(known.protocol, self._get_param("HealthCheckProtocol"))
        result = original(self)
        group = self.elbv2_backend.target_groups[self._get_param("TargetGroupArn")]
        matcher = self._get_param("Matcher") or {}
        if matcher:
            group.matcher = {key: value for key, value in matcher.items() if value}
        if group.health_check_protocol == "TCP":
            group.matcher, group.health_check_path = None, None
        return result


def _known(lab: Lab, attributes: dict[str, str]) -> dict[str, str]:
    """Those of AWS's defaults that the partition has."""
    return {key: value for key, value in attributes.items() if key not in lab.options.without}


def _patch_lacking(lab: Lab, what: str, operation: str) -> None:
    """Lets an operation refuse attributes that the partition does not have."""

    @patch(ELBV2Response, operation)
    def modify(original: Any, self: Any) -> Any:
        for attribute in self._get_param("Attributes") or []:
            if attribute["Key"] in lab.options.without:
                message = f"{what} attribute key '{attribute['Key']}' is not recognized"
                raise ELBClientError("ValidationError", message)
        return original(self)


def lab_backend(group: FakeTargetGroup) -> Any:
    """The state a target group is part of."""
    from moto.elbv2.models import elbv2_backends

    return elbv2_backends[group.account_id][group.region_name]


def _same_group(existing: FakeTargetGroup, wanted: dict[str, Any]) -> bool:
    return bool(
        existing.protocol == wanted.get("protocol")
        and str(existing.port) == str(wanted.get("port"))
        and existing.vpc_id == wanted.get("vpc_id")
        and existing.target_type == wanted.get("target_type")
        and (existing.health_check_path or "/") == (wanted.get("healthcheck_path") or "/")
    )


def _check_health(
    path: str | None, matcher: dict[str, str] | None, version: str | None, *, of_network: bool
) -> None:
    """Refuses what a health check cannot ask for or expect."""
    if path is not None and not PATH.match(path):
        raise ELBClientError(
            "ValidationError",
            f"Health check path '{path}' must begin with a '/' and can only consist of the "
            "characters: a-z, A-Z, 0-9, and -@:%_+.~#?&/=",
        )
    grpc = version == "GRPC"
    codes = (matcher or {}).get("GrpcCode" if grpc else "HttpCode")
    lowest, highest = (0, 99) if grpc else (200, 599 if of_network else 499)
    if codes and not all(_is_range(part, lowest, highest) for part in codes.split(",")):
        raise ELBClientError(
            "ValidationError",
            f"Health check matcher '{codes}' must be codes or ranges from {lowest} to {highest}",
        )


def _is_range(part: str, lowest: int, highest: int) -> bool:
    ends = part.split("-")
    if len(ends) > 2 or not all(end.isascii() and end.isdigit() for end in ends):
        return False
    return all(lowest <= int(end) <= highest for end in ends) and int(ends[0]) <= int(ends[-1])


def _check_gateway(backend: ELBv2Backend, subnet_id: str) -> None:
    vpc = backend.ec2_backend.get_subnet(subnet_id).vpc_id
    if not interfaces.has_gateway(of_backend(backend), vpc):
        raise ELBClientError("InvalidSubnet", f"VPC {vpc} has no internet gateway")


def _check_network(backend: ELBv2Backend, subnets: list[str], groups: list[str], kind: str) -> None:
    ec2 = backend.ec2_backend
    known = {s.id: s for zone in ec2.subnets.values() for s in zone.values()}
    for subnet in subnets:
        if subnet not in known:
            raise ELBClientError("SubnetNotFound", f"The subnet ID '{subnet}' does not exist")
    for subnet in subnets:
        is_small = known[subnet].cidr.prefixlen > 27
        if kind == "application" and (is_small or known[subnet].available_ip_address_count < 8):
            raise ELBClientError(
                "InvalidSubnet",
                f"Not enough IP space available in {subnet}. ELB requires at least 8 free IP "
                "addresses in each subnet.",
            )
    zones = {known[subnet].availability_zone for subnet in subnets}
    if kind == "application" and len(zones) < 2:
        raise ELBClientError(
            "ValidationError",
            "At least two subnets in two different Availability Zones must be specified",
        )
    if len(zones) < len(subnets):
        raise ELBClientError(
            "InvalidConfigurationRequest",
            "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
        )
    for group in groups:
        if ec2.get_security_group_from_id(group) is None:
            raise ELBClientError(
                "InvalidConfigurationRequest", f"The security group '{group}' does not exist"
            )


def _place_interfaces(place: Place, balancer: Balancer) -> None:
    """Gives a load balancer one interface in each of its subnets, and no other."""
    held: dict[str, str] = getattr(balancer, "interfaces", {})
    wanted = [subnet.id for subnet in balancer.subnets]
    for subnet in [subnet for subnet in held if subnet not in wanted]:
        interfaces.delete(place, held.pop(subnet))
    tail = balancer.arn.split(":loadbalancer/", 1)[1]
    for subnet in wanted:
        if subnet not in held:
            held[subnet] = interfaces.create(
                place,
                subnet,
                balancer.security_groups,
                f"ELB {tail}",
                "amazon-elb",
                public=balancer.scheme == "internet-facing",
            ).id
    balancer.interfaces = held
