"""A checked problem: plain frozen data that everything after it reads."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar

from symbackprop import language
from symbackprop.algebra import functions
from symbackprop.algebra.broadcasting import Shape
from symbackprop.catalog import losses
from symbackprop.catalog.initializers import Wanted
from symbackprop.display import Displayed
from symbackprop.graph.quantities import Quantity, Role
from symbackprop.problems.assignments import Homework
from symbackprop.problems.draw_rules import DrawRules
from symbackprop.problems.rounding import NotationChoice


@dataclass(frozen=True, slots=True)
class Given:
    """A number of the problem: its exact value (a fraction or a 50-digit float) and the text that states it."""

    value: Any
    text: str


@dataclass(frozen=True, slots=True)
class Array:
    """Numbers in the array's own order; None where a number is left out (the quantity stays a symbol)."""

    shape: Shape
    entries: tuple[Given | None, ...]

    def __repr__(self) -> str:
        return f"<Array of shape {self.shape}>"

    def floats(self) -> list[float]:
        """Return the numbers that are not left out, in float64."""
        return [float(given.value) for given in self.entries if given is not None]


@dataclass(frozen=True, slots=True)
class Layer:
    """A dense layer: number of units, name of the activation, kind of bias.

    `settings` are parameters of the activation (`alpha`), `body` the text in z of an activation of the user's own.
    """

    units: int
    activation: str
    bias: str
    settings: tuple[tuple[str, Fraction], ...] = ()
    body: str = ""


@dataclass(frozen=True, slots=True)
class Regularization:
    """A penalty on the weights, and with `biases` on biases and thresholds: `l2` and `l1` are its strengths λ.

    Over m samples (1 without a batch), by `form`:

    ============  =========================  ===============
    `half`        λ/2 Σw² of l2              λ Σ|w| of l1
    `plain`       λ Σw²                      λ Σ|w|
    `half_mean`   λ/(2m) Σw²                 λ/m Σ|w|
    `convex`      Σw²                        Σ|w|
    ============  =========================  ===============

    The loss is the loss of the data plus the penalties, but for `convex`, λ · (loss of the data) + (1 − λ) · penalty,
    which has one λ between 0 and 1. The ½ cancels the 2 of the derivative of w²; |w| has none, so `half` means nothing for
    it and only the mean of `half_mean` is kept. (`half`: Nielsen 2015, chapter 3, and Goodfellow et al. 2016, equation 7.2;
    `plain`: CS231n's first assignments; `half_mean`: Ng's courses; `convex`: Zhou, Machine Learning, 2016, equation 5.17.)
    """

    l2: Fraction | None
    l1: Fraction | None
    form: str
    biases: bool


@dataclass(frozen=True, slots=True)
class Network:
    """A dense network and the loss of one sample; `reduction` says how the losses of several samples are joined.

    `loss_settings` are parameters of the loss (`delta`), `loss_body` the text in a and y of a loss of the user's own.
    """

    inputs: int
    input_names: tuple[str, ...]
    layers: tuple[Layer, ...]
    loss: str
    reduction: str
    relu_derivative_at_zero: Fraction
    loss_settings: tuple[tuple[str, Fraction], ...] = ()
    loss_body: str = ""
    regularization: Regularization | None = None

    names_biases: ClassVar[bool] = True

    def wanted(self, layout: str) -> Iterator[Wanted]:
        """Iterate over all parameters in the order in which they are drawn, the same whatever the layout."""
        for own in parameter_quantities(self, "column"):
            units, inputs = own[0].shape
            yield from (Wanted(each.name, each.shape, inputs, units) for each in own)

    def parameter_shapes(self, layout: str) -> Mapping[str, Shape]:
        """Return the shape of every parameter, in order: `W1`, then `b1` or `theta1`, then `W2`, …."""
        return {each.name: each.shape for own in parameter_quantities(self, layout) for each in own}

    @property
    def outline(self) -> str:
        """The numbers of units, inputs first."""
        return "-".join(map(str, (self.inputs, *(layer.units for layer in self.layers))))

    @property
    def has_classes(self) -> bool:
        """Whether a target may be the number of its class."""
        return self.targets.of_classes

    @property
    def targets(self) -> losses.Targets:
        """What targets the loss takes."""
        return losses.TARGETS["any" if self.loss_body else losses.LOSSES[self.loss].targets]

    @property
    def targets_are_probabilities(self) -> bool:
        """Whether the target of an output is a share of a class: between 0 and 1."""
        return self.targets is losses.TARGETS["probability"]

    @property
    def output(self) -> str:
        """The name of the loss."""
        return LOSS

    def computed(self) -> tuple[str, ...]:
        """Return the names of what is computed from one sample, in order: `z1`, `a1`, …, `L`."""
        numbers = range(1, len(self.layers) + 1)
        return (*(units_name(letter, number) for number in numbers for letter in UNITS), LOSS)

    def generic(self) -> tuple[str, ...]:
        """Return the keys whose function is a symbol without a formula."""
        found = tuple(
            f"network.layers[{position}].activation"
            for position, layer in enumerate(self.layers)
            if not layer.body and layer.activation not in functions.WITH_FORMULA
        )
        has_loss = bool(self.loss_body) or self.loss in losses.WITH_FORMULA
        return found if has_loss else (*found, "network.loss")


