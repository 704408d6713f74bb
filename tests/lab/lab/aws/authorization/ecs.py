"""ECS. Clusters, services and tasks are named by name or ARN, and the cluster may be left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from moto.ecs.exceptions import ECSException
from moto.ecs.models import TaskDefinition as Definition

from lab.aws.authorization.table import (
    Asked,
    Facts,
    On,
    Service,
    Target,
    Want,
    found,
    named,
    passing,
    tagging,
)
from lab.running.tasks.requests import find

# Where a service names roles of ECS's own (ECS API reference, CreateService).
SERVICE_ROLES = (
    "role",
    "loadBalancers.advancedConfiguration.roleArn",
    "deploymentConfiguration.lifecycleHooks.roleArn",
    "volumeConfigurations.managedEBSVolume.roleArn",
    "vpcLatticeConfigurations.roleArn",
)


def _cluster(asked: Asked) -> str:
    name = asked.text("cluster") or asked.text("clusterName") or "default"
    return name.rsplit("/", 1)[-1]


def _in_cluster(kind: str, *paths: str) -> On:
    """What is in a cluster, by the last part of its name."""

    def resources(asked: Asked) -> Iterator[str]:
        for name in (str(name) for path in paths for name in asked.all(path)):
            parts = name.split("/")
            cluster = parts[1] if len(parts) == 3 else _cluster(asked)
            yield f"{kind}/{cluster}/{parts[-1]}"

    return found(resources)


def _with_service(kind: str, path: str) -> On:
    """Deployments and revisions of a service, and the service."""

    def resources(asked: Asked) -> Iterator[str]:
        for arn in asked.all(path):
            yield arn
            if len(parts := arn.split("/")) == 4:
                yield f"service/{parts[1]}/{parts[2]}"

    return found(resources)


def _definition(asked: Asked) -> Iterator[str]:
    for name in asked.all("taskDefinitions"):
        yield f"task-definition/{name.rsplit('/', 1)[-1]}"


def _run(asked: Asked) -> Definition | None:
    """The definition that RunTask names, where it is there."""
    try:
        return find(asked.place, dict(asked.members))[1]
    except ECSException:
        return None


def _to_run(asked: Asked) -> Iterator[str]:
    definition = _run(asked)
    name = asked.text("taskDefinition").rsplit("/", 1)[-1]
    yield definition.arn if definition else f"task-definition/{name}"


def _passed_to_run(asked: Asked) -> Iterator[Want]:
    definition = _run(asked)
    for kind in ("execution", "task"):
        named = getattr(definition, f"{kind}_role_arn", None)
        if role := asked.text(f"overrides.{kind}RoleArn") or named:
            known = {"iam:passedtoservice": ("ecs-tasks.amazonaws.com",)}
            yield Want("iam:PassRole", Target(role, {}), known)


def _clusters(asked: Asked) -> Iterator[str]:
    for name in asked.all("clusters") or ["default"]:
        yield f"cluster/{name.rsplit('/', 1)[-1]}"


def _at_cluster(form: str) -> Callable[[Asked], Iterator[str]]:
    def resources(asked: Asked) -> Iterator[str]:
        yield form.format(_cluster(asked))

    return resources


CLUSTER = found(_at_cluster("cluster/{}"))
SERVICES = [_in_cluster("service", "serviceName", "service", "services")]
TAGGED = [named("{}", "resourceArn")]
DEPLOYMENT = [_with_service("service-deployment", "serviceDeploymentArn")]


def _beside(asked: Asked) -> Iterator[Want]:
    if asked.operation == "RegisterTaskDefinition":
        yield from passing(asked, "ecs-tasks.amazonaws.com", "executionRoleArn", "taskRoleArn")
        yield from tagging(asked, "TagResource", f"task-definition/{asked.text('family')}:*")
    elif asked.operation == "CreateCluster":
        yield from tagging(asked, "TagResource", f"cluster/{_cluster(asked)}")
    elif asked.operation == "RunTask":
        yield from _passed_to_run(asked)
        yield from tagging(asked, "TagResource", f"task/{_cluster(asked)}/*")
    elif asked.operation in ("CreateService", "UpdateService"):
        yield from passing(asked, "ecs.amazonaws.com", *SERVICE_ROLES)
        name = f"service/{_cluster(asked)}/{asked.text('serviceName')}"
        yield from tagging(asked, "TagResource", name)


def _facts(asked: Asked) -> Facts:
    if not asked.all("cluster"):
        return {}
    return {"ecs:cluster": (asked.arn(f"cluster/{_cluster(asked)}"),)}


SERVICE = Service(
    {
        "ContinueServiceDeployment": DEPLOYMENT,
        "CreateCluster": [CLUSTER],
        "CreateService": SERVICES,
        "DeleteCluster": [CLUSTER],
        "DeleteService": SERVICES,
        "DeleteTaskDefinitions": [found(_definition)],
        "DescribeClusters": [found(_clusters)],
        "DescribeServiceDeployments": [
            _with_service("service-deployment", "serviceDeploymentArns")
        ],
        "DescribeServiceRevisions": [_with_service("service-revision", "serviceRevisionArns")],
        "DescribeServices": SERVICES,
        "DescribeTasks": [_in_cluster("task", "tasks")],
        "ExecuteCommand": [CLUSTER, _in_cluster("task", "task")],
        "ListServiceDeployments": SERVICES,
        "ListTagsForResource": TAGGED,
        "ListTasks": [found(_at_cluster("container-instance/{}/*"))],
        "PutClusterCapacityProviders": [CLUSTER],
        "RegisterTaskDefinition": [named("task-definition/{}:*", "family")],
        "RunTask": [found(_to_run)],
        "StopServiceDeployment": DEPLOYMENT,
        "StopTask": [_in_cluster("task", "task")],
        "TagResource": TAGGED,
        "UntagResource": TAGGED,
        "UpdateCluster": [CLUSTER],
        "UpdateClusterSettings": [CLUSTER],
        "UpdateService": SERVICES,
    },
    _beside,
    _facts,
)
