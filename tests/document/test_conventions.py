"""Conventions change documents only: the same network has the same numbers under all of them, and every line stays true."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import symbackprop as sbp
from symbackprop import document, rendering
from symbackprop.algebra.formula import Adjoint, Name, Node, rewrite
from symbackprop.arithmetic import exact
from symbackprop.document.blocks import Chain
from symbackprop.document.display_nodes import Apart, Boxed, Braced, Delta, Gradient, Leaf, Shown, Updated
from symbackprop.errors import ProblemError, SymbackpropError, UnknownNameError
from symbackprop.graph.notation import NAMINGS, Notation
from symbackprop.problems.spec import NotationSpec
from symbackprop.rendering import json_result
from tests import documents
from tests.document.test_documents import assert_chain_is_true, assert_nothing_forbidden, chains_of
from tests.helpers import many

CONVENTIONS: Mapping[str, tuple[str, ...]] = {
    "naming": tuple(NAMINGS),
    "backward": ("delta", "activation"),
    "layers": ("enter", "leave"),
    "index_order": ("to_from", "from_to"),
    "layout": ("column", "row"),
    "delta_sign": ("gradient", "negative"),
}
WEIGHTS = {"W1": [["1/2", "-1/3"], ["1/4", "1"], ["2", "-1"]], "W2": [["1/5", "-1", "1/2"], ["3/4", "1/2", "-2"]]}


def content(conventions: Mapping[str, str], *, samples: int | None = None, **changes: object) -> dict[str, object]:
    """Return a 2-3-2 network in some conventions; with a layout of rows, its weights are turned."""
    turned = conventions.get("layout") == "row"
    weights = {key: [list(c) for c in zip(*rows, strict=True)] if turned else rows for key, rows in WEIGHTS.items()}
    x, y = ["1", "-1/2"], ["1", "0"]
    network = {
        "inputs": 2,
        "layers": [{"units": 3, "activation": "tanh"}, {"units": 2, "activation": "sigmoid", "bias": "shared"}],
        "loss": "half_squared_error",
    }
    return {
        "network": network | changes,
        "parameters": {**weights, "b1": ["0", "1/2", "-1"], "b2": "1/4"},
        "data": {"x": x if samples is None else [x] * samples, "y": y if samples is None else [y] * samples},
        "training": {"learning_rate": "1/2"},
        "notation": dict(conventions),
    }


def in_conventions(**conventions: str) -> sbp.Problem:
    """Return the network of these tests as a problem in some conventions."""
    return sbp.problem(content(conventions))


def numbers(formula: Node, values: sbp.evaluate.Values) -> Node:
    """Return a symbolic side of a line with numbers for its names, gradients and δ."""

    def number(part: Node) -> Node | None:
        match part:
            case Name(name, sample):
                return Leaf(values.value(name, sample))
            case Adjoint(name, sample) | Gradient(name, sample):
                return Leaf(values.gradient(name, sample))
            case Delta(name, sample):
                return Leaf(-values.gradient(name, sample))
            case Braced(body, _) | Boxed(body) | Apart(body):
                return numbers(body, values)
        return None

    return rewrite(formula, number)


def assert_symbols_agree(chain: Chain, values: sbp.evaluate.Values) -> int:
    """Assert that every symbolic side of a chain between scalars has the value of its left side; return how many do."""
    if isinstance(chain.left, Updated):
        return 0
    checked, sides = 0, [chain.left, *(step.formula for step in chain.steps)]
    found = []
    for side in sides:
        try:
            found.append(float(exact.evaluate(numbers(side, values), leaf)))
        except (TypeError, KeyError, SymbackpropError):
            continue  # a derivative that is only named, an array, a sum over samples
        checked += 1
    assert all(value == pytest.approx(found[0], rel=1e-4, abs=1e-6) for value in found), chain
    return checked


def leaf(part: Node) -> object:
    """Return the value of a number on paper."""
    return part.value if isinstance(part, Leaf | Shown) else None


@settings(max_examples=many(40, share=20), deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate])
@given(
    st.fixed_dictionaries({key: st.sampled_from(values) for key, values in CONVENTIONS.items()}),
    st.sampled_from([None, 2]),
)
def test_conventions_change_documents_only(conventions: dict[str, str], samples: int | None) -> None:
    """Any combination gives the same updated network, renders, and prints nothing that is untrue or forbidden."""
    solution = sbp.solve(sbp.problem(content(conventions, samples=samples)))
    plain = sbp.solve(sbp.problem(content({"layout": conventions["layout"]}, samples=samples)))
    assert json_result.to_json(plain) == json_result.to_json(solution)
    assert solution.final == sbp.solve(sbp.problem(content({}, samples=samples))).final
    composed = document.compose(solution, ("full", "matrix"))
    assert sum(map(assert_chain_is_true, chains_of(composed))) > 50
    for format in ("latex", "markdown"):
        assert_nothing_forbidden(rendering.render(solution, format, detail="full,matrix"))


@pytest.mark.parametrize(
    "conventions",
    [
        dict(zip(("backward", "delta_sign", "layout"), each, strict=True))
        for each in itertools.product(("delta", "activation"), ("gradient", "negative"), ("column", "row"))
    ],
    ids=str,
)
def test_conventions_keep_symbols_and_numbers_equal(conventions: dict[str, str]) -> None:
    """On every line δ, the gradients and the formulas in between stand for the same number, whatever the sign of δ."""
    problem = in_conventions(**conventions)
    solution = sbp.solve(problem)
    chains = [c for c in chains_of(document.compose(solution)) if isinstance(c.left, Adjoint | Delta)]
    assert sum(assert_symbols_agree(chain, solution.steps[0].values) for chain in chains) > 40


def test_conventions_a_wrong_sign_is_found() -> None:
    """The comparison of the last test reports a δ that is printed for the gradient."""
    solution = sbp.solve(in_conventions(delta_sign="negative"))
    chain = next(c for c in chains_of(document.compose(solution)) if isinstance(c.left, Delta))
    with pytest.raises(AssertionError):
        assert_symbols_agree(Chain(Gradient(chain.left.name), chain.steps), solution.steps[0].values)


def printed(problem: sbp.Problem, *nodes: Node) -> list[str]:
    """Return the TeX of some formulas in the notation of a problem."""
    return documents.printed(Notation.of(sbp.derive(problem).graph, problem.notation), *nodes)


@pytest.mark.parametrize(
    ("conventions", "name", "expected"),
    [
        ({"naming": "elementwise"}, "W1_3_2", "w^{(1)}_{32}"),
        ({"naming": "elementwise"}, "W1", "W^{(1)}"),
        ({"naming": "elementwise"}, "a1_2", "a^{(1)}_2"),
        ({"index_order": "from_to"}, "W1_3_2", "W^{(1)}_{23}"),
        ({"index_order": "from_to", "layout": "row"}, "W1_3_2", "W^{(1)}_{23}"),
        ({"index_order": "from_to", "naming": "flat"}, "W1_3_2", "w_6"),
        ({"layers": "leave"}, "W1_3_2", "W^{(1)}_{32}"),
        ({"layers": "leave"}, "b2", "b^{(2)}"),
        ({"layers": "leave"}, "z1_2", "z^{(2)}_2"),
        ({"layers": "leave"}, "a2", "a^{(3)}"),
        ({"layers": "leave"}, "x_2", "x_2"),
    ],
)
def test_convention_prints_a_name(conventions: dict[str, str], name: str, expected: str) -> None:
    """Small element letters, swapped indices, layers counted from the input."""
    assert [expected] == printed(in_conventions(**conventions), Name(name))


def test_convention_leave_numbers_a_step_forward() -> None:
    """With weights that leave their layer, z of layer 2 is W of layer 1 times the input; the conventions say so."""
    text = rendering.render(sbp.solve(in_conventions(layers="leave")), "markdown", detail="matrix")
    assert r"z^{(2)} &= \underset{3 \times 2}{W^{(1)}} \, \underset{2 \times 1}{x} + " in text
    assert "$a^{(1)} = x$" in text


def test_convention_from_to_is_said() -> None:
    """The sentence about indices says which comes first, and where the entry stands in its matrix."""
    text = rendering.render(sbp.solve(in_conventions(index_order="from_to")), "markdown")
    assert "comes from unit $2$ and leads to unit $3$" in text
    assert "stands in row 3 and column 2 of the matrix" in text


@pytest.mark.parametrize("detail", ["full", "matrix"])
def test_convention_activation_has_no_delta(detail: str) -> None:
    """Everything goes through ∂L/∂a, of the output layer too, at both grains."""
    text = rendering.render(sbp.solve(in_conventions(backward="activation")), "markdown", detail=detail)
    assert r"\delta" not in text
    assert re.search(r"\\frac\{\\partial L\}\{\\partial a\^\{\(2\)\}(_1)?\} &= ", text)


def test_convention_negative_delta_adds_in_the_update() -> None:
    """With δ = −∂L/∂z the update is w + η δ a, and its numbers are added."""
    text = rendering.render(sbp.solve(in_conventions(delta_sign="negative")), "markdown")
    assert r"= W^{(1)}_{11} + \eta \delta^{(1)}_1 \, x_1" in text
    assert r"\delta^{(2)}_1 &= -\frac{\partial L}{\partial z^{(2)}_1}" in text
    assert r"\frac{\partial L}{\partial W^{(2)}} &= -" in text


def test_names_of_the_users_own_are_printed() -> None:
    """A table of names renames elements and whole arrays over the convention that it names."""
    naming = {"base": "elementwise", "W1_1_1": "v_1", "W2": "U", "a1_2": "h_2", "z1_1": "s"}
    problem = sbp.problem(content({}) | {"notation": {"naming": naming}})
    names = [Name(name) for name in ("W1_1_1", "W1_1_2", "W2", "W2_1_2", "a1_2", "z1_1")]
    expected = ["v_1", "w^{(1)}_{12}", "U", "U_{12}", "h_2", "s", r"\delta_s", r"\delta^{(1)}_2"]
    assert expected == [*printed(problem, *names, Adjoint("z1_1"), Adjoint("z1_2"))]


@pytest.mark.parametrize(
    ("naming", "error", "match"),
    [
        ({"W1_1_9": "w"}, UnknownNameError, r'(?s)naming.*unknown quantity "W1_1_9".*did you mean "W1_1_'),
        ({"W1_1_1": "a$b"}, ProblemError, r"naming\.W1_1_1.*cannot be printed"),
        ({"W1_1_1": "v", "W1_1_2": "v"}, ProblemError, "W1_1_1 and W1_1_2 would be printed alike"),
        ({"W1_1_1": "x_1"}, ProblemError, "would be printed alike"),
        ({"base": "flatt"}, UnknownNameError, '(?s)unknown naming convention "flatt".*"flat"'),
        ("flatt", UnknownNameError, '(?s)unknown naming convention "flatt".*"flat"'),
        ({"W1_1_1": 1}, ProblemError, r"notation\.naming.*expected a text"),
    ],
)
def test_wrong_name_is_refused(naming: object, error: type[Exception], match: str) -> None:
    """A name of no quantity, one that cannot be printed, or two that would print alike."""
    with pytest.raises(error, match=match):
        sbp.derive(sbp.problem(content({}) | {"notation": {"naming": naming}}))


def test_names_of_a_graph_may_be_replaced() -> None:
    """In a computation graph a table renames quantities and their elements."""
    graph = {"parameters": {"w": [1, 2]}, "equations": ["f = w[0]*w[1]"], "output": "f"}
    problem = sbp.problem({"graph": graph, "notation": {"naming": {"w_1": "p", "f": "E"}}})
    assert ["p", "w_2", "E"] == printed(problem, Name("w_1"), Name("w_2"), Name("f"))


# Batch, stochastic, mini-batch


@pytest.mark.parametrize(
    ("loss", "reduction", "expected"),
    [
        ("squared_error", "mean", r"\frac{2}{3} \sum_{n=1}^{3} \sum_{k=1}^{2} (a^{(2)[n]}_k - y^{[n]}_k) \cdot"),
        ("half_squared_error", "sum", r"\sum_{n \in \mathcal{B}} \sum_{k=1}^{2} (a^{(2)[n]}_k - y^{[n]}_k) \cdot"),
        ("squared_error", "mean", r"\frac{2}{\left\vert \mathcal{B} \right\vert}"),
    ],
)
def test_batch_formulas_are_those_of_the_loss(loss: str, reduction: str, expected: str) -> None:
    """The three formulas have the factor of the problem's own loss, and the text says which sign is which."""
    problem = sbp.problem(content({}, samples=3, loss=loss, reduction=reduction))
    text = re.sub(r" \\,", "", rendering.render(sbp.solve(problem), "markdown"))
    assert expected in text
    assert "target minus output" in text


