"""Boxes → MathML: what a browser shows where KaTeX does not run, and what is read aloud.

The TeX stands in the annotation, from which the page's script sets the formula.
"""

from __future__ import annotations

import functools
import html
import re
import unicodedata
from collections.abc import Callable, Sequence

from symbackprop.graph.notation import GREEK_BY_NAME, Symbol
from symbackprop.rendering.dialects import speech, tex
from symbackprop.rendering.dialects.table import complete
from symbackprop.rendering.layout import boxes

_DISPLAYED = ' displaystyle="true"'
_ACCENTS = {"hat": "^", "tilde": "~", "bar": "¯", "dot": "˙"}
_SIGNS = {"-": "−", "·": "⋅"}
_ELEMENTS = {
    "-": '<mo form="prefix">−</mo>', "d": '<mi mathvariant="normal">d</mi>', "∂": "<mi>∂</mi>", "…": "<mi>…</mi>",
    "∞": "<mi>∞</mi>",
    **{sign: f'<mo stretchy="false">{sign}</mo>' for sign in "()[]"},
}  # fmt: skip
"""The signs that are more than an operator."""
_LIMITS = frozenset(("max", "min"))
_TOKEN = re.compile(r"\d+(?:\.\d+)?|\S")
_LEAVES = ("<mi", "<mn", "<mo")


def inline(box: boxes.Box) -> str:
    """Return a formula of a sentence.

    >>> inline((Symbol("a"), boxes.Infix("<"), Symbol("b"))).partition("<annotation")[0]
    '<math><semantics><mrow><mi>a</mi><mo>&lt;</mo><mi>b</mi></mrow>'
    """
    return _formula(box, "")


def displayed(box: boxes.Box) -> str:
    """Return a formula, or a part of one, that stands in a line of its own."""
    return _formula(box, _DISPLAYED)


def functions_in(language: str) -> tuple[Callable[[boxes.Box], str], Callable[[boxes.Box], str]]:
    """Return what writes a formula of a sentence and one that stands alone, each with its words in a language.

    The words are for readers that do not read MathML; others keep to its elements.
    """
    spoken = speech.spoken_in(language)

    def named(attributes: str, box: boxes.Box) -> str:
        return _formula(box, f'{attributes} aria-label="{html.escape(spoken(box))}"')

    return functools.partial(named, ""), functools.partial(named, _DISPLAYED)


def _formula(box: boxes.Box, attributes: str) -> str:
    annotation = f'<annotation encoding="application/x-tex">{html.escape(tex.write(box), quote=False)}</annotation>'
    return f"<math{attributes}><semantics><mrow>{write(box)}</mrow>{annotation}</semantics></math>"


def write(box: boxes.Box) -> str:
    """Return a box as elements of MathML."""
    return _TABLE[type(box)](box)


def _sign(sign: str) -> str:
    return _ELEMENTS.get(sign) or _infix(sign)


def _infix(sign: str) -> str:
    return f"<mo>{html.escape(_SIGNS.get(sign, sign), quote=False)}</mo>"


def _number(text: str) -> str:
    return f"{_sign('-')}<mn>{text[1:]}</mn>" if text.startswith("-") else f"<mn>{text}</mn>"


def _word(box: boxes.Word) -> str:
    if box.face is boxes.Face.OPERATOR:
        return f"<mi>{box.text}</mi>" if box.text in _LIMITS else f"<mi>{box.text}</mi><mo>&#8289;</mo>"
    look = 'mathvariant="normal"' if box.face is boxes.Face.UPRIGHT else 'class="bold"'
    return f"<mi {look}>{html.escape(box.text, quote=False)}</mi>"


def _letters(text: str) -> str:
    """Return a word, or the letters, digits and signs of an index."""
    if tex.is_word(text):
        return _word(boxes.Word(text))
    found = ""
    for token in _TOKEN.findall(text):
        if token[0].isdigit():
            found += f"<mn>{token}</mn>"
        else:
            found += f"<mi>{token}</mi>" if token.isalpha() else _infix("-") if token == "-" and found else _sign(token)
    return found


def _base(found: Symbol) -> str:
    if found.accent == "mathcal":
        return f"<mi>{script(found.base)}</mi>"
    letter = f"<mi>{GREEK_BY_NAME[found.base]}</mi>" if found.base in GREEK_BY_NAME else _letters(found.base)
    if not found.accent:
        return letter
    return f'<mover accent="true">{_one(letter)}<mo stretchy="false">{_ACCENTS[found.accent]}</mo></mover>'


def script(letter: str) -> str:
    """Return a capital in script; Unicode has some of them under a shorter name."""
    for start in ("MATHEMATICAL ", ""):
        try:
            return unicodedata.lookup(f"{start}SCRIPT CAPITAL {letter}")
        except KeyError:
            continue
    return letter


