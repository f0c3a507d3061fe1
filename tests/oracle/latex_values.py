"""Values of printed formulas: fractions while they last, else floats of 60 digits; arrays are lists of rows.

`Names` says what printed symbols stand for; `value` computes a tree of `latex_reader`, and raises `Unknown` for what
nothing is known of. Derivatives are differences: no rule of differentiation is used here.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np

from tests.oracle import deep_arrays
from tests.oracle.array_functions import ROOTED, below_of, value_of
from tests.oracle.deep_arrays import is_deep
from tests.oracle.latex_reader import Term, number_of, parse

CONTEXT = mpmath.mp.clone()
CONTEXT.dps = 90
STEP = Fraction(1, 10**24)
"""The h of differences; with 90 digits their error is about 10⁻⁴⁸ times the third derivative."""

LARGEST_INDEX = 1000
"""No array has so many entries: a formula that has a value for all these indices does not depend on them."""

Number = Any
"""A fraction, or a float of `CONTEXT`."""


class Unknown(Exception):
    """A symbol of which nothing is known, or an operation that is none."""


@dataclass(frozen=True)
class Names:
    """What the symbols of a document stand for.

    `symbols` hold the code name (with its sample, or None) of every printed symbol, `values` and `gradients` the numbers
    by name and sample, `arrays` the elements of arrays by their code name, row by row. `meanings` are formulas of
    quantities, and of functions by their letter (with their variable), as the document prints them. `letters` are numbers
    of symbols that are no quantity, `batch` are the samples of the step, `sample` is the sample in which a symbol
    without one is read, `output` the code name of the loss. `parts` are what the loss is composed of, `leaves` what is
    given. Vectors are columns, or `rows`; `shape` is that of the arrays in hand, where it is known.
    """

    symbols: Mapping[str, tuple[str, int | None]]
    values: Mapping[tuple[str, int | None], Number]
    gradients: Mapping[tuple[str, int | None], Number]
    arrays: Mapping[str, list[list[str]]]
    output: str
    batched: frozenset[str] = frozenset()
    signs: Mapping[str, int] = field(default_factory=dict)
    meanings: Mapping[str, Term] = field(default_factory=dict)
    functions: Mapping[str, tuple[str, Term]] = field(default_factory=dict)
    letters: Mapping[str, Number] = field(default_factory=dict)
    indices: Mapping[str, int] = field(default_factory=dict)
    sample: int | None = None
    batch: tuple[int, ...] = ()
    parts: frozenset[str] = frozenset()
    leaves: frozenset[str] = frozenset()
    rows: bool = False
    shape: tuple[int, ...] | None = None
    moved: Mapping[tuple[str, int | None], Number] = field(default_factory=dict)

    def key(self, text: str) -> str:
        """Return a symbol with the letters among its indices replaced by numbers, where it is none otherwise."""
        for letter, index in self.indices.items():
            if text in self.symbols:
                break
            text = indexed(text, letter, index)
        return text

    def place(self, term: Term) -> tuple[str, int | None]:
        """Return the code name and the sample of a symbol."""
        found = self.symbols.get(self.key(term.text))
        if found is None:
            raise Unknown(term.text)
        name, sample = found
        if name not in self.batched:
            return name, None
        if term.sample:
            own = self.indices.get(term.sample, term.sample)
            return name, int(own) if str(own).isdigit() else self.unsampled(term.text)
        return name, sample or self.sample or self.unsampled(term.text)

    def unsampled(self, text: str) -> int:
        """Refuse a symbol whose sample is not known."""
        raise Unknown(f"sample of {text}")

    def number(self, place: tuple[str, int | None]) -> Number:
        """Return the number of a scalar."""
        if place in self.moved:
            return self.moved[place]
        if place not in self.values:
            raise Unknown(str(place))
        return self.values[place]


def indexed(text: str, letter: str, index: int) -> str:
    """Return a symbol with a letter among its lower indices replaced by a number."""
    base, mark, lower = text.partition("_")
    if re.fullmatch(r"[ijklr\d]{3,4}", lower):
        return base + mark + lower.replace(letter, str(index))
    return base + mark + re.sub(rf"(?<![a-zA-Z\\]){letter}(?![a-zA-Z])|(?<=\b[ijk]){letter}\b|\b{letter}(?=[ijk]\b)",
                                str(index), lower)  # fmt: skip


def real(value: Number) -> Number:
    """Return a float of 90 digits."""
    return CONTEXT.mpf(value.numerator) / value.denominator if isinstance(value, Fraction) else CONTEXT.mpf(value)


def _both(operation: Callable[[Number, Number], Number]) -> Callable[[Number, Number], Number]:
    """Return an operation on two numbers, or entry by entry on arrays of one shape or an array and a number."""

    def applied(left: Number, right: Number) -> Number:
        if is_deep(left) or is_deep(right):
            return _between_deep(applied, left, right)
        if isinstance(left, list) or isinstance(right, list):
            return _entrywise(applied, left, right)
        if isinstance(left, Fraction) != isinstance(right, Fraction):
            left, right = real(left), real(right)
        return operation(left, right)

    return applied


def _between_deep(operation: Callable[[Number, Number], Number], left: Number, right: Number) -> Number:
    return deep_arrays.mapped(operation, *_deep_sides(left, right))


def _deep_sides(left: Number, right: Number) -> tuple[Any, Any]:
    """Return two values as NumPy's arrays."""
    sides = deep_arrays.as_array(left), deep_arrays.as_array(right)
    if sides[0] is None or sides[1] is None:
        raise Unknown("a vector beside an array of more axes")
    return sides


