"""Fields of a PDF: links that become fields, what is typed into them, and what others make of a PDF."""

from __future__ import annotations

import io
import logging
import random
import zlib
from collections.abc import Callable

import pypdf
import pytest

from symbackprop.errors import OutputError
from symbackprop.rendering.typesetting import pdf_fields, typst_engine
from tests.helpers import require_module

SOURCE = """#set document(title: [Two fields])
#link("field:a/z_1", box(width: 4cm, height: 1em)) #link("field:a/L", box(width: 4cm, height: 1em))
#link("https://example.org")[elsewhere]"""


def form() -> bytes:
    """Return a page with two fields and a link to elsewhere."""
    require_module("typst")
    (content,) = typst_engine.typeset([SOURCE], 60)
    return pdf_fields.with_fields(content, {"a/z_1": "z 1", "a/L": "Verlust ∂"})


def test_links_become_fields_in_their_places() -> None:
    """Those whose names are known; another link stays one, and a field has its name in words and no value."""
    annotations = [part.get_object() for part in pypdf.PdfReader(io.BytesIO(form())).pages[0]["/Annots"]]
    assert ["/Widget", "/Widget", "/Link"] == [part["/Subtype"] for part in annotations]
    assert [("a/z_1", "z 1"), ("a/L", "Verlust ∂")] == [(part["/T"], part["/TU"]) for part in annotations[:2]]
    for part in annotations[:2]:
        left, bottom, right, top = part["/Rect"]
        assert 113 == pytest.approx(right - left, abs=1) and 5 < top - bottom < 20
    assert {"a/z_1": "", "a/L": ""} == pdf_fields.read(form())


@pytest.mark.parametrize("text", ["0.5", "−1,5 · 10⁻³", "=cmd|' /C calc'!A0", "(o1 - t1)\\*o1)", "王 <b>"])
def test_what_was_typed_is_read(text: str) -> None:
    """Letter by letter, whatever it is."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(form()))
    writer.update_page_form_field_values(writer.pages[0], {"a/L": text})
    saved = io.BytesIO()
    writer.write(saved)
    assert {"a/z_1": "", "a/L": text} == pdf_fields.read(saved.getvalue())


def bomb() -> bytes:
    """Return a PDF whose table of objects is a gigabyte of zeros in a megabyte."""
    packed = zlib.compressobj(9)
    body = b"".join(packed.compress(bytes(1 << 20)) for _ in range(1024)) + packed.flush()
    head = b"%PDF-1.7\n"
    table = b"1 0 obj\n<</Type/XRef/W[1 4 2]/Size 99999999/Root 2 0 R/Filter/FlateDecode/Length %d>>\nstream\n" % len(
        body
    )
    return head + table + body + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % len(head)


@pytest.mark.parametrize(
    "make",
    [lambda: b"", lambda: b"PK\x03\x04", lambda: b"%PDF-1.7\n%%EOF", pytest.param(bomb, marks=pytest.mark.sweep)],
    ids=["empty", "zip", "head", "bomb"],
)
def test_what_is_no_pdf_is_refused(make: Callable[[], bytes], caplog: pytest.LogCaptureFixture) -> None:
    """In one line, and the library that reads it says nothing of its own on the terminal."""
    with pytest.raises(OutputError, match="no PDF that can be read"):
        pdf_fields.read(make())
    assert any(isinstance(handler, logging.NullHandler) for handler in logging.getLogger("pypdf").handlers)


def test_damaged_pdf_is_read_or_refused() -> None:
    """Whatever stands in it: nothing else ever comes of it."""
    whole, draw, refused = form(), random.Random(3), 0
    for _ in range(60):
        place, length = draw.randrange(len(whole)), draw.choice((1, 40, len(whole)))
        try:
            assert isinstance(pdf_fields.read(whole[:place] + draw.randbytes(1) + whole[place + length :]), dict)
        except OutputError:
            refused += 1
    assert 0 < refused < 60
