"""The shape of a problem file: its tables, keys and kinds of value. Numbers are checked later, exactly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from symbackprop.algebra.functions import ACTIVATIONS
from symbackprop.catalog.initializers import INITIALIZERS
from symbackprop.catalog.losses import LOSSES
from symbackprop.catalog.optimizers import OPTIMIZERS
from symbackprop.catalog.schedules import SCHEDULES
from symbackprop.errors import Spellings
from symbackprop.problems.answer_rules import MOST_OPTIONS
from symbackprop.registry import Registry
from symbackprop.rows import other_settings

GivenNumber = Annotated[Any, Field(json_schema_extra={"type": ["number", "string"]})]
GivenNumbers = Annotated[Any, Field(json_schema_extra={"type": ["number", "string", "array"]})]
Positive = Annotated[int, Field(gt=0, le=100_000)]
Title = Annotated[str, Field(max_length=300)]
Paragraphs = Annotated[str, Field(max_length=5_000)]


class TableSpec(BaseModel):
    """A table of the file: its keys are all known."""

    model_config = ConfigDict(extra="forbid", strict=True)


class OwnFunction(TableSpec):
    """An activation of the user's own."""

    expression: str = Field(description="the function, in z")
    name: str = Field(default="f", description="how it is printed")


class OwnLoss(TableSpec):
    """A loss of the user's own."""

    expression: str = Field(description="the loss of one sample, in a and y: sum((a - y)**4)/4")


class SettingsTable(TableSpec):
    """A table of the file that names a row of a registry, and whose further keys are the settings of that row.

    `registry` is that of the row, `named_by` the key that names it. `is_of_formula` says that the settings are part of a
    formula, and so fractions. `spellings` are what keys of the table are called elsewhere.
    """

    model_config = ConfigDict(extra="allow", strict=True)
    __pydantic_extra__: dict[str, GivenNumber]
    registry: ClassVar[Registry[Any]]
    named_by: ClassVar[str] = "name"
    is_of_formula: ClassVar[bool] = True
    spellings: ClassVar[Spellings] = {}

    @property
    def settings(self) -> Mapping[str, object]:
        """The settings that are written down."""
        return self.__pydantic_extra__

    @model_validator(mode="before")
    @classmethod
    def _knows_its_keys(cls, content: Any) -> Any:
        """Refuse a key that is neither of the table nor a setting of any row."""
        fields = cls.model_fields
        for key in content if isinstance(content, dict) else ():
            if key not in fields and not any(key in row.settings for row in cls.registry.rows.values()):
                name = content.get(cls.named_by, fields[cls.named_by].default)
                row = cls.registry.get(name) if isinstance(name, str) else None
                rows = cls.registry.rows.values() if row is None else [row]
                valid = dict.fromkeys((*fields, *(setting for row in rows for setting in row.settings)))
                elsewhere = {
                    **cls.spellings,
                    **{other: ours for each in rows for other, ours in other_settings(each).items()},
                }
                context = {"key": str(key), "valid": list(valid), "spellings": elsewhere}
                raise PydanticCustomError(UNKNOWN_KEY, "unknown key", context)
        return content


UNKNOWN_KEY = "unknown_key"
"""The kind of finding of a key that neither a table nor any of its rows has."""


class LossSpec(SettingsTable):
    """A loss with its settings."""

    registry: ClassVar[Registry[Any]] = LOSSES
    name: str


class LayerSpec(SettingsTable):
    """One dense layer, and the settings of its activation."""

    registry: ClassVar[Registry[Any]] = ACTIVATIONS
    named_by: ClassVar[str] = "activation"
    units: Positive = Field(description="number of units")
    activation: str | OwnFunction = Field(
        default="linear", description="name of an activation, or { expression, name }"
    )
    bias: Literal["per_unit", "shared", "none", "threshold"] = Field(
        default="per_unit", description="one bias per unit, one for the layer, none, or a threshold (z = Wx − θ)"
    )


