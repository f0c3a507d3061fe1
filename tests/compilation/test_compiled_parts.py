"""What a compiled gradient is made of: checked arguments, lowered formulas, operations, lines of NumPy, engines, updates."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import symbackprop as sbp
from symbackprop.algebra.formula import Hadamard, MatrixProduct, Name, Number, Product, Sum
from symbackprop.compilation import array_code, engine, operations, optimizer_code
from symbackprop.compilation.arguments import Arguments
from symbackprop.compilation.array_lowering import ArrayLowering
from symbackprop.compilation.backends import sympy as lambdified
from symbackprop.compilation.compiled_descent import COUNT, Runner
from symbackprop.compilation.compiled_gradient import DTYPES, Gradient
from symbackprop.compilation.identifiers import Identifiers
from symbackprop.compilation.lowering import Lowering
from symbackprop.compilation.operations import Copy, Elementwise, Multiply, Reduce, View
from symbackprop.errors import ProblemError, SymbackpropError
from tests.helpers import each

MATRIX = View("W", (2, 3), varies=False)
VECTORS = View("x", (3,), varies=True)


OWN = {"W1": [[1, 2], [3, 4]], "b1": 1, "W2": [[1, 2], [3, 4]], "b2": 1}


@pytest.fixture
def mazur() -> Gradient:
    """Return the compiled gradient of an example."""
    return sbp.compile(sbp.derive(sbp.example("mazur")))


# Arguments


def test_arguments_default_to_the_numbers_of_the_problem(mazur: Gradient) -> None:
    """Without arguments the problem's own numbers are used, in the order of its parameters and the type asked for."""
    assert isinstance(mazur.arguments, Arguments)
    arrays = mazur.arguments.parameter_arrays(None)
    assert [(2, 2), (), (2, 2), ()] == [array.shape for array in arrays]
    samples, data = mazur.arguments.data_arrays(None, None)
    assert (1, [(1, 2), (1, 2)]) == (samples, [array.shape for array in data])
    assert {np.dtype("float64")} == {array.dtype for array in (*arrays, *data)}


@pytest.mark.parametrize(
    ("given", "match"),
    [({"W1": [[1, 2], [3, 4]]}, "b1"), ({**OWN, "W9": 1}, "W9"), ({**OWN, "b1": [1, 2]}, "b1"), ([1], "list")],
)
def test_arguments_that_do_not_fit_are_named(mazur: Gradient, given: object, match: str) -> None:
    """A parameter that is missing or unknown, or no mapping at all, is a message that says which."""
    with pytest.raises(SymbackpropError, match=match):
        mazur.arguments.parameter_arrays(given)  # type: ignore[arg-type]


def test_arguments_of_several_samples_have_as_many_inputs_as_targets(mazur: Gradient) -> None:
    """Three inputs and two targets are refused."""
    with pytest.raises(ProblemError, match=r"(?s)3.*2|2.*3"):
        mazur.arguments.data_arrays(np.ones((3, 2)), np.ones((2, 2)))


# Operations and their views


def test_view_says_how_python_spells_it() -> None:
    """A new axis, a transposition and a part are indices; transposed twice is the view itself."""
    assert "W.T" == MATRIX.transposed().text
    assert MATRIX == MATRIX.transposed().transposed()
    assert ("x[:, None]", (1, 3)) == (VECTORS.with_axis(0).text, VECTORS.with_axis(0).shape)
    assert ("W[1]", (3,)) == (MATRIX.part((1,)).text, MATRIX.part((1,)).shape)


def test_operations_name_what_they_read() -> None:
    """Each operation lists the views it reads, its target not among them."""
    target = View("t", (2,), varies=True)
    assert [VECTORS] == Elementwise(target, Sum((VECTORS, Number(Fraction(1))))).reads()
    assert [VECTORS, MATRIX] == Multiply(target, VECTORS, MATRIX).reads()
    assert [VECTORS] == Reduce(target, "sum", VECTORS, (1,)).reads()
    assert [] == Copy(target, Number(Fraction(0))).reads()
    assert operations.varies(Sum((VECTORS, MATRIX))) and not operations.varies(MATRIX)
    assert (1, 3) == operations.aligned(VECTORS, 2).shape  # type: ignore[attr-defined]
    assert (1, 3, 1) == operations.spread(VECTORS, 2, 2).shape


# Lowering


def lowered(formula: object) -> tuple[ArrayLowering, View]:
    """Return the lowering of `z1 = formula` in the plan of two samples, and its array."""
    plan = sbp.compile(sbp.derive(sbp.example("mazur"))).plan(2)
    lowering = ArrayLowering(plan, Identifiers(plan.derivation, frozenset()))
    for name in ("W1", "x", "b1"):
        lowering.given(name)
    lowering.define(Name("z1"), formula)  # type: ignore[arg-type]
    found = lowering.known[Name("z1")]
    assert isinstance(found, View)
    return lowering, found


