"""What EC2 takes of a request for flow logs, what it fills in, and what it does not make."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from moto.ec2.exceptions import EC2ClientError, FlowLogAlreadyExists
from moto.s3.models import s3_backends

from lab.aws.common.permissions import Reader
from lab.world.places import Place, of_request

SERVICE = "vpc-flow-logs.amazonaws.com"
GROUP, BUCKET = "cloud-watch-logs", "s3"
INTERVALS = (60, 600)
FORM = (
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} "
    "${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}"
)
# By kind of resource, what EC2 says of one that is not there.
MISSING = {
    "VPC": "InvalidVpcId.NotFound",
    "Subnet": "InvalidSubnetId.NotFound",
    "NetworkInterface": "InvalidNetworkInterfaceId.NotFound",
}


@dataclass
class Wanted:
    """Flow logs as they are to be, for the resources that are there."""

    resource_type: str
    traffic: str
    kind: str
    destination: str
    group: str | None
    role: str | None
    form: str
    interval: int
    options: dict[str, Any] | None
    tags: dict[str, str]
    resources: list[str] = field(default_factory=list)
    unsuccessful: list[dict[str, Any]] = field(default_factory=list)


def read(request: Any) -> Wanted:
    """The request; EC2ClientError for one that EC2 refuses as a whole."""
    param, place = request._get_param, of_request(request)
    kind, role = param("LogDestinationType") or GROUP, param("DeliverLogsPermissionArn")
    destination, group = _destination(kind, param, place)
    it = Wanted(
        param("ResourceType"),
        param("TrafficType") or "",
        kind,
        destination,
        group,
        role,
        param("LogFormat") or FORM,
        int(param("MaxAggregationInterval") or max(INTERVALS)),
        _options(param("DestinationOptions") or {}) if kind == BUCKET else None,
        request._parse_tag_specification("vpc-flow-log").get("vpc-flow-log", {}),
    )
    if not it.traffic:
        raise EC2ClientError("MissingParameter", "The request must contain the trafficType.")
    if it.interval not in INTERVALS:
        raise _invalid("Invalid Flow Log Max Aggregation Interval")
    _check_role(it)
    _sort(request.ec2_backend, it, param("ResourceIds", []))
    return it


def find(ec2: Any, resource: str) -> Any | None:
    """What a flow log is about, if it is there."""
    subnets = {id: subnet for zone in ec2.subnets.values() for id, subnet in zone.items()}
    return ec2.vpcs.get(resource) or subnets.get(resource) or ec2.enis.get(resource)


def _invalid(message: str) -> EC2ClientError:
    return EC2ClientError("InvalidParameter", message)


def _destination(kind: str, param: Any, place: Place) -> tuple[str, str | None]:
    """The ARN of the destination, without the end that those of log groups have, and its name."""
    name, arn = param("LogGroupName"), param("LogDestination")
    if name and arn:
        raise _invalid("LogDestination and LogGroupName cannot both be given.")
    if not name and not arn:
        raise _invalid("LogDestination can't be empty if LogGroupName is not provided.")
    if kind != GROUP:
        if name:
            raise _invalid(f"LogGroupName is not applicable for {kind} delivery")
        return str(arn), None
    arn = str(arn or place.arn("logs", f"log-group:{name}")).removesuffix(":*")
    if ":log-group:" not in arn:
        raise _invalid(f"LogDestination: {arn} is not the ARN of a log group")
    return arn, arn.split(":log-group:", 1)[1]


def _options(given: dict[str, Any]) -> dict[str, Any]:
    usual = {
        "FileFormat": "plain-text",
        "HiveCompatiblePartitions": False,
        "PerHourPartition": False,
    }
    return {**usual, **given}


def _check_role(it: Wanted) -> None:
    if it.kind == BUCKET and it.role:
        raise _invalid("DeliverLogsPermissionArn is not applicable for s3 delivery")
    if it.kind != GROUP:
        return
    if not it.role:
        raise _invalid(
            "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs."
        )
    if not Reader(it.role, "flow-logs", SERVICE).is_trusted:
        raise _invalid("Unable to assume given IAM role")


def _sort(ec2: Any, it: Wanted, resources: list[str]) -> None:
    """Which of the resources get a flow log, and which do not."""
    for resource in dict.fromkeys(resources):
        if find(ec2, resource) is None:
            code = MISSING.get(it.resource_type, "InvalidParameter")
            _miss(it, resource, code, f"The resource '{resource}' does not exist")
        elif it.kind == BUCKET and not _has_bucket(ec2, it.destination):
            _miss(it, resource, "400", f"LogDestination: {it.destination} does not exist.")
        elif any(_is_same(log, it, resource) for log in ec2.flow_logs.values()):
            raise FlowLogAlreadyExists()
        else:
            it.resources.append(resource)


def _miss(it: Wanted, resource: str, code: str, message: str) -> None:
    it.unsuccessful.append({"ResourceId": resource, "Error": {"Code": code, "Message": message}})


def _has_bucket(ec2: Any, arn: str) -> bool:
    name = arn.split(":::", 1)[-1].partition("/")[0]
    return name in s3_backends[ec2.account_id][ec2.partition].buckets


def _is_same(log: Any, it: Wanted, resource: str) -> bool:
    return (log.resource_id, log.log_destination) == (resource, it.destination)
