"""Route 53: a caller reference makes one hosted zone."""

from __future__ import annotations

from typing import Any

from moto.route53.exceptions import Route53ClientError
from moto.route53.models import Route53Backend

from lab.aws.common.patching import patch
from lab.world.lab import Lab


def install(lab: Lab) -> None:
    """Patches moto's hosted zones."""

    @patch(Route53Backend)
    def create_hosted_zone(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        reference = kwargs.get("caller_reference")
        if reference and any(zone.caller_reference == reference for zone in self.zones.values()):
            raise Route53ClientError(
                "HostedZoneAlreadyExists",
                f"A hosted zone has already been created with the caller reference {reference}.",
            )
        return original(self, *args, **kwargs)
