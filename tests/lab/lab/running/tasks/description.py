"""Tasks as ECS's API and its events show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.running.tasks.container import Container
    from lab.running.tasks.task import Task


def describe(task: Task, with_tags: bool) -> dict[str, Any]:
    """One task as DescribeTasks shows it."""
    launch, interface = task.launch, task.interface
    shown: dict[str, Any] = {
        "taskArn": task.arn,
        "clusterArn": launch.cluster.arn,
        "taskDefinitionArn": launch.definition.arn,
        "group": launch.group,
        "launchType": launch.launch_type,
        "platformVersion": launch.platform_version,
        "platformFamily": "Linux",
        "lastStatus": task.last_status,
        "desiredStatus": task.desired_status,
        "healthStatus": task.health,
        "connectivity": "CONNECTED",
        "availabilityZone": interface.subnet.availability_zone,
        "cpu": launch.overrides.get("cpu") or launch.definition.cpu,
        "memory": launch.overrides.get("memory") or launch.definition.memory,
        "enableExecuteCommand": launch.execute_command,
        "overrides": {"containerOverrides": [], **launch.overrides},
        "version": task.version,
        "attachments": [
            {
                "id": interface.id.replace("eni-", ""),
                "type": "ElasticNetworkInterface",
                "status": "DELETED" if task.is_over else "ATTACHED",
                "details": [
                    {"name": "subnetId", "value": task.subnet},
                    {"name": "networkInterfaceId", "value": interface.id},
                    {"name": "macAddress", "value": interface.mac_address},
                    {"name": "privateIPv4Address", "value": task.address},
                ],
            }
        ],
        "containers": [_container(task, container) for container in task.containers],
        "tags": launch.tags if with_tags else [],
        **task.times,
    }
    optional = {
        "startedBy": launch.started_by,
        "capacityProviderName": launch.capacity_provider,
        "stoppedReason": task.stopped_reason,
        "stopCode": task.stop_code,
    }
    return shown | {key: value for key, value in optional.items() if value}


def _container(task: Task, container: Container) -> dict[str, Any]:
    status = task.last_status
    if container.status == "RUNNING" or status in ("RUNNING", "STOPPED"):
        status = container.status if status != "STOPPED" else "STOPPED"
    shown: dict[str, Any] = {
        "containerArn": f"{task.arn.replace(':task/', ':container/')}/{container.name}",
        "taskArn": task.arn,
        "name": container.name,
        "image": container.definition["image"],
        "lastStatus": status,
        "healthStatus": container.health,
        "networkInterfaces": [
            {
                "attachmentId": task.interface.id.replace("eni-", ""),
                "privateIpv4Address": task.address,
            }
        ],
        "runtimeId": f"{task.id}-{abs(hash(container.name)) % 10**9}",
        "cpu": str(container.definition.get("cpu") or 0),
    }
    if agent := task.exec_agent:
        shown["managedAgents"] = [{"name": "ExecuteCommandAgent", "lastStatus": agent}]
    optional = {
        "imageDigest": container.image.digest if container.image else None,
        "exitCode": container.exit_code,
        "reason": container.reason,
    }
    return shown | {key: value for key, value in optional.items() if value is not None}
