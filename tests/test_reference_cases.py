"""Worked networks with known numbers (tests/reference/README.md): forward values, gradients, updates, long descents."""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import symbackprop as sbp
from symbackprop.derivation.derivations import derive
from symbackprop.descent.solution import Solution, solve
from symbackprop.evaluation.arithmetics import EXACT, FLOAT, Value
from symbackprop.evaluation.evaluate import Evaluation, Values, leaves
from symbackprop.problems import Problem
from tests.helpers import few

CASES: Mapping[str, Mapping[str, Any]] = {
    case["name"]: case for case in json.loads((Path(__file__).parent / "reference" / "cases.json").read_text("utf-8"))
}
LOSSES = {
    "half_sse": "half_squared_error",
    "sse": "squared_error",
    "bce": "binary_cross_entropy",
    "ce": "cross_entropy",
}
BIASES = {"per-unit": "per_unit"}

NOT_COVERED = (
    # A published mistake: the output layer without its input.
    r"hard_.*",
    # Online descent, one sample after the other: tests/catalog/test_optimizers.py reads these.
    r"(sse|w\d+|theta\d)@224",
    r"epochs_to_sse<0\.001_at_alpha_0\.1",
)


def problem_of(case: Mapping[str, Any], *, bias: str = "", layout: str = "column") -> Problem:
    """Return the case as a problem; `bias` replaces the kind of bias of every layer (`threshold`: θ = −b)."""
    layers, parameters, biased = [], {}, []
    for number, layer in enumerate(case["layers"], start=1):
        kind = bias or BIASES.get(layer["bias"], layer["bias"])
        layers.append({"units": layer["units"], "activation": layer["activation"], "bias": kind})
        weights, biases = case["weights"][number - 1], case["biases"][number - 1]
        parameters[f"W{number}"] = (
            weights if layout == "column" else [list(column) for column in zip(*weights, strict=True)]
        )
        if kind == "shared":
            assert len(set(biases)) == 1
            parameters[f"b{number}"] = biases[0]
        elif kind == "threshold":
            parameters[f"theta{number}"] = [-value for value in biases]
        elif kind != "none":
            parameters[f"b{number}"] = biases
        if kind != "none":
            biased.append(f"theta{number}" if kind == "threshold" else f"b{number}")
    single = len(case["inputs"]) == 1
    content: dict[str, Any] = {
        "network": {
            "inputs": len(case["inputs"][0]),
            "layers": layers,
            "loss": LOSSES[case["loss"]],
            "reduction": case["reduction"],
        },
        "parameters": parameters,
        "data": {key: case[name][0] if single else case[name] for key, name in (("x", "inputs"), ("y", "targets"))},
        "notation": {"layout": layout},
    }
    if case["lr"] is not None:
        frozen = [] if case["update_bias"] else biased
        content["training"] = {"learning_rate": case["lr"], "frozen": frozen}
    if "l2" in case:
        content["regularization"] = {"l2": case["l2"]["lambda"], "form": case["l2"]["form"]}
    return sbp.problem(content, name=case["name"])


class Reader:
    """A solved case, read by the names of the reference figures."""

    def __init__(self, case: Mapping[str, Any], problem: Problem) -> None:
        self.case, self.problem = case, problem
        self.descents: dict[int, tuple[Solution, Values]] = {}
        self.solution = solve(problem)
        self.first = self.solution.steps[0].values

    def descended(self, steps: int) -> tuple[Solution, Values]:
        """Return the solution after `steps` updates and the forward pass with its parameters."""
        if steps not in self.descents:
            self.descents[steps] = self._descended(steps)
        return self.descents[steps]

    def _descended(self, steps: int) -> tuple[Solution, Values]:
        solution = solve(self.problem, steps=steps)
        derivation = solution.derivation
        shared, data = leaves(derivation, FLOAT)
        final = {name: float(value) for name, value in solution.final.items()}
        return solution, Evaluation.of(derivation, FLOAT).forward({**shared, **final}, data)

    @functools.cached_property
    def sequential(self) -> Reader:
        """The same case with hidden layers updated through output weights that were updated already, and biases kept."""
        assert self.problem.training is not None
        biases = frozenset(name for name in self.problem.parameter_shapes() if name.startswith("b"))
        training = replace(self.problem.training, update="sequential", frozen=biases)
        return Reader(self.case, replace(self.problem, training=training))

    def updated(self, name: str) -> Value:
        """Return a parameter after the first update."""
        assert self.solution.steps[0].updated is not None
        return self.solution.steps[0].updated[name]

    def value_after(self, name: str, sample: int | None = None) -> Value:
        """Return a quantity in the forward pass after the first update."""
        assert self.solution.after is not None
        return self.solution.after.value(name, sample)

    def partial(self, name: str) -> Value:
        """Return the local partial of the only link of a quantity."""
        (link,) = self.solution.derivation.links[name]
        formula = link.term.form.partial(link.slot).formula(bool(link.term.values))
        names = link.term.arguments + link.term.values
        return EXACT.function(formula, len(names))(*[self.first.value(each) for each in names])

    def loss_term(self, position: int) -> Value:
        """Return the share of one output in the loss."""
        term = self.solution.derivation.equations["L"].terms[position]
        return EXACT.function(term.form.formula, term.form.arity)(*[self.first.value(each) for each in term.arguments])

    @property
    def output(self) -> str:
        """The activations of the last layer."""
        return f"a{len(self.case['layers'])}"


