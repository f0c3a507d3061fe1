"""`trace`: a function, run once on arrays that record, becomes a computation graph with its equations."""

from __future__ import annotations

import contextlib
import inspect
import io
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy

from symbackprop import compilation
from symbackprop.errors import ProblemError
from symbackprop.frontends.tracing import numpy_compositions, numpy_functions
from symbackprop.frontends.tracing.assigned_variables import Variables, names_of_variables
from symbackprop.frontends.tracing.equation_texts import Equations
from symbackprop.frontends.tracing.recorded import CHANGES, Recorded, attempted
from symbackprop.messages import message
from symbackprop.problems import Problem
from symbackprop.problems.load import problem

KINDS = ("parameters", "inputs", "targets")
_TOLERANCE = 1e-9
_OF_RUNS = 1e-6
"""A function may compute with float32 somewhere."""
_KNOWN = (numpy_functions, numpy_compositions)
"""The rooms that say what NumPy's functions are, which are known from here on."""


def trace(
    function: Callable[..., Any],
    parameters: Mapping[str, Any],
    inputs: Mapping[str, Any] | None = None,
    targets: Mapping[str, Any] | None = None,
    **tables: object,
) -> Problem:
    """Return the problem of a plain Python function of NumPy arrays, whose result is the number to differentiate.

    The function is called with everything given by name, on arrays that record operators, NumPy's functions,
    indices and methods; loops and helper functions are unrolled, and `numpy.where` is a kink with both branches. An
    equation is made of every variable that the function assigns, by its name (`h`, or `h1`, `h2`, … for one that is
    assigned again), and of what is used more than once. Other arrays that it reads become inputs, numbers stay
    numbers. It is called again on plain arrays, and the problem has to have the value that it returns.

    Args:
        function: The function.
        parameters: Arrays of at most four axes by which it is differentiated, by the names of its arguments.
        inputs: Further arrays by name, which have gradients too.
        targets: Further arrays by name, which have none.
        tables: Further tables of a problem (`training={"learning_rate": 0.1}`).

    Returns:
        A problem whose equations are the function's.

    Raises:
        ProblemError: Something cannot be recorded (an `if` on recorded values, an assignment to elements,
            `math.exp`), or the result is no number; the message has the line of the function and what to write
            instead.

    Examples:
        >>> import numpy
        >>> import symbackprop
        >>> def loss(w, x, y):
        ...     z = w @ x
        ...     a = 1 / (1 + numpy.exp(-z))
        ...     return (a - y) ** 2 / 2
        >>> found = symbackprop.trace(loss, {"w": [0.5, -1.0]}, {"x": [1.0, 2.0]}, {"y": 1.0})
        >>> found.model.equations
        ('z = w @ x', 'a = 1 / (1 + exp(-z))', 'loss = (a - y)**2 / 2')
    """
    given = {kind: dict(each or {}) for kind, each in zip(KINDS, (parameters, inputs, targets), strict=True)}
    leaves = {name: Recorded(value, name=name) for each in given.values() for name, value in each.items()}
    variables, result, changes = _run(function, leaves)
    writing = Equations(leaves, variables)
    equations = writing.equations(result)
    given["inputs"] |= writing.constants
    graph: dict[str, Any] = {**{kind: each for kind, each in given.items() if each}, "equations": equations}
    title = str(getattr(function, "__name__", "function"))
    content = {"graph": {**graph, "output": writing.names[id(result)]}, **tables}
    found = problem(content, name=title.strip("<>") or "function")
    compiled = compilation.compile(found)
    value, expected = float(compiled(given["parameters"])[0]), float(result.value)
    if not _is_same(value, expected):
        raise ProblemError(message("trace.differs", recorded=f"{value:g}", value=f"{expected:g}"), where="function")
    _compare_runs(function, leaves, parameters, lambda moved: float(compiled(moved)[0]), changes)
    return found


def _is_same(value: float, expected: float, tolerance: float = _TOLERANCE) -> bool:
    is_undefined = math.isnan(value) and math.isnan(expected)
    return is_undefined or math.isclose(value, expected, rel_tol=tolerance, abs_tol=tolerance)


_STEPS = (0.0, 2.0**-7)
"""By which part parameters are moved where two ways to a value are compared."""


def _compare_runs(
    function: Callable[..., Any],
    leaves: Mapping[str, Recorded],
    parameters: Collection[str],
    recorded: Callable[[Mapping[str, Any]], float],
    changes: Sequence[tuple[str, str]],
) -> None:
    """Raise `ProblemError` where the function, on plain arrays of its own, has another value than its problem.

    Where arrays change in place, which may have other names, it is run at other numbers as well. What has another value each
    time, by random numbers, is left alone.
    """
    for step in _STEPS if changes else _STEPS[:1]:
        given = {name: numpy.float64(leaf.value) if not leaf.ndim else leaf.value for name, leaf in leaves.items()}
        for name in parameters:
            given[name] = given[name] * (
                1 + step * numpy.cos(numpy.arange(leaves[name].size)).reshape(leaves[name].shape)
            )
        value = recorded({name: given[name] for name in parameters})
        plain = _plain_value(function, given)
        if not _is_same(value, plain, _OF_RUNS) and _is_same(plain, _plain_value(function, given)):
            what = message("trace.differs", recorded=f"{value:g}", value=f"{plain:g}")
            if changes:
                raise ProblemError(message("trace.in_place", name=changes[0][0]), where=changes[0][1])
            raise ProblemError(what, where="function")


def _plain_value(function: Callable[..., Any], given: Mapping[str, Any]) -> float:
    """Return what a function returns for plain numbers; what it prints has been printed before."""
    with contextlib.redirect_stdout(io.StringIO()):
        found = attempted(lambda: function(**{name: numpy.copy(array)[()] for name, array in given.items()}))
    return float(numpy.asarray(found).reshape(()))


def _run(
    function: Callable[..., Any], leaves: Mapping[str, Recorded]
) -> tuple[Variables, Recorded, Sequence[tuple[str, str]]]:
    """Return the names of variables, the result, a number, and what changed in place."""
    try:
        inspect.signature(function).bind(**leaves)
    except TypeError as error:
        raise ProblemError(message("trace.signature", reason=str(error)), where="function") from None
    except ValueError:
        pass  # a function without a signature
    changes: list[tuple[str, str]] = []
    before = CHANGES.set(changes)
    try:
        with names_of_variables() as variables:
            result = attempted(lambda: function(**leaves))
            with contextlib.suppress(TypeError):
                around = inspect.getclosurevars(function)
                for name, value in {**around.globals, **around.nonlocals}.items():
                    variables.look(name, value)
    finally:
        CHANGES.reset(before)
    if not isinstance(result, Recorded):
        raise ProblemError(message("trace.unrecorded", kind=type(result).__name__), where="function")
    if result.size != 1:
        raise ProblemError(message("trace.result", shape=result.shape), where="function")
    return variables, result if not result.ndim else result[(0,) * result.ndim], changes
