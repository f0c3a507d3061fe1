"""Auto-multiple-choice: an exam on paper, a copy for each variant, with boxes for digits or for options that are scanned.

A number has a box for its sign and a column for each digit. What counts as right is so many units of the last digit around
one number, or around two that are neighbours, so every number that the columns can hold is marked as homework marks it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from symbackprop import rendering, resources
from symbackprop.csv_tables import write_csv
from symbackprop.document.blocks import Inline, Paragraph
from symbackprop.document.calculation.numerals import as_written
from symbackprop.exporting.exercises import AskedNumber, Exercise, Pool, titles
from symbackprop.messages import Message, message
from symbackprop.rendering import escapes
from symbackprop.rendering.drafts import Draft
from symbackprop.rendering.pdf_collections import drafted
from symbackprop.rendering.view_models import Phrases
from symbackprop.templating import filled

MOST_COLUMNS = 9
"""Digits of a number that the program computes with in TeX, whose whole numbers end at 2³¹."""

_TEMPLATE = "amc.jinja"
_PLAIN = re.compile("[A-Za-z0-9.@-]+")
_OTHER = re.compile("[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Boxes:
    """The columns of a number: all digits, and those after the point."""

    digits: int
    decimals: int

    @property
    def unit(self) -> Decimal:
        """What the last digit counts."""
        return Decimal(1).scaleb(-self.decimals)

    def right(self, asked: AskedNumber) -> tuple[int, int]:
        """Return the least and the greatest number that is right, in units; the first is the greater one where none is."""
        lowest = (asked.lowest / self.unit).to_integral_value(ROUND_CEILING)
        return int(lowest), int((asked.highest / self.unit).to_integral_value(ROUND_FLOOR))


def boxes(asked: Sequence[AskedNumber]) -> Boxes:
    """Return columns for some numbers: the exact answer, rounded to what they hold, is always right."""
    decimals = max(_decimals(each) for each in asked)
    whole = max(len(str(int(max(abs(each.lowest), abs(each.highest))))) for each in asked)
    return Boxes(whole + decimals, decimals)


def _decimals(asked: AskedNumber) -> int:
    """Return how many decimals it takes: half a unit of the last is within the tolerance, or the key has no more."""
    if not asked.tolerance:
        return max(0, -int(asked.value.normalize().as_tuple().exponent))
    # 10⁻ᵈ ≤ 2 t
    return max(0, -(2 * asked.tolerance).adjusted())


def refusal(asked: AskedNumber) -> Message | None:
    """Return why a number cannot be asked: it has more digits than there may be columns."""
    if boxes([asked]).digits <= MOST_COLUMNS:
        return None
    return message("export.columns", name=asked.id, value=str(asked.value), most=MOST_COLUMNS)


def files(pools: Sequence[Pool], style: str, language: str) -> Mapping[str, bytes]:
    """Return the source of an exam for each problem, in a folder of its own where there are several, and the class."""
    found: dict[str, bytes] = {}
    for number, (pool, title) in enumerate(zip(pools, titles(pools, language), strict=True), start=1):
        before = "" if len(pools) == 1 else f"problem{number}/"
        found[f"{before}exam.tex"] = _exam(pool, title, style, language).encode()
        if pool.is_class:
            rows = [
                (_key(place, each), each.student.name or each.name, each.name)
                for place, each in enumerate(pool.exercises, start=1)
            ]
            found[f"{before}students.csv"] = write_csv(("id", "name", "student"), rows).encode()
    return found


def _key(place: int, exercise: Exercise) -> str:
    """Return how the program calls a student: by the id, or by the place in the list where TeX could not write that."""
    return exercise.name if _PLAIN.fullmatch(exercise.name) else f"student-{place}"


def _exam(pool: Pool, title: str, style: str, language: str) -> str:
    row = rendering.formats()["latex"]
    row = replace(row, folders=(resources.folder("templates") / "export", *row.folders))
    contents = [
        replace(each, footer=None) for find in (pool.question, pool.solution) for each in map(find, pool.exercises)
    ]
    drafts = drafted(contents, pool.given.derivation, row, language)
    owners = [each.student.name or each.name for each in pool.exercises]
    views = [draft.view for draft in drafts]
    shared = {
        "latin": all(view["latin"] for view in views) and all(map(escapes.is_latin, owners)),
        "language": language,
        "small": False,
        "footer": None,
        "toned": any(view["toned"] for view in views),
        "figures": [figure for view in views for figure in view["figures"]],
    }
    copies = list(_copies(pool, drafts, owners))
    title = _inline(drafts[0], title)
    return filled(
        row.folders,
        _TEMPLATE,
        Phrases(drafts[0].writer),
        document=shared,
        title=title,
        is_class=pool.is_class,
        copies=copies,
        boxes="export.choose" if style == "choices" else "export.boxes",
    )


def _copies(pool: Pool, drafts: Sequence[Draft], owners: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """Yield what is on each copy; the drafts are the questions of all, then their solutions."""
    count = len(pool.exercises)
    columns = _columns(pool)
    for place, exercise in enumerate(pool.exercises):
        yield {
            "key": _key(place + 1, exercise),
            "owner": _inline(drafts[0], owners[place]),
            "page": drafts[place].view,
            "solution": drafts[count + place].view,
            "questions": list(_questions(drafts[0], exercise, columns)),
        }


def _questions(draft: Draft, exercise: Exercise, columns: Sequence[Boxes]) -> Iterator[Mapping[str, Any]]:
    """Yield what a copy asks: each number with its options, or its boxes."""
    for number, (asked, common) in enumerate(zip(exercise.asked, columns, strict=True), start=1):
        yield {
            "name": f"{number}-{_OTHER.sub('-', asked.id)}",
            "id": draft.writer.escape(asked.id),
            "symbol": _inline(draft, asked.symbol),
            "points": f"{float(asked.points):g}",
            "options": [(_inline(draft, as_written(option.text)), option.is_key) for option in asked.options],
            **({} if asked.options else _filled(asked, common)),
        }


def _filled(asked: AskedNumber, common: Boxes) -> Mapping[str, Any]:
    """Return how a number is filled in: the middle of what is right, or two numbers there, and how far that goes."""
    own = common if common.digits <= MOST_COLUMNS else boxes([asked])
    lowest, highest = own.right(asked)
    middle, apart = divmod(lowest + highest, 2)
    return {
        "key": f"{middle * own.unit:f}",
        "second": f"{(middle + 1) * own.unit:f}" if apart else "",
        "radius": (highest - lowest) // 2,
        "digits": own.digits,
        "decimals": own.decimals,
    }


def _columns(pool: Pool) -> list[Boxes]:
    """Return the columns of each answer, the same in all variants, so that they tell nothing of the number."""
    return [boxes(each) for each in zip(*(exercise.asked for exercise in pool.exercises), strict=True)]


def _inline(draft: Draft, content: Inline) -> str:
    return str(draft.writer.block(Paragraph(message("text.plain", text=content)))["text"])
