"""`trace`: a function, run once on arrays that record, becomes a computation graph with its equations."""

from __future__ import annotations

import contextlib
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

from symbackprop import compilation
from symbackprop.errors import ProblemError, SymbackpropError
from symbackprop.frontends.tracing import numpy_functions
from symbackprop.frontends.tracing.assigned_variables import Variables, names_of_variables
from symbackprop.frontends.tracing.equation_texts import Equations
from symbackprop.frontends.tracing.recorded import Recorded, place_in_user_code
from symbackprop.messages import message
from symbackprop.problems import Problem
from symbackprop.problems.load import problem

KINDS = ("parameters", "inputs", "targets")
_TOLERANCE = 1e-9
assert numpy_functions.ELEMENTWISE  # what NumPy's functions are is known from here on


def trace(
    function: Callable[..., Any],
    parameters: Mapping[str, Any],
    inputs: Mapping[str, Any] | None = None,
    targets: Mapping[str, Any] | None = None,
    **tables: object,
) -> Problem:
    """Return the problem of a plain Python function of NumPy arrays, whose result is the number to differentiate.

    The function is called once, with everything given by name, on arrays that record operators, NumPy's functions,
    indices and methods; loops and helper functions are unrolled, and `numpy.where` is a kink with both branches. An
    equation is made of every variable that the function assigns, by its name (`h`, or `h1`, `h2`, … for one that is
    assigned again), and of what is used more than once. Other arrays that it reads become inputs, numbers stay
    numbers.

    Args:
        function: The function.
        parameters: Arrays of at most two axes by which it is differentiated, by the names of its arguments.
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
    variables, result = _run(function, leaves)
    writing = Equations(leaves, variables)
    equations = writing.equations(result)
    given["inputs"] |= writing.constants
    graph: dict[str, Any] = {**{kind: each for kind, each in given.items() if each}, "equations": equations}
    title = str(getattr(function, "__name__", "function"))
    content = {"graph": {**graph, "output": writing.names[id(result)]}, **tables}
    found = problem(content, name=title.strip("<>") or "function")
    _compare(found, given["parameters"], float(result.value))
    return found


def _compare(found: Problem, parameters: Mapping[str, Any], expected: float) -> None:
    """Raise `ProblemError` where the problem has another value than the function: what was recorded is not what it does."""
    value, _ = compilation.compile(found)(parameters)
    is_undefined = math.isnan(value) and math.isnan(expected)
    if not (is_undefined or math.isclose(float(value), expected, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)):
        raise ProblemError(
            message("trace.differs", recorded=f"{float(value):g}", value=f"{expected:g}"), where="function"
        )


def _run(function: Callable[..., Any], leaves: Mapping[str, Recorded]) -> tuple[Variables, Recorded]:
    """Return the names of variables, and the result, a number."""
    try:
        inspect.signature(function).bind(**leaves)
    except TypeError as error:
        raise ProblemError(message("trace.signature", reason=str(error)), where="function") from None
    except ValueError:
        pass  # a function without a signature
    try:
        with names_of_variables() as variables:
            result = function(**leaves)
            with contextlib.suppress(TypeError):
                around = inspect.getclosurevars(function)
                for name, value in {**around.globals, **around.nonlocals}.items():
                    variables.look(name, value)
    except SymbackpropError:
        raise
    except Exception as error:
        traceback = error.__traceback__
        while traceback is not None and traceback.tb_next is not None:
            traceback = traceback.tb_next
        where = "" if traceback is None else place_in_user_code(traceback.tb_frame)
        raise ProblemError(message("trace.failed", reason=f"{type(error).__name__}: {error}"), where=where) from error
    if not isinstance(result, Recorded):
        raise ProblemError(message("trace.unrecorded", kind=type(result).__name__), where="function")
    if result.size != 1:
        raise ProblemError(message("trace.result", shape=result.shape), where="function")
    return variables, result if not result.ndim else result[(0,) * result.ndim]
