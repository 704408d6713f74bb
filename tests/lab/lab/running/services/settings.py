"""What ECS's API says of a service, as far as something of it is looked at."""

from __future__ import annotations

from typing import Any, TypedDict

from lab.running.tasks.shapes import NetworkConfiguration, Tag


class BalancedPort(TypedDict, total=False):
    """A port of a container that is a target."""

    targetGroupArn: str
    containerName: str
    containerPort: int


class Threshold(TypedDict, total=False):
    """How many failed tasks are too many."""

    type: str
    value: float


class CircuitBreaker(TypedDict, total=False):
    """What ends a deployment whose tasks fail."""

    enable: bool
    rollback: bool
    resetOnHealthyTask: bool
    thresholdConfiguration: Threshold


class DeploymentConfiguration(TypedDict, total=False):
    """How a deployment rolls."""

    deploymentCircuitBreaker: CircuitBreaker
    maximumPercent: int
    minimumHealthyPercent: int
    strategy: str
    bakeTimeInMinutes: int


class StrategyItem(TypedDict, total=False):
    """How many tasks one kind of capacity has."""

    capacityProvider: str
    base: int
    weight: int


class Settings(TypedDict, total=False):
    """A service as CreateService takes it, with ECS's defaults."""

    serviceName: str
    taskDefinition: str
    desiredCount: int
    launchType: str | None
    capacityProviderStrategy: list[StrategyItem]
    platformVersion: str
    schedulingStrategy: str
    deploymentController: dict[str, Any]
    deploymentConfiguration: DeploymentConfiguration
    networkConfiguration: NetworkConfiguration
    loadBalancers: list[BalancedPort]
    healthCheckGracePeriodSeconds: int
    enableECSManagedTags: bool
    enableExecuteCommand: bool
    propagateTags: str
    serviceConnectConfiguration: dict[str, Any]
    tags: list[Tag]