def test_batch_formulas_need_a_batch() -> None:
    """One sample has one gradient, in a batch of one too."""
    assert "mini-batch" not in rendering.render(sbp.solve(in_conventions()), "markdown")
    assert "mini-batch" not in rendering.render(sbp.solve(sbp.problem(content({}, samples=1))), "markdown")


@pytest.mark.parametrize(
    ("lang", "one", "several"), [("en", "has one sample", "samples"), ("zh", "只有一个样本", "个样本损失")]
)
@pytest.mark.parametrize("samples", [1, 2])
def test_a_batch_of_one_is_not_spoken_of_as_several(lang: str, one: str, several: str, samples: int) -> None:
    """The convention of a batch says that its loss is a mean, or that it is that of its one sample; so in graphs too."""
    graph = {
        "inputs": {"x": {"shape": []}},
        "parameters": {"w": 2},
        "equations": ["e = w*x - 1", "L = e**2"],
        "output": "L",
        "reduction": "mean",
    }
    circuit = {"graph": graph, "data": {"x": list(range(samples))}}
    for problem in (content({}, samples=samples), circuit):
        text = rendering.render(sbp.solve(sbp.problem(problem)), "markdown", language=lang)
        assert (one in text) is (samples == 1)
        assert (f"{samples} {several}" in text) is (samples > 1)


