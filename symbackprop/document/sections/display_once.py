"""A formula stands once in a document: where it comes again, the numbers follow without it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from symbackprop.algebra.formula import Node, walk
from symbackprop.document.blocks import Block, Chain, ChainStep, Display, Paragraph, Section
from symbackprop.document.display_nodes import General, Shown

Seen = set[tuple[Node, Node]]
"""What has been displayed: left sides with formulas in symbols."""

LISTS = frozenset({"title.formulas", "title.other_formulas"})
"""The titles of lists of formulas."""


def once(sections: Iterable[Section]) -> Iterator[Section]:
    """Yield sections in which no left side stands beside the same formula in symbols a second time.

    Of a chain that has been displayed the numbers are left, and of one without numbers nothing. A list of formulas has
    those that stand nowhere else, before or after it.
    """
    seen: Seen = set()
    pruned = [found for section in sections for found in _section(section, seen)]
    for section in pruned:
        yield from _with_lists(section, seen)


def _with_lists(section: Section, seen: Seen) -> Iterator[Section]:
    """Yield a section whose lists of formulas come after all others have been seen."""
    if section.title.id in LISTS:
        yield from _pruned(section, seen)
        return
    inner = tuple(found for part in section.sections for found in _with_lists(part, seen))
    yield replace(section, sections=inner)


def _section(section: Section, seen: Seen) -> Iterator[Section]:
    if section.title.id in LISTS:
        yield section
    else:
        yield from _pruned(section, seen)


def _pruned(section: Section, seen: Seen) -> Iterator[Section]:
    blocks: list[Block] = []
    for block in section.blocks:
        shown = _shown(block, seen)
        if shown is not None:
            blocks.append(shown)
        elif blocks and isinstance(blocks[-1], Paragraph):
            blocks.pop()  # it told what would stand there
    inner = tuple(found for part in section.sections for found in _section(part, seen))
    if blocks or inner or not (section.blocks or section.sections):
        yield replace(section, blocks=tuple(blocks), sections=inner)


def _shown(block: Block, seen: Seen) -> Block | None:
    if not isinstance(block, Display):
        return block
    chains = tuple(found for chain in block.chains for found in _chain(chain, seen))
    return replace(block, chains=chains) if chains else None


def _chain(chain: Chain, seen: Seen) -> Iterator[Chain]:
    steps = tuple(step for step in chain.steps if _is_new(chain.left, step, seen))
    if steps:
        yield chain if len(steps) == len(chain.steps) else replace(chain, steps=steps)


def _body(formula: Node) -> Node:
    """Return what is written in the notation of some layer as it would be in the document's own."""
    return formula.body if isinstance(formula, General) else formula


def _is_new(left: Node, step: ChainStep, seen: Seen) -> bool:
    """Say whether a step has numbers or has not been displayed, which it then is."""
    if any(isinstance(part, Shown) for part in walk(step.formula)):
        return True
    place = _body(left), _body(step.formula)
    is_new = place not in seen
    seen.add(place)
    return is_new
