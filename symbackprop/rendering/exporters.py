"""What is made of a format's templates: a text, a typeset page, a notebook; or data, without any template.

What only one format needs is imported where that is made, so that a command that writes another does not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from symbackprop import language
from symbackprop.rendering import assets, json_result, plain_text
from symbackprop.rendering.drafts import Draft
from symbackprop.rendering.typesetting import pdf_engines

DOCUMENT = "document.jinja"


def _page(draft: Draft) -> str:
    """Return a page that needs no other file: style, fonts and scripts are in it."""
    from symbackprop.rendering import explorable_data, predictions, problem_file

    row = draft.format
    styles, names = row.styles, row.scripts
    if draft.view["formulas"]:
        styles, names = row.formula_styles + styles, row.formula_scripts + names
    if draft.is_explorable:
        styles, names = styles + row.explorable_styles, names + row.explorable_scripts
    own = row.explorable_scripts + row.answering_scripts
    answers = None
    if draft.answers_back and (given := explorable_data.given(draft)) is not None:
        answers = explorable_data.answers(given, assets.scripts(row.folders, names + row.answering_scripts, own))
        names = row.unpacking_scripts
    return draft.fill(
        DOCUMENT,
        style=assets.style(row.folders, styles),
        scripts=assets.scripts(row.folders, names, own + row.unpacking_scripts),
        practice=predictions.written(draft.solved.derivation, draft.writer) if draft.is_explorable else "",
        file=problem_file.text(draft.solved.derivation) if draft.is_explorable else "",
        answers=answers,
    )


def text(draft: Draft, template: str = DOCUMENT) -> str:
    """Return plain text in lines that fit a terminal."""
    used = (plain_text.wrapped, plain_text.underlined, plain_text.table, plain_text.display, language.columns)
    helpers = {each.__name__: each for each in used}
    return plain_text.tidied(draft.fill(template, **helpers))


def _notebook(draft: Draft) -> str:
    from symbackprop.rendering import notebook_file

    return notebook_file.written(draft)


EXPORTERS: Mapping[str, Callable[[Draft], str | bytes]] = {
    "document": lambda draft: draft.fill(DOCUMENT),
    "json": lambda draft: json_result.to_json(draft.solved),
    "notebook": _notebook,
    "page": _page,
    "pdf": lambda draft: next(iter(pdf_engines.typeset(draft.format.engine, [draft.fill(DOCUMENT)]))),
    "text": text,
}
"""What a format's settings may ask for (`finish`), by name."""


def written(draft: Draft) -> str | bytes:
    """Return what becomes of a document: its text, or the bytes of its file."""
    return EXPORTERS[draft.format.finish](draft)
