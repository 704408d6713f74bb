"""What ECS's API says of containers and their network, as far as something of it is looked at."""

from __future__ import annotations

from typing import TypedDict

Tag = dict[str, str]


class Variable(TypedDict):
    """One variable of a container's environment."""

    name: str
    value: str


class SecretVariable(TypedDict):
    """One whose value is a secret's or a parameter's."""

    name: str
    valueFrom: str


class HealthCheck(TypedDict, total=False):
    """How a container is asked whether it is well; times in seconds."""

    command: list[str]
    interval: int
    timeout: int
    retries: int
    startPeriod: int


class LogConfiguration(TypedDict, total=False):
    """Where a container's lines go."""

    logDriver: str
    options: dict[str, str]
    secretOptions: list[SecretVariable]


class RepositoryCredentials(TypedDict):
    """The secret that a registry asks for."""

    credentialsParameter: str


class PortMapping(TypedDict, total=False):
    """A port that a container listens on."""

    name: str
    containerPort: int
    protocol: str


class Dependency(TypedDict):
    """How far another container has to be before one starts."""

    containerName: str
    condition: str


class MountPoint(TypedDict, total=False):
    """Where a container has a volume of its task."""

    sourceVolume: str
    containerPath: str
    readOnly: bool


class Tmpfs(TypedDict, total=False):
    """A file system in memory, in MiB."""

    containerPath: str
    size: int


class LinuxParameters(TypedDict, total=False):
    """What Linux alone has."""

    tmpfs: list[Tmpfs]


class ContainerDefinition(TypedDict, total=False):
    """One container of a task definition."""

    name: str
    image: str
    repositoryCredentials: RepositoryCredentials
    essential: bool
    cpu: int
    memory: int
    dependsOn: list[Dependency]
    mountPoints: list[MountPoint]
    linuxParameters: LinuxParameters
    entryPoint: list[str]
    command: list[str]
    environment: list[Variable]
    secrets: list[SecretVariable]
    workingDirectory: str
    user: str
    stopTimeout: int
    versionConsistency: str
    healthCheck: HealthCheck
    logConfiguration: LogConfiguration
    portMappings: list[PortMapping]


class ContainerOverride(TypedDict, total=False):
    """What RunTask changes of one container."""

    name: str
    command: list[str]
    environment: list[Variable]
    memory: int


class Overrides(TypedDict, total=False):
    """What RunTask changes."""

    containerOverrides: list[ContainerOverride]
    cpu: str
    memory: str
    executionRoleArn: str
    taskRoleArn: str


class AwsvpcConfiguration(TypedDict, total=False):
    """Where in a VPC a task stands."""

    subnets: list[str]
    securityGroups: list[str]
    assignPublicIp: str


class NetworkConfiguration(TypedDict, total=False):
    """The same, for the only mode that Fargate has."""

    awsvpcConfiguration: AwsvpcConfiguration