def _entrywise(operation: Callable[[Number, Number], Number], left: Number, right: Number) -> Number:
    left, right = (
        side[0][0] if isinstance(side, list) and shape_of(side) == (1, 1) else side for side in (left, right)
    )
    if not isinstance(left, list) and not isinstance(right, list):
        return [[operation(left, right)]]
    shape = shape_of(left) if isinstance(left, list) else shape_of(right)
    left, right = (side if isinstance(side, list) else [[side] * shape[1]] * shape[0] for side in (left, right))
    left, right = _spread(left, shape_of(right)), _spread(right, shape_of(left))
    if shape_of(left) != shape_of(right):
        raise Unknown(f"shapes {shape_of(left)} and {shape_of(right)}")
    return [[operation(a, b) for a, b in zip(*rows, strict=True)] for rows in zip(left, right, strict=True)]


def _spread(array: Number, shape: tuple[int, int]) -> Number:
    """Return what is added to a matrix of samples: a row for each of its rows, or a column for each of its columns."""
    rows, columns = shape_of(array)
    if rows == 1 and columns == shape[1]:
        return array * shape[0]
    return [row * shape[1] for row in array] if columns == 1 and rows == shape[0] else array


def shape_of(value: Number) -> tuple[int, ...]:
    """Return rows and columns, of an array of more axes all lengths; those of a number are 1."""
    if is_deep(value):
        return tuple(value.shape)
    return (len(value), len(value[0])) if isinstance(value, list) else (1, 1)


add, multiply = _both(operator.add), _both(operator.mul)


def divide(left: Number, right: Number) -> Number:
    """Return a quotient."""
    if is_deep(right):
        is_zero = 0 in right.flat
    else:
        is_zero = any(entry == 0 for row in right for entry in row) if isinstance(right, list) else right == 0
    if is_zero:
        raise Unknown("division by 0")
    return _both(operator.truediv)(left, right)


def matrix_product(left: Number, right: Number) -> Number:
    """Return what two factors side by side are: a product of matrices, or of a number and anything."""
    if is_deep(left) or is_deep(right):
        if not all(is_deep(side) or isinstance(side, list) for side in (left, right)):
            return multiply(left, right)
        return deep_arrays.products(*_deep_sides(left, right), multiply, add)
    if not (isinstance(left, list) and isinstance(right, list)):
        return multiply(left, right)
    if shape_of(left)[1] != shape_of(right)[0]:
        if shape_of(left) == (1, 1):
            return multiply(left[0][0], right)
        if shape_of(right) == (1, 1):
            return multiply(left, right[0][0])
        raise Unknown(f"product of {shape_of(left)} and {shape_of(right)}")
    columns = list(zip(*right, strict=True))
    return [[_total(multiply(a, b) for a, b in zip(row, column, strict=True)) for column in columns] for row in left]


