"""Any problem can be given out, and what stands in the folder afterwards: all of it or nothing, for the right eyes."""

from __future__ import annotations

import itertools
import json
import os
import random
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from symbackprop import cli
from symbackprop.cli.outputs import all_or_nothing
from symbackprop.errors import OutputError
from symbackprop.homework.assignments.variants import assignment
from symbackprop.homework.classes.roster import numbered
from symbackprop.homework.handouts import distribution
from symbackprop.homework.handouts.enrolment import prepare
from symbackprop.homework.handouts.manifest import Manifest
from symbackprop.problems import load
from symbackprop.rendering.typesetting import tex_engines
from tests.helpers import each, only, require_tool
from tests.homework.term import TERM

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command in an empty folder and returns what it prints."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str, code: int = 0) -> str:
        with pytest.raises(SystemExit) as left:
            cli.main(list(arguments))
        printed = capsys.readouterr()
        assert left.value.code == code, printed.err
        return printed.out + printed.err

    return command


def contents(folder: str | Path) -> dict[str, bytes]:
    """Return the files of a folder by their paths."""
    return {str(file): file.read_bytes() for file in sorted(Path(folder).rglob("*")) if file.is_file()}


def give(run: Run, *more: str, problem: str = "homework", code: int = 0) -> str:
    """Give a homework out in Markdown, by one process."""
    return run("homework", problem, "-f", "markdown", "--processes", "1", "-o", "class", *more, code=code)


# Every problem


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", only(load.examples(), "homework", "rnn", "circuit"))
def test_every_example_can_be_given_out(run: Run, name: str, language: str) -> None:
    """With numbers of its own or, where it draws none, the same for all; and marked afterwards."""
    draws = bool(load.example(name).variants)
    printed = give(run, "--variants", "2", "--lang", language, *([] if draws else ["--same"]), problem=name)
    assert draws != any(said in printed for said in ("all sheets have the same numbers", "所有题目卷的数值都相同"))
    assert 4 == len(list(Path("class").rglob("*.md")))
    Path("s.csv").write_text("student,answer,value\n1,L,1\n")
    run("grade", "class", "s.csv", "-o", "marks")


@pytest.mark.parametrize("name", sorted(TERM))
def test_what_is_given_out_can_be_read_again(tmp_path: Path, name: str) -> None:
    """The manifest states the same numbers and, in the same order, the same quantities."""
    given_out = prepare(
        [load.Source(TERM[name], Path(name))], numbered(3), tmp_path, seed=1, formats=["html"], language="en"
    )
    found = Manifest.of(str(given_out.files["teacher/manifest.json"]))
    problem = load.problem(TERM[name], name=name)
    assert found.problem_set().digest == assignment(problem).digest
    assert list(found.problem_set().parts[0].problem.arrays) == list(problem.arrays)


def shuffled(content: Mapping[str, Any], chance: random.Random) -> dict[str, Any]:
    """Return a problem file with its tables, and theirs, in another order."""
    keys = list(content)
    chance.shuffle(keys)
    return {key: shuffled(content[key], chance) if isinstance(content[key], Mapping) else content[key] for key in keys}


@pytest.mark.parametrize("name", sorted(TERM))
@pytest.mark.parametrize("seed", range(3))
def test_order_of_declaration_changes_no_number(name: str, seed: int) -> None:
    """Digest, and so draws and codes, are those of the numbers, in whatever order they are written down."""
    usual = assignment(load.problem(TERM[name], name=name))
    other = assignment(load.problem(shuffled(TERM[name], random.Random(seed)), name="other"))
    assert usual.digest == other.digest


def test_two_parameters_in_either_order() -> None:
    """What a lecturer met first."""
    digests = set()
    for names in itertools.permutations(("w", "b")):
        graph = {"parameters": dict.fromkeys(names, 2), "equations": ["f = w*b"], "output": "f"}
        digests.add(assignment(load.problem({"graph": graph}, name="product")).digest)
    assert 1 == len(digests)


def test_nothing_drawn_has_to_be_asked_for(run: Run) -> None:
    """Nobody gives the same numbers to all without knowing."""
    assert "give them out so with --same" in give(run, "--variants", "2", problem="mazur", code=2)
    assert not Path("class").exists()
    assert "all sheets have the same numbers" in give(run, "--variants", "2", "--same", problem="mazur")


