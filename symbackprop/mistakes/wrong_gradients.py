"""Mistakes of the backward pass: factors, signs, means, paths, penalties."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from symbackprop.algebra.array_operations import operation_of
from symbackprop.algebra.formula import (
    ONE,
    Negative,
    Node,
    Number,
    Power,
    names,
    negated,
    walk,
)
from symbackprop.by_hand.hand_computation import Path
from symbackprop.graph.quantities import Role
from symbackprop.mistakes.worksheets import BIASES, Site, Worksheet, forward, of_terms, rescaled

_HALF, _TWO = Number(Fraction(1, 2)), Number(Fraction(2))

# Factors and signs


def _from_loss(sheet: Worksheet) -> Iterator[Path]:
    """Yield the products with the derivative of a loss that has squares."""
    for path in sheet.paths:
        formula = path.link.term.form.formula
        if sheet.is_loss(path.link.source) and any(isinstance(part, Power) for part in walk(formula)):
            yield path


def _scaled_loss(sheet: Worksheet, factor: Node) -> Iterator[Site]:
    for path in _from_loss(sheet):
        yield Site(path.target, sheet.product(path, factor, sheet.partial(path)))
    for equation in forward(sheet):
        if sheet.is_loss(equation.name) and any(isinstance(part, Power) for part in walk(equation.formula())):
            yield Site(equation.name, (rescaled(equation, factor),), "loss")


def lost_factor_two(sheet: Worksheet) -> Iterator[Site]:
    """Yield derivatives of squares, and losses, that are half of what they should be."""
    yield from _scaled_loss(sheet, _HALF)


def doubled_factor_two(sheet: Worksheet) -> Iterator[Site]:
    """Yield derivatives of squares, and losses, that are twice what they should be."""
    yield from _scaled_loss(sheet, _TWO)


def wrong_sign(sheet: Worksheet) -> Iterator[Site]:
    """Yield products of the backward pass, and terms of the forward pass, with the other sign."""
    for path in sheet.paths:
        yield Site(path.target, sheet.product(path, negated(sheet.partial(path))), sheet.position(path))
    for equation in forward(sheet):
        if sheet.is_loss(equation.name) or (len(equation.terms) == 1 and not equation.terms[0].values):
            continue
        for place, term in enumerate(equation.terms if len(equation.terms) > 1 else ()):
            terms = [each.formula() for each in equation.terms]
            terms[place] = Negative(term.formula())
            yield Site(equation.name, (of_terms(equation.name, *terms),), f"term {place}")


def dropped_factor(sheet: Worksheet) -> Iterator[Site]:
    """Yield products without their local factor, or without the gradient that they begin with."""
    for path in sheet.paths:
        upstream, partial = sheet.upstream(path), sheet.partial(path)
        if upstream is None or not names(partial) or sheet.reads_penalty(path) or sheet.is_loss(path.link.source):
            continue
        if sheet.activation(path) is None:
            yield Site(path.target, sheet.product(path), f"local {sheet.position(path)}")
        yield Site(path.target, (path.equation((partial,)),), f"upstream {sheet.position(path)}")


# Means


def _is_mean(sheet: Worksheet) -> bool:
    samples = sheet.derivation.problem.samples
    return samples is not None and samples > 1


def _times_samples(sheet: Worksheet, exponent: int) -> Iterator[tuple[str, Site]]:
    """Yield, with the key of each parameter's gradient, the site where 1/m is left out (1) or stands twice (−1)."""
    samples = sheet.derivation.problem.samples
    if samples is None or samples < 2:
        return
    factor = Number(Fraction(samples) ** exponent)
    for target, paths in sheet.parameter_targets():
        equations = tuple(equation for path in paths for equation in sheet.product(path, factor, sheet.partial(path)))
        yield target, Site(target, equations)


def no_mean(sheet: Worksheet) -> Iterator[Site]:
    """Yield gradients by parameters, or of the losses of the samples, as sums over the samples in place of means."""
    yield from (site for _, site in _times_samples(sheet, 1) if has_mean(sheet))
    for path in sheet.paths if has_mean(sheet) else ():
        if sheet.is_loss(path.target):
            yield Site(path.target, sheet.product(path), "loss")


def has_mean(sheet: Worksheet) -> bool:
    """Say whether the loss is a mean over the samples."""
    of_losses = [path for path in sheet.paths if sheet.is_loss(path.target)]
    return _is_mean(sheet) and any(sheet.partial(path) != ONE for path in of_losses)


