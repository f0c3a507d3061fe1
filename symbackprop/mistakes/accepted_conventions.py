"""Conventions: numbers that are right and only different, if all of them keep to the same one."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from symbackprop.algebra.formula import Name, Negative, Number, Power, Product, walk
from symbackprop.by_hand.hand_computation import GRADIENT, NEW
from symbackprop.catalog.optimizers import RATE
from symbackprop.mistakes import wrong_gradients, wrong_products
from symbackprop.mistakes.worksheets import Site, Worksheet, forward, of_terms, rescaled


def negative_delta(sheet: Worksheet) -> Iterator[Site]:
    """Yield errors δ = −∂L/∂z: what is computed from them takes the minus back."""
    for target in sheet.by_target:
        if sheet.kind(target) == "pre_activation":
            yield Site(target, (of_terms(target, Negative(Name(target))),), "negative", is_written=True)


def mean_in_gradient(sheet: Worksheet) -> Iterator[Site]:
    """Yield errors of the samples without 1/m, which then stands in the gradients by parameters."""
    samples = sheet.derivation.problem.samples
    if samples is None or not wrong_gradients.has_mean(sheet):
        return
    for target in sheet.by_target:
        quantity = sheet.quantity(target)
        if quantity is not None and quantity.batched:
            factor = Number(Fraction(samples))
            yield Site(target, (of_terms(target, Product((factor, Name(target)))),), "sum", is_written=True)


def loss_without_half(sheet: Worksheet) -> Iterator[Site]:
    """Yield losses twice as large, with all their gradients: without the factor 1/2, or with it where there is none."""
    for factor in (Number(Fraction(2)), Number(Fraction(1, 2))):
        for path in sheet.paths:
            first = sheet.is_loss(path.link.source) and not sheet.is_loss(path.target)
            if first and any(isinstance(part, Power) for part in walk(path.link.term.form.formula)):
                yield Site(path.target, sheet.product(path, factor, sheet.partial(path)), str(factor.value))
        for equation in forward(sheet):
            if sheet.is_loss(equation.name) and any(isinstance(part, Power) for part in walk(equation.formula())):
                yield Site(equation.name, (rescaled(equation, factor),), str(factor.value))


def summed_samples(sheet: Worksheet) -> Iterator[Site]:
    """Yield the loss as the sum over the samples in place of the mean, with all its gradients; or as the mean."""
    samples = sheet.derivation.problem.samples
    if samples is None or samples < 2:
        return
    factor = Number(Fraction(samples) if wrong_gradients.has_mean(sheet) else Fraction(1, samples))
    for path in sheet.paths:
        if sheet.is_loss(path.target):
            yield Site(path.target, sheet.product(path, factor, sheet.partial(path)))
    for equation in forward(sheet):
        reads_samples = any(sheet.is_loss(name) for term in equation.terms for name in term.arguments)
        if reads_samples and len(equation.terms) == samples:
            yield Site(equation.name, (rescaled(equation, factor),))


def change_for_gradient(sheet: Worksheet) -> Iterator[Site]:
    """Yield changes Δw = −η·∂L/∂w, or η·∂L/∂w, written down as gradients; the new values are the same."""
    for element in sheet.updated:
        key = GRADIENT + element
        change = Product((Name(RATE), Name(key)))
        yield Site(key, (of_terms(key, Negative(change)),), "change", is_written=True)
        yield Site(key, (of_terms(key, change),), "decrease", is_written=True)


def transposed_layout(sheet: Worksheet) -> Iterator[Site]:
    """Yield square matrices of weights written as their transposes: gradients and new values alike."""
    for target in sheet.by_target:
        other = wrong_products.transposed(sheet, target)
        if other is None or other == target or other not in sheet.by_target:
            continue
        for key, from_key in (
            (target, other),
            *(() if element_is_fixed(sheet, target) else ((_new(target), _new(other)),)),
        ):
            yield Site(key, (of_terms(key, Name(from_key)),), "transposed", is_written=True)


def element_is_fixed(sheet: Worksheet, target: str) -> bool:
    """Say whether the update leaves the element that a gradient is by."""
    return target.removeprefix(GRADIENT) not in sheet.updated


def _new(target: str) -> str:
    return NEW + target.removeprefix(GRADIENT)
