"""Plain functions of NumPy arrays as problems: the same numbers, and PyTorch's gradients of the same function."""

from __future__ import annotations

import functools
import math
import sys
from typing import Any

import numpy as np
import pytest
import scipy.special

import symbackprop as sbp
from symbackprop.errors import ProblemError
from symbackprop.frontends import tracing
from symbackprop.frontends.tracing import (
    assigned_variables,
    numpy_compositions,
    numpy_functions,
    numpy_rearrangements,
    precedence,
    recorded,
    traced_problem,
)
from tests.frontends.traced_functions import FUNCTIONS, attention, elman, mixture
from tests.helpers import each, require_module

trace = tracing.trace


def drawn(name: str) -> dict[str, Any]:
    """Return positive numbers with two decimals for the arrays of a function."""
    generator = np.random.default_rng(sum(map(ord, name)))
    _, shapes = FUNCTIONS[name]
    return {key: np.round(generator.uniform(0.15, 0.95, shape), 2) for key, shape in shapes.items()}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_and_problem_have_the_same_value_and_gradients(name: str) -> None:
    """The problem's value is the function's, its gradients are PyTorch's of the same function, and `check` agrees."""
    torch = require_module("torch")
    function, _ = FUNCTIONS[name]
    arrays = drawn(name)
    problem = trace(functools.partial(function, np), arrays)
    solution = sbp.solve(problem)
    assert float(solution.steps[0].values.value(problem.model.output)) == pytest.approx(
        float(function(np, **arrays)), rel=1e-12
    )
    tensors = {key: torch.tensor(value, dtype=torch.float64, requires_grad=True) for key, value in arrays.items()}
    function(torch, **tensors).backward()
    compiled = sbp.compile(problem)
    _, gradients = compiled(arrays)
    for key in each(arrays):
        assert gradients[key] == pytest.approx(tensors[key].grad.numpy(), rel=1e-10, abs=1e-11)


def test_equations_are_those_of_the_function() -> None:
    """Variables name equations, one that is assigned again is numbered, what is shared has a name."""
    found = trace(functools.partial(elman, np), drawn("elman"))
    assert found.model.equations == (
        "ht1 = tanh(W @ X[0] + U @ h)",
        "ht2 = tanh(W @ X[1] + U @ ht1)",
        "ht3 = tanh(W @ X[2] + U @ ht2)",
        "loss = sum((ht3 - y)**2)",
    )
    found = trace(functools.partial(mixture, np), drawn("mixture"))
    assert found.model.equations == (
        "w = exp(a) / sum(exp(a))",
        "loss = -ln(sum(w * exp(-(x - m)**2 / 2)))",
    )
    found = trace(functools.partial(attention, np), drawn("attention"))
    assert found.model.equations[0] == "S = Q @ K.T / sqrt(2)"

    def shared(a: Any) -> Any:
        kept = [np.exp(a)]
        return (kept[0] / kept[0].sum())[0]

    assert trace(shared, {"a": [1.0, 2.0]}).model.equations == ("u = exp(a)", "loss = (u / sum(u))[0]")


def test_constants_become_inputs_by_their_names() -> None:
    """An array that the function reads from elsewhere is an input with the name of its variable."""
    mask = np.array([1.0, 0.0])

    def masked(w: Any) -> Any:
        scale = np.array([2.0, 3.0])
        return (w * mask * scale).sum()

    found = trace(masked, {"w": [1.0, 2.0]})
    assert found.model.inputs == ("mask", "scale") and found.model.equations == ("loss = sum(w * mask * scale)",)
    assert found.name == "masked"


