"""What is asked: answer ids, the keys of the computation they stand for, and other names that students may use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from symbackprop.catalog.optimizers import RATE
from symbackprop.derivation.derivations import Derivation
from symbackprop.graph.notation import Notation
from symbackprop.graph.quantities import Quantity, Role
from symbackprop.graph.scalars import Scalar, gradient_name
from symbackprop.homework.hand_computation import GRADIENT, NEW, PATH, HandComputation, split
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


def names_of(computation: HandComputation) -> dict[str, str]:
    """Return the key of every quantity by its id and, where no other has that name, as the document prints it."""
    derivation = computation.derivation
    output = derivation.graph.output
    notation = Notation.of(derivation.graph, derivation.problem.notation)
    keys = [key for key in (*computation.leaves, *computation.by_key) if PATH not in key]
    ids = {id_of(key, output): key for key in keys}
    printed: dict[str, list[str]] = {}
    for key in keys:
        for name in dict.fromkeys(_printed(key, derivation, notation)):
            printed.setdefault(name, []).append(key)
    return ids | {name: each[0] for name, each in printed.items() if len(each) == 1 and name not in ids}


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


def id_of(key: str, output: str) -> str:
    """Return what the number with a key is called in submissions: `dL_dz1_2`, `new_W1_1_2`."""
    if key.startswith(GRADIENT):
        return gradient_name(output, key[len(GRADIENT) :])
    if key.startswith(NEW):
        return f"new_{key[len(NEW) :]}"
    return key


def _printed(key: str, derivation: Derivation, notation: Notation) -> Iterator[str]:
    """Yield the names of a quantity as the document prints them, in plain letters: `dE_dw5` and `delta1_1`, `o1`, `eta`."""
    if key == RATE:
        yield notation.learning_rate().plain
        return
    mark, (name, sample) = split(key)
    text = str(Scalar(notation.symbol(name).plain, sample))
    if mark == GRADIENT:
        yield gradient_name(notation.symbol(derivation.graph.output).plain, text)
        if notation.quantity(name).kind == "pre_activation" and not notation.negative_delta:
            delta = notation.delta(name)
            names = (derivation.adjoint_name(name), *([delta.plain] if delta else []))
            yield from (str(Scalar(each, sample)) for each in names)
    else:
        yield f"new_{text}" if mark == NEW else text
