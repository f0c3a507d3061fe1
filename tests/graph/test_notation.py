"""Notation: what every quantity is called on paper, in each convention."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import pytest

import symbackprop as sbp
from symbackprop import rendering
from symbackprop.algebra.branches import WHERE, Comparison, step_of
from symbackprop.algebra.formula import ZERO, Adjoint, Apply, Name, Node
from symbackprop.algebra.functions import ACTIVATIONS, PRIMITIVES, WITH_FORMULA
from symbackprop.catalog.losses import LOSSES
from symbackprop.errors import ProblemError
from symbackprop.graph.alike import check_symbols
from symbackprop.graph.notation import (
    COMMON,
    KINDS,
    NAMINGS,
    Notation,
    own_symbol,
    parse_symbol,
)
from symbackprop.problems import build
from symbackprop.rendering.dialects import tex
from symbackprop.rendering.dialects.tex import symbol, word
from symbackprop.rendering.layout.operator_words import function_name
from tests import documents
from tests.helpers import each

BIASES = ("per_unit", "shared", "none", "threshold")


def notation(
    units: tuple[int, ...],
    naming: str = "layered",
    layout: str = "column",
    bias: str = "per_unit",
    symbols: Mapping[str, str] | None = None,
) -> Notation:
    """Return the notation of a network without numbers: `units` are the widths, the inputs first."""
    inputs, *widths = units
    content = {
        "network": {
            "inputs": inputs,
            "layers": [{"units": width, "activation": "sigmoid", "bias": bias} for width in widths],
            "loss": "half_squared_error",
        },
        "notation": {"naming": naming, "layout": layout, "symbols": symbols or {}},
    }
    problem = sbp.problem(content)
    return Notation.of(sbp.derive(problem).graph, problem.notation)


def printed(notation: Notation, name: str) -> str:
    """Return the TeX of a quantity, or of a gradient (`d` before its name)."""
    (text,) = documents.printed(notation, Adjoint(name[1:]) if name.startswith("d") else Name(name))
    return text


NAMED = [
    # naming, layout, widths, name, symbol
    ("layered", "column", (2, 3, 1), "W1_3_2", "W^{(1)}_{32}"),
    ("layered", "row", (2, 3, 1), "W1_3_2", "W^{(1)}_{32}"),
    ("layered", "column", (12, 3, 1), "W1_1_12", "W^{(1)}_{1,12}"),
    ("layered", "column", (2, 3, 1), "W1", "W^{(1)}"),
    ("layered", "column", (2, 3, 1), "b1_2", "b^{(1)}_2"),
    ("layered", "column", (2, 3, 1), "z2_1", "z^{(2)}_1"),
    ("layered", "column", (2, 3, 1), "a1_3", "a^{(1)}_3"),
    ("layered", "column", (2, 3, 1), "x_2", "x_2"),
    ("layered", "column", (2, 3, 1), "y_1", "y_1"),
    ("layered", "column", (2, 3, 1), "L", "L"),
    ("layered", "column", (2, 3, 1), "dz1_2", r"\delta^{(1)}_2"),
    ("layered", "column", (2, 3, 1), "da1_2", r"\frac{\partial L}{\partial a^{(1)}_2}"),
    ("flat", "column", (2, 3, 1), "W1_1_2", "w_2"),
    ("flat", "column", (2, 3, 1), "W1_2_1", "w_3"),
    ("flat", "row", (2, 3, 1), "W1_2_1", "w_3"),
    ("flat", "row", (2, 3, 1), "W2_1_1", "w_7"),
    ("flat", "column", (2, 3, 4, 1), "W2_1_1", "w_7"),
    ("flat", "column", (2, 3, 1), "b1_2", "b_{h_2}"),
    ("flat", "column", (2, 3, 1), "z1_2", "z_{h_2}"),
    ("flat", "column", (2, 3, 1), "z2_1", "z_{o_1}"),
    ("flat", "column", (2, 3, 1), "a1_2", "h_2"),
    ("flat", "column", (2, 3, 1), "a2_1", "o_1"),
    ("flat", "column", (2, 3, 4, 1), "a1_2", "h^{(1)}_2"),
    ("flat", "column", (2, 3, 4, 1), "z2_4", "z^{(2)}_{h_4}"),
    ("flat", "column", (2, 3, 4, 1), "dz2_4", r"\delta^{(2)}_{h_4}"),
    ("flat", "column", (2, 3, 4, 1), "b2_4", "b^{(2)}_{h_4}"),
    ("flat", "column", (2, 3, 1), "x_2", "i_2"),
    ("flat", "column", (2, 3, 1), "y_1", "t_1"),
]


@pytest.mark.parametrize(("naming", "layout", "units", "name", "expected"), NAMED)
def test_symbol_of_a_name(naming: str, layout: str, units: tuple[int, ...], name: str, expected: str) -> None:
    """The published conventions: Nielsen's layers with to-from indices, or flat numbers by layer and to-unit."""
    assert expected == printed(notation(units, naming, layout), name)


