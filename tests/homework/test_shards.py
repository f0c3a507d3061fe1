"""Large classes: parts that are worked at by themselves and joined again are what one run writes, byte by byte."""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import symbackprop as sbp
from symbackprop import cli
from symbackprop.cli.commands import merge
from symbackprop.errors import OutputError
from symbackprop.homework import merging
from symbackprop.homework.assignments import variants
from symbackprop.homework.classes.shards import Shard
from symbackprop.homework.handouts import archives, enrolment, writing
from symbackprop.homework.handouts.manifest import Manifest
from symbackprop.problems import load
from tests.helpers import each, few
from tests.homework.test_giving_out import Run, contents, run  # noqa: F401

COUNT = 7
PROBLEM = load.find_source("line", [("homework", {"ask": ["L"]}), ("variants.x", {"choices": [1, 2, 3]})]).content
KINDS: dict[str, dict[str, Any]] = {
    "files": {"formats": ["markdown", "text"], "forms": True},
    "archives": {"formats": ["markdown", "text"], "archives": True},
    "pdf": {"formats": ["pdf"], "engine": "typst"},
}


def give(folder: Path, name: str, **settings: Any) -> Path:
    """Give a small homework out into a folder of that name, with the secret that all share."""
    students = {f"s{number}": f"Student {number}" for number in range(COUNT)}
    sbp.homework(PROBLEM, students=students, seed=3, folder=folder / name, secret=folder / "secret", **settings)
    return folder / name


def files(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder by their paths in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("kind", "of"),
    few([("files", 3), ("archives", 9), ("archives", 2), ("files", 9), ("pdf", 2)], 1),
)
def test_shards_in_any_order_are_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, of: int) -> None:
    """Also where there are more shards than students; the SHA-256 is that of the one run."""
    monkeypatch.setattr(enrolment, "ARCHIVE", 3)
    whole = give(tmp_path, "whole", **KINDS[kind])
    shards = [give(tmp_path, f"{number}", shard=(number, of), **KINDS[kind]) for number in range(1, of + 1)]
    random.Random(of).shuffle(shards)
    found = sbp.merge(shards, tmp_path / "merged")
    assert files(whole) == files(tmp_path / "merged")
    job = enrolment.Job.of(Manifest.read(whole / "teacher" / "manifest.json"))
    assert found == writing.digest(job, whole)


@pytest.mark.parametrize("unit", [1, 4])
def test_shards_cut_a_class_into_parts_that_stand_behind_each_other(unit: int) -> None:
    """Whatever the class, nobody is left out or stands in two parts, and units stay whole."""
    for count, of in each([(0, 1), (1, 3), (10, 3), (1000, 7), (11, 11)], least=5):
        bounds = [Shard(number, of).bounds(count, unit) for number in range(1, of + 1)]
        assert [0, *(last for _, last in bounds)] == [*(first for first, _ in bounds), count]
        assert all(first % unit == 0 or first == count for first, _ in bounds)


