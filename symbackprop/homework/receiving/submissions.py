"""Submissions: what students handed in, one row per answer or one row per student, in any number of files."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from symbackprop.csv_tables import Sheet, table
from symbackprop.errors import ProblemError, nearest
from symbackprop.homework.classes.columns import CODE_NAMES, ENDINGS, STUDENT, USUAL_NAMES, simple
from symbackprop.homework.classes.packed_mappings import PackedMapping
from symbackprop.homework.receiving.identification import ClassList
from symbackprop.homework.receiving.submitted_files import submitted
from symbackprop.homework.receiving.time_stamps import TIME_NAMES, times
from symbackprop.messages import Message, message, some

OPTION = "--student-columns"
COLUMN_KEYS = ("id", "code", "time")
"""What `--student-columns` can say of submissions."""
_WORD = re.compile(r"(?:((?<![\w.])\d+\.)\s*(?=[^\W\d]))?([^\W_](?:[\w@]*[^\W_])?)")
"""A word, perhaps behind the number of a problem, or of a question."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a student handed in at once: texts by answer id, where it stood, when (None: it does not say), in which file."""

    texts: Mapping[str, str]
    where: str
    time: datetime.datetime | None = None
    file: str = ""


@dataclass
class Submissions:
    """The attempts by student in the order in which they were read, the codes by student, and what was found odd."""

    attempts: dict[str, list[Attempt]] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    remarks: list[tuple[str, Message]] = field(default_factory=list)

    @property
    def texts(self) -> dict[str, dict[str, str]]:
        """What counts where later attempts do: the last text that is not blank, by student and answer."""
        return {id: joined(own)[-1] for id, own in self.attempts.items()}


def joined(attempts: Iterable[Attempt]) -> list[dict[str, str]]:
    """Return what stands after each attempt: a blank does not take back what was answered before."""
    standings: list[dict[str, str]] = [{}]
    for attempt in attempts:
        kept = standings[-1]
        standings.append(kept | {id: text for id, text in attempt.texts.items() if text.strip() or id not in kept})
    return standings[1:]


class AnswerNames:
    """The answers that are asked, found in the titles of columns and questions: in any letters, with text around the id."""

    def __init__(self, answers: Mapping[str, str]) -> None:
        self._exact = answers
        self._folded: dict[str, set[str]] = {}
        for name, id in answers.items():
            self._folded.setdefault(name.casefold(), set()).add(id)

    def find(self, title: str) -> str | None:
        """Return the one answer that a title names, None for none or several.

        >>> names = AnswerNames({"z1_1": "z1_1", "L": "L"})
        >>> names.find("Question 2: Z1_1 (4 digits)"), names.find("L"), names.find("z1_1 or L")
        ('z1_1', 'L', 'z1_1')
        """
        title = title.strip()
        found = self._exact.get(title) or self._alone(title)
        if found is not None:
            return found
        # A letter alone may be a word of the title: it has to be the very letter, and is none beside a longer name.
        found_words = (self._numbered(*parts) for parts in _WORD.findall(title))
        words = [word for word in found_words if len(word) > 1 or word in self._exact]
        long = {id for word in words if len(word) > 1 and (id := self._exact.get(word) or self._alone(word))}
        ids = long or {self._exact[word] for word in words if len(word) == 1}
        return ids.pop() if len(ids) == 1 else None

    def _numbered(self, number: str, word: str) -> str:
        """Return a word with the number before it if that is the number of a problem, else without."""
        return number + word if (number + word).casefold() in self._folded else word

    def _alone(self, name: str) -> str | None:
        ids = self._folded.get(name.casefold(), set())
        return next(iter(ids)) if len(ids) == 1 else None

    def columns(self, titles: Sequence[str]) -> dict[str, str]:
        """Return the columns of answers, column by answer; of several for one answer (`z1_1 [Score]`) the shortest is it."""
        found: dict[str, str] = {}
        for title in sorted(titles, key=len):
            id = self.find(title)
            if id is not None:
                found.setdefault(id, title)
        return found


