"""What CloudWatch says to a request that it does not take."""

from __future__ import annotations

from moto.core.exceptions import ServiceException


class Refused(ServiceException):
    """One of CloudWatch's errors."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def invalid(message: str) -> Refused:
    """What most of its operations say of a wrong member."""
    return Refused("ValidationError", message)
