"""The lines of one quantity: its forward value, its gradient by the chain rule.

Each line is read off the derivation: the symbols are the links, the numbers the values along them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from symbackprop.algebra import functions
from symbackprop.algebra.formula import (
    ONE,
    Adjoint,
    Apply,
    Name,
    Negative,
    Node,
    Number,
    Product,
    Slot,
    Sum,
    added,
    fill,
    names,
    negated,
    rewrite,
    walk,
)
from symbackprop.derivation.array_entries import inner_formula
from symbackprop.derivation.backprop import Link
from symbackprop.document.blocks import Chain, ChainStep, Relation
from symbackprop.document.chain_rule.factors import (
    Factor,
    braced,
    flipped,
    is_named,
    joined,
    merged,
    named_quantity,
    product_of,
    signed,
)
from symbackprop.document.chain_rule.penalties import penalty, penalty_partial
from symbackprop.document.chain_rule.scene import Scene, in_symbols
from symbackprop.document.display_nodes import Boxed, Braced, Delta, Gradient, Local, Tone
from symbackprop.graph.quantities import INNER, PENALTY, PIECE, Graph, LayerArrays, Quantity, Role
from symbackprop.messages import message


def calculable(formula: Node) -> Node:
    """Return a formula as it is calculated: without braces, its activations written out.

    An activation of a formula stays until the number is known that it is applied to: σ(wx + b), then 1/(1 + e⁻ᶻ).
    """

    def opened(part: Node) -> Node | None:
        match part:
            case Braced(body, _):
                return calculable(body)
            case Apply(function, (argument,)) if _is_formula(argument) and not functions.is_vector(function):
                return replace(part, arguments=(calculable(argument),))
            case Apply():
                definition = functions.expanded(part) if part.function != "step" else None
                return None if definition is None else calculable(definition)
        return None

    return rewrite(formula, opened)


def _is_formula(argument: Node) -> bool:
    """Say whether an argument has to be calculated first."""
    return not isinstance(argument, Name | Number) and not functions.reads_nothing(argument)


_RESULT_ALONE = 2
"""The steps of a chain whose numbers could not be shown: the formula and the result."""


def forward(scene: Scene, name: str, sample: int | None = None) -> Chain:
    """Return the lines of a forward value: formula, numbers, steps, value."""
    formula, calculation = _forward_formula(scene, name, sample)
    kept = scene.kept(name, scene.sample_of(name, sample))
    steps = (ChainStep(Relation.EQUAL, formula), *scene.lines(calculation, Tone.FORWARD, kept))
    fused = scene.derivation.equations[name].fused
    if fused is not None and not functions.is_shifted(fused.form.formula) and len(steps) == _RESULT_ALONE:
        # ln(1 − a) of a saturated output has no line that checks on a calculator; from the logits it has one.
        short = scene.in_sample(fused.formula(), sample)
        from_logits = ChainStep(Relation.EQUAL, short, opens=True, reason=message("fused.from_logits"))
        steps = (steps[0], from_logits, *scene.lines(calculable(short), Tone.FORWARD, kept))
    left = Name(name, scene.sample_of(name, sample))
    if scene.notation.quantity(name).kind == INNER and inner_formula(scene.derivation.graph, left) is not None:
        steps = steps[1:]  # on paper its name is its formula
    return Chain(left, steps)


@in_symbols
def _forward_formula(scene: Scene, name: str, sample: int | None) -> tuple[Node, Node]:
    """Return the formula of a forward value, and the same as it is calculated."""
    named = penalty(scene) if scene.notation.quantity(name).kind == PENALTY else None
    if named is not None:
        return named, calculable(named)
    formula = scene.in_sample(written_out(scene.derivation.graph, scene.derivation.equations[name].formula()), sample)
    if scene.derivation.elements.samples and name not in scene.derivation.elements.batched:
        formula = _over_samples(scene, name)
    return formula, calculable(formula)


def written_out(graph: Graph, formula: Node) -> Node:
    """Return a vector activation as its definition, with the exponentials in the order of the units.

    Every unit's own equation names its own argument first; softmax(z₃, z₁, z₂) for a₃ would puzzle a reader.
    """
    if not isinstance(formula, Apply) or not functions.is_vector(formula.function):
        return formula
    definition = functions.definition(formula)
    assert definition is not None

    def position(term: Node) -> list[list[int]]:
        read = [formula.arguments[part.index] for part in walk(term) if isinstance(part, Slot)]
        return [list(map(int, graph.place_of(name).numbers)) for argument in read for name in names(argument)]

    def ordered(part: Node) -> Node | None:
        return Sum(tuple(sorted(part.terms, key=position))) if isinstance(part, Sum) else None

    return fill(rewrite(definition, ordered), formula.arguments)


def _over_samples(scene: Scene, name: str) -> Node:
    """Return the right-hand side of an equation that adds over the samples: one summand for each, then what they share."""
    terms, axis = scene.derivation.equations[name].terms, scene.derivation.elements.batch_axis
    spanning = [term for term in terms if axis.adds(name, term.arguments)]
    summands = [scene.in_sample(term.formula(), sample) for sample in scene.samples for term in spanning]
    shared = [scene.in_sample(term.formula(), None) for term in terms if term not in spanning]
    return added((*summands, *shared))


def has_own_step(scene: Scene, name: str) -> bool:
    """Say whether the gradient by a computed quantity gets a step of its own, to which later steps refer by name.

    Every δ does, every ∂L/∂a of a hidden unit (the sum over its paths) and every gate of a computation graph; in general
    whatever several paths reach. Where there is no δ, every ∂L/∂a does; where numbers are rounded as by hand, both do.
    """
    quantity, _ = scene.notation.locate(name)
    through_activations = scene.notation.conventions.backward == "activation"
    # What is rounded as by hand is written down.
    is_rounded = scene.derivation.problem.notation.round_intermediates is not None
    is_read = through_activations or (is_rounded and name not in scene.derivation.elements.bypassed)
    if quantity.kind == "activation" and (is_read or quantity.layer != scene.notation.depth):
        return True
    is_error = quantity.kind == "pre_activation" and (is_rounded or not through_activations)
    return is_error or quantity.kind in ("gate", INNER, PIECE) or len(scene.derivation.links[name]) != 1


def gradient(scene: Scene, name: str, sample: int | None = None) -> Chain:
    """Return the lines of a gradient: chain rule, local partials, numbers, value.

    Where δ is the negative of the gradient, so are all its lines.
    """
    left, steps, calculation = _gradient_formulas(scene, name, sample)
    kept = scene.kept(name, sample, gradient=True)
    numbers = list(scene.lines(calculation, Tone.BACKWARD, -kept if isinstance(left, Delta) else kept))
    if len(numbers) == 1 and numbers[0].relation is Relation.EQUAL and isinstance(steps[-1].formula, Number):
        steps = steps[:-1]  # it is the number itself
    if numbers:
        numbers[-1] = replace(numbers[-1], formula=Boxed(numbers[-1].formula))
    return Chain(left, (*steps, *numbers))


@in_symbols
def _gradient_formulas(scene: Scene, name: str, sample: int | None) -> tuple[Node, tuple[ChainStep, ...], Node]:
    """Return the symbol of a gradient, its lines in symbols, and the formula by which it is calculated."""
    own, left = Gradient(name, sample), gradient_symbol(scene, name, sample)
    is_negative = isinstance(left, Delta)
    paths = _paths(scene, name, sample)
    if len(paths) > 1:
        # A term of the output that holds the quantity itself: ∂L/∂name is the whole, and this only a part.
        paths = [
            (replace(path[0], derivative=path[0].partial),) if path[0].derivative == own else path for path in paths
        ]
    if len(paths) == 1:
        derivatives, partials = _one_path(scene, name, paths[0])
        if is_negative:
            _, partials = _one_path(scene, name, (flipped(paths[0][0]), *paths[0][1:]))
            derivatives = negated(derivatives)
    else:
        whole_chain = Sum(tuple(joined(tuple(factor.derivative for factor in path)) for path in paths))
        derivatives = in_its_sign(scene, name, whole_chain)
        partials = in_its_sign(scene, name, Sum(tuple(product_of(path) for path in paths)))
    if derivatives == own and scene.notation.delta(name) is None:
        # The loss reads the quantity itself: there is no chain.
        derivatives = partials = paths[0][0].partial
    steps = [ChainStep(Relation.EQUAL, derivatives)]
    if scene.notation.delta(name) is not None and derivatives != (whole := in_its_sign(scene, name, own)):
        steps.insert(0, ChainStep(Relation.EQUAL, whole))
    if partials != derivatives:
        steps.append(ChainStep(Relation.EQUAL, partials, opens=True))
    short = _through_named(scene, name, paths)
    if short is not None and short != partials:
        steps.append(ChainStep(Relation.EQUAL, short))
    if short is not None and scene.derivation.problem.notation.round_intermediates is not None:
        partials = short
    return left, tuple(steps), calculable(partials)


def is_negative_delta(scene: Scene, name: str) -> bool:
    """Say whether the symbol of the gradient by a quantity, δ, stands for its negative."""
    return scene.notation.negative_delta and scene.notation.delta(name) is not None


def gradient_symbol(scene: Scene, name: str, sample: int | None = None) -> Adjoint | Delta:
    """Return the symbol of what the lines of a gradient find: δ where that is the negative, else the gradient's."""
    return Delta(name, sample) if is_negative_delta(scene, name) else Adjoint(name, sample)


