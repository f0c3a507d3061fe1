"""What reports say of mistakes with a name: those of one student, and those of a class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from symbackprop.document.blocks import Inline, Paragraph, Section, Verbatim
from symbackprop.homework.marking import Mark
from symbackprop.homework.recognition import NamedMistake
from symbackprop.homework.submissions import some
from symbackprop.messages import message

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
    found: dict[str, list[tuple[str, str]]] = {}
    for student, own in marks.items():
        for mark in own:
            if mark.mistake is not None:
                found.setdefault(mark.mistake.id, []).append((student, mark.answer.id))
    for id, places in sorted(found.items(), key=lambda each: -len(each[1])):
        students = len({student for student, _ in places})
        answers = [answer for answer, _ in Counter(answer for _, answer in places).most_common()]
        yield message(f"slip.{id}"), str(len(places)), str(students), Verbatim(", ".join(some(answers)))
