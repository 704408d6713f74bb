"""AWS's error replies, worded per protocol."""

from __future__ import annotations

import json
import uuid
from xml.sax.saxutils import escape

Reply = tuple[int, list[tuple[str, str]], bytes]

THROTTLE_CODES = {
    "ec2": ("RequestLimitExceeded", 503, "Request limit exceeded."),
    "registry": ("TOOMANYREQUESTS", 429, "Rate exceeded"),
    "scheduler": ("ThrottlingException", 429, "Rate exceeded"),
    "tagging": ("ThrottledException", 400, "Rate exceeded"),
    "json": ("ThrottlingException", 400, "Rate exceeded"),
    "query": ("Throttling", 400, "Rate exceeded"),
}
# Protocols that say what is wrong as another one does.
FAMILIES = {"rest": "json", "rest-json": "json", "rest-xml": "query"}
# SNS's own code for it, and its own way to write its actions.
OF_SNS = ("sns:", "SNS:", "AuthorizationError")
DENIED_CODES = {
    "ec2": "UnauthorizedOperation",
    "json": "AccessDeniedException",
    "registry": "DENIED",
}


def error_reply(protocol: str, code: str, message: str, status: int = 400) -> Reply:
    """One error as the protocol writes it."""
    if protocol == "registry":
        problem = {"errors": [{"code": code, "message": message}]}
        return status, [("Content-Type", "application/json")], json.dumps(problem).encode()
    request_id = str(uuid.uuid4())
    headers = [("x-amzn-RequestId", request_id), ("Server", "amazon.com")]
    if FAMILIES.get(protocol, protocol) == "json":
        headers += [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-ErrorType", code)]
        return status, headers, json.dumps({"__type": code, "message": message}).encode()
    headers.append(("Content-Type", "text/xml"))
    detail = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if protocol == "ec2":
        text = (
            f"<Response><Errors><Error>{detail}</Error></Errors>"
            f"<RequestID>{request_id}</RequestID></Response>"
        )
    else:
        text = (
            f"<ErrorResponse><Error><Type>Sender</Type>{detail}</Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    return status, headers, text.encode()


def throttled(service: str, protocol: str) -> Reply:
    """What the service says when it is asked too often."""
    family = FAMILIES.get(protocol, protocol)
    code, status, message = THROTTLE_CODES.get(service) or THROTTLE_CODES.get(
        family, THROTTLE_CODES["json"]
    )
    return error_reply(protocol, code, message, status)


def denied(
    caller: str, action: str, protocol: str, resource: str | None = None, is_explicit: bool = False
) -> Reply:
    """What the service says when no policy allows the action, or one denies it."""
    code = DENIED_CODES.get(FAMILIES.get(protocol, protocol), "AccessDenied")
    prefix, written, own_code = OF_SNS
    if action.startswith(prefix):
        action, code = action.replace(prefix, written, 1), own_code
    where = f" on resource: {resource}" if resource else ""
    why = f"because no identity-based policy allows the {action} action"
    if is_explicit:
        why = "with an explicit deny in an identity-based policy"
    message = f"User: {caller} is not authorized to perform: {action}{where} {why}"
    if protocol == "ec2":
        message = f"You are not authorized to perform this operation. {message}"
    return error_reply(protocol, code, message, 403)


STALE = {
    "expired": {
        "ec2": ("RequestExpired", 400, "Request has expired."),
        "json": (
            "ExpiredTokenException",
            400,
            "The security token included in the request is expired",
        ),
        "query": ("ExpiredToken", 403, "The security token included in the request is expired"),
    },
    "invalid": {
        "ec2": (
            "AuthFailure",
            401,
            "AWS was not able to validate the provided access credentials",
        ),
        "json": (
            "UnrecognizedClientException",
            400,
            "The security token included in the request is invalid.",
        ),
        "query": (
            "InvalidClientTokenId",
            403,
            "The security token included in the request is invalid.",
        ),
    },
}


def stale_credentials(protocol: str, why: str) -> Reply:
    """What a service says to credentials that are `expired` or `invalid`."""
    code, status, message = STALE[why].get(FAMILIES.get(protocol, protocol)) or STALE[why]["json"]
    return error_reply(protocol, code, message, status)


def error_code(status: int, body: bytes, headers: list[tuple[str, str]]) -> str | None:
    """Reads the code off a reply, for the journal."""
    if status < 400:
        return None
    for name, value in headers:
        if name.lower() == "x-amzn-errortype":
            return value
    text = body.decode("utf-8", "replace")
    if "<Code>" in text:
        return text.split("<Code>", 1)[1].split("</Code>", 1)[0]
    if '"__type"' in text:
        return str(json.loads(text).get("__type", "")).split("#")[-1]
    if text.startswith('{"errors"'):
        return str(json.loads(text)["errors"][0]["code"])
    return f"HTTP {status}"
