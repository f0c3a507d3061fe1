"""The table `[parameters]`: written down, loaded from a file, drawn, or left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path

from symbackprop import initializers
from symbackprop.errors import ProblemError, message, unknown
from symbackprop.initializers import INITIALIZERS, Wanted
from symbackprop.problems import numbers
from symbackprop.problems.spec import InitializerSpec, ParametersSpec
from symbackprop.problems.types import Array, Given, Initialization, Network, Shape, bias_name, parameter_shapes

ZERO = Given(Fraction(0), "0")


def parameters(
    spec: ParametersSpec | None, network: Network, layout: str, folder: Path
) -> tuple[dict[str, Array], Initialization | None]:
    """Return the arrays of all parameters of a network, and how those that are left out were drawn, if they were.

    What is written down comes before what the file holds, and that before a draw; the rest stay symbols. The path of the
    file is relative to `folder`.
    """
    spec = spec or ParametersSpec.model_validate({})
    shapes = parameter_shapes(network, layout)
    found = _loaded(spec, shapes, folder) | _written(spec, shapes)
    omitted = tuple(name for name in shapes if name not in found)
    initialization = None
    if omitted and (spec.seed is not None or spec.initializer is not None):
        initialization, drawn = _drawn(spec, network, layout, omitted)
        found |= drawn
    return {name: found.get(name, numbers.unknown_array(shape)) for name, shape in shapes.items()}, initialization


def _written(spec: ParametersSpec, shapes: Mapping[str, Shape]) -> dict[str, Array]:
    for key in spec.given:
        if key not in shapes:
            raise unknown("parameter", key, (*shapes, *ParametersSpec.model_fields), where="parameters")
    return {key: numbers.array(value, shapes[key], f"parameters.{key}") for key, value in spec.given.items()}


def _loaded(spec: ParametersSpec, shapes: Mapping[str, Shape], folder: Path) -> dict[str, Array]:
    if spec.file is None:
        return {}
    path = folder / spec.file
    arrays = initializers.loaded(path)
    for key in arrays:
        if key not in shapes:
            raise unknown("parameter", key, shapes, where=f"parameters.file: {path}")
    return {key: numbers.array(value, shapes[key], f"{path}: {key}") for key, value in arrays.items()}


def _drawn(
    spec: ParametersSpec, network: Network, layout: str, omitted: tuple[str, ...]
) -> tuple[Initialization, dict[str, Array]]:
    """Return how the omitted parameters were drawn, and the arrays: biases are zero unless they are drawn too."""
    table = spec.initializer
    if not isinstance(table, InitializerSpec):
        table = InitializerSpec(name=table or initializers.DEFAULT)
    name, settings = _settings(table)
    seed = spec.seed or 0
    shapes = parameter_shapes(network, layout)
    wanted = [each for each in _wanted(network) if each.name in omitted and (table.biases or _is_weight(each.name))]
    found = {key: Array(shapes[key], (ZERO,) * _size(shapes[key])) for key in omitted}
    for key, values in initializers.draw(name, seed, wanted, settings):
        if layout == "row" and _is_weight(key):
            values = [list(column) for column in zip(*values, strict=True)]
        found[key] = numbers.array(values, shapes[key], f"parameters.{key}")
    names = tuple(each.name for each in wanted)
    return Initialization(name, tuple(settings.items()), table.biases, seed, names), found


def _is_weight(name: str) -> bool:
    return name.startswith("W")


def _wanted(network: Network) -> Iterator[Wanted]:
    """Iterate over all parameters in the order in which they are drawn, weights as (units, inputs)."""
    shapes = parameter_shapes(network, "column")
    fan_in = network.inputs
    for number, layer in enumerate(network.layers, start=1):
        for name in (f"W{number}", bias_name(number, layer)):
            if name is not None:
                yield Wanted(name, shapes[name], fan_in, layer.units)
        fan_in = layer.units


def _size(shape: Shape) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


def _settings(table: InitializerSpec) -> tuple[str, dict[str, Fraction]]:
    """Return an initialiser's name and the numbers given for its parameters, or their defaults."""
    where = "parameters.initializer"
    if table.name not in INITIALIZERS:
        raise unknown("initializer", table.name, INITIALIZERS, where=where)
    row = INITIALIZERS[table.name]
    settings = numbers.settings(
        {key: getattr(table, key) for key in ("low", "high", "mean", "std")}, row.parameters, row.name, where
    )
    found = dict(settings)
    if found.get("low", Fraction(0)) > found.get("high", found.get("low", Fraction(0))):
        raise ProblemError(message("problem.low_high"), where=where)
    if found.get("std", Fraction(0)) < 0:
        raise ProblemError(message("problem.bound", relation="≥", limit=0), where=f"{where}.std")
    return row.name, found
