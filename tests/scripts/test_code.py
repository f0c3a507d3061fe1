"""Training scripts: they run alone, give the numbers of `solve`, and those with blanks fail until these are filled in."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest

import symbackprop
from symbackprop.catalog import optimizers
from symbackprop.errors import MissingValueError, ProblemError, UnknownNameError
from symbackprop.problems import Problem
from symbackprop.problems.load import examples
from symbackprop.rendering import notebook_file
from symbackprop.scripts import TARGETS, cells, script
from tests.documents import some
from tests.helpers import each, few, require_module

X = [[0.5, -1.0, 0.25], [1.5, 0.75, -0.5], [-0.25, 0.125, 1.0], [0.75, 1.25, -1.5], [0.1, -0.6, 0.9]]


def network(layers: list[dict[str, Any]], loss: Any, y: object, *, x: object = X, **tables: Any) -> Problem:
    """Return a problem with drawn weights."""
    inputs = len(x[0]) if isinstance(x, list) and isinstance(x[0], list) else len(x)  # type: ignore[arg-type]
    content = {
        "network": {"inputs": inputs, "loss": loss, "layers": layers, **tables.pop("network", {})},
        "parameters": {"seed": 7, "initializer": {"name": "uniform", "low": -1, "high": 1, "biases": True}},
        "data": {"x": x, "y": y},
        "training": {"learning_rate": 0.1, "steps": 7, **tables.pop("training", {})},
        **tables,
    }
    return symbackprop.problem(content)


TWO = [{"units": 4, "activation": "tanh"}, {"units": 2, "activation": "sigmoid"}]
Y = [[0.2, 0.9], [0.8, 0.1], [0.5, 0.4], [1.0, 0.0], [0.3, 0.6]]


WITHOUT_JAX = [row.name for row in TARGETS.values() if row.language is None and row.name != "jax"]
"""The targets in Python but JAX, which compiles every operation when it is first called: `test_jax_scripts` has a sample."""


def run(text: str, name: str = "__main__") -> dict[str, Any]:
    """Run a script, or import it by a name; return what it defines."""
    namespace: dict[str, Any] = {"__name__": name}
    exec(compile(text, "script.py", "exec"), namespace)
    return namespace


def agree(problem: Problem, found: dict[str, Any], tolerance: float = 1e-9) -> None:
    """Compare losses and final parameters of a script with those of a worked solution."""
    solution = symbackprop.solve(problem)
    np.testing.assert_allclose(found["losses"], solution.losses, rtol=tolerance, atol=tolerance)
    for quantity in solution.derivation.parameters:
        expected = [float(solution.final[element]) for element in quantity.elements()]
        model = found.get("model")
        name = "m_" if quantity.name == "m" else quantity.name  # m is the number of samples in a script
        array = found["parameters"][name] if model is None else getattr(model, name).detach().numpy()
        assert quantity.shape == np.shape(array)
        np.testing.assert_allclose(np.ravel(array), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", some(examples()))
@pytest.mark.parametrize("target", WITHOUT_JAX)
def test_example_scripts_run_and_agree_with_solve(name: str, target: str) -> None:
    """Whatever the bundled problem, the script passes its own checks and trains to the numbers of the solution."""
    if target == "torch":
        require_module("torch")
    problem = symbackprop.example(name)
    if problem.missing():
        with pytest.raises(MissingValueError):
            script(problem, target)
        return
    if problem.training is not None:
        problem = replace(problem, training=replace(problem.training, steps=min(problem.training.steps, 20)))
    found = run(script(problem, target))
    assert ("losses" in found) == (problem.training is not None)
    if problem.training is not None:
        agree(problem, found)


CASES: dict[str, Problem] = {
    "row": network(TWO, "mse", Y, notation={"layout": "row"}),
    "sum": network(TWO, "sse", Y, network={"reduction": "sum"}),
    "single": network(TWO, "half_squared_error", Y[0], x=X[0]),
    "bce": network(TWO, "bce", Y),
    "softmax": network([{"units": 3, "activation": "softmax"}], "ce", [0, 2, 1, 1, 0]),
    "softmax_squared": network([{"units": 3, "activation": "softmax"}], "mse", np.eye(3)[[0, 2, 1, 1, 0]].tolist()),
    "hinge": network([{"units": 3}], "hinge", [0, 2, 1, 1, 0]),
    "huber": network(TWO, {"name": "huber", "delta": 0.25}, Y),
    "own": network([{"units": 2, "activation": {"expression": "z/(1 + abs(z))", "name": "s"}}], "mse", Y),
    "own_loss": network(TWO, {"expression": "sum((a - y)**4)/4"}, Y),
    "shared": network([{"units": 3, "activation": "gelu", "bias": "shared"}, {"units": 2, "bias": "none"}], "mse", Y),
    "threshold": network([{"units": 2, "activation": "elu", "alpha": 0.5, "bias": "threshold"}], "mse", Y),
    "two_alphas": network(
        [
            {"units": 3, "activation": "leaky_relu", "alpha": 0.25},
            {"units": 2, "activation": "leaky_relu", "alpha": 0.5},
        ],
        "mse",
        Y,
    ),
    "l2": network(TWO, "mse", Y, regularization={"l2": 0.1, "form": "half_mean"}),
    "l1": network(TWO, "mse", Y, regularization={"l1": 0.1, "l2": 0.05, "form": "plain", "biases": True}),
    "convex": network(TWO, "mse", Y, regularization={"l2": 0.75, "form": "convex"}),
    "batches": network(
        TWO,
        "mse",
        Y,
        regularization={"l2": 0.1, "form": "half_mean"},
        training={"batch_size": 2, "shuffle": True, "seed": 3},
    ),
    "online": network(TWO, "bce", Y, training={"batch_size": 1}),
    "step": network(
        TWO, "mse", Y, training={"batch_size": 3, "schedule": {"kind": "step", "step_size": 2, "gamma": 0.5}}
    ),
    "exponential": network(TWO, "mse", Y, training={"schedule": {"kind": "exponential", "gamma": 0.8}}),
    "ascent": network(TWO, "mse", Y, training={"learning_rate": -0.01}),
    "frozen": network(TWO, "mse", Y, training={"frozen": ["W1", "b2"]}),
    "stopping": network(TWO, "mse", Y, training={"steps": 50, "stop": {"tolerance": 0.01, "patience": 2}}),
    "dampened": network(TWO, "mse", Y, training={"optimizer": "momentum", "momentum": 0.5, "dampening": 0.25}),
    "decayed": network(TWO, "mse", Y, training={"optimizer": "adam", "weight_decay": 0.1}),
    "samples_of_a_graph": symbackprop.problem(
        {
            "graph": {
                "parameters": {"w": [0.5, -1.0], "m": 0.25},
                "inputs": {"X": {"shape": [2, 3]}, "s": 1.0},
                "targets": {"y": {"shape": []}},
                "equations": ["u = w @ X", "v = sum(X, axis=1)", "E = sum(u**2) + s*m - dot(v, w)*y + max(u[0], u[1])"],
                "output": "E",
            },
            "data": {
                "X": [[[1, 2, 3], [0.5, 2, -1]], [[0, 1, 2], [2, 1, 0.5]], [[1, 1, 2], [3, 1, 0]]],
                "s": [1, 2, 0.5],
                "y": [1, 0.5, 2],
            },
            "training": {"learning_rate": 0.01, "steps": 4, "batch_size": 2},
        }
    ),
    **{
        name: network(TWO, "mse", Y, training={"optimizer": name, "learning_rate": 0.05})
        for name in optimizers.OPTIMIZERS
    },
}


@pytest.mark.parametrize("target", WITHOUT_JAX)
@pytest.mark.parametrize("case", few(CASES, 8))
def test_scripts_train_to_the_numbers_of_solve(case: str, target: str) -> None:
    """Layouts, biases, losses, penalties, optimizers, batches, schedules: the same losses, the same parameters."""
    if target == "torch":
        require_module("torch")
    agree(CASES[case], run(script(CASES[case], target)))


def test_sequential_updates_agree_in_numpy_and_are_refused_for_autograd() -> None:
    """Layers updated one after the other: the script does it too, autograd cannot."""
    problem = network(TWO, "mse", Y[0], x=X[0], training={"update": "sequential"})
    agree(problem, run(script(problem)))
    with pytest.raises(ProblemError, match="all parameters at once"):
        script(problem, "torch")


TAUGHT = {"mazur": symbackprop.example("mazur")} | {
    name: CASES[name]
    for name in ("batches", "softmax", "bce", "shared", "row", "l2", "two_alphas", "samples_of_a_graph")
}


def filled_in(problem: Problem) -> tuple[str, dict[str, str]]:
    """Return a script with blanks, and the right line for each of them, in their order."""
    full, blank = script(problem), script(problem, blanks=True)
    names = re.findall(r"^    (\w+) = \.\.\.", blank, re.MULTILINE)
    whole = full[full.index("\ndef backward") :]
    return blank, {name: re.findall(rf"^    {name} = (.*?)(?:  #.*)?$", whole, re.MULTILINE)[0] for name in names}


def with_lines(blank: str, lines: Mapping[str, str]) -> str:
    """Return a script with some of its blanks filled in."""
    for name, right in lines.items():
        blank = re.sub(
            rf"^    {name} = \.\.\..*$", lambda _, n=name, r=right: f"    {n} = {r}", blank, flags=re.MULTILINE
        )
    return blank


@pytest.mark.parametrize("case", few(TAUGHT, 3))
def test_blanks_fail_until_they_are_filled_in(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The student's version names the first line that is missing, whatever reads it; with all the lines it trains."""
    problem = TAUGHT[case]
    blank, lines = filled_in(problem)
    names = list(lines)
    for count in each(range(len(names)), least=2):
        with pytest.raises(SystemExit, match=rf"^{names[count]} still to be filled in$"):
            run(with_lines(blank, {name: lines[name] for name in names[:count]}))
        others = {name: right for name, right in lines.items() if name != names[count]}
        with pytest.raises(SystemExit, match=rf"^{names[count]} still to be filled in$"):
            run(with_lines(blank, others))
    agree(problem, run(with_lines(blank, lines)))
    assert "All checks passed" in capsys.readouterr().out


