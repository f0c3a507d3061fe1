"""What goes wrong around a command: a full disk, a folder that is not to be written, a kill, two runs at once, damage.

Every command that writes comes through each of these: one line that says what is wrong, and no file lost, doubled or half
written.
"""

from __future__ import annotations

import contextlib
import csv
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.test_cli import assert_mistake, command, ran, shell
from tests.helpers import ROOT, each, few

CLASS = ("homework", "homework", "--variants", "6", "--seed", "3", "--processes", "1", "-f", "markdown", "-o", "class")
WRITERS = {
    "solve": ("solve", "line", "-f", "markdown,json", "-o", "out"),
    "train": ("train", "line", "--epochs", "3", "--save", "out/trained.npz"),
    "plot": ("train", "line", "--epochs", "3", "--plot", "out/losses.svg"),
    "code": ("code", "line", "-o", "out/line.py"),
    "differentiate": ("differentiate", "x**2", "x", "-f", "markdown", "-o", "out/square.md"),
    "export": ("export", "homework", "--to", "moodle", "--variants", "2", "-o", "out/bank.xml"),
    "new": ("new", "out/mine.toml"),
    "homework": (*CLASS[:-1], "out"),
    "grade": ("grade", "class", "answers.csv", "-o", "out"),
}
"""Commands that write, all of it below `out`."""

Folder = Callable[[], dict[str, bytes]]


def files(folder: Path = Path()) -> dict[str, bytes]:
    """Return every file below a folder, but for the lock of a run that has ended."""
    found = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def hand_in(folder: Path = Path("class")) -> None:
    """Write what a class hands in that copies the key."""
    with (folder / "teacher" / "answers.csv").open(encoding="utf-8") as key:
        rows = list(csv.DictReader(key))
    with Path("answers.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [["student", "answer", "value"], *([r["student"], r["answer"], r["value"]] for r in rows)]
        )


@pytest.fixture(scope="module")
def given_out() -> Iterator[Path]:
    """Return a folder that anybody may enter, with a class that was given out, and answers that were handed in."""
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        Path(name).chmod(0o755)
        assert ran(*CLASS).returncode == 0
        hand_in()
        yield Path(name)


