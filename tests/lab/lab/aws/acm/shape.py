"""How a certificate is shown: what it lacks until it is issued, and what is to be done for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from moto.acm.models import CertBundle, datetime_to_epoch

from lab.aws.acm.details import Details, details
from lab.aws.acm.validation import PENDING, Validation, record_of
from lab.world.lab import Lab

NOT_YET = ("IssuedAt", "NotAfter", "NotBefore", "Serial")
MAILBOXES = ("admin", "administrator", "hostmaster", "postmaster", "webmaster")
SUMMARY = (
    "CertificateArn",
    "CreatedAt",
    "DomainName",
    "ExtendedKeyUsages",
    "ImportedAt",
    "IssuedAt",
    "KeyAlgorithm",
    "NotAfter",
    "NotBefore",
    "RenewalEligibility",
    "Status",
    "Type",
)


def shown(lab: Lab, validation: Validation, bundle: CertBundle, of_moto: dict[str, Any]) -> Any:
    """The detail of a certificate, from what moto says of it."""
    known = details(bundle)
    of_moto["KeyAlgorithm"] = known.algorithm.replace("RSA_", "RSA-")
    if bundle.type != "AMAZON_ISSUED":
        return of_moto
    shown = {key: value for key, value in of_moto.items() if known.issued or key not in NOT_YET}
    is_eligible = bundle.status == "ISSUED" and bool(bundle.in_use_by)
    shown |= {
        "DomainName": known.names[0],
        "SubjectAlternativeNames": known.names,
        "Subject": f"CN={known.names[0]}",
        "Issuer": "Amazon",
        "RenewalEligibility": "ELIGIBLE" if is_eligible else "INELIGIBLE",
        "DomainValidationOptions": list(_options(lab, bundle, known)),
        # Whatever was asked for, all certificates are logged.
        "Options": {**bundle.cert_options, LOGGING: "ENABLED"},
    }
    if known.issued:
        shown["IssuedAt"] = datetime_to_epoch(known.issued)
    if known.failure:
        shown["FailureReason"] = known.failure
    if known.renewal is not None and is_eligible:
        shown["RenewalSummary"] = _renewal(validation, bundle, known)
    return shown


LOGGING = "CertificateTransparencyLoggingPreference"


def summary(detail: dict[str, Any], exported: bool) -> dict[str, Any]:
    """An entry of a list."""
    names = detail.get("SubjectAlternativeNames") or []
    found = {key: detail[key] for key in SUMMARY if key in detail}
    return {
        **found,
        "SubjectAlternativeNameSummaries": names,
        "HasAdditionalSubjectAlternativeNames": False,
        "InUse": bool(detail.get("InUseBy")),
        "Exported": exported,
    }


def _options(lab: Lab, bundle: CertBundle, known: Details) -> Iterator[dict[str, Any]]:
    status = {PENDING: PENDING, "ISSUED": "SUCCESS"}.get(bundle.status, "FAILED")
    are_made = time.monotonic() - known.began >= lab.timers.seconds("certificate.records")
    for name in known.names:
        option: dict[str, Any] = {
            "DomainName": name,
            "ValidationDomain": name,
            "ValidationStatus": status,
            "ValidationMethod": known.method,
        }
        if known.method == "EMAIL":
            plain = name.removeprefix("*.")
            option["ValidationEmails"] = [f"{mailbox}@{plain}" for mailbox in MAILBOXES]
        elif are_made:
            option["ResourceRecord"] = record_of(bundle.arn, name)
        yield option


def _renewal(validation: Validation, bundle: CertBundle, known: Details) -> dict[str, Any]:
    """How far a renewal is: it wants the records of all names once more."""
    options = [
        {
            "DomainName": name,
            "ValidationDomain": name,
            "ValidationMethod": "DNS",
            "ValidationStatus": "SUCCESS" if validation.proves(bundle, name) else PENDING,
            "ResourceRecord": record_of(bundle.arn, name),
        }
        for name in known.names
    ]
    if known.renewal == "due" and validation.is_proven(bundle):
        known.renewal = "done"
    return {
        "RenewalStatus": PENDING if known.renewal == "due" else "SUCCESS",
        "DomainValidationOptions": options,
        "UpdatedAt": time.time(),
    }
