"""ECS services that run the pushed image behind a load balancer."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from conftest import RunningLab, until
from image import Registry
from stack import (
    TAGS,
    balancer,
    execution_role,
    forward,
    lead_out,
    network,
    placed,
    refused,
    target_group,
)

LOW_TAGS = [{"key": tag["Key"], "value": tag["Value"]} for tag in TAGS]


class Web:
    """A service `web` and all that it needs."""

    def __init__(self, lab: RunningLab) -> None:
        self.lab, self.ecs = lab, lab.client("ecs")
        self.ec2, self.elbv2 = lab.client("ec2"), lab.client("elbv2")
        self.vpc, self.subnets, self.group = network(self.ec2)
        lead_out(self.ec2, self.vpc)
        itself = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": self.group}]}]
        self.ec2.authorize_security_group_ingress(GroupId=self.group, IpPermissions=itself)
        self.balancer = balancer(self.elbv2, self.subnets, self.group)
        self.targets = target_group(self.elbv2, self.vpc)
        self.elbv2.create_listener(
            LoadBalancerArn=self.balancer,
            Protocol="HTTP",
            Port=80,
            DefaultActions=forward(self.targets),
        )
        self.role = execution_role(lab.client("iam"))
        lab.client("logs").create_log_group(logGroupName="/web")
        lab.client("ecr").create_repository(repositoryName="web", imageTagMutability="IMMUTABLE")
        self.registry = Registry(lab)
        self.ecs.create_cluster(clusterName="main", tags=LOW_TAGS)

    def definition(self, tag: str = "1", **container: Any) -> str:
        """Registers a revision that runs the image under the tag."""
        environment = container.pop("environment", {})
        role = container.pop("role", None)
        made = self.ecs.register_task_definition(
            family="web",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            executionRoleArn=self.role,
            **({"taskRoleArn": role} if role else {}),
            tags=LOW_TAGS,
            containerDefinitions=[
                {
                    "name": "web",
                    "image": f"{self.lab.endpoint.removeprefix('http://')}/web:{tag}",
                    "portMappings": [{"containerPort": 8080}],
                    "environment": [{"name": k, "value": v} for k, v in environment.items()],
                    "logConfiguration": {
                        "logDriver": "awslogs",
                        "options": {
                            "awslogs-group": "/web",
                            "awslogs-region": self.ecs.meta.region_name,
                            "awslogs-stream-prefix": "web",
                        },
                    },
                    **container,
                }
            ],
        )
        arn: str = made["taskDefinition"]["taskDefinitionArn"]
        return arn

    def create(self, definition: str, count: int = 1, **settings: Any) -> Any:
        """Creates the service."""
        return self.ecs.create_service(
            cluster="main",
            serviceName="web",
            taskDefinition=definition,
            desiredCount=count,
            launchType="FARGATE",
            loadBalancers=[
                {"targetGroupArn": self.targets, "containerName": "web", "containerPort": 8080}
            ],
            networkConfiguration=placed(self.subnets, self.group),
            tags=LOW_TAGS,
            **settings,
        )["service"]

    def create_worker(self, definition: str, **settings: Any) -> Any:
        """Creates the service without a load balancer before it."""
        return self.ecs.create_service(
            cluster="main",
            serviceName="web",
            taskDefinition=definition,
            desiredCount=1,
            networkConfiguration=placed(self.subnets, self.group),
            **settings,
        )["service"]

    def describe(self) -> Any:
        """The service as it is."""
        return self.ecs.describe_services(cluster="main", services=["web"], include=["TAGS"])[
            "services"
        ][0]

    def rollout(self, state: str = "COMPLETED") -> Any:
        """Waits for the newest deployment."""
        return until(
            lambda: (s := self.describe())["deployments"][0]["rolloutState"] == state and s,
            f"rollout {state}",
        )

    def get(self, path: str = "/", port: int | None = None) -> str:
        """Asks through the load balancer, at another listener than its first where a port is named."""
        name = self.elbv2.describe_load_balancers()["LoadBalancers"][0]["DNSName"]
        name = f"{name}:{port}" if port else name
        with urllib.request.urlopen(f"http://{name}{path}", timeout=5) as reply:
            text: str = reply.read().decode()
            return text

    def messages(self) -> str:
        """The service's events, oldest first."""
        return "\n".join(event["message"] for event in self.describe()["events"][::-1])

    def stopped(self) -> list[Any]:
        """The tasks that stopped."""
        arns = self.ecs.list_tasks(cluster="main", desiredStatus="STOPPED")["taskArns"]
        return self.ecs.describe_tasks(cluster="main", tasks=arns)["tasks"] if arns else []


