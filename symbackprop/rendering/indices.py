"""TeX of formulas about outputs i and j: sums over an index, and 1 where two indices are equal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from symbackprop.algebra.formula import Node
from symbackprop.document.display_nodes import Same, Total

if TYPE_CHECKING:
    from symbackprop.rendering.tex import Printer

_PRODUCT, _ATOM = 2, 4


def total(printer: Printer, node: Total) -> tuple[str, int]:
    """A sum over the outputs."""
    return rf"\sum_{{{node.index}=1}}^{{{node.count}}} {printer.inside(node.body, _PRODUCT)}", _PRODUCT


def same(printer: Printer, node: Same) -> tuple[str, int]:
    """1 where two indices are equal."""
    return rf"\mathbf{{1}}_{{{printer.print(node.left)} = {printer.print(node.right)}}}", _ATOM


RULES: Mapping[type[Node], Callable[..., tuple[str, int]]] = {Total: total, Same: same}
