"""How lines of numbers end: without what is printed twice, and with a decimal."""

from __future__ import annotations

from dataclasses import replace

from symbackprop.algebra.formula import Negative
from symbackprop.document.blocks import ChainStep, Relation
from symbackprop.document.calculation.numerals import Style, show
from symbackprop.document.display_nodes import Shown


def finished(steps: tuple[ChainStep, ...], style: Style) -> tuple[ChainStep, ...]:
    """Return lines of numbers as they are displayed."""
    return _with_decimal(_without_repeats(steps), style)


def _without_repeats(steps: tuple[ChainStep, ...]) -> tuple[ChainStep, ...]:
    """Return lines without a number that stands with its sign apart before it stands as a whole."""
    if len(steps) < 2 or not isinstance(steps[-1].formula, Shown) or steps[-1].formula.numeral.formula is not None:
        return steps
    before, last = steps[-2:]
    if not isinstance(before.formula, Negative) or not isinstance(before.formula.operand, Shown):
        return steps
    relation = Relation.EQUAL if before.relation is last.relation is Relation.EQUAL else Relation.ABOUT
    return (*steps[:-2], replace(last, relation=relation, opens=before.opens))


def _with_decimal(steps: tuple[ChainStep, ...], style: Style) -> tuple[ChainStep, ...]:
    """Return lines that end with a decimal where they end with an exact number that is none: ln(5/2) ≈ 0.916291."""
    last = steps[-1].formula
    if not isinstance(last, Shown) or last.numeral.formula is None:
        return steps
    return (
        *steps,
        ChainStep(Relation.ABOUT, show(last.value, replace(style, fractions=False, kept={}), tone=last.tone)),
    )
