"""Validation by DNS: a certificate is issued a while after all of its CNAMEs lead where they should."""

from __future__ import annotations

from hashlib import sha256

from moto.acm.models import CertBundle, acm_backends
from moto.core.utils import utcnow

from lab.aws.acm.details import details
from lab.running.names.resolver import Names
from lab.world.lab import Lab
from lab.world.places import everywhere, of_arn

PENDING = "PENDING_VALIDATION"
# Who may issue for Amazon, in CAA records (ACM user guide, "Configure a CAA record").
AMAZON = ("amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com")


def record_of(arn: str, name: str) -> dict[str, str]:
    """The CNAME that proves a name: one for an account, with and without a wildcard before it."""
    plain = name.removeprefix("*.")
    digest = sha256(f"{of_arn(arn).account} {plain}".encode()).hexdigest()
    letters = "".join(chr(ord("a") + int(sign, 16)) for sign in digest[:10])
    return {
        "Name": f"_{digest[:32]}.{plain}.",
        "Type": "CNAME",
        "Value": f"_{digest[32:]}.{letters}.acm-validations.aws.",
    }


class Validation:
    """Looks at certificates that wait, whenever a zone answers otherwise than before."""

    def __init__(self, lab: Lab, names: Names) -> None:
        self._lab, self._names = lab, names
        names.zones.watchers.append(self._look_at_all)

    def begin(self, bundle: CertBundle) -> None:
        """Starts with one that was just requested."""
        if self._lab.timers.seconds("certificate.validation") > 0:
            self._lab.timers.after("certificate.validation", lambda: self._expire(bundle))
        self.look(bundle)

    def look(self, bundle: CertBundle) -> None:
        """Begins to issue a certificate if it waits for nothing else."""
        known = details(bundle)
        if known.is_validating or not self._waits(bundle) or not self.is_proven(bundle):
            return
        known.is_validating = True
        self._lab.timers.after("certificate.issuing", lambda: self._finish(bundle))

    def is_proven(self, bundle: CertBundle) -> bool:
        """Whether all of its names are."""
        return all(self.proves(bundle, name) for name in details(bundle).names)

    def proves(self, bundle: CertBundle, name: str) -> bool:
        """Whether the CNAME of a name leads where it should, in a zone of any account."""
        wanted = record_of(bundle.arn, name)
        lines = self._names.resolve(wanted["Name"], "CNAME").lines
        value = wanted["Value"].removesuffix(".")
        return any(line.value.removesuffix(".").lower() == value for line in lines)

    def _look_at_all(self) -> None:
        for backend in everywhere(acm_backends):
            for bundle in list(backend._certificates.values()):
                self.look(bundle)

    def _finish(self, bundle: CertBundle) -> None:
        """Issues it, if its records are still there."""
        known = details(bundle)
        known.is_validating = False
        if not self._waits(bundle) or not self.is_proven(bundle):
            return
        if not all(self._may_issue(name) for name in known.names):
            bundle.status, known.failure = "FAILED", "CAA_ERROR"
            return
        bundle.status, known.issued = "ISSUED", utcnow()
        self._lab.strict.made(known)

    def _expire(self, bundle: CertBundle) -> None:
        if self._waits(bundle):
            bundle.status = "VALIDATION_TIMED_OUT"

    def _may_issue(self, name: str) -> bool:
        """Whether no CAA record, of the name or else of those above it, says that others may alone."""
        plain, wild = name.removeprefix("*."), name.startswith("*.")
        while "." in plain:
            lines = self._names.resolve(plain, "CAA").lines
            values = [line.value.split(maxsplit=2) for line in lines if line.type == "CAA"]
            tags = {value[1] for value in values}
            tag = "issuewild" if wild and "issuewild" in tags else "issue"
            if values:
                said = [value[2].strip('"') for value in values if value[1] == tag]
                return not said or any(who in AMAZON for who in said)
            plain = plain.partition(".")[2]
        return True

    @staticmethod
    def _waits(bundle: CertBundle) -> bool:
        is_ours = bundle.type == "AMAZON_ISSUED" and details(bundle).method == "DNS"
        return is_ours and bundle.status == PENDING
