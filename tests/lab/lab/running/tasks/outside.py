"""What a task needs from outside of its VPC before it runs, and what ECS says when it has no way.

ECS developer guide, "Amazon ECS interface VPC endpoints" and "Stopped tasks error messages": the
token of the registry, its images and the layers in S3, secrets, parameters, and the log group.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from moto.secretsmanager.models import secretsmanager_backends
from moto.ssm.models import ssm_backends

from lab.running.images.pull import CannotPull
from lab.running.tasks.secrets import CannotInitialise
from lab.running.tasks.shapes import ContainerDefinition
from lab.world.places import Place, of_arn

INIT = "ResourceInitializationError: "
SECRETS = f"{INIT}unable to pull secrets or registry auth: "
CHECK = "Check your task network configuration."
DOCKER = "registry-1.docker.io"


class Need(NamedTuple):
    """A service by its name in PrivateLink, None for the internet, and what is said without it."""

    service: str | None
    failure: Exception


def token(place: Place) -> Need:
    """The token of the account's registry."""
    return Need(
        "ecr.api",
        CannotInitialise(
            f"{SECRETS}The task cannot pull registry auth from Amazon ECR: There is a connection "
            f"issue between the task and Amazon ECR. {CHECK} RequestError: send request failed "
            f'caused by: Post "https://{_host("api.ecr", place)}/": dial tcp: i/o timeout'
        ),
    )


def image(definition: ContainerDefinition, registry: str, place: Place) -> Iterator[Need]:
    """The image of a container: its manifest, and its layers in S3 where it is ECR's."""
    reference = definition["image"]
    host, _, path = reference.partition("/")
    name, _, tag = path.partition("@")[0].partition(":")
    again = "pull image manifest has been retried 5 time(s): failed to resolve ref"
    if host != registry:
        where = host if "." in host else DOCKER
        yield Need(None, CannotPull(f"{again} {reference}: failed to do request: {_dial(where)}"))
        return
    own = f"{place.account}.{_host('dkr.ecr', place)}"
    head = f'Head "https://{own}/v2/{name}/manifests/{tag or "latest"}": dial tcp: i/o timeout'
    yield Need("ecr.dkr", CannotPull(f"{again} {own}/{path}: failed to do request: {head}"))
    bucket = f"prod-{place.region}-starport-layer-bucket.{_host('s3', place)}"
    yield Need(
        "s3",
        CannotPull(
            "ref pull has been retried 5 time(s): failed to copy: httpReadSeeker: failed open: "
            f"failed to do request: {_dial(bucket, 'Get')}"
        ),
    )


def secrets(definition: ContainerDefinition, place: Place) -> Iterator[Need]:
    """The secrets and parameters of a container, and KMS for those under a key of one's own."""
    for secret in definition.get("secrets") or []:
        reference = secret["valueFrom"]
        there = of_arn(reference) if reference.startswith("arn:") else place
        is_secret = ":secretsmanager:" in reference
        service = "secretsmanager" if is_secret else "ssm"
        words = "secret from asm" if is_secret else "secrets from ssm"
        called = "AWS Secrets Manager" if is_secret else "AWS Systems Manager Parameter Store"
        failure = CannotInitialise(
            f"{SECRETS}unable to retrieve {words}: There is a connection issue between the task "
            f"and {called}. {CHECK} RequestError: send request failed caused by: "
            f"{_dial(_host(service, there), 'Post')}: {reference}"
        )
        yield Need(service if there.region == place.region else None, failure)
        if _has_own_key(reference, there, is_secret):
            yield Need("kms", failure)


def logs(definition: ContainerDefinition, place: Place) -> Iterator[Need]:
    """The log group that a container writes to."""
    configuration = definition.get("logConfiguration") or {}
    if configuration.get("logDriver") == "awslogs":
        region = (configuration.get("options") or {}).get("awslogs-region", place.region)
        yield Need(
            "logs" if region == place.region else None,
            CannotInitialise(
                f"{INIT}failed to validate logger args: The task cannot find the Amazon CloudWatch "
                "log group defined in the task definition. There is a connection issue between the "
                "task and Amazon CloudWatch. Check your network configuration. : signal: killed"
            ),
        )


def _host(service: str, place: Place) -> str:
    return f"{service}.{place.region}.amazonaws.com"


def _dial(host: str, verb: str = "Head") -> str:
    return f'{verb} "https://{host}/": dial tcp: i/o timeout'


def _has_own_key(reference: str, there: Place, is_secret: bool) -> bool:
    """Whether what is read is under a key that is not the service's own."""
    key: str | None = None
    if is_secret:
        found = secretsmanager_backends[there.account][there.region].secrets
        secret = found.get(":".join(reference.split(":")[:7]))
        key = getattr(secret, "kms_key_id", None)
    else:
        name = reference.rsplit(":parameter", maxsplit=1)[-1]
        parameter = ssm_backends[there.account][there.region].get_parameter(name)
        key = parameter.keyid if parameter and parameter.parameter_type == "SecureString" else None
    return bool(key) and "alias/aws/" not in str(key)
