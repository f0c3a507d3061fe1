"""Documents that are no worked solutions, one by one or many in one file: the sheets and keys of a class."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace

from symbackprop.derivation.derivations import Derivation
from symbackprop.descent.solution import Solution
from symbackprop.document.blocks import Document
from symbackprop.rendering import exporters
from symbackprop.rendering.drafts import Draft, Format
from symbackprop.rendering.typesetting import pdf_engines
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
) -> list[bytes]:
    """Return documents, each in a PDF of its own.

    TeX sets all of them in one run, another engine one by one. They name people, so that a letter that no font has is no
    error. `time_limit` are the seconds that a run may take. Raises `OutputError` as `pdf_engines.typeset` does.
    """
    found = _set(drafted(contents, derivation, format, language), time_limit)
    counts = [_more_pages(content, part) for content, part in zip(contents, found, strict=True)]
    longer = [place for place, count in enumerate(counts) if count]
    if longer:
        again = [
            replace(content, footer=replace(content.footer, pages=counts[place]))
            for place, content in enumerate(contents)
            if place in longer and content.footer is not None
        ]
        for place, part in zip(longer, _set(drafted(again, derivation, format, language), time_limit), strict=True):
            found[place] = part
    return found


def _more_pages(content: Document, part: bytes) -> int:
    """Return how many pages a document has, where that is more than it has codes for; 0 where it is not."""
    import pypdf

    footer = content.footer
    count = 0 if footer is None or not footer.scan_code else len(pypdf.PdfReader(io.BytesIO(part)).pages)
    return count if footer is not None and count > footer.pages else 0


def _set(drafts: Sequence[Draft], time_limit: float) -> list[bytes]:
    format, language = drafts[0].format, drafts[0].language
    if format.engine != _IN_ONE_RUN:
        sources = (draft.fill(exporters.DOCUMENT) for draft in drafts)
        return list(pdf_engines.typeset(format.engine, sources, time_limit, lenient=True))
    views = [draft.view for draft in drafts]
    shared = {"latin": all(view["latin"] for view in views), "language": language, "small": drafts[0].is_small}
    shared["footer"] = views[0]["footer"]
    shared["toned"] = any(view["toned"] for view in views)
    shared["figures"] = [figure for view in views for figure in view["figures"]]
    source = filled(drafts[0].format.folders, COLLECTION, documents=views, document=shared)
    (whole,) = pdf_engines.typeset(format.engine, [source], time_limit)
    return list(_cut(whole, len(drafts)))


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
    # What TeX set in one run has the same fonts, and Typst's documents the same words for those who listen.
    writer.compress_identical_objects()
    return _bytes(writer)


def _bytes(writer: object) -> bytes:
    content = io.BytesIO()
    writer.write(content)  # type: ignore[attr-defined]
    return content.getvalue()
