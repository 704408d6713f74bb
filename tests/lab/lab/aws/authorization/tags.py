"""The tags of a resource as they are now, by its ARN."""

from __future__ import annotations

from functools import cache

from moto.iam.models import iam_backends

from lab.aws.cloudwatch.dashboards import HOMES
from lab.aws.tagging.index import everything
from lab.policies.needs import Tags
from lab.world.places import Place, of_arn, partition_in

STREAM = ":log-stream:"


class Index:
    """The tags of all that a call may be on, read when a condition asks for them."""

    def __init__(self) -> None:
        self._of = cache(_of_place)

    def of(self, arn: str) -> Tags:
        """The tags of a resource; none for what is not there."""
        # Route 53 has no conditions on tags (Service Authorization Reference).
        if not arn.startswith("arn:") or ":route53:" in arn:
            return {}
        if ":iam:" in arn:
            return _of_role(arn)
        place = of_arn(arn)
        if not place.region:
            place = Place(place.account, HOMES[partition_in(arn)])
        return self._of(place).get(arn.partition(STREAM)[0], {})


def _of_place(place: Place) -> dict[str, Tags]:
    return {resource.arn.removesuffix(":*"): dict(resource.tags) for resource in everything(place)}


def _of_role(arn: str) -> Tags:
    roles = iam_backends[of_arn(arn).account][partition_in(arn)].roles.values()
    for role in roles:
        if role.arn == arn:
            return {tag["Key"]: tag["Value"] for tag in role.tags}
    return {}
