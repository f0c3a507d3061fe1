"""The format notebook: valid, the same every time, and true: its code recomputes the numbers of its text."""

from __future__ import annotations

import ast
import contextlib
import functools
import io
import itertools
import json
import math
import random
import re
import subprocess
import sys
import warnings
from dataclasses import replace
from fractions import Fraction
from typing import Any

import matplotlib
import nbformat
import pytest
from nbclient import NotebookClient

import symbackprop as sbp
from symbackprop import rendering
from symbackprop.algebra.formula import ONE, Adjoint, Apply, Name, Node, added, multiplied, rewrite, walk
from symbackprop.arithmetic import exact
from symbackprop.arithmetic.python_code import reads_no_names
from symbackprop.compilation.identifiers import Identifiers
from symbackprop.compilation.scalar_code import WORDS
from symbackprop.descent.solution import Solution
from symbackprop.scripts.notebook import statements
from tests.documents import EXAMPLES, PROBLEMS, dense, solved, some, text_of
from tests.helpers import each, few

BATCH = dense((2, "tanh"), (1, "linear"), samples=5)


def trained(**training: object) -> dict[str, object]:
    """Return a small problem with that training."""
    return {**dense((2, "sigmoid"), (1, "linear")), "training": training}


TRAININGS: dict[str, dict[str, object]] = {
    "momentum": trained(optimizer="momentum", learning_rate=0.1, momentum=0.9, dampening=0.5, steps=2),
    "nesterov": trained(optimizer="nesterov", learning_rate=0.1, momentum=0.9, steps=2),
    "adagrad": trained(optimizer="adagrad", learning_rate=0.1, steps=2),
    "rmsprop": trained(optimizer="rmsprop", learning_rate=0.01, steps=2),
    "adam": trained(optimizer="adam", learning_rate=0.01, steps=2),
    "adamw": trained(optimizer="adamw", learning_rate=0.01, steps=2),
    "schedule": trained(learning_rate=0.1, steps=2, schedule={"kind": "exponential", "gamma": "1/2"}),
    "frozen": trained(learning_rate=0.1, frozen=["W1", "b1"]),
    "sequential": trained(learning_rate=0.1, update="sequential"),
    "sequential, deep": {
        **dense((2, "sigmoid"), (2, "tanh"), (2, "softmax"), loss="cross_entropy"),
        "training": {"learning_rate": 0.5, "update": "sequential", "steps": 3},
        "regularization": {"l2": 0.1},
    },
    "sequential batches": {
        **BATCH,
        "training": {"learning_rate": 0.2, "update": "sequential", "batch_size": 2, "steps": 4},
    },
    "batches of momentum": {
        **BATCH,
        "training": {"optimizer": "momentum", "dampening": 0.5, "batch_size": 3, "steps": 4},
    },
    "no training": {key: value for key, value in trained().items() if key != "training"},
    "batches": {**BATCH, "training": {"learning_rate": 0.1, "batch_size": 2, "epochs": 1}},
    "even batches": {
        **BATCH,
        "training": {"learning_rate": 0.1, "batch_size": 1, "steps": 7, "shuffle": True, "seed": 1},
    },
    "rounded": {**dense((2, "sigmoid"), (1, "linear")), "notation": {"round_intermediates": {"decimals": 3}}},
    "kink": {**dense((1, "relu"), (1, "linear"), inputs=1), "data": {"x": [0], "y": [1]}},
    "penalty": {**dense((2, "sigmoid"), (1, "linear")), "regularization": {"l2": 0.1}},
    "hinge": dense((2, "relu"), (3, "linear"), loss="hinge"),
    "gelu": dense((2, "gelu"), (1, "softplus")),
    "names of Python": {
        "graph": {
            "parameters": {"np": 2, "check": -3},
            "inputs": {"t": 1.5, "print": 0.5},
            "equations": ["lambda = np*t + check*print", "f = lambda**2"],
            "output": "f",
        },
        "training": {"learning_rate": 0.01},
    },
}


@functools.cache
def solution(name: str) -> Solution:
    """Return the solution of an example or a problem."""
    return sbp.solve(sbp.problem(TRAININGS[name])) if name in TRAININGS else solved(name)


