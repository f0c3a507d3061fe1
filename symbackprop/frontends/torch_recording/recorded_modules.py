"""Problems from any module of PyTorch's: it runs once on tensors that record, with its parameters replaced by such."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy

from symbackprop import compilation
from symbackprop.errors import ProblemError
from symbackprop.frontends.torch_recording import (
    along_axes,
    convolutions,
    criteria,
    elementwise_functions,
    moved_elements,
    torch_layers,
)
from symbackprop.frontends.torch_recording.module_parameters import (
    BUFFERS,
    RESULTS,
    names_of_parameters,
    parameters_of,
    paths_of,
)
from symbackprop.frontends.torch_recording.recorded_tensors import (
    BLOCK,
    RUNS,
    RecordedTensor,
    Run,
    lifted,
    recorded_call,
    single,
    suggest,
    torch,
)
from symbackprop.frontends.tracing.assigned_variables import Variables, names_of_variables
from symbackprop.frontends.tracing.equation_texts import Equations, order_of
from symbackprop.frontends.tracing.recorded import Recorded, attempted
from symbackprop.messages import message
from symbackprop.problems import Problem
from symbackprop.problems.load import problem

_TOLERANCE = 1e-9
_OF_GRADIENTS = 1e-6
"""Another derivative at a kink differs by more; some of PyTorch's own have a factor of float32 (that of `hardsigmoid`)."""
_OTHERWISE = "h"
"""What a result is called whose variable has the name of an input."""
_KNOWN = (along_axes, convolutions, elementwise_functions, moved_elements, criteria)
"""The rooms that say what functions are, which are known from here on."""


@dataclass(slots=True)
class _Recording:
    """What is handed to a module: arrays by name, and what its parameters are called by their paths."""

    names: Mapping[str, str]
    leaves: dict[str, Recorded] = field(default_factory=dict)
    frozen: list[str] = field(default_factory=list)

    def leaf(self, name: str, tensor: Any) -> RecordedTensor:
        """Return given numbers as a tensor: its array has as rows those of all blocks."""
        array = tensor.detach().cpu().double().numpy()
        flat = array if array.ndim <= BLOCK else array.reshape(-1, array.shape[-1])
        self.leaves[name] = found = Recorded(flat, name=name)
        whole = single(found)
        return whole if array.ndim <= BLOCK else recorded_call("reshape", whole, array.shape)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class _Given:
    """A module, a loss, their inputs and targets by name, and masks by the paths of modules."""

    model: Any
    loss: Any
    inputs: Mapping[str, Any]
    targets: Mapping[str, Any]
    masks: Mapping[str, Any]

    def modules(self) -> Mapping[str, Any]:
        """Return module and loss in float64, as copies of one's own."""
        return {"model": _copied(self.model), "loss": _copied(self.loss)}


def recorded_problem(
    model: Any, loss: Any, x: Any, y: Any, masks: Mapping[str, Any] | None, tables: Mapping[str, Any]
) -> Problem:
    """Return the problem of a module and a loss at inputs `x` (one or a tuple) and targets `y`, a graph.

    Every array has at most four axes: of a tensor with more, all axes but the last are one, in order. Classes, places and
    masks stay what they are. `masks` are zeros and ones for modules `Dropout` by their path. Parameters that require no
    gradient are frozen.

    Raises `ProblemError` with the path of the module for what cannot be recorded, and where value or gradients of what was
    recorded are not PyTorch's.
    """
    given = _Given(model, loss, _named("x", x), _named("y", y), masks or {})
    found, names = _recorded(given, tables, takes_first=False)
    value, gradients_of_torch = _expected(given)
    for takes_first in (False, True):
        if takes_first:
            found, names = _recorded(given, tables, takes_first)
        other = _other_gradient(found, value, {names[key]: theirs for key, theirs in gradients_of_torch.items()})
        if other is None:
            return found
    raise ProblemError(message("torch.kink", name=other), where="model")


def _copied(module: Any) -> Any:
    module = getattr(module, "_orig_mod", module)  # what torch.compile wraps
    return copy.deepcopy(module).double() if isinstance(module, torch().nn.Module) else module


