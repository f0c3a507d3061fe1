"""Golden documents: a document changes only when its golden file is changed with it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from symbackprop import rendering
from tests.documents import EXAMPLES, rendered
from tests.helpers import ROOT, require_tool
from tools import golden

FILES = [(name, format) for name in EXAMPLES for format in golden.formats_of(name)]
MOST = 250_000
"""In bytes: what a reader of a change can look through."""


def written(name: str, format: str) -> Mapping[str, str]:
    """Return the texts of an example, by file name; figures have tests of their own.

    A document that is kept whole names its figures by the example, as its file does.
    """
    stem = name if (name, format) in golden.WHOLE else rendering.STEM
    files = rendered(name, format, stem=stem)
    return {file: str(text) for file, text in files.items() if not file.endswith(".svg")}


def place_of(name: str, format: str, file: str) -> tuple[Path, bool]:
    """Return the golden file of a document and whether it holds the text itself."""
    if (name, format) in golden.WHOLE or Path(file).suffix == ".sty":
        return golden.FOLDER / file, True
    return golden.FOLDER / (name + file.removeprefix(rendering.STEM) + golden.SUFFIX), False


def text_before(name: str, format: str, file: str, path: Path) -> tuple[str, str]:
    """Return the text of a document when its golden file was written, and where that text is from."""
    revision = golden.revision_of(path)
    with tempfile.TemporaryDirectory() as folder:
        if revision is None or not golden.unpack(revision, Path(folder)):
            return "", "Git does not know the text before; this is all of it now"
        before = golden.written_by(Path(folder), name, [format])[file]
    is_same = golden.digest(before) == path.read_text("utf-8")
    return before, f"before is {revision[:10]}" + ("" if is_same else ", which is not what the golden file stands for")


@pytest.mark.parametrize(("name", "format"), FILES)
def test_rendering_of_an_example_is_golden(name: str, format: str, request: pytest.FixtureRequest) -> None:
    """Each text is the golden one, or has its digests; `--update-golden` writes them, `tools/golden.py` shows the change."""
    documents = written(name, format)
    assert documents
    for file, text in documents.items():
        path, is_whole = place_of(name, format, file)
        actual = text if is_whole else golden.digest(text)
        if request.config.getoption("--update-golden"):
            path.write_text(actual, encoding="utf-8")
        expected = path.read_text("utf-8")
        if expected == actual:
            continue
        if is_whole:
            pytest.fail(golden.difference(expected, text, path.name), pytrace=False)
        before, origin = text_before(name, format, file, path)
        sections = "\n".join(golden.changed(expected, actual))
        shown = golden.difference(before, text, f"{name}/{file}")
        pytest.fail(f"sections of {path.name} changed:\n{sections}\n({origin})\n{shown}", pytrace=False)


def test_golden_files_are_those_of_the_documents() -> None:
    """No golden file is left of a document that is gone."""
    files = {place_of(name, format, file)[0] for name, format in FILES for file in written(name, format)}
    assert files == set(golden.FOLDER.iterdir())


def test_golden_files_are_few_enough_to_be_read() -> None:
    """Three whole documents and digests: a change to them is looked through, not waved through."""
    assert sum(path.stat().st_size for path in golden.FOLDER.iterdir()) < MOST


@pytest.mark.parametrize("format", ["latex", "markdown"])
def test_digest_changes_with_any_letter_and_says_in_which_section(format: str) -> None:
    """A changed letter, a section more and two sections exchanged are each seen, in their places and nowhere else."""
    (text,) = written("line", format).values()
    parts = golden.sections(text)
    assert len(parts) > 5
    assert text == "".join(piece for _, piece in parts)
    before = golden.digest(text).splitlines()
    for position, (_, piece) in enumerate(parts):
        pieces = [part for _, part in parts]
        pieces[position] = piece[:-1] + "x\n"
        after = golden.digest("".join(pieces)).splitlines()
        assert [position] == [n for n, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
    assert 2 == len(golden.changed("\n".join(before), "\n".join([*before[:2], before[3], before[2], *before[4:]])))


def test_golden_difference_shows_lines() -> None:
    """What a failing test prints has the old line and the new one."""
    shown = golden.difference("a\nb\n", "a\nc\n", "line/solution.md")
    assert ["-b", "+c"] == [line for line in shown.splitlines() if line[0] in "-+" and line[1] not in "-+"]


@pytest.mark.sweep
def test_old_text_is_what_the_old_program_wrote(tmp_path: Path) -> None:
    """The text before a change is made by the program of then: that of today writes today's."""
    require_tool("git")
    if not golden.unpack("HEAD", tmp_path):
        pytest.skip("this is no clone")
    shutil.copytree(ROOT / "symbackprop", tmp_path / "symbackprop", dirs_exist_ok=True)
    assert written("deep", "latex") == golden.written_by(tmp_path, "deep", ["latex"])
