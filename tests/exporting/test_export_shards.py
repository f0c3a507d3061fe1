"""Exports in parts: whoever writes the pages, and in however many parts, the files are the same, byte by byte."""

from __future__ import annotations

import itertools
import json
import pickle
import stat
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path
from typing import Any

import pytest

import symbackprop as sbp
from symbackprop.errors import OutputError, ProblemError
from symbackprop.exporting import export_shards, exports, jobs, kept_pages
from symbackprop.exporting.exercises import Pool
from symbackprop.exporting.jobs import ExportJob
from symbackprop.exporting.kept_pages import KeptPages, add_kept, write_pages
from symbackprop.exporting.learning_systems import LEARNING_SYSTEMS
from symbackprop.homework.classes.roster import Student, numbered
from symbackprop.homework.classes.shards import Shard
from symbackprop.problems.load import Source
from tests.exporting.test_exports import SMALL, WAYS
from tests.helpers import each, few
from tests.homework.test_classes import Run, run  # noqa: F401

COUNT = 5
SET_AS_ONE = ("amc",)
"""Systems whose pages are set together: their shards have nothing to keep, and all is written when they are joined."""


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (kept_pages, export_shards, exports):
        monkeypatch.setattr(module, "CHUNK", 2)


def job(system: str = "moodle", style: str | None = None, seed: int = 3, *, is_class: bool = False) -> ExportJob:
    """Return a small job of which nothing is written."""
    students = [Student(f"s<{n}>", f"Ann {n}", {}) for n in range(COUNT)] if is_class else numbered(COUNT).students
    sources = [Source(SMALL, Path("small"))]
    return ExportJob.of(sources, students, LEARNING_SYSTEMS[system], style, seed, "en", is_class=is_class)


class Counted(Executor):
    """One that works at once, on what stays of its work on its way; it breaks after so many chunks."""

    def __init__(self, most: int = 99) -> None:
        self.done, self.most = 0, most

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **settings: Any) -> Future[Any]:
        """Work at a chunk."""
        if self.done >= self.most:
            raise BrokenExecutor
        self.done += 1
        found: Future[Any] = Future()
        work, arguments = pickle.loads(pickle.dumps((work, arguments)))
        found.set_result(pickle.loads(pickle.dumps(work(*arguments))))
        return found


