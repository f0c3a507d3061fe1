"""The derivative of an activation, worked out from its definition to the form that the backward pass uses."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from symbackprop.algebra import differentiation, functions
from symbackprop.algebra.differentiation import Differentiation, Rule
from symbackprop.algebra.forms import form_of
from symbackprop.algebra.formula import ZERO, Apply, Name, Node, Number, Slot, fill
from symbackprop.algebra.sides import sides
from symbackprop.arithmetic import exact
from symbackprop.document.blocks import Chain, ChainStep, Relation
from symbackprop.document.derivatives import by_thought, lettered
from symbackprop.document.display_nodes import Case, Cases, DerivativeOf, Inequality
from symbackprop.messages import Message, message
from symbackprop.registry import cached

_LONGEST = 14
"""Of more lines by rules, as an activation of the user's own may have, the first and the last are shown."""


@cached
def elementwise_derivative(formula: Apply, variable: str = "z") -> Chain:
    """Return the derivative of an activation of one number, over slot 0, by a letter.

    It begins with the definition, goes on rule by rule (where there is a kink, case by case) and ends with the
    classroom form, if there is one.
    """
    letter = Name(variable)
    applied = fill(formula, (letter,))
    begins, rearranged = functions.worked_out(formula)
    body = fill(begins, (letter,))
    either = sides(body, letter)
    if either is not None:
        steps = list(_by_cases(formula, either, letter))
    else:
        tree = differentiation.differentiate(body, letter)
        steps = [_step(lettered(_open(tree)), message(f"rule.{Rule.DEFINITION}"))] if body != applied else []
        lines = [_step(lettered(line.formula), line.reason) for line in by_thought(tree)]
        steps += lines if len(lines) <= _LONGEST else [lines[0], lines[-1]]
        steps += [
            _step(lettered(fill(line, (letter, applied))), message(f"rearranged.{reason}"))
            for reason, line in rearranged
        ]
    return Chain(DerivativeOf(lettered(applied), lettered(letter)), tuple(_different(steps)))


def _open(tree: Differentiation) -> Node:
    return differentiation.Derivative(tree.before, tree.variable)


def _step(formula: Node, reason: Message | None) -> ChainStep:
    return ChainStep(Relation.EQUAL, formula, opens=True, reason=reason)


def _different(steps: list[ChainStep]) -> Iterator[ChainStep]:
    """Yield the steps whose formula is another than that of the step before."""
    before: Node | None = None
    for step in steps:
        if step.formula != before:
            yield step
        before = step.formula


def _by_cases(formula: Apply, either: tuple[Node, Node], letter: Name) -> Iterator[ChainStep]:
    """Yield the function and then its derivative by cases, which include what is taken for the derivative at 0."""
    partials = tuple(differentiation.collected(differentiation.differentiate(side, letter).after) for side in either)
    above, below = (_at_zero(slope) for slope in partials)
    at_zero = _at_zero(form_of(formula).partial(0).plain)
    signs = (">", "<=") if at_zero == below else (">=", "<") if at_zero == above else (">", "<", "=")
    middle = () if at_zero in (above, below) else (Number(at_zero),)

    def cases(*bodies: Node) -> Node:
        pairs = zip(bodies, signs, strict=False)
        return Cases(tuple(Case(lettered(body), Inequality(lettered(letter), sign, ZERO)) for body, sign in pairs))

    yield _step(DerivativeOf(cases(*either), lettered(letter)), message(f"rule.{Rule.DEFINITION}"))
    yield _step(cases(*partials, *middle), message(f"rule.{Rule.PIECEWISE}"))


def _at_zero(formula: Node) -> exact.Exact:
    return exact.evaluate(formula, lambda part: Fraction(0) if isinstance(part, Slot | Name) else None)
