"""What is made of a format's templates: a text, a typeset page, a notebook; or data, without any template."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from symbackprop import language
from symbackprop.rendering import assets, json_result, notebook_file, plain_text, tex_engines
from symbackprop.rendering.drafts import Draft

DOCUMENT = "document.jinja"


def _document(draft: Draft) -> str:
    return draft.fill(DOCUMENT)


def _pdf(draft: Draft) -> bytes:
    return tex_engines.typeset(draft.fill(DOCUMENT))


def _page(draft: Draft) -> str:
    """Return a page that needs no other file: style, fonts and scripts are in it."""
    row = draft.format
    return draft.fill(
        DOCUMENT,
        style=assets.style(row.folders, row.styles),
        scripts=assets.scripts(row.folders, row.scripts),
        say=draft.writer.say,
    )


_HELPERS = (plain_text.wrapped, plain_text.underlined, plain_text.table, plain_text.display, language.columns)


def _text(draft: Draft) -> str:
    """Return plain text in lines that fit a terminal."""
    helpers = {each.__name__: each for each in _HELPERS}
    return plain_text.tidied(draft.fill(DOCUMENT, **helpers))


def _json(draft: Draft) -> str:
    return json_result.to_json(draft.solution)


EXPORTERS: Mapping[str, Callable[[Draft], str | bytes]] = {
    "document": _document,
    "json": _json,
    "notebook": notebook_file.written,
    "page": _page,
    "pdf": _pdf,
    "text": _text,
}
"""What a format's settings may ask for (`finish`), by name."""


def written(draft: Draft) -> str | bytes:
    """Return what becomes of a document: its text, or the bytes of its file."""
    return EXPORTERS[draft.format.finish](draft)