SELECTIONS = {
    "x[0]": (3,), "x[-1]": (3,), "x[1:]": (3,), "x[::2]": (5,), "x[::-1]": (3,), "x[[2, 0]]": (3,),
    "x[1]": (2, 3), "x[:, 1]": (2, 3), "x[0, 1:]": (2, 3), "x[:, ::-1]": (2, 3), "x[[0, 1], [2, 1]]": (2, 3),
    "x[None, :]": (3,), "x[..., 0]": (2, 3), "x[np.array([True, False, True])]": (3,), "x.T[0]": (2, 3),
    "x.reshape(3, 2)[2]": (2, 3), "x.ravel()": (2, 3), "x.flatten()[4]": (2, 3), "np.flip(x)": (3,),
    "np.roll(x, 1)": (3,), "np.diagonal(x)": (2, 2), "np.diag(x)": (3,), "np.trace(x)": (2, 2),
    "np.cumsum(x)": (4,), "np.squeeze(x)": (3, 1), "np.tile(x, 2)": (2,), "np.expand_dims(x, 0)": (3,),
    "np.concatenate([x, x * 2])": (3,), "np.stack([x, x], axis=1)": (3,), "np.vstack([x, x])": (3,),
    "np.hstack([x, x])": (2, 2), "np.column_stack([x, x])": (3,), "np.clip(x, 0.3, 0.6)": (4,),
    "np.outer(x, x)": (3,), "np.dot(x, x)": (3,), "np.inner(x, x)": (3,), "np.linalg.norm(x)": (2, 2),
    "x.var(axis=0)": (2, 3), "x.std()": (3,), "np.logaddexp(x, 1)": (3,), "np.sign(x - 0.5) * x": (3,),
    "np.add.reduce(x)": (3,), "sum(x)": (3,), "np.maximum.reduce(x)": (3,), "np.multiply.outer(x, x)": (3,),
    "np.swapaxes(x, 0, 1)": (2, 3), "np.mean(x, axis=(0, 1))": (2, 3),
    "np.where((x > 0.3) & ~(x > 0.7), x, -x)": (5,), "np.broadcast_to(x, (2, 3))": (3,), "len(x) * x": (3,),
    "x.prod()": (3,), "np.einsum('ij->ji', x)": (2, 3), "np.einsum('ij,ij->i', x, x)": (2, 3),
    "np.einsum('i,j->ij', x, x)": (2,), "np.einsum('ij,jk,kl->il', x, x, x)": (2, 2),
    "np.einsum('ij,i->j', x, x[:, 0])": (2, 3), "np.square(x) + np.cbrt(x)": (3,),
    "np.reciprocal(x) - (-x) ** 2": (3,), "np.sum(x, axis=1, keepdims=True) * x": (2, 3),
    "np.atleast_2d(x) @ x": (3,), "np.log10(x) + np.exp2(x) + np.fabs(-x)": (3,), "x @ x.T": (2, 3),
    "x[0] @ x": (2, 2), "x @ x[0]": (2, 2), "+x": (2,), "np.split(x, 2)[1]": (4,), "np.array_split(x, 3)[2]": (4,),
    "np.hsplit(x, 2)[1]": (2, 4), "np.vsplit(x, 2)[0]": (4, 2), "np.diff(x)": (4,), "np.diff(x, n=2, axis=0)": (4, 2),
    "np.convolve(x, x[:3])": (4,), "np.convolve(x[:2], x, 'same')": (4,), "np.correlate(x, x[:2], 'full')": (4,),
    "np.correlate(x, x[:2], mode='same')": (3,), "np.pad(x, 1)": (2,), "np.pad(x, ((0, 1), (2, 0)))": (2, 2),
    "np.pad(x, 1, mode='edge')": (3,), "np.tril(x)": (3, 3), "np.triu(x, 1)": (3, 3), "np.ptp(x, axis=1)": (2, 3),
    "np.average(x, weights=[1.0, 2.0, 3.0])": (3,), "np.average(x, axis=0, weights=[1.0, 3.0])": (2, 3),
    "np.average(x, axis=1, weights=x)": (2, 3), "x[[1, 0, 1]]": (2, 3), "np.take(x, [2, 0], axis=1)": (2, 3),
    "x[:, [2, 2, 0]]": (2, 3), "np.rot90(x)": (2, 3), "np.fliplr(x) + np.flipud(x)": (2, 3), "0 + x": (3,),
    "np.append(x, 2 * x)": (2,), "np.select([x > 0.6, x > 0.3], [x, x**2], 1)": (5,), "np.hypot(x, 2 * x)": (3,),
    "np.polyval(x, 0.5)": (3,), "np.trapezoid(x, dx=0.5)": (4,), "np.trapezoid(x, x**2, axis=0)": (3, 2),
    "np.trapezoid(x, np.array([0.0, 1.0, 3.0]))": (2, 3), "np.linalg.multi_dot([x, x.T, x])": (2, 3), "x.var(ddof=1)": (4,),
    "x.std(axis=1, ddof=1)": (2, 3), "np.linalg.norm(x, 1)": (3,), "np.linalg.norm(x, np.inf, axis=1)": (2, 3),
    "x * np.isfinite(x)": (3,), "x if not np.isnan(x).any() else 0": (3,), "x * len(f'{x[0]:.1f} {x}')": (2,),
}  # fmt: skip


