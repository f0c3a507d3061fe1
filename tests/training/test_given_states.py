"""States of the optimizer before the first update: one meaning in solutions, by hand, in training, in scripts, on sheets."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbackprop as sbp
from symbackprop.by_hand.hand_computation import hand_computation
from symbackprop.catalog.optimizers import OPTIMIZERS, carried, reduced
from symbackprop.document.sections import optimizer_states
from symbackprop.homework.assignments.variants import assignment
from symbackprop.problems import load, saved_problem
from symbackprop.problems.training_table import initial_states
from symbackprop.scripts.targets import script
from tests.helpers import each
from tests.homework.test_asked import GRAPH, NETWORK, numbers_of, solved_number

SETTINGS = {"rmsprop": {"momentum": "1/2"}}
STATEFUL = sorted(name for name, row in OPTIMIZERS.items() if row.state)


def table(optimizer: str, content: Mapping[str, Any], steps: int = 3) -> dict[str, Any]:
    """Return a problem whose optimizer begins with stated states of two parameters."""
    plain = load.problem({**content, "training": {"learning_rate": "1/10"}}, name="state")
    arrays = list(plain.parameter_shapes().items())[1:3]
    state = {
        name: {
            parameter: np.reshape([f"{n + 1}/{7 + place}" for n in range(math.prod(shape))], shape).tolist()
            for place, (parameter, shape) in enumerate(arrays)
        }
        for name in OPTIMIZERS[optimizer].state
    }
    training = {"optimizer": optimizer, "learning_rate": "1/10", "steps": steps, "state": state}
    return {**content, "training": {**training, **SETTINGS.get(optimizer, {})}}


@pytest.mark.parametrize("optimizer", STATEFUL)
@pytest.mark.parametrize("content", [NETWORK, GRAPH], ids=["network", "graph"])
def test_one_meaning_everywhere(optimizer: str, content: Mapping[str, Any]) -> None:
    """The losses of solution, training, numbers by hand and the script agree, and are not those without the states."""
    whole = table(optimizer, content)
    problem = load.problem(whole, name="state")
    solved = sbp.solve(problem, full_steps=3)
    without = sbp.solve(load.problem({**whole, "training": {**whole["training"], "state": {}}}, name="state"))
    assert solved.losses[1:] != without.losses[1:]
    assert sbp.train(problem).losses == pytest.approx(solved.losses[:3], rel=1e-9)
    assert sbp.train(problem, optimizer=optimizer, steps=3).losses == pytest.approx(solved.losses[:3], rel=1e-9)
    for key, value in each(numbers_of(solved.derivation, 3).items(), least=40):
        expected = solved_number(solved, key)
        assert expected is None or float(value) == pytest.approx(float(expected), rel=1e-12), key
    text = script(problem, "numpy")
    program = f"{text}\nprint(repr(list(map(float, losses))))\n"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    printed = found.stdout.splitlines()[-1] if found.stdout else found.stderr
    assert printed.startswith("["), found.stderr
    assert [float(part) for part in printed.strip("[]").split(",")] == pytest.approx(solved.losses, rel=1e-9)


@pytest.mark.parametrize("optimizer", STATEFUL)
def test_states_are_stated_again_where_the_problem_is(optimizer: str) -> None:
    """In saved files and settled trainings; another optimizer begins with its own."""
    problem = load.problem(table(optimizer, NETWORK), name="state")
    assert problem.training is not None and problem.training.state
    again = load.problem(saved_problem.content_of(saved_problem.text_of(problem), "saved"), name="state")
    assert again.training is not None and again.training.state == problem.training.state
    other = sbp.train(problem, optimizer="gradient_descent", steps=1)
    assert other.losses


@pytest.mark.parametrize(
    ("optimizer", "state", "said"),
    [
        ("momentum", {"m": {"W1": 0}}, "v"),
        ("momentum", {"v": {"W9": 0}}, "W1"),
        ("momentum", {"v": {"W1": [1, 2]}}, "2"),
        ("momentum", {"v": {"b1": ["sqrt(2)", 0]}}, "fraction"),
        ("gradient_descent", {"v": {"W1": [[1, 2], [3, 4]]}}, "state"),
        ("rmsprop", {"u": {"b1": [0, 0]}}, "v"),
    ],
)
def test_what_is_no_state_is_refused(optimizer: str, state: object, said: str) -> None:
    """A name that is none, a parameter that is none, a shape, a number that is no fraction, a state that nothing carries."""
    with pytest.raises(sbp.SymbackpropError, match=r"training\.state") as caught:
        load.problem({**NETWORK, "training": {"optimizer": optimizer, "state": state}}, name="state")
    assert said in str(caught.value)


def test_states_have_other_names_elsewhere() -> None:
    """`velocity` is v, and what PyTorch calls a state is it."""
    parameters = {quantity.name: quantity for quantity in sbp.derive(load.problem(NETWORK, name="s")).parameters}
    for name, row in each(OPTIMIZERS.items(), least=5):
        carried_on = carried(name, reduced(name, load.problem(table(name, NETWORK), name="s").training.zero))  # type: ignore[union-attr]
        assert set(carried_on) >= set(row.state_spellings.values())
        for spelled, meant in row.state_spellings.items():
            training = {"optimizer": name, **SETTINGS.get(name, {}), "state": {spelled: {"b1": ["1/2", "1/4"]}}}
            found = load.problem({**NETWORK, "training": training}, name="state").training
            assert found is not None
            assert 0.25 == dict(initial_states(found, parameters["b1"]))["b1_2"][meant]
            assert OPTIMIZERS[name].state[meant] == dict(initial_states(found, parameters["b2"]))["b2_1"][meant]


@pytest.mark.parametrize("content", [NETWORK, GRAPH], ids=["network", "graph"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_documents_print_the_states(content: Mapping[str, Any], language: str) -> None:
    """What is given has a table of them; nothing says that they are 0."""
    problem = load.problem(table("momentum", content, 1), name="state")
    assert problem.training is not None and ("v",) == optimizer_states.carried_states(problem.training)
    text = sbp.render(sbp.solve(problem), format="markdown", language=language)
    assert "1/7" in text or "\\frac{1}{7}" in text
    assert {"en": "At first", "zh": "最初"}[language] not in text
    assert {"en": "Before the first update", "zh": "第一次更新之前"}[language] in text


def test_digest_and_sheet_have_the_states(tmp_path: Path) -> None:
    """Other states are other numbers, and a sheet shows them; scripts of other libraries say that they cannot."""
    with_states, without = table("adam", NETWORK, 1), {**NETWORK, "training": {"optimizer": "adam"}}
    digests = {assignment(load.problem(each, name="s")).digest for each in (with_states, without)}
    assert 2 == len(digests)
    sbp.homework(with_states, students=2, folder=tmp_path / "class", formats=["text"])
    sheet = (tmp_path / "class/students/sheets/1.txt").read_text()
    assert "m₀" in sheet and "v₀" in sheet and "1/7" in sheet
    with pytest.raises(sbp.ProblemError, match=r"training\.state"):
        script(load.problem(with_states, name="s"), "torch")
    assert hand_computation(sbp.derive(load.problem(with_states, name="s"))).steps == 1
