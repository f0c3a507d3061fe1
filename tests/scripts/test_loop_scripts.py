"""Scripts of loops run in their languages: the same losses, gradients and parameters as Python's, to the last digits."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbackprop
from symbackprop.algebra.functions import ACTIVATIONS
from symbackprop.catalog.losses import LOSSES
from symbackprop.catalog.optimizers import OPTIMIZERS
from symbackprop.errors import ProblemError
from symbackprop.problems import Problem
from symbackprop.problems.load import examples
from symbackprop.scripts import TARGETS, loop_languages, loop_parts, script
from tests.helpers import each, few, require_tool
from tests.scripts.test_code import CASES, X, Y, network

TOLERANCE = 1e-12
LANGUAGES = [row.name for row in TARGETS.values() if row.language is not None]
TOOLS = {"javascript": "node", "c": "gcc", "julia": "julia"}
SUFFIXES = {"javascript": "js", "c": "c", "julia": "jl"}


def printed(problem: Problem, target: str, folder: Path) -> list[str]:
    """Return the lines that a script prints; skip where its language is not installed."""
    if target == "julia":
        if shutil.which("julia") is None:
            pytest.skip("Julia is not installed")
    else:
        require_tool(TOOLS[target])
    file = folder / f"script.{SUFFIXES[target]}"
    file.write_text(script(problem, target), "utf-8")
    command = [TOOLS[target], str(file)]
    if target == "c":
        compiled = folder / "script"
        made = subprocess.run(
            ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-O1", str(file), "-o", str(compiled), "-lm"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        command = [str(compiled)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout.splitlines()


def agrees(problem: Problem, lines: list[str]) -> None:
    """Compare what a script prints with a descent of Python's."""
    assert "gradients are right" in lines[0]
    if problem.training is None:
        return
    history = symbackprop.train(problem, steps=problem.training.steps)
    first, last = map(float, lines[1].split()[1:])
    assert (first, last) == pytest.approx((history.losses[0], history.loss), rel=TOLERANCE, abs=TOLERANCE)
    found = {line.split()[0]: [float(number) for number in line.split()[1:]] for line in lines[2:]}
    for name, array in each(history.parameters.items()):
        own = found[name] if name in found else found[name + "_"]
        np.testing.assert_allclose(own, np.ravel(array), rtol=TOLERANCE, atol=TOLERANCE)


def of_few_steps(problem: Problem) -> Problem:
    """Return a problem of at most twenty updates, which are simultaneous."""
    if problem.training is None:
        return problem
    training = replace(problem.training, steps=min(problem.training.steps, 20), update="simultaneous")
    return replace(problem, training=training)


@pytest.mark.parametrize("name", few([name for name in examples() if not symbackprop.example(name).missing()], 2))
@pytest.mark.parametrize("target", LANGUAGES)
def test_examples_run_and_agree_with_python(name: str, target: str, tmp_path: Path) -> None:
    """Whatever the bundled problem, its program checks itself and trains to Python's numbers."""
    problem = of_few_steps(symbackprop.example(name))
    agrees(problem, printed(problem, target, tmp_path))


OWN: Mapping[str, Problem] = {
    **{f"activation {name}": network([{"units": 3, "activation": name}, {"units": 2}], "mse", Y) for name in ACTIVATIONS
       if name not in ("generic", "softmax")},
    **{f"optimizer {name}": network([{"units": 2, "activation": "tanh"}, {"units": 2}], "mse", Y,
       training={"optimizer": name, "steps": 5}) for name in OPTIMIZERS},
    **{f"case {name}": case for name, case in CASES.items()},
    "far out": network([{"units": 2, "activation": "gelu"}], "mse", Y, x=[[40.0 * number for number in row] for row in X]),
    "words": symbackprop.problem({"graph": {
        "parameters": {"let": [1.5, -2.0], "double": 0.5, "end": [[1.0, 2.0], [0.5, 1.0]]},
        "inputs": {"samples": [1.0, 2.0], "W_0": 2.0},
        "equations": ["var = end @ let + double*samples", "function = softmax(var)",
                      "const = logsumexp(var) + max(var) + min(let) + prod(function) + W_0", "L = const**2 + sum(abs(let))"],
        "output": "L"}, "training": {"learning_rate": 0.05, "steps": 3, "optimizer": "adam"}}),
}  # fmt: skip


def _has_a_script(problem: Problem) -> bool:
    training = problem.training
    is_plain = training is None or (
        training.batch_size is None and training.stop is None and training.schedule.kind == "constant"
    )
    return is_plain and not problem.missing() and (training is None or training.update == "simultaneous")


