"""Documents that are no worked solutions, one by one or many in one file: the sheets and keys of a class."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator, Sequence

from symbackprop.derivation.derivations import Derivation
from symbackprop.descent.solution import Solution
from symbackprop.document.blocks import Document
from symbackprop.rendering import tex_engines
from symbackprop.rendering.drafts import Draft, Format
from symbackprop.templating import filled

COLLECTION = "collection.jinja"


def drafted(contents: Sequence[Document], derivation: Derivation, format: Format, language: str) -> list[Draft]:
    """Return documents on their way into a format and a language; `derivation`, whatever its numbers, is that of all."""
    unsolved = Solution(derivation.problem, derivation, (), None, (), {})
    found: list[Draft] = []
    for content in contents:
        known = found[0].writer if found else None
        found.append(Draft(format, unsolved, language, (), content=content, known=known))
    return found


def can_typeset() -> bool:
    """Say whether this machine has a program that makes PDF of LaTeX."""
    return any(shutil.which(program) for programs in tex_engines.ENGINES.values() for program in programs)


def collected(
    contents: Sequence[Document],
    derivation: Derivation,
    format: Format,
    language: str,
    *,
    time_limit: float,
) -> tuple[bytes, list[bytes]]:
    """Return documents in one PDF, set in one run and each beginning on a right-hand page, and each in a PDF of its own.

    Raises `OutputError` as `symbackprop.rendering.tex_engines.typeset` does.
    """
    drafts = drafted(contents, derivation, format, language)
    views = [draft.view for draft in drafts]
    shared = {"latin": all(view["latin"] for view in views), "language": language, "small": drafts[0].is_small}
    shared["toned"] = any(view["toned"] for view in views)
    shared["figures"] = [figure for view in views for figure in view["figures"]]
    source = filled(drafts[0].format.folders, COLLECTION, documents=views, document=shared)
    whole = tex_engines.typeset(source, time_limit)
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


def joined(parts: Sequence[bytes]) -> bytes:
    """Return PDFs one after the other in one."""
    import pypdf

    if len(parts) == 1:
        return parts[0]
    writer = pypdf.PdfWriter()
    for part in parts:
        writer.append(io.BytesIO(part), import_outline=False)
    return _bytes(writer)


def _bytes(writer: object) -> bytes:
    content = io.BytesIO()
    writer.write(content)  # type: ignore[attr-defined]
    return content.getvalue()
