"""Dashboards: of an account, not of a region."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from conftest import LAB_KEYS, RunningLab
from stack import TAGS, refused

TEXT = {"type": "text", "x": 0, "y": 0, "width": 24, "height": 2, "properties": {"markdown": "#"}}
CHART: dict[str, Any] = {
    "type": "metric",
    "properties": {
        "region": "eu-west-1",
        "metrics": [
            ["AWS/ECS", "CPUUtilization", "ClusterName", "main", {"stat": "Average"}],
            ["...", "other"],
            [{"expression": "m1*2", "id": "e1"}],
        ],
    },
}


def body(*widgets: Any, **more: Any) -> str:
    """A body with these widgets."""
    return json.dumps({"widgets": list(widgets), **more})


def test_dashboards_are_of_an_account_in_whatever_region(lab: RunningLab) -> None:
    here = lab.client("cloudwatch")
    there = lab.client_at("cloudwatch", "eu-central-1", LAB_KEYS)
    whole = body(TEXT, CHART)
    put = here.put_dashboard(DashboardName="shop-web", DashboardBody=whole, Tags=TAGS)
    assert put["DashboardValidationMessages"] == []
    found = there.get_dashboard(DashboardName="shop-web")
    arn = "arn:aws:cloudwatch::123456789012:dashboard/shop-web"
    assert (found["DashboardArn"], found["DashboardBody"]) == (arn, whole)
    other = [{"Key": "other", "Value": "tag"}]
    there.put_dashboard(DashboardName="shop-web", DashboardBody=body(), Tags=other)
    assert here.list_tags_for_resource(ResourceARN=arn)["Tags"] == TAGS
    there.put_dashboard(DashboardName="other", DashboardBody=body())
    (entry,) = here.list_dashboards(DashboardNamePrefix="shop-")["DashboardEntries"]
    assert (entry["DashboardName"], entry["Size"]) == ("shop-web", len(body()))
    there.tag_resource(ResourceARN=arn, Tags=other)
    here.untag_resource(ResourceARN=arn, TagKeys=["stack", "Name"])
    assert there.list_tags_for_resource(ResourceARN=arn)["Tags"] == other
    with refused("ResourceNotFound", "none"):
        here.delete_dashboards(DashboardNames=["none", "shop-web"])
    names = [it["DashboardName"] for it in there.list_dashboards()["DashboardEntries"]]
    assert names == ["other"], "as many as it can"
    with refused("ResourceNotFoundException"):
        here.list_tags_for_resource(ResourceARN=arn)
    with refused("InvalidParameterValue"):
        here.delete_dashboards(DashboardNames=[f"x{number}" for number in range(101)])


BAD = [
    ("{", "must be a valid JSON object"),
    ("[]", "Should be object"),
    ("{}", "required property 'widgets'"),
    (body({"properties": {}}), "required property 'type'"),
    (body({"type": "poem", "properties": {}}), "one of the allowed values"),
    (body({**TEXT, "width": 25}), "Should be <= 24"),
    (body({**TEXT, "properties": {}}), "required property 'markdown'"),
    (body({"type": "metric", "properties": {"metrics": [["A", "b"]]}}), "property 'region'"),
    (
        body({"type": "metric", "properties": {"region": "x", "metrics": [["A", "b", "c"]]}}),
        "Should NOT have more than 2 items",
    ),
    (
        body({"type": "metric", "properties": {"region": "x", "metrics": [["A", 1]]}}),
        "only 'String' type is allowed",
    ),
]


def test_a_body_is_looked_at(lab: RunningLab) -> None:
    cloudwatch = lab.client("cloudwatch")
    for text, words in BAD:
        with pytest.raises(ClientError) as caught:
            cloudwatch.put_dashboard(DashboardName="shop", DashboardBody=text)
        error = caught.value.response
        assert error["Error"]["Code"] == "InvalidParameterInput" and words in str(caught.value)
        assert words in error["dashboardValidationMessages"][0]["Message"]
    with refused("InvalidParameterValue", "DashboardName"):
        cloudwatch.put_dashboard(DashboardName="a b", DashboardBody=body())
    odd = cloudwatch.put_dashboard(DashboardName="shop", DashboardBody=body({**TEXT, "colour": 1}))
    (message,) = odd["DashboardValidationMessages"]
    assert message["DataPath"] == "/widgets/0/colour"
