"""What a compiled gradient is called with: checked, in the number type and order of its plan."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeGuard

import numpy as np

from symbackprop.algebra.broadcasting import spell
from symbackprop.compilation.engine import Array
from symbackprop.compilation.plan import has_distribution
from symbackprop.errors import MissingValueError, ProblemError, unknown
from symbackprop.graph.quantities import Graph, Quantity, Role
from symbackprop.messages import message
from symbackprop.problems import Problem, numbers
from symbackprop.problems.accepted_targets import misfit

_SUMS_TO_ONE = 1e-3
"""How far the targets of a sample may be from summing to 1: float32, or decimals written by hand."""


class Arguments:
    """The checks of one problem's arguments."""

    def __init__(self, problem: Problem, graph: Graph, dtype: str) -> None:
        self.problem, self.dtype = problem, np.dtype(dtype)
        self._own: dict[str, Array] = {}
        self.parameters = graph.of_role(Role.PARAMETER)
        self.inputs, self.targets = graph.of_role(Role.INPUT), graph.of_role(Role.TARGET)
        self.is_network = bool(problem.layers)
        self.has_classes = self.is_network and problem.network.has_classes
        self.sums_to_one = any(each.fused is not None and has_distribution(each.fused) for each in graph.equations)

    def parameter_arrays(self, given: Mapping[str, object] | None) -> list[Array]:
        """Return the parameters in order; None is the problem's own.

        Raises `SymbackpropError` for names that are missing or unknown, and for shapes that are not the problem's.
        """
        if given is None:
            return [self.own(quantity) for quantity in self.parameters]
        names = [quantity.name for quantity in self.parameters]
        if _mapping(given, "parameters").keys() != set(names):
            missing = [name for name in names if name not in given]
            if missing:
                raise MissingValueError(message("problem.missing_values", names=missing), where="parameters")
            _check_names(given, names, "parameter", "parameters")
        return [self._array(given[each.name], each.name, (each.shape,)) for each in self.parameters]

    def data_arrays(self, inputs: object, targets: object) -> tuple[int | None, list[Array]]:
        """Return the number of samples (None: one sample of a computation graph) and inputs and targets in order."""
        if self.is_network:
            x = self.input_array(inputs)
            is_single = self.problem.samples is None if inputs is None else np.ndim(inputs) == 1  # type: ignore[arg-type]
            y = self._network_targets(targets, is_single=is_single)
            if len(x) != len(y):
                raise ProblemError(message("compilation.samples", first="x", count=len(x), other="y", found=len(y)))
            return len(x), [x, y]
        given = (*self._of_graph(inputs, self.inputs, "inputs"), *self._of_graph(targets, self.targets, "targets"))
        return _joined(given)

    def read_arrays(self, inputs: object, targets: object, read: Collection[str]) -> tuple[int | None, list[Array]]:
        """Return the number of samples (None: one sample of a computation graph) and inputs and targets of the names read.

        A network always has inputs, which say how many samples there are.
        """
        if self.is_network:
            if any(each.name in read for each in self.targets):
                samples, found = self.data_arrays(inputs, targets)
            else:
                found = [self.input_array(inputs)]
                samples = len(found[0])
            named = zip((*self.inputs, *self.targets), found, strict=False)
            return samples, [array for quantity, array in named if quantity.name in read]
        tables = ((inputs, self.inputs, "inputs"), (targets, self.targets, "targets"))
        return _joined([each for table in tables for each in self._of_graph(*table, read)])

    def input_array(self, x: object) -> Array:
        """Return the inputs of a network, (samples, inputs); one sample may stand alone."""
        (quantity,) = self.inputs
        if x is None:
            return self.own(quantity).reshape(-1, *quantity.shape)
        if self._is_ready(x, quantity):
            return _finite(x, "x")
        places = numbers.columns_named(tuple(getattr(x, "columns", ())), self.problem.network.input_names, "x")
        raw = _raw(x, "x") if places is None else _raw(x, "x")[:, places]
        found = self._array(raw, "x", (quantity.shape, (None, *quantity.shape)))
        return _finite(found, "x").reshape(-1, *quantity.shape)

    def _network_targets(self, y: object, *, is_single: bool) -> Array:
        """Return the targets of a network; for one sample a class is a number, for several a vector of them."""
        (quantity,) = self.targets
        if y is None:
            return self.own(quantity).reshape(-1, *quantity.shape)
        if self._is_ready(y, quantity):
            return self._possible(_finite(y, "y"))
        raw, (outputs,) = _raw(y, "y"), quantity.shape
        if raw.dtype.kind in "UO" and any(isinstance(each, str) for each in raw.flat):
            text = next(each for each in raw.flat if isinstance(each, str))
            raise ProblemError(message("compilation.class_text", value=text), where="y")
        axes = 0 if is_single else 1
        is_column = raw.ndim == axes + 1 and raw.shape[-1] == 1 < outputs
        if self.has_classes and (is_column or (raw.ndim == axes and (raw.dtype.kind in "iu" or outputs > 1))):
            return self._one_hot(raw.reshape(-1), outputs)
        shapes: list[tuple[int | None, ...]] = [quantity.shape, (None, *quantity.shape)]
        if outputs == 1:
            shapes += [(), (None,)] if is_single else [(None,)]
        return self._possible(_finite(self._array(raw, "y", shapes), "y").reshape(-1, *quantity.shape))

    def _is_ready(self, value: object, quantity: Quantity) -> TypeGuard[Array]:
        """Say whether a value is the very array that code takes for a quantity of several samples."""
        if type(value) is not np.ndarray or value.dtype != self.dtype or not value.flags.c_contiguous:
            return False
        return value.ndim == 2 and value.shape[1:] == quantity.shape

    def _possible(self, targets: Array) -> Array:
        """Return targets, (samples, outputs); raises `ProblemError` for those that the loss cannot take."""
        self._check_targets(targets)
        if self.sums_to_one:
            self._check_distribution(targets)
        return targets

    def _one_hot(self, labels: Array, classes: int) -> Array:
        if labels.dtype.kind in "iu":
            wrong = labels[(labels < 0) | (labels >= classes)]
        else:
            wrong = labels[~((labels >= 0) & (labels < classes) & (labels == np.floor(labels)))]
        if wrong.size:
            raise ProblemError(message("compilation.class", value=f"{wrong[0]:g}", last=classes - 1), where="y")
        found: Array = np.eye(classes, dtype=self.dtype)[labels if labels.dtype.kind in "iu" else labels.astype(int)]
        return found

    def _check_targets(self, targets: Array) -> None:
        """Raise `ProblemError` for targets that the loss cannot take."""
        network = self.problem.network
        kind = network.targets
        if kind.entry(targets).all() and (kind.total is None or (targets.sum(axis=1) == kind.total).all()):
            return
        rows = targets.tolist()
        found = kind.misfit(rows)
        assert found is not None
        sample, output = found
        what = misfit(network, rows[sample] if output is None else rows[sample][output])
        raise ProblemError(message("compilation.targets", what=what, sample=sample + 1), where="y")

    def _check_distribution(self, targets: Array) -> None:
        sums = targets @ np.ones(targets.shape[1], self.dtype)
        rest = sums - 1
        if np.vdot(rest, rest) <= _SUMS_TO_ONE**2:
            return
        wrong = np.flatnonzero(~(np.abs(rest) <= _SUMS_TO_ONE))
        if wrong.size:
            what = message("compilation.distribution", sample=int(wrong[0]) + 1, sum=f"{sums[wrong[0]]:g}")
            raise ProblemError(what, where="y")

    def _of_graph(
        self, given: object, quantities: Sequence[Quantity], where: str, read: Collection[str] | None = None
    ) -> Iterator[tuple[Quantity, Array]]:
        """Yield quantities of a graph, or those that are read, with their arrays; what is not given is the problem's own."""
        arrays = {} if given is None else _mapping(given, where)
        _check_names(arrays, [quantity.name for quantity in quantities], "quantity", where)
        for quantity in quantities if read is None else [each for each in quantities if each.name in read]:
            name, shapes = quantity.name, (quantity.shape, (None, *quantity.shape))
            if name not in arrays:
                yield quantity, self.own(quantity)
            else:  # an infinite number may be a mask
                yield quantity, _finite(self._array(arrays[name], name, shapes), name, lambda array: ~np.isnan(array))

    def _array(self, value: object, name: str, shapes: Sequence[tuple[int | None, ...]]) -> Array:
        """Return a value as a contiguous array of one of the shapes; None in a shape is any number of samples."""
        is_ready = type(value) is np.ndarray and value.dtype == self.dtype and value.flags.c_contiguous
        found: Array = value if is_ready else self._converted(value, name)  # type: ignore[assignment]
        for shape in shapes:
            if len(shape) == found.ndim and all(
                wanted in (None, length) for length, wanted in zip(found.shape, shape, strict=True)
            ):
                return found
        allowed = [spell(tuple("n" if length is None else length for length in shape)) for shape in shapes]
        raise ProblemError(message("compilation.shape", found=spell(found.shape), expected=allowed), where=name)

    def _converted(self, value: object, name: str) -> Array:
        """Return a value as a contiguous array of the number type."""
        try:
            raw = to_array(value)
            if raw.dtype.kind not in "biufO":
                raise TypeError
            return np.ascontiguousarray(raw, self.dtype).reshape(raw.shape)
        except (TypeError, ValueError, OverflowError):
            raise _no_numbers(value, name) from None

    def own(self, quantity: Quantity) -> Array:
        """Return the problem's own numbers of a quantity, in an array that is not to be written to."""
        if quantity.name not in self._own:
            array = self.problem.arrays.get(quantity.name)
            if array is None or None in array.entries:
                raise MissingValueError(message("problem.missing_values", names=[quantity.name]))
            found = np.array(array.floats(), self.dtype).reshape(array.shape)
            found.flags.writeable = False
            self._own[quantity.name] = found
        return self._own[quantity.name]


