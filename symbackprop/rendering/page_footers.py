"""The foot of every page of what is handed out: whose it is, which page of how many, and a QR code for scanners."""

from __future__ import annotations

import base64
import io
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from symbackprop import language
from symbackprop.document.blocks import PageFooter, Paragraph
from symbackprop.messages import message
from symbackprop.rendering import escapes
from symbackprop.rendering.view_models import ViewModel, ViewWriter
from symbackprop.templating import Deferred

_ZERO = "a"
"""The letter of a run of no modules; one is b, and so on."""


def view(footer: PageFooter, writer: ViewWriter) -> ViewModel:
    """Return what templates see of a footer.

    `numbering` are pieces: a `text`, or the `counter` that stands there, `number` or `count`. `codes` are those of the
    pages, between slashes: the lengths of the runs of light and dark modules, row by row. A page of HTML, whose pages no
    template numbers, has one picture of a code (`picture`), and its texts as strings of a style sheet (`strings`).
    """
    said = [language.say(writer.language, part) for part in footer.owner]
    bullet = f" {language.say(writer.language, message('punctuation.bullet'))} "
    numbering = list(_numbering(writer.language))
    return {
        "owner": [writer.block(Paragraph(part))["text"] for part in footer.owner],
        "paper": footer.paper,
        "numbering": [{"text": writer.escape_phrase(text), "counter": counter} for text, counter in numbering],
        "codes": Deferred(lambda: "/".join(_runs(code.matrix) for code in _codes(footer))),
        "picture": Deferred(lambda: _picture(footer)),
        "strings": {
            "owner": escapes.css_string(bullet.join(said)),
            "numbering": [{"text": escapes.css_string(text), "counter": counter} for text, counter in numbering],
        },
    }


def _numbering(asked: str) -> Iterator[tuple[str, str]]:
    """Yield the pieces of "page 1 of 2": a text, or the name of the counter that stands there."""
    for piece in language.pieces(asked, message("sheet.page", number="number", count="count")):
        yield (piece, "") if isinstance(piece, str) else ("", str(piece[0]))


def _codes(footer: PageFooter) -> Iterator[Any]:
    """Yield the QR code of each page, all with the mask that is best for the first."""
    import segno

    mask = None
    for number in range(1, footer.pages + 1) if footer.scan_code else ():
        text = f"{footer.scan_code}:{number}"
        code = segno.make(text, error="m", boost_error=False, micro=False, mask=mask)
        mask = code.mask
        yield code


def _runs(matrix: Sequence[Sequence[int]]) -> str:
    """Return the modules of a code: the lengths of the runs of each row, light ones first, as letters; rows between commas.

    >>> _runs([(0, 0, 1), (1, 0, 0)])
    'cb,abc'
    """
    return ",".join("".join(_row(row)) for row in matrix)


def _row(row: Sequence[int]) -> Iterator[str]:
    if row[0]:
        yield _ZERO
    for _, run in itertools.groupby(row):
        yield chr(ord(_ZERO) + len(list(run)))


def _picture(footer: PageFooter) -> str:
    """Return the code of the document, without the number of a page, as a data URI, or "" where there is none."""
    if not footer.scan_code:
        return ""
    import segno

    content = io.BytesIO()
    code = segno.make(footer.scan_code, error="m", boost_error=False, micro=False)
    code.save(content, kind="svg", border=0, scale=10 / len(code.matrix), unit="mm")
    return f"data:image/svg+xml;base64,{base64.b64encode(content.getvalue()).decode('ascii')}"
