"""What is made of a format's templates: a text, a typeset page, a notebook; or data, without any template."""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from symbackprop import document, results
from symbackprop.document.blocks import Document
from symbackprop.rendering import assets, engines, escapes, formulas, notebook
from symbackprop.rendering.filling import filled
from symbackprop.rendering.tex import Printer
from symbackprop.rendering.view import Deferred, View, Writer
from symbackprop.solution import Solution

if TYPE_CHECKING:
    from symbackprop.rendering.catalogue import Format

DOCUMENT = "document.jinja"

MOST_LARGE = 20
"""Parameters of a document whose letters have the usual size."""


@dataclass(frozen=True)
class Draft:
    """A solution on its way into a format, in a language, with the given details; None: those that suit it.

    `stem` is the name of the document's file without its suffix, "" for a document that has to hold its figures itself.
    `content` is written in place of the worked solution, which has its explanations unless `explain` is `brief`.
    """

    format: Format
    solution: Solution
    language: str
    details: Sequence[str] | None
    stem: str = ""
    content: Document | None = None
    explain: str = "full"

    @functools.cached_property
    def view(self) -> View:
        """What the templates see; each figure has its `source`: a file beside the document, or the picture itself."""
        view = self.writer.document(self.content or document.compose(self.solution, self.details, self.explain))
        view["small"] = self.is_small
        view["figures"] = list(_figures(view["sections"]))
        for number, figure in enumerate(view["figures"], start=1):
            linked = self.format.figures and self.stem
            figure["file"] = f"{self.stem}.{number}.{self.format.figures}" if linked else ""
            figure["source"] = quote(figure["file"]) if linked else Deferred(functools.partial(embedded, figure["svg"]))
        return view

    @property
    def is_small(self) -> bool:
        """Say whether a document is long enough for smaller letters, in a format that has them."""
        count = sum(len(quantity.elements()) for quantity in self.solution.derivation.parameters)
        return bool(self.format.small_width) and count > MOST_LARGE

    @property
    def pictures(self) -> dict[str, str]:
        """The figures that are files beside the document, by their names."""
        return {figure["file"]: str(figure["svg"]) for figure in self.view["figures"] if figure["file"]}

    @functools.cached_property
    def writer(self) -> Writer:
        """What writes blocks as the format wants them."""
        row = self.format
        printer = Printer(document.notation_of(self.solution), row.tones, rows=self.solution.problem.layout == "row")
        escape = escapes.ESCAPES[row.escape]
        width = row.small_width if self.is_small else row.width
        return Writer(
            printer, self.language, escape, width, row.math, row.spaced, formulas.MARKUPS[row.formulas], row.folds
        )

    @property
    def written(self) -> str | bytes:
        """What becomes of it."""
        return FINISHES[self.format.finish](self)

    def fill(self, name: str, **content: object) -> str:
        """Return one of the format's templates filled with the document, and with more by name."""
        return filled(self.format.folders, name, document=self.view, **content)


def _figures(sections: Sequence[View]) -> Iterator[View]:
    for section in sections:
        yield from (block for block in section["blocks"] if block["kind"] == "figure")
        yield from _figures(section["sections"])


def embedded(svg: object) -> str:
    """Return a picture as a data URI."""
    return f"data:image/svg+xml;base64,{base64.b64encode(str(svg).encode()).decode('ascii')}"


def _document(draft: Draft) -> str:
    return draft.fill(DOCUMENT)


def _pdf(draft: Draft) -> bytes:
    return engines.typeset(draft.fill(DOCUMENT))


def _page(draft: Draft) -> str:
    """Return a page that needs no other file: style, fonts and scripts are in it."""
    row = draft.format
    return draft.fill(
        DOCUMENT,
        style=assets.style(row.folders, row.styles),
        scripts=assets.scripts(row.folders, row.scripts),
        say=draft.writer.say,
    )


def _json(draft: Draft) -> str:
    return results.to_json(draft.solution)


FINISHES: Mapping[str, Callable[[Draft], str | bytes]] = {
    "document": _document,
    "json": _json,
    "notebook": notebook.written,
    "page": _page,
    "pdf": _pdf,
}
"""What a format's settings may ask for (`finish`), by name."""
