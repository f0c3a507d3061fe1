"""The reverse sweep: equations → links of the chain rule.

The sweep knows no layer, no activation and no loss: it walks the equations backwards, and each argument of each term gives
one link, upstream adjoint × local partial. The gradient by a quantity is the sum of its links.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from symbackprop.elements import ElementGraph, Term
from symbackprop.formula import Node


class Link(NamedTuple):
    """One step of the chain rule: ∂output/∂source · ∂source/∂(the argument of `term` in `slot`)."""

    source: str
    term: Term
    slot: int

    def partial(self) -> Node:
        """Return the local partial as a formula over names."""
        return self.term.partial(self.slot)


Links = Mapping[str, tuple[Link, ...]]


def sweep(elements: ElementGraph) -> Links:
    """Return the links of every quantity that the output depends on, each quantity after the sources of its links.

    The links of one quantity stand in the order of the equations that read it.

    The output itself has no link: its adjoint is 1. The time is proportional to the number of term arguments (edges).
    """
    links: dict[str, list[Link]] = {elements.output: []}
    defined: list[str] = []
    for equation in reversed(elements.equations):
        if equation.name not in links:
            continue
        defined.append(equation.name)
        for term in reversed(equation.terms):
            for slot in reversed(range(len(term.arguments))):
                links.setdefault(term.arguments[slot], []).append(Link(equation.name, term, slot))
    # Defined quantities in reverse order of definition: each comes after every source of its links. Then the leaves.
    order = dict.fromkeys((*defined, *links))
    return {name: tuple(reversed(links[name])) for name in order}
