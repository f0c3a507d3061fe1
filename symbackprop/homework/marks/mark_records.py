"""Marks as data of JSON: what a shard of marking hands to the others, and nothing in it is a program."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from symbackprop.homework.assignments.answers import Answer
from symbackprop.homework.assignments.problem_sets import ProblemSet
from symbackprop.homework.marks.marking import Mark, MarkVerdict
from symbackprop.homework.marks.recognition import NamedMistake
from symbackprop.messages import Message

_PHRASE = "phrase"


def plain(value: object) -> Any:
    """Return a message, or what fills one, as data; raises `TypeError` for what is none.

    >>> plain(Message("mark.with", {"name": "z1", "value": "2"}))
    {'phrase': 'mark.with', 'name': 'z1', 'value': '2'}
    """
    if isinstance(value, Message):
        return {_PHRASE: value.id, **{name: plain(each) for name, each in value.arguments.items()}}
    if isinstance(value, list | tuple):
        return list(map(plain, value))
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"no data: {type(value).__name__}")


def said(value: Any) -> Any:
    """Return what `plain` made data of."""
    if isinstance(value, Mapping):
        return Message(str(value[_PHRASE]), {name: said(each) for name, each in value.items() if name != _PHRASE})
    return list(map(said, value)) if isinstance(value, list) else value


Record = tuple[str, str | None, list[Mark]]
"""A student, the file of the last attempt (None: nothing was handed in), and the marks."""


def lines(marks: Mapping[str, Sequence[Mark]], origins: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each student: the id, of which file the last attempt is, and the marks."""
    for student, own in marks.items():
        yield json.dumps([student, origins.get(student), list(map(_plain_mark, own))], ensure_ascii=False) + "\n"


def records(given: ProblemSet, found: Iterable[str]) -> Iterator[Record]:
    """Yield what some lines say of students; raises errors of several kinds for what are no such lines."""
    asked, most = list(given.answers), given.most
    answers = {answer.id: (answer, most[answer.id]) for answer in asked}
    for line in found:
        student, origin, own = json.loads(line)
        marks = [_mark(*answers[id], *parts) for id, *parts in own]
        is_text = isinstance(student, str) and (origin is None or isinstance(origin, str))
        if not is_text or [mark.answer for mark in marks] != asked:
            raise ValueError(student)
        yield student, origin, marks


def _plain_mark(mark: Mark) -> list[Any]:
    mistakes = [[each.id, each.at] for each in mark.mistakes]
    flags = [mark.rests, mark.is_evidence]
    return [mark.answer.id, mark.text, mark.verdict, str(mark.points), plain(mark.said), *flags, mistakes]


def _mark(
    answer: Answer,
    most: Fraction,
    text: str,
    verdict: str,
    points: str,
    why: Any,
    rests: bool,
    is_evidence: bool,
    mistakes: Sequence[tuple[str, Sequence[str]]],
) -> Mark:
    named = tuple(NamedMistake(id, tuple(at)) for id, at in mistakes)
    earned = Fraction(points)
    return Mark(answer, str(text), MarkVerdict(verdict), earned, most, said(why), bool(rests), bool(is_evidence), named)
