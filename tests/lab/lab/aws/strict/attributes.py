"""A change of an attribute is answered at once and read back a little later."""

from __future__ import annotations

from typing import Any

from moto.ec2.models.subnets import SubnetBackend
from moto.ec2.models.vpcs import VPCBackend

from lab.aws.common.patching import patch
from lab.world.lab import Lab


def install(lab: Lab) -> None:
    """Patches the attributes of subnets and VPCs."""

    @patch(SubnetBackend)
    def modify_subnet_attribute(original: Any, self: Any, subnet_id: str, *args: Any) -> None:
        self.get_subnet(subnet_id)
        delay = lab.strict.seconds("changed-attribute")
        lab.timers.after(delay, lambda: original(self, subnet_id, *args))

    @patch(VPCBackend)
    def modify_vpc_attribute(original: Any, self: Any, vpc_id: str, *args: Any) -> None:
        self.get_vpc(vpc_id)
        delay = lab.strict.seconds("changed-attribute")
        lab.timers.after(delay, lambda: original(self, vpc_id, *args))
