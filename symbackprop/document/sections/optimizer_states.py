"""The states of an optimizer on paper: their letters, what they are before the first update and after one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from symbackprop.algebra.formula import Name
from symbackprop.catalog import optimizers
from symbackprop.derivation.derivations import Derivation
from symbackprop.descent.update import Change
from symbackprop.document.blocks import Inline, Table
from symbackprop.document.calculation.numerals import show
from symbackprop.document.chain_rule.chains import parameters_of
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.document.display_nodes import Letter
from symbackprop.graph.notation import Notation, Symbol, state_symbol
from symbackprop.messages import message
from symbackprop.problems import Training
from symbackprop.problems.training_table import initial_states

_BESIDE = 2
"""So often a table of states stands beside itself at most."""


def states(scene: Scene, change: Change, among: Sequence[str] | None = None) -> Iterator[Table]:
    """Yield the table of what an optimizer of several lines finds on its way to the new values of all or some parameters."""
    every = parameters_of(scene.derivation.parameters)
    changing = [name for name in (every if among is None else among) if name in change.lines]
    targets = [target for target in change.lines[changing[0]] if target != "w"] if changing else []
    if not targets:
        return
    letters = (letter_of_state(scene, target, str(change.number)) for target in targets)
    rows: list[tuple[Inline, ...]] = [
        (Name(name), *(show(change.lines[name][target], scene.style) for target in targets)) for name in changing
    ]
    header: tuple[Inline, ...] = (message("column.parameter"), *letters)
    yield Table(header, tuple(rows), (False, *(True for _ in targets)), _BESIDE)


def given_states(scene: Scene) -> Iterator[Table]:
    """Yield the table of the optimizer's states before the first update, where the problem states any."""
    training = scene.derivation.problem.training
    if training is None or not training.state:
        return
    names_of_states = carried_states(training)
    rows: list[tuple[Inline, ...]] = [
        (Name(element), *(show(own[state], scene.style) for state in names_of_states))
        for quantity in scene.derivation.parameters
        if quantity.name not in training.frozen
        for element, own in initial_states(training, quantity)
    ]
    header: tuple[Inline, ...] = (
        message("column.parameter"),
        *(letter_of_state(scene, state, "0") for state in names_of_states),
    )
    yield Table(header, tuple(rows), (False, *(True for _ in names_of_states)), _BESIDE)


def carried_states(training: Training) -> tuple[str, ...]:
    """Return the states that one update hands to the next."""
    return optimizers.carried(training.optimizer, optimizers.reduced(training.optimizer, training.zero))


def letter_of_state(scene: Scene, name: str, number: str = "", parameter: str = "") -> Letter:
    """Return the letter of a state or of a part of an update, with a bar where the problem has the letter already.

    It has below it the parameter that it is of, and the number of the update.
    """
    of = scene.notation.symbol(parameter) if parameter else None
    return Letter(untaken(scene, state_symbol(name, number, of)))


def letter_in(derivation: Derivation, name: str, number: str, parameter: str) -> Letter:
    """Return the letter of a state of a parameter in the notation that the problem asks for."""
    notation = Notation.of(derivation.graph, derivation.problem.notation)
    return Letter(_untaken(derivation, notation, state_symbol(name, number, notation.symbol(parameter))))


def untaken(scene: Scene, found: Symbol) -> Symbol:
    """Return a symbol, with a bar where the problem has its letter already."""
    return _untaken(scene.derivation, scene.notation, found)


def _untaken(derivation: Derivation, notation: Notation, found: Symbol) -> Symbol:
    quantities = derivation.graph.quantities.values()
    # The entries of V are called v.
    taken = {notation.symbol(name).base for each in quantities for name in (each.name, each.elements()[0])}
    if derivation.graph.layers:
        # The hidden units of all samples are H.
        taken |= {notation.of_all_samples(notation.symbol(each.name)).base for each in quantities if each.batched}
    return replace(found, accent=found.accent or "bar") if found.base in taken else found