@pytest.mark.parametrize("name", few([name for name, problem in OWN.items() if _has_a_script(problem)], 3))
@pytest.mark.parametrize("target", LANGUAGES)
def test_everything_that_a_problem_can_say_is_written(name: str, target: str, tmp_path: Path) -> None:
    """Activations, losses, optimizers, penalties, batches, words of the language as names."""
    problem = of_few_steps(OWN[name])
    agrees(problem, printed(problem, target, tmp_path))


@pytest.mark.parametrize("target", LANGUAGES)
def test_larger_program_knows_norms(target: str, tmp_path: Path) -> None:
    """Of many gradients a program knows the norms."""
    problem = network([{"units": 60, "activation": "relu"}, {"units": 2}], "mse", Y)
    text = script(problem, target)
    assert "norms" in text
    agrees(problem, printed(problem, target, tmp_path))


def test_javascript_exports_functions(tmp_path: Path) -> None:
    """Required, it runs nothing and has forward, gradient and update as functions of arrays."""
    require_tool("node")
    problem = symbackprop.example("xor")
    (tmp_path / "xor.js").write_text(script(problem, "javascript"), "utf-8")
    code = """
    const it = require("./xor.js");
    const [loss, gradients] = it.gradient(it.parameters, it.data);
    const shifted = {...it.parameters, W1: it.parameters.W1.map((w, i) => w + (i === 1 ? 1e-6 : 0))};
    const slope = (it.forward(shifted, it.data) - loss) / 1e-6;
    console.log(JSON.stringify([loss, Array.from(gradients.W1), slope, it.update(1, 2, [], 1, 0.5)]));
    """
    found = subprocess.run(["node", "-e", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    loss, gradient, slope, updated = json.loads(found.stdout)
    expected, gradients = symbackprop.compile(problem)()
    assert loss == pytest.approx(expected, rel=TOLERANCE)
    assert gradient == pytest.approx(np.ravel(gradients["W1"]), rel=TOLERANCE)
    assert slope == pytest.approx(gradient[1], rel=1e-4)
    assert updated[0] == 0


@pytest.mark.parametrize("target", LANGUAGES)
def test_wrong_gradient_stops_the_program(target: str, tmp_path: Path) -> None:
    """A program whose numbers are not those that it carries says so and ends with an error."""
    problem = symbackprop.example("mazur")
    text = script(of_few_steps(problem), target)
    changed = re.sub(r"(delta1\[[^\]]*\]) = ", r"\1 = 2.0*", text)
    assert changed != text
    if target == "julia":
        return
    require_tool(TOOLS[target])
    file = tmp_path / f"script.{SUFFIXES[target]}"
    file.write_text(changed, "utf-8")
    run: list[Any] = ["node", file]
    if target == "c":
        subprocess.run(["gcc", file, "-o", tmp_path / "script", "-lm"], check=True)
        run = [tmp_path / "script"]
    found = subprocess.run(run, capture_output=True, text=True, check=False)
    assert found.returncode != 0 and "expected" in found.stdout + found.stderr


@pytest.mark.parametrize("target", LANGUAGES)
def test_what_a_program_cannot_do_is_refused(target: str) -> None:
    """Batches, schedules, sequential updates and blanks are for scripts in Python."""
    for tables in each(
        [{"batch_size": 2}, {"schedule": {"kind": "exponential", "gamma": 0.5}}, {"stop": {"patience": 1}}]
    ):
        with pytest.raises(ProblemError, match="only a script in Python"):
            script(network([{"units": 2}], "mse", Y, training=tables), target)
    sequential = network([{"units": 2}], "mse", Y, training={"update": "sequential"})
    with pytest.raises(ProblemError, match="sequential"):
        script(sequential, target)
    with pytest.raises(ProblemError, match="blank"):
        script(symbackprop.example("xor"), target, blanks=True)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_comments_stay_comments(language: str, tmp_path: Path) -> None:
    """A title ends no comment and begins no other line."""
    title = "x */ \\\n#error\n\\"
    problem = replace(symbackprop.example("line"), title=title, titles={})
    for target in each(["c", "javascript"]):
        assert "error" in script(problem, target, language=language)
    lines = printed(of_few_steps(problem), "c", tmp_path)
    assert lines


def test_rooms_are_named() -> None:
    """Each language has the words that are no names in it."""
    assert loop_parts.LoopParts and LOSSES
    for language in each([loop_languages.JAVASCRIPT, loop_languages.C, loop_languages.JULIA]):
        assert "for" in language.reserved and language.name in TARGETS
