"""Exact values of the numbers in a problem: `0.1` is 1/10, `"1/3"` a third, `"ln(2)"` exact, `"sqrt(2)"` a float."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from symbackprop.algebra import expressions, tokens
from symbackprop.algebra.broadcasting import Shape, spell
from symbackprop.algebra.formula import Apply, Negative, Node, Number, Power, Product, Quotient, Sum, walk
from symbackprop.algebra.functions import ARITIES
from symbackprop.arithmetic import decimals, exact
from symbackprop.arithmetic.exact import CONTEXT
from symbackprop.errors import EvaluationError, ProblemError, SymbackpropError, unknown
from symbackprop.limits import MAGNITUDE
from symbackprop.messages import message
from symbackprop.problems.types import Array, Given

_ZERO, _ONE = Given(Fraction(0), "0"), Given(Fraction(1), "1")


class Rows(list[Any]):
    """The rows of a frame, with the names of its columns."""

    columns: tuple[object, ...] = ()


def columns_named(columns: Sequence[object], names: Sequence[str], where: str) -> list[int] | None:
    """Return where the columns of some names stand; None where order tells them: there are no names, or no texts.

    Raises `UnknownNameError` for a name that no column has.
    """
    if not names or not columns or not all(isinstance(column, str) for column in columns):
        return None
    for name in names:
        if name not in columns:
            raise unknown("column", name, map(str, columns), where=where)
    return [columns.index(name) for name in names]


_EULER = re.compile(r"\bE\b")


def plain(content: Any) -> Any:
    """Return what Python programs hold numbers in as mappings, lists and single values: the one converter of them all.

    Arrays and tensors become lists, frames lists with `columns`, a float of any size the shortest decimal that it
    stands for, and a number of SymPy a fraction or the text of its expression. What is none of these stays, to be
    refused where it stands.

    >>> import numpy, sympy
    >>> plain({"W1": numpy.float32([0.1]), "b1": (sympy.Rational(1, 3), sympy.sqrt(2))})
    {'W1': [0.1], 'b1': [Fraction(1, 3), 'sqrt(2)']}
    """
    if isinstance(content, Mapping):
        return {key: plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [plain(value) for value in content]
    if hasattr(content, "detach"):
        content = content.detach().cpu()
        content = content.numpy() if "bfloat" not in str(content.dtype) else content.double().numpy()
    if hasattr(content, "to_numpy"):
        rows = Rows(plain(content.to_numpy()))
        rows.columns = tuple(getattr(content, "columns", ()))
        return rows
    if getattr(getattr(content, "dtype", None), "kind", "") == "f" and content.dtype.itemsize != _DOUBLE:
        return content.astype(str).astype(float).tolist()
    if hasattr(content, "tolist"):
        found = content.tolist()
        return plain(found) if isinstance(found, list) else found
    if getattr(content, "is_Rational", False):
        return Fraction(int(content.p), int(content.q))
    if getattr(content, "is_number", False) and hasattr(content, "free_symbols"):
        return _EULER.sub("exp(1)", str(content))
    return content


_DOUBLE = 8
"""The bytes of a float64."""


def decimal(text: str, where: str = "") -> Decimal:
    """Return the number in a decimal; raises `ProblemError` for an exponent that is beyond all bounds."""
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ProblemError(message("problem.finite", value=text[:60]), where=where) from None


_INFINITE = ("inf", "infinity", "oo", "∞")
_MASKED = Given(exact.Real("-inf"), "-inf")
"""What a mask adds to a score that is to count for nothing."""


def number(value: object, where: str, *, is_masking: bool = False) -> Given:
    """Return one number of the problem; `where` is its key, for messages; −∞ is one where it `is_masking`.

    >>> number("1/3", "learning_rate").value
    Fraction(1, 3)

    Raises `ProblemError` for what is no number, `ExpressionError` for a text that is no expression.
    """
    if isinstance(value, Fraction):
        value = str(value)
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ProblemError(message("problem.number", value=_spell(value)), where=where)
    text = value if isinstance(value, str) else repr(value) if isinstance(value, float) else str(value)
    name = text.strip().lstrip("+-").lower()
    if name in _INFINITE and is_masking and text.strip().startswith("-"):
        return _MASKED
    if name in _INFINITE:
        raise ProblemError(message("problem.infinite", value=_spell(text)), where=where)
    if isinstance(value, str):
        return Given(_expression(value, where), text.strip())
    number = None if name == "nan" else tokens.decimal(text)
    if number is None:
        raise ProblemError(message("problem.finite", value=_spell(text)), where=where)
    return Given(exact.settle(number), text)


def stated(value: Fraction) -> Given:
    """Return a number of ours as the problem would state it: a decimal where it ends, else a fraction.

    >>> stated(Fraction(1, 100)).text
    '0.01'
    """
    return Given(value, decimals.stated(value))


def _expression(text: str, where: str) -> exact.Exact:
    try:
        formula = expressions.parse(text, functions=ARITIES, names=(), arities=ARITIES)
        found = exact.settle(exact.evaluate(formula))
    except SymbackpropError as error:
        raise error.at(where) from None
    if not isinstance(found, Fraction) and found and abs(CONTEXT.mag(exact.to_real(found))) > MAGNITUDE * math.log2(10):
        raise ProblemError(message("problem.magnitude", limit=MAGNITUDE), where=where)
    return found


def _spell(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "…"


def array(value: object, shape: Shape, where: str, *, is_masking: bool = False) -> Array:
    """Return an array of exactly this shape; None entries are only possible by leaving the whole array out."""
    found = shape_of_value(value, where)
    if found != shape:
        raise ProblemError(message("problem.shape", found=spell(found), expected=spell(shape)), where=where)
    return Array(shape, tuple(_flat(value, where, is_masking=is_masking)))


def unknown_array(shape: Shape) -> Array:
    """Return an array of symbols: no number is given."""
    return Array(shape, (None,) * math.prod(shape))


def one_hot(index: int, count: int) -> tuple[Given, ...]:
    """Return the targets of a sample of one of `count` classes."""
    return tuple(_ONE if place == index else _ZERO for place in range(count))


def is_list(value: object) -> bool:
    """Say whether a value is a list (and not a text)."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def shape_of_value(value: object, where: str) -> Shape:
    """Return the shape of nested lists; rows of different lengths are an error."""
    if not is_list(value):
        return ()
    assert isinstance(value, Sequence)
    shapes = {shape_of_value(item, f"{where}[{position}]") for position, item in enumerate(value)}
    if len(shapes) > 1:
        raise ProblemError(message("problem.ragged"), where=where)
    return (len(value), *(shapes.pop() if shapes else ()))


