"""The reverse sweep: equations → links of the chain rule.

The sweep knows no layer, no activation and no loss: it walks the equations backwards, and each argument of each term gives
one link, upstream adjoint × local partial. The gradient by a quantity is the sum of its links.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from symbackprop.algebra.forms import Form
from symbackprop.algebra.formula import Adjoint, Node, multiplied
from symbackprop.derivation.element_grain import ElementEquation, ElementGraph, Term


class Link(NamedTuple):
    """One step of the chain rule: ∂output/∂source · ∂source/∂(the argument of `term` in `slot`)."""

    source: str
    term: Term
    slot: int

    @property
    def read(self) -> tuple[str, ...]:
        """Everything that the step is made of: the source, whose gradient is upstream, and what the partial may read."""
        return (self.source, *self.term.arguments)

    def partial(self) -> Node:
        """Return the local partial as a formula over names."""
        return self.term.partial(self.slot)

    def contribution(self, output: str) -> Node:
        """Return what the step adds to the gradient of the output: upstream adjoint · local partial."""
        upstream = () if self.source == output else (Adjoint(self.source),)
        return multiplied((*upstream, self.partial()))


class Links(Mapping[str, tuple[Link, ...]]):
    """The links of every quantity that the output depends on, each quantity after the sources of its links.

    Links are made when they are asked for; what is stored is where a quantity is read: numbers of equation, term and slot,
    one after the other. (Tens of thousands of small objects would keep the garbage collector busy longer than the
    sweep.)
    """

    __slots__ = ("_equations", "_fused", "_places")

    def __init__(
        self, equations: Sequence[ElementEquation], places: Mapping[str, Sequence[int]], *, fused: bool = True
    ) -> None:
        self._equations = equations
        self._places = places
        self._fused = fused

    def __getitem__(self, name: str) -> tuple[Link, ...]:
        places = iter(self._places[name])
        return tuple([self._link(*place) for place in zip(places, places, places, strict=True)])

    def reached(self) -> Iterator[str]:
        """Iterate over the names of what has links."""
        return (name for name, places in self._places.items() if places)

    def forms(self) -> Collection[Form]:
        """Return the forms of the terms that the links go through, each object once, without a link being made."""
        read: set[int] = set()
        for places in self._places.values():
            read.update(places[::3])
        found: dict[int, Form] = {}
        for place in sorted(read):
            equation = self._equations[place]
            for term in _terms(equation) if self._fused else equation.terms:
                found.setdefault(id(term.form), term.form)
        return [form for form in found.values() if len(form.unmoved) < form.arity]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Links):
            return NotImplemented
        return (self._equations, self._places) == (other._equations, other._places)

    def __repr__(self) -> str:
        return f"<Links of {len(self)} quantities>"

    def _link(self, equation: int, term: int, slot: int) -> Link:
        source = self._equations[equation]
        return Link(source.name, _terms(source)[term], slot)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _terms(equation: ElementEquation) -> tuple[Term, ...]:
    return equation.terms if equation.fused is None else (*equation.terms, equation.fused)


def sweep(elements: ElementGraph, *, fused: bool = True) -> Links:
    """Return the links of every quantity that the output depends on, each quantity after the sources of its links.

    The links of one quantity stand in the order of the equations that read it. A fused loss has links of its own to the
    logits, and those through the activation between are left out; without `fused` it is the other way round.

    The output itself has no link: its adjoint is 1. The time is proportional to the number of term arguments (edges).
    """
    equations = elements.equations
    read = {elements.output}
    swept: list[int] = []
    for position in reversed(range(len(equations))):
        if equations[position].name in read:
            swept.append(position)
            read.update(*[term.moving for term in equations[position].terms])
    # Defined quantities in reverse order of definition: each comes after every source of its links. Then the leaves.
    places: dict[str, tuple[int, ...]] = {equations[position].name: () for position in swept}
    more: dict[str, list[int]] = {}
    for position in reversed(swept):
        equation = equations[position]
        if fused and equation.name in elements.bypassed:
            continue
        plain = {name for term in equation.terms for name in term.arguments} if equation.fused else ()
        for number, term in enumerate(_terms(equation) if fused else equation.terms):
            unmoved = term.form.unmoved
            for slot, name in enumerate(term.arguments):
                if (unmoved and slot in unmoved) or (term is equation.fused and name in plain):
                    continue  # what is only compared, or a target, which the loss itself reads
                if name in more:
                    more[name] += (position, number, slot)
                elif places.get(name):
                    more[name] = [*places[name], position, number, slot]
                else:
                    places[name] = (position, number, slot)
    return Links(equations, {**places, **more}, fused=fused)
