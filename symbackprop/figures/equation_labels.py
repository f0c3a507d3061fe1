"""What a node of a graph is called in a picture: its equation where that is short, else its symbol alone."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from symbackprop.algebra import functions
from symbackprop.algebra.array_operations import operation_of
from symbackprop.algebra.formula import (
    Apply,
    Hadamard,
    Indexed,
    MatrixProduct,
    Name,
    Negative,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    Transposed,
)
from symbackprop.figures.labels import Label, width
from symbackprop.graph.notation import Notation
from symbackprop.graph.quantities import INNER

LONGEST = 17.0
"""How wide an equation in a node is at most, in units of its size."""
_FRACTIONS = {Fraction(1, 2): "½", Fraction(1, 3): "⅓", Fraction(2, 3): "⅔", Fraction(1, 4): "¼", Fraction(3, 4): "¾"}
_POWERS = {Fraction(2): "²", Fraction(3): "³", Fraction(4): "⁴"}
_SUM, _PRODUCT, _POWER, _ATOM = range(4)
"""How strongly a formula holds together."""
_Written = tuple[Label, int]


_MANY, _DOT = 2, "·"


class _Unwritten(Exception):
    """A part that a line of a picture has no form for."""


def equation(notation: Notation, name: str, formula: Node) -> Label:
    """Return `name = formula` if that fits into a node, else the name; what has no name has its formula there anyway.

    >>> import symbackprop
    >>> from symbackprop.figures.labels import plain
    >>> graph = symbackprop.derive(symbackprop.example("circuit")).graph
    >>> notation = Notation.of(graph, symbackprop.example("circuit").notation)
    >>> "".join(str(plain(part)) for part in equation(notation, "d", graph.equations[2].formula))
    'd = 1 + e'
    """
    # An inner activation has no symbol but its formula; in place of a long one stands its function.
    is_inner = notation.quantity(name).kind == INNER
    alone: Label = (_function(formula),) if is_inner and isinstance(formula, Apply) else (notation.symbol(name),)
    try:
        written, _ = _write(notation, formula)
    except _Unwritten:
        return alone
    found = written if is_inner else (*alone, " = ", *written)
    return found if width(found) <= LONGEST else alone


def _function(node: Apply) -> str:
    """Return the name of a function as it stands before its argument."""
    row, operation = functions.ACTIVATIONS.get(node.function), operation_of(node)
    return (row.symbol if row else operation.sign if operation else "") or node.function


def _write(notation: Notation, node: Node) -> _Written:
    match node:
        case Number(value):
            return _number(value)
        case Name(name):
            return (notation.symbol(name),), _ATOM
        case Indexed(Name(name), indices):
            quantity = notation.quantity(name)
            places = [index for index in indices if isinstance(index, int)]
            if len(places) < len(quantity.shape):
                raise _Unwritten
            place = tuple(index % length for index, length in zip(places, quantity.shape, strict=True))
            return (notation.symbol(quantity.element(place)),), _ATOM
        case Transposed(operand):
            return (*_inside(notation, operand, _ATOM), "ᵀ"), _ATOM
        case Sum(terms):
            return _sum(notation, terms), _SUM
        case Negative(operand):
            return ("−", *_inside(notation, operand, _PRODUCT)), _SUM
        case Product(factors):
            arrays = sum(_is_array(notation, factor) for factor in factors)
            holds = _SUM if isinstance(factors[0], Negative) else _PRODUCT
            return _product(notation, factors, "" if arrays < _MANY else " ⊙ "), holds
        case Hadamard(factors):
            return _product(notation, factors, " ⊙ "), _PRODUCT
        case MatrixProduct(left, right):
            return (*_inside(notation, left, _PRODUCT), " ", *_inside(notation, right, _PRODUCT)), _PRODUCT
        case Quotient(numerator, denominator):
            return (*_inside(notation, numerator, _PRODUCT), "/", *_inside(notation, denominator, _POWER)), _PRODUCT
        case Power(base, Number(exponent)) if exponent in _POWERS:
            return (*_inside(notation, base, _ATOM), _POWERS[exponent]), _POWER
        case Apply("sqrt", (argument,)):
            return ("√", *_inside(notation, argument, _ATOM)), _POWER
        case Apply(function, arguments, axis=axis) if axis is None or function == "softmax":
            return _applied(notation, node, arguments)
    raise _Unwritten


def _applied(notation: Notation, node: Apply, arguments: Sequence[Node]) -> _Written:
    """Return a function of arguments: a sum of what holds together without parentheses, a dot between two vectors."""
    if node.body or not arguments:
        raise _Unwritten
    sign = _function(node)
    if sign == _DOT and len(arguments) == _MANY:
        left, right = (_inside(notation, argument, _POWER) for argument in arguments)
        return (*left, f" {_DOT} ", *right), _PRODUCT
    first, *others = (_write(notation, argument) for argument in arguments)
    if sign == "Σ" and first[1] >= _POWER and not others:
        return ("Σ ", *first[0]), _POWER
    listed = (*first[0], *(part for other, _ in others for part in (", ", *other)))
    return (sign, "(", *listed, ")"), _ATOM


def _is_array(notation: Notation, node: Node) -> bool:
    """Say whether a factor is made of arrays, as far as names tell: an entry of an array is a number."""
    if isinstance(node, Indexed):
        return False
    if isinstance(node, Name):
        return bool(notation.quantity(node.name).shape)
    return any(_is_array(notation, part) for part in node)


def _number(value: Fraction) -> _Written:
    if value < 0:
        (written, holds) = _number(-value)
        return ("−", *written), min(holds, _SUM)
    if value in _FRACTIONS:
        return (_FRACTIONS[value],), _ATOM
    return (str(value),), _ATOM if value.denominator == 1 else _PRODUCT


def _inside(notation: Notation, node: Node, least: int) -> Label:
    """Return a part of a formula, in parentheses if it holds together less than is needed."""
    written, holds = _write(notation, node)
    return written if holds >= least else ("(", *written, ")")


def _sum(notation: Notation, terms: Sequence[Node]) -> Label:
    found = _write(notation, terms[0])[0]
    for term in terms[1:]:
        is_negative = isinstance(term, Negative)
        inner = term.operand if isinstance(term, Negative) else term
        found = (*found, " − " if is_negative else " + ", *_inside(notation, inner, _PRODUCT))
    return found


def _product(notation: Notation, factors: Sequence[Node], sign: str) -> Label:
    """Return factors side by side; a number that is not the first one has a dot before it."""
    found = _inside(notation, factors[0], _SUM if isinstance(factors[0], Negative) else _PRODUCT)
    for factor in factors[1:]:
        written = _inside(notation, factor, _POWER)
        found = (*found, sign or (" · " if isinstance(factor, Number) else " "), *written)
    return found
