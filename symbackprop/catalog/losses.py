"""Losses as rows: an expression of the prediction `a` and the target `y`, both vectors over the outputs of one sample.

The partials by `a` are derived by SymPy from the expression; where teachers write one another way (Huber's is a clipped
difference), that form stands in the row as `stated_derivative`, and a test proves it equal. For a loss that is usually
joined to an output activation (sigmoid and binary cross-entropy, softmax and cross-entropy) the row also states the two
together, from the logits `z` (the pre-activations of the outputs): `Fused`. Tests prove that equal to SymPy's derivative of
the one put into the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from symbackprop.algebra import expressions
from symbackprop.algebra.formula import Apply, Name, Negative, Node, Number, rewrite
from symbackprop.algebra.functions import GENERIC_LOSS, NAMES
from symbackprop.registry import Registry


@dataclass(frozen=True, slots=True)
class Fused:
    """A loss and the output activation before it as one function of the logits.

    `loss` is the loss over the vectors `z` (logits) and `y`, in a form in which nothing overflows or cancels; `error` is
    its gradient by `z` over `a` (the activations) and `y`, whatever the targets; `error_of_distribution` the same where
    the targets of a sample sum to 1. Read them as formulas by `fused`.
    """

    activation: str
    loss: str
    error: str
    error_of_distribution: str = ""


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss of one sample.

    `parameters` are the defaults of its parameters. `predictions` says what the outputs have to be: `any` number, a
    `probability` each (between 0 and 1), or a `distribution` (probabilities of the classes, which sum to 1); `targets`
    likewise. `stated_derivative` is the usual form of the gradient by `a`, element by element, where SymPy's is another.
    `fused` joins the loss to an output activation, if there is a usual one.
    """

    name: str
    expression: str
    parameters: tuple[tuple[str, Fraction], ...] = ()
    predictions: str = "any"
    targets: str = "any"
    source: str = ""
    stated_derivative: str = ""
    fused: Fused | None = None


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
                fused=Fused("sigmoid", "sum(y*softplus(-z) + (1 - y)*softplus(z))", "a - y"),
            ),
            Loss(
                "cross_entropy",
                "-sum(y*ln(a))",
                predictions="distribution",
                targets="distribution",
                source="Goodfellow et al. (2016), section 6.2.2.3",
                fused=Fused(
                    "softmax",
                    "sum(y*(max(z) - z)) + sum(y)*ln(sum(exp(z - max(z))))",
                    "sum(y)*a - y",
                    error_of_distribution="a - y",
                ),
            ),
            Loss("absolute_error", "sum(abs(a - y))", source="Bishop, PRML (2006), section 1.5.5, with q = 1"),
            Loss(
                "huber",
                "sum(min(abs(a - y), delta)*(abs(a - y) - 1/2*min(abs(a - y), delta)))",
                parameters=(("delta", Fraction(1)),),
                stated_derivative="max(-delta, min(delta, a - y))",
                source="Huber (1964): half the squared error up to delta, then linear",
            ),
            Loss(
                "hinge",
                "sum((1 - y)*max(0, margin + a - dot(a, y)))",
                parameters=(("margin", Fraction(1)),),
                targets="distribution",
                source="Weston and Watkins (1999); CS231n, linear classification: the other classes' scores within a margin",
            ),
            Loss("generic", "", source="any differentiable function of outputs and targets: it stays a symbol"),
        )
    },
    aliases={
        "sse": "squared_error",
        "mse": "mean_squared_error",
        "bce": "binary_cross_entropy",
        "ce": "cross_entropy",
    },
)


WITH_FORMULA = tuple(row.name for row in LOSSES.values() if row.expression)
"""The losses that have a formula, and so numbers."""


def formula(loss: str, settings: tuple[tuple[str, Fraction], ...] = (), body: str = "") -> Node:
    """Return the loss as a formula over the vectors `a` and `y`; `body` is the text of one that the user defined.

    Raises `ExpressionError` for a body that is no expression.
    """
    row = LOSSES.get(loss)
    numbers = {**dict(row.parameters if row and not body else ()), **dict(settings)}
    text = body or LOSSES[loss].expression
    if not text:
        return Apply(GENERIC_LOSS, (Name("a"), Name("y")))
    tree = expressions.parse(text, functions=NAMES, names=("a", "y", *numbers))
    return rewrite(tree, lambda part: _number(numbers, part))


def stated_derivative(loss: str, settings: tuple[tuple[str, Fraction], ...] = ()) -> Node | None:
    """Return the usual form of the gradient of a loss by `a`, over `a` and `y` element by element, if one is stated."""
    row = LOSSES.get(loss)
    if row is None or not row.stated_derivative:
        return None
    numbers = {**dict(row.parameters), **dict(settings)}
    tree = expressions.parse(row.stated_derivative, functions=NAMES, names=("a", "y", *numbers))
    return rewrite(tree, lambda part: _number(numbers, part))


@dataclass(frozen=True, slots=True)
class FusedFormulas:
    """A fused pair between vectors: `loss` over `z` and `y`, its gradient `error` by `z` over `a` and `y`."""

    loss: Node
    error: Node


def fused(loss: str, activation: str, *, distribution: bool = False) -> FusedFormulas | None:
    """Return a loss and the output activation before it as formulas from the logits, None where they are no usual pair.

    `distribution` says that the targets of every sample sum to 1, which shortens the error.

    >>> fused("binary_cross_entropy", "sigmoid").error
    Sum(terms=(Name(name='a', sample=None), Negative(operand=Name(name='y', sample=None))))
    """
    row = LOSSES.get(loss)
    pair = None if row is None else row.fused
    if pair is None or pair.activation != activation:
        return None
    error = pair.error_of_distribution if distribution and pair.error_of_distribution else pair.error
    formulas = [expressions.parse(text, functions=NAMES, names=("z", "a", "y")) for text in (pair.loss, error)]
    return FusedFormulas(*formulas)


def _number(numbers: Mapping[str, Fraction], part: Node) -> Node | None:
    if isinstance(part, Negative) and isinstance(part.operand, Name) and part.operand.name in numbers:
        return Number(-numbers[part.operand.name])
    return Number(numbers[part.name]) if isinstance(part, Name) and part.name in numbers else None
