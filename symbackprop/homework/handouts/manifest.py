"""The teacher's folder: what was given out, as plain data, so that marking needs nothing else.

`manifest.json` holds the problem with all its numbers, seed, settings, and for each student code, attempt and the positions
of what was drawn; `answers.json` and `answers.csv` the key.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import numpy

from symbackprop.csv_tables import DELIMITERS, csv_lines, write_csv
from symbackprop.errors import ProblemError, SymbackpropError, known_language
from symbackprop.homework.assignments.options import OptionsById, key_letter, letter
from symbackprop.homework.assignments.problem_sets import ClassNumbers, ProblemSet, problem_set
from symbackprop.homework.classes.packed_mappings import PackedMapping
from symbackprop.homework.classes.roster import Student
from symbackprop.homework.classes.shards import SETTING
from symbackprop.language import DEFAULT
from symbackprop.messages import message
from symbackprop.problems import Problem, Rounding, load

MANIFEST, ANSWERS, ANSWER_TABLE, ROSTER = "manifest.json", "answers.json", "answers.csv", "roster.csv"
FORMAT = 1
"""The version of the manifest's own form."""
_DIGITS = 12
"""Digits of a number in a file: fewer than a float has, so that they are the same on every machine."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A student with what was drawn for them, and what their answers are chosen from.

    Positions go by the name of what is drawn, behind the number of its problem on a sheet of several (`2.W1`), and are kept
    packed.
    """

    student: Student
    code: str
    attempt: int
    positions: Mapping[str, tuple[int, ...]]
    options: OptionsById = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Pack what every student of a large class has."""
        object.__setattr__(self, "positions", PackedMapping.of(self.positions))


@dataclass(frozen=True)
class StatedProblem:
    """A problem that was given out: its name, and the content of its file."""

    name: str
    content: Mapping[str, Any]


@dataclass(frozen=True)
class Manifest:
    """What was given out: the first problem, the `further` ones; `settings` are those of the documents (language, …).

    `delimiter` and `has_bom` are those of the roster, for the gradebook.
    """

    name: str
    content: Mapping[str, Any]
    digest: str
    seed: int
    settings: Mapping[str, Any]
    columns: tuple[str, ...]
    enrolments: tuple[Enrolment, ...]
    tries: int
    rejections: Mapping[str, int]
    delimiter: str = ","
    has_bom: bool = False
    further: tuple[StatedProblem, ...] = ()

    @property
    def problems(self) -> tuple[StatedProblem, ...]:
        """All problems."""
        return StatedProblem(self.name, self.content), *self.further

    def problem_set(self) -> ProblemSet:
        """Return the problems; raises `ProblemError` where this version would mark other numbers than were given out."""
        problems = [load.problem(each.content, name=each.name) for each in self.problems]
        found = problem_set(problems, [each.content for each in self.problems])
        if found.digest != self.digest:
            raise ProblemError(message("homework.other_version"), where=MANIFEST)
        return found

    def text(self) -> str:
        """Return the manifest as JSON, with a line for each student."""
        left_out = {_STUDENTS} if self.further else {_STUDENTS, _FURTHER}
        head = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in left_out}
        begun = f"{_json({'format': FORMAT, **head}).removesuffix(_END)},\n "
        if not self.enrolments:
            return f'{begun}"{_STUDENTS}": []{_END}\n'
        return f"{begun}{_BEFORE}{_BETWEEN.join(_line(_plain(each)) for each in self.enrolments)}{_AFTER}"

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Return the manifest in a file; raises `ProblemError` for what is none."""
        try:
            return cls.of(path.read_text("utf-8"))
        except OSError as error:
            raise ProblemError(message("problem.unreadable", reason=error.strerror or ""), where=str(path)) from None
        except UnicodeDecodeError:
            raise ProblemError(message("homework.no_manifest"), where=str(path)) from None
        except SymbackpropError as error:
            raise error.at(str(path)) from None

    @classmethod
    def of(cls, text: str) -> Manifest:
        """Return the manifest that JSON describes; raises `ProblemError` where a key is missing, or no value of its kind."""
        try:
            found = _validated(text)
        except ValueError:
            id = "homework.other_version" if _is_of_another_format(text) else "homework.no_manifest"
            raise ProblemError(message(id)) from None
        if found.format != FORMAT:
            raise ProblemError(message("homework.other_version"))
        if len(found.delimiter) != 1 or found.delimiter not in DELIMITERS:
            raise ProblemError(message("homework.no_manifest"), where="delimiter")
        _check_settings(found.settings)
        return cls(**{each.name: getattr(found, each.name) for each in fields(cls)})


