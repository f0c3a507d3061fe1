"""The detail `short`: one chain of each kind, a line for each other gradient, no number that is not in the full one."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import pytest

import symbackprop as sbp
from symbackprop import document
from symbackprop.algebra.formula import Adjoint, Name, Node, walk
from symbackprop.descent.solution import Solution
from symbackprop.document.blocks import Chain, Display, Document, Listing, Table
from symbackprop.document.chain_rule import choice
from symbackprop.document.display_nodes import Boxed, Braced, Delta, Gradient, Shown, Updated
from symbackprop.document.sections import short_form, statement
from tests.documents import EXAMPLES, dense, scene_of, sections_of, solved, some
from tests.helpers import each


def _network(*layers: tuple[int, str], **tables: object) -> Callable[[], Solution]:
    return lambda: sbp.solve(sbp.problem(dense(*layers, **tables)))


OTHERS: Mapping[str, Callable[[], Solution]] = {
    "batch": _network((4, "tanh"), (3, "softmax"), loss="cross_entropy", samples=3),
    "adam": _network((2, "tanh"), (2, "sigmoid"), training={"optimizer": "adam", "learning_rate": 0.1, "steps": 2}),
    "rows": _network((3, "relu"), (2, "linear"), notation={"layout": "row", "backward": "activation"}),
    "sequential": _network((2, "sigmoid"), (2, "sigmoid"), training={"learning_rate": 0.1, "update": "sequential"}),
    "negative": _network((3, "elu"), (2, "linear"), notation={"delta_sign": "negative"}),
    "mini-batches": _network((2, "tanh"), samples=4, training={"learning_rate": 0.1, "steps": 2, "batch_size": 2}),
    "wide": _network((9, "relu"), (3, "linear"), inputs=5),
}
"""Problems beside the examples: batches, states, layouts, signs, more weights than have lines."""

PROBLEMS = [*EXAMPLES, *OTHERS]


@functools.cache
def solution_of(name: str) -> Solution:
    """Return the solution of an example or of another problem."""
    return OTHERS[name]() if name in OTHERS else solved(name)


@functools.cache
def composed(name: str, detail: str) -> Document:
    """Return a document without the comparison with differences, which tells no value."""
    return document.compose(solution_of(name), (detail,), without=("title.check", "figures"))


def displays(content: Document) -> Iterator[Chain]:
    """Iterate over the displayed chains of a document."""
    for section in sections_of(content.sections):
        for block in section.blocks:
            yield from block.chains if isinstance(block, Display) else ()


def tables(content: Document, *titles: str) -> Iterator[Table]:
    """Iterate over the tables in the sections with some titles, or in all."""
    for section in sections_of(content.sections):
        if not titles or section.title.id in titles:
            yield from (block for block in section.blocks if isinstance(block, Table))


def result(chain: Chain) -> Shown | None:
    """Return the number that a chain ends with."""
    last = chain.steps[-1].formula if chain.steps else None
    last = last.body if isinstance(last, Boxed) else last
    return last if isinstance(last, Shown) else None


def numbers_of(content: Document) -> Counter[str]:
    """Return every number that is a result, and every one in a table, as printed."""
    found = [number for chain in displays(content) if (number := result(chain)) is not None]
    cells = [cell for table in tables(content) for row in table.rows for cell in row]
    return Counter(str(number.numeral) for number in (*found, *(cell for cell in cells if isinstance(cell, Shown))))


@pytest.mark.parametrize("name", some(PROBLEMS))
def test_every_number_of_a_short_document_stands_in_the_full_one(name: str) -> None:
    """What is left out are lines and never digits: each printed result is one of the full document, digit by digit."""
    short, full = numbers_of(composed(name, "short")), numbers_of(composed(name, "full"))
    assert len(short) > 3
    assert short.keys() - full.keys() == set()


@pytest.mark.parametrize("name", some(PROBLEMS))
def test_results_of_a_short_document_are_those_of_the_full_one(name: str) -> None:
    """Where both have lines for a quantity, they end with the same number."""
    full: dict[Node, list[str]] = {}
    for chain in displays(composed(name, "full")):
        if (number := result(chain)) is not None:
            full.setdefault(chain.left, []).append(str(number.numeral))
    chains = [chain for chain in displays(composed(name, "short")) if result(chain) is not None and chain.left in full]
    for chain in each(chains):
        number = result(chain)
        assert number is not None
        assert str(number.numeral) in full[chain.left]


@pytest.mark.parametrize("name", some(PROBLEMS))
def test_every_parameter_has_its_gradient_in_a_short_document(name: str) -> None:
    """The summary has every parameter of each step with value, gradient and new value."""
    solution = solution_of(name)
    (table,) = tables(composed(name, "short"), "title.summary")
    rows = [next(cell for cell in row if isinstance(cell, Name)).name for row in table.rows]
    assert Counter(rows) == dict.fromkeys(solution.final, len(solution.steps))
    assert all(isinstance(cell, Shown | str | Name) for row in table.rows for cell in row)


@pytest.mark.parametrize("name", some([name for name in PROBLEMS if name != "wide"]))
def test_every_parameter_has_a_line_in_a_short_document(name: str) -> None:
    """The gradient by each element of a small array has its formula, once in full for each kind, else in one line."""
    lefts = Counter(
        chain.left.name
        for chain in displays(composed(name, "short"))
        if isinstance(chain.left, Adjoint | Gradient | Delta)
    )
    derivation = solution_of(name).derivation
    named = [element for quantity in derivation.parameters for element in quantity.elements()]
    for element in each(element for element in named if derivation.links.get(element)):
        assert lefts[element] == 1


def test_gradients_of_a_large_array_stand_in_a_table() -> None:
    """45 weights have no line each; the errors of their 9 units have."""
    content = composed("wide", "short")
    rows = {cell.name for table in tables(content, "layer.hidden_only") for row in table.rows for cell in row[:1]}  # type: ignore[union-attr]
    lefts = {chain.name for chain in displays(content)}
    assert len([name for name in rows if name.startswith("W1_")]) == 44
    assert {f"z1_{unit}" for unit in range(1, 10)} <= lefts


@pytest.mark.parametrize("name", some(PROBLEMS))
def test_one_chain_of_each_kind_names_its_factors(name: str) -> None:
    """A gradient with names under its factors has another form, or another place, than all other such gradients."""
    solution = solution_of(name)
    graph, links = solution.derivation.graph, solution.derivation.links
    chosen = choice.first_of_each_kind(solution.derivation, solution.steps[0].values)
    braced = [
        chain.name
        for chain in displays(composed(name, "short"))
        if any(isinstance(part, Braced) for step in chain.steps for part in walk(step.formula))
        and isinstance(chain.left, Adjoint | Delta)
    ]
    kinds = Counter(
        (
            graph.quantity_of(own).kind,
            graph.quantity_of(own).layer == len(graph.layers),
            *((link.term.form, link.slot) for link in links[own]),
        )
        for own in braced
    )
    assert set(braced) <= chosen.gradients
    assert set(kinds.values()) <= {1}
    assert braced or name == "local_minima"


def test_mazur_has_one_chain_of_each_kind() -> None:
    """An output δ, a hidden δ with the sum over its paths, a weight of each layer, a bias of the layers."""
    derivation = solved("mazur").derivation
    chosen = choice.first_of_each_kind(derivation, solved("mazur").steps[0].values)
    assert {"z2_1", "z1_1", "a1_1", "W2_1_1", "W1_1_1", "b2"} <= chosen.gradients
    assert not {"z2_2", "z1_2", "W2_1_2", "b1"} & chosen.gradients
    assert chosen.updates == {"W1_1_1"}


@pytest.mark.parametrize("name", some(PROBLEMS))
def test_one_update_is_worked_out(name: str) -> None:
    """The other new values stand in the summary; frozen parameters are none of them."""
    chains = [chain for chain in displays(composed(name, "short")) if isinstance(chain.left, Updated)]
    solution = solution_of(name)
    changed = solution.problem.training is not None
    assert len({chain.name for chain in chains}) == changed


def test_states_of_an_optimizer_stand_in_a_table() -> None:
    """Adam has the moments of every parameter in each step."""
    content = composed("adam", "short")
    found = [
        *tables(content, "title.update"),
        *(table for table in tables(content, "title.step") if "W1_1_1" in str(table.rows[0][0])),
    ]
    assert [len(table.rows) for table in found] == [12, 12]


def test_nothing_stands_between_arrays() -> None:
    """Whoever wants matrices asks for both details."""
    titles = {section.title.id for section in sections_of(composed("mazur", "short").sections)}
    assert not any("matrix" in title for title in titles)
    both = document.compose(solved("mazur"), ("short", "matrix"), without=("title.check", "figures"))
    assert "title.matrix_backward" in {section.title.id for section in both.sections}


def test_statement_of_a_short_document_tells_the_settings() -> None:
    """The learning rate and the rule of the update stand among the conventions."""
    found = short_form.statement(scene_of("mazur"), statement.PARTS)
    assert [part.title.id for part in found.sections] == ["title.network", "title.given", "title.conventions"]
    (listing,) = found.sections[-1].blocks
    assert isinstance(listing, Listing)
    assert [item.id for item in listing.items[-2:]] == ["loop.update", "detail.setting"]
    assert "convention.digits" not in {item.id for item in listing.items}
