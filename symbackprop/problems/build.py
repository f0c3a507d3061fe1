"""From the content of a problem file to a `Problem`, with one message for the first thing that is wrong."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel, ValidationError

from symbackprop import losses, optimizers
from symbackprop.errors import ProblemError, SymbackpropError, message, nearest, unknown
from symbackprop.functions import ACTIVATIONS
from symbackprop.problems import numbers
from symbackprop.problems.spec import NetworkSpec, NotationSpec, ProblemSpec, TrainingSpec
from symbackprop.problems.types import (
    Array,
    Layer,
    Network,
    NotationChoice,
    Problem,
    Shape,
    Training,
    parameter_shapes,
)


def build(content: Mapping[str, object], name: str) -> Problem:
    """Return the problem that the content of a file describes; `name` is the file's stem.

    Raises `SymbackpropError` for the first mistake found.
    """
    spec = _checked(_plain(content))
    network = _network(spec.network)
    shapes = parameter_shapes(network, spec.notation.layout)
    arrays = {key: _parameter(spec, key, shape) for key, shape in shapes.items()}
    for key in spec.parameters:
        if key not in shapes:
            raise unknown("parameter", key, shapes, where="parameters")
    samples = _samples(spec, network)
    arrays |= {"x": _inputs(spec, network, samples), "y": _targets(spec, network, samples)}
    return Problem(
        name=name,
        title=spec.title or name,
        network=network,
        layout=spec.notation.layout,
        arrays=arrays,
        samples=samples,
        training=None if spec.training is None else _training(spec.training, shapes),
        notation=_notation(spec.notation),
    )


def _plain(content: object) -> typing.Any:
    """Return mappings, lists and scalars only: NumPy arrays become lists."""
    if hasattr(content, "tolist"):
        return content.tolist()
    if isinstance(content, Mapping):
        return {key: _plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(value) for value in content]
    return content


def _checked(content: typing.Any) -> ProblemSpec:
    try:
        return ProblemSpec.model_validate(content)
    except ValidationError as failure:
        raise _translated(failure) from None


_EXPECTED = {
    "int_type": "integer",
    "int_from_float": "integer",
    "string_type": "text",
    "string_too_long": "short_text",
    "list_type": "list",
    "too_short": "non_empty",
    "dict_type": "table",
    "model_type": "table",
    "model_attributes_type": "table",
}
"""Pydantic's kind of finding → what was expected, as a phrase."""


def _translated(failure: ValidationError) -> SymbackpropError:
    """Return pydantic's first finding as our own message."""
    finding = failure.errors(include_url=False)[0]
    steps = [step for step in finding["loc"] if not (isinstance(step, str) and _is_branch(step))]
    where, kind, context = spell_key(steps), finding["type"], finding.get("ctx", {})
    if kind == "extra_forbidden":
        return unknown("key", str(steps[-1]), _keys_of(steps[:-1]), where=spell_key(steps[:-1]))
    if kind == "missing":
        return ProblemError(message("problem.missing_key", key=str(steps[-1])), where=spell_key(steps[:-1]))
    if kind == "literal_error":
        valid = [part.strip(" '") for part in str(context["expected"]).replace(" or ", ", ").split(",")]
        text = str(finding["input"])
        return ProblemError(
            message("problem.choice", value=text), where=where, valid=valid, nearest=nearest(text, valid)
        )
    bounds = {"greater_than": ">", "greater_than_equal": "≥", "less_than_equal": "≤"}
    if kind in bounds:
        limit = next(iter(context.values()))
        return ProblemError(message("problem.bound", relation=bounds[kind], limit=limit), where=where)
    expected = _EXPECTED.get(kind, "other")
    return ProblemError(message("problem.kind", expected=message(f"kind.{expected}")), where=where)


def _is_branch(step: str) -> bool:
    """Say whether a step of pydantic's location names a branch of a union rather than a key."""
    return "[" in step or step in ("int", "str", "constrained-int")


def spell_key(steps: Sequence[object]) -> str:
    """Return a location as the file would write it.

    >>> spell_key(["network", "layers", 0, "units"])
    'network.layers[0].units'
    """
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.removeprefix(".")


def _keys_of(steps: Sequence[object]) -> tuple[str, ...]:
    """Return the keys that the table at a location may have."""
    model: type[BaseModel] = ProblemSpec
    for step in steps:
        if isinstance(step, str):
            model = next(_models(model.model_fields[step].annotation))
    return tuple(model.model_fields)


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _models(inner)


