"""A change of an attribute is answered at once and read back a little later."""

from __future__ import annotations

import copy
import time
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models.subnets import SubnetBackend
from moto.ec2.models.vpcs import VPCBackend
from moto.rds.models import RDSBackend
from moto.rds.responses import RDSResponse

from lab.aws.common.patching import patch
from lab.world.lab import Lab


def install(lab: Lab) -> None:
    """Patches the attributes of subnets, VPCs and database instances."""

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

    @patch(RDSBackend)
    def modify_db_instance(
        original: Any, self: Any, db_instance_identifier: str, db_kwargs: dict[str, Any]
    ) -> Any:
        instance = self.databases.get(db_instance_identifier.lower())
        before = copy.copy(instance)
        answer = original(self, db_instance_identifier, db_kwargs)
        if lab.strict.is_on("changed-attribute"):
            answer.lab_before = (before, time.monotonic())
        return answer

    @patch(RDSResponse)
    def describe_db_instances(original: Any, self: Any) -> ActionResult:
        answer: ActionResult = original(self)
        result: Any = answer.result
        result["DBInstances"] = [_as_before(lab, thing) for thing in result["DBInstances"]]
        return answer


def _as_before(lab: Lab, instance: Any) -> Any:
    """The instance as it was before a change of a moment ago, its tags as they are."""
    before, changed = getattr(instance, "lab_before", None) or (None, 0.0)
    lag = lab.strict.seconds("changed-attribute")
    if before is None or time.monotonic() - changed >= lag or instance.status == "deleting":
        return instance
    before.tags = instance.tags
    return before