def _total(values: Any) -> Number:
    total: Number = Fraction(0)
    for value in values:
        total = add(total, value)
    return total


def mapped(function: Callable[[Number], Number], value: Number) -> Number:
    """Return a function of every entry."""
    if is_deep(value):
        return deep_arrays.mapped(function, value)
    return [[function(entry) for entry in row] for row in value] if isinstance(value, list) else function(value)


def _power(base: Number, exponent: Number) -> Number:
    if is_deep(base) or is_deep(exponent):
        return _between_deep(_power, base, exponent)
    if isinstance(base, list) or isinstance(exponent, list):
        return _entrywise(_power, base, exponent)
    if isinstance(exponent, Fraction) and exponent.denominator == 1:
        if base == 0 and exponent < 0:
            raise Unknown("division by 0")
        return base ** int(exponent)
    if base < 0:
        raise Unknown("a fractional power of a negative number")
    return real(base) ** real(exponent)


def _real_function(name: str) -> Callable[[Number], Number]:
    function = getattr(CONTEXT, name)

    def applied(value: Number) -> Number:
        if name == "ln" and value <= 0:
            raise Unknown("ln of what is not positive")
        if name == "sqrt" and value < 0:
            raise Unknown("root of a negative number")
        if name == "sqrt" and isinstance(value, Fraction):
            roots = [math.isqrt(part) for part in (value.numerator, value.denominator)]
            if [root * root for root in roots] == [value.numerator, value.denominator]:
                return Fraction(int(roots[0]), int(roots[1]))
        exact = {"exp": (0, 1), "ln": (1, 0), "tanh": (0, 0)}.get(name)
        if exact is not None and isinstance(value, Fraction) and value == exact[0]:
            return Fraction(exact[1])
        return function(real(value))

    return applied


FUNCTIONS: Mapping[str, Callable[..., Number]] = {
    **{name: _real_function(name) for name in ("exp", "sin", "cos", "tan", "tanh")},
    **{rf"\{name}": _real_function(name) for name in ("ln", "exp", "sin", "cos", "tan", "tanh", "sqrt")},
    **{rf"\arc{name}": _real_function(f"a{name}") for name in ("sin", "cos", "tan")},
    r"\mathrm{erf}": _real_function("erf"),
    r"\sigma": lambda z: 1 / (1 + CONTEXT.exp(-real(z))),
    r"\mathrm{sgn}": lambda z: Fraction((z > 0) - (z < 0)),
    r"\mathrm{ReLU}": lambda z: z if z > 0 else Fraction(0),
    r"\mathrm{softplus}": lambda z: CONTEXT.ln(1 + CONTEXT.exp(real(z))),
    "abs": abs,
}
"""The functions that everyone knows; a document's own definition of any other is read off the document."""

COMPARISONS = {"<": operator.lt, ">": operator.gt, r"\le": operator.le, r"\ge": operator.ge, "=": operator.eq}


def value(term: Term, names: Names) -> Number:
    """Return the value of a formula; raises `Unknown`."""
    rule = _RULES.get(term.kind)
    if rule is None:
        raise Unknown(term.kind)
    return rule(term, names)


def _symbol(term: Term, names: Names) -> Number:
    if term.text in names.letters:
        return names.letters[term.text]
    if term.text == r"\pi" and term.text not in names.symbols:
        return CONTEXT.pi()
    if term.text in names.indices:
        return Fraction(names.indices[term.text])
    name, sample = names.place(term)
    sign = names.signs.get(names.key(term.text), 0)
    table = names.gradients if sign else names.values
    if name in names.arrays:
        return _of_elements(names.arrays[name], lambda e: _scaled(names, table, (e, sample), sign))
    return _scaled(names, table, (name, sample), sign)


