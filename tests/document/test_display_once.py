"""No formula stands twice in a document, whatever it shows."""

from __future__ import annotations

from collections import Counter

import pytest

import symbackprop as sbp
from symbackprop import document
from symbackprop.algebra.formula import Name, Node, walk
from symbackprop.document.blocks import Chain, ChainStep, Display, Document, Paragraph, Relation, Section
from symbackprop.document.display_nodes import General, Shown
from symbackprop.document.sections import display_once
from symbackprop.messages import message
from symbackprop.problems import ComputationGraph
from tests.documents import EXAMPLES, sections_of, solved, some

DETAILS = [detail for detail in document.DETAILS if detail != "second_order"]


def body(formula: Node) -> Node:
    """Return a recurrence without its notation."""
    return formula.body if isinstance(formula, General) else formula


def formulas_of(content: Document) -> Counter[tuple[object, object]]:
    """Count the formulas in symbols of a document, each with its left side."""
    blocks = [block for section in sections_of(content.sections) for block in section.blocks]
    chains = [chain for block in blocks if isinstance(block, Display) for chain in block.chains]
    return Counter(
        (body(chain.left), body(step.formula))
        for chain in chains
        for step in chain.steps
        if not any(isinstance(part, Shown) for part in walk(step.formula))
    )


@pytest.mark.parametrize("detail", DETAILS)
@pytest.mark.parametrize("name", some(EXAMPLES))
def test_no_formula_stands_twice(name: str, detail: str) -> None:
    """Neither a second step, nor the pass after it, nor the loss repeats what has been displayed."""
    if detail == "general" and isinstance(sbp.example(name).model, ComputationGraph):
        return
    counts = formulas_of(document.compose(solved(name), (detail,), without=("title.check", "figures")))
    assert len(counts) > 1
    assert [formula for formula, count in counts.items() if count > 1] == []


def test_symbols_have_no_column_of_formulas() -> None:
    """What z is made of stands in the forward pass, with its numbers."""
    content = document.compose(solved("mazur"), ("full",), without=("title.check", "figures"))
    titles = {section.title.id for section in sections_of(content.sections)}
    assert "title.symbols" in titles
    assert "title.formulas" not in titles


def test_what_is_left_of_a_chain_are_its_numbers() -> None:
    """A chain without any vanishes, with the sentence that opens its display."""
    symbols = Chain(Name("z"), (ChainStep(Relation.EQUAL, Name("x")),))
    section = Section(message("title.loss"), (Paragraph(message("text.in_matrix_form")), Display((symbols,))))
    first, *others = display_once.once([section, section])
    assert first == section
    assert others == []


def test_lists_of_formulas_have_what_stands_nowhere_else() -> None:
    """Where one parameter of each array is worked out, its lines keep their formulas, and the list has the others."""
    content = document.compose(solved("deep"), ("representative",), without=("title.check", "figures"))
    (listed,) = (each for each in sections_of(content.sections) if each.title.id == "title.other_formulas")
    lefts = {chain.left for block in listed.blocks if isinstance(block, Display) for chain in block.chains}
    assert Name("z1_3") in lefts
    assert Name("z1_1") not in lefts