@pytest.fixture
def folder(given_out: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a copy of that folder, in which the test runs."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        shutil.copytree(given_out, name, dirs_exist_ok=True)
        monkeypatch.chdir(name)
        yield Path(name)


@contextlib.contextmanager
def full_disk(bytes_left: int) -> Iterator[None]:
    """Let no file become larger than so many bytes."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_left, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no limit of file sizes")
@pytest.mark.parametrize("name", few(WRITERS, 2))
def test_full_disk_leaves_everything_as_it_was(folder: Path, name: str) -> None:
    """Where a file cannot be written whole, one line says so, and no file is there that was not there before."""
    before = files()
    with full_disk(100):
        finished = ran(*WRITERS[name])
    assert_mistake(finished, "File too large")
    assert before == files()
    assert ran(*WRITERS[name]).returncode == 0
    assert before != files()


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Be somebody who may write where everybody may, and nowhere else."""
    uid = os.geteuid()
    if uid == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(uid)


@pytest.mark.skipif(sys.platform == "win32", reason="this system has other rights")
@pytest.mark.parametrize("name", few(WRITERS, 2))
def test_folder_that_is_not_to_be_written_is_named(folder: Path, name: str) -> None:
    """Where a folder is read-only, one line names what cannot be written in it."""
    Path("out").mkdir()
    Path("out").chmod(0o555)
    for path in (folder / "class").rglob("*"):
        path.chmod(0o755)
    before = files()
    with as_nobody():
        finished = ran(*WRITERS[name])
    assert_mistake(finished, "out", "Permission denied")
    assert before == files()


# Runs that are stopped


def started(*arguments: str, folder: Path) -> subprocess.Popen[bytes]:
    """Return a command that has begun in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command(*arguments), cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def wait_for(condition: Callable[[], bool], run: subprocess.Popen[bytes]) -> None:
    """Return as soon as a condition holds while a run goes on."""
    end = time.monotonic() + 120
    while not condition():
        assert run.poll() is None and time.monotonic() < end
        time.sleep(0.002)


MANY = 45
LONG_CLASS = (*CLASS[:3], str(MANY), *CLASS[4:-1], "long")


@pytest.mark.sweep
@pytest.mark.skipif(sys.platform == "win32", reason="this system has other signals")
@pytest.mark.parametrize("stopped", [signal.SIGKILL, signal.SIGINT], ids=["killed", "Ctrl-C"])
def test_class_goes_on_where_a_run_was_stopped(tmp_path: Path, stopped: signal.Signals) -> None:
    """What was written is whole; the next run writes what is missing, and leaves what one run would have left."""
    run, sheets = started(*LONG_CLASS, folder=tmp_path), tmp_path / "long" / "students" / "sheets"
    wait_for(lambda: sheets.is_dir() and any(not path.name.startswith(".") for path in sheets.iterdir()), run)
    run.send_signal(stopped)
    output, errors = run.communicate(timeout=60)
    assert (run.returncode, output, errors.strip()) == ({signal.SIGKILL: -9, signal.SIGINT: 130}[stopped], b"", b"")
    (sheets / f".1.md.{run.pid}").write_bytes(b"half of a shee")  # as a kill may leave it
    with contextlib.chdir(tmp_path):
        written = {name: text for name, text in files(sheets).items() if not name.startswith(".")}
        assert 0 < len(written) < MANY
        ended = ran(*LONG_CLASS)
        assert ended.returncode == 0, ended.stderr
        resumed = files(Path("long"))
        assert all(resumed[f"students/sheets/{name}"] == text for name, text in written.items())
        assert len([name for name in resumed if name.startswith("students/sheets/")]) == MANY
        assert [name for name in resumed if "/." in name] == []


@pytest.mark.sweep
def test_two_runs_at_once_write_one_class(tmp_path: Path) -> None:
    """Both end well, and the folder is that of one run: no file is lost, and none is there twice."""
    runs = [started(*CLASS, folder=tmp_path) for _ in range(2)]
    for run in each(runs):
        _, errors = run.communicate(timeout=120)
        assert (run.returncode, errors) == (0, b"")
    with contextlib.chdir(tmp_path):
        twice = files(Path("class"))
        assert ran(*CLASS).returncode == 0
        assert files(Path("class")) == twice
        assert sorted(name for name in twice if "sheets" in name) == [f"students/sheets/{n}.md" for n in range(1, 7)]
        assert [name for name in twice if "/." in name] == []


@pytest.mark.sweep
def test_reader_that_goes_away_in_the_middle_is_no_mistake(tmp_path: Path) -> None:
    """`symbackprop … | head -1` prints one line and says nothing else."""
    finished = shell("symbackprop solve line -f json -o - | head -1", tmp_path)
    assert (finished.returncode, finished.stderr, finished.stdout.count(b"\n")) == (0, b"", 1)


# A teacher's folder that was damaged

Damage = Callable[[Path], object]


def cut(path: Path) -> None:
    """Leave half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def exchanged(path: Path, old: str, new: str) -> None:
    """Write something else in the place of a text that is in a file."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


MANIFEST = "manifest.json"
DAMAGED: dict[str, tuple[str, Damage, str]] = {
    "a manifest cut off": (MANIFEST, cut, "class/teacher/manifest.json: this is no manifest"),
    "an empty manifest": (MANIFEST, lambda path: path.write_bytes(b""), "no manifest"),
    "a manifest of zeros": (MANIFEST, lambda path: path.write_bytes(bytes(2000)), "no manifest"),
    "a later version": (MANIFEST, lambda path: exchanged(path, '"format": 1', '"format": 2'), "another version"),
    "other numbers": (MANIFEST, lambda path: exchanged(path, '"digest": "', '"digest": "0'), "other numbers"),
    "a code that is none": (MANIFEST, lambda path: exchanged(path, '"code": "', '"code": 1, "x": "'), "no manifest"),
    "draws that are none": (MANIFEST, lambda path: exchanged(path, '"W1": [1', '"W1": [77, 1'), "no manifest"),
    "an unknown language": (MANIFEST, lambda path: exchanged(path, '"language": "en"', '"language": "xx"'), '"xx"'),
    "a list that is none": ("unfinished.json", lambda path: path.write_bytes(b"[[1]]\n{]\n"), "no list"),
}
"""What happens to which file of the teacher's, and what the line says."""


@pytest.mark.parametrize("name", few(DAMAGED, 2))
def test_damaged_folder_is_one_line_that_names_it(folder: Path, name: str) -> None:
    """Who gives out or marks with a damaged folder is told so, and nothing in it changes."""
    file, damage, said = DAMAGED[name]
    path = Path("class/teacher") / file
    damage(path)
    before = files()
    commands = (CLASS, WRITERS["grade"]) if file == MANIFEST else (CLASS,)
    for arguments in each(commands):
        assert_mistake(ran(*arguments), said)
        assert before == files()


NEEDLESS: dict[str, Damage] = {
    "an answer key cut off": lambda teacher: cut(teacher / "answers.csv"),
    "no answer key": lambda teacher: (teacher / "answers.json").unlink(),
    "no roster and no keys": lambda teacher: shutil.rmtree(teacher / "keys"),
    "no codes' secret": lambda teacher: (teacher / "secret").unlink(),
    "an empty secret": lambda teacher: (teacher / "secret").write_bytes(b""),
    "a damaged record of marks": lambda teacher: Path("out/.marks.json").write_bytes(b"{"),
}
"""What can be made anew, or is not needed."""


@pytest.mark.parametrize("name", few(NEEDLESS, 1))
def test_what_can_be_made_anew_is(folder: Path, name: str) -> None:
    """Marks are the same without it, another run of giving out brings it back, and no student's sheet or code changes."""
    before = files(Path("class"))
    assert ran(*WRITERS["grade"]).returncode == 0
    marks = files(Path("out"))
    NEEDLESS[name](Path("class/teacher"))
    assert ran(*WRITERS["grade"]).returncode == 0
    assert {name: text for name, text in files(Path("out")).items() if not name.startswith(".")} == {
        name: text for name, text in marks.items() if not name.startswith(".")
    }
    finished = ran(*CLASS)
    assert (finished.returncode, "secret" in name) == (0, b"secret" in finished.stderr)
    after = files(Path("class"))
    assert {name: text for name, text in before.items() if name != "teacher/secret"} == {
        name: after.get(name) for name in before if name != "teacher/secret"
    }
    assert len(after["teacher/secret"].strip()) == 32