def _of_elements(elements: Any, number: Callable[[str], Number]) -> Number:
    """Return the numbers of an array by the code names of its elements."""
    if isinstance(elements[0][0], list):
        return deep_arrays.of_nested(elements, number)
    return [[number(element) for element in row] for row in elements]


def _scaled(names: Names, table: Mapping[tuple[str, int | None], Number], place: Any, sign: int) -> Number:
    if not sign:
        return names.number(place)
    if place not in table:
        raise Unknown(f"gradient of {place}")
    return sign * table[place]


def _derivative(term: Term, names: Names) -> Number:
    """Return a derivative: of the loss from the solution, any other as a difference of the printed formula."""
    of, by = term.parts
    name, _ = names.place(of)
    where = names.place(by)
    if name == names.output:
        if where[0] in names.arrays:
            return _of_elements(names.arrays[where[0]], lambda e: _scaled(names, names.gradients, (e, where[1]), 1))
        return _scaled(names, names.gradients, where, 1)
    if name in names.parts and where[0] not in names.leaves:
        # The loss depends on this through the losses of the samples, or of the data, alone.
        whole = _scaled(names, names.gradients, (name, names.place(of)[1]), 1)
        return divide(_scaled(names, names.gradients, where, 1), whole)
    meaning = names.meanings.get(name)
    if meaning is None or where[0] in names.arrays or name in names.arrays:
        raise Unknown(f"derivative of {name}")
    inside = replace(names, sample=names.place(of)[1])
    return difference(lambda moved: _scalar(value(meaning, replace(inside, moved={where: moved}))), names.number(where))


def _scalar(found: Number) -> Number:
    """Return the one entry of a row times a column as a number."""
    if isinstance(found, list):
        if shape_of(found) != (1, 1):
            raise Unknown("an array where a number is expected")
        return found[0][0]
    return found


def difference(function: Callable[[Number], Number], at: Number) -> Number:
    """Return a central difference, with h and 2h so that polynomials up to the fourth degree come out exactly."""
    near, far = (divide(add(function(add(at, h)), -function(add(at, -h))), 2 * h) for h in (STEP, 2 * STEP))
    if abs(real(near) - real(far)) > CONTEXT.mpf(10) ** -40 * (1 + abs(real(near))):
        raise Unknown("a kink")
    left, right = (divide(add(function(add(at, h)), -function(at)), h) for h in (STEP, -STEP))
    if abs(real(left) - real(right)) > Fraction(1, 10**12) * (1 + abs(real(near))):
        raise Unknown("a kink")
    return real(divide(add(4 * near, -far), Fraction(3)))


def _slope(term: Term, names: Names) -> Number:
    if term.text not in names.letters:
        raise Unknown(term.text)
    at = names.letters[term.text]
    return difference(
        lambda moved: value(term.parts[0], replace(names, letters={**names.letters, term.text: moved})), at
    )


def _call(term: Term, names: Names) -> Number:
    arguments = _slid(term, names) if "conv" in term.text else [value(part, names) for part in term.parts]
    if term.text in (r"\max", r"\min"):
        pick = max if term.text == r"\max" else min
        found = arguments[0]
        for other in arguments[1:]:
            found = _both(lambda a, b: pick(a, b))(found, other)
        return found
    if (
        re.match(r"\\mathrm\{(conv|maxpool|avgpool)", term.text)
        or any(map(is_deep, arguments))
        or _makes_deep(term.text)
    ):
        return _of_deep(term.text, arguments, names)
    if leaky := re.fullmatch(r"\\mathrm\{LeakyReLU\}_(\d+)(?:/(\d+))?", term.text):
        slope = Fraction(int(leaky[1]), int(leaky[2] or 1))
        return mapped(lambda z: z if z > 0 else slope * z, arguments[0])
    if softmax := re.fullmatch(r"\\mathrm\{softmax\}(?:_(\d))?", term.text):
        return _softmax(arguments[0], softmax[1])
    if shape := re.fullmatch(r"\\mathrm\{(?:reshape|flatten)\}(?:_(\d+)(?:\\times(\d+))?)?", term.text):
        return _reshaped(arguments[0], shape[1], shape[2], names.rows)
    if named := re.fullmatch(r"\\mathrm\{(\w+)\}(?:_(.*))?", term.text):
        found = _of_arrays(named[1], named[2] or "", arguments)
        if found is not None:
            return found
    if term.text in FUNCTIONS:
        return mapped(FUNCTIONS[term.text], arguments[0])
    if term.text in names.functions:
        letter, body = names.functions[term.text]

        def applied(argument: Number) -> Number:
            return value(body, replace(names, letters={**names.letters, letter: argument}))

        return mapped(applied, arguments[0])
    raise Unknown(term.text)


