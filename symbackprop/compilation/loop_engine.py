"""The engine for problems between straight lines and matrix products: compiled loops over one memory of all arrays."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from symbackprop.algebra.folding import folded
from symbackprop.algebra.formula import Adjoint, Name, Node, Number, SampleCount, rewrite
from symbackprop.arithmetic.python_code import SCALARS, Spelled, accurate, printed
from symbackprop.compilation.array_engine import ArrayEngine
from symbackprop.compilation.engine import Array, Arrays, Engine, Run, flattened, unflattened
from symbackprop.compilation.loop_code import DIALECTS, PYTHON, LoopWriter
from symbackprop.compilation.loop_layout import Layout
from symbackprop.compilation.lowered import lowered_gradient
from symbackprop.compilation.operations import View
from symbackprop.compilation.optimizer_code import COUNT, GRADIENT, PARAMETER, RATE, UpdateCode
from symbackprop.compilation.plan import Plan, plan
from symbackprop.compilation.strides import SAMPLES, whole

Function = Callable[..., Any]
Compiled = Callable[[str, Mapping[str, Any], str, str], Function]
"""Makes a fast function of a source, the names that it reads, the name of the function and its signature."""

GRADIENT_TYPE = "number(number[::1], int64)"
UPDATE_TYPE = "void(number[::1], int64, number, int64)"
DESCENT_TYPE = (
    f"void(FunctionType({GRADIENT_TYPE}), FunctionType({UPDATE_TYPE}), number[::1], int64, int64, number[:,::1],"
    " int64[::1], int64[:,::1], float64[::1], float64[::1], boolean[::1], number[:,::1], int64)"
)
"""The signatures of the functions, with the number type of the plan in the place of `number`."""

DESCENT = """
def descend(gradient, update, memory, samples, begin, data, widths, batches, rates, losses, looks, trace, t):
    look = 0
    for step in range(len(rates)):
        if len(batches):
            place, before = begin, 0
            for width in widths:
                for row in range(samples):
                    for column in range(width):
                        memory[place] = data[batches[step, row], before + column]
                        place += 1
                before += width
        losses[step] = gradient(memory, samples)
        update(memory, samples, number(rates[step]), t + step)
        if len(looks) and looks[step]:
            for column in range(trace.shape[1]):
                trace[look, column] = memory[column]
            look += 1
"""
"""An update for every rate; it is one function for all problems, so that it is compiled once.

