"""Documents → text, typeset pages and notebooks, through templates.

An output format is one folder under `templates/`: `format.toml` says how it writes text and formulas and on which other
format it builds, templates lay the document out. Adding a format is adding a folder.
"""

from __future__ import annotations

from pathlib import Path

from symbackprop import document
from symbackprop.algebra.differentiation import Differentiation
from symbackprop.descent.solution import Solution, solution_of
from symbackprop.errors import known_language, unknown
from symbackprop.problems.accepted import ProblemLike
from symbackprop.rendering import worked_derivatives
from symbackprop.rendering.drafts import EXPLORABLE, USUAL, Draft, Format
from symbackprop.rendering.exporters import written
from symbackprop.rendering.formats import formats, spellings
from symbackprop.rendering.typesetting.pdf_engines import can_typeset

__all__ = ["STEM", "Format", "can_typeset", "files", "formats", "render", "spellings"]

STEM = "solution"


def render(
    source: Solution | ProblemLike | Differentiation,
    format: str = "latex",
    language: str = "en",
    detail: str | None = None,
    templates: str | Path | None = None,
    explain: str = "full",
    engine: str | None = None,
    explorable: str = USUAL,
) -> str | bytes:
    """Return a worked solution in a format and a language.

    Args:
        source: A solution, whatever stands for a problem, which is solved first, or a derivative (`differentiate`),
            which is written step by step.
        format: A name of `symbackprop list formats`.
        language: The language of the text, `"en"` or `"zh"`.
        detail: What is written out: `full`, `short`, `representative`, `matrix`, `general`, `second_order`, or
            several with commas between; None chooses by the size of the problem.
        templates: A folder whose files replace the bundled ones of the same name (`latex/document.jinja`).
        explain: `"full"`, with reasons, common mistakes and a glossary; `"brief"`, formulas and numbers only; or
            further names of `symbackprop solve --explain`, `"remarks"` and `"mistakes"`.
        engine: What sets a PDF, `"typst"` or `"tex"`, or None for the first of them that is installed.
        explorable: What a page lets its reader do: `"values"`, to go through it and change its numbers, `"practice"`, to go
            through it only, or `"off"`.

    Returns:
        A text, or bytes for `pdf`.

    Raises:
        UnknownNameError: There is no such format, language or engine.
        OutputError: A template is at fault, or a PDF cannot be typeset.

    Examples:
        >>> import symbackprop
        >>> text = symbackprop.render("line", format="markdown")
        >>> text.splitlines()[0]
        '# Two steps of gradient descent on a line through the origin'
    """
    if isinstance(source, Differentiation):
        return worked_derivatives.rendered(source, format, language, templates)
    return written(_draft(source, format, language, detail, templates, explain, engine, explorable=explorable))


def files(
    source: Solution | ProblemLike,
    format: str = "latex",
    language: str = "en",
    detail: str | None = None,
    templates: str | Path | None = None,
    stem: str = STEM,
    explain: str = "full",
    engine: str | None = None,
    explorable: str = USUAL,
) -> dict[str, str | bytes]:
    """Return a worked solution as files of one folder, their contents by name: the document first, then what it needs.

    The arguments are those of `render`; the document's file is called `stem` with the suffix of the format.

    >>> import symbackprop
    >>> list(files(symbackprop.derive(symbackprop.example("line")), format="latex-fragment"))
    ['solution.fragment.tex', 'symbackprop.sty']
    """
    draft = _draft(source, format, language, detail, templates, explain, engine, stem, explorable)
    row = draft.format
    pictures = draft.pictures if row.figures else {}
    attachments = {name: draft.fill(name) for name in row.attachments}
    return {f"{stem}.{row.suffix}": written(draft), **pictures, **attachments}


def _draft(
    source: Solution | ProblemLike,
    format: str,
    language: str,
    detail: str | None,
    templates: str | Path | None,
    explain: str,
    engine: str | None,
    stem: str = "",
    explorable: str = USUAL,
) -> Draft:
    table = formats(templates, engine)
    if format not in table:
        raise unknown("format", format, table, spellings=spellings(table))
    details = None if detail is None else tuple(part.strip() for part in detail.split(","))
    for part in details or ():
        if part not in document.DETAILS:
            raise unknown("detail", part, document.DETAILS)
    if explain not in document.EXPLANATIONS:
        raise unknown("explanation", explain, document.EXPLANATIONS)
    if explorable not in EXPLORABLE:
        raise unknown("explorable", explorable, EXPLORABLE)
    known_language(language)
    solution = solution_of(source)
    return Draft(table[format], solution, language, details, stem, explain=explain, explorable=explorable)
