"""Where things are: in one region of one account."""

from __future__ import annotations

from typing import Any, NamedTuple

from moto.utilities.utils import get_partition

# The regions that an account has to opt in to (account management guide, "Enable or disable AWS
# Regions"): until it does, they do not know its credentials.
OPT_IN = frozenset(
    (
        "af-south-1",
        "ap-east-1",
        "ap-east-2",
        "ap-south-2",
        "ap-southeast-3",
        "ap-southeast-4",
        "ap-southeast-5",
        "ap-southeast-6",
        "ap-southeast-7",
        "ca-west-1",
        "eu-central-2",
        "eu-south-1",
        "eu-south-2",
        "il-central-1",
        "me-central-1",
        "me-south-1",
        "mx-central-1",
    )
)
# The account of all credentials but those of sessions in others.
ACCOUNT = "123456789012"


class Regions:
    """Which regions the lab's accounts have opted in to."""

    def __init__(self) -> None:
        self.enabled: set[str] = set()

    def is_off(self, region: str) -> bool:
        """Whether a region takes no credentials of these accounts."""
        return region in OPT_IN and region not in self.enabled

    def enable(self, regions: list[str]) -> None:
        """Opts in to these; ValueError names one that needs it not."""
        for region in regions:
            if region not in OPT_IN:
                raise ValueError(f"nobody opts in to {region}")
        self.enabled.update(regions)


class Place(NamedTuple):
    """A region of an account. Nothing of one place is seen in another."""

    account: str
    region: str

    @property
    def partition(self) -> str:
        """The part of AWS that the region is in, as ARNs name it."""
        return str(get_partition(self.region))

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of a service here."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def arn_of_iam(self, resource: str) -> str:
        """The ARN of something of the account that has no region."""
        return f"arn:{self.partition}:iam::{self.account}:{resource}"


def of_backend(backend: Any) -> Place:
    """The place whose state moto keeps there."""
    return Place(backend.account_id, backend.region_name)


def of_request(response: Any) -> Place:
    """The place that a request is for: its credentials' account, and the region it is signed for."""
    return Place(response.current_account, response.region)


def of_arn(arn: str) -> Place:
    """The place that an ARN names."""
    parts = arn.split(":")
    return Place(parts[4], parts[3])


def partition_in(arn: str) -> str:
    """The partition that an ARN names."""
    return arn.split(":")[1]


def everywhere(backends: Any) -> list[Any]:
    """The states of one service in all places where anything was asked for."""
    return [state for account in list(backends.values()) for state in list(account.values())]