class NetworkSpec(TableSpec):
    """A dense network."""

    inputs: Positive | list[str] = Field(description="number of inputs, or their names")
    layers: list[LayerSpec] = Field(min_length=1, description="the layers, first hidden layer first")
    loss: str | LossSpec | OwnLoss = Field(description="name of a loss, { name, delta }, or { expression }")
    reduction: Literal["mean", "sum"] = Field(default="mean", description="of the losses of several samples")
    relu_derivative_at_zero: GivenNumber = Field(default=0, description="the derivative of ReLU at 0, in [0, 1]")


class RegularizationSpec(TableSpec):
    """A penalty on the weights, a part of the loss."""

    l2: GivenNumber = Field(default=None, description="λ of the penalty on squares, Σw²")
    l1: GivenNumber = Field(default=None, description="λ of the penalty on absolute values, Σ|w|")
    form: Literal["half", "plain", "half_mean", "convex"] = Field(
        default="half",
        description="λ/2 Σw², λ Σw², λ/(2m) Σw² over m samples, or λE + (1 − λ)Σw²; of l1 λ Σ|w|, λ/m Σ|w| for half_mean",
    )
    biases: bool = Field(default=False, description="whether biases and thresholds are penalised too")


class InitializerSpec(SettingsTable):
    """How omitted parameters are drawn, and the settings of that initializer."""

    registry: ClassVar[Registry[Any]] = INITIALIZERS
    name: str = Field(description="name of an initialiser")
    biases: bool = Field(default=False, description="whether biases and thresholds are drawn too, or are zero")


class ParametersSpec(TableSpec):
    """Parameters by code name: `W1`, then `b1` or `theta1`, then `W2`, …."""

    model_config = ConfigDict(extra="allow", strict=True)
    __pydantic_extra__: dict[str, GivenNumbers]

    seed: Annotated[int, Field(ge=0)] | None = Field(default=None, description="of the draws; 0 without one")
    initializer: str | InitializerSpec | None = Field(
        default=None, description="how omitted parameters are drawn (they are if this key or seed is here)"
    )
    file: str | None = Field(default=None, description="arrays by code name, as numpy.savez writes them")

    @property
    def given(self) -> Mapping[str, object]:
        """The parameters that are written down."""
        return self.__pydantic_extra__


class SymbolSpec(TableSpec):
    """A quantity without a value."""

    shape: list[Positive] = Field(description="[] is a number, [3] a vector, [2, 3] a matrix; at most four axes")


class GraphSpec(TableSpec):
    """A computation graph."""

    parameters: dict[str, SymbolSpec | GivenNumbers] = Field(
        default={}, description="name → value, or { shape = [2, 3] }"
    )
    inputs: dict[str, SymbolSpec | GivenNumbers] = {}
    targets: dict[str, SymbolSpec | GivenNumbers] = {}
    equations: list[str] = Field(min_length=1, description="one assignment each, in order: s = w[0]*x[0] + w[1]")
    output: str = Field(description="the scalar to differentiate")
    reduction: Literal["mean", "sum"] = Field(default="mean", description="of the outputs of several samples")
    relu_derivative_at_zero: GivenNumber = 0


class ScheduleSpec(SettingsTable):
    """How the learning rate changes, and the settings of that kind of schedule."""

    registry: ClassVar[Registry[Any]] = SCHEDULES
    named_by: ClassVar[str] = "kind"
    is_of_formula: ClassVar[bool] = False
    kind: str = Field(description="name of a schedule")
    per: Literal["epoch", "step"] = Field(default="epoch", description="whether it counts epochs or updates")


class StopSpec(TableSpec):
    """When training stops before its last update: after epochs without progress."""

    tolerance: GivenNumber = Field(default=0, description="what the loss has to fall by, below its least so far")
    patience: Positive = Field(default=1, description="how many epochs in a row it may fail to")
    validation_fraction: GivenNumber = Field(
        default=0, description="share of the samples that is held back, and whose loss is watched"
    )