def mean_twice(sheet: Worksheet) -> Iterator[Site]:
    """Yield gradients by parameters with 1/m once more."""
    yield from (site for _, site in _times_samples(sheet, -1))


def mean_in_bias_only(sheet: Worksheet) -> Iterator[Site]:
    """Yield gradients by weights as sums over the samples, where those by biases are means."""
    has_biases = any(sheet.kind(target) in BIASES for target, _ in sheet.parameter_targets())
    for target, site in _times_samples(sheet, 1):
        if has_biases and has_mean(sheet) and sheet.kind(target) not in BIASES:
            yield site


def mean_in_weights_only(sheet: Worksheet) -> Iterator[Site]:
    """Yield gradients by biases as sums over the samples, where those by weights are means."""
    for target, site in _times_samples(sheet, 1):
        if has_mean(sheet) and sheet.kind(target) in BIASES:
            yield site


# Paths


def _sums(sheet: Worksheet) -> Iterator[tuple[str, tuple[Path, ...]]]:
    """Yield the gradients that add several products."""
    for target, paths in sheet.by_target.items():
        if len(paths) > 1:
            yield target, paths


def missing_path(sheet: Worksheet) -> Iterator[Site]:
    """Yield gradients without one of their paths, or with one of them alone; those of two uses are `last_use_only`."""
    for target, paths in _sums(sheet):
        is_parameter = sheet.has_role(target, Role.PARAMETER)
        if is_parameter and sum(1 for path in paths if not sheet.reads_penalty(path)) < 3:
            continue
        for place, path in enumerate(paths):
            if not sheet.reads_penalty(path):
                yield Site(target, sheet.only(target, paths[:place] + paths[place + 1 :]), f"without {place}")
                if len(paths) > 2 and not is_parameter:
                    yield Site(target, sheet.only(target, (path,)), f"only {place}")


def last_use_only(sheet: Worksheet) -> Iterator[Site]:
    """Yield gradients by what is used several times from the last use, or the first, alone."""
    for target, paths in _sums(sheet):
        data = sorted((path for path in paths if not sheet.reads_penalty(path)), key=lambda path: _use(sheet, path))
        if sheet.has_role(target, Role.PARAMETER) and len(data) > 1:
            rest = tuple(path for path in paths if sheet.reads_penalty(path))
            yield Site(target, sheet.only(target, (data[-1], *rest)), "last")
            yield Site(target, sheet.only(target, (data[0], *rest)), "first")


def _use(sheet: Worksheet, path: Path) -> int:
    """Return when, in the order of computation, the line of a product reads what the gradient is by."""
    return sheet.positions[str(sheet.derivation.elements.place(path.link.source, path.sample))]


def statistics_constant(sheet: Worksheet) -> Iterator[Site]:
    """Yield gradients through something normalized that take its mean and its variance as constants."""
    statistics = {
        equation.name
        for equation in sheet.derivation.graph.equations
        if not sheet.is_loss(equation.name) and any(map(_is_mean_of_array, walk(equation.formula)))
    }
    for target, paths in _sums(sheet):
        kept = tuple(path for path in paths if _array(sheet, path.link.source) not in statistics)
        if 0 < len(kept) < len(paths):
            yield Site(target, sheet.only(target, kept))


def _is_mean_of_array(part: Node) -> bool:
    row = operation_of(part)
    return row is not None and row.name == "mean"


def _array(sheet: Worksheet, name: str) -> str:
    return sheet.derivation.graph.quantity_of(name).name


def no_penalty(sheet: Worksheet) -> Iterator[Site]:
    """Yield gradients without the part of the penalty, and losses without it."""
    for target, paths in _sums(sheet):
        kept = tuple(path for path in paths if not sheet.reads_penalty(path))
        if 0 < len(kept) < len(paths):
            yield Site(target, sheet.only(target, kept))
    for equation in forward(sheet):
        terms = tuple(term for term in equation.terms if not any(map(sheet.is_penalty, term.arguments)))
        if terms and len(terms) < len(equation.terms):
            yield Site(equation.name, (equation._replace(terms=terms),), "loss")


def penalty_factor(sheet: Worksheet) -> Iterator[Site]:
    """Yield parts of a penalty that are twice, or half, what they should be: λ for λ/2 and 2λ."""
    for factor in (_TWO, _HALF):
        for path in sheet.paths:
            if sheet.reads_penalty(path):
                yield Site(path.target, sheet.product(path, factor, sheet.partial(path)), str(factor.value))
        for equation in forward(sheet):
            if sheet.is_penalty(equation.name):
                yield Site(equation.name, (rescaled(equation, factor),), f"loss {factor.value}")
