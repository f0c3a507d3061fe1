"""The shape of a problem file: its tables, keys and kinds of value. Numbers are checked later, exactly."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Scalar = Annotated[Any, Field(json_schema_extra={"type": ["number", "string"]})]
Array = Annotated[Any, Field(json_schema_extra={"type": ["number", "string", "array"]})]
Positive = Annotated[int, Field(gt=0, le=100_000)]


class Table(BaseModel):
    """A table of the file: its keys are all known."""

    model_config = ConfigDict(extra="forbid", strict=True)


class LayerSpec(Table):
    """One dense layer."""

    units: Positive = Field(description="number of units")
    activation: str = Field(default="linear", description="name of an activation")
    bias: Literal["per_unit", "shared", "none", "threshold"] = Field(
        default="per_unit", description="one bias per unit, one for the layer, none, or a threshold (z = Wx − θ)"
    )


class NetworkSpec(Table):
    """A dense network."""

    inputs: Positive | list[str] = Field(description="number of inputs, or their names")
    layers: list[LayerSpec] = Field(min_length=1, description="the layers, first hidden layer first")
    loss: str = Field(description="name of a loss")
    reduction: Literal["mean", "sum"] = Field(default="mean", description="of the losses of several samples")
    relu_derivative_at_zero: Scalar = Field(default=0, description="the derivative of ReLU at 0, in [0, 1]")


class DataSpec(Table):
    """Inputs and targets: one sample (a flat list) or a list of samples."""

    x: Array = None
    y: Array = None


class TrainingSpec(Table):
    """Descent on the loss."""

    optimizer: str = "gradient_descent"
    learning_rate: Scalar = Field(description="η; negative is ascent")
    steps: Annotated[int, Field(ge=0, le=10_000_000)] | None = Field(default=None, description="number of updates")
    epochs: Annotated[int, Field(ge=0, le=10_000_000)] | None = Field(
        default=None, description="passes over the data; each is one update while a batch is all samples"
    )
    frozen: list[str] = Field(default=[], description="parameters that are not updated")


class NotationSpec(Table):
    """How the document writes things; no number depends on it."""

    naming: Literal["layered", "flat"] = "layered"
    layout: Literal["column", "row"] = "column"
    digits: Annotated[int, Field(ge=1, le=30)] = Field(default=6, description="significant digits shown")
    symbols: dict[str, str] = Field(default={}, description="letters of your own: { loss = 'E', target = 't' }")


class ProblemSpec(Table):
    """A problem file."""

    title: str = Field(default="", max_length=300)
    network: NetworkSpec
    parameters: dict[str, Array] = {}
    data: DataSpec = DataSpec()
    training: TrainingSpec | None = None
    notation: NotationSpec = NotationSpec()
