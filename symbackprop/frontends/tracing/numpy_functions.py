"""What each function of NumPy's is in the expression language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy

from symbackprop.algebra.contractions import letters_of
from symbackprop.frontends.tracing.numpy_rearrangements import REARRANGEMENTS, reshape
from symbackprop.frontends.tracing.precedence import (
    COMPARISON,
    POWER,
    PRODUCT,
    SUM,
    Writer,
    Written,
    call,
    infix,
    negative,
    power,
    template,
)
from symbackprop.frontends.tracing.recorded import (
    FUNCTIONS,
    UFUNCS,
    Recorded,
    method,
    recorded,
    refuse,
    reshaped,
)
from symbackprop.messages import message

ELEMENTWISE: Mapping[str, Writer] = {
    "add": infix("+", SUM, SUM),
    "subtract": infix("-", SUM),
    "multiply": infix("*", PRODUCT),
    "divide": infix("/", PRODUCT),
    "power": power,
    "float_power": power,
    "matmul": infix("@", PRODUCT),
    "negative": negative,
    "positive": lambda parts: parts[0],
    "square": template("{0}**2", POWER, POWER + 1),
    "reciprocal": template("1/{0}", PRODUCT, POWER),
    "exp": call("exp"),
    "exp2": template("2**{0}", POWER, POWER + 1),
    "expm1": template("exp({0}) - 1", SUM),
    "log": call("ln"),
    "log1p": template("ln(1 + {0})", inside=PRODUCT),
    "log2": call("log2"),
    "log10": template("log({0}, 10)"),
    "logaddexp": template("{0} + softplus({1} - {0})", SUM, PRODUCT),
    **{name: call(name) for name in ("sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "erf")},
    "arcsin": call("asin"),
    "arccos": call("acos"),
    "arctan": call("atan"),
    "cbrt": template("{0}**(1/3)", POWER, POWER + 1),
    "absolute": call("abs"),
    "fabs": call("abs"),
    "sign": template("({0} > 0) - ({0} < 0)", SUM, SUM),
    "maximum": call("max"),
    "minimum": call("min"),
    "fmax": call("max"),
    "fmin": call("min"),
    "greater": infix(">", COMPARISON, SUM),
    "greater_equal": infix(">=", COMPARISON, SUM),
    "less": infix("<", COMPARISON, SUM),
    "less_equal": infix("<=", COMPARISON, SUM),
    "logical_and": infix("*", PRODUCT),
    "bitwise_and": infix("*", PRODUCT),
    "logical_or": call("max"),
    "bitwise_or": call("max"),
    "logical_not": template("1 - {0}", SUM, PRODUCT),
    "invert": template("1 - {0}", SUM, PRODUCT),
    "expit": call("sigmoid"),
    "logit": template("ln({0}/(1 - {0}))", inside=PRODUCT),
    "hypot": template("sqrt({0}**2 + {1}**2)", inside=POWER + 1),
}
"""By the name of the ufunc, those of `scipy.special` too."""


def _elementwise(ufunc: Any, *operands: Any, **options: Any) -> Recorded:
    if options:
        refuse(message("trace.option", name=ufunc.__name__, option=next(iter(options))))
    given = [recorded(value) for value in operands]
    if ufunc in _NEUTRAL and not any(each.value.dtype == bool for each in given):
        places, neutral = _NEUTRAL[ufunc]
        for place in places:
            if _is_number(given[place], neutral):
                return given[1 - place]
    return Recorded(ufunc(*(each.value for each in given)), ELEMENTWISE[ufunc.__name__], given)


def _asked(ufunc: Any, operand: Any) -> Any:
    """Return what is asked of plain numbers, of those that there are."""
    return ufunc(recorded(operand).value)


_NEUTRAL: Mapping[Any, tuple[Sequence[int], int]] = {
    numpy.add: ((0, 1), 0), numpy.subtract: ((1,), 0), numpy.multiply: ((0, 1), 1), numpy.divide: ((1,), 1),
}  # fmt: skip
"""By the ufunc the operands, by their places, that may be a number that changes nothing: the 0 with which sums begin."""


def _is_number(operand: Recorded, number: int) -> bool:
    return operand.constant is not None and not operand.ndim and operand.value == number


def _reduction(name: str, function: Callable[..., Any]) -> Callable[..., Recorded]:
    """Return what records a function that runs along an axis, or over everything."""

    def reduce(array: Any, axis: Any = None, *rest: Any, **options: Any) -> Recorded:
        keepdims = bool(options.pop("keepdims", False))
        options = {key: value for key, value in options.items() if not _is_usual(key, value)}
        if rest or options:
            refuse(message("trace.option", name=name, option=next(iter(options), "out")))
        given = recorded(array)
        along = range(given.ndim) if axis is None else numpy.atleast_1d(axis)
        axes = sorted({int(each) % max(given.ndim, 1) for each in along})
        value = function(given.value, axis=tuple(axes) if given.ndim else None, keepdims=keepdims)
        if not given.ndim:
            return given
        along_text = f"axis={axes[0] if len(axes) == 1 else tuple(axes)}"
        options_text = [along_text] * (len(axes) < given.ndim) + ["keepdims=true"] * keepdims
        return Recorded(value, call(name, ", ".join(options_text)), [given])

    return reduce


def _is_usual(option: str, value: Any) -> bool:
    """Say whether an option of a function along an axis changes nothing."""
    return option == "dtype" or value is None or value is numpy._NoValue or (option == "where" and value is True)


def _norm(array: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Recorded:
    is_of_vectors = recorded(array).ndim == 1 or isinstance(axis, int)
    if ord in _OTHER_NORMS and is_of_vectors:
        return REDUCTIONS[_OTHER_NORMS[ord]](numpy.absolute(array), axis, keepdims=keepdims)
    if ord not in (None, "fro") and not (ord == 2 and is_of_vectors):
        refuse(message("trace.option", name="norm", option=f"ord={ord!r}"))
    return REDUCTIONS["norm"](array, axis, keepdims=keepdims)


_OTHER_NORMS = {1: "sum", numpy.inf: "max"}
"""By the order of a norm of vectors what joins the absolute values."""


def _variance(array: Any, axis: Any = None, *rest: Any, ddof: float = 0, **options: Any) -> Recorded:
    """Record a mean squared distance, of which somebody may divide by fewer than there are."""
    found = REDUCTIONS["var"](array, axis, *rest, **options)
    count = recorded(array).size / max(found.size, 1)
    return found * (count / (count - ddof)) if ddof else found


def _deviation(array: Any, axis: Any = None, *rest: Any, ddof: float = 0, **options: Any) -> Any:
    if not ddof:
        return REDUCTIONS["std"](array, axis, *rest, **options)
    found: Any = numpy.sqrt(_variance(array, axis, *rest, ddof=ddof, **options))
    return found


def _norm_of(values: Any, axis: Any, keepdims: bool) -> Any:
    return numpy.sqrt(numpy.sum(values**2, axis=axis, keepdims=keepdims))


_REDUCE: Mapping[str, Callable[..., Any]] = {
    "sum": numpy.sum, "mean": numpy.mean, "max": numpy.max, "min": numpy.min, "prod": numpy.prod, "var": numpy.var,
    "std": numpy.std, "norm": _norm_of,
}  # fmt: skip
REDUCTIONS: Mapping[str, Callable[..., Recorded]] = {name: _reduction(name, each) for name, each in _REDUCE.items()}


def _matmul(left: Any, right: Any) -> Any:
    first, second = recorded(left), recorded(right)
    return numpy.matmul(first, second) if first.ndim and second.ndim else first * second


def _dot(left: Any, right: Any) -> Any:
    """Record the products of the last axis of one with the last but one of the other, as NumPy has them."""
    second = recorded(right)
    return _matmul(left, second) if second.ndim < 3 else _tensordot(left, second, (-1, -2))


def _inner(left: Any, right: Any) -> Any:
    """Record the products of the last axes."""
    second = recorded(right)
    return _matmul(left, second.T) if second.ndim < 3 else _tensordot(left, second, (-1, -1))


def _tensordot(left: Any, right: Any, axes: Any = 2) -> Any:
    """Record sums of products over axes of two arrays, as the Einstein sum that it is."""
    first, second = recorded(left), recorded(right)
    if isinstance(axes, int):
        axes = (range(first.ndim - axes, first.ndim), range(axes))
    one, other = (
        [int(each) % given.ndim for each in numpy.atleast_1d(list(own) if isinstance(own, range) else own)]
        for own, given in zip(axes, (first, second), strict=True)
    )
    letters = iter("abcdefghijklmnop")
    names = [next(letters) for _ in range(first.ndim)]
    met = {theirs: names[own] for own, theirs in zip(one, other, strict=True)}
    others = [met[axis] if axis in met else next(letters) for axis in range(second.ndim)]
    kept = [each for each in names + others if each not in met.values()]
    return _einsum(f"{''.join(names)},{''.join(others)}->{''.join(kept)}", first, second)


def _outer(left: Any, right: Any) -> Recorded:
    first, second = (reshaped(each, (each.size,)) for each in map(recorded, (left, right)))
    return Recorded(numpy.outer(first.value, second.value), call("outer"), [first, second])


def _where(condition: Any, *branches: Any) -> Recorded:
    if not branches:
        refuse(message("trace.function", name="where(condition)"))
    asked, one, other = map(recorded, (condition, *branches))

    def write(parts: Sequence[Written]) -> Written:
        first = parts[0] if parts[0].level == COMPARISON else Written(f"{parts[0].at(SUM)} > 0.5", COMPARISON)
        return call("where")([first, *parts[1:]])

    return Recorded(numpy.where(asked.value, one.value, other.value), write, [asked, one, other])


def _clip(array: Any, low: Any = None, high: Any = None, **options: Any) -> Any:
    low, high = options.get("min", low), options.get("max", high)
    found = recorded(array)
    if low is not None:
        found = numpy.maximum(found, low)
    return found if high is None else numpy.minimum(found, high)


def _trace(array: Any) -> Any:
    diagonal = REARRANGEMENTS[numpy.diagonal](array)
    return REDUCTIONS["sum"](diagonal, diagonal.ndim - 1)


def _cumulative(array: Any, axis: int | None = None) -> Recorded:
    given = recorded(array)
    if axis is None:
        given, axis = reshaped(given, (given.size,)), 0
    value = numpy.cumsum(given.value, axis)
    return Recorded(value, call("cumsum", f"axis={axis % value.ndim}" if axis % value.ndim else ""), [given])


def _einsum(subscripts: str, *operands: Any, **options: Any) -> Recorded:
    """Record an Einstein sum as it is called."""
    given = [recorded(each) for each in operands]
    if options or letters_of(subscripts) is None:
        refuse(message("trace.function", name=f"einsum({subscripts!r})"))
    value = numpy.einsum(subscripts, *(each.value for each in given))
    text = "".join(subscripts.split())
    return Recorded(value, lambda parts: Written(f"einsum('{text}', {', '.join(part.text for part in parts)})"), given)


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that reads the shape of an array only."""
    return lambda array, *arguments, **options: function(recorded(array).value, *arguments, **options)


