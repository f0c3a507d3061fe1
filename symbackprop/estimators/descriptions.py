"""Networks of estimators as problems: the network that users see, and the same one with a weight for each sample."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from symbackprop.algebra.functions import ACTIVATIONS
from symbackprop.algebra.tokens import NAME, cut
from symbackprop.catalog.losses import LOSSES
from symbackprop.compilation import Gradient, compile
from symbackprop.derivation.derivations import derive
from symbackprop.problems.load import problem
from symbackprop.registry import cached

Written = str | Mapping[str, Any]
"""An activation or a loss as problem files have it: a name, or a table."""

INPUTS, WEIGHT, STRENGTH, TARGETS = "x", "weight", "strength", "y"
"""The data of a network with weights: of each sample its weight, and the strength of the penalty Σw²."""


@dataclass(frozen=True, slots=True)
class Head:
    """What outputs are and how they are compared: the output activation by scikit-learn's name, by ours, and our loss."""

    called: str
    activation: Written
    loss: Written

    @property
    def expression(self) -> str:
        """The text of the loss, in the outputs `a` and the targets `y`."""
        return LOSSES[self.loss].expression if isinstance(self.loss, str) else str(self.loss["expression"])


_PROBABILITIES = Head("logistic", "sigmoid", "binary_cross_entropy")
_DEVIANCE = "sum(a - y*ln(a) + y*ln(max(y, 1e-30)) - y)"
"""Half the deviance of a Poisson distribution with the mean a; y ln y is 0 at 0."""
HEADS: Mapping[str, Head] = {
    "binary": _PROBABILITIES,
    "multilabel-indicator": _PROBABILITIES,
    "multiclass": Head("softmax", "softmax", "cross_entropy"),
    "squared_error": Head("identity", "linear", "half_squared_error"),
    "poisson": Head("exp", {"expression": "exp(z)", "name": "exponential"}, {"expression": _DEVIANCE}),
}
"""What is predicted → how: the kinds of targets that scikit-learn tells apart, and the losses of a regressor."""


@dataclass(frozen=True, slots=True)
class Description:
    """A network: its widths, inputs first, the activation of hidden layers, what its outputs are, α of the penalty."""

    widths: tuple[int, ...]
    activation: Written
    head: Head
    alpha: float

    @property
    def plain(self) -> Mapping[str, Any]:
        """The content of a problem: the mean of the losses, and α/(2m) Σw² over m samples."""
        hidden, output = ([_layer(activation)] for activation in (self._inner, self.head.activation))
        layers = [
            {"units": units, **each}
            for units, each in zip(self.widths[1:], self._per_layer(hidden, output), strict=True)
        ]
        return {
            "network": {"inputs": self.widths[0], "layers": layers, "loss": self.head.loss},
            "notation": {"layout": "row"},
            **({"regularization": {"l2": self.alpha, "form": "half_mean"}} if self.alpha else {}),
        }

    @property
    def weighted(self) -> Mapping[str, Any]:
        """The content of a problem with the same parameters, whose loss is the mean of `weight`·loss + `strength`·Σw²."""
        parameters: dict[str, Any] = {}
        equations, squares, last = [], [], INPUTS
        activations = self._per_layer([self._inner], [self.head.activation])
        pairs = zip(self.widths, self.widths[1:], activations, strict=False)
        for number, (before, units, activation) in enumerate(pairs, start=1):
            weights, bias, inner, outer = (f"{letter}{number}" for letter in "Wbza")
            parameters |= {weights: {"shape": [before, units]}, bias: {"shape": [units]}}
            equations += [f"{inner} = {last} @ {weights} + {bias}", f"{outer} = {_applied(activation, inner)}"]
            squares.append(f"sum({weights}*{weights})")
            last = outer
        equations += [
            f"loss = {_renamed(self.head.expression, 'a', last)}",
            f"squares = {' + '.join(squares)}",
            f"L = {WEIGHT}*loss + {STRENGTH}*squares",
        ]
        data = {INPUTS: {"shape": [self.widths[0]]}, WEIGHT: {"shape": []}, STRENGTH: {"shape": []}}
        targets = {TARGETS: {"shape": [self.widths[-1]]}}
        table = {"parameters": parameters, "inputs": data, "targets": targets, "equations": equations, "output": "L"}
        return {"graph": table}

    def compiled(self, dtype: str, *, weighted: bool = False) -> Gradient:
        """Return the compiled gradient, one and the same for equal descriptions."""
        return _compiled(json.dumps(self.weighted if weighted else self.plain, default=_plain), dtype)

    @property
    def _inner(self) -> Written:
        """The activation of hidden layers by our name: some have a name of scikit-learn's, every other one is ours."""
        if not isinstance(self.activation, str):
            return self.activation
        ours = {row.sklearn: row.name for row in ACTIVATIONS.values() if row.sklearn}
        return ours.get(self.activation, self.activation)

    def _per_layer(self, hidden: list[Any], output: list[Any]) -> list[Any]:
        """Return what hidden layers have once for each of them, and then what the last one has."""
        return hidden * (len(self.widths) - 2) + output


_KEPT = 16
"""How many networks are kept compiled."""


@functools.partial(cached, most=_KEPT)
def _compiled(content: str, dtype: str) -> Gradient:
    """Return the gradient of a network, whose content of a problem file comes as JSON: that can be compared."""
    return compile(derive(problem(json.loads(content), name="estimator")), dtype=dtype)


def _plain(number: Any) -> Any:
    """Return a number of NumPy as one of Python."""
    return number.item()


def _layer(activation: Written) -> dict[str, Any]:
    """Return an activation as the keys of a layer: a name, a table with an expression, a name with settings beside it."""
    if isinstance(activation, str) or "expression" in activation:
        return {"activation": activation}
    settings = dict(activation)
    return {"activation": settings.pop("name", None), **settings}


def _applied(activation: Written, argument: str) -> str:
    """Return the text of an activation applied to a named quantity."""
    if not isinstance(activation, str) and "expression" in activation:
        return _renamed(str(activation["expression"]), "z", argument)
    name, *settings = _layer(activation).items()
    given = "".join(f", {key}={float(value)!r}" for key, value in settings)
    return f"{name[1]}({argument}{given})"


def _renamed(text: str, old: str, new: str) -> str:
    """Return an expression with another name in the place of one."""
    return " ".join(new if (token.kind, token.text) == (NAME, old) else token.text for token in cut(text))