@pytest.mark.parametrize("text", SELECTIONS)
def test_operation_is_recorded(text: str) -> None:
    """Indices, rearrangements, functions and methods of NumPy give the numbers that NumPy gives."""
    x = np.round(np.random.default_rng(len(text)).uniform(0.1, 0.9, SELECTIONS[text]), 2)
    weights = np.random.default_rng(1).uniform(0.5, 1.5, 64).round(2)

    def weighted(x: Any) -> Any:
        found = eval(text, {"np": np, "x": x})
        flat = found.ravel() if np.ndim(found) else found
        return (flat * weights[: np.size(found)]).sum() if np.ndim(found) else found * 2

    problem = trace(weighted, {"x": x})
    found = sbp.solve(problem).steps[0].values.value(problem.model.output)
    assert float(found) == pytest.approx(float(weighted(x)), rel=1e-12)


MANY_AXES = {
    "x[1]": (2, 3, 2), "x[..., 0]": (2, 3, 2), "x[:, ::2, 1:]": (2, 3, 4), "x[None, :, 1]": (2, 3, 2),
    "x[::-1]": (2, 2, 2), "x[:, [2, 0, 2]]": (2, 3, 2), "x[[0, 1], [1, 0], [0, 0]]": (2, 2, 2),
    "x[..., None] * x[0]": (2, 2, 2), "x.sum(axis=1)": (2, 3, 2), "x.sum(axis=(0, 2))": (2, 3, 2),
    "x.mean(axis=(-1, 1), keepdims=True)": (2, 3, 2), "x.max(axis=2)": (2, 2, 3), "np.min(x, axis=(1, 2))": (2, 2, 3),
    "x.var(axis=(0, 2))": (2, 3, 2), "np.ptp(x, axis=0)": (2, 2, 2), "x.T": (2, 3, 2),
    "x.transpose(2, 0, 1)": (2, 3, 2), "np.transpose(x, axes=(0, 2, 1))": (2, 3, 2), "np.squeeze(x, 1)": (3, 1, 2),
    "np.swapaxes(x, 0, 2)": (2, 3, 2), "np.moveaxis(x, 0, -1)": (2, 3, 2), "x.reshape(2, 3, 2) * 2": (12,),
    "x.ravel()": (2, 3, 2), "x.reshape(2, 2, 3, 1)[:, 1]": (3, 4), "np.expand_dims(x, 0)": (2, 3),
    "np.broadcast_to(x, (2, 3, 2))": (3, 2), "np.broadcast_to(x[:, :, None], (2, 3, 2))": (2, 3),
    "np.stack([x, x * x])": (2, 3), "np.stack([x, x[::-1]], axis=-1)": (2, 3),
    "np.concatenate([x, x[:, :1]], axis=1)": (2, 3, 2), "np.tile(x, (2, 1, 1))": (2, 2),
    "np.repeat(x, 2, axis=1)": (2, 2, 2), "np.pad(x, ((0, 0), (1, 1), (0, 1)))": (1, 2, 2),
    "np.flip(x, axis=(0, 2))": (2, 2, 2), "np.roll(x, 1, axis=2)": (2, 2, 3), "np.cumsum(x, axis=1)": (2, 3, 2),
    "np.diff(x, axis=1)": (2, 3, 2), "np.tril(x)": (2, 2, 2), "np.split(x, 2, axis=2)[1]": (2, 2, 4),
    "np.take(x, [1, 1], axis=2)": (2, 2, 2), "np.diagonal(x)": (2, 2, 2), "x @ x.transpose(0, 2, 1)": (2, 3, 2),
    "x @ x[0]": (2, 2, 2), "x[0] @ x": (2, 2, 2), "x @ x[0, 0]": (2, 3, 2), "x[0, 0] @ x": (2, 2, 2),
    "x[:, None] @ x": (2, 2, 2), "x * x[:, :1]": (2, 2, 3), "x - x.mean(axis=-1, keepdims=True)": (2, 2, 3),
    "np.dot(x, x[0])": (2, 2, 2), "np.dot(x[0], x)": (2, 2, 2), "x[0] + x": (2, 2, 2, 1),
    "np.inner(x, x[0])": (2, 2, 2), "np.inner(x[0], x)": (2, 2, 2), "np.tensordot(x, x, 2)": (2, 2, 2),
    "np.outer(x, x[0, 0])": (2, 1, 2), "np.tensordot(x, x, ([0, 2], [2, 0]))": (2, 3, 2),
    "np.einsum('bij,bjk->bik', x, x)": (2, 2, 2), "np.einsum('bij->bji', x)": (2, 3, 2),
    "np.einsum('bhid,bhjd->bhij', x, x)": (1, 2, 2, 2), "np.average(x, axis=1, weights=[1.0, 2.0, 3.0])": (2, 3, 2),
    "np.vstack([x, x])": (1, 2, 2), "np.where(x > 0.5, x, -x)": (2, 2, 2), "np.maximum(x, x[:, :1])": (2, 2, 2),
    "np.trapezoid(x, [0.0, 1.0, 3.0], axis=1)": (2, 3, 2), "np.stack(list(x[:, :, 0]), axis=1)": (2, 3, 2),
    "np.trace(x)": (2, 2, 3), "np.atleast_3d(x)": (2, 2), "np.hsplit(x, 2)[0]": (2, 2, 2), "np.rot90(x)": (2, 2, 2),
}  # fmt: skip
"""Polynomials of second degree at most, between kinks: differences of these have no error."""