@pytest.fixture
def web(lab: RunningLab) -> Web:
    """Everything but the service itself."""
    made = Web(lab)
    made.registry.push("web", "1")
    return made


def test_a_service_runs_the_pushed_image_and_answers(web: Web) -> None:
    secret = web.lab.client("secretsmanager").create_secret(
        Name="s", SecretString=json.dumps({"password": "open"})
    )["ARN"]
    definition = web.definition(
        environment={"NAME": "one"},
        secrets=[{"name": "SECRET", "valueFrom": f"{secret}:password::"}],
    )
    web.create(definition, count=2)
    service = web.rollout()
    assert service["runningCount"] == 2
    assert service["deployments"][0]["rolloutStateReason"].endswith("completed.")
    assert {t["key"]: t["value"] for t in service["tags"]} == {"stack": "test", "Name": "web"}
    assert "(service web) has reached a steady state." in web.messages()
    answers = {web.get() for _ in range(6)}
    assert len(answers) == 2
    assert all(answer.startswith("one open 127.") for answer in answers)
    health = web.elbv2.describe_target_health(TargetGroupArn=web.targets)[
        "TargetHealthDescriptions"
    ]
    assert [h["TargetHealth"]["State"] for h in health] == ["healthy", "healthy"]
    tasks = web.ecs.list_tasks(cluster="main", serviceName="web")["taskArns"]
    task = web.ecs.describe_tasks(cluster="main", tasks=tasks[:1])["tasks"][0]
    assert task["lastStatus"] == "RUNNING" and task["startedBy"].startswith("ecs-svc/")
    stream = f"web/web/{tasks[0].rsplit('/', 1)[1]}"
    lines = web.lab.client("logs").get_log_events(logGroupName="/web", logStreamName=stream)[
        "events"
    ]
    first, _, user = lines[0]["message"].rpartition(" ")
    assert first == "hello from one as" and user != "0"
    cluster = web.ecs.describe_clusters(clusters=["main"])["clusters"][0]
    assert cluster["runningTasksCount"] == 2 and cluster["activeServicesCount"] == 1


def test_security_groups_decide_whether_a_task_is_reached(web: Web) -> None:
    web.create(web.definition(environment={"NAME": "one"}))
    web.rollout()
    itself = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": web.group}]}]
    web.ec2.revoke_security_group_ingress(GroupId=web.group, IpPermissions=itself)
    with pytest.raises(urllib.error.HTTPError) as refused_by_it:
        web.get()
    assert refused_by_it.value.code in (503, 504), "dropped, or replaced by now"
    until(lambda: "Request timed out" in web.messages(), "the check fails")
    port = {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080}
    anybody = [{**port, "IpRanges": [{"CidrIp": "10.20.0.0/16"}]}]
    web.ec2.authorize_security_group_ingress(GroupId=web.group, IpPermissions=anybody)

    def answers() -> bool:
        try:
            return web.get().startswith("one")
        except urllib.error.HTTPError:
            return False

    until(answers, "an answer")


