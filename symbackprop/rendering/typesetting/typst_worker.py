"""The process that sets documents with Typst: a request a line in, a PDF or what is wrong with it out, as JSON.

It has a folder of its own as its root, so that no document reads another file, and no way to a network, so that none loads
a package.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable
from typing import Any

STANDARDS = ("ua-1", "a-2a")
"""Tagged for those who listen (PDF/UA-1) and made to be kept (PDF/A-2a)."""
_END = "<end>"
_NOWHERE = "http://127.0.0.1:9"
_MISSING = re.compile(r'the text `"(?P<text>.*)"` could not be displayed')
MOST_MISSING = 20
_STRETCHES = ("0", "-0.06", "0.06", "-0.12", "0.12", "-0.18", "0.18", "-0.25", "0.25", "0.35", "0.5")
"""By how much the room between lines is changed, one after the other, where the text ends on an almost empty page."""
_LAST = 0.22
"""The part of a last page that is filled at least."""
_FULL = 0.52
"""The part of the page on which the text ends that is filled at least, where pictures stand on pages behind it."""


def main() -> None:
    """Answer requests until there are no more."""
    # What lies beside this file is no place of modules.
    sys.path[:] = [place for place in sys.path if place != os.path.dirname(os.path.abspath(__file__))]
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        os.environ[name] = os.environ[name.lower()] = _NOWHERE
    import typst

    folders = json.loads(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="symbackprop-") as root:
        fonts = typst.Fonts(font_paths=folders)

        def compiler(source: str, stretch: str) -> Any:
            file = os.path.join(root, "document.typ")
            with open(file, "w", encoding="utf-8") as document:
                document.write(source)
            return typst.Compiler(
                file,
                root=root,
                font_paths=fonts,
                sys_inputs={"stretch": stretch},
                package_path=root,
                package_cache_path=root,
            )

        for line in sys.stdin:
            request = json.loads(line)
            sys.stdout.write(json.dumps(_answer(compiler, request["source"], request["time"])) + "\n")
            sys.stdout.flush()


def _answer(compiler: Callable[[str, str], Any], source: str, time: int) -> dict[str, object]:
    """Return a PDF, and the texts with letters that no font has, which are question marks in it; or what is wrong."""
    import typst

    missing: list[str] = []
    while True:
        try:
            content = _filled(compiler, source, time)
        except typst.TypstError as error:
            found = _MISSING.search(str(error))
            text = json.loads(f'"{found["text"]}"') if found else ""
            if text and text in source and len(missing) < MOST_MISSING:
                missing.append(text)
                source = source.replace(text, "?")
                continue
            return {"missing": missing} if missing else {"failed": str(error)}
        return {"missing": missing, "pdf": base64.b64encode(content).decode()}


def _filled(compiler: Callable[[str, str], Any], source: str, time: int) -> bytes:
    """Return a PDF whose text does not end on an almost empty page, if there is a room between its lines for that."""
    contents: list[bytes] = []
    for stretch in _STRETCHES if _END in source else _STRETCHES[:1]:
        engine = compiler(source, stretch)
        contents.append(engine.compile(pdf_standards=list(STANDARDS), timestamp=time))
        (end,) = json.loads(engine.query(_END, field="value")) or [{"page": 1}]
        if end["page"] == 1 or end["filled"] > (_LAST if end["page"] == end["pages"] else _FULL):
            return contents[-1]
    return contents[0]


if __name__ == "__main__":
    main()
