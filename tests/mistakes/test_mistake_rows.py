"""Rows of mistakes: each is made somewhere, changes numbers, and has words; a row more is known everywhere."""

from __future__ import annotations

import functools
import math

import pytest

import symbackprop as sbp
from symbackprop import language
from symbackprop.by_hand.hand_computation import given_numbers, hand_computation
from symbackprop.derivation.derivations import Derivation
from symbackprop.evaluation.arithmetics import FLOAT
from symbackprop.mistakes import (
    accepted_conventions,
    wrong_derivatives,
    wrong_gradients,
    wrong_products,
    wrong_structures,
    wrong_updates,
    wrong_values,
)
from symbackprop.mistakes.changes import changes
from symbackprop.mistakes.consequences import Consequences
from symbackprop.mistakes.diagnosing import diagnose
from symbackprop.mistakes.known_mistakes import MISTAKES, Mistake
from symbackprop.mistakes.worksheets import Worksheet
from tests.helpers import ROOT, each

STABLE = (
    "no_derivative derivative_at_activation derivative_at_preactivation derivative_twice wrong_tanh_derivative "
    "relu_ignored spurious_sigmoid softmax_diagonal lost_factor_two doubled_factor_two wrong_sign no_mean "
    "mean_twice mean_in_bias_only missing_path dropped_factor updated_weights gradient_for_weight "
    "weights_not_transposed gradient_transposed wrong_input matrix_for_elementwise last_use_only "
    "statistics_constant bias_not_updated bias_with_input no_learning_rate learning_rate_squared no_penalty "
    "penalty_factor no_momentum no_bias_correction step_off_by_one epsilon_inside_root betas_exchanged "
    "inputs_exchanged no_bias no_activation exponent_sign rounded_early truncated "
)
"""Ids that reports and problem files rely on."""

HOME = {
    module: [row for row in MISTAKES.values() if row.sites is not None and row.sites.__module__ == module.__name__]
    for module in (
        accepted_conventions,
        wrong_derivatives,
        wrong_gradients,
        wrong_products,
        wrong_structures,
        wrong_updates,
        wrong_values,
    )
}


def network(activation: str, output: str, loss: str, optimizer: str, **settings: object) -> Derivation:
    """Return a network of two layers of two units, on three samples, with a penalty."""
    layers = [{"units": 2, "activation": activation}, {"units": 2, "activation": output}]
    content = {
        "network": {"inputs": 2, "layers": layers, "loss": loss},
        "regularization": {"l2": "1/10"},
        "parameters": {"seed": 3, "initializer": {"name": "uniform", "low": -1, "high": 1, "biases": True}},
        "data": {"x": [["1/2", 1], [-1, "3/4"], ["1/3", -2]], "y": [[1, 0], [0, 1], [1, 0]]},
        "training": {"optimizer": optimizer, "learning_rate": "1/5", **settings},
    }
    return sbp.derive(sbp.problem(content))


@functools.cache
def worksheets() -> tuple[Worksheet, ...]:
    """Return computations in which every mistake can be made."""
    angles = {
        "graph": {"parameters": {"w": [1, 2]}, "equations": ["s = sin(w[0]) + w[0]*w[1]", "f = s**2"], "output": "f"}
    }
    found = [
        network("tanh", "sigmoid", "half_squared_error", "adam"),
        network("relu", "sigmoid", "binary_cross_entropy", "nesterov"),
        network("sigmoid", "softmax", "cross_entropy", "gradient_descent"),
        *map(sbp.derive, ("mazur", "rnn", "batchnorm", "convolution", "circuit")),
        network("sigmoid", "sigmoid", "half_squared_error", "adamw"),
        network("sigmoid", "sigmoid", "half_squared_error", "adam", weight_decay="1/10"),
        network("sigmoid", "sigmoid", "half_squared_error", "momentum", state={"v": {"W1": [[1, 2], [3, 4]]}}),
        sbp.derive(sbp.problem(angles)),
    ]
    return tuple(Worksheet(hand_computation(derivation)) for derivation in found)


