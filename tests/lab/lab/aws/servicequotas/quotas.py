"""Service Quotas: defaults for everybody, and applied values only where there is one.

Service Quotas API reference, GetServiceQuota and ListServiceQuotas. Words are assumed, but for those
about services (aws-cli issue 4569).
"""

from __future__ import annotations

import json
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.servicequotas.responses import ServiceQuotasResponse

from lab.aws.common.pages import page
from lab.aws.common.patching import patch
from lab.world.lab import Lab
from lab.world.places import Place, of_request
from lab.world.quotas import QUOTAS, SERVICES, Quota

MOST = 100


def install(lab: Lab) -> None:
    """Patches moto's Service Quotas."""

    @patch(ServiceQuotasResponse)
    def get_service_quota(self: Any) -> str:
        place, quota = of_request(self), _quota(self)
        value = lab.quotas.applied(place, quota.service, quota.code)
        if value is None:
            raise _missing("applied value for the specified quota")
        return json.dumps({"Quota": _shown(place, quota, value, is_applied=True)})

    @patch(ServiceQuotasResponse)
    def get_aws_default_service_quota(self: Any) -> str:
        quota = _quota(self)
        shown = _shown(of_request(self), quota, quota.value, is_applied=False)
        return json.dumps({"Quota": shown})

    @patch(ServiceQuotasResponse)
    def list_service_quotas(self: Any) -> str:
        place, wanted = of_request(self), self._get_param("QuotaCode")
        values = [(it, lab.quotas.applied(place, it.service, it.code)) for it in _quotas(self)]
        return _page(
            self,
            [
                _shown(place, quota, value, is_applied=True)
                for quota, value in values
                if value is not None and wanted in (None, quota.code)
            ],
        )

    @patch(ServiceQuotasResponse)
    def list_aws_default_service_quotas(self: Any) -> str:
        place = of_request(self)
        return _page(self, [_shown(place, it, it.value, is_applied=False) for it in _quotas(self)])


def _missing(what: str) -> JsonRESTError:
    return JsonRESTError(
        "NoSuchResourceException", f"The request failed because the {what} does not exist."
    )


def _quotas(response: Any) -> list[Quota]:
    found = [quota for quota in QUOTAS if quota.service == response._get_param("ServiceCode")]
    if not found:
        raise _missing("specified service")
    return found


def _quota(response: Any) -> Quota:
    code = response._get_param("QuotaCode")
    found = next((quota for quota in _quotas(response) if quota.code == code), None)
    if found is None:
        raise _missing("specified quota")
    return found


def _shown(place: Place, quota: Quota, value: float, *, is_applied: bool) -> dict[str, Any]:
    owner = place if is_applied else place._replace(account="")
    return {
        "ServiceCode": quota.service,
        "ServiceName": SERVICES[quota.service],
        "QuotaArn": owner.arn("servicequotas", f"{quota.service}/{quota.code}"),
        "QuotaCode": quota.code,
        "QuotaName": quota.name,
        "Value": float(value),
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
        "QuotaAppliedAtLevel": "ACCOUNT",
    }


def _page(response: Any, quotas: list[dict[str, Any]]) -> str:
    wanted = response._get_param("MaxResults")
    try:
        shown, following = page(quotas, response._get_param("NextToken"), wanted, MOST)
    except ValueError:
        raise JsonRESTError("InvalidPaginationTokenException", "Invalid token.") from None
    return json.dumps({"Quotas": shown, **({"NextToken": following} if following else {})})
