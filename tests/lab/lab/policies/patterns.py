"""Wildcards in policies: `*` for any characters, `?` for one (IAM user guide, "Resource")."""

from __future__ import annotations

import re
from functools import lru_cache

ARN_PARTS = 6


def matches(pattern: str, value: str) -> bool:
    """Whether a value is as a pattern says, letter for letter."""
    return _compiled(pattern).fullmatch(value) is not None


def names_action(pattern: str, action: str) -> bool:
    """Whether a pattern names an action, in any case."""
    return matches(pattern.lower(), action.lower())


def names_arn(pattern: str, arn: str) -> bool:
    """Whether a pattern names an ARN.

    Parts that a pattern lacks are any. A `*` stays within its part of the ARN, unless it ends it.
    What has no ARN is named by `*` alone.
    """
    if pattern == "*" or not arn.startswith("arn:"):
        return pattern == "*"
    missing = ARN_PARTS - len(pattern.split(":"))
    return _compiled_arn(pattern + ":*" * max(missing, 0)).fullmatch(arn) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(
        "".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in pattern), re.DOTALL
    )


@lru_cache(maxsize=4096)
def _compiled_arn(pattern: str) -> re.Pattern[str]:
    text = re.escape(pattern).replace(r"\?", ".")
    return re.compile(re.sub(r"\\\*(?!:|$)", "[^:]*", text).replace(r"\*", ".*"), re.DOTALL)
