"""One row makes a function of arrays: each reader of the table knows what a made-up row says, and refuses half a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbackprop as sbp
from symbackprop.algebra.array_operations import ARRAY_OPERATIONS, axes_of, spread_along
from symbackprop.algebra.broadcasting import Shape
from symbackprop.algebra.formula import (
    Apply,
    Hadamard,
    Indexed,
    MatrixProduct,
    Negative,
    Node,
    Quotient,
    Repeated,
    Span,
    Sum,
    Transposed,
)
from symbackprop.algebra.operation_rows import ALL, ArrayOperation
from symbackprop.compilation import compile
from symbackprop.compilation.array_engine import ArrayEngine
from symbackprop.compilation.backends import BACKENDS
from symbackprop.derivation.derivations import derive
from symbackprop.errors import IncompleteRowError
from symbackprop.evaluation.arithmetics import FLOAT
from symbackprop.evaluation.evaluate import evaluate
from symbackprop.problems import Problem
from symbackprop.rendering import render
from symbackprop.rendering.formats import formats
from symbackprop.scripts import TARGETS, script
from tests import random_graphs
from tests.derivation.test_matrices import assert_same_grain
from tests.helpers import only, require_module
from tests.scripts.test_code import agree, run
from tests.scripts.test_loop_scripts import agrees, printed


def _without_axis(apply: Apply, shapes: Sequence[Shape], where: str) -> Shape:
    """Return the shape without the axes along which an operation runs."""
    gone = axes_of(apply, len(shapes[0]))
    return tuple(length for axis, length in enumerate(shapes[0]) if axis not in gone)


def _softened_pullback(apply: Apply, upstream: Node, value: Node, shapes: Sequence[Shape]) -> Sequence[Node]:
    """Pull back through ln Σ eˣ."""
    (argument,), axes = apply.arguments, axes_of(apply, len(shapes[0]))
    power = Apply("exp", (Sum((argument, Negative(spread_along(value, axes, shapes[0])))),))
    return (Hadamard((spread_along(upstream, axes, shapes[0]), power)),)


def _total(apply: Apply, node: Node, shape: Shape) -> Node:
    (axis,) = axes_of(apply, len(shape))
    return Repeated(Apply("sum", (node,), axis=axis), axis, shape[axis])


def _shares_pullback(apply: Apply, upstream: Node, value: Node, shapes: Sequence[Shape]) -> Sequence[Node]:
    """Pull back through x/Σx."""
    (argument,), (shape,) = apply.arguments, shapes
    inner = _total(apply, Hadamard((upstream, value)), shape)
    return (Quotient(Sum((upstream, Negative(inner))), _total(apply, argument, shape)),)


MADE_UP = {
    row.name: row
    for row in (
        ArrayOperation(
            "gramian",
            1,
            lambda apply, shapes, where: (shapes[0][1], shapes[0][1]),
            definition=lambda apply, shapes: MatrixProduct(Transposed(apply.arguments[0]), apply.arguments[0]),
        ),
        ArrayOperation(
            "midst",
            1,
            lambda apply, shapes, where: shapes[0],
            definition=lambda apply, shapes: Sum(
                (apply.arguments[0], Negative(Repeated(Apply("mean", apply.arguments), 0, shapes[0][0])))
            ),
            calls={"np": "({0} - np.mean({0}))"},
        ),
        ArrayOperation(
            "swapt",
            2,
            lambda apply, shapes, where: (shapes[0][0] + shapes[1][0],),
            places=lambda apply, shapes: (
                (Span(shapes[1][0], shapes[0][0] + shapes[1][0]),),
                (Span(0, shapes[1][0]),),
            ),
            calls={"np": "np.concatenate([{0}][::-1], axis={axis})", "torch": "torch.cat([{0}][::-1], dim={axis})"},
        ),
        ArrayOperation(
            "crosst",
            2,
            lambda apply, shapes, where: shapes[0],
            definition=lambda apply, shapes: Hadamard((apply.arguments[0], Indexed(apply.arguments[1], (0,)))),
            layout="brackets",
            sign="⋈",
        ),
        ArrayOperation(
            "twofold",
            1,
            _without_axis,
            weight=lambda count: Fraction(2),
            axis=ALL,
            calls={lib: f"(2*{lib}.sum({{0}}{{along}}))" for lib in ("np", "torch")},
        ),
        ArrayOperation(
            "softened",
            1,
            _without_axis,
            joins=lambda parts: Apply("ln", (Sum(tuple(Apply("exp", (part,)) for part in parts)),)),
            reduces="logaddexp",
            pullback=_softened_pullback,
            axis=ALL,
            calls={lib: f"{lib}.log({lib}.sum({lib}.exp({{0}}){{along}}))" for lib in ("np", "torch")},
            layout="operator",
        ),
        ArrayOperation(
            "shares",
            1,
            lambda apply, shapes, where: shapes[0],
            joins=lambda parts: Quotient(parts[0], Sum(parts)),
            keeps=True,
            definition=lambda apply, shapes: Quotient(apply.arguments[0], _total(apply, apply.arguments[0], shapes[0])),
            pullback=_shares_pullback,
            axis=-1,
        ),
    )
}
EQUATIONS = {
    "gramian": ["p = gramian(W)", "L = sum(p*p) + x[0]*sum(p)"],
    "midst": ["u = W @ x", "p = midst(u*u)", "L = sum(p*u)"],
    "swapt": ["p = swapt(W @ x, x*x)", "L = sum(p*p*[1, 2, 3, 4, 5])"],
    "crosst": ["p = crosst(x, W)", "L = sum(p*p*x)"],
    "twofold": ["p = twofold(W*W, axis=1)", "L = sum(p*p) + x[0]*twofold(x)*twofold(W)"],
    "softened": ["p = softened(W*x, axis=1)", "L = sum(p*p) + softened(W)*x[1]"],
    "shares": ["p = shares(exp(W*x), axis=0)", "L = sum(p*p*W) + shares(exp(x))[0]"],
}
"""An output that reads each of them, of a matrix W (3, 2) and a vector x (2,)."""


@pytest.fixture(autouse=True)
def rows() -> Iterator[None]:
    """Have the made-up rows in the table."""
    with ARRAY_OPERATIONS.extended(*MADE_UP.values()):
        yield


def made(name: str, *, samples: bool) -> Problem:
    """Return a problem that reads an operation."""
    x: Any = [0.5, -1.25]
    content = {
        "graph": {
            "parameters": {"W": [[0.5, -1], [2, 0.25], [-0.75, 1.5]]},
            "inputs": {"x": {"shape": [2]} if samples else x},
            "equations": EQUATIONS[name],
            "output": "L",
        },
        "training": {"learning_rate": 0.01, "steps": 2},
        **({"data": {"x": [x, [1.5, 0.75]]}} if samples else {}),
    }
    return sbp.problem(content)


ROWS = [(name, each) for name in MADE_UP for each in (False, True)]
CASES = pytest.mark.parametrize(("name", "samples"), ROWS)


@CASES
def test_made_up_operation_is_derived_in_both_grains(name: str, samples: bool) -> None:
    """Its shape, its elements and its pullback follow from the row; every check of the gradients agrees."""
    problem = made(name, samples=samples)
    derivation = derive(problem)
    found = sbp.solve(problem).steps[0].values
    array = np.array(
        [float(found.value(e, 1 if samples else None)) for e in derivation.graph.quantities["p"].elements()]
    )
    assert derivation.graph.shapes["p"] == array.reshape(derivation.graph.shapes["p"]).shape
    assert_same_grain(derivation)
    assert sbp.check(problem).agrees


@CASES
@pytest.mark.parametrize("backend", BACKENDS)
def test_made_up_operation_is_compiled(name: str, samples: bool, backend: str) -> None:
    """Every backend computes the gradients of the derivation, in lines as well as in arrays."""
    require_module(backend)
    derivation = derive(made(name, samples=samples))
    values = evaluate(derivation, FLOAT)
    expected = [values.gradient(element) for element in derivation.graph.quantities["W"].elements()]
    loss, gradients = compile(derivation, backend=backend)()
    assert loss == pytest.approx(values.value("L"), rel=1e-12)
    assert gradients["W"].ravel().tolist() == pytest.approx(expected, rel=1e-12)
    compiled = compile(derivation, backend="numpy")
    engine = ArrayEngine(compiled.plan(derivation.graph.samples))
    out = np.empty((3, 2))
    arrays = compiled.arguments.parameter_arrays(None)
    engine.gradient(arrays, compiled.arguments.data_arrays(None, None)[1], [out])
    assert out.ravel().tolist() == pytest.approx(expected, rel=1e-12)


@CASES
@pytest.mark.parametrize("target", [name for name in TARGETS if name != "jax"])
def test_made_up_operation_is_written_for_every_target(name: str, samples: bool, target: str, tmp_path: Path) -> None:
    """Scripts run, pass their own checks, and train to the numbers of the solution."""
    problem = made(name, samples=samples)
    if TARGETS[target].language is not None:
        agrees(problem, printed(problem, target, tmp_path))
        return
    if target == "torch":
        require_module("torch")
    agree(problem, run(script(problem, target)))


@pytest.mark.parametrize(("name", "samples"), only(ROWS, ("crosst", True), ("crosst", False)))
def test_made_up_operation_is_printed(name: str, samples: bool) -> None:
    """Every format of text has it, by its name, which is no command of TeX, or in the layout that the row states.

    With samples, of which documents are long, each format is looked at in one of the languages.
    """
    solution = sbp.solve(made(name, samples=samples))
    texts = [name for name in formats() if name not in ("pdf", "json")]
    assert texts
    both = ("en", "zh")
    for number, each in enumerate(texts):
        for language in both[number % 2 :][:1] if samples else both:
            # Without the problem file that a page has with it.
            text = str(render(solution, each, language=language, explorable="off"))
            assert (name in text) == (MADE_UP[name].layout in ("call", "operator"))
            assert f"\\{name}" not in text


@pytest.mark.parametrize("name", ARRAY_OPERATIONS)
def test_operation_has_the_elements_of_its_definition(name: str) -> None:
    """A definition, or the places, of an operation give as many elements as its shape has, each of them once."""
    derivation = derive(sbp.problem(random_graphs.content(random_graphs.FUNCTIONS.index(name))))
    elements = derivation.graph.quantities["p"].elements()
    assert len(elements) == np.prod(derivation.graph.shapes["p"], dtype=int)
    written = [equation.name for equation in derivation.elements.equations]
    assert [1] * len(elements) == [written.count(element) for element in elements]


@pytest.mark.parametrize("name", ARRAY_OPERATIONS)
def test_row_of_the_package_is_complete(name: str) -> None:
    """What is asked of a row that is added holds for the rows that there are."""
    ARRAY_OPERATIONS.verify(ARRAY_OPERATIONS[name])


def test_half_a_row_is_refused() -> None:
    """A row without a meaning, with two, or without the calls of what it joins is an error where it is made."""
    whole = MADE_UP["swapt"]
    for changes in ({"places": None}, {"definition": MADE_UP["gramian"].definition}, {"calls": {"np": "f({0})"}}):
        with pytest.raises(IncompleteRowError, match=r"function swapt.*(definition|torch)"):
            ARRAY_OPERATIONS.add(replace(whole, **changes))  # type: ignore[arg-type]
    for changes in ({"pullback": None}, {"reduces": ""}, {"definition": MADE_UP["gramian"].definition}):
        with pytest.raises(IncompleteRowError, match=r"function softened.*pullback"):
            ARRAY_OPERATIONS.add(replace(MADE_UP["softened"], **changes))  # type: ignore[arg-type]
