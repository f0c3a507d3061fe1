"""Mistakes in what a computation is built of: kernels, nested functions, time, sums of products."""

from __future__ import annotations

from collections.abc import Iterator

from symbackprop.algebra.formula import Name, Node, fill, multiplied, names, rewrite
from symbackprop.by_hand.hand_computation import GRADIENT, Path
from symbackprop.derivation.element_grain import ElementEquation, Term
from symbackprop.graph.quantities import LAYER_KINDS, Role
from symbackprop.mistakes.worksheets import BIASES, Site, Worksheet, forward, of_terms, old, reading


def kernel_flipped(sheet: Worksheet) -> Iterator[Site]:
    """Yield sums with a kernel turned round: its last number stands where its first belongs."""
    for equation in forward(sheet):
        terms = tuple(Term(each.form, tuple(_flipped(sheet, key) for key in each.arguments)) for each in equation.terms)
        if any(new.arguments != term.arguments for new, term in zip(terms, equation.terms, strict=True)):
            yield Site(equation.name, (ElementEquation(equation.name, terms),))


def _flipped(sheet: Worksheet, key: str) -> str:
    """Return the key of the number at the other end of a kernel, the key itself of any other number."""
    quantity = sheet.quantity(old(key))
    is_kernel = (
        quantity is not None
        and quantity.role is Role.PARAMETER
        and quantity.kind not in LAYER_KINDS
        and bool(quantity.shape)
        and len({path.link.source for path in sheet.by_target.get(GRADIENT + old(key), ())}) > 1
    )
    if quantity is None or not is_kernel:
        return key
    numbers = [int(number) for number in sheet.numbers(key)]
    other = (size + 1 - number for size, number in zip(quantity.shape, numbers, strict=True))
    return sheet.element(key, *map(str, other)) or key


def derivative_inside(sheet: Worksheet) -> Iterator[Site]:
    """Yield gradients of nested functions as f′(g′(x)): the inner derivative stands inside the outer one."""
    for path in sheet.paths:
        before = sheet.by_target.get(sheet.upstream(path) or "", ())
        inner = sheet.partial(path)
        if len(before) != 1 or sheet.has_role(path.target, Role.PARAMETER) or path.link.term.form.arity != 1:
            continue
        reader = str(sheet.derivation.elements.place(path.link.source, path.sample))
        outer = _at_arguments(sheet, before[0])
        if reader in names(outer) and len(sheet.computation.by_key[reader].terms) == 1:
            first = sheet.upstream(before[0])
            factors = (*(() if first is None else (Name(first),)), _with_inside(outer, reader, inner))
            yield Site(path.target, (path.equation(factors),), sheet.position(path))


def _with_inside(formula: Node, key: str, inside: Node) -> Node:
    """Return a formula that reads another one in place of a key."""
    return rewrite(formula, lambda part: inside if part == Name(key) else None)


def _at_arguments(sheet: Worksheet, path: Path) -> Node:
    """Return the local partial of a product over the keys of the arguments alone."""
    form = path.link.term.form
    keys = path.read(sheet.derivation)[: form.arity]
    return fill(form.partial(path.link.slot).plain, tuple(map(Name, keys)))


def truncated_in_time(sheet: Worksheet) -> Iterator[Site]:
    """Yield gradients by what is used at many times from the last few uses alone."""
    for target, paths in sheet.by_target.items():
        data = [path for path in paths if not sheet.reads_penalty(path)]
        if not sheet.has_role(target, Role.PARAMETER) or len({path.link.source for path in data}) < len(data):
            continue
        data.sort(key=lambda path: sheet.positions[str(sheet.derivation.elements.place(path.link.source, path.sample))])
        rest = tuple(path for path in paths if sheet.reads_penalty(path))
        for kept in range(2, len(data)):
            yield Site(target, sheet.only(target, (*data[-kept:], *rest)), str(kept))


def elementwise_for_matrix(sheet: Worksheet) -> Iterator[Site]:
    """Yield errors of a layer by ⊙ where a product with a square matrix belongs: of its sum one term is left."""
    for target, paths in sheet.by_target.items():
        if sheet.has_role(target, Role.PARAMETER) or len(paths) < 2:
            continue
        own = [path for path in paths if _is_diagonal(sheet, path, sheet.numbers(target))]
        if len(own) == 1:
            yield Site(target, sheet.only(target, (own[0],)))


def _is_diagonal(sheet: Worksheet, path: Path, numbers: tuple[str, ...]) -> bool:
    """Say whether a product leads past the weight of a square matrix on its diagonal, beside the unit of these numbers."""
    weights = [name for name in names(sheet.partial(path)) if sheet.has_role(name, Role.PARAMETER)]
    quantity = sheet.quantity(weights[0]) if len(weights) == 1 else None
    is_square = quantity is not None and len(quantity.shape) == 2 and len(set(quantity.shape)) == 1
    return is_square and sheet.numbers(weights[0]) == (*numbers, *numbers)


def biases_penalised(sheet: Worksheet) -> Iterator[Site]:
    """Yield gradients by biases with the part of a penalty that is for weights alone."""
    penalised = [path for path in sheet.paths if sheet.reads_penalty(path) and sheet.kind(path.target) == "weight"]
    if not penalised:
        return
    path = penalised[0]
    upstream, partial = sheet.upstream(path), sheet.partial(path)
    for target, paths in sheet.by_target.items():
        if sheet.kind(target) not in BIASES or any(map(sheet.reads_penalty, paths)):
            continue
        extra = reading(partial, {path.target.removeprefix(GRADIENT): target.removeprefix(GRADIENT)})
        factors = (*(() if upstream is None else (Name(upstream),)), extra)
        terms = [term.formula() for term in sheet.computation.by_key[target].terms]
        yield Site(target, (of_terms(target, *terms, multiplied(factors)),))
