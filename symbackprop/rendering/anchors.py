"""Names of places in a document: where each quantity is computed, differentiated and updated."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
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


def keep_first(blocks: Iterable[Mapping[str, Any]]) -> None:
    """Take from the cells in views of blocks, in place, every anchor that an earlier cell has: a name is of one place."""
    taken = {""}
    lines = itertools.chain(*(block["lines"] for block in blocks if block["kind"] == "display"))
    for cell in itertools.chain(*(line["cells"] for line in lines)):
        if cell["anchor"] in taken:
            cell["anchor"] = ""
        taken.add(cell["anchor"])
