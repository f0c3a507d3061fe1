"""Equations of what was recorded: what is computed by name, and the texts between."""

from __future__ import annotations

import itertools
import keyword
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from symbackprop.algebra.functions import RESERVED
from symbackprop.frontends.tracing.assigned_variables import Variables
from symbackprop.frontends.tracing.precedence import Written, number
from symbackprop.frontends.tracing.recorded import Recorded

OUTPUT = "loss"
_SHORT = re.compile(r"-?[\w.]+(\[[\d, :-]*\]|\.T)*")
"""What is not given a name although it is used more than once: a name, an element, a number."""
_NUMBERED = re.compile(r"(.*?[^\W\d_])_?\d+")
"""A name that is printed like an element of an array: `h1`, `h_1`."""
_TRIES = 20


class Equations:
    """Writes the equations of what was computed: of every variable, and of what is used more than once."""

    def __init__(self, leaves: Mapping[str, Recorded], variables: Variables) -> None:
        self.taken = set(leaves)
        self.names = {id(leaf): name for name, leaf in leaves.items()}
        self.with_elements = {name for name, leaf in leaves.items() if leaf.ndim}
        self.variables = variables
        self.constants: dict[str, Any] = {}
        self.arrays: dict[int, str] = {}

    def equations(self, result: Recorded) -> list[str]:
        """Return the equations in the order in which their values are needed."""
        order = order_of(result)
        uses: dict[int, int] = {}
        for node in order:
            for operand in node.operands:
                uses[id(operand)] = uses.get(id(operand), 0) + 1
        reached = {id(node) for node in order}
        for base, group in _groups([node for node in self.variables.assigned if id(node) in reached]).items():
            for position, node in enumerate(group, start=1):
                self.names[id(node)] = self._free(base, node, position if len(group) > 1 else 0)
        if id(result) not in self.names or result.writer is None:
            self.names[id(result)] = self._free(OUTPUT, result)
        texts: dict[int, Written] = {}
        found = []
        for node in order:
            texts[id(node)] = text = self._text(node, texts)
            is_shared = uses.get(id(node), 0) > 1 and not _SHORT.fullmatch(text.text)
            if is_shared and id(node) not in self.names:
                self.names[id(node)] = self._free("u", node)
            if id(node) in self.names and (node.writer is not None or node is result):
                found.append(f"{self.names[id(node)]} = {text.text}")
                texts[id(node)] = Written(self.names[id(node)])
        return found

    def _text(self, node: Recorded, texts: Mapping[int, Written]) -> Written:
        if node.writer is not None:
            return node.writer([texts[id(operand)] for operand in node.operands])
        if node.constant is None:
            return Written(node.name)
        if not node.ndim:
            return number(float(node.value))
        name = self.arrays.get(id(node.constant))
        if name is None:
            base, _ = self.variables.arrays.get(id(node.constant), ("c", None))
            name = self.arrays[id(node.constant)] = self._free(base, node)
            self.constants[name] = numpy.asarray(node.value, dtype=float)
        return Written(name)

    def _free(self, base: str, node: Recorded, position: int = 0) -> str:
        """Return a name that nothing has and nothing is printed like: the base itself or with a number, if it can be."""
        first = max(position, 1)
        names = [*([] if position else [base]), *(f"{base}{number}" for number in range(first, first + _TRIES))]
        spaced = (f"{base}t{number}" for number in itertools.count(first))
        name = next(name for name in itertools.chain(names, spaced) if self._is_free(name, node))
        self.taken.add(name)
        if node.ndim:
            self.with_elements.add(name)
        return name

    def _is_free(self, name: str, node: Recorded) -> bool:
        if name in self.taken or name in RESERVED or keyword.iskeyword(name):
            return False
        letters = _NUMBERED.fullmatch(name)
        alike = {_NUMBERED.sub(r"\1", other) for other in self.taken if _NUMBERED.fullmatch(other)} if node.ndim else ()
        return not (letters and letters[1] in self.with_elements) and name not in alike


def _groups(named: Sequence[Recorded]) -> Mapping[str, Sequence[Recorded]]:
    """Return what was assigned to each variable, in order."""
    found: dict[str, list[Recorded]] = {}
    for node in named:
        found.setdefault(node.name.strip("_") or "u", []).append(node)
    return found


def order_of(result: Recorded) -> list[Recorded]:
    """Return everything that a result is computed from and itself, each after its operands; depth is no limit."""
    order: list[Recorded] = []
    seen: set[int] = set()
    waiting = [(result, False)]
    while waiting:
        node, is_done = waiting.pop()
        if is_done:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            waiting.append((node, True))
            waiting += [(operand, False) for operand in reversed(node.operands)]
    return order
