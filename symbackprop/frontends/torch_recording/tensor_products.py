"""Products of matrices, block by block where there are more axes, and Einstein sums."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy

from symbackprop.frontends.torch_recording.recorded_tensors import (
    BLOCK,
    FUNCTIONS,
    RecordedTensor,
    lifted,
    recorded_call,
    single,
    unrecorded,
)

_MATRIX = 2
"""The axes of a matrix."""


def matmul(left: Any, right: Any) -> Any:
    """Return a matrix product, block by block where there are more axes."""
    first, second = lifted(left), lifted(right)
    if max(first.ndim, second.ndim) > BLOCK and min(first.ndim, second.ndim) < _MATRIX:
        axis = -2 if first.ndim < _MATRIX else -1
        pair = [recorded_call("unsqueeze", each, axis) if each.ndim < _MATRIX else each for each in (first, second)]
        return recorded_call("squeeze", matmul(*pair), axis)
    cells = numpy.broadcast_arrays(first.cells, second.cells)
    found = numpy.empty(cells[0].shape, dtype=object)
    for index in numpy.ndindex(*found.shape):
        found[index] = numpy.matmul(cells[0][index], cells[1][index])
    return RecordedTensor(found)


def linear(operand: Any, weight: Any, bias: Any = None) -> Any:
    """Return x @ W.T + b, for a vector W @ x + b."""
    found, weights = lifted(operand), lifted(weight)
    product = matmul(weights, found) if found.ndim == 1 else matmul(found, recorded_call("t", weights))
    return product if bias is None else product + bias


def _einsum(equation: str, *operands: Any) -> Any:
    given = operands[0] if len(operands) == 1 and isinstance(operands[0], list | tuple) else operands
    tensors = [lifted(each) for each in given]
    if any(each.ndim > BLOCK for each in tensors):
        return _long_einsum(equation.replace(" ", ""), tensors)
    return single(numpy.einsum(equation, *(each.blocks[0] for each in tensors)))


def _long_einsum(equation: str, tensors: Sequence[RecordedTensor]) -> Any:
    """Return an Einstein sum over more axes: all operands brought to all axes, multiplied, and summed over those that go."""
    left, _, result = equation.partition("->")
    names = left.split(",")
    if "." in equation or "->" not in equation or any(len(set(each)) != len(each) for each in names):
        unrecorded(f"einsum({equation!r})")
    if len(names) == _MATRIX:
        (one, other), (first, second) = names, tensors
        shared = [letter for letter in one if letter in other and letter in result]
        inner = [letter for letter in one if letter in other and letter not in result]
        rest, others = ([letter for letter in each if letter not in shared + inner] for each in names)
        if len(inner) == 1 and max(len(rest), len(others)) <= 1 and set(rest) | set(others) <= set(result):
            found = matmul(_ordered(first, one, shared, rest, inner), _ordered(second, other, shared, inner, others))
            letters = "".join([*shared, *(rest or ["·"]), *(others or ["·"])])
            bare = recorded_call(
                "reshape", found, [n for n, each in zip(found.shape, letters, strict=True) if each != "·"]
            )
            letters = letters.replace("·", "")
            return recorded_call("permute", bare, [letters.index(each) for each in result])
    every = result + "".join(dict.fromkeys(each for each in left if each not in result + ","))
    total: Any = 1
    for own_letters, tensor in zip(names, tensors, strict=True):
        total = total * _ordered(tensor, own_letters, [each if each in own_letters else "" for each in every])
    summed = list(range(len(result), len(every)))
    return recorded_call("sum", total, summed) if summed else total


def _ordered(tensor: RecordedTensor, letters: str, *groups: Sequence[str]) -> Any:
    """Return a tensor with its axes in an order, and one of length 1 for every group or letter that is empty."""
    wanted = [each for group in groups for each in (group or [""])]
    order = [letters.index(each) for each in wanted if each]
    lengths = [tensor.shape[letters.index(each)] if each else 1 for each in wanted]
    return recorded_call("reshape", recorded_call("permute", tensor, order), lengths)


def _bilinear(one: Any, other: Any, weight: Any, bias: Any = None) -> Any:
    left, right, kernel = lifted(one), lifted(other), lifted(weight)
    parts = [recorded_call("sum", matmul(left, kernel[place]) * right, -1) for place in range(len(kernel))]
    found = recorded_call("stack", parts, -1)
    return found if bias is None else found + bias


def _tensordot(one: Any, other: Any, dims: Any = 2) -> Any:
    """Return the sums of products over the last axes of one and the first of the other."""
    left, right = lifted(one), lifted(other)
    if not isinstance(dims, int) or not 0 < dims <= min(left.ndim, right.ndim):
        unrecorded(f"tensordot with dims={dims!r}")
    outer, inner = left.shape[: left.ndim - dims], right.shape[dims:]
    rows = recorded_call("reshape", left, (*([-1] if outer else []), math.prod(right.shape[:dims])))
    columns = recorded_call("reshape", right, (math.prod(right.shape[:dims]), *([-1] if inner else [])))
    return recorded_call("reshape", matmul(rows, columns), (*outer, *inner))


def _squared_distances(one: Any, other: Any) -> Any:
    gap: Any = recorded_call("unsqueeze", one, -2) - recorded_call("unsqueeze", other, -3)
    return recorded_call("sum", gap**2, -1)


def _distances(one: Any, other: Any, p: float = 2.0, **options: Any) -> Any:
    """Return the lengths of the differences of all rows of one and the other."""
    if p != 2:
        unrecorded(f"cdist with p={p}")
    return recorded_call("sqrt", _squared_distances(lifted(one), lifted(other)))


FUNCTIONS.update(
    {
        "tensordot": _tensordot,
        "cdist": _distances,
        "bilinear": _bilinear,
    "matmul": matmul, "mm": matmul, "bmm": matmul, "mv": matmul, "dot": matmul, "linear": linear, "einsum": _einsum,
    "outer": lambda one, other: single(numpy.outer(lifted(one).blocks[0], lifted(other).blocks[0])),
    **dict.fromkeys(("addmm", "baddbmm", "addmv"), lambda bias, one, other: matmul(one, other) + bias),
    }
)  # fmt: skip
