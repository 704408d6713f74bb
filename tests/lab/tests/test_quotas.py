"""Service Quotas, and what tasks are told that need more vCPUs than there are."""

from __future__ import annotations

import urllib.error
from typing import Any

import pytest
from conftest import RunningLab
from jobs import Jobs
from stack import refused

SPOT = {"ServiceCode": "fargate", "QuotaCode": "L-36FBB829"}
ON_DEMAND = {"ServiceCode": "fargate", "QuotaCode": "L-3032A538"}


def apply(lab: RunningLab, value: float | None, quota: str = ON_DEMAND["QuotaCode"]) -> None:
    """Applies a quota of Fargate."""
    lab.post("quotas", {"service": "fargate", "quota": quota, "value": value})


def values(answer: dict[str, Any]) -> dict[str, float]:
    """Quotas by their codes."""
    return {it["QuotaCode"]: it["Value"] for it in answer["Quotas"]}


def test_a_quota_has_a_default_and_a_value_only_where_one_was_applied(lab: RunningLab) -> None:
    quotas = lab.client("service-quotas")
    default = quotas.get_aws_default_service_quota(**ON_DEMAND)["Quota"]
    assert (default["Value"], default["QuotaName"]) == (6, "Fargate On-Demand vCPU resource count")
    with refused("NoSuchResourceException"):
        quotas.get_service_quota(**ON_DEMAND)
    apply(lab, 2)
    assert quotas.get_service_quota(**ON_DEMAND)["Quota"]["Value"] == 2
    assert values(quotas.list_service_quotas(ServiceCode="fargate")) == {"L-3032A538": 2}
    everybody = quotas.list_aws_default_service_quotas(ServiceCode="fargate")
    assert values(everybody) == {"L-3032A538": 6, "L-36FBB829": 6}
    apply(lab, None)
    assert not quotas.list_service_quotas(ServiceCode="fargate")["Quotas"]
    with refused("NoSuchResourceException", "the specified service does not exist"):
        quotas.list_service_quotas(ServiceCode="Fargate")
    with pytest.raises(urllib.error.HTTPError):
        apply(lab, 1, quota="L-0")


def test_a_task_beyond_the_quota_of_its_capacity_is_not_placed(lab: RunningLab) -> None:
    jobs = Jobs(lab)
    apply(lab, 0.5)
    definition = jobs.definition(jobs.container(environment={}))
    answer = jobs.run(definition, count=3)
    assert len(answer["tasks"]) == 2
    assert [it["reason"] for it in answer["failures"]] == [
        "You've reached the limit on the number of vCPUs you can run concurrently"
    ]
    apply(lab, 0, quota=SPOT["QuotaCode"])
    apply(lab, None)
    assert not jobs.run(definition)["failures"]
