"""The parameters of a request, read by AWS's own service models, which botocore ships."""

from __future__ import annotations

import json
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from botocore.loaders import Loader
from moto.core.model import ServiceModel
from moto.core.parse import PROTOCOL_PARSERS
from werkzeug.datastructures import MultiDict

from lab.http import rest
from lab.http.calls import Call

# What botocore calls services that sign under another name.
MODELS = {
    "elasticloadbalancing": "elbv2",
    "tagging": "resourcegroupstaggingapi",
    "monitoring": "cloudwatch",
    "servicequotas": "service-quotas",
    "states": "stepfunctions",
}
# Protocols whose requests are read off their path, their query and their body.
RESTS = ("rest-json", "rest-xml")


def given(call: Call) -> dict[str, str]:
    """The fields of a request in query parameters, as they were sent."""
    return dict(parse_qsl(call.body.decode(), keep_blank_values=True))


def parameters(call: Call) -> dict[str, Any]:
    """The members of a request."""
    if call.protocol == "json":
        members: dict[str, Any] = json.loads(call.body or b"{}")
        return members
    if call.protocol in RESTS:
        return _rest(call)
    return parsed(call, given(call))


def parsed(call: Call, fields: dict[str, str]) -> dict[str, Any]:
    """The members that fields of query parameters stand for."""
    # The parser reads nothing else of a request, and takes a plain mapping of its values.
    request: Any = {"method": "POST", "values": fields, "headers": {}, "body": b"", "url_path": "/"}
    return _parse(call, {**request, "url_params": {}})


def _rest(call: Call) -> dict[str, Any]:
    """The members of a request by method and path, whose JSON is taken as it was sent; headers are
    not looked at.
    """
    path, _, query = call.target.partition("?")
    found = rest.asked(call.service, call.method, path)
    request: Any = {"method": call.method, "headers": {}, "body": call.body, "url_path": path}
    request["values"] = MultiDict(parse_qsl(query, keep_blank_values=True))
    members = _parse(call, {**request, "url_params": found.labels if found else {}})
    return members | json.loads(call.body or b"{}") if call.protocol == "rest-json" else members


def _parse(call: Call, request: Any) -> dict[str, Any]:
    operation = _model(call.service).operation_model(call.operation)
    parser = PROTOCOL_PARSERS[call.protocol](operation, map_type=dict)
    members: dict[str, Any] = parser.parse(request)
    return members


@cache
def _model(service: str) -> ServiceModel:
    name = MODELS.get(service, service)
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)
