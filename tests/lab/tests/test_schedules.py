"""Schedule expressions."""

from __future__ import annotations

from datetime import UTC, datetime

from lab.aws.common.schedules import is_due, is_valid, is_zone, moments


def seconds(text: str) -> float:
    """Seconds since 1970."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def due(schedule: str, moment: str, zone: str | None = None) -> bool:
    """Whether it is due within the second before a moment."""
    now = seconds(moment)
    return is_due(schedule, zone, seconds("2026-01-01T00:00:00"), now - 1, now)


def test_at_is_due_once() -> None:
    assert due("at(2026-03-01T08:00:00)", "2026-03-01T08:00:00")
    assert not due("at(2026-03-01T08:00:00)", "2026-03-01T08:00:02")
    assert due("at(2026-03-01T08:00:00)", "2026-03-01T07:00:00", "Europe/Paris")


def test_rate_counts_from_the_creation() -> None:
    assert due("rate(5 minutes)", "2026-01-01T00:05:00")
    assert not due("rate(5 minutes)", "2026-01-01T00:06:00")


def test_cron_holds_every_field() -> None:
    assert due("cron(0 8 ? * MON-FRI *)", "2026-03-02T08:00:00")
    assert not due("cron(0 8 ? * MON-FRI *)", "2026-03-01T08:00:00")
    assert due("cron(*/15 * * * ? *)", "2026-03-01T08:45:00")
    assert not due("cron(*/15 * * * ? *)", "2026-03-01T08:46:00")
    assert not is_valid("every day")


def test_days_are_the_last_the_nearest_or_the_nth() -> None:
    assert due("cron(0 0 L * ? *)", "2028-02-29T00:00:00")
    assert due("cron(0 0 15W * ? *)", "2026-08-14T00:00:00")
    assert due("cron(0 0 1W * ? *)", "2026-08-03T00:00:00")
    assert due("cron(0 0 ? * 6L *)", "2026-03-27T00:00:00")
    assert not due("cron(0 0 ? * FRIL *)", "2026-03-20T00:00:00")
    assert due("cron(0 0 ? * TUE#2 *)", "2026-03-10T00:00:00")
    assert due("cron(0 0 ? * FRI-MON *)", "2026-03-01T00:00:00")


def test_what_is_no_schedule_is_told_from_one() -> None:
    for text in (
        "cron(0 8 * * * *)",
        "cron(0 8 ? * ? *)",
        "cron(*/60 * * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 8 * * ?)",
        "rate(0 minutes)",
        "rate(5 weeks)",
        "at(2026-02-30T00:00:00)",
        "at(2026-03-01)",
    ):
        assert not is_valid(text), text
    assert is_valid("cron(0-15/5 8 ? * 2,4,6 2026-2030)") and is_valid("rate(1 days)")
    assert is_zone("Europe/Paris") and not is_zone("Europe/Nowhere") and not is_zone("../etc")


def all_of(schedule: str, first: str, last: str, zone: str | None = None) -> list[str]:
    """When it comes round between two moments, in UTC."""
    found = moments(schedule, zone, seconds(first), seconds(first), seconds(last))
    return [datetime.fromtimestamp(at, UTC).strftime("%d %H:%M") for at in found]


def test_what_a_zone_skips_does_not_come_and_what_it_repeats_comes_once() -> None:
    """Clocks in Paris skip from 2 to 3 on 29 March 2026, and go from 3 back to 2 on 25 October."""
    half = "cron(30 2 * * ? *)"
    spring = all_of(half, "2026-03-28T00:00:00", "2026-03-31T00:00:00", "Europe/Paris")
    assert spring == ["28 01:30", "30 00:30"]
    autumn = all_of(half, "2026-10-24T12:00:00", "2026-10-26T12:00:00", "Europe/Paris")
    assert autumn == ["25 00:30", "26 01:30"]
    skipped = "at(2026-03-29T02:30:00)"
    assert not all_of(skipped, "2026-03-28T00:00:00", "2026-03-31T00:00:00", "Europe/Paris")


def test_all_that_came_round_between_two_looks_is_told() -> None:
    assert len(all_of("rate(1 hour)", "2026-03-01T00:00:00", "2026-03-01T03:00:00")) == 3
    assert len(all_of("cron(0 0 * * ? *)", "2026-03-01T00:00:00", "2026-03-08T00:00:00")) == 7