def _named(name: str, given: Any) -> Mapping[str, Any]:
    """Return tensors by name, of several numbered ones."""
    if given is None:
        return {}
    if isinstance(given, tuple | list) and any(hasattr(each, "shape") for each in given):
        return {f"{name}{place}": _tensor(each) for place, each in enumerate(given, start=1)}
    return {name: _tensor(given)}


def _tensor(given: Any) -> Any:
    found = torch().as_tensor(given)
    return found.double() if found.is_floating_point() else found


# Numbers of PyTorch's own


def _result(modules: Mapping[str, Any], inputs: Mapping[str, Any], targets: Mapping[str, Any]) -> Any:
    return modules["loss"](modules["model"](*inputs.values()), *targets.values())


def _expected(given: _Given) -> tuple[float, Mapping[str, Any]]:
    """Return PyTorch's value, and its gradients by the paths of parameters; those it has none for are left out.

    Where masks say what is dropped, PyTorch has neither.
    """
    modules = given.modules()
    tensors = {f"{where}.{name}": tensor for where, _, name, tensor in parameters_of(modules)}
    if given.masks:
        return math.nan, {}
    for tensor in tensors.values():
        tensor.requires_grad_(True)
    value = _attempted(lambda: _result(modules, given.inputs, given.targets))
    if not isinstance(value, torch().Tensor) or value.numel() != 1:
        raise ProblemError(message("torch.result", shape=tuple(getattr(value, "shape", ()))), where="loss")
    if not value.requires_grad:
        return float(value), {}
    gradients = torch().autograd.grad(value.reshape(()), list(tensors.values()), allow_unused=True)
    found = {key: each.numpy() for key, each in zip(tensors, gradients, strict=True) if each is not None}
    return float(value.detach()), found


def _other_gradient(found: Problem, expected: float, gradients_of_torch: Mapping[str, Any]) -> str | None:
    """Return a parameter by which PyTorch has another gradient, None if there is none.

    Raises `ProblemError` where the value of the problem is not PyTorch's.
    """
    value, gradients = compilation.compile(found)() if found.parameter_shapes() else (expected, {})
    if not math.isnan(expected) and not math.isclose(value, expected, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE):
        what = message("trace.differs", recorded=f"{float(value):g}", value=f"{expected:g}")
        raise ProblemError(what, where="model")
    for name, theirs in gradients_of_torch.items():
        own = gradients.get(name)
        bound = _OF_GRADIENTS * max(1.0, float(numpy.abs(theirs).max(initial=0)))
        if own is not None and not numpy.allclose(own, theirs.reshape(own.shape), rtol=_OF_GRADIENTS, atol=bound):
            return name
    return None


# The run


def _recorded(given: _Given, tables: Mapping[str, Any], takes_first: bool) -> tuple[Problem, Mapping[str, str]]:
    """Return the problem that one run records, and what its parameters are called by their paths."""
    modules = given.modules()
    recording = _Recording(names_of_parameters(modules, {*given.inputs, *given.targets}))
    RUNS.append(Run(takes_first=takes_first))
    try:
        inputs, targets = (
            {name: recording.leaf(name, each) if each.is_floating_point() else each for name, each in own.items()}
            for own in (given.inputs, given.targets)
        )
        _replace(modules, given.masks, recording)
        variables, result = _run(lambda: _result(modules, inputs, targets))
        content, kinds = _content(recording, variables, result, given.targets)
    finally:
        RUNS.pop()
    found = problem({"graph": content, **_with_frozen(tables, recording.frozen, kinds)}, name="module")
    return found, recording.names


def _run(function: Callable[[], Any]) -> tuple[Variables, Recorded]:
    """Return the names of variables, and the result, a number."""
    distribution = torch().distributions.Distribution
    is_validating = distribution._validate_args
    distribution.set_default_validate_args(False)  # what PyTorch's own run has checked
    try:
        with names_of_variables() as variables:
            result = _attempted(function)
    finally:
        distribution.set_default_validate_args(is_validating)
    if not isinstance(result, RecordedTensor):
        raise ProblemError(message("trace.unrecorded", kind=type(result).__name__), where="loss")
    if math.prod(result.shape) != 1:
        raise ProblemError(message("torch.result", shape=tuple(result.shape)), where="loss")
    found = result.blocks[0]
    return variables, found if not found.ndim else found[(0,) * found.ndim]


