"""Boxes → TeX, for LaTeX, Markdown and KaTeX."""

from __future__ import annotations

import functools

from symbackprop.graph.notation import GREEK, Symbol
from symbackprop.rendering.dialects.table import complete
from symbackprop.rendering.layout import boxes

_COMMANDS = {
    "−": "-", "≈": r"\approx", "×": r"\times", "·": r"\cdot", "⊙": r"\odot", "←": r"\leftarrow", "≤": r"\le",
    "≥": r"\ge", "≠": r"\ne", "∈": r"\in", "∑": r"\sum", "…": r"\ldots", "⋯": r"\cdots", "⊤": r"\top",
    "|": r"\vert", "⟨": r"\langle", "⟩": r"\rangle", "∂": r"\partial ", "d": r"\mathrm{d} ", "′": r"\prime", "∞": r"\infty ",
}  # fmt: skip
"""Signs that have a command; every other stands for itself."""
_CLINGING = frozenset(",;")
"""Infix signs without a space before them."""
_SPACES = {0: " ", 0.17: r" \, ", 1: r"\quad "}
_FACES = {boxes.Face.UPRIGHT: r"\mathrm{%s}", boxes.Face.BOLD: r"\mathbf{%s}", boxes.Face.OPERATOR: r"\%s"}


def write(box: boxes.Box) -> str:
    r"""Return a box as TeX.

    >>> write(boxes.Fraction(Symbol("alpha"), boxes.Number("2")))
    '\\frac{\\alpha}{2}'
    """
    return _TABLE[type(box)](box)


def word(text: str) -> str:
    r"""Return a word, a letter or a number in math mode.

    >>> word("net"), word("w"), word("12")
    ('\\mathrm{net}', 'w', '12')
    """
    escaped = text.replace("_", r"\_")
    return rf"\mathrm{{{escaped}}}" if is_word(text) else escaped


def is_word(text: str) -> bool:
    """Say whether a text is a word: several letters, maybe with digits.

    >>> is_word("net"), is_word("w"), is_word("12"), is_word("l+1")
    (True, False, False, False)
    """
    return len(text) > 1 and text.replace("_", "").isalnum() and any(map(str.isalpha, text))


@functools.lru_cache(maxsize=1 << 14)
def symbol(found: Symbol) -> str:
    """Return a printed symbol.

    >>> symbol(Symbol("W", ("12",), ("(1)",)))
    'W^{(1)}_{12}'
    """
    base = rf"\{found.base}" if found.base in GREEK else word(found.base)
    if found.accent:
        base = rf"\{found.accent}{{{base}}}"
    lower = ",".join(word(part) if isinstance(part, str) else symbol(part) for part in found.lower)
    upper = "".join(found.upper).replace("′", r"\prime")
    return base + _script("^", upper) + _script("_", lower)


def _script(sign: str, text: str) -> str:
    return "" if not text else f"{sign}{text}" if len(text) == 1 else f"{sign}{{{text}}}"


def _row(box: boxes.Row) -> str:
    text = ""
    for part in box:
        text += _TABLE[type(part)](part)
    return text


class _Infixes(dict[str, str]):
    """What stands between two things for each sign."""

    def __missing__(self, sign: str) -> str:
        command = _COMMANDS.get(sign, sign)
        self[sign] = found = f"{command} " if sign in _CLINGING else f" {command} "
        return found


_INFIXES = _Infixes()


def _fraction(box: boxes.Fraction) -> str:
    above, below = box
    return rf"\frac{{{_TABLE[type(above)](above)}}}{{{_TABLE[type(below)](below)}}}"


def _scripts(box: boxes.Scripts) -> str:
    lower = "" if box.lower is None else f"_{{{write(box.lower)}}}"
    return f"{write(box.base)}{lower}" if box.upper is None else f"{write(box.base)}{lower}^{{{write(box.upper)}}}"


def _fenced(box: boxes.Fenced) -> str:
    if not box.tall:
        return f"{box.opening}{write(box.body)}{box.closing}"
    opening, closing = _COMMANDS.get(box.opening), _COMMANDS.get(box.closing)
    if opening and closing:
        return rf"\left{opening} {write(box.body)} \right{closing}"
    return rf"\left{box.opening}{write(box.body)}\right{box.closing}"


def _braced(box: boxes.Braced) -> str:
    # A brace counts as an operator, beside which TeX sets + and · without space; in braces of its own it is a letter.
    return rf"{{\underbrace{{{write(box.body)}}}_{{{write(box.label)}}}}}"


def _rows(environment: str, box: boxes.Matrix | boxes.Cases) -> str:
    """A matrix or cases; rows of fractions and of indices above each other would touch, and stand apart."""
    lines = [" & ".join(map(write, row)) for row in box.rows]
    end = rf" \\{_apart(box)} "
    return rf"\begin{{{environment}}} {end.join(lines)} \end{{{environment}}}"


def _apart(box: boxes.Matrix | boxes.Cases) -> str:
    """Return the room between the rows of a matrix in which something stands: fractions, an index below another."""
    parts = boxes.walk(box)
    if boxes.Fraction in map(type, parts):
        return "[4pt]"
    return "[2pt]" if any(map(_is_deep, parts)) else ""


def _is_deep(box: boxes.Box) -> bool:
    """Say whether an index stands below something that is larger than a letter."""
    if isinstance(box, Symbol):
        is_large = len("".join(box.upper)) > 1 or box.accent or (is_word(box.base) and box.base not in GREEK)
        return bool(box.lower and is_large)
    if isinstance(box, boxes.Scripts) and box.lower:
        base = box.base
        return isinstance(base, boxes.Group) or (isinstance(base, boxes.Word) and base.face is not boxes.Face.OPERATOR)
    return isinstance(box, boxes.Braced)


def _lines(box: boxes.Lines) -> str:
    body = r" \\ ".join(f"&{write(line)}" for line in box.lines)
    return rf"\begin{{aligned}} {body} \end{{aligned}}"


def _text(box: boxes.Text) -> str:
    # TeX drops a space behind a Chinese sign unless it is a command.
    text = box.text
    is_dropped = text.endswith(" ") and not text.rstrip().isascii()
    return rf"\text{{{text.rstrip()}\ }}" if is_dropped else rf"\text{{{text}}}"


_TABLE = complete(
    "tex",
    {
        tuple: _row,
        Symbol: symbol,
        boxes.Number: lambda box: box.text,
        boxes.Sign: lambda box: _COMMANDS.get(box.text, box.text),
        boxes.Large: lambda box: _COMMANDS[box.text],
        boxes.Infix: lambda box: _INFIXES[box.text],
        boxes.Space: lambda box: _SPACES[box.ems],
        boxes.Word: lambda box: _FACES[box.face] % box.text.replace("_", r"\_"),
        boxes.Text: _text,
        boxes.Fraction: _fraction,
        boxes.Root: lambda box: rf"\sqrt{{{write(box.body)}}}",
        boxes.Scripts: _scripts,
        boxes.Group: lambda box: f"{{{write(box.body)}}}",
        boxes.Fenced: _fenced,
        boxes.Braced: _braced,
        boxes.Under: lambda box: rf"\underset{{{write(box.below)}}}{{{write(box.body)}}}",
        boxes.Framed: lambda box: rf"\boxed{{{write(box.body)}}}",
        boxes.Toned: lambda box: rf"\{box.tone}{{{write(box.body)}}}",
        boxes.Matrix: lambda box: _rows("bmatrix", box),
        boxes.Cases: lambda box: _rows("cases", box),
        boxes.Lines: _lines,
        boxes.Blank: lambda box: r"\underline{\hspace{9em}}",
    },
)