@pytest.mark.parametrize(
    ("naming", "symbols", "name", "expected"),
    [
        ("layered", {"activation": "out"}, "a1_2", r"\mathrm{out}^{(1)}_2"),
        ("flat", {"activation": "out"}, "a1_2", r"\mathrm{out}_{h_2}"),
        ("flat", {"pre_activation": "net"}, "z2_1", r"\mathrm{net}_{o_1}"),
        ("layered", {"loss": "E_total"}, "L", r"E_{\mathrm{total}}"),
        ("layered", {"delta": r"\varphi"}, "dz1_1", None),
        ("layered", {"delta": r"\phi"}, "dz1_1", r"\phi^{(1)}_1"),
        ("layered", {"weight": "θ"}, "W1_2_1", r"\theta^{(1)}_{21}"),
        ("layered", {"input": "x_in"}, "x_2", r"x_{\mathrm{in},2}"),
        ("layered", {"input": "u_1"}, "x_2", "u_{1,2}"),
    ],
)
def test_symbols_of_the_users(naming: str, symbols: Mapping[str, str], name: str, expected: str | None) -> None:
    """A letter, a Greek letter or a word replaces the usual one; words stand upright, a second index after a comma."""
    if expected is None:
        with pytest.raises(ProblemError, match="cannot be printed"):
            notation((2, 2, 1), naming, symbols=symbols)
    else:
        assert expected == printed(notation((2, 2, 1), naming, symbols=symbols), name)


HOSTILE = [
    "", " ", "1", "a b", "a$b", r"\input", r"\write18{x}", "a^2", "a_{b", "a_{b}c", "a{b}", "%", "#1", "x;y", "a\nb", "中",
    "a_中", "x" * 31, "<b>", "a_b^c", "\\", "$x$", "~", "&", "α中",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_symbol_is_refused(text: str) -> None:
    """Nothing reaches TeX but letters, digits and one index."""
    assert parse_symbol(text) is None
    with pytest.raises(ProblemError, match="cannot be printed"):
        check_symbols({"loss": text}, "notation.symbols")


def test_unknown_kind_of_symbol_names_the_nearest() -> None:
    """A misspelt kind is reported with the kinds there are."""
    with pytest.raises(ProblemError, match=r'(?s)"activaton".*"activation"'):
        check_symbols({"activaton": "a"}, "notation.symbols")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("naming", NAMINGS)
def test_every_kind_has_a_letter_that_can_be_printed(naming: str, kind: str) -> None:
    """The letters of a convention are themselves symbols; a kind that it lacks belongs to the other convention."""
    letters = {**COMMON, **NAMINGS[naming].letters}
    assert kind in letters or any(kind in row.letters for row in NAMINGS.values() if row.name != naming)
    assert kind not in letters or parse_symbol(letters[kind]) is not None


@pytest.mark.parametrize("name", [*WITH_FORMULA, *PRIMITIVES])
def test_every_function_has_a_symbol(name: str) -> None:
    """A registered function prints as one TeX command or upright word, never as a product of letters."""
    text = tex.write(function_name(name))
    assert text.startswith("\\") and "operatorname" not in text
    if not (name in ACTIVATIONS and ACTIVATIONS[name].vector):
        arguments: tuple[Node, ...] = (Name("x_1"),) * (PRIMITIVES[name].arity if name in PRIMITIVES else 1)
        if name == WHERE:
            arguments = (step_of(Comparison(Name("x_1"), ">", ZERO)), *arguments[1:])
        assert "x_1" in documents.printed(notation((1, 1)), Apply(name, arguments))[0]


@pytest.mark.parametrize("text", ["f", "my_f", "f1", "swish"])
def test_word_of_a_function_of_the_users_is_one_word(text: str) -> None:
    """A name of several characters stands upright, its underscores printed."""
    assert word(text).count(text.replace("_", r"\_")) == 1
    assert len(text) == 1 or word(text).startswith(r"\mathrm{")


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("naming", NAMINGS)
def test_every_loss_is_written_in_symbols(naming: str, loss: str) -> None:
    """No code name reaches the page."""
    fitting = build.fitting_activations(LOSSES[loss].predictions)
    content = {
        "network": {"inputs": 1, "layers": [{"units": 2, "activation": fitting[0]}], "loss": loss},
        "notation": {"naming": naming},
    }
    derivation = sbp.derive(sbp.problem(content))
    used = Notation.of(derivation.graph, derivation.problem.notation)
    for name, equation in each(derivation.equations.items()):
        text = " = ".join(documents.printed(used, Name(name), equation.formula()))
        assert not any(f"{code}1" in text for code in ("W", "z", "a", "delta")), text


@pytest.mark.parametrize("units", [(1, 1), (2, 2, 2), (12, 11, 3, 2), (2, 1, 1, 1, 1)])
@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize(("naming", "layout"), list(itertools.product(NAMINGS, ("column", "row"))))
def test_different_elements_never_print_alike(naming: str, layout: str, bias: str, units: tuple[int, ...]) -> None:
    """A symbol says which quantity it is: elements, their δ and, in a batch, their samples."""
    found = notation(units, naming, layout, bias)
    texts: dict[str, str] = {}
    for quantity in each(found.graph.quantities.values()):
        for element in each(quantity.elements()):
            for text in (symbol(found.symbol(element)), symbol(found.symbol(element, 3))):
                assert texts.setdefault(text, element) == element
            delta = found.delta(element)
            if delta is not None:
                assert texts.setdefault(symbol(delta), f"delta of {element}") == f"delta of {element}"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("s", "s"),
        ("h1", "h_1"),
        ("Wx", "W_x"),
        ("beta2", r"\beta_2"),
        ("loss_total", r"\mathrm{loss}_{\mathrm{total}}"),
        ("_w", "w"),
        ("x__y", "x_y"),
        ("_", r"\_"),
        ("größe", r"\mathrm{größe}"),
    ],
)
def test_symbol_of_a_name_of_the_users_own(name: str, expected: str) -> None:
    """A quantity of a computation graph is printed by its own name, never without a letter."""
    assert expected == symbol(own_symbol(name))


