"""Plain text, whoever wrote it, as text of an output format: nothing in it is a command there.

A format's markup also says how a text of some tone stands there, and text as it was typed.
"""

from __future__ import annotations

import functools
import html as markup
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "`": r"\textasciigrave{}",
    "•": r"\textbullet{}",
}  # fmt: skip
_LATEX_ASCII = str.maketrans({sign: command for sign, command in _LATEX.items() if sign.isascii()})
_LIGATURE = re.compile(r"(?<=-)-|(?<=,),|(?<=')'")
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|$~&#])")
_ADDRESS = re.compile(r"(https?|ftp|www)([:.])", re.IGNORECASE)
_MARKDOWN_START = re.compile(r"^(?:([-+=])|(\d+)([.)]))")


# Beyond the letters of European languages: the signs that LaTeX's own Latin fonts have, with either kind of engine.
_LATIN_SIGNS = frozenset("–—‘’“”‚„†‡•…‰‹›€™")
_LATIN = re.compile("[\x20-\x7e\xa1-\xac\xae-\u017e]")
_EAST_ASIAN = re.compile(
    "[\u2e80-\u2fdf\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)


def is_latin(text: str) -> bool:
    """Say whether the Latin fonts of LaTeX have every character of a text.

    >>> is_latin("Müller’s step"), is_latin("反向传播")
    (True, False)
    """
    return text.isascii() or all(_LATIN.match(character) or character in _LATIN_SIGNS for character in text)


def is_east_asian(character: str) -> bool:
    """Say whether a character is of Chinese or Japanese writing."""
    return bool(_EAST_ASIAN.match(character))


SPACED = ("", "letters", "signs")
"""What a space keeps formulas apart from: nothing, letters, full-width signs as well (beside which GitHub sees none)."""


@functools.lru_cache(maxsize=1 << 12)
def is_apart(character: str, spaced: str) -> bool:
    """Say whether there is a space between a character and a formula, with one of `SPACED`; ASCII signs touch it."""
    return character.isalnum() if spaced == "letters" else character.isalnum() or not character.isascii()


def latex(text: str) -> str:
    r"""Return plain text as LaTeX that prints it; control characters are dropped.

    A character that no font of ours is sure to have is printed with care: `\symbackpropchar` is defined by the templates.

    >>> latex("50 % of $\\input{x}")
    '50 \\% of \\$\\textbackslash{}input\\{x\\}'
    """
    unjoined = _LIGATURE.sub(lambda found: f"\0{found[0]}", _one_line(unicodedata.normalize("NFC", text)))
    escaped = unjoined.translate(_LATEX_ASCII) if unjoined.isascii() else "".join(map(_latex_character, unjoined))
    return escaped.replace("\0", "{}")


def _latex_character(character: str) -> str:
    if character == "\0" or is_latin(character) or _EAST_ASIAN.match(character):
        return _LATEX.get(character, character)
    return rf"\symbackpropchar{{{character}}}"


@functools.lru_cache(maxsize=1 << 12)
def markdown(text: str) -> str:
    r"""Return plain text as Markdown that shows it.

    >>> markdown("a*b <script>")
    'a\\*b \\<script\\>'
    """
    escaped = _MARKDOWN.sub(r"\\\1", _one_line(text))
    # A list, a heading or a numbered list begins only at the start of a text.
    return _MARKDOWN_START.sub(lambda found: f"\\{found[1]}" if found[1] else f"{found[2]}\\{found[3]}", escaped)


@functools.lru_cache(maxsize=1 << 12)
def github(text: str) -> str:
    r"""Return plain text as Markdown that GitHub shows as it is: no dollar opens a formula, no address becomes a link.

    >>> github("$5 at www.example.org")
    '<span>$</span>5 at www\\.example.org'
    """
    # GitHub looks for formulas before it reads backslashes; its own advice is an element around the dollar.
    return _ADDRESS.sub(lambda found: f"{found[1]}\\{found[2]}", markdown(text)).replace(r"\$", "<span>$</span>")


def html(text: str) -> str:
    """Return plain text as HTML that shows it, in an element or in an attribute.

    >>> html('</script> "a" & b')
    '&lt;/script&gt; &quot;a&quot; &amp; b'
    """
    return markup.escape(_one_line(text))


def typst(text: str) -> str:
    r"""Return plain text as a string in Typst's markup: no sign in it means anything there.

    >>> typst('#read("a") $x$')
    '#"#read(\\"a\\") $x$"'
    """
    line = _one_line(text)
    return f"#{quoted(line)}" if line else ""


_BETWEEN_STRINGS = re.compile(r'(?<!\\)"( *)#"')
"""The end of a string and the begin of the next one; a quotation mark inside a string has a backslash before it."""


def _merged_strings(text: str) -> str:
    return _BETWEEN_STRINGS.sub(r"\1", text)


def quoted(text: str) -> str:
    r"""Return a text as a string of Typst.

    >>> quoted('say "a"')
    '"say \\"a\\""'
    """
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def xml(text: str) -> str:
    """Return plain text for XML, which has no way to write control characters: they are left out."""
    return markup.escape("".join(filter(str.isprintable, text)))


def css_string(text: str) -> str:
    r"""Return plain text as a string of a style sheet, which nothing in it ends.

    >>> css_string('a"b</style>')
    '"a\\000022b\\00003c\\00002fstyle\\00003e"'
    """
    return '"' + "".join(c if c.isalnum() or c == " " else f"\\{ord(c):06x}" for c in _one_line(text)) + '"'


def _one_line(text: str) -> str:
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return text.strip()


def _plain(tone: str, text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Markup:
    """How plain text becomes text of a format.

    `toned` has a tone (a `blocks.Judgement`, or `verbatim` for what somebody typed) and an escaped text; `caret` stands
    where reading a typed text stopped, `soft` where a word of it may be broken. `is_wrapped` says that every text has
    signs around it, `merged` leaves them out between texts beside each other. `styles` has what stands around `strong` text
    and `emphasis`. `blank` is the place for an answer, where a formula for it would not be read everywhere.
    """

    escape: Callable[[str], str]
    toned: Callable[[str, str], str] = _plain
    caret: str = "\u2038"
    soft: str = ""
    is_wrapped: bool = False
    merged: Callable[[str], str] = str
    styles: Mapping[str, str] = field(default_factory=dict)
    blank: str = ""


_ELEMENTS = {"strong": "<strong>{}</strong>", "emphasis": "<em>{}</em>"}
"""What Markdown reads too, whatever the signs beside it are."""
_BLANK = r"\_" * 12
_TEX_STYLES = {"strong": r"\textbf{{{}}}", "emphasis": r"\emph{{{}}}"}
_TYPST_STYLES = {"strong": "#strong[{}]", "emphasis": "#emph[{}]"}

MARKUPS: Mapping[str, Markup] = {
    "latex": Markup(
        latex, "\\symbackproptoned{{{}}}{{{}}}".format, r"\symbackpropcaret{}", r"\hspace{0pt}", styles=_TEX_STYLES
    ),
    "markdown": Markup(markdown, styles=_ELEMENTS, blank=_BLANK),
    "github": Markup(github, styles=_ELEMENTS, blank=_BLANK),
    "html": Markup(html, '<span class="is-{}">{}</span>'.format, '<span class="caret">^</span>', styles=_ELEMENTS),
    "typst": Markup(typst, '#toned("{}")[{}]'.format, "#caret", "#sym.zws", True, _merged_strings, _TYPST_STYLES),
    "text": Markup(_one_line),
    "none": Markup(str),
}
"""Ways to write plain text, by the name that a format's settings use (`escape`)."""
