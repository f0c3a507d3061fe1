"""The engine for arrays of any size: code that writes into arrays which are made beforehand, for a number of samples."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.algebra.broadcasting import Shape
from symbackprop.algebra.formula import Adjoint, Name, Node, Number
from symbackprop.arithmetic.python_code import SCALARS, accurate, printed
from symbackprop.compilation.array_code import FUNCTIONS, Writer
from symbackprop.compilation.engine import Array, Arrays, Engine, Run, empty, flattened, like
from symbackprop.compilation.lowered import Lowered, lowered_formula, lowered_gradient, lowered_update, lowered_value
from symbackprop.compilation.operations import Reduce, View
from symbackprop.compilation.optimizer_code import COUNT, RATE, UpdateCode
from symbackprop.compilation.plan import Plan
from symbackprop.compilation.strides import SAMPLES


def _float_function(function: Callable[[float], float]) -> Callable[..., Array]:
    """Return a function of floats as one of arrays with `out`."""
    of_objects = np.frompyfunc(function, 1, 1)

    def apply(argument: Array, out: Array) -> Array:
        out[...] = of_objects(argument)
        return out

    return apply


def _choose_branch(condition: Array, holding: Array, otherwise: Array, out: Array) -> Array:
    """Write elements of one array where a condition is 1, and of the other where it is 0; `out` may be any of them."""
    out[...] = np.where(condition, holding, otherwise)
    return out


NAMESPACE: Mapping[str, Any] = {
    **{name: getattr(np, name) for name in FUNCTIONS if hasattr(np, name)},
    **{name: _float_function(getattr(math, name)) for name in ("erf", "erfc")},
    "choose_branch": _choose_branch,
    "float": float,
}
"""What array code calls; NumPy has no erf."""

_WORDS = "empty samples prepare gradient loss value update formula abs min max"
_RESERVED = frozenset((*NAMESPACE, *_WORDS.split(), COUNT.name, RATE.name))


MOST_FORMULAS = 512
"""Single formulas of a plan whose code is kept."""
_ROWS = 1024
"""Samples whose outputs are computed at a time: what lies between stays in the caches, however many there are."""

_KEPT_BYTES = 2**24
"""The memory of a function is kept for its next call up to this size; to make more than that is little of its work."""


@dataclass(frozen=True, slots=True)
class Program:
    """A function as code: `prepare(empty, samples)` makes it, with memory of its own for that number of samples.

    `fills` says that what it returns lies in that memory, and not in an argument.
    """

    source: str
    prepare: Callable[..., Callable[..., Any]]
    fills: bool


class ArrayCode:
    """The code of a plan between arrays, written when it is asked for; who runs it has memory of their own."""

    def __init__(self, plan: Plan, writer: type[Writer]) -> None:
        self.plan, self.writer = plan, writer
        self._updates: dict[UpdateCode, Program] = {}
        self._values: dict[str, Program] = {}
        self._formulas: dict[tuple[Node, Name | Adjoint, str], Program] = {}

    def update(self, update: UpdateCode) -> Program:
        """Return `update(parameters, gradients, states, learning_rate, t)`, which changes parameters and states in place."""
        if update not in self._updates:
            self._updates[update] = self._code("update", lowered_update(self.plan, _RESERVED, update))
        return self._updates[update]

    @functools.cached_property
    def gradient(self) -> Program:
        """`gradient(parameters, data, gradients)`, which fills the gradients in and returns the loss."""
        return self._code("gradient", lowered_gradient(self.plan, _RESERVED))

    @functools.cached_property
    def loss(self) -> Program:
        """`loss(parameters, data)`."""
        return self._code("loss", lowered_value(self.plan, _RESERVED, self.plan.graph.output, self.plan.data))

    def value(self, name: str) -> Program:
        """Return `value(parameters, data)`: a quantity, of the data that it is computed from."""
        if name not in self._values:
            found = lowered_value(self.plan, _RESERVED, name, self.plan.data_of(name))
            self._values[name] = self._code("value", found)
        return self._values[name]

    def formula(self, formula: Node, target: Name | Adjoint, source: str = "") -> Program:
        """Return `formula(*values)`, called with what the formula reads: an equation, or a contribution to a gradient."""
        key = formula, target, source
        if key not in self._formulas:
            if len(self._formulas) >= MOST_FORMULAS:
                self._formulas.clear()
            self._formulas[key] = self._code("formula", lowered_formula(self.plan, _RESERVED, formula, target, source))
        return self._formulas[key]

    def _code(self, name: str, lowered: Lowered) -> Program:
        """Return the function `name` that carries out what its result and the outputs need."""
        lowering, result = lowered.lowering, lowered.result
        operations = lowered.operations()
        writer = self.writer(self.plan.dtype, lowering.identifiers.fresh)
        written = {operation.target.array for operation in operations} - lowering.outputs
        kept = {result.array} if isinstance(result, View) else set()
        lines = [
            f"{each} = {printed(accurate(formula), lambda part: None, SCALARS)}" for each, formula in lowered.common
        ]
        lines += writer.lines(operations, {*written, *lowered.passing} - kept)
        shapes = {array: (SAMPLES,) * is_varying + shape for array, (shape, is_varying) in lowering.arrays.items()}
        made = {
            array: writer.aliases.get(array) or _memory(shape) for array, shape in shapes.items() if array in written
        } | {register: _memory(shape) for register, shape in writer.registers.items()}
        if isinstance(result, View):
            is_number = not result.shape and not result.varies
            lines.append(f"return float({result.text})" if is_number else f"return {result.text}")
        elif isinstance(result, Number):
            lines.append(f"return {float(result.value)!r}")
        body = [
            *(f"{array} = {memory}" for array, memory in made.items()),
            "",
            f"def {name}({', '.join(lowered.arguments)}):",
        ]
        body += [*(f"    {line}" for line in lines or ["pass"]), "", f"return {name}"]
        source = "\n".join(("def prepare(empty, samples):", *(f"    {line}".rstrip() for line in body))) + "\n"
        reduced = {each.function: getattr(np, each.function) for each in operations if isinstance(each, Reduce)}
        namespace = {**NAMESPACE, **reduced, **writer.namespace()}
        exec(source, namespace)
        return Program(source, namespace["prepare"], isinstance(result, View) and result.array in made)


def _memory(shape: Shape) -> str:
    """Return the code that makes an array of a shape."""
    axes = ", ".join("samples" if length == SAMPLES else str(length) for length in shape)
    return f"empty(({axes}{',' * (len(shape) == 1)}))"


class Reentrant:
    """A program for so many samples, to be called from anywhere at any time: every call has memory to itself.

    What one call has used is there for the next one, unless it is large.
    """

    def __init__(self, program: Program, dtype: str, samples: int) -> None:
        self.program, self.dtype, self.samples = program, dtype, samples
        self._free: list[Callable[..., Any]] = []

    @contextlib.contextmanager
    def held(self) -> Iterator[Callable[..., Any]]:
        """Hold a function that nobody else calls meanwhile."""
        try:
            function = self._free.pop()
        except IndexError:
            function = self.made()
        try:
            yield function
        finally:
            if self._bytes <= _KEPT_BYTES:
                self._free.append(function)

    def made(self) -> Callable[..., Any]:
        """Return the function with memory that is made for it."""
        used = 0

        def memory(shape: tuple[int, ...]) -> Array:
            nonlocal used
            found = empty(shape, self.dtype)
            used += found.nbytes
            return found

        function = self.program.prepare(memory, self.samples)
        self._bytes = used
        return function


class ArrayEngine(Engine):
    """Arrays of any size: NumPy into arrays that are made beforehand. Calls may overlap: none shares its arrays."""

    def __init__(self, plan: Plan, writer: type[Writer] = Writer) -> None:
        self.plan = plan
        self.code: ArrayCode = plan.written(writer, lambda: ArrayCode(plan, writer))
        self._updates: dict[UpdateCode, Reentrant] = {}

    @property
    def source(self) -> str:
        """The code of loss and gradients."""
        return self.code.gradient.source

    @functools.cached_property
    def stretch(self) -> int:
        """About how many updates fit into a tenth of a second: 50 µs for calls, and 2·10⁹ edges in a second."""
        return max(1, int(0.05 / (5e-5 + self.plan.edges * 5e-10)))

    @functools.cached_property
    def _gradient(self) -> Reentrant:
        return self._reentrant(self.code.gradient)

    @functools.cached_property
    def _loss(self) -> Reentrant:
        return self._reentrant(self.code.loss)

    def _reentrant(self, program: Program) -> Reentrant:
        return Reentrant(program, self.plan.dtype, self.plan.graph.batch_axis.size)

    def gradient(self, parameters: Arrays, data: Arrays, gradients: Arrays) -> float:
        """Write the gradients and return the loss."""
        with np.errstate(all="ignore"), self._gradient.held() as compute:
            return float(compute(*parameters, *data, *gradients))

    def loss(self, parameters: Arrays, data: Arrays) -> float:
        """Return the loss."""
        with np.errstate(all="ignore"), self._loss.held() as compute:
            return float(compute(*parameters, *data))

    def value(self, name: str, parameters: Arrays, data: Arrays) -> Array:
        """Return a quantity in an array of its own; of many samples some at a time."""
        quantity, program = self.plan.graph.quantities[name], self.code.value(name)
        with np.errstate(all="ignore"):
            if not quantity.batched:
                compute = Reentrant(program, self.plan.dtype, self.plan.graph.batch_axis.size).made()
                return self._own(compute(*parameters, *data), quantity.shape, is_own=program.fills)
            parts: list[Array] = []
            count, made = len(data[0]), 0
            is_own = program.fills and count <= _ROWS
            for start in range(0, count, _ROWS):
                rows = [array[start : start + _ROWS] for array in data]
                if made != len(rows[0]):
                    made = len(rows[0])
                    compute = Reentrant(program, self.plan.dtype, made).made()
                parts.append(self._own(compute(*parameters, *rows), (made, *quantity.shape), is_own=is_own))
            return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _own(self, found: Array | float, shape: tuple[int, ...], *, is_own: bool) -> Array:
        """Return what was found as an array of that shape that nothing else writes to: a copy unless it is one."""
        array = np.asarray(found, self.plan.dtype)
        return array if is_own and array.shape == shape else np.array(np.broadcast_to(array, shape))

    def descend(self, update: UpdateCode, parameters: Arrays, states: Arrays, data: Arrays, run: Run) -> Array:
        """Change parameters and states by one update for each learning rate; return the losses before the updates."""
        if update not in self._updates:
            self._updates[update] = self._reentrant(self.code.update(update))
        gradients = list(map(like, parameters))
        batch = [empty((self.plan.graph.batch_axis.size, *array.shape[1:]), self.plan.dtype) for array in data]
        looks = np.zeros(len(run.rates), bool) if run.looks is None else run.looks
        rows = iter(() if run.trace is None else run.trace)
        losses = []
        with (
            np.errstate(all="ignore"),
            self._gradient.held() as compute,
            self._updates[update].held() as change,
        ):
            for step, (rate, look) in enumerate(zip(run.rates.tolist(), looks.tolist(), strict=True)):
                if run.batches is not None:
                    for array, part in zip(data, batch, strict=True):
                        np.take(array, run.batches[step], axis=0, out=part)
                losses.append(compute(*parameters, *(data if run.batches is None else batch), *gradients))
                change(*parameters, *gradients, *states, rate, run.first + step)
                if look:
                    next(rows)[...] = flattened(parameters)
        return np.array(losses)
