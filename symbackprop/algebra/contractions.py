"""Einstein sums, `einsum('ij,jk->ik', A, B)`, in products of matrices, elementwise products and sums."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from symbackprop.algebra.broadcasting import Shape, spell
from symbackprop.algebra.formula import Apply, Indexed, MatrixProduct, Node, Product, Repeated, Stack, Transposed
from symbackprop.algebra.operation_rows import Piece
from symbackprop.errors import ProblemError
from symbackprop.messages import message

EINSUM = "einsum"
"""The function that takes a text before its arguments."""

_SUBSCRIPTS = re.compile("[a-zA-Z]*(?:,[a-zA-Z]*)*(?:->[a-zA-Z]*)?")
_MOST_AXES = 2


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
    if len(result) > _MOST_AXES or _contracted(apply, shapes, lambda node: node) is None:
        raise ProblemError(message("graph.einsum_axes", subscripts=subscripts_of(apply)), where=where)
    return tuple(lengths[letter] for letter in result)


def contracted(apply: Apply, shapes: Sequence[Shape], piece: Piece) -> Node:
    """Return an Einstein sum written out; that it can be is known since its shape is."""
    found = _contracted(apply, shapes, piece)
    assert found is not None
    return found


def _contracted(apply: Apply, shapes: Sequence[Shape], piece: Piece) -> Node | None:
    """Return an Einstein sum, two operands at a time, None where one on the way would have more than two axes."""
    operands, result = letters_of(subscripts_of(apply)) or ([], "")
    lengths = dict(zip("".join(operands), itertools.chain(*shapes), strict=True))
    parts = [_diagonal(node, own, lengths, piece) for node, own in zip(apply.arguments, operands, strict=True)]
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
    whole = _summed(parts[0], set(result))
    return whole.node if whole.letters == result else Transposed(whole.node)


def _diagonal(node: Node, letters: str, lengths: Mapping[str, int], piece: Piece) -> _Operand:
    """Return an operand without a letter twice: `ii` is the diagonal."""
    if len(set(letters)) == len(letters):
        return _Operand(node, letters)
    whole = piece(node)
    return _Operand(Stack(tuple(Indexed(whole, (at, at)) for at in range(lengths[letters[0]]))), letters[0])


def _summed(operand: _Operand, needed: Collection[str]) -> _Operand:
    """Return a sum over the axes that are not needed."""
    node, letters = operand
    gone = [place for place, letter in enumerate(letters) if letter not in needed]
    if not gone:
        return operand
    axis = gone[0] if len(gone) < len(letters) else None
    return _Operand(Apply("sum", (node,), axis=axis), "".join(each for each in letters if each in needed))


def _two(first: _Operand, second: _Operand, needed: set[str], lengths: Mapping[str, int]) -> _Operand | None:
    """Return two operands multiplied, and added over what nothing else needs."""
    first, second = _summed(first, needed | set(second.letters)), _summed(second, needed | set(first.letters))
    own, other = first.letters, second.letters
    inner = (set(own) & set(other)) - needed
    if not own or not other:
        return _Operand(Product((first.node, second.node)), own + other)
    if len(inner) == 1:
        (letter,) = inner
        rest, others = own.replace(letter, ""), other.replace(letter, "")
        if not set(rest) & set(others) and len(rest + others) <= _MOST_AXES:
            left = Transposed(first.node) if own[0] == letter and len(own) == _MOST_AXES else first.node
            right = Transposed(second.node) if other[-1] == letter and len(other) == _MOST_AXES else second.node
            return _Operand(MatrixProduct(left, right), rest + others)
    letters = "".join(dict.fromkeys(own + other))
    if len(letters) > _MOST_AXES:
        return None
    if len(own) == len(other) == 1 and own != other:
        return _Operand(Apply("outer", (first.node, second.node)), letters)
    spread = Product(tuple(_spread(each, letters, lengths) for each in (first, second)))
    return _summed(_Operand(spread, letters), needed)


def _spread(operand: _Operand, letters: str, lengths: Mapping[str, int]) -> Node:
    """Return an array as a factor of one with the axes of the letters."""
    node, own = operand
    if set(own) == set(letters):
        return node if own == letters else Transposed(node)
    return Repeated(node, 1, lengths[letters[1]]) if own == letters[0] else node
