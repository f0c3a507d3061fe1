"""What each function of NumPy's is in the expression language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy

from symbackprop.algebra.contractions import letters_of
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
    gathered,
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
}
"""By the name of the ufunc, those of `scipy.special` too."""


def _elementwise(ufunc: Any, *operands: Any, **options: Any) -> Recorded:
    if options:
        refuse(message("trace.option", name=ufunc.__name__, option=next(iter(options))))
    given = [recorded(value) for value in operands]
    found = Recorded(ufunc(*(each.value for each in given)), ELEMENTWISE[ufunc.__name__], given)
    return found


def _reduction(name: str, function: Callable[..., Any]) -> Callable[..., Recorded]:
    """Return what records a function that runs along an axis, or over everything."""

    def reduce(array: Any, axis: Any = None, *rest: Any, **options: Any) -> Recorded:
        keepdims = bool(options.pop("keepdims", False))
        options = {key: value for key, value in options.items() if value is not None and value is not numpy._NoValue}
        if rest or any(value for value in options.values()):
            refuse(message("trace.option", name=name, option=next(iter(options), "out")))
        given = recorded(array)
        along = range(given.ndim) if axis is None else numpy.atleast_1d(axis)
        axes = sorted({int(each) % max(given.ndim, 1) for each in along})
        value = function(given.value, axis=tuple(axes) if given.ndim else None, keepdims=keepdims)
        if not given.ndim:
            return given
        options_text = [f"axis={axes[0]}"] * (len(axes) < given.ndim) + ["keepdims=true"] * keepdims
        return Recorded(value, call(name, ", ".join(options_text)), [given])

    return reduce


def _norm(array: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Recorded:
    if ord not in (None, 2, "fro"):
        refuse(message("trace.option", name="norm", option="ord"))
    return REDUCTIONS["norm"](array, axis, keepdims=keepdims)


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


def _concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Recorded:
    given = [recorded(each) for each in arrays]
    if axis is None:
        given, axis = [reshaped(each, (each.size,)) for each in given], 0
    value = numpy.concatenate([each.value for each in given], axis)
    if len(given) == 1:
        return given[0]
    return Recorded(value, call("concat", f"axis={axis % value.ndim}" if axis % value.ndim else ""), given)


def _stack(arrays: Sequence[Any], axis: int = 0) -> Recorded:
    given = [recorded(each) for each in arrays]
    value = numpy.stack([each.value for each in given], axis)
    if value.ndim == 1:
        return Recorded(value, lambda parts: Written(f"[{', '.join(part.text for part in parts)}]"), given)
    rows = [reshaped(each, (1, each.size) if axis % value.ndim == 0 else (each.size, 1)) for each in given]
    return _concatenate(rows, axis % value.ndim)


def _vstack(arrays: Sequence[Any]) -> Recorded:
    given = [recorded(each) for each in arrays]
    return _concatenate([each if each.ndim > 1 else reshaped(each, (1, each.size)) for each in given], 0)


def _hstack(arrays: Sequence[Any]) -> Recorded:
    given = [recorded(each) for each in arrays]
    given = [each if each.ndim else reshaped(each, (1,)) for each in given]
    return _concatenate(given, 0 if given[0].ndim == 1 else 1)


def _column_stack(arrays: Sequence[Any]) -> Recorded:
    given = [recorded(each) for each in arrays]
    return _concatenate([each if each.ndim > 1 else reshaped(each, (each.size, 1)) for each in given], 1)


def _reshape(array: Any, *shape: Any, **options: Any) -> Recorded:
    if set(options) - {"newshape", "shape", "order"} or options.get("order", "C") != "C":
        refuse(message("trace.option", name="reshape", option=next(iter(options))))
    wanted = options.get("newshape", options.get("shape", shape))
    wanted = wanted[0] if len(wanted) == 1 and not isinstance(wanted[0], int | numpy.integer) else wanted
    given = recorded(array)
    return reshaped(given, numpy.empty(given.shape).reshape(wanted).shape)


def _rearranged(function: Callable[..., Any]) -> Callable[..., Recorded]:
    """Return what records a function whose result has elements of its argument, by where each comes from."""

    def rearrange(array: Any, *arguments: Any, **options: Any) -> Recorded:
        given = recorded(array)
        return gathered(given, function(numpy.arange(given.size).reshape(given.shape), *arguments, **options))

    return rearrange


def _transpose(array: Any, *axes: Any) -> Recorded:
    given = recorded(array)
    order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
    return given if order and tuple(order) == tuple(range(given.ndim)) else given.T


def _trace(array: Any) -> Any:
    return REDUCTIONS["sum"](_rearranged(numpy.diagonal)(array))


def _diag(array: Any) -> Any:
    given = recorded(array)
    if given.ndim > 1:
        return _rearranged(numpy.diagonal)(given)
    return Recorded(numpy.diag(given.value), template(f"eye({given.size})*{{0}}", PRODUCT, POWER), [given])


def _cumulative(array: Any, axis: int | None = None) -> Recorded:
    given = recorded(array)
    if axis is None:
        given, axis = reshaped(given, (given.size,)), 0
    value = numpy.cumsum(given.value, axis)
    return Recorded(value, call("cumsum", f"axis={axis % value.ndim}" if axis % value.ndim else ""), [given])


def _einsum(subscripts: str, *operands: Any, **options: Any) -> Recorded:
    """Record an Einstein sum as it is called."""
    given = [recorded(each) for each in operands]
    if options or letters_of(subscripts) is None or any(each.ndim > _MOST_AXES for each in given):
        refuse(message("trace.function", name=f"einsum({subscripts!r})"))
    value = numpy.einsum(subscripts, *(each.value for each in given))
    if value.ndim > _MOST_AXES:
        refuse(message("trace.axes", axes=value.ndim))
    text = "".join(subscripts.split())
    return Recorded(value, lambda parts: Written(f"einsum('{text}', {', '.join(part.text for part in parts)})"), given)


_MOST_AXES = 2


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that reads the shape of an array only."""
    return lambda array, *arguments, **options: function(recorded(array).value, *arguments, **options)