@pytest.mark.parametrize("text", MANY_AXES)
def test_operation_on_many_axes_is_recorded(text: str) -> None:
    """Of arrays of three and four axes values are NumPy's, and gradients the slopes of NumPy's values."""
    x = np.round(np.random.default_rng(len(text)).uniform(0.1, 0.9, MANY_AXES[text]), 2)
    weights = np.random.default_rng(1).uniform(0.5, 1.5, 256).round(2)

    def weighted(x: Any) -> Any:
        found = eval(text, {"np": np, "x": x})
        return (found.ravel() * weights[: found.size]).sum()

    problem = trace(weighted, {"x": x})
    value, gradients = sbp.compile(problem)({"x": x})
    assert float(value) == pytest.approx(float(weighted(x)), rel=1e-12)
    step = 2.0**-10
    for place in each(np.ndindex(*x.shape)):
        moved = np.zeros(x.shape)
        moved[place] = step
        slope = (weighted(x + moved) - weighted(x - moved)) / (2 * step)
        assert gradients["x"][place] == pytest.approx(slope, rel=1e-10, abs=1e-10)


def test_arrays_of_many_axes_are_moved_by_functions_of_the_language() -> None:
    """Axes in another order, slices with a step, and what is repeated are written as such, not number by number."""
    given = {"w": np.arange(12.0).reshape(2, 3, 2)}
    for text, written in each(
        {
            "np.moveaxis(w, 0, -1)": "transpose(w, 1, 2, 0)",
            "np.swapaxes(w, 0, 2)": "w.T",
            "w[:, ::2]": "w[:, ::2]",
            "w[..., 1]": "w[:, :, 1]",
            "np.stack([w[0], w[1]], axis=2)": "stack(w[0], w[1], axis=2)",
            "np.flip(w, 1)": "flip(w, axis=1)",
            "w[:, [2, 0]]": "take(w, [2, 0], axis=1)",
            "w.sum(axis=(0, 2))": "sum(w, axis=(0, 2))",
        }.items()
    ):
        found = trace(lambda w, text=text: (eval(text, {"np": np, "w": w}) ** 2).sum(), given)
        assert found.model.equations == (f"loss = sum({written}**2)",)


