"""Headings above the chains of a backward pass: each says what it finds and by which rule."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from symbackprop import document
from symbackprop.algebra.formula import Adjoint, walk
from symbackprop.document.blocks import Chain, Display, Note, Paragraph
from symbackprop.document.chain_rule import headings
from symbackprop.document.display_nodes import Braced, Delta
from tests.documents import EXAMPLES, PROBLEMS, composed, sections_of, solved, some

NAMES = [*EXAMPLES, *PROBLEMS]


def pairs(name: str) -> Iterator[tuple[Paragraph, Chain]]:
    """Yield the headings of a document with the first chain below each, behind the reasons for it."""
    for section in sections_of(composed(name).sections):
        for place, block in enumerate(section.blocks):
            if isinstance(block, Paragraph) and block.heads:
                display = next(itertools.dropwhile(lambda one: isinstance(one, Note), section.blocks[place + 1 :]))
                assert isinstance(display, Display)
                yield block, display.chains[0]


@pytest.mark.parametrize("name", some(NAMES))
def test_heading_says_what_its_chain_finds_and_by_which_rule(name: str) -> None:
    """Its symbol is that of the chain; as many contributions add as equations read the quantity, in all samples."""
    derivation = solved(name).derivation
    found = list(pairs(name))
    assert found
    for heading, chain in found:
        assert isinstance(chain.left, Adjoint | Delta)
        assert chain.left == heading.text.arguments["gradient"]
        contributions = derivation.contributions(chain.left.name, chain.left.sample)
        readers = {(link.source, place) for link, place in contributions}
        count = heading.text.arguments.get("count", 1)
        assert (len(readers), len(readers) > 1) == (count, heading.text.id == "chain.several")
        if heading.text.id == "chain.direct":
            assert {(derivation.graph.output, None)} == readers


@pytest.mark.parametrize("name", some(NAMES))
def test_every_chain_with_named_factors_has_a_heading(name: str) -> None:
    """In a backward pass what is worked out with a name under each factor stands below a heading, once."""
    graph = solved(name).derivation.graph
    passes = [s for s in sections_of(composed(name).sections) if s.title.id == "title.backward"]
    assert passes
    for found in passes:
        blocks = [block for section in sections_of((found,)) for block in section.blocks]
        chains = [chain for block in blocks if isinstance(block, Display) for chain in block.chains]
        headed = [b.text.arguments["gradient"] for b in blocks if isinstance(b, Paragraph) and b.heads]
        assert 0 < len(headed) == len(set(headed))
        assert {chain.left for chain in chains if graph.has_element(chain.name) and has_names(chain)} <= set(headed)


def has_names(chain: Chain) -> bool:
    """Say whether a factor of a chain has its name under it."""
    return any(isinstance(part, Braced) for step in chain.steps for part in walk(step.formula))


def test_short_document_has_no_headings() -> None:
    """Where one chain of each kind is worked out, there is nothing to be told apart."""
    short = document.compose(solved("mazur"), details=("short",))
    blocks = [block for section in sections_of(short.sections) for block in section.blocks]
    assert not any(isinstance(block, Paragraph) and block.heads for block in blocks)


def test_chain_of_found_gradients_has_no_rule() -> None:
    """What begins with errors that have been found is one line, which needs no heading."""
    lines = [
        chain
        for section in sections_of(composed("mazur").sections)
        for block in section.blocks
        if isinstance(block, Display)
        for chain in block.chains
        if chain.left == Adjoint("W1_1_2")
    ]
    assert [None] == [headings.rule(chain, "L") for chain in lines]
