"""`trace`: a function, run once on arrays that record, becomes a computation graph with its equations."""

from __future__ import annotations

import contextlib
import inspect
import itertools
import keyword
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy

from symbackprop import compilation
from symbackprop.algebra.functions import RESERVED
from symbackprop.errors import ProblemError, SymbackpropError
from symbackprop.frontends.tracing import numpy_functions
from symbackprop.frontends.tracing.assigned_variables import Variables, names_of_variables
from symbackprop.frontends.tracing.precedence import Written, number
from symbackprop.frontends.tracing.recorded import Recorded, place_in_user_code
from symbackprop.messages import message
from symbackprop.problems import Problem
from symbackprop.problems.load import problem

KINDS = ("parameters", "inputs", "targets")
OUTPUT = "loss"
_TOLERANCE = 1e-9
_SHORT = re.compile(r"-?[\w.]+(\[[\d, :-]*\]|\.T)*")
"""What is not given a name although it is used more than once: a name, an element, a number."""
_NUMBERED = re.compile(r"(.*?[^\W\d_])_?\d+")
"""A name that is printed like an element of an array: `h1`, `h_1`."""
_TRIES = 20
assert numpy_functions.ELEMENTWISE  # what NumPy's functions are is known from here on


def trace(
    function: Callable[..., Any],
    parameters: Mapping[str, Any],
    inputs: Mapping[str, Any] | None = None,
    targets: Mapping[str, Any] | None = None,
    **tables: object,
) -> Problem:
    """Return the problem of a plain Python function of NumPy arrays, whose result is the number to differentiate.

    The function is called once, with everything given by name, on arrays that record operators, NumPy's functions, indices
    and methods; loops and helper functions are unrolled, and `numpy.where` is a kink with both branches. An equation is
    made of every variable that the function assigns, by its name (`h`, or `h1`, `h2`, … for one that is assigned again),
    and of what is used more than once. Other arrays that it reads become inputs, numbers stay numbers. `tables` are further
    tables of a problem (`training={"learning_rate": 0.1}`).

    Arrays have at most two axes. Raises `ProblemError` at the line of the function for what cannot be recorded, with what
    to write instead: an `if` on recorded values, an assignment to elements, `math.exp`; and for a result that is no number.

    >>> import numpy
    >>> def loss(w, x, y):
    ...     z = w @ x
    ...     a = 1 / (1 + numpy.exp(-z))
    ...     return (a - y) ** 2 / 2
    >>> found = trace(loss, {"w": [0.5, -1.0]}, {"x": [1.0, 2.0]}, {"y": 1.0})
    >>> found.model.equations
    ('z = w @ x', 'a = 1 / (1 + exp(-z))', 'loss = (a - y)**2 / 2')
    """
    given = {kind: dict(each or {}) for kind, each in zip(KINDS, (parameters, inputs, targets), strict=True)}
    leaves = {name: Recorded(value, name=name) for each in given.values() for name, value in each.items()}
    variables, result = _run(function, leaves)
    writing = _Writing(leaves, variables)
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
    if not math.isclose(float(value), expected, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE):
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


class _Writing:
    """Writes the equations of what a function computed."""

    def __init__(self, leaves: Mapping[str, Recorded], variables: Variables) -> None:
        self.taken = set(leaves)
        self.names = {id(leaf): name for name, leaf in leaves.items()}
        self.with_elements = {name for name, leaf in leaves.items() if leaf.ndim}
        self.variables = variables
        self.constants: dict[str, Any] = {}
        self.arrays: dict[int, str] = {}

    def equations(self, result: Recorded) -> list[str]:
        """Return the equations in the order in which their values are needed."""
        order = _order(result)
        uses: dict[int, int] = {}
        for node in order:
            for operand in node.operands:
                uses[id(operand)] = uses.get(id(operand), 0) + 1
        reached = {id(node) for node in order}
        for base, group in _groups([node for node in self.variables.assigned if id(node) in reached]).items():
            for position, node in enumerate(group, start=1):
                self.names[id(node)] = self._free(base, node, position if len(group) > 1 else 0)
        if id(result) not in self.names or result.writer is None:
            self.names[id(result)] = self._free(OUTPUT, result)
        texts: dict[int, Written] = {}
        found = []
        for node in order:
            texts[id(node)] = text = self._text(node, texts)
            is_shared = uses.get(id(node), 0) > 1 and not _SHORT.fullmatch(text.text)
            if is_shared and id(node) not in self.names:
                self.names[id(node)] = self._free("u", node)
            if id(node) in self.names and (node.writer is not None or node is result):
                found.append(f"{self.names[id(node)]} = {text.text}")
                texts[id(node)] = Written(self.names[id(node)])
        return found

    def _text(self, node: Recorded, texts: Mapping[int, Written]) -> Written:
        if node.writer is not None:
            return node.writer([texts[id(operand)] for operand in node.operands])
        if node.constant is None:
            return Written(node.name)
        if not node.ndim:
            return number(float(node.value))
        name = self.arrays.get(id(node.constant))
        if name is None:
            base, _ = self.variables.arrays.get(id(node.constant), ("c", None))
            name = self.arrays[id(node.constant)] = self._free(base, node)
            self.constants[name] = numpy.asarray(node.value, dtype=float)
        return Written(name)

    def _free(self, base: str, node: Recorded, position: int = 0) -> str:
        """Return a name that nothing has and nothing is printed like: the base itself or with a number, if it can be."""
        first = max(position, 1)
        names = [*([] if position else [base]), *(f"{base}{number}" for number in range(first, first + _TRIES))]
        spaced = (f"{base}t{number}" for number in itertools.count(first))
        name = next(name for name in itertools.chain(names, spaced) if self._is_free(name, node))
        self.taken.add(name)
        if node.ndim:
            self.with_elements.add(name)
        return name

    def _is_free(self, name: str, node: Recorded) -> bool:
        if name in self.taken or name in RESERVED or keyword.iskeyword(name):
            return False
        letters = _NUMBERED.fullmatch(name)
        alike = {_NUMBERED.sub(r"\1", other) for other in self.taken if _NUMBERED.fullmatch(other)} if node.ndim else ()
        return not (letters and letters[1] in self.with_elements) and name not in alike


def _groups(named: Sequence[Recorded]) -> Mapping[str, Sequence[Recorded]]:
    """Return what was assigned to each variable, in order."""
    found: dict[str, list[Recorded]] = {}
    for node in named:
        found.setdefault(node.name.strip("_") or "u", []).append(node)
    return found


def _order(result: Recorded) -> list[Recorded]:
    """Return everything that a result is computed from and itself, each after its operands; depth is no limit."""
    order: list[Recorded] = []
    seen: set[int] = set()
    waiting = [(result, False)]
    while waiting:
        node, is_done = waiting.pop()
        if is_done:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            waiting.append((node, True))
            waiting += [(operand, False) for operand in reversed(node.operands)]
    return order
