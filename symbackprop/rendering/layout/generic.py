"""Functions that stay symbols, and recurrences for an arbitrary layer."""

from __future__ import annotations

from dataclasses import replace

from symbackprop.algebra.formula import Apply, Name, Node, SampleCount, UnknownFunction
from symbackprop.algebra.functions import GENERIC_LOSS
from symbackprop.document.display_nodes import General, Sized, Summation, Width
from symbackprop.graph.notation import Symbol, own_symbol
from symbackprop.rendering.layout.boxes import (
    COMMA,
    CROSS,
    GAP,
    SLASH,
    SUM,
    Fenced,
    Fraction,
    Infix,
    Number,
    Scripts,
    Sign,
    Under,
    counted,
    joined,
)
from symbackprop.rendering.layout.formula_layout import ATOM, POWER, PRODUCT, SIGNED, LaidOut, Layout, Rules


def function(layout: Layout, node: Apply) -> LaidOut:
    """Lay out a function without a formula, or its derivative: f⁽²⁾(z), f⁽²⁾′(z), 𝓛(a, y), ∂L/∂a."""
    settings = dict(node.settings)
    if "by" in settings:
        return _partial(layout, node.arguments[int(settings["by"])])
    arguments = Fenced("(", joined(COMMA, [layout.box(argument) for argument in node.arguments]), ")")
    if node.function == GENERIC_LOSS:
        return (Symbol("L", accent="mathcal"), arguments), POWER
    letter = layout.notation.function(int(settings["layer"]), int(settings.get("order", 0)))
    return (letter, arguments), POWER


def _unknown(layout: Layout, node: UnknownFunction) -> LaidOut:
    """Lay out a function of which nothing but the name is known: f(x), f′(x); y and dy/dx where that is implied."""
    letter = own_symbol(node.name)
    if not node.implied:
        primed = replace(letter, upper=("′" * node.order,)) if node.order else letter
        return (primed, Fenced("(", layout.box(node.argument), ")")), POWER
    if not node.order:
        return letter, ATOM
    above, below = (Sign("d"), letter), (Sign("d"), layout.box(node.argument))
    return (above, SLASH, below) if layout.inline else Fraction(above, below), PRODUCT


def _partial(layout: Layout, by: Node) -> LaidOut:
    """Lay out the partial of the loss of the data: of one sample, where there are several."""
    equations = layout.notation.graph.equations
    name = next(e.name for e in equations if isinstance(e.formula, Apply) and e.formula.function == GENERIC_LOSS)
    sample = by.sample if isinstance(by, Name) else None
    return layout.derivative(layout.box(Name(name, sample)), layout.box(by))


def _general(layout: Layout, node: General) -> LaidOut:
    """A formula for an arbitrary layer, in the notation of that layer."""
    over = "n" if node.notation.graph.samples else ""
    return layout.in_notation(node.notation, over).laid_out(node.body)


def _summation(layout: Layout, node: Summation) -> LaidOut:
    """A sum over the units of a layer or over the samples, all or all but one."""
    body = layout.box(node.body) if isinstance(node.body, Summation) else layout.inside(node.body, PRODUCT)
    if node.other:
        sign = Scripts(SUM, (Symbol(node.index), Infix("≠"), Symbol(node.other)))
    else:
        sign = counted(node.index, layout.box(SampleCount() if node.layer is None else Width(node.layer)))
    return (sign, GAP, body), SIGNED


def _sized(layout: Layout, node: Sized) -> LaidOut:
    """An array with its shape under it, in numbers of units."""
    body, strength = layout.laid_out(node.body)
    rows, columns = (Number("1") if layer is None else layout.box(Width(layer)) for layer in node.layers)
    return Under(body, (rows, CROSS, columns)), strength


RULES: Rules = {
    UnknownFunction: _unknown,
    SampleCount: lambda layout, node: (Symbol("m"), ATOM),
    General: _general,
    Summation: _summation,
    Sized: _sized,
    Width: lambda layout, node: (layout.notation.width(node.layer), ATOM),
}
