"""Shards of marking: marked by themselves and joined in any order they are the marks of one run, byte by byte."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import symbackprop as sbp
from symbackprop.errors import OutputError, SymbackpropError
from symbackprop.homework import grading, mark_shards
from symbackprop.homework.marks import mark_records
from symbackprop.homework.reporting import marks_folders
from symbackprop.messages import Message
from tests.helpers import each, few
from tests.homework.test_giving_out import Run, run  # noqa: F401
from tests.homework.test_shards import copies, files, spoiled

COUNT, ABSENT = 8, "s5"
OVERRIDES = """
[[override]]
answer = "L"
accept = "no idea"

[[override]]
student = "s2"
total = -1

[[override]]
student = "s7"
answer = "z1_1"
excuse = true

[[override]]
student = "s6"
answer = "z1_1"
accept = "77"
"""


def answers_of(own: Mapping[str, float], chance: random.Random) -> dict[str, str]:
    """Return what a student types: mostly right, some wrong or with too few digits, some that nobody can read."""
    factors, words = (1, 1, 1, 1.1, -1, 2), ("", "no idea", "(", "1/0")
    return {
        answer: chance.choice((f"{value * chance.choice(factors):.6g}",) * 9 + (f"{value:.2g}", *words))
        for answer, value in own.items()
    }


@pytest.fixture(scope="module")
def given_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a class with what it handed in: one copied, one is absent, one tried twice."""
    folder = tmp_path_factory.mktemp("class")
    (folder / "roster.csv").write_text(
        "id,name,Homework\n" + "".join(f"s{number},Ünï <{number}>,-\n" for number in range(COUNT)), encoding="utf-8"
    )
    course = sbp.homework("homework", students=folder / "roster.csv", folder=folder / "class", formats=["text"])
    chance = random.Random(4)
    typed = {id: answers_of(own, chance) for id, own in course.answers.items() if id != ABSENT}
    typed["s4"] = {answer: f"{value:.9g}" for answer, value in course.answers["s1"].items()}
    with (folder / "in.csv").open("w", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("student", "answer", "value"))
        again = [("s3", "L", "1"), ("s0", "z1_1", "2"), ("nobody", "L", "1")]
        table.writerows([*((id, *item) for id, own in typed.items() for item in own.items()), *again])
    (folder / "overrides.toml").write_text(OVERRIDES)
    return folder


KINDS: dict[str, dict[str, Any]] = {
    "pages": {"formats": ["html", "markdown"]},
    "no pages": {"formats": ["text"], "feedback": False, "attempts": "best", "tolerance": 2},
    "overrides": {"formats": ["text"], "overrides": "overrides.toml", "into": "Homework"},
    "copies": {"formats": ["text"], "copies": "mark"},
}


def mark(folder: Path, output: Path, kind: str, **settings: Any) -> Path:
    """Mark what a class handed in, or a shard of it, and return where that is."""
    own = {name: folder / value if name == "overrides" else value for name, value in KINDS[kind].items()}
    sbp.grade(folder / "class", [folder / "in.csv"], output=output, **own, **settings)
    return output


def marked(folder: Path) -> dict[str, bytes]:
    """Return the files of some marks, but for the record of the run, which names it."""
    return {name: content for name, content in files(folder).items() if not name.startswith(".")}


@pytest.mark.parametrize(
    ("kind", "of"),
    few([("no pages", 2), ("pages", 3), ("overrides", 4), ("copies", COUNT + 2)], 1),
)
def test_shards_in_any_order_are_one_run(given_out: Path, tmp_path: Path, kind: str, of: int) -> None:
    """Also where there are more shards than students; the SHA-256 is that of the one run."""
    whole = mark(given_out, tmp_path / "whole", kind)
    shards = [mark(given_out, tmp_path / str(number), kind, shard=(number, of)) for number in range(1, of + 1)]
    random.Random(of).shuffle(shards)
    found = sbp.merge(shards, tmp_path / "merged")
    assert marked(whole) == marked(tmp_path / "merged")
    assert found == marks_folders.digest(whole)
    assert {"report.csv", "gradebook.csv"} < marked(whole).keys()
    assert any(name.startswith("feedback") for name in marked(whole)) is (kind != "no pages")


def test_a_copy_is_found_across_shards(given_out: Path, tmp_path: Path) -> None:
    """No shard sees it: the page that was made without it is made anew."""
    shards = [mark(given_out, tmp_path / str(number), "pages", shard=(number, COUNT)) for number in range(1, COUNT + 1)]
    graded = grading.grade(given_out / "class", given_out / "in.csv")
    assert "s4" in graded.copies and graded.copies["s4"].source == "s1"
    sbp.merge(shards, tmp_path / "merged")
    page = "feedback/s4.html"
    assert (tmp_path / "merged" / page).read_bytes() != (shards[4] / page).read_bytes()
    assert b"s1" in (tmp_path / "merged" / "summary.html").read_bytes()


