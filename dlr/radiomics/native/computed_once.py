"""A property computed once an object; unlike functools' before Python 3.12, without a lock at every first look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

__all__ = ["once"]

Value = TypeVar("Value")


class once(Generic[Value]):
    """Decorator: the value is kept in the object's own dictionary, which then hides this descriptor."""

    def __init__(self, function: Callable[[Any], Value]) -> None:
        self.function = function
        self.__doc__ = function.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Value:
        value = instance.__dict__[self.name] = self.function(instance)
        return value
