"""Metric math: arithmetic, comparisons and some functions over metrics, point by point.

An expression is read as Python reads it, after the three operators that are written otherwise.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Mapping
from statistics import fmean
from typing import Any

Series = dict[float, float]
Value = float | Series | list[Series]

SPELLINGS = (("^", "**"), ("&&", " and "), ("||", " or "))
OPERATORS: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.And: lambda a, b: float(bool(a and b)),
    ast.Or: lambda a, b: float(bool(a or b)),
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
# Over several metrics, point by point; over one, a number.
TOGETHER: dict[str, Callable[[Iterable[float]], float]] = {
    "SUM": sum,
    "MIN": min,
    "MAX": max,
    "AVG": fmean,
}
FUNCTIONS = (*TOGETHER, "FILL", "IF", "METRICS", "ABS")


class BadExpression(Exception):
    """The text says what is wrong."""


def names_in(expression: str) -> set[str]:
    """The identifiers that an expression is about; BadExpression when it is none."""
    nodes = list(ast.walk(_parsed(expression)))
    for node in nodes:
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) not in FUNCTIONS:
            raise BadExpression("Unsupported function")
    return {node.id for node in nodes if isinstance(node, ast.Name) and node.id[0].islower()}


def compute(expression: str, known: Mapping[str, Series], times: Iterable[float]) -> Series:
    """The points of an expression; where one of its metrics has none there is none.

    `times` are the periods of the stretch that is looked at, for constants and for FILL.
    """
    moments = sorted({*times, *(at for series in known.values() for at in series)})
    value = Reading(known, moments).value(_parsed(expression).body)
    if isinstance(value, dict):
        return value
    if isinstance(value, list):
        raise BadExpression("The expression must return one time series")
    return dict.fromkeys(moments, value)


def _parsed(expression: str) -> ast.Expression:
    for theirs, ours in SPELLINGS:
        expression = expression.replace(theirs, ours)
    try:
        return ast.parse(expression.strip(), mode="eval")
    except SyntaxError as error:
        raise BadExpression(f"Invalid syntax: {error.msg}") from None


class Reading:
    """Goes through one expression."""

    def __init__(self, known: Mapping[str, Series], moments: list[float]) -> None:
        self._known = known
        self._moments = moments

    def value(self, node: ast.expr) -> Value:
        """What a part of the expression comes to."""
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            return float(node.value)
        if isinstance(node, ast.Name) and node.id in self._known:
            return self._known[node.id]
        if isinstance(node, ast.List):
            return [self._series(self.value(item)) for item in node.elts]
        if isinstance(node, ast.UnaryOp):
            sign = -1.0 if isinstance(node.op, ast.USub) else 1.0
            return _joined(operator.mul, sign, self.value(node.operand))
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            sides = self.value(node.left), self.value(node.right)
            return _joined(OPERATORS[type(node.op)], *sides)
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            sides = self.value(node.left), self.value(node.comparators[0])
            return _joined(OPERATORS[type(node.ops[0])], *sides)
        if isinstance(node, ast.BoolOp):
            first, *others = (self.value(side) for side in node.values)
            for other in others:
                first = _joined(OPERATORS[type(node.op)], first, other)
            return first
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self._call(node.func.id, node.args)
        raise BadExpression(f"Unsupported: {ast.unparse(node)}")

    def _call(self, name: str, arguments: list[ast.expr]) -> Value:
        if name == "METRICS":
            return list(self._known.values())
        if name == "FILL" and len(arguments) == 2:
            return self._filled(self._series(self.value(arguments[0])), arguments[1])
        if name == "IF" and len(arguments) in (2, 3):
            return self._chosen(*(self._series(self.value(it)) for it in arguments))
        (value,) = (self.value(it) for it in arguments)
        if name == "ABS":
            return _joined(lambda a, _: abs(a), value, 0.0)
        if name not in TOGETHER:
            raise BadExpression(f"Unsupported function {name}")
        together = TOGETHER[name]
        if isinstance(value, list):
            at = {moment: [it[moment] for it in value if moment in it] for moment in self._moments}
            return {moment: float(together(values)) for moment, values in at.items() if values}
        values = list(self._series(value).values())
        return float(together(values)) if values else {}

    def _series(self, value: Value) -> Series:
        if isinstance(value, list):
            raise BadExpression("An array of time series stands where one is wanted")
        return value if isinstance(value, dict) else dict.fromkeys(self._moments, value)

    def _filled(self, series: Series, filling: ast.expr) -> Series:
        filled, last = {}, None
        repeats = isinstance(filling, ast.Name) and filling.id in ("REPEAT", "LINEAR")
        other: Any = None if repeats else self.value(filling)
        for at in self._moments:
            last = series.get(at, last)
            value = series.get(at, last if repeats else self._series(other).get(at))
            if value is not None:
                filled[at] = value
        return filled

    @staticmethod
    def _chosen(condition: Series, then: Series, otherwise: Series | None = None) -> Series:
        chosen = {
            at: (then if holds else otherwise or {}).get(at) for at, holds in condition.items()
        }
        return {at: value for at, value in chosen.items() if value is not None}


def _joined(act: Callable[[float, float], float], one: Value, other: Value) -> Value:
    """Two sides, where both have a point; what cannot be divided has none."""
    if isinstance(one, list) or isinstance(other, list):
        raise BadExpression("Operators take no arrays of time series")
    if not isinstance(one, dict) and not isinstance(other, dict):
        try:
            return float(act(one, other))
        except (ArithmeticError, TypeError):
            return {}
    times = [set(side) for side in (one, other) if isinstance(side, dict)]
    joined = {}
    for at in set.intersection(*times):
        sides = [side[at] if isinstance(side, dict) else side for side in (one, other)]
        try:
            joined[at] = float(act(*sides))
        except (ArithmeticError, TypeError):
            continue
    return joined
