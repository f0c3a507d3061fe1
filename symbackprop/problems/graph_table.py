"""The table `[graph]`: declared quantities, their numbers and shapes, and the samples of `[data]`."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping

from symbackprop.algebra.broadcasting import Shape, check_rank, spell
from symbackprop.algebra.functions import RESERVED
from symbackprop.catalog.optimizers import RATE
from symbackprop.errors import ProblemError, unknown
from symbackprop.messages import message
from symbackprop.problems import numbers
from symbackprop.problems.spec import GraphSpec, ProblemSpec, SymbolSpec
from symbackprop.problems.types import Array, ComputationGraph

_LONGEST_NAME = 40
_LARGEST_ARRAY = 1_000_000


def computation_graph(spec: ProblemSpec, graph: GraphSpec) -> tuple[ComputationGraph, dict[str, Array], int | None]:
    """Return the computation graph of a file, the numbers of its declared quantities, and the number of samples."""
    declared = dict(_declared(graph))
    arrays = {name: _array(value, where, is_masking=name in graph.inputs) for name, (value, where) in declared.items()}
    shapes = {name: array.shape for name, array in arrays.items()}
    samples = _with_data(spec.data, graph.inputs, graph.targets, arrays)
    at_zero = numbers.fraction_between(graph.relu_derivative_at_zero, 0, 1, "graph.relu_derivative_at_zero")
    model = ComputationGraph(
        tuple(graph.equations),
        graph.output,
        tuple(graph.parameters),
        tuple(graph.inputs),
        tuple(graph.targets),
        shapes,
        graph.reduction,
        at_zero,
    )
    if spec.training is not None and RATE in (*declared, *model.computed()):
        # Updates, homework and its answers know the setting by this name.
        raise ProblemError(message("graph.rate", name=RATE), where="graph")
    return model, arrays, samples


def _declared(graph: GraphSpec) -> Iterator[tuple[str, tuple[object, str]]]:
    """Yield every declared name with its value and its key; a name is declared once and is no word of the language."""
    seen = set()
    for table, entries in (("parameters", graph.parameters), ("inputs", graph.inputs), ("targets", graph.targets)):
        for name, value in entries.items():
            where = f"graph.{table}.{name}"
            check_name(name, where)
            if name in seen:
                raise ProblemError(message("graph.twice", name=name), where=where)
            seen.add(name)
            yield name, (value, where)


def check_name(name: str, where: str) -> None:
    """Raise `ProblemError` for what cannot name a quantity."""
    if not name.isidentifier() or len(name) > _LONGEST_NAME:
        raise ProblemError(message("graph.name", name=name), where=where)
    if name in RESERVED:
        raise ProblemError(message("graph.reserved", name=name), where=where)


def _array(value: object, where: str, *, is_masking: bool) -> Array:
    if isinstance(value, SymbolSpec):
        shape: Shape = tuple(value.shape)
        check_rank(shape, where)
        if math.prod(shape) > _LARGEST_ARRAY:
            raise ProblemError(message("graph.size", limit=_LARGEST_ARRAY), where=where)
        return numbers.unknown_array(shape)
    shape = numbers.shape_of_value(value, where)
    if 0 in shape:
        raise ProblemError(message("graph.no_numbers", shape=spell(shape)), where=where)
    return numbers.array(value, check_rank(shape, where), where, is_masking=is_masking)


def _with_data(
    data: Mapping[str, object], inputs: Collection[str], targets: Collection[str], arrays: dict[str, Array]
) -> int | None:
    """Put the samples of `[data]` in place of declared inputs and targets; return how many there are."""
    counts = {}
    for name, value in data.items():
        if name not in (*inputs, *targets):
            raise unknown("key", name, (*inputs, *targets), where="data")
        where = f"data.{name}"
        if not numbers.is_list(value):
            raise ProblemError(message("problem.kind", expected=message("kind.samples")), where=where)
        assert isinstance(value, list)
        counts[name] = len(value)
        arrays[name] = numbers.array(value, (len(value), *arrays[name].shape), where, is_masking=name in inputs)
    if not counts:
        return None
    first = next(iter(counts))
    for name, count in counts.items():
        if count != counts[first]:
            what = message("graph.samples", first=first, count=counts[first], other=name, found=count)
            raise ProblemError(what, where=f"data.{name}")
    for name in (*inputs, *targets):
        if name not in counts:
            # A quantity without samples of its own is the same in all of them.
            array, count = arrays[name], counts[first]
            arrays[name] = Array((count, *array.shape), array.entries * count)
    return counts[first]
