"""The printed text of a solution is true: every relation is read back from the LaTeX and computed anew.

Nothing of the printer is used: `latex_reader` reads what a person reads, `latex_values` computes it, `truth` judges.
"""

from __future__ import annotations

import collections
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import symbackprop as sbp
from symbackprop import document, rendering, resources
from symbackprop.descent.solution import Solution
from symbackprop.problems import ComputationGraph
from symbackprop.problems.load import examples
from symbackprop.rendering.drafts import Draft
from symbackprop.rendering.formats import formats
from tests import random_problems
from tests.documents import solved, some
from tests.helpers import few, many, only, require_tool
from tests.oracle import truth
from tests.oracle.latex_reader import parse, read
from tests.oracle.latex_values import NOTHING, Unknown, literal, value
from tests.oracle.truth import FALSE, TRUE, UNKNOWN, Verdict

UNDERSTOOD = 0.9
"""Less of a document's relations understood, and the test would not see what it says it sees."""
UNDERSTOOD_OF_ALL = 0.985
UNDERSTOOD_OF_RANDOM = 0.9
UNDERSTOOD_OF_PARTS = 0.8
"""Of documents with an array of zeros but for a block, whose shape stands nowhere in the formula, or with second
derivatives at a kink."""
SEEDS, PER_TEST = 1000, 25


def written(solution: Solution, *details: str, format: str = "latex", code: str = "en") -> str:
    """Return a solution without the comparison with differences, which is slow and prints no relation."""
    details = details or ("full",)
    content = document.compose(solution, details, "full", without=("title.check",))
    return Draft(formats()[format], solution, code, details, "", content).fill("document.jinja")


def assert_true(verdicts: list[Verdict], least: float = UNDERSTOOD) -> collections.Counter[str]:
    """Assert that nothing is false and that enough was understood; return the numbers of verdicts."""
    wrong = [verdict for verdict in verdicts if verdict.outcome == FALSE]
    assert wrong == [], wrong[0]
    counts = collections.Counter(verdict.outcome for verdict in verdicts)
    missed = [f"{verdict.text}: {verdict.reason}" for verdict in verdicts if verdict.outcome == UNKNOWN]
    assert counts[TRUE] >= least * len(verdicts) > 0, missed
    return counts


VARIATIONS: dict[str, tuple[tuple[str, object], ...]] = {
    "as it is": (),
    "through activations": (("notation.backward", "activation"), ("notation.digits", 4)),
    "negative": (("notation.delta_sign", "negative"), ("notation.index_order", "from_to")),
    "rows, leaving": (("notation.layout", "row"), ("notation.layers", "leave"), ("notation.digits", 8)),
}


@pytest.mark.parametrize("detail", ["full", "representative", "short", "matrix"])
@pytest.mark.parametrize("name", some(examples()))
def test_every_relation_of_an_example_is_true(name: str, detail: str) -> None:
    """In each detail with numbers, `=` joins what is equal, `≈` what was rounded, symbols stand for their numbers."""
    solution = solved(name)
    counts = assert_true(truth.judged(solution, written(solution, detail)))
    assert counts[TRUE] >= 5


@pytest.mark.parametrize("conventions", list(VARIATIONS)[1:])
@pytest.mark.parametrize("name", only(["mazur", "classifier", "xor"], "mazur"))
def test_every_relation_is_true_in_other_conventions(name: str, conventions: str) -> None:
    """The conventions change what is printed and no number; what is printed stays true."""
    overrides = [pair for pair in VARIATIONS[conventions] if name != "xor" or pair[0] != "notation.layout"]
    if conventions.startswith("rows"):
        # The parameters of an example are written for its own layout.
        overrides = [pair for pair in overrides if pair[0] != "notation.layout"]
    solution = sbp.solve(sbp.example(name, [*overrides, ("training.epochs", 1)] if name == "xor" else overrides))
    assert_true(truth.judged(solution, written(solution)))


