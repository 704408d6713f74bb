"""Delays: how long, in which distribution, and the same again for the same seed."""

from __future__ import annotations

import json
import statistics
import urllib.error
from typing import Any

import pytest
from conftest import RunningLab

from lab.http.faults import Fault

MANY = 4000


def drawn(**members: Any) -> list[float]:
    """Many delays of one rule, in milliseconds."""
    fault = Fault("delay", **members)
    return [fault.delay() * 1000 for _ in range(MANY)]


@pytest.mark.parametrize("distribution", ["uniform", "exponential", "lognormal"])
def test_every_distribution_has_its_mean_above_the_fixed_part(distribution: str) -> None:
    delays = drawn(milliseconds=50, jitter=20, distribution=distribution, seed=3)
    assert min(delays) >= 50 and statistics.fmean(delays) == pytest.approx(70, rel=0.05)


def test_distributions_differ_in_their_tails() -> None:
    tails = {
        name: max(drawn(jitter=20, distribution=name, seed=3))
        for name in ("uniform", "exponential", "lognormal")
    }
    assert tails["uniform"] <= 40 < tails["exponential"] < tails["lognormal"]
    calm = drawn(jitter=20, distribution="lognormal", spread=0.1)
    wild = drawn(jitter=20, distribution="lognormal", spread=1.5)
    assert statistics.median(wild) < statistics.median(calm)


def test_percentiles_are_met() -> None:
    delays = drawn(milliseconds=5, percentiles={"50": 40, "90": 200, "100": 1000})
    for place, most in ((0.5, 45), (0.9, 205), (1.0, 1005)):
        within = sum(delay <= most for delay in delays)
        assert within / MANY == pytest.approx(place, abs=0.02)
    assert min(delays) >= 5 and max(delays) > 900


def test_a_seed_gives_the_same_delays_again() -> None:
    for members in (
        {"jitter": 20},
        {"percentiles": {"100": 100}},
        {"jitter": 5, "milliseconds": 1},
    ):
        assert drawn(**members, seed=7) == drawn(**members, seed=7)
        assert drawn(**members, seed=7) != drawn(**members, seed=8)


def test_calls_wait_that_long(lab: RunningLab) -> None:
    rule = {"kind": "delay", "percentiles": {"100": 200}, "seed": 7, "match": "ec2:*"}
    lab.post("faults", rule)
    for _ in range(4):
        lab.client("ec2").describe_vpcs()
    expected = drawn(percentiles={"100": 200}, seed=7)[:4]
    waited = [json.loads(line)["milliseconds"] for line in lab.get("log").splitlines()]
    assert all(wait >= wanted - 1 for wait, wanted in zip(waited, expected, strict=True))


@pytest.mark.parametrize(
    "members",
    [
        {"distribution": "nonsense"},
        {"percentiles": {"50": 40, "90": 20}},
        {"percentiles": {"150": 40}},
    ],
)
def test_a_bad_distribution_is_refused(lab: RunningLab, members: dict[str, Any]) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400"):
        lab.post("faults", {"kind": "delay", **members})
