"""CBOR over RPC v2, which the newest clients speak with CloudWatch: translated to JSON at the door.

Behind the door a call is one of AWS's JSON protocol, so faults, the journal and the model check
see no difference. botocore reads and writes the bytes.
"""

from __future__ import annotations

import io
import json
import re
from functools import cache
from typing import Any
from wsgiref.types import WSGIEnvironment

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.parsers import RpcV2CBORParser
from botocore.serialize import RpcV2CBORSerializer

from lab.http.errors import Reply

PATH = re.compile(r"^/service/(\w+)/operation/(\w+)$")
# The service behind each target, the only ones that have this protocol and that the lab knows.
TARGETS = {"GraniteServiceVersion20100801": "cloudwatch"}
# A map without members; one that has up to 23 begins with a byte that is greater by as many.
NO_MEMBERS = b"\xa0"


def operation_of(environ: WSGIEnvironment) -> OperationModel | None:
    """The operation that a request in CBOR asks for; None for any other request."""
    if environ.get("HTTP_SMITHY_PROTOCOL") != "rpc-v2-cbor":
        return None
    found = PATH.match(environ.get("PATH_INFO", ""))
    if found is None or found[1] not in TARGETS:
        return None
    return _model(TARGETS[found[1]]).operation_model(found[2])


def as_json(environ: WSGIEnvironment, body: bytes, operation: OperationModel) -> bytes:
    """Makes a request in CBOR one in JSON, and gives its body."""
    parser = RpcV2CBORParser(timestamp_parser=lambda seconds: seconds)
    stream = parser.get_peekable_stream_from_bytes(body)
    text = json.dumps(parser.parse_data_item(stream) if body else {}).encode()
    target = environ["PATH_INFO"].split("/")[2]
    environ.update(
        {
            "PATH_INFO": "/",
            "RAW_URI": "/",
            "CONTENT_TYPE": "application/x-amz-json-1.0",
            "CONTENT_LENGTH": str(len(text)),
            "HTTP_X_AMZ_TARGET": f"{target}.{operation.name}",
            "wsgi.input": io.BytesIO(text),
        }
    )
    del environ["HTTP_SMITHY_PROTOCOL"]
    environ.pop("HTTP_ACCEPT", None)
    return text


def as_cbor(reply: Reply, operation: OperationModel) -> Reply:
    """Makes a reply in JSON one in CBOR."""
    status, headers, body = reply
    kept = [(name, value) for name, value in headers if name.lower() != "content-type"]
    spoken = [("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")]
    written, value = bytearray(), json.loads(body or b"{}")
    serializer: Any = RpcV2CBORSerializer()
    if status >= 400:
        more = _members_of_error(value, operation)
        written.append(NO_MEMBERS[0] + 2 + len(more))
        for name in ("__type", "message"):
            serializer._serialize_type_string(written, name, None, None)
            text = str(value.get(name) or value.get(name.capitalize()) or "")
            serializer._serialize_type_string(written, text, None, None)
        for name, shape in more.items():
            serializer._serialize_type_string(written, name, None, None)
            serializer._serialize_data_item(written, value[name], shape)
    elif operation.output_shape is None:
        written.extend(NO_MEMBERS)
    else:
        serializer._serialize_data_item(written, value, operation.output_shape)
    return status, kept + spoken, bytes(written)


def _members_of_error(value: dict[str, Any], operation: OperationModel) -> dict[str, Shape]:
    """What an error has beside its code and message, by the model."""
    code = str(value.get("__type")).rsplit("#", 1)[-1]
    found = [shape for shape in operation.error_shapes if code in (shape.name, shape.error_code)]
    members = found[0].members if found else {}
    return {name: it for name, it in members.items() if name != "message" and value.get(name)}


@cache
def _model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)
