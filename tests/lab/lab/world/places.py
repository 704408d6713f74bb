"""Where things are: in one region of one account."""

from __future__ import annotations

from typing import Any, NamedTuple

from moto.utilities.utils import get_partition

# The account of all credentials but those of sessions in others.
ACCOUNT = "123456789012"


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