_FUNCTIONS: Mapping[Callable[..., Any], Callable[..., Any]] = {
    numpy.sum: REDUCTIONS["sum"],
    numpy.mean: REDUCTIONS["mean"],
    numpy.max: REDUCTIONS["max"],
    numpy.min: REDUCTIONS["min"],
    numpy.amax: REDUCTIONS["max"],
    numpy.amin: REDUCTIONS["min"],
    numpy.prod: REDUCTIONS["prod"],
    numpy.var: _variance,
    numpy.std: _deviation,
    numpy.linalg.norm: _norm,
    numpy.dot: _dot,
    numpy.inner: _inner,
    numpy.tensordot: _tensordot,
    numpy.vdot: lambda a, b: _matmul(reshape(a, -1), reshape(b, -1)),
    numpy.outer: _outer,
    numpy.einsum: _einsum,
    numpy.where: _where,
    numpy.clip: _clip,
    **REARRANGEMENTS,
    numpy.trace: _trace,
    numpy.cumsum: _cumulative,
    **{
        function: _plain(function)
        for function in (numpy.shape, numpy.ndim, numpy.size, numpy.zeros_like, numpy.ones_like, numpy.full_like)
    },
}  # fmt: skip


def _reduced(name: str) -> Callable[..., Recorded]:
    return lambda ufunc, array, axis=0, **options: REDUCTIONS[name](array, axis, **options)


def _install() -> None:
    FUNCTIONS.update(_FUNCTIONS)
    UFUNCS.update({(name, "__call__"): _elementwise for name in ELEMENTWISE})
    UFUNCS.update({(name, "__call__"): _asked for name in ("isnan", "isinf", "isfinite")})
    for ufunc, name in (("add", "sum"), ("multiply", "prod"), ("maximum", "max"), ("minimum", "min")):
        UFUNCS[ufunc, "reduce"] = _reduced(name)
    UFUNCS["multiply", "outer"] = lambda ufunc, left, right: _outer(left, right)
    for name in (
        "sum",
        "mean",
        "max",
        "min",
        "prod",
        "var",
        "std",
        "clip",
        "reshape",
        "ravel",
        "transpose",
        "dot",
        "trace",
    ):
        method(name, FUNCTIONS[getattr(numpy, name)])
    method("flatten", FUNCTIONS[numpy.ravel])
    for name in ("squeeze", "diagonal", "repeat", "take", "swapaxes", "cumsum", "copy"):
        method(name, FUNCTIONS[getattr(numpy, name)])
    method("astype", lambda array, *arguments, **options: array)


_install()
