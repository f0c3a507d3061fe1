"""Boxes → words: a formula as it is read aloud, in a language; what a page says to those who do not see it.

What stands for each sign and each arrangement are phrases (`speech`, `speech_sign`). Parts that are more than one word say
where they end, so that a formula can be written down again from its words.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from symbackprop import language as phrases
from symbackprop.graph.notation import GREEK_BY_NAME, Symbol
from symbackprop.rendering.dialects.table import complete
from symbackprop.rendering.layout import boxes

_SIGNS = {
    "+": "plus", "-": "minus", "−": "minus", "×": "times", "·": "times", "⊙": "elementwise", "←": "becomes", "≤": "most",
    "≥": "least", "≠": "different", "∈": "member", "∑": "sum", "…": "and_so_on", "⋯": "and_so_on", "⊤": "transpose",
    "|": "bar", "⟨": "open_angle", "⟩": "close_angle", "(": "open", ")": "close", "[": "open_bracket", "]": "close_bracket",
    "{": "open_brace", "}": "close_brace", "∂": "partial", "d": "differential", "′": "prime", "/": "over", "=": "equals",
    "≈": "about", "<": "less", ">": "greater", "∞": "infinity", ":": "to",
}  # fmt: skip
"""The phrase for each sign that has one; every other stands for itself."""
_PAUSES = frozenset(",;")
_PRODUCT = boxes.THIN.ems
"""Room between two factors."""
_SECOND, _UPDATED = "2", "+"


@functools.cache
def spoken_in(language: str) -> Callable[[boxes.Box], str]:
    """Return what reads boxes aloud in a language.

    >>> spoken_in("en")(boxes.Fraction((boxes.Sign("∂"), Symbol("E")), (boxes.Sign("∂"), Symbol("w", ("5",)))))
    'partial E over partial w 5'
    """
    return _Speaker(language).read


class _Speaker:
    """Reads boxes aloud in a language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.said = phrases.phrases(language)
        self.table = complete(
            f"speech.{language}",
            {
                tuple: self._row,
                Symbol: functools.lru_cache(maxsize=1 << 14)(self._symbol),
                boxes.Number: lambda box: self._number(box.text),
                boxes.Sign: lambda box: self._sign(box.text),
                boxes.Large: lambda box: self._sign(box.text),
                boxes.Infix: lambda box: self._sign(box.text),
                boxes.Space: lambda box: self._sign("×") if box.ems == _PRODUCT else "",
                boxes.Word: self._word,
                boxes.Text: lambda box: box.text.strip(),
                boxes.Fraction: self._fraction,
                boxes.Root: lambda box: self._say("root", body=self._of(box.body)),
                boxes.Scripts: self._scripts,
                boxes.Group: lambda box: self._of(box.body),
                boxes.Fenced: self._fenced,
                boxes.Braced: lambda box: self._say("braced", body=self._of(box.body), label=self._of(box.label)),
                boxes.Under: lambda box: self._say("under", body=self._of(box.body), below=self._of(box.below)),
                boxes.Framed: lambda box: self._say("framed", body=self._of(box.body)),
                boxes.Toned: lambda box: self._of(box.body),
                boxes.Matrix: lambda box: self._say("matrix", rows=self._rows(box.rows)),
                boxes.Cases: self._cases,
                boxes.Lines: lambda box: self._say("lines", lines=", ".join(map(self._of, box.lines))),
                boxes.Blank: lambda box: self._say("blank"),
            },
        )

    def read(self, box: boxes.Box) -> str:
        """Return a box in words, parted by single spaces."""
        return (
            " ".join(self._of(box).split()).replace(" ,", ",").replace(" ，", "，").removesuffix(",").removesuffix("，")
        )

    def _of(self, box: boxes.Box) -> str:
        return self.table[type(box)](box)

    def _say(self, id: str, **parts: object) -> str:
        return self.said[f"speech.{id}"].format_map(parts)

    def _sign(self, sign: str) -> str:
        id = _SIGNS.get(sign)
        return sign if id is None else self.said[f"speech_sign.{id}"]

    def _row(self, row: boxes.Row) -> str:
        words: list[str] = []
        for before, box in zip((None, *row), row, strict=False):
            inside = boxes.bare(box)
            if isinstance(inside, boxes.Fenced) and words and _is_function(before):
                words[-1] = self._applied(words[-1], inside)
            elif isinstance(inside, boxes.Infix | boxes.Sign) and inside.text in _PAUSES and words:
                words[-1] += inside.text
            else:
                words.append(self._of(box))
        return " ".join(filter(None, words))

    def _applied(self, name: str, box: boxes.Fenced) -> str:
        argument = self._of(box.body)
        return self._say("applied" if _is_one_word(argument) else "long_applied", name=name, argument=argument)

    def _number(self, text: str) -> str:
        return f"{self._sign('-')} {text[1:]}" if text.startswith("-") else text

    def _word(self, box: boxes.Word) -> str:
        return self._say("bold", base=box.text) if box.face is boxes.Face.BOLD else box.text

    def _letters(self, text: str) -> str:
        return " ".join(self._sign(each) if each in _SIGNS else each for each in _tokens(text))

    def _symbol(self, found: Symbol) -> str:
        base = GREEK_BY_NAME.get(found.base, found.base) if self.language != phrases.DEFAULT else found.base
        if found.accent:
            base = self._say(found.accent, base=base)
        lower = ", ".join(self._letters(part) if isinstance(part, str) else self._symbol(part) for part in found.lower)
        samples = [part for part in found.upper if part.startswith("[")]
        upper = "".join(part.strip("()") for part in found.upper if part not in (*samples, _UPDATED))
        words = self._scripted(base, lower, self._letters(upper), "upper")
        for sample in samples:
            words = self._say("sample", base=words, number=self._letters(sample.strip("[]")))
        return self._say("updated", base=words) if _UPDATED in found.upper else words

    def _scripted(self, base: str, lower: str, upper: str, kind: str) -> str:
        if lower:
            base = self._say("index" if _is_one_word(lower) else "indices", base=base, lower=lower)
        return self._say(kind, base=base, upper=upper) if upper else base

    def _scripts(self, box: boxes.Scripts) -> str:
        base = boxes.bare(box.base)
        spoken = self._in_parentheses(base) if isinstance(base, boxes.Fenced) else self._of(base)
        lower, upper = ("" if part is None else self._of(part) for part in box[1:])
        if isinstance(base, boxes.Large):
            sign = self._sign(base.text)
            return self._say("range" if upper else "limits", sign=sign, lower=lower, upper=upper)
        if upper and box.upper == boxes.TOP:
            return self._say("transposed", base=self._scripted(spoken, lower, "", ""))
        if upper == _SECOND:
            return self._say("squared", base=self._scripted(spoken, lower, "", ""))
        return self._scripted(spoken, lower, upper, "power" if _is_one_word(upper) else "long_power")

    def _fraction(self, box: boxes.Fraction) -> str:
        above, below = self._of(box.above), self._of(box.below)
        return self._say("derivative" if _is_derivative(box) else "fraction", above=above, below=below)

    def _fenced(self, box: boxes.Fenced) -> str:
        return self._of(box.body) if _is_number(box.body) else self._in_parentheses(box)

    def _in_parentheses(self, box: boxes.Fenced) -> str:
        return f"{self._sign(box.opening)} {self._of(box.body)} {self._sign(box.closing)}"

    def _rows(self, rows: Sequence[Sequence[boxes.Box]]) -> str:
        return "; ".join(
            self._say("row", number=number, cells=", ".join(map(self._of, cells)))
            for number, cells in enumerate(rows, start=1)
        )

    def _cases(self, box: boxes.Cases) -> str:
        cases = [
            self._say("case", value=self._of(value), condition=self._of(condition)) for value, condition in box.rows
        ]
        return self._say("cases", rows="; ".join(cases))


def _is_one_word(text: str) -> bool:
    return " " not in text


def _is_derivative(box: boxes.Fraction) -> bool:
    """Say whether a fraction is a derivative: a second sign of one says where its lower part begins."""
    return all(boxes.is_row(part) and part[:1] in ((boxes.Sign("∂"),), (boxes.Sign("d"),)) for part in box)


def _is_number(box: boxes.Box) -> bool:
    """Say whether a box is a number, in whatever colour."""
    inside = boxes.bare(box)
    return isinstance(inside, boxes.Number) or (isinstance(inside, boxes.Toned) and _is_number(inside.body))


def _is_function(box: boxes.Box | None) -> bool:
    return isinstance(boxes.bare(box) if box is not None else None, Symbol | boxes.Word)


def _tokens(text: str) -> list[str]:
    """Return an index in parts: words, numbers, and single signs between them."""
    found: list[str] = []
    for each in text:
        if found and each not in _SIGNS and found[-1] not in _SIGNS and each.isdigit() == found[-1].isdigit():
            found[-1] += each
        else:
            found.append(each)
    return found