def _plain(each: Enrolment) -> dict[str, Any]:
    """Return a student of the manifest as plain data."""
    return {
        "student": {"id": each.student.id, "name": each.student.name, "row": dict(each.student.row)},
        "code": each.code,
        "attempt": each.attempt,
        "positions": dict(each.positions),
        **({_OPTIONS: dict(each.options)} if each.options else {}),
    }


@dataclass(frozen=True, kw_only=True)
class _ManifestFile(Manifest):
    """What the file of a manifest holds."""

    format: int


@functools.cache
def _reader(kind: Any) -> Any:
    """Return what reads JSON and compares each value with its kind."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def _validated(text: str) -> _ManifestFile:
    """Return what JSON says; raises `ValueError` for a value of another kind.

    The reader takes a multiple of the room of what it reads: a list that has a line for each student, as `Manifest.text`
    writes it, is read some students at a time.
    """
    reader = _reader(_ManifestFile)
    head, _, listed = text.partition(_BEFORE)
    lines = listed.removesuffix(_AFTER).split(_BETWEEN)
    if not listed.endswith(_AFTER) or not all(line.startswith("{") and line.endswith("}") for line in lines):
        return cast(_ManifestFile, reader.validate_json(text, strict=True))
    found = reader.validate_json(f'{head}"{_STUDENTS}": []{_END}', strict=True)
    some = (lines[start : start + _TOGETHER] for start in range(0, len(lines), _TOGETHER))
    students = _reader(tuple[Enrolment, ...])
    parts = [students.validate_json(f"[{','.join(each)}]", strict=True) for each in some]
    return cast(_ManifestFile, replace(found, enrolments=tuple(itertools.chain.from_iterable(parts))))


def _is_of_another_format(text: str) -> bool:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("format", FORMAT) != FORMAT


_NOTHING = type(None)
_KINDS: Mapping[str, tuple[type, ...]] = {
    "formats": (list,),
    "language": (str,),
    "anonymous": (bool,),
    "attempt": (int,),
    "templates": (str, _NOTHING),
    "engine": (str, _NOTHING),
    "encoding": (str,),
    "archive": (int,),
    SETTING: (dict,),
    f"{SETTING}.number": (int,),
    f"{SETTING}.of": (int,),
    f"{SETTING}.first": (int,),
}
"""Of which kind each setting of the documents is."""


def _check_settings(settings: Mapping[str, Any], above: str = "") -> None:
    """Raise `SymbackpropError` for settings that are of other kinds, or name a language that there is not."""
    for name, value in settings.items():
        if not isinstance(value, _KINDS.get(above + name, (object,))):
            raise ProblemError(message("homework.no_manifest"), where=f"settings.{above}{name}")
    if not above:
        _check_settings(settings.get(SETTING, {}), f"{SETTING}.")
        known_language(settings.get("language", DEFAULT), where="settings.language")


_STUDENTS, _FURTHER, _OPTIONS, _END = "enrolments", "further", "options", "\n}"
_BEFORE, _BETWEEN, _AFTER = f'"{_STUDENTS}": [\n  ', ",\n  ", f"\n ]{_END}\n"
"""What stands before, between and after the students of a manifest."""
_TOGETHER = 200
"""Students of a manifest that are read at a time."""


def inlined(content: Mapping[str, Any], problem: Problem) -> dict[str, Any]:
    """Return the content of a problem file as plain data, with the numbers of other files and of draws written in it."""
    plain = json.loads(_json(content))
    if problem.layers:
        arrays = {
            name: numpy.array([entry.text for entry in array.entries if entry is not None])
            .reshape(array.shape)
            .tolist()
            for name, array in problem.arrays.items()
            if None not in array.entries
        }
        plain["parameters"] = {name: value for name, value in arrays.items() if name not in ("x", "y")}
        plain["data"] = {name: value for name, value in arrays.items() if name in ("x", "y")}
    assert isinstance(plain, dict)
    return plain


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1, default=_spelled)


def _line(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, default=_spelled)


def _spelled(value: object) -> object:
    """Return a number that JSON does not know as the text that states it."""
    if isinstance(value, Decimal | Fraction):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, StatedProblem):
        return asdict(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def spelled(value: float) -> str:
    """Return a number as the answer files have it: twelve digits.

    >>> spelled(0.1 + 0.2)
    '0.3'
    """
    return format(value, f".{_DIGITS}g")


def answer_files(given: ProblemSet, cohort: ClassNumbers, enrolments: Sequence[Enrolment]) -> dict[str, Iterable[str]]:
    """Return the key as `answers.csv` and `answers.json`, in pieces: student by student in the order of the class."""
    return {ANSWER_TABLE: _answer_table(given, cohort, enrolments), ANSWERS: _answer_data(given, cohort, enrolments)}


def _answer_table(given: ProblemSet, cohort: ClassNumbers, enrolments: Sequence[Enrolment]) -> Iterator[str]:
    most, are_chosen = _most(given), any(part.homework.rules.choices for part in given.parts)
    header = ("student", "code", "answer", "value", "tolerance", "points", *(["option"] if are_chosen else []))
    yield write_csv(header, ())
    for place, own in _keys(given, cohort):
        each = enrolments[place]
        letters = {id: key_letter(options) for id, options in each.options.items()}
        yield from csv_lines(
            (
                cohort.students[place],
                each.code,
                id,
                value,
                allowed,
                most[id],
                *([letters.get(id, "")] if are_chosen else []),
            )
            for id, (value, allowed) in own.items()
        )


def _answer_data(given: ProblemSet, cohort: ClassNumbers, enrolments: Sequence[Enrolment]) -> Iterator[str]:
    most = _most(given)
    asked = [{"id": a.id, "aliases": a.accepted[1:], "ask": a.group, "points": most[a.id]} for a in given.answers]
    yield f'{_json({"answers": asked}).removesuffix(_END)},\n "students": {{'
    for place, own in _keys(given, cohort):
        said: dict[str, dict[str, Any]]
        said = {id: {"value": value, "tolerance": allowed} for id, (value, allowed) in own.items()}
        for id, options in enrolments[place].options.items():
            said[id][_OPTIONS] = {
                letter(number): {"value": each.text, "mistake": each.mistake, "at": each.at}
                for number, each in enumerate(options)
            }
        yield f"{',' * (place > 0)}\n  {_line(cohort.students[place])}: {_line(said)}"
    yield f"\n }}{_END}\n"


def _most(given: ProblemSet) -> dict[str, str]:
    return {id: format(float(points), ".6g") for id, points in given.most.items()}


def _keys(given: ProblemSet, cohort: ClassNumbers) -> Iterator[tuple[int, dict[str, tuple[str, str]]]]:
    """Yield the places of students with value and tolerance of each answer."""
    columns = [(answer.id, cohort.values[answer.id], cohort.tolerances[answer.id]) for answer in given.answers]
    for place in range(len(cohort.students)):
        yield (
            place,
            {
                id: (spelled(float(values[place])), format(float(allowed[place]), ".3g"))
                for id, values, allowed in columns
            },
        )


def printed(value: float, rounding: Rounding) -> str:
    """Return a number rounded as the contract asks, for a sheet or a report.

    >>> printed(0.5, Rounding(4, significant=True)), printed(2 / 3, Rounding(2, significant=False))
    ('0.5000', '0.67')
    """
    return (
        format(value, f"#.{rounding.digits}g").rstrip(".") if rounding.significant else f"{value:.{rounding.digits}f}"
    )
