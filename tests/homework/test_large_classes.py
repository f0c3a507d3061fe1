"""Marks of a class of any size: a few students at a time, by anybody, and the same bytes."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import pickle
import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import symbackprop as sbp
from symbackprop import rendering
from symbackprop.cli.commands import grade
from symbackprop.csv_tables import _LINE, table, write_csv
from symbackprop.errors import OutputError, ProblemError
from symbackprop.homework import grading
from symbackprop.homework.classes import chunks, packed_mappings
from symbackprop.homework.marks import copies, packed_marks
from symbackprop.homework.marks.marking import Mark
from symbackprop.homework.marks.packed_marks import PackedMarks, packed
from symbackprop.homework.receiving.submissions import read_submissions
from symbackprop.homework.reporting import report_files, reports
from symbackprop.homework.reporting.summary_records import ClassRecord
from symbackprop.rendering import exporters, pdf_collections, table_cells
from symbackprop.whole_files import all_or_nothing, begun, write_files
from tests.helpers import each
from tests.homework.term import written_files
from tests.homework.test_chunks import Watched
from tests.homework.test_shards import files

COUNT = 9


@pytest.fixture(scope="module")
def given_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a class with what it handed in: some answers wrong, some that nobody can read."""
    folder = tmp_path_factory.mktemp("class")
    course = sbp.homework("homework", students=COUNT, folder=folder / "class", formats=["text"])
    chance = random.Random(1)
    with (folder / "in.csv").open("w", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("student", "answer", "value"))
        for student, own in course.answers.items():
            for answer, value in own.items():
                typed = f"{value * chance.choice((1, 1, 1, 1.1, -1)):.6g}"
                table.writerow((student, answer, chance.choice((typed,) * 9 + ("no idea",))))
    return folder


