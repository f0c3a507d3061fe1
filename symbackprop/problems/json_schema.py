"""The JSON schema of the problem file, by which an editor completes and checks it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symbackprop.algebra.functions import ACTIVATIONS
from symbackprop.catalog.losses import LOSSES
from symbackprop.catalog.optimizers import OPTIMIZERS
from symbackprop.catalog.schedules import SCHEDULES
from symbackprop.problems.spec import LayerSpec, NetworkSpec, ProblemSpec, ScheduleSpec, TrainingSpec
from symbackprop.registry import Registry

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_NAMED: Mapping[tuple[str, str], Registry[Any]] = {
    (LayerSpec.__name__, "activation"): ACTIVATIONS,
    (NetworkSpec.__name__, "loss"): LOSSES,
    (TrainingSpec.__name__, "optimizer"): OPTIMIZERS,
    (ScheduleSpec.__name__, "kind"): SCHEDULES,
}
"""The keys whose values are names of a registry: (table, key) → registry."""

_SETTINGS: Mapping[str, Registry[Any]] = {TrainingSpec.__name__: OPTIMIZERS, ScheduleSpec.__name__: SCHEDULES}
"""The tables whose keys include the settings of all rows of a registry."""


def schema() -> dict[str, Any]:
    """Return the JSON schema of a problem file; keys that take a registry's name list all names and aliases.

    >>> schema()["$defs"]["TrainingSpec"]["properties"]["optimizer"]["enum"]
    ['gradient_descent', 'momentum', 'nesterov', 'adagrad', 'rmsprop', 'adam', 'adamw', 'sgd']
    """
    found = {"$schema": DIALECT} | ProblemSpec.model_json_schema() | {"title": "symbackprop problem file"}
    for (table, key), registry in _NAMED.items():
        described = found["$defs"][table]["properties"][key]
        # Where a table may stand in place of a name, only the name is one of a list.
        text = next((branch for branch in described.get("anyOf", ()) if branch.get("type") == "string"), described)
        text["enum"] = [*registry, *registry.aliases]
    for table, registry in _SETTINGS.items():
        definition = found["$defs"][table]
        definition["properties"] |= _settings(registry)
        definition["additionalProperties"] = False
    for definition in found["$defs"].values():
        for described in definition["properties"].values():
            if described.get("default", ...) is None:
                del described["default"]  # TOML has no null: a key without a value is left out
    return found


def _settings(registry: Registry[Any]) -> dict[str, Any]:
    """Return the settings of all rows of a registry as properties, each with the rows that have it."""
    rows: dict[str, list[str]] = {}
    meanings: dict[str, str] = {}
    for row in registry.values():
        for key, setting in row.settings.items():
            rows.setdefault(key, []).append(row.name)
            meanings.setdefault(key, setting.meaning)
    return {
        key: {"type": ["number", "string"], "description": f"{meanings[key]} ({', '.join(names)})"}
        for key, names in rows.items()
    }
