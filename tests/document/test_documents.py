"""Documents: every printed line is true, and nothing is printed in a forbidden way."""

from __future__ import annotations

import itertools
import operator
import re
from collections.abc import Iterator
from fractions import Fraction

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import symbackprop as sbp
from symbackprop import document, rendering
from symbackprop.algebra import functions
from symbackprop.algebra.formula import (
    Apply,
    Hadamard,
    MatrixProduct,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Stack,
    Sum,
    map_children,
    negated,
    walk,
)
from symbackprop.arithmetic import decimals, exact
from symbackprop.catalog.losses import LOSSES
from symbackprop.document.blocks import Chain, Display, Document, Relation, Section
from symbackprop.document.calculation import numerals, verified_lines
from symbackprop.document.display_nodes import Boxed, Leaf, Numeral, Shown, Tone
from symbackprop.problems import build
from symbackprop.problems.load import examples
from tests.documents import composed, losses_of, some, text_of
from tests.helpers import many

FORBIDDEN = {
    "double minus": r"--(?!-)|- -|-\s*\\\w*bwd\{-|\+ -|\+\s*\\\w*[fb]wd\{-",
    "minus after a cross without parentheses": r"\\times\s*(?:\\[fb]wd\{)?-",
    "negative exponent written twice": r"e\^\{--",
    "negative zero": r"-0\.0*(?![0-9])",
    "a bare 1 before a letter": r"(?<![0-9.,_{^(\[])1[a-zA-Z]",
}


def sections_of(sections: tuple[Section, ...]) -> Iterator[Section]:
    """Yield sections and subsections."""
    for section in sections:
        yield section
        yield from sections_of(section.sections)


def chains_of(content: Document) -> Iterator[Chain]:
    """Yield every displayed chain of a document."""
    for section in sections_of(content.sections):
        for block in section.blocks:
            if isinstance(block, Display):
                yield from block.chains


def read(numeral: Numeral) -> Fraction:
    """Return what a reader reads in a printed number."""
    value = Fraction(numeral.text) * Fraction(10) ** numeral.exponent
    return value / int(numeral.denominator) if numeral.denominator else value


def significant(numeral: Numeral) -> int:
    """Return the number of significant digits printed."""
    return len(numeral.text.replace(".", "").lstrip("-0")) or 1


def calculator(formula: Node) -> Fraction:
    """Return what a 50-digit calculator gives for a printed formula, from the printed digits alone."""

    def leaf(part: Node) -> exact.Exact | None:
        if isinstance(part, Shown):
            return read(part.numeral)
        if isinstance(part, Leaf):
            return part.value
        return calculator(part.body) if isinstance(part, Boxed) else None

    return decimals.to_fraction(exact.evaluate(formula, leaf))


Rows = list[list[Fraction]]
"""An array as it stands on paper; a number is one row of one."""