@pytest.mark.parametrize("name", few(examples(), 3))
def test_blanks_of_an_example_pass_with_the_right_lines(name: str) -> None:
    """Whatever the bundled problem, its own lines hold at random numbers too."""
    problem = symbackprop.example(name)
    if not problem.missing():
        run(with_lines(*filled_in(problem)), "student")["check"]()


@pytest.mark.parametrize("case", few(TAUGHT, 3))
def test_wrong_line_is_named_and_no_other(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one line that is wrong the checks name that line, though everything behind it is wrong too."""
    blank, lines = filled_in(TAUGHT[case])
    monkeypatch.setitem(sys.modules, "symbackprop", None)  # what words there are for it is looked at below
    for name, right in each(lines.items(), least=2):
        for wrong in (f"-({right})", f"1.001*({right})", f"({right}) + 1e-3", f"np.zeros_like({right})"):
            check = run(with_lines(blank, {**lines, name: wrong}), "student")["check"]
            with pytest.raises(SystemExit, match=rf"^{name} "):
                check()
    first, *_, last = lines
    with pytest.raises(SystemExit, match=rf"^{last} NameError"):
        run(with_lines(blank, {**lines, last: "nonsense"}))
    with pytest.raises(SystemExit, match=rf"^{first} the gradient has the shape"):
        run(with_lines(blank, {**lines, first: f"np.stack([{lines[first]}, {lines[first]}])"}))


@pytest.mark.parametrize("case", few(TAUGHT, 3))
def test_blanks_cannot_be_passed_by_numbers(case: str) -> None:
    """No gradient stands in the file, and the right numbers of the problem are wrong where the checks look."""
    problem = TAUGHT[case]
    blank, lines = filled_in(problem)
    assert "EXPECTED" not in blank
    found = run(with_lines(blank, lines), "student")
    given = {**found["parameters"], **found["data"]}
    numbers = found["backward"](**given, **found["forward"](**given)[1])
    stored = {line: repr(np.asarray(numbers[name]).tolist()) for name, line in found["LINES"].items()}
    copied = {line: f"np.array({text})" for line, text in stored.items()}
    with pytest.raises(SystemExit, match="expected"):
        run(with_lines(blank, copied))
    for text in stored.values():
        assert text in ("0.0", "1.0") or text not in blank


@pytest.mark.parametrize("target", WITHOUT_JAX)
@pytest.mark.parametrize("blanks", [False, True])
def test_imported_script_runs_nothing(target: str, blanks: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """Imported, a script defines its functions; it prints nothing, checks nothing and trains nothing."""
    if target == "torch":
        require_module("torch")
        if blanks:
            return
    found = run(script(symbackprop.example("mazur"), target, blanks=blanks), "imported")
    assert {"check", "train"} <= set(found) and "losses" not in found
    assert "" == capsys.readouterr().out


def notebook_of(problem: Problem, *, blanks: bool) -> Any:
    """Return an exercise as a notebook that is valid."""
    found = nbformat.reads(notebook_file.exercise(cells(problem, blanks=blanks)), 4)
    nbformat.validate(found)
    return found


def test_line_of_an_exercise_has_its_point_whatever_else_is_missing() -> None:
    """A test looks at its own line; where that reads what is missing, it names the missing line."""
    sources = {
        role["grade_id"]: cell.source
        for cell in notebook_of(TAUGHT["mazur"], blanks=True).cells
        if (role := cell.metadata["nbgrader"])
    }
    _, lines = filled_in(TAUGHT["mazur"])
    known = {name: lines[name] for name in ("dL_da2", "delta2", "dL_dW2", "dL_dW1")}
    space: dict[str, Any] = {}
    for role, source in sources.items():
        if not (role.startswith("test-") or source.startswith("parameters, losses")):
            exec(with_lines(source, known), space)
    for name in each(("dL_da2", "delta2", "dL_dW2")):
        exec(sources[f"test-{name}"], space)
    for name, missing in each({"dL_db2": "dL_db2", "dL_dW1": "dL_da1"}.items()):
        with pytest.raises(AssertionError, match=f"^{missing} still to be filled in$"):
            exec(sources[f"test-{name}"], space)


def cleared(source: str) -> str:
    """Return a cell as nbgrader gives it to students."""
    region = r"^( *)### BEGIN SOLUTION\n.*?### END SOLUTION$"
    stub = r"\1# YOUR CODE HERE\n\1raise NotImplementedError()"
    return re.sub(region, stub, source, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("case", few(TAUGHT, 2))
def test_exercise_in_a_notebook_has_a_test_for_each_line(case: str) -> None:
    """The teacher's version passes cell by cell; the student's, with blanks or as nbgrader makes it, fails at each test."""
    problem = TAUGHT[case]
    _, lines = filled_in(problem)
    teacher, student = (notebook_of(problem, blanks=blanks) for blanks in (False, True))
    roles = [cell.metadata["nbgrader"] for cell in teacher.cells]
    assert len(roles) == len({role["grade_id"] for role in roles})
    assert all(re.fullmatch(r"[\w-]+", role["grade_id"]) and role["schema_version"] == 3 for role in roles)
    assert 1 == sum(role["solution"] for role in roles)
    assert [f"test-{name}" for name in lines] == [role["grade_id"] for role in roles if role["grade"]]
    assert all(("points" in role) == role["grade"] for role in roles)
    space: dict[str, Any] = {}
    for cell in teacher.cells:
        exec(cell.source, space)
    agree(problem, space)
    handed_out = [[cleared(cell.source) for cell in teacher.cells], [cell.source for cell in student.cells]]
    for sources in each(handed_out):
        assert not any(right in source for source in sources for right in lines.values() if len(right) > 12)
        space, first = {}, next(iter(lines))
        for source, role in zip(sources, roles, strict=True):
            if role["grade"]:
                own = role["grade_id"].removeprefix("test-")
                with pytest.raises(AssertionError, match=rf"^({first}|{own}) still to be filled in$"):
                    exec(source, space)
            elif not source.startswith("parameters, losses"):
                exec(source, space)


def test_a_wrong_line_fails_the_checks_of_a_script() -> None:
    """A gradient of the wrong sign, shape or size is named."""
    text = script(symbackprop.example("mazur"))
    line = re.search(r"^    dL_dW1 = .*$", text, re.MULTILINE)
    assert line is not None
    for wrong, said in (
        ("-np.outer(delta1, x)", "(?s)W1 .*expected"),
        ("delta1", r"W1 the gradient has the shape \(2,\)"),
    ):
        with pytest.raises(SystemExit, match=said):
            run(text.replace(line[0], f"    dL_dW1 = {wrong}"))
    blind = re.sub(r"np\.allclose\(.*?atol=1e-12\)", "True", text)
    with pytest.raises(SystemExit, match="W1"):  # central differences find it without known numbers
        run(blind.replace(line[0], "    dL_dW1 = 1.01*np.outer(delta1, x)"))


@pytest.mark.parametrize(
    "title", ['a\n"""\nimport os\n# coding: utf-7\r', "coding: latin-1 \x0c\u2028 é", "'\\N{x} <<7*7>>"]
)
def test_titles_stay_inside_one_comment(title: str) -> None:
    """Whatever the title, the script is the same but for one comment."""
    text, plain = (script(symbackprop.example("line", [("title", each)])) for each in (title, "plain"))
    assert len(text.split("\n")) == len(plain.split("\n"))
    differing = [line for line, other in zip(text.split("\n"), plain.split("\n"), strict=True) if line != other]
    assert 1 == len(differing) and differing[0].startswith("# ")
    assert (
        compile(text.encode(), "script.py", "exec").co_consts == compile(plain.encode(), "script.py", "exec").co_consts
    )


