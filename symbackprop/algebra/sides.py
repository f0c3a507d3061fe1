"""The sides of a kink at 0: what a function is for a positive and for a negative argument."""

from __future__ import annotations

from symbackprop.algebra.differentiation import collected
from symbackprop.algebra.formula import ONE, ZERO, Apply, Node, rewrite
from symbackprop.algebra.functions import EXTREMES


def sides(formula: Node, argument: Node) -> tuple[Node, Node] | None:
    """Return a formula for a positive and for a negative argument; None where it does not compare that with 0.

    >>> from symbackprop.algebra.formula import Name
    >>> z = Name("z")
    >>> sides(Apply("max", (ZERO, z)), z) == (z, ZERO)
    True
    """

    def is_compared(part: Node) -> bool:
        return isinstance(part, Apply) and part.function in EXTREMES and set(part.arguments) == {ZERO, argument}

    def side(positive: bool) -> Node:
        def chosen(part: Node) -> Node | None:
            if not (isinstance(part, Apply) and is_compared(part)):
                return None
            return argument if (part.function == "max") is positive else ZERO

        return collected(rewrite(rewrite(formula, chosen), _of_nothing))

    above, below = side(True), side(False)
    return None if above == below else (above, below)


def _of_nothing(part: Node) -> Node | None:
    return ONE if part == Apply("exp", (ZERO,)) else None
