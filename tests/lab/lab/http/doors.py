"""Who may come in: programs of this machine, and no page that a browser on it has open.

A browser sends whatever a page asks for to any address, with the page's origin in `Origin` and,
when the page's own name has been made to point here (DNS rebinding), with that name in `Host`.
What a page cannot do without asking first is to send a header of its own.
"""

from __future__ import annotations

import ipaddress
import json
from email.message import Message
from urllib.parse import urlsplit

from lab.http.errors import Reply

HEADER = "X-Lab"


def turned_away(headers: Message, port: int) -> Reply | None:
    """The refusal of a request that was sent under a foreign name, or from a page."""
    host = headers.get("Host", "")
    if not _is_ours(f"//{host}", port):
        return _refusal(
            f"the lab is asked as 127.0.0.1:{port} or localhost:{port}, not as {host!r}"
        )
    origin = headers.get("Origin")
    if origin is not None and not _is_ours(origin, port):
        return _refusal(f"the lab takes no requests from pages, such as {origin!r}")
    return None


def lacks_header(headers: Message) -> Reply | None:
    """The refusal of a request without the header that no page can send."""
    if headers.get(HEADER):
        return None
    return _refusal(f"send the header `{HEADER}: 1`, as in: curl -H '{HEADER}: 1' ...")


def _is_ours(url: str, port: int) -> bool:
    try:
        parts = urlsplit(url)
        name, asked = parts.hostname or "", parts.port or 80
    except ValueError:
        return False
    return asked == port and (name == "localhost" or _is_loopback(name))


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _refusal(text: str) -> Reply:
    body = json.dumps({"error": text}) + "\n"
    return 403, [("Content-Type", "application/json")], body.encode()
