"""What is asked: the answers of a homework, by id and by key of the computation, in the order of computation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from symbackprop.by_hand.answer_ids import id_of, names_of
from symbackprop.by_hand.hand_computation import LINE, NEW, HandComputation, gradient_key, key_parts
from symbackprop.derivation.derivations import Derivation
from symbackprop.errors import ProblemError, unknown
from symbackprop.graph.quantities import Quantity, Role
from symbackprop.graph.scalars import Scalar, gradient_name, in_step, of_one_sample
from symbackprop.messages import message
from symbackprop.problems import Homework
from symbackprop.problems.asked import GROUPS, AskedEntry, layer_entry, lines_of


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its id (`dL_dz1_2@3`), its key in the computation, its entry of `ask`, other names accepted."""

    id: str
    key: str
    group: str
    aliases: tuple[str, ...] = ()


def answers(computation: HandComputation, homework: Homework) -> tuple[Answer, ...]:
    """Return what is asked, in the order of computation: forward pass, errors from the output back, gradients, update.

    An answer belongs to the entry of `ask` that stands for the fewest. Raises `UnknownNameError` for an entry that stands
    for nothing, with the nearest that does not.
    """
    graph = computation.derivation.graph
    printed: dict[str, list[str]] = {}
    for name, key in names_of(computation).items():
        if name != id_of(key, graph):
            printed.setdefault(key, []).append(name)
    entry_of: dict[str, str] = {}
    entries = _entries_asked(computation, homework)
    for entry in sorted(entries, key=lambda entry: len(entries[entry])):
        for key in entries[entry]:
            entry_of.setdefault(key, entry)
    return tuple(
        Answer(id_of(key, graph), key, entry_of[key], tuple(printed.get(key, ())))
        for key in _in_order(computation)
        if key in entry_of
    )


def _entries_asked(computation: HandComputation, homework: Homework) -> dict[str, tuple[str, ...]]:
    """Return the entries of `ask`, each with the keys that it stands for; a group or a quantity may stand for none."""
    known, found = askable(computation), {}
    usual = (*computation.derivation.problem.model.computed(), *GROUPS)
    for position, entry in enumerate(homework.ask):
        name, step = AskedEntry.read(entry)
        found[entry] = known.get(in_step(name, step), ())
        if not found[entry] and name not in usual:
            raise unknown("asked", entry, known, where=f"homework.ask[{position}]")
    if not any(found.values()):
        raise ProblemError(message("homework.nothing_asked"), where="homework.ask")
    return found


def _in_order(computation: HandComputation) -> Iterator[str]:
    """Yield the keys of all that is computed as a student goes: values, errors layer by layer back, gradients, update."""
    derivation = computation.derivation
    quantities = derivation.graph.quantities
    defined = [quantity for quantity in quantities.values() if quantity.role in (Role.INTERMEDIATE, Role.OUTPUT)]
    parameters = derivation.graph.of_role(Role.PARAMETER)
    layers = sorted({quantity.layer or 0 for quantity in parameters}, reverse=True)
    backward = [quantity for layer in layers for quantity in parameters if (quantity.layer or 0) == layer]
    for step in range(computation.steps + 1):
        mark = NEW * step
        yield from (mark + key for quantity in defined for key in _elements(derivation, quantity))
        for quantity in (*reversed(defined), *backward):
            yield from (gradient_key(mark + key) for key in _elements(derivation, quantity))
        for line in (*lines_of(derivation.problem.training), ""):
            yield from (
                f"{mark}{NEW}{key}{LINE if line else ''}{line}"
                for quantity in parameters
                for key in _elements(derivation, quantity)
            )


def askable(computation: HandComputation) -> dict[str, tuple[str, ...]]:
    """Return all that may be asked: by name the keys that it stands for, `@step2` behind the name in a later step.

    A name is that of a number, of an array, of an array in one sample, of a layer, of a state of the optimizer, or of one of
    the groups of all ∂L/∂z, all gradients, all new parameters.
    """
    derivation = computation.derivation
    training = derivation.problem.training
    output, frozen = derivation.graph.output, frozenset() if training is None else training.frozen
    found: dict[str, dict[str, None]] = {}
    for key in _in_order(computation):
        quantity = derivation.graph.quantity_of(key_parts(key).scalar.name)
        is_left_out = (_is_new(key, quantity) and quantity.name in frozen) or quantity.name == of_one_sample(output)
        if key not in computation.by_key or is_left_out:
            continue
        for name in _entries(key, quantity, derivation):
            if AskedEntry.read(name).step <= computation.steps:
                found.setdefault(name, {})[key] = None
    return {name: tuple(keys) for name, keys in found.items()}


def _entries(key: str, quantity: Quantity, derivation: Derivation) -> Iterator[str]:
    """Yield the entries of `ask` that a number belongs to."""
    graph = derivation.graph
    updates, is_gradient, scalar, line = key_parts(key)
    is_new = _is_new(key, quantity)
    step = updates if is_new else updates + 1

    def called(name: str) -> str:
        if is_gradient:
            name = gradient_name(graph.output, name)
        return in_step(f"{line or 'new'}_{name}" if is_new else name, step)

    yield id_of(key, graph)
    own = [quantity.name, scalar.name, *([] if scalar.sample is None else [str(Scalar(quantity.name, scalar.sample))])]
    yield from (called(name) for name in own if not (line and called(name) in graph.quantities))
    if line:
        yield from () if line in graph.quantities else (in_step(line, step),)
        return
    group = ""
    if is_new or (is_gradient and quantity.role is Role.PARAMETER):
        group = "updated" if is_new else "gradients"
    elif is_gradient and quantity.kind in ("pre_activation", "gate"):
        group = "deltas"
    if group:
        yield in_step(group, step)
    if quantity.name == graph.output and updates:
        yield in_step(f"new_{quantity.name}", updates)
    if quantity.layer is not None and (not is_gradient or quantity.kind != "activation"):
        yield in_step(layer_entry(quantity.layer), step)


def _is_new(key: str, quantity: Quantity) -> bool:
    """Say whether a number comes out of an update: a new parameter, or a line on the way to it."""
    updates, is_gradient, _, _ = key_parts(key)
    return updates > 0 and not is_gradient and quantity.role is Role.PARAMETER


def _elements(derivation: Derivation, quantity: Quantity) -> Iterator[str]:
    return map(str, derivation.graph.scalars(quantity))