Rule = Callable[..., Value]


def sample_of(text: str | None) -> int | None:
    """Return the sample that a name gives, if any."""
    return int(text) if text else None


RULES: Mapping[str, Rule] = {
    r"([za]\d+_\d+)(?:@(\d+))?": lambda r, name, n: r.first.value(name, sample_of(n)),
    r"delta(\d+_\d+)(?:@(\d+))?": lambda r, index, n: r.first.gradient(f"z{index}", sample_of(n)),
    r"(-|minus_)delta(\d+_\d+)": lambda r, sign, index: -r.first.gradient(f"z{index}"),
    r"d([Wb]\d+(?:_\d+)*)": lambda r, name: r.first.gradient(name),
    r"([Wb]\d+(?:_\d+)*)\+": lambda r, name: r.updated(name),
    r"loss": lambda r: r.first.value("L"),
    r"loss\+": lambda r: r.value_after("L"),
    r"out_(\d+)(?:@(\d+))?\+": lambda r, unit, n: r.value_after(f"{r.output}_{unit}", sample_of(n)),
    r"loss@(\d+)": lambda r, steps: r.descended(int(steps))[0].losses[int(steps)],
    r"out_o(\d+)@(\d+)": lambda r, unit, steps: r.descended(int(steps))[1].value(f"{r.output}_{unit}"),
    r"pred@(\d+)(?:_(\d+))?": lambda r, steps, n: r.descended(int(steps))[1].value(f"{r.output}_1", sample_of(n)),
    # A published bug: hidden units updated with output weights that were updated already.
    r"BUG_updated_weights:(.*)": lambda r, key: read(r.sequential, key),
    r"E_o(\d)": lambda r, unit: r.loss_term(int(unit) - 1),
    r"dE/dout_h(\d)": lambda r, unit: r.first.gradient(f"a1_{unit}"),
    r"dE/dout_o(\d)": lambda r, unit: r.first.gradient(f"a2_{unit}"),
    r"dEo(\d)/dout_h(\d)": lambda r, to, unit: r.first.gradient(f"z2_{to}") * r.first.value(f"W2_{to}_{unit}"),
    r"dout_o(\d)/dnet_o\1": lambda r, unit: r.partial(f"z2_{unit}"),
    r"dout_h(\d)/dnet_h\1": lambda r, unit: r.partial(f"z1_{unit}"),
}

RULES_OF_CASE: Mapping[str, Mapping[str, Rule]] = {
    "hmkcode_2-2-1_linear": {r"h(\d)\+": lambda r, unit: r.value_after(f"a1_{unit}")},
    "vzhou_2-2-1": {
        r"dL/dypred": lambda r: r.first.gradient("a2_1"),
        r"dypred/dh1": lambda r: r.partial("z2_1") * r.first.value("W2_1_1"),
        r"dh1/dw1": lambda r: r.partial("z1_1") * r.first.value("x_1"),
    },
    "negnevitsky_xor_2-2-1": {
        # Units are numbered through: inputs 1 and 2, hidden 3 and 4, output 5.
        r"e": lambda r: -r.first.gradient("a2_1"),
        r"minus_delta5": lambda r: -r.first.gradient("z2_1"),
        r"minus_delta([34])": lambda r, unit: -r.first.gradient(f"z1_{int(unit) - 2}"),
        r"theta([34])\+": lambda r, unit: r.updated(f"theta1_{int(unit) - 2}"),
        r"theta5\+": lambda r: r.updated("theta2_1"),
        r"dw1([34])": lambda r, to: r.updated(f"W1_{int(to) - 2}_1") - r.first.value(f"W1_{int(to) - 2}_1"),
        r"dw([34])5": lambda r, of: r.updated(f"W2_1_{int(of) - 2}") - r.first.value(f"W2_1_{int(of) - 2}"),
        r"dtheta([34])": lambda r, unit: (
            r.updated(f"theta1_{int(unit) - 2}") - r.first.value(f"theta1_{int(unit) - 2}")
        ),
        r"dtheta5": lambda r: r.updated("theta2_1") - r.first.value("theta2_1"),
        # The figures call a threshold's negative a bias.
        r"db(\d_\d)": lambda r, index: -r.first.gradient(f"theta{index}"),
        r"b(\d_\d)\+": lambda r, index: -r.updated(f"theta{index}"),
    },
    "line_through_origin_two_epochs": {
        # `@2` are figures of the second epoch; w@k is the weight after k updates.
        r"loss@2": lambda r: r.solution.losses[1],
        r"dW@2": lambda r: solve(r.problem, steps=2, full_steps=2).steps[1].values.gradient("W1_1_1"),
        r"w@(\d)": lambda r, steps: solve(r.problem, steps=int(steps)).final["W1_1_1"],
        r"w_limit": lambda r: solve(r.problem, steps=100).final["W1_1_1"],
    },
}


