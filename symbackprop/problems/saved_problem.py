"""A problem as the text that is saved beside trained parameters, and back: what is computed, not on which numbers."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

from symbackprop import limits
from symbackprop.errors import ProblemError, unknown
from symbackprop.messages import message
from symbackprop.problems.rounding import NotationChoice
from symbackprop.problems.training_table import table_of
from symbackprop.problems.types import Layer, Network, Problem, Regularization

COLUMNS = "columns"
"""The key of the columns of inputs, beside the tables of a problem file."""
_TABLES = ("title", "network", "graph", "regularization", "training", "notation", COLUMNS)
"""What such a text may have: nothing that leads to another file."""


def text_of(problem: Problem) -> str:
    """Return the model of a problem, its training and notation as JSON with the keys of a problem file.

    Numbers are left out, as they are saved as arrays; so are variants and homework.
    """
    tables: dict[str, Any] = {
        "title": problem.heading.translations or problem.heading.text,
        **(_network(problem.network) if problem.layers else _graph(problem.model)),
        "notation": {"layout": problem.layout, **_notation(problem.notation)},
        COLUMNS: list(problem.columns),
    }
    if problem.training is not None:
        tables["training"] = table_of(problem.training)
    return json.dumps({key: value for key, value in tables.items() if value}, default=str)


def content_of(text: str, where: str) -> dict[str, Any]:
    """Return the content of a saved problem: the tables of a problem file, and `columns`.

    Raises `ProblemError` for a text that is no such content; what its tables hold is checked where problems are built.
    """
    try:
        found = json.loads(text, parse_float=Decimal) if len(text) <= limits.SAVED_CHARACTERS else None
    except (ValueError, ArithmeticError, RecursionError):
        found = None
    columns = found.get(COLUMNS, []) if isinstance(found, dict) else None
    if found is None or not isinstance(columns, list) or not all(isinstance(each, str) for each in columns):
        raise ProblemError(message("problem.npz_problem"), where=where)
    for key in found:
        if key not in _TABLES:
            raise unknown("key", key, _TABLES, where=where)
    return dict(found)


def _network(network: Network) -> dict[str, Any]:
    loss: Any = network.loss
    if network.loss_body:
        loss = {"expression": network.loss_body}
    elif network.loss_settings:
        loss = {"name": network.loss, **_settings(network.loss_settings)}
    table = {
        "inputs": list(network.input_names) or network.inputs,
        "layers": [_layer(layer) for layer in network.layers],
        "loss": loss,
        "reduction": network.reduction,
        "relu_derivative_at_zero": _number(network.relu_derivative_at_zero),
    }
    penalty = network.regularization
    return {"network": table} if penalty is None else {"network": table, "regularization": _regularization(penalty)}


def _layer(layer: Layer) -> dict[str, Any]:
    own = {"expression": layer.body, "name": layer.activation}
    activation = own if layer.body else layer.activation
    return {"units": layer.units, "activation": activation, "bias": layer.bias, **_settings(layer.settings)}


def _regularization(penalty: Regularization) -> dict[str, Any]:
    strengths = (("l2", penalty.l2), ("l1", penalty.l1))
    found = {key: _number(value) for key, value in strengths if value is not None}
    return {**found, "form": penalty.form, "biases": penalty.biases}


def _graph(graph: Any) -> dict[str, Any]:
    declared = {
        kind: {name: {"shape": list(graph.shapes[name])} for name in getattr(graph, kind)}
        for kind in ("parameters", "inputs", "targets")
    }
    table = {
        **declared,
        "equations": list(graph.equations),
        "output": graph.output,
        "reduction": graph.reduction,
        "relu_derivative_at_zero": _number(graph.relu_derivative_at_zero),
    }
    return {"graph": table}


def _notation(notation: NotationChoice) -> dict[str, Any]:
    found: dict[str, Any] = {
        "naming": {"base": notation.naming, **notation.names},
        "symbols": dict(notation.symbols),
        "digits": notation.digits,
    }
    found |= {key: getattr(notation, key) for key in ("backward", "layers", "index_order", "delta_sign")}
    rounding = notation.round_intermediates
    if rounding is not None:
        found["round_intermediates"] = {"significant" if rounding.significant else "decimals": rounding.digits}
    return found


def _settings(settings: tuple[tuple[str, Fraction], ...]) -> dict[str, Any]:
    return {name: _number(value) for name, value in settings}


def _number(value: Fraction) -> str:
    """Return an exact number as a text that problem files take."""
    return str(value)
