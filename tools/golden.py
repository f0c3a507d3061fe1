"""Golden documents: three are kept whole, of the others a digest of each section; this program shows what changed in them.

`python tools/golden.py` prints the difference between what the last commit writes and what is written now, and
`python tools/golden.py REVISION` that since another commit: a digest says which section changed, this says how. The old
text is made by the old program, from a copy of it that Git unpacks.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests" / "golden"
FORMATS = ("latex", "markdown")
MADE_OF_OTHERS = ("latex-fragment", "markdown-github")
"""Formats that are kept for one example: what they share with others is in the documents of the others."""
SHORT = "line"
WHOLE = (("line", "markdown"), ("circuit", "markdown"), ("mazur", "latex"))
"""The documents that are kept whole: to be read, and as a measure of what the digests stand for."""
DIGITS = 12
SUFFIX = ".sections"
UNPACKED = ("symbackprop", "templates", "examples")

_HEADING = re.compile(r"^(?:#{1,6} .*|\\symbackprop(?:sub)*section\{.*)$", re.MULTILINE)


def formats_of(name: str) -> tuple[str, ...]:
    """Return the formats in which an example is golden."""
    return (*FORMATS, *MADE_OF_OTHERS) if name == SHORT else FORMATS


def sections(text: str) -> list[tuple[str, str]]:
    """Return the sections of a document, each with its heading line; what stands before the first one has none."""
    places = [match.start() for match in _HEADING.finditer(text)]
    pieces = [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]
    headings = ["", *(piece.partition("\n")[0] for piece in pieces[1:])]
    return [(heading, piece) for heading, piece in zip(headings, pieces, strict=True) if piece]


def digest(text: str) -> str:
    """Return the text of a golden file: a line for each section, its digest and its heading."""
    lines = (
        f"{hashlib.sha256(piece.encode()).hexdigest()[:DIGITS]}  {heading or '(before the first section)'}\n"
        for heading, piece in sections(text)
    )
    return "".join(lines)


def changed(before: str, after: str) -> list[str]:
    """Return the lines by which two digests differ, with their signs."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def difference(before: str, after: str, file: str) -> str:
    """Return the unified difference of two texts of a document."""
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), f"before/{file}", f"now/{file}")
    return "".join(lines)


def revision_of(path: Path) -> str | None:
    """Return the commit that wrote a golden file last, or None where Git does not know."""
    found = _git("log", "-1", "--format=%H", "--", str(path))
    return found.decode().strip() or None if found is not None else None


def unpack(revision: str, folder: Path) -> bool:
    """Put the program of a commit into a folder; return whether Git has it."""
    archive = _git("archive", revision, *UNPACKED)
    if archive is None:
        return False
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        opened.extractall(folder, filter="data")
    return True


def written_by(program: Path, name: str, formats: Iterable[str]) -> Mapping[str, str]:
    """Return the documents of an example that an unpacked program writes, by file name."""
    chosen = [part for format in formats for part in ("-f", format)]
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "symbackprop", "solve", name, *chosen, "-o", place]
        environment = {**os.environ, "PYTHONPATH": str(program)}
        subprocess.run(command, cwd=program, env=environment, capture_output=True, check=True)
        return {file.name: file.read_text("utf-8") for file in Path(place).iterdir() if file.suffix != ".svg"}


def _git(*arguments: str) -> bytes | None:
    try:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None


def main() -> None:
    """Print how documents changed."""
    parser = argparse.ArgumentParser(description="Show how the golden documents changed since a commit.")
    parser.add_argument("revision", nargs="?", default="HEAD", help="the commit to compare with [HEAD]")
    parser.add_argument("names", nargs="*", help="examples [all]")
    arguments = parser.parse_args()
    names = arguments.names or [path.stem for path in sorted((ROOT / "examples").glob("*.toml"))]
    with tempfile.TemporaryDirectory() as place:
        if not unpack(arguments.revision, Path(place)):
            parser.error(f"Git has no program at {arguments.revision}")
        for name in names:
            before = written_by(Path(place), name, formats_of(name))
            after = written_by(ROOT, name, formats_of(name))
            for file in sorted({*before, *after}):
                sys.stdout.write(difference(before.get(file, ""), after.get(file, ""), f"{name}/{file}"))


if __name__ == "__main__":
    main()
