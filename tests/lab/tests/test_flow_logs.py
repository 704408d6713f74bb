"""Flow logs: what they take, and what becomes of their delivery."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import RunningLab, until
from late import eventually, switch
from policy import ALL, attach, needed
from stack import network, refused, tags_for
from test_services import Web

ACTIONS = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
FORM = "${interface-id} ${dstport} ${action} ${vpc-id}"


class Flows:
    """A VPC, a log group, and a role that writes into it."""

    def __init__(self, lab: RunningLab, vpc: str = "") -> None:
        self.ec2, self.logs, self.iam = (lab.client(name) for name in ("ec2", "logs", "iam"))
        self.vpc, self.subnets = vpc, [""]
        if not vpc:
            self.vpc, self.subnets, _ = network(self.ec2)
        self.logs.create_log_group(logGroupName="flows")
        self.role = self.make_role("flows", "vpc-flow-logs.amazonaws.com", ACTIONS)

    def make_role(self, name: str, service: str, actions: list[str]) -> str:
        """A role that a service may take, and what it may do."""
        allow = {"Effect": "Allow"}
        trust = {**allow, "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        made = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=self.document(trust))
        self.permit(name, actions)
        arn: str = made["Role"]["Arn"]
        return arn

    def permit(self, name: str, actions: list[str]) -> None:
        """Gives a role its policy."""
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        self.iam.put_role_policy(
            RoleName=name, PolicyName="logs", PolicyDocument=self.document(statement)
        )

    @staticmethod
    def document(statement: dict[str, Any]) -> str:
        """A policy of one statement."""
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    def make(self, *resources: str, **request: Any) -> Any:
        """Flow logs of the VPC, or of others."""
        usual = {
            "ResourceIds": list(resources) or [self.vpc],
            "ResourceType": "VPC",
            "TrafficType": "ALL",
            "DeliverLogsPermissionArn": self.role,
            "LogGroupName": "flows",
        }
        request = {**usual, **request}
        return self.ec2.create_flow_logs(**{k: v for k, v in request.items() if v is not None})

    def show(self, **filters: str) -> list[Any]:
        """Those of filters."""
        wanted = [{"Name": k.replace("_", "-"), "Values": [v]} for k, v in filters.items()]
        found: list[Any] = self.ec2.describe_flow_logs(Filter=wanted)["FlowLogs"]
        return found

    def lines(self, group: str = "flows") -> list[str]:
        """What was written."""
        events = self.logs.filter_log_events(logGroupName=group)["events"]
        return [event["message"] for event in events]


@pytest.fixture
def flows(lab: RunningLab) -> Flows:
    """All that a flow log needs."""
    return Flows(lab)


def test_a_flow_log_comes_with_what_aws_fills_in(flows: Flows, lab: RunningLab) -> None:
    made = flows.make(TagSpecifications=tags_for("vpc-flow-log"), ClientToken="once")
    (id,) = made["FlowLogIds"]
    assert made["Unsuccessful"] == []
    (shown,) = flows.show(resource_id=flows.vpc)
    assert shown["FlowLogId"] == id
    assert shown["MaxAggregationInterval"] == 600
    assert shown["LogFormat"].startswith("${version} ${account-id} ${interface-id}")
    assert (shown["LogDestinationType"], shown["LogGroupName"]) == ("cloud-watch-logs", "flows")
    assert shown["LogDestination"] == "arn:aws:logs:eu-west-1:123456789012:log-group:flows"
    assert (shown["FlowLogStatus"], shown["DeliverLogsStatus"]) == ("ACTIVE", "SUCCESS")
    again = flows.make(TagSpecifications=tags_for("vpc-flow-log"), ClientToken="once")
    assert again["FlowLogIds"] == [id]
    for name, value in (("tag:stack", "test"), ("traffic-type", "ALL"), ("flow-log-id", id)):
        assert len(flows.show(**{name: value})) == 1
    with refused("InvalidParameterValue"):
        flows.show(color="red")
    (entry,) = [e for e in lab.get("inventory")["resources"] if e["kind"] == "ec2:vpc-flow-log"]
    assert entry["arn"] == f"arn:aws:ec2:eu-west-1:123456789012:vpc-flow-log/{id}"
    assert entry["tags"]["stack"] == "test"
    assert lab.get("model-check")["refused"] == []


def test_what_no_flow_log_takes_is_refused(flows: Flows) -> None:
    flows.make()
    with refused("FlowLogAlreadyExists"):
        flows.make(
            LogGroupName=None,
            LogDestination="arn:aws:logs:eu-west-1:123456789012:log-group:flows:*",
        )
    flows.make(*flows.subnets, ResourceType="Subnet")
    assert len(flows.show()) == 3
    other = flows.make_role("other", "ecs-tasks.amazonaws.com", ACTIONS)
    wrong: list[tuple[str, str, dict[str, Any]]] = [
        (
            "InvalidParameter",
            "Unable to assume given IAM role",
            {"DeliverLogsPermissionArn": other},
        ),
        ("InvalidParameter", "can't be empty", {"DeliverLogsPermissionArn": None}),
        ("InvalidParameter", "LogDestination", {"LogGroupName": None}),
        ("InvalidParameter", "Interval", {"MaxAggregationInterval": 30}),
        ("MissingParameter", "trafficType", {"TrafficType": None}),
    ]
    for code, words, request in wrong:
        with refused(code, words):
            flows.make(**{"LogGroupName": "others", **request})
    bucket = {"LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::none"}
    with refused("InvalidParameter", "is not applicable for s3 delivery"):
        flows.make(**bucket, LogGroupName=None)
    made = flows.make(**bucket, LogGroupName=None, DeliverLogsPermissionArn=None)
    assert made["Unsuccessful"][0]["Error"]["Code"] == "400"


def test_what_is_not_there_is_answered_as_unsuccessful(flows: Flows) -> None:
    made = flows.make(flows.vpc, "vpc-12345678")
    assert len(made["FlowLogIds"]) == 1
    (missed,) = made["Unsuccessful"]
    assert missed["ResourceId"] == "vpc-12345678"
    assert missed["Error"]["Code"] == "InvalidVpcId.NotFound"
    gone = flows.ec2.delete_flow_logs(FlowLogIds=[*made["FlowLogIds"], "fl-1"])["Unsuccessful"]
    assert [it["Error"]["Code"] for it in gone] == ["InvalidFlowLogId.NotFound"]
    assert flows.show() == []


def test_a_flow_log_goes_with_what_it_is_about(flows: Flows) -> None:
    flows.make(flows.subnets[0], ResourceType="Subnet")
    flows.ec2.delete_subnet(SubnetId=flows.subnets[0])
    assert flows.show() == []


def test_a_delivery_that_failed_once_fails_for_ever(flows: Flows) -> None:
    flows.permit("flows", ["logs:PutLogEvents"])
    (id,) = flows.make()["FlowLogIds"]
    (shown,) = until(lambda: flows.show(deliver_log_status="FAILED"), "a failed delivery", 5)
    assert (shown["FlowLogId"], shown["DeliverLogsErrorMessage"]) == (id, "Access error")
    flows.permit("flows", ACTIONS)
    flows.make(flows.subnets[0], ResourceType="Subnet", LogGroupName="made")
    groups = flows.logs.describe_log_groups
    until(lambda: groups(logGroupNamePrefix="made")["logGroups"], "the other's delivery", 5)
    assert flows.show(flow_log_id=id)[0]["DeliverLogsStatus"] == "FAILED"


def test_a_log_group_that_is_deleted_first_comes_back(flows: Flows) -> None:
    (id,) = flows.make()["FlowLogIds"]
    flows.logs.delete_log_group(logGroupName="flows")
    groups = flows.logs.describe_log_groups
    until(lambda: groups()["logGroups"], "the log group", 5)
    flows.ec2.delete_flow_logs(FlowLogIds=[id])
    flows.logs.delete_log_group(logGroupName="flows")
    assert groups()["logGroups"] == []


def test_connections_of_a_load_balancer_are_written(lab: RunningLab) -> None:
    web = Web(lab)
    flows = Flows(lab, web.vpc)
    web.registry.push("web", "1")
    flows.make(LogFormat=FORM)
    web.create(web.definition())
    web.rollout()
    wanted = f" 8080 ACCEPT {web.vpc}"
    line = until(lambda: [it for it in flows.lines() if it.endswith(wanted)], "a record", 5)[0]
    streams = flows.logs.describe_log_streams(logGroupName="flows")["logStreams"]
    assert f"{line.split()[0]}-all" in {stream["logStreamName"] for stream in streams}


def test_young_flow_logs_and_roles_are_found_late(flows: Flows, lab: RunningLab) -> None:
    switch(lab, "describe-after-create", "role")
    late = flows.make_role("late", "vpc-flow-logs.amazonaws.com", ACTIONS)
    eventually(lambda: flows.make(DeliverLogsPermissionArn=late), "InvalidParameter")
    assert flows.show() == []
    until(flows.show, "the flow log", 5)


def test_a_flow_log_needs_its_resource_and_passes_its_role(flows: Flows, lab: RunningLab) -> None:
    attach(lab, ALL)
    (id,) = flows.make()["FlowLogIds"]
    flows.ec2.delete_flow_logs(FlowLogIds=[id])
    assert needed(lab, "ec2:CreateFlowLogs") == ["vpc-flow-log/*", f"vpc/{flows.vpc}"]
    assert needed(lab, "iam:PassRole") == ["role/flows"]
    assert needed(lab, "ec2:DeleteFlowLogs") == [f"vpc-flow-log/{id}"]
