"""The output composed to one expression, which SymPy differentiates: an oracle for small problems."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import sympy

from symbackprop.algebra import functions, symbolic
from symbackprop.algebra.branches import choice_of
from symbackprop.algebra.formula import Apply, Name, Node, Slot
from symbackprop.algebra.piecewise import to_piecewise
from symbackprop.arithmetic import exact
from symbackprop.arithmetic.exact import Exact
from symbackprop.arithmetic.perturbed_rationals import PerturbedRational
from symbackprop.derivation.derivations import Derivation
from symbackprop.evaluation.differences import (
    TOLERANCE,
    evenly_spread,
    is_finite,
    numbers_of,
    real,
    relative_difference,
)
from symbackprop.evaluation.evaluate import Values
from symbackprop.graph.quantities import Role
from symbackprop.graph.scalars import Scalar

_LARGEST_COMPOSED = 1_500
"""Composed output: its size times the number of gradients taken of it (less than a second)."""
_DEEPEST_COMPOSED = 100
"""Levels of functions and operators inside each other, their formulas written out."""
_GUARDED_DIGITS = exact.DIGITS + 20
_LONGEST_COMPOSED = 1000
"""Composed output: beyond this power of ten, above or below, its numbers are left to the differences."""


def composed_differences(
    derivation: Derivation, values: Values, wanted: Mapping[Scalar, Exact], floor: Exact
) -> dict[Scalar, float]:
    """Return how far gradients are from the derivatives of the composed output.

    Of these there are as many, evenly spread, as its size leaves time for, and none where numbers are too large or small.
    """
    chosen = evenly_spread(list(wanted), _LARGEST_COMPOSED // _composed_size(derivation))
    if not chosen or _composed_depth(derivation) > _DEEPEST_COMPOSED or not all(map(_is_moderate, numbers_of(values))):
        return {}
    output, found = _composed(derivation), {}
    givens = {
        _symbol(leaf): values.value(leaf.name, leaf.sample)
        for quantity in derivation.graph.of_role(Role.PARAMETER, Role.INPUT, Role.TARGET)
        for leaf in derivation.graph.scalars(quantity)
    }
    first = _guarded_digits(values)
    known = {digits: _floats(givens, digits) for digits in (first, 4 * first)}
    for leaf in chosen:
        gradient = wanted[leaf]
        derivative = sympy.diff(output, _symbol(leaf))
        seen: list[Exact] = []
        for digits, numbers in known.items():
            number = _evaluated(derivative, dict(numbers), digits)
            seen += [_own(number)] if number.is_Float or number.is_Rational else []
            if seen and relative_difference(gradient, seen[-1], floor) <= TOLERANCE:
                break
        if seen and (len(seen) == 1 or relative_difference(seen[0], seen[-1], floor) <= TOLERANCE):
            found[leaf] = relative_difference(gradient, seen[-1], floor)
    return found


def _symbol(leaf: Scalar) -> sympy.Symbol:
    return symbolic.name_symbol(str(leaf))


def _evaluated(expression: sympy.Expr, known: dict[sympy.Basic, sympy.Basic], digits: int) -> sympy.Expr:
    """Return an expression with numbers put in; what stands in it again and again is computed once, and kept in `known`.

    The derivative of gelu 8 times inside itself has 60,000 parts, of which 122 differ.
    """
    found = known.get(expression)
    if found is None:
        parts = [_evaluated(part, known, digits) for part in expression.args]
        found = expression.func(*parts) if parts else expression
        if isinstance(found, sympy.Expr) and not found.is_Rational:
            found = found.evalf(digits)
        known[expression] = found
    return found


def _own(number: sympy.Expr) -> Exact:
    return exact.CONTEXT.make_mpf(sympy.Float(number, exact.DIGITS)._mpf_)


def _is_moderate(value: Exact) -> bool:
    """Say whether SymPy can be asked: at 10^-1000000 it would write as many digits."""
    if isinstance(value, PerturbedRational):
        return _is_moderate(value.rest)
    if isinstance(value, Fraction):
        return True
    return bool(value and is_finite(value) and abs(exact.CONTEXT.log10(abs(real(value)))) < _LONGEST_COMPOSED)


def _guarded_digits(values: Values) -> int:
    """Return the digits that the composed output is evaluated with: enough for 1 − a of the most saturated unit."""
    rests = [number.rest for number in numbers_of(values) if isinstance(number, PerturbedRational)]
    return _GUARDED_DIGITS - int(min((exact.CONTEXT.log10(abs(rest)) for rest in rests), default=0))


def _floats(values: Mapping[sympy.Symbol, Exact], digits: int) -> dict[sympy.Symbol, sympy.Float]:
    """Return numbers as SymPy floats with digits to spare: with them SymPy evaluates whatever they are put into."""
    return {symbol: _float(value, digits) for symbol, value in values.items()}


def _float(value: Exact, digits: int) -> sympy.Float:
    if isinstance(value, Fraction):
        return sympy.Float(symbolic.rational(value), digits)
    return sympy.Float(exact.CONTEXT.nstr(value, exact.DIGITS + 5), digits)


def _leaves(formula: Node, held: Sequence[int]) -> int:
    """Return how many names a formula has with its functions written out, where its slots hold so many each."""
    if isinstance(formula, Slot):
        return held[formula.index]
    inside = [_leaves(part, held) for part in formula]
    body = functions.definition(formula) if isinstance(formula, Apply) and formula.function != "step" else None
    return sum(inside) if body is None else _leaves(body, inside)


def _composed_size(derivation: Derivation) -> int:
    """Return the number of operations of the composed output."""
    axis = derivation.elements.batch_axis
    sizes: dict[str, int] = {}
    for equation in derivation.elements.equations:
        size = 0
        for term in equation.terms:
            inside = _leaves(term.form.formula, [sizes.get(name, 1) for name in term.arguments])
            size += len(axis.spread(equation.name, term.arguments)) * (inside + 1)
        sizes[equation.name] = size
    return sizes[derivation.graph.output]


def _levels(formula: Node, held: Sequence[int]) -> int:
    """Return the levels of a formula with its functions written out, where its slots hold formulas of so many each."""
    if isinstance(formula, Slot):
        return held[formula.index]
    inside = [_levels(part, held) for part in formula]
    body = functions.definition(formula) if isinstance(formula, Apply) and formula.function != "step" else None
    return 1 + max(inside, default=0) if body is None else _levels(body, inside)


def _composed_depth(derivation: Derivation) -> int:
    """Return the levels of the composed output."""
    levels: dict[str, int] = {}
    for equation in derivation.elements.equations:
        levels[equation.name] = 1 + max(
            (_levels(term.form.formula, [levels.get(name, 1) for name in term.arguments]) for term in equation.terms),
            default=0,
        )
    return levels[derivation.graph.output]


def _composed(derivation: Derivation) -> sympy.Expr:
    """Return the output as one expression in parameters, inputs and targets."""
    batched, axis = derivation.elements.batched, derivation.elements.batch_axis
    known: dict[Scalar, sympy.Expr] = {}

    def spelled(formula: Node, sample: int | None) -> sympy.Expr:
        def leaf(part: Node) -> sympy.Expr | None:
            if isinstance(part, Name):
                place = Scalar(part.name, sample if part.name in batched else None)
                return _symbol(place) if (expression := known.get(place)) is None else expression
            choice = choice_of(part)
            if choice is not None:
                return to_piecewise(choice, leaf)
            if isinstance(part, Apply) and part.function in _SYMPY_OWN:
                return _SYMPY_OWN[part.function](*(symbolic.to_sympy(each, leaf) for each in part.arguments))
            return None

        return symbolic.to_sympy(formula, leaf)

    for equation in derivation.elements.equations:
        for sample in axis.samples_of(equation.name):
            known[Scalar(equation.name, sample)] = sympy.Add(
                *(
                    spelled(term.formula(), place)
                    for term in equation.terms
                    for place in axis.spread(equation.name, term.arguments, sample)
                )
            )
    return known[Scalar(derivation.graph.output)]


_SYMPY_OWN: Mapping[str, Callable[..., sympy.Expr]] = {"max": sympy.Max, "min": sympy.Min, "abs": sympy.Abs}