def _makes_deep(text: str) -> bool:
    """Say whether a function makes an array of more than two axes of a smaller one."""
    named = re.fullmatch(r"\\mathrm\{(\w+)\}(?:_(.*))?", text)
    return named is not None and (
        named[1] in ("stack", "repeat") or (named[1] == "reshape" and (named[2] or "").count(r"\times") > 1)
    )


def _of_deep(text: str, arguments: list[Number], names: Names) -> Number:
    """Return the value of a function of arrays of more than two axes, and of convolutions."""
    if text in FUNCTIONS:
        return mapped(FUNCTIONS[text], arguments[0])
    named = re.fullmatch(r"\\mathrm\{(\w+)\}(?:_(.*))?", text)
    if named is None:
        raise Unknown(text)
    name, below = named[1], named[2] or ""
    if name == "softmax":
        powers = deep_arrays.mapped(lambda entry: CONTEXT.exp(real(entry)), arguments[0])
        return multiply(powers, 1 / powers.sum(axis=int(below) - 1 if below else -1, keepdims=True))
    arrays = [np.array(each, dtype=object) for each in arguments]
    if name in ("repeat", "reshape") and min(map(min, map(shape_of, arguments))) == 1:
        arrays = [each.reshape(-1) for each in arrays]  # a vector, by the one axis that it has
    try:
        found = deep_arrays.rearranged(name, below, arrays)
    except ValueError as error:
        raise Unknown(str(error)) from None
    if found is None and ("conv" in name or "pool" in name):
        if not all(isinstance(entry, Fraction) for each in arrays for entry in each.flat):
            arrays = [deep_arrays.mapped(real, each) for each in arrays]
        zero = arrays[0].flat[0] * 0
        if arrays[-1].ndim == 2 and (name == "conv1d" or 1 in arrays[0].shape):  # vectors
            arrays = [each.reshape(-1) for each in arrays]
        if "conv" in name:
            found = deep_arrays.convolved(*arrays, below_of(below), zero)
        else:
            found = deep_arrays.pooled(*arrays, name, below_of(below), zero)
    if found is None:
        raise Unknown(text)
    return deep_arrays.settled(found, names.rows)


def _slid(term: Term, names: Names) -> list[Number]:
    """Return the arguments of a convolution: zeros around a block are as many as the kernel needs for the shape in hand."""
    kernel = value(term.parts[1], replace(names, shape=None))
    if not names.shape:
        return [value(term.parts[0], names), kernel]
    named = below_of(term.text.partition("_")[2])
    reach = int(named.get("dilation", 1))
    own, sizes, count = names.shape, shape_of(kernel), 1 if "conv1d" in term.text else 2
    if len(sizes) == 2:
        shape = tuple(map(lambda length, size: length + reach * (size - 1), own, sizes))
    else:
        ends = zip(own[-count:], sizes[-count:], strict=True)
        shape = (*own[: -count - 1], sizes[1], *(length + reach * (size - 1) for length, size in ends))
    return [value(term.parts[0], replace(names, shape=shape)), kernel]