class TrainingSpec(SettingsTable):
    """Descent on the loss, and the settings of the optimizer."""

    registry: ClassVar[Registry[Any]] = OPTIMIZERS
    spellings: ClassVar[Spellings] = {
        "solver": "optimizer",
        "max_iter": "epochs",
        "iterations": "steps",
        "updates": "steps",
        "scheduler": "schedule",
        "early_stopping": "stop",
        "random_state": "seed",
    }
    named_by: ClassVar[str] = "optimizer"
    is_of_formula: ClassVar[bool] = False
    optimizer: str = Field(default="gradient_descent", description="name of an optimizer")
    schedule: ScheduleSpec | None = Field(default=None, description="how the learning rate changes")
    steps: Annotated[int, Field(ge=0, le=10_000_000)] | None = Field(default=None, description="number of updates")
    epochs: Annotated[int, Field(ge=0, le=10_000_000)] | None = Field(
        default=None, description="passes over the data; each is one update while a batch is all samples"
    )
    steps_shown: list[Annotated[int, Field(ge=0, le=10_000_000)]] | None = Field(
        default=None, description="numbers of updates after which the table of the descent shows the loss"
    )
    batch_size: Positive | None = Field(default=None, description="samples in an update; 1 is online; all if absent")
    shuffle: bool = Field(default=False, description="whether each epoch takes the samples in an order of its own")
    seed: Annotated[int, Field(ge=0)] = Field(default=0, description="of the orders of the samples")
    stop: StopSpec | None = Field(default=None, description="when to stop before the last update")
    state: dict[str, dict[str, GivenNumbers]] = Field(
        default={}, description="states of the optimizer before the first update: { v = { W1 = [[…]] } }"
    )
    frozen: list[str] = Field(default=[], description="parameters that are not updated")
    update: Literal["simultaneous", "sequential"] = Field(
        default="simultaneous",
        description="sequential (not gradient descent): errors of a layer use the updated weights of later layers",
    )


class RoundingSpec(TableSpec):
    """Rounding as by hand: to so many decimals, or to so many significant digits."""

    decimals: Annotated[int, Field(ge=0, le=30)] | None = None
    significant: Annotated[int, Field(ge=1, le=30)] | None = None


class NotationSpec(TableSpec):
    """How the document writes things; no number depends on it, except by rounding as by hand."""

    naming: str | dict[str, str] = Field(
        default="layered",
        description="how quantities are called, or { base = 'flat', W1_1_1 = 'w_1' }: names of your own",
    )
    backward: Literal["delta", "activation"] = Field(
        default="delta", description="backward pass through δ = ∂L/∂z, or through ∂L/∂a without δ"
    )
    layers: Literal["enter", "leave"] = Field(
        default="enter", description="W1 enters layer 1 (the input is layer 0), or leaves layer 1, the input"
    )
    index_order: Literal["to_from", "from_to"] = Field(default="to_from", description="the indices of a weight")
    delta_sign: Literal["gradient", "negative"] = Field(default="gradient", description="δ = ∂L/∂z, or δ = −∂L/∂z")
    layout: Literal["column", "row"] = "column"
    digits: Annotated[int, Field(ge=1, le=30)] = Field(default=6, description="significant digits shown")
    symbols: dict[str, str] = Field(default={}, description="letters of your own: { loss = 'E', target = 't' }")
    round_intermediates: RoundingSpec | None = Field(
        default=None, description="every computed number is rounded, as by hand: { decimals = 4 }, { significant = 4 }"
    )


class GridSpec(TableSpec):
    """Numbers that are drawn from low, low + step, …, up to high."""

    low: GivenNumber
    high: GivenNumber
    step: GivenNumber


class ChoicesSpec(TableSpec):
    """Numbers that are drawn from a list."""

    choices: list[GivenNumber] = Field(min_length=1)


