"""Fields of a frozen dataclass that are worked out when they are first read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class _OnDemand:
    """A field of a dataclass that is computed when it is first read, unless the constructor was given it."""

    def __init__(self, compute: Callable[[Any], Any]) -> None:
        self.compute = compute

    def __set_name__(self, owner: type, name: str) -> None:
        self.name, self.computed = name, f"computed {name}"

    def __get__(self, instance: object | None, owner: type) -> Any:
        if instance is None:
            return self  # the field's default
        values = instance.__dict__
        found = values.get(self.name)
        if found is None:
            found = values.get(self.computed)
        if found is None:
            found = values[self.computed] = self.compute(instance)
        return found

    def __set__(self, instance: object, value: object) -> None:
        if value is not self:
            instance.__dict__[self.name] = value


def on_demand(compute: Callable[[Any], Any]) -> Any:
    """Return a default by which a field is computed, from the object, when it is first read."""
    return _OnDemand(compute)