def test_softmax_of_a_formula_adds_in_the_order_of_its_elements() -> None:
    """Every element has the same sum of exponentials, and a sum inside stays as it is written, numbers first or last."""
    graph = {"parameters": {"a": 2, "z": ["1/2", 1, 2]}, "equations": ["p = softmax(z/(2 + a**2))", "L = p[0]*p[1]"]}
    solution = sbp.solve(
        sbp.problem({"graph": {**graph, "output": "L"}, "training": {"learning_rate": 0.1, "steps": 1}})
    )
    text = str(sbp.render(solution, "markdown", detail="full"))
    power = [f"e^{{z_{number}/(2 + a^{{2}})}}" for number in (1, 2, 3)]
    for number in (1, 2, 3):
        assert rf"p_{number} &= \frac{{{power[number - 1]}}}{{{' + '.join(power)}}}" in text


def test_softmax_of_one_unit_has_no_sum() -> None:
    """The denominator of one unit is one exponential, without the parentheses of a sum."""
    layer = {"units": 1, "activation": "softmax"}
    problem = sbp.problem({"network": {"inputs": 1, "layers": [layer], "loss": "squared_error"}})
    text = rendering.render(sbp.derive(problem), "markdown")
    assert r"\frac{e^{z^{(1)}_1}}{e^{z^{(1)}_1}}" in text
    assert "/(e^" not in text


