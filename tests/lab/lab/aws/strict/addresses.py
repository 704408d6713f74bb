"""An elastic address stays held for a while after its NAT gateway is `deleted`."""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.elastic_ip_addresses import ElasticAddressBackend

from lab.aws.common.patching import patch
from lab.world.lab import Lab


class Hold:
    """The hold of a gateway that is gone on its address."""


def install(lab: Lab) -> None:
    """Patches what takes an address from its gateway, and its release."""
    held: dict[str, Hold] = {}
    lab.resets.append(held.clear)

    @patch(ElasticAddressBackend)
    def disassociate_address(
        original: Any, self: Any, address: str | None = None, association_id: str | None = None
    ) -> None:
        for known in self.addresses:
            is_it = association_id is not None and known.association_id == association_id
            kind = getattr(known.eni, "interface_type", None)
            if is_it and kind == "nat_gateway" and known.allocation_id:
                held[known.allocation_id] = Hold()
                lab.strict.made(held[known.allocation_id])
        original(self, address=address, association_id=association_id)

    @patch(ElasticAddressBackend)
    def release_address(
        original: Any, self: Any, address: str | None = None, allocation_id: str | None = None
    ) -> None:
        hold = held.get(allocation_id or "")
        if hold is not None and lab.strict.is_fresh("address", hold):
            raise EC2ClientError(
                "AuthFailure", "You do not have permission to access the specified resource."
            )
        original(self, address=address, allocation_id=allocation_id)
