"""Pages so small that whoever forgets to ask for the next one loses something.

The strict profile gives every call that AWS pages, and that names no page size, a small one.
EC2 is left alone: without a page size it answers with everything.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any
from urllib.parse import quote

from botocore.loaders import Loader

from lab.aws.common.parameters import MODELS, RESTS
from lab.http.calls import Call

SIZE = 2
NOT_PAGED = {"ec2", "sts", "s3", "unsigned"}
# Lists that AWS pages and botocore does not, with what names their size.
OTHERS = {("route53", "ListHostedZonesByName"): "MaxItems"}


@cache
def paginators(service: str) -> dict[str, Any]:
    """How botocore pages a service."""
    name = MODELS.get(service, service)
    try:
        found: dict[str, Any] = Loader().load_service_model(name, "paginators-1")["pagination"]
    except Exception:  # noqa: BLE001 - a service without paginators, or one botocore does not know
        return {}
    return found


def with_small_page(call: Call) -> bytes:
    """The body of the request, with a page size where AWS takes one and none is given."""
    limit = _limit(call)
    if not limit:
        return call.body
    if call.protocol == "json":
        parameters = json.loads(call.body or b"{}")
        return json.dumps({limit: SIZE, **parameters}).encode()
    if call.protocol == "query" and f"{limit}=".encode() not in call.body:
        return call.body + f"&{quote(limit)}={SIZE}".encode()
    return call.body


def query_with_small_page(call: Call) -> str:
    """The query of a request by method and path, in the same way."""
    query = call.target.partition("?")[2]
    limit = _limit(call) if call.protocol in RESTS else None
    name = _in_query(call.service, call.operation, limit) if limit else None
    if not name or f"{name}=" in query:
        return query
    return f"{query}&{quote(name)}={SIZE}".lstrip("&")


def _limit(call: Call) -> str | None:
    """The member that says how long a page is to be."""
    if call.service in NOT_PAGED:
        return None
    paging = paginators(call.service).get(call.operation) or {}
    return paging.get("limit_key") or OTHERS.get((call.service, call.operation))


@cache
def _in_query(service: str, operation: str, member: str) -> str | None:
    """What a member is called in a query."""
    model = Loader().load_service_model(service, "service-2")
    shape = model["shapes"][model["operations"][operation]["input"]["shape"]]
    name: str | None = shape["members"][member].get("locationName")
    return name
