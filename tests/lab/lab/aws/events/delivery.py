"""Events on their way: which rules they match, and what becomes of them at each target."""

from __future__ import annotations

import json
import uuid
from collections import deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.events.models import events_backends

from lab.aws.events.inputs import text_for
from lab.aws.events.patterns import matches
from lab.running.deliveries import log_groups, queues, topics
from lab.running.deliveries.permits import Delivery
from lab.world.places import Place

if TYPE_CHECKING:
    from lab.world.lab import Lab

EVENTS = "events.amazonaws.com"
KEPT = 1000
NOT_PERMITTED = "NO_PERMISSIONS"
NOT_THERE = "NO_RESOURCE"


@dataclass
class Outcome:
    """What became of one event at one target; an error where it did not get there."""

    rule: str
    target: str
    event: str
    error: str = ""


class Bus:
    """The default event bus of every place."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._outcomes: deque[Outcome] = deque(maxlen=KEPT)
        lab.resets.append(self._outcomes.clear)
        lab.parts["events"] = self

    def list(self) -> list[dict[str, Any]]:
        """For `GET /_lab/events`, oldest first."""
        return [asdict(outcome) for outcome in self._outcomes]

    def put(self, place: Place, kind: str, source: str, arn: str, detail: dict[str, Any]) -> None:
        """Puts an event of a service's own."""
        account, region = place
        if account not in events_backends or region not in events_backends[account].keys():
            return
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": kind,
            "source": source,
            "account": account,
            "time": f"{self._lab.clock.moment():%Y-%m-%dT%H:%M:%SZ}",
            "region": region,
            "resources": [arn],
            "detail": detail,
        }
        for rule in list(events_backends[account][region].event_buses["default"].rules.values()):
            self.offer(rule, event)

    def offer(self, rule: Any, event: dict[str, Any]) -> None:
        """Hands an event to the targets of a rule that it matches."""
        pattern = rule.event_pattern.get_pattern()
        is_on = rule.state.startswith("ENABLED") and not self._lab.strict.is_fresh("rule", rule)
        if not is_on or not pattern or not matches(pattern, event):
            return
        for target in rule.targets:
            text = text_for(target, event, (rule.name, rule.arn))
            error = deliver(target, rule.arn, text)
            self._outcomes.append(Outcome(rule.arn, target["Arn"], event["id"], error))
            if error:
                _put_aside(target, rule.arn, text, error)


def of_custom(event: dict[str, Any]) -> dict[str, Any]:
    """An event of PutEvents, as targets get it."""
    shown = {key: value for key, value in event.items() if key != "ingestion-time"}
    if not isinstance(shown["time"], str):
        moment = datetime.fromtimestamp(float(shown["time"]), UTC)
        shown["time"] = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    return shown


def deliver(target: dict[str, Any], rule: str, text: str) -> str:
    """Hands a text to a target; why not, where it does not get there."""
    arn = target["Arn"]
    if ":sqs:" in arn:
        group = (target.get("SqsParameters") or {}).get("MessageGroupId")
        return _to_queue(arn, rule, text, group=group)
    if ":sns:" in arn:
        return _to_topic(arn, rule, text)
    return _to_log_group(arn, rule, text)


def _to_queue(
    arn: str,
    rule: str,
    text: str,
    attributes: dict[str, str] | None = None,
    group: str | None = None,
) -> str:
    queue = queues.find(arn)
    if queue is None:
        return NOT_THERE
    policy = json.loads(queue.policy) if queue.policy else None
    if not Delivery(EVENTS, "sqs:SendMessage", arn, rule).is_permitted(policy):
        return NOT_PERMITTED
    queues.send(arn, text, attributes, group)
    return ""


def _to_topic(arn: str, rule: str, text: str) -> str:
    topic = topics.find(arn)
    if topic is None:
        return NOT_THERE
    if not Delivery(EVENTS, "sns:Publish", arn, rule).is_permitted(json.loads(topic.policy)):
        return NOT_PERMITTED
    topics.publish(arn, text)
    return ""


def _to_log_group(arn: str, rule: str, text: str) -> str:
    if not log_groups.is_there(arn):
        return NOT_THERE
    if not log_groups.permits(arn, EVENTS, rule):
        return NOT_PERMITTED
    log_groups.write(arn, text)
    return ""


def _put_aside(target: dict[str, Any], rule: str, text: str, error: str) -> None:
    """Puts what did not get there into the target's dead-letter queue, if that takes it."""
    if queue := (target.get("DeadLetterConfig") or {}).get("Arn"):
        known = {"RULE_ARN": rule, "TARGET_ARN": target["Arn"], "ERROR_CODE": error}
        _to_queue(queue, rule, text, known)
