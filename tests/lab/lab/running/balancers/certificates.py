"""TLS of HTTPS listeners: which certificate a client is shown.

ACM keeps no key that a client would trust, so a certificate of ACM's is shown as one of the
lab's authority for the same names; an imported one is shown as it is.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from moto.acm.models import AWS_ROOT_CA, CertBundle, acm_backends

from lab.running.authority import Authority
from lab.world.places import of_arn

if TYPE_CHECKING:
    from lab.world.lab import Lab

# A client that takes either gets the first: only HTTP/2 that is asked for is spoken.
PROTOCOLS = ("http/1.1", "h2")


class Encryption:
    """Contexts by certificate, made when a client first needs one."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._authority = lab.part(Authority)
        self._contexts: dict[tuple[str, bytes], ssl.SSLContext] = {}

    def context(self, certificates: Callable[[], Sequence[str]]) -> ssl.SSLContext:
        """A server's context; `certificates` names those of now, the default one first."""

        def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
            found = [bundle for arn in certificates() if (bundle := _bundle(arn))]
            if not found:
                return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR
            fitting = [bundle for bundle in found if name and _covers(bundle, name.lower())]
            connection.context = self._context_of((fitting or found)[0])
            return None

        context = _server_context()
        context.sni_callback = choose
        return context

    def _context_of(self, bundle: CertBundle) -> ssl.SSLContext:
        key = (bundle.arn, bundle.cert)
        if key not in self._contexts:
            context, file = _server_context(), self._lab.data / "listener.pem"
            file.touch(0o600)
            file.write_bytes(self._pem(bundle))
            context.load_cert_chain(file)
            file.unlink()
            self._contexts[key] = context
        return self._contexts[key]

    def _pem(self, bundle: CertBundle) -> bytes:
        if bundle.type == "IMPORTED":
            chain = bundle.chain.removesuffix(AWS_ROOT_CA + b"\n")
            return b"\n".join([bundle.key, bundle.cert, chain])
        return self._authority.issue(_names(bundle))


def unverified() -> ssl.SSLContext:
    """For the way to targets, whose certificates load balancers do not look at."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(list(PROTOCOLS))
    return context


def _bundle(arn: str) -> CertBundle | None:
    account, region = of_arn(arn)
    found: Any = acm_backends[account][region]._certificates.get(arn) if region else None
    bundle: CertBundle | None = found
    return bundle


def _names(bundle: CertBundle) -> list[str]:
    return list(dict.fromkeys([str(bundle.common_name), *bundle.sans]))


def _covers(bundle: CertBundle, name: str) -> bool:
    """Whether a name is one of the certificate's; a `*` stands for one label."""
    parent = name.partition(".")[2]
    return any(known.lower() in (name, f"*.{parent}") for known in _names(bundle))
