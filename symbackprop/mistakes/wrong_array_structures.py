"""Mistakes of code in what a backward pass is built of: products, kernels, time, penalties, means of some gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction

from symbackprop.algebra.formula import (
    ZERO,
    Adjoint,
    Apply,
    Hadamard,
    Indexed,
    Name,
    Node,
    Number,
    Product,
    Stack,
    added,
    fill,
    rewrite,
    walk,
)
from symbackprop.catalog import optimizers
from symbackprop.graph.quantities import LAYER_KINDS, Role
from symbackprop.mistakes.array_worksheets import ArraySite, ArrayWorksheet
from symbackprop.mistakes.worksheets import BIASES
from symbackprop.mistakes.wrong_arrays import no_mean

MOST_TURNED = 64
"""Numbers of a kernel that is turned round."""


def truncated_in_time(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield gradients by what is used many times from the last few uses alone."""
    order = list(sheet.equations)
    for target, sources in sheet.sources.items():
        uses = sorted((each for each in sources if not sheet.is_penalty(each)), key=order.index)
        if sheet.quantity(target).role is Role.PARAMETER:
            for kept in range(2, len(uses)):
                yield ArraySite(target, {(target, each): ZERO for each in uses[:-kept]}, str(kept))


def mean_in_bias_only(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield gradients by weights as sums over the samples, where those by biases are means."""
    if any(sheet.quantity(target).kind in BIASES for target in sheet.sources):
        yield from _sums(sheet, lambda kind: kind not in BIASES)


def mean_in_weights_only(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield gradients by biases as sums over the samples, where those by weights are means."""
    return _sums(sheet, lambda kind: kind in BIASES)


def _sums(sheet: ArrayWorksheet, wanted: Callable[[str], bool]) -> Iterator[ArraySite]:
    for site in no_mean(sheet):
        quantity = sheet.quantity(site.at)
        if quantity.role is Role.PARAMETER and wanted(quantity.kind):
            yield site


def derivative_inside(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield gradients of nested functions as f′(g′(x)): the inner derivative stands inside the outer one."""
    outer = {source: formula for (_, source), formula in sheet.activations()}
    for (target, source), formula in sheet.activations():
        behind = sheet.sources[source]
        if len(behind) != 1:
            continue
        inner, after = fill(sheet.partial(formula), (Name(target),)), behind[0]
        if after in outer and outer[after].arguments == (Name(source),):
            found: Node = Hadamard((Adjoint(after), fill(sheet.partial(outer[after]), (inner,))))
        else:
            found = _with(sheet.links[source, after], Name(source), inner)
        if inner in walk(found):
            yield ArraySite(target, {(target, source): found})


def _with(formula: Node, before: Node, after: Node) -> Node:
    return rewrite(formula, lambda part: after if part == before else None)


def elementwise_for_outer(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield gradients by square matrices as ⊙ of the error and the value, where a matrix of products belongs."""
    for (target, source), formula in sheet.links.items():
        match formula:
            case Apply("outer", (Name() | Adjoint() as left, Name() | Adjoint() as right)):
                shape = sheet.quantity(left.name).shape
                if shape == sheet.quantity(right.name).shape and max(shape) > 1:
                    yield ArraySite(target, {(target, source): Hadamard((left, right))})


def kernel_flipped(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield gradients by a kernel turned round."""
    for (target, source), formula in sheet.links.items():
        quantity, equation = sheet.quantity(target), sheet.equations[source].formula
        is_kernel = quantity.role is Role.PARAMETER and quantity.kind not in LAYER_KINDS and bool(quantity.shape)
        windows = [part for part in walk(equation) if part == Name(target)]
        if is_kernel and isinstance(equation, Stack) and len(windows) > 1 and math.prod(quantity.shape) <= MOST_TURNED:
            yield ArraySite(target, {(target, source): _turned_round(formula, quantity.shape)})


def _turned_round(formula: Node, shape: tuple[int, ...]) -> Node:
    if not shape:
        return formula
    return Stack(tuple(_turned_round(Indexed(formula, (place,)), shape[1:]) for place in reversed(range(shape[0]))))


def biases_penalised(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield gradients by biases with the part of a penalty that is for weights alone."""
    parts = [
        (key, formula)
        for key, formula in sheet.links.items()
        if sheet.is_penalty(key[1]) and sheet.quantity(key[0]).kind == "weight"
    ]
    for target, sources in sheet.sources.items():
        is_free = sheet.quantity(target).kind in BIASES and not any(map(sheet.is_penalty, sources))
        if parts and is_free:
            (weight, _), formula = parts[0]
            own = _with(formula, Name(weight), Name(target))
            yield ArraySite(target, {(target, sources[0]): added((sheet.links[target, sources[0]], own))})


def decay_in_gradient(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield gradients with the weight decay in them, where the optimizer takes it beside the gradient."""
    training = sheet.gradient.problem.training
    lines = () if training is None else optimizers.lines(training.optimizer)
    decay = None if training is None else training.settings.get("weight_decay")
    is_beside = not any(target == "g_tilde" for target, _ in lines)
    if decay is None or not is_beside or not isinstance(decay.value, Fraction) or not decay.value:
        return
    for target, sources in sheet.sources.items():
        if sheet.quantity(target).role is Role.PARAMETER:
            term = Product((Number(decay.value), Name(target)))
            yield ArraySite(target, {(target, sources[0]): added((sheet.links[target, sources[0]], term))})