@pytest.mark.parametrize(("system", "style"), few(WAYS, 4))
def test_shards_make_the_files_of_one_run(
    system: str, style: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In any order, of pages alone: nothing is written anew when they are joined."""
    whole = job(system, style, is_class=True)
    expected = whole.files()
    for number in (3, 1, 2):
        made = list(
            export_shards.write_shard(job(system, style, is_class=True), Shard(number, 3), tmp_path / f"{number}")
        )
        assert sum(made) == len(range(*Shard(number, 3).bounds(COUNT, 2)))
    found = export_shards.fitted([tmp_path / "2", tmp_path / "3", tmp_path / "1"])
    if system not in SET_AS_ONE:
        for name in ("question", "solution"):
            monkeypatch.setattr(Pool, name, None)
    assert COUNT == sum(found.joined(tmp_path / "out"))
    assert found.job.files() == expected
    assert found.digest(tmp_path) == jobs.digest(expected)
    for path in each(found.results(tmp_path / "out")):
        assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_a_run_that_was_ended_is_gone_on_with(tmp_path: Path) -> None:
    """What was done is kept beside the file, not done again, and goes when the file is there; other jobs do not get it."""
    path = tmp_path / "quiz.xml"
    with pytest.raises(OutputError, match="3 students"):
        exports.written(job(), path, executor=Counted(1))
    assert not path.exists() and {"export.json", "pages-0.json"} == {
        file.name for file in (tmp_path / ".quiz.xml.pages").iterdir()
    }
    other = Counted()
    exports.written(job(seed=4), tmp_path / "other.xml", executor=other)
    assert 3 == other.done
    again = Counted()
    found = exports.written(job(), path, executor=again)
    assert (2, found.digest) == (again.done, jobs.digest(job().files()))
    assert {"quiz.xml", "other.xml"} == {file.name for file in tmp_path.iterdir()}


def test_kept_pages_of_another_job_are_not_used(tmp_path: Path) -> None:
    """They are removed when another job begins in their folder."""
    kept = KeptPages(tmp_path / "kept")
    kept.begin(job().record())
    list(write_pages(job(), kept, (0, 2)))
    assert kept.read(0) is not None
    kept.begin(job().record())
    assert kept.read(0) is not None
    kept.begin(job(seed=4).record())
    assert kept.read(0) is None
    kept.remove()
    assert not kept.folder.exists()


def test_files_of_somebody_else_are_left_alone(tmp_path: Path) -> None:
    """A folder in which no export was begun has nothing of ours: a shard of marking, say, stays one."""
    others = {"job.json": "{}", "pages-0.json": "mine", "notes.txt": "mine"}
    for name, text in others.items():
        (tmp_path / name).write_text(text)
    KeptPages(tmp_path).begin(job().record())
    for name, text in each(others.items()):
        assert text == (tmp_path / name).read_text()


def test_pages_are_those_of_their_variants(tmp_path: Path) -> None:
    """Each page that is kept belongs to a variant between the two places."""
    own, kept = job(), KeptPages(tmp_path)
    kept.begin(own.record())
    assert [0, 2, 1] == list(write_pages(own, kept, (2, COUNT)))
    add_kept(own, kept, (2, COUNT))
    (pool,) = own.pools
    assert {3, 4, 5} == {int(key.split()[0]) for key in pool.pages}


def test_shards_that_do_not_fit_are_named(tmp_path: Path) -> None:
    """One that is missing, there twice, of another job, not finished, damaged, or none at all."""
    for number in (1, 2):
        list(export_shards.write_shard(job(), Shard(number, 2), tmp_path / f"{number}"))
    list(export_shards.write_shard(job(seed=4), Shard(2, 2), tmp_path / "other"))
    first, second = tmp_path / "1", tmp_path / "2"
    wrong = {"2/2": [first], "twice|leave one": [first, first], "another job": [first, tmp_path / "other"]}
    wrong |= {"no shard of an export": [first, tmp_path / "nothing"]}
    for said, folders in each(wrong.items(), 4):
        with pytest.raises(OutputError, match=said):
            export_shards.fitted(folders)
    (second / "pages-2.json").unlink()
    with pytest.raises(OutputError, match="run"):
        export_shards.fitted([first, second])
    (second / "pages-2.json").write_text('[{"1 question": 5}]')
    with pytest.raises(ProblemError, match=r"pages-2\.json"):
        export_shards.fitted([first, second])
    record = json.loads((first / "export.json").read_text())
    (first / "export.json").write_text(json.dumps({**record, "export": {**record["export"], "versions": {}}}))
    (second / "export.json").write_text(json.dumps({**record, "export": {**record["export"], "versions": {}}}))
    with pytest.raises(OutputError):
        export_shards.fitted([first, second])


def test_python_writes_shards_and_the_command_joins_them(tmp_path: Path, run: Run) -> None:  # noqa: F811
    """They are a row of `merge`, which prints the sum of one run."""
    whole = sbp.export(SMALL, to="qti21", variants=COUNT, path=tmp_path / "whole.zip", seed=2)
    for number in (1, 2):
        sbp.export(SMALL, to="qti21", variants=COUNT, path=tmp_path / f"{number}", seed=2, shard=(number, 2))
    said = run("merge", str(tmp_path / "2"), str(tmp_path / "1"), "-o", str(tmp_path / "joined.zip"))
    assert whole.digest in said
    assert (tmp_path / "whole.zip").read_bytes() == (tmp_path / "joined.zip").read_bytes()
    with pytest.raises(OutputError, match="its file"):
        sbp.export(sbp.problem(SMALL), to="qti21", variants=COUNT, path=tmp_path / "3", shard=(1, 2))


def test_the_command_writes_a_shard(tmp_path: Path, run: Run) -> None:  # noqa: F811
    """With processes of its own, and says which folder; a shard that is none is refused."""
    arguments = (
        "export",
        "homework",
        "--to",
        "moodle",
        "--variants",
        "3",
        "--processes",
        "1",
        "-o",
        str(tmp_path / "1"),
    )
    assert str(tmp_path / "1") in run(*arguments, "--shard", "1/2")
    assert export_shards.is_shard(tmp_path / "1") and not export_shards.is_shard(tmp_path)
    assert "3/2" in run(*arguments, "--shard", "3/2", code=2)


def test_every_page_has_a_name_of_its_own() -> None:
    """Two variants, or two numbers of one, never have the same page."""
    own = job("canvas", "numbers")
    own.files()
    (pool,) = own.pools
    assert len(pool.pages) == COUNT * 3
    assert COUNT == sum(bool(page.pictures) for page in pool.pages.values())
    for one, other in each(itertools.combinations(pool.pages.values(), 2)):
        assert set(one.pictures).isdisjoint(other.pictures)
