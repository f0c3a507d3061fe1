"""The lines of one quantity: its forward value, its gradient by the chain rule, its update.

Each line is read off the derivation: the symbols are the links, the numbers the values along them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from symbackprop import functions, optimizers
from symbackprop.backprop import Link
from symbackprop.derivation import Derivation
from symbackprop.document.blocks import Chain, Display
from symbackprop.document.marks import Boxed, Braced, Gradient, Letter, Local, OverSamples, Shown, Tone, Updated
from symbackprop.document.numerals import Style, show
from symbackprop.document.truth import Leaf, Relation, Step, lines
from symbackprop.evaluate import Value, Values
from symbackprop.formula import ONE, Adjoint, Apply, Name, Node, Product, Sum, added, multiplied, names, rewrite
from symbackprop.graph import Quantity, Role
from symbackprop.notation import Notation
from symbackprop.problems import Given

LAYER_KINDS = ("pre_activation", "activation", "weight", "bias", "threshold")
"""The kinds of quantity that belong to a layer."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What the lines of one step are written from.

    `values` is None where the problem leaves numbers out: then all lines are symbolic. `given` holds the problem's own
    numbers that still hold in this step, by element (and sample).
    """

    derivation: Derivation
    values: Values | None
    notation: Notation
    style: Style
    given: Mapping[str, Given]

    @property
    def samples(self) -> Sequence[int | None]:
        """The numbers of the samples from 1, or one None where there is no batch."""
        count = self.derivation.graph.samples
        return [None] if count is None else list(range(1, count + 1))

    def value(self, name: str, sample: int | None = None) -> Value:
        """Return a forward value."""
        assert self.values is not None
        return self.values.value(name, sample)

    def slope(self, name: str, sample: int | None = None) -> Value:
        """Return the gradient of the output by a scalar."""
        assert self.values is not None
        return self.values.gradient(name, sample)

    def sample_of(self, name: str, sample: int | None) -> int | None:
        """Return the sample a name is marked with: None for what the samples share."""
        return sample if name in self.derivation.elements.batched else None

    def marked(self, formula: Node, sample: int | None) -> Node:
        """Return a formula with its batched names marked by their sample."""

        def mark(part: Node) -> Node | None:
            if isinstance(part, Name | Adjoint) and part.sample is None:
                return type(part)(part.name, self.sample_of(part.name, sample))
            return None

        return rewrite(formula, mark)

    def written(self, name: str, sample: int | None = None) -> str:
        """Return the text that states a given number, or nothing."""
        given = self.given.get(name if sample is None else f"{name}@{sample}")
        return "" if given is None else given.text

    def lines(self, formula: Node, tone: Tone, kept: Value) -> tuple[Step, ...]:
        """Return the lines of numbers of a formula; none where numbers are missing.

        `kept` is the value that is used from then on; where the problem rounds it as by hand, it closes the lines.
        """
        if self.values is None:
            return ()
        found = lines(self.numbered(formula), self.style, tone)
        shown = show(kept, self.style, tone=tone)
        is_rounded = self.derivation.problem.notation.round_intermediates is not None
        if is_rounded and shown.exact and isinstance(last := found[-1].formula, Shown) and last.value != shown.value:
            return (*found, Step(Relation.ABOUT, shown))
        return found

    def kept(self, name: str, sample: int | None, *, gradient: bool = False) -> Value:
        """Return a value or a gradient by name; 0 where numbers are missing."""
        if self.values is None:
            return 0
        return self.slope(name, sample) if gradient else self.value(name, sample)

    def numbered(self, formula: Node) -> Node:
        """Return a formula with numbers for its names and activations written out."""

        def number(part: Node) -> Node | None:
            match part:
                case Name(name, sample):
                    computed = name in self.derivation.equations
                    tone = Tone.FORWARD if computed else Tone.PLAIN
                    return Leaf(self.value(name, sample), tone, self.written(name, sample))
                case Adjoint(name, sample) | Gradient(name, sample):
                    return Leaf(self.slope(name, sample), Tone.BACKWARD)
                case Braced(body, _):
                    return self.numbered(body)
                case Apply():
                    definition = functions.expanded(part) if part.function != "step" else None
                    return None if definition is None else self.numbered(definition)
            return None

        return rewrite(formula, number)


def forward(scene: Scene, name: str, sample: int | None = None) -> Chain:
    """Return the lines of a forward value: formula, numbers, steps, value."""
    formula = scene.marked(written_out(scene.derivation.equations[name].formula()), sample)
    if scene.derivation.elements.samples and name not in scene.derivation.elements.batched:
        formula = _over_samples(scene, name)
    numbers = scene.lines(formula, Tone.FORWARD, scene.kept(name, scene.sample_of(name, sample)))
    return Chain(Name(name, scene.sample_of(name, sample)), (Step(Relation.EQUAL, formula), *numbers))


def written_out(formula: Node) -> Node:
    """Return a vector activation as its definition, with the exponentials in the order of the units.

    Every unit's own equation names its own argument first; softmax(z₃, z₁, z₂) for a₃ would puzzle a reader.
    """
    if not isinstance(formula, Apply) or not functions.is_vector(formula.function):
        return formula
    definition = functions.expanded(formula)
    assert definition is not None

    def ordered(part: Node) -> Node | None:
        return Sum(tuple(sorted(part.terms, key=_position))) if isinstance(part, Sum) else None

    return rewrite(definition, ordered)


def _position(term: Node) -> list[int]:
    """Return the index of the first name in a term, by which the units of a layer are in order."""
    return [int(part) for part in names(term)[0].split("_") if part.isdecimal()]


def _over_samples(scene: Scene, name: str) -> Node:
    """Return the right-hand side of an equation that adds over the samples, one summand for each."""
    terms = scene.derivation.equations[name].terms
    return added(tuple(scene.marked(term.formula(), sample) for sample in scene.samples for term in terms))


def has_own_step(scene: Scene, name: str) -> bool:
    """Say whether the gradient by a computed quantity gets a step of its own, to which later steps refer by name.

    Every δ does, every ∂L/∂a of a hidden unit (the sum over its paths) and every gate of a computation graph; in general
    whatever several paths reach.
    """
    quantity, _ = scene.notation.locate(name)
    hidden = quantity.kind == "activation" and quantity.layer != scene.notation.depth
    return quantity.kind in ("pre_activation", "gate") or hidden or len(scene.derivation.links[name]) != 1


@dataclass(frozen=True, slots=True)
class _Factor:
    """A factor of the chain rule: as a derivative, and as what that derivative is."""

    derivative: Node
    partial: Node


def gradient(scene: Scene, name: str, sample: int | None = None) -> Chain:
    """Return the lines of a gradient: chain rule, local partials, numbers, value."""
    left = Adjoint(name, sample)
    own = Gradient(name, sample)
    paths = [_path(scene, link, place) for link, place in _links(scene, name, sample)]
    if len(paths) == 1:
        derivatives, partials = _one_path(scene, name, paths[0])
    else:
        derivatives = Sum(tuple(Product(tuple(factor.derivative for factor in path)) for path in paths))
        partials = Sum(tuple(_product(path) for path in paths))
    steps = [Step(Relation.EQUAL, derivatives)]
    if scene.notation.delta(name) is not None:
        steps.insert(0, Step(Relation.EQUAL, own))
    if partials != derivatives:
        steps.append(Step(Relation.EQUAL, partials, opens=True))
    short = _through_delta(scene, name, paths)
    if short is not None:
        steps.append(Step(Relation.EQUAL, short))
    numbers = list(scene.lines(partials, Tone.BACKWARD, scene.kept(name, sample, gradient=True)))
    if numbers:
        numbers[-1] = replace(numbers[-1], formula=Boxed(numbers[-1].formula))
    return Chain(left, (*steps, *numbers))


def _links(scene: Scene, name: str, sample: int | None) -> Iterator[tuple[Link, int | None]]:
    """Yield the links of a gradient with the sample each belongs to: all samples for what they share."""
    batched = scene.derivation.elements.batched
    for link in scene.derivation.links[name]:
        spans = link.source in batched or not batched.isdisjoint(link.term.arguments)
        if name in batched or not spans:
            yield link, sample
        else:
            yield from ((link, place) for place in scene.samples)


def _path(scene: Scene, link: Link, sample: int | None) -> tuple[_Factor, ...]:
    """Return the factors of one path, from the output or the nearest named gradient down to the link's argument."""
    target = link.term.arguments[link.slot]
    by = Name(target, scene.sample_of(target, sample))
    source = Name(link.source, scene.sample_of(link.source, sample))
    partial = scene.marked(link.partial(), sample)
    above = _above(scene, link.source, sample)
    if not above:
        is_output = link.source == scene.derivation.graph.output
        return (_Factor(Gradient(target, by.sample) if is_output else Local(source, by), partial),)
    return (*above, _Factor(Local(source, by), partial))


