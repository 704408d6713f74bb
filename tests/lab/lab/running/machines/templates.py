"""Parameters of states, whose names end in `.$` where their values are paths."""

from __future__ import annotations

from typing import Any

from lab.aws.common.json_paths import look
from lab.running.machines.errors import Failed


def filled(template: Any, document: Any, context: dict[str, Any]) -> Any:
    """A template with what its paths lead to."""
    if isinstance(template, list):
        return [filled(one, document, context) for one in template]
    if not isinstance(template, dict):
        return template
    return {
        key.removesuffix(".$"): _at(value, document, context)
        if key.endswith(".$")
        else filled(value, document, context)
        for key, value in template.items()
    }


def _at(path: str, document: Any, context: dict[str, Any]) -> Any:
    try:
        return look(path[1:], context) if path.startswith("$$") else look(path, document)
    except KeyError:
        raise Failed(
            "States.ParameterPathFailure",
            f"The JSONPath '{path}' could not be found in the input.",
        ) from None
    except ValueError as error:
        raise Failed("States.Runtime", str(error)) from None
