"""The shape of a problem file: its tables, keys and kinds of value. Numbers are checked later, exactly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Scalar = Annotated[Any, Field(json_schema_extra={"type": ["number", "string"]})]
Array = Annotated[Any, Field(json_schema_extra={"type": ["number", "string", "array"]})]
Positive = Annotated[int, Field(gt=0, le=100_000)]


class Table(BaseModel):
    """A table of the file: its keys are all known."""

    model_config = ConfigDict(extra="forbid", strict=True)


class OwnFunction(Table):
    """An activation of the user's own."""

    expression: str = Field(description="the function, in z")
    name: str = Field(default="f", description="how it is printed")


class OwnLoss(Table):
    """A loss of the user's own."""

    expression: str = Field(description="the loss of one sample, in a and y: sum((a - y)**4)/4")


class LossSpec(Table):
    """A loss with its parameters."""

    name: str
    delta: Scalar = None
    margin: Scalar = None


class LayerSpec(Table):
    """One dense layer."""

    units: Positive = Field(description="number of units")
    activation: str | OwnFunction = Field(
        default="linear", description="name of an activation, or { expression, name }"
    )
    alpha: Scalar = Field(default=None, description="the parameter of leaky_relu and elu")
    bias: Literal["per_unit", "shared", "none", "threshold"] = Field(
        default="per_unit", description="one bias per unit, one for the layer, none, or a threshold (z = Wx − θ)"
    )


class NetworkSpec(Table):
    """A dense network."""

    inputs: Positive | list[str] = Field(description="number of inputs, or their names")
    layers: list[LayerSpec] = Field(min_length=1, description="the layers, first hidden layer first")
    loss: str | LossSpec | OwnLoss = Field(description="name of a loss, { name, delta }, or { expression }")
    reduction: Literal["mean", "sum"] = Field(default="mean", description="of the losses of several samples")
    relu_derivative_at_zero: Scalar = Field(default=0, description="the derivative of ReLU at 0, in [0, 1]")


class RegularizationSpec(Table):
    """A penalty on the weights, a part of the loss."""

    l2: Scalar = Field(default=None, description="λ of the penalty on squares, Σw²")
    l1: Scalar = Field(default=None, description="λ of the penalty on absolute values, Σ|w|")
    form: Literal["half", "plain", "half_mean", "convex"] = Field(
        default="half",
        description="λ/2 Σw², λ Σw², λ/(2m) Σw² over m samples, or λE + (1 − λ)Σw²; of l1 λ Σ|w|, λ/m Σ|w| for half_mean",
    )
    biases: bool = Field(default=False, description="whether biases and thresholds are penalised too")


class InitializerSpec(Table):
    """How omitted parameters are drawn."""

    name: str = Field(description="name of an initialiser")
    low: Scalar = Field(default=None, description="of uniform")
    high: Scalar = Field(default=None, description="of uniform")
    mean: Scalar = Field(default=None, description="of normal")
    std: Scalar = Field(default=None, description="of normal, the standard deviation")
    biases: bool = Field(default=False, description="whether biases and thresholds are drawn too, or are zero")


class ParametersSpec(Table):
    """Parameters by code name: `W1`, then `b1` or `theta1`, then `W2`, …."""

    model_config = ConfigDict(extra="allow", strict=True)
    __pydantic_extra__: dict[str, Array]

    seed: Annotated[int, Field(ge=0)] | None = Field(default=None, description="of the draws; 0 without one")
    initializer: str | InitializerSpec | None = Field(
        default=None, description="how omitted parameters are drawn (they are if this key or seed is here)"
    )
    file: str | None = Field(default=None, description="arrays by code name, as numpy.savez writes them")

    @property
    def given(self) -> Mapping[str, object]:
        """The parameters that are written down."""
        return self.__pydantic_extra__


class SymbolSpec(Table):
    """A quantity without a value."""

    shape: list[Positive] = Field(description="[] is a number, [3] a vector, [2, 3] a matrix")


class GraphSpec(Table):
    """A computation graph."""

    parameters: dict[str, SymbolSpec | Array] = Field(default={}, description="name → value, or { shape = [2, 3] }")
    inputs: dict[str, SymbolSpec | Array] = {}
    targets: dict[str, SymbolSpec | Array] = {}
    equations: list[str] = Field(min_length=1, description="one assignment each, in order: s = w[0]*x[0] + w[1]")
    output: str = Field(description="the scalar to differentiate")
    reduction: Literal["mean", "sum"] = Field(default="mean", description="of the outputs of several samples")
    relu_derivative_at_zero: Scalar = 0


class TrainingSpec(Table):
    """Descent on the loss."""

    optimizer: str = "gradient_descent"
    learning_rate: Scalar = Field(description="η; negative is ascent")
    steps: Annotated[int, Field(ge=0, le=10_000_000)] | None = Field(default=None, description="number of updates")
    epochs: Annotated[int, Field(ge=0, le=10_000_000)] | None = Field(
        default=None, description="passes over the data; each is one update while a batch is all samples"
    )
    frozen: list[str] = Field(default=[], description="parameters that are not updated")
    update: Literal["simultaneous", "sequential"] = Field(
        default="simultaneous",
        description="sequential (not gradient descent): errors of a layer use the updated weights of later layers",
    )


class RoundingSpec(Table):
    """Rounding as by hand: to so many decimals, or to so many significant digits."""

    decimals: Annotated[int, Field(ge=0, le=30)] | None = None
    significant: Annotated[int, Field(ge=1, le=30)] | None = None


class NotationSpec(Table):
    """How the document writes things; no number depends on it, except by rounding as by hand."""

    naming: Literal["layered", "flat"] = "layered"
    layout: Literal["column", "row"] = "column"
    digits: Annotated[int, Field(ge=1, le=30)] = Field(default=6, description="significant digits shown")
    symbols: dict[str, str] = Field(default={}, description="letters of your own: { loss = 'E', target = 't' }")
    round_intermediates: RoundingSpec | None = Field(
        default=None, description="every computed number is rounded, as by hand: { decimals = 4 }, { significant = 4 }"
    )


class ProblemSpec(Table):
    """A problem file."""

    title: str = Field(default="", max_length=300)
    network: NetworkSpec | None = None
    graph: GraphSpec | None = None
    regularization: RegularizationSpec | None = None
    parameters: ParametersSpec | None = None
    data: dict[str, Array] = Field(default={}, description="x and y: one sample (a flat list) or a list of samples")
    training: TrainingSpec | None = None
    notation: NotationSpec = NotationSpec()
