"""The compiled gradient of a problem: checked arguments in, loss and gradients out, for any number of samples."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from symbackprop.compilation.arguments import Arguments
from symbackprop.compilation.backends import BACKENDS, Backend
from symbackprop.compilation.engine import Array, Engine
from symbackprop.compilation.plan import Plan, plan
from symbackprop.derivation.derivations import Derivation
from symbackprop.display import Displayed
from symbackprop.errors import ProblemError, unknown
from symbackprop.graph.quantities import Role
from symbackprop.messages import message
from symbackprop.problems import Problem

_KEPT = 8
"""For how many different numbers of samples the code is kept."""

DTYPES = ("float64", "float32")
"""The number types there are."""


class Gradient(Displayed):
    """The loss of a problem and its gradients, compiled.

    Code is made for a number of samples when that number is first seen, and serves every problem of the same structure.
    Every call computes in arrays of its own, so that threads may share one object; what it returns is never overwritten.
    """

    def __init__(self, derivation: Derivation, backend: str, dtype: str, *, inputs: bool = False) -> None:
        self.derivation = derivation
        self._backend: Backend = BACKENDS[backend]
        self.backend, self.dtype = self._backend.name, _number_type(dtype)
        self._backend.require()
        self.inputs = inputs
        self.arguments = Arguments(derivation.problem, derivation.graph, self.dtype)
        self._engine = functools.lru_cache(_KEPT)(lambda samples: self._backend.prepare(self.plan(samples)))
        self._engine_of_calls = self._engine
        if inputs:  # training, losses and values go on without the gradients that they have no use for
            self._engine_of_calls = functools.lru_cache(_KEPT)(
                lambda samples: self._backend.prepare(self._plan_of_calls(samples))
            )

    def __call__(
        self,
        parameters: Mapping[str, object] | None = None,
        inputs: object = None,
        targets: object = None,
        *,
        out: Mapping[str, Array] | None = None,
    ) -> tuple[float, dict[str, Array]]:
        """Return the loss and its gradient by every parameter.

        Args:
            parameters: Arrays by name in the problem's shapes, or None for the problem's own, as for the two others.
            inputs: Of a network an array (samples, inputs); of a computation graph a mapping by name, of arrays in
                the declared shape or with the samples as a first axis.
            targets: Of a network an array (samples, outputs) or, where targets are classes, integers (samples,); of a
                graph a mapping, as inputs are.
            out: Arrays to write the gradients into.

        Returns:
            The loss, and gradients by name in the shapes of the parameters, in the problem's layout. Those by inputs,
            where they were asked for, are (samples, *shape): the gradient of the whole loss by the inputs of each
            sample.

        Raises:
            SymbackpropError: A name is missing or unknown, or a shape does not fit.

        Examples:
            >>> import symbackprop
            >>> gradient = symbackprop.compile("line")
            >>> loss, gradients = gradient()
            >>> loss, gradients["W1"].tolist()
            (0.5, [[-1.0]])
        """
        arrays = self.arguments.parameter_arrays(parameters)
        samples, data = self.arguments.data_arrays(inputs, targets)
        shapes = {each.name: each.shape for each in self.arguments.parameters}
        if self.inputs:
            rows = () if samples is None else (samples,)
            shapes |= {each.name: (*rows, *each.shape) for each in self.arguments.inputs}
        found = {
            name: np.empty(shape, self.dtype) if out is None else self._checked(out, name, shape)
            for name, shape in shapes.items()
        }
        return self._made(self._engine_of_calls, samples).gradient(arrays, data, list(found.values())), found

    def loss(
        self, parameters: Mapping[str, object] | None = None, inputs: object = None, targets: object = None
    ) -> float:
        """Return the loss alone.

        Args:
            parameters: Arrays by name, as for a call.
            inputs: Inputs (samples, inputs), as for a call.
            targets: Targets (samples, outputs), as for a call.

        Returns:
            The loss.

        Examples:
            >>> import symbackprop
            >>> symbackprop.compile("line").loss({"W1": [[0.25]]})
            0.28125
        """
        arrays = self.arguments.parameter_arrays(parameters)
        samples, data = self.arguments.data_arrays(inputs, targets)
        return self.engine(samples).loss(arrays, data)

    def predict(self, parameters: Mapping[str, object] | None = None, inputs: object = None) -> Array:
        """Return the outputs of a network.

        Args:
            parameters: Arrays by name, as for a call.
            inputs: Inputs (samples, inputs), or None for the problem's own.

        Returns:
            The outputs (samples, outputs).

        Raises:
            ProblemError: It is a computation graph, which names no outputs (`evaluate` gives any of its quantities),
                or there are no samples.

        Examples:
            >>> import symbackprop
            >>> symbackprop.compile("line").predict({"W1": [[0.25]]}, [[1.0], [2.0]]).tolist()
            [[0.25], [0.5]]
        """
        if not self.arguments.is_network:
            raise ProblemError(message("compilation.predict"))
        arrays, x = self.arguments.parameter_arrays(parameters), self.arguments.input_array(inputs)
        if not len(x):
            raise ProblemError(message("compilation.no_samples"))
        # What is computed for one sample is computed for any number of them.
        return self.engine(1).predict(arrays, [x])

    def evaluate(
        self,
        name: str,
        parameters: Mapping[str, object] | None = None,
        inputs: object = None,
        targets: object = None,
    ) -> Array:
        """Return a named quantity: a pre-activation, an activation, what an equation of a graph defines, the loss.

        Args:
            name: The code name of an array.
            parameters: Arrays by name, as for a call.
            inputs: Inputs, as for a call; of a graph only those that the quantity is computed from.
            targets: Targets, only where the quantity is computed from them.

        Returns:
            What differs between samples is (samples, *shape); what does not, and one sample of a computation graph,
            has the shape of the quantity, () for a loss.

        Raises:
            UnknownNameError: There is no such quantity.
            SymbackpropError: What a call raises.

        Examples:
            >>> import symbackprop
            >>> gradient = symbackprop.compile("mazur")
            >>> gradient.evaluate("a1", None, [[0.05, 0.1], [0.0, 0.0]]).shape
            (2, 2)
        """
        own = self.plan(1 if self.arguments.is_network else None)
        names = {each.name: each for each in own.graph.named}
        if name not in names:
            raise unknown("quantity", str(name), names)
        arrays = self.arguments.parameter_arrays(parameters)
        if names[name].role is Role.PARAMETER:
            return dict(zip([each.name for each in self.arguments.parameters], arrays, strict=True))[name].copy()
        samples, data = self.arguments.read_arrays(inputs, targets, [each.name for each in own.data_of(name)])
        if samples == 0:
            raise ProblemError(message("compilation.no_samples"))
        # What is computed for one sample is computed for any number of them.
        is_batched = samples is not None and self.plan(1).graph.quantities[name].batched
        return self.engine(1 if is_batched else samples).value(name, arrays, data)

    def outputs(self, trace: Array, x: Array) -> Array:
        """Return the outputs of a network for checked inputs, with the parameters of every row of a trace.

        Args:
            trace: Parameters (rows, parameters): in each row all of them in order, one number after the other.
            x: Inputs (samples, inputs).

        Returns:
            The outputs (rows, samples, outputs).

        Raises:
            ProblemError: It is a computation graph, which names no outputs.

        Examples:
            >>> import numpy, symbackprop
            >>> symbackprop.compile("line").outputs(numpy.array([[0.0], [0.5]]), numpy.array([[2.0]])).ravel().tolist()
            [0.0, 1.0]
        """
        if not self.arguments.is_network:
            raise ProblemError(message("compilation.predict"))
        return self.engine(len(x)).outputs(trace, [x])

    @property
    def problem(self) -> Problem:
        """The problem that was compiled."""
        return self.derivation.problem

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Gradient):
            return NotImplemented
        mine, theirs = ((each.derivation, each.backend, each.dtype, each.inputs) for each in (self, other))
        return mine == theirs

    def __hash__(self) -> int:
        return hash((self.problem.name, self.backend, self.dtype))

    def __repr__(self) -> str:
        return f"<Gradient of {self.problem.name}: {self.problem.outline}, {self.backend}, {self.dtype}>"

    def __reduce__(self) -> tuple[object, ...]:
        """Return how a copy is made: of derivation, backend and number type; code is made anew."""
        return functools.partial(Gradient, inputs=self.inputs), (self.derivation, self.backend, self.dtype)

    @property
    def source(self) -> str:
        """The Python that computes loss and gradients, for the problem's own number of samples (without data, for one)."""
        return self._made(self._engine_of_calls, self._own_samples).source

    @functools.cached_property
    def _own_samples(self) -> int | None:
        return (self.derivation.problem.samples or 1) if self.arguments.is_network else self.derivation.problem.samples

    def plan(self, samples: int | None) -> Plan:
        """Return the plan of the code for a number of samples.

        Args:
            samples: The number of samples, or None for one sample without that axis.

        Returns:
            What a backend writes code from.

        Examples:
            >>> import symbackprop
            >>> symbackprop.compile("mazur").plan(3).graph.quantities["a1"].batched
            True
        """
        return plan(self.derivation, samples, self.dtype)

    def engine(self, samples: int | None) -> Engine:
        """Return the code for a number of samples, made when it is first asked for.

        Args:
            samples: The number of samples, or None for one sample without that axis.

        Returns:
            The code.

        Examples:
            >>> import symbackprop
            >>> gradient = symbackprop.compile("mazur")
            >>> gradient.engine(3) is gradient.engine(3)
            True
        """
        return self._made(self._engine, samples)

    def _plan_of_calls(self, samples: int | None) -> Plan:
        wanted = (*self.arguments.parameters, *self.arguments.inputs)
        return plan(self.derivation, samples, self.dtype, tuple(each.name for each in wanted))

    @staticmethod
    def _made(engines: Callable[[int | None], Engine], samples: int | None) -> Engine:
        if samples == 0:
            raise ProblemError(message("compilation.no_samples"))
        return engines(samples)

    def _checked(self, out: Mapping[str, Array], name: str, shape: tuple[int, ...]) -> Array:
        found = out.get(name)
        if not isinstance(found, np.ndarray) or found.shape != shape or found.dtype != self.dtype:
            raise ProblemError(message("compilation.out", dtype=self.dtype), where=f"out[{name!r}]")
        return found


def _number_type(dtype: Any) -> str:
    """Return the name of a number type; raises `UnknownNameError` for one that is none of ours."""
    try:
        name = str(np.dtype(dtype).name)
    except TypeError:
        name = str(dtype)
    if name not in DTYPES:
        raise unknown("dtype", name, DTYPES)
    return name
