"""Which operation a request asks for, how often each was asked, a journal, and the requests."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs
from wsgiref.types import WSGIEnvironment

from moto.utilities.utils import get_partition

from lab.http import rest

JOURNAL_LENGTH = 50_000
# What is asked for credentials with is not signed with any (STS API reference).
UNSIGNED = ("AssumeRoleWithSAML", "AssumeRoleWithWebIdentity")
# Services that IAM names otherwise than signatures do.
PREFIXES = {"monitoring": "cloudwatch", "tagging": "tag"}
# SQS's batches need what each of their entries needs.
BATCH = "Batch"
SCOPE = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")


@dataclass(frozen=True)
class Call:
    """One request to the AWS API, or to the registry.

    `service` is the name it was signed for, or `registry`; account and region are where it goes.
    `key` is the access key that signed it, or that got the registry's token. `method` and `target`,
    the path with its query, count where they say what is asked for.
    """

    service: str
    operation: str
    account: str
    region: str
    protocol: str
    body: bytes
    key: str = ""
    method: str = ""
    target: str = ""

    @property
    def name(self) -> str:
        """`ec2:CreateVpc`, as it stands in counters and faults."""
        return f"{self.service}:{self.operation}"

    @property
    def action(self) -> str:
        """`cloudwatch:GetMetricData`, as IAM names it."""
        name = self.operation.removesuffix(BATCH) if self.service == "sqs" else self.operation
        return f"{PREFIXES.get(self.service, self.service)}:{name}"

    @property
    def caller(self) -> str:
        """The ARN of whoever makes it, as refusals name it."""
        return f"arn:{get_partition(self.region)}:iam::{self.account}:user/lab"


def identify(environ: WSGIEnvironment, account_of: Callable[[str], str], body: bytes) -> Call:
    """Reads service and operation off a request; its access key says the account."""
    scope = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    key, region, service = scope.groups() if scope else ("", "", "unsigned")
    account = account_of(key)
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return Call(service, target.rsplit(".", 1)[-1], account, region, "json", body, key)
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        action = parse_qs(body.decode("utf-8", "replace")).get("Action", ["unknown"])[0]
        if not scope and action in UNSIGNED:
            service = "sts"
        protocol = "ec2" if service == "ec2" else "query"
        return Call(service, action, account, region, protocol, body, key)
    # As it was sent: a label may have slashes in it that are not the path's.
    method, sent = environ.get("REQUEST_METHOD", ""), environ.get("RAW_URI", "")
    found = rest.asked(service, method, sent.partition("?")[0])
    path = f"{method} {environ.get('PATH_INFO')}"
    operation, protocol = found[:2] if found else (path, "rest")
    target = sent if found else ""
    return Call(service, operation, account, region, protocol, body, key, method, target)


def signed_by(authorization: str) -> str:
    """The access key that a request is signed with; empty for one without a signature."""
    scope = SCOPE.search(authorization)
    return scope[1] if scope else ""


class Calls:
    """Counters and the journal since they were last set to nothing, and all requests ever made.

    Equal requests are kept once with their number: whoever polls asks the same thing again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._total = 0
        self._journal: deque[dict[str, Any]] = deque(maxlen=JOURNAL_LENGTH)
        self._requests: Counter[Call] = Counter()

    def record(self, call: Call, status: int, error: str | None, began: float) -> None:
        """Notes one answered call."""
        entry = {
            "time": round(time.time(), 3),
            "service": call.service,
            "operation": call.operation,
            "account": call.account,
            "region": call.region,
            "status": status,
            "milliseconds": round((time.monotonic() - began) * 1000, 1),
        }
        if error:
            entry["error"] = error
        with self._lock:
            self._counts[call.name] += 1
            self._total += 1
            self._journal.append(entry)
            self._requests[call] += 1

    def reset(self) -> None:
        """Sets counters and journal to nothing."""
        with self._lock:
            self._counts.clear()
            self._total = 0
            self._journal.clear()

    def forget(self) -> None:
        """Forgets the requests too."""
        self.reset()
        with self._lock:
            self._requests.clear()

    def counts(self) -> dict[str, Any]:
        """Counts by operation and their sum."""
        with self._lock:
            return {"total": self._total, "operations": dict(sorted(self._counts.items()))}

    def journal(self) -> str:
        """The calls as JSON lines, oldest first."""
        with self._lock:
            return "".join(json.dumps(entry) + "\n" for entry in self._journal)

    def requests(self) -> Counter[Call]:
        """Every request with how often it was made, for the model check."""
        with self._lock:
            return Counter(self._requests)
