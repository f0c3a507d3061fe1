"""Derivatives → documents: a formula differentiated line by line, with the rule at each line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from symbackprop.algebra import differentiation
from symbackprop.algebra.differentiation import Derivative, Differentiation, EqualSides, Rule, Step, slope
from symbackprop.algebra.formula import Adjoint, Name, Node, rewrite
from symbackprop.document.blocks import Chain, ChainStep, Display, Document, Relation, Section
from symbackprop.document.display_nodes import DerivativeOf, Letter
from symbackprop.graph.notation import own_symbol
from symbackprop.messages import Message, message


def compose(tree: Differentiation) -> Document:
    """Return the document that derives one formula."""
    section = Section(message("title.steps"), (Display(derivative_chains(tree)),))
    return Document(message("text.derivative"), (message("text.by_rules"),), (section,))


def derivative_chains(tree: Differentiation) -> tuple[Chain, ...]:
    """Return the lines of a derivative, one rule at each; of an equation those of its sides, both as equal, and dy/dx."""
    if not isinstance(tree.before, EqualSides):
        steps = tuple(_line(lettered(line.formula), [line]) for line in differentiation.steps(tree))
        return (Chain(DerivativeOf(lettered(tree.before), _letter(tree.variable.name)), steps),)
    sides = tuple(chain for child in tree.children for chain in derivative_chains(child))
    equal, *found = differentiation.steps(tree)[sum(len(chain.steps) for chain in sides) :]
    derived = equal.formula
    assert isinstance(derived, EqualSides)
    return (
        *sides,
        Chain(lettered(derived.left), (_line(lettered(derived.right), [equal]),)),
        *(
            [Chain(lettered(slope(tree.before)), tuple(_line(lettered(line.formula), [line]) for line in found))]
            * bool(found)
        ),
    )


_SHORT = frozenset((Rule.SUM, Rule.CONSTANT_MULTIPLE, Rule.COLLECT))
"""The rules that share the line of the one after them."""


def by_thought(tree: Differentiation, goal: Node | None = None) -> list[ChainStep]:
    """Return the lines of a derivative over quantities, in each one rule that needs a thought and the short ones before it.

    Where a line is the `goal`, none follows.
    """
    found: list[ChainStep] = []
    before = opened(Derivative(tree.before, tree.variable))
    steps = differentiation.steps(tree)
    end = next((place for place, step in enumerate(steps, start=1) if step.formula == goal), len(steps))
    for lines in _thoughts(steps[:end]):
        formula = opened(lines[-1].formula)
        if formula != before:
            found.append(_line(formula, lines))
            before = formula
    return found


def _thoughts(lines: Sequence[Step]) -> Iterator[list[Step]]:
    """Yield the steps of each line: those by one rule with short ones before and between; those left at the end."""
    own: list[Step] = []
    waiting: list[Step] = []
    for line in lines:
        if line.rule in _SHORT:
            waiting.append(line)
            continue
        rule = own[-1].rule if own else line.rule
        if rule is not line.rule:
            yield own
            own = []
        own += [*waiting, line]
        waiting = []
    yield from filter(None, (own, waiting))


def _line(formula: Node, lines: Sequence[Step]) -> ChainStep:
    """Return a line with the rules behind it; the short ones are named where there is no other."""
    rules = [line.rule for line in lines]
    long = [rule for rule in rules if rule not in _SHORT]
    named = long or [rule for rule in rules if rule is not Rule.COLLECT] or rules
    chained = [Rule.CHAIN] if any(line.is_chain for line in lines) else []
    return ChainStep(Relation.EQUAL, formula, opens=True, reason=_reason(tuple(dict.fromkeys([*named, *chained]))))


def _reason(rules: tuple[Rule, ...]) -> Message:
    names = tuple(message(f"rule.{rule.value}") for rule in rules)
    return names[0] if len(names) == 1 else message("text.items", items=names)


def opened(formula: Node) -> Node:
    """Return a formula with its open derivatives as ∂/∂a."""

    def change(part: Node) -> Node | None:
        return DerivativeOf(opened(part.operand), part.variable) if isinstance(part, Derivative) else None

    return rewrite(formula, change)


def lettered(formula: Node) -> Node:
    """Return a formula whose names are printed as letters that are no quantities, its open derivatives as d/dx."""

    def change(part: Node) -> Node | None:
        match part:
            case Name(name):
                return _letter(name)
            case Adjoint(name):
                return Letter(replace(own_symbol(name), accent="bar"))
        return None

    return rewrite(opened(formula), change)


def _letter(name: str) -> Letter:
    return Letter(own_symbol(name))
