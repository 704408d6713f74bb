"""Capacity of Fargate that stays and that goes: who runs where, and what is refused."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError
from conftest import RunningLab, until
from stack import placed
from test_services import Web

BOTH = ["FARGATE", "FARGATE_SPOT"]


@pytest.fixture
def web(lab: RunningLab) -> Web:
    """Everything but the service itself."""
    made = Web(lab)
    made.registry.push("web", "1")
    return made


def provide(web: Web, *providers: str) -> None:
    """Gives the cluster capacity."""
    web.ecs.put_cluster_capacity_providers(
        cluster="main", capacityProviders=providers, defaultCapacityProviderStrategy=[]
    )


def strategy(base: int, fargate: int, spot: int) -> list[dict[str, Any]]:
    """So many tasks that stay, and the others by weight."""
    return [
        {"capacityProvider": "FARGATE", "base": base, "weight": fargate},
        {"capacityProvider": "FARGATE_SPOT", "weight": spot},
    ]


def where(web: Web) -> Counter[str]:
    """How many tasks run on which capacity."""
    arns = web.ecs.list_tasks(cluster="main", serviceName="web")["taskArns"]
    tasks = web.ecs.describe_tasks(cluster="main", tasks=arns)["tasks"] if arns else []
    return Counter(task.get("capacityProviderName", "none") for task in tasks)


def create(web: Web, count: int, **settings: Any) -> Any:
    """A service without a load balancer."""
    return web.ecs.create_service(
        cluster="main",
        serviceName="web",
        taskDefinition=web.definition(),
        desiredCount=count,
        networkConfiguration=placed(web.subnets, web.group),
        **settings,
    )["service"]


def refused(call: Any, **settings: Any) -> str:
    """What is said of a call that is refused."""
    with pytest.raises(ClientError) as error:
        call(**settings)
    return str(error.value)


def test_tasks_beyond_the_base_are_spread_by_weight(web: Web) -> None:
    provide(web, *BOTH)
    made = create(web, 4, capacityProviderStrategy=strategy(2, 1, 1))
    assert "launchType" not in made
    assert made["capacityProviderStrategy"][1] == {
        "capacityProvider": "FARGATE_SPOT",
        "base": 0,
        "weight": 1,
    }
    web.rollout()
    assert where(web) == {"FARGATE": 3, "FARGATE_SPOT": 1}


def test_another_strategy_moves_tasks_only_when_a_deployment_is_forced(web: Web) -> None:
    provide(web, *BOTH)
    create(web, 2, launchType="FARGATE")
    first = web.rollout()["deployments"][0]["id"]
    target = {"cluster": "main", "service": "web"}
    web.ecs.update_service(**target, capacityProviderStrategy=strategy(0, 0, 1))
    service = web.describe()
    assert service["deployments"][0]["id"] == first and "launchType" not in service
    assert where(web) == {"none": 2}
    web.ecs.update_service(**target, forceNewDeployment=True)
    until(lambda: where(web) == {"FARGATE_SPOT": 2}, "other capacity")
    web.rollout()
    web.ecs.update_service(**target, capacityProviderStrategy=[], forceNewDeployment=True)
    assert web.describe()["launchType"] == "FARGATE"
    until(lambda: where(web) == {"none": 2}, "the launch type")


def test_what_a_cluster_has_no_capacity_for_is_refused(web: Web) -> None:
    wanted = strategy(1, 1, 1)
    for settings in (
        {"capacityProviderStrategy": wanted},
        {"capacityProviderStrategy": wanted, "launchType": "FARGATE"},
        {"capacityProviderStrategy": [{"capacityProvider": "machines", "weight": 1}]},
    ):
        assert "InvalidParameterException" in refused(lambda **kw: create(web, 1, **kw), **settings)
    provide(web, *BOTH)
    nothing = refused(lambda **kw: create(web, 1, **kw), capacityProviderStrategy=strategy(1, 0, 0))
    assert "weight" in nothing
    create(web, 1, capacityProviderStrategy=wanted)
    web.rollout()
    empty = refused(
        web.ecs.update_service, cluster="main", service="web", capacityProviderStrategy=[]
    )
    assert "cannot be empty" in empty
    assert "ResourceInUseException" in refused(lambda: provide(web, "FARGATE_SPOT"))


NO_CAPACITY = (
    "(service web) was unable to place a task. Reason: Capacity is unavailable at this time. Please "
    "try again later or in a different availability zone."
)


def test_a_service_that_finds_no_capacity_says_so_and_tries_again(web: Web) -> None:
    web.lab.post("capacity", {"times": 2})
    create(web, 1, launchType="FARGATE")
    service = web.rollout()
    assert web.messages().count(NO_CAPACITY) == 2
    assert service["runningCount"] == 1


def test_a_shortage_of_spot_is_not_made_up_for_by_other_capacity(web: Web) -> None:
    provide(web, *BOTH)
    web.lab.post("capacity", {"provider": "FARGATE_SPOT", "times": None})
    create(web, 4, capacityProviderStrategy=strategy(0, 1, 1))
    until(lambda: where(web) == {"FARGATE": 2}, "the tasks that stay")
    until(lambda: web.messages().count(NO_CAPACITY) > 1, "more than one try")
    assert where(web) == {"FARGATE": 2}
    web.lab.post("capacity", {"times": 0})
    until(lambda: where(web) == {"FARGATE": 2, "FARGATE_SPOT": 2}, "Spot")


def test_an_interrupted_spot_task_is_told_to_end_and_replaced(web: Web) -> None:
    provide(web, *BOTH)
    create(web, 2, capacityProviderStrategy=strategy(1, 0, 1))
    web.rollout()
    (interrupted,) = web.lab.post("spot", {})["interrupted"]
    ended = until(lambda: [it for it in web.stopped() if it["lastStatus"] == "STOPPED"], "its end")
    assert [it["taskArn"].rsplit("/", 1)[-1] for it in ended] == [interrupted]
    assert (ended[0]["stopCode"], ended[0]["stoppedReason"]) == (
        "SpotInterruption",
        "Your Spot Task was interrupted.",
    )
    until(lambda: where(web) == {"FARGATE": 1, "FARGATE_SPOT": 1}, "another one")
