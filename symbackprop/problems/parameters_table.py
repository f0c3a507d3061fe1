"""The table `[parameters]`: written down, loaded from a file, drawn, or left out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from symbackprop.algebra.broadcasting import Shape
from symbackprop.catalog import initializers
from symbackprop.catalog.initializers import INITIALIZERS
from symbackprop.errors import ProblemError, unknown
from symbackprop.messages import message
from symbackprop.problems import numbers
from symbackprop.problems.row_settings import fractions, row_named
from symbackprop.problems.spec import InitializerSpec, ParametersSpec
from symbackprop.problems.types import Array, ComputationGraph, Initialization, Network


def parameters(
    spec: ParametersSpec | None,
    model: Network | ComputationGraph,
    layout: str,
    folder: Path,
    given: Mapping[str, Array] | None = None,
) -> tuple[dict[str, Array], Initialization | None]:
    """Return the arrays of all parameters of a model, and how those that are left out were drawn, if they were.

    What is written down (`given` for a graph, whose parameters stand in a table of their own) comes before what the file
    holds, and that before a draw; the rest stay symbols. The path of the file is relative to `folder`.
    """
    spec = spec or ParametersSpec.model_validate({})
    name, settings, biases = _initializer(spec, model)
    shapes = model.parameter_shapes(layout)
    found = _loaded(spec, shapes, folder) | (
        _written(spec, shapes) if given is None else _in_graph(spec, given, shapes)
    )
    omitted = tuple(name for name in shapes if name not in found)
    initialization = None
    if omitted and (spec.seed is not None or spec.initializer is not None):
        seed = spec.seed or 0
        for key, values in draws(model, layout, omitted, seed, name, settings, biases=biases):
            found[key] = numbers.array(values, shapes[key], f"parameters.{key}")
        drawn = tuple(key for key in omitted if biases or _is_weight(key))
        initialization = Initialization(name, tuple(settings.items()), biases, seed, drawn)
    return {name: found.get(name, numbers.unknown_array(shape)) for name, shape in shapes.items()}, initialization


def _written(spec: ParametersSpec, shapes: Mapping[str, Shape]) -> dict[str, Array]:
    for key in spec.given:
        if key not in shapes:
            raise unknown("parameter", key, (*shapes, *ParametersSpec.model_fields), where="parameters")
    return {key: numbers.array(value, shapes[key], f"parameters.{key}") for key, value in spec.given.items()}


def _in_graph(spec: ParametersSpec, given: Mapping[str, Array], shapes: Mapping[str, Shape]) -> dict[str, Array]:
    """Return the numbers of a graph's parameters; raises `ProblemError` for some that stand where those of networks do."""
    for key in spec.given:
        if key in shapes:
            raise ProblemError(message("problem.graph_parameters"), where=f"parameters.{key}")
        raise unknown("key", key, ParametersSpec.model_fields, where="parameters")
    return dict(given)


def _loaded(spec: ParametersSpec, shapes: Mapping[str, Shape], folder: Path) -> dict[str, Array]:
    if spec.file is None:
        return {}
    path = folder / spec.file
    # Names with a dot are what training saves beside parameters: the states of its optimizer.
    arrays = {key: value for key, value in initializers.loaded(path).items() if "." not in key}
    for key in arrays:
        if key not in shapes:
            raise unknown("parameter", key, shapes, where=f"parameters.file: {path}")
    return {key: numbers.array(value, shapes[key], f"{path}: {key}") for key, value in arrays.items()}


def draws(
    model: Network | ComputationGraph,
    layout: str,
    omitted: Collection[str],
    seed: int,
    initializer: str = initializers.DEFAULT,
    settings: Mapping[str, Fraction] | None = None,
    *,
    biases: bool = False,
) -> Iterator[tuple[str, Any]]:
    """Yield the omitted parameters by name as nested lists in the shapes of the layout.

    The biases of a network are 0 unless drawn too; a graph does not say which of its parameters are biases.
    """
    missing = [each for each in model.wanted(layout) if each.name in omitted]
    wanted = [each for each in missing if biases or not model.names_biases or _is_weight(each.name)]
    drawn = dict(initializers.draw(initializer, seed, wanted, settings))
    for each in missing:
        if each.name not in drawn:
            yield each.name, [0] * each.shape[0] if each.shape else 0
        elif layout == "row" and len(each.shape) == 2:
            yield each.name, [list(column) for column in zip(*drawn[each.name], strict=True)]
        else:
            yield each.name, drawn[each.name]


def _is_weight(name: str) -> bool:
    return name.startswith("W")


def _initializer(spec: ParametersSpec, model: Network | ComputationGraph) -> tuple[str, dict[str, Fraction], bool]:
    """Return the initialiser that the table names, or the default one, with its parameters' numbers or their defaults.

    Last comes whether biases are drawn; a graph draws whatever has no number. A mistake in it is reported even where every
    parameter is given and nothing is drawn.
    """
    table = spec.initializer
    if not isinstance(table, InitializerSpec):
        table = InitializerSpec.model_validate({"name": table or initializers.DEFAULT})
    where = "parameters.initializer"
    row = row_named(INITIALIZERS, table.name, where)
    found = dict(fractions(table, row.name, row.settings, where))
    if found.get("low", Fraction(0)) > found.get("high", found.get("low", Fraction(0))):
        raise ProblemError(message("problem.low_high"), where=where)
    if model.names_biases:
        return row.name, found, table.biases
    if "biases" in table.model_fields_set:
        raise ProblemError(message("problem.graph_biases"), where=f"{where}.biases")
    return row.name, found, True
