"""The process that sets documents with Typst: a request a line in, a PDF or what is wrong with it out, as JSON.

It has an empty folder as its root, so that no document reads a file, and no way to a network, so that none loads a package.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sys
import tempfile

STANDARDS = ("ua-1", "a-2a")
"""Tagged for those who listen (PDF/UA-1) and made to be kept (PDF/A-2a)."""
_NOWHERE = "http://127.0.0.1:9"
_MISSING = re.compile(r'the text `"(?P<text>.*)"` could not be displayed')
_MOST_MISSING = 20


def main() -> None:
    """Answer requests until there are no more."""
    # What lies beside this file is no place of modules.
    sys.path[:] = [place for place in sys.path if place != os.path.dirname(os.path.abspath(__file__))]
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        os.environ[name] = os.environ[name.lower()] = _NOWHERE
    import typst

    folders = json.loads(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="symbackprop-") as root:
        compiler = typst.Compiler(
            b"", root=root, font_paths=typst.Fonts(font_paths=folders), package_path=root, package_cache_path=root
        )
        for line in sys.stdin:
            request = json.loads(line)
            sys.stdout.write(json.dumps(_answer(compiler, request["source"], request["time"])) + "\n")
            sys.stdout.flush()


def _answer(compiler: object, source: str, time: int) -> dict[str, object]:
    """Return a PDF; or what is wrong, and the letters that no font has."""
    missing: list[str] = []
    while True:
        import typst

        try:
            content = compiler.compile(source.encode(), pdf_standards=list(STANDARDS), timestamp=time)  # type: ignore[attr-defined]
        except typst.TypstError as error:
            found = _MISSING.search(str(error))
            text = json.loads(f'"{found["text"]}"') if found else ""
            if text and text in source and len(missing) < _MOST_MISSING:
                missing.append(text)
                source = source.replace(text, "?")
                continue
            return {"missing": missing} if missing else {"failed": str(error)}
        return {"missing": missing} if missing else {"pdf": base64.b64encode(content).decode()}


if __name__ == "__main__":
    main()
