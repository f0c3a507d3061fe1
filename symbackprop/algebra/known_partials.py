"""The partials of the commonest forms, as SymPy has them: who meets no other form never waits for SymPy.

To import it takes as long as a whole small problem. Nothing here is believed: a test asks SymPy for each.
"""

from __future__ import annotations

from collections.abc import Mapping

from symbackprop.algebra import expressions, functions
from symbackprop.algebra.formula import Name, Node, Slot, rewrite
from symbackprop.registry import cached

_SLOTS = ("p", "q", "r", "s")

TABLE: Mapping[str, tuple[str, ...]] = {
    "p": ("1",),
    "-p": ("-1",),
    "1/2*p": ("1/2",),
    "1/3*p": ("1/3",),
    "1/4*p": ("1/4",),
    "p*q": ("q", "p"),
    "p**2": ("2*p",),
    "1/2*p**2": ("p",),
    "(p - q)**2": ("2*(p - q)", "2*(q - p)"),
    "1/2*(p - q)**2": ("p - q", "q - p"),
    "1/4*(p - q)**2": ("1/2*(p - q)", "1/2*(q - p)"),
    "p**q": ("where(abs(q) > 0, q*p**(q - 1), 0)", "where(abs(p) > 0, p**q*ln(p), 0)"),
    "exp(p)": ("exp(p)",),
    "exp(-p)": ("-exp(-p)",),
    "ln(p)": ("1/p",),
    "sqrt(p)": ("1/(2*sqrt(p))",),
    "relu(p)": ("step(p)",),
    "p - q": ("1", "-1"),
    "p - q*r": ("1", "-r", "-q"),
    "p*(q - r)": ("q - r", "p", "-p"),
    "2*(p - q)": ("2", "-2"),
    "p*(q*(1 - q))": ("q*(1 - q)", "p*(1 - q) - p*q"),
    "p*step(q)": ("step(q)", "0"),
    "(1 - p)/(1 - q) - p/q": ("-(1/(1 - q)) - 1/q", "p/q**2 + (1 - p)/(1 - q)**2"),
    "sigmoid(p)": ("exp(-p)/(1 + exp(-p))**2",),
    "tanh(p)": ("1 - tanh(p)**2",),
    "-(p*ln(q) + (1 - p)*ln(1 - q))": ("ln(1 - q) - ln(q)", "(1 - p)/(1 - q) - p/q"),
}
"""Forms over p, q, … in place of slots, with their partials by each in turn."""


def of(form: Node, slot: int) -> Node | None:
    """Return the partial of a form by a slot, as a formula over slots; None where SymPy has to be asked."""
    known = _known().get(form)
    return None if known is None else known[slot]


@cached
def _known() -> Mapping[Node, tuple[Node, ...]]:
    return {over_slots(form): tuple(map(over_slots, partials)) for form, partials in TABLE.items()}


def over_slots(text: str) -> Node:
    """Return a text of the table as a formula over slots."""
    arities = {**functions.ARITIES, "step": 1}
    tree = expressions.parse(text, functions=arities, names=_SLOTS, arities=arities)
    return rewrite(tree, lambda part: Slot(_SLOTS.index(part.name)) if isinstance(part, Name) else None)
