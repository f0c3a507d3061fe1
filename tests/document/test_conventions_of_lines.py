"""How lines are written where books agree: signs, roots, forks."""

from __future__ import annotations

from collections.abc import Iterator

import symbackprop as sbp
from symbackprop import document
from symbackprop.algebra.formula import (
    ONE,
    Apply,
    Name,
    Negative,
    Node,
    Product,
    Quotient,
    Sum,
    walk,
)
from symbackprop.document.blocks import Chain, Display, Document, Note
from symbackprop.document.chain_rule import chains, formulas
from symbackprop.document.display_nodes import Braced
from tests.documents import dense, document_scene, sections_of, solved
from tests.helpers import each


def graph(*equations: str, **parameters: object) -> sbp.Solution:
    """Return a solved graph of some equations, the last of which is L."""
    tables = {"parameters": parameters, "equations": list(equations), "output": "L"}
    return sbp.solve(sbp.problem({"graph": tables}))


def chains_of(content: Document) -> Iterator[Chain]:
    """Iterate over every chain of a document."""
    for section in sections_of(content.sections):
        for block in section.blocks:
            yield from block.chains if isinstance(block, Display) else ()


def test_difference_begins_with_what_is_positive() -> None:
    """The paths through one equation are one path, with the positive part of its partial first: h − n, not −n + h."""
    scene = document_scene(graph("k = (1 - z)*n + z*h", "L = k**2", z="0.3", n="2", h="5"))
    expected = Sum((Name("h"), Negative(Name("n"))))
    bodies = [
        part.body
        for step in chains.gradient(scene, "z").steps
        for part in walk(step.formula)
        if isinstance(part, Braced)
    ]
    assert expected in bodies
    assert expected in list(walk(formulas.gradient_expression(scene, "z")))


def test_quotient_by_a_root_stays_one() -> None:
    """K/√2 is printed so, not as ½√2·K, which is how SymPy stores it."""
    scene = document_scene(solved("attention"))
    found = formulas.gradient_expression(scene, "Q_1_1")
    quotients = [part for part in walk(found) if isinstance(part, Quotient)]
    assert quotients and all(
        isinstance(part.denominator, Apply) and part.denominator.function == "sqrt" for part in quotients
    )


def test_sum_with_a_minus_has_it_in_front() -> None:
    """The batch gradient of the cross-entropy is −1/m ΣΣ, and of one sample −Σ, not (−1)Σ."""
    training = {"learning_rate": "1/2", "steps": 1}
    problem = dense((2, "softmax"), loss="cross_entropy", samples=2, training=training)
    content = document.compose(sbp.solve(sbp.problem(problem)))
    for chain in each(list(chains_of(content))):
        for step in each(chain.steps):
            assert not any(isinstance(part, Product) and is_minus_one(part.factors[0]) for part in walk(step.formula))


def is_minus_one(node: Node) -> bool:
    """Say whether a factor is −1."""
    return node == Negative(ONE) or str(getattr(node, "value", "")) == "-1"


def notes_of(content: Document) -> set[str]:
    """Return the ids of the notes of a document."""
    return {block.text.id for part in sections_of(content.sections) for block in part.blocks if isinstance(block, Note)}


def test_fork_is_told_where_contributions_of_several_equations_add() -> None:
    """A quantity that one equation reads twice has one partial by it; what two equations read is a fork."""
    twice = document.compose(graph("L = w**2 - w", w="2"))
    fork = document.compose(graph("a = w**2", "b = 3*w", "L = a*b", w="2"))
    assert {"reason.fork", "mistake.fork"} <= notes_of(fork)
    assert not {"reason.fork", "mistake.fork"} & notes_of(twice)