def test_rows_are_taken_and_orders_turned_round_by_functions_of_the_language() -> None:
    """Whole rows and columns are `take`, what is read backwards is `flip`: nothing is written out number by number."""
    given = {"w": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]}
    for text, written in each(
        {
            "w[[1, 0, 1]]": "take(w, [1, 0, 1])",
            "w[:, [2, 2, 0]]": "take(w, [2, 2, 0], axis=1)",
            "np.flip(w)": "flip(w)",
            "np.split(w, 3, axis=1)[2]": "w[:, 2:3]",
            "np.broadcast_to(w[0], (2, 3))": "ones(2, 3) * w[0]",
            "np.convolve(w[0], w[1], 'full')": "conv1d(concat(zeros(2), w[0], zeros(2)), flip(w[1]))",
        }.items()
    ):
        assert trace(lambda w, text=text: eval(text).sum(), given).model.equations == (f"loss = sum({written})",)


def test_array_that_has_one_name_may_change_in_place() -> None:
    """It is another array from there on; a run on plain arrays says whether anything else has seen the change."""

    def normalized(w: Any, x: Any) -> Any:
        e = np.exp(w * x)
        e /= e.sum()
        e *= x
        return e[0]

    given = {"w": [0.5, 0.25], "x": [1.0, 2.0]}
    found = trace(normalized, {"w": given["w"]}, {"x": given["x"]})
    assert found.model.equations == ("e1 = exp(w * x)", "e2 = e1 / sum(e1)", "e3 = e2 * x", "loss = e3[0]")
    assert given == {"w": [0.5, 0.25], "x": [1.0, 2.0]}