def test_lowering_makes_a_product_of_all_samples_and_leaves_sums_elementwise() -> None:
    """W x + b is one matrix product with the samples as rows, and one elementwise formula; both write their own array."""
    lowering, found = lowered(Sum((MatrixProduct(Name("W1"), Name("x")), Name("b1"))))
    assert isinstance(lowering, Lowering)
    assert [Multiply, Elementwise] == [type(operation) for operation in lowering.operations]
    assert (2,) == found.shape and found.varies


def test_lowering_leaves_out_what_nobody_reads() -> None:
    """Of all operations those stay, in order, that what is wanted takes: all for the sum, none for the input."""
    lowering, found = lowered(Sum((MatrixProduct(Name("W1"), Name("x")), Name("b1"))))
    assert lowering.operations == lowering.needed([found])
    assert [] == lowering.needed([lowering.given("x")])


# Lines of NumPy


def test_array_code_writes_every_result_into_memory_that_is_there() -> None:
    """A formula of two operations is two calls with `out=`, and computes what it says."""
    numbers = iter(range(9))
    writer = array_code.Writer("float64", lambda stem: f"{stem}{next(numbers)}")
    target = View("t", (3,), varies=True)
    formula = Product((Number(Fraction(2)), Hadamard((VECTORS, VECTORS))))
    lines = writer.lines([Elementwise(target, formula)], ())
    space = {name: getattr(np, name) for name in array_code.FUNCTIONS if hasattr(np, name)}
    space |= {"x": np.arange(12.0).reshape(4, 3), "t": np.empty((4, 3))}
    space |= {name: np.empty((4, *shape[1:])) for name, shape in writer.registers.items()}
    for line in each(lines):
        exec(line, space)
    np.testing.assert_array_equal(2 * np.arange(12.0).reshape(4, 3) ** 2, space["t"])


# Engines


def test_engine_memory_begins_with_a_cache_line_and_keeps_its_order() -> None:
    """Arrays of an engine are aligned; a copy has the numbers and the order of what it copies."""
    for shape in ((3,), (5, 7)):
        assert 0 == engine.empty(shape, "float32").ctypes.data % 64
    turned = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    copy = engine.copied(turned)
    assert copy.flags.f_contiguous and 0 == copy.ctypes.data % 64
    np.testing.assert_array_equal(turned, copy)


def test_lambdified_engine_has_the_loss_of_the_array_engine(mazur: Gradient) -> None:
    """SymPy's own compiler, the reference, gives the same loss and gradients, and shows its code."""
    reference = lambdified.prepare(mazur.plan(1))
    arrays, (_, data) = mazur.arguments.parameter_arrays(None), mazur.arguments.data_arrays(None, None)
    found = [np.empty_like(array) for array in arrays]
    loss = reference.gradient(arrays, data, found)
    expected, gradients = mazur()
    assert expected == pytest.approx(loss, rel=1e-14)
    for name, array in each(zip(gradients, found, strict=True), least=4):
        np.testing.assert_allclose(gradients[name], array, rtol=1e-13)
    assert "def " in reference.source


def test_compiled_gradient_keeps_the_code_of_a_number_of_samples(mazur: Gradient) -> None:
    """The engine for a number of samples is made once; no samples and a type that does not exist are refused."""
    assert mazur.engine(3) is mazur.engine(3)
    with pytest.raises(ProblemError):
        mazur.engine(0)
    assert ["float64", "float32"] == list(DTYPES)
    with pytest.raises(SymbackpropError, match="float16"):
        sbp.compile(mazur.derivation, dtype="float16")


# Updates


def test_optimizer_code_computes_once_what_all_parameters_share() -> None:
    """Adam's corrections depend on the number of the update alone: they are common; without momentum nothing is."""
    adam = optimizer_code.update("adam", {}, ("W1",), first=False)
    assert ("m", "v") == adam.states
    assert 2 <= len(adam.common)
    plain = optimizer_code.update("gradient_descent", {}, ("W1",), first=False)
    assert ((), ()) == (plain.common, plain.states)
    assert plain is optimizer_code.update("gradient_descent", {}, ("W1",), first=False)


def test_runner_goes_on_from_what_was_saved(mazur: Gradient) -> None:
    """Two updates, saved and loaded elsewhere, and two more are four updates; something else's state is refused."""
    whole, half, rest = (Runner(mazur, optimizer="momentum", settings={"momentum": Fraction(1, 2)}) for _ in range(3))
    expected = whole.run([0.5] * 4)
    first = half.run([0.5] * 2)
    rest.load(half.save())
    assert 2 == int(half.save()[COUNT])
    np.testing.assert_array_equal(expected, [*first, *rest.run([0.5] * 2)])
    with pytest.raises(ProblemError):
        rest.load(Runner(mazur).save())
