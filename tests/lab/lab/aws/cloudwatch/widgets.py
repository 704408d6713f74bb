"""Bodies of dashboards: what CloudWatch refuses in them, and what it only mentions.

CloudWatch API reference, "Dashboard body structure and syntax"; the words of refusals are those
that public logs have.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

MOST_WIDGETS, MOST_METRICS = 500, 500
NEEDED = {
    "metric": (),
    "text": ("markdown",),
    "log": ("query", "region"),
    "alarm": ("alarms",),
    "explorer": (),
    "custom": ("endpoint",),
}
PLACES = {"x": (0, 23), "y": (0, 10**6), "width": (1, 24), "height": (1, 1000)}
OF_BODY = ("widgets", "start", "end", "periodOverride", "variables")
OF_WIDGET = ("type", "properties", *PLACES)


class Problem(NamedTuple):
    """Where it is, and what."""

    path: str
    message: str


def errors_in(body: Any) -> list[Problem]:
    """What a body is refused for."""
    if not isinstance(body, dict):
        return [Problem("", "Should be object")]
    if "widgets" not in body:
        return [Problem("", "Should have required property 'widgets'")]
    widgets = body["widgets"]
    if not isinstance(widgets, list):
        return [Problem("/widgets", "Should be array")]
    if len(widgets) > MOST_WIDGETS:
        return [Problem("/widgets", f"Should NOT have more than {MOST_WIDGETS} items")]
    return [
        problem
        for number, it in enumerate(widgets)
        for problem in _widget(it, f"/widgets/{number}")
    ]


def warnings_in(body: dict[str, Any]) -> list[Problem]:
    """What a body is taken with, and not looked at."""
    unknown = [f"/{name}" for name in body if name not in OF_BODY]
    for number, widget in enumerate(body["widgets"]):
        unknown += [f"/widgets/{number}/{name}" for name in widget if name not in OF_WIDGET]
    return [Problem(path, "Should NOT have additional properties") for path in unknown]


def _widget(widget: Any, path: str) -> Iterator[Problem]:
    if not isinstance(widget, dict):
        yield Problem(path, "Should be object")
        return
    kind, properties = widget.get("type"), widget.get("properties")
    for name in ("type", "properties"):
        if name not in widget:
            yield Problem(path, f"Should have required property '{name}'")
    if "type" in widget and kind not in NEEDED:
        yield Problem(f"{path}/type", "Should be equal to one of the allowed values")
    for name, (least, most) in PLACES.items():
        value = widget.get(name, least)
        if not isinstance(value, int) or isinstance(value, bool):
            yield Problem(f"{path}/{name}", "Should be integer")
        elif not least <= value <= most:
            bound = f">= {least}" if value < least else f"<= {most}"
            yield Problem(f"{path}/{name}", f"Should be {bound}")
    if "properties" not in widget:
        return
    if not isinstance(properties, dict):
        yield Problem(f"{path}/properties", "Should be object")
        return
    for name in NEEDED.get(str(kind), ()):
        if name not in properties:
            yield Problem(f"{path}/properties", f"Should have required property '{name}'")
    if kind == "metric":
        yield from _metrics(properties, f"{path}/properties")


def _metrics(properties: dict[str, Any], path: str) -> Iterator[Problem]:
    if "metrics" not in properties and "annotations" not in properties:
        yield Problem(path, "Should have required property 'metrics'")
    if "metrics" in properties and "region" not in properties:
        yield Problem(path, "Should have required property 'region'")
    metrics = properties.get("metrics", [])
    if not isinstance(metrics, list):
        yield Problem(f"{path}/metrics", "Should be array")
        return
    if len(metrics) > MOST_METRICS:
        yield Problem(f"{path}/metrics", f"Should NOT have more than {MOST_METRICS} items")
    for number, metric in enumerate(metrics):
        where = f"{path}/metrics/{number}"
        if not isinstance(metric, list):
            yield Problem(where, "Should be array")
            continue
        named = metric[:-1] if metric and isinstance(metric[-1], dict) else metric
        if not all(isinstance(it, str) for it in named):
            yield Problem(where, "Invalid metric field type, only 'String' type is allowed")
        elif len(named) > 2 and len(named) % 2 and "..." not in named:
            yield Problem(where, "Should NOT have more than 2 items")
        elif not named and "expression" not in (metric[-1] if metric else {}):
            yield Problem(where, "Should NOT have less than 1 items")
