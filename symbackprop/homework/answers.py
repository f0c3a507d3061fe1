"""What is asked: the answers of a homework, by id and by key of the computation, in the order of computation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from symbackprop.by_hand.answer_ids import id_of, names_of
from symbackprop.by_hand.hand_computation import GRADIENT, NEW, HandComputation
from symbackprop.derivation.derivations import Derivation
from symbackprop.graph.quantities import Quantity, Role
from symbackprop.problems import Homework


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its id (`dL_dz1_2@3`), its key in the computation, its entry of `ask`, other names accepted."""

    id: str
    key: str
    group: str
    aliases: tuple[str, ...] = ()


def answers(computation: HandComputation, homework: Homework) -> tuple[Answer, ...]:
    """Return what is asked, in the order of computation: forward pass, errors from the output back, gradients, update."""
    output = computation.derivation.graph.output
    found: dict[str, Answer] = {}
    printed: dict[str, list[str]] = {}
    for name, key in names_of(computation).items():
        if name != id_of(key, output):
            printed.setdefault(key, []).append(name)
    for group in homework.ask:
        for key in _keys(computation.derivation, group):
            if key in computation.by_key and key not in found:
                found[key] = Answer(id_of(key, output), key, group, tuple(printed.get(key, ())))
    order = {key: position for position, key in enumerate(_in_order(computation))}
    return tuple(sorted(found.values(), key=lambda answer: order[answer.key]))


def _in_order(computation: HandComputation) -> Iterator[str]:
    """Yield the keys of all that is computed as a student goes: values, errors layer by layer back, gradients, update."""
    derivation = computation.derivation
    quantities = derivation.graph.quantities
    defined = [quantity for quantity in quantities.values() if quantity.role in (Role.INTERMEDIATE, Role.OUTPUT)]
    parameters = derivation.graph.of_role(Role.PARAMETER)
    layers = sorted({quantity.layer or 0 for quantity in parameters}, reverse=True)
    backward = [quantity for layer in layers for quantity in parameters if (quantity.layer or 0) == layer]
    for mark, several in (("", defined), (GRADIENT, reversed(defined)), (GRADIENT, backward), (NEW, parameters)):
        for quantity in several:
            yield from (mark + key for key in _elements(derivation, quantity))
    for quantity in defined:
        yield from (NEW + key for key in _elements(derivation, quantity))


def _keys(derivation: Derivation, group: str) -> Iterator[str]:
    quantities = derivation.graph.quantities
    if group in quantities:
        yield from _elements(derivation, quantities[group])
    elif group == "new_L":
        yield NEW + derivation.graph.output
    elif group == "deltas":
        for quantity in quantities.values():
            if quantity.kind in ("pre_activation", "gate"):
                yield from (GRADIENT + key for key in _elements(derivation, quantity))
    else:
        mark = GRADIENT if group == "gradients" else NEW
        training = derivation.problem.training
        frozen = training.frozen if training is not None and group == "updated" else frozenset()
        for quantity in derivation.graph.of_role(Role.PARAMETER):
            if quantity.name not in frozen:
                yield from (mark + element for element in quantity.elements())


def _elements(derivation: Derivation, quantity: Quantity) -> Iterator[str]:
    return map(str, derivation.graph.scalars(quantity))
