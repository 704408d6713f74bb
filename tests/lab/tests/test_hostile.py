"""Hostile AWS: all that AWS does to a client at once, the same for the same seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError, HTTPClientError
from conftest import REGION, RunningLab

from lab.http.hostile import BY_HAND, faults


def test_a_seed_draws_the_same_faults_again_and_another_draws_others() -> None:
    assert faults(3) == faults(3) != faults(4)
    kinds = {(rule["kind"], rule.get("when")) for rule in faults(3)}
    lost = {("fail", "before"), ("fail", "after"), ("drop", "before"), ("drop", "after")}
    assert kinds == {("delay", None), ("throttle", None)} | lost


@pytest.mark.parametrize("trouble", [("hostile", {"seed": 5}), ("strict", {"buckets": True})])
def test_what_is_done_by_hand_is_done(lab: RunningLab, trouble: tuple[str, dict[str, int]]) -> None:
    lab.post(*trouble)
    keys = {"aws_access_key_id": BY_HAND, "aws_secret_access_key": BY_HAND}
    client = lab.client_at("sts", REGION, keys)
    for _ in range(300):
        client.get_caller_identity()


def test_calls_fail_and_get_lost_and_all_of_the_strict_profile_is_on(lab: RunningLab) -> None:
    lab.post("hostile", {"seed": 5})
    assert all(lab.get("strict").values())
    lab.post("strict", {"buckets": False})
    met: Counter[str] = Counter()
    client = lab.client("sts")
    for _ in range(300):
        try:
            client.get_caller_identity()
            met["answered"] += 1
        except ClientError as error:
            met[error.response["Error"]["Code"]] += 1
        except HTTPClientError:
            met["lost"] += 1
    assert {"Throttling", "InternalFailure", "ServiceUnavailable", "lost"} <= set(met)
    assert met["answered"] > 200
    lab.post("reset")
    assert not any(lab.get("strict").values()) and lab.get("faults") == {"faults": []}


def test_a_lab_that_is_started_hostile_stays_so(start_lab: Callable[..., RunningLab]) -> None:
    lab = start_lab("--hostile", "5")
    lab.post("reset")
    assert all(lab.get("strict").values()) and len(lab.get("faults")["faults"]) == len(faults(5))


@pytest.mark.parametrize("body", [{}, {"seed": "much"}])
def test_a_seed_is_a_number(lab: RunningLab, body: dict[str, str]) -> None:
    with pytest.raises(Exception, match="400"):
        lab.post("hostile", body)
