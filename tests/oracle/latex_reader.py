r"""Reads the LaTeX that our documents print, knowing nothing of the printer: formulas, chains, and trees of terms.

A document is taken apart into displayed chains, formulas in sentences and tables; a chain at its relations. A formula
becomes a tree of `Term`. What the grammar does not know raises `Unreadable`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

RELATIONS = {"=": "=", r"\approx": "≈", r"\leftarrow": "←", "<": "<", ">": ">", r"\le": "≤", r"\ge": "≥", r"\in": "∈"}
ENDS = {r"\odot", r"\rvert", r"\end", r"\\", r"\rangle"}
SPACES = {r"\,", r"\;", r"\!", r"\ ", r"\quad", r"\qquad"}
FUNCTIONS = {r"\ln", r"\exp", r"\sin", r"\cos", r"\tan", r"\tanh", r"\arcsin", r"\arccos", r"\arctan", r"\sigma"}
EXTREMES = {r"\max", r"\min"}
LETTERS = {r"\mathrm", r"\mathcal", r"\hat", r"\tilde", r"\bar", r"\mathbf"}
SHELLS = {r"\fwd", r"\bwd", r"\boxed"}
_TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|[0-9]+(?:\.[0-9]+)?|\s+|.", re.DOTALL)
_SECTION = re.compile(r"\\symbackprop((?:sub)*)section\{")

MOST_PLACES = 10_000
"""How many places a number may have before or behind its point to be computed with as a fraction."""


class Unreadable(Exception):
    """The grammar does not know what is written here."""


@dataclass(frozen=True, slots=True)
class Term:
    """A part of a formula: its kind, its parts in reading order, and its text (a number, a key, a letter, an index).

    A symbol has the text of its letter with all its indices but the sample, which stands in `sample`.
    """

    kind: str
    parts: tuple[Term, ...] = ()
    text: str = ""
    sample: str = ""


INNER = "()"
"""The letter of an entry of a product that has no name of its own: `{(A x)}_{1}`."""


@dataclass(frozen=True, slots=True)
class Chain:
    """Formulas joined by relations, where they stand (the titles above), and whether as a display of its own.

    `display` numbers the displays; it is 0 in a sentence. `terms` has one entry more than `relations`; an empty first text
    (`≈ 0.5` in a table) is the cell before it.
    """

    path: tuple[str, ...]
    texts: tuple[str, ...]
    relations: tuple[str, ...]
    display: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table, cell by cell, under its header."""

    path: tuple[str, ...]
    header: tuple[str, ...]
    cells: tuple[str, ...]


def tokens(text: str) -> list[str]:
    """Return the tokens of a formula; a run of spaces is one token."""
    return [" " if part.isspace() else part for part in _TOKEN.findall(text)]


def split(text: str, *marks: str) -> list[tuple[str, str]]:
    """Return the pieces of a formula between marks that stand at its top level, each with the mark before it."""
    pieces, mark, depth = [], "", 0
    current: list[str] = []
    found = tokens(text)
    # A line may end inside parentheses.
    opening, closing = ("{", "}") if r"\\" in marks or "&" in marks else ("{[(", "}])")
    for position, token in enumerate(found):
        if token in opening or token == r"\begin":
            depth += 1
        elif token in closing or token == r"\end":
            depth -= 1
        # \begin{…} is closed by \end{…}: the braces of the names cancel.
        if token in marks and depth == 0:
            pieces.append((mark, "".join(current).strip()))
            mark, current = token, []
        elif token == "*" and position and found[position - 1] == r"\\":
            continue
        else:
            current.append(token)
    return [*pieces, (mark, "".join(current).strip())]


def body(document: str) -> str:
    r"""Return what stands in a LaTeX document, without its figures and the spacing of lines (`\\[2pt]`)."""
    text = re.sub(r"\\\\\*?\[[^\]]*\]", r"\\\\", document.partition(r"\begin{document}")[2] or document)
    text = re.sub(r"\\displaybreak\[\d\]", "", text)
    return re.sub(r"\\begin\{symbackpropfigure\}.*?\\end\{symbackpropfigure\}", "", text, flags=re.DOTALL)


