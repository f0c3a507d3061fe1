"""What a student typed: a decimal with point or comma, a fraction, or an expression in the problem's own names.

Nothing is evaluated but by the whitelist parser, after signs and names were put into its spelling
(`symbackprop.by_hand.answer_normalization`).
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symbackprop.algebra import expressions, tokens
from symbackprop.algebra.forms import abstracted
from symbackprop.algebra.formula import Name, Node, Number, rewrite
from symbackprop.algebra.functions import ARITIES
from symbackprop.by_hand.answer_normalization import AnswerText, decimal_point, in_expression, named, plain
from symbackprop.errors import SymbackpropError
from symbackprop.evaluation.arithmetics import FLOAT

_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d{1,3})?")
_POWER_OF_TEN = re.compile(r"(?:\s*(?:\*|(?<=[\d.\s])[xX])\s*|(?<=[\d.])\s+)10\s*\*\*\s*\(?\s*([+-]?\d{1,3})\s*\)?\s*$")
_EXPONENT = re.compile(r"(?<=[\d.])\s+[eE](?=[+-]?\s*\d)")
_BEFORE = re.compile(
    r"(?:(?:约(?:为|等于)?|大约|答案?|about|approx(?:\.|imately)?|ca\.?|circa|ans(?:\.|wer)?)\s*[:=]?\s*)+",
    re.IGNORECASE,
)
_AFTER = re.compile(r"\s*(?:左右|\(?(?:rounded|approx\.?|approximately)\)?)", re.IGNORECASE)
"""Words around a number that say nothing else of it."""
_DECIMAL = re.compile(r"(?<![\w.,/])(\d*)(?:[.,](\d+))?(?:[eE ×*x%].*)?$")
"""The digits of a decimal, before and after the point."""
_MIXED = re.compile(r"([+-]?)(\d+)\s+(\d+)\s*/\s*(\d+)")
"""A mixed number; where its fraction is none of a mixed number, it is something else."""
_FRACTION = re.compile(r"([+-]?\d{1,60})\s*/\s*(\d{1,60})")
_SIDES = re.compile(r"[=≈]")
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)")
_SEMICOLON = re.compile(";")
SHOWN = 12
"""Digits of a number that somebody typed, or a program, which are shown; as many have numbers in files."""
_LONG = re.compile(rf"\s*([+-]?(?=\d*[.,])0*[.,]?0*[1-9](?:[.,]?\d){{{SHOWN - 1}}})\d+((?:[eE][+-]?\d+)?)\s*")
_BLANKS = ("", "-", "--", "?", "n/a", "N/A", "/")
_LONGEST = 500
_SIMPLE = re.compile(r"-?\d{1,20}\.\d{1,20}", re.ASCII)
"""A decimal as most are typed, in which there is nothing to be found out."""
_LARGEST = Fraction(sys.float_info.max)


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """An answer as it was read: a formula (a number, or names among it), or the mistake that kept it from being read."""

    text: str
    formula: Node | None
    mistake: SymbackpropError | None = None

    @property
    def is_blank(self) -> bool:
        """Whether nothing was typed."""
        return self.formula is None and self.mistake is None

    @property
    def number(self) -> Fraction | None:
        """The number that was typed, if it was a plain one."""
        return self.formula.value if isinstance(self.formula, Number) else None


def read(text: str, own: Collection[str], known: Mapping[str, str]) -> ParsedAnswer:
    """Return what a text says; `own` are the answer's own names (`z1 = 0.4` is 0.4), `known` maps names to keys.

    >>> read("0,5", (), {}).number
    Fraction(1, 2)
    >>> read("1,5e-3", (), {}).number
    Fraction(3, 2000)
    """
    if _SIMPLE.fullmatch(text):
        return ParsedAnswer(text, Number(Fraction(text)))
    answer = _without_brackets(_own_side(plain(text[: _LONGEST + 1]).stripped("'", "'"), own))
    if not {"e", "E"} & known.keys():
        answer = answer.rewritten(_EXPONENT, lambda found: found[0].strip())
    if answer.text in _BLANKS:
        return ParsedAnswer(text, None)
    readings = (reading(answer) for reading in (_number, _mixed, _stated_twice, _in_words))
    value = next((each for each in readings if each is not None), None)
    if value is not None:
        return ParsedAnswer(text, Number(value))
    try:
        return ParsedAnswer(text, _parsed(answer, known))
    except SymbackpropError as error:
        return ParsedAnswer(text, None, error)


def names_itself(text: str, own: Collection[str]) -> bool:
    """Say whether a text is nothing but the name of what is asked."""
    answer = plain(text[: _LONGEST + 1]).stripped("'$", "'$")
    return named(answer, own, ()).text.strip() in {in_expression(name) for name in own}


def unit(parsed: ParsedAnswer) -> Fraction | None:
    """Return the unit of the last digit that was typed of a decimal; None for another answer and for 0.

    >>> unit(read("0.0130", (), {})), unit(read("1,3e-2", (), {})), unit(read("1/3", (), {}))
    (Fraction(1, 10000), Fraction(1, 1000), None)
    """
    number, found = parsed.number, _DECIMAL.search(plain(parsed.text).text)
    if not number or found is None:
        return None
    size = Fraction(10) ** -len(found[2] or "")
    # A power of ten that was typed with it makes the number so many times what its digits say.
    digits = abs(Fraction(f"{found[1] or 0}.{found[2] or 0}"))
    return size * abs(number) / digits if digits else None


def shortened(text: str) -> str:
    """Return what was typed, of a decimal with more digits than anybody carries the first `SHOWN` and ….

    >>> shortened("0.5932700514341862"), shortened("-1234,5"), shortened("2.0000000000000004e-05")
    ('0.593270051434…', '-1234,5', '2.00000000000…e-05')
    """
    found = _LONG.fullmatch(text)
    return f"{found[1]}…{found[2]}" if found else text


def precision(parsed: ParsedAnswer) -> float:
    """Return half a unit of the last digit that was typed of a decimal, 0 for another answer, ∞ where no float is so large.

    >>> precision(read("0.0130", (), {})), precision(read("0.000", (), {})), precision(read("1/3", (), {}))
    (5e-05, 0.0005, 0.0)
    """
    if parsed.number == 0:
        return float(_half_unit(plain(parsed.text).text.strip()))
    last = unit(parsed) or Fraction(0)
    return float(last / 2) if last <= _LARGEST else math.inf


def value_of(formula: Node, values: Mapping[str, Any]) -> float | None:
    """Return the number of a formula over keys, None where it has no finite one."""
    try:
        if isinstance(formula, Number):
            return float(formula.value)
        form, arguments = abstracted(formula)
        found = float(FLOAT.function(form.formula, form.arity)(*[float(values[name]) for name in arguments]))
    except (SymbackpropError, ArithmeticError, ValueError, TypeError):
        return None
    return found if math.isfinite(found) else None


def _own_side(answer: AnswerText, own: Collection[str]) -> AnswerText:
    """Return what stands behind the answer's own name and an equality sign, without a full stop at the end."""
    sign = _SIDES.search(answer.text)
    left = answer.text[: sign.start()] if sign else ""
    name = named(answer.part(0, len(left)), own, ()).text.strip() if left else ""
    if name in own:
        answer = answer.part(len(left) + 1)
    return answer.stripped("=≈", ".;," if any(sign.isdigit() for sign in answer.text) else "")


