"""From the content of a problem file to a `Problem`, with one message for the first thing that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from symbackprop.algebra import expressions, shapes
from symbackprop.algebra.broadcasting import Shape, check_size, spell
from symbackprop.algebra.functions import (
    ACTIVATIONS,
    ARITIES,
    NAMES,
    WITH_FORMULA,
    Settings,
)
from symbackprop.algebra.mistakes import check_occurrences
from symbackprop.catalog import losses
from symbackprop.errors import ProblemError, SymbackpropError
from symbackprop.graph import alike, notation
from symbackprop.messages import message
from symbackprop.problems import (
    data_table,
    findings,
    graph_table,
    homework_table,
    numbers,
    parameters_table,
    training_table,
)
from symbackprop.problems.draw_rules import DrawRules
from symbackprop.problems.rounding import NotationChoice, Rounding
from symbackprop.problems.row_settings import fractions, row_named
from symbackprop.problems.spec import (
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
    Problem,
    Regularization,
    Training,
    parameter_quantities,
)
from symbackprop.problems.wordings import wording


def build(content: Mapping[str, object], name: str, folder: Path | None = None) -> Problem:
    """Return the problem that the content of a file describes; `name` is the file's stem.

    `folder` is what the paths of other files are relative to (default: the working directory). Raises
    `SymbackpropError` for the first mistake found.
    """
    try:
        return _built(findings.checked(numbers.plain(content)), name, folder or Path())
    except RecursionError:
        raise ProblemError(message("problem.nested")) from None


def _built(spec: ProblemSpec, name: str, place: Path) -> Problem:
    """Return the problem that the tables of a file describe; `place` is what the paths of other files are relative to."""
    if spec.network is not None and spec.graph is not None:
        raise ProblemError(message("problem.two_models"))
    model: Network | ComputationGraph
    layout, initialization = spec.notation.layout, None
    names: Mapping[str, tuple[str, ...]] = {}
    if spec.graph is not None:
        _refuse_for_graph(spec)
        model, arrays, samples = graph_table.computation_graph(spec, spec.graph)
        # What has a shape alone is left out.
        written = {
            name: arrays[name] for name, given in spec.graph.parameters.items() if not isinstance(given, SymbolSpec)
        }
        found, initialization = parameters_table.parameters(spec.parameters, model, layout, place, written)
        arrays |= found
    elif spec.network is not None:
        model = _network(spec.network, spec.regularization)
        arrays, initialization = parameters_table.parameters(spec.parameters, model, layout, place)
        data, samples, names = data_table.data(spec.data, model, place)
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
        classes=names.get("classes", ()),
        columns=names.get("columns", ()),
    )
    rules = DrawRules(spec.variants.inactive or "", spec.variants.distinguish)
    problem = replace(problem, variants=homework_table.variants(spec, problem), draw_rules=rules)
    if spec.homework is None:
        return problem
    return replace(problem, homework=homework_table.homework(spec.homework, problem))


def read_training(content: Mapping[str, object], sizes: Mapping[str, Shape], samples: int | None) -> Training:
    """Return what the table `[training]` with this content says about parameters of these shapes and so many samples."""
    table = findings.checked(numbers.plain({"training": content})).training
    assert table is not None
    return training_table.training(table, sizes, samples)


def _refuse_for_graph(spec: ProblemSpec) -> None:
    """Raise `ProblemError` for what needs layers."""
    if spec.regularization is not None:
        raise ProblemError(message("problem.graph_regularization"), where="regularization")
    if spec.training is not None and spec.training.update == "sequential":
        raise ProblemError(message("problem.graph_sequential"), where="training.update")


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
    for position, (weights, *_) in enumerate(parameter_quantities(network, "column")):
        check_size(weights.name, weights.shape, f"network.layers[{position}]")
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
            formula = expressions.parse(text, functions=ARITIES, names=("z",), arities=ARITIES)
            check_occurrences(formula)
            numbers.check_constants(formula)
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
            check_occurrences(formula)
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
    if losses.TARGETS[row.targets].total is not None and network.layers[-1].units == 1:
        raise ProblemError(message("problem.loss_units", loss=row.name), where="network.loss")
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
    alike.check_symbols(spec.symbols, where="notation.symbols")
    names = {} if isinstance(spec.naming, str) else dict(spec.naming)
    naming = spec.naming if isinstance(spec.naming, str) else names.pop(BASE_NAMING, "layered")
    where = "notation.naming" if isinstance(spec.naming, str) else f"notation.naming.{BASE_NAMING}"
    row = row_named(notation.NAMINGS, naming, where)
    alike.check_texts(names, where="notation.naming")
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
