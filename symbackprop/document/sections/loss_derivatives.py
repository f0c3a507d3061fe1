"""The partial of a loss by one of its predictions, worked out by rules."""

from __future__ import annotations

from collections.abc import Iterator

from symbackprop.algebra import differentiation, functions
from symbackprop.algebra.branches import choice_of
from symbackprop.algebra.differentiation import Derivative
from symbackprop.algebra.formula import Apply, Name, Negative, Node, Sum, added, negated, rewrite, walk
from symbackprop.derivation.element_grain import ElementEquation
from symbackprop.document.blocks import Chain, ChainStep, Relation
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.document.derivatives import by_thought, opened
from symbackprop.document.display_nodes import Local
from symbackprop.messages import Message, message


def loss_derivative(scene: Scene) -> Iterator[Chain]:
    """Yield the partial of the loss by its first prediction: the terms that hold it, differentiated rule by rule.

    It ends with the form that the backward pass uses. A loss that is a symbol has nothing to derive.
    """
    name = scene.derivation.graph.data_loss
    equation = scene.derivation.equations[name]
    formula = equation.formula()
    if isinstance(formula, Apply) and functions.is_symbol(formula):
        return
    arguments = [argument for term in equation.terms for argument in term.arguments]
    prediction = next((argument for argument in arguments if argument in scene.derivation.equations), None)
    if prediction is not None:
        yield Chain(Local(Name(name), Name(prediction)), tuple(_steps(equation, prediction)))


def _steps(equation: ElementEquation, prediction: str) -> Iterator[ChainStep]:
    holding = [term for term in equation.terms if prediction in term.arguments]
    whole = added(tuple(term.formula() for term in holding))
    final = added(
        tuple(term.partial(slot) for term in holding for slot, each in enumerate(term.arguments) if each == prediction)
    )
    tree = differentiation.differentiate(whole, Name(prediction))
    begins = opened(Derivative(whole, Name(prediction)))
    is_alone = len(holding) == len(equation.terms)
    opening = _step(begins, message("derivatives.loss" if is_alone else "derivatives.one_output"))
    if functions.has_step(tree.after):
        if any(choice_of(part) is not None for part in walk(whole)):
            yield opening
            yield _step(_with_signs(differentiation.collected(tree.after)), message("rule.piecewise"))
            yield _step(final, message("derivatives.in_one"))
        else:
            yield _step(final, message("rule.piecewise"))
        return
    yield opening
    lines = by_thought(tree, final)
    yield from lines
    if (lines[-1].formula if lines else begins) != final:
        yield _step(final, message("rule.collect"))


def _with_signs(formula: Node) -> Node:
    """Return a formula with sgn(p) for the difference of the conditions that p is positive and that it is negative."""

    def sign(part: Node) -> Node | None:
        match part:
            case Sum((Apply("step", (inner,)), Negative(Apply("step", (opposite,))))) if negated(inner) == opposite:
                return Apply("sign", (inner,))
        return None

    return rewrite(formula, sign)


def _step(formula: Node, reason: Message) -> ChainStep:
    return ChainStep(Relation.EQUAL, formula, opens=True, reason=reason)
