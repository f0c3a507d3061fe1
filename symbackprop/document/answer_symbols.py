"""Answers as documents print them: values, gradients, new values, states of the optimizer, those of a later step."""

from __future__ import annotations

from symbackprop.algebra.formula import Name, Node
from symbackprop.by_hand.hand_computation import key_parts
from symbackprop.derivation.derivations import Derivation
from symbackprop.document.blocks import Inline
from symbackprop.document.display_nodes import Gradient, Updated
from symbackprop.document.sections.optimizer_states import letter_in
from symbackprop.graph.quantities import Role
from symbackprop.messages import message


def symbol(derivation: Derivation, key: str) -> Inline:
    """Return what a key stands for, as the document prints it; what belongs to a later step says so."""
    updates, is_gradient, scalar, line = key_parts(key)
    quantity = derivation.graph.quantity_of(scalar.name)
    is_new = updates > 0 and not is_gradient and quantity.role in (Role.PARAMETER, Role.OUTPUT)
    step = updates if is_new else updates + 1
    if line:
        return letter_in(derivation, line, str(step), scalar.name)
    found: Node = Gradient(*scalar) if is_gradient else Updated(scalar.name) if is_new else Name(*scalar)
    if step == 1:
        return found
    return message("sheet.after_step" if is_new else "sheet.in_step", quantity=found, step=step)
