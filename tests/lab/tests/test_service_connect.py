"""Service Connect and the namespaces of Cloud Map that its names are in."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import RunningLab, until
from image import Registry
from stack import TAGS, execution_role, lead_out, network, placed, refused

SERVES = [
    {
        "portName": "http",
        "discoveryName": "users_http",
        "clientAliases": [{"port": 80, "dnsName": "users"}],
    }
]


class Mesh:
    """A cluster, a namespace, and a task definition whose port has a name."""

    def __init__(self, lab: RunningLab) -> None:
        self.ecs, self.map = lab.client("ecs"), lab.client("servicediscovery")
        ec2 = lab.client("ec2")
        vpc, self.subnets, self.group = network(ec2)
        lead_out(ec2, vpc)
        itself = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": self.group}]}]
        ec2.authorize_security_group_ingress(GroupId=self.group, IpPermissions=itself)
        lab.client("ecr").create_repository(repositoryName="web")
        Registry(lab).push("web", "1")
        self.ecs.create_cluster(clusterName="main")
        self.map.create_http_namespace(Name="mesh", CreatorRequestId="a", Tags=TAGS)
        self.namespace = until(lambda: self.map.list_namespaces()["Namespaces"], "it")[0]
        self.definition = self.ecs.register_task_definition(
            family="web",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            executionRoleArn=execution_role(lab.client("iam")),
            containerDefinitions=[
                {
                    "name": "web",
                    "image": f"{lab.endpoint.removeprefix('http://')}/web:1",
                    "portMappings": [
                        {"containerPort": 8080, "name": "http", "appProtocol": "http"}
                    ],
                }
            ],
        )["taskDefinition"]["taskDefinitionArn"]

    def create(self, name: str, services: list[Any] | None = None, **connect: Any) -> Any:
        """Makes a service that takes part."""
        wanted = {"enabled": True, "namespace": self.namespace["Arn"], **connect}
        if services:
            wanted["services"] = services
        return self.ecs.create_service(
            cluster="main",
            serviceName=name,
            taskDefinition=self.definition,
            desiredCount=1,
            networkConfiguration=placed(self.subnets, self.group),
            serviceConnectConfiguration=wanted,
        )["service"]

    def task(self, name: str) -> str:
        """The id of a service's task, once it runs."""

        def running() -> str | None:
            arns = self.ecs.list_tasks(cluster="main", serviceName=name)["taskArns"]
            tasks = self.ecs.describe_tasks(cluster="main", tasks=arns)["tasks"] if arns else []
            ids = [t["taskArn"].rsplit("/", 1)[-1] for t in tasks if t["lastStatus"] == "RUNNING"]
            return ids[0] if ids else None

        found: str = until(running, f"a task of {name}")
        return found


def test_a_task_knows_the_names_that_were_there_before_it_and_none_that_comes_later(
    start_lab: Callable[..., RunningLab], tmp_path: Path
) -> None:
    mesh = Mesh(start_lab("--data", str(tmp_path / "data")))
    mesh.create("early")
    early = mesh.task("early")
    shown = mesh.create("users", SERVES)["deployments"][0]["serviceConnectConfiguration"]
    assert shown["services"] == SERVES
    server = mesh.task("users")
    mesh.create("late")
    late = mesh.task("late")

    def hosts(task: str) -> Path:
        return tmp_path / "data" / "tasks" / task / "web" / "etc" / "hosts"

    assert not hosts(early).exists() or "users" not in hosts(early).read_text()
    address = hosts(late).read_text().split(" users")[0].split("\n")[-1]

    def answered() -> bool:
        try:
            with urllib.request.urlopen(f"http://{address}:80/healthz", timeout=5) as reply:
                return bool(reply.status == 200)
        except OSError:
            return False

    until(answered, "an answer through the name")
    # Its successor has the name.
    mesh.ecs.stop_task(cluster="main", task=server)
    until(answered, "an answer of the successor")


def test_what_is_wrong_is_refused_and_an_unknown_name_makes_a_namespace(lab: RunningLab) -> None:
    mesh = Mesh(lab)
    nameless = [{**SERVES[0], "portName": "grpc"}]
    with refused("InvalidParameterException", "portName"):
        mesh.create("users", nameless)
    with refused("NamespaceNotFoundException"):
        mesh.create("users", SERVES, namespace=f"{mesh.namespace['Arn']}x")
    mesh.create("users", SERVES)
    with refused("InvalidParameterException", "in use"):
        mesh.create("others", SERVES)
    mesh.create("others", SERVES, namespace="unknown")
    made = [it for it in mesh.map.list_namespaces()["Namespaces"] if it["Name"] == "unknown"]
    assert mesh.map.list_tags_for_resource(ResourceARN=made[0]["Arn"])["Tags"] == []


def test_a_namespace_takes_a_while_and_stays_while_services_are_in_it(
    start_lab: Callable[..., RunningLab],
) -> None:
    mesh = Mesh(start_lab("--scale", "0.1"))
    made = mesh.map.create_http_namespace(Name="other", CreatorRequestId="b", Tags=TAGS)
    asked = {"OperationId": made["OperationId"]}
    assert mesh.map.get_operation(**asked)["Operation"]["Status"] in ("SUBMITTED", "PENDING")
    again = mesh.map.create_http_namespace(Name="other", CreatorRequestId="b", Tags=TAGS)
    assert made["OperationId"] == again["OperationId"]
    with refused("NamespaceAlreadyExists"):
        mesh.map.create_http_namespace(Name="other", CreatorRequestId="c", Tags=TAGS)
    until(lambda: mesh.map.get_operation(**asked)["Operation"]["Status"] == "SUCCESS", "it is made")
    begins = [{"Name": "NAME", "Values": ["oth"], "Condition": "BEGINS_WITH"}]
    assert [it["Name"] for it in mesh.map.list_namespaces(Filters=begins)["Namespaces"]] == [
        "other"
    ]

    mesh.create("users", SERVES)
    mesh.ecs.delete_service(cluster="main", service="users", force=True)
    id = mesh.namespace["Id"]
    with refused("ResourceInUse"):
        mesh.map.delete_namespace(Id=id)

    def is_deleted() -> bool:
        try:
            mesh.map.delete_namespace(Id=id)
        except mesh.map.exceptions.ResourceInUse:
            return False
        return True

    until(is_deleted, "its services are gone")
    until(
        lambda: id not in [it["Id"] for it in mesh.map.list_namespaces()["Namespaces"]], "it goes"
    )