@pytest.mark.parametrize(
    "name", [name for name in examples() if not isinstance(sbp.example(name).model, ComputationGraph)]
)
def test_general_recurrences_are_read(name: str) -> None:
    """A document about an arbitrary layer has formulas in letters alone: each is read, but for lists of layers."""
    chains, _ = read(written(solved(name), "general"))
    texts = [text for chain in chains for text in chain.texts if text and r"\ldots" not in text]
    assert len(texts) > 20
    for text in texts:
        parse(text)


def judged_seeds(seeds: Iterable[int], details: tuple[str, ...] = ()) -> collections.Counter[str]:
    """Judge random problems, in some details or in their own; return the numbers of verdicts.

    A saturated unit under a logarithm has no loss to print.
    """
    counts: collections.Counter[str] = collections.Counter()
    for seed in seeds:
        view = random_problems.view(seed)
        try:
            solution = sbp.solve(sbp.problem(random_problems.problem(seed)), learning_rates=view.learning_rates)
            text = written(solution, *(details or view.details), code=view.language)
        except sbp.errors.EvaluationError:
            counts["no loss"] += 1
            continue
        assert_nothing_forbidden(text)
        verdicts = truth.judged(solution, text, view.language)
        # A kink has no difference, and between arrays there are few relations in all.
        is_full = "full" in (details or view.details) and not any(verdict.reason == truth.KINK for verdict in verdicts)
        is_placed = any(verdict.reason == "zeros of any shape" for verdict in verdicts)
        is_bent = "second_order" in (details or view.details) and any(step.kinks for step in solution.steps)
        # One chain of each kind: a kink on it is a large part of what there is.
        is_bent = is_bent or any(verdict.reason == truth.KINK for verdict in verdicts)
        least = UNDERSTOOD_OF_PARTS if is_placed or is_bent else UNDERSTOOD_OF_RANDOM if is_full else UNDERSTOOD
        try:
            counts += assert_true(verdicts, least)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from None
    return counts


@pytest.mark.parametrize("first", few(range(0, SEEDS, PER_TEST), 1))
def test_every_relation_of_random_problems_is_true(first: int) -> None:
    """Any network in any notation with any optimizer, and any small computation graph, prints true lines."""
    counts = judged_seeds(range(first, first + many(PER_TEST)))
    assert counts[TRUE] >= UNDERSTOOD_OF_ALL * (counts[TRUE] + counts[UNKNOWN])
    assert counts["no loss"] <= PER_TEST / 4