def to_array(value: Any) -> Array:
    """Return what a program holds numbers in as an array: lists, arrays, frames, tensors, those that need gradients too."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    return np.asarray(value.to_numpy() if hasattr(value, "to_numpy") else value)


def _raw(value: object, name: str) -> Array:
    """Return a value as an array of whatever it holds; raises `ProblemError` for lists that are no array."""
    try:
        return to_array(value)
    except ValueError:
        raise _no_numbers(value, name) from None


def _finite(array: Array, name: str, test: Callable[[Array], Array] = np.isfinite) -> Array:
    """Return an array; raises `ProblemError` where the first number stands that fails the test: NaN, an infinite one."""
    # A sum of squares is finite where all numbers are, and costs less than to look at each; or else they may be large.
    if math.isfinite(np.vdot(array, array)):
        return array
    passes = test(array)
    if passes.all():
        return array
    place = tuple(int(axis[0]) for axis in np.nonzero(~passes))
    raise _misplaced(f"{array[place]:g}", place, name)


def _no_numbers(value: object, name: str) -> ProblemError:
    """Return the error for a value that is no array of numbers: with the place of the first entry that is none."""
    with contextlib.suppress(ValueError):  # lists that are no array
        for place, each in np.ndenumerate(to_array(value)):
            try:
                float(each)
            except (TypeError, ValueError, OverflowError):
                return _misplaced(each, place, name)
    return ProblemError(message("compilation.numbers"), where=name)


def _misplaced(found: object, place: Sequence[int], name: str) -> ProblemError:
    id = ("compilation.infinite", "compilation.infinite_at", "compilation.infinite_in")[min(len(place), 2)]
    row, *column = (number + 1 for number in place) if place else (0,)
    return ProblemError(message(id, value=str(found)[:60], row=row, column=column), where=name)


def _mapping(given: object, where: str) -> Mapping[str, object]:
    """Return what is given, which should be values by name."""
    if not isinstance(given, Mapping):
        raise ProblemError(message("compilation.mapping", kind=type(given).__name__), where=where)
    return given


def _check_names(given: Iterable[str], names: Sequence[str], kind: str, where: str) -> None:
    for name in given:
        if name not in names:
            raise unknown(kind, str(name), names, where=where)


def _joined(given: Sequence[tuple[Quantity, Array]]) -> tuple[int | None, list[Array]]:
    """Return the number of samples, and arrays that all have them; one that has none is the same in all."""
    counts = {quantity.name: len(array) for quantity, array in given if array.ndim > len(quantity.shape)}
    if not counts:
        return None, [array for _, array in given]
    first, count = next(iter(counts.items()))
    for name, found in counts.items():
        if found != count:
            raise ProblemError(message("compilation.samples", first=first, count=count, other=name, found=found))
    return count, [
        array if quantity.name in counts else np.ascontiguousarray(np.broadcast_to(array, (count, *array.shape)))
        for quantity, array in given
    ]