@dataclass(frozen=True, slots=True)
class ComputationGraph:
    """A computation graph: the texts of its equations, and which declared quantities are parameters, inputs, targets.

    `shapes` are those of the declared quantities, for one sample.
    """

    equations: tuple[str, ...]
    output: str
    parameters: tuple[str, ...]
    inputs: tuple[str, ...]
    targets: tuple[str, ...]
    shapes: Mapping[str, Shape]
    reduction: str
    relu_derivative_at_zero: Fraction

    layers: ClassVar[tuple[Layer, ...]] = ()
    names_biases: ClassVar[bool] = False

    def wanted(self, layout: str) -> Iterator[Wanted]:
        """Iterate over all parameters in the order in which they are drawn, matrices as weights of that layout.

        A vector leads from its entries to one unit, and a number from one to one.
        """
        for name in self.parameters:
            shape = self.shapes[name][::-1] if layout == "row" else self.shapes[name]
            units, inputs = (1, 1, *shape)[-2:]
            yield Wanted(name, shape, inputs, units)

    @property
    def outline(self) -> str:
        """The number of equations."""
        return _counted(len(self.equations), "equation")

    def parameter_shapes(self, layout: str) -> Mapping[str, Shape]:
        """Return the shape of every parameter, which no layout changes, in order."""
        return {name: self.shapes[name] for name in self.parameters}

    def computed(self) -> tuple[str, ...]:
        """Return the names of what is computed from one sample, in order."""
        return tuple(text.partition("=")[0].strip() for text in self.equations)

    def generic(self) -> tuple[str, ...]:
        """Return the keys whose function is a symbol without a formula: an equation has none."""
        return ()


@dataclass(frozen=True, slots=True)
class ScheduleChoice:
    """How the learning rate changes: kind of schedule, its settings, whether it counts updates rather than epochs."""

    kind: str = "constant"
    settings: Mapping[str, Given] = field(default_factory=dict)
    per_step: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """When training stops early: the loss has not fallen by more than `tolerance` for `patience` epochs in a row.

    It is compared with its least value so far; with a `validation_fraction` it is the loss of that share of the samples,
    which is held back from the updates.
    """

    tolerance: Fraction
    patience: int
    validation_fraction: Fraction


@dataclass(frozen=True, slots=True)
class Training:
    """Descent: optimizer, all its settings by name, number of updates, parameters that stay as they are.

    `settings` has the learning rate that `schedule` starts from. `epochs` is the number that `steps` was counted from, if
    any; `batch_size` None is all samples. With `shuffle` each epoch has an order of its own, drawn from `seed`. `update` is
    `simultaneous`, or `sequential` as in some published examples: the errors of a layer are then computed with the already
    updated weights of the later layers, which is not gradient descent. `state` has states of the optimizer before the first
    update, by state and parameter; the others begin as the optimizer says.
    """

    optimizer: str
    settings: Mapping[str, Given]
    steps: int
    frozen: frozenset[str]
    update: str = "simultaneous"
    schedule: ScheduleChoice = field(default_factory=ScheduleChoice)
    epochs: int | None = None
    batch_size: int | None = None
    shuffle: bool = False
    seed: int = 0
    stop: Stop | None = None
    steps_shown: tuple[int, ...] | None = None
    state: Mapping[str, Mapping[str, Array]] = field(default_factory=dict)

    @property
    def zero(self) -> frozenset[str]:
        """The settings that are 0 and leave no trace in the update: all but a learning rate."""
        return frozenset(name for name, given in self.settings.items() if name != "learning_rate" and given.value == 0)


@dataclass(frozen=True, slots=True)
class Initialization:
    """How the parameters named in `drawn` were drawn: initialiser, its settings, seed, whether biases were drawn too."""

    initializer: str
    settings: tuple[tuple[str, Fraction], ...]
    biases: bool
    seed: int
    drawn: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Draw:
    """What is drawn for each student: `size` numbers out of `choices`; of `classes`, one-hot targets are made."""

    name: str
    size: int
    choices: tuple[Given, ...]
    classes: bool = False


