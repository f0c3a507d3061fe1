"""Numbers in formulas between arrays: where they stand, how wide they are, and that their entries give the result."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

import symbackprop as sbp
from symbackprop import document
from symbackprop.algebra.formula import (
    Adjoint,
    Apply,
    MatrixProduct,
    Name,
    Node,
    Stack,
    Transposed,
    walk,
)
from symbackprop.descent.solution import Solution
from symbackprop.document.blocks import Chain, Display, Section, Table
from symbackprop.document.display_nodes import AllSamples, Listed, Shown, Updated
from symbackprop.document.matrix_form import joint_matrices
from symbackprop.document.matrix_form.array_numbers import TALLEST_GRID, WIDEST_GRID, WIDEST_ROW
from symbackprop.graph.notation import NAMINGS, Notation
from symbackprop.problems import load
from tests.document.test_documents import assert_chain_is_true
from tests.documents import dense, solved
from tests.helpers import each, few

NETWORKS = ("mazur", "classifier", "deep")


def chains_of(sections: Sequence[Section]) -> Iterator[Chain]:
    """Yield the displayed chains of sections, those of subsections last."""
    for section in sections:
        for block in section.blocks:
            yield from block.chains if isinstance(block, Display) else ()
        yield from chains_of(section.sections)


@functools.cache
def chains(name: str, detail: str = "full", *without: str) -> tuple[Chain, ...]:
    """Return the chains of a solution of an example, without the comparison with differences."""
    return tuple(chains_of(document.compose(solved(name), (detail,), without=("title.check", *without)).sections))


def is_numeric(formula: Node) -> bool:
    """Say whether a formula joins arrays of numbers."""
    return not isinstance(formula, Stack) and any(
        isinstance(part, Stack) and any(isinstance(each, Shown) for each in walk(part)) for part in walk(formula)
    )


@pytest.mark.parametrize("detail", ["full", "matrix"])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_has_its_numbers_between_arrays(name: str, detail: str) -> None:
    """Pre-activations, activations and the gradient by every matrix of weights stand with their numbers."""
    graph = solved(name).derivation.graph
    found = {chain.name for chain in chains(name, detail) if any(is_numeric(step.formula) for step in chain.steps)}
    for layer in each(graph.layers):
        activation = {layer.activation.name} if len(layer.activation.elements()) > 1 else set()
        assert {layer.pre_activation.name, layer.weights.name} | activation <= found


@pytest.mark.parametrize("name", few(NETWORKS, 1))
def test_entries_of_the_result_follow_from_what_is_printed(name: str) -> None:
    """Whoever multiplies the printed arrays gets every printed entry to its last digit."""
    joined = [chain for chain in chains(name) if any(is_numeric(step.formula) for step in chain.steps)]
    assert sum(map(assert_chain_is_true, joined)) > 3


def test_calculator_of_arrays_reads_rows_and_columns() -> None:
    """A wrong entry, or a row in place of a column, is not what the printed arrays give."""
    (chain,) = [chain for chain in chains("mazur") if chain.name == "z1" and chain.left == Name("z1")]
    *before, numbers, result = chain.steps
    assert isinstance(result.formula, Stack) and assert_chain_is_true(chain)
    for wrong in (Stack(result.formula.items[::-1]), Stack((result.formula.items[0],))):
        with pytest.raises((AssertionError, ValueError)):
            assert_chain_is_true(replace(chain, steps=(*before, numbers, replace(result, formula=wrong))))


@pytest.mark.parametrize("inputs", [1, 6, 7, 20])
@pytest.mark.parametrize("layout", ["row", "column"])
def test_no_array_of_numbers_has_more_columns_than_are_shown(layout: str, inputs: int) -> None:
    """Neither in formulas nor alone: TeX has ten columns at most in a matrix, and a page has not many more."""
    content = dense((1, "sigmoid"), inputs=inputs, values=True, notation={"layout": layout})
    composed = document.compose(sbp.solve(sbp.problem(content), steps=1), ("full", "matrix"), without=("title.check",))
    stacks = [p for c in chains_of(composed.sections) for s in c.steps for p in walk(s.formula) if isinstance(p, Stack)]
    rows = [part for part in stacks if not isinstance(part.items[0], Stack) and isinstance(part.items[0], Shown)]
    for row in each(rows):
        assert len(row.items) <= WIDEST_GRID


@pytest.mark.parametrize("units", [1, 3, 6, 7, 12])
def test_arrays_of_numbers_are_no_wider_than_a_page(units: int) -> None:
    """A row of numbers put into a formula is as wide as the stated limit at most, however many units there are."""
    solution = sbp.solve(sbp.problem(dense((units, "sigmoid"), (2, "linear"), inputs=units, values=True)), steps=1)
    composed = document.compose(solution, ("matrix",), without=("title.check",))
    numeric = [
        step.formula for chain in chains_of(composed.sections) for step in chain.steps if is_numeric(step.formula)
    ]
    for formula in each(numeric):
        rows = [part for part in walk(formula) if isinstance(part, Stack) and not isinstance(part.items[0], Stack)]
        for row in each(rows):
            assert sum(len(part.numeral.text) for part in walk(row) if isinstance(part, Shown)) <= WIDEST_ROW
        assert not any(isinstance(part, Listed) for part in walk(formula))


def test_parameters_are_shown_in_their_places() -> None:
    """The statement shows a matrix of weights by its entries and by its numbers as they are given."""
    stated = next(chain for chain in chains("mazur") if chain.left == Name("W1"))
    entries, numbers = (step.formula for step in stated.steps)
    assert isinstance(entries, Stack) and isinstance(numbers, Stack)
    assert [["W1_1_1", "W1_1_2"], ["W1_2_1", "W1_2_2"]] == [[entry.name for entry in row] for row in entries.items]  # type: ignore[attr-defined]
    assert [["0.15", "0.20"], ["0.25", "0.30"]] == [[entry.numeral.text for entry in row] for row in numbers.items]  # type: ignore[attr-defined]


def test_documents_without_numbers_in_arrays_have_none() -> None:
    """Keys of homework, which are many, do without them."""
    left_out = chains("mazur", "full", "numbers_in_arrays")
    assert not any(is_numeric(step.formula) for chain in each(left_out) for step in chain.steps)


@pytest.mark.parametrize("name", few([*NETWORKS, "xor"], 1))
def test_short_documents_have_no_arrays_of_numbers(name: str) -> None:
    """A solution to hand out on few pages says everything once, element by element."""
    short = chains(name, "short")
    assert not any(isinstance(chain.left, AllSamples) for chain in each(short))
    assert not any(
        is_numeric(step.formula) or isinstance(step.formula, Stack) for chain in short for step in chain.steps
    )


# All samples at once.


SAMPLES = 3


def batch(layout: str) -> Solution:
    """Return a network of square matrices with a few samples."""
    content = dense((2, "sigmoid"), (2, "sigmoid"), samples=SAMPLES, notation={"layout": layout})
    return sbp.solve(sbp.problem(content), steps=1)


@pytest.mark.parametrize("layout", ["row", "column"])
def test_samples_of_a_batch_stand_in_one_matrix(layout: str) -> None:
    """Inputs, pre-activations, activations and errors are matrices with a row, or a column, for each sample."""
    solution = batch(layout)
    found = list(chains_of(document.compose(solution, ("full",), without=("title.check",)).sections))
    together = {(type(chain.left.body), chain.name): chain for chain in found if isinstance(chain.left, AllSamples)}
    names = {(Name, name) for name in ("x", "y", "z1", "a1", "z2", "a2")}
    assert names | {(Adjoint, name) for name in ("x", "z1", "a1", "z2", "a2")} == set(together)
    for (_, name), chain in each(list(together.items())):
        units = len(solution.derivation.graph.quantities[name].elements())
        last = chain.steps[-1].formula
        assert isinstance(last, Stack)
        shape = (len(last.items), len(list(last.items[0])))
        assert shape == ((SAMPLES, units) if layout == "row" else (units, SAMPLES))


@pytest.mark.parametrize(("layout", "turned"), [("row", 0), ("column", 1)])
def test_gradient_of_a_batch_is_a_product_of_matrices(layout: str, turned: int) -> None:
    """The gradient by the weights is XᵀΔ where samples are rows and ΔXᵀ where they are columns, with numbers."""
    solution = batch(layout)
    found = chains_of(document.compose(solution, ("full",), without=("title.check",)).sections)
    chain = next(chain for chain in found if chain.left == Adjoint("W1"))
    symbols, numbers, result = (step.formula for step in chain.steps[-3:])
    assert isinstance(symbols, MatrixProduct) and isinstance(numbers, MatrixProduct) and isinstance(result, Stack)
    factors = (symbols.left, symbols.right)
    assert isinstance(factors[turned], Transposed)
    assert {"x", "z1"} == {part.name for part in walk(symbols) if isinstance(part, AllSamples)}


@pytest.mark.parametrize("naming", NAMINGS)
def test_samples_stand_in_one_matrix_in_every_naming(naming: str) -> None:
    """Whatever the letters are, X, Z, A and Δ of all samples have numbers, and every line is true."""
    content = dense((2, "sigmoid"), (1, "sigmoid"), samples=SAMPLES, notation={"naming": naming})
    solution = sbp.solve(sbp.problem(content), steps=1)
    composed = document.compose(solution, ("matrix",), without=("title.check",))
    together = [chain for chain in chains_of(composed.sections) if isinstance(chain.left, AllSamples)]
    assert len({(type(chain.left.body), chain.name) for chain in together}) == 2 + 2 * 2 + 2 * 2 + 1
    assert all(isinstance(chain.steps[-1].formula, Stack) for chain in each(together))


def test_hessian_has_a_bar_where_hidden_units_of_all_samples_are_h() -> None:
    """No letter has two meanings in a document."""
    content = dense((1, "sigmoid"), (1, "linear"), samples=2, notation={"naming": "flat"})
    text = sbp.render(sbp.solve(sbp.problem(content), steps=1), format="latex", detail="full,second_order")
    assert r"\bar{H}" in text
    assert "\nH &=" in text


# The update and the summary between arrays.


@pytest.mark.parametrize("optimizer", ["gradient_descent", "momentum", "adam"])
@pytest.mark.parametrize("naming", NAMINGS)
def test_matrix_form_ends_with_update_and_summary(naming: str, optimizer: str) -> None:
    """Every array that is trained has its new values in one line; then comes the table of all parameters."""
    training = {"optimizer": optimizer, "learning_rate": "0.1", "epochs": 1}
    content = dense((2, "sigmoid"), (1, "sigmoid"), notation={"naming": naming}, training=training)
    composed = document.compose(sbp.solve(sbp.problem(content)), ("matrix",), without=("title.check",))
    titles = [section.title.id for section in composed.sections]
    assert titles.index("title.update") + 1 == titles.index("title.summary")
    update = composed.sections[titles.index("title.update")]
    new = [chain for chain in chains_of([update]) if isinstance(chain.left, Updated)]
    assert [chain.name for chain in new] == ["W1", "b1", "W2", "b2"]
    assert all(isinstance(chain.steps[-1].formula, Stack) for chain in each(new))
    lines = sum(len(chain.steps) > 1 for chain in new)
    assert lines == (len(new) if optimizer == "gradient_descent" else 0)


@pytest.mark.parametrize("name", ["mazur", "classifier", "deep", "xor", "homework"])
def test_matrix_form_goes_layer_by_layer(name: str) -> None:
    """The gradients of a layer stand together, from the last layer back to the inputs."""
    composed = document.compose(solved(name), ("matrix",), without=("title.check",))
    (backward,) = (each for each in composed.sections if each.title.id == "title.matrix_backward")
    graph = solved(name).derivation.graph
    layers = []
    for section in each(list(backward.sections)):
        found = {graph.quantity_of(chain.name).layer for chain in chains_of([section])}
        assert len(found) == 1
        layers += found
    assert layers == list(range(len(graph.layers), -1, -1))


def test_matrix_form_of_a_large_network_has_a_short_summary() -> None:
    """Of many parameters the summary has the first few of each array."""
    content = dense((12, "sigmoid"), (1, "linear"), inputs=9)
    composed = document.compose(sbp.solve(sbp.problem(content)), ("matrix",), without=("title.check",))
    (summary,) = (section for section in composed.sections if section.title.id == "title.summary")
    (table,) = (block for block in summary.blocks if isinstance(block, Table))
    assert len(table.rows) < 20 < sum(len(q.elements()) for q in sbp.derive(sbp.problem(content)).parameters)


@pytest.mark.parametrize("name", [*NETWORKS, "xor", "line", "homework"])
def test_gradients_of_inputs_are_shown_where_they_are_checked(name: str) -> None:
    """The check counts the gradients with respect to inputs, and the backward pass derives them."""
    inputs = solved(name).derivation.graph.units(0)
    shown = {chain.name for chain in chains(name) if not isinstance(getattr(chain.left, "body", chain.left), Name)}
    assert inputs.name in shown or set(inputs.elements()) <= shown


@pytest.mark.parametrize("count", range(1, 9))
def test_few_numbers_of_a_graph_are_updated_as_a_vector(count: int) -> None:
    """The parameters of a small graph and their gradient stand as vectors, beside a line for each."""
    parameters = {f"w{place}": str(place) for place in range(1, count + 1)}
    squares = " + ".join(f"{place}*{name}**2" for place, name in enumerate(parameters, 2))
    table = {"parameters": parameters, "equations": [f"L = {squares}"], "output": "L"}
    solution = sbp.solve(sbp.problem({"graph": table, "training": {"learning_rate": "0.1"}}))
    composed = document.compose(solution, ("full",), without=("title.check",))
    vectors = [chain for chain in chains_of(composed.sections) if isinstance(chain.left, Stack)]
    assert len(vectors) == (1 < count <= TALLEST_GRID)
    for chain in vectors:
        assert assert_chain_is_true(chain)


@pytest.mark.parametrize("samples", [2, 6, 7, 40])
def test_many_samples_stand_in_no_matrix(samples: int) -> None:
    """A batch is one matrix up to the widest that is shown; of more samples each line is about sample n."""
    content = dense((2, "sigmoid"), (1, "linear"), samples=samples)
    composed = document.compose(sbp.solve(sbp.problem(content), steps=1), ("matrix",), without=("title.check",))
    found = [chain for chain in chains_of(composed.sections) if isinstance(chain.left, AllSamples)]
    assert bool(found) == (samples <= WIDEST_GRID)


def test_formula_of_all_samples_has_a_matrix_for_what_differs_between_them() -> None:
    """What works entry by entry and a vector times a matrix hold for all samples; a product of two vectors does not."""
    graph = batch("row").derivation.graph
    weighted = MatrixProduct(Name("x"), Name("W1"))
    assert MatrixProduct(AllSamples(Name("x")), Name("W1")) == joint_matrices.together(graph, weighted)
    assert joint_matrices.together(graph, Apply("dot", (Name("x"), Name("x")))) is None
    outer = Apply("outer", (Name("x"), Adjoint("z1")))
    transposed = MatrixProduct(Transposed(AllSamples(Name("x"))), AllSamples(Adjoint("z1")))
    assert transposed == joint_matrices.joined(graph, outer, rows=True)


def test_capital_that_is_taken_has_a_bar() -> None:
    """A matrix of samples is called by the capital of its letter, and by that with a bar where the letter is in use."""
    problem = load.example("xor", [("notation.symbols", {"activation": "w", "input": "phi"})])
    notation = Notation.of(sbp.derive(problem).graph, problem.notation)
    capitals = [notation.of_all_samples(notation.symbol(name)) for name in ("x", "a1", "y")]
    assert [("Phi", ""), ("W", "bar"), ("Y", "")] == [(found.base, found.accent) for found in capitals]