def _of_arrays(name: str, below: str, arguments: list[Number]) -> Number:
    """Return the value of a function of arrays, None for a function of numbers."""
    if name == "clip":
        low, high = arguments[1:]
        return _both(min)(_both(max)(arguments[0], low), high)
    if not arguments or not all(isinstance(each, list) for each in arguments):
        return None
    entries = [entry for each in arguments for row in each for entry in row]
    if name in ROOTED or not all(isinstance(entry, Fraction) for entry in entries):
        arguments = [mapped(real, each) for each in arguments]
    return value_of(name, below_of(below), arguments, CONTEXT.exp, CONTEXT.sqrt)


def _softmax(array: Number, axis: str | None) -> Number:
    rows, columns = shape_of(array)
    if axis == "1" or (axis is None and columns == 1):
        return transposed(_softmax(transposed(array), "2"))
    if axis is None and rows != 1:
        raise Unknown("softmax of a matrix")
    shares = [[CONTEXT.exp(real(entry)) for entry in row] for row in array]
    return [[entry / sum(row) for entry in row] for row in shares]


def _reshaped(array: Number, length: str | None, columns: str | None, is_row: bool) -> Number:
    """Return the entries of an array, row by row, as a matrix or as a vector."""
    entries = [entry for row in array for entry in row]
    width = int(columns) if columns else len(entries) if is_row else 1
    rows = [entries[start : start + width] for start in range(0, len(entries), width)]
    if length is not None and len(rows) * len(rows[-1]) != int(length) * int(columns or 1):
        raise Unknown(f"{len(entries)} entries as {length} by {columns}")
    return rows


def transposed(array: Number) -> Number:
    """Return rows as columns, in every matrix of an array of more axes."""
    if is_deep(array):
        return array.swapaxes(-1, -2)
    return [list(column) for column in zip(*array, strict=True)] if isinstance(array, list) else array


def summands(term: Term, names: Names) -> list[Number]:
    """Return what a sum over an index with bounds, or over all entries that there are, adds."""
    below, _, above = term.text.partition("|")
    letters, _, first = below.partition("=")
    if above:
        if not (first.isdigit() and above.isdigit()):
            raise Unknown(term.text)
        steps = range(int(first), int(above) + 1)
        return [_bound(term, names, letters, index) for index in steps]
    if below == r"n\in\mathcal{B}" and names.batch:
        return [_bound(term, names, "n", index) for index in names.batch]
    if not re.fullmatch(r"[a-z](,[a-z]){0,3}", below):
        raise Unknown(term.text)
    return _entries(term.parts[0], names, below.split(","))


def _entries(body: Term, names: Names, letters: list[str]) -> list[Number]:
    """Return the values of a formula for all indices that there are."""
    if not letters:
        return [value(body, names)]
    letter, *others = letters
    found: list[Number] = []
    for index in range(1, LARGEST_INDEX):
        # With two letters the other is 1 until its turn comes.
        trial = {**names.indices, letter: index, **dict.fromkeys(others, 1)}
        try:
            value(body, replace(names, indices=trial))
        except (Unknown, IndexError):
            if not found:
                raise
            return found
        found += _entries(body, replace(names, indices={**names.indices, letter: index}), others)
    raise Unknown(f"entries without end: {letter}")


def _bound(term: Term, names: Names, letter: str, index: int) -> Number:
    sample = index if letter == "n" and names.batched else names.sample
    return value(term.parts[0], replace(names, indices={**names.indices, letter: index}, sample=sample))


def _extreme(term: Term, names: Names) -> Number:
    pick = max if term.text.startswith(r"\max") else min
    found = _entries(term.parts[0], names, term.text[4:].split(","))
    if any(map(is_deep, found)):
        return deep_arrays.mapped(lambda *entries: pick(entries), *found)
    arrays = [each for each in found if isinstance(each, list)]
    if not arrays:
        return pick(found)
    # Of rows or columns it is taken place by place.
    return [[pick(cells, key=real) for cells in zip(*rows, strict=True)] for rows in zip(*arrays, strict=True)]


