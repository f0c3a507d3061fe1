"""The parts of a script as data for its template: lines, numbers, functions to define, the lines of the optimizer."""

from __future__ import annotations

import builtins
import json
import pprint
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbackprop.algebra.folding import folded
from symbackprop.algebra.formula import Adjoint, Name, Node, Number, SampleCount, rewrite
from symbackprop.arithmetic import exact
from symbackprop.arithmetic.python_code import accurate, printed, spelled
from symbackprop.catalog import optimizers, schedules
from symbackprop.catalog.optimizers import RATE
from symbackprop.compilation import compile
from symbackprop.compilation.engine import Array
from symbackprop.compilation.identifiers import Identifiers
from symbackprop.compilation.plan import Plan, plan
from symbackprop.derivation.derivations import Derivation, derive
from symbackprop.errors import EvaluationError, MissingValueError, ProblemError
from symbackprop.graph.quantities import Role
from symbackprop.messages import message
from symbackprop.problems import Problem, Training, saved_problem
from symbackprop.problems.training_table import batches_in
from symbackprop.scripts.libraries import NUMPY, Library
from symbackprop.scripts.script_lines import COUNT, Lines, shape_text

WIDTH = 110
LISTED = 200
"""Of a problem with more gradients than this a script knows the norms only."""

CHECKED = 20
"""So many numbers of each parameter are compared with central differences."""

_READ = "np jnp jax torch math placed softmax erf erfc m forward backward model shift"
_OF_MODULES = """self training train eval to type half double float apply children modules buffers state_dict parameters
compile cpu cuda xpu ipu mtia bfloat16 register_buffer register_module register_parameter"""

RESERVED = frozenset((*_READ.split(), *_OF_MODULES.split(), *dir(builtins)))
"""What the functions of a script read besides their arguments, and what PyTorch's modules have; a quantity of such a name
gets an underscore."""


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """One assignment: the name, the right-hand side, the shape of the result as a comment says it; what it is, or is of.

    `of` is the name of the quantity itself, for a gradient that of the quantity that it is the gradient by.
    """

    name: str
    text: str
    shape: str
    of: str


