"""Mistakes in products of the backward pass: another weight, another input, another kind of product."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from symbackprop.algebra.formula import (
    Name,
    multiplied,
    names,
)
from symbackprop.by_hand.hand_computation import GRADIENT, NEW, Path
from symbackprop.derivation.element_grain import ElementEquation, Term
from symbackprop.graph.quantities import Role
from symbackprop.mistakes import wrong_derivatives
from symbackprop.mistakes.worksheets import BIASES, Site, Worksheet, of_terms, reading


def _of_weights(sheet: Worksheet) -> Iterator[tuple[Path, str]]:
    """Yield the products that lead past a parameter to something else than one, with the key of the parameter."""
    for path in sheet.paths:
        if sheet.has_role(path.target, Role.PARAMETER) or sheet.reads_penalty(path):
            continue
        for name in names(sheet.partial(path)):
            if sheet.has_role(name, Role.PARAMETER):
                yield path, name


def _with_weight(sheet: Worksheet, path: Path, weight: str, other: str, place: str = "") -> Site:
    return Site(path.target, sheet.product(path, reading(sheet.partial(path), {weight: other})), place)


def updated_weights(sheet: Worksheet) -> Iterator[Site]:
    """Yield gradients that are led back past already updated weights."""
    updated = set(sheet.updated)
    by_target: dict[str, list[Site]] = {}
    for path, weight in _of_weights(sheet):
        if weight in updated:
            by_target.setdefault(path.target, []).append(_with_weight(sheet, path, weight, NEW + weight))
    yield from _joined(by_target)


def _joined(by_target: dict[str, list[Site]]) -> Iterator[Site]:
    """Yield one site for each gradient, in all of whose products something is changed."""
    for target, sites in by_target.items():
        yield Site(target, tuple(equation for site in sites for equation in site.equations))


def gradient_for_weight(sheet: Worksheet) -> Iterator[Site]:
    """Yield gradients that are led back past the gradients by weights in place of the weights."""
    by_target: dict[str, list[Site]] = {}
    for path, weight in _of_weights(sheet):
        if GRADIENT + weight in sheet.by_target:
            by_target.setdefault(path.target, []).append(_with_weight(sheet, path, weight, GRADIENT + weight))
    yield from _joined(by_target)


def weights_not_transposed(sheet: Worksheet) -> Iterator[Site]:
    """Yield gradients that are led back by W in place of its transpose."""
    by_target: dict[str, list[Site]] = {}
    for path, weight in _of_weights(sheet):
        other = transposed(sheet, weight)
        if other is not None:
            by_target.setdefault(path.target, []).append(_with_weight(sheet, path, weight, other))
    yield from _joined(by_target)


def transposed(sheet: Worksheet, key: str) -> str | None:
    """Return the key of the element on the other side of the diagonal of a square matrix."""
    quantity = sheet.quantity(key)
    if quantity is None or len(quantity.shape) != 2 or len(set(quantity.shape)) > 1:
        return None
    return sheet.element(key, *reversed(sheet.numbers(key)))


def gradient_transposed(sheet: Worksheet) -> Iterator[Site]:
    """Yield gradients by square matrices of weights as their transposes."""
    for target in sheet.by_target:
        other = transposed(sheet, target) if sheet.has_role(target, Role.PARAMETER) else None
        if other is not None and other != target and other in sheet.by_target:
            yield Site(target, (_copied(sheet, target, other),))


def _copied(sheet: Worksheet, target: str, other: str) -> ElementEquation:
    """Return the equation of a gradient as the products of another one."""
    factors = [multiplied(path.factors(sheet.derivation)) for path in sheet.by_target[other]]
    return of_terms(target, *factors)


def wrong_input(sheet: Worksheet) -> Iterator[Site]:
    """Yield gradients by weights with the input of another unit, the unit's own value, or z where a came in."""
    for target, paths in sheet.parameter_targets():
        for other_of, variant in ((_next_input, "next"), (_own_output, "own"), (_before_activation, "before")):
            equations: list[ElementEquation] = []
            for path in paths:
                partial = sheet.partial(path)
                values = [name for name in names(partial) if not sheet.has_role(name, Role.PARAMETER)]
                other = other_of(sheet, path, values[0]) if len(values) == 1 else None
                if other is not None and other != values[0]:
                    equations += sheet.product(path, reading(partial, {values[0]: other}))
            if len(equations) == len(paths):
                yield Site(target, tuple(equations), variant)


def _next_input(sheet: Worksheet, path: Path, value: str) -> str | None:
    row = sheet.neighbours(value)
    return row[(row.index(value) + 1) % len(row)] if value in row else None


def _own_output(sheet: Worksheet, path: Path, value: str) -> str | None:
    """Return the value behind the activation of what the weight leads to."""
    reader = str(sheet.derivation.elements.place(path.link.source, path.sample))
    for equation in sheet.computation.equations:
        if len(equation.terms) == 1 and equation.terms[0].arguments[:1] == (reader,) and equation.terms[0].values:
            return equation.name
    return None


def _before_activation(sheet: Worksheet, path: Path, value: str) -> str | None:
    equation = sheet.computation.by_key.get(value)
    return equation.terms[0].arguments[0] if equation is not None and _is_of_unit(equation.terms) else None


def _is_of_unit(terms: Sequence[Term]) -> bool:
    return len(terms) == 1 and bool(terms[0].values)


def matrix_for_elementwise(sheet: Worksheet) -> Iterator[Site]:
    """Yield errors of a layer by a matrix product where ⊙ belongs: every unit gets the sum over all units."""
    for path, _ in (*wrong_derivatives.activations(sheet), *wrong_derivatives.activations(sheet, kinked=True)):
        others = [sheet.by_target.get(key, ()) for key in sheet.neighbours(path.target)]
        if len(others) > 1 and all(len(each) == 1 for each in others):
            terms = [multiplied(each[0].factors(sheet.derivation)) for each in others]
            yield Site(path.target, (of_terms(path.target, *terms),))


def bias_with_input(sheet: Worksheet) -> Iterator[Site]:
    """Yield gradients by biases with a factor that belongs to a weight: the bias itself, or an input."""
    for target, paths in sheet.parameter_targets():
        if sheet.kind(target) not in BIASES:
            continue
        bias = target.removeprefix(GRADIENT)
        extra = [[bias, *_inputs(sheet, path)] for path in paths]
        for place in range(min(map(len, extra))):
            pairs = zip(paths, extra, strict=True)
            found = [sheet.product(path, sheet.partial(path), Name(own[place])) for path, own in pairs]
            yield Site(target, tuple(itertools.chain.from_iterable(found)), f"input {place}" if place else "bias")


def _inputs(sheet: Worksheet, path: Path) -> tuple[str, ...]:
    """Return what weights multiply in the sum that a bias is added in."""
    reader = str(sheet.derivation.elements.place(path.link.source, path.sample))
    terms = sheet.computation.by_key[reader].terms
    return tuple(
        name
        for term in terms
        if len(term.arguments) == 2
        for name in term.arguments
        if not sheet.has_role(name, Role.PARAMETER)
    )