def _entry(term: Term, names: Names) -> Number:
    """Return an element, a row, a column or a block of an array."""
    found = re.fullmatch(r"\[(.*)\]", term.text)
    if not found:
        raise Unknown(term.text)
    array, pieces = value(term.parts[0], names), found[1].split(",")
    if is_deep(array):
        return _deep_entry(array, pieces, names)
    if not isinstance(array, list):
        raise Unknown("an entry of a number")
    if len(pieces) == 1:
        is_row = shape_of(array)[0] == 1
        if not is_row and shape_of(array)[1] != 1:
            return _picked(array, [pieces[0], ":"], names)
        pieces = ["1", pieces[0]] if is_row else [pieces[0], "1"]
    return _picked(array, pieces, names)


def _deep_entry(array: Any, pieces: list[str], names: Names) -> Number:
    """Return an element, a row, a matrix or a block of an array of more than two axes."""
    for axis, piece in reversed(list(enumerate(pieces))):
        places = _places(piece, array.shape[axis], names)
        array = array.take(places if ":" in piece else places[0], axis=axis)
    return deep_arrays.settled(np.asarray(array, dtype=object), names.rows)


def _picked(array: Number, pieces: list[str], names: Names) -> Number:
    rows, columns = (_places(piece, size, names) for piece, size in zip(pieces, shape_of(array), strict=True))
    block = [[array[row][column] for column in columns] for row in rows]
    return block[0][0] if not any(":" in piece for piece in pieces) else block


def _places(piece: str, size: int, names: Names) -> list[int]:
    def number(text: str) -> int:
        text = str(names.indices.get(text, text))
        end = re.fullmatch(r"\\mathrm\{end\}(-\d+)?", text)
        if end:
            return size + int(end[1] or 0)
        if not text.isdigit():
            raise Unknown(text)
        return int(text)

    if ":" in piece:
        first, last, *step = piece.split(":")
        return list(range((number(first) if first else 1) - 1, number(last) if last else size, *map(int, step)))
    place = number(piece)
    if not 1 <= place <= size:
        raise IndexError(place)
    return [place - 1]


def _matrix(term: Term, names: Names) -> Number:
    """Return a matrix; rows of one entry that are arrays themselves stand side by side."""
    return [[value(part, names) for part in row.parts] for row in term.parts]


def _shaped(term: Term, names: Names) -> Number:
    found = value(term.parts[0], names)
    shape = term.text.replace(r"\times", "x")
    if re.fullmatch(r"\d+(x\d+)+", shape) and shape != "x".join(map(str, shape_of(found))):
        raise Unknown(f"shape {shape} is not {shape_of(found)}")
    return found


def _ones(term: Term, names: Names) -> Number:
    if re.fullmatch(r"\d+(\\times\d+){2,}", term.text):
        return np.full([int(length) for length in term.text.split(r"\times")], Fraction(1), dtype=object)
    if not term.text.isdigit():
        raise Unknown(term.text)
    return [[Fraction(1)] * int(term.text)]


def _placed(term: Term, names: Names) -> Number:
    """Return zeros with a block at a place."""
    found = re.fullmatch(r"\[(.*)\]", term.text)
    if names.shape is None or found is None:
        raise Unknown("zeros of any shape")
    pieces = found[1].split(",")
    if len(names.shape) > 2:
        pieces += [":"] * (len(names.shape) - len(pieces))
        every = [_places(piece, size, names) for piece, size in zip(pieces, names.shape, strict=True)]
        block = value(term.parts[0], replace(names, shape=None))
        if math.prod(shape_of(block)) != math.prod(map(len, every)):
            raise Unknown(f"a block {shape_of(block)} at {term.text}")
        return deep_arrays.placed(block, every, names.shape, Fraction(0))
    if len(pieces) == 1:
        is_row, is_column = (size == 1 for size in names.shape)
        pieces = ["1", pieces[0]] if is_row else [pieces[0], "1" if is_column else ":"]
    places = [_places(piece, size, names) for piece, size in zip(pieces, names.shape, strict=True)]
    block = value(term.parts[0], replace(names, shape=None))
    if not isinstance(block, list):
        block = [[block]]
    if shape_of(block) != (len(places[0]), len(places[1])):
        block = transposed(block)
    if shape_of(block) != (len(places[0]), len(places[1])):
        raise Unknown(f"a block {shape_of(block)} at {term.text}")
    zeros = [[Fraction(0)] * names.shape[1] for _ in range(names.shape[0])]
    for row, entries in zip(places[0], block, strict=True):
        for column, entry in zip(places[1], entries, strict=True):
            zeros[row][column] = entry
    return zeros


