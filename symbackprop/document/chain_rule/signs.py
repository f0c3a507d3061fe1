"""Where the signs of a formula stand: in front of products, inside sums."""

from __future__ import annotations

from symbackprop.algebra.array_operations import ARRAY_OPERATIONS
from symbackprop.algebra.formula import (
    Apply,
    Hadamard,
    MatrixProduct,
    Negative,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Repeated,
    Stack,
    Sum,
    Transposed,
    map_children,
    negated,
)
from symbackprop.document.display_nodes import OverSamples


def _is_linear(function: str) -> bool:
    """Say whether a sign may be taken from the arguments of a function."""
    row = ARRAY_OPERATIONS.get(function)
    return row is not None and row.is_linear


def signs_in_front(node: Node) -> Node:
    """Return a formula with the signs of its factors brought to the front.

    >>> from symbackprop.algebra.formula import Name
    >>> signs_in_front(MatrixProduct(Negative(Name("a")), Name("b")))
    Negative(operand=MatrixProduct(left=Name(name='a', sample=None), right=Name(name='b', sample=None)))
    """
    inner = map_children(node, signs_in_front)
    match inner:
        case Negative(operand):
            return negated(operand)
        case Product() | Hadamard() | MatrixProduct() | Transposed() | Repeated() | OverSamples():
            return _in_front(inner)
        case Apply(function) if _is_linear(function):
            return _in_front(inner)
        case Power(Negative(base), Number(exponent)) if exponent % 2 == 0:
            return Power(base, Number(exponent))
        case Quotient(Negative(above), below):
            return Negative(Quotient(above, below))
        case Sum() | Stack() if all(isinstance(part, Negative) for part in inner):
            return Negative(map_children(inner, negated))
        case Sum(terms) if any(isinstance(part, Negative) and isinstance(part.operand, Sum) for part in terms):
            return Sum(tuple(flat for part in terms for flat in _terms(part)))
    return inner


def _terms(part: Node) -> tuple[Node, ...]:
    """Return the terms of a part of a sum, a subtracted sum term by term."""
    if isinstance(part, Negative) and isinstance(part.operand, Sum):
        return tuple(map(negated, part.operand.terms))
    return (part,)


def _in_front(node: Node) -> Node:
    signs = sum(isinstance(part, Negative) for part in node)
    bare = map_children(node, lambda part: part.operand if isinstance(part, Negative) else part)
    return Negative(bare) if signs % 2 else bare
