"""Exact logarithms: sums and rational multiples of logarithms of fractions stay exact, and e to their power is rational."""

from __future__ import annotations

import json
import pickle
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import symbackprop as sbp
from symbackprop import scripts
from symbackprop.algebra.formula import Negative, Power, Product, Quotient, Sum
from symbackprop.arithmetic import exact
from symbackprop.arithmetic.real_numbers import CONTEXT, LONGEST_FRACTION, Logarithm, logarithm
from symbackprop.cli import group
from symbackprop.document.blocks import Relation
from symbackprop.document.calculation.numerals import Style, show
from symbackprop.document.display_nodes import Leaf
from symbackprop.homework.assignments import variants
from symbackprop.problems.numbers import number
from symbackprop.rendering import json_result
from tests import documents
from tests.document.test_truth import assert_true, written
from tests.helpers import each, few, many
from tests.oracle import truth

F = Fraction
rationals = st.builds(Fraction, st.integers(-20, 20), st.integers(1, 12))
positive = st.builds(Fraction, st.integers(1, 30), st.integers(1, 30))
logarithms = st.builds(logarithm, positive, rationals, st.integers(1, 6))


def digits_of(value: Any) -> Any:
    """Return a number to 120 digits, by mpmath alone."""
    with mpmath.workdps(140):
        if isinstance(value, Logarithm):
            part = mpmath.log(mpmath.mpf(value.argument.numerator) / value.argument.denominator) / value.root
            return mpmath.mpf(value.offset.numerator) / value.offset.denominator + part
        return mpmath.mpf(value.numerator) / value.denominator


def ln(text: str) -> Any:
    """Return the value of an expression of a problem file."""
    return number(text, "test").value


@settings(max_examples=many(300), deadline=None, derandomize=True)
@given(logarithms, logarithms, rationals)
def test_sums_and_multiples_are_exact(left: Any, right: Any, factor: Fraction) -> None:
    """The sum, the difference and a rational multiple are fractions or logarithms, to 120 digits what mpmath finds."""
    cases = [
        (exact.add(left, right), lambda p, q, r: p + q),
        (exact.add(left, exact.negate(right)), lambda p, q, r: p - q),
        (exact.multiply(left, factor), lambda p, q, r: p * r),
        (exact.multiply(factor, right), lambda p, q, r: r * q),
        (exact.add(exact.divide(left, F(7)), factor), lambda p, q, r: p / 7 + r),
    ]
    for found, expected in each(cases):
        if not isinstance(found, Fraction | Logarithm):
            continue  # Too long, and a float; see below.
        with mpmath.workdps(130):
            wanted = expected(*map(digits_of, (left, right, factor)))
            assert abs(digits_of(found) - wanted) < mpmath.mpf(10) ** -120


@settings(max_examples=many(300), deadline=None, derandomize=True)
@given(logarithms, logarithms)
def test_equal_numbers_are_one(left: Any, right: Any) -> None:
    """Equality, order, sign and hash are those of the numbers, whatever they were made from."""
    difference = digits_of(left) - digits_of(right)
    assert (left == right) == (abs(difference) < 1e-100)
    assert exact.compare(left, right) == (0 if left == right else int(difference > 0) - int(difference < 0))
    assert exact.add(left, exact.negate(left)) == 0
    again = exact.add(exact.add(left, right), exact.negate(right))
    if isinstance(again, Fraction | Logarithm):
        assert (again, hash(again)) == (left, hash(left))
    assert pickle.loads(pickle.dumps(left)) == left
    assert abs(float(left) - float(digits_of(left))) <= 1e-15 * abs(float(left))


@settings(max_examples=many(200), deadline=None, derandomize=True)
@given(logarithms)
def test_text_states_the_number(value: Any) -> None:
    """A logarithm as text is an expression of a problem file that has this value."""
    assert ln(str(value)) == value


