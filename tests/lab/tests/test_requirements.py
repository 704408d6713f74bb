"""The pins: exact, complete, and what is installed."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

PINS = [
    line
    for line in (Path(__file__).parents[1] / "requirements.txt").read_text().splitlines()
    if not line.startswith("#")
]


def test_every_pin_is_exact_and_installed() -> None:
    for pin in PINS:
        name, wanted = pin.split("==")
        assert version(name) == wanted, name


def test_nothing_that_is_needed_is_missing() -> None:
    check = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert check.returncode == 0, check.stdout
