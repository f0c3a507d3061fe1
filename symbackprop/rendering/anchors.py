"""Names of places in a document: where each quantity is computed, differentiated and updated."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from symbackprop.algebra.formula import Adjoint, Name, Node
from symbackprop.document.blocks import Chain
from symbackprop.document.display_nodes import Delta, Gradient, Range, Substitute, Updated
from symbackprop.graph.scalars import Scalar, gradient_name
from symbackprop.messages import Message

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
    return place_of(chain.left) if len(chain.steps) > 1 else ""


def place_of(node: object) -> str:
    """Return the name of the place where something is derived, or nothing where that has no place.

    >>> place_of(Name("z1_2", 3)), place_of("z")
    ('value-z1_2-3', '')
    """
    kind = _KINDS.get(type(node)) if isinstance(node, Node) else None
    if kind is None:
        return ""
    name, sample = getattr(node, "name", ""), getattr(node, "sample", None)
    return f"{kind}-{name}" if sample is None else f"{kind}-{name}-{sample}"


def result(node: Node, output: str) -> str:
    """Return the code name of the number that a line computes, or nothing: `a1_1`, `dL_dW1_2_1`, `new_b1_1`, `z1_1@3`.

    >>> result(Gradient("W1_2_1"), "L"), result(Name("z1_2", 3), "L"), result(Updated("b1_1"), "L")
    ('dL_dW1_2_1', 'z1_2@3', 'new_b1_1')
    """
    scalar = Scalar(getattr(node, "name", ""), getattr(node, "sample", None))
    return named(_KINDS.get(type(node), ""), scalar, output)


def named(kind: str, scalar: Scalar, output: str) -> str:
    """Return the code name of a value, of a gradient or of what an update makes, "" for another kind of number."""
    return {"value": f"{scalar}", "gradient": gradient_name(output, f"{scalar}"), "update": f"new_{scalar}"}.get(
        kind, ""
    )


_PLACES: Mapping[type[Node], tuple[str, ...]] = {
    # Of a parameter there is no line that computes it.
    Name: ("value", "gradient"),
    Adjoint: ("gradient",),
    Delta: ("gradient",),
    Gradient: ("gradient",),
}
"""What a cell of a table may lead to, by what it shows."""


def places(cell: object) -> list[str]:
    """Return the anchors that a cell of a table may lead to, the best first: of several names those of the first.

    >>> places(Name("W1_2_1")), places("0.15")
    (['value-W1_2_1', 'gradient-W1_2_1'], [])
    """
    match cell:
        case Message(_, {"items": (first, *_)}) | Range(first, _):
            return places(first)
        case Name() | Adjoint() | Delta() | Gradient():
            name = cell.name if cell.sample is None else f"{cell.name}-{cell.sample}"
            return [f"{kind}-{name}" for kind in _PLACES[type(cell)]]
    return []


def settle(blocks: Sequence[dict[str, Any]]) -> None:
    """Settle in views of blocks, in place, which anchors there are, and which of them each cell of a table leads to."""
    taken = _keep_first(blocks)
    for block in blocks:
        if block["kind"] == "table":
            block["links"] = [
                [next((place for place in cell if place in taken), "") for cell in row] for row in block["places"]
            ]


def _keep_first(blocks: Iterable[Mapping[str, Any]]) -> set[str]:
    """Take from the cells in views of blocks, in place, every anchor that an earlier cell has; return all anchors.

    A result under such an anchor is that of another step or of other numbers, and has no name either.
    """
    taken, is_kept = {""}, True
    for line in itertools.chain(*(block["lines"] for block in blocks if block["kind"] == "display")):
        for cell in line["cells"]:
            if cell["anchor"]:
                is_kept = cell["anchor"] not in taken
                taken.add(cell["anchor"])
            if not is_kept:
                cell["anchor"] = cell["result"] = ""
        is_kept = is_kept or line["closes"]
    return taken - {""}
