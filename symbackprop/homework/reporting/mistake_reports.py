"""What reports say of mistakes with a name: those of one student, and those of a class."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from symbackprop.document.blocks import Inline, Paragraph, Section, Verbatim
from symbackprop.homework.marks.marking import Mark
from symbackprop.homework.marks.recognition import NamedMistake
from symbackprop.messages import message, some

BY_MISTAKE = ("mistake", "count", "students", "answers")
"""The columns of the table of a class."""


def own_mistakes(own: Sequence[Mark]) -> Iterator[Section]:
    """Yield what mistakes a student made: each where it was made first, and how it is right."""
    first: dict[str, NamedMistake] = {}
    for mark in own:
        if mark.mistake is not None:
            first.setdefault(mark.mistake.id, mark.mistake)
    if first:
        told = (
            message(
                "diagnosis.explained",
                mistake=message("diagnosis.at", mistake=message(f"slip.{each.id}"), names=list(each.at)),
                reason=message(f"slip_reason.{each.id}"),
            )
            for each in first.values()
        )
        yield Section(message("report.mistakes"), tuple(map(Paragraph, told)))


def mistakes_of_class(marks: Mapping[str, Sequence[Mark]]) -> Iterator[tuple[Inline, ...]]:
    """Yield the mistakes with a name, the commonest first: how many answers of how many students they made, and which."""
    places: dict[str, Counter[str]] = defaultdict(Counter)
    students: Counter[str] = Counter()
    for own in marks.values():
        made = [(mark.mistake.id, mark.answer.id) for mark in own if mark.mistake is not None]
        for id, answer in made:
            places[id][answer] += 1
        students.update({id for id, _ in made})
    for id, found in sorted(places.items(), key=lambda each: -each[1].total()):
        answers = [answer for answer, _ in found.most_common()]
        yield message(f"slip.{id}"), str(found.total()), str(students[id]), Verbatim(", ".join(some(answers)))
