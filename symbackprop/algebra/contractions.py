"""Einstein sums, `einsum('ij,jk->ik', A, B)`, in products of matrices, elementwise products and sums.

Two operands at a time: what they share and nothing else needs is added in a product of matrices; what they share and
something else needs are axes of many such products.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from symbackprop.algebra.broadcasting import MOST_AXES, Shape, settled_axis, spell
from symbackprop.algebra.formula import (
    Apply,
    Indexed,
    MatrixProduct,
    Node,
    Product,
    Repeated,
    Span,
    Stack,
    transposed,
)
from symbackprop.algebra.operation_rows import Piece
from symbackprop.algebra.rearrangements import reshaped
from symbackprop.errors import ProblemError
from symbackprop.messages import message

EINSUM = "einsum"
"""The function that takes a text before its arguments."""

_SUBSCRIPTS = re.compile("[a-zA-Z]*(?:,[a-zA-Z]*)*(?:->[a-zA-Z]*)?")


class _Operand(NamedTuple):
    """An array with the letter of each of its axes."""

    node: Node
    letters: str


def letters_of(subscripts: str) -> tuple[list[str], str] | None:
    """Return the letters of each operand and of the result, None for what are no subscripts.

    Without an arrow the result has the letters that occur once, in the order of the alphabet.

    >>> letters_of("ij, jk"), letters_of("i…")
    ((['ij', 'jk'], 'ik'), None)
    """
    text = "".join(subscripts.split())
    if not _SUBSCRIPTS.fullmatch(text):
        return None
    left, arrow, result = text.partition("->")
    used = left.replace(",", "")
    once = "".join(sorted(letter for letter in set(used) if used.count(letter) == 1))
    return left.split(","), result if arrow else once


def subscripts_of(apply: Apply) -> str:
    """Return the text that says what an Einstein sum adds."""
    return apply.settings[0][0] if apply.settings else ""


def shape_of_contraction(apply: Apply, shapes: Sequence[Shape], where: str) -> Shape:
    """Return the shape of an Einstein sum; raises `ProblemError` where subscripts and shapes do not fit."""
    found = letters_of(subscripts_of(apply))
    listed = [spell(shape) for shape in shapes]
    refused = ProblemError(message("graph.einsum", subscripts=subscripts_of(apply), shapes=listed), where=where)
    if found is None or [len(each) for each in found[0]] != [len(shape) for shape in shapes]:
        raise refused
    operands, result = found
    pairs = set(zip("".join(operands), itertools.chain(*shapes), strict=True))
    lengths = dict(pairs)
    if len(lengths) != len(pairs) or len(set(result)) != len(result) or not set(result) <= lengths.keys():
        raise refused
    if len(result) > MOST_AXES or _contracted(apply, shapes, lambda node: node) is None:
        raise ProblemError(message("graph.einsum_axes", subscripts=subscripts_of(apply), limit=MOST_AXES), where=where)
    return tuple(lengths[letter] for letter in result)


def contracted(apply: Apply, shapes: Sequence[Shape], piece: Piece) -> Node:
    """Return an Einstein sum written out; that it can be is known since its shape is."""
    found = _contracted(apply, shapes, piece)
    assert found is not None
    return found


def _contracted(apply: Apply, shapes: Sequence[Shape], piece: Piece) -> Node | None:
    """Return an Einstein sum, two operands at a time, None where one on the way would have more axes than arrays have."""
    operands, result = letters_of(subscripts_of(apply)) or ([], "")
    lengths = dict(zip("".join(operands), itertools.chain(*shapes), strict=True))
    parts = [
        _diagonal(_Operand(node, own), lengths, piece) for node, own in zip(apply.arguments, operands, strict=True)
    ]
    while len(parts) > 1:
        for first, second in itertools.combinations(parts, 2):
            others = [part for part in parts if part is not first and part is not second]
            needed = set(result).union(*(part.letters for part in others))
            joined = _two(first, second, needed, lengths)
            if joined is not None:
                parts = [joined, *others]
                break
        else:
            return None
    return _in_order(_summed(parts[0], set(result)), result).node


def _diagonal(operand: _Operand, lengths: Mapping[str, int], piece: Piece) -> _Operand:
    """Return an operand without a letter twice: `ii` is the diagonal."""
    node, letters = operand
    twice = next((letter for letter in letters if letters.count(letter) > 1), None)
    if twice is None:
        return operand
    whole = piece(node)
    entries = (
        Indexed(whole, tuple(at if letter == twice else Span(None, None) for letter in letters))
        for at in range(lengths[twice])
    )
    return _diagonal(_Operand(Stack(tuple(entries)), twice + letters.replace(twice, "")), lengths, piece)


def _summed(operand: _Operand, needed: Collection[str]) -> _Operand:
    """Return a sum over the axes that are not needed."""
    node, letters = operand
    gone = tuple(place for place, letter in enumerate(letters) if letter not in needed)
    if not gone:
        return operand
    total = Apply("sum", (node,), axis=settled_axis(gone, len(letters)))
    return _Operand(total, "".join(each for each in letters if each in needed))


def _in_order(operand: _Operand, letters: Iterable[str]) -> _Operand:
    """Return an operand with its axes in the order of some letters, which are its own."""
    order = tuple(operand.letters.index(letter) for letter in letters)
    return _Operand(transposed(operand.node, order), "".join(letters))


def _two(first: _Operand, second: _Operand, needed: set[str], lengths: Mapping[str, int]) -> _Operand | None:
    """Return two operands multiplied, and added over what nothing else needs."""
    first, second = _summed(first, needed | set(second.letters)), _summed(second, needed | set(first.letters))
    own, other = first.letters, second.letters
    if not own or not other:
        return _Operand(Product((first.node, second.node)), own + other)
    shared = [letter for letter in own if letter in other]
    inner, stack = [each for each in shared if each not in needed], [each for each in shared if each in needed]
    rows = [letter for letter in own if letter not in shared]
    columns = [letter for letter in other if letter not in shared]
    if inner and (rows or columns or stack) and len(stack) + len(rows) + len(columns) <= MOST_AXES:
        product = _multiplied(first, second, (stack, rows, inner, columns), lengths)
        if product is not None:
            return product
    letters = "".join(dict.fromkeys(own + other))
    if len(letters) > MOST_AXES:
        return None
    if len(own) == len(other) == 1 and own != other:
        return _Operand(Apply("outer", (first.node, second.node)), letters)
    spread = Product(tuple(_spread(each, letters, lengths) for each in (first, second)))
    return _summed(_Operand(spread, letters), needed)


Parts = tuple[list[str], list[str], list[str], list[str]]
"""The letters of an Einstein sum of two operands: of both and the result, of the first, of both alone, of the second."""


def _multiplied(first: _Operand, second: _Operand, parts: Parts, lengths: Mapping[str, int]) -> _Operand | None:
    """Return two operands as products of matrices; several letters of a kind are one axis. None for too many axes."""
    stack, rows, inner, columns = parts
    if stack and len(inner) == 1 and not rows and not columns:
        return None  # an elementwise product and a sum say it shorter
    if not stack and len(inner) == 1 and max(len(rows), len(columns)) <= 1:  # vectors and matrices
        left, right = _in_order(first, [*rows, *inner]), _in_order(second, [*inner, *columns])
        return _Operand(MatrixProduct(left.node, right.node), "".join((*rows, *columns)))
    if len(stack) + 2 > MOST_AXES:
        return None
    sides = (stack, rows, inner), (stack, inner, columns)
    left, right = (_joined(each, side, lengths) for each, side in zip((first, second), sides, strict=True))
    letters = "".join((*stack, *rows, *columns))
    found: Node = MatrixProduct(left.node, right.node)
    if len(rows) != 1 or len(columns) != 1:
        found = reshaped(found, tuple(lengths[letter] for letter in letters))
    return _Operand(found, letters)


def _joined(operand: _Operand, kinds: Sequence[list[str]], lengths: Mapping[str, int]) -> _Operand:
    """Return an operand with one axis for the letters of each kind but the first, whose letters have an axis each."""
    found = _in_order(operand, itertools.chain(*kinds))
    stack, *matrix = kinds
    if all(len(kind) == 1 for kind in matrix):
        return found
    sizes = (math.prod(lengths[letter] for letter in kind) for kind in matrix)
    return found._replace(node=reshaped(found.node, (*(lengths[letter] for letter in stack), *sizes)))


def _spread(operand: _Operand, letters: str, lengths: Mapping[str, int]) -> Node:
    """Return an array as a factor of one with the axes of the letters."""
    own = [letter for letter in letters if letter in operand.letters]
    node = _in_order(operand, own).node
    behind = letters[letters.index(own[0]) :]
    for place, letter in enumerate(behind):
        if letter not in own:
            node = Repeated(node, place, lengths[letter])
    return node