def test_a_new_revision_rolls_over_and_is_recorded(web: Web) -> None:
    web.create(web.definition(environment={"NAME": "one"}))
    web.rollout()
    web.ecs.update_service(
        cluster="main", service="web", taskDefinition=web.definition(environment={"NAME": "two"})
    )
    until(lambda: web.get().startswith("two"), "the new answer")
    service = web.rollout()
    assert service["taskDefinition"].endswith("web:2")
    records = web.ecs.list_service_deployments(cluster="main", service="web")["serviceDeployments"]
    assert [record["status"] for record in records] == ["SUCCESSFUL", "SUCCESSFUL"]
    shown = web.ecs.describe_service_deployments(
        serviceDeploymentArns=[records[0]["serviceDeploymentArn"]]
    )["serviceDeployments"][0]
    revision = shown["targetServiceRevision"]["arn"]
    revisions = web.ecs.describe_service_revisions(serviceRevisionArns=[revision])[
        "serviceRevisions"
    ]
    assert revisions[0]["taskDefinition"].endswith("web:2")
    assert revisions[0]["containerImages"][0]["imageDigest"].startswith("sha256:")
    web.ecs.update_service(cluster="main", service="web", desiredCount=3)
    until(lambda: web.describe()["runningCount"] == 3, "three tasks")
    assert len(web.describe()["deployments"]) == 1


