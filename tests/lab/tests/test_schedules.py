"""Schedule expressions."""

from __future__ import annotations

from datetime import UTC, datetime

from lab.aws.autoscaling.schedules import is_due, is_valid


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
