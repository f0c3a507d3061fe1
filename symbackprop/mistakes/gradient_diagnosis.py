"""Diagnosis of code: arrays of a backward pass, each right or wrong by a mistake with a name.

The arrays are looked at from the output down. What one mistake further up explains follows from it; only what that leaves
unexplained is looked at by itself. A mistake that would make a right array wrong is dropped, and of the rest that counts
which explains most arrays.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from symbackprop.compilation import compile as compiled
from symbackprop.derivation.derivations import Derivation
from symbackprop.errors import unknown
from symbackprop.graph.quantities import Role
from symbackprop.graph.scalars import gradient_name
from symbackprop.messages import Message, message
from symbackprop.mistakes.array_worksheets import Array, ArrayWorksheet, BackwardRun, CircularError, LinkFormulas
from symbackprop.mistakes.gradient_reports import DiagnosedGradient, GradientDiagnosis, GradientMistake
from symbackprop.mistakes.known_mistakes import MISTAKES
from symbackprop.mistakes.verdicts import Finding

PRECISION = {"float64": 1e-7, "float32": 1e-4, "float16": 1e-2}
"""How far numbers of a type may be off, as a share of the largest of an array: what roundings do."""
APART = 8.0
"""A mistake is told only where it moves an array by so many times what roundings may do."""


@dataclass(frozen=True, slots=True)
class _Change:
    """A mistake at some places of the backward pass, and the formulas that stand there."""

    mistake: str
    at: tuple[str, ...]
    formulas: LinkFormulas


class _Arrays:
    """The diagnosis of the arrays of one backward pass."""

    def __init__(self, sheet: ArrayWorksheet, given: Mapping[str, Array]) -> None:
        self.sheet = sheet
        self.given = given
        self.adopted: list[_Change] = []
        self.own: dict[str, Array] = {}
        self.now = sheet.right
        self.by_size = sorted(given, key=lambda name: given[name].size)
        self._reached: dict[int, frozenset[str]] = {}
        self._explained: dict[str, bool] = {}

    @functools.cached_property
    def changes(self) -> tuple[_Change, ...]:
        """The changes that mistakes make: at one place after another, and at all of a kind."""
        found = []
        for row in MISTAKES.values():
            by_variant: dict[str, list[_Change]] = {}
            for site in row.arrays(self.sheet) if row.arrays is not None else ():
                by_variant.setdefault(site.variant, []).append(_Change(row.name, (site.at,), site.formulas))
            for own in by_variant.values():
                found += own
                if len(own) > 1:
                    formulas = {key: formula for each in own for key, formula in each.formulas.items()}
                    found.append(_Change(row.name, tuple(place for each in own for place in each.at), formulas))
        return tuple(found)

    def answers(self) -> Iterator[DiagnosedGradient]:
        """Yield what each array turned out to be, from the output down."""
        for name in self.sheet.sources:
            if name in self.given:
                yield self._answer(name, self.given[name])

    def _answer(self, name: str, array: Array) -> DiagnosedGradient:
        expected = self.sheet.right.of(name)
        for looked in (
            self._unreadable,
            self._right,
            self._by_convention,
            self._known,
            self._following,
            self._not_summed,
            self._changed,
        ):
            found = looked(name, array)
            if found is not None:
                return found
        self._take(name, array)
        return DiagnosedGradient(name, Finding.UNEXPLAINED, _difference(array, expected), said=_off(array, expected))

    def _take(self, name: str, array: Array) -> None:
        """Take a wrong array as it is: what is computed from it follows from it."""
        if array.shape == self.sheet.shape(name):
            self.own[name] = array
            self._renew()

    def _renew(self) -> None:
        formulas = {key: formula for change in self.adopted for key, formula in change.formulas.items()}
        self.now = BackwardRun(self.sheet, formulas, dict(self.own))
        self._explained.clear()

    def _unreadable(self, name: str, array: Array) -> DiagnosedGradient | None:
        if array.dtype.kind not in "fiub":
            return DiagnosedGradient(name, Finding.UNREADABLE, math.inf, said=message("gradients.no_numbers"))
        return None

    def _right(self, name: str, array: Array) -> DiagnosedGradient | None:
        expected = self.sheet.right.of(name)
        if not _meets(array, expected):
            return None
        return DiagnosedGradient(name, Finding.RIGHT, _difference(array, expected))

    def _by_convention(self, name: str, array: Array) -> DiagnosedGradient | None:
        """Return a gradient on the way in another convention, which the right gradients by parameters show."""
        quantity, expected = self.sheet.quantity(name), self.sheet.right.of(name)
        if not self._is_witnessed:
            return None
        scales = {"mean_in_gradient": float(self.sheet.samples or 1) if quantity.batched else 1.0}
        scales |= {"negative_delta": -1.0 if quantity.kind == "pre_activation" else 1.0}
        for convention, scale in scales.items():
            if scale != 1 and _meets(array, scale * expected):
                own = (GradientMistake(convention, (name,)),)
                said = message("diagnosis.convention", convention=message(f"slip.{convention}"))
                return DiagnosedGradient(name, Finding.CONVENTION, _difference(array, expected), own, said=said)
        return None

    @functools.cached_property
    def _is_witnessed(self) -> bool:
        """Whether gradients by parameters are given, and all of them are right."""
        own = [name for name in self.given if self.sheet.quantity(name).role is Role.PARAMETER]
        return bool(own) and all(_meets(self.given[name], self.sheet.right.of(name)) for name in own)

    def _following(self, name: str, array: Array) -> DiagnosedGradient | None:
        """Return an array that follows from wrong ones that are given."""
        used = [each for each, own in self.own.items() if name in BackwardRun(self.sheet, {}, {each: own}).affected]
        used = [each for each in used if each != name]
        if not used or not _meets(array, self.now.anew(name)):
            return None
        difference = _difference(array, self.sheet.right.of(name))
        said = message("gradients.follow_through", names=used)
        return DiagnosedGradient(name, Finding.FOLLOW_THROUGH, difference, said=said)

    def _known(self, name: str, array: Array) -> DiagnosedGradient | None:
        """Return an array that mistakes named already explain."""
        own = [change for change in self.adopted if name in self._affected(change)]
        return self._told(name, array, own) if own and _meets(array, self.now.anew(name)) else None

    def _told(self, name: str, array: Array, own: Sequence[_Change]) -> DiagnosedGradient:
        expected = self.sheet.right.of(name)
        mistakes = tuple(GradientMistake(each.mistake, each.at) for each in own)
        said = message("gradients.mistake", mistakes=[_slip(each) for each in mistakes])
        factor = _factor(array, expected)
        if factor is not None:
            said = message("gradients.with_factor", what=said, factor=f"{factor:.6g}")
        return DiagnosedGradient(name, Finding.MISTAKE, _difference(array, expected), mistakes, said=said)

    def _not_summed(self, name: str, array: Array) -> DiagnosedGradient | None:
        """Return an array that has a gradient for each sample, which belong together in one."""
        samples, quantity = self.sheet.samples or 1, self.sheet.quantity(name)
        if samples < 2 or quantity.batched or array.shape != (samples, *quantity.shape):
            return None
        return (
            self._told(name, array, [_Change("samples_not_summed", (name,), {})])
            if _meets(array.sum(0), self.now.anew(name))
            else None
        )

    def _changed(self, name: str, array: Array) -> DiagnosedGradient | None:
        """Return an array that one more mistake explains."""
        best: dict[int, list[tuple[_Change, frozenset[str]]]] = {}
        for change in self.changes:
            told = self._tells(change, name)
            if told:
                best.setdefault(len(told), []).append((change, told))
        if not best:
            return None
        found = _different(best[max(best)])
        self.adopted.append(found[0])
        self._renew()
        if len(found) == 1:
            return self._told(name, array, found)
        mistakes = tuple(GradientMistake(each.mistake, each.at) for each in found)
        said = message("gradients.possible", mistakes=[_slip(each) for each in mistakes])
        difference = _difference(array, self.sheet.right.of(name))
        return DiagnosedGradient(name, Finding.POSSIBLE, difference, possible=mistakes, said=said)

    def _tells(self, change: _Change, name: str) -> frozenset[str]:
        """Return the names of the arrays that a change explains, this one among them; none where a right one is against it.

        Small arrays are looked at first: most changes fail there.
        """
        affected = self._affected(change)
        run = BackwardRun(self.sheet, {**self.now.formulas, **change.formulas}, self.now.given)
        told = set()
        try:
            for other in self.by_size if name in affected else ():
                if other not in affected:
                    continue
                made, theirs = run.anew(other), self.given[other]
                if self._is_moved_to(made, other, theirs):
                    told.add(other)
                elif other == name or (self._is_explained(other) and not _meets(theirs, made)):
                    return frozenset()
        except CircularError:
            return frozenset()
        return frozenset(told)

    def _affected(self, change: _Change) -> frozenset[str]:
        """Return the names of the quantities whose gradients a change may make others."""
        if id(change) not in self._reached:
            self._reached[id(change)] = BackwardRun(self.sheet, change.formulas).affected
        return self._reached[id(change)]

    def _is_explained(self, name: str) -> bool:
        """Say whether an array is what it should be after the mistakes found so far."""
        if name not in self._explained:
            self._explained[name] = _meets(self.given[name], self.now.anew(name))
        return self._explained[name]

    def _is_moved_to(self, made: Array, name: str, array: Array) -> bool:
        """Say whether what a change makes is what is given, and not nearly what it would be without."""
        usual = self.now.anew(name)
        return _meets(array, made) and (made.shape != usual.shape or not _meets(made, usual, APART * _precision(array)))


def _different(found: Sequence[tuple[_Change, frozenset[str]]]) -> list[_Change]:
    """Return the changes that differ: of those of one mistake, which all explain the same arrays, the first."""
    kept: dict[str, _Change] = {}
    for change, _ in found:
        if change.mistake not in kept:
            kept[change.mistake] = change
    return list(kept.values())


def _precision(array: Array) -> float:
    return PRECISION.get(array.dtype.name, PRECISION["float64"])


def _meets(array: Array, expected: Array, precision: float | None = None) -> bool:
    """Say whether an array is another, but for roundings, and for axes of length 1 too many or too few."""
    if array.shape != expected.shape:
        if array.ndim == expected.ndim or _without_ones(array.shape) != _without_ones(expected.shape):
            return False
        array = array.reshape(expected.shape)
    if not array.size:
        return True
    largest = float(numpy.abs(expected).max())
    allowed = (_precision(array) if precision is None else precision) * largest
    with numpy.errstate(all="ignore"):
        return bool(numpy.abs(array - expected).max() <= allowed + numpy.finfo(float).tiny)


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(length for length in shape if length != 1)


def _difference(array: Array, expected: Array) -> float:
    """Return the largest difference between two arrays, infinite where they do not fit."""
    if array.shape != expected.shape and array.size != expected.size:
        return math.inf
    if not array.size:
        return 0.0
    with numpy.errstate(all="ignore"):
        found = float(numpy.abs(array.reshape(expected.shape) - expected).max())
    return found if found == found else math.inf


def _factor(array: Array, expected: Array) -> float | None:
    """Return the number that an array is times another, None where it is not, or is one number; 1 is none."""
    if array.shape != expected.shape or array.size < 2:
        return None
    place = numpy.unravel_index(int(numpy.abs(expected).argmax()), expected.shape)
    if not expected[place]:
        return None
    factor = float(array[place] / expected[place])
    is_plain = math.isfinite(factor) and factor and abs(factor - 1) > 1e-3
    return factor if is_plain and _meets(array, factor * expected) else None


def _off(array: Array, expected: Array) -> Message:
    """Return how an array differs that no mistake explains: by its shape, by a factor, or at one place most."""
    if array.shape != expected.shape:
        return message("gradients.shape", found=_spelled(array.shape), expected=_spelled(expected.shape))
    factor = _factor(array, expected)
    if factor is not None:
        return message("gradients.factor", factor=f"{factor:.6g}")
    with numpy.errstate(all="ignore"):
        gaps = numpy.nan_to_num(numpy.abs(array - expected), nan=math.inf)
    place = numpy.unravel_index(int(gaps.argmax()), gaps.shape)
    where = f"[{', '.join(map(str, map(int, place)))}]"
    return message(
        "gradients.unexplained",
        place=where,
        found=f"{float(array[place]):.6g}",
        expected=f"{float(expected[place]):.6g}",
    )


def _spelled(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _slip(each: GradientMistake) -> Message:
    return message("diagnosis.at", mistake=message(f"slip.{each.id}"), names=list(each.at))


def worksheet(derivation: Derivation, parameters: Any = None, x: Any = None, y: Any = None) -> ArrayWorksheet:
    """Return the arrays of a problem at parameters and data, None for the problem's own.

    Raises `MissingValueError` for what has no value, `SymbackpropError` for shapes that do not fit.
    """
    gradient = compiled(derivation)
    arrays = gradient.arguments.parameter_arrays(parameters)
    samples, data = gradient.arguments.data_arrays(x, y)
    named = {each.name: array for each, array in zip(gradient.arguments.parameters, arrays, strict=True)}
    return ArrayWorksheet(gradient, named, tuple(data), samples)


def examined_arrays(sheet: ArrayWorksheet, gradients: Mapping[str, Any], language: str) -> GradientDiagnosis:
    """Return the diagnosis of arrays by name: of a parameter (`W1`, `dW1`, `dL_dW1`), or of a value on the way (`z1`).

    Raises `UnknownNameError` for a name of nothing that has a gradient.
    """
    given = {}
    names = _names(sheet)
    for name, array in gradients.items():
        if name not in names:
            raise unknown("quantity", str(name), names)
        given[names[name]] = numpy.asarray(array)
    found = {each.name: each for each in _Arrays(sheet, given).answers()}
    return GradientDiagnosis(sheet.gradient.derivation, tuple(found[name] for name in given), language)


def _names(sheet: ArrayWorksheet) -> dict[str, str]:
    """Return the names under which gradients may be given."""
    output = sheet.plan.graph.output
    spelled = {text: name for name in sheet.sources for text in (gradient_name(output, name), f"d{name}")}
    return {**spelled, **{name: name for name in sheet.sources}}
