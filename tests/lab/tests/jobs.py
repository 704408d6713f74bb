"""Tasks that no service runs, and roles for whoever starts them."""

from __future__ import annotations

import json
from typing import Any

from conftest import RunningLab, until
from image import Registry
from stack import execution_role, lead_out, network, placed

TAGS = [{"key": "stack", "value": "test"}]


class Jobs:
    """A cluster, a network and an image for tasks that no service runs."""

    def __init__(self, lab: RunningLab) -> None:
        self.lab, self.ecs, self.ec2 = lab, lab.client("ecs"), lab.client("ec2")
        self.vpc, self.subnets, self.group = network(self.ec2)
        lead_out(self.ec2, self.vpc)
        self.role = execution_role(lab.client("iam"))
        lab.client("logs").create_log_group(logGroupName="/jobs")
        lab.client("ecr").create_repository(repositoryName="job")
        Registry(lab).push("job", "1")
        self.cluster = self.ecs.create_cluster(clusterName="main")["cluster"]["clusterArn"]

    @property
    def network(self) -> dict[str, Any]:
        """Where its tasks stand."""
        return placed(self.subnets, self.group)

    def container(self, name: str = "job", **settings: Any) -> dict[str, Any]:
        """A container of the test image that ends at once, unless it is told otherwise."""
        options = {
            "awslogs-group": "/jobs",
            "awslogs-region": self.ecs.meta.region_name,
            "awslogs-stream-prefix": "job",
        }
        environment = settings.pop("environment", {"EXIT": "0"})
        return {
            "name": name,
            "image": f"{self.lab.endpoint.removeprefix('http://')}/job:1",
            "environment": [{"name": k, "value": v} for k, v in environment.items()],
            "logConfiguration": {"logDriver": "awslogs", "options": options},
            **settings,
        }

    def definition(self, *containers: dict[str, Any], family: str = "job") -> str:
        """Registers a revision; of one container that ends at once unless others are given."""
        made = self.ecs.register_task_definition(
            family=family,
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            executionRoleArn=self.role,
            tags=TAGS,
            containerDefinitions=list(containers) or [self.container()],
        )
        arn: str = made["taskDefinition"]["taskDefinitionArn"]
        return arn

    def run(self, definition: str, **settings: Any) -> Any:
        """Asks for tasks."""
        wanted = {"launchType": "FARGATE", "networkConfiguration": self.network, **settings}
        return self.ecs.run_task(cluster="main", taskDefinition=definition, **wanted)

    def describe(self, *tasks: str) -> list[dict[str, Any]]:
        """Tasks with their tags."""
        found: list[dict[str, Any]] = self.ecs.describe_tasks(
            cluster="main", tasks=list(tasks), include=["TAGS"]
        )["tasks"]
        return found

    def ended(self, task: str) -> dict[str, Any]:
        """A task once it has stopped."""

        def look() -> dict[str, Any] | None:
            (found,) = self.describe(task)
            return found if found["lastStatus"] == "STOPPED" else None

        end: dict[str, Any] = until(look, "the task's end", 20)
        return end


def changed(environment: dict[str, str], name: str = "job") -> dict[str, Any]:
    """Overrides of variables."""
    pairs = [{"name": key, "value": value} for key, value in environment.items()]
    return {"containerOverrides": [{"name": name, "environment": pairs}]}


def trust(service: str) -> str:
    """A trust policy for a service."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def role_for(
    lab: RunningLab, service: str, *actions: str, name: str = "starter", on: str = "*"
) -> str:
    """A role that a service takes, and what it may do."""
    iam = lab.client("iam")
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(service))["Role"][
        "Arn"
    ]
    if not actions:
        return arn
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": on}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=name, PolicyName="starts", PolicyDocument=document)
    return arn
