"""Listener rules: which action a request gets."""

from __future__ import annotations

import fnmatch
import ipaddress
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict, cast
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from moto.elbv2.models import FakeListener


class WeightedGroup(TypedDict, total=False):
    """A target group and its share of the requests."""

    TargetGroupArn: str
    Weight: int | str


class ForwardConfig(TypedDict, total=False):
    """Where requests are forwarded to."""

    TargetGroups: list[WeightedGroup]


class RedirectConfig(TypedDict, total=False):
    """Where a client is sent; what is left out stays as it was asked."""

    Protocol: str
    Host: str
    Port: str
    Path: str
    Query: str
    StatusCode: str


class FixedResponseConfig(TypedDict, total=False):
    """What is answered without a target."""

    StatusCode: str
    ContentType: str
    MessageBody: str


class Action(TypedDict, total=False):
    """What a listener does with a request."""

    Type: str
    TargetGroupArn: str
    ForwardConfig: ForwardConfig
    RedirectConfig: RedirectConfig
    FixedResponseConfig: FixedResponseConfig


@dataclass(frozen=True)
class Request:
    """What rules look at."""

    method: str
    url: str
    headers: Mapping[str, str]
    source: str

    @property
    def host(self) -> str:
        """The host asked for, without its port."""
        return self.headers.get("host", "").rsplit(":", 1)[0].lower()

    @property
    def path(self) -> str:
        """The path without the query."""
        return urlsplit(self.url).path


def action_for(listener: FakeListener, request: Request) -> Action:
    """The last action of the first rule that matches, else of the default rule."""
    rules = sorted(listener._non_default_rules.values(), key=lambda rule: int(rule.priority))
    for rule in rules:
        if all(_holds(condition, request) for condition in rule.conditions):
            return cast("Action", rule.actions[-1].data)
    return cast("Action", listener.default_actions[-1].data)


def target_group_of(action: Action) -> str | None:
    """The target group of a forward action, drawn by weight when there are several."""
    groups = (action.get("ForwardConfig") or {}).get("TargetGroups") or []
    weighted = [(group["TargetGroupArn"], int(group.get("Weight", 1))) for group in groups]
    if not weighted:
        return action.get("TargetGroupArn")
    if sum(weight for _, weight in weighted) == 0:
        return None
    return random.choices([arn for arn, _ in weighted], [weight for _, weight in weighted])[0]


def redirect_location(action: Action, request: Request, scheme: str, port: int) -> tuple[int, str]:
    """Status and Location of a redirect action."""
    config = action["RedirectConfig"]
    url = urlsplit(request.url)
    known = {
        "#{protocol}": scheme,
        "#{host}": request.host,
        "#{port}": str(port),
        "#{path}": url.path.lstrip("/"),
        "#{query}": url.query,
    }

    def fill(text: str) -> str:
        for placeholder, value in known.items():
            text = text.replace(placeholder, value)
        return text

    protocol = fill(config.get("Protocol", "#{protocol}")).lower()
    host = fill(config.get("Host", "#{host}"))
    target_port = fill(str(config.get("Port", "#{port}")))
    path = fill(config.get("Path", "/#{path}"))
    query = fill(config.get("Query", "#{query}"))
    location = f"{protocol}://{host}:{target_port}{path}" + (f"?{query}" if query else "")
    return (301 if config["StatusCode"] == "HTTP_301" else 302), location


def _holds(condition: Mapping[str, Any], request: Request) -> bool:
    field = condition["Field"]
    if field == "path-pattern":
        return _any(request.path, _values(condition, "PathPatternConfig"))
    if field == "host-header":
        return _any(request.host, [v.lower() for v in _values(condition, "HostHeaderConfig")])
    if field == "http-request-method":
        return request.method in _values(condition, "HttpRequestMethodConfig")
    if field == "http-header":
        name = condition["HttpHeaderConfig"]["HttpHeaderName"].lower()
        return _any(request.headers.get(name, ""), condition["HttpHeaderConfig"]["Values"])
    if field == "source-ip":
        source = ipaddress.ip_address(request.source)
        blocks = condition["SourceIpConfig"]["Values"]
        return any(source in ipaddress.ip_network(block) for block in blocks)
    if field == "query-string":
        pairs = parse_qsl(urlsplit(request.url).query, keep_blank_values=True)
        wanted = condition["QueryStringConfig"]["Values"]
        return any(
            _any(value, [want["Value"]]) and ("Key" not in want or _any(key, [want["Key"]]))
            for key, value in pairs
            for want in wanted
        )
    return False


def _values(condition: Mapping[str, Any], config: str) -> list[str]:
    values: list[str] = (condition.get(config) or {}).get("Values") or condition.get("Values") or []
    return values


def _any(text: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(text, pattern.replace("[", "[[]")) for pattern in patterns)
