"""Parts of the layout of formulas and of a document's view: numbers, lines, tables, names of places, cells."""

from __future__ import annotations

import json
import re
from fractions import Fraction

import pytest

import symbackprop as sbp
from symbackprop import rendering
from symbackprop.algebra.formula import (
    Adjoint,
    Apply,
    MatrixProduct,
    Name,
    Negative,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    Transposed,
)
from symbackprop.document.blocks import Chain, ChainStep, Relation
from symbackprop.document.display_nodes import Gradient
from symbackprop.figures import curves, plot_axes
from symbackprop.rendering import anchors, layout, notebook_file, plot_svg, plots, svg_parts, view_models
from symbackprop.rendering.dialects import table, tex
from symbackprop.rendering.drafts import Draft
from symbackprop.rendering.layout import array_formulas, boxes, breaking, digits, generic
from symbackprop.rendering.layout.formula_layout import ATOM, PARTIAL, Layout, is_numeric
from tests.documents import solved, text_of
from tests.helpers import each


@pytest.fixture
def mazur() -> Layout:
    """Return the layout of an example's formulas."""
    return layout.of(solved("mazur").notation)


def test_layout_brackets_what_is_looser_than_its_place(mazur: Layout) -> None:
    """A sum in a product is in parentheses, alone it is not; a derivative by a name has ∂ above and below."""
    total = Sum((Name("x_1"), Name("x_2")))
    assert isinstance(mazur.inside(total, ATOM), boxes.Fenced)
    assert mazur.inside(Name("x_1"), ATOM) == mazur.box(Name("x_1"))
    assert 2 == tex.write(mazur.derivative(mazur.box(Name("L")), mazur.box(Name("W1_1_1")))[0]).count(
        tex.write(PARTIAL)
    )
    assert not is_numeric(total)


@pytest.mark.parametrize(
    ("name", "names", "expected"),
    [
        ("g", {}, r"e^{-s}"),
        ("e", {}, r"\exp(-s)"),
        ("g", {"g": "e"}, r"\exp(-s)"),
        ("g", {"s": "e_1"}, r"\exp(-e_1)"),
    ],
)
def test_letter_of_a_quantity_is_no_constant(name: str, names: dict[str, str], expected: str) -> None:
    """Where a problem prints a quantity as e, the exponential function is exp."""
    problem = sbp.problem(
        {
            "graph": {"parameters": {"w": 2}, "equations": ["s = w**2", f"{name} = exp(-s)"], "output": name},
            "notation": {"naming": {"base": "layered", **names}},
        }
    )
    found = layout.of(sbp.solve(problem).notation)
    assert expected == tex.write(found.box(Apply("exp", (Negative(Name("s")),))))


@pytest.mark.parametrize(
    ("value", "expected"), [("2", "2"), ("-2", "-2"), ("1/2", r"\frac{1}{2}"), ("-1/2", r"-\frac{1}{2}")]
)
def test_constant_is_a_number_or_a_fraction(value: str, expected: str, mazur: Layout) -> None:
    """Whole numbers are digits, others fractions with the sign before them; a small place has a slash."""
    assert expected == tex.write(mazur.box(Number(Fraction(value))))
    small = tex.write(digits.slashed(Fraction(value)))
    assert value == small


def test_arrays_are_transposed_and_multiplied_without_a_sign(mazur: Layout) -> None:
    """Wᵀδ is a product of letters that stand beside each other; functions of arrays have rules of their own."""
    written = tex.write(mazur.box(MatrixProduct(Transposed(Name("W2")), Name("z2"))))
    assert r"\top" in written and r"\times" not in written
    assert array_formulas.is_array_function(Apply("outer", (Name("z2"), Name("a1"))))
    assert not array_formulas.is_array_function(Apply("sigmoid", (Name("z2"),)))


def test_generic_rules_are_rules_of_the_layout(mazur: Layout) -> None:
    """Every kind of node of an arbitrary layer has its rule among those of a layout."""
    for kind in each(generic.RULES, least=4):
        assert mazur.rules[kind] is generic.RULES[kind]


def test_long_sum_is_broken_before_its_signs(mazur: Layout) -> None:
    """In a narrow room a sum has several lines, each but the first beginning with a sign; in a wide one it has one."""
    total = Sum(tuple(Product((Name("W1_1_1"), Name(name))) for name in ("x_1", "x_2", "x_1", "x_2")))
    assert 1 == len(breaking.broken(mazur, total, 200))
    lines = [tex.write(line) for line in breaking.broken(mazur, total, 8)]
    assert 2 < len(lines)
    assert [] == [line for line in lines[1:] if not line.lstrip("{} ").startswith("+")]


