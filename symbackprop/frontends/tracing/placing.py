"""Blocks whose elements come from others: as blocks, transposes, rows or reshaped where they are, else written out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy

from symbackprop.frontends.tracing.precedence import Written, call
from symbackprop.frontends.tracing.recorded import (
    MOST_ELEMENTS,
    Recorded,
    gathered,
    nested,
    refuse,
    reshaped,
    taken,
    turned,
)
from symbackprop.messages import message

NONE = -1
"""The owner of a zero, which no block has."""


def block_of(owners: Any, places: Any, blocks: Sequence[Recorded]) -> Recorded:
    """Return the block whose elements are those at `places` of the blocks `owners`, counted row by row.

    What has only been put together from other blocks, and has no name, is not one of these: its elements are theirs.
    """
    given = numpy.asarray(owners), numpy.asarray(places), blocks
    owners, places, blocks = _resolved(*given)
    found = _moved(owners, places, blocks)
    if found is None:
        found = _moved(*given)
    if found is None:
        found = _built(owners, places, blocks)
    if found.writer is not None and all(found is not block for block in blocks):
        found.origin = (blocks, owners, places)
    return found


def _moved(owners: Any, places: Any, blocks: Sequence[Recorded]) -> Recorded | None:
    """Return elements of one block of many axes as such, moved as a whole; None for others."""
    first = owners.ravel()[0]
    if (
        first == NONE
        or (owners != first).any()
        or not blocks[first].ndim
        or max(blocks[first].ndim, places.ndim) <= MATRIX
    ):
        return None
    return _arranged(blocks[first], places)


MATRIX = 2
"""The axes of a matrix."""


def _resolved(owners: Any, places: Any, blocks: Sequence[Recorded]) -> tuple[Any, Any, Sequence[Recorded]]:
    """Return whose elements these are at last, and where there."""
    bases: list[Recorded] = []
    numbers: dict[int, int] = {}

    def number_of(block: Recorded) -> int:
        if id(block) not in numbers:
            numbers[id(block)] = len(bases)
            bases.append(block)
        return numbers[id(block)]

    own, there = numpy.full(owners.shape, NONE), numpy.zeros(places.shape, dtype=int)
    for owner in (int(each) for each in numpy.unique(owners) if each != NONE):
        block, chosen = blocks[owner], owners == owner
        if block.origin is None or block.name:
            own[chosen], there[chosen] = number_of(block), places[chosen]
            continue
        inner, their_owners, their_places = block.origin
        renumbered = numpy.array([*(number_of(each) for each in inner), NONE])
        own[chosen] = renumbered[numpy.ravel(their_owners)[places[chosen]]]
        there[chosen] = numpy.ravel(their_places)[places[chosen]]
    return own, there, bases


def _built(owners: Any, places: Any, blocks: Sequence[Recorded]) -> Recorded:
    first = owners.ravel()[0]
    if (owners == first).all():
        return zeros(owners.shape) if first == NONE else elements_of(blocks[first], places)
    if owners.ndim and (owners != NONE).all() and not any(blocks[owner].ndim for owner in numpy.unique(owners)):
        return literal([blocks[owner] for owner in owners.ravel()], owners.shape)
    cuts = [_cuts(owners, axis) for axis in range(owners.ndim)]
    for axis in sorted(range(owners.ndim), key=lambda each: not _is_clean(owners, cuts[each], each)):
        if cuts[axis]:
            parts = zip(numpy.split(owners, cuts[axis], axis), numpy.split(places, cuts[axis], axis), strict=True)
            return joined([_built(*part, blocks) for part in parts], axis)
    raise AssertionError(owners.shape)


def _cuts(owners: Any, axis: int) -> list[int]:
    """Return where along an axis other owners begin."""
    rows = numpy.moveaxis(owners, axis, 0).reshape(owners.shape[axis], -1)
    return [place for place in range(1, len(rows)) if (rows[place] != rows[place - 1]).any()]


def _is_clean(owners: Any, cuts: Sequence[int], axis: int) -> bool:
    """Say whether every part between cuts is of one owner."""
    return bool(cuts) and all((part == part.ravel()[0]).all() for part in numpy.split(owners, cuts, axis))


def joined(parts: Sequence[Recorded], axis: int) -> Recorded:
    """Return arrays of one rank behind each other along an axis."""
    if all(part.size == 1 for part in parts) and parts[0].ndim == 1:
        return literal([part if not part.ndim else part[0] for part in parts], (len(parts),))
    found: Recorded = numpy.concatenate(tuple(parts), axis)  # type: ignore[assignment]
    return found


def literal(elements: Sequence[Recorded], shape: tuple[int, ...]) -> Recorded:
    """Return numbers as an array that is written out."""
    if len(elements) > MOST_ELEMENTS:
        refuse(message("trace.selection", count=len(elements), limit=MOST_ELEMENTS))
    value = numpy.array([float(each.value) for each in elements]).reshape(shape)

    def write(parts: Sequence[Written]) -> Written:
        return nested([part.text for part in parts], shape)

    return elements[0] if not shape else Recorded(value, write, elements)


def zeros(shape: tuple[int, ...]) -> Recorded:
    """Return an array of zeros."""
    lengths = ", ".join(map(str, shape))
    return Recorded(numpy.zeros(shape), lambda parts: Written(f"zeros({lengths})" if shape else "0"), ())


def elements_of(block: Recorded, places: Any) -> Recorded:
    """Return the elements of one block at places, by the shortest way to write them."""
    if not places.ndim:
        return gathered(block, places) if block.ndim else block
    if not block.ndim:
        return repeated(block, places.shape)
    if max(block.ndim, places.ndim) > MATRIX:
        arranged = _arranged(block, places)
        return gathered(block, places) if arranged is None else arranged
    found = _part(block, places)
    if found is None and places.ndim == 2:
        found = _part(block, places.T)
        if found is not None:
            return found.T
        if len(places) > 1 and (places == places[0]).all():
            return repeated(elements_of(block, places[0]), places.shape)
        if places.shape[1] > 1 and (places == places[:, :1]).all():
            return repeated(elements_of(block, places[:, :1]), places.shape)
        runs = _runs(block, places)
        chosen = taken(block, places) if len(runs) == len(places) else None
        if chosen is not None:
            return chosen
        rows = [_part(block, row) for row in runs]
        if len(rows) < len(places.ravel()) and all(row is not None for row in rows):
            return joined([row for row in rows if row is not None], 0)
    return gathered(block, places) if found is None else found


def _arranged(block: Recorded, places: Any) -> Recorded | None:
    """Return the elements of a block at places: a part of it with its axes in an order, repeated, or in another shape.

    None where it is neither of these.
    """
    if not places.ndim:
        return gathered(block, places)
    for axis, length in enumerate(places.shape):
        first = places.take([0], axis)
        if length > 1 and (places == first).all():
            return repeated(elements_of(block, first), places.shape)
    whole = numpy.arange(block.size).reshape(block.shape)
    at = [numpy.unique(each) for each in numpy.unravel_index(places.ravel(), block.shape)]
    if math.prod(map(len, at)) == places.size and all(len({*numpy.diff(each)}) <= 1 for each in at):
        picked = whole[numpy.ix_(*at)]
        for order in itertools.permutations(range(block.ndim)):
            if (picked.transpose(order).ravel() == places.ravel()).all():
                spans = (
                    _span(int(own[0]), len(own), length, int(numpy.diff(own)[:1].sum()) or 1)
                    for own, length in zip(at, block.shape, strict=True)
                )
                part = block if picked.size == block.size else block[tuple(spans)]
                return reshaped(in_order(part, order), places.shape)
    parted = _apart(block, places)
    if parted is None and block.ndim == MATRIX:
        rows = taken(block, places.reshape(-1, places.shape[-1]))
        return None if rows is None else reshaped(rows, places.shape)
    if parted is None:
        parted = turned(block, places)
    return taken(block, places) if parted is None else parted


def _apart(block: Recorded, places: Any) -> Recorded | None:
    """Return a whole block whose axes are parted, and then in another order; None where places are not that."""
    if places.size != block.size or places.ravel()[0]:
        return None
    steps = [
        int(numpy.take(places, 1, axis).ravel()[0]) if length > 1 else 0 for axis, length in enumerate(places.shape)
    ]
    order = sorted(range(places.ndim), key=lambda axis: -steps[axis])
    if (places.transpose(order).ravel() != numpy.arange(block.size)).any():
        return None
    parted = reshaped(block, tuple(places.shape[axis] for axis in order))
    return in_order(parted, [order.index(axis) for axis in range(places.ndim)])


def in_order(array: Recorded, order: Sequence[int]) -> Recorded:
    """Return an array with its axes in an order."""
    axes = [int(each) % array.ndim for each in order]
    moved = [axis for axis in axes if array.shape[axis] > 1]
    if moved == sorted(moved):
        return reshaped(array, tuple(array.shape[axis] for axis in axes))
    if axes == list(range(array.ndim))[::-1]:
        return array.T
    return Recorded(array.value.transpose(axes), call("transpose", ", ".join(map(str, axes))), [array])


def _runs(block: Recorded, places: Any) -> Any:
    """Return places cut where a row is not the next one in the block."""
    step = block.shape[-1] if block.ndim > 1 else places.shape[1]
    cuts = [n for n in range(1, len(places)) if (places[n] != places[n - 1] + step).any()]
    return numpy.split(places, cuts)


def repeated(block: Recorded, shape: tuple[int, ...]) -> Recorded:
    """Return what is broadcast to a shape."""
    lengths = ", ".join(map(str, shape))
    ones = Recorded(numpy.ones(shape), lambda parts: Written(f"ones({lengths})"), ())
    return ones * block  # type: ignore[no-any-return]


def _part(block: Recorded, places: Any) -> Recorded | None:
    """Return a block's elements at places as the block, a part or a row of it, or that in another shape; None for others."""
    flat = places.ravel()
    columns = block.shape[-1]
    whole = numpy.arange(flat[0], flat[0] + flat.size)
    if places.shape == block.shape[::-1] != block.shape and 1 in block.shape and (flat == whole).all():
        return block.T
    if (flat == whole).all() and (block.ndim == 1 or (flat[0] % columns == 0 and flat.size % columns == 0)):
        rows = slice(int(flat[0]) // (columns if block.ndim == 2 else 1), 0)
        length = flat.size // (columns if block.ndim == 2 else 1)
        part = block if flat.size == block.size else block[rows.start : rows.start + length]
        if length == 1 and block.ndim == 2 and places.ndim == 1:
            return block[rows.start] if flat.size < block.size else reshaped(block, places.shape)
        return reshaped(part, places.shape)
    if block.ndim < 2:
        return None
    row, column = (int(each) for each in divmod(flat[0], columns))
    if places.ndim == 2:
        expected = row * columns + column + columns * numpy.arange(len(places))[:, None] + numpy.arange(places.shape[1])
        is_inside = column + places.shape[1] <= columns
        key: Any = (_span(row, len(places), len(block)), _span(column, places.shape[1], columns))
        return block[key] if is_inside and (places == expected).all() else None
    step = int(places[1] - places[0]) if places.size > 1 else 1
    is_along_row = step == 1 and column + places.size <= columns
    if not (is_along_row or step == columns) or (places != flat[0] + step * numpy.arange(places.size)).any():
        return None
    key = (row, _span(column, places.size, columns)) if step == 1 else (_span(row, places.size, len(block)), column)
    return block[key]


def _span(start: int, length: int, whole: int, step: int = 1) -> slice:
    """Return so many places from one on, a step apart, all of them as such."""
    if length == whole:
        return slice(None)
    return slice(start, start + step * (length - 1) + 1, step if step > 1 else None)
