"""Mistakes in derivatives: of activations, of a cross-entropy after its activation, of a softmax."""

from __future__ import annotations

from collections.abc import Iterator

from symbackprop.algebra import expressions
from symbackprop.algebra.formula import (
    ONE,
    Apply,
    Name,
    Node,
    Product,
    added,
    fill,
    names,
    negated,
)
from symbackprop.algebra.functions import ARITIES
from symbackprop.by_hand.hand_computation import GRADIENT, Path
from symbackprop.graph.quantities import Role
from symbackprop.mistakes.worksheets import Site, Worksheet, reading


def activations(sheet: Worksheet, *, kinked: bool = False) -> Iterator[tuple[Path, Apply]]:
    """Yield the products with the derivative of an activation: of smooth ones, or of those that have a kink."""
    for path in sheet.paths:
        function = sheet.activation(path)
        if function is not None and bool(path.link.term.form.kinks) is kinked:
            yield path, function


def no_derivative(sheet: Worksheet) -> Iterator[Site]:
    """Yield products without the derivative of the activation."""
    for path, _ in activations(sheet):
        yield Site(path.target, sheet.product(path))


def derivative_not_passed_on(sheet: Worksheet) -> Iterator[Site]:
    """Yield gradients of inner activations from gradients by activations behind them: f′ is used locally alone."""
    for path in sheet.paths:
        upstream = sheet.upstream(path)
        before = sheet.by_target.get(upstream or "", ())
        if upstream is None or sheet.has_role(path.target, Role.PARAMETER) or len(before) != 1:
            continue
        skipped = sheet.upstream(before[0])
        if skipped is not None and sheet.activation(before[0]) is not None:
            yield Site(path.target, (path.equation((Name(skipped), sheet.partial(path))),), sheet.position(path))


def derivative_at_activation(sheet: Worksheet) -> Iterator[Site]:
    """Yield products with f′(a) in place of f′(z)."""
    for path, _ in activations(sheet):
        form = path.link.term.form
        value = f"{sheet.derivation.elements.place(path.link.source, path.sample)}"
        yield Site(path.target, sheet.product(path, fill(form.partial(0).plain, (Name(value),))))


def derivative_at_preactivation(sheet: Worksheet) -> Iterator[Site]:
    """Yield products with z in place of a in a derivative that is written in a: z(1 − z)."""
    for path, _ in activations(sheet):
        argument, *values = path.read(sheet.derivation)
        partial = sheet.partial(path)
        if set(names(partial)) & set(values):
            yield Site(path.target, sheet.product(path, reading(partial, dict.fromkeys(values, argument))))


def derivative_twice(sheet: Worksheet) -> Iterator[Site]:
    """Yield products with the derivative of the activation twice."""
    for path, _ in activations(sheet):
        partial = sheet.partial(path)
        yield Site(path.target, sheet.product(path, partial, partial))


WRONG_TANH = ("1 - a", "1/cosh(z)", "1/cosh(a)", "1/cosh(a)**2", "1 + a**2", "(1 - a)**2")
"""What is written for 1 − a², over z and a = tanh(z)."""


def wrong_tanh_derivative(sheet: Worksheet) -> Iterator[Site]:
    """Yield products with something else for 1 − tanh²: without the square, sech, sech at a."""
    for path, function in activations(sheet):
        if function.function != "tanh":
            continue
        argument = path.read(sheet.derivation)[0]
        value = f"{sheet.derivation.elements.place(path.link.source, path.sample)}"
        for text in WRONG_TANH:
            formula = expressions.parse(text, functions=ARITIES, names=("z", "a"), arities=ARITIES)
            yield Site(path.target, sheet.product(path, reading(formula, {"z": argument, "a": value})), text)


def relu_ignored(sheet: Worksheet) -> Iterator[Site]:
    """Yield products without the derivative of an activation with a kink; with it at the gradient, or of a neighbour."""
    for path, _ in activations(sheet, kinked=True):
        yield Site(path.target, sheet.product(path))
        plain = path.link.term.form.partial(0).plain
        upstream, argument = sheet.upstream(path), path.read(sheet.derivation)[0]
        if upstream is not None:
            yield Site(path.target, sheet.product(path, fill(plain, (Name(upstream),))), "upstream")
        row = sheet.neighbours(argument)
        if len(row) > 1:
            other = row[(row.index(argument) + 1) % len(row)]
            yield Site(path.target, sheet.product(path, fill(plain, (Name(other),))), "neighbour")


def spurious_sigmoid(sheet: Worksheet) -> Iterator[Site]:
    """Yield errors of a cross-entropy with one derivative a(1 − a) too many."""
    for path in sheet.paths:
        value = _own_value(sheet, path)
        if value is not None:
            slope = Product((value, added((ONE, negated(value)))))
            yield Site(path.target, sheet.product(path, sheet.partial(path), slope))


def _own_value(sheet: Worksheet, path: Path) -> Node | None:
    """Return the activation of the unit whose error a fused loss gives, None for another product."""
    if not sheet.is_fused(path):
        return None
    logit = path.target.removeprefix(GRADIENT)
    values = path.read(sheet.derivation)[len(path.link.term.arguments) :]
    return Name(values[sheet.neighbours(logit).index(logit)])


def softmax_diagonal(sheet: Worksheet) -> Iterator[Site]:
    """Yield gradients through a softmax by its diagonal a(1 − a) alone."""
    for path in sheet.paths:
        term = path.link.term
        own = _own_value(sheet, path)
        if own is not None and _is_vector(sheet, own):
            loss = _loss_partial(sheet, own.name if isinstance(own, Name) else "", path)
            yield Site(path.target, sheet.product(path, loss, own, added((ONE, negated(own)))))
        elif term.values and len(term.values) > 1 and path.link.slot == 0 and not sheet.is_fused(path):
            yield Site(path.target, sheet.only(path.target, (path,)))


def _is_vector(sheet: Worksheet, value: Node) -> bool:
    equation = sheet.computation.by_key[value.name if isinstance(value, Name) else ""]
    return len(equation.terms) == 1 and len(equation.terms[0].arguments) > 1


def _loss_partial(sheet: Worksheet, value: str, path: Path) -> Node:
    """Return the derivative of the loss by an activation that a fused loss leads past."""
    equation = sheet.derivation.equations[path.link.source]
    found = []
    for term in equation.terms:
        keys = [str(sheet.derivation.elements.place(name, path.sample)) for name in term.arguments]
        found += [
            fill(term.form.partial(slot).plain, tuple(map(Name, keys))) for slot, key in enumerate(keys) if key == value
        ]
    return added(tuple(found))