@pytest.mark.parametrize("first", few(range(0, SEEDS, PER_TEST), 1))
def test_every_relation_of_short_random_problems_is_true(first: int) -> None:
    """What stands in one line skips lines of the full document, and stays true; a fifth of the problems is looked at."""
    counts = judged_seeds(range(first + first // PER_TEST % 5, first + PER_TEST, 5), ("short",))
    assert counts[TRUE] >= UNDERSTOOD_OF_RANDOM * (counts[TRUE] + counts[UNKNOWN])


@pytest.mark.parametrize("equation", few([f"{'sin(' * 14}w{')' * 14}", "**".join("w" * 12)], 1))
def test_every_relation_of_a_formula_taken_apart_is_true(equation: str) -> None:
    """Pieces of long formulas are quantities like others: their lines are read, and true."""
    table = {"parameters": {"w": "7/10"}, "equations": [f"L = {equation}"], "output": "L"}
    solution = sbp.solve(sbp.problem({"graph": table, "training": {"learning_rate": "0.1"}}))
    assert any(quantity.kind == "piece" for quantity in solution.derivation.graph.quantities.values())
    assert_true(truth.judged(solution, written(solution)))


# A test of the test: what is planted has to be found.


def planted(change: Callable[[str], str]) -> list[Verdict]:
    """Return the false relations of Mazur's example after a change of its text."""
    text = written(solved("mazur"))
    changed = change(text)
    assert changed != text
    return [verdict for verdict in truth.judged(solved("mazur"), changed) if verdict.outcome == FALSE]


NUMBERS = re.compile(r"\\[fb]wd\{-?\d+\.\d+\}")


def lines_of_numbers(text: str) -> list[re.Match[str]]:
    """Return the numbers of a step, whose lines say in symbols what each number is.

    After the step the lines are numbers alone, and a guard digit of them may be another without harm to the result.
    """
    start, end = (text.index(rf"\symbackpropsection{{{title}}}") for title in ("Forward pass", "After the step"))
    return [found for found in NUMBERS.finditer(text) if start < found.start() < end]


@pytest.mark.parametrize("share", few([place / 23 for place in range(23)], 5))
def test_planted_digit_is_found(share: float) -> None:
    """One more in the last digit of a number makes its line false, wherever it stands."""

    def change(text: str) -> str:
        numbers = [found for found in lines_of_numbers(text) if not found[0].endswith("9}")]
        found = numbers[int(share * len(numbers))]
        digit = str(int(found[0][-2]) + 1)
        return text[: found.end() - 2] + digit + text[found.end() - 1 :]

    assert planted(change)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"\bwd{-0.0380982}", r"\bwd{0.0380982}"),
        (r"w_5 \, h_1 + w_6 \, h_2", r"w_5 \, h_1 - w_6 \, h_2"),
        (r"(o_1 - t_1)}_{\partial E", r"(t_1 - o_1)}_{\partial E"),
        (r"(1 - o_1)}_{\partial o_1", r"(1 + o_1)}_{\partial o_1"),
        (r"- \eta \cdot", r"+ \eta \cdot"),
        (r"\approx \frac{1}{1 + e^{-\fwd{1.105906}}}", r"= \frac{1}{1 + e^{-\fwd{1.105906}}}"),
        (r"\approx \boxed{\bwd{0.138499}}", r"= \boxed{\bwd{0.138499}}"),
        (r"\approx \fwd{1.10591}", r"= \fwd{1.10591}"),
        (r"{W^{(2)}})}^{\top}", r"{W^{(2)}})}"),
        (r"{(1 + e^{-z})^{2}} - \frac{1}{(1", r"{(1 + e^{-z})^{2}} + \frac{1}{(1"),
        (r"(o_1 - t_1) \frac{\partial }{\partial o_1} (o_1", r"(o_1 - t_1) \frac{\partial }{\partial o_1} (-o_1"),
        (r"\delta_{o_1} \, h_2", r"\delta_{o_2} \, h_2"),
        (r"(1 + e^{-z})^{2}", r"(1 + e^{-z})^{3}"),
        (r"e^{-\fwd{1.105906}}", r"e^{\fwd{1.105906}}"),
        (r"\begin{bmatrix} 0.40 & 0.45 \\ 0.50", r"\begin{bmatrix} 0.41 & 0.45 \\ 0.50"),
        (r"\fwd{0.593270} \\ \fwd{0.596884}", r"\fwd{0.593271} \\ \fwd{0.596884}"),
        (r"$w_1$ & $0.15$ & $\bwd{0.000438568}$", r"$w_1$ & $0.15$ & $\bwd{0.000438569}$"),
    ],
)
def test_planted_mistake_is_found(old: str, new: str) -> None:
    """A flipped sign, an equality sign for rounded numbers, a lost transpose, a wrong name: each is found."""
    assert planted(lambda text: text.replace(old, new))


def test_unread_formulas_are_not_passed_over() -> None:
    """What the reader cannot read counts as not understood, so that a document full of it does not pass."""
    text = written(solved("mazur")).replace(r"\times", r"\unheardof{x}")
    with pytest.raises(AssertionError):
        assert_true(truth.judged(solved("mazur"), text))


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (r"\frac{1}{4} \times (\fwd{-2})^{2} + 2 \, (3 - 1)", Fraction(5)),
        (r"-0.5 \times 2^{2}", Fraction(-2)),
        (r"1/2/2 + 4.5 \times 10^{-1}", Fraction(7, 10)),
        (r"\max(0, -1) + \left\vert -3 \right\vert", Fraction(3)),
        (r"\sum_{n=1}^{3} n \cdot n", Fraction(14)),
        (r"{\underbrace{(-1)}_{\partial d_1/\partial \mu}} \cdot \sqrt{4}", Fraction(-2)),
        (r"\mathbf{1}_{0.2 > 0} \, 7", Fraction(7)),
    ],
)
def test_formula_is_read_as_a_person_reads_it(formula: str, expected: Fraction) -> None:
    """Signs, powers, fractions, sums and products bind as they do on paper."""
    assert literal(formula) == expected


