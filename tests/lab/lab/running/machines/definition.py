"""Definitions in Amazon States Language: what is none, and what of it the lab runs."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from lab.aws.common.json_paths import steps

State = dict[str, Any]
RUNS = ("Task", "Pass", "Succeed", "Fail")
KNOWN = (*RUNS, "Choice", "Map", "Parallel", "Wait")
ENDS = ("Succeed", "Fail")
RESOURCE = re.compile(r"^arn:aws[a-z-]*:states:::(ecs:runTask(?:\.sync)?|sns:publish)$")
INTEGRATION = re.compile(r"^arn:aws[a-z-]*:states:::\w")
PATHS = ("InputPath", "OutputPath", "ResultPath")
LONGEST_NAME = 80
# Whose error means which fields have to be there.
REQUIRED = {"Task": ("Resource",)}
RETRY_NUMBERS = {"IntervalSeconds": 1, "MaxAttempts": 0, "BackoffRate": 1, "MaxDelaySeconds": 1}


class Invalid(Exception):
    """It is no definition; the text says why, as AWS does behind its own words."""


def read(text: str) -> State:
    """Reads a definition. Invalid where AWS refuses it, NotImplementedError where the lab does."""
    try:
        machine = json.loads(text)
    except ValueError:
        raise Invalid("INVALID_JSON_DESCRIPTION: the definition is no JSON") from None
    states = machine.get("States") if isinstance(machine, dict) else None
    if not isinstance(states, dict) or not states:
        _fail("States must be an object that is not empty", "/States")
    if machine.get("StartAt") not in states:
        _fail("StartAt does not name a state", "/StartAt", "MISSING_TRANSITION_TARGET")
    for name, state in states.items():
        _check(name, state, states)
    if machine.get("QueryLanguage", "JSONPath") != "JSONPath":
        raise NotImplementedError("the lab runs state machines in JSONPath alone")
    for name, state in states.items():
        _check_run(name, state)
    found: State = machine
    return found


def integration(state: State) -> str:
    """Which service a Task state calls: `ecs:runTask.sync`, `ecs:runTask`, `sns:publish`."""
    found = RESOURCE.match(state["Resource"])
    assert found is not None, "a definition that was read"
    return found[1]


def waits_for_tasks(machine: State) -> bool:
    """Whether it waits for tasks, for which it needs a rule of EventBridge that AWS manages."""
    tasks = [state for state in machine["States"].values() if state["Type"] == "Task"]
    return any(state["Resource"].endswith(".sync") for state in tasks)


def _check(name: str, state: Any, states: State) -> None:
    where = f"/States/{name}"
    if len(name) > LONGEST_NAME:
        _fail("the name of a state has at most 80 characters", where)
    if not isinstance(state, dict) or state.get("Type") not in KNOWN:
        _fail("Type is none of a state", f"{where}/Type")
    for field in REQUIRED.get(state["Type"], ()):
        if field not in state:
            _fail(f"The field '{field}' is required but was missing", where)
    if state["Type"] not in (*ENDS, "Choice"):
        if ("Next" in state) == bool(state.get("End")):
            _fail("either Next or End has to be there", where)
        _check_next(state, where, states)
    for number, retrier in enumerate(state.get("Retry") or []):
        _check_retrier(retrier, f"{where}/Retry[{number}]")
    for number, catcher in enumerate(state.get("Catch") or []):
        _check_errors(catcher, f"{where}/Catch[{number}]")
        _check_next(catcher, f"{where}/Catch[{number}]", states)
    for path in PATHS:
        if state.get(path) is not None and not str(state[path]).startswith("$"):
            _fail("Value is not a Reference Path", f"{where}/{path}")
    _check_numbers(state, {"TimeoutSeconds": 1, "HeartbeatSeconds": 1}, where)


def _check_next(holder: State, where: str, states: State) -> None:
    if "Next" in holder and holder["Next"] not in states:
        _fail(f"Missing 'Next' target: {holder['Next']}", where, "MISSING_TRANSITION_TARGET")


def _check_retrier(retrier: Any, where: str) -> None:
    _check_errors(retrier, where)
    _check_numbers(retrier, RETRY_NUMBERS, where)


def _check_errors(holder: Any, where: str) -> None:
    errors = holder.get("ErrorEquals") if isinstance(holder, dict) else None
    if not isinstance(errors, list) or not errors:
        _fail("The field 'ErrorEquals' is required but was missing", where)
    if "States.ALL" in errors and len(errors) > 1:
        _fail("States.ALL must stand alone", f"{where}/ErrorEquals")


def _check_numbers(holder: State, lowest: dict[str, int], where: str) -> None:
    for name, low in lowest.items():
        value = holder.get(name, low)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < low:
            _fail(f"{name} is a number of at least {low}", f"{where}/{name}")


def _check_run(name: str, state: State) -> None:
    if state["Type"] not in RUNS:
        raise NotImplementedError(f"the lab runs no {state['Type']} state, as {name} is one")
    if state["Type"] == "Task" and not RESOURCE.match(str(state["Resource"])):
        raise NotImplementedError(f"the lab runs no {state['Resource']}, as {name} wants")
    for path in PATHS:
        try:
            steps(str(state.get(path) or "$").replace("$$", "$", 1))
        except ValueError as error:
            raise NotImplementedError(str(error)) from None


def _fail(why: str, where: str, code: str = "SCHEMA_VALIDATION_FAILED") -> NoReturn:
    raise Invalid(f"{code}: {why} at {where}")