def test_scripts_of_classes_at_a_kink_pass_their_checks() -> None:
    """At a kink central differences are left out, and the derivative chosen there stands in the script."""
    problem = network([{"units": 2, "activation": "relu", "bias": "none"}], "mse", [1, 2], x=[0, 0, 0])
    assert "np.heaviside(z1, 0)" in script(problem)
    agree(problem, run(script(problem)))


def test_the_command_writes_a_script_that_runs_alone(tmp_path: Path) -> None:
    """`code -o FILE` writes it, without -o it is printed, and Python runs it in an empty folder."""
    command = [sys.executable, "-m", "symbackprop", "code", "mazur"]
    printed = subprocess.run(command, capture_output=True, check=True, encoding="utf-8")
    subprocess.run([*command, "-o", str(tmp_path / "mazur.py")], check=True)
    assert printed.stdout == (tmp_path / "mazur.py").read_text("utf-8")
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "mazur.py"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    assert "0.291027773694" in done.stdout
    assert "import symbackprop" not in printed.stdout


def test_mistakes_are_named() -> None:
    """An unknown target has a nearest one; blanks are for NumPy; missing numbers are listed."""
    with pytest.raises(UnknownNameError, match="numpy"):
        script(symbackprop.example("mazur"), "nunpy")
    with pytest.raises(ProblemError, match="NumPy"):
        script(symbackprop.example("mazur"), "torch", blanks=True)
    with pytest.raises(MissingValueError, match="W1"):
        script(symbackprop.network([2, 1], activations=["sigmoid"], loss="mse"))


