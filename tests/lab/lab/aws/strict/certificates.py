"""Certificates: described late, with their records later still; taken by listeners late, and held on."""

from __future__ import annotations

import time
from typing import Any

from moto.acm.exceptions import CertificateNotFound
from moto.acm.models import AWSCertificateManagerBackend, CertBundle, acm_backends
from moto.elbv2.models import ELBv2Backend
from moto.elbv2.responses import ELBV2Response

from lab.aws.acm import certificates
from lab.aws.acm.details import details
from lab.aws.common.patching import patch
from lab.aws.elbv2 import certificates as of_listeners
from lab.world.lab import Lab
from lab.world.places import of_arn

RELEASING = (
    "delete_listener",
    "delete_load_balancer",
    "modify_listener",
    "remove_listener_certificates",
)


def install(lab: Lab) -> None:
    """Patches what is seen of certificates, and who takes them."""
    _patch_description(lab)
    _patch_listeners(lab)
    _patch_holders(lab)


def _patch_description(lab: Lab) -> None:
    @patch(AWSCertificateManagerBackend)
    def describe_certificate(original: Any, self: Any, arn: str) -> Any:
        bundle = self._certificates.get(arn)
        if bundle is not None and _age(bundle) < lab.strict.seconds("certificate"):
            raise CertificateNotFound(arn=arn, account_id=self.account_id)
        return original(self, arn)

    @patch(CertBundle)
    def describe(original: Any, self: Any) -> dict[str, Any]:
        """Shows the records one after the other."""
        answer: dict[str, Any] = original(self)
        options = answer["Certificate"].get("DomainValidationOptions") or []
        late = lab.strict.seconds("validation-record")
        for place, option in enumerate(options, 1):
            if _age(self) < late * place / len(options):
                option.pop("ResourceRecord", None)
        return answer


def _age(bundle: CertBundle) -> float:
    return time.monotonic() - details(bundle).began


def _patch_listeners(lab: Lab) -> None:
    original = of_listeners.check

    def check(backend: ELBv2Backend, arn: str) -> None:
        original(backend, arn)
        bundle = acm_backends[of_arn(arn).account][backend.region_name]._certificates.get(arn)
        if bundle is not None and lab.strict.is_fresh("issued-certificate", details(bundle)):
            raise of_listeners.unsupported(arn)

    of_listeners.check = check


def _patch_holders(lab: Lab) -> None:
    """A load balancer that let go of a certificate is shown as holding it for a while."""
    gone: dict[tuple[str, str], float] = {}
    lab.resets.append(gone.clear)

    def users(arn: str) -> list[str]:
        now, late = time.monotonic(), lab.strict.seconds("certificate-in-use")
        former = [it for (it, of), since in gone.items() if of == arn and now - since < late]
        return list(dict.fromkeys([*certificates.holders(arn), *former]))

    certificates.users = users
    for operation in RELEASING:
        _patch_release(gone, operation)


def _patch_release(gone: dict[tuple[str, str], float], operation: str) -> None:
    @patch(ELBV2Response, operation)
    def release(original: Any, self: Any) -> Any:
        before = _held(self.elbv2_backend)
        answer = original(self)
        now = time.monotonic()
        gone.update(dict.fromkeys(before - _held(self.elbv2_backend), now))
        return answer


def _held(backend: ELBv2Backend) -> set[tuple[str, str]]:
    """Which load balancer holds which certificate."""
    return {
        (str(balancer.arn), str(certificate))
        for balancer in backend.load_balancers.values()
        for listener in balancer.listeners.values()
        for certificate in listener.certificates
    }