def _sections(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what stands under each title, with the titles above it."""
    path: list[str] = []
    position = 0
    for found in _SECTION.finditer(text):
        yield tuple(path), text[position : found.start()]
        level = len(found[1]) // 3
        end = closing(text, found.end() - 1)
        path[level:] = [text[found.end() : end]]
        position = end + 1
    yield tuple(path), text[position:]


def closing(text: str, opening: int) -> int:
    """Return where the brace that opens at a place is closed."""
    depth = 0
    for place in range(opening, len(text)):
        if text[place] == "{" and text[place - 1] != "\\":
            depth += 1
        elif text[place] == "}" and text[place - 1] != "\\":
            depth -= 1
            if not depth:
                return place
    raise Unreadable(text[opening : opening + 40])


_BLOCK = re.compile(
    r"\\begin\{alignat\*\}\{\d+\}(?P<display>.*?)\\end\{alignat\*\}"
    r"|\\begin\{symbackprop(?:long)?table\}\{[^\n]*\}\n(?P<table>.*?)\\end\{symbackprop(?:long)?table\}",
    re.DOTALL,
)
_INLINE = re.compile(r"(?<!\\)\$([^$]*)\$")


def read(document: str) -> tuple[list[Chain], list[Row]]:
    """Return every chain of a LaTeX document, in order, and the rows of its tables."""
    chains: list[Chain] = []
    rows: list[Row] = []
    number = 0
    for path, text in _sections(body(document)):
        position = 0
        for found in _BLOCK.finditer(text):
            chains += _sentences(path, text[position : found.start()])
            position = found.end()
            if found["display"] is not None:
                number += 1
                chains += _display(path, found["display"], number)
            else:
                rows += _rows(path, found["table"])
        chains += _sentences(path, text[position:])
    chains += [chain for row in rows for cell in row.cells for chain in _sentences(row.path, cell)]
    return chains, rows


def _sentences(path: tuple[str, ...], text: str) -> list[Chain]:
    """Return the formulas in sentences; what begins or ends a display has no business there."""
    if stray := re.search(r"\\(?:toprule|begin\{(?:alignat|align|equation|tabular))", text):
        raise Unreadable(text[stray.start() : stray.start() + 80])
    return [_chain(path, found) for found in _INLINE.findall(text)]


def _chain(path: tuple[str, ...], text: str, display: int = 0) -> Chain:
    pieces = split(text, *RELATIONS)
    return Chain(path, tuple(piece for _, piece in pieces), tuple(RELATIONS[mark] for mark, _ in pieces[1:]), display)


def without_text(formula: str) -> str:
    r"""Return lines of formulas without what is said beside them (`\text{…}`, remarks)."""
    while found := re.search(r"\s*(?:\\qquad)?\s*\\(?:text|symbackpropremark)\{", formula):
        formula = formula[: found.start()] + formula[closing(formula, found.end() - 1) + 1 :]
    return formula


def _display(path: tuple[str, ...], text: str, number: int) -> Iterator[Chain]:
    """Yield the chains of a display: lines without a left side go on from the line before."""
    current = ""
    for _, line in split(without_text(text), r"\\"):
        cells = [cell for _, cell in split(line, "&")]
        pairs = [(cells[place], "".join(cells[place + 1 : place + 2])) for place in range(0, len(cells), 2)]
        for left, right in pairs:
            left = re.sub(r"^(\\qquad|\s)+", "", left)
            if left and current:
                yield _chain(path, current, number)
                current = ""
            current += f"{left} {right} "
    if current.strip():
        yield _chain(path, current, number)


def _rows(path: tuple[str, ...], text: str) -> Iterator[Row]:
    inside = text.replace(r"\symbackpropendhead", "").partition(r"\toprule")[2].partition(r"\bottomrule")[0]
    header, *others = (
        tuple(cell.strip() for cell in re.split(r"(?<!\\)&", line))
        for line in inside.replace(r"\midrule", "").split(r"\\")
        if line.strip()
    )
    yield from (Row(path, header, cells) for cells in others)


@functools.lru_cache(maxsize=10_000)
def parse(text: str) -> Term:
    """Return the tree of a formula without relations."""
    parser = _Parser(tokens(_unstacked(text)))
    found = parser.sum()
    if parser.peek():
        raise Unreadable("".join(parser.rest()))
    return found


_STACKED = re.compile(r"\\begin\{aligned\}((?:(?!\\begin\{).)*?)\\end\{aligned\}", re.DOTALL)


def _unstacked(text: str) -> str:
    """Return a formula with sums on several lines on one."""
    while found := _STACKED.search(text):
        text = text[: found.start()] + re.sub(r"\\\\|&", " ", found[1]) + text[found.end() :]
    return text


class _Parser:
    """Reads by descent: sums of products of factors."""

    def __init__(self, found: list[str]) -> None:
        self.tokens, self.place = [], 0
        for before, token in zip(["", *found], found, strict=False):
            if token == r"\vert":
                self.tokens.append(r"\lvert" if before == r"\left" else r"\rvert")
            elif token not in (r"\left", r"\right"):
                self.tokens.append(token)

    def rest(self) -> list[str]:
        return self.tokens[self.place :]

    def peek(self) -> str:
        """Return the next token that is no space."""
        self.space()
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def space(self) -> None:
        while self.place < len(self.tokens) and (self.tokens[self.place] == " " or self.tokens[self.place] in SPACES):
            self.place += 1
        # An empty group is a letter without width: it gives a sign in front the room of an operator.
        if self.tokens[self.place : self.place + 2] == ["{", "}"]:
            self.place += 2
            self.space()

    def next(self) -> str:
        token = self.peek()
        self.place += 1
        return token

    def expect(self, token: str) -> None:
        if self.next() != token:
            raise Unreadable(f"{token} expected before {''.join(self.rest())}")

    def adjacent(self, token: str) -> bool:
        """Say whether a token follows without a space."""
        return self.place < len(self.tokens) and self.tokens[self.place] == token

    def sum(self) -> Term:
        terms = []
        if self.peek() == "-":
            self.next()
            terms.append(Term("negative", (self.product(),)))
        else:
            terms.append(self.product())
        while self.peek() in ("+", "-"):
            sign = self.next()
            term = self.product()
            terms.append(term if sign == "+" else Term("negative", (term,)))
        return terms[0] if len(terms) == 1 else Term("sum", tuple(terms))

    def product(self) -> Term:
        """Read factors; ⊙ joins products less tightly than juxtaposition."""
        parts = [self.chain_of_factors()]
        while self.peek() == r"\odot":
            self.next()
            parts.append(self.chain_of_factors())
        return parts[0] if len(parts) == 1 else Term("hadamard", tuple(parts))

    def chain_of_factors(self) -> Term:
        factors = [self.factor()]
        while True:
            token = self.peek()
            if token in (r"\times", r"\cdot"):
                self.next()
                factors.append(self.factor())
            elif token == "/":
                self.next()
                # ∂L/∂a is one factor, whatever stands in front of it.
                start = len(factors) - 1 if factors[-1].kind == "partial" else 0
                before = factors[start] if len(factors) == start + 1 else Term("product", tuple(factors[start:]))
                factors[start:] = [self.quotient(before, self.factor())]
            elif token and token not in "+-)]},;:&|" and token not in ENDS and token not in RELATIONS:
                factors.append(self.factor())
            else:
                break
        return factors[0] if len(factors) == 1 else Term("product", tuple(factors))

    @staticmethod
    def quotient(above: Term, below: Term) -> Term:
        if above.kind == "partial" and below.kind == "partial":
            return Term("derivative", (above.parts[0], below.parts[0]))
        return Term("quotient", (above, below))

    def factor(self) -> Term:
        start = self.place
        found = self.atom()
        while self.place < len(self.tokens) and self.tokens[self.place] in ("^", "_"):
            written = "".join(self.tokens[start : self.place])
            mark = self.next()
            if mark == "_":
                text = self.raw_group()
                if text.isdigit():
                    own = re.search(r"\[([^\]]*)\]", written)
                    found = Term("symbol", (), f"{INNER}_{text}", own[1] if own else "")
                else:
                    found = Term("entry", (found,), text)
            elif self.upcoming() == r"\top":
                self.raw_group()
                found = Term("transpose", (found,))
            else:
                found = Term("power", (found, self.group()))
        return found

    def upcoming(self) -> str:
        """Return the text of the next group without reading it."""
        place, text = self.place, self.raw_group()
        self.place = place
        return text

    def raw_group(self) -> str:
        """Read a group or a single token as text without spaces."""
        token = self.next()
        if token != "{":
            return token
        depth, found = 1, []
        while depth:
            if self.place >= len(self.tokens):
                raise Unreadable("a group is not closed")
            token = self.tokens[self.place]
            self.place += 1
            depth += (token == "{") - (token == "}")
            if token != " ":
                found.append(token)
        return "".join(found[:-1])

    def group(self) -> Term:
        """Read a group, or a single token, as a formula."""
        if self.peek() != "{":
            return _Parser([self.next()]).sum()
        self.expect("{")
        found = self.sum()
        self.expect("}")
        return found

    def atom(self) -> Term:
        token = self.peek()
        if re.fullmatch(r"[0-9.]+", token):
            return self.number()
        if token == "-":
            self.next()
            return Term("negative", (self.factor(),))
        if token == "(":
            return self.bracketed("(", ")")
        if token == "{":
            return self.group()
        if token in SHELLS:
            self.next()
            return self.group()
        handler = _ATOMS.get(token)
        if handler:
            self.next()
            return handler(self)
        if token in FUNCTIONS:
            return self.function()
        if token in LETTERS or re.fullmatch(r"\\?[a-zA-Z]+", token):
            return self.symbol()
        raise Unreadable("".join(self.rest()[:12]) or "the end")

    def number(self) -> Term:
        text = self.next()
        place = self.place
        if self.peek() == r"\times":
            self.next()
            if self.peek() == "10" and self.next() and self.adjacent("^"):
                self.next()
                return _power_of_ten(text, self.raw_group())
        self.place = place
        if text == "10" and self.adjacent("^"):
            self.next()
            return _power_of_ten("1", self.raw_group())
        return Term("number", (), text)

    def bracketed(self, opening: str, closing: str) -> Term:
        self.expect(opening)
        found = self.sum()
        self.expect(closing)
        return found

    def arguments(self) -> tuple[Term, ...]:
        self.expect("(")
        found = [self.sum()]
        while self.peek() == ",":
            self.next()
            found.append(self.sum())
        self.expect(")")
        return tuple(found)

    def function(self) -> Term:
        name = self.next()
        if not self.adjacent("("):
            return Term("symbol", (), name)
        return Term("call", self.arguments(), name)

    def symbol(self) -> Term:
        """Read a letter or a word with its indices; directly before a parenthesis it is a function."""
        base = self.next()
        if base in LETTERS:
            base = f"{base}{{{self.raw_group()}}}"
        if base == "e" and self.adjacent("^"):
            self.next()
            return Term("call", (self.group(),), "exp")
        if base == r"\mathbf{1}":
            return self.ones()
        upper = lower = sample = ""
        while self.place < len(self.tokens) and self.tokens[self.place] in ("^", "_"):
            mark, place = self.tokens[self.place], self.place
            self.place += 1
            text = self.raw_group()
            if mark == "_" and not lower:
                lower = text
            elif mark == "^" and not upper and (text[0] in "([+" or r"\prime" in text):
                own = re.search(r"\[([^\]]*)\]", text)
                sample = own[1] if own else ""
                upper = text.replace(own[0], "") if own else text
                upper = upper or "."
            else:
                self.place = place
                break
        key = base + (f"^{upper}" if upper.strip(".") else "") + (f"_{lower}" if lower else "")
        if self.adjacent("("):
            return Term("call", self.arguments(), key)
        return Term("symbol", (), key, sample)

    def ones(self) -> Term:
        r"""Read 1 where something holds (`\mathbf{1}_{z > 0}`), or a row of ones."""
        self.expect("_")
        text = self.raw_group_spaced()
        pieces = split(text, "<", ">", r"\le", r"\ge", "=")
        if len(pieces) == 1:
            return Term("ones", (), text)
        (_, left), (mark, right) = pieces
        return Term("indicator", (parse(left), parse(right)), mark)

    def raw_group_spaced(self) -> str:
        start = self.place
        self.raw_group()
        return "".join(self.tokens[start + 1 : self.place - 1]) if self.tokens[start] == "{" else self.tokens[start]

    def fraction(self) -> Term:
        if self.upcoming() == r"\partial":
            self.raw_group()
            by = self.group()
            return Term("moved", (self.factor(), by.parts[0]))
        above, below = self.group(), self.group()
        if above == Term("differential") and below.kind == "product" and below.parts[0] == Term("differential"):
            return Term("slope", (self.factor(),), below.parts[1].text)
        if above == Term("differential"):
            raise Unreadable("d/dz")
        return self.quotient(above, below)

    def partial(self) -> Term:
        if self.adjacent("^"):
            raise Unreadable("a second derivative")
        return Term("partial", (self.factor(),))

    def brace(self) -> Term:
        found = self.group()
        self.expect("_")
        return Term("brace", (found, self.group()))

    def shaped(self) -> Term:
        shape = self.raw_group()
        return Term("shaped", (self.group(),), shape)

    def root(self) -> Term:
        return Term("call", (self.group(),), r"\sqrt")

    def size(self) -> Term:
        found = self.sum()
        self.expect(r"\rvert")
        return Term("call", (found,), "abs")

    def joined(self) -> Term:
        """Read vectors one after the other (`[h; v]`)."""
        found = [self.sum()]
        while self.peek() == ";":
            self.next()
            found.append(self.sum())
        self.expect("]")
        return Term("joined", tuple(found))

    def total(self) -> Term:
        self.expect("_")
        below = self.raw_group()
        above = ""
        if self.adjacent("^"):
            self.next()
            above = self.raw_group()
        return Term("total", (self.product(),), f"{below}|{above}")

    def placed(self) -> Term:
        r"""Read an array of zeros but for a block (`\langle … \rangle_{[1]}`)."""
        found = self.sum()
        self.expect(r"\rangle")
        self.expect("_")
        return Term("placed", (found,), self.raw_group())

    def extreme(self) -> Term:
        name = self.tokens[self.place - 1]
        if self.adjacent("("):
            return Term("call", self.arguments(), name)
        self.expect("_")
        letters = self.raw_group()
        return Term("extreme", (self.product(),), f"{name}{letters}")

    def matrix(self) -> Term:
        if self.raw_group() == "cases":
            return self.cases()
        rows, row = [], [self.sum()]
        while (token := self.next()) != r"\end":
            if token == r"\\":
                rows.append(Term("row", tuple(row)))
                row = [self.sum()]
            elif token == "&":
                row.append(self.sum())
            else:
                raise Unreadable(token)
        self.raw_group()
        return Term("matrix", (*rows, Term("row", tuple(row))))

    def cases(self) -> Term:
        """Read formulas, each beside the condition under which it holds."""
        parts: list[Term] = []
        while True:
            parts.append(self.sum())
            self.expect("&")
            left, mark = self.sum(), self.next()
            parts.append(Term("indicator", (left, self.sum()), mark))
            if (token := self.next()) == r"\end":
                self.raw_group()
                return Term("cases", tuple(parts))
            if token != r"\\":
                raise Unreadable(token)

    def upright(self) -> Term:
        if self.raw_group_is("d"):
            return Term("differential")
        self.place -= 1
        return self.symbol()

    def raw_group_is(self, text: str) -> bool:
        place = self.place
        if self.raw_group() == text:
            return True
        self.place = place
        return False


_ATOMS = {
    r"\frac": _Parser.fraction,
    r"\partial": _Parser.partial,
    r"\underbrace": _Parser.brace,
    r"\underset": _Parser.shaped,
    r"\sqrt": _Parser.root,
    r"\lvert": _Parser.size,
    "[": _Parser.joined,
    r"\langle": _Parser.placed,
    r"\sum": _Parser.total,
    r"\max": _Parser.extreme,
    r"\min": _Parser.extreme,
    r"\begin": _Parser.matrix,
    r"\mathrm": _Parser.upright,
}


def _power_of_ten(mantissa: str, exponent: str) -> Term:
    """Return a number; one that a saturated unit makes so small that no fraction holds it has no value here."""
    is_held = not exponent.lstrip("-").isdigit() or abs(int(exponent)) <= MOST_PLACES
    return Term("number" if is_held else "magnitude", (), f"{mantissa}e{exponent}")


@functools.lru_cache(maxsize=10_000)
def number_of(text: str) -> tuple[Fraction, Fraction, int]:
    """Return what a printed number is, the unit of its last digit, and how many significant digits it has."""
    mantissa, _, exponent = text.partition("e")
    scale = Fraction(10) ** int(exponent or 0)
    places = len(mantissa.partition(".")[2])
    digits = len(mantissa.replace(".", "").lstrip("0"))
    return Fraction(mantissa) * scale, Fraction(1, 10**places) * scale, digits