def _attempted(function: Callable[[], Any]) -> Any:
    """Return what a function returns; raises `ProblemError` with the path or the line of what went wrong in it."""
    return attempted(function, lambda: "".join(RUNS[-1].paths[-1:]))


def _replace(modules: Mapping[str, Any], masks: Mapping[str, Any], recording: _Recording) -> None:
    """Put what records into copies of modules: in the place of parameters, and around every `forward`."""
    leaves = {}
    for where, _, name, tensor in parameters_of(modules):
        own = recording.names[f"{where}.{name}"]
        leaves[id(tensor)] = recording.leaf(own, tensor)
        if not tensor.requires_grad:
            recording.frozen.append(own)
    for root, module in modules.items():
        for where, each in paths_of(root, module):
            for name, tensor in each._parameters.items():
                if tensor is not None:
                    each._parameters[name] = leaves[id(tensor)]
            for name, tensor in each._buffers.items():
                if tensor is not None and tensor.is_floating_point():
                    each._buffers[name] = lifted(tensor, BUFFERS.get(name, name))
            each.forward = _watched(each, where, masks.get(where.partition(".")[2]))


def _watched(module: Any, where: str, mask: Any) -> Callable[..., Any]:
    """Return a module's `forward` that says where it is, is a row's where there is one, and names its result."""
    kind = type(module).__name__
    row, forward = torch_layers.MODULES.get(kind), module.forward

    def watched(*arguments: Any, **options: Any) -> Any:
        RUNS[-1].paths.append(where)
        if mask is not None:
            result = torch_layers.masked_dropout(module, arguments[0], _tensor(mask).double())
        else:
            result = forward(*arguments, **options) if row is None else row(module, *arguments, **options)
        RUNS[-1].paths.pop()
        return suggest(RESULTS[kind], result) if kind in RESULTS and isinstance(result, RecordedTensor) else result

    return watched


# The problem


def _content(
    recording: _Recording, variables: Variables, result: Recorded, targets: Mapping[str, Any]
) -> tuple[dict[str, Any], Sequence[str]]:
    """Return the graph of a problem, and the names of its parameters."""
    for block in variables.assigned:
        block.name = _OTHERWISE if block.name in recording.leaves else block.name
    for letter, tensor in RUNS[-1].suggested:
        for block in tensor.blocks:
            variables.name(letter, block)
    for tensor, constant in RUNS[-1].constants.values():
        name, _ = variables.arrays.get(id(tensor), ("", None))
        for block in constant.blocks if name else ():
            variables.arrays.setdefault(id(block.constant), (name, block.constant))
    variables.arrays.update({id(array): (name, array) for name, array in RUNS[-1].named})
    reached = {node.name for node in order_of(result) if node.writer is None and node.name}
    leaves = {name: leaf for name, leaf in recording.leaves.items() if name in reached}
    writing = Equations(leaves, variables)
    equations = writing.equations(result)
    parameters = set(recording.names.values())
    graph: dict[str, Any] = {"parameters": {}, "inputs": {}, "targets": {}}
    for name, leaf in leaves.items():
        graph["parameters" if name in parameters else "targets" if name in targets else "inputs"][name] = leaf.value
    is_of_classes = any(name not in leaves for name in targets)
    for name, numbers in writing.constants.items():
        graph["targets" if is_of_classes and name.rstrip("0123456789") == "y" else "inputs"][name] = numbers
    content = {kind: each for kind, each in graph.items() if each}
    return {**content, "equations": equations, "output": writing.names[id(result)]}, list(graph["parameters"])


def _with_frozen(tables: Mapping[str, Any], frozen: Sequence[str], parameters: Sequence[str]) -> Mapping[str, Any]:
    wanted = [name for name in frozen if name in parameters]
    if not wanted:
        return tables
    training: Any = tables.get("training") or {}
    return {**tables, "training": {**training, "frozen": [*training.get("frozen", ()), *wanted]}}
