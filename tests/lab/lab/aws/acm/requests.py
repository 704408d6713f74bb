"""Requests for certificates: what ACM refuses, and which of them are one."""

from __future__ import annotations

import re
import time
from typing import Any

from moto.acm.models import AWSCertificateManagerBackend as Backend
from moto.acm.models import CertBundle
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult

from lab.aws.acm.details import Details, keep
from lab.aws.acm.validation import Validation

NAME = re.compile(
    r"(\*\.)?(((?!-)[A-Za-z0-9-]{0,62}[A-Za-z0-9])\.)+((?!-)[A-Za-z0-9-]{1,62}[A-Za-z0-9])"
)
TOKEN = re.compile(r"\w{1,32}")
LONGEST_FIRST, LONGEST, MOST, QUOTA = 64, 253, 100, 10


def request(response: Any, validation: Validation) -> ActionResult:
    """Makes a certificate that waits, or finds the one that this request made before."""
    backend: Backend = response.acm_backend
    wanted = _wanted(response)
    token = response._get_param("IdempotencyToken")
    asked = " ".join([str(token), wanted.method, wanted.algorithm, *sorted(wanted.names)])
    known = backend._get_arn_from_idempotency_token(asked) if token else None
    if known is None:
        known = _make(backend, wanted, response, validation)
        if token:
            backend._set_idempotency_token_arn(asked, known)
    return ActionResult({"CertificateArn": known})


def _make(backend: Backend, wanted: Details, response: Any, validation: Validation) -> str:
    bundle = CertBundle.generate_cert(
        wanted.names[0],
        account_id=backend.account_id,
        region=backend.region_name,
        sans=wanted.names,
    )
    if tags := response._get_param("Tags"):
        bundle.tags.add(tags)
    bundle.cert_options.update(response._get_param("Options") or {})
    # Its age counts from here on: to make a key takes a moment.
    keep(bundle, wanted).began = time.monotonic()
    backend._certificates[bundle.arn] = bundle
    validation.begin(bundle)
    return str(bundle.arn)


def _wanted(response: Any) -> Details:
    first = str(response._get_param("DomainName") or "")
    others = [str(name) for name in response._get_param("SubjectAlternativeNames") or []]
    _check_member("idempotencyToken", response._get_param("IdempotencyToken") or "a", TOKEN)
    for where, name in [("domainName", first), *(("subjectAlternativeNames", it) for it in others)]:
        _check_member(where, name, NAME)
    names = list(dict.fromkeys(name.lower() for name in (first, *others)))
    if len(first) > LONGEST_FIRST:
        raise JsonRESTError(
            "InvalidParameterException",
            f"The first domain name can be no longer than {LONGEST_FIRST} characters.",
        )
    if len(others) > MOST:
        raise JsonRESTError(
            "ValidationException", f"At most {MOST} subject alternative names are taken."
        )
    if len(names) > QUOTA:
        raise JsonRESTError(
            "LimitExceededException",
            f"Error: Cannot request more domain names than {QUOTA}, the quota of this account.",
        )
    method = response._get_param("ValidationMethod") or "EMAIL"
    return Details(names, method, response._get_param("KeyAlgorithm") or "RSA_2048")


def _check_member(where: str, value: str, form: re.Pattern[str]) -> None:
    if len(value) > LONGEST or not form.fullmatch(value):
        raise JsonRESTError(
            "ValidationException",
            f"1 validation error detected: Value '{value}' at '{where}' failed to satisfy "
            f"constraint: Member must satisfy regular expression pattern: {form.pattern}",
        )
