"""Worked derivatives in documents: of every activation and loss of the registries, and of what a graph uses."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction

import pytest
import sympy

import symbackprop as sbp
from symbackprop.algebra import functions
from symbackprop.algebra.formula import (
    ONE,
    ZERO,
    Apply,
    Name,
    Negative,
    Node,
    Number,
    Power,
    Product,
    Slot,
    Sum,
    rewrite,
)
from symbackprop.algebra.functions import ACTIVATIONS
from symbackprop.algebra.piecewise import to_plain_sympy
from symbackprop.algebra.sides import sides
from symbackprop.catalog import losses
from symbackprop.catalog.losses import LOSSES, TARGETS
from symbackprop.document import derivatives
from symbackprop.document.blocks import Chain, Display
from symbackprop.document.display_nodes import Cases, DerivativeOf, Inequality, Letter, Local
from symbackprop.document.sections import local_derivatives, loss_derivatives
from symbackprop.document.sections.elementwise_derivatives import elementwise_derivative
from symbackprop.messages import Message
from tests.documents import document_scene
from tests.helpers import each

Z = Name("z")
POINTS = tuple(map(sympy.Rational, ("-23/10", "-2/5", "7/10", "19/10")))
UNITWISE = [row.name for row in ACTIVATIONS.values() if row.expression]


def at(formula: Node, point: sympy.Rational) -> sympy.Expr:
    """Return a printed formula of z at a point; a derivative that is still open is worked out by SymPy."""
    inside: dict[sympy.Symbol, sympy.Expr] = {}

    def change(part: Node) -> Node | None:
        match part:
            case Letter(found):
                return Name(found.base)
            case Cases(cases):
                return next(rewrite(case.body, change) for case in cases if holds(case.condition, point))
            case DerivativeOf(of, _):
                name = f"derivative_{len(inside)}"
                inside[sympy.Symbol(name, real=True)] = sympy.diff(to_plain_sympy(rewrite(of, change)), variable)
                return Name(name)
        return None

    variable = sympy.Symbol("z", real=True)
    found = to_plain_sympy(rewrite(formula, change)).subs(inside)
    return sympy.N(found.subs(variable, point), 40)


def holds(condition: Node, point: sympy.Rational) -> bool:
    """Say whether the condition of a case, a comparison of z with 0, holds at a point."""
    assert isinstance(condition, Inequality) and condition.right == ZERO
    return bool({">": point > 0, "<": point < 0, ">=": point >= 0, "<=": point <= 0, "=": point == 0}[condition.sign])


def settings_of(name: str) -> Iterator[tuple[tuple[str, Fraction], ...]]:
    """Iterate over the settings that an activation may be applied with: its own, and others."""
    yield ()
    if ACTIVATIONS[name].settings:
        yield tuple((setting, Fraction(3, 10)) for setting in ACTIVATIONS[name].settings)


@pytest.mark.parametrize("name", UNITWISE)
def test_every_activation_is_derived_line_by_line(name: str) -> None:
    """It begins with the definition, every line equals the one before it and is another, the last is the classroom form."""
    for settings in each(settings_of(name)):
        formula = Apply(name, (Slot(0),), settings=settings)
        chain = elementwise_derivative(formula)
        begins, _ = functions.worked_out(formula)
        formulas = [chain.left, *(step.formula for step in chain.steps)]
        assert all(step.reason is not None for step in chain.steps)
        assert chain.steps[0].reason == Message("rule.definition", {})
        assert isinstance(chain.steps[0].formula, DerivativeOf)
        for before, after in each(itertools.pairwise(formulas)):
            assert before != after
            for point in each(POINTS):
                assert abs(at(before, point) - at(after, point)) < sympy.Float("1e-30"), (before, after)
        classroom = functions.classroom_derivative(formula, 0)
        if classroom is not None:
            value = Apply(name, (Z,), settings=settings)
            slots = {Slot(0): Z, Slot(1): value}
            assert formulas[-1] == derivatives.lettered(rewrite(classroom, slots.get))
        else:
            assert isinstance(formulas[-1], Cases) or formulas[-1] == ONE
        assert begins != Apply(name, (Slot(0),), settings=settings)


def test_derivative_of_the_sigmoid_shows_the_step_that_needs_an_idea() -> None:
    """Between e⁻ᶻ/(1 + e⁻ᶻ)² and σ(1 − σ) stands the 1 that is added and subtracted; trivial rules have no lines."""
    reasons = [step.reason.id for step in elementwise_derivative(Apply("sigmoid", (Slot(0),))).steps if step.reason]
    assert ["rearranged.numerator", "rearranged.own_value", "rearranged.common_factor"] == reasons[-3:]
    assert "rule.sum" not in reasons
    assert 7 == len(reasons)


def test_sides_are_the_function_on_either_side_of_its_kink() -> None:
    """A maximum with 0 is its argument or 0; what compares nothing with 0 has no sides."""
    assert (Z, ZERO) == sides(Apply("max", (ZERO, Z)), Z)
    half = Number(Fraction(1, 2))
    leaky = Sum((Apply("max", (Z, ZERO)), Product((half, Apply("min", (ZERO, Z))))))
    assert sides(leaky, Z) is not None
    for formula in each((Apply("tanh", (Z,)), Apply("max", (ONE, Z)), Power(Z, half))):
        assert sides(formula, Z) is None


@pytest.mark.parametrize("value", ["0", "1", "1/2"])
def test_cases_say_what_is_taken_for_the_derivative_at_the_kink(value: str) -> None:
    """The two conditions and, where the convention is neither slope, a third one leave no point out."""
    chain = elementwise_derivative(Apply("relu", (Slot(0),), at_kink=Fraction(value)))
    assert float(Fraction(value)) == float(at(chain.steps[-1].formula, sympy.Integer(0)))
    assert [1.0, 0.0] == [float(at(chain.steps[-1].formula, sympy.Integer(point))) for point in (1, -1)]


def network_with(loss: str, units: int) -> sbp.Solution:
    """Return a network of one layer with a loss and as many outputs."""
    output = {"distribution": "softmax", "probability": "sigmoid"}.get(LOSSES[loss].predictions, "linear")
    return sbp.solve(sbp.network([2, units], activations=[output], loss=loss))


@pytest.mark.parametrize("loss", losses.WITH_FORMULA)
def test_every_loss_is_derived_by_rules(loss: str) -> None:
    """The partial is that of the terms with one output, other terms are told to be constants; the last line is in use."""
    units = [2, 3] if TARGETS[LOSSES[loss].targets].total is not None else [1, 2, 3]
    for count in each(units):
        scene = document_scene(network_with(loss, count))
        (chain,) = loss_derivatives.loss_derivative(scene)
        assert isinstance(chain.left, Local)
        (link,) = (
            (each for each in scene.derivation.links["a1_1"] if each.source == "L") if loss != "hinge" else (None,)
        )
        if link is not None and not functions.has_step(link.partial()) and not LOSSES[loss].stated_derivative:
            told = {step.reason.id for step in chain.steps if step.reason}
            assert ("derivatives.one_output" in told) is (count > 1)
            assert {"rule.power", "rule.logarithm", "text.items"} & told
        if link is not None and loss not in ("binary_cross_entropy", "cross_entropy"):
            assert link.partial() == chain.steps[-1].formula
        formulas = [step.formula for step in chain.steps]
        assert all(before != after for before, after in itertools.pairwise(formulas))


def test_graph_derives_the_functions_that_it_uses() -> None:
    """The sigmoid and tanh inside the gates of an LSTM are derived once each, by a letter that no quantity has."""
    equations = ["z = w*x", "i = sigmoid(w*x + 1)", "L = i*tanh(z) + tanh(w)"]
    content = {"graph": {"parameters": {"w": 1}, "inputs": {"x": 2}, "equations": equations, "output": "L"}}
    scene = document_scene(sbp.solve(sbp.problem(content)))
    section = local_derivatives.local_derivatives(scene)
    chains = [chain for block in section.blocks if isinstance(block, Display) for chain in block.chains]
    assert ["sigmoid", "tanh"] == [function_of(chain) for chain in chains]
    assert all("u" == chain.left.by.symbol.base for chain in chains)  # type: ignore[attr-defined]


def test_softmax_of_quantities_is_derived_and_softmax_of_formulas_is_not() -> None:
    """Its partials are by the quantities that it is of; by formulas there are none."""
    for inside, count in each({"z": 4, "z/(2 + a**2)": 0, "a*z": 0}.items()):
        equations = [f"p = softmax({inside})", "L = p[0]*p[1]"]
        content = {"graph": {"parameters": {"a": 2, "z": [1, 2, 3]}, "equations": equations, "output": "L"}}
        section = local_derivatives.local_derivatives(document_scene(sbp.solve(sbp.problem(content))))
        assert count == len(section.blocks)


def function_of(chain: Chain) -> str:
    """Return the function that a chain differentiates."""
    assert isinstance(chain.left, DerivativeOf) and isinstance(chain.left.of, Apply)
    return chain.left.of.function


def test_open_derivatives_are_printed_by_quantities_or_by_letters() -> None:
    """A loss is differentiated by a quantity, ∂/∂a, an activation by a letter, d/dz."""
    tree = sbp.differentiate("(z - 1)**2", "z")
    first = derivatives.by_thought(tree)[0]
    assert any(isinstance(part, DerivativeOf) and part.by == Z for part in parts(first.formula))
    assert derivatives.lettered(Negative(Z)) == Negative(derivatives.lettered(Z)) != Negative(Z)


def parts(formula: Node) -> Iterator[Node]:
    """Iterate over a formula and its parts."""
    yield formula
    for part in formula:
        yield from parts(part)
