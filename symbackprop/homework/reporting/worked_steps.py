"""The line of the key at a step, worked out with a student's own numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from symbackprop.algebra.formula import Name, Node, names, rewrite
from symbackprop.by_hand.answer_parsing import value_of
from symbackprop.by_hand.hand_computation import inlined
from symbackprop.catalog.optimizers import RATE
from symbackprop.document.answer_symbols import symbol
from symbackprop.document.blocks import Chain, ChainStep, Display, Relation
from symbackprop.document.calculation.numerals import Style
from symbackprop.document.calculation.verified_lines import displayed, lines
from symbackprop.document.chain_rule.chains import calculable
from symbackprop.document.chain_rule.signs import signs_in_front
from symbackprop.document.display_nodes import Leaf, Letter, Tone
from symbackprop.graph.notation import Notation
from symbackprop.homework.assignments.options import OptionsById, chosen
from symbackprop.homework.assignments.variants import HomeworkAssignment
from symbackprop.homework.marks.marking import Mark

DIGITS = 6
"""Significant digits where the homework asks for decimals."""


def own_numbers(marks: Iterable[Mark], options: OptionsById) -> dict[str, float]:
    """Return the numbers that a student typed or chose, by key of the answer."""
    found = {}
    for mark in marks:
        answer = mark.answer
        formula = answer.read(mark.text, {}).formula
        option = chosen(answer.bare(mark.text), answer.names, options.get(answer.id, ()))
        value = None if formula is None or names(formula) else value_of(formula, {})
        if option is not None:
            value = option.value
        if value is not None:
            found[answer.key] = value
    return found


def read_by(given: HomeworkAssignment, key: str) -> set[str]:
    """Return the keys of what the formula of an answer reads."""
    return {*names(inlined(key, given.computation.by_key))} - {key}


def worked_step(given: HomeworkAssignment, key: str, numbers: Mapping[str, float]) -> Display | None:
    """Return how an answer follows from numbers by key: its formula, the numbers in it, the result.

    None where the formula has a quantity that no symbol stands for outside its step.
    """
    computation = given.computation
    formula = inlined(key, computation.by_key)
    symbols = {name: _symbol(given, name) for name in (key, *names(formula))}
    left = symbols[key]
    if left is None or None in symbols.values():
        return None
    rounding = given.homework.rounding
    style = Style(rounding.digits if rounding.significant else DIGITS)
    leaves = {name: Leaf(Fraction(repr(float(numbers[name])))) for name in names(formula)}
    filled = signs_in_front(calculable(_replaced(formula, leaves)))
    steps = (
        ChainStep(Relation.EQUAL, _replaced(formula, symbols)),
        *displayed(lines(filled, style, Tone.PLAIN), style),
    )
    return Display((Chain(left, steps),))


def _symbol(given: HomeworkAssignment, name: str) -> Node | None:
    if name == RATE:
        derivation = given.derivation
        return Letter(Notation.of(derivation.graph, derivation.problem.notation).learning_rate())
    if name not in given.computation.by_key and name not in given.computation.leaves:
        return None
    found = symbol(given.derivation, name)
    return found if isinstance(found, Node) else None


def _replaced(formula: Node, parts: Mapping[str, Node | None]) -> Node:
    return rewrite(formula, lambda part: parts[part.name] if isinstance(part, Name) else None)
