"""Names in JavaScript: of locals, attributes, definitions of this module and of others, and what the runtime has."""

from __future__ import annotations

import ast
import builtins
import json
from abc import ABC, abstractmethod

from .parts import BUILTIN_ATTRIBUTES, RESERVED, Definition, Lookup, UnknownPartError


class Names(ABC):
    """What every part of a translation knows: the module, the scopes, and the definition that is being written."""

    def __init__(self, module: str, lookup: Lookup, named: set[str]) -> None:
        self.module, self.lookup, self.named = module, lookup, named
        self.scopes: list[set[str]] = []
        self.definition: Definition | None = None
        self.count = 0
        self.temporaries: list[list[str]] = []
        self.cls = ""
        self.classes: list[str] = []
        self.words: set[str] = set()
        """Names by which parameters are found when the page runs."""

    @staticmethod
    def _local(name: str) -> str:
        return f"{name}_" if name in RESERVED else name

    def _attribute_name(self, name: str) -> str:
        if name in BUILTIN_ATTRIBUTES:
            return f"${name}"
        return name

    def _is_local(self, name: str) -> bool:
        return any(name in scope for scope in self.scopes)

    def _name(self, name: str) -> str:
        if self._is_local(name):
            return self._local(name)
        found = self.lookup(self.module, name)
        if isinstance(found, Definition):
            return self._needed(found, name)
        if isinstance(found, str):
            return found
        if hasattr(builtins, name):
            return "$.span" if name == "slice" else f"$.{name}"
        if name == "__name__":
            return json.dumps(self.module)
        raise UnknownPartError(f"{self.module}: {name}")

    def _needed(self, found: Definition, name: str) -> str:
        assert self.definition is not None
        self.definition.needs.add(found.id)
        return found.id

    def resolved(self, node: ast.expr) -> Definition | str | None:
        """Return what a name or a dotted name leads to, where that is known."""
        match node:
            case ast.Name(id=name):
                return None if self._is_local(name) else self.lookup(self.module, name)
            case ast.Attribute(value=value, attr=attribute):
                owner = self.resolved(value)
                if isinstance(owner, str) and owner.startswith("module:"):
                    return self.lookup(owner.removeprefix("module:"), attribute)
                if isinstance(owner, str) and owner.startswith("$"):
                    return f"{owner}.{attribute}"
        return None

    def _temporary(self) -> str:
        self.count += 1
        name = f"t{self.count}$"
        self.temporaries[-1].append(name)
        return name

    @abstractmethod
    def expression(self, node: ast.expr) -> str:
        """Write an expression."""

    @abstractmethod
    def statement(self, node: ast.stmt) -> str:
        """Write a statement."""
