"""Headings above the chains of a backward pass: the gradient, and the rule by which it is found."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from symbackprop.algebra.formula import Adjoint, Name, Negative, Node, Sum, walk
from symbackprop.document.blocks import Block, Chain, Display, Paragraph, Section
from symbackprop.document.display_nodes import Braced, Delta, Local
from symbackprop.messages import Message, message


def headed(section: Section, output: str, named: Collection[Node]) -> Section:
    """Return a section, and those inside it, with a heading above each display that begins with one of these symbols."""
    return replace(
        section,
        blocks=tuple(_headed(section.blocks, output, named)),
        sections=tuple(headed(part, output, named) for part in section.sections),
    )


def _headed(blocks: Sequence[Block], output: str, named: Collection[Node]) -> Iterator[Block]:
    for block in blocks:
        if isinstance(block, Display) and block.chains[0].left in named and (text := rule(block.chains[0], output)):
            yield Paragraph(text, heads=True)
        yield block


def rule(chain: Chain, output: str) -> Message | None:
    """Return what a chain finds and by which rule: from the output's formula, along one path, or a sum over several.

    One that begins with gradients that have been found already, and not with the chain rule, has none.
    """
    opening = next((step.formula for step in chain.steps if _is_of_derivatives(step.formula)), None)
    if opening is None:
        found = any(isinstance(part, Adjoint | Delta) for step in chain.steps for part in walk(step.formula))
        return None if found else message("chain.direct", gradient=chain.left, output=Name(output))
    terms = opening.operand if isinstance(opening, Negative) else opening
    if isinstance(terms, Sum):
        return message("chain.several", gradient=chain.left, count=len(terms.terms))
    return message("chain.one", gradient=chain.left)


def _is_of_derivatives(formula: Node) -> bool:
    """Say whether a formula is a chain of derivatives that are still to be put in."""
    parts = list(walk(formula))
    return any(isinstance(part, Local) for part in parts) and not any(isinstance(part, Braced) for part in parts)
