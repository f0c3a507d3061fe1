"""What predictions on a page are judged by: how far a result may be off, what known mistakes make of it, its factors."""

from __future__ import annotations

import html
import itertools
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from symbackprop import language
from symbackprop.algebra.formula import Adjoint, Name, Node, Number, rewrite
from symbackprop.by_hand.hand_computation import LINE, PATH, key_parts, paths
from symbackprop.by_hand.tolerance import Tolerance
from symbackprop.derivation.derivations import Derivation
from symbackprop.document.answer_symbols import symbol
from symbackprop.document.display_nodes import Local
from symbackprop.errors import SymbackpropError
from symbackprop.evaluation.arithmetics import FLOAT
from symbackprop.messages import Message
from symbackprop.mistakes.diagnosing import examination_of
from symbackprop.mistakes.examination import Examination
from symbackprop.problems import Rounding
from symbackprop.rendering import anchors
from symbackprop.rendering.dialects import speech, tex
from symbackprop.rendering.view_models import ViewWriter

ROUNDING = Rounding(4, significant=True)
"""What a prediction may be rounded to where a problem has no homework that says it."""

MOST_NUMBERS = 400
"""Numbers of a computation that a page can ask for; of a larger one it asks for none."""

CHOICES = 3
"""Factors, and reasons, among which one is right."""

_Formula = tuple[str, str]
"""TeX, and how it is read aloud."""


def written(derivation: Derivation, writer: ViewWriter) -> str:
    """Return the data of a page as JSON, written as text of HTML; "" where nothing can be asked.

    `answers` are by the place of their line: the least and the largest number that is right, the numbers that mistakes make
    of it with the place of their words among the `mistakes`, and of a gradient the `factor` that is asked for: TeX of what
    stands before it, of factors and of reasons, the right one first, each with its words.
    """
    if derivation.problem.notation.round_intermediates is not None:
        return ""
    try:
        examination = examination_of(derivation)
        keys = [key for key in examination.computation.by_key if PATH not in key and LINE not in key]
        if len(keys) > MOST_NUMBERS:
            return ""
        answers = dict(_answers(examination, keys))
    except SymbackpropError:
        return ""
    rows = list(dict.fromkeys(name for answer in answers.values() for _, name in answer["mistakes"]))
    for answer in answers.values():
        answer["mistakes"] = [[value, rows.index(name)] for value, name in answer["mistakes"]]
    for place, factor in _factors(derivation, writer):
        if place in answers:
            answers[place]["factor"] = factor
    words = [language.say(writer.language, Message(f"slip.{name}")) for name in rows]
    data = json.dumps({"answers": answers, "mistakes": words}, ensure_ascii=False, separators=(",", ":"))
    return html.escape(data, quote=False)


def _answers(examination: Examination, keys: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    derivation, values = examination.derivation, examination.values
    homework = derivation.problem.homework
    rounding = ROUNDING if homework is None else homework.rounding
    wrong = _wrong_values(examination, frozenset(keys))
    for key in keys:
        place = anchors.place_of(symbol(derivation, key))
        if not place or not math.isfinite(values[key]):
            continue
        tolerance = float(Tolerance(examination.computation, key, rounding, FLOAT).of(values))
        if not math.isfinite(tolerance):  # of what a mask of −∞ hides nothing can be asked
            continue
        bounds = [_decimal(values[key] - tolerance), _decimal(values[key] + tolerance)]
        told = {
            (_decimal(value), name) for value, name in wrong.get(key, ()) if abs(value - values[key]) > 2 * tolerance
        }
        yield place, {"bounds": bounds, "mistakes": sorted(told)}


def _wrong_values(examination: Examination, keys: frozenset[str]) -> dict[str, list[tuple[float, str]]]:
    """Return what the mistakes make of each number, all numbers before it being right: those stand on the page.

    What a convention makes of it too is no mistake.
    """
    found: dict[str, list[tuple[float, str]]] = {}
    different: dict[str, set[str]] = {}
    for change in examination.changes:
        for key, value in examination.consequences.under(change, examination.values, keys).items():
            if change.mistake.is_convention:
                different.setdefault(key, set()).add(_decimal(value))
            elif key in keys and math.isfinite(value):
                found.setdefault(key, []).append((float(value), change.mistake.name))
    return {
        key: [pair for pair in pairs if _decimal(pair[0]) not in different.get(key, ())] for key, pairs in found.items()
    }


def _decimal(value: float) -> str:
    return f"{value:.9g}"


def _factors(derivation: Derivation, writer: ViewWriter) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield, by the place of a gradient, what stands before the last factor of its last path, and what may stand there."""
    asked: dict[str, tuple[_Formula, ...]] = {}
    spoken = speech.spoken_in(writer.language)
    for path in paths(derivation):
        upstream, partial = path.upstream(derivation), path.partial(derivation)
        place = anchors.place_of(symbol(derivation, path.target))
        by = symbol(derivation, path.target.removeprefix("∂"))
        if upstream is None or isinstance(partial, Number) or not place or not isinstance(by, Node):
            continue
        source = Name(path.link.source, derivation.elements.place(path.link.source, path.sample).sample)
        scalar = key_parts(upstream).scalar
        parts = (Adjoint(*scalar), _printed(derivation, partial), Local(source, by))
        boxes = [writer.layout.inlined.box(part) for part in parts if isinstance(part, Node)]
        asked[place] = tuple((tex.write(box), spoken(box)) for box in boxes)
    factors, reasons = ([each[place] for each in asked.values()] for place in (1, 2))
    for number, (place, (before, factor, reason)) in enumerate(asked.items()):
        yield (
            place,
            {
                "before": before[0],
                "factors": _choices(factor, factors[number:] + factors[:number]),
                "reasons": _choices(reason, reasons[number:] + reasons[:number]),
            },
        )


def _choices(right: _Formula, others: Iterable[_Formula]) -> list[_Formula]:
    return list(itertools.islice(dict.fromkeys([right, *others]), CHOICES))


def _printed(derivation: Derivation, formula: Node) -> Node:
    def named(part: Node) -> Node | None:
        found = symbol(derivation, part.name) if isinstance(part, Name) else None
        return found if isinstance(found, Node) else None

    return rewrite(formula, named)
