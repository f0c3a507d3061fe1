"""Problems from PyTorch modules, and modules from problems: the same network, the same loss, the same numbers.

The rows of activations and losses have PyTorch's names beside ours; PyTorch itself is imported when one of the functions is
called.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from symbackprop.algebra import functions
from symbackprop.arithmetic import exact
from symbackprop.catalog.losses import LOSSES, Loss, TorchLoss
from symbackprop.errors import MissingLibraryError, ProblemError, UnknownNameError, unknown
from symbackprop.graph.quantities import Quantity
from symbackprop.messages import message
from symbackprop.problems import Problem, numbers
from symbackprop.problems.accepted import ProblemLike, problem_of
from symbackprop.problems.load import problem
from symbackprop.problems.types import parameter_quantities
from symbackprop.rows import Counterpart

if TYPE_CHECKING:
    import torch

LIBRARY = "torch"

Described = dict[str, Any]


def from_torch(
    model: torch.nn.Module,
    loss: Callable[..., Any],
    x: Any = None,
    y: Any = None,
    masks: Mapping[str, Any] | None = None,
    **tables: object,
) -> Problem:
    """Return the problem of a module and a loss of PyTorch's, with the module's weights as its numbers.

    A `torch.nn.Sequential` of `Linear`, each with an activation behind it or none, and a loss of `torch.nn` become a
    network; it may be a `Linear` alone, compiled, begin with `Flatten`, and have `Dropout` where that leaves
    everything as it is. Loss and gradients are PyTorch's: where its mean runs over the outputs too, so does the
    problem's; where it smooths labels, the problem has the smoothed targets.

    Any other module, and a loss that is any function of its output and `y`, run once on tensors that record and
    become a computation graph. Parameters have the letters that are usual for their layers, `W1`, `b1`, `gamma`.
    Arrays have at most four axes: of more, all but the last are one, so that a gradient is PyTorch's in another shape.
    Parameters that require no gradient are `frozen` in the problem's training.

    Args:
        model: The module.
        loss: A loss of `torch.nn`, or a function of the output and `y`, of the output alone where there is no `y`.
        x: Inputs (samples, inputs), a tensor or an array; of a module that is recorded, a tuple where there are
            several.
        y: Targets (samples, outputs), or classes (samples,).
        masks: Zeros and ones by which the `Dropout` at a path of the module multiplies.
        tables: Further tables of a problem (`training={"learning_rate": 0.1, "steps": 3}`).

    Returns:
        The problem.

    Raises:
        UnknownNameError: A module has no counterpart.
        ProblemError: One has none in its place or with its setting; the message has its path.
        MissingLibraryError: PyTorch is not installed.

    Examples:
        >>> import torch  # doctest: +SKIP
        >>> import symbackprop
        >>> model = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Sigmoid())  # doctest: +SKIP
        >>> symbackprop.from_torch(model, torch.nn.BCELoss()).outline  # doctest: +SKIP
        '2-1, 3 parameters'
    """
    _require()
    try:
        network = _network(model, loss)
    except (ProblemError, UnknownNameError):
        if x is None:
            raise
        from symbackprop.frontends.torch_recording import recorded_problem

        return recorded_problem(model, loss, x, y, masks, tables)
    return _of_network(network, x, y, tables)


@dataclass(frozen=True, slots=True)
class _Described:
    """A network as a problem has it, its parameters, and how much of a target is spread over all classes."""

    network: Described
    parameters: Described
    smoothing: Fraction


def _network(model: Any, loss: Any) -> _Described:
    """Return a sequence of layers and a loss as a network; raises what `from_torch` does for others."""
    library = _require()
    modules = list(_flat(library, model))
    known = {each.name: (row, each) for row in LOSSES.values() for each in row.torch}
    if _name(loss) not in known:
        raise unknown("module", _name(loss), known)
    row, theirs = known[_name(loss)]
    _check(loss, theirs, "loss")
    if theirs.after:
        if not modules or _name(modules[-1]) != theirs.after:
            raise ProblemError(message("torch.after", loss=_name(loss), module=theirs.after), where="loss")
        del modules[-1]
    layers, parameters = _layers(modules)
    if theirs.output:
        if layers[-1]["activation"] != "linear":
            raise ProblemError(message("torch.logits", loss=_name(loss), activation=theirs.output), where="loss")
        layers[-1]["activation"] = theirs.output
    network = {
        "inputs": modules[0].in_features,
        "layers": layers,
        "reduction": _reduction(loss),
        "loss": _loss(row, theirs, loss, layers[-1]["units"]),
    }
    smoothing = Fraction(str(getattr(loss, theirs.smoothed_by))) if theirs.smoothed_by else Fraction(0)
    return _Described(network, parameters, smoothing)


def _of_network(found: _Described, x: Any, y: Any, tables: Mapping[str, Any]) -> Problem:
    """Return the problem of a network with data."""
    frozen = [name for name, tensor in found.parameters.items() if not tensor.requires_grad]
    if frozen:
        training: Any = tables.get("training") or {}
        tables = {**tables, "training": {**training, "frozen": [*training.get("frozen", ()), *frozen]}}
    if found.smoothing:
        y = _smoothed(x, y, found.smoothing, found.network["layers"][-1]["units"])
    content: Described = {
        "network": found.network,
        "parameters": found.parameters,
        "data": {name: value for name, value in (("x", x), ("y", y)) if value is not None},
        **tables,
    }
    return problem({name: table for name, table in content.items() if table}, name="module")


def to_torch(
    problem: ProblemLike, parameters: Mapping[str, Any] | None = None, *, logits: bool = False
) -> torch.nn.Sequential:
    """Return a network problem as a `torch.nn.Sequential` in float64 that computes its outputs.

    A bias that a layer shares becomes one number for each unit, and a threshold a bias of the opposite sign. The
    derivative of PyTorch's ReLU at 0 is 0, whatever `relu_derivative_at_zero` is.

    Args:
        problem: Whatever stands for a problem.
        parameters: Arrays by name, in the problem's shapes, those of a history say, or None for the problem's own
            numbers.
        logits: Whether the activation of the output is left out, for a loss of PyTorch that brings it itself:
            `CrossEntropyLoss` its softmax, `BCEWithLogitsLoss` its sigmoid. With the outputs it would apply it twice.

    Returns:
        The module.

    Raises:
        ProblemError: It is a computation graph, PyTorch has no module for an activation, parameters have other
            shapes, or no loss of PyTorch is the problem's from the `logits`.
        MissingLibraryError: PyTorch is not installed.

    Examples:
        >>> import symbackprop
        >>> symbackprop.to_torch("mazur")  # doctest: +SKIP
        Sequential(
          (0): Linear(in_features=2, out_features=2, bias=True)
          (1): Sigmoid()
          (2): Linear(in_features=2, out_features=2, bias=True)
          (3): Sigmoid()
        )
    """
    problem = problem_of(problem)
    library = _require()
    if not problem.layers:
        raise ProblemError(message("torch.graph"))
    if logits and problem.layers[-1].activation not in _outputs_of_losses(problem):
        what = message("torch.no_logits", loss=problem.network.loss, activation=problem.layers[-1].activation)
        raise ProblemError(what, where="logits")
    modules: list[Any] = []
    width = problem.network.inputs
    parameters_of = parameter_quantities(problem.network, problem.layout)
    for number, (layer, own) in enumerate(zip(problem.layers, parameters_of, strict=True), start=1):
        linear = library.nn.Linear(width, layer.units, bias=layer.bias != "none", dtype=library.float64)
        weight, *bias = (_tensor(library, problem, parameters, each) for each in own)
        with library.no_grad():
            linear.weight.copy_(weight.T if problem.layout == "row" else weight)
            for found in bias:
                linear.bias.copy_(-found if layer.bias == "threshold" else found)
        modules.append(linear)
        if not (logits and number == len(problem.layers)):
            modules += _activated(library, layer, number)
        width = layer.units
    found_model: torch.nn.Sequential = library.nn.Sequential(*modules)
    return found_model


def _require() -> Any:
    try:
        return importlib.import_module(LIBRARY)
    except ImportError:
        raise MissingLibraryError(message("torch.not_installed")) from None


def _name(module: object) -> str:
    return type(module).__name__


def _flat(library: Any, model: Any, place: str = "model") -> Iterator[Any]:
    """Yield the modules of a sequence that compute something, those of sequences inside it in their place."""
    model = getattr(model, "_orig_mod", model)  # what torch.compile wraps
    if _is_plain(model, library.nn.Linear):
        yield model
        return
    if not _is_plain(model, library.nn.Sequential):
        raise ProblemError(message("torch.sequential", name=_name(model)), where=place)
    for position, module in enumerate(model):
        inner = f"{place}[{position}]"
        if _is_plain(module, library.nn.Sequential):
            yield from _flat(library, module, inner)
        elif _name(module) == "Dropout" and module.training and module.p:
            raise ProblemError(message("torch.dropout"), where=inner)
        elif _name(module) == "Flatten" and (position or module.start_dim != 1):
            raise ProblemError(message("torch.place", name="Flatten"), where=inner)
        elif _name(module) not in _WITHOUT_EFFECT:
            yield module


_WITHOUT_EFFECT = ("Dropout", "Flatten")
"""Modules that leave samples as they are: those that drop nothing, and those that flatten what is flat."""


def _is_plain(module: Any, kind: Any) -> bool:
    """Say whether a module computes what a kind of module does, under whatever name."""
    return isinstance(module, kind) and type(module).forward is kind.forward and not hasattr(module, "parametrizations")


def _layers(modules: list[Any]) -> tuple[list[Described], Described]:
    """Return the layers of some modules as a problem has them, and their parameters by name."""
    linear_kind = _require().nn.Linear
    known = {row.torch.name: (row, row.torch) for row in functions.ACTIVATIONS.values() if row.torch is not None}
    layers: list[Described] = []
    parameters: Described = {}
    for position, module in enumerate(modules):
        if _is_plain(module, linear_kind):
            layers.append({"units": module.out_features, "activation": "linear"})
            own = {f"W{len(layers)}": module.weight, f"b{len(layers)}": module.bias}
            for name, tensor in own.items():
                other = next((known for known, each in parameters.items() if each is tensor), None)
                if other is not None:
                    raise ProblemError(message("torch.tied", first=other, second=name), where=f"model[{position}]")
            if module.bias is None:
                layers[-1]["bias"] = "none"
            parameters |= {name: tensor for name, tensor in own.items() if tensor is not None}
            continue
        if _name(module) not in known:
            raise unknown("module", _name(module), ("Linear", *known), where=f"model[{position}]")
        row, theirs = known[_name(module)]
        if not layers or not _is_plain(modules[position - 1], linear_kind):
            raise ProblemError(message("torch.place", name=_name(module)), where=f"model[{position}]")
        _check(module, theirs, f"model[{position}]")
        layers[-1] |= {"activation": row.name, **theirs.read(module)}
    if not layers:
        raise ProblemError(message("torch.empty"), where="model")
    return layers, parameters


_SHOWN = 60
"""Characters of a setting that a message shows."""


def _check(module: Any, theirs: Counterpart, where: str) -> None:
    """Raise `ProblemError` for a setting that has no counterpart."""
    setting = theirs.mismatch(module)
    if setting is not None:
        value, allowed = " ".join(str(getattr(module, setting)).split())[:_SHOWN], str(theirs.fixed[setting][0])
        what = message("torch.setting", name=_name(module), setting=setting, value=value, allowed=allowed)
        raise ProblemError(what, where=where)


def _reduction(loss: Any) -> str:
    _check(loss, Counterpart(_name(loss), fixed={"reduction": ("mean", "sum")}), "loss")
    return str(loss.reduction)


def _loss(row: Loss, theirs: TorchLoss, loss: Any, outputs: int) -> object:
    """Return the loss of one sample, as a problem has it; the mean over the outputs is written into an expression."""
    settings = theirs.read(loss)
    averaged = outputs if theirs.over_outputs and loss.reduction == "mean" else 1
    divisor = float(getattr(loss, theirs.divided_by)) if theirs.divided_by else 1.0
    if not divisor:
        raise ProblemError(message("torch.divisor", name=_name(loss), setting=theirs.divided_by), where="loss")
    if averaged * divisor == 1:
        return {"name": row.name, **settings} if settings else row.name
    if row.name == "squared_error":
        return "mean_squared_error"
    text = row.expression
    for name, value in settings.items():
        text = text.replace(name, f"{value!r}")
    return {"expression": f"({text})/{averaged * divisor!r}"}


def _smoothed(x: Any, y: Any, amount: Fraction, classes: int) -> object:
    """Return targets, classes or shares of them, with an amount of each spread evenly over all classes.

    Raises `ProblemError` without targets, and for a number that is no class.
    """
    if y is None:
        raise ProblemError(message("torch.smoothing"), where="y")

    def mixed(target: Any) -> list[Fraction]:
        if not isinstance(target, list) and target not in range(classes):
            raise ProblemError(message("problem.class_index", value=str(target), last=classes - 1), where="y")
        entries = target if isinstance(target, list) else [int(place == target) for place in range(classes)]
        return [(1 - amount) * exact.to_fraction_of_float(float(entry)) + amount / classes for entry in entries]

    targets, inputs = numbers.plain(y), numbers.plain(x)
    is_single = numbers.is_list(inputs) and not numbers.is_list(inputs[0])
    return mixed(targets) if is_single or not isinstance(targets, list) else [mixed(target) for target in targets]


def _outputs_of_losses(problem: Problem) -> set[str]:
    """Return the output activations that PyTorch's losses put behind the last layer themselves.

    Of a loss of the user's own, which the mean over outputs makes of PyTorch's, any of them may be meant.
    """
    rows = LOSSES.values() if problem.network.loss_body else [LOSSES[problem.network.loss]]
    return {each.output for row in rows for each in row.torch} - {""}


def _tensor(torch: Any, problem: Problem, parameters: Mapping[str, Any] | None, own: Quantity) -> Any:
    """Return a parameter in its shape, as it is handed over or else the problem's own."""
    name = own.name
    if parameters is not None:
        if name not in parameters:
            raise ProblemError(message("problem.missing_values", names=[name]), where="parameters")
        array = numbers.array(numbers.plain(parameters[name]), own.shape, name)
    else:
        array = problem.arrays[name]
    if None in array.entries:
        raise ProblemError(message("problem.missing_values", names=[name]))
    return torch.tensor(array.floats(), dtype=torch.float64).reshape(array.shape)


def _activated(torch: Any, layer: Any, number: int) -> list[Any]:
    """Return the module of a layer's activation, in a list; none for the identity."""
    row = None if layer.body else functions.ACTIVATIONS[layer.activation]
    if row is None or row.torch is None:
        raise ProblemError(message("torch.activation", name=layer.activation), where=f"network.layers[{number - 1}]")
    if row.name == "linear":
        return []
    made: Callable[..., Any] = getattr(torch.nn, row.torch.name)
    return [made(**row.torch.arguments(dict(layer.settings)))]