BROKEN: dict[str, tuple[dict[str, Any], str, str]] = {
    "exits at once": (
        {"environment": {"EXIT": "3"}},
        "Essential container in task exited",
        "tasks failed to start",
    ),
    "never healthy": (
        {"environment": {"SICK": "1"}},
        "Task failed ELB health checks in",
        "tasks failed to start",
    ),
    "wrong port": (
        {"environment": {"PORT": "9090"}},
        "Task failed ELB health checks in",
        "tasks failed to start",
    ),
    "missing secret": (
        {
            "secrets": [
                {
                    "name": "X",
                    "valueFrom": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:gone-abcdef",
                }
            ]
        },
        "ResourceInitializationError: unable to pull secrets or registry auth",
        "tasks failed to start",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_revision_is_explained_and_rolled_back(web: Web, kind: str) -> None:
    container, reason, why = BROKEN[kind]
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    web.create(web.definition(environment={"NAME": "good"}), deploymentConfiguration=breaker)
    web.rollout()
    web.ecs.update_service(
        cluster="main", service="web", taskDefinition=web.definition(**container)
    )
    until(lambda: "rolling back to deployment" in web.messages(), "the rollback")
    service = web.rollout()
    assert service["taskDefinition"].endswith("web:1")
    assert "rolling back to deploymentId" in service["deployments"][0]["rolloutStateReason"]
    assert f"deployment failed: {why}." in web.messages()
    broken = [task for task in web.stopped() if task["taskDefinitionArn"].endswith("web:2")]
    assert any(task["stoppedReason"].startswith(reason) for task in broken)
    if kind == "exits at once":
        assert broken[0]["containers"][0]["exitCode"] == 3
        assert broken[0]["stopCode"] == "EssentialContainerExited"
    records = web.ecs.list_service_deployments(cluster="main", service="web")["serviceDeployments"]
    assert records[0]["status"] == "ROLLBACK_SUCCESSFUL"
    assert web.get().startswith("good")


def test_an_image_that_is_not_there_is_told_in_the_stopped_reason(web: Web) -> None:
    web.create(web.definition(tag="nope"))
    until(web.stopped, "a stopped task")
    assert web.stopped()[0]["stoppedReason"].startswith("CannotPullContainerError: ")


def test_container_health_checks_decide(web: Web) -> None:
    check = {"command": ["CMD", "/app", "check"], "interval": 5, "retries": 1}
    web.create(web.definition(healthCheck=check, environment={"CHECK": "0"}))
    web.rollout()
    tasks = web.ecs.list_tasks(cluster="main")["taskArns"]
    assert (
        web.ecs.describe_tasks(cluster="main", tasks=tasks)["tasks"][0]["healthStatus"] == "HEALTHY"
    )
    web.ecs.update_service(
        cluster="main",
        service="web",
        taskDefinition=web.definition(healthCheck=check, environment={"CHECK": "1"}),
    )
    until(
        lambda: any(
            t["stoppedReason"] == "Task failed container health checks" for t in web.stopped()
        ),
        "a failed check",
    )


def test_deleting_drains_and_leaves_nothing(web: Web) -> None:
    web.create(web.definition())
    web.rollout()
    with refused("InvalidParameterException"):
        web.create(web.definition())
    with refused("ClusterContainsServicesException"):
        web.ecs.delete_cluster(cluster="main")
    with refused("InvalidParameterException"):
        web.ecs.delete_service(cluster="main", service="web")
    assert (
        web.ecs.delete_service(cluster="main", service="web", force=True)["service"]["status"]
        == "DRAINING"
    )
    assert web.ecs.list_services(cluster="main")["serviceArns"] == []
    until(lambda: web.describe()["status"] == "INACTIVE", "the end of the service")
    web.ecs.delete_cluster(cluster="main")
    web.elbv2.delete_load_balancer(LoadBalancerArn=web.balancer)
    web.elbv2.delete_target_group(TargetGroupArn=web.targets)
    web.ec2.delete_security_group(GroupId=web.group)


def test_run_task_runs_once_and_tells_its_exit_code(web: Web) -> None:
    network = placed(web.subnets, web.group)
    task = web.ecs.run_task(
        cluster="main",
        taskDefinition=web.definition(),
        launchType="FARGATE",
        networkConfiguration=network,
        overrides={
            "containerOverrides": [{"name": "web", "environment": [{"name": "EXIT", "value": "7"}]}]
        },
    )["tasks"][0]

    def ended() -> Any:
        found = web.ecs.describe_tasks(cluster="main", tasks=[task["taskArn"]])["tasks"][0]
        return found if found["lastStatus"] == "STOPPED" else None

    assert until(ended, "the task's end")["containers"][0]["exitCode"] == 7


def test_revisions_are_never_used_twice(web: Web) -> None:
    first = web.definition()
    assert web.ecs.list_task_definition_families()["families"] == ["web"]
    described = web.ecs.describe_task_definition(taskDefinition="web", include=["TAGS"])
    assert described["tags"] == LOW_TAGS
    web.ecs.deregister_task_definition(taskDefinition=first)
    with refused("ClientException"):
        web.ecs.describe_task_definition(taskDefinition="web")
    assert (
        web.ecs.describe_task_definition(taskDefinition=first)["taskDefinition"]["status"]
        == "INACTIVE"
    )
    assert not web.ecs.delete_task_definitions(taskDefinitions=[first])["failures"]
    assert web.definition().endswith("web:2")


def test_sizes_that_fargate_does_not_have_are_refused(web: Web) -> None:
    with refused("ClientException"):
        web.ecs.register_task_definition(
            family="odd",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="4096",
            containerDefinitions=[{"name": "a", "image": "b"}],
        )


def test_no_target_no_answer(web: Web) -> None:
    with pytest.raises(urllib.error.HTTPError, match="503"):
        web.get()


def test_the_same_token_gives_the_same_service_though_defaults_were_left_out(web: Web) -> None:
    definition = web.definition()
    place = {"awsvpcConfiguration": {"subnets": web.subnets}}
    request = {
        "cluster": "main",
        "serviceName": "idle",
        "taskDefinition": definition,
        "desiredCount": 0,
        "networkConfiguration": place,
        "clientToken": "once",
    }
    made, again = (web.ecs.create_service(**request)["service"] for _ in range(2))
    assert made["serviceArn"] == again["serviceArn"] and made["createdAt"] == again["createdAt"]
    with refused("InvalidParameterException", "not idempotent"):
        web.ecs.create_service(**{**request, "desiredCount": 1})


def test_a_task_definition_has_a_largest_size(web: Web) -> None:
    web.definition(environment={"TEXT": "x" * 60_000})
    with refused("ClientException", "Max allowed length is '65536' bytes"):
        web.definition(environment={"TEXT": "x" * 66_000})
