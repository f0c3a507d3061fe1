"""Documents → pieces of HTML for the pages of learning systems: no style, no script; figures are files beside them."""

from __future__ import annotations

import functools
import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from symbackprop import rendering, resources
from symbackprop.descent.solution import Solution
from symbackprop.document.blocks import Chain, Display, Document, Figure, Inline, Paragraph, Section, Table
from symbackprop.exporting.exercises import AskedNumber, Exercise, Fragment, Pool
from symbackprop.homework.assignments.options import Option
from symbackprop.messages import message
from symbackprop.rendering import anchors
from symbackprop.rendering.dialects import Dialect, mathml, tex, text
from symbackprop.rendering.drafts import Draft
from symbackprop.rendering.layout.boxes import Box
from symbackprop.rendering.view_models import ViewWriter

_TEMPLATE, _FOLDER = "fragment.jinja", "export"


def _between_parentheses(box: Box) -> str:
    r"""Return a formula as MathJax finds it in the text of a page."""
    return rf"\({html.escape(tex.write(box), quote=False)}\)" if box else ""


def _image(box: Box) -> str:
    """Return a formula as Canvas keeps it: a picture that it draws itself, whose words are the TeX."""
    if not box:
        return ""
    code = tex.write(box)
    address, words = quote(quote(code, safe="")), html.escape(code)
    return (
        f'<img class="equation_image" title="{words}" src="/equation_images/{address}" alt="LaTeX: {words}" '
        f'data-equation-content="{words}" />'
    )


def _mathml(box: Box) -> str:
    """Return a formula as elements of a page."""
    return mathml.inline(box) if box else ""


def _text(box: Box) -> str:
    """Return a formula in letters and signs, for pages that show no other."""
    return html.escape(text.inline(box), quote=False)


FORMULAS: Mapping[str, Callable[[Box], str]] = {
    "mathjax": _between_parentheses,
    "equation_image": _image,
    "mathml": _mathml,
    "text": _text,
}
"""How formulas stand in the pages of a learning system."""


@dataclass(frozen=True)
class FragmentWriter:
    """Writes the documents of a pool in a language, with formulas as a learning system shows them.

    `base` stands before the names of the files of figures.
    """

    pool: Pool
    language: str
    formulas: str
    base: str = ""

    @functools.cached_property
    def _draft(self) -> Draft:
        derivation = self.pool.given.derivation
        unsolved = Solution(derivation.problem, derivation, (), None, (), {})
        row = replace(
            rendering.formats()["html"],
            folders=(resources.folder("templates") / _FOLDER,),
            formulas="tex",
            tones={},
            figures="svg",
        )
        draft = Draft(row, unsolved, self.language, ())
        function = FORMULAS[self.formulas]
        return replace(draft, known=replace(draft.writer, dialect=Dialect(function, function, function)))

    @property
    def writer(self) -> ViewWriter:
        """What writes sentences and formulas."""
        return self._draft.writer

    def question(self, exercise: Exercise, stem: str = "", *, has_figures: bool = True) -> Fragment:
        """Return what a variant asks, without a title, perhaps with the words of its figures in their place.

        Figures are called `stem` and numbered, or stand inside it where there is no stem.
        """

        def make() -> Fragment:
            document = self.pool.question(exercise)
            return self._written(document if has_figures else without_figures(document), stem)

        return self.pool.page(exercise, "question", make)

    def solution(self, exercise: Exercise, asked: AskedNumber | None = None, stem: str = "") -> Fragment:
        """Return the worked solution of a variant, or the lines that lead to one number, likewise."""

        def make() -> Fragment:
            whole = self.pool.solution(exercise)
            return self._written(whole if asked is None else lines_of(whole, asked), stem)

        return self.pool.page(exercise, "solution" if asked is None else f"solution {asked.id}", make)

    def _written(self, document: Document, stem: str) -> Fragment:
        if not stem:
            return Fragment(replace(self._draft, content=document).fill(_TEMPLATE, base=""))
        draft = replace(self._draft, content=document, stem=stem)
        return Fragment(draft.fill(_TEMPLATE, base=self.base), draft.pictures)

    def symbol(self, asked: AskedNumber) -> str:
        """Return the symbol of a number that is asked, between the signs of formulas."""
        return self._inline(asked.symbol)

    def mistake(self, name: str) -> str:
        """Return what is said of a number that a known mistake makes."""
        return self._inline(message("export.mistake", mistake=message(f"slip.{name}")))

    def explained(self, option: Option) -> str:
        """Return why an option is wrong, "" for the key."""
        return "" if option.explanation is None else self._inline(option.explanation)

    def plain(self, content: str) -> str:
        """Return a plain text as text of a page."""
        return self.writer.escape(content)

    def _inline(self, content: Inline) -> str:
        return str(self.writer.block(Paragraph(message("text.plain", text=content)))["text"])


def without_figures(document: Document) -> Document:
    """Return a document with the words of its figures in their place."""

    def changed(section: Section) -> Section:
        blocks = tuple(Paragraph(each.alternative) if isinstance(each, Figure) else each for each in section.blocks)
        return replace(section, blocks=blocks, sections=tuple(map(changed, section.sections)))

    return replace(document, sections=tuple(map(changed, document.sections)))


def lines_of(document: Document, asked: AskedNumber) -> Document:
    """Return the key of one number and the lines of a worked solution that lead to it; all of it where none does."""
    key, *worked = document.sections
    found = (part for each in worked if (part := _section_of(each, asked)) is not None)
    lines = next(found, None)
    if lines is None:
        return document
    rows = [replace(block, rows=tuple(row for row in block.rows if row[0] == asked.id)) for block in _tables(key)]
    return replace(document, sections=(replace(key, blocks=tuple(rows)), lines))


def _tables(section: Section) -> list[Table]:
    return [block for block in section.blocks if isinstance(block, Table)]


def _section_of(section: Section, asked: AskedNumber) -> Section | None:
    """Return a section with nothing but the lines that lead to a number, None where there are none."""
    chains = [chain for block in section.blocks if isinstance(block, Display) for chain in block.chains]
    own = tuple(chain for chain in chains if _leads_to(chain, asked.symbol))
    inner = tuple(part for each in section.sections if (part := _section_of(each, asked)) is not None)
    return replace(section, blocks=(Display(own),) if own else (), sections=inner) if own or inner else None


def _leads_to(chain: Chain, symbol: Inline) -> bool:
    """Say whether a chain derives what a symbol stands for, however it is called there: δ of the same unit too."""
    place = anchors.anchor(chain)
    return bool(place) and place == anchors.anchor(replace(chain, left=symbol))  # type: ignore[arg-type]
