"""Names as Route 53 keeps them: in lower case, with a dot at their end, other signs by their number."""

from __future__ import annotations

import re

PLAIN = re.compile(r"[a-z0-9_-]")
ESCAPED = re.compile(r"\\([0-7]{3})")
WILDCARD = "\\052"


def normal(name: str) -> str:
    """The name as it is read back: `*.Example.org` is `\\052.example.org.`"""
    return ".".join(escaped(label) for label in name.removesuffix(".").split(".")) + "."


def backwards(name: str) -> list[str]:
    """Its labels from the last one on, by which Route 53 sorts."""
    return list(reversed(name.removesuffix(".").split(".")))


def within(name: str, zone: str) -> bool:
    """Whether a name is of a zone, both as they are read back."""
    return name == zone or name.endswith(f".{zone}")


def escaped(label: str) -> str:
    """A label with each sign that is not plain by its number; those that are so already stay."""
    parts: list[str] = []
    place = 0
    while place < len(label):
        number = ESCAPED.match(label, place)
        sign = (chr(int(number[1], 8)) if number else label[place]).lower()
        place += 4 if number else 1
        parts += sign if PLAIN.match(sign) else (f"\\{byte:03o}" for byte in sign.encode())
    return "".join(parts)
