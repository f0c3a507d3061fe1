"""How an output activation and its loss melt together: from ∂L/∂a and ∂a/∂z to the short error a − y, line by line.

The first lines are read off the derivation, the last is the error that is printed and run everywhere else
(`symbackprop.catalog.losses.Fused`); a test proves every line equal to SymPy's derivative of the one put into the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

from symbackprop.algebra import functions
from symbackprop.algebra.formula import (
    ONE,
    Apply,
    Name,
    Negative,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    rewrite,
)
from symbackprop.arithmetic import exact
from symbackprop.derivation.backprop import Link, sweep
from symbackprop.derivation.element_grain import ElementEquation, Term
from symbackprop.document.blocks import Block, Chain, ChainStep, Display, Paragraph, Relation, Section
from symbackprop.document.calculation.numerals import show
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.document.display_nodes import Letter, Local, Same, Total
from symbackprop.graph.notation import Symbol
from symbackprop.messages import Message, message

SAME = Same(Letter(Symbol("i")), Letter(Symbol("j")))


def softmax_jacobian(value: Callable[[str], str], argument: Callable[[str], str], count: int) -> tuple[Chain, Chain]:
    """Return softmax and ∂a_i/∂z_j for all `count` units at once; `value` and `argument` name a and z at an index."""
    ai, aj = (Name(value(index)) for index in "ij")
    powers = [Apply("exp", (Name(argument(index)),)) for index in "ijk"]
    whole = Total(powers[2], "k", count)
    fractions = [Quotient(power, whole) for power in powers]
    steps = (
        _step(
            Quotient(
                Sum((Product((SAME, powers[0], whole)), Negative(Product((powers[0], powers[1]))))),
                Power(whole, Number(Fraction(2))),
            ),
            "quotient",
        ),
        _step(Product((fractions[0], Sum((SAME, Negative(fractions[1]))))), "common_factor"),
        _step(Product((ai, Sum((SAME, Negative(aj))))), "definition"),
    )
    definition = Chain(ai, (ChainStep(Relation.EQUAL, fractions[0]),))
    return definition, Chain(Local(ai, Name(argument("j"))), steps)


def fused_section(scene: Scene) -> Section | None:
    """Return the section that derives the error of the outputs from the logits; None where there is no usual pair."""
    if scene.derivation.problem.notation.backward != "delta":
        return None  # everything goes through ∂L/∂a there
    for equation in scene.derivation.elements.equations:
        if equation.fused is not None:
            return Section(message("fused.title"), tuple(_blocks(scene, equation, equation.fused)))
    return None


def _blocks(scene: Scene, equation: ElementEquation, fused: Term) -> Iterator[Block]:
    function = _activation(scene, fused).form.formula
    assert isinstance(function, Apply)
    named = message(f"activation.{function.function}")
    yield Paragraph(message("fused.why", loss=Name(equation.name), activation=named))
    chains = _of_vector if functions.is_vector(function.function) else _of_unit
    yield from (Display((chain,)) for chain in chains(scene, equation, fused))
    yield Paragraph(message("fused.use", activation=named))


def _activation(scene: Scene, fused: Term) -> Term:
    """Return the term of the first output's activation."""
    (term,) = scene.derivation.equations[fused.values[0]].terms
    return term


def _first_output(scene: Scene, fused: Term) -> tuple[str, str, str]:
    """Return the first output, its pre-activation and its target."""
    return fused.values[0], fused.arguments[0], scene.derivation.graph.targets[fused.values[0]]


def _by_activation(scene: Scene, equation: ElementEquation, name: str) -> Link:
    """Return the link of the loss to an activation."""
    links = sweep(scene.derivation.elements, fused=False)[name]
    return next(link for link in links if link.source == equation.name)


def _step(formula: Node, reason: str) -> ChainStep:
    return ChainStep(Relation.EQUAL, formula, opens=True, reason=message(f"fused.{reason}"))


def _of_unit(scene: Scene, equation: ElementEquation, fused: Term) -> Iterator[Chain]:
    """Yield the error of the first output, whose activation no other output reads."""
    a, z, y = map(Name, _first_output(scene, fused))
    loss = Name(equation.name)
    without_y, without_a = Sum((ONE, Negative(y))), Sum((ONE, Negative(a)))
    partials = _by_activation(scene, equation, a.name).partial(), _activation(scene, fused).partial(0)
    steps = (
        ChainStep(Relation.EQUAL, Product((Local(loss, a), Local(a, z)))),
        _step(Product(partials), "partials"),
        _step(Sum((Product((without_y, a)), Negative(Product((y, without_a))))), "cancelled"),
        _step(Sum((a, Negative(Product((y, a))), Negative(y), Product((y, a)))), "expanded"),
        _step(fused.partial(0), "left"),
    )
    yield Chain(Local(loss, z), steps)


def _of_vector(scene: Scene, equation: ElementEquation, fused: Term) -> Iterator[Chain]:
    """Yield the partial of the loss by any output, and the error of output j, to which all paths add."""
    graph, count = scene.derivation.graph, len(fused.values)
    a, z, y = _first_output(scene, fused)
    arrays = [graph.quantity_of(name) for name in (a, z, y)]
    (ai, _, yi), (aj, zj, yj) = ([Name(array.at(index)) for array in arrays] for index in "ij")
    loss, factor = Name(equation.name), Sum((SAME, Negative(aj)))
    loss_derivative = rewrite(
        _by_activation(scene, equation, a).partial(),
        lambda part: Name(graph.quantity_of(part.name).at("i")) if isinstance(part, Name) else None,
    )
    yield Chain(Local(loss, ai), (_step(loss_derivative, "slope"),))
    steps = [
        _step(Total(Product((Local(loss, ai), Local(ai, zj))), "i", count), "paths"),
        _step(Total(Product((loss_derivative, ai, factor)), "i", count), "partials"),
        _step(Negative(Total(Product((yi, factor)), "i", count)), "factor"),
        _step(Sum((Product((aj, Total(yi, "i", count))), Negative(yj))), "indicator"),
    ]
    if fused.partial(0) == Sum((Name(a), Negative(Name(y)))):
        steps.append(_step(Sum((aj, Negative(yj))), "distribution"))
    yield Chain(Local(loss, zj), tuple(steps))


def out_of_range(scene: Scene) -> Iterator[Message]:
    """Yield a warning where a target is a number that no output can be, whatever the parameters."""
    problem = scene.derivation.problem
    last = problem.network.layers[-1]
    row = None if last.body else functions.ACTIVATIONS.get(last.activation)
    if row is None or (row.lowest is None and row.highest is None):
        return
    outside = [
        given
        for given in problem.arrays["y"].entries
        if given is not None
        and (
            (row.lowest is not None and exact.compare(given.value, row.lowest) < 0)
            or (row.highest is not None and exact.compare(given.value, row.highest) > 0)
        )
    ]
    if outside:
        ends = {"low": row.lowest, "high": row.highest}
        known = {name: Number(end) for name, end in ends.items() if end is not None}
        kind = "between" if len(known) == 2 else "above" if "low" in known else "below"
        activation = message(f"activation.{last.activation}")
        shown = tuple(dict.fromkeys(show(given.value, scene.style, written=given.text) for given in outside))
        values = message(f"range.{kind}", **known)
        yield message("range.warning", targets=shown, activation=activation, range=values)
