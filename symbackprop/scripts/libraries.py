"""What generated scripts call: functions of NumPy, JAX or PyTorch for every operation, as templates over its arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from symbackprop.algebra.activations import Activation
from symbackprop.algebra.operation_rows import ArrayOperation
from symbackprop.arithmetic.python_code import ARCS, Dialect, spelled

_SAME = ("exp", "sqrt", "sin", "cos", "tan", "tanh", "log1p", "expm1")


@dataclass(frozen=True, slots=True)
class Library:
    """The spelling of array operations in one library; `constant` makes a number an array.

    `axis` is what it calls that keyword; `own` finds the template of an activation over its argument and settings, "" where
    the library does not have the function itself. `defined` are functions that a script has to define. A library that
    `differentiates` needs no backward pass; `guarded` is then an array (`{1}`) to which no gradient comes where a condition
    (`{0}`) does not hold: what a branch that is not chosen sends back may be no number.
    """

    name: str
    dialect: Dialect
    axis: str
    stack: str
    constant: str
    repeated: str
    own: Callable[[Activation], str] = lambda row: ""
    defined: tuple[str, ...] = ()
    guarded: str = ""
    differentiates: bool = False
    like: str = ""

    def call(self, row: ArrayOperation) -> str | None:
        """Return its call of an operation, None where it has none; one that is `like` another has that one's calls too."""
        own, other = row.calls.get(self.name), row.calls.get(self.like)
        return own if own or not other else other.replace(f"{self.like}.", f"{self.name}.")


def _calls(module: str, renamed: Mapping[str, str], **others: str) -> Mapping[str, str]:
    named = {**{name: name for name in _SAME}, "ln": "log", **renamed}
    return {**{name: f"{module}.{called}({{0}})" for name, called in named.items()}, **others}


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


def _torch_step(argument: str, at_zero: Fraction) -> str:
    """Return a comparison as a number; PyTorch sends nothing back through it."""
    return f"({argument} {'>=' if at_zero else '>'} 0).to(torch.float64)"


def _torch_choice(compared: str, holding: str, otherwise: str) -> str:
    """Return a choice; two numbers would be of PyTorch's default type."""
    numbers = [_is_number(text) for text in (holding, otherwise)]
    return f"torch.where({compared}, {_torch_constant(holding) if all(numbers) else holding}, {otherwise})"


def _torch_constant(number: str) -> str:
    return f"torch.tensor({number}, dtype=torch.float64)"


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).replace("e-", "", 1).isdigit()


def _of_arrays(prefix: str, *, error_functions: str) -> Dialect:
    """Return how formulas are written with NumPy's functions, or those that are called alike, behind a prefix."""
    erf, erfc = (f"{error_functions}{name}({{0}})" for name in ("erf", "erfc"))
    return Dialect(
        _calls(prefix, ARCS, abs=f"{prefix}.abs({{0}})", erf=erf, erfc=erfc),
        lambda function, left, right, at_tie: f"{prefix}.{function}imum({left}, {right})",
        lambda argument, at_zero: f"{prefix}.heaviside({argument}, {spelled(float(at_zero))})",
        f"{prefix}.where({{}}, {{}}, {{}})".format,
        spelled,
    )


NUMPY = Library(
    "np",
    _of_arrays("np", error_functions=""),
    "axis",
    "np.stack([{0}], axis={axis})",
    "{0}",
    "np.broadcast_to({0}, {1})",
    defined=("erf", "erfc", "placed", "softmax"),
)

JAX = Library(
    "jnp",
    _of_arrays("jnp", error_functions="jax.scipy.special."),
    "axis",
    "jnp.stack([{0}], axis={axis})",
    "{0}",
    "jnp.broadcast_to({0}, {1})",
    guarded="jnp.where({0}, {1}, jax.lax.stop_gradient({1}))",
    differentiates=True,
    like="np",
)

TORCH = Library(
    "torch",
    Dialect(
        _calls(
            "torch", {name: name for name in ARCS}, abs="torch.abs({0})", erf="torch.erf({0})", erfc="torch.erfc({0})"
        ),
        _torch_extreme,
        _torch_step,
        _torch_choice,
        spelled,
    ),
    "dim",
    "torch.stack([{0}], dim={axis})",
    _torch_constant("{0}"),
    "torch.broadcast_to({0}, {1})",
    own=lambda row: row.torch.call if row.torch else "",
    guarded="torch.where({0}, {1}, ({1}).detach())",
    differentiates=True,
)