@settings(max_examples=many(200), deadline=None, derandomize=True)
@given(positive, positive)
def test_exponentials_lead_back(first: Fraction, second: Fraction) -> None:
    """e^(ln p + ln q) is pq, e^(-ln p) is 1/p, tanh(ln p) and sigmoid(ln p) are rational."""
    one, two = logarithm(first), logarithm(second)
    assert exact.apply("exp", (exact.add(one, two),)) == first * second
    assert exact.apply("exp", (exact.negate(one),)) == 1 / first
    assert exact.apply("tanh", (one,)) == (first**2 - 1) / (first**2 + 1)
    assert exact.apply("ln", (first,)) == one
    assert ln(f"sigmoid(ln({first}))") == first / (first + 1)
    assert ln(f"tanh(ln({first})/2)") == (first - 1) / (first + 1)


@pytest.mark.parametrize(
    "text",
    ["ln(2)*ln(3)", "exp(1 + ln(2))", "exp(ln(2)/2)", "ln(2)/ln(3)", "1/ln(2)", "ln(ln(3))", "sqrt(ln(2))", "ln(2)**2"],
)
def test_what_leaves_the_logarithms_is_a_float(text: str) -> None:
    """Products, quotients and functions of logarithms that are no logarithms have 50 digits, those of mpmath."""
    value = ln(text)
    assert type(value) is CONTEXT.mpf
    with mpmath.workdps(60):
        expected = mpmath.mpmathify(eval(text, {"ln": mpmath.log, "exp": mpmath.exp, "sqrt": mpmath.sqrt}))
    assert CONTEXT.nstr(value, 45) == mpmath.nstr(expected, 45)


