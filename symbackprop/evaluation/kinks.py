"""Where the formulas of a derivation are at a kink, so that what is called the derivative there is a convention."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from symbackprop.algebra.forms import Form
from symbackprop.arithmetic import exact
from symbackprop.derivation.derivations import Derivation
from symbackprop.errors import EvaluationError
from symbackprop.evaluation.arithmetics import EXACT, Value
from symbackprop.evaluation.evaluate import Values
from symbackprop.graph.scalars import Scalar

NEAR_KINK = Fraction(1, 10**40)
"""Nearer to a kink than this, 50 digits do not say on which side a number is."""


def kinks(derivation: Derivation, values: Values, within: Fraction = NEAR_KINK) -> tuple[Scalar, ...]:
    """Return the scalars whose formula is at a kink (or closer to it than `within`) at these exact values, each once.

    Where a formula changes branch and its slopes on both sides are the same, as of relu(x)·relu(x) at 0, there is none.
    """
    found: list[Scalar] = []
    elements = derivation.elements
    for equation, term, sample in elements.instances(kinked=True):
        for kink in term.form.kinks:
            arguments = [values.value(*elements.place(name, sample)) for name in term.arguments]
            is_at = exact.compare(abs(EXACT.function(kink, term.form.arity)(*arguments)), within) <= 0
            if is_at and _is_bent_or_ends(term.form, arguments):
                found.append(elements.place(equation.name, sample))
    return tuple(dict.fromkeys(found))


_BESIDE = Fraction(1, 10**20)
"""How far from a kink the slopes beside it are taken; where they differ by more than a thousand times that, it is one."""


def _is_bent_or_ends(form: Form, arguments: Sequence[Value]) -> bool:
    """Say whether a form has a kink at a place, or beside it no value."""
    try:
        return _is_bent(form, arguments)
    except EvaluationError:
        return True


def _is_bent(form: Form, arguments: Sequence[Value]) -> bool:
    """Say whether a form or its partials jump at a place, or are others there alone: those of max(a, min(a, b)) at a = b."""
    axes = [tuple(Fraction(n == slot) for n in range(form.arity)) for slot in range(form.arity)]
    slanted = tuple(Fraction((-1) ** n, n + 1) for n in range(form.arity))
    directions = (*axes, tuple(map(abs, slanted)), slanted, (Fraction(0),) * form.arity)
    partials = [form.partial(slot).formula(has_values=False) for slot in range(form.arity)]
    steepest = exact.to_real(Fraction(1))
    for formula in (*partials, form.formula):
        function = EXACT.function(formula, form.arity)
        beside = [
            exact.to_real(
                function(*(exact.add(value, side * _BESIDE * part) for value, part in zip(arguments, by, strict=True)))
            )
            for by in directions
            for side in (-1, 1)
        ]
        steepest = max(steepest, *map(abs, beside))
        if max(beside) - min(beside) > 1000 * exact.to_real(_BESIDE) * (1 + steepest):
            return True
    return False