def _flat(value: object, where: str, *, is_masking: bool) -> list[Given]:
    if not is_list(value):
        return [number(value, where, is_masking=is_masking)]
    assert isinstance(value, Sequence)
    return [
        entry
        for position, item in enumerate(value)
        for entry in _flat(item, f"{where}[{position}]", is_masking=is_masking)
    ]


def fraction(given: Given, where: str) -> Fraction:
    """Return a rational number; raises `ProblemError` for another one."""
    if not isinstance(given.value, Fraction):
        raise ProblemError(message("problem.rational", value=given.text), where=where)
    return given.value


def positive_fraction(value: object, where: str) -> Fraction:
    """Return a rational number of the problem that is more than 0."""
    found = fraction(number(value, where), where)
    if found <= 0:
        raise ProblemError(message("problem.bound", relation=">", limit=0), where=where)
    return found


def fraction_between(value: object, lowest: int, highest: int | None, where: str) -> Fraction:
    """Return a rational number of the problem within bounds, both included; `highest` None is no bound."""
    given = number(value, where)
    found = fraction(given, where)
    if highest is None and found < lowest:
        raise ProblemError(message("problem.bound", relation="≥", limit=lowest), where=where)
    if highest is not None and not lowest <= found <= highest:
        raise ProblemError(message("problem.between", value=given.text, lowest=lowest, highest=highest), where=where)
    return found


def check_constants(formula: Node) -> None:
    """Raise `EvaluationError` where a formula of the user's own has no value, whatever is put into it: 1/0, ln(0)."""
    for part in walk(formula):
        if isinstance(part, Quotient) and _constant(part.denominator) == 0:
            raise EvaluationError(message("evaluation.not_real"))
        _constant(part)


def _constant(part: Node) -> exact.Exact | None:
    """Return the value of a part without names; None with names, or for arrays."""
    for each in walk(part):
        if not isinstance(each, _SCALAR) or (isinstance(each, Apply) and each.function not in ARITIES):
            return None
    return exact.evaluate(part)


_SCALAR = (Number, Sum, Product, Quotient, Power, Negative, Apply)
"""The parts of a formula that is a number where its names are."""