MISFITS: dict[str, tuple[Callable[[list[Path]], object], str]] = {
    "missing": (lambda shards: shards.pop(), "1 shards are missing: 3/3"),
    "twice": (lambda shards: shards.append(shards[0]), "this is shard 1, and so is"),
    "unfinished": (lambda shards: (shards[0] / "job.json").unlink(), "one that was not finished"),
    "other tolerance": (
        lambda shards: spoiled(shards[1] / "job.json", lambda job: job.update(tolerance=3)),
        "a shard of another job",
    ),
    "other submissions": (
        lambda shards: spoiled(shards[1] / "job.json", lambda job: job.update(remarks=[])),
        "a shard of another job",
    ),
    "other class": (lambda shards: (shards[1] / "manifest.json").write_text("{}"), "a shard of another job"),
    "no job": (lambda shards: (shards[1] / "job.json").write_text("["), "no file of a shard of marking"),
    "no shard": (
        lambda shards: spoiled(shards[1] / "job.json", lambda job: job.update(shard={"number": 0, "of": 3})),
        "expected a part",
    ),
    "no marks": (lambda shards: (shards[1] / "marks.jsonl").write_text("[]\n[1]\n"), "no file of a shard of marking"),
    "other answers": (
        lambda shards: (shards[1] / "marks.jsonl").write_text('[]\n["s3", "", []]\n'),
        "no file of a shard of marking",
    ),
    "no message": (
        lambda shards: (shards[1] / "marks.jsonl").write_text('[["x", {"no": 1}]]\n'),
        "no file of a shard of marking",
    ),
    "no page": (lambda shards: (shards[0] / "feedback/s0.html").unlink(), "no file of a shard of marking"),
    "nothing": (lambda shards: shards.append(shards[0] / "nowhere"), "there is no shard of marking here"),
}


@pytest.fixture(scope="module")
def shards(given_out: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], list[Path]]:
    """Return a function that copies three shards into a folder."""
    folder = tmp_path_factory.mktemp("shards")
    return copies([files(mark(given_out, folder / str(number), "pages", shard=(number, 3))) for number in (1, 2, 3)])


@pytest.mark.parametrize("misfit", MISFITS)
def test_what_does_not_fit_is_said(shards: Callable[[Path], list[Path]], tmp_path: Path, misfit: str) -> None:
    """In one message, and nothing is written."""
    spoil, said = MISFITS[misfit]
    folders = shards(tmp_path)
    spoil(folders)
    with pytest.raises(SymbackpropError) as caught:
        sbp.merge(folders, tmp_path / "merged")
    assert said in str(caught.value)
    assert [] == [path for path in (tmp_path / "merged").rglob("*") if path.is_file() and path.name != ".lock"]


def test_students_of_other_shards_are_left_out(shards: Callable[[Path], list[Path]], tmp_path: Path) -> None:
    """A shard speaks for its own students alone."""
    folders = shards(tmp_path)
    sbp.merge(folders, tmp_path / "before")
    (line,) = [line for line in (folders[0] / "marks.jsonl").read_text().splitlines() if line.startswith('["s1"')]
    with (folders[1] / "marks.jsonl").open("a") as file:
        file.write(line.replace('"correct"', '"wrong"') + "\n")
    sbp.merge(folders, tmp_path / "after")
    assert marked(tmp_path / "before") == marked(tmp_path / "after")


def test_marks_are_the_same_behind_their_records(given_out: Path) -> None:
    """Whatever is in them: messages, mistakes, fractions."""
    graded = grading.grade(given_out / "class", given_out / "in.csv")
    lines = list(mark_records.lines(graded.marks, graded.origins))
    found = {student: marks for student, _, marks in mark_records.records(graded.given, lines)}
    every = [mark for own in graded.marks.values() for mark in own]
    for student in each(found, least=COUNT - 1):
        assert [_as_lists(mark.said) for mark in graded.marks[student]] == [mark.said for mark in found[student]]
        assert [str(mark) for mark in graded.marks[student] if mark.said is None] == [
            str(mark) for mark in found[student] if mark.said is None
        ]
    assert {"correct", "wrong", "unreadable", "blank", "rounded"} <= {mark.verdict for mark in every}
    with pytest.raises(TypeError):
        mark_records.plain(Message("text.plain", {"text": object()}))


def _as_lists(what: Any) -> Any:
    """Return a message whose sequences are lists, as data has them."""
    if isinstance(what, Message):
        return Message(what.id, {name: _as_lists(value) for name, value in what.arguments.items()})
    return list(map(_as_lists, what)) if isinstance(what, list | tuple) else what


def test_the_commands_join_what_they_wrote(run: Run) -> None:  # noqa: F811
    """With the SHA-256 of one run; a shard needs a folder of its own."""
    run("homework", "homework", "--variants", "3", "-f", "text", "--processes", "1", "-o", "class")
    Path("in.csv").write_text("student,L,a1_1\n1,0.5,0.5\n3,0.25,\n", encoding="utf-8")
    options = ("grade", "class", "in.csv", "-f", "text")
    whole = run(*options, "-o", "whole")
    assert "needs a folder of its own" in run(*options, "--shard", "1/2", code=2)
    for number in each((1, 2)):
        assert f"{number}\n" == run(*options, "--shard", f"{number}/2", "-o", str(number))
    merged = run("merge", "2", "1", "-o", "merged")
    (line,) = [line for line in whole.splitlines() if "SHA-256" in line]
    assert line in merged and marked(Path("whole")) == marked(Path("merged"))
    assert "expected a part" in run(*options, "--shard", "3/2", "-o", "x", code=2)
    assert mark_shards.is_shard(Path("1")) and not mark_shards.is_shard(Path("merged"))
    with pytest.raises(OutputError):
        mark_shards.fitted([Path("class")])
    assert 3 == mark_shards.fitted([Path("1"), Path("2")]).size