def test_matrices_are_multiplied() -> None:
    """Rows by columns side by side, entry by entry with ⊙, turned with ⊤."""
    matrix = r"\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}"
    assert [[7, 10], [15, 22]] == value(parse(rf"{matrix} \, {matrix}"), NOTHING)
    assert [[1, 6], [6, 16]] == value(parse(rf"{matrix} \odot {{{matrix}}}^{{\top}}"), NOTHING)


def test_number_that_no_fraction_holds_has_no_value() -> None:
    """A saturated unit of a saturated unit prints 10 to the power of minus billions: it is read, and not computed."""
    assert Fraction(3, 10**9000) == value(parse(r"3.0 \times 10^{-9000}"), NOTHING)
    with pytest.raises(Unknown):
        value(parse(r"3.0 \times 10^{-19832837797}"), NOTHING)


# What is never printed.

FIRST = r"(?:^|[{(=&]|\\approx|\\times|\\cdot)\s*"
COLOUR = r"(?:\\[fb]wd\{)?"
FORBIDDEN = {
    "double minus": rf"-\s*{COLOUR}-|-\s*\{{\}}\s*-",
    "plus minus": rf"\+\s*{COLOUR}-",
    "minus after a cross or a dot, without parentheses": rf"\\(?:times|cdot)\s*{COLOUR}-",
    "negative exponent written twice": r"e\^\{\s*-\s*(?:\\[fb]wd\{)?-",
    "negative zero": r"-0\.0*(?![0-9])",
    "0 with a minus in front": rf"{FIRST}-\s*{COLOUR}0(?![.0-9])\}}?\s*(?:\\times|[+\-]|\\\\|\\approx|=|$)",
    "a bare 1 before a letter": r"(?<![0-9.,_{^(\[/])1(?:\s*\\,)?\s*(?:[a-zA-Z(]|\\(?:sigma|delta|eta|mathrm|tanh|ln)\b)",
    "not a number": r"(?i)(?<![a-z])(?:nan|inf)(?![a-z])",
    "Python's power of ten": r"[0-9]e[-+]?[0-9]",
    "empty parentheses": r"\(\s*\)",
    "a relation without a side": r"(?:=|\\approx)\s*(?:=|\\approx)",
}


def formulas_of(text: str) -> list[str]:
    """Return what stands in displays, in sentences and in figures of a LaTeX document."""
    inside = re.sub(r"\\text\{[^{}]*\}|(?<=\\\\)\[[^\]]*\]", "", text.split(r"\begin{document}")[-1])
    displays = re.findall(r"\\begin\{alignat\*\}\{\d+\}(.*?)\\end\{alignat\*\}", inside, re.DOTALL)
    return [*displays, *re.findall(r"(?<!\\)\$([^$]+)\$", inside)]


def assert_nothing_forbidden(text: str) -> None:
    """Assert that no formula of a document is written in a way in which nobody writes."""
    formulas = formulas_of(text)
    assert len(formulas) > 10
    for formula in formulas:
        for name, pattern in FORBIDDEN.items():
            found = re.search(pattern, formula)
            assert found is None, (name, formula[max(0, found.start() - 40) : found.end() + 40] if found else "")


@pytest.mark.parametrize("detail", ["full", "matrix"])
@pytest.mark.parametrize("name", some(examples()))
def test_nothing_forbidden_is_printed_in_an_example(name: str, detail: str) -> None:
    """Neither `--` nor `-0 ×` nor `1x` stands anywhere in the LaTeX of an example, figures included."""
    assert_nothing_forbidden(written(solved(name), detail))


