"""Keys of a computation by hand as documents print them: values, gradients and new values of the first step."""

from __future__ import annotations

from symbackprop.algebra.formula import Name, Node
from symbackprop.by_hand.hand_computation import GRADIENT, NEW, split
from symbackprop.document.display_nodes import Gradient, Updated


def quantity_of(key: str) -> Node:
    """Return what a key stands for.

    >>> quantity_of("z1_2@3")
    Name(name='z1_2', sample=3)
    """
    prefix, scalar = split(key)
    if prefix == GRADIENT:
        return Gradient(*scalar)
    return Updated(scalar.name) if prefix == NEW else Name(*scalar)