def _number(answer: AnswerText) -> Fraction | None:
    """Return a plain decimal, with a power of ten or a percent sign if it has one."""
    bare = answer.part(0, -1).stripped("") if answer.text.endswith("%") else answer
    text = _POWER_OF_TEN.sub(r"e\1", decimal_point(bare).text)
    if not _NUMBER.fullmatch(text):
        return None
    value = tokens.decimal(text.replace(",", ".").rstrip("."))
    return value if value is None or bare is answer else value / 100


def _in_words(answer: AnswerText) -> Fraction | None:
    """Return a plain decimal with words beside it that say nothing else: about 0.3, 0.3 (rounded), 约0.3."""
    before = _BEFORE.match(answer.text)
    rest = answer if before is None else answer.part(before.end())
    after = next((found for found in _AFTER.finditer(rest.text) if found.end() == len(rest.text)), None)
    rest = rest if after is None else rest.part(0, after.start())
    return None if rest is answer else _number(rest.stripped("≈", "."))


def _without_brackets(answer: AnswerText) -> AnswerText:
    """Return what stands between brackets, where it is one thing: [0.5] is 0.5."""
    text = answer.text
    if text[:1] == "[" and text[-1:] == "]" and not any(sign in text[1:-1] for sign in "[],;"):
        return answer.part(1, len(text) - 1).stripped("")
    return answer