def test_archives_hold_what_files_would_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many students in each; a second run writes the archives that are missing, and a class of today has none."""
    monkeypatch.setattr(enrolment, "ARCHIVE", 3)
    plain, packed = give(tmp_path, "plain", **KINDS["files"]), give(tmp_path, "packed", **KINDS["archives"])
    names = sorted(path.name for path in (packed / "teacher/keys").iterdir())
    assert ["0001.zip", "0002.zip", "0003.zip"] == names
    found, kinds = {}, ("students/sheets", "teacher/keys")
    for kind in each(kinds):
        for archive in sorted((packed / kind).iterdir()):
            with zipfile.ZipFile(archive) as opened:
                assert len(opened.namelist()) == 2 * min(3, COUNT - 3 * (int(archive.stem) - 1))
                found |= {f"{kind}/{name}": opened.read(name) for name in opened.namelist()}
    assert found == {name: content for name, content in files(plain).items() if name.rpartition("/")[0] in kinds}
    before = files(packed)
    (packed / "students/sheets/0002.zip").unlink()
    times = {path: path.stat().st_mtime_ns for path in (packed / "teacher/keys").iterdir()}
    give(tmp_path, "packed", **KINDS["archives"])
    assert before == files(packed)
    assert {"0002.zip"} == {path.name for path, time in times.items() if time != path.stat().st_mtime_ns}


def spoiled(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change what a file of JSON says."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


MISFITS: dict[str, tuple[Callable[[list[Path]], object], str]] = {
    "missing": (lambda shards: shards.pop(), "1 shards are missing: 3/3"),
    "twice": (lambda shards: shards.append(shards[0]), "this is shard 1, and so is"),
    "unfinished": (
        lambda shards: (shards[0] / "teacher/unfinished.json").write_text('["s0", "s1"]\n["s0"]\n'),
        "1 students are still missing (s1)",
    ),
    "other secret": (lambda shards: (shards[1] / "teacher/secret").write_text("00\n"), "a shard of another job"),
    "other numbers": (
        lambda shards: spoiled(shards[1] / "teacher/manifest.json", lambda content: content.update(digest="0")),
        "a shard of another job",
    ),
    "other class": (
        lambda shards: spoiled(
            shards[1] / "teacher/manifest.json", lambda content: content["settings"]["shard"].update(students=8)
        ),
        "a shard of another job",
    ),
    "whole": (
        lambda shards: spoiled(shards[1] / "teacher/manifest.json", lambda content: content["settings"].pop("shard")),
        "the homework of a whole class",
    ),
    "nothing": (lambda shards: shards.append(shards[0] / "nowhere"), "no homework was given out there"),
}


def copies(made: Sequence[Mapping[str, bytes]]) -> Callable[[Path], list[Path]]:
    """Return a function that writes some shards, of which these are the files, into a folder."""

    def copied(place: Path) -> list[Path]:
        for number, own in enumerate(made, start=1):
            for name, content in own.items():
                path = place / str(number) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        return [place / str(number) for number in range(1, len(made) + 1)]

    return copied


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], list[Path]]:
    """Return a function that copies three shards into a folder."""
    folder = tmp_path_factory.mktemp("shards")
    return copies([files(give(folder, str(number), shard=(number, 3), formats=["text"])) for number in (1, 2, 3)])


@pytest.mark.parametrize("case", list(MISFITS))
def test_what_does_not_fit_is_said_in_one_message(
    tmp_path: Path, shards: Callable[[Path], list[Path]], case: str
) -> None:
    """And nothing is written."""
    folders = shards(tmp_path)
    spoil, said = MISFITS[case]
    spoil(folders)
    with pytest.raises(OutputError, match=said.replace("(", r"\(").replace(")", r"\)")):
        sbp.merge(folders, tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


@pytest.mark.sweep
def test_the_commands_join_what_they_wrote(run: Run) -> None:  # noqa: F811
    """With one line that says that it is the same; all shards need one secret, and a folder stays what it is."""
    options = ("homework", "homework", "--variants", "5", "-f", "text", "--processes", "1")
    whole = run(*options, "--secret", "s", "-o", "whole")
    assert "all shards need the same secret" in run(*options, "--shard", "1/2", "-o", "1", code=2)
    for number in each((1, 2)):
        run(*options, "--secret", "s", "--shard", f"{number}/2", "-o", str(number))
    assert "holds a homework with the shard" in run(*options, "--secret", "s", "--shard", "2/2", "-o", "1", code=2)
    merged = run("merge", "2", "1", "-o", "merged")
    (line,) = [line for line in whole.splitlines() if "SHA-256" in line]
    assert line in merged
    assert {name.removeprefix("whole/"): content for name, content in contents("whole").items()} == {
        name.removeprefix("merged/"): content for name, content in contents("merged").items()
    }
    for wrong in each(("0/2", "3/2", "2", "a/b")):
        assert "expected a part" in run(*options, "--shard", wrong, "-o", "x", code=2)


def test_a_shard_needs_nothing_of_the_others(tmp_path: Path) -> None:
    """Its students are those of the whole class, with their numbers and codes."""
    whole = Manifest.read(give(tmp_path, "whole", formats=["text"]) / "teacher" / "manifest.json")
    part = Manifest.read(give(tmp_path, "part", formats=["text"], shard=(2, 3)) / "teacher" / "manifest.json")
    assert whole.enrolments[2:4] == part.enrolments
    job = enrolment.Job.of(part)
    assert 2 == job.first
    assert [[0], [1]] == list(map(list, archives.units(job)))


def test_merging_knows_how_many_there_are(tmp_path: Path) -> None:
    """What the bar of the command counts to."""
    assert "merge" in cli.command_names()
    assert cli.command("merge") is merge.command
    folders = [give(tmp_path, str(number), formats=["text"], shard=(number, 2)) for number in (1, 2)]
    assert COUNT == merging.fitted(folders).size


# Pools


def pooled(size: int) -> dict[str, Any]:
    """Return the homework with a pool of that size."""
    content = load.find_source("homework").content
    return {**content, "homework": {**content["homework"], "pool": size}}


def test_a_pool_is_drawn_once_and_shared(tmp_path: Path) -> None:
    """Its variants are those of so many numbered students; who has which depends on the id and the seed alone."""
    given = variants.assignment(load.problem(pooled(4)))
    alone = variants.assignment(load.example("homework"))
    assert alone.digest == given.digest
    numbered = variants.draw(alone, [str(number) for number in range(1, 5)], 3, dict.fromkeys("1234", 1))
    ids = [f"s{number}" for number in range(40)]
    cohort = variants.draw(given, ids, 3, dict.fromkeys(ids, 1))
    assert (numbered.tries, numbered.rejections) == (cohort.tries, cohort.rejections)
    found = set()
    for place, id in each(enumerate(ids)):
        number = variants.pool_place(id, 3, 4)
        found.add(number)
        for name, positions in cohort.positions.items():
            assert positions[place].tolist() == numbered.positions[name][number].tolist()
    assert {0, 1, 2, 3} == found
    late = variants.draw(given, ["late", "s7"], 3, {"late": 1, "s7": 1})
    for name, positions in each(late.positions.items()):
        assert positions[1].tolist() == cohort.positions[name][7].tolist()
    assert any(variants.pool_place(id, 3, 4) != variants.pool_place(id, 4, 4) for id in ids)


@pytest.mark.sweep
def test_shards_of_a_pool_are_one_run(tmp_path: Path) -> None:
    """Also where a shard is empty, and where the class grows: codes are each student's own, tries those of the pool."""
    settings: dict[str, Any] = {"folder": tmp_path / "whole", "secret": tmp_path / "secret", "formats": ["text"]}
    sbp.homework(pooled(2), students=2, **settings)
    course = sbp.homework(pooled(2), students=3, **settings)
    assert 3 == len(set(course.codes.values()))
    assert 2 >= len({tuple(own.values()) for own in course.answers.values()})
    for number in (1, 2, 3, 4):
        sbp.homework(pooled(2), students=3, **{**settings, "folder": tmp_path / str(number)}, shard=(number, 4))
    sbp.merge([tmp_path / str(number) for number in (4, 2, 1, 3)], tmp_path / "merged")
    assert files(tmp_path / "whole") == files(tmp_path / "merged")
