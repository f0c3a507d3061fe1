"""Names of places in a document: where each quantity is computed, differentiated and updated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from symbackprop.algebra.formula import Adjoint, Name, Node
from symbackprop.document.blocks import Chain
from symbackprop.document.display_nodes import Delta, Gradient, Substitute, Updated

_KINDS: Mapping[type[Node], str] = {
    Name: "value",
    Adjoint: "gradient",
    Delta: "gradient",
    Gradient: "gradient",
    Substitute: "substitute",
    Updated: "update",
}


def anchor(chain: Chain) -> str:
    """Return the name of the place where a quantity is derived, or nothing where its formula is only stated.

    >>> from symbackprop.document.calculation.verified_lines import Relation, ChainStep
    >>> step = ChainStep(Relation.EQUAL, Name("x"))
    >>> anchor(Chain(Gradient("W1_2_1"), (step, step))), anchor(Chain(Gradient("W1_2_1"), (step,)))
    ('gradient-W1_2_1', '')
    """
    kind = _KINDS.get(type(chain.left))
    if kind is None or len(chain.steps) < 2:
        return ""
    name, sample = getattr(chain.left, "name", ""), getattr(chain.left, "sample", None)
    return f"{kind}-{name}" if sample is None else f"{kind}-{name}-{sample}"


def keep_first(part: Any, taken: set[str]) -> None:
    """Take from the cells of a view, in place, every anchor that an earlier cell has: a name is of one place."""
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        keep_first(inner, taken)
    if isinstance(part, dict) and part.get("anchor"):
        if part["anchor"] in taken:
            part["anchor"] = ""
        taken.add(part["anchor"])
