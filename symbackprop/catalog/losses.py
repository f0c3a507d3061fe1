"""Losses as rows: an expression of the prediction `a` and the target `y`, both vectors over the outputs of one sample.

The partials by `a` are derived by SymPy from the expression; where teachers write one another way (Huber's is a clipped
difference), that form stands in the row as `stated_derivative`, and a test proves it equal. For a loss that is usually
joined to an output activation (sigmoid and binary cross-entropy, softmax and cross-entropy) the row also states the two
together, from the logits `z` (the pre-activations of the outputs): `Fused`. Tests prove that equal to SymPy's derivative of
the one put into the other.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from symbackprop.algebra import expressions
from symbackprop.algebra.formula import Apply, Name, Node, Number, Product, multiplied, rewrite
from symbackprop.algebra.functions import GENERIC_LOSS, NAMES
from symbackprop.errors import ProblemError
from symbackprop.messages import message
from symbackprop.registry import Registry, cached, derived
from symbackprop.rows import Counterpart, Defaults, Setting, Settings, Words, defaults, reason_phrases


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
class TorchLoss(Counterpart):
    """A loss of `torch.nn`.

    `output` is the activation that it puts behind the last layer itself; `after` a module that has to stand there, which
    `output` then replaces. With the reduction `mean` it averages over the outputs too (`over_outputs`), where ours adds.
    `divided_by` names an attribute that it is divided by, `smoothed_by` one that says which share ε of every target is
    spread over all K classes: (1 − ε)y + ε/K.
    """

    output: str = ""
    after: str = ""
    over_outputs: bool = True
    divided_by: str = ""
    smoothed_by: str = ""


_UNWEIGHTED: Mapping[str, tuple[object, ...]] = {"weight": (None,)}
_OF_CLASSES = {**_UNWEIGHTED, "ignore_index": (-100,)}


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss of one sample.

    `reason` is the end of the id of the phrase that explains it ("" for none), `settings` are numbers that its
    expression leaves to the problem. `predictions` says what the outputs have to be: `any` number, a `probability` each
    (between 0 and 1), or a `distribution` (probabilities of the classes, which sum to 1); `targets` is a key of
    `TARGETS`. `stated_derivative` is the usual form of the gradient by `a`, element by element, where SymPy's is
    another. `fused` joins the loss to an output activation, if there is a usual one. `torch` has the losses of PyTorch
    that it is, `spellings` are what it is called elsewhere, `words` the phrases that it brings.
    """

    name: str
    expression: str
    reason: str
    settings: Settings = field(default_factory=dict)
    predictions: str = "any"
    targets: str = "any"
    source: str = ""
    stated_derivative: str = ""
    fused: Fused | None = None
    torch: tuple[TorchLoss, ...] = ()
    spellings: tuple[str, ...] = ()
    words: Words = field(default_factory=dict)

    @property
    def parameters(self) -> Defaults:
        """The settings with their defaults."""
        return defaults(self.settings)


@dataclass(frozen=True, slots=True)
class Targets:
    """What targets a loss takes: what holds for each, a number or all in an array, and what those of a sample add up to.

    `total` None is any sum. `of_classes` says that they stand for a class, whose number may be given instead.
    """

    entry: Callable[[Any], Any] = lambda target: target == target  # all but NaN
    total: int | None = None
    of_classes: bool = False

    def misfit(self, samples: Iterable[Sequence[float]]) -> tuple[int, int | None] | None:
        """Return sample and place of the first target that cannot be (place None: their sum), None where all can."""
        for sample, targets in enumerate(samples):
            for place, target in enumerate(targets):
                if not self.entry(target):
                    return sample, place
            if self.total is not None and sum(targets) != self.total:
                return sample, None
        return None


def _is_probability(target: Any) -> Any:
    return (target >= 0) & (target <= 1)


TARGETS: Mapping[str, Targets] = {
    "any": Targets(),
    "probability": Targets(_is_probability),
    # Shares that add up to another number weigh the sample: their loss has a formula too.
    "distribution": Targets(_is_probability, of_classes=True),
    "one_hot": Targets(lambda target: (target == 0) | (target == 1), total=1, of_classes=True),
}


def _check(row: Loss) -> None:
    """Raise `SymbackpropError` for a loss whose texts cannot be read, or with targets of no known kind."""
    if row.targets not in TARGETS:
        raise ProblemError(message("row.targets", name=row.targets), valid=TARGETS)
    if not row.expression and row.name != GENERIC:
        raise ProblemError(message("row.expression"))
    for text in filter(None, (row.expression, row.stated_derivative)):
        expressions.parse(text, functions=NAMES, names=("a", "y", *row.settings))
    for text in (row.fused.loss, row.fused.error, row.fused.error_of_distribution or "a") if row.fused else ():
        expressions.parse(text, functions=NAMES, names=("z", "a", "y"))


GENERIC = "generic"
"""The loss that is a symbol."""

