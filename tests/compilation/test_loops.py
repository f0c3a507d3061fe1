"""Loops over one memory: the numbers of the other engines, run by Python and, where Numba is installed, as machine code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import symbackprop as sbp
from symbackprop.algebra import functions
from symbackprop.catalog import optimizers
from symbackprop.compilation import Gradient, Runner, loop_layout, lowered, strides
from symbackprop.compilation.array_engine import ArrayEngine
from symbackprop.compilation.backends import BACKENDS
from symbackprop.compilation.engine import Engine
from symbackprop.compilation.loop_code import PYTHON, LoopWriter
from symbackprop.compilation.loop_engine import LoopEngine
from symbackprop.compilation.operations import View
from symbackprop.compilation.plan import Plan
from symbackprop.errors import EvaluationError
from tests import random_graphs
from tests.compilation.test_compilation import NUMBA, PAIRS, SETTINGS, assert_same, drawn, network, run
from tests.helpers import each, few
from tests.test_one_meaning import READ, assert_near, expected

DTYPES = {"float64": 1e-11, "float32": 2e-5}
BATCHES = [None, [[0, 1], [2, 3], [3, 0], [1, 1]], [[2], [0], [3], [1]]]


def interpreted(source: str, given: Mapping[str, Any], name: str, signature: str) -> Any:
    """Return a function of a source as Python runs it: everything but the compiler."""
    space = {**given, "at": int}
    exec(source, space)
    return space[name]


class Loops:
    """A backend that runs loops as Python."""

    def prepare(self, plan: Plan) -> Engine:
        """Return the engine."""
        return LoopEngine(plan, interpreted)


def looped(problem: Any, dtype: str = "float64") -> Gradient:
    """Return a gradient whose loops Python runs."""
    gradient = sbp.compile(problem, dtype=dtype)
    gradient._backend = Loops()  # type: ignore[assignment]
    return gradient


# Places of numbers


@pytest.mark.parametrize(
    "text",
    [
        "A",
        "A.T",
        "A[1]",
        "A[:, 1]",
        "A[1:]",
        "A[None, :, 2]",
        "A.T[1:3, None]",
        "A[:1].T",
        "A[1, 2, ...]",
        "A[-1, :2][None]",
        "A.reshape(2, 6)",
        "A[1].reshape(2, 2)",
        "A[None].reshape(12).reshape(4, 3)[1:]",
    ],
)
def test_strides_are_those_of_numpy(text: str) -> None:
    """An index, a slice, a new axis and a transposition mean what they mean for an array."""
    array = np.arange(12.0).reshape(3, 4)
    wanted = eval(text, {"A": array})
    view = strides.strided(View("A", (), False, text.removeprefix("A")), strides.whole("A", (3, 4)))
    assert np.shape(wanted) == view.lengths
    numbers = np.lib.stride_tricks.as_strided(
        array.ravel()[view.offset :], view.lengths, [8 * stride for stride in view.strides], writeable=False
    )
    np.testing.assert_array_equal(numbers, wanted)


def test_axis_of_samples_is_turned_and_kept_as_a_whole() -> None:
    """The matrices of all samples have their axes exchanged behind the samples; a length below 0 counts samples."""
    array = strides.whole("X", (2, 3), strides.SAMPLES)
    assert (strides.SAMPLES, 2, 3) == array.lengths and (6, 3, 1) == array.strides
    turned = strides.strided(View("X", (3, 2), True, ".swapaxes(1, 2)[:, 1:, None]"), array)
    assert ((strides.SAMPLES, 2, 1, 2), (6, 1, 0, 3), 1) == (turned.lengths, turned.strides, turned.offset)


def test_loops_over_numbers_side_by_side_are_one() -> None:
    """Rows that follow each other are one loop, over so many times the samples; a repeated axis stays its own."""
    lengths = (strides.SAMPLES, 2, 3)
    assert ((-6,), [(1,), (1,)]) == strides.nested(lengths, [(6, 3, 1), (6, 3, 1)])
    assert ((-2, 3), [(3, 1), (0, 1)]) == strides.nested(lengths, [(6, 3, 1), (0, 0, 1)])
    assert ((), [()]) == strides.nested((1,), [(1,)])


def test_parameters_and_their_gradients_come_in_order() -> None:
    """An update is one pass over parameters and gradients: both lie side by side in the order of the problem."""
    code = looped(network("linear", "half_squared_error")).engine(3).code  # type: ignore[attr-defined]
    assert isinstance(code.layout, loop_layout.Layout)
    sizes = [int(np.prod(each.shape)) for each in code.plan.parameters]
    starts = np.cumsum([0, *sizes[:-1]])
    names = list(code.layout.views)[: len(sizes)]
    assert starts.tolist() == [code.layout.fixed[name] for name in names]
    assert (starts + code.layout.gradients).tolist() == [code.layout.fixed[name] for name in code.gradients]
    assert isinstance(lowered.lowered_gradient(code.plan, frozenset()), lowered.Lowered)


# The numbers of the other engines


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize(("activation", "loss"), few(PAIRS, 23))
def test_loops_agree_with_arrays(activation: str, loss: str, samples: int) -> None:
    """Every output activation with every loss, in both types of numbers, for one sample and for any number of them."""
    problem = network(activation, loss)
    for dtype, tolerance in each(DTYPES.items()):
        gradient = looped(problem, dtype)
        arguments = drawn(gradient.problem, samples)
        wanted = run(ArrayEngine(gradient.plan(samples)), gradient, *arguments)
        assert_same(wanted, run(gradient.engine(samples), gradient, *arguments), tolerance)
        assert_same(wanted, gradient(*arguments), tolerance)


@pytest.mark.parametrize("hidden", few(functions.WITH_FORMULA, 5))
@pytest.mark.parametrize("layout", ["column", "row"])
def test_hidden_activations_and_layouts_agree(hidden: str, layout: str) -> None:
    """Gradients lead through every activation, whichever way weights lie."""
    problem = network(
        "softmax",
        "cross_entropy",
        hidden=hidden,
        bias="shared",
        notation={"layout": layout},
        regularization={"l2": 0.25},
    )
    gradient = looped(problem)
    arguments = drawn(problem, 3)
    assert_same(run(ArrayEngine(gradient.plan(3)), gradient, *arguments), gradient(*arguments))


@pytest.mark.parametrize("seed", few(READ, 12))
def test_loops_agree_on_random_graphs(seed: int) -> None:
    """Whatever an equation says, loops find the numbers of the element grain."""
    derivation = sbp.derive(sbp.problem(random_graphs.content(seed)))
    try:
        wanted = expected(derivation)
    except EvaluationError:
        pytest.skip("the graph has no values")
    for dtype, tolerance in each((("float64", 1e-9), ("float32", 2e-4))):
        assert_near(wanted, *looped(derivation, dtype)(), tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("optimizer", optimizers.OPTIMIZERS)
def test_loops_descend_as_arrays(optimizer: str, dtype: str) -> None:
    """Every optimizer with all samples, with some, with one: losses, parameters, states, and what is seen on the way."""
    problem, rates = network("softmax", "cross_entropy"), [0.5, 0.25, 0.125, -0.1]
    for batches in each(BATCHES):
        for frozen in each([(), ("b1",)]):
            found = []
            for gradient in (sbp.compile(problem, dtype=dtype), looped(problem, dtype)):
                if not isinstance(gradient._backend, Loops):
                    gradient._backend = _Arrays()  # type: ignore[assignment]
                settings = SETTINGS.get(optimizer, {})
                runner = Runner(gradient, *drawn(problem, 4), optimizer=optimizer, settings=settings, frozen=frozen)
                trace = np.zeros((2, sum(array.size for array in runner.parameters.values())), dtype)
                losses = runner.run(rates, batches, looks=np.array([True, False, False, True]), trace=trace)
                found.append({"losses": losses, "trace": trace, **runner.save()})
            for name, array in each(found[0].items()):
                np.testing.assert_allclose(
                    found[1][name], array, rtol=50 * DTYPES[dtype], atol=DTYPES[dtype], err_msg=name
                )


class _Arrays:
    def prepare(self, plan: Plan) -> Engine:
        return ArrayEngine(plan)


def test_names_of_quantities_are_never_those_of_the_code() -> None:
    """A graph may call its arrays as loops call their numbers."""
    names = {"memory": [1.0, 2.0], "at": [0.5, 0.25], "number": 2.0, "i1": [3.0, 1.0], "column": 1.5, "dL_dmemory": 1.0}
    equations = ["t1 = memory*at + i1", "samples = t1*number", "L = sum(samples)*column + dL_dmemory"]
    problem = sbp.problem({"graph": {"parameters": names, "equations": equations, "output": "L"}})
    assert_same(sbp.compile(problem)(), looped(problem)())


# Machine code


@NUMBA
@pytest.mark.parametrize(
    ("dtype", "samples", "optimizer"),
    few(
        [
            (dtype, samples, optimizer)
            for optimizer in optimizers.OPTIMIZERS
            for dtype in DTYPES
            for samples in (1, 3, 9)
        ],
        2,
    ),
)
def test_machine_code_descends_as_numpy_on_both_sides_of_the_crossovers(
    dtype: str, samples: int, optimizer: str
) -> None:
    """Straight lines, loops and arrays of Numba: what NumPy finds, in updates on one size of batch and on two."""
    assert BACKENDS["numba"].is_installed
    problem = sbp.network((2, 9, 3), activations=["tanh", "softmax"], loss="cross_entropy")
    parameters, x, y = drawn(problem, 19)
    asked: dict[str, Any] = {"learning_rate": 0.01, "epochs": 2, "parameters": parameters, "optimizer": optimizer}
    asked |= {"batch_size": samples, "dtype": dtype, **SETTINGS.get(optimizer, {})}
    wanted, found = (sbp.train(problem, x, y, backend=backend, **asked) for backend in ("numpy", "numba"))
    if dtype == "float32" or samples > 1:
        assert isinstance(found.gradient.engine(samples), LoopEngine)
    np.testing.assert_allclose(found.losses, wanted.losses, rtol=50 * DTYPES[dtype])
    for name, array in each(wanted.parameters.items()):
        np.testing.assert_allclose(found.parameters[name], array, rtol=50 * DTYPES[dtype], atol=DTYPES[dtype])


@NUMBA
def test_numbers_out_of_range_are_those_of_arrays() -> None:
    """A loss that grows without bounds is infinite or no number in the same update, and nothing is raised."""
    problem = sbp.network((2, 40, 1), activations=["linear", "linear"], loss="half_squared_error")
    parameters, x, y = drawn(problem, 1)
    losses = [Runner(sbp.compile(problem, backend), parameters, x, y).run([1e3] * 60) for backend in ("numpy", "numba")]
    assert not np.isfinite(losses[0]).all()
    np.testing.assert_array_equal(np.isfinite(losses[0]), np.isfinite(losses[1]))


def test_writer_names_what_it_adds_to() -> None:
    """Arrays to which rows are added are filled with zeros beforehand, all in one go."""
    writer = LoopWriter({}, PYTHON["float64"], str)
    assert [] == writer.lines([]) and set() == writer.zeros
