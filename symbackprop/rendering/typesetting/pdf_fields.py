"""Fields of a PDF: links to `field:NAME` become fields to type into, and what was typed is read back.

Sources: ISO 32000-1 (PDF 1.7), sections 12.5.6.19 and 12.7.4.3, for the fields; ISO 14289-1 (PDF/UA-1), section 7.18, for
their place among the tags.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from symbackprop.errors import OutputError
from symbackprop.messages import message

if TYPE_CHECKING:
    from pypdf import PdfWriter
    from pypdf.generic import ArrayObject, DictionaryObject

LINK = "field:"
"""What a link begins with that becomes the field whose name follows."""
MOST_CHARACTERS = 300
_LETTERS = "/Helv 10 Tf 0 g"
"""How what is typed looks: Helvetica, which every reader has, of 10 points, in black."""
_DO_NOT_SPELL = 1 << 22
_UNHEARD = logging.NullHandler()


def with_fields(content: bytes, spoken: Mapping[str, str]) -> bytes:
    """Return a PDF in which each link to a field is one, whose name in words is in `spoken`; all else is as it was."""
    from pypdf import PdfWriter
    from pypdf.generic import ArrayObject, DictionaryObject, NameObject, TextStringObject

    writer = PdfWriter(clone_from=io.BytesIO(content))
    fields = ArrayObject()
    for page in writer.pages:
        for reference in page.get("/Annots", ()):
            link = reference.get_object()
            name = str(link.get("/A", {}).get("/URI", "")).removeprefix(LINK)
            if name in spoken:
                _make_field(writer, link, name, spoken[name])
                fields.append(reference)
    helvetica = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica", "/Encoding": "/WinAnsiEncoding"}
    font = writer._add_object(DictionaryObject({NameObject(key): NameObject(to) for key, to in helvetica.items()}))
    fonts = DictionaryObject({NameObject("/Helv"): font})
    form = {
        "/Fields": fields,
        "/DA": TextStringObject(_LETTERS),
        "/DR": DictionaryObject({NameObject("/Font"): fonts}),
    }
    written = writer._add_object(DictionaryObject({NameObject(key): value for key, value in form.items()}))
    writer.root_object[NameObject("/AcroForm")] = written
    _tag(writer, {int(field.get_object()["/StructParent"]) for field in fields})
    found = io.BytesIO()
    writer.write(found)
    return found.getvalue()


def _make_field(writer: PdfWriter, link: DictionaryObject, name: str, spoken: str) -> None:
    """Turn a link into an empty field in the same place."""
    from pypdf.generic import ArrayObject, DecodedStreamObject, DictionaryObject, FloatObject, NameObject, NumberObject
    from pypdf.generic import TextStringObject as Text

    left, bottom, right, top = (float(edge) for edge in cast("ArrayObject", link["/Rect"]))
    look = DecodedStreamObject()
    size = ArrayObject(map(FloatObject, (0, 0, right - left, top - bottom)))
    look.update({
        NameObject("/Type"): NameObject("/XObject"), NameObject("/Subtype"): NameObject("/Form"), NameObject("/BBox"): size,
    })  # fmt: skip
    for key in ("/A", "/Contents", "/Border"):
        link.pop(key, None)
    link.update({
        NameObject("/Subtype"): NameObject("/Widget"), NameObject("/FT"): NameObject("/Tx"), NameObject("/T"): Text(name),
        NameObject("/TU"): Text(spoken), NameObject("/V"): Text(""), NameObject("/DA"): Text(_LETTERS),
        NameObject("/Ff"): NumberObject(_DO_NOT_SPELL), NameObject("/MaxLen"): NumberObject(MOST_CHARACTERS),
        NameObject("/AP"): DictionaryObject({NameObject("/N"): writer._add_object(look)}),
    })  # fmt: skip


def _tag(writer: PdfWriter, places: set[int]) -> None:
    """Call the parts of the document's tree at some places fields, which were links."""
    from pypdf.generic import NameObject

    tree = writer.root_object.get("/StructTreeRoot", {}).get("/ParentTree", {})
    for place, part in _numbered(tree):
        if place in places:
            part.get_object()[NameObject("/S")] = NameObject("/Form")


def _numbered(tree: Any) -> Iterator[tuple[int, Any]]:
    """Yield the numbers and the values of a number tree."""
    for kid in tree.get("/Kids", ()):
        yield from _numbered(kid.get_object())
    pairs = iter(tree.get("/Nums", ()))
    for number in pairs:
        yield int(number), next(pairs)


def read(content: bytes) -> dict[str, str]:
    """Return what stands in the text fields of a PDF, by their names: "" in an empty one; a PDF without fields has none.

    Raises `OutputError` for what cannot be read as PDF.
    """
    import pypdf

    # What is odd about a file is for those who ask for it: it can be read, or the error says why not.
    logging.getLogger("pypdf").addHandler(_UNHEARD)
    try:
        fields = pypdf.PdfReader(io.BytesIO(content)).get_fields() or {}
        values = {str(name): field.get("/V", "") for name, field in fields.items() if field.get("/FT") == "/Tx"}
        return {name: value if isinstance(value, str) else "" for name, value in values.items()}
    except Exception as error:  # whoever handed it in may have made it so that anything goes wrong
        raise OutputError(message("pdf.unreadable", reason=" ".join(str(error).split())[:200])) from None
