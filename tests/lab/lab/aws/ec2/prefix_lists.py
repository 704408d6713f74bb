"""EC2's prefix lists, in which AWS keeps the addresses of services that take gateways."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses.vpcs import VPCs

from lab.aws.common.patching import patch
from lab.aws.ec2.endpoint_services import WITH_GATEWAY
from lab.aws.ec2.filters import Known, chosen
from lab.world.lab import Lab

FILTERS: Known = {
    "prefix-list-id": lambda found: [found.id],
    "prefix-list-name": lambda found: [found.prefix_list_name],
}
OF_AWS: Known = {**FILTERS, "owner-id": lambda found: [found.owner_id]}


def install(lab: Lab) -> None:
    """Patches moto's lists of prefix lists."""

    @patch(VPCs)
    def describe_prefix_lists(self: Any) -> ActionResult:
        found = _asked(self, "InvalidPrefixListId.NotFound", FILTERS)
        services = {f"com.amazonaws.{self.region}.{service}" for service in WITH_GATEWAY}
        return ActionResult(
            {
                "PrefixLists": [
                    {
                        "PrefixListId": prefixes.id,
                        "PrefixListName": prefixes.prefix_list_name,
                        "Cidrs": [entry["Cidr"] for entry in prefixes.entries[1]],
                    }
                    for prefixes in found
                    if prefixes.prefix_list_name in services
                ]
            }
        )

    @patch(VPCs)
    def describe_managed_prefix_lists(original: Any, self: Any) -> ActionResult:
        wanted = {found.id for found in _asked(self, "InvalidPrefixListID.NotFound", OF_AWS)}
        lists = self.ec2_backend.describe_managed_prefix_lists()
        return ActionResult({"PrefixLists": [found for found in lists if found.id in wanted]})


def _asked(response: Any, code: str, known: Known) -> list[Any]:
    lists, ids = response.ec2_backend.managed_prefix_lists, response._get_param("PrefixListIds", [])
    for id in ids:
        if id not in lists:
            raise EC2ClientError(code, f"The prefix list ID '{id}' does not exist")
    wanted = [lists[id] for id in ids] or list(lists.values())
    return chosen(wanted, response._filters_from_querystring(), known)
