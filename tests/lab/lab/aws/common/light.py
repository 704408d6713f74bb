"""Leaves out what moto loads at its start and the lab never uses: half of its start-up time.

Lists of instance types and machine images are for EC2 instances, which the lab does not have;
the regions of a service are the same however often they are asked for.
"""

from __future__ import annotations

from functools import cache
from typing import Any

UNUSED: dict[str, Any] = {
    "ec2/resources/instance_types.json": {},
    "ec2/resources/instance_type_offerings": [],
    "ec2/resources/amis.json": [],
    "ec2/resources/ecs/": [],
    "ec2/resources/latest_amis": [],
}


def lighten() -> None:
    """To be called before moto's services are imported."""
    _share_regions()
    _skip_resources()


def _share_regions() -> None:
    from boto3.session import Session

    session = Session()
    ask = session.get_available_regions

    @cache
    def regions(service: str, partition: str, others: bool) -> tuple[str, ...]:
        return tuple(ask(service, partition, others))

    def get_available_regions(
        self: Any,
        service_name: str,
        partition_name: str = "aws",
        allow_non_regional: bool = False,
    ) -> list[str]:
        return list(regions(service_name, partition_name, allow_non_regional))

    Session.get_available_regions = get_available_regions


def _skip_resources() -> None:
    from moto.utilities import utils

    original = utils.load_resource

    def load_resource(resource: str) -> Any:
        for unused, nothing in UNUSED.items():
            if str(resource).startswith(unused):
                return type(nothing)()
        return original(resource)

    utils.load_resource = load_resource