@pytest.mark.parametrize(
    "formula",
    ["3 - -2", "3 + -2", r"2 \times -0.3", "e^{--x}", "-0.000", r"\approx -0 - (-2.38)", "1x", "1 (z - 1)", "1e-5"],
)
def test_forbidden_patterns_find_what_they_forbid(formula: str) -> None:
    """Each of the patterns matches an example of what it forbids."""
    assert any(re.search(pattern, formula) for pattern in FORBIDDEN.values())


def test_loss_of_a_target_0_has_no_minus_in_front_of_0() -> None:
    """The cross-entropy of (0, 1) begins with 0, not with −0, and what is subtracted twice is added."""
    content: dict[str, Any] = {
        "network": {"inputs": 1, "layers": [{"units": 2, "activation": "softmax"}], "loss": "cross_entropy"},
        "parameters": {"W1": [[1], [2]], "b1": [0, 0]},
        "data": {"x": [1], "y": [0, 1]},
    }
    text = written(sbp.solve(sbp.problem(content)))
    assert r"\approx 0 \times \ln(" in text
    assert_nothing_forbidden(text)


# KaTeX takes every formula.

MARKDOWN = {
    "markdown": r"\$\$\n(.*?)\n\$\$|(?<![\\$])\$([^$\n]+)\$(?!\$)",
    "markdown-github": r"```math\n(.*?)\n```|\$`(.*?)`\$",
}
SCRIPT = """const check = formulas => formulas.flatMap(([text, wide]) => {
    try { katex.renderToString(text, {throwOnError: true, strict: "error", displayMode: wide}); return []; }
    catch (error) { return [text + " :: " + error.message]; }
});"""


def formulas_in(text: str, pattern: str) -> list[tuple[str, bool]]:
    """Return the formulas of a Markdown document, and whether each is displayed."""
    found = [(wide or small, bool(wide)) for wide, small in re.findall(pattern, text, re.DOTALL)]
    assert len(found) > 8
    return found


def refused(formulas: list[tuple[str, bool]]) -> list[str]:
    """Return the formulas that KaTeX refuses, each with its reason: asked in node, or else in Chromium."""
    assert formulas
    katex = resources.folder("templates") / "html" / "katex" / "katex.min.js"
    if node := shutil.which("node"):
        program = f"const katex = require({json.dumps(str(katex))}); {SCRIPT} let all = '';"
        program += "process.stdin.on('data', part => all += part);"
        program += "process.stdin.on('end', () => console.log(JSON.stringify(check(JSON.parse(all)))));"
        run = subprocess.run(
            [node, "-e", program], input=json.dumps(formulas), capture_output=True, text=True, check=True
        )
        return list(json.loads(run.stdout))
    chromium = require_tool("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = opened.new_page()
        page.add_script_tag(content=Path(str(katex)).read_text("utf-8"))
        found = page.evaluate(f"formulas => {{ {SCRIPT} return check(formulas); }}", formulas)
        opened.close()
    return list(found)


@pytest.mark.sweep
def test_katex_takes_every_formula_of_the_examples() -> None:
    """Both dialects of Markdown, whose formulas are also those of the HTML page, in every detail with formulas."""
    formulas = {
        formula
        for name in examples()
        for detail in ("full", "matrix")
        for dialect, pattern in MARKDOWN.items()
        for formula in formulas_in(rendering.render(solved(name), dialect, detail=detail), pattern)
    }
    assert [] == refused(sorted(formulas))


@pytest.mark.sweep
def test_katex_takes_every_formula_of_random_problems() -> None:
    """Names, layouts and optimizers of any kind print nothing that KaTeX refuses; the dialects differ in fences alone."""
    formulas = set()
    for seed in range(0, SEEDS, 9):
        try:
            solution = sbp.solve(sbp.problem(random_problems.problem(seed)))
        except sbp.errors.EvaluationError:
            continue
        formulas |= set(formulas_in(written(solution, format="markdown"), MARKDOWN["markdown"]))
    assert [] == refused(sorted(formulas))


@pytest.mark.sweep
def test_katex_refuses_what_is_no_formula() -> None:
    """The test of the test: an unknown command and an open brace are refused."""
    assert 2 == len(refused([(r"\unheardof{x}", False), ("{x", True), ("x", False)]))
