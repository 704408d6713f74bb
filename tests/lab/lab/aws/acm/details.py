"""What the lab knows of a certificate beside what moto does: as it was asked for, and how far it is."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from moto.acm.models import CertBundle

KEPT = "lab_details"
CURVES = {"secp256r1": "prime256v1"}


@dataclass(eq=False)
class Details:
    """A request for a certificate, and what has come of it."""

    names: list[str]
    method: str = "DNS"
    algorithm: str = "RSA_2048"
    began: float = field(default_factory=time.monotonic)
    is_validating: bool = False
    issued: datetime | None = None
    failure: str | None = None
    # `due`, or the time at which it was renewed.
    renewal: str | datetime | None = None


def details(bundle: CertBundle) -> Details:
    """Those of a certificate; of one that was not requested, what can be read off it."""
    known: Details | None = bundle.__dict__.get(KEPT)
    if known is None:
        names = list(dict.fromkeys([str(bundle.common_name), *bundle.sans]))
        known = keep(bundle, Details(names, algorithm=_algorithm(bundle._key)))
    return known


def keep(bundle: CertBundle, known: Details) -> Details:
    """Keeps details with their certificate."""
    setattr(bundle, KEPT, known)
    return known


def _algorithm(key: Any) -> str:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        curve = key.curve.name.lower()
        return f"EC_{CURVES.get(curve, curve)}"
    return f"RSA_{key.key_size}"
