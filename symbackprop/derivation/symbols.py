"""A derivation in SymPy: a symbol for every quantity and every gradient, indexed by the sample where samples differ in it.

What is added over the samples is a `Sum` over them, from 0 as arrays count; what samples share (a penalty) stands outside.
No two things have one name, and every name is a Python identifier.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping

import sympy

from symbackprop.algebra import symbolic
from symbackprop.algebra.formula import Adjoint, Name, Node, SampleCount, added, walk
from symbackprop.algebra.piecewise import to_plain_sympy
from symbackprop.derivation.backprop import Links
from symbackprop.derivation.element_grain import ElementEquation
from symbackprop.errors import EvaluationError
from symbackprop.graph.batch_axis import BatchAxis
from symbackprop.graph.quantities import Graph
from symbackprop.graph.scalars import identifier
from symbackprop.messages import message

Parts = list[tuple[tuple[str, ...], Node]]
"""The parts of a formula, each with the names that it is made of."""

Known = Mapping[Node, sympy.Expr]
"""What stands in place of some names and adjoints."""

LARGEST_CLOSED_FORM = 20_000
"""Names in the largest closed form: SymPy takes seconds for it."""


class Symbols:
    """The quantities and gradients of a derivation as SymPy expressions."""

    def __init__(self, graph: Graph, equations: Mapping[str, ElementEquation], links: Links, axis: BatchAxis) -> None:
        self.graph, self.equations, self.links, self.axis = graph, equations, links, axis
        self._spelled: dict[Node, sympy.Expr] = {}

    @functools.cached_property
    def sample(self) -> sympy.Symbol:
        """The number of a sample, from 0."""
        return sympy.Symbol(_free("n", self.graph), integer=True, nonnegative=True)

    @functools.cached_property
    def samples(self) -> sympy.Expr:
        """The number of samples, or a symbol for it."""
        if isinstance(self.axis.samples, SampleCount):
            return sympy.Symbol(_free("m", self.graph), integer=True, positive=True)
        return sympy.Integer(self.axis.size)

    def of(self, node: Node) -> sympy.Expr | None:
        """Return the symbol of a value, of a gradient or of the number of samples; None for any other formula."""
        if isinstance(node, SampleCount):
            return self.samples
        if not isinstance(node, Name | Adjoint):
            return None
        found = self._spelled.get(node)
        if found is None:
            spelled = identifier(node.name) if isinstance(node, Name) else self.graph.gradient_name(node.name)
            if self.axis.differs([node.name]):
                found = sympy.IndexedBase(spelled, shape=(self.samples,), real=True)[self.sample]
            else:
                found = symbolic.name_symbol(spelled)
            self._spelled[node] = found
        return found

    def gradient(self, element: str, known: Known | None = None) -> sympy.Expr:
        """Return the gradient by a scalar over named quantities, or over what is `known` of them."""
        return self._total(element, self._contributions(element), known or {})

    def expression(self, element: str, known: Known | None = None) -> sympy.Expr:
        """Return the right-hand side of the equation of a scalar, likewise."""
        return self._total(element, self._terms(element), known or {})

    def closed_form(self, element: str) -> sympy.Expr:
        """Return the gradient by a scalar in parameters, inputs and targets alone; of the output, its value.

        Raises `EvaluationError` where it would be too large.
        """
        output = self.graph.output
        adjoints = _closure({element} - {output}, self.links, self._contributions, Adjoint)
        read = {part.name for name in adjoints for part in _leaves(self._contributions(name)) if isinstance(part, Name)}
        values = _closure({output} if element == output else read, self.equations, self._terms, Name)
        known: dict[Node, sympy.Expr] = {}
        sizes: dict[Node, int] = {}
        for nodes, parts, spelled in (
            (map(Name, values), self._terms, self.expression),
            (map(Adjoint, adjoints), self._contributions, self.gradient),
        ):
            for node in nodes:
                sizes[node] = sum(sizes.get(leaf, 1) for leaf in _leaves(parts(node.name)))
                if sizes[node] > LARGEST_CLOSED_FORM:
                    raise EvaluationError(message("derivation.closed_form", name=element, limit=LARGEST_CLOSED_FORM))
                known[node] = spelled(node.name, known)
        return known.get(Name(element) if element == output else Adjoint(element), sympy.S.Zero)

    def _contributions(self, element: str) -> Parts:
        links = self.links.get(element, ())
        return [(link.read, link.contribution(self.graph.output)) for link in links]

    def _terms(self, element: str) -> Parts:
        return [(term.arguments, term.formula()) for term in self.equations[element].terms]

    def _total(self, name: str, parts: Parts, known: Known) -> sympy.Expr:
        """Return the sum of the parts of a formula; those that are made of what differs between samples, over these."""
        once: list[Node] = []
        over_samples: list[Node] = []
        for read, part in parts:
            (over_samples if self.axis.adds(name, read) else once).append(part)

        leaf = functools.partial(self._known_or_own, known) if known else self.of
        total = to_plain_sympy(added(tuple(once)), leaf)
        if over_samples:
            total += sympy.Sum(to_plain_sympy(added(tuple(over_samples)), leaf), (self.sample, 0, self.samples - 1))
        return total

    def _known_or_own(self, known: Known, node: Node) -> sympy.Expr | None:
        found = known.get(node) if isinstance(node, Name | Adjoint) else None
        return self.of(node) if found is None else found


def _free(name: str, graph: Graph) -> str:
    """Return a name that no scalar has, as near to this one as there is."""
    while name in graph.quantities or graph.has_element(name):
        name += "_"
    return name


def _leaves(parts: Parts) -> Iterator[Name | Adjoint]:
    """Yield the named quantities and gradients in the parts of a formula, as often as they stand there."""
    for _, part in parts:
        yield from (leaf for leaf in walk(part) if isinstance(leaf, Name | Adjoint))


def _closure(
    wanted: set[str], order: Iterable[str], parts: Callable[[str], Parts], kind: type[Name] | type[Adjoint]
) -> list[str]:
    """Return what is wanted, and what that is made of, in the order in which each is made of earlier ones."""
    found = []
    for name in reversed(list(order)):
        if name in wanted:
            wanted |= {leaf.name for leaf in _leaves(parts(name)) if isinstance(leaf, kind)}
            found.append(name)
    return found[::-1]
