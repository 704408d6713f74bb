"""Bad luck on demand: what goes wrong with which call.

Faults are set over `/_lab/faults` and stay until they are cleared. A call is named
`service:Operation`; `*` stands for any part of it.
"""

from __future__ import annotations

import fnmatch
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

from lab.http.calls import Call, Calls
from lab.http.clients import Client, Process
from lab.http.delays import DISTRIBUTIONS, check_percentiles, from_percentiles
from lab.http.errors import Reply, denied, error_code, error_reply, throttled

KINDS = ("delay", "throttle", "fail", "drop", "deny", "freeze", "kill")
MOMENTS = ("before", "after", "replied")


@dataclass
class Fault:
    """One rule. `nth` counts matching calls from 1; without it every match is hit."""

    kind: str
    match: str = "*"
    nth: int | None = None
    when: str = "before"
    code: str = "InternalFailure"
    status: int = 500
    message: str = "The request processing has failed because of an unknown error."
    fraction: float = 1.0
    seed: int = 1
    milliseconds: float = 0.0
    jitter: float = 0.0
    distribution: str = "exponential"
    spread: float = 1.0
    percentiles: dict[str, float] | None = None
    pid: int = 0
    times: int | None = None
    unless_tagged: str | None = None
    unless_key: str | None = None
    seen: int = 0
    hits: int = 0
    _random: random.Random = field(default_factory=random.Random, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {self.kind!r}")
        if self.when not in MOMENTS or (self.when == "replied") > (self.kind == "kill"):
            raise ValueError("when must be before or after; for a kill it may be replied")
        if (self.kind == "kill") != (self.pid > 0):
            raise ValueError("a kill needs the pid of the client, and nothing else does")
        if self.distribution not in DISTRIBUTIONS:
            raise ValueError(f"distribution must be one of {', '.join(DISTRIBUTIONS)}")
        if self.percentiles is not None:
            check_percentiles(self.percentiles)
        self._random.seed(self.seed)

    def strikes(self, call: Call) -> bool:
        """Whether this call is hit; counts it either way."""
        if not fnmatch.fnmatchcase(call.name, self.match) or call.key == self.unless_key:
            return False
        if self.unless_tagged is not None and not _makes_without(call, self.unless_tagged):
            return False
        self.seen += 1
        if self.nth is not None and self.seen != self.nth:
            return False
        if self.times is not None and self.hits >= self.times:
            return False
        if self.fraction < 1.0 and self._random.random() >= self.fraction:
            return False
        self.hits += 1
        return True

    def delay(self) -> float:
        """Seconds to wait: the fixed part and a drawn one."""
        extra = 0.0
        if self.percentiles is not None:
            extra = from_percentiles(self._random, self.percentiles)
        elif self.jitter:
            draw = DISTRIBUTIONS[self.distribution]
            extra = draw(self._random, self.jitter, self.spread)
        return (self.milliseconds + extra) / 1000

    def public(self) -> dict[str, Any]:
        """The rule and what it did, for `GET /_lab/faults`."""
        return {key: value for key, value in vars(self).items() if not key.startswith("_")}


def _makes_without(call: Call, tag: str) -> bool:
    """Whether a call gives tags to something new, and not this one.

    What is written over has its tags already, and PutParameter takes none with `Overwrite`.
    """
    text = unquote_plus(call.body.decode("utf-8", "replace"))
    return tag not in text and '"Overwrite":true' not in text.replace(" ", "")


@dataclass
class Verdict:
    """What is to happen to one call."""

    delay: float = 0.0
    before: Reply | None = None
    after: Reply | None = None
    drop_before: bool = False
    drop_after: bool = False
    frozen: bool = False
    kill: Fault | None = None
    victim: Process | None = None

    def cuts_off(self, when: str) -> bool:
        """Whether the client hears nothing more from this moment on."""
        is_dropped = self.drop_before if when == "before" else self.drop_after
        return is_dropped or self.end_client(when)

    def end_client(self, when: str) -> bool:
        """Ends the client with SIGKILL if it is to end at this moment, and says whether it did."""
        if self.kill is None or self.victim is None or self.kill.when != when:
            return False
        return self.victim.end()


class DropConnection(Exception):
    """The client gets no answer at all."""


class Faults:
    """The rules in force."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Fault] = []
        self.cleared = threading.Event()

    def add(self, rule: dict[str, Any]) -> Fault:
        """Adds a rule; ValueError or TypeError say what is wrong with it."""
        fault = Fault(**rule)
        with self._lock:
            self._rules.append(fault)
        return fault

    def clear(self) -> None:
        """Removes all rules and lets frozen calls go on."""
        with self._lock:
            self._rules.clear()
            self.cleared.set()
            self.cleared = threading.Event()

    def public(self) -> list[dict[str, Any]]:
        """The rules with their counts."""
        with self._lock:
            return [rule.public() for rule in self._rules]

    def hits(self) -> Counter[str]:
        """How often each kind struck."""
        with self._lock:
            return Counter({rule.kind: rule.hits for rule in self._rules})

    def befall(
        self, call: Call, client: Client, effect: Callable[[], Reply], calls: Calls
    ) -> tuple[Reply, Verdict]:
        """Lets a call take its effect as far as its fate allows, and notes it.

        Gives the reply, and the verdict for what is still to happen after it.
        """
        began = time.monotonic()
        verdict = self._judge(call)
        if verdict.kill:
            verdict.victim = client.process(verdict.kill.pid)
        if verdict.delay:
            time.sleep(verdict.delay)
        if verdict.frozen:
            self.cleared.wait()
        if verdict.cuts_off("before"):
            raise DropConnection
        reply = verdict.before or effect()
        reply = verdict.after or reply
        status, headers, content = reply
        calls.record(call, status, error_code(status, content, headers), began)
        if verdict.cuts_off("after"):
            raise DropConnection
        return reply, verdict

    def _judge(self, call: Call) -> Verdict:
        verdict = Verdict()
        with self._lock:
            for rule in self._rules:
                if rule.strikes(call):
                    self._apply(rule, call, verdict)
        return verdict

    @staticmethod
    def _apply(rule: Fault, call: Call, verdict: Verdict) -> None:
        reply: Reply | None = None
        if rule.kind == "delay":
            verdict.delay += rule.delay()
        elif rule.kind == "kill":
            verdict.kill = rule
        elif rule.kind == "freeze":
            verdict.frozen = True
        elif rule.kind == "drop":
            verdict.drop_before |= rule.when == "before"
            verdict.drop_after |= rule.when == "after"
        elif rule.kind == "throttle":
            reply = throttled(call.service, call.protocol)
        elif rule.kind == "deny":
            reply = denied(call.caller, call.action, call.protocol)
        else:
            reply = error_reply(call.protocol, rule.code, rule.message, rule.status)
        if reply and rule.when == "after":
            verdict.after = verdict.after or reply
        elif reply:
            verdict.before = verdict.before or reply
