"""EC2's flow logs: made and deleted as AWS does, delivered by their role into their log group."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.models.core import TaggedEC2Resource
from moto.ec2.models.subnets import SubnetBackend
from moto.ec2.models.vpcs import VPCBackend
from moto.ec2.responses.flow_logs import FlowLogs
from moto.ec2.utils import random_flow_log_id

from lab.aws.common.patching import patch
from lab.aws.common.permissions import Denied, Reader
from lab.aws.ec2 import flow_records
from lab.aws.ec2.filters import Known, chosen
from lab.aws.ec2.flow_log_checks import GROUP, SERVICE, Wanted, find, read
from lab.running.tasks import log_lines
from lab.world.lab import Lab
from lab.world.places import of_arn, of_backend

SHORTEST = 1.0
FILTERS: Known = {
    "deliver-log-status": lambda log: [log.deliver_logs_status],
    "flow-log-id": lambda log: [log.id],
    "log-destination-type": lambda log: [log.log_destination_type],
    "log-group-name": lambda log: [log.log_group_name],
    "resource-id": lambda log: [log.resource_id],
    "traffic-type": lambda log: [log.traffic_type],
}


class FlowLog(TaggedEC2Resource):
    """One flow log, which nothing changes but how its delivery goes."""

    def __init__(self, ec2: Any, wanted: Wanted, resource: str) -> None:
        self.ec2_backend, self.id = ec2, random_flow_log_id()
        self.creation_time = utcnow()
        self.resource_id, self.resource_type = resource, wanted.resource_type
        self.traffic_type = wanted.traffic
        self.log_destination_type, self.log_destination = wanted.kind, wanted.destination
        self.log_group_name = wanted.group
        self.deliver_logs_permission_arn = wanted.role
        self.max_aggregation_interval = wanted.interval
        self.log_format = wanted.form
        self.destination_options = wanted.options
        self.flow_log_status, self.deliver_logs_status = "ACTIVE", "SUCCESS"
        self.deliver_logs_error_message: str | None = None
        self.delivered = time.time()
        self.add_tags(wanted.tags)

    def fail(self, why: str) -> None:
        """Its delivery fails from now on; what is put right later does not help it."""
        self.deliver_logs_status, self.deliver_logs_error_message = "FAILED", why


def install(lab: Lab) -> None:
    """Patches moto's flow logs."""

    @patch(FlowLogs)
    def create_flow_logs(self: Any) -> ActionResult:
        self.error_on_dryrun()
        ec2, wanted = self.ec2_backend, read(self)
        made = [FlowLog(ec2, wanted, resource) for resource in wanted.resources]
        for log in made:
            ec2.flow_logs[log.id] = log
            _deliver_later(lab, log)
        return ActionResult(
            {
                "ClientToken": self._get_param("ClientToken"),
                "FlowLogIds": [log.id for log in made],
                "Unsuccessful": wanted.unsuccessful,
            }
        )

    @patch(FlowLogs)
    def describe_flow_logs(self: Any) -> ActionResult:
        known, ids = self.ec2_backend.flow_logs, self._get_param("FlowLogIds", [])
        wanted = [log for log in known.values() if not ids or log.id in ids]
        found = chosen(wanted, self._filters_from_querystring(), FILTERS)
        return ActionResult({"FlowLogs": found})

    @patch(FlowLogs)
    def delete_flow_logs(self: Any) -> ActionResult:
        self.error_on_dryrun()
        unsuccessful = []
        for id in self._get_param("FlowLogIds", []):
            if id in self.ec2_backend.flow_logs:
                _forget(self.ec2_backend, id)
                continue
            message = f"These flow log ids in the input list are not found: [TotalCount: 1] {id}"
            error = {"Code": "InvalidFlowLogId.NotFound", "Message": message}
            unsuccessful.append({"ResourceId": id, "Error": error})
        return ActionResult({"Unsuccessful": unsuccessful})

    for owner, operation in ((VPCBackend, "delete_vpc"), (SubnetBackend, "delete_subnet")):
        _patch_deletion(owner, operation)


def _patch_deletion(owner: type, operation: str) -> None:
    """A flow log goes with what it is about."""

    @patch(owner, operation)
    def delete(original: Any, self: Any, id: str) -> Any:
        deleted = original(self, id)
        for log in [log for log in self.flow_logs.values() if log.resource_id == id]:
            _forget(self, log.id)
        return deleted


def _forget(ec2: Any, id: str) -> None:
    ec2.flow_logs.pop(id, None)
    ec2.tags.pop(id, None)


def _deliver_later(lab: Lab, log: FlowLog) -> None:
    interval = log.max_aggregation_interval * lab.options.scale
    lab.timers.after(max(interval, SHORTEST), partial(_deliver, lab, log))


def _deliver(lab: Lab, log: FlowLog) -> None:
    ec2 = log.ec2_backend
    if log.id not in ec2.flow_logs:
        return
    if find(ec2, log.resource_id) is None:
        _forget(ec2, log.id)
        return
    if log.log_destination_type == GROUP and log.deliver_logs_status == "SUCCESS":
        began, log.delivered = log.delivered, time.time()
        try:
            _write(log, began)
        except Denied:
            log.fail("Access error")
    _deliver_later(lab, log)


def _write(log: FlowLog, began: float) -> None:
    """Writes what there was, under the rights of the role; the group is made when it is not there."""
    role = Reader(log.deliver_logs_permission_arn, "flow-logs", SERVICE)
    place, group = of_arn(log.log_destination), str(log.log_group_name)
    if not log_lines.has_group(place, group):
        role.demand("logs:CreateLogGroup", place.arn("logs", f"log-group:{group}"))
    stream = place.arn("logs", f"log-group:{group}:log-stream:eni-1-all")
    for action in ("CreateLogStream", "PutLogEvents"):
        role.demand(f"logs:{action}", stream)
    log_lines.create_group(place, group)
    account = of_backend(log.ec2_backend).account
    for interface, lines in flow_records.lines(log, account, began).items():
        log_lines.write(place, group, f"{interface}-{log.traffic_type.lower()}", lines)
