"""What a text may say for short: words of the expression language that end where it is read, and what is not said at all.

No formula has a second name of a function, a function that is short for a formula, or an array by its lengths; and every
maximum and minimum in one says what its partials are at a tie.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from symbackprop.algebra.formula import Apply, Name, Node, Number, Slot, Stack, walk

ALIASES: Mapping[str, str] = {"log": "ln", "arcsin": "asin", "arccos": "acos", "arctan": "atan"}
"""Second names of functions."""

DEFINITIONS: Mapping[str, str] = {
    "sinh": "(exp(u) - exp(-u))/2",
    "cosh": "(exp(u) + exp(-u))/2",
    "sec": "1/cos(u)",
    "cot": "cos(u)/sin(u)",
    "log2": "ln(u)/ln(2)",
}
"""Functions that are short for a formula in u."""

CONSTANT_ARRAYS: Mapping[str, Callable[[tuple[int, ...]], int]] = {
    "ones": lambda index: 1,
    "zeros": lambda index: 0,
    "eye": lambda index: int(len(set(index)) == 1),
}
"""Arrays of zeros and ones by their lengths, as functions of the index."""

LENGTHS = frozenset(("reshape",))
"""Functions that take lengths of axes behind their argument."""

ORDERS = frozenset(("transpose",))
"""Functions that take numbers of axes behind their argument, or nothing."""

KEEPS = "keepdims"
"""The keyword by which a reduction leaves an axis of length 1 in the place of each that it joins."""

HALF = Fraction(1, 2)


def constant_array(name: str, lengths: Sequence[int]) -> Node:
    """Return an array of zeros and ones by the lengths of its axes as a literal; `eye` has two of the same length.

    >>> constant_array("ones", [2])
    Stack(items=(Number(value=Fraction(1, 1)), Number(value=Fraction(1, 1))))
    """
    entry = CONSTANT_ARRAYS[name]

    def part(index: tuple[int, ...], rest: Sequence[int]) -> Node:
        if not rest:
            return Number(Fraction(entry(index)))
        return Stack(tuple(part((*index, place), rest[1:]) for place in range(rest[0])))

    return part((), [*lengths, *lengths] if name == "eye" else lengths)


def tied(apply: Apply, relu_at_zero: Fraction = Fraction(0)) -> Apply:
    """Return a maximum or minimum of two with its partials at a tie; together they are 1.

    Beside a constant the partial is that of ReLU at 0, for max(0, z) is ReLU and min(0, z) the rest of z; two that vary have
    a half each, as in PyTorch and JAX. Any other function is itself.

    >>> tied(Apply("min", (Number(Fraction(0)), Name("z")))).at_kink, tied(Apply("max", (Name("u"), Name("v")))).at_kink
    (Fraction(1, 1), Fraction(1, 2))
    """
    if apply.function not in ("max", "min") or len(apply.arguments) != 2:
        return apply
    if all(any(isinstance(part, Name | Slot) for part in walk(each)) for each in apply.arguments):
        return replace(apply, at_kink=HALF)
    return replace(apply, at_kink=relu_at_zero if apply.function == "max" else 1 - relu_at_zero)
