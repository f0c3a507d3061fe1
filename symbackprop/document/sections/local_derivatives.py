"""Section 4 of a solution: the derivative of each activation in use and of the loss, with the rule at every line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from symbackprop.algebra import functions
from symbackprop.algebra.forms import Form
from symbackprop.algebra.formula import Apply, Name, Slot, walk
from symbackprop.document.blocks import Chain, ChainStep, Display, Relation, Section
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.document.display_nodes import Local
from symbackprop.document.sections.elementwise_derivatives import elementwise_derivative
from symbackprop.document.sections.fused_loss import fused_section, softmax_jacobian
from symbackprop.document.sections.loss_derivatives import loss_derivative
from symbackprop.messages import message


def local_derivatives(scene: Scene) -> Section:
    """Return the section that derives each activation and the loss once, and both together where they are a usual pair.

    A computation graph has a loss among its equations, if any: there the functions in use are derived alone.
    """
    is_network = bool(scene.derivation.graph.layers)
    chains = (*_activations(scene), *(loss_derivative(scene) if is_network else ()))
    together = fused_section(scene) if is_network else None
    displays = tuple(Display((chain,)) for chain in chains)
    return Section(message("title.derivatives"), displays, () if together is None else (together,))


def _activations(scene: Scene) -> Iterator[Chain]:
    """Yield the derivative of each activation of the equations, once; softmax has two, by its own and another argument."""
    forms: set[Form] = set()
    seen: set[Apply] = set()
    letter = _letter(scene)
    is_network = bool(scene.derivation.graph.layers)
    for equation in scene.derivation.elements.equations:
        # In a network an activation stands alone in its equation: the many terms of weighted sums need no look.
        for term in equation.terms if not is_network or len(equation.terms) == 1 else ():
            if term.form in forms:
                continue
            forms.add(term.form)
            for applied in filter(functions.has_value, walk(term.form.formula)):
                assert isinstance(applied, Apply)
                formula = replace(applied, arguments=(Slot(0),) if len(applied.arguments) == 1 else applied.arguments)
                if formula in seen:
                    continue
                seen.add(formula)
                if functions.is_vector(applied.function):
                    yield from _vector(scene, equation.name) if _stands_alone(term.form) else ()
                else:
                    yield elementwise_derivative(formula, letter)


def _stands_alone(form: Form) -> bool:
    """Say whether a form is a function of quantities as they are, nothing before it and no formula inside."""
    return tuple(form.formula) == tuple(map(Slot, range(form.arity)))


_LETTERS = "zutsv"


def _letter(scene: Scene) -> str:
    """Return a letter for the argument of a function, which no quantity of the problem's own is called."""
    graph = scene.derivation.graph
    if graph.layers:
        return _LETTERS[0]
    taken = {scene.notation.symbol(name).base for each in graph.quantities.values() for name in each.elements()}
    return next((letter for letter in _LETTERS if letter not in taken), _LETTERS[0])


def _vector(scene: Scene, name: str) -> Iterator[Chain]:
    """Yield the partials of softmax: of any unit by any argument, then by the unit's own argument and by another unit's."""
    (term,) = scene.derivation.equations[name].terms
    if term.form.arity > 1:
        own, other = ([*scene.derivation.graph.place_of(each).numbers] for each in term.arguments[:2])
        axis = next(place for place, pair in enumerate(zip(own, other, strict=True)) if len(set(pair)) > 1)
        yield from softmax_jacobian(_along(scene, name, axis), _along(scene, term.arguments[0], axis), term.form.arity)
    for slot in range(min(2, term.form.arity)):
        steps = (ChainStep(Relation.EQUAL, term.partial(slot)),)
        yield Chain(Local(Name(name), Name(term.arguments[slot])), steps)


def _along(scene: Scene, name: str, axis: int) -> Callable[[str], str]:
    """Return what names the element of an array with an index in place of one of its own."""
    quantity, numbers = scene.derivation.graph.place_of(name)
    return lambda index: quantity.at(*(index if place == axis else each for place, each in enumerate(numbers)))
