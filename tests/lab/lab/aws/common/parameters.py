"""The parameters of a request, read by AWS's own service models, which botocore ships."""

from __future__ import annotations

import json
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from botocore.loaders import Loader
from moto.core.model import ServiceModel
from moto.core.parse import PROTOCOL_PARSERS

from lab.http.calls import Call

# What botocore calls services that sign under another name.
MODELS = {
    "elasticloadbalancing": "elbv2",
    "tagging": "resourcegroupstaggingapi",
    "monitoring": "cloudwatch",
}


def given(call: Call) -> dict[str, str]:
    """The fields of a request in query parameters, as they were sent."""
    return dict(parse_qsl(call.body.decode(), keep_blank_values=True))


def parameters(call: Call) -> dict[str, Any]:
    """The members of a request."""
    if call.protocol == "json":
        members: dict[str, Any] = json.loads(call.body or b"{}")
        return members
    return parsed(call, given(call))


def parsed(call: Call, fields: dict[str, str]) -> dict[str, Any]:
    """The members that fields of query parameters stand for."""
    operation = _model(call.service).operation_model(call.operation)
    parser = PROTOCOL_PARSERS[call.protocol](operation, map_type=dict)
    # The parser reads nothing else of a request, and takes a plain mapping of its values.
    request: Any = {"method": "POST", "values": fields, "headers": {}, "body": b"", "url_path": "/"}
    request["url_params"] = {}
    members: dict[str, Any] = parser.parse(request)
    return members


@cache
def _model(service: str) -> ServiceModel:
    name = MODELS.get(service, service)
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)
