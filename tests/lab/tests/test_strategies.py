"""Blue/green, linear and canary deployments: traffic moves between two target groups, and back."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from conftest import RunningLab, until
from pairs import TARGET, Pair
from stack import forward, refused

BLUE_GREEN = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0}
STAGES = [
    "PRE_SCALE_UP",
    "SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
    "BAKE_TIME",
    "CLEAN_UP",
]


@pytest.fixture
def pair(lab: RunningLab) -> Pair:
    """Everything but the service itself."""
    return Pair(lab)


def seen(pair: Pair, arn: str) -> list[str]:
    """The stages of a deployment that are seen from now on."""
    found: list[str] = []
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        record = pair.record(arn)
        if record["lifecycleStage"] not in found[-1:]:
            found.append(record["lifecycleStage"])
        if record["status"] != "IN_PROGRESS":
            return found
    raise AssertionError(found)


def pausing(stage: str) -> dict[str, Any]:
    """A hook that waits in a stage."""
    return {"lifecycleHooks": [{"targetType": "PAUSE", "lifecycleStages": [stage]}]}


def waiting(pair: Pair, arn: str, but: str = "") -> str:
    """The hook that a deployment waits for, other than this one."""

    def look() -> Any:
        hooks = pair.record(arn).get("lifecycleHookDetails") or []
        waits = [it["hookId"] for it in hooks if it["status"] == "AWAITING_ACTION"]
        return waits[0] if waits and waits[0] != but else None

    hook: str = until(look, "a hook that waits", 15)
    return hook


def go_on(pair: Pair, arn: str, hook: str, action: str = "CONTINUE") -> None:
    """Says how it goes on."""
    pair.ecs.continue_service_deployment(serviceDeploymentArn=arn, hookId=hook, action=action)


def test_traffic_goes_to_the_other_group_and_comes_back_with_the_next(pair: Pair) -> None:
    service = pair.start(BLUE_GREEN)
    # The first tasks take over too, from nobody.
    assert pair.weights(pair.production) == (0, 100)
    assert service["loadBalancers"][0]["targetGroupArn"] == pair.other
    assert pair.serving(pair.newest()) == pair.other and pair.get().startswith("one")

    pair.ecs.update_service(**TARGET, deploymentConfiguration=pausing("POST_SCALE_UP"))
    arn = pair.roll(NAME="two")
    hook = waiting(pair, arn)
    deployments = pair.describe()["deployments"]
    assert [(it["status"], it["desiredCount"]) for it in deployments] == [
        ("PRIMARY", 1),
        ("ACTIVE", 1),
    ]
    record = pair.record(arn)
    (source,), target = record["sourceServiceRevisions"], record["targetServiceRevision"]
    assert (source["runningTaskCount"], target["runningTaskCount"]) == (1, 1)
    assert source["requestedProductionTrafficWeight"] == 100
    assert pair.weights(pair.production) == (0, 100) and pair.get().startswith("one")
    go_on(pair, arn, hook)
    stages = seen(pair, arn)
    assert stages == [it for it in STAGES if it in stages]
    assert pair.record(arn)["status"] == "SUCCESSFUL"
    assert pair.weights(pair.production) == pair.weights(pair.test) == (100, 0)
    assert pair.serving(pair.record(arn)) == pair.targets and pair.get().startswith("two")
    assert pair.describe()["runningCount"] == 1


def steps(pair: Pair, arn: str, number: int) -> list[tuple[int, int]]:
    """Lets a deployment take its steps; how the traffic goes before each of them."""
    found, hook = [], ""
    for _ in range(number):
        hook = waiting(pair, arn, but=hook)
        found.append(pair.weights(pair.production))
        go_on(pair, arn, hook)
    pair.ended(arn, "SUCCESSFUL")
    return found


def test_linear_and_canary_move_shares_one_after_the_other(pair: Pair) -> None:
    linear = {"stepPercent": 40, "stepBakeTimeInMinutes": 0}
    pauses = pausing("PRE_PRODUCTION_TRAFFIC_SHIFT")
    pair.make({"strategy": "LINEAR", "linearConfiguration": linear, **pauses})
    first = pair.describe()["currentServiceDeployment"]
    assert steps(pair, first, 3) == [(1, 0), (60, 40), (20, 80)]
    canary = {"canaryPercent": 0.5, "canaryBakeTimeInMinutes": 0}
    change = {"strategy": "CANARY", "canaryConfiguration": canary}
    service = pair.ecs.update_service(**TARGET, deploymentConfiguration=change)["service"]
    assert "linearConfiguration" not in service["deploymentConfiguration"]
    assert steps(pair, pair.roll(NAME="two"), 2) == [(0, 100), (5, 995)]


def test_what_is_no_strategy_and_no_pair_is_refused(pair: Pair) -> None:
    def refuses(words: str, configuration: dict[str, Any], ports: Any = None) -> None:
        with refused("InvalidParameterException", words):
            pair.make(configuration, ports)

    linear = {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 2.9}}
    refuses("stepPercent must be", linear)
    refuses("only be present with LINEAR", {**linear, **BLUE_GREEN})
    refuses("bakeTimeInMinutes", {**BLUE_GREEN, "bakeTimeInMinutes": 1441})
    refuses("bakeTimeInMinutes", {"strategy": "BLUE_GREEN"})
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    refuses("only supported with the ROLLING", {**BLUE_GREEN, **breaker})
    refuses("lifecycleStages", {**BLUE_GREEN, **pausing("PRODUCTION_TRAFFIC_SHIFT")})
    plain = [{key: it[key] for key in it if key != "advancedConfiguration"} for it in pair.ports()]
    refuses("advancedConfiguration is required", BLUE_GREEN, plain)
    listener = pair.production.replace("-rule/", "/").rpartition("/")[0]
    for words, advanced in (
        ("must have a roleArn", {"roleArn": None}),
        ("not the ARN of a listener rule", {"productionListenerRule": listener}),
        ("must not be the same", {"alternateTargetGroupArn": pair.targets}),
    ):
        refuses(words, BLUE_GREEN, pair.ports(**advanced))
    for rule in (pair.production, pair.test):
        one = [{"Type": "forward", "TargetGroupArn": pair.targets}]
        pair.elbv2.modify_rule(RuleArn=rule, Actions=one)
    refuses("Both targetGroup and alternateTargetGroup", BLUE_GREEN)


def test_a_rolling_service_gets_its_pair_first_and_then_its_strategy(pair: Pair) -> None:
    pair.create(pair.definition(environment={"NAME": "one"}))
    pair.rollout()
    update = {**TARGET, "deploymentConfiguration": BLUE_GREEN}
    with refused("InvalidParameterException", "have no advancedConfiguration"):
        pair.ecs.update_service(**update, loadBalancers=pair.ports())
    pair.ecs.update_service(**TARGET, loadBalancers=pair.ports())
    with refused("InvalidParameterException", "deployment in progress"):
        pair.ecs.update_service(**update)
    pair.rollout()
    pair.ecs.update_service(**update)
    arn = pair.roll(NAME="two")
    with refused("InvalidParameterException", "deployment in progress"):
        pair.ecs.update_service(**TARGET, forceNewDeployment=True)
    pair.ended(arn, "SUCCESSFUL")
    # The pair as it was sent before is now the wrong way round.
    pair.ecs.update_service(**TARGET, loadBalancers=pair.ports())
    assert pair.serving(pair.newest()) == pair.other
    pair.rollout()
    rolling = {"strategy": "ROLLING"}
    pair.ecs.update_service(**TARGET, deploymentConfiguration={"bakeTimeInMinutes": 5})
    pair.ecs.update_service(**TARGET, deploymentConfiguration=rolling, forceNewDeployment=True)
    pair.rollout()
    assert pair.weights(pair.production) == (0, 100) and pair.get().startswith("two")


def test_a_network_load_balancer_moves_its_listener(pair: Pair) -> None:
    settings = {"Protocol": "TCP", "VpcId": pair.vpc, "TargetType": "ip", "Port": 8080}
    blue, green = (
        pair.elbv2.create_target_group(Name=name, **settings)["TargetGroups"][0]["TargetGroupArn"]
        for name in ("net-blue", "net-green")
    )
    made = pair.elbv2.create_load_balancer(
        Name="net", Type="network", Subnets=pair.subnets, SecurityGroups=[pair.group]
    )
    balancer = made["LoadBalancers"][0]["LoadBalancerArn"]
    production, test = (
        pair.elbv2.create_listener(
            LoadBalancerArn=balancer, Protocol="TCP", Port=port, DefaultActions=forward(group)
        )["Listeners"][0]["ListenerArn"]
        for port, group in ((80, blue), (81, green))
    )
    rules = {"productionListenerRule": production, "testListenerRule": test}
    (port,) = pair.ports(alternateTargetGroupArn=green, **rules)
    pair.start(BLUE_GREEN, [{**port, "targetGroupArn": blue}])
    pair.ended(pair.roll(NAME="two"), "SUCCESSFUL")
    for arn in (production, test):
        (listener,) = pair.elbv2.describe_listeners(ListenerArns=[arn])["Listeners"]
        groups = listener["DefaultActions"][0]["ForwardConfig"]["TargetGroups"]
        assert {it["TargetGroupArn"]: it["Weight"] for it in groups} == {blue: 100, green: 0}


def test_tasks_that_never_get_healthy_never_have_traffic(pair: Pair) -> None:
    pair.start(BLUE_GREEN)
    first = pair.newest()["targetServiceRevision"]["arn"]
    (old,) = pair.ecs.list_tasks(cluster="main")["taskArns"]
    record = pair.ended(pair.roll(NAME="two", EXIT="3"), "ROLLBACK_SUCCESSFUL")
    assert record["rollback"]["serviceRevisionArn"] == first
    assert pair.ecs.list_tasks(cluster="main")["taskArns"] == [old]
    assert pair.weights(pair.production) == (0, 100) and pair.get().startswith("one")
    assert pair.describe()["taskDefinition"].endswith(":1")
    # The next one goes where the one that was given up would have gone.
    assert pair.serving(pair.record(pair.roll(NAME="three"))) == pair.targets


def test_a_first_one_has_nothing_to_go_back_to_and_tries_on(pair: Pair) -> None:
    pair.make(BLUE_GREEN, EXIT="3")
    arn = pair.describe()["currentServiceDeployment"]
    until(lambda: pair.describe()["deployments"][0]["failedTasks"] > 3, "a fourth failure", 15)
    assert pair.record(arn)["status"] == "IN_PROGRESS"
    pair.ecs.stop_service_deployment(serviceDeploymentArn=arn)
    assert pair.ended(arn, "STOPPED")["lifecycleStage"] == "SCALE_UP"
    assert pair.weights(pair.production) == (1, 0)


def test_a_role_that_may_not_move_traffic_lets_the_deployment_fail(pair: Pair) -> None:
    pair.start(BLUE_GREEN)
    deny = {"Effect": "Deny", "Action": "elasticloadbalancing:ModifyRule", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    iam = pair.lab.client("iam")
    iam.put_role_policy(RoleName="mover", PolicyName="no", PolicyDocument=document)
    arn = pair.roll(NAME="two")
    record = until(lambda: (r := pair.record(arn))["status"] != "IN_PROGRESS" and r, "the end")
    assert "not authorized to perform: elasticloadbalancing:ModifyRule" in pair.messages()
    iam.delete_role_policy(RoleName="mover", PolicyName="no")
    assert pair.ended(arn, "ROLLBACK_SUCCESSFUL") and record["status"].startswith("ROLLBACK")


PAUSES = {
    **BLUE_GREEN,
    "lifecycleHooks": [
        {
            "targetType": "PAUSE",
            "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"],
            "timeoutConfiguration": {"timeoutInMinutes": 10, "action": "CONTINUE"},
        }
    ],
}


def test_a_pause_waits_until_somebody_says_how_it_goes_on(pair: Pair) -> None:
    pair.make(PAUSES)
    arn = pair.describe()["currentServiceDeployment"]
    first = waiting(pair, arn)
    assert pair.weights(pair.test) == (0, 100) and pair.weights(pair.production) == (1, 0)
    with refused("InvalidParameterException", "does not wait"):
        pair.ecs.continue_service_deployment(serviceDeploymentArn=arn, hookId="other")
    go_on(pair, arn, first)
    with refused("InvalidParameterException", "does not wait"):
        pair.ecs.continue_service_deployment(serviceDeploymentArn=arn, hookId=first)
    second = waiting(pair, arn, but=first)
    assert second.startswith("ecs-pause-") and pair.weights(pair.production) == (0, 100)
    # Nobody answers: ten minutes later it goes on.
    pair.lab.post("clock", {"advance": 601})
    pair.ended(arn, "SUCCESSFUL")

    arn = pair.roll(NAME="two")
    first = waiting(pair, arn)
    go_on(pair, arn, first)
    hook = waiting(pair, arn, but=first)
    go_on(pair, arn, hook, "ROLLBACK")
    pair.ended(arn, "ROLLBACK_SUCCESSFUL")
    assert pair.weights(pair.production) == pair.weights(pair.test) == (0, 100)
    assert pair.get().startswith("one")


def test_rolling_deployments_wait_too(pair: Pair) -> None:
    pair.create(pair.definition(environment={"NAME": "one"}))
    pair.rollout()
    pair.ecs.update_service(**TARGET, deploymentConfiguration=pausing("PRE_SCALE_UP"))
    arn = pair.roll(NAME="two")
    hook = waiting(pair, arn)
    assert [it["pendingCount"] for it in pair.describe()["deployments"]] == [0, 0]
    go_on(pair, arn, hook)
    pair.ended(arn, "SUCCESSFUL")
    assert pair.get().startswith("two")


@pytest.mark.parametrize("stage", ["POST_SCALE_UP", "POST_PRODUCTION_TRAFFIC_SHIFT", "CLEAN_UP"])
def test_it_is_stopped_in_any_stage(pair: Pair, stage: str) -> None:
    pair.start(BLUE_GREEN, LINGER="3")
    hooks = pausing(stage) if stage != "CLEAN_UP" else {}
    pair.ecs.update_service(**TARGET, deploymentConfiguration=hooks)
    arn = pair.roll(NAME="two")
    pair.at(arn, stage)
    pair.ecs.stop_service_deployment(serviceDeploymentArn=arn)
    pair.ended(arn, "ROLLBACK_SUCCESSFUL")
    assert pair.weights(pair.production) == pair.weights(pair.test) == (0, 100)
    assert until(lambda: pair.describe()["runningCount"] == 1, "the tasks of before")
    assert pair.get().startswith("one")


def alarm(pair: Pair, state: str) -> None:
    """Sets the alarm `errors`."""
    cloudwatch = pair.lab.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="errors",
        Namespace="own",
        MetricName="errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=5,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue=state, StateReason="by hand")


ALARMS = {"alarms": {"alarmNames": ["errors"], "enable": True, "rollback": True}}


@pytest.mark.slow
def test_an_alarm_while_it_bakes_brings_the_traffic_back(
    start_lab: Callable[..., RunningLab],
) -> None:
    pair = Pair(start_lab("--scale", "0.01"))
    alarm(pair, "ALARM")
    pair.start({**BLUE_GREEN, **ALARMS, "bakeTimeInMinutes": 0})
    longer = {"bakeTimeInMinutes": 30}
    alarm(pair, "OK")
    pair.ecs.update_service(**TARGET, deploymentConfiguration=longer)
    arn = pair.roll(NAME="two")
    pair.at(arn, "BAKE_TIME")
    assert pair.get().startswith("two") and pair.describe()["runningCount"] == 2
    alarm(pair, "ALARM")
    record = pair.ended(arn, "ROLLBACK_SUCCESSFUL")
    assert record["alarms"]["triggeredAlarmNames"] == ["errors"]
    assert pair.get().startswith("one")


@pytest.mark.slow
def test_a_rolling_deployment_is_watched_for_a_while_after_it_is_stable(
    start_lab: Callable[..., RunningLab],
) -> None:
    pair = Pair(start_lab("--scale", "0.01"))
    alarm(pair, "OK")
    pair.start(ALARMS)
    arn = pair.roll(NAME="two")
    until(lambda: pair.get().startswith("two"), "the new tasks")
    until(lambda: pair.describe()["runningCount"] == 1, "the end of the old ones")
    assert pair.record(arn)["status"] == "IN_PROGRESS"
    alarm(pair, "ALARM")
    pair.ended(arn, "ROLLBACK_SUCCESSFUL")
    assert pair.get().startswith("one")
