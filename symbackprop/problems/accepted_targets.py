"""Targets that the loss of a network cannot take, said with the place where they stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symbackprop.catalog.losses import LOSSES
from symbackprop.errors import ProblemError
from symbackprop.messages import Message, message
from symbackprop.problems.types import Array, Network


def check_targets(
    network: Network, targets: Array, samples: int | None, place: Callable[[int], str] | None = None
) -> None:
    """Raise `ProblemError` for the first target that the loss cannot take; `place` says where a sample stands."""
    given = targets.floats()
    outputs = network.layers[-1].units
    rows = [given[start : start + outputs] for start in range(0, len(given), outputs)]
    found = network.targets.misfit(rows)
    if found is None:
        return
    sample, output = found
    value = rows[sample] if output is None else rows[sample][output]
    where = "data.y" + f"[{sample}]" * (samples is not None) + (f"[{output}]" if output is not None else "")
    raise ProblemError(misfit(network, value), where=place(sample) if place else where)


def misfit(network: Network, found: float | Sequence[float]) -> Message:
    """Return what is said of a target, or of the targets of a sample, that the loss of a network cannot take."""
    values = [f"{each:.12g}" for each in (found if isinstance(found, Sequence) else [found])]
    kind = LOSSES[network.loss].targets
    return message("problem.targets", loss=network.loss, targets=message(f"kind.{kind}"), found=values)
