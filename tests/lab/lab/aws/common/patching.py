"""How the overlay replaces what moto has, and still reaches a method that it replaced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Method = Callable[..., Any]


def patch(owner: type, name: str | None = None) -> Callable[[Method], Method]:
    """Replaces `owner.name` (by default the function's own name).

    A replacement whose first parameter is called `original` receives the method it
    replaces, or None where moto has none.
    """

    def decorate(function: Method) -> Method:
        attribute = name or function.__name__
        original = getattr(owner, attribute, None)
        wants_original = function.__code__.co_varnames[:1] == ("original",)
        if wants_original:

            def method(self: Any, *args: Any, **kwargs: Any) -> Any:
                return function(original, self, *args, **kwargs)

            method.__name__ = attribute
            setattr(owner, attribute, method)
        else:
            setattr(owner, attribute, function)
        return function

    return decorate


def put(owner: type, **members: Any) -> None:
    """Puts properties and the like in the place of what moto has under these names."""
    for name, member in members.items():
        setattr(owner, name, member)