def read(reader: Reader, key: str) -> Value | None:
    """Return the project's number for a figure, None for one that is listed as not covered; unknown names raise."""
    own = RULES_OF_CASE.get(reader.case["name"], {})
    for pattern, rule in (*own.items(), *RULES.items()):
        found = re.fullmatch(pattern, key)
        if found:
            return rule(reader, *found.groups())
    if any(re.fullmatch(pattern, key) for pattern in NOT_COVERED):
        return None
    raise LookupError(f"no rule reads the figure {key!r} of {reader.case['name']}")


def assert_figures(reader: Reader, expected: Mapping[str, float], *, ignore: str = "", least: int = 1) -> None:
    """Assert every figure at 1e-10 (1e-8 after a thousand updates or more), except names that match `ignore`."""
    wrong, compared = {}, 0
    for key, figure in expected.items():
        if re.fullmatch(ignore, key):
            continue
        actual = read(reader, key)
        if actual is None:
            continue
        compared += 1
        steps = re.search(r"@(\d{4,})", key)
        if not math.isclose(figure, float(actual), rel_tol=1e-8 if steps else 1e-10, abs_tol=1e-15):
            wrong[key] = (figure, float(actual))
    assert {} == wrong
    assert compared >= least


THRESHOLD = "negnevitsky_xor_2-2-1"


@pytest.mark.parametrize("name", few([name for name in CASES if name != THRESHOLD], 8))
def test_reference_case_has_the_known_numbers(name: str) -> None:
    """Every figure of a worked network is reproduced, in the column layout."""
    case = CASES[name]
    assert_figures(Reader(case, problem_of(case)), case["expected"], least=6)


@pytest.mark.parametrize("name", few([name for name in CASES if name != THRESHOLD], 4))
def test_reference_case_is_the_same_in_row_layout(name: str) -> None:
    """Writing weights as rows changes no figure of the first step."""
    case = CASES[name]
    assert_figures(
        Reader(case, problem_of(case, layout="row")), case["expected"], ignore=r".*@\d{2,}(_\d)?|w_limit", least=6
    )


def test_threshold_case_has_the_known_numbers() -> None:
    """A network with thresholds (z = Wx − θ) gives the book's figures, of the thresholds too."""
    case = CASES[THRESHOLD]
    assert_figures(Reader(case, problem_of(case, bias="threshold")), case["expected"], least=35)


def test_threshold_case_with_biases_gives_the_same_network() -> None:
    """The same network with b = −θ has the same figures; those of θ itself have no counterpart."""
    case = CASES[THRESHOLD]
    plain = {**RULES_OF_CASE[THRESHOLD]}
    del plain[r"db(\d_\d)"], plain[r"b(\d_\d)\+"]
    reader = Reader({**case, "name": "biases"}, problem_of(case))
    assert_figures(reader, case["expected"], ignore="|".join(plain), least=25)


def test_rgu_case_has_the_published_errors_of_hidden_units() -> None:
    """The chapter's hidden errors go through the updated weights (0.272392 and 0.87305), with three digits by hand."""
    reader = Reader(CASES["rgu_2-2-1"], problem_of(CASES["rgu_2-2-1"])).sequential
    hidden = reader.solution.steps[0].change.passes[1]
    for unit, published in ((1, 2.406e-3), (2, 7.916e-3)):
        error = float(hidden.gradient(f"z1_{unit}"))
        assert math.isclose(published, error, rel_tol=2e-3)
        assert not math.isclose(published, float(reader.first.gradient(f"z1_{unit}")), rel_tol=2e-2)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "expected_exact" in case])
def test_rational_case_has_the_exact_fractions(name: str) -> None:
    """A rational network is computed in fractions: not one digit is lost."""
    case = CASES[name]
    reader = Reader(case, problem_of(case))
    exact = {key: Fraction(text) for key, text in case["expected_exact"].items()}
    actual = {key: read(reader, key) for key in exact}
    assert exact == actual
    assert all(isinstance(value, Fraction) for value in actual.values())


def test_unknown_figure_is_refused() -> None:
    """A figure that no rule reads and no list leaves out fails: none is ignored silently."""
    case = CASES["line_through_origin_two_epochs"]
    with pytest.raises(LookupError, match="nonsense"):
        read(Reader(case, problem_of(case)), "nonsense@3")


def test_descended_network_matches_its_solution() -> None:
    """The helper above reads the end of a descent: its loss is the last of the solution."""
    derivation = derive(problem_of(CASES["mazur_2-2-2"]))
    reader = Reader(CASES["mazur_2-2-2"], derivation.problem)
    solution, values = reader.descended(50)
    assert math.isclose(solution.losses[-1], values.value("L"), rel_tol=1e-12)
