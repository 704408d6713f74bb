"""ACM: certificates that wait for their DNS records, are shown as ACM shows them, and are held by
their listeners."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.acm.models import AWSCertificateManagerBackend, CertBundle, acm_backends
from moto.acm.responses import AWSCertificateManagerResponse as Response
from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.elbv2.models import elbv2_backends

from lab.aws.acm.details import details
from lab.aws.acm.requests import request
from lab.aws.acm.shape import shown, summary
from lab.aws.acm.validation import Validation
from lab.aws.common.pages import page
from lab.aws.common.patching import patch, put
from lab.running.names.resolver import Names
from lab.world.lab import Lab
from lab.world.places import everywhere, of_arn

MOST = 1000
USUAL_KEYS = ("RSA_1024", "RSA_2048")


def install(lab: Lab) -> None:
    """Patches moto's ACM; the zones that prove names are there already."""
    validation = Validation(lab, lab.part(Names))
    _patch_certificates(lab, validation)
    _patch_requests(validation)
    _patch_lists()
    _patch_options(validation)


def _patch_certificates(lab: Lab, validation: Validation) -> None:
    @patch(CertBundle)
    def check(self: Any) -> None:
        """Leaves the state to the clock and the zones."""

    @patch(CertBundle, "__init__")
    def make(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.__dict__.pop("in_use_by", None)

    put(CertBundle, in_use_by=property(lambda self: users(self.arn), lambda self, value: None))

    @patch(CertBundle)
    def describe(original: Any, self: Any) -> dict[str, Any]:
        return {"Certificate": shown(lab, validation, self, original(self)["Certificate"])}

    @patch(AWSCertificateManagerBackend)
    def set_certificate_in_use_by(self: Any, arn: str, load_balancer_name: str) -> None:
        """Notes nothing: the listeners themselves are looked at."""

    @patch(AWSCertificateManagerBackend)
    def delete_certificate(original: Any, self: Any, arn: str) -> None:
        if arn in self._certificates and users(arn):
            raise JsonRESTError("ResourceInUseException", f"Certificate {arn} is in use.")
        original(self, arn)


def _patch_requests(validation: Validation) -> None:
    @patch(AWSCertificateManagerBackend)
    def _get_arn_from_idempotency_token(original: Any, self: Any, token: str) -> str | None:
        arn: str | None = original(self, token)
        return arn if arn in self._certificates else None

    @patch(Response)
    def request_certificate(original: Any, self: Any) -> ActionResult:
        if self._get_param("CertificateAuthorityArn"):
            private: ActionResult = original(self)
            return private
        return request(self, validation)


def _patch_lists() -> None:
    @patch(Response)
    def list_certificates(self: Any) -> ActionResult:
        """Those with keys of the usual kinds, unless others are asked for."""
        statuses = self._get_param("CertificateStatuses") or []
        includes = self._get_param("Includes") or {}
        keys = includes.get("keyTypes") or USUAL_KEYS
        found = [
            summary(bundle.describe()["Certificate"], _exports(bundle))
            for bundle in self.acm_backend._certificates.values()
            if (not statuses or bundle.status in statuses)
            and details(bundle).algorithm in keys
            and includes.get("exportOption") in (None, bundle.cert_options.get("Export"))
        ]
        token, size = self._get_param("NextToken"), self._get_param("MaxItems")
        entries, following = page(found, token, size and int(size), MOST)
        return ActionResult({"CertificateSummaryList": entries, "NextToken": following})


def _exports(bundle: CertBundle) -> bool:
    return bool(bundle.cert_options.get("Export") == "ENABLED")


def _patch_options(validation: Validation) -> None:
    @patch(Response)
    def update_certificate_options(self: Any) -> ActionResult:
        bundle = self.acm_backend.get_certificate(self._get_param("CertificateArn"))
        if bundle.type != "AMAZON_ISSUED":
            raise JsonRESTError(
                "InvalidStateException", "The certificate is not one that ACM issues."
            )
        options = dict(self._get_param("Options") or {})
        method = options.pop("ValidationMethod", None)
        if method == "EMAIL" and details(bundle).method == "DNS":
            raise JsonRESTError(
                "ValidationException", "A certificate goes from EMAIL to DNS and not back."
            )
        bundle.cert_options.update(options)
        if method:
            details(bundle).method = method
            validation.look(bundle)
        return EmptyResult()


def users(arn: str) -> list[str]:
    """The load balancers that hold a certificate; the strict profile lets them hold it longer."""
    return list(holders(arn))


def holders(arn: str) -> Iterator[str]:
    """The load balancers whose listeners use a certificate."""
    for backend in everywhere(elbv2_backends):
        for balancer in backend.load_balancers.values():
            if any(arn in listener.certificates for listener in balancer.listeners.values()):
                yield balancer.arn


def move(wanted: dict[str, Any]) -> None:
    """Puts an issued certificate under an ARN that somebody chose; or lets ACM do to one that is
    there what no test waits for: `{"arn": …, "status": "FAILED", "reason": "CAA_ERROR"}`, or with
    `"renew": true` its renewal."""
    arn = str(wanted["arn"])
    account, region = of_arn(arn)
    known = acm_backends[account][region]._certificates
    if arn not in known:
        bundle = CertBundle.generate_cert("lab.test", account, region)
        bundle.arn, bundle.status = arn, "ISSUED"
        known[arn] = bundle
        details(bundle).issued = utcnow()
    if status := wanted.get("status"):
        known[arn].status = str(status)
        details(known[arn]).failure = wanted.get("reason")
    if wanted.get("renew"):
        details(known[arn]).renewal = "due"
