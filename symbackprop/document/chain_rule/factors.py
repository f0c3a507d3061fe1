"""Factors of the chain rule: each a derivative and what it is; paths of them, products with their signs in front."""

from __future__ import annotations

from dataclasses import dataclass

from symbackprop.algebra import functions
from symbackprop.algebra.formula import (
    Adjoint,
    Apply,
    Negative,
    Node,
    Product,
    Sum,
    added,
    multiplied,
    negated,
    rewrite,
)
from symbackprop.document.display_nodes import Braced, Delta


@dataclass(frozen=True, slots=True)
class Factor:
    """A factor of the chain rule: as a derivative, and as what that derivative is."""

    derivative: Node
    partial: Node


def merged(paths: list[tuple[Factor, ...]]) -> tuple[Factor, ...]:
    """Return paths that differ in their last partial alone as one."""
    *above, last = paths[0]
    # (h − n), not (−n + h)
    partials = sorted((path[-1].partial for path in paths), key=lambda partial: isinstance(partial, Negative))
    return (*above, Factor(last.derivative, added(tuple(partials))))


def named_quantity(partial: Node) -> tuple[str, int | None]:
    """Return what a named gradient is the gradient by, and in which sample."""
    found = partial.operand if isinstance(partial, Negative) else partial
    assert isinstance(found, Adjoint | Delta)
    return found.name, found.sample


def is_named(partial: Node) -> bool:
    """Say whether a partial is the symbol of a gradient, with either sign."""
    return isinstance(partial.operand if isinstance(partial, Negative) else partial, Adjoint | Delta)


def flipped(factor: Factor) -> Factor:
    """Return a factor with the other sign: a difference is turned round (t − o), anything else gets a minus in front."""
    match factor.partial:
        case Sum((left, Negative(right))):
            partial: Node = Sum((right, Negative(left)))
        case _:
            partial = negated(factor.partial)
    return Factor(Negative(factor.derivative), partial)


def signed(factors: tuple[Node, ...]) -> Node:
    """Return a product without ones whose signs have been brought to the front."""
    sizes = tuple(factor.operand if isinstance(factor, Negative) else factor for factor in factors)
    is_negative = sum(isinstance(factor, Negative) for factor in factors) % 2 == 1
    return Negative(multiplied(sizes)) if is_negative else multiplied(sizes)


def product_of(path: tuple[Factor, ...]) -> Node:
    """Return the product of the partials of a path, each with its derivative under a brace."""
    factors = tuple(braced(factor) for factor in path)
    return factors[0] if len(factors) == 1 else signed(factors)


def joined(factors: tuple[Node, ...]) -> Node:
    """Return the product of factors as they are; one factor is itself."""
    return factors[0] if len(factors) == 1 else Product(factors)


def braced(factor: Factor) -> Node:
    """Return the partial with its derivative under a brace; a named gradient needs none."""
    is_open = isinstance(factor.partial, Apply) and factor.partial.function == functions.GENERIC_LOSS
    is_open = is_open or factor.derivative == factor.partial
    return factor.partial if is_open or is_named(factor.partial) else Braced(factor.partial, factor.derivative)


def unbraced(formula: Node) -> Node:
    """Return a formula without its braces and without factors of one."""

    def bare(part: Node) -> Node | None:
        if isinstance(part, Product):
            return multiplied(tuple(unbraced(factor) for factor in part.factors))
        return unbraced(part.body) if isinstance(part, Braced) else None

    return rewrite(formula, bare)
