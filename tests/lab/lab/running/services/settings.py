"""What ECS's API says of a service, as far as something of it is looked at."""

from __future__ import annotations

from typing import Any, TypedDict

from lab.running.tasks.shapes import NetworkConfiguration, Tag


class AdvancedConfiguration(TypedDict, total=False):
    """The other target group of a pair, and where traffic is moved between the two."""

    alternateTargetGroupArn: str
    productionListenerRule: str
    testListenerRule: str
    roleArn: str


class BalancedPort(TypedDict, total=False):
    """A port of a container that is a target."""

    targetGroupArn: str
    containerName: str
    containerPort: int
    advancedConfiguration: AdvancedConfiguration


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


class Alarms(TypedDict, total=False):
    """What ends a deployment when it goes off."""

    alarmNames: list[str]
    enable: bool
    rollback: bool


class Linear(TypedDict, total=False):
    """Traffic that moves in equal steps."""

    stepPercent: float
    stepBakeTimeInMinutes: int


class Canary(TypedDict, total=False):
    """A share of the traffic that moves before all else does."""

    canaryPercent: float
    canaryBakeTimeInMinutes: int


class HookTimeout(TypedDict, total=False):
    """What becomes of a hook that nobody ends."""

    timeoutInMinutes: int
    action: str


class Hook(TypedDict, total=False):
    """What a deployment does, or waits for, when it reaches a stage."""

    targetType: str
    hookTargetArn: str
    roleArn: str
    lifecycleStages: list[str]
    timeoutConfiguration: HookTimeout


class DeploymentConfiguration(TypedDict, total=False):
    """How a deployment goes."""

    deploymentCircuitBreaker: CircuitBreaker
    maximumPercent: int
    minimumHealthyPercent: int
    strategy: str
    bakeTimeInMinutes: int
    alarms: Alarms
    lifecycleHooks: list[Hook]
    linearConfiguration: Linear
    canaryConfiguration: Canary


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