# All or nothing


@pytest.mark.parametrize("had", [False, True])
def test_a_run_that_fails_leaves_nothing_behind(run: Run, monkeypatch: pytest.MonkeyPatch, had: bool) -> None:
    """Neither a folder nor a changed file, wherever it failed."""
    if had:
        give(run, "--variants", "2")
    before = contents(".")

    def failing(*arguments: Any) -> Any:
        for number, found in enumerate(documents(*arguments)):
            if number:
                raise OutputError(distribution_failure)
            yield found

    documents, distribution_failure = distribution.documents, tex_engines.message("pdf.no_engine", programs=["tex"])
    monkeypatch.setattr(distribution, "CHUNK", 1)
    monkeypatch.setattr(distribution, "documents", failing)
    give(run, "--variants", "4", code=2)
    assert before == contents(".")
    assert had == Path("class").exists()


def test_a_run_that_is_stopped_leaves_what_is_whole(tmp_path: Path) -> None:
    """Ctrl-C is no failure: the next run goes on."""
    with pytest.raises(KeyboardInterrupt), all_or_nothing() as write:
        write({tmp_path / "a" / "b": "whole"})
        raise KeyboardInterrupt
    assert "whole" == (tmp_path / "a" / "b").read_text()


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX")
def test_what_is_the_teachers_is_for_the_teacher_alone(run: Run) -> None:
    """Secret, answers and keys; sheets are for everybody."""
    give(run, "--variants", "2")
    for file in each([path for path in Path("class").rglob("*") if path.is_file()], 8):
        others = stat.S_IMODE(file.stat().st_mode) & 0o077
        assert bool(others) == ("students" in file.parts), file


def test_more_variants_later_are_more_and_no_others(run: Run) -> None:
    """Nine, then ten: ten students; their numbers keep the digits that they have."""
    for count in each((9, 10)):
        give(run, "--variants", str(count))
        assert {str(number) for number in range(1, count + 1)} == {
            path.stem for path in Path("class/students/sheets").iterdir()
        }


def test_codes_survive_the_loss_of_the_secret(run: Run) -> None:
    """A code that stands on a sheet is that of the sheet."""

    def codes() -> dict[str, str]:
        content = json.loads(Path("class/teacher/manifest.json").read_text())
        return {each["student"]["id"]: each["code"] for each in content["enrolments"]}

    give(run, "--variants", "3")
    before = codes()
    Path("class/teacher/secret").unlink()
    assert "sheets that were given out keep their codes" in give(run, "--variants", "4")
    assert before.items() <= codes().items()
    assert 4 == len(set(codes().values()))


# Killed


@pytest.mark.sweep
def test_folders_of_killed_runs_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They may hold keys; the folder of a process that still works is left alone."""
    require_tool("pdflatex")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ended = subprocess.Popen(["true"])
    ended.wait()
    alive = tmp_path / f"symbackprop-{os.getpid()}-working"
    for folder in (tmp_path / f"symbackprop-{ended.pid}-left", alive):
        folder.mkdir()
        (folder / "key.tex").write_text("0.25")
    tex_engines.typeset("\\documentclass{article}\\begin{document}x\\end{document}")
    assert [alive] == list(tmp_path.iterdir())


@pytest.mark.sweep
def test_a_process_that_ends_at_once_leaves_no_engine_and_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a worker does when the command that started it was killed."""
    require_tool("pdflatex")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    endless = "\\documentclass{article}\\begin{document}\\loop\\iftrue\\repeat\\end{document}"
    failures: list[Exception] = []

    def work() -> None:
        try:
            tex_engines.typeset(endless, time_limit=60)
        except (OutputError, OSError) as failure:  # its folder is gone
            failures.append(failure)

    worker = threading.Thread(target=work)
    worker.start()
    while not any(tmp_path.glob("*/*.log")):
        time.sleep(0.05)
        assert worker.is_alive()
    tex_engines.abandon()
    assert [] == list(tmp_path.iterdir())
    worker.join(10)
    assert not worker.is_alive()
    assert 1 == len(failures)