def _network(spec: NetworkSpec) -> Network:
    names = tuple(spec.inputs) if isinstance(spec.inputs, list) else ()
    inputs = len(names) if isinstance(spec.inputs, list) else spec.inputs
    if inputs == 0:
        raise ProblemError(message("problem.kind", expected=message("kind.non_empty")), where="network.inputs")
    layers = []
    for position, layer in enumerate(spec.layers):
        if layer.activation not in ACTIVATIONS:
            raise unknown("activation", layer.activation, ACTIVATIONS, where=f"network.layers[{position}].activation")
        layers.append(Layer(layer.units, ACTIVATIONS[layer.activation].name, layer.bias))
    if spec.loss not in losses.LOSSES:
        raise unknown("loss", spec.loss, losses.LOSSES, where="network.loss")
    key = "network.relu_derivative_at_zero"
    at_zero = numbers.fraction_between(numbers.number(spec.relu_derivative_at_zero, key), 0, 1, key)
    network = Network(inputs, names, tuple(layers), losses.LOSSES[spec.loss].name, spec.reduction, at_zero)
    _check_loss_fits(network)
    return network


def fitting_activations(predictions: str) -> tuple[str, ...]:
    """Return the activations whose values a loss accepts (`any`, `probability` or `distribution`)."""
    if predictions == "any":
        return tuple(ACTIVATIONS)
    bounded = [row for row in ACTIVATIONS.values() if row.lowest == 0 and row.highest == 1]
    return tuple(row.name for row in bounded if row.vector or predictions == "probability")


def _check_loss_fits(network: Network) -> None:
    row, last = losses.LOSSES[network.loss], network.layers[-1].activation
    fitting = fitting_activations(row.predictions)
    if last not in fitting:
        what = message(
            "problem.loss_fit", loss=row.name, predictions=message(f"kind.{row.predictions}"), activation=last
        )
        raise ProblemError(what, where="network.loss", valid=fitting)


def _parameter(spec: ProblemSpec, key: str, shape: Shape) -> Array:
    if key not in spec.parameters:
        return numbers.unknown_array(shape)
    return numbers.array(spec.parameters[key], shape, f"parameters.{key}")


def _samples(spec: ProblemSpec, network: Network) -> int | None:
    """Return the number of samples if the data is a list of samples, None if it is one sample or absent."""
    x, y = spec.data.x, spec.data.y
    if numbers.is_list(x):
        return len(x) if x and numbers.is_list(x[0]) else None
    if x is None and numbers.is_list(y) and y and numbers.is_list(y[0]):
        return len(y)
    return None


def _inputs(spec: ProblemSpec, network: Network, samples: int | None) -> Array:
    shape = _with_samples((network.inputs,), samples)
    if spec.data.x is None:
        return numbers.unknown_array(shape)
    return numbers.array(spec.data.x, shape, "data.x")


def _targets(spec: ProblemSpec, network: Network, samples: int | None) -> Array:
    outputs = network.layers[-1].units
    shape = _with_samples((outputs,), samples)
    y = spec.data.y
    if y is None:
        return numbers.unknown_array(shape)
    if losses.LOSSES[network.loss].targets == "distribution":
        if samples is None and isinstance(y, int):
            y = _one_hot(y, outputs, "data.y")
        elif samples is not None and numbers.is_list(y) and len(y) == samples and not any(map(numbers.is_list, y)):
            y = [_one_hot(index, outputs, f"data.y[{position}]") for position, index in enumerate(y)]
    return numbers.array(y, shape, "data.y")


def _one_hot(index: object, classes: int, where: str) -> list[int]:
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < classes:
        raise ProblemError(message("problem.class_index", value=str(index), last=classes - 1), where=where)
    return [int(position == index) for position in range(classes)]


def _with_samples(shape: Shape, samples: int | None) -> Shape:
    return shape if samples is None else (samples, *shape)


def _training(spec: TrainingSpec, shapes: Mapping[str, Shape]) -> Training:
    if spec.optimizer not in optimizers.OPTIMIZERS:
        raise unknown("optimizer", spec.optimizer, optimizers.OPTIMIZERS, where="training.optimizer")
    if spec.steps is not None and spec.epochs is not None:
        raise ProblemError(message("problem.steps_and_epochs"), where="training")
    steps = next((count for count in (spec.steps, spec.epochs) if count is not None), 1)
    for position, name in enumerate(spec.frozen):
        if name not in shapes:
            raise unknown("parameter", name, shapes, where=f"training.frozen[{position}]")
    rate = numbers.number(spec.learning_rate, "training.learning_rate")
    name = optimizers.OPTIMIZERS[spec.optimizer].name
    return Training(name, {"learning_rate": rate}, steps, frozenset(spec.frozen))


def _notation(spec: NotationSpec) -> NotationChoice:
    from symbackprop import notation

    notation.check_symbols(spec.symbols, where="notation.symbols")
    return NotationChoice(spec.naming, spec.digits, dict(spec.symbols))