def test_long_logarithms_are_floats() -> None:
    """What would need more than 60 digits is a float, and right; shorter ones near 1 and near 0 keep 50 digits."""
    long = exact.multiply(ln("ln(3)"), F(151, 400))
    assert type(long) is CONTEXT.mpf
    assert CONTEXT.nstr(long, 45) == CONTEXT.nstr(CONTEXT.log(3) * 151 / 400, 45)
    near = logarithm(1 + F(1, LONGEST_FRACTION // 10))
    assert CONTEXT.nstr(near.real, 40, strip_zeros=False).startswith("1.0000000000000000000000000000000000000")
    with mpmath.workdps(120):
        rest = mpmath.log(2) - mpmath.mpf(69314718055994530941723212145817656807550013436025) / mpmath.mpf(10) ** 50
        expected = mpmath.nstr(rest, 40)
    found = exact.add(ln("ln(2)"), -F(69314718055994530941723212145817656807550013436025, 10**50))
    assert CONTEXT.nstr(found.real, 40) == expected
    assert found > 0 > exact.negate(found)


def test_short_expressions_print_as_logarithms() -> None:
    """Signs, fractions, offsets and coefficients print as a book has them; long ones as decimals."""
    derivation = sbp.derive(sbp.example("line"))
    notation = sbp.solve(derivation.problem).notation
    style = Style(6, fractions=True)
    printed = {
        text: documents.printed(notation, show(ln(text), style))[0]
        for text in ("ln(2)", "ln(8)", "-ln(3)", "ln(2/5)", "-ln(2/5)", "3/2*ln(2)", "1/10 - ln(3)", "ln(12345)")
    }
    assert printed == {
        "ln(2)": r"\ln(2)",
        "ln(8)": r"\ln(8)",
        "-ln(3)": r"-\ln(3)",
        "ln(2/5)": r"\ln\left(\frac{2}{5}\right)",
        "-ln(2/5)": r"\ln\left(\frac{5}{2}\right)",
        "3/2*ln(2)": r"\frac{3}{2} \, \ln(2)",
        "1/10 - ln(3)": r"\frac{1}{10} - \ln(3)",
        "ln(12345)": "9.42101",
    }
    assert documents.printed(notation, show(ln("ln(2)"), Style(6))) == ["0.693147"]
    minus, offset = (show(ln(text), style) for text in ("-ln(3)", "1/10 - ln(3)"))
    two = show(F(2), style)
    assert documents.printed(notation, Sum((two, minus))) == [r"2 - \ln(3)"]
    assert documents.printed(notation, Sum((minus, minus))) == [r"-\ln(3) - \ln(3)"]
    assert documents.printed(notation, Product((two, minus))) == [r"2 \times (-\ln(3))"]
    assert documents.printed(notation, Negative(offset)) == [r"-\left(\frac{1}{10} - \ln(3)\right)"]
    assert documents.printed(notation, Product((two, offset))) == [r"2 \times \left(\frac{1}{10} - \ln(3)\right)"]
    assert documents.printed(notation, Sum((two, Negative(offset)))) == [r"2 - \left(\frac{1}{10} - \ln(3)\right)"]
    assert documents.printed(notation, Sum((two, offset))) == [r"2 + \left(\frac{1}{10} - \ln(3)\right)"]
    assert documents.printed(notation, Power(minus, two)) == [r"(-\ln(3))^{2}"]
    assert documents.printed(notation, Quotient(minus, two)) == [r"\frac{-\ln(3)}{2}"]


def test_lines_end_with_a_decimal() -> None:
    """−ln(2/5) is printed once, joined with ln(5/2) by =, and that with its decimal by ≈."""
    from symbackprop.algebra.formula import Apply
    from symbackprop.document.calculation.verified_lines import displayed, lines
    from symbackprop.document.display_nodes import Tone

    style = Style(6, fractions=True)
    formula = Negative(Apply("ln", (Leaf(F(2, 5)),)))
    steps = displayed(lines(formula, style, Tone.PLAIN), style)
    notation = sbp.solve(sbp.example("line")).notation
    assert [(step.relation, *documents.printed(notation, step.formula)) for step in steps] == [
        (Relation.EQUAL, r"-\ln\left(\frac{2}{5}\right)"),
        (Relation.EQUAL, r"\ln\left(\frac{5}{2}\right)"),
        (Relation.ABOUT, "0.916291"),
    ]


CLASSIFIER: dict[str, Any] = {
    "title": "Softmax over three classes with rational probabilities",
    "network": {"inputs": 2, "loss": "cross_entropy", "layers": [{"units": 3, "activation": "softmax"}]},
    "parameters": {
        "W1": [["ln(2)", "ln(3)"], ["-ln(2)", 0], ["ln(4)", "-ln(3)"]],
        "b1": [0, "ln(3)", "1/2*ln(9)"],
    },
    "data": {"x": [1, 2], "y": [0, 1, 0]},
    "training": {"learning_rate": "1/10", "steps": 1},
}
"""Logits ln 18, ln 3/2 and ln 4/3, which are 108 : 9 : 8 as probabilities."""
HIDDEN: dict[str, Any] = {
    "network": {
        "inputs": 2,
        "loss": "binary_cross_entropy",
        "layers": [{"units": 2, "activation": "relu"}, {"units": 1, "activation": "sigmoid"}],
    },
    "parameters": {"W1": [["ln(2)", "ln(3)"], ["ln(3)", "-ln(2)"]], "b1": [0, 0], "W2": [[1, 2]], "b2": ["-ln(5)"]},
    "data": {"x": [1, 1], "y": [1]},
    "training": {"learning_rate": "1/10", "steps": 1},
}
MIXED: dict[str, Any] = {
    "network": {
        "inputs": 2,
        "loss": "half_squared_error",
        "layers": [{"units": 2, "activation": "tanh"}, {"units": 1, "activation": "silu"}],
    },
    "parameters": {
        "W1": [[0.5, "ln(2)"], ["1/2", -0.25]],
        "b1": ["ln(3)", 0.1],
        "W2": [["ln(2)", "-ln(7)"]],
        "b2": [0],
    },
    "data": {"x": ["ln(2)", 0.3], "y": [0.5]},
    "training": {"learning_rate": 0.1, "steps": 1},
}


def test_softmax_of_logarithms_is_rational() -> None:
    """With logits that are logarithms, probabilities and gradients are exact fractions, and the loss is a logarithm."""
    solution = sbp.solve(sbp.problem(CLASSIFIER))
    values = solution.steps[0].values
    assert [values.value(f"z1_{unit}") for unit in (1, 2, 3)] == [ln("ln(18)"), ln("ln(3/2)"), ln("ln(4/3)")]
    assert [values.value(f"a1_{unit}") for unit in (1, 2, 3)] == [F(108, 125), F(9, 125), F(8, 125)]
    assert [values.gradient(f"z1_{unit}") for unit in (1, 2, 3)] == [F(108, 125), F(-116, 125), F(8, 125)]
    assert values.gradient("W1_2_2") == F(-232, 125)
    assert values.value("L") == ln("-ln(9/125)")
    change = solution.steps[0].change
    assert change is not None
    assert change.new["W1_1_2"] == ln("ln(3) - 216/1250")


def test_variants_draw_logarithms() -> None:
    """Each student's variant has logarithms for weights, and fractions for probabilities, deltas and gradients."""
    choices = ["ln(2)", "ln(3)", "ln(5)", "-ln(2)", "-ln(3)"]
    drawn = {"W1": {"choices": choices}, "x": {"choices": [1, 2, 3]}, "y": {"choices": [0, 1, 2]}}
    given = variants.assignment(sbp.problem(CLASSIFIER | {"variants": drawn}))
    students = ("1", "2", "3")
    cohort = variants.draw(given, students, seed=5, attempts=dict.fromkeys(students, 1))
    for row, _ in each(enumerate(students)):
        problem = variants.variant(given, {name: positions[row] for name, positions in cohort.positions.items()})
        assert {str(entry.value) for entry in problem.arrays["W1"].entries if entry} <= set(choices)
        values = sbp.solve(problem).steps[0].values
        for name in ("z1_1", "W1_2_1", "W1_3_2", "b1_1"):
            assert isinstance(values.gradient(name), Fraction)
        assert sum(values.value(f"a1_{unit}") for unit in (1, 2, 3)) == 1
        assert float(values.gradient("W1_2_1")) == pytest.approx(cohort.values["∂W1_2_1"][row], rel=1e-12)


GRAPH: dict[str, Any] = {
    "graph": {
        "parameters": {"w": ["1/2", "5/2"]},
        "inputs": {"x": [1, 2]},
        "targets": {"y": 1},
        "equations": ["s = w[0]*x[0] + w[1]*x[1]", "p = ln(s)", "L = (p - y)**2/2"],
        "output": "L",
    },
    "variants": {"w": {"choices": ["1/2", "3/2", "5/2", "1/4", "1/3"]}, "x": {"choices": [1, 2, 3]}},
}


def stated(value: Any) -> str:
    """Return a value as TOML states it in one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {stated(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(stated, value)) + "]"
    return json.dumps(value)


@pytest.mark.parametrize("content", few([GRAPH, CLASSIFIER], 1), ids=["graph", "classifier"])
def test_keys_of_a_class_are_those_of_its_students(content: dict[str, Any], tmp_path: Path) -> None:
    """Whether the keys of many are written together or of few one by one: they have the same logarithms."""
    drawn = {"W1": {"choices": ["ln(2)", "ln(3)", "-ln(2)"]}, "x": {"choices": [1, 2, 3]}}
    lines = [f"{key} = {stated(value)}" for key, value in ({"variants": drawn} | content).items()]
    (tmp_path / "problem.toml").write_text("\n".join(lines))
    texts = []
    for name, count in (("all", "12"), ("few", "3")):
        command = ["homework", str(tmp_path / "problem.toml"), "--variants", "12", "--preview", count, "-f", "markdown"]
        done = CliRunner().invoke(group, [*command, "--processes", "1", "-o", str(tmp_path / name)], obj={})
        assert done.exit_code == 0, done.output
        keys = [(tmp_path / name / "teacher" / "keys" / f"{student:02d}.md").read_text() for student in (1, 2, 3)]
        texts.append([re.sub("sheet [A-Z2-7]{10}", "", text) for text in keys])
    assert texts[0] == texts[1]
    assert all(r"\ln(" in text for text in texts[0])


def test_a_logarithm_has_its_decimal_behind_it() -> None:
    """P = ln(11/2) is not repeated as a number, and followed by that number's decimal."""
    text = sbp.render(sbp.solve(sbp.problem(GRAPH)), format="markdown")
    assert r"\ln\left(\frac{11}{2}\right) \approx 1.70475" in text


@pytest.mark.parametrize("target", ["numpy", "torch"])
def test_scripts_and_notebooks_take_irrational_settings(target: str) -> None:
    """A learning rate or a factor of its schedule that is no fraction stands in code as its float64."""
    schedule = {"kind": "step", "step_size": 1, "gamma": "ln(2)"}
    training = {"learning_rate": "ln(2)", "steps": 2, "schedule": schedule}
    problem = sbp.problem(CLASSIFIER | {"training": training})
    assert "*0.6931471805599453**k" in scripts.script(problem, target)
    assert "0.6931471805599453" in sbp.render(sbp.solve(problem), format="notebook")


def test_json_states_logarithms() -> None:
    """`exact` has the closed forms, `values` their float64, and each form is an expression of that value."""
    result = json_result.result(sbp.solve(sbp.problem(CLASSIFIER)))
    exact = result["exact"]
    assert (exact["z1_1"], exact["b1_3"], exact["a1_1"], exact["L"]) == ("ln(18)", "ln(3)", "108/125", "ln(125/9)")
    assert result["values"]["L"] == float(ln(exact["L"]))
    assert json.loads(json.dumps(result)) == result


@pytest.mark.parametrize("detail", ["full", "representative", "matrix"])
@pytest.mark.parametrize("content", [CLASSIFIER, HIDDEN, MIXED], ids=["classifier", "hidden", "mixed"])
def test_every_relation_is_true(content: dict[str, Any], detail: str) -> None:
    """The reader of printed documents confirms every line of a solution with logarithms, and understands all of them."""
    solution = sbp.solve(sbp.problem(content))
    verdicts = truth.judged(solution, written(solution, detail))
    assert_true(verdicts, least=1.0)
    assert sbp.check(solution.problem).agrees


@pytest.mark.parametrize("notation", [{"backward": "activation"}, {"digits": 3}, {"delta_sign": "negative"}])
def test_relations_are_true_in_other_notations(notation: dict[str, Any]) -> None:
    """So they are through activations, with few digits and with negative errors."""
    solution = sbp.solve(sbp.problem(CLASSIFIER | {"notation": notation}))
    assert_true(truth.judged(solution, written(solution)))


def test_rounded_intermediates_keep_given_logarithms() -> None:
    """What is given stays exact where intermediates are rounded as by hand; what is computed from it is rounded."""
    rounded = {"round_intermediates": {"decimals": 4}}
    values = sbp.solve(sbp.problem(CLASSIFIER | {"notation": rounded})).steps[0].values
    assert (values.value("b1_2"), values.value("z1_1")) == (ln("ln(3)"), F("2.8904"))


@pytest.mark.parametrize("format", ["latex", "markdown", "markdown-github", "html", "notebook"])
def test_gradients_stand_as_fractions_in_every_format(format: str) -> None:
    """Every format has the error of the second output as the fraction that it is, and exponentials of logarithms."""
    text = sbp.render(sbp.solve(sbp.problem(CLASSIFIER)), format=format).replace("\\\\", "\\")
    plain = re.sub(r"\\(fwd|bwd)\{((?:[^{}]|\{[^{}]*\})*)\}", r"\2", text)
    assert r"\boxed{-\frac{116}{125}}" in plain
    assert r"e^{\ln(18)}" in plain
