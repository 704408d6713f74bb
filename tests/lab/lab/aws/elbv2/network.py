"""Network load balancers: addresses that stay, listeners that only forward, and what of application
load balancers they do not have.

ELB API reference: `CreateLoadBalancer`, `SetSubnets`, `SetSecurityGroups`, `CreateListener`,
`ModifyListener`, `CreateTargetGroup`, `TargetGroupAttribute`. The words are assumed.
"""

from __future__ import annotations

from typing import Any

from moto.elbv2.exceptions import (
    DuplicateListenerError,
    ELBClientError,
    LoadBalancerNotFoundError,
)
from moto.elbv2.models import ELBv2Backend, FakeAction, FakeLoadBalancer

from lab.aws.common import interfaces
from lab.aws.common.patching import patch, put
from lab.aws.elbv2.certificates import ENCRYPTED, check
from lab.world.places import Place, of_backend

# What targets may speak behind each protocol of a listener ("Target groups for your Network Load
# Balancers" in the ELB user guide).
BEHIND = {
    "TCP": ("TCP", "TCP_UDP"),
    "TLS": ("TCP", "TLS"),
    "UDP": ("UDP", "TCP_UDP"),
    "TCP_UDP": ("TCP_UDP",),
    "HTTP": ("HTTP", "HTTPS"),
    "HTTPS": ("HTTP", "HTTPS"),
}
OF_NETWORK = ("TCP", "TLS", "UDP", "TCP_UDP")
# What moto hands over of a new listener, in turn.
OF_LISTENER = ("load_balancer_arn", "protocol", "port", "ssl_policy", "certificate", "actions")


def install() -> None:
    """Patches moto's load balancers, over what else is patched."""
    _patch_balancers()
    _patch_listeners()


def _patch_balancers() -> None:
    def zones(self: Any) -> list[dict[str, Any]]:
        held: dict[str, Any] = getattr(self, "elastic", {})
        return [
            {
                "SubnetId": subnet.id,
                "ZoneName": subnet.availability_zone,
                "LoadBalancerAddresses": [
                    {"IpAddress": address.public_ip, "AllocationId": address.allocation_id}
                    for address in [held.get(subnet.id)]
                    if address
                ],
            }
            for subnet in self.subnets
        ]

    put(FakeLoadBalancer, availability_zones=property(zones))

    @patch(ELBv2Backend)
    def create_load_balancer(original: Any, self: Any, name: str, **kwargs: Any) -> Any:
        mappings = kwargs.get("subnet_mappings") or []
        is_network = kwargs.get("loadbalancer_type") == "network"
        wanted = _wanted(mappings)
        if wanted and not is_network:
            raise _invalid("Elastic IPs are of network load balancers only")
        if wanted and kwargs.get("scheme") == "internal":
            raise _invalid("Elastic IPs are not supported for internal load balancers")
        present = set(self.load_balancers)
        for subnet, allocation in wanted.items() if not _is_there(self, name) else ():
            _free(of_backend(self), subnet, allocation)
        tags = kwargs.pop("tags", None)
        balancer = original(self, name, **kwargs)
        if balancer.arn in present:
            return balancer
        self.tagging_service.tag_resource(balancer.arn, tags)
        _hold(of_backend(self), balancer, wanted)
        return balancer

    @patch(ELBv2Backend)
    def set_security_groups(original: Any, self: Any, arn: str, sec_groups: list[str]) -> None:
        balancer = self.load_balancers.get(arn)
        if balancer and balancer.type == "network" and not balancer.security_groups:
            raise _invalid(
                "You cannot set security groups on a load balancer that was created without any"
            )
        original(self, arn, sec_groups)

    @patch(ELBv2Backend)
    def set_subnets(
        original: Any, self: Any, arn: str, subnets: list[str], subnet_mappings: list[Any]
    ) -> Any:
        balancer = self.load_balancers.get(arn)
        if balancer is None:
            raise LoadBalancerNotFoundError()
        wanted = _wanted(subnet_mappings)
        held: dict[str, Any] = getattr(balancer, "elastic", {})
        for subnet, allocation in wanted.items():
            if subnet not in held:
                if subnet in {it.id for it in balancer.subnets}:
                    raise _invalid(f"The address in subnet '{subnet}' cannot be changed")
                _free(of_backend(self), subnet, allocation)
            elif held[subnet].allocation_id != allocation:
                raise _invalid(f"The address in subnet '{subnet}' cannot be changed")
        zones = original(self, arn, subnets, subnet_mappings)
        _hold(of_backend(self), balancer, wanted)
        return zones


def _wanted(mappings: list[dict[str, str]]) -> dict[str, str]:
    return {it["SubnetId"]: it["AllocationId"] for it in mappings if it.get("AllocationId")}


def _is_there(backend: ELBv2Backend, name: str) -> bool:
    return any(balancer.name == name for balancer in backend.load_balancers.values())


def _address(place: Place, allocation: str) -> Any:
    known = interfaces.backend(place).addresses
    found = next((it for it in known if it.allocation_id == allocation), None)
    if found is None:
        raise ELBClientError(
            "AllocationIdNotFound", f"The allocation ID '{allocation}' does not exist"
        )
    return found


def _free(place: Place, subnet: str, allocation: str) -> None:
    """Refuses an address that something has."""
    if _address(place, allocation).eni is not None:
        raise ELBClientError(
            "ResourceInUse", f"The allocation IDs are not available for use: {allocation}"
        )


