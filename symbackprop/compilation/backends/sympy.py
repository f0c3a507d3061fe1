"""SymPy's own compiler, `sympy.lambdify`: the reference that the other backends are tested against.

The equations of the derivation are handed to it as the common subexpressions that they are. It is slower than the other
backends, has no loop inside, and its code grows with the samples.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy

from symbackprop.algebra import symbolic
from symbackprop.algebra.formula import ONE, ZERO, Adjoint, Apply, Name, Node
from symbackprop.arithmetic import floats
from symbackprop.compilation.engine import Array, Arrays, Engine, Run, flattened
from symbackprop.compilation.identifiers import Identifiers
from symbackprop.compilation.optimizer_code import COUNT, GRADIENT, PARAMETER, RATE, UpdateCode
from symbackprop.compilation.plan import Assignment, Plan
from symbackprop.errors import ProblemError
from symbackprop.messages import message

_OWN = ("log1p", "expm1", "erfc", "logsumexp")
"""Functions of our formulas that SymPy would take apart, or has no name for."""

_FUNCTIONS: Mapping[str, Callable[..., float]] = {
    **floats.FUNCTIONS,
    "Step": lambda argument, at_zero: 1.0 if argument > 0.0 else 0.0 if argument < 0.0 else at_zero,
    "Maximum": lambda *arguments: functools.reduce(lambda p, q: p if p >= q else q, arguments[:-1]),
    "Minimum": lambda *arguments: functools.reduce(lambda p, q: p if p <= q else q, arguments[:-1]),
    "Absolute": lambda argument, at_zero: abs(argument),
    "Where": lambda operand, at_edge, holding, otherwise: (
        holding if operand > 0.0 or (operand == 0.0 and at_edge) else otherwise
    ),
}


class LambdifyEngine(Engine):
    """One function of all scalars, by `sympy.lambdify`."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._identifiers = Identifiers(plan.derivation, frozenset(_FUNCTIONS))
        self._values: dict[str, Callable[..., Sequence[float]]] = {}

    @functools.cached_property
    def source(self) -> str:
        """The code of loss and gradients."""
        import inspect

        return inspect.getsource(self._gradient)

    @property
    def stretch(self) -> int:
        """About how many updates fit into a tenth of a second: there is no loop inside."""
        return 100

    def gradient(self, parameters: Arrays, data: Arrays, gradients: Arrays) -> float:
        """Write the gradients and return the loss."""
        loss, *found = self._gradient(*self._numbers(parameters, data))
        numbers = iter(found)
        for array in gradients:
            array[...] = np.reshape([next(numbers) for _ in range(array.size)], array.shape)
        return float(loss)

    def loss(self, parameters: Arrays, data: Arrays) -> float:
        """Return the loss."""
        return float(self._loss(*self._numbers(parameters, data))[0])

    def value(self, name: str, parameters: Arrays, data: Arrays) -> Array:
        """Return a quantity, by as many samples at a time as the plan has where it differs between them."""
        graph = self.plan.graph
        quantity, size = graph.quantities[name], graph.batch_axis.size
        if name not in self._values:
            wanted = [Name(each, sample) for sample in graph.samples_of(quantity) for each in quantity.elements()]
            self._values[name] = self._function(self.plan.forward(), wanted)
        read = dict(zip([each.name for each in self.plan.data_of(name)], data, strict=True))
        unread = {each.name: np.zeros((size, *each.shape)) for each in self.plan.data if each.name not in read}
        groups: list[dict[str, Array]] = [read]
        if quantity.batched:
            groups = [
                {each: array[start : start + size] for each, array in read.items()}
                for start in range(0, len(data[0]), size)
            ]
        rows = [[(group | unread)[each.name] for each in self.plan.data] for group in groups]
        found = [self._values[name](*self._numbers(parameters, row)) for row in rows]
        shape = (-1, *quantity.shape) if quantity.batched else quantity.shape
        return np.array(found, self.plan.dtype).reshape(shape)

    def descend(self, update: UpdateCode, parameters: Arrays, states: Arrays, data: Arrays, run: Run) -> Array:
        """Change parameters and states by one update for each learning rate; return the losses before the updates."""
        rule = self._rule(update)
        names = [quantity.name for quantity in self.plan.parameters]
        places = [names.index(name) for name in update.trained]
        gradients = [np.empty_like(array) for array in parameters]
        rows = iter(() if run.trace is None else run.trace)
        losses = []
        for step, rate in enumerate(run.rates.tolist()):
            batch = data if run.batches is None else [array[run.batches[step]] for array in data]
            losses.append(self.gradient(parameters, batch, gradients))
            for number, place in enumerate(places):
                held = [states[row * len(places) + number] for row in range(len(update.states))]
                for index in np.ndindex(parameters[place].shape):
                    old = [float(array[index]) for array in (parameters[place], gradients[place], *held)]
                    new = rule(*old, rate, run.first + step)
                    for array, value in zip((parameters[place], *held), new, strict=True):
                        array[index] = value
            if run.looks is not None and run.looks[step]:
                next(rows)[...] = flattened(parameters)
        return np.array(losses)

    # Compiled by SymPy

    @functools.cached_property
    def _gradient(self) -> Callable[..., Sequence[float]]:
        backward = list(self.plan.backward())
        reached = {target for target, _ in backward}
        output = self.plan.graph.output
        wanted: list[Node] = [
            Adjoint(*each) if Adjoint(*each) in reached else ZERO
            for each in self.plan.graph.scalars(*self.plan.gradients)
        ]
        one = ((Adjoint(output), ONE),)
        return self._function([*self.plan.forward(), *one, *backward], [Name(output), *wanted])

    @functools.cached_property
    def _loss(self) -> Callable[..., Sequence[float]]:
        return self._function(self.plan.forward(), [Name(self.plan.graph.output)])

    def _function(self, assignments: Iterable[Assignment], wanted: Sequence[Node]) -> Callable[..., Sequence[float]]:
        equations = [(self._symbol(target), self._expression(formula)) for target, formula in assignments]
        outputs = [self._expression(node) for node in wanted]
        leaves = [
            self._symbol(Name(element, sample))
            for quantity in (*self.plan.parameters, *self.plan.data)
            for sample in self.plan.graph.samples_of(quantity)
            for element in quantity.elements()
        ]
        return _lambdified(leaves, outputs, equations)

    def _expression(self, formula: Node) -> sympy.Expr:
        def leaf(part: Node) -> sympy.Expr | None:
            if isinstance(part, Apply) and part.function in _OWN:
                return sympy.Function(part.function)(*(symbolic.to_sympy(each, leaf) for each in part.arguments))
            return self._symbol(part) if isinstance(part, Name | Adjoint) else None

        return symbolic.to_sympy(floats.stable(formula), leaf)

    def _symbol(self, node: Name | Adjoint) -> sympy.Symbol:
        return sympy.Symbol(self._identifiers.of(node), real=True)

    def _numbers(self, parameters: Arrays, data: Arrays) -> list[float]:
        return [number for array in (*parameters, *data) for number in array.ravel().tolist()]

    def _rule(self, update: UpdateCode) -> Callable[..., Sequence[float]]:
        """Return the function (w, g, states, learning rate, t) → (new w, new states)."""
        states = [Name(state) for state in update.states]
        fresh = {target: sympy.Symbol(f"new_{target}", real=True) for target, _ in update.lines}
        known: dict[Node, Any] = {}
        equations = [(symbolic.name_symbol(name), symbolic.to_sympy(formula)) for name, formula in update.common]
        for target, formula in update.lines:
            equations.append((fresh[target], symbolic.to_sympy(formula, known.get)))
            known[Name(target)] = fresh[target]
        order = [symbolic.name_symbol(each.name) for each in (PARAMETER, GRADIENT, *states, RATE, COUNT)]
        return _lambdified(order, [fresh[each.name] for each in (PARAMETER, *states)], equations)


MOST_EDGES = 4000
"""Edges × samples of the largest plan: SymPy's time grows faster than its expressions, and its printer nests as they do."""


def prepare(plan: Plan) -> Engine:
    """Return the engine; raises `ProblemError` for a problem that SymPy would not come to an end with."""
    if plan.edges > MOST_EDGES:
        raise ProblemError(message("compilation.large", edges=plan.edges, most=MOST_EDGES), valid=["numpy", "numba"])
    return LambdifyEngine(plan)


def _lambdified(
    arguments: Sequence[sympy.Symbol],
    outputs: Sequence[sympy.Expr],
    equations: Sequence[tuple[sympy.Symbol, sympy.Expr]],
) -> Callable[..., Sequence[float]]:
    found: Callable[..., Sequence[float]] = sympy.lambdify(
        arguments, outputs, modules=[_FUNCTIONS], cse=lambda expressions, **_: (equations, list(expressions))
    )
    return found