@functools.cache
def notebook(name: str) -> Any:
    """Return a notebook, checked against the description of the format."""
    text = str(rendering.render(solution(name), "notebook")) if name in TRAININGS else text_of(name, "notebook")
    found = nbformat.reads(text, as_version=4)
    nbformat.validate(found)
    return found


def code(name: str) -> list[str]:
    """Return the cells of code of a notebook."""
    return [cell.source for cell in notebook(name).cells if cell.cell_type == "code"]


def ran(cells: list[str]) -> dict[str, Any]:
    """Run cells one after the other; return what they define. A warning is a failure."""
    matplotlib.use("Agg")
    space: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "FigureCanvasAgg is non-interactive")
        for cell in cells:
            exec(compile(cell, "<cell>", "exec"), space)
    return space


@pytest.mark.parametrize("name", [*some([*EXAMPLES, *PROBLEMS]), *few(TRAININGS, 5)])
def test_notebook_recomputes_every_number(name: str) -> None:
    """Each cell runs after those before it, and what it computes is what the solution says."""
    cells = code(name)
    if not solution(name).steps:
        assert [] == cells
        return
    ran(cells)
    compared = re.findall(r"^    (\w+)=", "\n".join(cells), re.MULTILINE)
    step = solution(name).steps[0]
    computed = {equation.name for equation in step.derivation.elements.equations}
    spelled = {base.partition("__")[0].rstrip("_") for base in compared}
    assert {element.replace("@", "").rstrip("_") for element in computed} <= spelled
    gradients = [name for name in spelled if re.match(r"d[A-Za-z_]+_d|delta", name)]
    assert len(gradients) >= sum(len(quantity.elements()) for quantity in step.derivation.parameters)


def shown_formulas(name: str) -> dict[str, Node]:
    """Return the formulas of the values and gradients of a solution's first step, by identifier, over identifiers."""
    derivation = solution(name).steps[0].derivation
    batched, samples = derivation.elements.batched, range(1, (derivation.graph.samples or 0) + 1)
    identifiers = Identifiers(derivation, statements.RESERVED | WORDS)
    found: dict[str, Node] = {}

    def define(target: Name | Adjoint, terms: list[tuple[Node, bool]]) -> None:
        own = target.name in batched
        for place in samples if own else [None]:

            def spelled(part: Node, sample: int | None) -> Node | None:
                if not isinstance(part, Name | Adjoint):
                    return None
                if part == Adjoint(derivation.graph.output):
                    return ONE
                return Name(identifiers.of(replace(part, sample=sample if part.name in batched else None)))

            whole = [
                rewrite(term, lambda part, sample=sample: spelled(part, sample))
                for term, spans in terms
                for sample in ([place] if own or not spans else samples)
            ]
            found[identifiers.of(replace(target, sample=place))] = added(tuple(whole))

    for equation in derivation.elements.equations:
        terms = [(term.formula(), not batched.isdisjoint(term.arguments)) for term in equation.terms]
        define(Name(equation.name), terms)
    for element, links in derivation.links.items():
        if links and element != derivation.graph.output:
            reads = [{link.source, *link.term.arguments} for link in links]
            formulas = [multiplied((Adjoint(link.source), link.partial())) for link in links]
            define(Adjoint(element), [(f, not batched.isdisjoint(r)) for f, r in zip(formulas, reads, strict=True)])
    return found


PYTHON = {"ln": "log", **{row: row for row in ("exp", "sqrt", "sin", "cos", "tan", "tanh", "erf", "abs")}}
"""What Python calls the primitives of formulas; steps and extremes are comparisons."""