@pytest.fixture
def by_twos(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have two students together."""
    for module in (packed_marks, grading):
        monkeypatch.setattr(module, "TOGETHER", 2)


def marked(folder: Path, name: str, **settings: Any) -> dict[str, bytes]:
    """Mark into a folder, and return its files but the record of the run, which names it."""
    sbp.grade(folder / "class", [folder / "in.csv"], output=folder / name, **settings)
    found = files(folder / name)
    del found[".marks.json"]
    return found


@pytest.mark.usefixtures("by_twos")
def test_marks_are_the_same_whoever_works(given_out: Path) -> None:
    """By this process and by an executor, whose chunks have their own students only."""
    one = marked(given_out, "one")
    with Watched(1) as watched:
        assert one == marked(given_out, "many", executor=watched)
    assert {f"feedback/{number}.html" for number in range(1, COUNT + 1)} < one.keys()
    assert (given_out / "class/teacher/secret").read_bytes().strip() not in watched.sent


@pytest.mark.sweep
def test_marks_are_the_same_by_two_processes(given_out: Path) -> None:
    """And by as many as there are cores, where so few students are not worth it."""
    assert marked(given_out, "one") == marked(given_out, "two", processes=2)
    assert written_files(grading.grade(given_out / "class", given_out / "in.csv")) == written_files(
        grading.grade(given_out / "class", given_out / "in.csv", processes=None)
    )


@pytest.mark.parametrize("failing", ["_marked", "_pages"])
def test_students_who_cannot_be_marked_are_named(
    given_out: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """And there are no marks of a part of the class: what was there stays."""
    before = marked(given_out, "kept")

    def dying(work: Any, *arguments: Any) -> Iterator[tuple[int, Any]]:
        for place, found in worked(work, *arguments):
            yield place, None if work.__name__ == failing else found

    worked = chunks.worked
    monkeypatch.setattr(chunks, "worked", dying)
    with pytest.raises(OutputError, match=f"{COUNT} students could not be marked"):
        marked(given_out, "kept", tolerance=2)
    after = files(given_out / "kept")
    del after[".marks.json"]
    assert before == after


# Packed


@pytest.mark.usefixtures("by_twos")
def test_packed_marks_are_the_marks(given_out: Path) -> None:
    """In the order of the class, one by one or all, and changed as a dictionary would be."""
    found = grading.grade(given_out / "class", given_out / "in.csv").marks
    plain = dict(found)
    assert PackedMarks.of(plain) == plain
    assert list(PackedMarks.of(plain)) == list(plain) == [str(number) for number in range(1, COUNT + 1)]
    assert 5 == len(PackedMarks.of(plain).parts)
    assert COUNT == len(PackedMarks.of(plain))
    for id in each(plain, least=COUNT):
        assert plain[id] == PackedMarks.of(plain)[id]
    changed = PackedMarks.of(plain).changed(lambda id, own: own[:1] if id == "3" else own)
    assert changed == {**plain, "3": plain["3"][:1]}
    with pytest.raises(KeyError):
        changed["0"]
    assert {} == PackedMarks() == PackedMarks.of({})


def test_a_record_says_what_the_marks_say(given_out: Path) -> None:
    """In one walk: totals, first wrong answers, verdicts, what a person has to read."""
    found = grading.grade(given_out / "class", given_out / "in.csv")
    record = found.record
    assert isinstance(record, ClassRecord)
    assert {id: found.total(id) for id in found.marks} == record.totals == found.totals
    every = [mark for own in found.marks.values() for mark in own]
    assert len(every) == record.verdicts.total()
    assert record.verdicts["L", "correct"] == sum(mark.answer.id == "L" and mark.verdict == "correct" for mark in every)
    assert sum(map(len, record.unread.values())) == sum(mark.verdict == "unreadable" for mark in every) > 0


@pytest.mark.usefixtures("by_twos")
def test_memory_is_that_of_a_few_students(given_out: Path) -> None:
    """The marks of a class of many take a small part of what they take as objects, and so do its pages."""
    found = grading.grade(given_out / "class", given_out / "in.csv")
    (first, *_) = found.marks.values()

    def memory(marks: Any) -> int:
        tracemalloc.start()
        kept = marks()
        size = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert kept
        return size

    def copy(own: list[Mark]) -> list[Mark]:
        return list(PackedMarks([packed({"": own})])[""])

    plain = memory(lambda: {str(number): copy(list(first)) for number in range(100)})
    dense = memory(lambda: PackedMarks(packed({str(number): list(first)}) for number in range(100)))
    assert dense < plain / 3


def test_pages_come_some_at_a_time(given_out: Path) -> None:
    """Tables and summary first; nothing holds all pages."""
    found = grading.grade(given_out / "class", given_out / "in.csv")
    parts = list(report_files.files(found))
    assert {"report.csv", "gradebook.csv", "summary.html"} <= parts[0].keys()
    assert len(parts[1:]) == len(PackedMarks.of(found.marks).parts)
    assert sum(map(len, parts[1:])) == COUNT


def test_without_feedback_there_are_no_pages(given_out: Path) -> None:
    """All else is as it is with them."""
    whole = marked(given_out, "with")
    bare = marked(given_out, "without", feedback=False)
    assert bare == {name: content for name, content in whole.items() if not name.startswith("feedback")}
    assert len(whole) > len(bare) >= 3


def test_pages_that_are_written_together_are_as_those_written_alone(given_out: Path) -> None:
    """What a writer remembers of one page changes no other, in formats of every kind."""
    found = grading.grade(given_out / "class", given_out / "in.csv")
    pages = [reports.page_of(found, enrolment) for enrolment in found.manifest.enrolments]
    derivation, language = found.given.derivation, found.language
    for name in each(("html", "markdown", "latex", "typst", "text"), least=4):
        row = rendering.formats()[name]
        together = pdf_collections.drafted(pages, derivation, row, language)
        alone = [draft for page in pages for draft in pdf_collections.drafted([page], derivation, row, language)]
        assert list(map(exporters.written, together)) == list(map(exporters.written, alone))
        assert together[-1].writer is together[0].writer is not alone[-1].writer
        written = [cell for seen in together[0].writer.cells_seen for cell in seen.values()]
        assert written and all(isinstance(cell, table_cells.TableCell) for cell in written)


def test_copies_are_looked_for_by_wrong_answers_alone(given_out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The class is searched for no other number: the time for a student does not grow with the class."""
    found = grading.grade(given_out / "class", given_out / "in.csv")
    searched: list[float] = []
    near = copies._Column.near
    monkeypatch.setattr(copies._Column, "near", lambda column, value: (searched.append(value), near(column, value))[1])
    assert found.copies == copies.suspected(found.whole.parts, found.marks)
    wrong = [sum(map(copies._is_wrong, own)) for own in found.marks.values()]
    assert 0 < len(searched) <= 2 * sum(count for count in wrong if count >= copies.FEWEST)


def handed_in(draw: random.Random) -> tuple[str, dict[str, list[dict[str, str]]]]:
    """Return a table of answers, a row for each, in any order, and the attempts that are in it."""
    attempts: dict[str, list[dict[str, str]]] = {}
    rows = []
    for _ in range(60):
        student, answer, value = draw.choice("abc"), draw.choice(("L", "z1_1", "z1_2")), f"{draw.random():.3f}"
        own = attempts.setdefault(student, [{}])
        if answer in own[-1]:
            own.append({})
        own[-1][answer] = value
        rows.append((student, answer, value))
    return write_csv(("student", "answer", "value"), rows), attempts


@pytest.mark.parametrize("seed", range(5))
def test_attempts_are_kept_whatever_the_order_of_the_rows(tmp_path: Path, seed: int) -> None:
    """What is packed when another student's row comes is opened again when the student's own go on."""
    text, attempts = handed_in(random.Random(seed))
    (tmp_path / "in.csv").write_text(text, encoding="utf-8")
    answers = {name: name for name in ("L", "z1_1", "z1_2")}
    found = read_submissions(tmp_path / "in.csv", list("abc"), answers)
    assert attempts == {id: [dict(attempt.texts) for attempt in own] for id, own in found.attempts.items()}
    assert all(len(own) > 1 for own in attempts.values())


@pytest.mark.parametrize("text", ["a;b\n1;2\n\n3\n4;5;\n", "sep=|\na|b\n1|2\n", "a\n", 'a,b\n"x\ny",2\n'])
def test_rows_that_are_read_again_are_the_rows(text: str) -> None:
    """As often as somebody goes through them, or looks at one."""
    kept, again = (table(text.encode(), "file", read_again=is_again) for is_again in (False, True))
    assert kept.columns == again.columns
    assert list(kept.rows) == list(again.rows) == list(again.rows)
    assert len(kept.rows) == len(again.rows)
    assert list(reversed(kept.rows)) == [again.rows[place] for place in reversed(range(len(again.rows)))]


def test_lines_are_those_of_a_file() -> None:
    """Whatever ends them, and whatever stands between: what Python reads of a file, in a quarter of the room."""
    chance = random.Random(1)
    for _ in range(2000):
        text = "".join(chance.choice('ab,"\r\n\x0b\u2028') for _ in range(chance.randrange(12)))
        assert list(io.StringIO(text, newline="")) == [found[0] for found in _LINE.finditer(text)]


def test_packed_mappings_are_the_mappings() -> None:
    """In their order, and equal; their keys are there once for all, and what is packed is not packed again."""
    contents = [{}, {"z1": "0.5", "L": ""}, {"L": "−2", "z1": "x" * 300}, {"W1": (0, 300, 2), "b": ()}]
    for content in each(contents, least=4):
        found = packed_mappings.PackedMapping.of(content)
        assert content == found == packed_mappings.PackedMapping.of(dict(content))
        assert list(content.items()) == list(found.items()) and [*content] == [*found] and len(content) == len(found)
        assert [content[key] for key in content] == [found[key] for key in found] == list(found.values())
        assert found is packed_mappings.PackedMapping.of(found) and found == pickle.loads(pickle.dumps(found))
    one, other = (packed_mappings.PackedMapping.of({"a": text, "b": text}) for text in "xy")
    assert one.keys_of_all is other.keys_of_all and one != other


@pytest.mark.parametrize("text", ["", "a,b\n1,2,3\n", "a,a\n"])
def test_rows_that_cannot_be_read_are_an_error_at_once(text: str) -> None:
    """Not when somebody first goes through them."""
    for is_again in each((False, True), least=2):
        with pytest.raises(ProblemError):
            table(text.encode(), "file", read_again=is_again)


# Files


def test_what_fails_is_undone_from_a_second_name(tmp_path: Path) -> None:
    """Large files too, and where a file system has no links; nothing is left beside the files."""
    write_files({tmp_path / "a": "before"})
    for failure in each((ValueError, KeyboardInterrupt)):
        with pytest.raises(failure), all_or_nothing(undone=BaseException) as write:
            write({tmp_path / "a": ["af", b"ter"], tmp_path / "new" / "b": "new"})
            write({tmp_path / "a": "after that"})
            assert "after that" == (tmp_path / "a").read_text()
            raise failure
        assert {"a": b"before"} == files(tmp_path)
    with all_or_nothing() as write:
        write({tmp_path / "a": iter(["af", b"ter"])})
    assert {"a": b"after"} == files(tmp_path)


def test_without_links_a_copy_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on some file systems of sticks and networks."""

    def refused(*arguments: object) -> None:
        raise OSError

    monkeypatch.setattr(os, "link", refused)
    write_files({tmp_path / "a": "before"})
    with pytest.raises(ValueError), all_or_nothing() as write:
        write({tmp_path / "a": "after"})
        raise ValueError
    assert {"a": b"before"} == files(tmp_path)


def test_whoever_comes_first_makes_the_secret(tmp_path: Path) -> None:
    """The others read it, whatever they would have made."""
    assert "one" == begun(tmp_path / "secret", "one") == begun(tmp_path / "secret", "two")
    assert {"secret": b"one"} == files(tmp_path)
    with pytest.raises(OutputError):
        begun(tmp_path / "secret" / "nowhere", "x")


def test_marks_come_back_as_they_were(given_out: Path) -> None:
    """What is packed and opened again is the same mark, whatever is in it."""
    graded = sbp.grade(given_out / "class", [given_out / "in.csv"], output=given_out / "packed")
    marks = [mark for own in graded.marks.values() for mark in own]
    for mark in each(marks, least=COUNT * 26):
        assert mark == pickle.loads(pickle.dumps(mark))
    assert any(mark.mistakes for mark in marks) and any(mark.said for mark in marks)


def test_a_terminal_shows_how_many_pages_are_written(given_out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There are as many steps as students who handed in something, in however many formats their pages are."""
    shown: list[int] = []

    @contextlib.contextmanager
    def progress(phrase: str, total: int, quiet: bool = False) -> Iterator[Any]:
        shown.append(-total)
        yield shown.append

    monkeypatch.setattr(grade, "progress", progress)
    arguments = [str(given_out / "class"), str(given_out / "in.csv"), "-o", str(given_out / "shown")]
    grade.command.main([*arguments, "-f", "text,markdown", "--quiet"], standalone_mode=False)
    assert -COUNT == shown[0] and 0 == sum(shown)
