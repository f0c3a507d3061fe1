"""What PyTorch's functions of each element are: ufuncs of NumPy's, or texts of the expression language."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy

from symbackprop.frontends.torch_recording.recorded_tensors import (
    FUNCTIONS,
    RecordedTensor,
    elementwise,
    lifted,
    recorded_call,
    torch,
    unrecorded,
)
from symbackprop.frontends.tracing.precedence import POWER, PRODUCT, SUM, Writer, call, number, template
from symbackprop.frontends.tracing.recorded import Recorded

_UFUNCS: Mapping[str, str] = {
    "mul": "multiply", "div": "divide", "true_divide": "divide", "pow": "power", "neg": "negative", "abs": "absolute",
    "gt": "greater", "ge": "greater_equal", "lt": "less", "le": "less_equal", "logical_and": "logical_and",
    "logical_or": "logical_or", "logical_not": "logical_not", "bitwise_not": "logical_not",
    "asin": "arcsin", "acos": "arccos", "atan": "arctan",
    **{name: name for name in (
        "positive", "square", "reciprocal", "exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "logaddexp", "sqrt",
        "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "sign", "maximum", "minimum", "fmax",
        "fmin", "hypot", "multiply", "divide", "negative", "absolute", "greater", "greater_equal", "less", "less_equal",
    )},
}  # fmt: skip
"""By PyTorch's name the ufunc of NumPy's that it is, element by element."""

_SELU = "1.0507009873554804934193349852946*where({0} > 0, {0}, 1.6732632423543772848170429916717*(exp({0}) - 1))"

_WRITTEN: Mapping[str, Writer] = {
    **{name: call(name) for name in ("sigmoid", "relu", "silu", "gelu", "softplus", "softsign", "erf")},
    "erfc": template("1 - erf({0})", SUM),
    "expit": call("sigmoid"),
    "special_expit": call("sigmoid"),
    "log_sigmoid": template("-softplus(-({0}))", SUM),
    "logit": template("ln({0}/(1 - {0}))", inside=PRODUCT),
    "rsqrt": template("1/sqrt({0})", PRODUCT),
    "logsigmoid": template("-softplus(-({0}))", SUM),
    "selu": template(_SELU, inside=SUM),
    "tanhshrink": template("{0} - tanh({0})", SUM, PRODUCT),
    "mish": template("{0}*tanh(softplus({0}))", PRODUCT, PRODUCT + 1),
    "relu6": template("where({0} <= 0, 0, where({0} >= 6, 6, {0}))", inside=SUM),
    "hardsigmoid": template("where({0} <= -3, 0, where({0} >= 3, 1, {0}/6 + 1/2))", inside=POWER),
    "hardswish": template("where({0} <= -3, 0, where({0} >= 3, {0}, {0}*({0} + 3)/6))", inside=POWER),
}
"""Functions of each element that NumPy has not, as the expression language has them; PyTorch's value at a kink is theirs."""


def _of_ufunc(name: str) -> Callable[..., Any]:
    ufunc = getattr(numpy, name)
    return lambda *operands, **options: elementwise(ufunc, *operands)


def _of_writer(name: str, writer: Writer) -> Callable[..., Any]:
    """Return what records a function whose numbers are PyTorch's own."""

    def record(operand: Any, *rest: Any, **options: Any) -> Any:
        _only_defaults(name, rest, options)
        function = getattr(torch(), name, None) or getattr(torch().nn.functional, name, None) or torch().special.expit
        return elementwise(lambda block: own(block, function, writer), operand)

    return record


def own(block: Recorded, function: Callable[..., Any], writer: Writer) -> Recorded:
    """Return a function of one block, by PyTorch's numbers and a text of ours."""
    return Recorded(function(torch().tensor(block.value)).numpy(), writer, [block])


def _only_defaults(name: str, rest: Sequence[Any], options: Mapping[str, Any]) -> None:
    given = [value for value in (*rest, *options.values()) if value not in (None, False, "none", 1, 1.0, 20, 20.0)]
    if given:
        unrecorded(f"{name} with {given[0]!r}")


def _with_setting(name: str, text: str, default: float, key: str) -> Callable[..., Any]:
    """Return what records a function with a number for a setting, `{1}` in its text."""

    def record(operand: Any, *rest: Any, **options: Any) -> Any:
        value = float(rest[0] if rest else options.get(key, default))
        function = getattr(torch().nn.functional, name)
        writer = template(text.replace("{1}", number(value).text), inside=SUM)
        return elementwise(lambda block: own(block, lambda z: function(z, value), writer), operand)

    return record


def _sum_with(sign: str) -> Callable[..., Any]:
    """Return a sum or difference, of which PyTorch may multiply the second operand."""
    ufunc = numpy.add if sign == "+" else numpy.subtract

    def record(one: Any, other: Any, *, alpha: float = 1) -> Any:
        return elementwise(ufunc, one, other if alpha == 1 else recorded_call("mul", alpha, other))

    return record