def in_its_sign(scene: Scene, name: str, formula: Node) -> Node:
    """Return the formula of a gradient as one of its `gradient_symbol`."""
    return negated(formula) if is_negative_delta(scene, name) else formula


def named_gradient(scene: Scene, name: str, sample: int | None = None) -> Node:
    """Return the gradient by a quantity in its symbol: δ, −δ where that is the negative, else ∂L/∂name."""
    return Negative(Delta(name, sample)) if is_negative_delta(scene, name) else Adjoint(name, sample)


def _paths(scene: Scene, name: str, sample: int | None) -> list[tuple[Factor, ...]]:
    """Return the paths of a gradient; an equation that reads the quantity in several places has one derivative by it."""
    return merged_paths(scene, scene.derivation.contributions(name, sample))


def merged_paths(scene: Scene, links: Iterable[tuple[Link, int | None]]) -> list[tuple[Factor, ...]]:
    """Return the paths of some links, each in a sample; those of one equation are one path."""
    found: dict[tuple[str, int | None], list[tuple[Factor, ...]]] = {}
    for link, place in links:
        found.setdefault((link.source, place), []).append(path_of(scene, link, place))
    return [merged(alike) for alike in found.values()]


def path_of(scene: Scene, link: Link, sample: int | None) -> tuple[Factor, ...]:
    """Return the factors of one path, from the output or the nearest named gradient down to the link's argument."""
    target = link.term.arguments[link.slot]
    by = Name(target, scene.sample_of(target, sample))
    source = Name(link.source, scene.sample_of(link.source, sample))
    partial = scene.in_sample(link.partial(), sample)
    if scene.notation.quantity(link.source).kind == PENALTY:
        partial = penalty_partial(scene, partial)
    above = _above(scene, link.source, sample)
    if not above:
        is_output = link.source == scene.derivation.graph.output
        return (Factor(Gradient(target, by.sample) if is_output else Local(source, by), partial),)
    return (*above, Factor(Local(source, by), partial))