class Parts:
    """What a script is made of, for one problem and library."""

    def __init__(self, problem: Problem, library: Library) -> None:
        """Prepare the parts; raises `SymbackpropError` for a problem without numbers."""
        if problem.missing():
            raise MissingValueError(message("problem.missing_values", names=list(problem.missing())))
        self.problem, self.spelling = problem, library
        self.derivation: Derivation = derive(problem)
        graph = self.derivation.graph
        self.wanted = tuple(each.name for each in graph.of_role(Role.PARAMETER) or graph.of_role(Role.INPUT))
        samples = None if problem.samples is None else SampleCount()
        self.plan: Plan = plan(self.derivation, samples, "float64", self.wanted)
        self.identifiers = Identifiers(self.plan.derivation, RESERVED)
        self.lines = Lines(self.plan, library, self.identifiers)
        self.names = {name: self.identifiers.of(Name(name)) for name in self.plan.graph.quantities}
        self._parameters = [each.name for each in self.plan.parameters]
        self._data = [each.name for each in self.plan.data]

    def view(self) -> Mapping[str, Any]:
        """Return everything that a template asks for, by name."""
        graph = self.plan.graph
        forward, backward = list(self._forward()), [] if self.spelling.differentiates else list(self._backward())
        values = [each for each in forward if _reads([line.text for line in backward], each.name)]
        return {
            "arguments": ", ".join([self.names[name] for name in (*self._parameters, *self._data)]),
            "parameters": self._arrays(self._parameters),
            "data": self._arrays(self._data),
            "batched": [self.names[name] for name in self._data if self.plan.graph.quantities[name].batched],
            "forward": forward,
            "backward": backward,
            "counts": [_reads([line.text for line in lines], COUNT) for lines in (forward, backward)],
            "values": [line.name for line in values],
            "output": self.names[self.plan.graph.output],
            "moved": [self.names[each.name] for each in graph.of_role(Role.PARAMETER, Role.INPUT)],
            "gradients": [(self.names[name], self._adjoint(name)) for name in self.wanted],
            "functions": list(self._functions()),
            "used": self.lines.used,
            "unchosen": self.lines.has_unchosen,
            "expected": self._expected(),
            "training": self._training(),
            "checked": CHECKED,
            "model": self._model(),
            "roles": [
                [each.name for each in graph.of_role(role)] for role in (Role.PARAMETER, Role.INPUT, Role.TARGET)
            ],
            "called": {name: own for name, own in self.names.items() if name != own},
            "is_network": bool(self.problem.layers),
        }

    def _model(self) -> str:
        """Return the problem without its numbers, as a literal of Python that `check_gradients` takes."""
        content = json.loads(saved_problem.text_of(self.problem))
        model = {key: content[key] for key in ("network", "graph", "regularization") if key in content}
        model |= {"notation": {"layout": self.problem.layout}} if self.problem.layers else {}
        return pprint.pformat(model, width=WIDTH, sort_dicts=False)

    def _adjoint(self, name: str) -> str | None:
        """Return the name of a gradient; None where the output does not depend on the quantity."""
        return self.identifiers.of(Adjoint(name)) if name in self.plan.contributions else None

    def _forward(self) -> Iterator[ScriptLine]:
        for equation in self.plan.equations:
            yield self._line(Name(equation.name), self.lines.equation(equation.name, equation.formula))

    def _backward(self) -> Iterator[ScriptLine]:
        for name, contributions in self.plan.contributions.items():
            if not self.lines.settle(name, contributions) or name in self.wanted:
                yield self._line(Adjoint(name), self.lines.gradient(name, contributions))

    def _line(self, target: Name | Adjoint, value: Node) -> ScriptLine:
        quantity = self.plan.graph.quantities[target.name]
        text = self.lines.whole(value, quantity.shape, quantity.batched).text
        return ScriptLine(
            self.identifiers.of(target), text, shape_text(quantity.shape, quantity.batched), self.names[target.name]
        )

    def _functions(self) -> Iterator[tuple[str, str]]:
        """Yield the activations to define: name, expression in z."""
        for apply, name in self.lines.activations.items():
            yield name, self.lines.definition(apply)

    def _arrays(self, names: Sequence[str]) -> list[tuple[str, str]]:
        """Return the problem's numbers as texts of nested lists, each beginning a line."""
        arrays = ((name, self.problem.arrays[name]) for name in names)
        return [(self.names[name], _listed(np.reshape(array.floats(), array.shape))) for name, array in arrays]

    def _expected(self) -> Mapping[str, Any]:
        """Return loss and gradients at the start as texts, or of many gradients the norms."""
        loss, gradients = self._first_numbers()
        is_long = bool(self._parameters) and sum(array.size for array in gradients.values()) > LISTED
        numbers = {
            self.names[name]: repr(float(np.linalg.norm(array))) if is_long else _listed(array)
            for name, array in gradients.items()
        }
        return {"loss": loss, "gradients": numbers, "norms": is_long}

    def _first_numbers(self) -> tuple[float, Mapping[str, Array]]:
        """Return loss and gradients at the start: by the compiled code, or by parameterless sweeps of the values.

        Where float64 loses them on the way, to an overflow in a formula of the user's own, they are the exact ones.
        Raises `EvaluationError` where these are too large for float64 as well.
        """
        loss, gradients = compile(self.derivation)() if self._parameters else self._evaluated(is_exact=False)
        if not _all_finite(loss, gradients):
            loss, gradients = self._evaluated(is_exact=True)
        if not _all_finite(loss, gradients):
            raise EvaluationError(message("evaluation.magnitude"), where=self.problem.name)
        return float(loss), gradients

    def _evaluated(self, is_exact: bool) -> tuple[float, dict[str, Any]]:
        """Return loss and gradients by a sweep of the values, exact ones or floats."""
        from symbackprop.evaluation.arithmetics import EXACT, FLOAT
        from symbackprop.evaluation.evaluate import evaluate

        values = evaluate(self.derivation, EXACT if is_exact else FLOAT)
        found = {}
        for name in self._parameters or self.wanted:
            quantity = self.derivation.graph.quantities[name]
            samples = self.derivation.graph.samples_of(quantity)
            flat = [float(values.gradient(each, n)) for n in samples for each in quantity.elements()]
            found[name] = np.reshape(flat, (*([len(samples)] if quantity.batched else []), *quantity.shape))
        return float(values.value(self.derivation.graph.output)), found

    # Training

    def _training(self) -> Mapping[str, Any] | None:
        training = self.problem.training
        if training is None or not self._parameters:
            return None
        if training.stop is not None and training.stop.validation_fraction:
            raise ProblemError(message("training.validation"), where="training.stop.validation_fraction")
        trained = [name for name in self._parameters if name not in training.frozen]
        settings = {name: spelled(float(given.value)) for name, given in training.settings.items()}
        lines = {first: optimizers.reduced(training.optimizer, training.zero, first=first) for first in (True, False)}
        states = optimizers.carried(training.optimizer, lines[False])
        texts = {first: [(target, _plain(formula)) for target, formula in each] for first, each in lines.items()}
        read = [text for each in texts.values() for _, text in each]
        row, batches = optimizers.OPTIMIZERS[training.optimizer], batches_in(self.problem.samples, training.batch_size)
        return {
            "optimizer": training.optimizer,
            "source": row.source,
            "settings": {n: t for n, t in settings.items() if n != RATE and _reads(read, n)},
            "given": {name: float(given.value) for name, given in training.settings.items()},
            "learning_rate": settings[RATE],
            "rate": self._rate(),
            "lines": texts[False],
            "first": texts[True] if texts[True] != texts[False] else None,
            "states": [(name, spelled(float(row.state[name]))) for name in states],
            "given_states": self._given_states(training),
            "reads": {name for name in ("t", RATE) if _reads(read, name)},
            "steps": training.steps,
            "trained": [self.names[name] for name in trained],
            "layers": self._layers(trained) if training.update == "sequential" else None,
            "batch_size": training.batch_size if batches > 1 else None,
            "per_epoch": batches,
            "shuffle": training.shuffle,
            "seed": training.seed,
            "stop": training.stop and (float(training.stop.tolerance), training.stop.patience),
        }

    def _given_states(self, training: Training) -> list[tuple[str, str, str]]:
        """Return the states that the problem states: the parameter's name in the script, the state, its numbers."""
        return [
            (self.names[name], state, repr(np.reshape(array.floats(), array.shape).tolist()))
            for state, arrays in training.state.items()
            for name, array in arrays.items()
        ]

    def _layers(self, trained: Sequence[str]) -> list[list[str]]:
        quantities = self.plan.graph.quantities
        layers = sorted({quantities[name].layer or 0 for name in trained}, reverse=True)
        return [[self.names[name] for name in trained if (quantities[name].layer or 0) == layer] for layer in layers]

    def _rate(self) -> Mapping[str, str] | None:
        """Return how often the learning rate has changed before update t, and the rate; None for one that stays."""
        training = self.problem.training
        assert training is not None
        choice = training.schedule
        formula = schedules.rate(choice.kind)
        if "k" not in _plain(formula):
            return None
        known: dict[Node, Node] = {Name(RATE): Name("LEARNING_RATE")}
        for name, given in choice.settings.items():
            known[Name(name)] = Number(exact.to_fraction_of_float(given.value))
        period = schedules.SCHEDULES[choice.kind].period
        length = int(choice.settings[period].value) if period else 1
        passed = "(t - 1)"
        if not choice.per_step:
            passed += f" // {batches_in(self.problem.samples, training.batch_size)}"
        return {"k": f"{passed} // {length}", "rate": _plain(rewrite(formula, known.get))}