def test_every_convention_is_tested_here() -> None:
    """The table of conventions above holds every key of the file whose values are a choice, and the names of a registry."""
    chosen = {key for key, field in NotationSpec.model_fields.items() if "Literal" in str(field.annotation)}
    assert chosen | {"naming"} == set(CONVENTIONS)


VECTORS = {
    "Z = X @ W.T + b": True,
    "Z = (X - b) @ W": True,
    "Z = X * b": True,
    "Z = max(X, b)": True,
    "Z = X @ W.T": False,
    "Z = X + sum(b)": False,
    "Z = X @ b + b": False,
    "Z = X - mean(X, axis=1, keepdims=1)": False,
}


@pytest.mark.parametrize("equation", VECTORS)
@pytest.mark.parametrize("code", ["en", "zh"])
def test_vector_that_is_every_row_of_a_matrix_is_said(equation: str, code: str) -> None:
    """A vector is printed as a column; that it is each row of a matrix is said where it meets one, and only there."""
    square = {"X": [[1, 2], [3, 5]]}, {"W": [[2, 1], [1, 3]], "b": [1, -1]}
    graph = {"inputs": square[0], "parameters": square[1], "equations": [equation, "L = sum(Z**2)"], "output": "L"}
    solution = sbp.solve(sbp.problem({"graph": graph}))
    sentence = {"en": "stands in each row of the matrix", "zh": "用于矩阵的每一行"}[code]
    text = " ".join(str(rendering.render(solution, "text", code)).split())
    assert VECTORS[equation] == (sentence in text.replace("  ", " "))
