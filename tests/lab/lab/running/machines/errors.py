"""How states and executions fail."""

from __future__ import annotations


class Failed(Exception):
    """A state that failed, by the name of the error and its cause."""

    def __init__(self, error: str | None, cause: str | None) -> None:
        super().__init__(error)
        self.error = error
        self.cause = cause


class TimedOut(Exception):
    """The execution took longer than its machine allows."""


class Stopped(Exception):
    """Somebody ended the execution."""


# These have to be named; `States.ALL` and `States.TaskFailed` do not mean them.
NOT_ALL = ("States.DataLimitExceeded", "States.Runtime")
NOT_TASKS = (*NOT_ALL, "States.Timeout")


def is_named(failure: Failed, names: list[str]) -> bool:
    """Whether a retrier or catcher means a failure."""
    return (
        failure.error in names
        or ("States.ALL" in names and failure.error not in NOT_ALL)
        or ("States.TaskFailed" in names and failure.error not in NOT_TASKS)
    )
