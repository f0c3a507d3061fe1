"""A class's homework from beginning to end: draw, remember, and say what is to be written."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from symbackprop.errors import OutputError, ProblemError, damaged
from symbackprop.homework.assignments import alike_answers
from symbackprop.homework.assignments.options import OptionsById
from symbackprop.homework.assignments.problem_sets import ClassNumbers, ProblemSet, about, draw_class, problem_set
from symbackprop.homework.classes.roster import Roster, code
from symbackprop.homework.classes.shards import SETTING, Shard
from symbackprop.homework.handouts import distribution
from symbackprop.homework.handouts.choices import Choices, remarks_on
from symbackprop.homework.handouts.distribution import PDF, Job, enrolled, ready
from symbackprop.homework.handouts.manifest import (
    MANIFEST,
    ROSTER,
    Enrolment,
    Manifest,
    StatedProblem,
    answer_files,
    inlined,
)
from symbackprop.messages import Message, message, some
from symbackprop.problems import load
from symbackprop.rendering.typesetting import pdf_engines
from symbackprop.whole_files import Content, begun

SECRET = "secret"
TEACHER = "teacher"
UNFINISHED = f"{TEACHER}/unfinished.json"
"""Ids of students: a line with all whom a run had to come to, then lines of those whom it did."""
ARCHIVE = 500
"""Students whose documents are in one archive, where archives are asked for."""


@dataclass(frozen=True)
class Course:
    """What one run gives out: the job, the small files of the teacher, and the students whose files may be there already.

    `remarks` say what the teacher should know; `is_changed` that sheets of an earlier run would be others by now, and not
    only in other formats.
    """

    job: Job
    files: Mapping[str, Content]
    kept: frozenset[int]
    remarks: tuple[Message, ...] = ()
    is_changed: bool = False


def prepare(
    sources: Sequence[load.Source],
    roster: Roster,
    folder: Path,
    *,
    seed: int,
    attempt: int = 1,
    formats: Sequence[str],
    language: str,
    anonymous: bool = False,
    templates: str | None = None,
    engine: str | None = None,
    same: bool = False,
    archives: bool = False,
    shard: Shard | None = None,
    secret: Path | None = None,
) -> Course:
    """Return the homework of a class, of one problem or of several on one sheet.

    What is in `folder` from an earlier run is kept if it is of the same homework. A longer roster adds students, and
    changes none. With a `shard` it is that part of the class; all parts need the same `secret`, a file that is made where
    there is none. Raises `OutputError` where the folder holds a homework with other
    numbers, another seed or attempt, `ProblemError` where no fair numbers exist, or where nothing is drawn and all sheets
    would be alike, which has to be asked for: `same`.
    """
    given = problem_set([source.problem() for source in sources], [source.content for source in sources])
    for part in () if same else given.alike:
        (what,) = about(part, [message("homework.nothing_drawn")])
        raise ProblemError(what, where="variants")
    settings: dict[str, object] = {
        "formats": list(formats),
        "language": language,
        "anonymous": anonymous,
        "attempt": attempt,
        "templates": templates,
        "engine": engine,
        "encoding": roster.encoding,
        **({"archive": ARCHIVE} if archives else {}),
    }
    if shard is not None:
        unit = ARCHIVE if archives else 1
        settings[SETTING] = shard.setting(roster.students, unit)
        roster = replace(roster, students=roster.students[slice(*shard.bounds(len(roster.students), unit))])
    before = Manifest.read(path) if (path := folder / TEACHER / MANIFEST).is_file() else None
    if before is not None:
        _check_same(before, given, seed, settings, folder)
    found, remarks = _secret(folder, secret, shard, is_first=before is None)
    manifest, told = _manifest(sources, given, roster, seed, settings, before, found)
    ready(manifest)  # what is written can be read again, or nothing is written
    job = Job.of(manifest)
    whole = enrolled(given, manifest.enrolments)
    remarks += [*_later_steps(given), *alike_answers.remarks(whole), *told, *_without_font(job, given)]
    remarks[:0] = [said for part in given.alike for said in about(part, [message("homework.all_alike")])]
    kept = _kept(before, manifest, unfinished(folder))
    is_changed = before is not None and _alike(before) != _alike(manifest)
    return Course(job, teachers_files(given, whole, manifest, found, roster.content), kept, tuple(remarks), is_changed)


def _later_steps(given: ProblemSet) -> Iterator[Message]:
    """Yield a remark on each problem whose training goes on after the last step that is asked about."""
    for part in given.parts:
        training, asked = part.problem.training, part.homework.steps
        if training is not None and training.steps > asked:
            yield from about(part, [message("homework.later_steps", count=training.steps, asked=asked, next=asked + 1)])


def _manifest(
    sources: Sequence[load.Source],
    given: ProblemSet,
    roster: Roster,
    seed: int,
    settings: Mapping[str, Any],
    before: Manifest | None,
    secret: str,
) -> tuple[Manifest, list[Message]]:
    """Return what is given out, and what is to be said of the draws of students whom an earlier run did not know."""
    attempt = int(settings["attempt"])
    known = {} if before is None else {each.student.id: each for each in before.enrolments}
    positions = {id: each.positions for id, each in known.items()}
    new = [student.id for student in roster.students if student.id not in known]
    cohort = draw_class(given, new, seed, dict.fromkeys(new, attempt))
    positions |= {id: cohort.positions(place) for place, id in enumerate(new)}
    # A sheet that is given out keeps its code, whatever became of the secret.
    codes = {id: each.code for id, each in known.items()}
    codes |= {id: code(secret, given.digest, id, attempt) for id in new}
    options, told = _options(cohort, {id: each.options for id, each in known.items()}, roster)
    remarks = [*cohort.remarks(), *told]
    enrolments = [
        Enrolment(each, codes[each.id], attempt, positions[each.id], options[each.id]) for each in roster.students
    ]
    # A student who has left the list keeps the files and the key.
    listed = {student.id for student in roster.students}
    gone = [each for id, each in known.items() if id not in listed]
    # A pool is the same in every run.
    earlier = None if given.homework.pool else before
    rejections = cohort.rejections + Counter({} if earlier is None else earlier.rejections)
    first, *further = (
        StatedProblem(part.problem.name, inlined(source.content, part.problem))
        for source, part in zip(sources, given.parts, strict=True)
    )
    manifest = Manifest(
        name=first.name,
        content=first.content,
        digest=given.digest,
        seed=seed,
        settings=settings,
        columns=roster.columns,
        enrolments=(*enrolments, *gone),
        tries=cohort.tries + (0 if earlier is None else earlier.tries),
        rejections=dict(sorted(rejections.items())),
        delimiter=roster.delimiter,
        has_bom=roster.has_bom,
        further=tuple(further),
    )
    return manifest, remarks


def _options(
    drawn: ClassNumbers, known: Mapping[str, OptionsById], roster: Roster
) -> tuple[dict[str, OptionsById], list[Message]]:
    """Return the options of all students, those of the `known` ones as they are, and what is to be said of them."""
    found = dict(known) | {id: {} for id in drawn.students}
    remarks: list[Message] = []
    for cohort in drawn.parts:
        choices = Choices(cohort.given)
        for id, own in zip(drawn.students, choices.of(cohort), strict=True):
            found[id] = {**found[id], **own}
        remarks += about(cohort.given, remarks_on(choices, [found[each.id] for each in roster.students]))
    return found, remarks


def teachers_files(
    given: ProblemSet, whole: ClassNumbers, manifest: Manifest, secret: str, roster: bytes
) -> dict[str, Content]:
    """Return the small files of the teacher: answers, manifest, secret and roster."""
    files: dict[str, Content] = {
        **answer_files(given, whole, manifest.enrolments),
        SECRET: f"{secret}\n",
        MANIFEST: manifest.text(),
        **({ROSTER: roster} if roster else {}),
    }
    return {f"{TEACHER}/{name}": content for name, content in files.items()}


def _secret(folder: Path, file: Path | None, shard: Shard | None, *, is_first: bool) -> tuple[str, list[Message]]:
    """Return the secret of a folder, else of a file, else a new one, and what is to be said of it."""
    own = folder / TEACHER / SECRET
    if own.is_file() and (kept := own.read_text("utf-8", "replace").strip()):
        return kept, []
    if file is not None:
        return begun(file, secrets.token_hex(16) + "\n").strip(), []
    if shard is not None:
        raise OutputError(message("homework.shards_need_secret"), where="--shard")
    return secrets.token_hex(16), [] if is_first else [message("homework.lost_secret")]


def _without_font(job: Job, given: ProblemSet) -> Iterator[Message]:
    """Yield remarks on letters that PDFs will lack: in names of students, and in what the problem says."""
    if PDF not in job.formats:
        return
    homework, said = given.homework, job.language
    headings = (part.problem.heading for part in given.parts)
    wordings = (*headings, homework.course, homework.date, homework.instructions)
    stated = set("".join(each.said(said) for each in wordings))
    names = {each.student.id: {*each.student.name, *each.student.id} for each in job.manifest.enrolments}
    lacking = pdf_engines.missing(distribution.engine_of_pdfs(job), stated.union(*names.values()))
    students = [id for id, letters in names.items() if lacking & letters]
    if students:
        yield message("homework.no_font_for_names", count=len(students), students=some(students))
    if lacking & stated:
        yield message("homework.no_font_for_texts", characters=sorted(lacking & stated))


def digits_of_numbers(folder: Path) -> int:
    """Return how many digits the numbers have that students without a roster got in a folder; 0 where there are none."""
    path = folder / TEACHER / MANIFEST
    ids = [each.student.id for each in Manifest.read(path).enrolments] if path.is_file() else []
    return min((len(id) for id in ids if id.isdecimal()), default=0)


def _check_same(before: Manifest, given: ProblemSet, seed: int, settings: Mapping[str, Any], folder: Path) -> None:
    if before.digest != given.digest and not given.has_numbers_of(before.problem_set()):
        raise OutputError(message("homework.other_numbers"), where=str(folder))
    compared = [
        ("seed", seed, before.seed),
        ("attempt", settings["attempt"], before.settings.get("attempt")),
        (SETTING, settings.get(SETTING), before.settings.get(SETTING)),
    ]
    for name, found, expected in compared:
        if found != expected:
            raise OutputError(
                message("homework.other_setting", name=name, found=found, expected=expected), where=str(folder)
            )


def unfinished(folder: Path) -> frozenset[str]:
    """Return the ids of the students whom a run that was killed had not come to, or had to give up."""
    path = folder / UNFINISHED
    if not path.is_file():
        return frozenset()
    # The last line may be cut off where the run was killed.
    lines = [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"]\n")]
    with damaged(lambda reason: message("homework.no_list"), str(path)):
        todo, *done = map(json.loads, lines) if lines else [[]]
        return frozenset(map(str, todo)).difference(*(map(str, each) for each in done))


def _kept(before: Manifest | None, manifest: Manifest, unfinished: frozenset[str]) -> frozenset[int]:
    """Return the places of students whose documents an earlier run may have written just as this one would."""
    if before is None or replace(before, **_blank) != replace(manifest, **_blank):
        return frozenset()
    earlier = set(map(_printed, before.enrolments))
    return frozenset(
        place
        for place, each in enumerate(manifest.enrolments)
        if _printed(each) in earlier and each.student.id not in unfinished
    )


def _alike(manifest: Manifest) -> Manifest:
    """Return what all documents of a homework follow from, whatever their formats."""
    settings = {
        name: value for name, value in manifest.settings.items() if name not in ("formats", "engine", "encoding")
    }
    return replace(manifest, settings=settings, **_blank)


_blank: dict[str, Any] = {
    "enrolments": (),
    "tries": 0,
    "rejections": {},
    "columns": (),
    "delimiter": ",",
    "has_bom": False,
}


def _printed(each: Enrolment) -> tuple[str, str, str]:
    """Return what of a student is printed on sheet and key."""
    return each.student.id, each.student.name, each.code