def test_row_that_records_something_else_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A problem has the value of a run on plain arrays; what differs each time, by random numbers, is taken as it was."""
    monkeypatch.setitem(recorded.FUNCTIONS, np.mean, recorded.FUNCTIONS[np.sum])
    with pytest.raises(ProblemError, match=r"by itself 1\.5"):
        trace(lambda w: np.mean(w), {"w": [1.0, 2.0]})
    generator = np.random.default_rng(1)
    found = trace(lambda w: np.sum(w * generator.normal(size=2)), {"w": [1.0, 2.0]})
    assert found.model.equations == ("loss = sum(w * c)",)


def test_what_a_function_prints_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    """The run on plain arrays is silent."""
    trace(lambda w: w * sys.stdout.write("here"), {"w": 1.0})
    assert capsys.readouterr().out == "here"


def decided(w: Any) -> Any:
    """Return the absolute value by an `if`."""
    if w > 0:
        return w
    return -w


def assigned(w: Any) -> Any:
    """Return a sum of an array whose first element it sets."""
    w[0] = 2
    return w.sum()


def in_place(w: Any) -> Any:
    """Return a sum of an array that it changes under both of its names."""
    other = w
    w += 1
    return (w * other).sum()


def filled(w: Any) -> Any:
    """Return a sum of an array that it fills element by element."""
    squares = np.zeros(2)
    for place in range(2):
        squares[place] = w[place] ** 2
    return squares.sum()


def row_in_place(w: Any) -> Any:
    """Return a sum of an array of which a row changes."""
    row = w[0]
    row *= 2
    return w.sum()


REFUSED = {
    "an if": (decided, 1.0, "numpy.where"),
    "an assignment": (assigned, [1.0, 2.0], "numpy.stack"),
    "a change in place": (in_place, [1.0, 2.0], "in place"),
    "a change of a row": (row_in_place, [[1.0, 2.0]], "in place"),
    "a function of SciPy's": (lambda w: scipy.special.logsumexp(w), [1.0, 2.0], "numpy.stack|cannot be recorded"),
    "zeros that are twos": (lambda w: np.pad(w, 1, constant_values=2.0).sum(), [1.0], "constant_values"),
    "elements of a plain array": (filled, [1.0, 2.0], "numpy.stack"),
    "parts of a plain array": (lambda w: np.zeros(2).__setitem__(slice(0, 2), w), [1.0, 2.0], "numpy.stack"),
    "elements that fulfil a condition": (lambda w: w[w > 1].sum(), [1.0, 2.0], r"numpy.where\(condition, a, 0\)"),
    "a function of SciPy's of any kind": (lambda w: scipy.special.softmax(w)[0], [1.0, 2.0], "softmax cannot be"),
    "the largest of some and a number": (lambda w: np.max(w, initial=0), [1.0, 2.0], "initial"),
    "a norm of a matrix": (lambda w: np.linalg.norm(w, 1), [[1.0, 2.0]], "ord=1"),
    "a rounded number": (lambda w: round(w), 1.0, "plain number"),
    "zeros that are averages": (lambda w: np.pad(w, 1, "mean").sum(), [1.0], "mode='mean'"),
    "a kernel that is longer": (lambda w: np.correlate(w, np.ones(3)).sum(), [1.0], "correlate"),
    "math.exp": (lambda w: math.exp(w), 1.0, "numpy.exp"),
    "float": (lambda w: float(w) * w, 1.0, "float"),
    "numpy.array": (lambda w: np.array([w, w]).sum(), 1.0, "numpy.stack"),
    "an unknown function": (lambda w: np.linalg.det(w), [[1.0]], "det"),
    "an unknown ufunc": (lambda w: np.floor(w), 1.0, "floor"),
    "an unknown method": (lambda w: w.argmax(), [1.0], "argmax"),
    "equality": (lambda w: (w == 1) * w, 1.0, "equal"),
    "out": (lambda w: np.exp(w, out=np.zeros(1)), [1.0], "out="),
    "five axes": (lambda w: np.expand_dims(w, (0, 1, 2)).sum(), [[1.0]], "5 axes"),
    "an Einstein sum with an ellipsis": (lambda w: np.einsum("...i->...", w).sum(), [[[1.0]]], "einsum"),
    "a recorded index": (lambda w: np.ones(3)[0] * w[w], [1.0], "index"),
    "an error of its own": (lambda w: w @ np.ones(3), [1.0, 2.0], "ValueError"),
    "no result": (lambda w: None, 1.0, "NoneType"),
    "an array as a result": (lambda w: w * 2, [1.0, 2.0], "one number"),
    "other names": (lambda v: v, 1.0, "unexpected keyword|missing"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refusal_names_the_line_and_what_to_write(kind: str) -> None:
    """What cannot be recorded is an error at the line of the function."""
    function, value, advice = REFUSED[kind]
    with pytest.raises(ProblemError, match=f"(?s){advice}") as caught:
        trace(function, {"w": value})
    assert caught.value.where.startswith(("test_tracing.py:", "function"))


def test_tracing_gives_the_hook_back() -> None:
    """A debugger that was there before is there again, whatever the function did."""
    before = sys.gettrace()
    trace(lambda w: w, {"w": 1.0})
    with pytest.raises(ProblemError):
        trace(lambda w: None, {"w": 1.0})
    assert sys.gettrace() is before


def test_trace_is_public() -> None:
    """`symbackprop.trace` is this function, and its rooms are where its docstring says."""
    assert sbp.trace is traced_problem.trace is tracing.trace
    assert numpy_functions.ELEMENTWISE and assigned_variables.Variables and precedence.number
    assert numpy_compositions.FUNCTIONS is recorded.FUNCTIONS
    assert recorded.FUNCTIONS.keys() >= numpy_rearrangements.REARRANGEMENTS.keys()


def test_explanation_is_a_page_in_a_frame() -> None:
    """A notebook shows the page of the solution, escaped, in the language asked for; a decorator leaves the function."""
    given = {"parameters": {"w": 0.5}, "inputs": {"x": 3.0}}
    found = sbp.explain(lambda w, x: (w * x - 1) ** 2, **given, language="zh")
    shown = found._repr_html_()
    assert '<html lang="zh-Hans">' in found.page
    assert shown.startswith("<iframe") and "&lt;html" in shown and "<html" not in shown
    assert "begin{aligned}" in found._repr_markdown_()

    @sbp.explain(**given, detail="matrix")
    def loss(w: Any, x: Any) -> Any:
        return (w * x - 1) ** 2

    assert loss(2, 3) == 25
    assert float(loss.explanation.solution.steps[0].values.gradient("w")) == 3
    assert repr(loss.explanation).startswith("<Explanation of loss")
