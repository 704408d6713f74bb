"""Holds requests against AWS's own service models, which botocore ships.

A request with a member the model does not know, without one it requires, or with a value
outside its enumeration, length, range or pattern would be refused by AWS.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.serialize import create_serializer

from lab.aws.common.parameters import MODELS, RESTS, given, parameters, parsed
from lab.http.calls import Call

NOT_MEMBERS = {"Action", "Version"}


def check_all(requests: Counter[Call]) -> dict[str, Any]:
    """Checks every request but those to the registry, for which there is no model.

    `skipped` are those of AWS that none can be held against.
    """
    checked, skipped = 0, 0
    refused: dict[tuple[str, str], int] = {}
    for call, times in requests.items():
        if call.protocol == "registry":
            continue
        if call.protocol == "rest" or call.service == "unsigned":
            skipped += times
            continue
        checked += times
        for problem in check(call):
            refused[call.name, problem] = refused.get((call.name, problem), 0) + times
    return {
        "checked": checked,
        "skipped": skipped,
        "refused": [
            {"operation": name, "problem": problem, "times": times}
            for (name, problem), times in refused.items()
        ],
    }


def check(call: Call) -> list[str]:
    """What the model says against one request."""
    try:
        operation = _model(call.service).operation_model(call.operation)
    except Exception:  # noqa: BLE001 - botocore has no common base for what it does not know
        return [f"the model of {call.service} has no operation {call.operation}"]
    shape = operation.input_shape
    if shape is None:
        return []
    if call.protocol in ("json", *RESTS):
        return list(_problems(parameters(call), shape, ""))
    fields = given(call)
    members = parsed(call, fields)
    unknown = _unknown(operation, call.protocol, members, fields)
    return [*unknown, *_problems(members, shape, "")]


def problems(service: str, operation: str, members: dict[str, Any]) -> list[str]:
    """What the model of a service says against the members of a request."""
    shape = _model(service).operation_model(operation).input_shape
    return list(_problems(members, shape, "")) if shape is not None else []


@cache
def _model(service: str) -> ServiceModel:
    name = MODELS.get(service, service)
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)


def _unknown(
    operation: OperationModel, protocol: str, members: Any, fields: dict[str, str]
) -> Iterator[str]:
    """Members that are lost when the request is read and written again.

    It is written as it was sent: of the protocols of a service, botocore would choose another one.
    """
    serializer = create_serializer(protocol, include_validation=False)
    written = serializer.serialize_to_request(members, operation)["body"]
    for name in fields.keys() - written.keys() - NOT_MEMBERS:
        if fields[name] != "":
            yield f"{name}: not a member of the request"


def _problems(value: Any, shape: Shape, where: str) -> Iterator[str]:
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            yield f"{where}: not a structure"
            return
        for name in getattr(shape, "required_members", []):
            if value.get(name) is None:
                yield f"{where}{name}: required"
        for name, member in value.items():
            if name not in shape.members:
                yield f"{where}{name}: not a member of {shape.name}"
            elif member is not None:
                yield from _problems(member, shape.members[name], f"{where}{name}.")
    elif kind == "list":
        yield from _length(len(value), shape, where)
        for member in value:
            yield from _problems(member, shape.member, where)
    elif kind == "map":
        yield from _length(len(value), shape, where)
        for key, member in value.items():
            yield from _problems(key, shape.key, where)
            yield from _problems(member, shape.value, where)
    elif kind == "string":
        yield from _text(value, shape, where)
    elif kind in ("integer", "long", "float", "double"):
        yield from _length(float(value), shape, where)


def _text(value: Any, shape: Shape, where: str) -> Iterator[str]:
    name = where.rstrip(".")
    if not isinstance(value, str):
        yield f"{name}: not a string"
        return
    allowed = getattr(shape, "enum", None)
    if allowed and value not in allowed:
        yield f"{name}: {value!r} is not one of {', '.join(allowed)}"
    yield from _length(len(value), shape, where)
    pattern = shape.metadata.get("pattern")
    if pattern:
        try:
            if not re.fullmatch(pattern, value):
                yield f"{name}: {value!r} does not match {pattern}"
        except re.error:
            pass


def _length(size: float, shape: Shape, where: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        yield f"{where.rstrip('.')}: {size:g} is less than {low}"
    if high is not None and size > high:
        yield f"{where.rstrip('.')}: {size:g} is more than {high}"