def array_calculator(formula: Node) -> Rows | None:
    """Return the same for a formula between printed arrays; None for a function of a whole vector, such as softmax."""
    if not any(isinstance(part, Stack) for part in walk(formula)):
        return [[calculator(formula)]]
    if isinstance(formula, Stack):
        return [[calculator(entry) for entry in row] for row in formula.items]
    parts = [array_calculator(part) for part in formula]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or (isinstance(formula, Apply) and functions.is_vector(formula.function)):
        return None
    if isinstance(formula, MatrixProduct):
        left, right = known
        return [
            [sum(map(operator.mul, row, column), Fraction(0)) for column in zip(*right, strict=True)] for row in left
        ]
    height, width = (max(len(lines(rows)) for rows in known) for lines in (lambda rows: rows, lambda rows: rows[0]))
    assert all(len(rows) in (1, height) and len(rows[0]) in (1, width) for rows in known), formula
    # A row is added to every row of a matrix, a column to every column.
    scalar = Product(formula.factors) if isinstance(formula, Hadamard) else formula
    spread = [[[row[j % len(row)] for j in range(width)] for row in rows] * (height // len(rows)) for rows in known]

    def entry(i: int, j: int) -> Fraction:
        numbers = iter(spread)
        return calculator(map_children(scalar, lambda _: Leaf(next(numbers)[i][j])))

    return [[entry(i, j) for j in range(width)] for i in range(height)]


def has_names(formula: Node) -> bool:
    """Say whether a formula still has symbols in it."""
    return not any(isinstance(part, Shown) for part in walk(formula))


def rounded_numbers(formula: Node) -> set[exact.Exact]:
    """Return the sizes of the rounded numbers in a formula."""
    return {abs(part.value) for part in walk(formula) if isinstance(part, Shown) and not part.exact}


def assert_chain_is_true(chain: Chain) -> int:
    """Assert every equality between numbers, or arrays of numbers, of a chain; return how many were checked."""
    numeric = [step for step in chain.steps if not has_names(step.formula)]
    result = numeric[-1].formula if numeric else None
    result = result.body if isinstance(result, Boxed) else result
    checked = 0
    for before, after in itertools.pairwise(numeric):
        left, right = array_calculator(before.formula), array_calculator(after.formula)
        if left is None or right is None:
            continue
        if after.relation is Relation.EQUAL:
            assert left == right, chain
            # Nothing is rounded anew: what is 1 × 0.25… or 0 + 0.25… is equal to 0.25….
            old, new = (rounded_numbers(step.formula) for step in (before, after))
            assert new <= old
        results = [entry for row in result.items for entry in row] if isinstance(result, Stack) else [result]
        for value, entry in zip([value for row in left for value in row], results, strict=True):
            assert isinstance(entry, Shown)
            digits = significant(entry.numeral)
            expected = decimals.rounded(read(entry.numeral), digits)
            assert expected == decimals.rounded(value, digits), (chain, float(value))
        checked += 1
    return checked


@pytest.mark.parametrize("name", some(examples()))
def test_document_lines_are_true_in_examples(name: str) -> None:
    """Typing any printed line into a calculator gives the printed result to its last digit."""
    checked = sum(map(assert_chain_is_true, chains_of(composed(name))))
    assert checked > 5


rationals = st.builds(lambda n, d: f"{n}/{d}", st.integers(-30, 30), st.sampled_from([1, 2, 3, 4, 5, 7, 10, 100]))


@st.composite
def problems(draw: st.DrawFn) -> dict[str, object]:
    """Draw the content of a random problem."""
    widths = draw(st.lists(st.integers(1, 3), min_size=2, max_size=4))
    loss = draw(st.sampled_from(losses_of(widths[-1])))
    fitting = build.fitting_activations(LOSSES[loss].predictions)
    inner = draw(st.lists(st.sampled_from(functions.WITH_FORMULA), min_size=len(widths) - 2, max_size=len(widths) - 2))
    names = [*inner, draw(st.sampled_from(fitting))]
    bias = draw(st.sampled_from(["per_unit", "shared", "none", "threshold"]))
    samples = draw(st.sampled_from([None, 1, 2]))
    inputs, *units = widths
    content: dict[str, object] = {
        "network": {
            "inputs": inputs,
            "layers": [{"units": u, "activation": a, "bias": bias} for u, a in zip(units, names, strict=True)],
            "loss": loss,
            "reduction": draw(st.sampled_from(["mean", "sum"])),
        },
        "training": {"learning_rate": draw(st.sampled_from([0.5, 0.1, "1/3"])), "steps": 1},
        "notation": {
            "naming": draw(st.sampled_from(["layered", "flat"])),
            "layout": draw(st.sampled_from(["column", "row"])),
            "digits": draw(st.integers(3, 8)),
        },
    }
    blank = sbp.problem(content)

    def numbers(shape: tuple[int, ...]) -> object:
        if not shape:
            return draw(rationals)
        return [numbers(shape[1:]) for _ in range(shape[0])]

    content["parameters"] = {name: numbers(shape) for name, shape in blank.parameter_shapes().items()}
    target = ["1"] + ["0"] * (units[-1] - 1)
    content["data"] = {
        "x": numbers((inputs,)) if samples is None else numbers((samples, inputs)),
        "y": target if samples is None else [target] * samples,
    }
    return content


@settings(max_examples=many(20, share=10), deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate])
@given(problems())
def test_document_lines_are_true_in_random_problems(content: dict[str, object]) -> None:
    """The truth rule holds for any network, activation, loss, bias, layout, batch and number of digits."""
    try:
        solution = sbp.solve(sbp.problem(content))
    except sbp.errors.EvaluationError:
        return  # a saturated unit under a logarithm: there is no loss to print
    for chain in chains_of(document.compose(solution)):
        assert_chain_is_true(chain)
    for format in ("latex", "markdown"):
        assert_nothing_forbidden(rendering.render(solution, format))


def assert_nothing_forbidden(text: str) -> None:
    """Assert that none of the forbidden patterns is in the formulas of a document."""
    body = text.split(r"\begin{document}")[-1]
    formulas = re.findall(r"\\begin\{align(?:ed|\*)\}(.*?)\\end\{align", body, re.DOTALL) + re.findall(
        r"(?<!\$)\$[^$\n]+\$(?!\$)", body
    )
    for formula in formulas:
        for name, pattern in FORBIDDEN.items():
            found = re.search(pattern, formula)
            assert found is None, (name, formula[max(0, found.start() - 30) : found.end() + 30] if found else "")


@pytest.mark.parametrize("format", ["latex", "markdown"])
@pytest.mark.parametrize("name", some(examples()))
def test_document_has_no_forbidden_pattern(name: str, format: str) -> None:
    """No `--`, `+ -`, `-0.0`, `1x` or minus behind a cross without parentheses."""
    assert_nothing_forbidden(text_of(name, format))


def lines(formula: Node, digits: int = 6, *, fractions: bool = False) -> list[str]:
    """Return the relations and results of the lines of a formula over leaves, for short tests."""
    steps = verified_lines.lines(formula, numerals.Style(digits, fractions), Tone.PLAIN)
    return [
        ("= " if step.relation is Relation.EQUAL else "≈ ")
        + (step.formula.numeral.text if isinstance(step.formula, Shown) else "…")
        for step in steps
    ]


def test_truth_guard_digits_are_found_for_the_known_product() -> None:
    """0.138499 × 0.593270 is 0.0821673, but the gradient is 0.0821670: the operands get guard digits."""
    left, right = Fraction("0.13849856162855698"), Fraction("0.5932699921071872")
    first, last = verified_lines.lines(Product((Leaf(left), Leaf(right))), numerals.Style(6), Tone.PLAIN)
    printed = [part.numeral.text for part in walk(first.formula) if isinstance(part, Shown)]
    assert isinstance(last.formula, Shown)
    assert (last.formula.numeral.text, min(map(len, printed)) > len("0.138499")) == ("0.0821670", True)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (Sum((Leaf(Fraction(1, 4)), Leaf(Fraction(1, 8)))), ["= …", "= 0.375"]),
        (Product((Leaf(Fraction(1, 3)), Leaf(Fraction(3)))), ["≈ …", "≈ 1"]),
        (Sum((Leaf(Fraction(1, 3)), negated(Leaf(Fraction(1, 3))))), ["≈ …", "≈ 0"]),
        (Quotient(Leaf(Fraction(2)), Leaf(Fraction(3))), ["= …", "≈ 0.666667"]),
        (Power(Leaf(Fraction(-1, 2)), Number(Fraction(2))), ["= …", "= 0.25"]),
        (Product((Leaf(Fraction(1, 3)), Leaf(Fraction(1)))), ["≈ …", "= 0.333333"]),
        (Product((Leaf(Fraction(0)), Leaf(Fraction(1, 3)))), ["≈ …", "= 0"]),
        (Sum((Leaf(Fraction(0)), negated(Leaf(Fraction(1, 3))))), ["≈ …", "= -0.333333"]),
        (Product((Leaf(Fraction(1, 2)), Leaf(Fraction(2, 3)))), ["≈ …", "≈ 0.333333"]),
        (Product((Leaf(Fraction(1, 2)), Leaf(Fraction("0.24682468246")))), ["≈ …", "≈ 0.123412"]),
    ],
)
def test_truth_relation_is_equal_only_where_nothing_is_rounded_anew(formula: Node, expected: list[str]) -> None:
    """`=` joins exact numbers that are equal, and what multiplying by 0 or 1 and adding 0 leave; `≈` all other rounding."""
    assert lines(formula) == expected