@pytest.mark.parametrize("name", some([*EXAMPLES, *PROBLEMS]))
def test_notebook_computes_the_formula_that_is_shown(name: str) -> None:
    """Node by node a cell reads the names and calls the functions of the formula shown, and is equal to it anywhere."""
    formulas, seen, numbers = shown_formulas(name) if solution(name).steps else {}, set(), random.Random(7)
    lines = [line for cell in code(name) for line in ast.parse(cell).body]
    for line in lines:
        if not (isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name)):
            continue
        target = line.targets[0].id
        if target in seen or target not in formulas:
            continue
        seen.add(target)
        formula = statements.shown(formulas[target])
        called = {part.func.id for part in ast.walk(line.value) if isinstance(part, ast.Call)} - {"max", "min"}
        applied = {part.function for part in walk(formula) if isinstance(part, Apply) and not reads_no_names(part)}
        assert {PYTHON[each] for each in applied - {"max", "min", "step"}} == called, target
        read = {part.id for part in ast.walk(line.value) if isinstance(part, ast.Name)} - called - {"max", "min"}
        assert {part.name for part in walk(formula) if isinstance(part, Name)} == read, target
        values = {each: Fraction(numbers.randrange(1, 100), 100) for each in sorted(read)}
        expected = exact.evaluate(formula, lambda part, values=values: values.get(getattr(part, "name", None)))
        floats = {each: float(value) for each, value in values.items()}
        actual = eval(compile(ast.Expression(line.value), "<cell>", "eval"), {**vars(math), **floats})
        assert actual == pytest.approx(float(expected), rel=1e-9, abs=1e-12), target
    assert bool(solution(name).steps) == bool(seen)
    assert seen >= {each for each in formulas if not each.startswith("d")}  # a gradient by an input is not shown


def saturated(activation: str, loss: str, *logits: int) -> Solution:
    """Return a layer with these logits whose last output should be 0, or 1 among several."""
    units = len(logits)
    content = {
        "network": {"inputs": 1, "layers": [{"units": units, "activation": activation}], "loss": loss},
        "parameters": {"W1": [[logit] for logit in logits], "b1": [0] * units},
        "data": {"x": [1], "y": [0] * (units - 1) + [units - 1]},
        "training": {"learning_rate": 0.1},
    }
    return sbp.solve(sbp.problem(content))


@pytest.mark.parametrize(
    ("activation", "loss", "logits", "names"),
    [("sigmoid", "binary_cross_entropy", (40,), "L"), ("softmax", "cross_entropy", (800, -50), "a1_1, a1_2")],
)
def test_notebook_says_where_floats_need_another_formula(
    activation: str, loss: str, logits: tuple[int, ...], names: str
) -> None:
    """Where ln(1 − a) or an exponential is lost in float64, an equal formula stands, and the cell names its numbers."""
    page = json.loads(str(rendering.render(saturated(activation, loss, *logits), "notebook")))
    cells = ["".join(cell["source"]) for cell in page["cells"] if cell["cell_type"] == "code"]
    ran(cells)
    assert any(cell.startswith("# ") and cell.partition("\n")[0].endswith(f": {names}") for cell in cells)


@pytest.mark.parametrize("name", some(EXAMPLES))
def test_notebook_of_an_example_needs_no_other_formula(name: str) -> None:
    """No example is so near to the ends of float64 that its cells compute another formula than is shown."""
    assert not any("# Floats" in cell for cell in code(name))


