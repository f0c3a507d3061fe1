"""A document on its way into a format: the row of the format, and the solution with what its templates see."""

from __future__ import annotations

import base64
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from symbackprop import document
from symbackprop.descent.solution import Solution
from symbackprop.document.blocks import Document
from symbackprop.graph.notation import Conventions, Notation
from symbackprop.graph.quantities import Graph
from symbackprop.rendering import escapes, given_numbers, layout, page_footers
from symbackprop.rendering.dialects import DIALECTS
from symbackprop.rendering.view_models import Phrases, ViewModel, ViewWriter
from symbackprop.templating import Deferred, filled


@dataclass(frozen=True, slots=True)
class Format:
    """An output format.

    `suffix` is that of its files, `escape` the way in which plain text is written (a row of `escapes.MARKUPS`), `tones`
    the TeX commands for the tones of numbers, `width` the room for a displayed formula in digits (0: never broken),
    `small_width` the same where a document of many parameters is set in smaller letters (0: none is), `math` what
    stands before and after a formula in a sentence, `spaced` what a space keeps away from it (one of `escapes.SPACED`),
    `folds` whether a long table goes on beside itself. `finish` names what is made of the templates (a row of
    `exporters.EXPORTERS`), `attachments` the templates whose text is a file of its own beside the document, `figures`
    the suffix of such files for its figures ("": they are in the document). A page has its formulas in another dialect
    than TeX (`formulas`, a row of `dialects.DIALECTS`) and its style sheets and scripts inside it, those for
    formulas where it has any, those of an `explorable` page where it is a worked solution, and those of one whose
    numbers may be changed (`answering`), which has all of them packed behind those that unpack (`unpacking`). One that is
    `typeset` has the names of engines with the formats on which it builds with each (`engines`), and the one that is used.
    `folders` hold the templates; a file of an earlier one is preferred.
    """

    name: str
    suffix: str
    folders: tuple[Path, ...]
    escape: str = "none"
    tones: Mapping[str, str] = field(default_factory=dict)
    width: int = 0
    small_width: int = 0
    math: tuple[str, str] = ("$", "$")
    spaced: str = ""
    folds: bool = False
    finish: str = "document"
    attachments: tuple[str, ...] = ()
    figures: str = ""
    formulas: str = "tex"
    styles: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    formula_styles: tuple[str, ...] = ()
    formula_scripts: tuple[str, ...] = ()
    explorable_styles: tuple[str, ...] = ()
    explorable_scripts: tuple[str, ...] = ()
    answering_scripts: tuple[str, ...] = ()
    unpacking_scripts: tuple[str, ...] = ()
    engines: Mapping[str, str] = field(default_factory=dict)
    engine: str = ""


OF_LETTERS = Notation.of(Graph({}, (), ""), Conventions())
"""The notation of documents whose names are no quantities."""

OFF, PRACTICE, VALUES = EXPLORABLE = ("off", "practice", "values")
"""What a page of a worked solution lets a reader do: read it; go through it and practise; change its numbers as well."""
USUAL = VALUES

MOST_LARGE = 20
"""Parameters of a document whose letters have the usual size."""


@dataclass(frozen=True)
class Draft:
    """A solution on its way into a format, in a language, with the given details; None: those that suit it.

    `stem` is the name of the document's file without its suffix, "" for a document that has to hold its figures itself.
    `content` is written in place of the worked solution, which has its explanations unless `explain` is `brief`; without a
    solution it is all that there is. `known` is
    what has written other documents of the same derivation in this format and language: it remembers how names are spelled.
    """

    format: Format
    solution: Solution | None
    language: str
    details: Sequence[str] | None
    stem: str = ""
    content: Document | None = None
    explain: str = "full"
    known: ViewWriter | None = None
    explorable: str = USUAL

    @functools.cached_property
    def view(self) -> ViewModel:
        """What the templates see; each figure has its `source`: a file beside the document, or the picture itself."""
        content = self.content or document.compose(self.solved, self.details, self.explain)
        view = self.writer.document(content)
        view["small"] = self.is_small
        view["explorable"] = self.is_explorable
        if self.is_explorable:
            given_numbers.add_names(content.sections, view["sections"], self.writer.layout.notation)
        view["footer"] = None if content.footer is None else page_footers.view(content.footer, self.writer)
        for number, figure in enumerate(view["figures"], start=1):
            linked = self.format.figures and self.stem
            figure["file"] = f"{self.stem}.{number}.{self.format.figures}" if linked else ""
            figure["source"] = quote(figure["file"]) if linked else Deferred(functools.partial(embedded, figure["svg"]))
        return view

    @property
    def solved(self) -> Solution:
        """The solution of a draft that has one."""
        assert self.solution is not None
        return self.solution

    @property
    def is_explorable(self) -> bool:
        """Say whether its page may be gone through step by step: that of a worked solution, and of nobody's homework."""
        return self.solution is not None and self.content is None and self.explorable != OFF

    @property
    def answers_back(self) -> bool:
        """Say whether its numbers may be changed on the page, which then has with it what computes everything anew."""
        return self.is_explorable and self.explorable == VALUES

    @property
    def is_small(self) -> bool:
        """Say whether a document is long enough for smaller letters, in a format that has them."""
        if self.solution is None:
            return False
        count = sum(len(quantity.elements()) for quantity in self.solution.derivation.parameters)
        return bool(self.format.small_width) and count > MOST_LARGE

    @property
    def pictures(self) -> dict[str, str]:
        """The figures that are files beside the document, by their names."""
        return {figure["file"]: str(figure["svg"]) for figure in self.view["figures"] if figure["file"]}

    @functools.cached_property
    def writer(self) -> ViewWriter:
        """What writes blocks as the format wants them."""
        if self.known is not None:
            return self.known
        row = self.format
        dialect = DIALECTS[row.formulas](self.language)
        solution = self.solution
        notation = OF_LETTERS if solution is None else solution.notation
        rows = solution is not None and solution.problem.layout == "row"
        laid_out = layout.of(notation, row.tones, rows=rows, measure=dialect.measure)
        width = row.small_width if self.is_small else row.width
        markup = escapes.MARKUPS[row.escape]
        return ViewWriter(laid_out, dialect, self.language, markup, width, row.math, row.spaced, row.folds)

    def fill(self, name: str, **content: Any) -> str:
        """Return one of the format's templates filled with the document, and with more by name."""
        return filled(self.format.folders, name, Phrases(self.writer), document=self.view, **content)


def embedded(svg: object) -> str:
    """Return a picture as a data URI."""
    return f"data:image/svg+xml;base64,{base64.b64encode(str(svg).encode()).decode('ascii')}"
