"""What generated scripts call: the functions of NumPy or PyTorch for every operation, as templates over its arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from symbackprop.algebra.activations import Activation
from symbackprop.arithmetic.python_code import Dialect, spelled

_SAME = ("exp", "sqrt", "sin", "cos", "tan", "tanh", "log1p", "expm1")


@dataclass(frozen=True, slots=True)
class Library:
    """The spelling of array operations in one library; `constant` makes a number an array.

    `reductions` are templates over the array, and with an axis over array and axis; `own` finds that of an activation over
    its argument and settings, "" where the library does not have the function itself. `defined` are functions that a script
    has to define. A library that `differentiates` needs no backward pass.
    """

    name: str
    dialect: Dialect
    reductions: Mapping[str, tuple[str, str]]
    stack: str
    constant: str
    repeated: str
    own: Callable[[Activation], str] = lambda row: ""
    defined: tuple[str, ...] = ()
    differentiates: bool = False


def _calls(module: str, **others: str) -> Mapping[str, str]:
    return {**{name: f"{module}.{name}({{0}})" for name in _SAME}, "ln": f"{module}.log({{0}})", **others}


def _torch_extreme(function: str, left: str, right: str) -> str:
    """Return `max` or `min` of two; PyTorch bounds an array by a number with another function than by an array."""
    for number, other in ((left, right), (right, left)):
        if number.lstrip("-").replace(".", "", 1).isdigit():
            return f"torch.clamp({other}, {'min' if function == 'max' else 'max'}={number})"
    return f"torch.{function}imum({left}, {right})"


def _no_step(argument: str, at_zero: Fraction) -> str:
    raise TypeError("a forward pass has no steps")


NUMPY = Library(
    "np",
    Dialect(
        _calls("np", abs="np.abs({0})", erf="erf({0})", erfc="erfc({0})"),
        lambda function, left, right: f"np.{function}imum({left}, {right})",
        lambda argument, at_zero: f"np.heaviside({argument}, {spelled(float(at_zero))})",
        spelled,
    ),
    {name: (f"np.{name}({{0}})", f"np.{name}({{0}}, axis={{1}})") for name in ("sum", "mean", "max", "min")},
    "np.stack([{0}], axis={1})",
    "{0}",
    "np.broadcast_to({0}, {1})",
    defined=("erf", "erfc", "placed"),
)

TORCH = Library(
    "torch",
    Dialect(
        _calls("torch", abs="torch.abs({0})", erf="torch.erf({0})", erfc="torch.erfc({0})"),
        _torch_extreme,
        _no_step,
        spelled,
    ),
    {
        **{name: (f"torch.{name}({{0}})", f"torch.{name}({{0}}, dim={{1}})") for name in ("sum", "mean")},
        **{name: (f"torch.{name}({{0}})", f"torch.a{name}({{0}}, dim={{1}})") for name in ("max", "min")},
    },
    "torch.stack([{0}], dim={1})",
    "torch.tensor({0}, dtype=torch.float64)",
    "torch.broadcast_to({0}, {1})",
    own=lambda row: row.torch.call if row.torch else "",
    differentiates=True,
)
