"""The strict profile as a whole, and its switches."""

from __future__ import annotations

import subprocess
import urllib.error
from collections.abc import Callable

import pytest
from conftest import START, RunningLab, until
from late import TRUST, code, switch
from test_services import Web

LATE = {"ClusterNotFoundException", "InvalidParameterException", "NoSuchEntity"}


def test_each_part_is_named_on_the_command_line(start_lab: Callable[..., RunningLab]) -> None:
    lab = start_lab("--strict", "role,pages")
    assert {part for part, on in lab.get("strict").items() if on} == {"role", "pages"}
    lab.post("strict", {"pages": False, "quotas": True})
    assert {part for part, on in lab.get("strict").items() if on} == {"role", "quotas"}
    lab.post("reset")
    assert {part for part, on in lab.get("strict").items() if on} == {"role", "pages"}


def test_a_part_that_nobody_knows_is_refused(lab: RunningLab) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400"):
        switch(lab, "nonsense")
    ended = subprocess.run(
        [START, "--strict", "nonsense"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2 and "no part is called 'nonsense'" in ended.stderr


@pytest.mark.slow
def test_a_service_comes_up_for_whoever_is_patient(start_lab: Callable[..., RunningLab]) -> None:
    lab = start_lab("--profile", "strict")
    assert all(lab.get("strict").values())
    # What makes the network is less patient than who deploys.
    hasty = ("second-call", "network-elsewhere")
    lab.post("strict", dict.fromkeys(hasty, False))
    ecs, iam = lab.client("ecs"), lab.client("iam")
    refusals: set[str | None] = set()

    def patiently(what: str, call: Callable[[], object]) -> None:
        def attempt() -> bool:
            refusals.add(refusal := code(call))
            assert refusal is None or refusal in LATE
            return refusal is None

        until(attempt, what)

    patiently("a cluster", lambda: ecs.create_cluster(clusterName="first"))
    iam.create_role(RoleName="other", AssumeRolePolicyDocument=TRUST)
    patiently("a role", lambda: iam.get_role(RoleName="other"))
    web = Web(lab)
    web.registry.push("web", "1")
    definition = web.definition(environment={"NAME": "patient"})
    patiently("the service", lambda: web.create(definition))
    shown = {"cluster": "main", "services": ["web"]}
    until(lambda: ecs.describe_services(**shown)["services"], "a description of it")
    web.rollout()
    assert web.get().startswith("patient")
    assert refusals >= LATE
