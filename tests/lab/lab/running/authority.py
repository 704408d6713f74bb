"""The lab's certificate authority: signs what HTTPS listeners, databases and caches show.

Its own certificate is a file that clients can be told to trust. Keys are of the P-256 curve,
which takes no time to make.
"""

from __future__ import annotations

import ipaddress
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from lab.world.lab import Lab

DAYS = 365
# What RFC 5280 wants of an authority, and strict clients insist on: OpenSSL's, as Python 3.13 on.
SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True)
class Signer:
    """The authority's name and key, and where its certificate lies."""

    file: Path
    name: x509.Name
    key: ec.EllipticCurvePrivateKey


class Authority:
    """Issues certificates; it is made when the first one is asked for."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._lock, self._making = threading.Lock(), threading.Lock()
        lab.parts["authority"] = self

    @property
    def file(self) -> Path:
        """The authority's own certificate, for clients to trust."""
        with self._lock:
            return self._signer.file

    def describe(self) -> dict[str, Any]:
        """For `GET /_lab`."""
        return {"certificate": str(self.file)}

    def issue(self, names: Sequence[str]) -> bytes:
        """A key and a certificate for domain names or addresses, in one PEM text."""
        with self._lock:
            signer = self._signer
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = x509.SubjectAlternativeName([_general(name) for name in names])
        certificate = _build(_subject(names[0]), key, signer, alternatives)
        return _private(key) + certificate.public_bytes(Encoding.PEM)

    def context(self, names: Sequence[str]) -> ssl.SSLContext:
        """For a server of these names, which asks no client for a certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        with NamedTemporaryFile(dir=self._lab.data, suffix=".pem") as file:
            file.write(self.issue(names))
            file.flush()
            context.load_cert_chain(file.name)
        return context

    def secure(self) -> ssl.SSLContext:
        """For the lab's own port."""
        with self._making:
            return self._of_the_lab

    @cached_property
    def _of_the_lab(self) -> ssl.SSLContext:
        return self.context(["127.0.0.1", "localhost"])

    @cached_property
    def _signer(self) -> Signer:
        file, name = self._lab.data / "authority.pem", _subject("the lab's authority")
        signer = Signer(file, name, ec.generate_private_key(ec.SECP256R1()))
        extensions = x509.BasicConstraints(True, 0), SIGNS
        certificate = _build(signer.name, signer.key, signer, *extensions)
        file.write_bytes(certificate.public_bytes(Encoding.PEM))
        return signer


def _build(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: Signer,
    *extensions: x509.ExtensionType,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer.name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=DAYS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key()), False
        )
    )
    for extension in extensions:
        is_name = isinstance(extension, x509.SubjectAlternativeName)
        builder = builder.add_extension(extension, critical=not is_name)
    return builder.sign(signer.key, SHA256())


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
