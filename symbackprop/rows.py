"""What rows of registries are made of: settings, names in other libraries, words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

Words = Mapping[str, Mapping[str, str]]
"""What a row brings to say: language → id of a phrase → text. Rows of the package have theirs in the files of languages."""

Defaults = tuple[tuple[str, Fraction], ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """A number that a row leaves to the problem: default (None: has to be given), letter on paper, meaning, bounds.

    A value is at least `lowest`, more than `above` and less than `below`, where these are given; some are whole numbers.
    `note` is the id of a sentence that documents say where the setting is not 0, "" for none; `spellings` are what people
    call it elsewhere.
    """

    default: Fraction | None
    symbol: str
    meaning: str
    lowest: int | None = None
    above: int | None = None
    below: int | None = None
    whole: bool = False
    note: str = ""
    spellings: tuple[str, ...] = ()


Settings = Mapping[str, Setting]


def defaults(settings: Settings) -> Defaults:
    """Return the names of settings with their defaults, without those that have to be given.

    >>> defaults({"alpha": Setting(Fraction(1), "alpha", "a slope"), "gamma": Setting(None, "gamma", "a factor")})
    (('alpha', Fraction(1, 1)),)
    """
    return tuple((name, setting.default) for name, setting in settings.items() if setting.default is not None)


def reason_phrases(reason: str) -> tuple[str, ...]:
    """Return the ids of the phrases that an explanation needs: none where there is none."""
    return (f"reason.{reason}",) if reason else ()


@dataclass(frozen=True, slots=True)
class Counterpart:
    """What another library calls a row: the name of its class, and how its attributes are to be read.

    `settings` are names of ours by its attributes (a tuple: several in one attribute), `fixed` attributes that have to have
    one of some values. `call` is a template that applies it, over the argument and our settings.
    """

    name: str
    settings: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    fixed: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    call: str = ""

    def mismatch(self, found: Any) -> str | None:
        """Return the first attribute of an object that has none of the values it has to have, None where all have."""
        return next((name for name, values in self.fixed.items() if not _is_among(getattr(found, name), values)), None)

    def read(self, found: Any) -> dict[str, Any]:
        """Return our settings as an object has them."""
        pairs = ((ours, getattr(found, theirs)) for theirs, ours in self.settings.items())
        return {
            name: value
            for ours, values in pairs
            for name, value in ([(ours, values)] if isinstance(ours, str) else zip(ours, values, strict=True))
        }

    def arguments(self, given: Mapping[str, Any]) -> dict[str, object]:
        """Return the arguments that make an object of the class, for the numbers of our settings.

        >>> Counterpart("Adam", {"betas": ("beta1", "beta2")}, {"amsgrad": (False,)}).arguments({"beta1": 0.9, "beta2": 1})
        {'betas': (0.9, 1.0), 'amsgrad': False}
        """
        found: dict[str, object] = {
            theirs: float(given[ours]) if isinstance(ours, str) else tuple(float(given[each]) for each in ours)
            for theirs, ours in self.settings.items()
        }
        return found | {name: values[0] for name, values in self.fixed.items()}


def other_names(row: Any) -> tuple[str, ...]:
    """Return what a row is called elsewhere: its spellings, then the names of its counterparts in other libraries."""
    return (*getattr(row, "spellings", ()), *(each.name for each in _counterparts(row)))


def other_settings(row: Any) -> dict[str, str]:
    """Return what the settings of a row are called elsewhere → our names.

    >>> from symbackprop.catalog.optimizers import OPTIMIZERS
    >>> [other_settings(OPTIMIZERS["adam"])[name] for name in ("lr", "eps", "betas")]
    ['learning_rate', 'epsilon', 'beta1']
    """
    theirs = {
        name: ours if isinstance(ours, str) else ours[0]
        for each in _counterparts(row)
        for name, ours in each.settings.items()
    }
    return theirs | {other: name for name, setting in row.settings.items() for other in setting.spellings}


def _counterparts(row: Any) -> Iterator[Counterpart]:
    for each in (getattr(row, "torch", None), getattr(row, "sklearn", None)):
        if isinstance(each, Counterpart):
            yield each
        elif isinstance(each, tuple):
            yield from each
        elif each:
            yield Counterpart(each)


def _is_among(found: object, values: tuple[object, ...]) -> bool:
    return any(found is each or (each is not None and found == each) for each in values)