_FUNCTIONS: Mapping[Callable[..., Any], Callable[..., Any]] = {
    numpy.sum: REDUCTIONS["sum"],
    numpy.mean: REDUCTIONS["mean"],
    numpy.average: REDUCTIONS["mean"],
    numpy.max: REDUCTIONS["max"],
    numpy.min: REDUCTIONS["min"],
    numpy.amax: REDUCTIONS["max"],
    numpy.amin: REDUCTIONS["min"],
    numpy.prod: REDUCTIONS["prod"],
    numpy.var: REDUCTIONS["var"],
    numpy.std: REDUCTIONS["std"],
    numpy.linalg.norm: _norm,
    numpy.dot: _matmul,
    numpy.inner: lambda a, b: _matmul(a, recorded(b).T),
    numpy.vdot: lambda a, b: _matmul(_reshape(a, -1), _reshape(b, -1)),
    numpy.outer: _outer,
    numpy.einsum: _einsum,
    numpy.where: _where,
    numpy.clip: _clip,
    numpy.concatenate: _concatenate,
    numpy.stack: _stack,
    numpy.vstack: _vstack,
    numpy.hstack: _hstack,
    numpy.column_stack: _column_stack,
    numpy.reshape: _reshape,
    numpy.ravel: lambda array: _reshape(array, -1),
    numpy.transpose: _transpose,
    numpy.trace: _trace,
    numpy.diag: _diag,
    numpy.cumsum: _cumulative,
    numpy.copy: recorded,
    **{
        function: _rearranged(function)
        for function in (
            numpy.squeeze, numpy.expand_dims, numpy.diagonal, numpy.flip, numpy.roll, numpy.take, numpy.repeat, numpy.tile,
            numpy.swapaxes, numpy.broadcast_to, numpy.atleast_1d, numpy.atleast_2d,
        )
    },
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
