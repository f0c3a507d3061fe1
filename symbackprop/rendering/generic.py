"""Functions that stay symbols, and recurrences for an arbitrary layer → TeX."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from symbackprop.algebra.formula import Apply, Name, Node
from symbackprop.algebra.functions import GENERIC_LOSS
from symbackprop.document.display_nodes import General, Letter, Sized, Summation, Width
from symbackprop.graph.notation import Symbol

if TYPE_CHECKING:
    from symbackprop.rendering.tex import Printer

_SIGNED, _PRODUCT, _POWER, _ATOM = 1, 2, 3, 4
Printed = tuple[str, int]


def function(printer: Printer, node: Apply) -> Printed:
    """Print a function without a formula, or its derivative: f⁽²⁾(z), f⁽²⁾′(z), 𝓛(a, y), ∂L/∂a."""
    settings = dict(node.settings)
    if "by" in settings:
        return _partial(printer, node.arguments[int(settings["by"])])
    arguments = ", ".join(printer.print(argument) for argument in node.arguments)
    if node.function == GENERIC_LOSS:
        return rf"\mathcal{{L}}({arguments})", _POWER
    letter = printer.notation.function(int(settings["layer"]), int(settings.get("order", 0)))
    return f"{printer.print(Letter(letter))}({arguments})", _POWER


def _partial(printer: Printer, by: Node) -> Printed:
    """Print the partial of the loss of the data: of one sample, where there are several."""
    equations = printer.notation.graph.equations
    name = next(e.name for e in equations if isinstance(e.formula, Apply) and e.formula.function == GENERIC_LOSS)
    sample = by.sample if isinstance(by, Name) else None
    return printer.derivative(printer.print(Name(name, sample)), printer.print(by))


def general(printer: Printer, node: General) -> Printed:
    """A formula for an arbitrary layer, in the notation of that layer."""
    over = "n" if node.notation.graph.samples else ""
    return replace(printer, notation=node.notation, over=over, spelled={}).printed(node.body)


def summation(printer: Printer, node: Summation) -> Printed:
    """A sum over the units of a layer or over the samples, all or all but one."""
    body = printer.print(node.body) if isinstance(node.body, Summation) else printer.inside(node.body, _PRODUCT)
    if node.other:
        return rf"\sum_{{{node.index} \ne {node.other}}} {body}", _SIGNED
    top = printer.print(Letter(Symbol("m")) if node.layer is None else Width(node.layer))
    return rf"\sum_{{{node.index}=1}}^{{{top}}} {body}", _SIGNED


def sized(printer: Printer, node: Sized) -> Printed:
    """An array with its shape under it, in numbers of units."""
    text, strength = printer.printed(node.body)
    rows, columns = ("1" if layer is None else printer.print(Width(layer)) for layer in node.layers)
    return rf"\underset{{{rows} \times {columns}}}{{{text}}}", strength


def width(printer: Printer, node: Width) -> Printed:
    """The number of units of a layer."""
    return printer.print(Letter(printer.notation.width(node.layer))), _ATOM


RULES: Mapping[type[Node], Callable[..., Printed]] = {
    General: general,
    Summation: summation,
    Sized: sized,
    Width: width,
}
