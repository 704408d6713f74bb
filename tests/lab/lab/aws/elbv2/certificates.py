"""Certificates of listeners: one that is the default, and others that clients pick by name."""

from __future__ import annotations

from typing import Any

from moto.acm.models import acm_backends
from moto.core.responses import ActionResult
from moto.elbv2.exceptions import ELBClientError, TooManyCertificatesError
from moto.elbv2.models import ELBv2Backend
from moto.elbv2.responses import ELBV2Response as Response

from lab.aws.common.patching import patch
from lab.world.places import of_arn

MOST_BESIDE = 25
ENCRYPTED = ("HTTPS", "TLS")
SHOWN = ("CreateListenerOutput", "DescribeListenersOutput", "ModifyListenerOutput")


def install() -> None:
    """Patches moto's listeners."""
    for output in SHOWN:
        path = f"{output}.Listeners.Listener.Certificates"
        Response.RESPONSE_KEY_PATH_TO_TRANSFORMER[path] = _default
    for operation in ("create_listener", "modify_listener"):
        _patch_single(operation)
    _patch_default()
    _patch_others()


def _default(certificates: list[str]) -> list[dict[str, str]] | None:
    """What a listener itself shows: its default certificate alone."""
    return [{"CertificateArn": arn} for arn in certificates[:1]] or None


def _patch_single(operation: str) -> None:
    @patch(Response, operation)
    def checked(original: Any, self: Any) -> ActionResult:
        given = self._get_param("Certificates") or []
        if len(given) > 1:
            raise ELBClientError(
                "ValidationError", "Only one certificate can be specified as the default"
            )
        for certificate in given:
            check(self.elbv2_backend, certificate["CertificateArn"])
        answer: ActionResult = original(self)
        return answer


def _patch_default() -> None:
    @patch(ELBv2Backend)
    def create_listener(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("protocol") in ENCRYPTED and not kwargs.get("certificate"):
            raise ELBClientError(
                "ValidationError",
                f"A certificate must be specified for {kwargs['protocol']} listeners",
            )
        return original(self, *args, **kwargs)

    @patch(ELBv2Backend)
    def modify_listener(original: Any, self: Any, arn: str, *args: Any, **kwargs: Any) -> Any:
        """Replaces the default one, and keeps the others."""
        others = self.describe_listeners(None, [arn])[0].certificates[1:]
        listener = original(self, arn, *args, **kwargs)
        if listener.protocol not in ENCRYPTED:
            listener.certificates = []
        else:
            listener.certificates = listener.certificates[:1] + others
        return listener


def _patch_others() -> None:
    @patch(Response)
    def add_listener_certificates(self: Any) -> ActionResult:
        listener, arns = _asked(self)
        for arn in arns:
            check(self.elbv2_backend, arn)
        default, *others = listener.certificates
        beside = list(dict.fromkeys([*others, *arns]))
        if len(beside) > MOST_BESIDE:
            raise TooManyCertificatesError()
        listener.certificates = [default, *beside]
        shown = [{"CertificateArn": arn, "IsDefault": False} for arn in beside]
        return ActionResult({"Certificates": shown})

    @patch(Response)
    def remove_listener_certificates(self: Any) -> ActionResult:
        listener, arns = _asked(self)
        default, *others = listener.certificates
        if default in arns and default not in others:
            raise ELBClientError(
                "OperationNotPermitted", f"Default certificate '{default}' cannot be removed"
            )
        listener.certificates = [default, *(arn for arn in others if arn not in arns)]
        return ActionResult({})


def _asked(response: Any) -> tuple[Any, list[str]]:
    """The listener of a request, and the certificates it names."""
    arn = response._get_param("ListenerArn")
    listener = response.elbv2_backend.describe_listeners(None, [arn])[0]
    if listener.protocol not in ENCRYPTED or not listener.certificates:
        raise ELBClientError(
            "ValidationError", f"A listener of {listener.protocol} takes no certificates"
        )
    certificates = response._get_param("Certificates") or []
    return listener, [str(entry["CertificateArn"]) for entry in certificates]


def check(backend: ELBv2Backend, arn: str) -> None:
    """Refuses a certificate that is not there, or not issued."""
    if ":acm:" not in arn:
        return
    account, region = of_arn(arn)
    bundle = acm_backends[account][region]._certificates.get(arn)
    if bundle is None or (account, region) != (backend.account_id, backend.region_name):
        raise ELBClientError("CertificateNotFound", f"Certificate '{arn}' not found")
    if bundle.status != "ISSUED":
        raise unsupported(arn)


def unsupported(arn: str) -> ELBClientError:
    """What ELB says of a certificate that it cannot use, or not yet."""
    return ELBClientError(
        "UnsupportedCertificate",
        f"The certificate '{arn}' must have a fully-qualified domain name, a supported "
        "signature, and a supported RSA key size.",
    )
