"""What one gets by a mistake: the rows of `MISTAKES`, made in the first step, beside its lines and in a section.

Nothing here is an equation of the solution: the numbers are those of wrong computations, and stand in sentences and in a
table.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from symbackprop.algebra.formula import Node
from symbackprop.by_hand.hand_computation import GRADIENT, LINE, NEW, PATH, given_numbers, hand_computation
from symbackprop.derivation.derivations import Derivation
from symbackprop.document.blocks import Inline, Paragraph, Section, Table
from symbackprop.document.calculation.numerals import shown_about
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.document.key_symbols import quantity_of
from symbackprop.document.notes.conditions import DisplayedLine
from symbackprop.document.notes.reasons import kinds_of
from symbackprop.errors import SymbackpropError
from symbackprop.evaluation.arithmetics import FLOAT
from symbackprop.graph.scalars import Scalar
from symbackprop.messages import Message, message
from symbackprop.mistakes.changes import LARGE, Change, changes
from symbackprop.mistakes.consequences import Consequences
from symbackprop.mistakes.known_mistakes import MISTAKES
from symbackprop.mistakes.worksheets import Worksheet

_DIFFERENT = 1e-6
"""By a smaller share of it a number is not another one."""
_PRECISION = 14
"""Significant digits to which float64 is trusted."""
_PREFIXES = {"forward": "", "backward": GRADIENT, "update": NEW}


class Slips:
    """The mistakes of the first step that a scene tells of; of one without numbers, or too large, there are none."""

    def __init__(self, scene: Scene, lines: Iterable[DisplayedLine] = ()) -> None:
        """`lines` are those of the page, in their order."""
        self.scene = scene
        self._lines: dict[str, DisplayedLine] = {}
        for line in lines:
            self._lines.setdefault(_key(line), line)
        self._places = {key: place for place, key in enumerate(self._lines)}
        self._sheet: Worksheet | None = None
        problem = scene.derivation.problem
        is_simultaneous = problem.training is None or problem.training.update != "sequential"
        is_plain = problem.notation.round_intermediates is None and not scene.notation.negative_delta
        if scene.values is not None and is_simultaneous and is_plain and _is_small(scene.derivation):
            computation = hand_computation(scene.derivation)
            if len(computation.equations) <= LARGE:
                self._sheet = Worksheet(computation)

    @functools.cached_property
    def _made(self) -> tuple[Consequences, Mapping[str, float]] | None:
        """The computation made ready, and its right numbers."""
        if self._sheet is None:
            return None
        consequences = Consequences(self._sheet.computation)
        try:
            return consequences, consequences.run(given_numbers(self.scene.derivation, FLOAT))
        except SymbackpropError:
            return None

    def note(self, row: str, line: DisplayedLine) -> tuple[Message | None, bool]:
        """Return what is said of a mistake beside a line: what the line becomes by it, or else what it changes first.

        None where the problem has no place for it. The second is whether a line further on, whose number it is that the
        mistake changes first, should say it instead.
        """
        said = {"slip": message(f"slip.{row}"), "why": message(f"mistake_why.{row}")}
        if self._made is None or self._sheet is None:
            return message("mistake.alone", **said), False
        found = tuple(changes(self._sheet, [MISTAKES[row]]))
        key = _key(line)
        here = next((change for change in found if [site.at for site in change.sites] == [key]), None)
        wrong = None if here is None else self._changed(here).get(key)
        if wrong is not None:
            return message("mistake.made", it=line.chain.left, value=self._shown(wrong), **said), False
        for change in _widest(found):
            for first, wrong in self._changed(change).items():
                text = message("mistake.made", it=quantity_of(first), value=self._shown(wrong), **said)
                return text, bool(key) and self._places.get(first, -1) > self._places[key] and self._tells(first, row)
        return message("mistake.alone", **said) if found else None, False

    def _tells(self, key: str, row: str) -> bool:
        """Say whether a mistake is told beside the line of a number."""
        line = self._lines[key]
        return any(kind.mistake(line) == row for kind in kinds_of(line))

    def _changed(self, change: Change) -> dict[str, float]:
        """Return the numbers with a symbol that a change makes others, in the order of the page.

        That of the computation goes for what no line of the page finds, and for the forward pass, where it is the same.
        """
        if self._made is None or self._sheet is None:
            return {}
        consequences, values = self._made
        reached, order = consequences.under(change, values), self._sheet.positions
        return {
            key: float(reached[key])
            for key in sorted(reached.keys() & order.keys(), key=lambda key: (*self._place(key), order[key]))
            if not {PATH, LINE} & set(key) and _is_another(reached[key], values[key])
        }

    def _place(self, key: str) -> tuple[int, int]:
        """Return where a number stands: in which pass, and in which line of the backward pass or the update."""
        passed = 2 if key.startswith(NEW) else 1 if key.startswith(GRADIENT) else 0
        return passed, self._places.get(key, len(self._places)) if passed else 0

    def _shown(self, value: float) -> Node:
        return shown_about(Fraction(f"{value:.{_PRECISION}g}"), self.scene.style)

    def section(self) -> Iterator[Section]:
        """Yield the section of what one gets by each mistake, made wherever it can be made."""
        rows = tuple(self._rows())
        if rows:
            names = ("if", "number", "wrong", "right")
            header = tuple(message(f"slips.{name}") for name in names)
            table = Table(header, rows, (False, False, True, True))
            yield Section(message("slips.title"), (Paragraph(message("slips.about")), table))

    def _rows(self) -> Iterator[tuple[Inline, ...]]:
        """Yield the lines of the table: a mistake, the first number that it changes, that number wrong and right."""
        if self._made is None or self._sheet is None:
            return
        _, values = self._made
        for change in _widest(changes(self._sheet)):
            for key, wrong in self._changed(change).items():
                slip = message("slips.slip", slip=message(f"slip.{change.mistake.name}"))
                yield slip, quantity_of(key), self._shown(wrong), self._shown(values[key])
                break


def _key(line: DisplayedLine) -> str:
    """Return the key of what a line finds, "" for a line between arrays."""
    prefix = _PREFIXES.get(line.area)
    return f"{prefix}{Scalar(line.name, line.sample)}" if prefix is not None and line.name else ""


def _widest(found: Iterable[Change]) -> Iterator[Change]:
    """Yield of each mistake that is no convention the change at most places, of the first of its forms that is made."""
    widest: dict[str, Change] = {}
    for change in found:
        name = change.mistake.name
        best = widest.setdefault(name, change)
        same_form = best.sites[0].variant == change.sites[0].variant
        if same_form and len(change.sites) > len(best.sites):
            widest[name] = change
    yield from (change for change in widest.values() if not change.mistake.is_convention)


def _is_another(wrong: float, right: float) -> bool:
    return math.isfinite(wrong) and abs(wrong - right) > _DIFFERENT * max(abs(right), 1e-12)


def _is_small(derivation: Derivation) -> bool:
    """Say whether a computation by hand may have few lines: it has more than there are terms that carry a gradient."""
    moving = (bool(term.moving) for equation in derivation.elements.equations for term in equation.terms)
    return next(itertools.islice(filter(None, moving), LARGE, None), None) is None