def _above(scene: Scene, name: str, sample: int | None) -> tuple[_Factor, ...]:
    """Return the factors that stand for the gradient by a computed quantity."""
    if name == scene.derivation.graph.output:
        return ()
    place = scene.sample_of(name, sample)
    if has_own_step(scene, name):
        return (_Factor(Gradient(name, place), Adjoint(name, place)),)
    (link,) = scene.derivation.links[name]
    if link.source == scene.derivation.graph.output and link.partial() == ONE:
        return ()
    return _path(scene, link, sample)


def _one_path(scene: Scene, name: str, path: tuple[_Factor, ...]) -> tuple[Node, Node]:
    """Return one path as derivatives and as partials; a parameter's path goes on through the δ it meets."""
    first = path[0]
    if isinstance(first.partial, Adjoint) and name not in scene.derivation.equations:
        upper = [_path(scene, link, place) for link, place in _links(scene, first.partial.name, first.partial.sample)]
        if len(upper) == 1:
            derivatives = tuple(factor.derivative for factor in (*upper[0], *path[1:]))
            return Product(derivatives), Product((_product(upper[0]), *(_braced(factor) for factor in path[1:])))
    return _joined(tuple(factor.derivative for factor in path)), _product(path)


def _product(path: tuple[_Factor, ...]) -> Node:
    return _joined(tuple(_braced(factor) for factor in path))


