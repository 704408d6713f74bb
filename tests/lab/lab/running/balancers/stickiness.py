"""The cookie by which a client stays with its target (ELB user guide, "Sticky sessions").

AWS encrypts what stands in it; here it can be read.
"""

from __future__ import annotations

import hashlib
import time
from email.utils import formatdate
from http.cookies import CookieError, SimpleCookie

NAME, FOR_OTHER_SITES = "AWSALB", "AWSALBCORS"


def stuck_to(cookies: str) -> str:
    """The place that a client stays with, by its cookies; empty for none."""
    try:
        found = SimpleCookie(cookies).get(NAME)
        place, _, until = found.value.rpartition("-") if found else ("", "", "0")
        return place if float(until) > time.time() else ""
    except (CookieError, ValueError):
        return ""


def place(group: str, address: str, port: int) -> str:
    """A target of a group, as a cookie has it."""
    return f"{hashlib.sha256(group.encode()).hexdigest()[:12]}-{address}-{port}"


def cookies(place: str, seconds: int) -> list[tuple[str, str]]:
    """The headers by which a client learns whom it stays with; its time begins again each time."""
    until = time.time() + seconds
    value = f"{place}-{until:.0f}"
    end = f"Expires={formatdate(until, usegmt=True)}; Path=/"
    return [
        ("Set-Cookie", f"{NAME}={value}; {end}"),
        ("Set-Cookie", f"{FOR_OTHER_SITES}={value}; {end}; SameSite=None; Secure"),
    ]