def test_large_scripts_know_norms_only() -> None:
    """Beyond some number of gradients the known numbers are their norms."""
    layers = [{"units": 40, "activation": "relu"}, {"units": 2}]
    problem = network(layers, "mse", Y, training={"steps": 2})
    text = script(problem)
    assert "np.linalg.norm" in text
    agree(problem, run(text))


RENAMED = {
    "graph": {
        "parameters": {"model": [[1, 2], [3, -1]], "shift": ["1/2", 1]},
        "inputs": {"forward": [1, 2]},
        "targets": {"t": 1},
        "equations": ["z = model @ forward + shift", "h = tanh(z)", "o = sum(h)", "L = 1/2*(o - t)**2"],
        "output": "L",
    }
}
"""Names that a script gives an underscore."""


@pytest.mark.parametrize("case", few(["mazur", "row", "l2", "samples_of_a_graph", "renamed"], 2))
def test_wrong_line_is_explained_where_the_package_is(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sign, a lost derivative, a transpose are named beside the numbers; without the package these are told alone."""
    problem = symbackprop.problem(RENAMED) if case == "renamed" else TAUGHT[case]
    blank, lines = filled_in(problem)

    def told(name: str, wrong: str) -> str:
        with pytest.raises(SystemExit) as left:
            run(with_lines(blank, {**lines, name: wrong}), "student")["check"]()
        return str(left.value)

    slips = {name: [(f"-({right})", "a sign is wrong")] for name, right in lines.items()}
    for name, right in lines.items():
        found = re.fullmatch(r"(\w+) ?\* ?\(?1 - \w+\**2?\)?|(\w+)\*(\w+)\*\(1 - \3\)", right)
        if found:
            slips[name].append((found[1] or found[2], "the derivative of the activation is missing"))
        if right.startswith("np.outer") and case == "mazur":
            slips[name].append((f"({right}).T", "the matrix of gradients is transposed"))
    named = [word in told(name, wrong) for name, own in slips.items() for wrong, word in own]
    assert len(named) >= len(lines) and sum(named) >= 0.6 * len(named), slips
    monkeypatch.setitem(sys.modules, "symbackprop", None)
    name = next(iter(lines))
    assert re.fullmatch(rf"{name} \(.*\) \S+ expected \S+", told(name, f"-({lines[name]})"))