class VariantsSpec(TableSpec):
    """What is drawn for each student, by the name of the quantity, and which draws are fair."""

    model_config = ConfigDict(extra="allow", strict=True)
    __pydantic_extra__: dict[str, GridSpec | ChoicesSpec]
    quantity: ClassVar[object] = GridSpec | ChoicesSpec

    inactive: Literal["some", "none", "any"] | None = Field(
        default=None, description="units on the flat side of a kink, such as that of ReLU [some, where it can be]"
    )
    distinguish: bool = Field(
        default=True, description="numbers that hide mistakes (zero weights, equal inputs, …) are not drawn"
    )


AnswerKind = Literal["numbers", "formulas", "both"]


OptionCount = Annotated[int, Field(ge=2, le=MOST_OPTIONS)]


class HomeworkSpec(TableSpec):
    """What students are asked, and how it is marked."""

    ask: list[str] | None = Field(
        default=None, description="quantities by name, deltas, gradients, updated, new_L; all but new_L if absent"
    )
    significant: Annotated[int, Field(ge=2, le=15)] | None = Field(
        default=None, description="significant digits to be carried [4]"
    )
    decimals: Annotated[int, Field(ge=1, le=15)] | None = Field(default=None, description="or decimals to be carried")
    points: dict[str, GivenNumber] = Field(default={}, description="points of each answer, by the entry of ask [1]")
    total: GivenNumber = Field(default=None, description="what full marks are scaled to")
    follow_through: GivenNumber = Field(
        default=1, description="share of the points for an answer right by follow-through"
    )
    rounded: GivenNumber = Field(
        default="1/2", description="share of the points for an answer that is right, but has too few digits"
    )
    repeated: GivenNumber = Field(
        default="3/4", description="share of the points for an answer that repeats an earlier mistake"
    )
    partial: dict[str, GivenNumber] = Field(
        default={}, description="share of the points for a wrong answer by the mistake that makes it; none if absent"
    )
    answers: AnswerKind | dict[str, AnswerKind] = Field(
        default="numbers", description="what answers may be: numbers, formulas or both; or by the entry of ask"
    )
    choices: OptionCount | dict[str, OptionCount] = Field(
        default={}, description="options that each answer is chosen from; or by the entry of ask; no options if absent"
    )
    common: dict[str, Annotated[int, Field(ge=1)]] = Field(
        default={},
        description="how often the class made a mistake, by its id: the commonest are offered as options first",
    )
    given: list[str] = Field(default=[], description="quantities printed on the sheet")
    instructions: Paragraphs | dict[str, Paragraphs] = Field(
        default="", description="text at the head of the sheet; or { en = …, zh = … }"
    )
    course: Title | dict[str, Title] = Field(default="", description="the course; or { en = …, zh = … }")
    date: Title | dict[str, Title] = Field(default="", description="printed on the sheet; or { en = …, zh = … }")
    paper: Literal["a4", "letter"] = Field(default="a4", description="size of the paper of sheets and keys")
    pool: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None, description="so many variants for any number of students; each has one of their own if absent"
    )
    show: list[Literal["diagram", "formulas"]] = Field(
        default=["diagram"], description="what the sheet shows besides the numbers: a diagram, all formulas"
    )


class ProblemSpec(TableSpec):
    """A problem file."""

    title: Title | dict[str, Title] = Field(default="", description="heading of the solution; or { en = …, zh = … }")
    network: NetworkSpec | None = None
    graph: GraphSpec | None = None
    regularization: RegularizationSpec | None = None
    parameters: ParametersSpec | None = None
    data: dict[str, GivenNumbers] = Field(
        default={}, description="x and y: one sample (a flat list) or a list of samples"
    )
    training: TrainingSpec | None = None
    notation: NotationSpec = NotationSpec()
    variants: VariantsSpec = Field(
        default=VariantsSpec.model_validate({}),
        description="what is drawn for each student: { low, high, step } or { choices }",
    )
    homework: HomeworkSpec | None = None
