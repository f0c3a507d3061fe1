"""Losses as rows: an expression of the prediction `a` and the target `y`, both vectors over the outputs of one sample.

The gradient is never written here; SymPy derives it from the expression.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from symbackprop import expressions
from symbackprop.formula import Name, Node, Number, rewrite
from symbackprop.functions import NAMES
from symbackprop.registry import Registry


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss of one sample.

    `parameters` are the defaults of its parameters. `predictions` says what the outputs have to be: `any` number, a
    `probability` each (between 0 and 1), or a `distribution` (probabilities of the classes, which sum to 1); `targets`
    likewise.
    """

    name: str
    expression: str
    parameters: tuple[tuple[str, Fraction], ...] = ()
    predictions: str = "any"
    targets: str = "any"
    source: str = ""


LOSSES: Registry[Loss] = Registry(
    "loss",
    {
        row.name: row
        for row in (
            Loss(
                "half_squared_error",
                "1/2*sum((a - y)**2)",
                source="Nielsen (2015), equation 6; the ½ cancels the 2 of the derivative",
            ),
            Loss("squared_error", "sum((a - y)**2)", source="Bishop, PRML (2006), section 1.1 without the ½"),
            Loss(
                "mean_squared_error", "mean((a - y)**2)", source="Goodfellow et al., Deep Learning (2016), equation 5.4"
            ),
            Loss(
                "binary_cross_entropy",
                "-sum(y*ln(a) + (1 - y)*ln(1 - a))",
                predictions="probability",
                targets="probability",
                source="Goodfellow et al. (2016), section 6.2.2.2",
            ),
            Loss(
                "cross_entropy",
                "-sum(y*ln(a))",
                predictions="distribution",
                targets="distribution",
                source="Goodfellow et al. (2016), section 6.2.2.3",
            ),
            Loss("absolute_error", "sum(abs(a - y))", source="Bishop, PRML (2006), section 1.5.5, with q = 1"),
            Loss(
                "huber",
                "sum(min(abs(a - y), delta)*(abs(a - y) - 1/2*min(abs(a - y), delta)))",
                parameters=(("delta", Fraction(1)),),
                source="Huber (1964): half the squared error up to delta, then linear",
            ),
            Loss(
                "hinge",
                "sum((1 - y)*max(0, margin + a - dot(a, y)))",
                parameters=(("margin", Fraction(1)),),
                targets="distribution",
                source="Weston and Watkins (1999); CS231n, linear classification: the other classes' scores within a margin",
            ),
        )
    },
    aliases={
        "sse": "squared_error",
        "mse": "mean_squared_error",
        "bce": "binary_cross_entropy",
        "ce": "cross_entropy",
    },
)


def formula(loss: str, settings: tuple[tuple[str, Fraction], ...] = (), body: str = "") -> Node:
    """Return the loss as a formula over the vectors `a` and `y`; `body` is the text of one that the user defined.

    Raises `ExpressionError` for a body that is no expression.
    """
    row = LOSSES.rows.get(loss)
    numbers = {**dict(row.parameters if row and not body else ()), **dict(settings)}
    text = body or LOSSES[loss].expression
    tree = expressions.parse(text, functions=NAMES, names=("a", "y", *numbers))
    return rewrite(tree, lambda part: _number(numbers, part))


def _number(numbers: Mapping[str, Fraction], part: Node) -> Node | None:
    return Number(numbers[part.name]) if isinstance(part, Name) and part.name in numbers else None
