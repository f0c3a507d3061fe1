"""The lines of an optimizer, ready to be written into generated code for scalars or for arrays.

Settings are constants. What depends on the number of the update or on the learning rate alone (1 − β₁ᵗ) is computed once
for all parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from symbackprop.algebra.folding import folded
from symbackprop.algebra.formula import Name, Node, Number, names, rewrite
from symbackprop.catalog import optimizers
from symbackprop.registry import cached

COUNT, RATE = Name("t"), Name("learning_rate")
"""The number of the update, from 1, and its learning rate: the two that differ between updates."""

PARAMETER, GRADIENT = Name("w"), Name("g")
"""What the lines of an optimizer call a parameter and its gradient."""


@dataclass(frozen=True, slots=True, eq=False)
class UpdateCode:
    """One update of every parameter named in `trained`; `update` gives one object for one kind of update.

    `common` are assignments to be carried out once; `lines` those of each number, over `w`, `g`, the `states`, the learning
    rate and what `common` and earlier lines define.
    """

    common: tuple[tuple[str, Node], ...]
    lines: tuple[tuple[str, Node], ...]
    states: tuple[str, ...]
    trained: tuple[str, ...]


def update(optimizer: str, settings: Mapping[str, Fraction], trained: tuple[str, ...], *, first: bool) -> UpdateCode:
    """Return an optimizer's update, for the first one or for those after it; left-out settings have their defaults.

    The states are those that later updates carry on.
    """
    return _update(optimizer, tuple(sorted(settings.items())), trained, first)


@cached
def _update(
    optimizer: str, given: tuple[tuple[str, Fraction], ...], trained: tuple[str, ...], first: bool
) -> UpdateCode:
    row, settings = optimizers.OPTIMIZERS[optimizer], dict(given)
    numbers = {name: settings.get(name, setting.default) for name, setting in row.settings.items()}
    known = {name: Number(value) for name, value in numbers.items() if value is not None and name != RATE.name}
    zero = frozenset(name for name, number in known.items() if number.value == 0)
    common: dict[Node, str] = {}

    def changing(part: Node) -> Node | None:
        if isinstance(part, Name | Number) or not set(names(part)) <= {COUNT.name, RATE.name}:
            return None
        return Name(common.setdefault(part, f"c{len(common) + 1}")) if names(part) else None

    lines = []
    for target, formula in optimizers.reduced(optimizer, zero, first=first):
        filled = folded(rewrite(formula, lambda part: known.get(part.name) if isinstance(part, Name) else None))
        lines.append((target, rewrite(filled, changing)))
    states = optimizers.carried(optimizer, optimizers.reduced(optimizer, zero, first=False))
    return UpdateCode(tuple((name, node) for node, name in common.items()), tuple(lines), states, trained)