def read_submissions(
    paths: Path | Sequence[Path],
    students: Iterable[str] | ClassList,
    answers: Mapping[str, str],
    encoding: str = "",
    columns: Mapping[str, str] | None = None,
) -> Submissions:
    """Return what is in files, folders and archives of tables; `students` is the class, `answers` maps names to answer ids.

    Rows of unknown students and answers are left out and remarked on. An id that lacks its leading zeros is completed, and
    remarked on. `encoding` is that of the files where it is not found out, `columns` says which column is the `id`, the
    `code` or the `time` where none of the usual names does. Raises `ProblemError` for a file without a column of students
    or of answers.
    """
    known = students if isinstance(students, ClassList) else ClassList(students)
    reader = _Reader(known, AnswerNames(answers), tuple(dict.fromkeys(answers.values())), columns or {})
    files = list(submitted([paths] if isinstance(paths, Path) else paths))
    for file in files:
        if file.content is not None:
            reader.read(table(file.content, file.where, encoding=encoding, read_again=True), file.name)
    reader.pass_over([file.where for file in files if file.content is None])
    return reader.finished(files[0].where if len(files) == 1 else "")


class _Reader:
    """Reads table after table, and keeps in mind what was said already."""

    def __init__(
        self, known: ClassList, names: AnswerNames, answers: Sequence[str], columns: Mapping[str, str]
    ) -> None:
        self.known, self.names, self.answers, self.columns = known, names, answers, columns
        self.found = Submissions()
        self._told: list[Message] = []
        self._seen: set[str] = set()
        self._has_columns = False

    def read(self, sheet: Sheet, file: str) -> None:
        """Take the rows of a table; `file` is the name under which it was handed in."""
        if sheet.guess is not None:
            self._tell(sheet.path, sheet.guess)
        lower = {simple(column): column for column in reversed(sheet.columns)}
        code = self._named(sheet, "code", CODE_NAMES)
        time = self._named(sheet, "time", TIME_NAMES)
        is_long = "answer" in lower and "value" in lower
        own = {} if is_long else self.names.columns([c for c in sheet.columns if c not in (code, time)])
        student = self._student(sheet, code, set(own.values()))
        used = {student, code, time, *own.values()}
        stamps = self._times(sheet, time)
        if is_long:
            self._take_long(sheet, (student, code, lower["answer"], lower["value"]), stamps, file)
            return
        if not own:
            raise ProblemError(
                message("homework.no_answers"), where=f"{sheet.path}:1", valid=("student,answer,value", "student,…")
            )
        ignored = [column for column in sheet.columns if column and column not in used]
        if ignored:
            self._tell(f"{sheet.path}:1", message("homework.columns_ignored", names=some(ignored)))
        self._seen.update(own)
        self._has_columns = True
        for (line, row), stamp in zip(sheet.rows, stamps, strict=True):
            where = f"{sheet.path}:{line}"
            id = self._who(where, row, student, code)
            if id is not None:
                texts = {answer: row[column] for answer, column in own.items()}
                self._add(id, Attempt(texts, where, stamp, file))

    def _take_long(
        self,
        sheet: Sheet,
        columns: tuple[str, str, str, str],
        stamps: Sequence[datetime.datetime | None],
        file: str,
    ) -> None:
        """Take rows of one answer each; where a student's answer comes again, or at another time, an attempt begins."""
        student, code, answer, value = columns
        begun: set[str] = set()
        at, texts = "", dict[str, str]()  # whose rows these are, and what stood in them
        for (line, row), stamp in zip(sheet.rows, stamps, strict=True):
            where = f"{sheet.path}:{line}"
            id = self._who(where, row, student, code)
            if id is None:
                continue
            name = self.names.find(row[answer])
            if id != at:
                self._close(at, texts)
                at, texts = id, dict(self.found.attempts[id][-1].texts) if id in begun else {}
            if id not in begun:
                begun.add(id)
                self._add(id, Attempt({}, where, stamp, file))
            if name is None:
                close = nearest(row[answer], self.names._exact)
                self._tell(where, message("homework.unknown_answer", name=row[answer].strip(), nearest=close or "–"))
                continue
            self._seen.add(name)
            if name in texts or self.found.attempts[id][-1].time != stamp:
                self._close(id, texts)
                texts = {}
                self._add(id, Attempt({}, where, stamp, file))
            texts[name] = row[value]
        self._close(at, texts)

    def _add(self, id: str, attempt: Attempt) -> None:
        """Add an attempt of a student."""
        self.found.attempts.setdefault(id, []).append(replace(attempt, texts=PackedMapping.of(attempt.texts)))

    def _close(self, id: str, texts: Mapping[str, str]) -> None:
        """Put into the last attempt of a student what stands in it now."""
        if id:
            own = self.found.attempts[id]
            own[-1] = replace(own[-1], texts=PackedMapping.of(texts))

    def _named(self, sheet: Sheet, key: str, names: Sequence[str]) -> str:
        """Return the column that is said, or called, to be the code or the time; "" for none."""
        if key in self.columns:
            return sheet.column(self.columns[key], OPTION)
        by_name = {simple(column): column for column in reversed(sheet.columns) if column}
        return next((by_name[name] for name in names if name in by_name), "")

    def _student(self, sheet: Sheet, code: str, taken: set[str]) -> str:
        """Return the column of the students: as is said, or that of the usual names in which most of them are found."""
        if "id" in self.columns:
            return sheet.column(self.columns["id"], OPTION)
        by_name = {simple(column): column for column in reversed(sheet.columns) if column and column not in taken}
        usual = [column for name in USUAL_NAMES if (column := by_name.get(name, "")) and column != code]
        usual += [column for name, column in by_name.items() if name.endswith(ENDINGS) and column not in (code, *usual)]
        if STUDENT in by_name:
            return by_name[STUDENT]
        if usual:
            return max(usual, key=lambda column: sum(self.known.finds(row[column]) for _, row in sheet.rows))
        if code:
            return code
        what = message("homework.no_student", name=STUDENT, option=f"{OPTION} id=…")
        raise ProblemError(what, where=f"{sheet.path}:1", valid=sheet.columns, nearest=nearest(STUDENT, sheet.columns))

    def _times(self, sheet: Sheet, column: str) -> list[datetime.datetime | None]:
        texts = [row[column] if column else "" for _, row in sheet.rows]
        stated = times([text for text in texts if text.strip()]) if column else None
        if stated is None:
            return [None] * len(texts)
        if stated[1]:
            self._tell(f"{sheet.path}:1", message("homework.ambiguous_times", name=column))
        read = iter(stated[0])
        return [next(read) if text.strip() else None for text in texts]

    def _who(self, where: str, row: Mapping[str, str], student: str, code: str) -> str | None:
        """Return whose row it is, by id or, where that is left blank, by code; None for nobody's, with a remark."""
        stated = row[code].strip() if code else ""
        text = row[student] if row[student].strip() or not stated else stated
        id, odd = self.known.find(text)
        if odd is not None:
            self._tell(where, odd)
        if id is not None and stated:
            self.found.codes[id] = stated
        return id

    def _tell(self, where: str, what: Message) -> None:
        if what not in self._told:
            self._told.append(what)
            self.found.remarks.append((where, what))

    def pass_over(self, files: Sequence[str]) -> None:
        """Say once which files hold nothing that can be read."""
        if files:
            self._tell(files[0], message("homework.passed_over", count=len(files), names=some(files)))

    def finished(self, where: str) -> Submissions:
        """Return what was read, with remarks on all of it."""
        missing = [id for id in self.answers if id not in self._seen]
        if missing and self._has_columns:
            self.found.remarks.append((where, message("homework.not_there", count=len(missing), names=some(missing))))
        completed = self.known.remark()
        if completed is not None:
            self.found.remarks.append((where, completed))
        return self.found