def _hold(place: Place, balancer: Any, wanted: dict[str, str]) -> None:
    """Puts addresses on the interfaces of a load balancer, and takes others off."""
    held: dict[str, Any] = getattr(balancer, "elastic", {})
    for subnet in [subnet for subnet in held if subnet not in balancer.interfaces]:
        address = held.pop(subnet)
        address.eni, address.association_id = None, None
    for subnet, allocation in wanted.items():
        address = _address(place, allocation)
        interface = interfaces.backend(place).enis[balancer.interfaces[subnet]]
        address.eni, address.association_id = interface, f"eipassoc-{interface.id[4:]}"
        interface.public_ip = address.public_ip
        held[subnet] = address
    balancer.elastic = held


def release(balancer: Any) -> None:
    """Gives the addresses of a load balancer back, once its interfaces are gone."""
    for address in getattr(balancer, "elastic", {}).values():
        address.eni, address.association_id = None, None


def _patch_listeners() -> None:
    @patch(ELBv2Backend)
    def create_listener(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        kwargs = {**dict(zip(OF_LISTENER, args, strict=False)), **kwargs}
        protocol = str(kwargs["protocol"])
        _check(self, protocol, kwargs.get("actions") or [])
        is_plain = protocol in OF_NETWORK and protocol not in ENCRYPTED
        if is_plain and kwargs.get("certificate"):
            raise _invalid(f"A certificate cannot be specified for {protocol} listeners")
        return original(self, **kwargs)

    @patch(ELBv2Backend)
    def modify_listener(
        original: Any,
        self: Any,
        arn: str,
        port: Any = None,
        protocol: str | None = None,
        ssl_policy: str | None = None,
        certificates: list[dict[str, Any]] | None = None,
        actions: list[dict[str, Any]] | None = None,
    ) -> Any:
        """moto changes none to UDP or TLS."""
        listener = self.describe_listeners(None, [arn])[0]
        spoken = protocol or listener.protocol
        _check(self, spoken, actions or [action.data for action in listener.default_actions])
        if listener.protocol not in OF_NETWORK:
            return original(self, arn, port, protocol, ssl_policy, certificates, actions)
        if spoken not in OF_NETWORK:
            raise ELBClientError(
                "UnsupportedProtocol", f"Protocol {spoken} is not supported by the load balancer"
            )
        balancer = self.load_balancers[listener.load_balancer_arn]
        others = [it for it in balancer.listeners.values() if it is not listener]
        if port is not None and any(int(other.port) == int(port) for other in others):
            raise DuplicateListenerError()
        given = [str(it["CertificateArn"]) for it in certificates or []]
        for certificate in given:
            check(self, certificate)
        if spoken in ENCRYPTED and not given and not listener.certificates:
            raise ELBClientError(
                "ValidationError", f"A certificate must be specified for {spoken} listeners"
            )
        listener.port = port if port is not None else listener.port
        listener.protocol = spoken
        if spoken in ENCRYPTED:
            listener.certificates = (given or listener.certificates[:1]) + listener.certificates[1:]
            listener.ssl_policy = ssl_policy or listener._ssl_policy
        else:
            listener.certificates = []
        listener.certificate = next(iter(listener.certificates), None)
        if actions:
            listener.default_actions = [FakeAction(action) for action in actions]
            listener._default_rule[0].actions = listener.default_actions
        return listener

    @patch(ELBv2Backend)
    def create_rule(original: Any, self: Any, listener_arn: str, *args: Any, **kwargs: Any) -> Any:
        if ":listener/net/" in listener_arn:
            raise ELBClientError(
                "OperationNotPermitted", "Rules are unsupported for Network Load Balancer listeners"
            )
        return original(self, listener_arn, *args, **kwargs)


def _check(backend: ELBv2Backend, protocol: str, actions: list[dict[str, Any]]) -> None:
    """Refuses what a listener of this protocol cannot do, and groups that it cannot speak to."""
    for action in actions:
        if action.get("Type") != "forward":
            if protocol in OF_NETWORK:
                raise _invalid(f"Actions of type '{action.get('Type')}' are not supported")
            continue
        for arn in backend._get_target_group_arns_from(action_data=FakeAction(action).data):
            group = backend.target_groups.get(arn)
            if group and group.protocol not in BEHIND.get(protocol, ()):
                raise ELBClientError(
                    "IncompatibleProtocols",
                    f"Listener protocol '{protocol}' is not supported with a target group with "
                    f"the protocol '{group.protocol}'",
                )


def check_health(protocol: str | None, health: str | None) -> None:
    """Refuses a health check that a target group of a protocol cannot have."""
    if health is None:
        return
    by_connection = protocol in OF_NETWORK and health == "TCP"
    if health not in ("HTTP", "HTTPS") and not by_connection:
        raise ELBClientError(
            "ValidationError",
            f"Health check protocol '{health}' is not supported for target groups with protocol "
            f"'{protocol}'",
        )


def check_attributes(group: Any, attributes: list[dict[str, str]]) -> None:
    """Refuses attributes that a target group does not have, and what datagrams cannot do."""
    for attribute in attributes:
        key, value = attribute["Key"], attribute["Value"]
        if group.protocol in (*OF_NETWORK, "HTTP", "HTTPS") and key not in group.attributes:
            raise ELBClientError(
                "ValidationError",
                f"Target group attribute key '{key}' is not recognized",
            )
        if key == "preserve_client_ip.enabled" and "UDP" in group.protocol and value != "true":
            raise _invalid(f"'{key}' cannot be disabled for {group.protocol} target groups")


def _invalid(message: str) -> ELBClientError:
    return ELBClientError("InvalidConfigurationRequest", message)