def _plain(formula: Node) -> str:
    """Return a formula over scalars and arrays of one shape in NumPy."""
    return printed(accurate(folded(formula)), lambda part: part.name if isinstance(part, Name) else None, NUMPY.dialect)


def _reads(texts: Sequence[str], name: str) -> bool:
    """Say whether some of the texts hold a name."""
    pattern = re.compile(rf"(?<![\w.]){re.escape(name)}(?!\w)")
    return any(pattern.search(text) for text in texts)


def _listed(array: Array) -> str:
    """Return an array as Python text of nested lists, rows under each other where they do not fit in one line."""
    text = _text(array.tolist())
    if len(text) <= WIDTH - 30 or array.ndim == 0:
        return text
    if array.ndim > 1:
        inner = ",\n".join(textwrap.indent(_listed(row), "    ") for row in array)
        return f"[\n{inner},\n]"
    return "[\n" + textwrap.indent(textwrap.fill(text[1:-1], WIDTH - 20), "    ") + ",\n]"


def _text(numbers: Any) -> str:
    return f"[{', '.join(map(_text, numbers))}]" if isinstance(numbers, list) else spelled(numbers)


def _all_finite(loss: float, gradients: Mapping[str, Any]) -> bool:
    return bool(np.isfinite(loss)) and all(np.isfinite(array).all() for array in gradients.values())
