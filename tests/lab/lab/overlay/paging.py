"""Pages for the lists that moto answers in one piece although AWS pages them."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ecr.responses import ECRResponse
from moto.elbv2.responses import ELBV2Response
from moto.iam.responses import IamResponse
from moto.rds.responses import RDSResponse

from lab.pages import page
from lab.patching import patch
from lab.world import Lab

# Response class, method, list, page size asked for, token in, token out, AWS's own page.
LISTS = (
    (ELBV2Response, "describe_target_groups", "TargetGroups", "PageSize", "Marker", "NextMarker", 400),
    (ELBV2Response, "describe_listeners", "Listeners", "PageSize", "Marker", "NextMarker", 400),
    (ECRResponse, "describe_repositories", "repositories", "maxResults", "nextToken", "nextToken", 100),
    (ECRResponse, "describe_images", "imageDetails", "maxResults", "nextToken", "nextToken", 100),
    (RDSResponse, "describe_db_subnet_groups", "DBSubnetGroups", "MaxRecords", "Marker", "Marker", 100),
    (IamResponse, "get_account_authorization_details", "RoleDetailList", "MaxItems", "Marker", "Marker", 100),
)  # fmt: skip


def install(lab: Lab) -> None:
    """Patches the lists of the table."""
    for entry in LISTS:
        _patch(*entry)


def _patch(
    owner: type, method: str, key: str, size: str, token_in: str, token_out: str, most: int
) -> None:
    @patch(owner, method)
    def paged(original: Any, self: Any) -> ActionResult:
        answer: ActionResult = original(self)
        result: dict[str, Any] = dict(answer.result)  # type: ignore[call-overload]
        wanted = self._get_int_param(size)
        shown, following = page(list(result[key]), self._get_param(token_in), wanted, most)
        result |= {key: shown, token_out: following}
        if "IsTruncated" in result:
            result["IsTruncated"] = following is not None
        return ActionResult(result)
