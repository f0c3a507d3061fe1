"""Which lines a document writes out where it does not write out all: one parameter of each array, or one of each kind.

`representative` writes out one parameter of each array, the units on its way and the first few others; `short` the first
value and the first gradient of each kind: those that are found in the same way, from other numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator

from symbackprop.derivation.derivations import Derivation
from symbackprop.document.chain_rule.scene import Choice
from symbackprop.evaluation.evaluate import Values
from symbackprop.graph.quantities import Role

MOST_SHOWN = 2
"""The elements of each computed array that `representative` writes out, beside those on the way of a parameter."""


def representatives(derivation: Derivation, values: Values | None) -> Choice:
    """Return the scalars whose lines `representative` writes out.

    Of each array of weights the first one whose gradient is not 0, so that every factor of it is to be seen, or just the
    first; the bias of its unit; that unit, and the first few of every computed array.
    """
    links = derivation.links
    chosen: set[str] = set()
    for quantity in derivation.graph.quantities.values():
        elements = quantity.elements()
        if quantity.role not in (Role.PARAMETER, Role.INPUT):
            chosen.update(elements[:MOST_SHOWN])
            continue
        # A bias comes after the weights of its layer: it is that of the unit which one of them was chosen for.
        own = [name for name in elements if any(link.source in chosen for link in links.get(name, ()))]
        candidates = own if own and quantity.kind in _BIASES else elements
        weight = next((name for name in candidates if _moves(derivation, values, name)), candidates[0])
        chosen.update((weight, *(link.source for link in links.get(weight, ()) if quantity.kind == "weight")))
    found = frozenset(chosen.union(*(_activation(derivation, name) for name in chosen)))
    return Choice(found, found, found)


_BIASES = ("bias", "threshold")


def first_of_each_kind(derivation: Derivation, values: Values | None) -> Choice:
    """Return the scalars whose lines `short` writes out: the first value, gradient and update of each kind.

    Values are of a kind where their formulas have the same form, gradients where the formulas that read them have; the
    output layer is a kind of its own. Of gradients the first that is not 0, if there is one.
    """
    graph, links = derivation.graph, derivation.links
    computed = [graph.quantities[equation.name] for equation in graph.equations]
    leaves = graph.of_role(Role.PARAMETER) or graph.of_role(Role.INPUT)

    def kind(name: str, *found: Hashable) -> Hashable:
        quantity = graph.quantity_of(name)
        is_last = quantity.layer == len(graph.layers) and quantity.kind not in _BIASES
        return quantity.role, quantity.kind, is_last, found

    def of_gradient(name: str) -> Hashable:
        return kind(name, *((link.term.form, link.slot) for link in links[name]))

    def of_value(name: str) -> Hashable:
        return kind(name, *(term.form for term in derivation.equations[name].terms))

    ways_back = [*reversed(computed), *sorted(leaves, key=lambda quantity: -(quantity.layer or 0))]
    differentiated = [name for quantity in ways_back for name in quantity.elements() if links.get(name)]
    moving = [name for name in differentiated if _moves(derivation, values, name)]
    gradients = _firsts((*moving, *differentiated), of_gradient)
    forward = _firsts((name for quantity in computed for name in quantity.elements()), of_value)
    return Choice(forward, gradients, frozenset(_first_update(derivation, gradients)), is_short=True)


def _firsts(names: Iterable[str], kind: Callable[[str], Hashable]) -> frozenset[str]:
    """Return the first name of each kind."""
    found: dict[Hashable, str] = {}
    for name in names:
        found.setdefault(kind(name), name)
    return frozenset(found.values())


def _first_update(derivation: Derivation, gradients: frozenset[str]) -> Iterator[str]:
    """Yield the first parameter that is updated, one whose gradient is written out if there is one."""
    training = derivation.problem.training
    frozen = training.frozen if training else frozenset()
    updated = [name for each in derivation.parameters if each.name not in frozen for name in each.elements()]
    yield from [name for name in updated if name in gradients][:1] or updated[:1]


def _moves(derivation: Derivation, values: Values | None, name: str) -> bool:
    """Say whether the gradient by a scalar, of a batch in its first sample, is there and not 0."""
    if values is None:
        return False
    return bool(values.gradient(name, 1 if name in derivation.elements.batched else None) != 0)


def _activation(derivation: Derivation, name: str) -> Iterator[str]:
    """Yield the activation of a pre-activation."""
    quantity, numbers = derivation.graph.place_of(name)
    if quantity.kind == "pre_activation" and quantity.layer is not None:
        yield derivation.graph.units(quantity.layer).at(*numbers)