def test_truth_fractions_stay_fractions_in_fraction_style() -> None:
    """A problem stated in fractions is solved in fractions, with equality signs."""
    steps = verified_lines.lines(
        Product((Leaf(Fraction(1, 3)), Leaf(Fraction(2, 5)))), numerals.Style(6, True), Tone.PLAIN
    )
    last = steps[-1]
    assert isinstance(last.formula, Shown)
    assert (last.relation, last.formula.numeral) == (Relation.EQUAL, Numeral("2", denominator="15"))


def test_truth_of_zero_over_a_rounded_number_has_its_lines() -> None:
    """0/1.64872… is exactly 0; a line with it is printed in all its steps, not the result alone."""
    root = Leaf(exact.to_real(Fraction(1)) * exact.CONTEXT.exp(Fraction(1, 2)))
    share = Quotient(Leaf(Fraction(0)), root)
    assert exact.divide(Fraction(0), root.value) == Fraction(0)
    assert isinstance(exact.divide(Fraction(0), root.value), Fraction)
    assert lines(share) == ["≈ …", "= 0"]
    assert lines(Sum((share, Product((root, Leaf(Fraction(1, 3)))))))[0] == "≈ …"


def test_truth_of_a_sum_that_vanishes_in_rounding_noise_is_zero() -> None:
    """A sum that is zero but for the 50th digit prints as 0."""
    third = exact.to_real(Fraction(1, 3))
    noise = third + exact.Real("1e-49")
    assert lines(Sum((Leaf(noise), negated(Leaf(third)))))[-1] == "≈ 0"


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [
        (Fraction("0.0821670405642308"), 6, "0.0821670"),
        (Fraction("-0.2"), 6, "-0.2"),
        (Fraction(12345678), 6, "12345678"),
        (Fraction(2, 3), 3, "0.667"),
        (Fraction(0), 6, "0"),
        (Fraction("999999.7"), 4, "999999.7"),
        (exact.to_real(Fraction("999999.7")), 4, "1.000e6"),
        (exact.to_real(Fraction("1234.5678")), 3, "1.23e3"),
        (exact.to_real(Fraction("0.00001234567")), 4, "1.235e-5"),
        (exact.to_real(Fraction("0.0001234567")), 4, "0.0001235"),
    ],
)
def test_numeral_shows_the_digits_asked_for(value: exact.Exact, digits: int, expected: str) -> None:
    """Rounded numbers keep their zeros, short decimals stay exact, extreme ones take a power of ten."""
    numeral = numerals.show(value, numerals.Style(digits)).numeral
    assert numeral.text + (f"e{numeral.exponent}" if numeral.exponent else "") == expected