def _mixed(answer: AnswerText) -> Fraction | None:
    """Return a mixed number: 1 1/2 is 3/2."""
    found = _MIXED.fullmatch(answer.text)
    if found is None or not int(found[3]) < int(found[4]):
        return None
    value = int(found[2]) + Fraction(int(found[3]), int(found[4]))
    return -value if found[1] == "-" else value


def _stated_twice(answer: AnswerText) -> Fraction | None:
    """Return a number that is stated as a decimal and as a fraction, 0.5 = 1/2, where both say the same.

    A decimal says the same as what it is when rounded to its digits; the fraction is then what is meant.
    """
    ends = [found.end() for found in _SIDES.finditer(answer.text)]
    starts, stops = [0, *ends], [*(end - 1 for end in ends), len(answer.text)]
    sides = [answer.part(start, stop).stripped("") for start, stop in zip(starts, stops, strict=True)]
    found = []
    for side in sides:
        fraction = _FRACTION.fullmatch(side.text)
        value = _number(side)
        if fraction is not None and int(fraction[2]):
            found.append((Fraction(0), Fraction(int(fraction[1]), int(fraction[2]))))
        elif value is not None:
            found.append((_half_unit(side.text), value))
    if len(found) < len(sides) or len(sides) == 1:
        return None
    doubt, meant = min(found)
    return meant if all(abs(value - meant) <= doubt + other for other, value in found) else None


def _half_unit(text: str) -> Fraction:
    """Return half a unit of the last digit of a plain decimal, 0 where it has a power of ten."""
    if not text.strip("+-").replace(",", ".").replace(".", "", 1).isdigit():
        return Fraction(0)
    places = len(text) - 1 - max(text.rfind("."), text.rfind(",")) if set(text) & set(".,") else 0
    return Fraction(1, 2 * 10**places) if places else Fraction(0)


def _parsed(answer: AnswerText, known: Mapping[str, str]) -> Node:
    answer = named(answer, known, ARITIES)
    if ";" in answer.text:  # Between arguments, where decimals have commas.
        answer = answer.rewritten(_DECIMAL_COMMA, lambda found: ".").rewritten(_SEMICOLON, lambda found: ",")
    try:
        return _over_keys(answer, known)
    except SymbackpropError:
        pointed = answer.rewritten(_DECIMAL_COMMA, lambda found: ".")
        if pointed.text == answer.text:
            raise
        return _over_keys(pointed, known)


def _over_keys(answer: AnswerText, known: Mapping[str, str]) -> Node:
    keys = {in_expression(name): key for name, key in known.items()}
    formula = expressions.parse(
        answer.text, functions=ARITIES, names=tuple(keys), arities=ARITIES, original=(answer.source, answer.columns)
    )
    return rewrite(formula, lambda part: Name(keys[part.name]) if isinstance(part, Name) else None)