Where there are `batches` each update has rows of `data` of its own, which go to the memory from `begin` on, array by array;
behind the updates that `looks` marks the parameters go into a row of the `trace`. `t` is the number of the first update.
"""

_RESERVED = frozenset(("memory", "samples", "column", "at", "number", "inf", "range", "abs", "max", "min", "gradient"))
_RESERVED |= frozenset(SCALARS.namespace)


class LoopCode:
    """The functions of a plan as loops: for one sample, or, where their number is a symbol, for any number of them."""

    def __init__(self, plan: Plan, compiled: Compiled) -> None:
        self.plan, self._compiled = plan, compiled
        self._updates: dict[UpdateCode, Function] = {}
        lowered = lowered_gradient(plan, _RESERVED)
        lowering = lowered.lowering
        one_sample = not isinstance(plan.graph.samples, SampleCount)
        parameters, data, gradients = (
            [lowering.named(kind(each.name)) for each in group]
            for kind, group in ((Name, plan.parameters), (Name, plan.data), (Adjoint, plan.gradients))
        )
        made = [View(name, shape, varies) for name, (shape, varies) in lowering.arrays.items()]
        views = {view.array: view for view in (*parameters, *gradients, *data, *made)}
        arrays = {
            name: whole(name, view.shape, (1 if one_sample else SAMPLES) if view.varies else None)
            for name, view in views.items()
        }
        writer = LoopWriter(arrays, PYTHON[plan.dtype], lowering.identifiers.fresh)
        self._lines = writer.lines(lowered.operations())
        if isinstance(lowered.result, Number):
            self._lines.append(f"return {float(lowered.result.value)!r}")
        else:
            assert isinstance(lowered.result, View)
            self._lines.append(f"return memory[at({lowered.result.array})]")
        self.data, self.gradients = ([view.array for view in group] for group in (data, gradients))
        names = [view.array for view in parameters]
        self.layout = Layout(views, names, self.gradients, self.data, writer.zeros, one_sample=one_sample)

    @functools.cached_property
    def source(self) -> str:
        """`gradient(memory, samples)`, which fills the gradients in and returns the loss."""
        text, layout = "\n".join(self._lines), self.layout
        begins = [f"{name} = {layout.begin(name)}" for name in layout.views if f"at({name}" in text]
        if layout.zeros is not None:
            start, end = layout.zeros
            zero = DIALECTS[self.plan.dtype].number(0.0)
            begins += [f"for column in range({start}, {end}):", f"    memory[at(column)] = {zero}"]
        return _function("gradient(memory, samples)", [*begins, *self._lines])

    @functools.cached_property
    def gradient(self) -> Function:
        """The function of the source."""
        return self._made(self.source, "gradient", GRADIENT_TYPE)

    def update(self, update: UpdateCode) -> Function:
        """Return `update(memory, samples, learning_rate, t)`."""
        if update not in self._updates:
            source = _function(f"update(memory, samples, {RATE.name}, {COUNT.name})", self._update(update))
            self._updates[update] = self._made(source, "update", UPDATE_TYPE)
        return self._updates[update]

    @functools.cached_property
    def descend(self) -> Function:
        """The loop over updates (`DESCENT`)."""
        return self._made(DESCENT, "descend", DESCENT_TYPE)

    def _update(self, update: UpdateCode) -> Iterator[str]:
        """Yield the lines of an update: a pass over the numbers of trained parameters that lie side by side."""
        sizes = [math.prod(each.shape) for each in self.plan.parameters]
        trained = [each.name in update.trained for each in self.plan.parameters]
        count = sum(itertools.compress(sizes, trained))
        number = DIALECTS[self.plan.dtype]
        common: dict[Node, Node] = {each: Spelled(each.name) for each in (COUNT, RATE)}
        for name, formula in update.common:
            yield f"{name} = number({printed(accurate(rewrite(formula, common.get)), lambda part: None, SCALARS)})"
            common[Name(name)] = Spelled(name)
        numbers = {PARAMETER.name: "column", GRADIENT.name: f"{self.layout.gradients} + column"}
        start = left_out = 0
        for is_trained, group in itertools.groupby(zip(sizes, trained, strict=True), key=lambda each: each[1]):
            end = start + sum(size for size, _ in group)
            if is_trained:
                own = {
                    state: f"{self.layout.states} + {place * count - left_out} + column"
                    for place, state in enumerate(update.states)
                }
                yield f"for column in range({start}, {end}):"
                yield from (f"    {line}" for line in _changed(update, common, numbers | own, number))
            else:
                left_out += end - start
            start = end

    def _made(self, source: str, name: str, signature: str) -> Function:
        dtype = self.plan.dtype
        given = {**SCALARS.namespace, "number": np.dtype(dtype).type, "at": np.uint64, "inf": math.inf}
        return self._compiled(source, given, name, signature.replace("number", dtype))


def _changed(update: UpdateCode, common: Mapping[Node, Node], places: Mapping[str, str], dialect: Any) -> Iterator[str]:
    """Yield the lines that update one number; `places` says where it, its gradient and its states lie."""
    known: dict[Node, Node] = {**common, **{Name(name): Spelled(name) for name in places}}
    yield from (f"{name} = memory[at({place})]" for name, place in places.items())
    for target, formula in update.lines:
        yield f"{target} = {printed(accurate(folded(rewrite(formula, known.get))), lambda part: None, dialect)}"
        known[Name(target)] = Spelled(target)
        if target in places:
            yield f"memory[at({places[target]})] = {target}"


def _function(signature: str, body: Iterable[str]) -> str:
    return "\n".join((f"def {signature}:", *(f"    {line}" for line in body))) + "\n"


class LoopEngine(Engine):
    """Compiled loops for loss, gradients and descent; `arrays` computes everything else."""

    def __init__(self, plan: Plan, compiled: Compiled) -> None:
        self.plan, self.arrays = plan, ArrayEngine(plan)
        general = _general(plan)
        self.code: LoopCode = general.written(LoopCode, lambda: LoopCode(general, compiled))
        self._samples = plan.graph.batch_axis.size

    @property
    def source(self) -> str:
        """The code of loss and gradients."""
        return self.code.source

    @functools.cached_property
    def stretch(self) -> int:
        """About how many updates fit into a tenth of a second at most: 2 µs for one, and 10⁹ edges in a second."""
        return max(1, int(0.1 / (2e-6 + self.plan.edges * 1e-9)))

    def gradient(self, parameters: Arrays, data: Arrays, gradients: Arrays) -> float:
        """Write the gradients and return the loss."""
        memory = self._memory(parameters, data, [])
        loss = self.code.gradient(memory, self._samples)
        for name, array in zip(self.code.gradients, gradients, strict=True):
            array[...] = self.code.layout.part(memory, name, self._samples).reshape(array.shape)
        return float(loss)

    def loss(self, parameters: Arrays, data: Arrays) -> float:
        """Return the loss."""
        return self.arrays.loss(parameters, data)

    def value(self, name: str, parameters: Arrays, data: Arrays) -> Array:
        """Return a quantity in an array of its own."""
        return self.arrays.value(name, parameters, data)

    def descend(self, update: UpdateCode, parameters: Arrays, states: Arrays, data: Arrays, run: Run) -> Array:
        """Change parameters and states by one update for each learning rate; return the losses before the updates."""
        dtype, batches = self.plan.dtype, run.batches
        memory = self._memory(parameters, () if batches is not None else data, states)
        rows = [array.reshape(len(array), -1) for array in (() if batches is None else data)]
        looks = np.empty(0, bool) if run.looks is None else run.looks
        losses = np.empty(len(run.rates))
        self.code.descend(
            self.code.gradient,
            self.code.update(update),
            memory,
            self._samples,
            self.code.layout.data(self._samples),
            np.concatenate(rows, axis=1) if rows else np.empty((0, 0), dtype),
            np.array([array.shape[1] for array in rows], np.int64),
            np.empty((0, 0), np.int64) if batches is None else batches,
            np.array(run.rates),
            losses,
            looks,
            np.empty((0, 0), dtype) if run.trace is None else run.trace,
            run.first,
        )
        _scatter(memory, parameters)
        _scatter(memory[self.code.layout.numbers(self._samples) :], states)
        return losses

    def _memory(self, parameters: Arrays, data: Arrays, states: Arrays) -> Array:
        """Return memory for one call with everything in it that is given."""
        layout = self.code.layout
        count = layout.numbers(self._samples)
        memory = np.empty(count + sum(array.size for array in states), self.plan.dtype)
        memory[: layout.parameters] = flattened(parameters)
        memory[count:] = flattened(states)
        for name, array in zip(self.code.data, data, strict=False):
            part = layout.part(memory, name, self._samples)
            part[...] = array.reshape(part.shape)
        return memory


def _scatter(memory: Array, arrays: Arrays) -> None:
    """Write the numbers that come first in a memory into arrays."""
    for array, numbers in zip(arrays, unflattened(memory, [array.shape for array in arrays]), strict=True):
        array[...] = numbers


def _general(given: Plan) -> Plan:
    """Return the plan whose code serves a plan: that for any number of samples, unless there is one."""
    if given.graph.samples in (None, 1):
        return given
    return plan(given.derivation, SampleCount(), given.dtype, tuple(given.wanted))
