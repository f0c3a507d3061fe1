"""Section 4 of a solution: the derivative of each activation in use and of the loss, with the rule at every line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from symbackprop.algebra import differentiation, functions
from symbackprop.algebra.formula import Apply, Name, Slot, added, fill
from symbackprop.document.blocks import Chain, ChainStep, Display, Relation, Section
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.document.derivatives import derivative_chain, lettered
from symbackprop.document.display_nodes import Local
from symbackprop.document.sections.fused_loss import fused_section, softmax_jacobian
from symbackprop.messages import message

_VARIABLE = "z"
_LONGEST = 14
"""More lines than this are left out but for the first and the last."""


def local_derivatives(scene: Scene) -> Section:
    """Return the section that derives each activation and the loss once, and both together where they are a usual pair."""
    displays = [Display((chain,)) for chain in (*_activations(scene), *_loss(scene))]
    together = fused_section(scene)
    return Section(message("title.derivatives"), tuple(displays), () if together is None else (together,))


def _activations(scene: Scene) -> Iterator[Chain]:
    """Yield the derivative of each activation of the equations, once; softmax has two, by its own and another argument."""
    seen = set()
    for equation in scene.derivation.elements.equations:
        formula = equation.terms[0].form.formula
        if (
            len(equation.terms) != 1
            or not isinstance(formula, Apply)
            or formula in seen
            or not equation.terms[0].values
            or functions.is_symbol(formula)
        ):
            continue
        seen.add(formula)
        if functions.is_vector(formula.function):
            yield from _vector(scene, equation.name)
        elif formula.arguments == (Slot(0),):
            yield _elementwise(formula)


def _elementwise(formula: Apply) -> Chain:
    applied = replace(formula, arguments=(Name(_VARIABLE),))
    chain = derivative_chain(differentiation.differentiate(applied, Name(_VARIABLE)), _LONGEST)
    classroom = functions.classroom_derivative(formula, 0)
    if classroom is None:
        return chain
    usual = ChainStep(Relation.EQUAL, lettered(fill(classroom, (Name(_VARIABLE), applied))))
    return replace(chain, steps=(*chain.steps, usual))


def _vector(scene: Scene, name: str) -> Iterator[Chain]:
    """Yield the partials of softmax: of any unit by any argument, then by the unit's own argument and by another unit's."""
    (term,) = scene.derivation.equations[name].terms
    value, argument = map(scene.derivation.graph.quantity_of, (name, term.arguments[0]))
    if len(value.shape) == 1 and term.form.arity > 1:
        yield from softmax_jacobian(value, argument, term.form.arity)
    for slot in range(min(2, term.form.arity)):
        steps = (ChainStep(Relation.EQUAL, term.partial(slot)),)
        yield Chain(Local(Name(name), Name(term.arguments[slot])), steps)


def _loss(scene: Scene) -> Iterator[Chain]:
    """Yield the partial of the loss by its first prediction, as SymPy derives it from the loss's term."""
    graph = scene.derivation.graph
    name = graph.data_loss
    equation = scene.derivation.equations[name]
    if isinstance(formula := equation.formula(), Apply) and functions.is_symbol(formula):
        return
    places = [(term, slot) for term in equation.terms for slot in range(len(term.arguments))]
    predictions = [term.arguments[slot] for term, slot in places if term.arguments[slot] in scene.derivation.equations]
    for prediction in predictions[:1]:
        partials = tuple(term.partial(slot) for term, slot in places if term.arguments[slot] == prediction)
        yield Chain(Local(Name(name), Name(prediction)), (ChainStep(Relation.EQUAL, added(partials)),))
