"""Rules of composite alarms: `ALARM("a") AND (OK(b) OR NOT INSUFFICIENT_DATA("c"))`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

STATES = ("ALARM", "OK", "INSUFFICIENT_DATA")
MOST_ELEMENTS, MOST_CHILDREN = 500, 100
WORD = re.compile(
    r'\s*(?:(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"(?P<quoted>[^"]*)"|(?P<bare>[^")\s]+))\s*\)'
    r"|(?P<word>AND|OR|NOT|TRUE|FALSE)\b|(?P<sign>[()]))",
    re.IGNORECASE,
)
# The state of an alarm by its name.
StateOf = Callable[[str], str]
Rule = Callable[[StateOf], bool]


class BadRule(Exception):
    """The text says what is wrong."""


def children_of(rule: str) -> set[str]:
    """The names of the alarms that a rule is about; BadRule when it is none."""
    return {word[1] for word in _words(rule) if isinstance(word, tuple)}


def holds(rule: str, state_of: StateOf) -> bool:
    """Whether a rule holds."""
    return parsed(rule)(state_of)


def parsed(rule: str) -> Rule:
    """Reads a rule; BadRule when it is none."""
    words = list(_words(rule))
    if len(words) > MOST_ELEMENTS:
        raise BadRule(f"a rule has at most {MOST_ELEMENTS} elements")
    if len(children_of(rule)) > MOST_CHILDREN:
        raise BadRule(f"a rule names at most {MOST_CHILDREN} alarms")
    reader = Reader(words)
    found = reader.either()
    if reader.left:
        raise BadRule(f"unexpected {reader.left[0]}")
    return found


Word = str | tuple[str, str]


class Reader:
    """Goes through the words of a rule: OR binds less than AND, AND less than NOT."""

    def __init__(self, words: list[Word]) -> None:
        self.left = words

    def either(self) -> Rule:
        """Sides of OR."""
        sides = [self.both()]
        while self._takes("OR"):
            sides.append(self.both())
        return lambda state_of: any(side(state_of) for side in sides)

    def both(self) -> Rule:
        """Sides of AND."""
        sides = [self.one()]
        while self._takes("AND"):
            sides.append(self.one())
        return lambda state_of: all(side(state_of) for side in sides)

    def one(self) -> Rule:
        """What stands between them."""
        if self._takes("NOT"):
            inner = self.one()
            return lambda state_of: not inner(state_of)
        if self._takes("("):
            whole = self.either()
            if not self._takes(")"):
                raise BadRule("a parenthesis is not closed")
            return whole
        if not self.left:
            raise BadRule("the rule ends too early")
        word = self.left.pop(0)
        if word in ("TRUE", "FALSE"):
            return lambda state_of: word == "TRUE"
        if isinstance(word, str):
            raise BadRule(f"unexpected {word}")
        state, name = word
        return lambda state_of: state_of(name) == state

    def _takes(self, word: str) -> bool:
        if self.left and self.left[0] == word:
            self.left.pop(0)
            return True
        return False


def _words(rule: str) -> Iterator[Word]:
    at = 0
    while rule[at:].strip():
        found = WORD.match(rule, at)
        if found is None:
            raise BadRule(f"cannot read {rule[at : at + 40].strip()!r}")
        if found["state"]:
            name = found["quoted"] if found["quoted"] is not None else found["bare"]
            yield found["state"].upper(), name.rpartition(":alarm:")[2]
        else:
            yield (found["word"] or found["sign"]).upper()
        at = found.end()
