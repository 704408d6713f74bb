"""Rules of EventBridge and their targets, where moto is kinder than AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.resource_tagging import TaggedResource
from moto.events.exceptions import InvalidEventPatternException, ValidationException
from moto.events.models import EventsBackend, Rule
from moto.events.responses import EventsHandler

from lab.aws.common.model_check import problems
from lab.aws.common.patching import patch
from lab.aws.events import execution_changes, task_changes
from lab.aws.events.delivery import Bus, of_custom
from lab.aws.events.patterns import read
from lab.world.lab import Lab

MOST_TARGETS = 5
CHECKED = ("put_rule", "put_targets", "remove_targets", "delete_rule")
KNOWN = (":sqs:", ":sns:", ":log-group:")


def install(lab: Lab) -> None:
    """Patches moto's EventBridge, and lets ECS put its events."""
    bus = Bus(lab)
    for operation in CHECKED:
        _patch_check(operation)
    _patch_rules()
    _patch_targets(bus)
    _patch_tags()
    task_changes.install(lab, bus)
    execution_changes.install(lab, bus)


def _patch_check(operation: str) -> None:
    name = "".join(word.capitalize() for word in operation.split("_"))

    @patch(EventsHandler, operation)
    def checked(original: Any, self: Any) -> Any:
        if found := problems("events", name, json.loads(self.body)):
            raise ValidationException(f"{len(found)} validation error detected: {'; '.join(found)}")
        return original(self)


def _patch_rules() -> None:
    @patch(EventsBackend)
    def put_rule(original: Any, self: Any, name: str, **settings: Any) -> Rule:
        if pattern := settings.get("event_pattern"):
            try:
                read(pattern)
            except ValueError as error:
                raise InvalidEventPatternException(str(error)) from None
        bus = self._get_event_bus(self._normalize_event_bus_arn(settings.get("event_bus_arn")))
        if name in bus.rules:
            # AWS takes no tags for a rule that is there.
            settings["tags"] = None
        rule: Rule = original(self, name, **settings)
        return rule

    @patch(EventsBackend)
    def iter_tagged_resources(original: Any, self: Any) -> Iterator[TaggedResource]:
        for resource in original(self):
            if not resource.arn.endswith(":event-bus/default"):
                yield resource
        for bus in self.event_buses.values():
            for rule in list(bus.rules.values()):
                tags = self.tagger.get_tag_dict_for_resource(rule.arn)
                yield TaggedResource(rule.arn, tags, "events:rule")


def _patch_targets(bus: Bus) -> None:
    @patch(EventsBackend)
    def put_targets(
        original: Any, self: Any, name: str, event_bus_arn: str | None, targets: list[Any]
    ) -> None:
        rule = self.describe_rule(name, event_bus_arn)
        wanted = {target["Id"]: target for target in [*rule.targets, *targets]}
        if len(wanted) > MOST_TARGETS:
            raise JsonRESTError(
                "LimitExceededException",
                "The requested resource exceeds the maximum number allowed.",
            )
        for target in targets:
            if not any(kind in target["Arn"] for kind in KNOWN):
                raise NotImplementedError(f"a rule that hands events to {target['Arn']}")
        original(self, name, event_bus_arn, targets)

    @patch(Rule)
    def send_to_targets(self: Any, original_event: Any, transform_input: bool = True) -> None:
        bus.offer(self, of_custom(dict(original_event)))


def _patch_tags() -> None:
    @patch(EventsHandler)
    def list_tags_for_resource(original: Any, self: Any) -> Any:
        _must_be_there(self)
        return original(self)

    @patch(EventsHandler)
    def tag_resource(original: Any, self: Any) -> Any:
        _must_be_there(self)
        return original(self)


def _must_be_there(response: Any) -> None:
    arn = response._get_param("ResourceARN")
    buses = response.events_backend.event_buses.values()
    known = {bus.arn for bus in buses} | {rule.arn for bus in buses for rule in bus.rules.values()}
    if arn not in known:
        name = arn.rsplit("/", 1)[-1]
        raise JsonRESTError(
            "ResourceNotFoundException", f"Rule {name} does not exist on EventBus default."
        )
