"""Composite alarms: rules over other alarms."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import RunningLab, until
from late import switch
from stack import TAGS, refused
from test_alarms import ALARM
from test_topics import MAIL, topic

from lab.aws.cloudwatch.rules import BadRule, children_of, holds

SLOW = {**ALARM, "Period": 3600, "TreatMissingData": "ignore"}


def children(cloudwatch: Any, *names: str) -> None:
    """Alarms that stay as somebody sets them."""
    for name in names:
        cloudwatch.put_metric_alarm(**{**SLOW, "AlarmName": name})
        become(cloudwatch, name, "OK")


def become(cloudwatch: Any, name: str, state: str) -> None:
    """Sets the state of one."""
    cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="by hand")


def composite(cloudwatch: Any, name: str, rule: str, **more: Any) -> None:
    """Puts one."""
    cloudwatch.put_composite_alarm(AlarmName=name, AlarmRule=rule, **more)


def state(cloudwatch: Any, name: str) -> str:
    """The state of one."""
    found = cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["CompositeAlarm"])
    value: str = found["CompositeAlarms"][0]["StateValue"]
    return value


def test_rules() -> None:
    states = {"a": "ALARM", "b": "OK", "c d": "INSUFFICIENT_DATA"}

    def is_so(rule: str) -> bool:
        return holds(rule, lambda name: states[name])

    assert is_so("ALARM(a)") and is_so('OK("b")') and is_so('INSUFFICIENT_DATA("c d")')
    assert is_so("ALARM(a) AND NOT ALARM(b)") and not is_so("NOT ALARM(a) OR ALARM(b)")
    assert is_so("ALARM(a) OR ALARM(b) AND ALARM(b)")
    assert not is_so("(ALARM(a) OR ALARM(b)) AND ALARM(b)")
    assert is_so("TRUE") and not is_so("FALSE") and is_so("not (false)")
    assert is_so("ALARM(arn:aws:cloudwatch:eu-west-1:1:alarm:a)")
    assert children_of('ALARM(a) OR OK("c d") AND TRUE') == {"a", "c d"}
    for wrong in ("", "ALARM(a", "ALARM(a) OK(b)", "(TRUE", "TRUE)", "AND", "BROKEN(a)"):
        with pytest.raises(BadRule):
            is_so(wrong)


def test_a_composite_alarm_follows_its_children_and_writes(lab: RunningLab) -> None:
    cloudwatch, arn = lab.client("cloudwatch"), topic(lab)
    lab.client("sns").subscribe(TopicArn=arn, Protocol="email", Endpoint=MAIL)
    lab.post("outbox/confirm")
    children(cloudwatch, "a", "b")
    composite(cloudwatch, "both", "ALARM(a) AND ALARM(b)", AlarmActions=[arn], Tags=TAGS)
    until(lambda: state(cloudwatch, "both") == "OK", "OK", 5)
    become(cloudwatch, "a", "ALARM")
    become(cloudwatch, "b", "ALARM")
    until(lambda: state(cloudwatch, "both") == "ALARM", "ALARM", 5)
    assert lab.get("outbox")[-1]["subject"] == 'ALARM: "both" in EU (Ireland)'
    become(cloudwatch, "both", "OK")
    composite(cloudwatch, "both", "ALARM(a) AND ALARM(b)", AlarmDescription="again")
    until(lambda: state(cloudwatch, "both") == "ALARM", "ALARM again", 5)
    history = cloudwatch.describe_alarm_history(
        AlarmTypes=["CompositeAlarm"], ScanBy="TimestampAscending"
    )["AlarmHistoryItems"]
    assert {it["AlarmName"] for it in history} == {"both"}
    assert history[1]["HistorySummary"] == "Alarm updated from INSUFFICIENT_DATA to OK"


def test_composite_alarms_are_shown_to_those_who_ask_for_them(lab: RunningLab) -> None:
    cloudwatch = lab.client("cloudwatch")
    children(cloudwatch, "a", "b")
    composite(cloudwatch, "both", "ALARM(a) OR ALARM(b)")
    composite(cloudwatch, "top", "ALARM(both)")
    plain = cloudwatch.describe_alarms()
    assert [it["AlarmName"] for it in plain["MetricAlarms"]] == ["a", "b"]
    assert plain["CompositeAlarms"] == []
    assert cloudwatch.describe_alarms(AlarmNames=["both"])["CompositeAlarms"] == []
    below = cloudwatch.describe_alarms(ChildrenOfAlarmName="both")["MetricAlarms"]
    assert [set(it) for it in below] == [
        {"AlarmName", "AlarmArn", "StateValue", "StateUpdatedTimestamp"}
    ] * 2
    above = cloudwatch.describe_alarms(ParentsOfAlarmName="both")["CompositeAlarms"]
    assert [(it["AlarmName"], set(it)) for it in above] == [("top", {"AlarmName", "AlarmArn"})]
    with refused("ValidationError"):
        cloudwatch.describe_alarms(ParentsOfAlarmName="both", AlarmNamePrefix="t")


def test_an_alarm_that_others_depend_on_stays(lab: RunningLab) -> None:
    cloudwatch = lab.client("cloudwatch")
    children(cloudwatch, "a", "b", "c")
    composite(cloudwatch, "one", "ALARM(a)")
    composite(cloudwatch, "two", "ALARM(one) OR ALARM(b)")
    with refused("ValidationError", "Cannot delete a as there are composite"):
        cloudwatch.delete_alarms(AlarmNames=["c", "a"])
    assert len(cloudwatch.describe_alarms()["MetricAlarms"]) == 3, "a batch fails whole"
    with refused("ValidationError"):
        cloudwatch.delete_alarms(AlarmNames=["one", "two"])
    composite(cloudwatch, "one", "ALARM(two)")
    for name in ("one", "two"):
        with refused("ValidationError", f"Cannot delete {name}"):
            cloudwatch.delete_alarms(AlarmNames=[name])
    composite(cloudwatch, "two", "FALSE")
    cloudwatch.delete_alarms(AlarmNames=["one", "a", "b", "c"])
    with refused("ValidationError"):
        cloudwatch.delete_alarms(AlarmNames=[f"x{number}" for number in range(101)])


def test_what_is_no_composite_alarm_is_refused(lab: RunningLab) -> None:
    cloudwatch = lab.client("cloudwatch")
    children(cloudwatch, "a")
    with refused("ValidationError", "Could not save the composite alarm as alarms \\[none\\]"):
        composite(cloudwatch, "x", "ALARM(a) OR ALARM(none)")
    with refused("ValidationError", "invalid expressions"):
        composite(cloudwatch, "x", "ALARM(a")
    with refused("ValidationError"):
        composite(cloudwatch, "a", "TRUE")
    with refused("ValidationError", "ActionsSuppressor"):
        composite(cloudwatch, "x", "TRUE", ActionsSuppressor="a")
    periods = {"ActionsSuppressorWaitPeriod": 60, "ActionsSuppressorExtensionPeriod": 30}
    composite(cloudwatch, "x", "TRUE", ActionsSuppressor="a", **periods)
    (found,) = cloudwatch.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    assert found["ActionsSuppressor"] == "a" and found["ActionsSuppressorWaitPeriod"] == 60


def test_a_young_alarm_is_not_there_for_rules_and_a_name_is_not_free_at_once(
    lab: RunningLab,
) -> None:
    cloudwatch, sns = lab.client("cloudwatch"), lab.client("sns")
    switch(lab, "alarm", "topic")
    children(cloudwatch, "a")
    with refused("ValidationError", "do not exist"):
        composite(cloudwatch, "x", "ALARM(a)")
    sns.delete_topic(TopicArn=topic(lab))
    with refused("StaleTag"):
        topic(lab, Tags=TAGS)
    with refused("ConcurrentAccess"):
        topic(lab)

    def made() -> bool:
        try:
            composite(cloudwatch, "x", "ALARM(a)")
            return bool(topic(lab))
        except (
            cloudwatch.exceptions.ClientError,
            sns.exceptions.ClientError,
        ):
            return False

    until(made, "both", 5)
