"""From the content of a problem file to a `Problem`, with one message for the first thing that is wrong."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from symbackprop.algebra import expressions, shapes
from symbackprop.algebra.broadcasting import Shape, spell
from symbackprop.algebra.functions import ACTIVATIONS, ARITIES, NAMES, WITH_FORMULA, Settings
from symbackprop.catalog import losses
from symbackprop.errors import ProblemError, SymbackpropError, nearest, unknown
from symbackprop.graph import notation
from symbackprop.messages import message
from symbackprop.problems import data_table, graph_table, homework_table, numbers, parameters_table, training_table
from symbackprop.problems.row_settings import fractions, row_named
from symbackprop.problems.spec import (
    UNKNOWN_KEY,
    ChoicesSpec,
    GridSpec,
    InitializerSpec,
    LayerSpec,
    LossSpec,
    NetworkSpec,
    NotationSpec,
    OwnFunction,
    OwnLoss,
    ProblemSpec,
    RegularizationSpec,
    RoundingSpec,
    SymbolSpec,
)
from symbackprop.problems.types import (
    ComputationGraph,
    Layer,
    Network,
    NotationChoice,
    Problem,
    Regularization,
    Rounding,
    Training,
)
from symbackprop.problems.wordings import wording

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


def build(content: Mapping[str, object], name: str, folder: Path | None = None) -> Problem:
    """Return the problem that the content of a file describes; `name` is the file's stem.

    `folder` is what the paths of other files are relative to (default: the working directory). Raises
    `SymbackpropError` for the first mistake found.
    """
    spec = _checked(_plain(content))
    if spec.network is not None and spec.graph is not None:
        raise ProblemError(message("problem.two_models"))
    model: Network | ComputationGraph
    layout, place, initialization = spec.notation.layout, folder or Path(), None
    if spec.graph is not None:
        _refuse_for_graph(spec)
        model, arrays, samples = graph_table.computation_graph(spec, spec.graph)
    elif spec.network is not None:
        model = _network(spec.network, spec.regularization)
        arrays, initialization = parameters_table.parameters(spec.parameters, model, layout, place)
        data, samples = data_table.data(spec.data, model, place)
        arrays |= data
    else:
        raise ProblemError(message("problem.missing_key", key="network"))
    title = wording(spec.title, "title")
    sizes = model.parameter_shapes(layout)
    problem = Problem(
        name=name,
        title=title.text or name,
        model=model,
        layout=layout,
        arrays=arrays,
        samples=samples,
        training=None if spec.training is None else training_table.training(spec.training, sizes, samples),
        notation=_notation(spec.notation),
        initialization=initialization,
        titles=title.translations,
    )
    problem = replace(problem, variants=homework_table.variants(spec, problem))
    if spec.homework is None:
        return problem
    return replace(problem, homework=homework_table.homework(spec.homework, problem))


def read_training(content: Mapping[str, object], sizes: Mapping[str, Shape], samples: int | None) -> Training:
    """Return what the table `[training]` with this content says about parameters of these shapes and so many samples."""
    table = _checked(_plain({"training": content})).training
    assert table is not None
    return training_table.training(table, sizes, samples)


def _refuse_for_graph(spec: ProblemSpec) -> None:
    """Raise `ProblemError` for what needs layers."""
    if spec.regularization is not None:
        raise ProblemError(message("problem.graph_regularization"), where="regularization")
    if spec.training is not None and spec.training.update == "sequential":
        raise ProblemError(message("problem.graph_sequential"), where="training.update")


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
    "bool_type": "boolean",
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
    finding = _telling(failure.errors(include_url=False))
    steps = [step for step in finding["loc"] if not (isinstance(step, str) and _is_branch(step))]
    where, kind, context = spell_key(steps), finding["type"], finding.get("ctx", {})
    if kind == "extra_forbidden":
        return unknown("key", str(steps[-1]), _keys_of(steps[:-1]), where=spell_key(steps[:-1]))
    if kind == UNKNOWN_KEY:
        return unknown("key", context["key"], context["valid"], where=where)
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


_BRANCHES = tuple(
    table.__name__ for table in (OwnFunction, OwnLoss, LossSpec, SymbolSpec, InitializerSpec, GridSpec, ChoicesSpec)
)


def _telling(findings: Sequence[ErrorDetails]) -> ErrorDetails:
    """Return the finding to report: a table is not meant as a text, and a misspelt key tells more than a missing one."""
    texts = ("string_type", "literal_error")
    meant = [each for each in findings if not (each["type"] in texts and isinstance(each["input"], dict))]
    first = (meant or findings)[0]
    misspelt = (each for each in meant if each["type"] == "extra_forbidden" and each["loc"][:-1] == first["loc"][:-1])
    return next(misspelt, first) if first["type"] == "missing" else first


def _is_branch(step: str) -> bool:
    """Say whether a step of pydantic's location names a branch of a union rather than a key."""
    return "[" in step or step in ("int", "str", "constrained-int", "constrained-str") or step in _BRANCHES


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


