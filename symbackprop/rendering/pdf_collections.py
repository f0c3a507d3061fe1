"""Documents that are no worked solutions, one by one or many in one file: the sheets and keys of a class."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from symbackprop.derivation.derivations import Derivation
from symbackprop.descent.solution import Solution
from symbackprop.document.blocks import Document
from symbackprop.rendering import exporters, pdf_engines
from symbackprop.rendering.drafts import Draft, Format
from symbackprop.templating import filled

COLLECTION = "collection.jinja"
_IN_ONE_RUN = "tex"
"""The engine that takes longer to begin than to set a document."""


def drafted(contents: Sequence[Document], derivation: Derivation, format: Format, language: str) -> list[Draft]:
    """Return documents on their way into a format and a language; `derivation`, whatever its numbers, is that of all."""
    unsolved = Solution(derivation.problem, derivation, (), None, (), {})
    found: list[Draft] = []
    for content in contents:
        known = found[0].writer if found else None
        found.append(Draft(format, unsolved, language, (), content=content, known=known))
    return found


def collected(
    contents: Sequence[Document],
    derivation: Derivation,
    format: Format,
    language: str,
    *,
    time_limit: float,
) -> tuple[bytes, list[bytes]]:
    """Return documents in one PDF, each beginning on a right-hand page, and each in a PDF of its own.

    TeX sets all of them in one run, another engine one by one. `time_limit` are the seconds that a run may take. Raises
    `OutputError` as `symbackprop.rendering.pdf_engines.typeset` does.
    """
    drafts = drafted(contents, derivation, format, language)
    if format.engine != _IN_ONE_RUN:
        sources = (draft.fill(exporters.DOCUMENT) for draft in drafts)
        parts = list(pdf_engines.typeset(format.engine, sources, time_limit))
        return joined(parts, two_sided=True), parts
    views = [draft.view for draft in drafts]
    shared = {"latin": all(view["latin"] for view in views), "language": language, "small": drafts[0].is_small}
    shared["toned"] = any(view["toned"] for view in views)
    shared["figures"] = [figure for view in views for figure in view["figures"]]
    source = filled(drafts[0].format.folders, COLLECTION, documents=views, document=shared)
    (whole,) = pdf_engines.typeset(format.engine, [source], time_limit)
    return whole, list(_cut(whole, len(contents)))


def _cut(whole: bytes, count: int) -> Iterator[bytes]:
    """Yield the PDFs of the single documents, whose first and last pages are named destinations."""
    import pypdf

    reader = pypdf.PdfReader(io.BytesIO(whole))
    places = {name: reader.get_destination_page_number(target) for name, target in reader.named_destinations.items()}
    for number in range(1, count + 1):
        # After the last document there is a page only if one had to be left empty.
        first, after = places[f"begin-{number}"], places.get(f"end-{number}", len(reader.pages))
        writer = pypdf.PdfWriter()
        for page in reader.pages[first:after]:
            writer.add_page(page)
        yield _bytes(writer)


def joined(parts: Sequence[bytes], *, two_sided: bool = False) -> bytes:
    """Return PDFs one after the other in one, each on a sheet of its own where they are printed on both sides."""
    import pypdf

    if len(parts) == 1:
        return parts[0]
    writer = pypdf.PdfWriter()
    for part in parts:
        writer.append(io.BytesIO(part), import_outline=False)
        if two_sided and len(writer.pages) % 2:
            writer.add_blank_page()
    return _bytes(writer)


def _bytes(writer: object) -> bytes:
    content = io.BytesIO()
    writer.write(content)  # type: ignore[attr-defined]
    return content.getvalue()