def clamp(operand: Any, min: Any = None, max: Any = None) -> Any:
    """Return what is bounded; at a bound the derivative is 1, as in PyTorch."""
    found = lifted(operand)
    if isinstance(min, int | float) and isinstance(max, int | float):
        writer = call("clip", f"{number(min).text}, {number(max).text}")
        return elementwise(lambda block: Recorded(numpy.clip(block.value, min, max), writer, [block]), found)
    if min is not None:
        found = elementwise(lambda z, low: numpy.where(z < low, low, z), found, min)
    return found if max is None else elementwise(lambda z, high: numpy.where(z > high, high, z), found, max)


def hardtanh(operand: Any, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    """Return what is bounded; at a bound the derivative is 0, as in PyTorch."""
    found = elementwise(lambda z, low: numpy.where(z <= low, low, z), operand, min_val)
    return elementwise(lambda z, high: numpy.where(z >= high, high, z), found, max_val)


def _softplus(operand: Any, beta: float = 1, threshold: float = 20) -> Any:
    """Return ln(1 + exp(βz))/β; beyond a threshold PyTorch has z, which is less than 3·10⁻⁹ off."""
    found: Any = lifted(operand)
    if beta * threshold < _LEAST_THRESHOLD:
        unrecorded(f"softplus with threshold={threshold}")
    return _SOFTPLUS(found) if beta == 1 else _SOFTPLUS(found * beta) / beta


_LEAST_THRESHOLD = 20


def _gelu(operand: Any, approximate: str = "none") -> Any:
    if approximate == "none":
        return _GELU(operand)
    z: Any = lifted(operand)
    return 0.5 * z * (1 + recorded_call("tanh", math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)))


_SOFTPLUS, _GELU = (_of_writer(name, _WRITTEN[name]) for name in ("softplus", "gelu"))


def _prelu(operand: Any, weight: Any) -> Any:
    found, slope = lifted(operand), lifted(weight)
    if math.prod(slope.shape) == 1:
        slope = recorded_call("reshape", slope, ())
    elif found.ndim > 2:
        slope = recorded_call("reshape", slope, (-1, *[1] * (found.ndim - 2)))
    return elementwise(lambda z, a: numpy.where(z > 0, z, a * z), found, slope)


def _where(condition: Any, *branches: Any) -> Any:
    return elementwise(numpy.where, condition, *branches)


def _masked_fill(tensor: Any, mask: Any, value: Any) -> Any:
    if isinstance(mask, RecordedTensor) or math.isfinite(float(value)):
        return _where(mask, value, tensor)
    hidden = torch().zeros(mask.shape, dtype=torch().float64).masked_fill(torch().as_tensor(mask), value)
    return elementwise(numpy.add, tensor, lifted(hidden, "M"))


FUNCTIONS.update(
    {
    **{name: _of_ufunc(ufunc) for name, ufunc in _UFUNCS.items()},
    **{name: _of_writer(name, writer) for name, writer in _WRITTEN.items()},
    "leaky_relu": _with_setting("leaky_relu", "leaky_relu({0}, alpha={1})", 0.01, "negative_slope"),
    "elu": _with_setting("elu", "elu({0}, alpha={1})", 1.0, "alpha"),
    "celu": _with_setting("celu", "where({0} > 0, {0}, {1}*(exp({0}/{1}) - 1))", 1.0, "alpha"),
    "hardshrink": _with_setting("hardshrink", "where(abs({0}) > {1}, {0}, 0)", 0.5, "lambd"),
    "softshrink": _with_setting(
        "softshrink", "where({0} > {1}, {0} - {1}, where({0} < -{1}, {0} + {1}, 0))", 0.5, "lambd"
    ),
    "softplus": _softplus, "gelu": _gelu,
    "threshold": lambda z, bound, value, *rest: _where(lifted(z) > bound, z, value),
    "lerp": lambda start, end, weight: lifted(start) + weight * (lifted(end) - lifted(start)),
    "addcmul": lambda tensor, one, other, value=1: lifted(tensor) + lifted(one) * other * value,
    "addcdiv": lambda tensor, one, other, value=1: lifted(tensor) + lifted(one) * value / other,
    "add": _sum_with("+"), "sub": _sum_with("-"), "subtract": _sum_with("-"),
    "rsub": lambda one, other: recorded_call("sub", other, one),
    "clamp": clamp, "clip": clamp, "hardtanh": hardtanh, "prelu": _prelu, "where": _where, "masked_fill": _masked_fill,
    "clamp_min": lambda tensor, low: clamp(tensor, low), "clamp_max": lambda tensor, high: clamp(tensor, None, high),
    }
)  # fmt: skip