def _joined(factors: tuple[Node, ...]) -> Node:
    return factors[0] if len(factors) == 1 else Product(factors)


def _braced(factor: _Factor) -> Node:
    """Return the partial with its derivative under a brace; a named gradient needs none."""
    return factor.partial if isinstance(factor.partial, Adjoint) else Braced(factor.partial, factor.derivative)


def _through_delta(scene: Scene, name: str, paths: list[tuple[_Factor, ...]]) -> Node | None:
    """Return a parameter's gradient as δ · partial, where one δ leads to it."""
    if name in scene.derivation.equations or len(paths) != 1 or not isinstance(paths[0][0].partial, Adjoint):
        return None
    return multiplied(tuple(factor.partial for factor in paths[0]))


def layers_of(scene: Scene, *kinds: str) -> list[list[Quantity]]:
    """Return the quantities of the given kinds, layer by layer from the first."""
    found: dict[int, list[Quantity]] = {}
    for quantity in scene.derivation.graph.quantities.values():
        if quantity.kind in kinds and quantity.layer is not None:
            found.setdefault(quantity.layer, []).append(quantity)
    return [found[layer] for layer in sorted(found)]


def errors_of(scene: Scene, layer: list[Quantity]) -> list[str]:
    """Return the gradients of a layer that get a step of their own, unit by unit: ∂L/∂a where it is one, then δ."""
    kinds = {quantity.kind: quantity for quantity in layer}
    units = zip(kinds["activation"].elements(), kinds["pre_activation"].elements(), strict=True)
    return [name for unit in units for name in unit if has_own_step(scene, name)]


def parameters_of(layer: list[Quantity]) -> list[str]:
    """Return the parameters of a layer, each array unit by unit, whatever its layout."""
    return [
        quantity.element(index)
        for quantity in layer
        if quantity.role is Role.PARAMETER
        for index in sorted(quantity.indices(), key=lambda index: index[::-1] if quantity.transposed else index)
    ]


def gradient_formulas(scene: Scene) -> Iterator[Display]:
    """Yield the formula of every δ, ∂L/∂a and parameter's gradient, output layer first, without numbers."""
    for layer in reversed(layers_of(scene, *LAYER_KINDS)):
        errors = errors_of(scene, layer)
        kinds = {scene.notation.locate(name)[0].name for name in errors}
        # One row for each unit where ∂L/∂a is a step of its own, else the δ of the layer side by side.
        yield Display(tuple(_gradient_formula(scene, n) for n in errors), len(kinds) if len(kinds) > 1 else len(errors))
        for quantity in layer:
            parameters = parameters_of([quantity])
            if parameters:
                yield Display(tuple(_gradient_formula(scene, n) for n in parameters), row_length(scene, quantity))


def formula_display(scene: Scene, elements: Sequence[str], row: int) -> Display:
    """Return the gradients by some elements as formulas, without numbers, `row` of them in a row."""
    return Display(tuple(_gradient_formula(scene, name) for name in elements), row)


def row_length(scene: Scene, quantity: Quantity) -> int:
    """Return how many elements of an array belong in one row: all of a vector, of a matrix those that lead to one unit."""
    units = [scene.notation.locate(element)[1][:1] for element in quantity.elements()]
    return len(units) if len(quantity.shape) < 2 else units.count(units[0])


def _gradient_formula(scene: Scene, name: str) -> Chain:
    links = scene.derivation.links[name]
    total = added(tuple(_unbraced(_product(_path(scene, link, None))) for link in links))
    if scene.derivation.crosses_samples(name):
        total = OverSamples(total, len(scene.samples))
    return Chain(Adjoint(name), (Step(Relation.EQUAL, total),))


def _unbraced(formula: Node) -> Node:
    """Return a formula without its braces and without factors of one."""

    def bare(part: Node) -> Node | None:
        if isinstance(part, Product):
            return multiplied(tuple(_unbraced(factor) for factor in part.factors))
        return _unbraced(part.body) if isinstance(part, Braced) else None

    return rewrite(formula, bare)


def updated(scene: Scene, name: str, new: Value) -> Chain:
    """Return the lines of a parameter's update in the optimiser's own formula."""
    training = scene.derivation.problem.training
    assert training is not None
    parts: dict[str, tuple[Node, Node]] = {
        "w": (Name(name), scene.numbered(Name(name))),
        "g": (Gradient(name), Leaf(scene.slope(name), Tone.BACKWARD)),
    }
    for setting, given in training.settings.items():
        letter = Letter(scene.notation.learning_rate())
        parts[setting] = (letter, Leaf(given.value, written=given.text))
    formula = optimizers.update(training.optimizer)
    symbols = rewrite(formula, lambda part: parts[part.name][0] if isinstance(part, Name) else None)
    numbers = rewrite(formula, lambda part: parts[part.name][1] if isinstance(part, Name) else None)
    shown = scene.lines(numbers, Tone.PLAIN, new)
    return Chain(Updated(name), (Step(Relation.EQUAL, symbols), *shown))
