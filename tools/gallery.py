"""Write the gallery: the worked solution of every bundled example, in several formats and languages, with an index.

`python tools/gallery.py` writes into `output/` (`make gallery` calls it). What is there is what `symbackprop solve` writes
for the same example, format and language; a test compares them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from symbackprop import language, rendering
from symbackprop.problems import load
from symbackprop.solution import Solution, solve

FOLDER = Path(__file__).resolve().parent.parent / "output"
FORMATS = {"markdown-github": "Markdown", "pdf": "PDF", "html": "HTML"}
LANGUAGES = {"en": "English", "zh": "中文"}
LARGE = "html"
"""A page holds all that it needs, half a megabyte and more: other languages than English have one for the preview only."""

PREVIEW = "mazur"
"""The example whose first page is the picture of the index."""

INDEX = "README.md"
_PICTURE = f"{PREVIEW}/preview.png"

_HEAD = """# Gallery

The worked solution of every example in [`examples/`](../examples), as `symbackprop solve` writes it. The Markdown pages
are read here; PDF and HTML open on your machine, HTML in a browser, without a network. `make gallery` makes all of them
anew. What you write yourself,
`symbackprop solve my.toml`, is put here too, and Git ignores it.

[![The first page of a solution]({picture})]({target})

"""


def solutions() -> Iterator[tuple[str, Solution]]:
    """Yield every bundled example with its solution."""
    for name in load.examples():
        yield name, solve(load.example(name))


def stem(code: str) -> str:
    """Return the name of a solution's files without suffix, in a language."""
    return rendering.STEM if code == language.DEFAULT else f"{rendering.STEM}.{code}"


def formats_of(name: str, code: str) -> tuple[str, ...]:
    """Return the formats that an example is there in, in a language."""
    is_whole = code == language.DEFAULT or name == PREVIEW
    return tuple(format for format in FORMATS if is_whole or format != LARGE)


def pages(name: str, solution: Solution, code: str, formats: Iterable[str]) -> Mapping[str, str | bytes]:
    """Return the files of one example in one language by their paths below the gallery."""
    found: dict[str, str | bytes] = {}
    for format in formats:
        files = rendering.files(solution, format, code, stem=stem(code))
        found |= {f"{name}/{file}": content for file, content in files.items()}
    return found


def index(found: Sequence[tuple[str, Solution]]) -> str:
    """Return the page that lists the gallery: a row for each example, a column for each language."""
    table = rendering.formats()
    lines = ["| example | " + " | ".join(LANGUAGES.values()) + " |", "| --- |" + " --- |" * len(LANGUAGES)]
    for name, solution in found:
        cells = []
        for code in LANGUAGES:
            shown = formats_of(name, code)
            links = [f"[{FORMATS[format]}]({name}/{stem(code)}.{table[format].suffix})" for format in shown]
            cells.append(f"{solution.problem.heading.said(code)}: {', '.join(links)}")
        lines.append(f"| [{name}](../examples/{name}.toml) | " + " | ".join(cells) + " |")
    target = f"{PREVIEW}/{stem(language.DEFAULT)}.{table[next(iter(FORMATS))].suffix}"
    return _HEAD.format(picture=_PICTURE, target=target) + "\n".join(lines) + "\n"


def preview(document: bytes) -> bytes:
    """Return the first page of a PDF as a picture (needs `pdftoppm`)."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place, "page.pdf")
        file.write_bytes(document)
        command = [
            "pdftoppm",
            "-r",
            "70",
            "-f",
            "1",
            "-l",
            "1",
            "-png",
            "-singlefile",
            str(file),
            str(file.with_suffix("")),
        ]
        subprocess.run(command, check=True)
        return file.with_suffix(".png").read_bytes()


def main() -> None:
    """Write the gallery."""
    parser = argparse.ArgumentParser(description="Write the gallery.")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to write [output]")
    folder = parser.parse_args().folder
    found = list(solutions())
    written: dict[str, str | bytes] = {INDEX: index(found)}
    for name, solution in found:
        for code in LANGUAGES:
            own = pages(name, solution, code, formats_of(name, code))
            written |= own
            sys.stdout.write("".join(f"{path}\n" for path in own))
    document = written[f"{PREVIEW}/{rendering.STEM}.pdf"]
    assert isinstance(document, bytes)
    written[_PICTURE] = preview(document)
    for path, content in written.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)


if __name__ == "__main__":
    main()
