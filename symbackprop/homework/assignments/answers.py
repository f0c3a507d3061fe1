"""What is asked: the answers of a problem, by id and by key of the computation, in the order of computation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from symbackprop.by_hand.answer_ids import id_of, names_of
from symbackprop.by_hand.answer_parsing import ParsedAnswer, read
from symbackprop.by_hand.hand_computation import LINE, NEW, HandComputation, gradient_key, key_parts
from symbackprop.derivation.derivations import Derivation
from symbackprop.errors import ProblemError, unknown
from symbackprop.graph.quantities import Quantity, Role
from symbackprop.graph.scalars import Scalar, gradient_name, in_step, of_one_sample
from symbackprop.messages import message
from symbackprop.problems import Homework
from symbackprop.problems.asked import GROUPS, AskedEntry, layer_entry, lines_of

_NUMBERED = re.compile(r"(?<![\w.,])(\d+\.)\s*(?=[^\W\d])(?![eE][+-]?\d|[xX]\s*10\b)")
"""The number of a problem before a name; 2.e-3 and 2.x10^-3 are numbers."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its name (`dL_dz1_2@3`), its key in the computation, its entry of `ask`, other names accepted.

    `part` is the number of its problem on a sheet of several (`2.`), which its id begins with; "" on a sheet of one.
    """

    name: str
    key: str
    group: str
    aliases: tuple[str, ...] = ()
    part: str = ""

    @property
    def id(self) -> str:
        """What the answer is called on the sheet and in tables."""
        return self.part + self.name

    @property
    def place(self) -> str:
        """The key of what is asked among those of all problems."""
        return self.part + self.key

    @property
    def names(self) -> tuple[str, ...]:
        """What the answer is called inside its problem."""
        return self.name, *self.aliases

    @property
    def accepted(self) -> tuple[str, ...]:
        """What the answer may be called in tables."""
        return tuple(self.part + name for name in self.names)

    def bare(self, text: str) -> str:
        """Return what was typed without the number of the problem before names of it.

        >>> Answer("z1", "z1", "z1", part="2.").bare("2.z1 = 2.5*2.x_1 + 1.x_1")
        'z1 = 2.5*x_1 + 1.x_1'
        """
        return _NUMBERED.sub(lambda found: "" if found[1] == self.part else found[0], text) if self.part else text

    def read(self, text: str, known: Mapping[str, str]) -> ParsedAnswer:
        """Return what a text says; `known` maps names of the problem to keys, those of another problem are not read."""
        bare = self.bare(text)
        other = _NUMBERED.search(bare) if self.part else None
        if other is not None:
            return ParsedAnswer(text, None, ProblemError(message("mark.other_problem", number=other[1].rstrip("."))))
        return read(bare, self.names, known)


def answers(computation: HandComputation, homework: Homework, part: str = "") -> tuple[Answer, ...]:
    """Return what is asked, in the order of computation: forward pass, errors from the output back, gradients, update.

    `part` is the number of the problem on a sheet of several.

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
        Answer(id_of(key, graph), key, entry_of[key], tuple(printed.get(key, ())), part)
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
