"""Draws whose numbers hide mistakes, seen before anything is computed: equal inputs, equal samples, symmetric kernels.

Whoever exchanges two equal inputs, turns a symmetric kernel round or forgets a unit whose weight is zero is right all
the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy

from symbackprop.derivation.derivations import Derivation
from symbackprop.graph.quantities import LAYER_KINDS, Role
from symbackprop.problems import Draw

Array = Any
ENOUGH = 4
"""Choices that have to be left where one is left out for hiding mistakes."""
Verdict = tuple[str, str, Array]
"""The id of a reason, the quantity that is to blame, and the draws that it speaks against."""


def degenerate(derivation: Derivation, numbers: Mapping[str, Array]) -> Iterator[Verdict]:
    """Yield the reasons against draws; `numbers` are those drawn, by quantity, one row for each draw."""
    problem, quantities = derivation.problem, derivation.graph.quantities
    for name, rows in numbers.items():
        draw = problem.variants[name]
        if name not in problem.arrays or _is_fixed(draw):
            continue
        quantity = quantities[name]
        if quantity.role is Role.INPUT:
            samples = problem.samples or 1
            yield from _of_inputs(name, draw, rows.reshape(len(rows), samples, -1))
        elif quantity.role is Role.TARGET:
            if draw.size > 1:
                yield "equal_targets", name, (rows == rows[:, :1]).all(axis=1)
        elif quantity.kind not in LAYER_KINDS:
            yield from _of_kernel(name, draw, rows.reshape(len(rows), *quantity.shape))


def hides(derivation: Derivation, name: str, rows: Array) -> Array:
    """Say of which draws of one quantity the numbers hide mistakes, whatever the others are: a row for each draw."""
    found = numpy.zeros(len(rows), dtype=bool)
    for _, _, against in degenerate(derivation, {name: rows}):
        found |= against
    for first, second in swaps(derivation, name):
        found |= rows[:, first] == rows[:, second]
    return found


def swaps(derivation: Derivation, name: str) -> Iterator[tuple[int, int]]:
    """Yield the pairs of places in a drawn matrix of weights that a swap of indices exchanges."""
    quantity = derivation.graph.quantities.get(name)
    if quantity is not None and quantity.role is Role.PARAMETER and len(quantity.shape) == 2:
        size = quantity.shape[1]
        for row, column in itertools.combinations(range(min(quantity.shape)), 2):
            yield row * size + column, column * size + row


def positions_worth_drawing(derivation: Derivation, name: str) -> Array:
    """Return the positions of the choices that a quantity is drawn from, as far as enough others are left.

    Nothing tells who forgets a weight that is 0, or a factor that is 1: no parameter is 0, and no parameter or input is 1.
    """
    problem, quantity = derivation.problem, derivation.graph.quantities.get(name)
    choices = problem.variants[name].choices
    worth = list(range(len(choices)))
    if problem.draw_rules.distinguish and quantity is not None:
        for role, least, hidden in ((Role.PARAMETER, 1, 0), (Role.PARAMETER, ENOUGH, 1), (Role.INPUT, ENOUGH, 1)):
            others = [place for place in worth if choices[place].value != hidden]
            if quantity.role is role and len({choices[place].value for place in others}) >= least:
                worth = others
    return numpy.array(worth)


def _is_fixed(draw: Draw) -> bool:
    """Say whether there is only one number to be drawn."""
    return len({given.value for given in draw.choices}) < 2


def _of_kernel(name: str, draw: Draw, array: Array) -> Iterator[Verdict]:
    """Yield what a vector or matrix of a graph hides: its reverse, its transpose, which of its entries is which."""
    axes = tuple(range(1, array.ndim))
    if not axes or array[0].size < 2:
        return
    yield "symmetric", name, (array == numpy.flip(array, axes)).all(axis=axes)
    if array.ndim == 2:
        yield "equal_entries", name, _has_few(array, draw)


def _of_inputs(name: str, draw: Draw, array: Array) -> Iterator[Verdict]:
    """Yield what inputs hide, by sample: which of them is which, and which sample."""
    samples, size = array.shape[1:]
    for sample in range(samples):
        yield "equal_inputs", name, _has_few(array[:, sample], draw)
    if 1 < samples <= len(draw.choices) ** size // 2:
        for first in range(samples):
            for second in range(first):
                yield "equal_samples", name, (array[:, first] == array[:, second]).all(axis=1)


def _has_few(rows: Array, draw: Draw) -> Array:
    """Say of which draws too few entries differ: all are to, where half the choices are enough for that."""
    choices = len({given.value for given in draw.choices})
    ordered = numpy.sort(rows, axis=1)
    different = 1 + (numpy.diff(ordered, axis=1) != 0).sum(axis=1)
    return different < min(rows.shape[1], max(2, (choices + 1) // 2))
