"""The folder of the marks: one run at a time writes, nothing of an earlier one stays, nothing of another's is lost."""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from symbackprop.homework.reporting.feedback_archive import archive
from symbackprop.homework.reporting.reports import GradedClass
from symbackprop.whole_files import Content, all_or_nothing, sweep, unwritable

Marked = tuple[GradedClass, Iterator[dict[str, Content]]]

_RECORD, _LOCK = ".marks.json", ".lock"


@dataclass(frozen=True, slots=True)
class MarksRecord:
    """What a run left in the folder: its own name, the files that it wrote, what was handed in, who has marks."""

    run: str = ""
    files: tuple[str, ...] = ()
    submissions: tuple[str, ...] = ()
    students: tuple[str, ...] = ()

    @classmethod
    def read(cls, folder: Path) -> MarksRecord:
        """Return the record in a folder; one of no run where there is none that can be read."""
        try:
            found = json.loads((folder / _RECORD).read_text("utf-8"))
            return cls(found["run"], *(tuple(map(str, found[key])) for key in ("files", "submissions", "students")))
        except (OSError, ValueError, KeyError, TypeError):
            return cls()

    def text(self) -> str:
        """Return the record as JSON."""
        found = {"run": self.run, "files": self.files, "submissions": self.submissions, "students": self.students}
        return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def write_marks(
    folder: Path, submissions: Sequence[Path], mark: Callable[[Sequence[Path]], Marked]
) -> tuple[GradedClass, list[str]]:
    """Mark submissions and write the files of the marks into a folder; return the marks and the students who lost theirs.

    Files that an earlier run wrote, and this one does not, are removed. Where another run ended while this one marked, what
    that one was given is marked too, so that the marks are those of both.
    """
    before = MarksRecord.read(folder)
    mine = [path.resolve() for path in submissions]
    marked, contents = mark(submissions)
    with _locked(folder):
        sweep(folder)
        now = MarksRecord.read(folder)
        others = [Path(path) for path in now.submissions if Path(path) not in mine and Path(path).exists()]
        if now.run != before.run and others:
            mine = [*others, *mine]
            marked, contents = mark([*others, *submissions])
        names = _written(folder, marked, contents, list(map(str, mine)))
        for name in set(now.files) - set(names):
            stale = folder / name
            if folder.resolve() in stale.resolve().parents:
                with contextlib.suppress(OSError):
                    stale.unlink()
    return marked, [id for id in now.students if id not in marked.marks]


def digest(folder: Path) -> str:
    """Return a SHA-256 of what a run left in a folder, but for its record: of a list as `sha256sum` writes it, by name."""
    found = hashlib.sha256()
    for name in sorted(MarksRecord.read(folder).files):
        with (folder / name).open("rb") as file:
            found.update(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n".encode())
    return found.hexdigest()


def _written(
    folder: Path, marked: GradedClass, contents: Iterator[dict[str, Content]], submissions: Sequence[str]
) -> list[str]:
    """Write the files of the marks, the archive of the pages behind them, and return their names; all of them or none."""
    names: list[str] = []
    with all_or_nothing(undone=BaseException) as write:

        def written(files: Mapping[str, Content]) -> None:
            write({folder / name: content for name, content in files.items()}, private=True)
            names.extend(files)

        for some in contents:
            written(some)
        written(archive(folder, names, marked.manifest.enrolments, marked.origins))
        record = MarksRecord(secrets.token_hex(8), tuple(names), tuple(submissions), tuple(marked.marks))
        write({folder / _RECORD: record.text()}, private=True)
    return names


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one run at a time write into a folder; a run that ends, however that comes about, lets the next one in."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / _LOCK).open("w")
    except OSError as error:
        raise unwritable(str(folder), error) from None
    with file:
        _lock(file)
        yield


def _lock(file: TextIO) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)
