"""Certificate Manager."""

from __future__ import annotations

from collections.abc import Iterator

from lab.aws.authorization.table import Asked, Facts, Service, Want, named, tagging


def _beside(asked: Asked) -> Iterator[Want]:
    """Tags of a request for a certificate need the right to tag one, whose ARN nobody knows yet."""
    if asked.operation in ("ImportCertificate", "RequestCertificate"):
        yield from tagging(asked, "AddTagsToCertificate", "certificate/*")


def _facts(asked: Asked) -> Facts:
    if asked.operation != "RequestCertificate":
        return {}
    names = [*asked.all("DomainName"), *asked.all("SubjectAlternativeNames")]
    return {
        "acm:domainnames": tuple(dict.fromkeys(str(name).lower() for name in names)),
        "acm:keyalgorithm": (asked.text("KeyAlgorithm") or "RSA_2048",),
        "acm:validationmethod": (asked.text("ValidationMethod") or "EMAIL",),
    }


SERVICE = Service(
    dict.fromkeys(
        (
            "AddTagsToCertificate",
            "DeleteCertificate",
            "DescribeCertificate",
            "GetCertificate",
            "ListTagsForCertificate",
            "RemoveTagsFromCertificate",
            "RenewCertificate",
            "ResendValidationEmail",
            "UpdateCertificateOptions",
        ),
        (named("{}", "CertificateArn"),),
    ),
    _beside,
    _facts,
)
