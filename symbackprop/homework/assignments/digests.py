"""What a homework is, as a hash: all that changes numbers, and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from fractions import Fraction
from typing import Any

from symbackprop.problems import ComputationGraph, DrawRules, Given, Homework, Network, Problem, Training


def digest_of(problem: Problem, homework: Homework) -> str:
    """Return a hash of all of a homework that changes numbers; titles, letters and points do not."""
    training, rules = problem.training, homework.rules
    content = [
        _kept_spelling(problem.model),
        problem.layout,
        {name: [array.shape, list(map(_number, array.entries))] for name, array in problem.arrays.items()},
        problem.samples,
        {name: [each.size, each.classes, list(map(_number, each.choices))] for name, each in problem.variants.items()},
        None
        if training is None
        else [training.optimizer, {n: _number(g) for n, g in training.settings.items()}, sorted(training.frozen)],
        homework.ask,
        repr(homework.rounding),
        *([] if training is None or not training.state else [_kept_state(training)]),
        *([{"choices": rules.choices, "common": rules.common}] if rules.choices else []),
        *([] if problem.draw_rules == DrawRules() else [problem.draw_rules.inactive, problem.draw_rules.distinguish]),
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _kept_state(training: Training) -> dict[str, dict[str, list[str]]]:
    """Return the stated states of an optimizer as texts."""
    return {
        name: {parameter: list(map(_number, array.entries)) for parameter, array in arrays.items()}
        for name, arrays in training.state.items()
    }


def _kept_spelling(model: Network | ComputationGraph) -> str:
    """Return a model as text that stays the same, whatever classes are called and in whatever order things are declared."""
    kind = "Network" if model.layers else "Circuit"
    declared = {} if model.layers else {name: _sorted(getattr(model, name)) for name in _DECLARED}
    kept = {each.name: getattr(model, each.name) for each in fields(model)} | declared
    return f"{kind}({', '.join(f'{name}={value!r}' for name, value in kept.items())})"


_DECLARED = ("parameters", "inputs", "targets", "shapes")
"""What of a computation graph has an order that no number depends on."""


def _sorted(declared: Sequence[str] | Mapping[str, Any]) -> tuple[str, ...] | dict[str, Any]:
    return dict(sorted(declared.items())) if isinstance(declared, Mapping) else tuple(sorted(declared))


def _number(given: Given | None) -> str:
    """Return a number as text; an irrational one by the expression that states it."""
    if given is None:
        return ""
    return str(given.value) if isinstance(given.value, Fraction) else given.text
