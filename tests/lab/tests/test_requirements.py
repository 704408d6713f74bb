"""The pins: exact, complete, and what is installed."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

FOLDER = Path(__file__).parents[1]


def pins(file: str) -> dict[str, str]:
    """Names and versions of a file; each line has exactly one of both."""
    lines = (FOLDER / file).read_text().splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def test_every_pin_is_exact_and_installed() -> None:
    for name, wanted in pins("requirements.txt").items():
        assert version(name) == wanted, name


def test_the_files_agree_about_what_stands_in_several() -> None:
    files = [pins(file.name) for file in FOLDER.glob("requirements*.txt")]
    for name in {name for file in files for name in file}:
        assert len({file[name] for file in files if name in file}) == 1, name


def test_nothing_that_is_needed_is_missing() -> None:
    check = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert check.returncode == 0, check.stdout