def _symbol(found: Symbol) -> str:
    lower = _infix(",").join(_letters(part) if isinstance(part, str) else _symbol(part) for part in found.lower)
    return _with_scripts(_base(found), lower, _letters("".join(found.upper)))


def _with_scripts(base: str, lower: str, upper: str, *, limits: bool = False) -> str:
    below, above = ("under", "over") if limits else ("sub", "sup")
    scripts = "".join(_one(script) for script in (lower, upper) if script)
    name = below * bool(lower) + above * bool(upper)
    return f"<m{name}>{_one(base)}{scripts}</m{name}>" if name else base


def _scripts(box: boxes.Scripts) -> str:
    base, lower, upper = (None if part is None else boxes.bare(part) for part in box)
    assert base is not None
    low, up = ("" if part is None else write(part) for part in (lower, upper))
    match base:
        case Symbol() if base.lower and not base.upper and not low:
            below = _symbol(base).removeprefix("<msub>").removesuffix("</msub>")
            return f"<msubsup>{below}{_one(up)}</msubsup>"
        case boxes.Scripts() if base.upper is None and base.lower is not None and not low:
            return _scripts(boxes.Scripts(base.base, base.lower, box.upper))
        case boxes.Fenced(opening, body, closing, False):
            # An index behind parentheses belongs to the closing one, as in TeX.
            return f"{_sign(opening)}{write(body)}{_with_scripts(_sign(closing), low, up)}"
    return _with_scripts(
        write(base),
        low,
        up,
        limits=isinstance(base, boxes.Large) or (isinstance(base, boxes.Word) and base.text in _LIMITS),
    )


def _fenced(box: boxes.Fenced) -> str:
    if not box.tall:
        return f"{_sign(box.opening)}{write(box.body)}{_sign(box.closing)}"
    return f"<mrow>{_infix(box.opening)}{write(box.body)}{_infix(box.closing)}</mrow>"


def _braced(box: boxes.Braced) -> str:
    brace = f'<munder>{_one(write(box.body))}<mo stretchy="true">⏟</mo></munder>'
    return f"<mrow><munder>{brace}{_one(write(box.label))}</munder></mrow>"


def _matrix(box: boxes.Matrix) -> str:
    return f"<mrow><mo>[</mo>{_rows([list(map(write, row)) for row in box.rows])}<mo>]</mo></mrow>"


def _lines(box: boxes.Lines) -> str:
    return f"<mrow>{_rows([['', write(line)] for line in box.lines])}</mrow>"


def _rows(rows: Sequence[Sequence[str]]) -> str:
    lines = "".join(f"<mtr>{''.join(f'<mtd>{cell}</mtd>' for cell in row)}</mtr>" for row in rows)
    return f"<mtable>{lines}</mtable>"


def _one(inside: str) -> str:
    """Return exactly one element, as fractions and indices want their parts."""
    is_leaf = inside.startswith(_LEAVES) and inside.count("<") == len(("<mi>", "</mi>")) and inside[3] in "> "
    return inside if is_leaf else f"<mrow>{inside}</mrow>"


_TABLE = complete(
    "mathml",
    {
        tuple: lambda box: "".join(map(write, box)),
        Symbol: _symbol,
        boxes.Number: lambda box: _number(box.text),
        boxes.Sign: lambda box: _sign(box.text),
        boxes.Large: lambda box: _infix(box.text),
        boxes.Infix: lambda box: _infix(box.text),
        boxes.Space: lambda box: f'<mspace width="{box.ems}em"></mspace>' if box.ems else "",
        boxes.Word: _word,
        boxes.Text: lambda box: f"<mtext>{html.escape(box.text, quote=False)}</mtext>",
        boxes.Fraction: lambda box: f"<mfrac>{_one(write(box.above))}{_one(write(box.below))}</mfrac>",
        boxes.Root: lambda box: f"<msqrt>{write(box.body)}</msqrt>",
        boxes.Scripts: _scripts,
        boxes.Group: lambda box: f"<mrow>{write(box.body)}</mrow>",
        boxes.Fenced: _fenced,
        boxes.Braced: _braced,
        boxes.Under: lambda box: f"<munder>{_one(write(box.body))}{_one(write(box.below))}</munder>",
        boxes.Framed: lambda box: f'<mrow class="boxed">{write(box.body)}</mrow>',
        boxes.Toned: lambda box: f'<mrow class="{box.tone}">{write(box.body)}</mrow>',
        boxes.Matrix: _matrix,
        boxes.Cases: lambda box: f"<mrow><mo>{{</mo>{_rows([list(map(write, row)) for row in box.rows])}</mrow>",
        boxes.Lines: _lines,
        boxes.Blank: lambda box: '<mfrac><mspace width="9em"></mspace><mspace></mspace></mfrac>',
    },
)