def test_ids_are_stable() -> None:
    """All ids that others rely on are rows, and a row is a mistake or a convention."""
    assert set(STABLE.split()) <= MISTAKES.keys()
    assert 5 <= sum(row.is_convention for row in MISTAKES.values()) < len(MISTAKES)
    assert sum(map(len, HOME.values())) == sum(row.sites is not None for row in MISTAKES.values())


@pytest.mark.parametrize("name", [name for name, row in MISTAKES.items() if row.sites is not None])
def test_every_row_changes_numbers_somewhere(name: str) -> None:
    """Some problem shows each row: a number becomes another one, and all that reads it."""
    row = MISTAKES[name]
    for sheet in worksheets():
        consequences = Consequences(sheet.computation)
        values = consequences.run(given_numbers(sheet.derivation, FLOAT))
        for change in changes(sheet, [row]):
            found = consequences.under(change, values)
            if any(math.isfinite(value) and abs(value - values[key]) > 1e-9 for key, value in found.items()):
                return
    pytest.fail(f"no problem shows {name}")


@pytest.mark.parametrize("row", MISTAKES.values(), ids=lambda row: row.name)
def test_row_has_words_in_every_language(row: Mistake) -> None:
    """A few words that say what is wrong, and a sentence that says why."""
    MISTAKES.verify(row)
    for code in each(language.available()):
        known = language.phrases(code)
        assert known[f"slip_reason.{row.name}"][-1] in ".。"
        assert known[f"slip.{row.name}"][-1] not in ".。"
    assert language.phrases("en")[f"slip.{row.name}"].isascii()  # it stands in documents that pdfLaTeX sets


@pytest.mark.parametrize(
    ("code", "page", "title", "is_convention"),
    [
        ("en", "mistakes.md", "The mistakes", False),
        ("en", "mistakes.md", "Conventions", True),
        ("zh", "zh/mistakes.md", "所有错误", False),
        ("zh", "zh/mistakes.md", "约定", True),
    ],
)
def test_docs_list_every_mistake(code: str, page: str, title: str, is_convention: bool) -> None:
    """The tables of the page on mistakes are the rows, in order, with their words, in either language."""
    known = language.phrases(code)
    rows = [name for name, row in MISTAKES.items() if row.is_convention is is_convention]
    expected = [[name, known[f"slip.{name}"], known[f"slip_reason.{name}"]] for name in rows]
    _, _, below = (ROOT / "docs" / page).read_text("utf-8").partition(f"## {title}\n")
    lines = [line for line in below.partition("\n## ")[0].splitlines() if line.startswith("| `")]
    assert expected == [[cell.strip().strip("`") for cell in line[1:-1].split("|")] for line in lines]


def test_what_does_not_depend_on_a_change_is_not_computed_again() -> None:
    """A change of the last weight's gradient leaves the rest alone; given numbers end what it reaches."""
    sheet = worksheets()[3]
    consequences = Consequences(sheet.computation)
    values = consequences.run(given_numbers(sheet.derivation, FLOAT))
    change = next(one for one in changes(sheet, [MISTAKES["wrong_sign"]]) if one.sites[0].at == "∂W2_2_2")
    assert {"∂W2_2_2", "→W2_2_2", "→z2_2", "→a2_2", "→L"} == consequences.under(change, values).keys()
    fixed = frozenset(["→W2_2_2"])
    assert {"∂W2_2_2", "→W2_2_2"} == consequences.under(change, values, fixed).keys()


def test_row_more_is_known_everywhere() -> None:
    """Who adds a row has the mistake found, in its own words."""
    words = {
        code: {"slip.zero_bias": "the bias was set to zero", "slip_reason.zero_bias": "Biases count."}
        for code in language.available()
    }
    row = Mistake("zero_bias", wrong_updates.bias_not_updated, "nobody", words=words)
    with MISTAKES.extended(row):
        problem = sbp.example("xor")
        right = diagnose(problem, {"new_b1_1": "1"}).answers[0]
        old = given_numbers(sbp.derive(problem), FLOAT)["b1_1"]
        (answer,) = diagnose(problem, {"new_b1_1": f"{old:.12f}"}).answers
        assert right.expected != old
        assert {"zero_bias", "bias_not_updated"} <= {one.id for one in (*answer.mistakes, *answer.possible)}
    assert "zero_bias" not in MISTAKES