def _above(scene: Scene, name: str, sample: int | None) -> tuple[Factor, ...]:
    """Return the factors that stand for the gradient by a computed quantity."""
    if name == scene.derivation.graph.output:
        return ()
    place = scene.sample_of(name, sample)
    if has_own_step(scene, name):
        return (Factor(Gradient(name, place), named_gradient(scene, name, place)),)
    (link,) = scene.derivation.links[name]
    if link.source == scene.derivation.graph.output and link.partial() == ONE:
        return ()
    return path_of(scene, link, sample)


def _one_path(scene: Scene, name: str, path: tuple[Factor, ...]) -> tuple[Node, Node]:
    """Return one path as derivatives and as partials; a parameter's path goes on through the named gradient it meets."""
    first = path[0]
    if is_named(first.partial) and name not in scene.derivation.equations:
        above, place = named_quantity(first.partial)
        upper = [path_of(scene, link, each) for link, each in scene.derivation.contributions(above, place)]
        if len(upper) == 1:
            derivatives = tuple(factor.derivative for factor in (*upper[0], *path[1:]))
            return Product(derivatives), signed((product_of(upper[0]), *(braced(factor) for factor in path[1:])))
    return joined(tuple(factor.derivative for factor in path)), product_of(path)


def _through_named(scene: Scene, name: str, paths: list[tuple[Factor, ...]]) -> Node | None:
    """Return a parameter's gradient as δ · partial (∂L/∂a · partials), where one named gradient leads to it."""
    if name in scene.derivation.equations or len(paths) != 1 or not is_named(paths[0][0].partial):
        return None
    return signed(tuple(factor.partial for factor in paths[0]))


def errors_of(scene: Scene, layer: LayerArrays) -> list[str]:
    """Return the gradients of a layer that get a step of their own, unit by unit: ∂L/∂a where it is one, then δ."""
    return [name for unit in layer.units for name in reversed(unit) if has_own_step(scene, name)]


def parameters_of(quantities: Iterable[Quantity]) -> list[str]:
    """Return the elements of those arrays that are parameters, each array unit by unit, whatever its layout."""
    return [
        element for quantity in quantities if quantity.role is Role.PARAMETER for element in quantity.elements_by_unit()
    ]


def row_length(scene: Scene, quantity: Quantity) -> int:
    """Return how many elements of an array belong in one row: all of a vector, of a matrix those that lead to one unit."""
    units = [scene.notation.locate(element)[1][:1] for element in quantity.elements()]
    return len(units) if len(quantity.shape) < 2 else units.count(units[0])
