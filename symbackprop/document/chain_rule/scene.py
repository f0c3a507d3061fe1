"""What the lines of one step are written from, and formulas in symbols, which all scenes of a derivation share."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Concatenate, ParamSpec, TypeVar

from symbackprop.algebra.formula import Adjoint, Name, Node, rewrite
from symbackprop.derivation.derivations import Derivation
from symbackprop.document.blocks import ChainStep, Relation
from symbackprop.document.calculation.numerals import Style, show
from symbackprop.document.calculation.reduction import chosen
from symbackprop.document.calculation.verified_lines import MOST_GUARD_DIGITS, displayed, lines
from symbackprop.document.display_nodes import Delta, Gradient, Leaf, Lettered, Shown, Tone
from symbackprop.evaluation.arithmetics import Value, to_decimal
from symbackprop.evaluation.evaluate import Values
from symbackprop.graph.notation import Notation
from symbackprop.graph.scalars import Scalar
from symbackprop.messages import Message, message
from symbackprop.problems import Given

Formulas = dict[tuple[object, ...], Any]
"""What was found in symbols: by the function that found it and its arguments."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The scalars whose lines are written out, by name: those of values, of gradients, of updates; the others are listed.

    `is_short` is a choice of one of each kind: others have one line where there is no table, and nothing stands between
    arrays.
    """

    values: frozenset[str] = frozenset()
    gradients: frozenset[str] = frozenset()
    updates: frozenset[str] = frozenset()
    is_short: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """What the lines of one step are written from.

    `values` is None where the problem leaves numbers out: then all lines are symbolic. `given` holds the problem's own
    numbers that still hold in this step. `chosen` names the scalars whose lines are written out,
    None for all. `formulas` holds what has been found in symbols, for all scenes with the same derivation and notation,
    whatever their numbers. `numbers_in_arrays` says whether formulas between arrays are shown with their numbers put in.
    """

    derivation: Derivation
    values: Values | None
    notation: Notation
    style: Style
    given: Mapping[Scalar, Given]
    chosen: Choice | None = None
    formulas: Formulas = field(default_factory=dict, repr=False, compare=False)
    numbers_in_arrays: bool = True

    def writes(self, name: str, sample: int | None = None) -> bool:
        """Say whether the lines of a value are written out; where not all are, those of the first sample alone."""
        return self.chosen is None or (name in self.chosen.values and sample in (None, 1))

    def derives(self, name: str, sample: int | None = None) -> bool:
        """Say whether the lines of a gradient are written out; where not all are, those of the first sample alone."""
        return self.chosen is None or (name in self.chosen.gradients and sample in (None, 1))

    def updates(self, name: str) -> bool:
        """Say whether the lines of a parameter's update are written out."""
        return self.chosen is None or name in self.chosen.updates

    @property
    def writes_anything(self) -> bool:
        """Whether lines are written out at all; what has been found before in the same way is listed alone."""
        return self.chosen is None or bool(self.chosen.values)

    @property
    def is_short(self) -> bool:
        """Whether one of each kind is written out, the others in as little room as there is."""
        return self.chosen is not None and self.chosen.is_short

    @property
    def samples(self) -> Sequence[int | None]:
        """The numbers of the samples from 1, or one None where there is no batch."""
        return self.derivation.graph.batch_axis.numbers

    def value(self, name: str, sample: int | None = None) -> Value:
        """Return a forward value."""
        assert self.values is not None
        return self.values.value(name, sample)

    def gradient(self, name: str, sample: int | None = None) -> Value:
        """Return the gradient of the output by a scalar."""
        assert self.values is not None
        return self.values.gradient(name, sample)

    def sample_of(self, name: str, sample: int | None) -> int | None:
        """Return the sample a name has: None for what the samples share."""
        return sample if name in self.derivation.elements.batched else None

    def in_sample(self, formula: Node, sample: int | None) -> Node:
        """Return a formula with its batched names in their sample."""

        def of_sample(part: Node) -> Node | None:
            if isinstance(part, Name | Adjoint | Delta) and part.sample is None:
                return type(part)(part.name, self.sample_of(part.name, sample))
            return None

        return rewrite(formula, of_sample)

    @property
    def is_row(self) -> bool:
        """Whether vectors and samples are rows."""
        return self.derivation.problem.layout == "row"

    def shown(self, name: str, sample: int | None = None) -> Shown:
        """Return a forward value as it is printed, a given one as it is written."""
        return show(self.value(name, sample), self.style, written=self.written(name, sample))

    def written(self, name: str, sample: int | None = None) -> str:
        """Return the text that states a given number, or nothing."""
        given = self.given.get(Scalar(name, sample))
        return "" if given is None else given.text

    def lines(self, formula: Node, tone: Tone, kept: Value) -> tuple[ChainStep, ...]:
        """Return the lines of numbers of a formula; none where numbers are missing.

        `kept` is the value that is used from then on; where the problem rounds it as by hand, it closes the lines.
        """
        if self.values is None:
            return ()
        numbered = self.numbered(formula)
        found = displayed(lines(numbered, self.style, tone), self.style)
        shown = show(kept, self.style, tone=tone)
        policy = self.derivation.problem.notation.round_intermediates
        for digits in itertools.count(self.style.digits + 1):
            last = found[-1].formula
            if not (policy and shown.exact and isinstance(last, Shown)) or last.value == shown.value:
                return found
            # Rounding what was rounded to be shown may give another number than rounding by hand: then it has more digits.
            if to_decimal(policy, last.value) == kept or digits > self.style.digits + MOST_GUARD_DIGITS:
                return (*found, ChainStep(Relation.ABOUT, shown))
            longer = replace(self.style, digits=digits, kept={})
            found = displayed(lines(numbered, longer, tone), self.style)
        raise AssertionError

    def kept(self, name: str, sample: int | None, *, gradient: bool = False) -> Value:
        """Return a value or a gradient by name; 0 where numbers are missing."""
        if self.values is None:
            return 0
        return self.gradient(name, sample) if gradient else self.value(name, sample)

    def numbered(self, formula: Node) -> Node:
        """Return a formula that is `calculable` with numbers for its names, and the branches that hold with them."""

        def number(part: Node) -> Node | None:
            match part:
                case Name(name, sample):
                    computed = name in self.derivation.equations
                    tone = Tone.FORWARD if computed else Tone.PLAIN
                    return Leaf(self.value(name, sample), tone, self.written(name, sample))
                case Adjoint(name, sample) | Gradient(name, sample):
                    return Leaf(self.gradient(name, sample), Tone.BACKWARD)
                case Delta(name, sample):
                    return Leaf(-self.gradient(name, sample), Tone.BACKWARD)
                case Lettered(_, value):
                    return Leaf(value)
            return None

        return chosen(rewrite(formula, number))


def layer_name(scene: Scene, layer: int) -> Message:
    """Return what a layer is called: input layer, hidden layer (with its number if there are several), output layer."""
    depth = scene.notation.depth
    if layer in (0, depth):
        return message("layer.output" if layer else "layer.input")
    if depth == 2:
        return message("layer.hidden_only")
    if scene.notation.conventions.layers == "leave":
        return message("notation.hidden_layer", number=scene.notation.layer_number(layer))
    return message("layer.hidden", number=layer)


Arguments = ParamSpec("Arguments")
Found = TypeVar("Found")


def in_symbols(find: Callable[Concatenate[Scene, Arguments], Found]) -> Callable[Concatenate[Scene, Arguments], Found]:
    """Return a function of a scene that answers as `find` does, and asks it once for all scenes that share formulas.

    What it finds must hang on nothing but the derivation (without its numbers), the notation and the other arguments.
    """

    @functools.wraps(find)
    def found(scene: Scene, /, *arguments: Arguments.args, **named: Arguments.kwargs) -> Found:
        key = (find, *arguments, *named.items())
        if key not in scene.formulas:
            scene.formulas[key] = find(scene, *arguments, **named)
        answer: Found = scene.formulas[key]
        return answer

    return found
