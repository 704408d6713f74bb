"""Conditions of a statement (IAM user guide, "Condition operators", "Multivalued context keys").

Keys and operators that the lab does not know are refused when a policy is attached.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.policies.needs import Need, Values
from lab.policies.patterns import matches, names_arn

Test = Callable[[str, str], bool]

TAGGED_SERVICES = (
    "ec2",
    "ecr",
    "ecs",
    "elasticloadbalancing",
    "events",
    "iam",
    "scheduler",
    "secretsmanager",
    "ssm",
    "states",
)
TAG_KEYS = (
    "aws:requesttag",
    "aws:resourcetag",
    *(f"{service}:resourcetag" for service in TAGGED_SERVICES),
)
KEYS = (
    "acm:domainnames",
    "acm:keyalgorithm",
    "acm:validationmethod",
    "aws:principalaccount",
    "aws:requestedregion",
    "aws:resourceaccount",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:tagkeys",
    "aws:viaawsservice",
    "cloudwatch:alarmactions",
    "cloudwatch:namespace",
    "ec2:createaction",
    "ecs:cluster",
    "ecs:createaction",
    "elasticloadbalancing:createaction",
    "iam:awsservicename",
    "iam:passedtoservice",
    "kms:encryptioncontext:parameter_arn",
    "route53:changeresourcerecordsetsactions",
    "route53:changeresourcerecordsetsnormalizedrecordnames",
    "route53:changeresourcerecordsetsrecordtypes",
    "sns:endpoint",
    "sns:protocol",
)
# By its name, what an operator compares, as policy's value and request's.
TESTS: dict[str, Test] = {
    "StringEquals": str.__eq__,
    "StringEqualsIgnoreCase": lambda wanted, value: wanted.lower() == value.lower(),
    "StringLike": matches,
    "ArnEquals": names_arn,
    "ArnLike": names_arn,
    "Bool": lambda wanted, value: wanted.lower() == value.lower(),
}
NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}
IF_EXISTS = "IfExists"
EACH, SOME = "ForAllValues", "ForAnyValue"


@dataclass(frozen=True)
class Condition:
    """One operator on one key: it holds when one of `wanted` does, or none when it is negated."""

    operator: str
    key: str
    wanted: Values
    quantifier: str = ""
    if_exists: bool = False

    def holds(self, need: Need) -> bool:
        """Whether a need is as the condition says."""
        values = need.values(self.key)
        if self.operator == "Null":
            return (values is None) == (self.wanted[0].lower() == "true")
        is_negated = self.operator in NEGATED
        if values is None:
            absent = self.if_exists or self.quantifier == EACH
            return absent or (is_negated and self.quantifier != SOME)
        if self.quantifier == EACH or (is_negated and self.quantifier != SOME):
            return all(self._suits(value) for value in values)
        return any(self._suits(value) for value in values)

    def _suits(self, value: str) -> bool:
        is_negated = self.operator in NEGATED
        test = TESTS[NEGATED.get(self.operator, self.operator)]
        return any(test(wanted, value) for wanted in self.wanted) != is_negated


def read(block: Any) -> tuple[Condition, ...]:
    """Reads a `Condition` element; ValueError names what the lab does not know."""
    if not isinstance(block, dict):
        raise ValueError(f"Condition is an object, not {block!r}")
    return tuple(
        _condition(operator, key, wanted)
        for operator, keys in block.items()
        for key, wanted in keys.items()
    )


def _condition(written: str, key: str, wanted: Any) -> Condition:
    quantifier, _, name = written.rpartition(":")
    operator = name.removesuffix(IF_EXISTS)
    if (
        quantifier not in ("", EACH, SOME)
        or operator not in {*TESTS, *NEGATED, "Null"}
        or (operator == "Null" and operator != written)
    ):
        raise ValueError(f"the lab does not know the condition operator {written}")
    kind, _, tag = key.lower().partition("/")
    if not (kind in TAG_KEYS if tag else kind in KEYS):
        raise ValueError(f"the lab does not know the condition key {key}")
    texts = tuple(_text(value) for value in (wanted if isinstance(wanted, list) else [wanted]))
    if not texts:
        raise ValueError(f"the condition on {key} has no values")
    return Condition(operator, key, texts, quantifier, name.endswith(IF_EXISTS))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int):
        raise ValueError(f"the value of a condition is a text, not {value!r}")
    if "${" in str(value):
        raise ValueError(f"the lab does not know the policy variable in {value}")
    return str(value)