@pytest.mark.parametrize("name", ["mazur", "xor", "lstm"])
@pytest.mark.sweep
def test_notebook_runs_in_a_kernel(name: str) -> None:
    """Top to bottom in Jupyter's kernel, with NumPy and matplotlib alone: nothing of ours is imported."""
    fresh = nbformat.from_dict(notebook(name))
    assert not any("symbackprop" in cell for cell in code(name))
    NotebookClient(fresh, kernel_name="python3", timeout=120).execute()
    outputs = [output for cell in fresh.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert [] == [output for output in outputs if output.output_type == "error"]


@pytest.mark.parametrize("name", few(["mazur", "line", "circuit", *TRAININGS], 5))
def test_notebook_cell_may_be_run_again(name: str) -> None:
    """Each cell twice, the updates too: what it computes stays right, and so does all behind it."""
    ran([cell for cell in code(name) for _ in range(2)])


@pytest.mark.parametrize("name", ["mazur", "circuit", "batch with mean"])
def test_notebook_says_what_symbols_are_called_in_its_code(name: str) -> None:
    """Every name that the first passes give a value stands in a table beside the symbol that the text has for it."""
    (table,) = [cell.source for cell in notebook(name).cells if cell.source.startswith("| quantity | in the code |")]
    named = {word.replace("\\", "") for row in table.splitlines()[2:] for word in row.strip("| ").split(" | ")[1::2]}
    found = {word for cell in code(name) for word in re.findall(r"^(\w+) = ", cell, re.MULTILINE)}
    assert len(named) > 10 and named <= found
    if not solution(name).problem.samples:
        passes = [cell for cell in code(name) if "check(" in cell and "new_" not in cell and "def check" not in cell]
        assert named >= {word for cell in passes for word in re.findall(r"^(\w+) = ", cell, re.MULTILINE)}
    assert all(row.count("$") in (2, 4) for row in table.splitlines()[2:])


@pytest.mark.parametrize("name", ["mazur", "adam", "batch with mean", "circuit"])
def test_notebook_finds_a_wrong_line(name: str) -> None:
    """A sign turned in any statement of the backward pass is reported by the cell that has it."""
    cells = code(name)
    place = next(k for k, cell in enumerate(cells) if re.search(r"^(?:delta|d\w+_d)\w+ = ", cell, re.MULTILINE))
    lines = cells[place].splitlines()
    for number, line in each(enumerate(lines)):
        left, sign, right = line.partition(" = ")
        if not sign or not re.match(r"delta|d\w+_d", left):
            continue
        broken = [*lines[:number], f"{left} = 0.001 - ({right})", *lines[number + 1 :]]
        with pytest.raises(AssertionError, match=left):
            ran([*cells[:place], "\n".join(broken)])


def test_notebook_loop_gives_the_losses_of_the_solution() -> None:
    """The loop runs the problem's own updates; its losses are those of the solution, all of them."""
    space = ran(code("deep"))
    expected = solution("deep").losses
    assert len(space["losses"]) == len(expected) - 1
    assert space["losses"] == pytest.approx(list(expected[:-1]), rel=1e-9)


@pytest.mark.parametrize("name", few([name for name, content in TRAININGS.items() if "training" in content], 6))
def test_notebook_loop_is_compared_with_the_solution(name: str) -> None:
    """Whatever the update and the batches, the losses of the loop are those of all samples before each update."""
    space = ran(code(name))
    expected = list(statements.unrounded(solution(name)).losses)[: len(space["losses"])]
    assert len(space["losses"]) >= len(expected) >= 2
    assert space["losses"][: len(expected)] == pytest.approx(expected, rel=1e-9)
    assert space["losses"][-1] != space["losses"][0]
    assert any("assert np.allclose(losses" in cell for cell in code(name))
    own_first = name in ("momentum", "batches of momentum")
    assert own_first == ("first_update" in space)


def test_notebook_has_the_sections_of_the_document() -> None:
    """Its text is the common Markdown, cut into cells; a figure is inside it."""
    text = "\n\n".join(cell.source for cell in notebook("mazur").cells if cell.cell_type == "markdown")
    for line in text_of("mazur", "markdown").splitlines():
        if not line.startswith("!["):
            assert line in text
    assert "](data:image/svg+xml;base64," in text
    firsts = [cell.source.partition("\n")[0] for cell in notebook("mazur").cells if cell.cell_type == "markdown"]
    assert "## 2 Forward pass" in firsts


def test_notebook_has_the_code_beside_its_text() -> None:
    """Each pass is followed by the cell that computes it, in each step that is worked out."""
    order = [cell.source for cell in notebook("line").cells]
    for heading, statement in (("Forward pass", "z1_1 = "), ("Backward pass", "delta1_1 = "), ("Update", "W1_1_1 = ")):
        places = [k for k, text in enumerate(order) if re.match(rf"### [23]\.\d {heading}", text)]
        assert 2 == len(places)
        # Between a pass and its code stands the heading of its only layer.
        assert all(statement in order[place + (1 if heading == "Update" else 2)] for place in places)


@pytest.mark.parametrize("name", ["classifier", "deep", "mazur"])
def test_notebook_has_the_elements_of_an_array_in_order(name: str) -> None:
    """As its text has them, unit 1 before unit 2, on the way back too."""
    graph = solution(name).steps[0].derivation.graph
    order = {element: place for place, element in enumerate(graph.elements())}
    pattern = re.compile(r"^(?:dL_d)?([a-zA-Z]+\d*_[\d_]+?)(?:__\d+)? = ", re.MULTILINE)
    cells = [pattern.findall(cell) for cell in code(name) if "def " not in cell and "__" not in cell]
    rows = [
        list(places)
        for cell in cells
        for _, elements in itertools.groupby(
            filter(order.__contains__, cell), lambda element: graph.quantity_of(element).name
        )
        for places in itertools.pairwise(order[element] for element in elements)
    ]
    for earlier, later in each(rows, 3):
        assert earlier <= later


def test_notebook_has_the_code_of_a_layer_beside_its_text() -> None:
    """A pass over several layers has a cell behind each of them, which computes its numbers and no others."""
    order = [cell.source for cell in notebook("mazur").cells]
    for heading, names in each([(r"### 2.1", "za1"), (r"### 2.2", "za2"), (r"### 5.1", "da2"), (r"### 5.2", "da1")]):
        place = next(k for k, text in enumerate(order) if text.startswith(heading))
        found = re.findall(r"^(\w+) = ", order[place + 1], re.MULTILINE)
        assert found and all(re.match(rf"(dL_d)?(delta|[{names[:-1]}zaWb]){names[-1]}", name) for name in found)


def test_notebook_has_unique_cells_and_no_output() -> None:
    """Identifiers are places; nothing has run yet."""
    cells = json.loads(text_of("mazur", "notebook"))["cells"]
    assert [f"cell-{number}" for number in range(1, len(cells) + 1)] == [cell["id"] for cell in cells]
    for cell in cells:
        assert cell["source"]
        if cell["cell_type"] == "code":
            assert (None, []) == (cell["execution_count"], cell["outputs"])


def test_notebook_of_a_large_problem_says_why_it_has_no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above a number of statements there is a sentence in place of the code."""
    monkeypatch.setattr("symbackprop.scripts.notebook.cells.MOST_STATEMENTS", 10)
    found = json.loads(str(rendering.render(solution("mazur"), "notebook")))["cells"]
    assert {"markdown"} == {cell["cell_type"] for cell in found}
    assert any("too large" in "".join(cell["source"]) for cell in found)


def test_notebook_shows_matrix_detail_with_code() -> None:
    """Without the element-by-element sections the code stands behind the matrix ones."""
    found = json.loads(str(rendering.render(solved("mazur"), "notebook", detail="matrix")))["cells"]
    sources = ["".join(cell["source"]) for cell in found if cell["cell_type"] == "code"]
    ran(sources)
    assert any("delta2_1 = " in source for source in sources)


SHOWN = """
import sys, symbackprop as s
problem = s.example('mazur')
derivation = s.derive(problem)
assert not {'jinja2', 'symbackprop.rendering'} & set(sys.modules)
print(problem._repr_markdown_()); print(derivation._repr_markdown_()); print(s.solve(problem)._repr_markdown_())
"""


def test_objects_show_themselves_in_a_notebook() -> None:
    """A problem shows its statement, a derivation its formulas, a solution everything; nothing is loaded before."""
    done = subprocess.run([sys.executable, "-c", SHOWN], capture_output=True, check=True)
    pages = done.stdout.decode().split("# One gradient-descent step through a 2-2-2 network\n")[1:]
    assert 3 == len(pages)
    statement, formulas, everything = pages
    assert "## 2 " not in statement
    assert "0.15" in statement
    assert r"\underbrace" in formulas
    assert "0.0821670" not in formulas
    assert r"\boxed{0.0821670}" in everything


def test_large_objects_are_named() -> None:
    """What nobody can read on a page is one line."""
    network = sbp.network([64, 32, 10], activations=["relu", "softmax"], loss="cross_entropy")
    for shown in (network, sbp.derive(network)):
        text = shown._repr_markdown_()
        assert "2,410 parameters" in text
        assert 1 == len(text.splitlines())


def test_listing_reserves_the_names_of_the_notebook() -> None:
    """Every name that the notebook's own lines give a value is one that no quantity can have."""
    own = [cell for cell in code("mazur") if not cell.startswith("def ")]
    given = [*re.findall(r"^\s*(\w+)(?:, \w+)? = ", "\n".join(own), re.MULTILINE), "check", "np", "plt"]
    names = {element for q in solution("mazur").derivation.graph.quantities.values() for element in q.elements()}
    quantities = names | {solution("mazur").derivation.adjoint_name(name) for name in names}
    renewed = {f"new_{name}" for name in names}
    assert set(given) - quantities - renewed <= statements.RESERVED | WORDS