LOSSES: Registry[Loss] = Registry(
    "loss",
    (
        Loss(
            "half_squared_error",
            "1/2*sum((a - y)**2)",
            "half_squared_error",
            source="Nielsen (2015), equation 6; the ½ cancels the 2 of the derivative",
        ),
        Loss(
            "squared_error",
            "sum((a - y)**2)",
            "squared_error",
            source="Bishop, PRML (2006), section 1.1 without the ½",
            torch=(TorchLoss("MSELoss"),),
        ),
        Loss(
            "mean_squared_error",
            "mean((a - y)**2)",
            "squared_error",
            source="Goodfellow et al., Deep Learning (2016), equation 5.4",
            spellings=("MSELoss", "mse_loss", "l2_loss", "mean_squared_loss"),
        ),
        Loss(
            "binary_cross_entropy",
            "-sum(y*ln(a) + (1 - y)*ln(1 - a))",
            "binary_cross_entropy",
            predictions="probability",
            targets="probability",
            source="Goodfellow et al. (2016), section 6.2.2.2",
            fused=Fused("sigmoid", "sum(y*softplus(-z) + (1 - y)*softplus(z))", "a - y"),
            torch=(
                TorchLoss("BCELoss", fixed=_UNWEIGHTED),
                TorchLoss("BCEWithLogitsLoss", fixed={**_UNWEIGHTED, "pos_weight": (None,)}, output="sigmoid"),
            ),
            spellings=("binary_crossentropy", "log_loss", "logistic_loss", "sigmoid_cross_entropy"),
        ),
        Loss(
            "cross_entropy",
            "-sum(y*ln(a))",
            "cross_entropy",
            predictions="distribution",
            targets="distribution",
            source="Goodfellow et al. (2016), section 6.2.2.3",
            fused=Fused(
                "softmax",
                "sum(y*(max(z) - z)) + sum(y)*ln(sum(exp(z - max(z))))",
                "sum(y)*a - y",
                error_of_distribution="a - y",
            ),
            torch=(
                TorchLoss(
                    "CrossEntropyLoss",
                    fixed=_OF_CLASSES,
                    output="softmax",
                    over_outputs=False,
                    smoothed_by="label_smoothing",
                ),
                TorchLoss("NLLLoss", fixed=_OF_CLASSES, output="softmax", after="LogSoftmax", over_outputs=False),
            ),
            spellings=("categorical_crossentropy", "sparse_categorical_crossentropy", "negative_log_likelihood", "nll"),
        ),
        Loss(
            "absolute_error",
            "sum(abs(a - y))",
            "absolute_error",
            source="Bishop, PRML (2006), section 1.5.5, with q = 1",
            torch=(TorchLoss("L1Loss"),),
            spellings=("mae", "mean_absolute_error", "l1"),
        ),
        Loss(
            "huber",
            "sum(where(abs(a - y) <= delta, 1/2*(a - y)**2, delta*(abs(a - y) - 1/2*delta)))",
            "huber",
            settings={"delta": Setting(Fraction(1), "delta", "up to which deviation it is quadratic")},
            stated_derivative="max(-delta, min(delta, a - y))",
            source="Huber (1964): half the squared error up to delta, then linear",
            torch=(
                TorchLoss("HuberLoss", {"delta": "delta"}),
                TorchLoss("SmoothL1Loss", {"beta": "delta"}, divided_by="beta"),
            ),
        ),
        Loss(
            "hinge",
            "sum((1 - y)*max(0, margin + a - dot(a, y)))",
            "hinge",
            settings={"margin": Setting(Fraction(1), "m", "how far the other scores have to stay below")},
            targets="one_hot",
            source="Weston and Watkins (1999); CS231n, linear classification: the other classes' scores within a margin",
            spellings=("MultiMarginLoss", "categorical_hinge", "multiclass_hinge", "svm"),
        ),
        Loss("generic", "", "", source="any differentiable function of outputs and targets: it stays a symbol"),
    ),
    aliases={
        "sse": "squared_error",
        "mse": "mean_squared_error",
        "bce": "binary_cross_entropy",
        "ce": "cross_entropy",
    },
    phrases=lambda row: reason_phrases(row.reason),
    check=_check,
)


_kept = functools.partial(cached, most=256)

WITH_FORMULA = derived([], lambda: [row.name for row in LOSSES.values() if row.expression])
"""The losses that have a formula, and so numbers."""


@_kept
def formula(loss: str, settings: tuple[tuple[str, Fraction], ...] = (), body: str = "") -> Node:
    """Return the loss as a formula over the vectors `a` and `y`; `body` is the text of one that the user defined.

    Raises `ExpressionError` for a body that is no expression.
    """
    if body:
        return _with_numbers(body, dict(settings))
    row = LOSSES[loss]
    if not row.expression:
        return Apply(GENERIC_LOSS, (Name("a"), Name("y")))
    return _with_numbers(row.expression, {**dict(row.parameters), **dict(settings)})


@_kept
def stated_derivative(loss: str, settings: tuple[tuple[str, Fraction], ...] = ()) -> Node | None:
    """Return the usual form of the gradient of a loss by `a`, over `a` and `y` element by element, if one is stated."""
    row = LOSSES.get(loss)
    if row is None or not row.stated_derivative:
        return None
    return _with_numbers(row.stated_derivative, {**dict(row.parameters), **dict(settings)})


def _with_numbers(text: str, numbers: Mapping[str, Fraction]) -> Node:
    """Return a text over `a`, `y` and settings as a formula with numbers for the settings."""

    def number(part: Node) -> Node | None:
        match part:
            case Name(name) if name in numbers:
                return Number(numbers[name])
            case Product(factors) if any(isinstance(factor, Name) and factor.name in numbers for factor in factors):
                known = [rewrite(factor, number) for factor in factors]
                size = math.prod([factor.value for factor in known if isinstance(factor, Number)], start=Fraction(1))
                return multiplied((Number(size), *(factor for factor in known if not isinstance(factor, Number))))
        return None

    return rewrite(expressions.parse(text, functions=NAMES, names=("a", "y", *numbers)), number)


@dataclass(frozen=True, slots=True)
class FusedFormulas:
    """A fused pair between vectors: `loss` over `z` and `y`, its gradient `error` by `z` over `a` and `y`."""

    loss: Node
    error: Node


@_kept
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
