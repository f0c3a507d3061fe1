"""The JSON schema of the problem file, by which an editor completes and checks it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symbackprop.graph.notation import NAMINGS
from symbackprop.problems.spec import (
    InitializerSpec,
    LossSpec,
    NetworkSpec,
    NotationSpec,
    ParametersSpec,
    ProblemSpec,
    SettingsTable,
)
from symbackprop.registry import Registry

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_NAMED: Mapping[tuple[str, str], Registry[Any]] = {
    **{(table.__name__, table.named_by): table.registry for table in SettingsTable.__subclasses__()},
    (NetworkSpec.__name__, "loss"): LossSpec.registry,
    (NotationSpec.__name__, "naming"): NAMINGS,
    (ParametersSpec.__name__, "initializer"): InitializerSpec.registry,
}
"""The keys whose values are names of a registry: (table, key) → registry."""


def schema() -> dict[str, Any]:
    """Return the JSON schema of a problem file; keys that take a registry's name list all names and aliases.

    >>> schema()["$defs"]["TrainingSpec"]["properties"]["optimizer"]["enum"]
    ['gradient_descent', 'momentum', 'nesterov', 'adagrad', 'rmsprop', 'adam', 'adamw', 'sgd']
    """
    found = {"$schema": DIALECT} | ProblemSpec.model_json_schema() | {"title": "symbackprop problem file"}
    for (name, key), registry in _NAMED.items():
        described = found["$defs"][name]["properties"][key]
        # Where a table may stand in place of a name, only the name is one of a list.
        text = next((branch for branch in described.get("anyOf", ()) if branch.get("type") == "string"), described)
        text["enum"] = [*registry, *registry.aliases]
    for table in SettingsTable.__subclasses__():
        definition = found["$defs"][table.__name__]
        definition["properties"] |= _settings(table.registry)
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
