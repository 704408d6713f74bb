"""ACM: a certificate is issued a while after its DNS records exist, and held by its listeners."""

from __future__ import annotations

from typing import Any

from moto.acm.models import AWSCertificateManagerBackend, CertBundle, acm_backends
from moto.core.exceptions import JsonRESTError
from moto.elbv2.exceptions import ELBClientError
from moto.elbv2.models import ELBv2Backend, elbv2_backends
from moto.route53.models import route53_backends

from lab.aws.common.patching import patch, put
from lab.world.lab import Lab
from lab.world.places import everywhere, of_arn


def install(lab: Lab) -> None:
    """Patches moto's ACM."""

    @patch(CertBundle)
    def check(self: Any) -> None:
        begun = getattr(self, "lab_validating", False)
        if self.type != "AMAZON_ISSUED" or self.status != "PENDING_VALIDATION" or begun:
            return
        options = self.describe()["Certificate"]["DomainValidationOptions"]
        if all(_exists(option["ResourceRecord"]) for option in options):
            self.lab_validating = True
            lab.timers.after("certificate.issuing", lambda: setattr(self, "status", "ISSUED"))

    @patch(CertBundle, "__init__")
    def make(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.__dict__.pop("in_use_by", None)

    put(CertBundle, in_use_by=property(lambda self: _users(self.arn), lambda self, value: None))

    @patch(AWSCertificateManagerBackend)
    def set_certificate_in_use_by(self: Any, arn: str, load_balancer_name: str) -> None:
        """Notes nothing: the listeners themselves are looked at."""

    @patch(AWSCertificateManagerBackend)
    def _get_arn_from_idempotency_token(original: Any, self: Any, token: str) -> str | None:
        arn: str | None = original(self, token)
        return arn if arn in self._certificates else None

    @patch(AWSCertificateManagerBackend)
    def request_certificate(
        original: Any,
        self: Any,
        domain_name: str,
        idempotency_token: str | None,
        subject_alt_names: list[str],
        *args: Any,
        **kwargs: Any,
    ) -> str:
        """A token counts for one request: the same one again is the same certificate."""
        names = sorted({domain_name, *(subject_alt_names or [])})
        token = idempotency_token and f"{idempotency_token} {' '.join(names)}"
        arn: str = original(self, domain_name, token, subject_alt_names, *args, **kwargs)
        return arn

    @patch(AWSCertificateManagerBackend)
    def delete_certificate(original: Any, self: Any, arn: str) -> None:
        if _users(arn):
            raise JsonRESTError("ResourceInUseException", f"Certificate {arn} is in use.")
        original(self, arn)

    @patch(ELBv2Backend)
    def create_listener(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        certificate = kwargs.get("certificate")
        if certificate and ":acm:" in certificate:
            _check_issued(certificate)
        return original(self, *args, **kwargs)


def _exists(record: dict[str, str]) -> bool:
    """Whether some hosted zone of any account has the validation record: names are public."""
    return any(
        found.name.rstrip(".") == record["Name"].rstrip(".")
        and found.type == record["Type"]
        and any(str(value).rstrip(".") == record["Value"].rstrip(".") for value in found.records)
        for backend in everywhere(route53_backends)
        for zone in backend.zones.values()
        for found in zone.rrsets
    )


def _users(arn: str) -> list[str]:
    """The load balancers whose listeners use a certificate."""
    return [
        balancer.arn
        for backend in everywhere(elbv2_backends)
        for balancer in backend.load_balancers.values()
        if any(arn in listener.certificates for listener in balancer.listeners.values())
    ]


def _check_issued(arn: str) -> None:
    from moto.acm.models import acm_backends

    account, region = of_arn(arn)
    certificates = acm_backends[account][region]._certificates
    if arn not in certificates:
        raise ELBClientError("CertificateNotFound", f"Certificate '{arn}' not found")
    if certificates[arn].status != "ISSUED":
        raise ELBClientError(
            "UnsupportedCertificate",
            f"The certificate '{arn}' must have a fully-qualified domain name, a supported "
            "signature, and a supported RSA key size.",
        )


def issue(arn: str) -> None:
    """Puts an issued certificate there, under an ARN that somebody chose."""
    account, region = of_arn(arn)
    bundle = CertBundle.generate_cert("lab.test", account, region)
    bundle.arn, bundle.status = arn, "ISSUED"
    acm_backends[account][region]._certificates[arn] = bundle
