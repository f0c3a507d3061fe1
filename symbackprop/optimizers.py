"""Optimisers as expressions: the update that documents print is the update that is run."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from symbackprop import expressions
from symbackprop.formula import Node
from symbackprop.registry import Registry


@dataclass(frozen=True, slots=True)
class Optimizer:
    """An optimiser: `update` is the new value of a parameter `w` with gradient `g`, over the named settings."""

    name: str
    update: str
    settings: tuple[str, ...]
    source: str


OPTIMIZERS: Registry[Optimizer] = Registry(
    "optimizer",
    {
        row.name: row
        for row in (
            Optimizer(
                "gradient_descent",
                "w - learning_rate*g",
                ("learning_rate",),
                "Cauchy (1847); the form of torch.optim.SGD without momentum",
            ),
        )
    },
    aliases={"sgd": "gradient_descent"},
)


@functools.cache
def update(optimizer: str) -> Node:
    """Return the new value of a parameter as a formula over `w`, `g` and the settings.

    >>> update("sgd").terms[0]
    Name(name='w', sample=None)
    """
    row = OPTIMIZERS[optimizer]
    return expressions.parse(row.update, functions=(), names=("w", "g", *row.settings))
