"""The engine for arrays of any size: code that writes into arrays made once for the plan's number of samples."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from symbackprop.algebra.folding import folded
from symbackprop.algebra.formula import Adjoint, Name, Node, Number, rewrite
from symbackprop.arithmetic.python_code import Spelled
from symbackprop.compilation.array_code import FUNCTIONS, Writer
from symbackprop.compilation.array_lowering import ArrayLowering
from symbackprop.compilation.engine import Array, Arrays, Run, empty, like
from symbackprop.compilation.identifiers import Identifiers
from symbackprop.compilation.operations import View
from symbackprop.compilation.optimizer_code import COUNT, GRADIENT, PARAMETER, RATE, UpdateCode
from symbackprop.compilation.plan import Plan
from symbackprop.graph.quantities import Quantity, Role


def _float_function(function: Callable[[float], float]) -> Callable[..., Array]:
    """Return a function of floats as one of arrays with `out`."""
    of_objects = np.frompyfunc(function, 1, 1)

    def apply(argument: Array, out: Array) -> Array:
        out[...] = of_objects(argument)
        return out

    return apply


NAMESPACE: Mapping[str, Any] = {
    **{name: getattr(np, name) for name in FUNCTIONS if hasattr(np, name)},
    **{name: _float_function(getattr(math, name)) for name in FUNCTIONS if not hasattr(np, name)},
    "float": float,
}
"""What array code calls; NumPy has no erf."""

_WORDS = "empty prepare gradient loss predict update abs min max"
_RESERVED = frozenset((*NAMESPACE, *_WORDS.split(), COUNT.name, RATE.name))


class ArrayEngine:
    """Arrays of any size: NumPy into arrays that are made once for the plan's number of samples.

    One call at a time: the arrays between are shared by all calls.
    """

    def __init__(self, plan: Plan, writer: type[Writer] = Writer) -> None:
        self.plan, self.writer = plan, writer
        self._updates: dict[UpdateCode, Callable[..., None]] = {}

    @functools.cached_property
    def source(self) -> str:
        """The code of loss and gradients."""
        return self._gradient[0]

    def gradient(self, parameters: Arrays, data: Arrays, gradients: Arrays) -> float:
        """Write the gradients and return the loss."""
        with np.errstate(all="ignore"):
            return float(self._gradient[1](*parameters, *data, *gradients))

    def loss(self, parameters: Arrays, data: Arrays) -> float:
        """Return the loss."""
        with np.errstate(all="ignore"):
            return float(self._loss(*parameters, *data))

    def predict(self, parameters: Arrays, inputs: Arrays) -> Array:
        """Return the outputs of a network; the array is written again by the next call."""
        with np.errstate(all="ignore"):
            found: Array = self._predict(*parameters, *inputs)
            return found

    def descend(self, update: UpdateCode, parameters: Arrays, states: Arrays, data: Arrays, run: Run) -> Array:
        """Change parameters and states by one update for each learning rate; return the losses before the updates."""
        if update not in self._updates:
            self._updates[update] = self._update(update)
        compute, change = self._gradient[1], self._updates[update]
        gradients = list(map(like, parameters))
        batch = [empty((self.plan.graph.batch_axis.size, *array.shape[1:]), self.plan.dtype) for array in data]
        losses = []
        with np.errstate(all="ignore"):
            for step, rate in enumerate(run.rates.tolist()):
                if run.batches is not None:
                    for array, part in zip(data, batch, strict=True):
                        np.take(array, run.batches[step], axis=0, out=part)
                losses.append(compute(*parameters, *(data if run.batches is None else batch), *gradients))
                change(*parameters, *gradients, *states, rate, run.first + step)
        return np.array(losses)

    @functools.cached_property
    def _gradient(self) -> tuple[str, Callable[..., float]]:
        lowering = self._lowering(forward=True)
        outputs = {each.name: lowering.named(Adjoint(each.name)) for each in self.plan.parameters}
        without = {name: () for name in outputs if name not in self.plan.contributions}
        for name, contributions in {**self.plan.contributions, **without}.items():
            lowering.define_gradient(Adjoint(name), contributions, outputs.get(name))
        given = [lowering.named(Name(each.name)) for each in (*self.plan.parameters, *self.plan.data)]
        arguments = [view.array for view in (*given, *outputs.values())]
        return self._code("gradient", lowering, arguments, lowering.known[Name(self.plan.graph.output)])

    @functools.cached_property
    def _loss(self) -> Callable[..., float]:
        return self._value("loss", self.plan.graph.output, self.plan.data)

    @functools.cached_property
    def _predict(self) -> Callable[..., Array]:
        assert self.plan.graph.prediction is not None
        return self._value("predict", self.plan.graph.prediction.name, self.plan.graph.of_role(Role.INPUT))

    def _value(self, function: str, name: str, data: Sequence[Quantity]) -> Callable[..., Any]:
        """Return a function of the parameters and some of the data that computes a quantity."""
        lowering = self._lowering(forward=True)
        given = [lowering.identifiers.of(Name(each.name)) for each in (*self.plan.parameters, *data)]
        return self._code(function, lowering, given, lowering.known[Name(name)])[1]

    def _lowering(self, *, forward: bool) -> ArrayLowering:
        lowering = ArrayLowering(self.plan, Identifiers(self.plan.derivation, _RESERVED))
        for quantity in (*self.plan.parameters, *self.plan.data):
            lowering.given(quantity.name)
        if forward:
            for equation in self.plan.equations:
                lowering.define(Name(equation.name), equation.formula)
        return lowering

    def _code(
        self,
        name: str,
        lowering: ArrayLowering,
        arguments: Sequence[str],
        result: Node | None,
        passing: Sequence[str] = (),
    ) -> tuple[str, Callable[..., Any]]:
        """Return the source and the function `name` that carries out what its result and the outputs need.

        `passing` names arguments that nobody reads afterwards.
        """
        wanted = [result] if isinstance(result, View) else []
        operations = lowering.needed(wanted)
        writer = self.writer(self.plan.graph.batch_axis.size, self.plan.dtype, lowering.identifiers.fresh)
        written = {operation.target.array for operation in operations} - lowering.outputs
        kept = {view.array for view in wanted}
        lines = writer.lines(operations, {*written, *passing} - kept)
        shapes = {
            array: (writer.samples,) * is_varying + shape for array, (shape, is_varying) in lowering.arrays.items()
        }
        made = {
            array: writer.aliases.get(array, f"empty({shape})") for array, shape in shapes.items() if array in written
        } | {register: f"empty({shape})" for register, shape in writer.registers.items()}
        if isinstance(result, View):
            lines.append(f"return {result.text}" if result.shape else f"return float({result.text})")
        elif isinstance(result, Number):
            lines.append(f"return {float(result.value)!r}")
        body = [
            *(f"{array} = {memory}" for array, memory in made.items()),
            "",
            f"def {name}({', '.join(arguments)}):",
        ]
        body += [*(f"    {line}" for line in lines or ["pass"]), "", f"return {name}"]
        source = "\n".join(("def prepare(empty):", *(f"    {line}".rstrip() for line in body))) + "\n"
        namespace = {**NAMESPACE, **writer.namespace()}
        exec(source, namespace)
        return source, namespace["prepare"](functools.partial(empty, dtype=self.plan.dtype))

    def _update(self, update: UpdateCode) -> Callable[..., None]:
        """Return `update(parameters, gradients, states, learning_rate, t)`, which changes parameters and states in place."""
        lowering = self._lowering(forward=False)
        identifiers = lowering.identifiers
        trained = [quantity for quantity in self.plan.parameters if quantity.name in update.trained]
        states = {
            (state, quantity.name): View(identifiers.fresh(f"{state}_{quantity.name}"), quantity.shape, False)
            for state in update.states
            for quantity in trained
        }
        common: dict[Node, Node] = {each: Spelled(each.name) for each in (COUNT, RATE)}
        for name, formula in update.common:
            common[Name(name)] = rewrite(formula, common.get)
        for quantity in trained:
            places = common | {Name(state): states[state, quantity.name] for state in update.states}
            places[PARAMETER] = View(identifiers.of(Name(quantity.name)), quantity.shape, False)
            places[GRADIENT] = View(identifiers.of(Adjoint(quantity.name)), quantity.shape, False)
            for target, formula in update.lines:
                value, place = folded(rewrite(formula, places.get)), places.get(Name(target))
                if isinstance(place, View):
                    lowering.outputs.add(place.array)
                    lowering.write(value, place)
                else:
                    places[Name(target)] = value
        arguments = [kind(quantity.name) for kind in (Name, Adjoint) for quantity in self.plan.parameters]
        given = [*map(identifiers.of, arguments), *(view.array for view in states.values()), RATE.name, COUNT.name]
        passing = [identifiers.of(Adjoint(quantity.name)) for quantity in trained]
        return self._code("update", lowering, given, None, passing)[1]
