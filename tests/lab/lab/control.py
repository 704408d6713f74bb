"""The lab's own interface under `/_lab/`: counters, journal, faults, inventory, reset."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable
from email.message import Message
from typing import Any, Protocol, runtime_checkable
from urllib.parse import parse_qs, urlsplit

from lab.aws.acm.certificates import move as move_certificate
from lab.aws.cloudwatch.metrics import measure
from lab.aws.common.model_check import check_all
from lab.aws.common.windows import open_windows
from lab.aws.ec2.guard_duty import watch
from lab.aws.events.delivery import Bus
from lab.aws.rds.changes import move, rotate_all
from lab.aws.sns.outbox import Outbox
from lab.aws.sns.subscriptions import confirm_all
from lab.aws.sts.sessions import expire_all, open_account
from lab.aws.wafv2.associations import make as make_web_acl
from lab.http.doors import lacks_header
from lab.http.errors import Reply
from lab.inventory import inventory, secret_values
from lab.population import REGION, populate
from lab.running.databases.instances import Databases
from lab.running.names.resolver import Names
from lab.running.schedules.invocations import Invocations
from lab.running.schedules.roster import Schedules
from lab.running.tasks.roster import Tasks
from lab.world.lab import Lab
from lab.world.places import ACCOUNT, Place

FREE = ("GET", "/_lab")
Query = dict[str, str]
Answer = Callable[[Query, bytes], Any]


@runtime_checkable
class Described(Protocol):
    """A part that says something about itself."""

    def describe(self) -> dict[str, Any]:
        """For `GET /_lab`."""
        ...


class Control:
    """One method a route."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._began = time.monotonic()
        self._routes: dict[tuple[str, str], Answer] = {
            ("GET", "/_lab"): self.status,
            ("GET", "/_lab/calls"): lambda query, body: lab.calls.counts(),
            ("GET", "/_lab/log"): lambda query, body: lab.calls.journal(),
            ("GET", "/_lab/model-check"): self.model_check,
            ("POST", "/_lab/reset-calls"): lambda query, body: lab.calls.reset(),
            ("GET", "/_lab/inventory"): self.inventory,
            ("GET", "/_lab/secrets"): self.secrets,
            ("POST", "/_lab/certificates"): self.move_certificate,
            ("POST", "/_lab/web-acls"): self.make_web_acl,
            ("GET", "/_lab/tasks"): self.tasks,
            ("GET", "/_lab/resolve"): self.resolve,
            ("POST", "/_lab/metrics"): self.measure,
            ("GET", "/_lab/outbox"): self.outbox,
            ("POST", "/_lab/outbox/confirm"): self.confirm,
            ("GET", "/_lab/faults"): lambda query, body: {"faults": lab.faults.public()},
            ("POST", "/_lab/faults"): self.add_faults,
            ("DELETE", "/_lab/faults"): lambda query, body: lab.faults.clear(),
            ("POST", "/_lab/guard-duty"): self.watch,
            ("POST", "/_lab/maintenance-window"): self.open_windows,
            ("POST", "/_lab/clock"): self.advance,
            ("POST", "/_lab/capacity"): self.lack,
            ("POST", "/_lab/quotas"): self.apply_quota,
            ("POST", "/_lab/spot"): self.interrupt,
            ("GET", "/_lab/events"): self.events,
            ("GET", "/_lab/schedules"): self.invocations,
            ("POST", "/_lab/schedules"): self.fire,
            ("GET", "/_lab/strict"): lambda query, body: lab.strict.public(),
            ("POST", "/_lab/strict"): self.switch,
            ("POST", "/_lab/databases"): self.move_database,
            ("POST", "/_lab/rotate-secrets"): self.rotate_secrets,
            ("POST", "/_lab/hostile"): self.be_hostile,
            ("GET", "/_lab/policies"): lambda query, body: lab.policies.public(),
            ("POST", "/_lab/policies"): self.attach_policies,
            ("POST", "/_lab/populate"): self.populate,
            ("POST", "/_lab/accounts"): self.open_account,
            ("POST", "/_lab/expire-sessions"): self.expire_sessions,
            ("POST", "/_lab/sessions"): self.limit_sessions,
            ("POST", "/_lab/regions"): self.enable_regions,
            ("POST", "/_lab/reset"): lambda query, body: lab.reset(),
            ("POST", "/_lab/stop"): self.stop,
        }

    def answer(self, method: str, url: str, headers: Message, body: bytes) -> Reply:
        """Serves one request; but for what this lab is, only those that no page can send."""
        parts = urlsplit(url)
        asked = (method, parts.path.rstrip("/"))
        if asked != FREE and (refusal := lacks_header(headers)):
            return refusal
        route = self._routes.get(asked)
        if route is None:
            known = sorted(f"{verb} {path}" for verb, path in self._routes)
            return _json(404, {"error": f"no {method} {parts.path}", "routes": known})
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        try:
            result = route(query, body)
        except (ValueError, TypeError) as error:
            return _json(400, {"error": str(error)})
        except Exception:  # noqa: BLE001 - shown to whoever asked
            return _json(500, {"error": traceback.format_exc()})
        if isinstance(result, str):
            return 200, [("Content-Type", "application/x-ndjson")], result.encode()
        return _json(200, {"ok": True} if result is None else result)

    def status(self, query: Query, body: bytes) -> dict[str, Any]:
        """What this lab is."""
        options = self._lab.options
        return {
            "endpoint": self._lab.endpoint,
            "pid": os.getpid(),
            "scale": options.scale,
            "profile": options.profile,
            "data": str(self._lab.data),
            "seconds": round(time.monotonic() - self._began, 1),
            **{
                name: part.describe()
                for name, part in self._lab.parts.items()
                if isinstance(part, Described)
            },
        }

    def secrets(self, query: Query, body: bytes) -> dict[str, Any]:
        """The values of all secrets, and of the fields of those that are JSON: what may not leak."""
        with self._lab.lock:
            return {"values": secret_values()}

    def move_certificate(self, query: Query, body: bytes) -> None:
        """Puts an issued certificate under an ARN, lets one fail, or lets its renewal come."""
        with self._lab.lock:
            move_certificate(json.loads(body))

    def make_web_acl(self, query: Query, body: bytes) -> None:
        """Makes a web ACL of an ARN that somebody chose."""
        with self._lab.lock:
            make_web_acl(str(json.loads(body)["arn"]))

    def inventory(self, query: Query, body: bytes) -> dict[str, Any]:
        """Everything that exists, tagged or not."""
        with self._lab.lock:
            resources = inventory()
        return {"count": len(resources), "resources": resources}

    def model_check(self, query: Query, body: bytes) -> dict[str, Any]:
        """Which of the requests so far AWS's own models would refuse."""
        return check_all(self._lab.calls.requests())

    def tasks(self, query: Query, body: bytes) -> dict[str, Any]:
        """Where each task really runs."""
        return {"tasks": self._lab.part(Tasks).list()}

    def resolve(self, query: Query, body: bytes) -> dict[str, Any]:
        """What the hosted zones say about a name: `?name=www.example.org&type=A`."""
        if "name" not in query:
            raise ValueError("which name?")
        return self._lab.part(Names).resolve(query["name"], query.get("type", "A")).public()

    def measure(self, query: Query, body: bytes) -> None:
        """Puts points of a metric, as AWS itself does."""
        with self._lab.lock:
            measure(json.loads(body))

    def outbox(self, query: Query, body: bytes) -> list[dict[str, Any]]:
        """What SNS would have sent out of the lab, the oldest first."""
        return self._lab.part(Outbox).letters(query.get("to"))

    def confirm(self, query: Query, body: bytes) -> dict[str, Any]:
        """Confirms subscriptions that are pending."""
        with self._lab.lock:
            return {"confirmed": confirm_all(self._lab, json.loads(body or b"{}"))}

    def add_faults(self, query: Query, body: bytes) -> dict[str, Any]:
        """Adds one rule, or a list of them."""
        rules = json.loads(body)
        for rule in rules if isinstance(rules, list) else [rules]:
            self._lab.faults.add(rule)
        return {"faults": self._lab.faults.public()}

    def watch(self, query: Query, body: bytes) -> dict[str, str]:
        """Lets GuardDuty put into a VPC what it puts there by itself."""
        with self._lab.lock:
            return watch(json.loads(body)["vpc"])

    def open_windows(self, query: Query, body: bytes) -> dict[str, Any]:
        """Lets the maintenance windows come."""
        return {"opened": open_windows(self._lab)}

    def advance(self, query: Query, body: bytes) -> dict[str, Any]:
        """Puts the lab's clock ahead by so many seconds."""
        with self._lab.lock:
            self._lab.clock.advance(float(json.loads(body)["advance"]))
            return {"now": self._lab.clock.moment().isoformat()}

    def events(self, query: Query, body: bytes) -> dict[str, Any]:
        """Which rules handed which events on, and why they did not get there."""
        with self._lab.lock:
            return {"deliveries": self._lab.part(Bus).list()}

    def invocations(self, query: Query, body: bytes) -> dict[str, Any]:
        """How often schedules came round, and what became of it."""
        with self._lab.lock:
            return {"invocations": self._lab.part(Invocations).list()}

    def fire(self, query: Query, body: bytes) -> None:
        """Lets a schedule come round now: `{"schedule": "jobs/nightly"}`."""
        wanted = json.loads(body)
        place = Place(wanted.get("account", ACCOUNT), wanted.get("region", REGION))
        with self._lab.lock:
            schedules = self._lab.part(Schedules)
            schedules.fire(schedules.named(place, str(wanted.get("schedule"))))

    def lack(self, query: Query, body: bytes) -> None:
        """Lets the next tasks find no place: for want of capacity, or as is said."""
        with self._lab.lock:
            self._lab.part(Tasks).lack(json.loads(body))

    def apply_quota(self, query: Query, body: bytes) -> None:
        """Applies a quota: `{"service": "fargate", "quota": "L-3032A538", "value": 1}`."""
        wanted = json.loads(body)
        place = Place(wanted.get("account", ACCOUNT), wanted.get("region", REGION))
        value = wanted.get("value")
        self._lab.quotas.apply(
            place,
            str(wanted.get("service")),
            str(wanted.get("quota")),
            None if value is None else float(value),
        )

    def interrupt(self, query: Query, body: bytes) -> dict[str, Any]:
        """Takes Spot capacity back: that of one task, or of all."""
        with self._lab.lock:
            tasks = self._lab.part(Tasks)
            return {"interrupted": tasks.interrupt(json.loads(body or b"{}").get("task"))}

    def move_database(self, query: Query, body: bytes) -> None:
        """Lets RDS move a database by itself: `{"database": …, "storage": 35, "status": …}`."""
        wanted = json.loads(body)
        with self._lab.lock:
            move(self._lab, str(wanted.get("database")), wanted)

    def rotate_secrets(self, query: Query, body: bytes) -> dict[str, Any]:
        """Rotates the passwords that RDS manages."""
        with self._lab.lock:
            return {"rotated": rotate_all(self._lab.part(Databases))}

    def switch(self, query: Query, body: bytes) -> dict[str, bool]:
        """Switches parts of the strict profile on and off."""
        self._lab.strict.switch(json.loads(body))
        return self._lab.strict.public()

    def be_hostile(self, query: Query, body: bytes) -> dict[str, Any]:
        """Switches all that AWS does to a client on, as a seed draws it."""
        self._lab.be_hostile(int(json.loads(body).get("seed", "none")))
        return {"strict": self._lab.strict.public(), "faults": self._lab.faults.public()}

    def attach_policies(self, query: Query, body: bytes) -> None:
        """Attaches identity policies to whoever calls, or takes them off."""
        self._lab.policies.attach(json.loads(body))

    def populate(self, query: Query, body: bytes) -> dict[str, Any]:
        """Makes things of others."""
        return {"made": populate(self._lab, json.loads(body))}

    def open_account(self, query: Query, body: bytes) -> dict[str, Any]:
        """Makes roles in another account, to be assumed."""
        wanted = json.loads(body)
        with self._lab.lock:
            return {"roles": open_account(str(wanted.get("account")), wanted.get("roles") or [])}

    def expire_sessions(self, query: Query, body: bytes) -> dict[str, Any]:
        """Lets the sessions of all assumed roles be over."""
        with self._lab.lock:
            return {"expired": expire_all()}

    def limit_sessions(self, query: Query, body: bytes) -> None:
        """Says how many seconds sessions last that begin from now on."""
        self._lab.session_seconds = json.loads(body)["seconds"]

    def enable_regions(self, query: Query, body: bytes) -> dict[str, Any]:
        """Opts in to regions."""
        self._lab.regions.enable(json.loads(body)["enable"])
        return {"enabled": sorted(self._lab.regions.enabled)}

    def stop(self, query: Query, body: bytes) -> None:
        """Ends the lab once this request is answered."""
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM)).start()


def _json(status: int, value: Any) -> Reply:
    text = json.dumps(value, indent=2, default=str) + "\n"
    return status, [("Content-Type", "application/json")], text.encode()
