"""Objects of ours as data: what the page's own code makes them of again.

An object is a list: what it is, and what is in it; one that occurs again is its number.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Set
from enum import Enum
from fractions import Fraction
from types import FunctionType, MappingProxyType
from typing import Any

from symbackprop.arithmetic.real_numbers import Real


class ObjectGraph:
    """Objects with what they hold, each once."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self.numbers: dict[int, tuple[object, int]] = {}
        self.kinds: dict[str, int] = {}

    def entry(self, value: object) -> Any:
        """Return a plain value as itself, another as a list with its number."""
        if value is None or isinstance(value, bool | float):
            return value
        if isinstance(value, Enum):
            return value.value
        if isinstance(value, str):
            return value
        if isinstance(value, int):
            return value if abs(value) < 2**53 else ["n", str(value)]
        known = self.numbers.get(id(value))
        if known is None:
            known = self.numbers[id(value)] = value, len(self.rows)
            self.rows.append(None)
            self.rows[known[1]] = self._row(value)
        return [known[1]]

    def _row(self, value: Any) -> list[Any]:
        if isinstance(value, Fraction):
            return ["F", str(value)]
        if isinstance(value, Real):
            sign, mantissa, exponent, length = value._mpf_
            return ["R", sign, str(mantissa), int(exponent), length]
        if hasattr(value, "_fields"):
            number = self.kinds.setdefault(_name(type(value)), len(self.kinds))
            pairs = zip(value._fields, value, strict=True)
            return ["O", number, *[each for name, item in pairs for each in (name, self.entry(item))]]
        if isinstance(value, tuple | list):
            return ["T", *map(self.entry, value)]
        if isinstance(value, dict | MappingProxyType):
            return ["D", *[each for pair in value.items() for each in map(self.entry, pair)]]
        if isinstance(value, Set):
            return ["S", *map(self.entry, sorted(value, key=str))]
        if isinstance(value, FunctionType):
            return ["f", _name(value)]
        if isinstance(value, type):
            return ["f", _name(value)]
        kind = _name(type(value))
        return ["O", self.kinds.setdefault(kind, len(self.kinds)), *self._fields(value)]

    def _fields(self, value: Any) -> list[Any]:
        found: dict[str, Any] = {}
        for owner in type(value).__mro__:
            slots = owner.__dict__.get("__slots__", ())
            for name in (slots,) if isinstance(slots, str) else slots:
                if hasattr(value, name):
                    found[name] = getattr(value, name)
        found |= getattr(value, "__dict__", {})
        if dataclasses.is_dataclass(value):
            found = {n: v for n, v in found.items() if not n.startswith("computed ")} | {
                f"$d_{n.removeprefix('computed ')}": v for n, v in found.items() if n.startswith("computed ")
            }
        pairs = [(name, item) for name, item in found.items() if not _is_left_out(item)]
        return [each for name, item in pairs for each in (name, self.entry(item))]


def _is_left_out(value: object) -> bool:
    """Say whether something is worked out anew where it is needed: a function inside a function, SymPy's expression."""
    return "<locals>" in getattr(value, "__qualname__", "") or type(value).__module__.startswith("sympy")


def _name(value: Any) -> str:
    module = value.__module__.removeprefix("symbackprop.").replace(".", "_")
    return f"{module}${value.__qualname__}"
