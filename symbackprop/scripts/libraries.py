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

    `axis` is what it calls that keyword; `own` finds the template of an activation over its argument and settings, "" where
    the library does not have the function itself. `defined` are functions that a script has to define. A library that
    `differentiates` needs no backward pass.
    """

    name: str
    dialect: Dialect
    axis: str
    stack: str
    constant: str
    repeated: str
    own: Callable[[Activation], str] = lambda row: ""
    defined: tuple[str, ...] = ()
    differentiates: bool = False


def _calls(module: str, **others: str) -> Mapping[str, str]:
    return {**{name: f"{module}.{name}({{0}})" for name in _SAME}, "ln": f"{module}.log({{0}})", **others}


def _torch_extreme(function: str, left: str, right: str, at_tie: Fraction) -> str:
    """Return `max` or `min` of two, which share a tie; PyTorch bounds an array by a number with functions of their own.

    `clamp` has the derivative 1 at the bound, `threshold` (for 0: `relu`) has 0.
    """
    for number, other in ((left, right), (right, left)):
        if number.lstrip("-").replace(".", "", 1).isdigit():
            one = f"torch.clamp({other}, {'min' if function == 'max' else 'max'}={number})"
            none = _below(other, number) if function == "max" else f"(-{_below(f'-({other})', _opposite(number))})"
            weights = spelled(float(at_tie)), spelled(float(1 - at_tie))
            return {0: none, 1: one}.get(int(at_tie) if at_tie.denominator == 1 else 2) or (
                f"({weights[0]}*{one} + {weights[1]}*{none})"
            )
    return f"torch.{function}imum({left}, {right})"


def _below(argument: str, bound: str) -> str:
    """Return the maximum of an array and a number, whose derivative at the tie is 0."""
    is_zero = float(bound) == 0
    return f"torch.relu({argument})" if is_zero else f"torch.nn.functional.threshold({argument}, {bound}, {bound})"


def _opposite(number: str) -> str:
    return number[1:] if number.startswith("-") else f"-{number}"


def _no_step(argument: str, at_zero: Fraction) -> str:
    raise TypeError("a forward pass has no steps")


NUMPY = Library(
    "np",
    Dialect(
        _calls("np", abs="np.abs({0})", erf="erf({0})", erfc="erfc({0})"),
        lambda function, left, right, at_tie: f"np.{function}imum({left}, {right})",
        lambda argument, at_zero: f"np.heaviside({argument}, {spelled(float(at_zero))})",
        spelled,
    ),
    "axis",
    "np.stack([{0}], axis={axis})",
    "{0}",
    "np.broadcast_to({0}, {1})",
    defined=("erf", "erfc", "placed", "softmax"),
)

TORCH = Library(
    "torch",
    Dialect(
        _calls("torch", abs="torch.abs({0})", erf="torch.erf({0})", erfc="torch.erfc({0})"),
        _torch_extreme,
        _no_step,
        spelled,
    ),
    "dim",
    "torch.stack([{0}], dim={axis})",
    "torch.tensor({0}, dtype=torch.float64)",
    "torch.broadcast_to({0}, {1})",
    own=lambda row: row.torch.call if row.torch else "",
    differentiates=True,
)
