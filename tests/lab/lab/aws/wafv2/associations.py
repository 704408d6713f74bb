"""Which web ACL a load balancer has: one, of its own region, and the last that was put there."""

from __future__ import annotations

from typing import Any

from moto.elbv2.models import elbv2_backends
from moto.wafv2.exceptions import WAFNonexistentItemException, WAFv2ClientError
from moto.wafv2.models import WAFV2Backend, wafv2_backends

from lab.aws.common.patching import patch
from lab.world.lab import Lab
from lab.world.places import of_arn


def install(lab: Lab) -> None:
    """Patches moto's web ACLs."""

    @patch(WAFV2Backend)
    def associate_web_acl(original: Any, self: Any, web_acl_arn: str, resource_arn: str) -> None:
        balancer = _balancer(self, resource_arn)
        if not web_acl_arn.startswith(
            f"arn:aws:wafv2:{self.region_name}:{self.account_id}:regional/"
        ):
            raise WAFv2ClientError(
                "WAFInvalidParameterException",
                "Error reason: The ARN isn't valid. A valid ARN begins with arn: and includes other "
                "information separated by colons or slashes., field: WEB_ACL_ARN, parameter: "
                f"{web_acl_arn}",
            )
        if web_acl_arn not in self.wacls:
            raise WAFNonexistentItemException
        if balancer.state == "provisioning":
            raise WAFv2ClientError(
                "WAFUnavailableEntityException",
                "AWS WAF couldn't retrieve the resource that you requested. Retry your request.",
            )
        for other in self.wacls.values():
            if resource_arn in other.associated_resources:
                other.associated_resources.remove(resource_arn)
        original(self, web_acl_arn, resource_arn)

    @patch(WAFV2Backend)
    def disassociate_web_acl(original: Any, self: Any, resource_arn: str) -> None:
        _balancer(self, resource_arn)
        original(self, resource_arn)

    @patch(WAFV2Backend)
    def get_web_acl_for_resource(original: Any, self: Any, resource_arn: str) -> Any:
        _balancer(self, resource_arn)
        return original(self, resource_arn)


def make(arn: str) -> None:
    """Makes a web ACL that lets everything through, with an ARN that somebody chose."""
    account, region = of_arn(arn)
    backend = wafv2_backends[account][region]
    _, name, id = arn.rsplit("/", maxsplit=2)
    shown = {
        "MetricName": "lab",
        "CloudWatchMetricsEnabled": False,
        "SampledRequestsEnabled": False,
    }
    made = backend.create_web_acl(
        name, shown, {"Allow": {}}, "REGIONAL", "", [], [], None, None, None, None, None
    )
    del backend.wacls[made.arn]
    made.arn, made.id = arn, id
    backend.wacls[arn] = made


def _balancer(backend: Any, arn: str) -> Any:
    there = elbv2_backends[backend.account_id][backend.region_name].load_balancers
    if arn not in there:
        raise WAFNonexistentItemException
    return there[arn]