def _network(spec: NetworkSpec, penalty: RegularizationSpec | None) -> Network:
    names = tuple(spec.inputs) if isinstance(spec.inputs, list) else ()
    inputs = len(names) if isinstance(spec.inputs, list) else spec.inputs
    if inputs == 0:
        raise ProblemError(message("problem.kind", expected=message("kind.non_empty")), where="network.inputs")
    for position, name in enumerate(names):
        if name in names[:position]:
            raise ProblemError(message("graph.twice", name=name), where=f"network.inputs[{position}]")
    layers = tuple(_layer(layer, f"network.layers[{position}]") for position, layer in enumerate(spec.layers))
    for position, layer in enumerate(layers):
        if any(layer.body != other.body and layer.activation == other.activation for other in layers[:position]):
            what = message("problem.same_function_name", name=layer.activation)
            raise ProblemError(what, where=f"network.layers[{position}].activation.name")
    at_zero = numbers.fraction_between(spec.relu_derivative_at_zero, 0, 1, "network.relu_derivative_at_zero")
    loss, settings, body = _loss(spec.loss, layers[-1].units, "network.loss")
    network = Network(inputs, names, layers, loss, spec.reduction, at_zero, settings, body, _regularization(penalty))
    if not body:
        _check_loss_fits(network)
    return network


def _regularization(spec: RegularizationSpec | None) -> Regularization | None:
    if spec is None:
        return None
    highest = 1 if spec.form == "convex" else None
    strengths = {
        key: numbers.fraction_between(value, 0, highest, f"regularization.{key}")
        for key, value in (("l2", spec.l2), ("l1", spec.l1))
        if value is not None
    }
    if not strengths:
        raise ProblemError(message("problem.no_penalty"), where="regularization")
    if spec.form == "convex" and len(strengths) == 2:
        raise ProblemError(message("problem.convex"), where="regularization")
    return Regularization(strengths.get("l2"), strengths.get("l1"), spec.form, spec.biases)


def _layer(spec: LayerSpec, where: str) -> Layer:
    if isinstance(spec.activation, OwnFunction):
        text = spec.activation.expression
        try:
            numbers.check_constants(expressions.parse(text, functions=ARITIES, names=("z",), arities=ARITIES))
        except SymbackpropError as error:
            raise error.at(f"{where}.activation.expression") from None
        if not spec.activation.name.isidentifier() or spec.activation.name in NAMES:
            what = message("problem.function_name", name=spec.activation.name)
            raise ProblemError(what, where=f"{where}.activation.name")
        fractions(spec, spec.activation.name, {}, where)
        return Layer(spec.units, spec.activation.name, spec.bias, body=text)
    row = row_named(ACTIVATIONS, spec.activation, f"{where}.activation")
    return Layer(spec.units, row.name, spec.bias, fractions(spec, row.name, row.settings, where))


def _loss(spec: str | LossSpec | OwnLoss, outputs: int, where: str) -> tuple[str, Settings, str]:
    """Return the loss's name, its parameters and, for one of the user's own, its text.

    What a loss of the user's own makes of the outputs and their targets has to be a single number.
    """
    if isinstance(spec, OwnLoss):
        try:
            formula = losses.formula("", body=spec.expression)
            shape = shapes.shape_of(formula, {"a": (outputs,), "y": (outputs,)}, "")
            numbers.check_constants(formula)
        except SymbackpropError as error:
            raise error.at(f"{where}.expression") from None
        if shape:
            raise ProblemError(message("problem.loss_shape", shape=spell(shape)), where=f"{where}.expression")
        return "own", (), spec.expression
    table = LossSpec.model_validate({"name": spec}) if isinstance(spec, str) else spec
    row = row_named(losses.LOSSES, table.name, where)
    return row.name, fractions(table, row.name, row.settings, where), ""


def fitting_activations(predictions: str) -> tuple[str, ...]:
    """Return the activations whose values a loss accepts (`any`, `probability` or `distribution`)."""
    if predictions == "any":
        return tuple(WITH_FORMULA)
    bounded = [row for row in ACTIVATIONS.values() if row.lowest == 0 and row.highest == 1]
    return tuple(row.name for row in bounded if row.vector or predictions == "probability")


def _check_loss_fits(network: Network) -> None:
    row, last = losses.LOSSES[network.loss], network.layers[-1].activation
    if network.layers[-1].body or last not in WITH_FORMULA:
        return
    fitting = fitting_activations(row.predictions)
    if last not in fitting:
        what = message(
            "problem.loss_fit", loss=row.name, predictions=message(f"kind.{row.predictions}"), activation=last
        )
        raise ProblemError(what, where="network.loss", valid=fitting)


BASE_NAMING = "base"
"""The key of a table of names that says which convention names everything else."""


def _notation(spec: NotationSpec) -> NotationChoice:
    notation.check_symbols(spec.symbols, where="notation.symbols")
    names = {} if isinstance(spec.naming, str) else dict(spec.naming)
    naming = spec.naming if isinstance(spec.naming, str) else names.pop(BASE_NAMING, "layered")
    where = "notation.naming" if isinstance(spec.naming, str) else f"notation.naming.{BASE_NAMING}"
    row = row_named(notation.NAMINGS, naming, where)
    notation.check_texts(names, where="notation.naming")
    return NotationChoice(
        naming=row.name,
        names=names,
        symbols=dict(spec.symbols),
        backward=spec.backward,
        layers=spec.layers,
        index_order=spec.index_order,
        delta_sign=spec.delta_sign,
        digits=spec.digits,
        round_intermediates=_rounding(spec.round_intermediates),
    )


def _rounding(spec: RoundingSpec | None) -> Rounding | None:
    if spec is None:
        return None
    if (spec.decimals is None) is (spec.significant is None):
        raise ProblemError(message("problem.rounding"), where="notation.round_intermediates")
    return Rounding(spec.decimals or spec.significant or 0, significant=spec.decimals is None)
