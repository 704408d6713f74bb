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

from lab.aws.common.parameters import MODELS
from lab.http.calls import Call

SIZE = 2
NOT_PAGED = {"ec2", "sts", "s3", "unsigned"}


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
    paging = None if call.service in NOT_PAGED else paginators(call.service).get(call.operation)
    limit = (paging or {}).get("limit_key")
    if not limit:
        return call.body
    if call.protocol == "json":
        parameters = json.loads(call.body or b"{}")
        return json.dumps({limit: SIZE, **parameters}).encode()
    if call.protocol == "query" and f"{limit}=".encode() not in call.body:
        return call.body + f"&{quote(limit)}={SIZE}".encode()
    return call.body
