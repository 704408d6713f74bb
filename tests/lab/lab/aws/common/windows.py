"""Maintenance windows: what waits for them, and how they are opened by hand.

A window opens by itself never, as no test waits for Sunday; `POST /_lab/maintenance-window`
opens the windows of everything at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.world.lab import Lab

Opens = Callable[[], list[str]]


def window_waits(lab: Lab, service: str, opens: Opens) -> None:
    """Registers what a service does in its windows; it tells the ARNs of what it changed."""
    lab.windows[service] = opens


def open_windows(lab: Lab) -> list[str]:
    """Lets the windows of every service come; the ARNs of what is being changed."""
    with lab.lock:
        return [arn for opens in lab.windows.values() for arn in opens()]
