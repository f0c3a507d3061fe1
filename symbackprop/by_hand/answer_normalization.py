"""What students type, put into the signs of the expression language: word processors and books have others.

A text is rewritten step by step, by tables, and every character keeps the column in which it was typed, so that a caret
under a mistake stands where the student made it. Nothing is evaluated.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from symbackprop.algebra.functions import ACTIVATIONS
from symbackprop.graph.notation import GREEK_LETTERS
from symbackprop.registry import derived

_SIGNS = str.maketrans(
    dict.fromkeys("−–—‐‑‒﹣－", "-")
    | dict.fromkeys("×·⋅∙•∗✕✖", "*")
    | dict.fromkeys("÷∕⁄", "/")
    | dict.fromkeys("“”„‟‘’‚′`´", "'")
    | dict.fromkeys("≃~∼≅", "≈")
    | {"、": ",", "。": ".", "【": "(", "】": ")", "^": "**", "π": "pi", "√": "sqrt", "٫": ".", "٬": "'"}
)
"""Signs that stand for those of the expression language. NFKC knows the full-width ones."""
_RAISED, _LOWERED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾", "₀₁₂₃₄₅₆₇₈₉"
_DIGITS = str.maketrans(_RAISED + _LOWERED, "0123456789+-()" + "0123456789")
_FRACTIONS = "".join(
    sign for sign in map(chr, range(0xBC, 0x218A)) if re.fullmatch(r"\d+⁄\d+", unicodedata.normalize("NFKC", sign))
)
"""½, ⅓, ¾, …"""

_PLAIN = re.compile(r"[\w\s.,;:+*/()=@'-]*", re.ASCII)
"""What is in plain signs already."""
_MIXED = re.compile(rf"(?:(?<![\w.,])(\d+)[ \u00a0]?)?([{_FRACTIONS}])(\s*(?=[^\W\d_{_FRACTIONS}{_RAISED}]|[(（]))?")
_LAYER = re.compile(rf"(?<=[^\W\d_])(?:⁽([{_RAISED[:10]}]+)⁾|([{_RAISED[:10]}]+)(?=[{_LOWERED}])|\^\(?(\d+)\)?(?=_))")
"""The layer in a name as documents print it, z⁽¹⁾₂: above the letter, in parentheses or before an index."""
_POWER = re.compile(f"[{_RAISED}]+")
_INDEX = re.compile(rf"(?<=\w)[{_LOWERED}]+")
_PARTIAL = re.compile(r"(?:∂|\bd)([^\W\d]\w*)\s*/\s*(?:∂|d)([^\W\d]\w*(?:@\d+)?(?:@step\d+)?)")
_NAME = re.compile(r"[^\W\d]\w*(?:@\d+)?(?:@step\d+)?(?!\w)")
_EULER = re.compile(r"\be(?=\s*\*\*)")
_ROOT = re.compile(r"\bsqrt(?=\s*[\w.])\s*(\w[\w.]*)")
_TIMES = re.compile(r"(?:(?<![\w.,])(?<!\*\*)\d+(?:[.,]\d+)?(?![\d.,]|[eE][+-]?\d)|\))(?=\s*(?:\(|[^\W\d]))")
"""A number or a parenthesis that multiplies what follows, without a sign."""
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:(,)\d{3})+(\.)\d+|[+-]?\d{1,3}(?:(\.)\d{3})+(,)\d+")
_GROUPED = re.compile(r"[+-]?\d{1,3}([ '])\d{3}(?:\1\d{3})*(?:[.,]\d+)?")
"""Digits in groups of three, set off by what is no decimal sign."""
_LATEX: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\\(?:left|right|displaystyle)(?![a-zA-Z])|\\[,;:! ()]|\$"), ""),
    (re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}"), r"((\1)/(\2))"),
    (re.compile(r"\\sqrt\s*\{([^{}]*)\}"), r"sqrt(\1)"),
    (re.compile(r"\^\s*\{([^{}]*)\}"), r"^(\1)"),
    (re.compile(r"_\s*\{([^{}]*)\}"), r"_\1"),
    (re.compile(r"\\(?:times|cdot|ast)(?![a-zA-Z])"), "*"),
    (re.compile(r"\\div(?![a-zA-Z])"), "/"),
    (re.compile(r"\\approx(?![a-zA-Z])"), "≈"),
    (re.compile(r"\^\(\((\w+)\)\)"), r"^(\1)"),
)
"""What people type of LaTeX, as they would type it without; what stands in braces has none inside."""
_COMMAND = re.compile(r"\\([a-zA-Z]+)")
_FUNCTIONS: Mapping[str, str] = derived(
    {}, lambda: {"tg": "tan", **{name: row.name for row in ACTIVATIONS.values() for name in row.spellings}}
)
"""What people type for functions that have another name here."""
_SAMPLE = "_of_sample_"


@dataclass(frozen=True, slots=True)
class AnswerText:
    """A text on its way into the expression language, with the column in which each of its characters was typed."""

    text: str
    columns: tuple[int, ...]
    source: str

    @staticmethod
    def of(source: str) -> AnswerText:
        """Return a text as it was typed, without characters that cannot be seen."""
        seen = [at for at, character in enumerate(source) if unicodedata.category(character) != "Cf"]
        return AnswerText("".join(source[at] for at in seen), tuple(seen), source)

    def rewritten(self, pattern: re.Pattern[str], change: Callable[[re.Match[str]], str]) -> AnswerText:
        """Return the text with every match changed; what is new stands in the column where the match begins."""
        texts: list[str] = []
        columns: list[int] = []
        end = 0
        for match in pattern.finditer(self.text):
            new = change(match)
            texts += [self.text[end : match.start()], new]
            own = self.columns[match.start() : match.end()]
            columns += self.columns[end : match.start()]
            columns += own if new == match[0] else [self.columns[match.start()]] * len(new)
            end = match.end()
        return AnswerText("".join([*texts, self.text[end:]]), (*columns, *self.columns[end:]), self.source)

    def spelled(self, change: Callable[[str], str]) -> AnswerText:
        """Return the text with every character changed by itself."""
        pieces = [change(character) for character in self.text]
        columns = tuple(at for at, piece in zip(self.columns, pieces, strict=True) for _ in piece)
        return AnswerText("".join(pieces), columns, self.source)

    def part(self, start: int, end: int | None = None) -> AnswerText:
        """Return a part of the text."""
        return AnswerText(self.text[start:end], self.columns[start:end], self.source)

    def stripped(self, before: str, after: str = "") -> AnswerText:
        """Return the text without some characters, and without spaces, at its ends."""
        start = len(self.text) - len(self.text.lstrip(before + " \t\r\n"))
        end = len(self.text.rstrip(after + " \t\r\n"))
        return self.part(start, max(start, end))


def plain(source: str) -> AnswerText:
    """Return a text in plain signs: ½ is (1/2), 1½ is (1+1/2), 10⁻³ is 10**(-3), z⁽¹⁾₂ is z1_2, full-width signs are narrow.

    >>> plain("1½ − a1₁²").text
    '(1+1/2) - a1_1**(2)'
    """
    if _PLAIN.fullmatch(source):
        return AnswerText(source, tuple(range(len(source))), source)
    answer = _without_latex(AnswerText.of(source)).rewritten(_MIXED, _mixed)
    answer = answer.rewritten(_LAYER, lambda found: "".join(filter(None, found.groups())).translate(_DIGITS))
    answer = answer.rewritten(_POWER, lambda found: f"^({found[0].translate(_DIGITS).strip('()')})")
    answer = answer.rewritten(_INDEX, lambda found: f"_{found[0].translate(_DIGITS)}")
    return answer.spelled(_plain_sign)


def _plain_sign(character: str) -> str:
    """Return a character in plain signs; a digit of any script is that digit."""
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    return unicodedata.normalize("NFKC", character.translate(_SIGNS)).translate(_SIGNS)


def _without_latex(answer: AnswerText) -> AnswerText:
    r"""Return a text without the commands of LaTeX, the innermost first: \frac{1}{2} is ((1)/(2))."""
    if not any(sign in answer.text for sign in "\\${"):
        return answer
    before = None
    while answer.text != before:
        before = answer.text
        for pattern, text in _LATEX:
            answer = answer.rewritten(pattern, lambda found, text=text: found.expand(text))  # type: ignore[misc]
    return answer.rewritten(_COMMAND, lambda found: found[1])


def _mixed(found: re.Match[str]) -> str:
    fraction = unicodedata.normalize("NFKC", found[2]).replace("⁄", "/")
    times = "" if found[3] is None else "*"
    return f"({found[1]}+{fraction}){times}" if found[1] else f"({fraction}){times}"


def decimal_point(answer: AnswerText) -> AnswerText:
    """Return a number in which a second sign sets off thousands without these: 1,234.5 and 1.234,5 are the same.

    A space or an apostrophe between groups of three digits sets off thousands too.

    >>> decimal_point(AnswerText.of("1.234,5")).text, decimal_point(AnswerText.of("1,5")).text
    ('1234.5', '1,5')
    >>> decimal_point(AnswerText.of("12 592,65")).text, decimal_point(AnswerText.of("12 59")).text
    ('12592.65', '12 59')
    """
    found = _THOUSANDS.fullmatch(answer.text) or _GROUPED.fullmatch(answer.text)
    if found is None:
        return answer
    thousands = next(filter(None, (found[1], *found.groups()[2:3])))
    return answer.spelled(lambda sign: "" if sign == thousands else "." if sign in ",." else sign)


def named(answer: AnswerText, known: Collection[str], functions: Collection[str]) -> AnswerText:
    """Return an expression with its names as the answers have them, where they are written otherwise.

    σ(…) is sigmoid(…), ∂L/∂z1_1 is dL_dz1_1, e** is exp(1)**; a name that is not known is that one which has the same
    letters and digits, δ₁ and delta_1 for delta1, if there is only one. Others are left, to be reported. 2a(1 - a) is a
    product, but for 1/2a there are two readings, and it is reported too.
    """
    keys, divides = _Keys(known), "/" in answer.text
    if not divides:
        answer = answer.rewritten(_TIMES, lambda found: f"{found[0]}*")
    answer = answer.rewritten(_PARTIAL, lambda found: keys.find(f"d{found[1]}_d{found[2]}") or found[0])
    answer = answer.rewritten(_ROOT, lambda found: f"sqrt({found[1]})")
    if "e" not in known:
        answer = answer.rewritten(_EULER, lambda found: "exp(1)")

    def spelled(found: re.Match[str]) -> str:
        name, known_name = found[0], keys.find(found[0])
        is_called = answer.text[found.end() :].lstrip().startswith("(")
        if is_called and known_name is None:
            return name if name in functions else _FUNCTIONS.get(_bare(name), name)
        times = "*" if is_called and not divides else ""
        return in_expression(known_name or name) + times

    return answer.rewritten(_NAME, spelled)


def in_expression(name: str) -> str:
    """Return a name as the expression language can read it: z1_2@3, which is sample 3, has a sign that is no letter."""
    return name.replace("@", _SAMPLE)


class _Keys:
    """Names by their letters and digits alone."""

    def __init__(self, names: Collection[str]) -> None:
        self.names = names

    @functools.cached_property
    def _table(self) -> Mapping[str, list[str]]:
        table: dict[str, list[str]] = {}
        for known in self.names:
            table.setdefault(_bare(known), []).append(known)
        return table

    def find(self, name: str) -> str | None:
        """Return the one name with the same letters and digits, if there is one and only one."""
        if name in self.names:
            return name
        alike = self._table.get(_bare(name), [])
        return alike[0] if len(alike) == 1 else None


def _bare(name: str) -> str:
    return "".join(GREEK_LETTERS.get(character, character) for character in name).replace("_", "")
