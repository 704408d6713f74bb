"""Event patterns, and what a target is handed of an event."""

from __future__ import annotations

from typing import Any

import pytest

from lab.aws.common.json_paths import look, put
from lab.aws.events.inputs import text_for
from lab.aws.events.patterns import matches, read

EVENT: dict[str, Any] = {
    "source": "aws.ecs",
    "detail": {
        "lastStatus": "STOPPED",
        "group": "family:job",
        "stoppedReason": None,
        "containers": [{"name": "a", "exitCode": 0}, {"name": "b", "exitCode": 3}, {"name": "c"}],
    },
}


def has(**detail: Any) -> bool:
    """Whether the event matches a pattern of its details."""
    return matches({"detail": detail}, EVENT)


def test_values_and_filters() -> None:
    assert has(lastStatus=["RUNNING", "STOPPED"]) and not has(lastStatus=["RUNNING"])
    assert has(group=[{"prefix": "family:"}]) and not has(group=[{"prefix": "service:"}])
    assert has(group=[{"suffix": ":job"}]) and has(group=[{"wildcard": "fam*:j*"}])
    assert has(group=[{"equals-ignore-case": "FAMILY:JOB"}])
    assert has(group=[{"anything-but": {"prefix": "service:"}}])
    assert not has(group=[{"anything-but": ["family:job", "x"]}])
    assert has(startedBy=[{"exists": False}]) and not has(group=[{"exists": False}])
    assert has(stoppedReason=[None]) and not has(missing=[None])
    either: Any = {"$or": [{"source": ["x"]}, {"source": ["aws.ecs"]}]}
    assert matches(either, EVENT) and not matches({"$or": [{"source": ["x"]}]}, EVENT)


def test_one_of_many_is_enough() -> None:
    assert has(containers={"exitCode": [{"anything-but": 0}]})
    assert has(containers={"exitCode": [{"numeric": [">", 0, "<", 5]}]})
    assert not has(containers={"exitCode": [{"numeric": [">", 3]}]})
    assert not has(containers={"exitCode": ["3", False]})
    assert has(containers={"exitCode": [{"exists": False}]})


@pytest.mark.parametrize(
    "text",
    [
        "nothing",
        "{}",
        '{"source": "aws.ecs"}',
        '{"source": []}',
        '{"source": [{"like": "x"}]}',
        '{"source": [{"prefix": "x", "suffix": "y"}]}',
        '{"count": [{"numeric": [">"]}]}',
        '{"count": [{"numeric": [">", "1"]}]}',
        '{"count": [{"exists": "yes"}]}',
    ],
)
def test_what_is_no_pattern_is_told_from_one(text: str) -> None:
    with pytest.raises(ValueError):
        read(text)


def test_a_target_gets_all_a_part_or_a_filled_template() -> None:
    def text(**target: Any) -> str:
        return text_for(target, EVENT, ("ended", "arn"))

    assert text(Input="now") == "now"
    assert text(InputPath="$.detail.group") == '"family:job"'
    template = '"<group> ended, says <aws.events.rule-name>"'
    paths = {"group": "$.detail.group", "codes": "$.detail.containers[1]"}
    filled = text(InputTransformer={"InputPathsMap": paths, "InputTemplate": template})
    assert filled == '"family:job ended, says ended"'
    template = '{"group": <group>, "one": <codes>}'
    filled = text(InputTransformer={"InputPathsMap": paths, "InputTemplate": template})
    assert filled == '{"group": "family:job", "one": {"name": "b", "exitCode": 3}}'


def test_paths_into_json() -> None:
    assert look("$.a['b c'][0]", {"a": {"b c": [1]}}) == 1
    assert put("$.a.b", {"c": 1}, 2) == {"c": 1, "a": {"b": 2}}
    with pytest.raises(KeyError):
        look("$.a.b", {"a": 1})
    with pytest.raises(ValueError):
        look("$..a", {})
