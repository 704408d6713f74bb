"""What a target is handed of an event: all, a part, a constant, or a template that is filled."""

from __future__ import annotations

import json
import re
from typing import Any

from lab.aws.common.json_paths import look

PLACE = re.compile(r"<([\w.-]+)>")
WHOLE = "aws.events.event.json"


def text_for(target: dict[str, Any], event: dict[str, Any], rule: tuple[str, str]) -> str:
    """The text that a target gets; `rule` is the name and the ARN of the rule."""
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        return _written(_at(target["InputPath"], event))
    if transformer := target.get("InputTransformer"):
        paths = transformer.get("InputPathsMap") or {}
        values = {name: _at(path, event) for name, path in paths.items()}
        values |= {"aws.events.rule-name": rule[0], "aws.events.rule-arn": rule[1], WHOLE: event}
        return _filled(transformer["InputTemplate"], values)
    return json.dumps(event)


def _at(path: str, event: dict[str, Any]) -> Any:
    try:
        return look(path, event)
    except KeyError:
        return None


def _filled(template: str, values: dict[str, Any]) -> str:
    """Inside of quotes a value stands as it is, outside as JSON."""
    text, end = "", 0
    for found in PLACE.finditer(template):
        text += template[end : found.start()]
        end = found.end()
        value = values.get(found[1])
        is_quoted = text.replace('\\"', "").count('"') % 2 == 1
        plain = "" if value is None else value if isinstance(value, str) else json.dumps(value)
        text += json.dumps(plain)[1:-1] if is_quoted else _written(value)
    return text + template[end:]


def _written(value: Any) -> str:
    return json.dumps(value)