@dataclass(frozen=True, slots=True)
class Problem(Displayed):
    """A problem: its model (a dense network or a computation graph), numbers, training and notation.

    `arrays` holds the numbers of every parameter, input and target; those of the data have the samples as first axis
    when `samples` is a number, and none when it is None (one sample). `initialization` says how the parameters that the
    file leaves out were drawn, if they were. `title` is in English or in the only language there is; `titles` has it by
    language, where the problem says it in several. `classes` are the names of the classes, in the order of the outputs,
    where the file of the data writes them, `columns` its columns of inputs, where the problem names them.
    """

    name: str
    title: str
    model: Network | ComputationGraph
    layout: str
    arrays: Mapping[str, Array]
    samples: int | None
    training: Training | None
    notation: NotationChoice
    initialization: Initialization | None = None
    variants: Mapping[str, Draw] = field(default_factory=dict)
    draw_rules: DrawRules = field(default_factory=DrawRules)
    homework: Homework | None = None
    titles: Mapping[str, str] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def outline(self) -> str:
        """What it is, in a few words: `2-2-2, 10 parameters` for a network."""
        count = sum(math.prod(shape) for shape in self.parameter_shapes().values())
        samples = "" if self.samples is None else f", {_counted(self.samples, 'sample')}"
        return f"{self.model.outline}, {_counted(count, 'parameter')}{samples}"

    def __repr__(self) -> str:
        return f"<Problem {self.name}: {self.outline}>"

    @property
    def heading(self) -> language.Wording:
        """The title in the languages that the problem has it in."""
        return language.Wording(self.title, self.titles)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers of a dense network; a computation graph has none."""
        return self.model.layers

    @property
    def network(self) -> Network:
        """The dense network of a problem that has one."""
        assert isinstance(self.model, Network)
        return self.model

    def parameter_shapes(self) -> Mapping[str, Shape]:
        """Return the shape of every parameter, in order: `W1`, then `b1` or `theta1`, then `W2`, ….

        Returns:
            Shapes by name, in the problem's layout.

        Examples:
            >>> import symbackprop
            >>> symbackprop.example("line").parameter_shapes()
            {'W1': (1, 1)}
        """
        return self.model.parameter_shapes(self.layout)

    def generic(self) -> tuple[str, ...]:
        """Return the keys whose function is a symbol without a formula: with one there are no numbers.

        Returns:
            The keys.

        Examples:
            >>> import symbackprop
            >>> symbackprop.network([1, 1], activations="generic", loss="generic").generic()
            ('network.layers[0].activation', 'network.loss')
        """
        return self.model.generic()

    def missing(self) -> tuple[str, ...]:
        """Return the arrays that lack a number somewhere.

        Returns:
            Their names, in order.

        Examples:
            >>> import symbackprop
            >>> symbackprop.network([1, 1], activations="tanh", loss="mse").missing()
            ('W1', 'b1', 'x', 'y')
        """
        return tuple(name for name, array in self.arrays.items() if None in array.entries)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


LOSS, UNITS = "L", ("z", "a")
"""What a network calls its loss, and the pre-activations and activations of a layer before its number."""

BIAS_KINDS = {"per_unit": ("b", "bias", "+"), "shared": ("b", "bias", "+"), "threshold": ("theta", "threshold", "-")}
"""Kind of bias → letter of the parameter, its kind in notation, its sign in the equation."""


def units_name(letter: str, layer: int) -> str:
    """Return the code name of the pre-activations or activations of a layer."""
    return f"{letter}{layer}"


def parameter_quantities(network: Network, layout: str) -> tuple[tuple[Quantity, ...], ...]:
    """Return, for each layer, its weight matrix and its bias or threshold, if it has one."""
    widths = [network.inputs, *(layer.units for layer in network.layers)]
    return tuple(
        tuple(_of_layer(number, layer, width, layout == "row"))
        for number, (layer, width) in enumerate(zip(network.layers, widths, strict=False), start=1)
    )


def _of_layer(number: int, layer: Layer, width: int, transposed: bool) -> Iterator[Quantity]:
    shape = (width, layer.units) if transposed else (layer.units, width)
    yield Quantity(f"W{number}", shape, Role.PARAMETER, "weight", number, transposed=transposed)
    if layer.bias in BIAS_KINDS:
        letter, kind, _ = BIAS_KINDS[layer.bias]
        bias_shape = () if layer.bias == "shared" else (layer.units,)
        yield Quantity(f"{letter}{number}", bias_shape, Role.PARAMETER, kind, number)