def test_names_with_underscores_and_other_letters_are_documented() -> None:
    """Any name that the problem file takes can be worked out on paper."""
    graph = {
        "parameters": {"größe": 2, "_w": [1, 2], "x__y": [[1, 2], [3, 4]]},
        "inputs": {"x1": [1, 2]},
        "equations": ["s = größe*_w[0] + sum(x__y @ x1)", "loss_total = s**2/2"],
        "output": "loss_total",
    }
    text = rendering.render(sbp.solve(sbp.problem({"graph": graph})), "markdown", detail="full,matrix")
    assert r"\mathrm{größe}" in text


ALIKE = [
    ({"x_1": 2, "x1": 1}, "x1*x_1", "x_1 and x1"),
    ({"x1": 2, "x": [1, 2]}, "x1*x[0]", "x1 and x_1"),
    ({"W11": 1, "W": [[3]]}, "W11*W[0, 0]", "W11 and W_1_1"),
    ({"W12": 1, "W": [[3, 4]]}, "W12*W[0, 1]", "W12 and W_1_2"),
    ({"h12": 1, "h_12": 2}, "h12*h_12", "h12 and h_12"),
    ({"alpha": 1, "α": 2}, "alpha*α", "alpha and α"),
]


@pytest.mark.parametrize("naming", NAMINGS)
@pytest.mark.parametrize(("parameters", "formula", "pair"), ALIKE)
def test_quantities_of_a_graph_that_print_alike_are_refused(
    parameters: dict[str, object], formula: str, pair: str, naming: str
) -> None:
    """Two quantities never share a symbol, in no convention; with a name of its own for one of them both can stay."""
    graph = {"parameters": parameters, "equations": [f"y = {formula}"], "output": "y"}
    with pytest.raises(ProblemError, match=f"{pair} would be printed alike"):
        sbp.derive(sbp.problem({"graph": graph, "notation": {"naming": naming}}))
    own = {"base": naming, pair.partition(" ")[0]: "t"}
    assert sbp.derive(sbp.problem({"graph": graph, "notation": {"naming": own}})).graph.output == "y"


def test_letters_in_other_cases_are_no_pair() -> None:
    """Letters: x and X, w and w1, a vector and a matrix of other letters print apart."""
    parameters = {"x": 1, "X": 2, "w": 3, "w1": 4, "v": [1, 2], "v3": 1, "x_": 2}
    graph = {"parameters": parameters, "equations": ["y = x*X + w*w1 + v[0]*v3 + x_"], "output": "y"}
    assert sbp.derive(sbp.problem({"graph": graph})).graph.output == "y"
