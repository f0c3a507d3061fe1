"""An optimizer carried out: its lines, as functions of one arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from symbackprop.algebra.forms import abstracted
from symbackprop.catalog import optimizers
from symbackprop.evaluation.arithmetics import Arithmetic, Value


class Rule:
    """The lines of an optimizer, made ready to run in one arithmetic; every result is settled."""

    def __init__(self, lines: tuple[optimizers.Line, ...], kind: Arithmetic) -> None:
        self.settle = kind.settle
        self.lines: list[tuple[str, Callable[..., Value], tuple[str, ...]]] = []
        for target, formula in lines:
            form, read = abstracted(formula)
            self.lines.append((target, kind.function(form.formula, form.arity), read))

    def run(self, known: dict[str, Value]) -> Mapping[str, Value]:
        """Return the value of each line, carried out in order; `known` takes them up too."""
        found = {}
        for target, function, read in self.lines:
            known[target] = found[target] = self.settle(function(*[known[name] for name in read]))
        return found