def _product(term: Term, names: Names) -> Number:
    found = value(term.parts[0], names)
    for part in term.parts[1:]:
        factor = value(part, names)
        if part.kind == "ones" and not isinstance(found, list) and not names.rows:
            factor = transposed(factor)
        found = matrix_product(found, factor)
    return found


def _hadamard(term: Term, names: Names) -> Number:
    found = value(term.parts[0], names)
    for part in term.parts[1:]:
        found = multiply(found, value(part, names))
    return found


def _indicator(term: Term, names: Names) -> Number:
    left, right = (value(part, names) for part in term.parts)

    def compared(entry: Number, bound: Number) -> Number:
        if term.text != "=" and entry != bound and abs(real(entry) - real(bound)) < 1e-40:
            raise Unknown("a kink")
        return Fraction(COMPARISONS[term.text](real(entry), real(bound)))

    return _both(compared)(left, right)


def _cases(term: Term, names: Names) -> Number:
    """Return the formula whose condition holds, in arrays entry by entry; one that is not chosen need have no value."""
    found = [_indicator(condition, names) for condition in term.parts[1::2]]
    if not any(isinstance(condition, list) or is_deep(condition) for condition in found):
        return value(term.parts[2 * found.index(Fraction(1))], names)
    return _total(
        multiply(condition, value(part, names)) for condition, part in zip(found, term.parts[::2], strict=True)
    )


def _moved(term: Term, names: Names) -> Number:
    """Return the partial of a formula by one of its quantities as a difference."""
    of, by = term.parts
    where = names.place(by)
    if where[0] in names.arrays:
        raise Unknown(f"derivative by {where[0]}")
    return difference(
        lambda moved: _scalar(value(of, replace(names, moved={**names.moved, where: moved}))), names.number(where)
    )


def _joined(term: Term, names: Names) -> Number:
    """Return columns one below the other, or rows one behind the other."""
    found = [value(part, names) for part in term.parts]
    arrays = [part if isinstance(part, list) else [[part]] for part in found]
    if names.rows:
        return [[entry for array in arrays for entry in array[0]]]
    return [row for array in arrays for row in array]


_RULES: Mapping[str, Callable[[Term, Names], Number]] = {
    "number": lambda term, names: number_of(term.text)[0],
    "symbol": _symbol,
    "sum": lambda term, names: _total(value(part, names) for part in term.parts),
    "product": _product,
    "hadamard": _hadamard,
    "quotient": lambda term, names: divide(*(value(part, names) for part in term.parts)),
    "power": lambda term, names: _power(*(value(part, names) for part in term.parts)),
    "negative": lambda term, names: mapped(operator.neg, value(term.parts[0], names)),
    "call": _call,
    "brace": lambda term, names: value(term.parts[0], names),
    "shaped": _shaped,
    "transpose": lambda term, names: transposed(value(term.parts[0], names)),
    "matrix": _matrix,
    "derivative": _derivative,
    "slope": _slope,
    "total": lambda term, names: _total(summands(term, names)),
    "extreme": _extreme,
    "entry": _entry,
    "indicator": _indicator,
    "cases": _cases,
    "moved": _moved,
    "ones": _ones,
    "joined": _joined,
    "placed": _placed,
}
NOTHING = Names({}, {}, {}, {}, "")


def literal(text: str) -> Number:
    """Return the value of a formula of numbers alone."""
    return value(parse(text), NOTHING)