@pytest.mark.parametrize("count", range(4, 40, 3))
@pytest.mark.parametrize("room", [40, 70, 90])
def test_factor_stays_on_the_line_of_a_long_sum(count: int, room: int, mazur: Layout) -> None:
    """Half a long sum of squares does not begin with a line that holds the half alone."""
    squares = Sum(tuple(Power(Name(f"W{1 + place % 2}_1_1"), Number(Fraction(2))) for place in range(count)))
    for factor in (Number(Fraction(1, 2)), Quotient(Name("x_1"), Number(Fraction(2)))):
        first = breaking.broken(mazur, Product((factor, squares)), room)[0]
        assert mazur.measure(first) > mazur.measure(mazur.box(factor)) + 2


def test_chain_that_fits_is_one_line(mazur: Layout) -> None:
    """Steps that fit stand in one line, and where there is no room each in its own."""
    chain = Chain(Name("z1_1"), (ChainStep(Relation.EQUAL, Name("x_1")), ChainStep(Relation.EQUAL, Name("x_2"))))
    assert (1, 2) == tuple(len(breaking.chain_lines(mazur, chain, room)) for room in (200, 3))
    assert 2 == len(breaking.step_boxes(mazur, chain))


def test_long_table_stands_beside_itself() -> None:
    """A table of thirty narrow rows is set in groups as far as there is room; a short one stays as it is."""
    rows = [[2.0, 2.0]] * 30
    assert 1 < breaking.groups(rows, 4, 100)
    assert 1 == breaking.groups(rows[:4], 4, 100) == breaking.groups(rows, 4, 10)
    assert breaking.breaks(rows, 100) and not breaking.breaks(rows[:4], 100)


def test_dialect_that_lacks_a_box_is_no_dialect() -> None:
    """A table without a kind of box, or with one that does not exist, is refused by the names of these kinds."""
    with pytest.raises(TypeError, match="Fraction"):
        table.complete("mine", {})
    every = dict.fromkeys(boxes.KINDS, str)
    assert set(boxes.KINDS) == set(table.complete("mine", every))


def test_anchor_is_of_one_place() -> None:
    """A quantity has a name where it is worked out; the same name again is taken away."""
    step = ChainStep(Relation.EQUAL, Name("x"))
    assert "value-x" == anchors.anchor(Chain(Name("x"), (step, step)))
    assert "gradient-x-2" == anchors.anchor(Chain(Gradient("x", 2), (step, step)))
    anchored = ("value-x", "value-x", "")
    cells = [{"anchor": anchor, "result": name} for anchor, name in zip(anchored, "abc", strict=True)]
    table_view = {"kind": "table", "places": [[anchors.places(Name("x")), anchors.places(Gradient("x")), []]]}
    blocks: list[dict[str, object]] = [{"kind": "display", "lines": [{"cells": cells, "closes": True}]}, table_view]
    anchors.settle(blocks)
    assert ["value-x", "", ""] == [cell["anchor"] for cell in cells]
    # What stands behind a name that was taken away is a result of something else, and has no name either.
    assert ["a", "", ""] == [cell["result"] for cell in cells]
    # A cell leads to a line that there is, and to none that there is not.
    assert [["value-x", "", ""]] == table_view["links"]


def test_view_of_a_document_has_escaped_text_and_printed_formulas() -> None:
    """Templates see sections with titles; a deferred text is written when it is printed and not before."""
    draft = Draft(rendering.formats()["markdown"], solved("line"), "en", ("full",))
    assert draft.view["sections"]
    asked = []
    deferred = view_models.Deferred(lambda: asked.append(1) or "drawn")  # type: ignore[func-returns-value]
    assert [] == asked
    assert "drawn" == str(deferred)


def test_notebook_has_its_code_beside_the_sections() -> None:
    """The places of code are ids of sections; each part has its cells."""
    cells = json.loads(text_of("line", "notebook"))["cells"]
    assert {"code", "markdown"} == {cell["cell_type"] for cell in cells}
    assert {"given", "forward", "backward"} <= set(notebook_file.PLACES)


def test_plot_is_a_picture_in_every_kind_of_file() -> None:
    """A curve is SVG with its words, its axes and their ticks, and a file of its own by each kind."""
    plot = curves.losses(solved("line"))
    assert plot is not None
    drawn = "".join(plot_svg.lines(plot, "Loss", "It falls.", "en", on_paper=False))
    assert "<title>Loss</title>" in drawn and "It falls." in drawn
    texts = re.findall(r"<text[^>]*>([^<]*)", drawn)
    assert {tick.label.text for axis in plot_axes.axes(plot) for tick in axis.ticks} <= set(texts)
    assert svg_parts.style(("svg.figure path", "stroke"), ("svg.figure path.filled", "fill")) in drawn
    begins = {"svg": b"<", "png": b"\x89PNG", "pdf": b"%PDF"}
    for kind in each(plots.FILES):
        assert plots.image(plot, kind, "en").startswith(begins[kind]), kind


def test_quotient_and_gradient_are_laid_out(mazur: Layout) -> None:
    """A quotient is a fraction, and a gradient without a letter of its own a derivative."""
    nodes: list[Node] = [Quotient(Name("x_1"), Name("x_2")), Adjoint("W1_1_1")]
    for node in each(nodes):
        assert tex.write(mazur.box(node)).startswith(r"\frac")
