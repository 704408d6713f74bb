"""What becomes of a published message: queues get it, endpoints on loopback too, and the rest of
the world in the outbox.
"""

from __future__ import annotations

import ipaddress
import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import cache, partial
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from moto.sns.models import Subscription
from moto.sqs.exceptions import QueueDoesNotExist

from lab.aws.common.patching import patch
from lab.aws.sns.outbox import Outbox
from lab.world.lab import Lab
from lab.world.places import of_arn

POST_SECONDS = 5
CONFIRM = "AWS Notification - Subscription Confirmation"
UNTITLED = "AWS Notification Message"


def install(lab: Lab) -> None:
    """Patches how subscriptions get messages."""
    Outbox(lab)

    @patch(Subscription)
    def publish(original: Any, self: Any, message: str, message_id: str, **more: Any) -> None:
        if not self.confirmed:
            return
        if self.protocol == "sqs":
            with suppress(QueueDoesNotExist):
                original(self, message, message_id, **more)
            return
        attributes = more.get("message_attributes")
        matcher = self._filter_policy_matcher
        if matcher is not None and not matcher.matches(attributes, message):
            return
        if more.get("message_structure") == "json":
            message = self._parse_message_structure(message, self.protocol)
        _deliver(lab, self, message, message_id, more.get("subject"))

    @patch(Subscription)
    def private_key(self: Any) -> rsa.RSAPrivateKey:
        return _key()


@cache
def _key() -> rsa.RSAPrivateKey:
    """One key signs all messages: to make one takes long."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _deliver(
    lab: Lab, subscription: Any, message: str, message_id: str, subject: str | None
) -> None:
    protocol, text = subscription.protocol, message
    if protocol == "email":
        text = f"{message}\n\n--\n{_farewell(subscription)}"
    elif protocol in ("email-json", "http", "https"):
        told = subscription.get_post_data(message, message_id, subject)
        is_raw = subscription.attributes.get("RawMessageDelivery") is True
        text = message if is_raw else json.dumps(told)
        _post(lab, subscription, text, "Notification", message_id)
    _put(lab, subscription, subject or UNTITLED, text)


def ask(lab: Lab, subscription: Any) -> None:
    """Asks an endpoint whether it wants to be subscribed."""
    topic, token = subscription.topic.arn, subscription.lab_token
    asked = {"TopicArn": topic, "Token": token, "Endpoint": subscription.endpoint}
    host = f"https://sns.{of_arn(topic).region}.amazonaws.com"
    text = (
        f"You have chosen to subscribe to the topic:\n{topic}\n\nTo confirm this subscription, click "
        "or visit the link below (If this was in error no action is necessary):\n"
        f"{host}/confirmation.html?{urlencode(asked)}\n"
    )
    if subscription.protocol != "email":
        told = subscription.get_post_data(text, token[:36], None)
        del told["UnsubscribeURL"]
        told |= {"Type": "SubscriptionConfirmation", "Token": token}
        query = urlencode({"Action": "ConfirmSubscription", "TopicArn": topic, "Token": token})
        text = json.dumps({**told, "SubscribeURL": f"{host}/?{query}"})
        _post(lab, subscription, text, "SubscriptionConfirmation", told["MessageId"])
    _put(lab, subscription, CONFIRM, text, token=token)


def _put(lab: Lab, subscription: Any, subject: str, text: str, **more: Any) -> None:
    topic = subscription.topic.arn
    lab.part(Outbox).add(
        subscription.endpoint, subscription.protocol, subject, text, topic=topic, **more
    )


def _farewell(subscription: Any) -> str:
    topic = subscription.topic.arn
    query = urlencode({"SubscriptionArn": subscription.arn, "Endpoint": subscription.endpoint})
    return (
        "If you wish to stop receiving notifications from this topic, please click or visit the "
        f"link below to unsubscribe:\nhttps://sns.{of_arn(topic).region}.amazonaws.com/"
        f"unsubscribe.html?{query}\n"
    )


def is_loopback(endpoint: str) -> bool:
    """Whether an endpoint is on this machine, by an address or as `localhost`."""
    host = urlsplit(endpoint).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _post(lab: Lab, subscription: Any, text: str, kind: str, message_id: str) -> None:
    """Sends it to an endpoint on loopback, and to none elsewhere. Nobody waits for that."""
    if subscription.protocol not in ("http", "https") or not is_loopback(subscription.endpoint):
        return
    headers = {
        "Content-Type": "text/plain; charset=UTF-8",
        "x-amz-sns-message-type": kind,
        "x-amz-sns-message-id": message_id,
        "x-amz-sns-topic-arn": subscription.topic.arn,
    }
    if kind == "Notification":
        headers["x-amz-sns-subscription-arn"] = subscription.arn
    sending = partial(_send, subscription.endpoint, text, headers)
    threading.Thread(target=sending, name="sns", daemon=True).start()


def _send(endpoint: str, text: str, headers: Mapping[str, str]) -> None:
    with requests.Session() as session, suppress(requests.RequestException):
        session.trust_env = False
        session.post(
            endpoint,
            data=text.encode(),
            headers=dict(headers),
            timeout=POST_SECONDS,
            allow_redirects=False,
            verify=False,
        )
