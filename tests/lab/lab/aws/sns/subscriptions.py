"""Subscriptions: people and endpoints are asked first, and until they confirm nothing is sent."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.sns.exceptions import SNSNotFoundError
from moto.sns.models import SNSBackend, Subscription, sns_backends
from moto.sns.responses import SNSResponse

from lab.aws.common.patching import patch
from lab.aws.sns.delivery import ask
from lab.aws.sns.topics import invalid
from lab.world.lab import Lab
from lab.world.places import everywhere

ASKED_FIRST = ("email", "email-json", "http", "https")
PROTOCOLS = (*ASKED_FIRST, "sms", "sqs", "lambda", "firehose", "application")
OF_RAW = ("http", "https", "sqs", "firehose")
PENDING, SAID = "PendingConfirmation", "pending confirmation"
DOCUMENTS = ("FilterPolicy", "RedrivePolicy", "DeliveryPolicy")


def install(lab: Lab) -> None:
    """Patches subscriptions."""
    _patch_making(lab)
    _patch_confirmation(lab)
    _patch_lists()
    _patch_attributes()


def confirm_all(lab: Lab, wanted: Mapping[str, Any]) -> list[str]:
    """Confirms what is pending, as people do who read their mail: of a topic, to somebody, by a
    token, or all of it.
    """
    confirmed = []
    for backend in everywhere(sns_backends):
        for subscription in list(backend.subscriptions.values()):
            if (
                not subscription.confirmed
                and wanted.get("to") in (None, subscription.endpoint)
                and wanted.get("topic") in (None, subscription.topic.arn)
                and wanted.get("token") in (None, subscription.lab_token)
                and not _is_late(lab, subscription)
            ):
                _confirm(subscription, False)
                confirmed.append(subscription.arn)
    return confirmed


def _confirm(subscription: Any, is_authenticated: bool) -> None:
    subscription.confirmed = True
    subscription.attributes[PENDING] = False
    subscription.attributes["ConfirmationWasAuthenticated"] = is_authenticated


def _patch_making(lab: Lab) -> None:
    @patch(SNSResponse)
    def subscribe(original: Any, self: Any) -> ActionResult:
        topic = self.backend.get_topic(self._get_param("TopicArn"))
        protocol, endpoint = self._get_param("Protocol"), str(self._get_param("Endpoint") or "")
        _check_endpoint(protocol, endpoint, topic.fifo_topic)
        attributes = self._get_attributes()
        for name, value in attributes.items():
            _check_attribute(protocol, name, value)
        there = self.backend._find_subscription(topic.arn, endpoint, protocol)
        if there is not None:
            _check_same(there, attributes)
            return _subscribed(lab, self, there)
        before = set(self.backend.subscriptions)
        try:
            original(self)
        except Exception:
            for arn in set(self.backend.subscriptions) - before:
                del self.backend.subscriptions[arn]
            raise
        made = self.backend._find_subscription(topic.arn, endpoint, protocol)
        _begin(lab, self.backend, made)
        return _subscribed(lab, self, made)


def _begin(lab: Lab, backend: Any, subscription: Any) -> None:
    """A new one: of a program of this account at once, of anybody else once he confirms."""
    subscription.lab_token, subscription.lab_made = secrets.token_hex(64), time.monotonic()
    if subscription.protocol not in ASKED_FIRST:
        subscription.confirmed = True
        return
    subscription.attributes[PENDING] = True
    subscription.attributes["ConfirmationWasAuthenticated"] = False

    def vanish() -> None:
        if not subscription.confirmed:
            backend.subscriptions.pop(subscription.arn, None)

    seconds = lab.timers.seconds("subscription.pending")
    if seconds > 0:  # Where nothing takes time, people have all of it.
        lab.timers.after(seconds, vanish)


def _subscribed(lab: Lab, response: Any, subscription: Any) -> ActionResult:
    if not subscription.confirmed:
        ask(lab, subscription)
    is_shown = subscription.confirmed or response._get_bool_param("ReturnSubscriptionArn")
    return ActionResult({"SubscriptionArn": subscription.arn if is_shown else SAID})


def _check_endpoint(protocol: str, endpoint: str, is_fifo: bool) -> None:
    if protocol not in PROTOCOLS:
        raise invalid(f"Amazon SNS does not support this protocol string: {protocol}")
    if is_fifo and protocol != "sqs":
        raise invalid(f"Invalid protocol type: {protocol}")
    if not endpoint:
        raise invalid("Endpoint")
    name, _, host = endpoint.partition("@")
    if protocol.startswith("email") and not (name and host and " " not in endpoint):
        raise invalid("Email address")
    if protocol in ("http", "https") and not endpoint.startswith(f"{protocol}://"):
        raise invalid("Endpoint must match the specified protocol")
    if protocol in ("sqs", "lambda", "firehose") and not endpoint.startswith("arn:"):
        raise invalid(f"{protocol.upper()} endpoint ARN")


def _check_attribute(protocol: str, name: str, value: Any) -> None:
    if name == "RawMessageDelivery" and value is True and protocol not in OF_RAW:
        raise invalid(
            f"Attributes Reason: Delivery protocol [{protocol}] does not support raw message "
            "delivery."
        )
    if name in DOCUMENTS and value:
        try:
            json.loads(value)
        except ValueError:
            raise invalid(f"Attributes Reason: {name}: failed to parse JSON.") from None


def _check_same(subscription: Any, attributes: Mapping[str, Any]) -> None:
    for name, value in attributes.items():
        if subscription.attributes.get(name) != _kept(name, value):
            raise invalid(
                "Attributes Reason: Subscription already exists with different attributes"
            )


def _kept(name: str, value: Any) -> Any:
    return json.dumps(json.loads(value), separators=(",", ":")) if name in DOCUMENTS else value


def _patch_confirmation(lab: Lab) -> None:
    @patch(SNSResponse)
    def confirm_subscription(self: Any) -> ActionResult:
        topic, token = self._get_param("TopicArn"), self._get_param("Token")
        self.backend.get_topic(topic)
        for subscription in self.backend.subscriptions.values():
            if subscription.topic.arn == topic and subscription.lab_token == token:
                if _is_late(lab, subscription):
                    break
                _confirm(subscription, self._get_param("AuthenticateOnUnsubscribe") == "true")
                return ActionResult({"SubscriptionArn": subscription.arn})
        raise invalid("Token")

    @patch(SNSResponse)
    def unsubscribe(self: Any) -> EmptyResult:
        arn = str(self._get_param("SubscriptionArn"))
        if arn.count(":") < 6 or not arn.startswith("arn:"):
            elements = arn.count(":") + 1
            raise invalid(
                f"SubscriptionArn Reason: An ARN must have at least 6 elements, not {elements}"
            )
        found = self.backend.subscriptions.get(arn)
        if found is not None and not found.confirmed:
            raise invalid(
                "SubscriptionArn Reason: Cannot unsubscribe a subscription that is pending "
                "confirmation"
            )
        if found is not None:
            found.topic.subscriptions_deleted += 1
            self.backend.unsubscribe(arn)
        return EmptyResult()


def _is_late(lab: Lab, subscription: Any) -> bool:
    seconds = lab.timers.seconds("subscription.token")
    age: float = time.monotonic() - subscription.lab_made
    return 0 < seconds < age


def _patch_lists() -> None:
    @patch(SNSResponse)
    def list_subscriptions(self: Any) -> ActionResult:
        found = self.backend.list_subscriptions(next_token=self._get_param("NextToken"))
        return _listed(*found)

    @patch(SNSResponse)
    def list_subscriptions_by_topic(self: Any) -> ActionResult:
        arn, token = self._get_param("TopicArn"), self._get_param("NextToken")
        return _listed(*self.backend.list_subscriptions_by_topic(arn, next_token=token))


def _listed(subscriptions: list[Subscription], following: Any) -> ActionResult:
    return ActionResult(
        {
            "Subscriptions": [
                {
                    "SubscriptionArn": it.arn if it.confirmed else PENDING,
                    "Owner": it.owner,
                    "Protocol": it.protocol,
                    "Endpoint": it.endpoint,
                    "TopicArn": it.topic.arn,
                }
                for it in subscriptions
            ],
            "NextToken": following,
        }
    )


def _patch_attributes() -> None:
    @patch(SNSBackend)
    def set_subscription_attributes(
        original: Any, self: Any, arn: str, name: str, value: Any
    ) -> None:
        found = self.subscriptions.get(arn)
        if found is None:
            raise SNSNotFoundError("Subscription does not exist")
        _check_attribute(found.protocol, name, value)
        if name in DOCUMENTS and not json.loads(value or "{}"):
            original(self, arn, name, "")
            del found.attributes[name]
            return
        original(self, arn, name, _kept(name, value))
