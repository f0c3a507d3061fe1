"""The parts of a script of loops as data for its template: arrays, lines of loops, the lines of the optimizer."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from symbackprop.algebra.folding import folded
from symbackprop.algebra.formula import Adjoint, Name, Node, Number, rewrite
from symbackprop.arithmetic.python_code import Spelled, accurate, printed
from symbackprop.catalog import schedules
from symbackprop.compilation.loop_code import LoopWriter
from symbackprop.compilation.lowered import Lowered, lowered_gradient, lowered_value
from symbackprop.compilation.operations import View
from symbackprop.compilation.optimizer_code import COUNT, RATE, UpdateCode, update
from symbackprop.compilation.strides import whole
from symbackprop.errors import ProblemError
from symbackprop.messages import message
from symbackprop.problems import Problem
from symbackprop.problems.training_table import batches_in
from symbackprop.scripts.libraries import NUMPY
from symbackprop.scripts.loop_languages import Language
from symbackprop.scripts.script_parts import LISTED, WIDTH, Parts

_OWN = frozenset(
    [
        "samples",
        "parameters",
        "data",
        "gradients",
        "states",
        "forward",
        "gradient",
        "update",
        "check",
        "train",
        "expected",
        "loss",
        "column",
        "rate",
        "steps",
        "erf",
        "erfc",
        "learning_rate",
        "t",
        "w",
        "g",
        "number",
        "at",
        "memory",
    ]
)
"""What scripts of loops call their own functions and arguments."""


class LoopParts(Parts):
    """What a script of loops is made of, for one problem and language."""

    def __init__(self, problem: Problem, language: Language) -> None:
        """Prepare the parts; raises `SymbackpropError` for a problem without numbers."""
        super().__init__(problem, NUMPY)
        self.language = language
        self.reserved = _OWN | language.reserved

    def view(self) -> Mapping[str, Any]:
        """Return everything that a template asks for, by name."""
        data = [*self.plan.data]
        gradient = lowered_gradient(self.plan, self.reserved)
        forward = lowered_value(self.plan, self.reserved, self.plan.graph.output, data)
        passes = {"forward": self._pass(forward), "gradient": self._pass(gradient)}
        lowering = gradient.lowering
        called = {
            quantity.name: lowering.named(Name(quantity.name)).array for quantity in (*self.plan.parameters, *data)
        }
        sizes = {called[each.name]: self._count(each.name) for each in (*self.plan.parameters, *data)}
        text = "\n".join(line for each in passes.values() for line in each["lines"])
        return {
            "samples": self.problem.samples or 1,
            "sizes": sizes,
            "names": called,
            "parameters": [(called[each.name], self._flat(each.name)) for each in self.plan.parameters],
            "data": [(called[each.name], self._flat(each.name)) for each in data],
            "passes": passes,
            "gradients": [
                (called[each.name], lowering.named(Adjoint(each.name)).array, self._count(each.name))
                for each in self.plan.gradients
            ],
            "output": self.names[self.plan.graph.output],
            "expected": self._known(called),
            "used": {name for name in self.language.own if f"{name}(" in text},
            "training": self._loops_of_training(called),
        }

    def _known(self, called: Mapping[str, str]) -> Mapping[str, Any]:
        """Return loss and gradients at the start, of many gradients their norms."""
        loss, gradients = self._first_numbers()
        is_long = sum(array.size for array in gradients.values()) > LISTED
        number = self.language.syntax.dialect.number
        known = {
            called[name]: [float(np.linalg.norm(array))] if is_long else np.ravel(array).tolist()
            for name, array in gradients.items()
        }
        return {
            "loss": number(loss),
            "norms": is_long,
            "gradients": {name: self._in_lines(map(number, numbers)) for name, numbers in known.items()},
        }

    def _count(self, name: str) -> int:
        quantity = self.plan.graph.quantities[name]
        return math.prod(quantity.shape) * ((self.problem.samples or 1) if quantity.batched else 1)

    def _flat(self, name: str) -> str:
        """Return numbers row by row, in lines that are not too long."""
        return self._in_lines(map(self.language.syntax.dialect.number, self.problem.arrays[name].floats()))

    def _in_lines(self, numbers: Iterable[str]) -> str:
        """Return numbers behind each other, and below each other where they do not fit into a line."""
        lines = textwrap.wrap(", ".join(numbers), WIDTH - 20)
        text = self.language.listed.format("\n".join(lines))
        return (
            text
            if len(lines) < 2
            else self.language.listed.format("\n" + textwrap.indent("\n".join(lines), "    ") + "\n")
        )

    def _pass(self, lowered: Lowered) -> Mapping[str, Any]:
        """Return a function of arrays: its lines, the arrays that it makes with their lengths, and its result."""
        lowering = lowered.lowering
        given = {quantity.name for quantity in (*self.plan.parameters, *self.plan.data)}
        views = {name: View(name, shape, varies) for name, (shape, varies) in lowering.arrays.items()}
        for quantity in (*self.plan.parameters, *self.plan.data):
            view = lowering.named(Name(quantity.name))
            views[view.array] = view
        for quantity in self.plan.gradients:
            view = lowering.named(Adjoint(quantity.name))
            views[view.array] = view
        samples = self.problem.samples or 1
        arrays = {name: whole(name, view.shape, samples if view.varies else None) for name, view in views.items()}
        writer = LoopWriter(arrays, self.language.syntax, lowering.identifiers.fresh)
        lines = writer.lines(lowered.operations())
        known = {lowering.named(Name(name)).array for name in given}
        known |= {lowering.named(Adjoint(each.name)).array for each in self.plan.gradients}
        used = {operation.target.array for operation in lowered.operations()}
        made = [(name, math.prod(arrays[name].lengths)) for name in views if name in used and name not in known]
        return {"lines": lines, "made": made, "result": self._result(lowered)}

    def _result(self, lowered: Lowered) -> str:
        if isinstance(lowered.result, Number):
            return self.language.syntax.dialect.number(float(lowered.result.value))
        assert isinstance(lowered.result, View)
        return self.language.syntax.address(lowered.result.array, [])

    # Training

    def _loops_of_training(self, called: Mapping[str, str]) -> Mapping[str, Any] | None:
        """Return the lines of an update of one number, for the first update and for later ones."""
        training = self.problem.training
        if training is None or not self.plan.parameters:
            return None
        is_changing = schedules.SCHEDULES[training.schedule.kind].period or training.schedule.settings
        if is_changing or training.stop or batches_in(self.problem.samples, training.batch_size) > 1:
            raise ProblemError(message("code.whole_data", target=self.language.name), where="training")
        if training.update == "sequential":
            raise ProblemError(message("code.sequential_update", target=self.language.name), where="training.update")
        trained = tuple(each.name for each in self.plan.parameters if each.name not in training.frozen)
        settings = {name: given.value for name, given in training.settings.items() if name != RATE.name}
        codes = [update(training.optimizer, settings, trained, first=first) for first in (True, False)]
        lines = [list(self._update(code)) for code in codes]
        states = codes[-1].states
        return {
            "trained": [called[name] for name in trained],
            "states": states,
            "given_states": [
                (called[name], states.index(state), array.floats())
                for state, arrays in training.state.items()
                for name, array in arrays.items()
            ],
            "first": lines[0] if lines[0] != lines[1] else None,
            "lines": lines[1],
            "optimizer": training.optimizer,
            "learning_rate": self.language.syntax.dialect.number(float(training.settings[RATE.name].value)),
            "steps": training.steps,
        }

    def _update(self, code: UpdateCode) -> Iterator[str]:
        """Yield the lines that change the number `w` by its gradient `g`."""
        syntax = self.language.syntax
        known: dict[Node, Node] = {each: Spelled(each.name) for each in (COUNT, RATE)}

        def text(formula: Node) -> str:
            return printed(accurate(folded(rewrite(formula, known.get))), lambda part: None, syntax.dialect)

        for name, formula in code.common:
            yield syntax.declared.format(name, text(formula))
            known[Name(name)] = Spelled(name)
        changing = ("w", "g", *code.states)
        known |= {Name(name): Spelled(name) for name in changing}
        for target, formula in code.lines:
            yield (syntax.assigned if target in changing else syntax.declared).format(target, text(formula))
            known[Name(target)] = Spelled(target)
