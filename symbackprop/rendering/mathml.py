"""TeX as `tex` and `arrays` write it → MathML: what a browser shows where KaTeX does not run, and what is read aloud.

The TeX itself stands in the annotation, from which the page's script sets the formula.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html.entities import html5

_TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|\d+(?:\.\d+)?|\s+|.", re.DOTALL)
_SIGNS = {
    "-": "−", "*": "∗", r"\cdot": "⋅", r"\partial": "∂", r"\ldots": "…", r"\cdots": "⋯", r"\vdots": "⋮", r"\ddots": "⋱",
    r"\to": "→", r"\le": "≤", r"\ge": "≥", r"\ne": "≠", r"\vert": "|", r"\Vert": "‖", r"\infty": "∞", r"\langle": "⟨",
    r"\rangle": "⟩", r"\top": "⊤", r"\ell": "ℓ", r"\{": "{", r"\}": "}", r"\_": "_", r"\%": "%", r"\#": "#",
    r"\&": "&", r"\$": "$", ".": ".",
}  # fmt: skip
"""Signs whose name in TeX is not their name in HTML."""
_SPACES = {
    r"\,": 0.17, r"\:": 0.22, r"\;": 0.28, r"\!": -0.17, r"\ ": 0.25, "~": 0.25, r"\quad": 1, r"\qquad": 2,
}  # fmt: skip
_NAMED = frozenset(rf"\{name}" for name in ("ln", "log", "exp", "sin", "cos", "tan", "tanh", "max", "min", "lim"))
_CLASSES = {r"\fwd": "fwd", r"\bwd": "bwd", r"\boxed": "boxed"}
_ACCENTS = {r"\hat": "^", r"\tilde": "~", r"\bar": "¯", r"\dot": "˙"}
_LIMITS = frozenset({r"\sum", r"\prod", r"\max", r"\min", r"\lim"})
_FENCES = {
    "bmatrix": ("[", "]"), "pmatrix": ("(", ")"), "vmatrix": ("|", "|"), "matrix": ("", ""), "cases": ("{", ""),
    "aligned": ("", ""),
}  # fmt: skip
_LETTERS = frozenset("∂∞…")
_OPENING, _CLOSING = frozenset("([⟨{"), frozenset(")]⟩}!…")


def inline(tex: str) -> str:
    r"""Return a formula of a sentence.

    >>> inline("a < b").partition("<annotation")[0]
    '<math><semantics><mrow><mi>a</mi><mo>&lt;</mo><mi>b</mi></mrow>'
    """
    return _formula(tex, "")


def displayed(tex: str) -> str:
    """Return a formula, or a part of one, that stands in a line of its own."""
    return _formula(tex, ' displaystyle="true"')


def _formula(tex: str, attributes: str) -> str:
    body = _Reader(_TOKEN.findall(tex)).row()
    annotation = f'<annotation encoding="application/x-tex">{html.escape(tex, quote=False)}</annotation>'
    return f"<math{attributes}><semantics><mrow>{body}</mrow>{annotation}</semantics></math>"


@dataclass(slots=True)
class _Reader:
    """Reads tokens from the left and writes what it has read."""

    tokens: list[str]
    place: int = field(default=0)

    def peek(self) -> str:
        """Return the next token that is no space, or nothing at the end."""
        while self.place < len(self.tokens) and self.tokens[self.place].isspace():
            self.place += 1
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self) -> str:
        """Return the next token and go past it."""
        token = self.peek()
        self.place += 1
        return token

    def row(self, *stops: str) -> str:
        """Return everything up to one of the stops, with the indices at what they belong to."""
        parts: list[str] = []
        before = ""
        while (token := self.peek()) and token not in stops:
            base = self.take()
            follows_operator = not before or (before.startswith("<mo") and before[-6] not in _CLOSING)
            if base == "-" and follows_operator:
                part = '<mo form="prefix">−</mo>'
            else:
                part = "" if base in ("^", "_") else self.atom(base)
            if base in ("^", "_"):
                self.place -= 1
            parts.append(self.scripts(part, base))
            before = part or before
        return "".join(parts)

    def scripts(self, part: str, base: str) -> str:
        """Return an atom with the indices that follow it."""
        found: dict[str, str] = {}
        while (mark := self.peek()) in ("^", "_") and mark not in found:
            self.take()
            found[mark] = _one(self.argument())
        if not found:
            return part
        if base == r"\underbrace":
            return f"<munder>{part}{found['_']}</munder>"
        names = ("munder", "mover") if base in _LIMITS else ("msub", "msup")
        if len(found) == 2:
            name = "munderover" if base in _LIMITS else "msubsup"
            return f"<{name}>{_one(part)}{found['_']}{found['^']}</{name}>"
        ((mark, script),) = found.items()
        return f"<{names[mark == '^']}>{_one(part)}{script}</{names[mark == '^']}>"

    def argument(self) -> str:
        """Return a group, or the one atom that stands for it."""
        token = self.take()
        return self.group() if token == "{" else self.atom(token)

    def group(self) -> str:
        """Return the inside of braces whose first one is read already."""
        inside = self.row("}")
        self.take()
        return inside

    def text(self) -> str:
        """Return a group word for word."""
        depth, taken = 0, []
        self.peek()
        while self.place < len(self.tokens):
            token = self.tokens[self.place]
            self.place += 1
            depth += {"{": 1, "}": -1}.get(token, 0)
            if token not in "{}":
                taken.append(_SIGNS.get(token, token) if token.startswith("\\") else token)
            if depth == 0:
                break
        return html.escape("".join(taken), quote=False)

    def atom(self, token: str) -> str:
        """Return what a token, with its arguments, stands for; a command that is unknown stands for itself."""
        if token == "{":
            # In a row of its own, which keeps its signs apart from those around it.
            return f"<mrow>{self.group()}</mrow>"
        if token in _RULES:
            return _RULES[token](self)
        if token in _CLASSES:
            return f'<mrow class="{_CLASSES[token]}">{self.argument()}</mrow>'
        if token in _ACCENTS:
            return f'<mover accent="true">{_one(self.argument())}<mo stretchy="false">{_ACCENTS[token]}</mo></mover>'
        if token in _SPACES:
            return f'<mspace width="{_SPACES[token]}em"></mspace>'
        if token in _NAMED:
            return f"<mi>{token[1:]}</mi><mo>&#8289;</mo>" if token not in _LIMITS else f"<mi>{token[1:]}</mi>"
        return _leaf(token)

    def fraction(self) -> str:
        """A numerator over a denominator."""
        return f"<mfrac>{_one(self.argument())}{_one(self.argument())}</mfrac>"

    def root(self) -> str:
        """A square root."""
        return f"<msqrt>{self.argument()}</msqrt>"

    def brace(self) -> str:
        """A brace under a formula; its label follows as an index."""
        return f'<munder>{_one(self.argument())}<mo stretchy="true">⏟</mo></munder>'

    def under(self) -> str:
        """A small formula under another."""
        below = _one(self.argument())
        return f"<munder>{_one(self.argument())}{below}</munder>"

    def upright(self) -> str:
        """A word."""
        return f'<mi mathvariant="normal">{self.text()}</mi>'

    def bold(self) -> str:
        """A bold letter or digit."""
        return f'<mi class="bold">{self.text()}</mi>'

    def script(self) -> str:
        """A capital in script."""
        return f"<mi>{''.join(map(_script, self.text()))}</mi>"

    def words(self) -> str:
        """Plain text."""
        return f"<mtext>{self.text()}</mtext>"

    def fenced(self) -> str:
        """Brackets as tall as what they hold."""
        opening = _fence(self.take())
        inside = self.row(r"\right")
        self.take()
        return f"<mrow>{opening}{inside}{_fence(self.take())}</mrow>"

    def skip_space(self) -> None:
        """Go past the space that a row asks for below it: cells have room of their own here."""
        if self.tokens[self.place : self.place + 1] == ["["]:
            self.place = self.tokens.index("]", self.place) + 1

    def matrix(self) -> str:
        """Rows of cells, in the brackets of their kind."""
        kind = self.text()
        rows = [[""]]
        while True:
            rows[-1][-1] = self.row("&", r"\\", r"\end")
            token = self.take()
            if token == "&":
                rows[-1].append("")
            elif token == r"\\":
                self.skip_space()
                rows.append([""])
            else:
                break
        self.text()
        lines = "".join(f"<mtr>{''.join(f'<mtd>{cell}</mtd>' for cell in row)}</mtr>" for row in rows)
        opening, closing = _FENCES.get(kind, ("", ""))
        return f"<mrow>{_fence(opening)}<mtable>{lines}</mtable>{_fence(closing)}</mrow>"


_RULES: Mapping[str, Callable[[_Reader], str]] = {
    r"\frac": _Reader.fraction,
    r"\sqrt": _Reader.root,
    r"\underbrace": _Reader.brace,
    r"\underset": _Reader.under,
    r"\mathrm": _Reader.upright,
    r"\mathbf": _Reader.bold,
    r"\mathcal": _Reader.script,
    r"\text": _Reader.words,
    r"\left": _Reader.fenced,
    r"\begin": _Reader.matrix,
}


def _leaf(token: str) -> str:
    """Return a letter, a number or an operator."""
    sign = _SIGNS.get(token) or (html5.get(f"{token[1:]};") if token.startswith("\\") else token)
    if sign is None:
        return f"<mtext>{html.escape(token)}</mtext>"
    text = html.escape(sign, quote=False)
    if sign[0].isdigit():
        return f"<mn>{text}</mn>"
    if sign.isalpha() or sign in _LETTERS:
        return f"<mi>{text}</mi>"
    return f'<mo stretchy="false">{text}</mo>' if sign in _OPENING | _CLOSING | {"|"} else f"<mo>{text}</mo>"


def _script(letter: str) -> str:
    """Return a capital in script; Unicode has some of them under a shorter name."""
    names = (f"{start}SCRIPT CAPITAL {letter}" for start in ("MATHEMATICAL ", ""))
    return next((found for name in names if (found := _character(name))), letter)


def _character(name: str) -> str:
    try:
        return unicodedata.lookup(name)
    except KeyError:
        return ""


def _fence(token: str) -> str:
    sign = _SIGNS.get(token, token)
    return "" if sign in ("", ".") else f"<mo>{html.escape(sign, quote=False)}</mo>"


def _one(inside: str) -> str:
    """Return exactly one element, as fractions and indices want their parts."""
    leaf = re.fullmatch(r"<(mi|mn|mo)( [^<>]*)?>[^<>]*</\1>", inside)
    return inside if leaf else f"<mrow>{inside}</mrow>"
