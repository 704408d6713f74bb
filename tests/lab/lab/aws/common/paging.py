"""Pages for the lists that moto answers in one piece although AWS pages them."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ecr.responses import ECRResponse
from moto.elbv2.responses import ELBV2Response
from moto.iam.responses import IamResponse
from moto.rds.responses import RDSResponse

from lab.aws.common.pages import page
from lab.aws.common.patching import patch
from lab.world.lab import Lab

# Response class, method, list, page size asked for, token in, token out, AWS's page when no size
# is asked for, and the largest one. The largest are in the service models, as are the others but
# for ELBv2's, which is assumed to be the largest.
LISTS = (
    (ELBV2Response, "describe_load_balancers", "LoadBalancers", "PageSize", "Marker", "NextMarker", 400, 400),
    (ELBV2Response, "describe_target_groups", "TargetGroups", "PageSize", "Marker", "NextMarker", 400, 400),
    (ELBV2Response, "describe_listeners", "Listeners", "PageSize", "Marker", "NextMarker", 400, 400),
    (ELBV2Response, "describe_rules", "Rules", "PageSize", "Marker", "NextMarker", 400, 400),
    (ECRResponse, "describe_repositories", "repositories", "maxResults", "nextToken", "nextToken", 100, 1000),
    (ECRResponse, "describe_images", "imageDetails", "maxResults", "nextToken", "nextToken", 100, 1000),
    (RDSResponse, "describe_db_subnet_groups", "DBSubnetGroups", "MaxRecords", "Marker", "Marker", 100, 100),
    (RDSResponse, "describe_db_parameter_groups", "DBParameterGroups", "MaxRecords", "Marker", "Marker", 100, 100),
    (RDSResponse, "describe_db_parameters", "Parameters", "MaxRecords", "Marker", "Marker", 100, 100),
    (IamResponse, "get_account_authorization_details", "RoleDetailList", "MaxItems", "Marker", "Marker", 100, 1000),
)  # fmt: skip


def install(lab: Lab) -> None:
    """Patches the lists of the table."""
    _show_all()
    for entry in LISTS:
        _patch(*entry)


def _show_all() -> None:
    """Takes moto's own pages away from two lists, which are smaller than AWS's."""

    @patch(ELBV2Response)
    def describe_load_balancers(self: Any) -> ActionResult:
        arns, names = self._get_param("LoadBalancerArns", []), self._get_param("Names", [])
        found = self.elbv2_backend.describe_load_balancers(arns, names)
        return ActionResult({"LoadBalancers": list(found)})

    @patch(ELBV2Response)
    def describe_rules(self: Any) -> ActionResult:
        listener, arns = self._get_param("ListenerArn"), self._get_param("RuleArns")
        return ActionResult({"Rules": list(self.elbv2_backend.describe_rules(listener, arns))})


def _patch(
    owner: type,
    method: str,
    key: str,
    size: str,
    token_in: str,
    token_out: str,
    usual: int,
    most: int,
) -> None:
    @patch(owner, method)
    def paged(original: Any, self: Any) -> ActionResult:
        answer: ActionResult = original(self)
        whole: Any = answer.result
        result: dict[str, Any] = dict(whole)
        wanted = self._get_int_param(size) or usual
        shown, following = page(list(result[key]), self._get_param(token_in), wanted, most)
        result |= {key: shown, token_out: following}
        if "IsTruncated" in result:
            result["IsTruncated"] = following is not None
        return ActionResult(result)
