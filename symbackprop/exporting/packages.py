"""XML and archives: whatever a text says, it is text there, and the same content is the same bytes."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML has no way to write."""

_DATE = (1980, 1, 1, 0, 0, 0)
"""The date of every file in an archive: the first that archives know."""


def clean(text: str) -> str:
    r"""Return a text without the characters that XML cannot hold.

    >>> clean("a\0b\x1b[0m\ud800")
    'ab[0m'
    """
    return _FORBIDDEN.sub("", text)


def element(tag: str, text: str = "", children: Iterable[Element] = (), /, **attributes: object) -> Element:
    """Return an element; an underscore at the end of an attribute's name, as in `class_`, is left out.

    >>> ElementTree.tostring(element("a", "<b>", class_='"x"')).decode()
    '<a class="&quot;x&quot;">&lt;b&gt;</a>'
    """
    found = Element(tag, {name.removesuffix("_"): clean(str(value)) for name, value in attributes.items()})
    found.text = clean(text) or None
    found.extend(children)
    return found


def xml(root: Element) -> bytes:
    """Return a document in UTF-8."""
    content: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def parsed(fragment: str, tag: str) -> Element:
    """Return a piece of a page as the children of an element; raises `ElementTree.ParseError` for what is no XML."""
    return ElementTree.fromstring(f"<{tag}>{clean(fragment)}</{tag}>")


def compressed_tar(files: Mapping[str, str | bytes]) -> bytes:
    """Return files by their paths as a tar archive, compressed by gzip, in their order."""
    content = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=content, mode="wb", mtime=0) as packed,
        tarfile.TarFile(fileobj=packed, mode="w") as found,
    ):
        for name, text in files.items():
            data = text.encode() if isinstance(text, str) else text
            about = tarfile.TarInfo(name)
            about.size = len(data)
            found.addfile(about, io.BytesIO(data))
    return content.getvalue()


def archive(files: Mapping[str, str | bytes]) -> bytes:
    """Return files by their paths as a zip archive, in their order."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as found:
        for name, text in files.items():
            about = zipfile.ZipInfo(name, _DATE)
            about.compress_type, about.external_attr, about.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
            found.writestr(about, text.encode() if isinstance(text, str) else text)
    return content.getvalue()