def markdown(name: str, *overrides: tuple[str, object]) -> str:
    """Return the Markdown of an example with some keys replaced."""
    return rendering.render(sbp.solve(sbp.example(name, overrides)), "markdown")


def test_document_of_an_ascent_does_not_blame_the_step() -> None:
    """A loss that rises is a step too long only where the step was meant to make it fall."""
    rising = markdown("line", ("training.learning_rate", "2.5"), ("training.steps", 1))
    climbing = markdown("line", ("training.learning_rate", "-0.5"), ("training.steps", 1))
    assert ["rose" in text for text in (rising, climbing)] == [True, True]
    assert ["too long" in text for text in (rising, climbing)] == [True, False]


@pytest.mark.parametrize(
    ("activation", "alpha", "value"),
    [
        ("relu", None, "0"),
        ("leaky_relu", "0.01", "0.01"),
        ("elu", "2", "2"),
        ("elu", "1", None),
        ("sigmoid", None, None),
        ("softsign", None, None),
    ],
)
def test_document_states_the_derivative_taken_at_a_kink(activation: str, alpha: str | None, value: str | None) -> None:
    """Every activation that has a kink at 0 says what its derivative is there; smooth ones, ELU with α = 1, say nothing."""
    settings = [("network.layers.0.alpha", alpha)] if alpha else []
    text = markdown("classifier", ("network.layers.0.activation", activation), *settings)
    stated = [line for line in text.splitlines() if "formula of" in line]
    assert [f"taken to be ${value}$." in line for line in stated] == ([] if value is None else [True])


def test_document_of_a_batch_states_the_learning_rate() -> None:
    """The table of symbols gives the learning rate its value, also where nothing else has one."""
    assert "Learning rate | $0.1$ |" in markdown("xor", ("training.epochs", 1))
