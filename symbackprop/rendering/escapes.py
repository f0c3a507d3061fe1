"""Plain text, whoever wrote it, as text of an output format: nothing in it is a command there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "`": r"\textasciigrave{}",
}  # fmt: skip
_LIGATURE = re.compile(r"(?<=-)-|(?<=,),|(?<=')'")
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|$~&#])")
_MARKDOWN_START = re.compile(r"^(?:([-+=])|(\d+)([.)]))")


def latex(text: str) -> str:
    r"""Return plain text as LaTeX that prints it; control characters are dropped.

    >>> latex("50 % of $\\input{x}")
    '50 \\% of \\$\\textbackslash{}input\\{x\\}'
    """
    unjoined = _LIGATURE.sub(lambda found: f"\0{found[0]}", _one_line(text))
    return "".join(_LATEX.get(character, character) for character in unjoined).replace("\0", "{}")


def markdown(text: str) -> str:
    r"""Return plain text as Markdown that shows it.

    >>> markdown("a*b <script>")
    'a\\*b \\<script\\>'
    """
    escaped = _MARKDOWN.sub(r"\\\1", _one_line(text))
    # A list, a heading or a numbered list begins only at the start of a text.
    return _MARKDOWN_START.sub(lambda found: f"\\{found[1]}" if found[1] else f"{found[2]}\\{found[3]}", escaped)


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text).strip()


ESCAPES: Mapping[str, Callable[[str], str]] = {"latex": latex, "markdown": markdown, "none": str}
"""Ways to escape plain text, by the name that a format's settings use."""
