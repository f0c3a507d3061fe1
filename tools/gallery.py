"""Write the gallery: the worked solution of every bundled example, in several formats and languages, with an index.

`python tools/gallery.py` writes into `output/` (`make gallery` calls it). What is there is what `symbackprop solve` writes
for the same example, format and language; a test compares them. Git keeps what people read on the web, and of one example
every format (`kept`); the rest is made where it is wanted.
"""

from __future__ import annotations

import argparse
import html
import re
import string
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from symbackprop import language, rendering
from symbackprop.descent.solution import Solution, solve
from symbackprop.problems import load

FOLDER = Path(__file__).resolve().parent.parent / "output"
FORMATS = {"markdown-github": "Markdown", "pdf": "PDF", "html": "HTML"}
LANGUAGES = {"en": "English", "zh": "中文"}
PREVIEW = "mazur"
"""The example that is kept in every format; its first page is the picture of the index."""
READ_ON_THE_WEB = "markdown-github"

INDEX = "README.md"
WEB_INDEX = "index.html"
_WEB = Path(__file__).with_name("gallery.html")
_PICTURE = f"{PREVIEW}/preview.png"

_HEAD = """# Gallery

The worked solution of every example in [`examples/`](../examples), as `symbackprop solve` writes it. The Markdown pages
are read here, and one solution is here as PDF and HTML too. `make gallery` makes these of every example, and the page
`index.html` that leads to them; they open in a browser without a network. What you write yourself, `symbackprop solve
my.toml`, is put here too, and Git ignores it.

[![The first page of a solution]({picture})]({target})

"""


def solutions() -> Iterator[tuple[str, Solution]]:
    """Yield every bundled example with its solution."""
    for name in load.examples():
        yield name, solve(load.example(name))


def stem(code: str) -> str:
    """Return the name of a solution's files without suffix, in a language."""
    return rendering.STEM if code == language.DEFAULT else f"{rendering.STEM}.{code}"


def kept(name: str, code: str) -> tuple[str, ...]:
    """Return the formats in which Git keeps an example in a language."""
    return tuple(FORMATS) if (name, code) == (PREVIEW, language.DEFAULT) else (READ_ON_THE_WEB,)


def file_of(name: str, code: str, format: str) -> str:
    """Return the path of a solution below the gallery."""
    return f"{name}/{stem(code)}.{rendering.formats()[format].suffix}"


def pages(name: str, solution: Solution, code: str, formats: Iterable[str]) -> Mapping[str, str | bytes]:
    """Return the files of one example in one language by their paths below the gallery."""
    found: dict[str, str | bytes] = {}
    for format in formats:
        # Pages that are kept: what a page computes with depends on what was computed before it.
        files = rendering.files(solution, format, code, stem=stem(code), explorable="practice")
        found |= {f"{name}/{file}": content for file, content in files.items()}
    return found


def index(found: Sequence[tuple[str, Solution]]) -> str:
    """Return the page that lists what Git keeps: a row for each example, a column for each language."""
    lines = ["| example | " + " | ".join(LANGUAGES.values()) + " |", "| --- |" + " --- |" * len(LANGUAGES)]
    for name, solution in found:
        cells = []
        for code in LANGUAGES:
            links = [f"[{FORMATS[format]}]({file_of(name, code, format)})" for format in kept(name, code)]
            cells.append(f"{solution.problem.heading.said(code)}: {', '.join(links)}")
        lines.append(f"| [{name}](../examples/{name}.toml) | " + " | ".join(cells) + " |")
    target = file_of(PREVIEW, language.DEFAULT, READ_ON_THE_WEB)
    return _HEAD.format(picture=_PICTURE, target=target) + "\n".join(lines) + "\n"


def web_index(found: Sequence[tuple[str, Solution]]) -> str:
    """Return the page that shows the whole gallery in a browser: a card for each example, with its diagram."""
    cards = "".join(_card(name, solution) for name, solution in found)
    target = file_of(PREVIEW, language.DEFAULT, "html")
    return string.Template(_WEB.read_text("utf-8")).substitute(target=target, picture=_PICTURE, cards=cards)


def _card(name: str, solution: Solution) -> str:
    about = (_about(name, solution, code) for code in LANGUAGES)
    page = file_of(name, language.DEFAULT, "html")
    diagram = f"{name}/{rendering.STEM}.1.svg"
    title = _title(solution, language.DEFAULT)
    return f"""<li>
<a class="picture" href="{page}" tabindex="-1" aria-hidden="true"><img src="{diagram}" alt="" loading="lazy"></a>
<div class="about">
<h2><a href="{page}">{title}</a></h2>
{"".join(about)}<p><code>symbackprop solve {name}</code></p>
</div>
</li>
"""


def _about(name: str, solution: Solution, code: str) -> str:
    """Return the title of an example in a language, unless it is the card's own, and links to what a browser shows."""
    links = [f'<a href="{file_of(name, code, format)}">{FORMATS[format]}</a>' for format in ("html", "pdf")]
    heading = "" if code == language.DEFAULT else f'<span class="other" lang="{code}">{_title(solution, code)}</span> '
    return f'<p class="links">{heading}{" ".join(links)}</p>\n'


def _title(solution: Solution, code: str) -> str:
    """Return the title of an example; the layers of a network (2-3-1) stay in one line."""
    said = html.escape(solution.problem.heading.said(code))
    return re.sub(r"\d+(?:-\d+)+", r'<span class="whole">\g<0></span>', said)


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
    parser.add_argument("--format", choices=FORMATS, help="write the solutions in this format only, and no index")
    asked = parser.parse_args()
    folder, formats = asked.folder, (asked.format,) if asked.format else tuple(FORMATS)
    found = list(solutions())
    written: dict[str, str | bytes] = {} if asked.format else {INDEX: index(found), WEB_INDEX: web_index(found)}
    for name, solution in found:
        for code in LANGUAGES:
            own = pages(name, solution, code, formats)
            written |= own
            sys.stdout.write("".join(f"{path}\n" for path in own))
    if not asked.format:
        document = written[file_of(PREVIEW, language.DEFAULT, "pdf")]
        assert isinstance(document, bytes)
        written[_PICTURE] = preview(document)
    for path, content in written.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)


if __name__ == "__main__":
    main()
