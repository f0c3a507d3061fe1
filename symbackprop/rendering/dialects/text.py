"""Boxes → plain Unicode text, for terminals, e-mail and screen readers: W₁₂⁽¹⁾, a/(b + c), √x, Σₙ₌₁⁴, matrices as rows.

A text may have several lines, where there is a matrix; what stands beside it stands on its middle line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symbackprop.graph.notation import GREEK_BY_NAME, Symbol
from symbackprop.language import columns
from symbackprop.rendering.dialects.mathml import script
from symbackprop.rendering.dialects.table import complete
from symbackprop.rendering.layout import boxes

_SIGNS = str.maketrans({"-": "−", "⊤": "ᵀ", "∑": "Σ"})
_ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303", "dot": "\u0307"}
_CLINGING = frozenset(",;")
_ADDING = frozenset("+-=≈←<>≤≥≠∈⊙")
"""Signs between two things that hold them together less than a quotient does."""
_ABOVE = "0123456789+−=()abcdefghijklmnoprstuvwxyzTᵀ′", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᵀᵀ′"
_BELOW = "0123456789+−=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ"
_SCRIPTS = {sign: dict(zip(*letters, strict=True)) for sign, letters in (("^", _ABOVE), ("_", _BELOW))}
_WIDEST_MATRIX = 80
"""In columns; a wider one is written in a line."""


def inline(box: boxes.Box) -> str:
    """Return a formula in one line.

    >>> inline(boxes.Fraction(boxes.Number("1"), (boxes.Number("2"), boxes.Infix("+"), Symbol("W", ("12",), ("(1)",)))))
    '1/(2 + W₁₂⁽¹⁾)'
    """
    return _IN_A_LINE.write(box)


def displayed(box: boxes.Box) -> str:
    """Return a formula whose matrices have their rows one below the other, if there is room."""
    text = _IN_LINES.write(box)
    return text if "\n" not in text or width(text) <= _WIDEST_MATRIX else inline(box)


def measure(box: boxes.Box) -> float:
    """Return how many columns a displayed formula takes."""
    return width(displayed(box))


def width(text: str) -> int:
    """Return how many columns the longest line of a text takes."""
    return max(map(columns, text.split("\n")))


def beside(*blocks: str) -> str:
    r"""Return texts side by side, the middle lines of all of them on one line.

    >>> print(beside("A = ", "1\n2\n3"))
        1
    A = 2
        3
    """
    if not any("\n" in block for block in blocks):
        return "".join(blocks)
    parts = [block.split("\n") for block in blocks]
    above = max(map(_middle, parts))
    height = above + max(len(lines) - _middle(lines) for lines in parts)
    filled = []
    for lines in parts:
        size, lead = max(map(columns, lines)), above - _middle(lines)
        padded = [*[""] * lead, *lines, *[""] * (height - lead - len(lines))]
        filled.append([line + " " * (size - columns(line)) for line in padded])
    return "\n".join("".join(row).rstrip() for row in zip(*filled, strict=True))


def _middle(lines: Sequence[str]) -> int:
    return (len(lines) - 1) // 2


def symbol(found: Symbol) -> str:
    """Return a symbol in letters, with its indices below and above the line where Unicode has them.

    >>> symbol(Symbol("z", ("2",), ("(1)", "[3]"))), symbol(Symbol("L", ("data",)))
    ('z₂⁽¹⁾[3]', 'L_data')
    """
    lower = ",".join(part if isinstance(part, str) else symbol(part) for part in found.lower)
    bracketed = [part for part in found.upper if part.startswith("[")]
    upper = "".join(part for part in found.upper if part not in bracketed)
    below, above = _script("_", lower.translate(_SIGNS)), _script("^", upper.translate(_SIGNS))
    return letter(found) + below + above + "".join(bracketed)


def letter(found: Symbol) -> str:
    """Return a symbol without its indices.

    >>> letter(Symbol("theta")), letter(Symbol("B", accent="mathcal"))
    ('θ', 'ℬ')
    """
    base = GREEK_BY_NAME.get(found.base, found.base)
    return script(base) if found.accent == "mathcal" else base + _ACCENTS.get(found.accent, "")


def _script(sign: str, text: str) -> str:
    """Return letters below (`_`) or above (`^`) the line, where Unicode has all of them there; else behind the sign."""
    letters, compact = _SCRIPTS[sign], text.replace(" ", "")
    if all(each in letters for each in compact):
        return "".join(letters[each] for each in compact)
    if text.startswith("["):
        return text  # the place of a row or a block
    is_plain = text.replace(".", "").replace("_", "").isalnum()
    return f"{sign}{text}" if is_plain else f"{sign}({text})"


_LOOSE, _TIGHT, _WHOLE = range(3)


def _strength(box: boxes.Box) -> int:
    """Return how tightly a box holds together: a sum, a product or quotient, one thing."""
    match box:
        case boxes.Infix(text):
            return _LOOSE if text in _ADDING else _TIGHT
        case boxes.Number(text):
            return _TIGHT if text.startswith("-") else _WHOLE
        case boxes.Kept(body) | boxes.Toned(body) | boxes.Framed(body) | boxes.Group(body):
            return _strength(body)
        case boxes.Fraction() | boxes.Braced() | boxes.Under():
            return _TIGHT
        case boxes.Lines():
            return _LOOSE
    return _row_strength(box) if boxes.is_row(box) else _WHOLE


def _row_strength(row: boxes.Row) -> int:
    if len(row) < len(("one", "another")):
        return _strength(row[0]) if row else _WHOLE
    leads = [part[0] if boxes.is_row(part) and part else part for part in row]
    if any(isinstance(lead, boxes.Infix) and _strength(lead) == _LOOSE for lead in leads):
        return _LOOSE
    is_applied = isinstance(row[-1], boxes.Fenced) and len(row) == len(("name", "arguments"))
    return (
        _WHOLE
        if is_applied or (row[0] == boxes.Sign("∂") and boxes.SLASH not in row) or row[0] == boxes.Sign("d")
        else _TIGHT
    )


_Rows = Callable[[Sequence[Sequence[str]]], str]


class _Writer:
    """Writes boxes; `matrix` and `cases` write rows of cells."""

    def __init__(self, name: str, matrix: _Rows, cases: _Rows) -> None:
        self.matrix, self.cases = matrix, cases
        self.table = complete(
            name,
            {
                tuple: self._row,
                Symbol: symbol,
                boxes.Number: lambda box: box.text.translate(_SIGNS),
                boxes.Sign: lambda box: box.text.translate(_SIGNS),
                boxes.Large: lambda box: box.text.translate(_SIGNS),
                boxes.Infix: lambda box: f"{box.text} " if box.text in _CLINGING else f" {box.text.translate(_SIGNS)} ",
                boxes.Space: lambda box: "  " if box.ems == 1 else " ",
                boxes.Word: lambda box: box.text,
                boxes.Text: lambda box: box.text,
                boxes.Fraction: self._fraction,
                boxes.Root: lambda box: f"√{_held(box.body, inline(box.body))}",
                boxes.Scripts: self._scripts,
                boxes.Group: self._group,
                boxes.Fenced: lambda box: beside(box.opening, self.write(box.body), box.closing),
                boxes.Braced: lambda box: beside(self.write(box.body), f" [= {inline(box.label)}]"),
                boxes.Under: lambda box: beside(self.write(box.body), f" [{inline(box.below).replace(' ', '')}]"),
                boxes.Framed: lambda box: self.write(box.body),
                boxes.Toned: lambda box: self.write(box.body),
                boxes.Matrix: lambda box: self.matrix([[inline(cell) for cell in row] for row in box.rows]),
                boxes.Cases: lambda box: self.cases([[inline(cell) for cell in row] for row in box.rows]),
                boxes.Lines: lambda box: beside(*map(self.write, box.lines)),
                boxes.Blank: lambda box: "_" * 12,
            },
        )

    def write(self, box: boxes.Box) -> str:
        """Return a box as text."""
        return self.table[type(box)](box)

    def _row(self, row: boxes.Row) -> str:
        """Behind a slash a factor would belong to what is below it: it has a dot before it."""
        pairs = zip((None, *row), row, strict=False)
        dotted = [
            (boxes.DOT, *part[1:])
            if boxes.is_row(part) and part and isinstance(part[0], boxes.Space) and _is_quotient(before)
            else part
            for before, part in pairs
        ]
        return beside(*map(self.write, dotted))

    def _group(self, box: boxes.Group) -> str:
        """An index behind a shape or a label would belong to that."""
        text = self.write(box.body)
        return beside("(", text, ")") if isinstance(boxes.bare(box.body), boxes.Under | boxes.Braced) else text

    def _fraction(self, box: boxes.Fraction) -> str:
        above, below = inline(box.above), inline(box.below)
        is_signed = above.startswith("−") and not isinstance(boxes.bare(box.above), boxes.Number)
        if _strength(box.above) == _LOOSE or is_signed or ("/" in above and _strength(box.above) < _WHOLE):
            above = f"({above})"
        return f"{above}/{_held(box.below, below)}"

    def _scripts(self, box: boxes.Scripts) -> str:
        lower = "" if box.lower is None else _script("_", inline(box.lower))
        upper = "" if box.upper is None else _script("^", inline(box.upper))
        return beside(self.write(box.base), lower + upper)


def _is_quotient(box: boxes.Box | None) -> bool:
    """Say whether what a box ends with is a quotient of more than numbers."""
    last = box[-1] if boxes.is_row(box) else box
    found = last if last is None else boxes.bare(last)
    return isinstance(found, boxes.Fraction) and not (
        isinstance(found.above, boxes.Number) and isinstance(found.below, boxes.Number)
    )


def _held(box: boxes.Box, text: str) -> str:
    return text if _strength(box) == _WHOLE else f"({text})"


def _in_line(rows: Sequence[Sequence[str]]) -> str:
    return f"[{'; '.join(', '.join(row) for row in rows)}]"


def _in_rows(rows: Sequence[Sequence[str]]) -> str:
    """Return a matrix with brackets as tall as it is."""
    sizes = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(" " * (size - columns(cell)) + cell for cell, size in zip(row, sizes, strict=True)) for row in rows
    ]
    if len(lines) == 1:
        return f"[{lines[0]}]"
    left, right = (_tall(bracket, len(lines)) for bracket in ("⎡⎢⎣", "⎤⎥⎦"))
    return "\n".join(f"{opening}{line}{closing}" for opening, line, closing in zip(left, lines, right, strict=True))


def _tall(bracket: str, height: int) -> str:
    """Return the pieces of a bracket, of which the middle one is repeated."""
    return bracket[0] + bracket[1] * (height - 2) + bracket[2]


def _cases_in_line(rows: Sequence[Sequence[str]]) -> str:
    return f"{{{'; '.join(f'{formula} ({condition})' for formula, condition in rows)}}}"


def _cases_in_rows(rows: Sequence[Sequence[str]]) -> str:
    """Return cases behind a brace as tall as they are."""
    size = max(columns(formula) for formula, _ in rows)
    lines = [f"{formula}{' ' * (size - columns(formula))}  ({condition})" for formula, condition in rows]
    return "\n".join(map("".join, zip(_tall("⎧⎨⎩", len(lines)), lines, strict=True)))


_IN_A_LINE = _Writer("text", _in_line, _cases_in_line)
_IN_LINES = _Writer("text in lines", _in_rows, _cases_in_rows)
