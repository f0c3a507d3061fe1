"""How docstrings are read for the site: an example that stands between sentences is a block of code."""

from __future__ import annotations

import re
from typing import Any

import griffe

_EXAMPLE = re.compile(r"(?:^|(?<=\n\n))(>>> (?:.+\n?)+)")


def fenced(text: str) -> str:
    """Return a docstring whose examples between sentences are fenced; those of a section stay as they are."""
    return _EXAMPLE.sub(lambda found: f"```pycon\n{found[1].rstrip()}\n```\n", text)


class Fenced(griffe.Extension):
    """Fences the examples of every docstring that is read."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of an object once it is read."""
        if obj.docstring is not None:
            obj.docstring.value = fenced(obj.docstring.value)
