"""What is no name."""

from __future__ import annotations

from moto.route53.exceptions import Route53ClientError

from lab.running.names.spelling import ESCAPED, escaped

LONGEST_LABEL, LONGEST = 63, 255


def check_name(name: str, code: str) -> None:
    """Refuses a name that DNS or Route 53 does not take."""
    for sign in name:
        if ord(sign) <= 32 or ord(sign) > 126:
            raise fatal(code, "UnsupportedCharacter", "Value contains unsupported characters", sign)
    for label in name.removesuffix(".").split("."):
        if not label:
            raise fatal(code, "DomainLabelEmpty", "Domain label is empty", name)
        if len(ESCAPED.sub("x", escaped(label))) > LONGEST_LABEL:
            raise fatal(code, "DomainLabelTooLong", "Domain label is too long", label)
    if len(name) > LONGEST:
        raise fatal(code, "DomainNameTooLong", "Domain name is too long", name)


def fatal(code: str, problem: str, words: str, value: str) -> Route53ClientError:
    """The error, in Route 53's form."""
    message = f"FATAL problem: {problem} ({words}) encountered with '{value}'"
    return Route53ClientError(code, message)
