"""Formulas in SymPy's own functions, as they are handed to users: a kink is a `Piecewise` that has our value there.

SymPy and every library that it prints for know `Piecewise`; our own functions (`algebra.symbolic`) would be strangers to
them, and `Max`, `Abs` and `Heaviside` have values of SymPy's choice at the kink or none.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from fractions import Fraction

import sympy

from symbackprop.algebra import symbolic
from symbackprop.algebra.branches import Choice, choice_of, comparison_of
from symbackprop.algebra.formula import Apply, Node

Leaf = Callable[[Node], sympy.Expr | None]


def to_plain_sympy(node: Node, leaf: Leaf = lambda node: None) -> sympy.Expr:
    """Return a scalar formula as an expression of SymPy's own functions; `leaf` may answer for what has no kink.

    The derivatives of `max(0, z)`, `min(0, z)` and `abs(z)` by z, taken by SymPy, have our values at the kink too.

    >>> from symbackprop.algebra.formula import Name
    >>> to_plain_sympy(Apply("step", (Name("z"),), Fraction(1)))
    Piecewise((1, z >= 0), (0, True))
    """

    def plain(part: Node) -> sympy.Expr | None:
        choice = choice_of(part)
        if choice is not None:
            return to_piecewise(choice, plain)
        if type(part) is not Apply or part.body or part.function not in _PIECES:
            return leaf(part)
        arguments = [symbolic.to_sympy(argument, plain) for argument in part.arguments]
        return _PIECES[part.function](arguments, part.at_kink)

    return _without_conditionals(symbolic.to_sympy(node, plain))


_RELATIONS = {"<": sympy.Lt, "<=": sympy.Le, ">": sympy.Gt, ">=": sympy.Ge}


def to_piecewise(choice: Choice, leaf: Leaf) -> sympy.Expr:
    """Return two branches as SymPy has them; `leaf` may answer for any part of a formula."""
    left, sign, right = comparison_of(choice.condition)
    condition = _RELATIONS[sign](symbolic.to_sympy(left, leaf), symbolic.to_sympy(right, leaf))
    holding, otherwise = (symbolic.to_sympy(piece, leaf) for piece in (choice.holding, choice.otherwise))
    return sympy.Piecewise((holding, condition), (otherwise, True))


def _without_conditionals(expression: sympy.Expr) -> sympy.Expr:
    """Return an expression whose conditions have no conditionals, which SymPy makes where pieces are compared.

    It prints them as a choice between numbers, and NumPy takes no number for a condition.
    """
    if not expression.has(sympy.ITE):
        return expression

    def flat(*pieces: tuple[sympy.Expr, sympy.Basic]) -> sympy.Expr:
        # SymPy would make conditionals of pieces in pieces again.
        return sympy.Piecewise(
            *((value, condition.to_nnf(simplify=False)) for value, condition in pieces), evaluate=False
        )

    return expression.replace(sympy.Piecewise, flat)


def _step(arguments: list[sympy.Expr], at_kink: Fraction) -> sympy.Expr:
    (operand,) = arguments
    return _branches(sympy.S.One, operand > 0, operand >= 0, sympy.Eq(operand, 0), sympy.S.Zero, at_kink)


def _absolute(arguments: list[sympy.Expr], at_kink: Fraction) -> sympy.Expr:
    (operand,) = arguments
    middle = (symbolic.rational(at_kink) * operand, sympy.Eq(operand, 0))
    return sympy.Piecewise((operand, operand > 0), middle, (-operand, True))


def _extreme(
    arguments: list[sympy.Expr], at_kink: Fraction, beyond: type[sympy.Rel], up_to: type[sympy.Rel]
) -> sympy.Expr:
    """Return the larger or smaller of all arguments; more than two are nested from the left."""

    def of_two(first: sympy.Expr, second: sympy.Expr) -> sympy.Expr:
        # The branch that varies is the one whose derivative at a tie is stated.
        varying, other = (second, first) if first.is_number else (first, second)
        is_beyond, is_up_to = beyond(varying, other), up_to(varying, other)
        return _branches(varying, is_beyond, is_up_to, sympy.Eq(varying, other), other, at_kink)

    return functools.reduce(of_two, arguments)


def _branches(
    above: sympy.Expr, beyond: sympy.Basic, up_to: sympy.Basic, edge: sympy.Basic, below: sympy.Expr, at_kink: Fraction
) -> sympy.Expr:
    """Return two branches; at the edge between them that share of the first, and what is left of the second."""
    if at_kink in (0, 1):
        return sympy.Piecewise((above, up_to if at_kink else beyond), (below, True))
    share = symbolic.rational(at_kink)
    return sympy.Piecewise((above, beyond), (share * above + (1 - share) * below, edge), (below, True))


_PIECES: Mapping[str, Callable[[list[sympy.Expr], Fraction], sympy.Expr]] = {
    "step": _step,
    "abs": _absolute,
    "max": functools.partial(_extreme, beyond=sympy.Gt, up_to=sympy.Ge),
    "min": functools.partial(_extreme, beyond=sympy.Lt, up_to=sympy.Le),
}
"""The functions with a kink or a jump."""
