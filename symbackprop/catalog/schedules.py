"""Schedules as expressions: the learning rate of an update, printed and run from one formula.

A row's `rate` is written over `learning_rate`, the settings of the row and `k`, the number of times the rate has changed: it
changes every `period` epochs (or updates, where the problem says `per = "step"`), and `period` is a number or one of the
settings. The kinds, their settings and defaults are those of `torch.optim.lr_scheduler`, stepped once in an epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeVar

from symbackprop.algebra import expressions
from symbackprop.algebra.formula import Node, names
from symbackprop.catalog.optimizers import RATE
from symbackprop.errors import unknown
from symbackprop.registry import Registry, cached
from symbackprop.rows import Setting, Settings

if TYPE_CHECKING:
    import numpy

CONSTANT = "constant"
"""The schedule of a problem that states none."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule: the learning rate after `k` changes, its settings, the setting that says after how long it changes."""

    name: str
    rate: str
    source: str
    settings: Settings = field(default_factory=dict)
    period: str = ""
    spellings: tuple[str, ...] = ()


_GAMMA = "what the learning rate is multiplied by"


def _check(row: Schedule) -> None:
    """Raise `SymbackpropError` for a schedule whose rate cannot be read, or whose period is none of its settings."""
    _parsed(row)
    if row.period and row.period not in row.settings:
        raise unknown("key", row.period, row.settings)


SCHEDULES: Registry[Schedule] = Registry(
    "schedule",
    (
        Schedule(CONSTANT, RATE, "no scheduler"),
        Schedule(
            "step",
            "learning_rate*gamma**k",
            "torch.optim.lr_scheduler.StepLR",
            {
                "step_size": Setting(None, "p", "after how many epochs the rate changes", lowest=1, whole=True),
                "gamma": Setting(Fraction(1, 10), "gamma", _GAMMA, above=0),
            },
            "step_size",
        ),
        Schedule(
            "exponential",
            "learning_rate*gamma**k",
            "torch.optim.lr_scheduler.ExponentialLR",
            {"gamma": Setting(None, "gamma", _GAMMA, above=0)},
        ),
    ),
    check=_check,
)


@cached
def rate(schedule: str) -> Node:
    """Return the learning rate after `k` changes as a formula.

    >>> rate("constant")
    Name(name='learning_rate', sample=None)
    """
    return _parsed(SCHEDULES[schedule])


def _parsed(row: Schedule) -> Node:
    return expressions.parse(row.rate, functions={}, names=(RATE, "k", *row.settings), arities={})


Count = TypeVar("Count", int, "numpy.ndarray[Any, Any]")


def changes(schedule: str, passed: Count, settings: Mapping[str, Fraction]) -> Count:
    """Return `k`, the number of changes of the rate once `passed` epochs (or updates) are over, for one number or many.

    >>> changes("step", 7, {"step_size": Fraction(3)})
    2
    """
    if "k" not in names(rate(schedule)):
        return 0 * passed
    period = SCHEDULES[schedule].period
    return passed // int(settings[period]) if period else passed
