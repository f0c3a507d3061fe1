"""Problems from PyTorch modules, and modules from problems: the same network, the same loss, the same numbers.

The tables hold PyTorch's names beside ours; PyTorch itself is imported when one of the functions is called.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symbackprop.algebra import functions
from symbackprop.catalog import losses
from symbackprop.errors import MissingLibraryError, ProblemError, unknown
from symbackprop.messages import message
from symbackprop.problems import Problem
from symbackprop.problems.load import problem
from symbackprop.problems.types import parameter_quantities
from symbackprop.registry import Registry

if TYPE_CHECKING:
    import torch

LIBRARY = "torch"


@dataclass(frozen=True, slots=True)
class ModuleRow:
    """A module of `torch.nn` that is one of our activations.

    `settings` are our parameters by its attributes; `fixed` are attributes that have to have one of some values.
    """

    activation: str
    settings: Mapping[str, str]
    fixed: Mapping[str, tuple[object, ...]]


ACTIVATIONS: Registry[ModuleRow] = Registry(
    "module",
    {
        "Identity": ModuleRow("linear", {}, {}),
        "Sigmoid": ModuleRow("sigmoid", {}, {}),
        "Tanh": ModuleRow("tanh", {}, {}),
        "ReLU": ModuleRow("relu", {}, {}),
        "LeakyReLU": ModuleRow("leaky_relu", {"negative_slope": "alpha"}, {}),
        "ELU": ModuleRow("elu", {"alpha": "alpha"}, {}),
        # Above its threshold PyTorch's softplus is the identity; at 20 the two differ by 2e-9.
        "Softplus": ModuleRow("softplus", {}, {"beta": (1,)}),
        "Softsign": ModuleRow("softsign", {}, {}),
        "SiLU": ModuleRow("silu", {}, {}),
        "GELU": ModuleRow("gelu", {}, {"approximate": ("none",)}),
        "Softmax": ModuleRow("softmax", {}, {"dim": (-1, 1)}),
    },
)
"""Modules of `torch.nn` beside the activations that they are."""


@dataclass(frozen=True, slots=True)
class LossRow:
    """A loss of `torch.nn` as one of ours.

    `output` is the activation that it puts behind the last layer itself; `after` a module that has to stand there, which
    `output` then replaces. With the reduction `mean` it averages over the outputs too (`over_outputs`), where ours adds.
    `settings` and `fixed` are as in `ModuleRow`; `divided_by` names an attribute that it is divided by.
    """

    loss: str
    output: str = ""
    after: str = ""
    over_outputs: bool = True
    settings: Mapping[str, str] | None = None
    fixed: Mapping[str, tuple[object, ...]] | None = None
    divided_by: str = ""


_UNWEIGHTED: Mapping[str, tuple[object, ...]] = {"weight": (None,)}
_OF_CLASSES = {**_UNWEIGHTED, "ignore_index": (-100,)}

TORCH_LOSSES: Registry[LossRow] = Registry(
    "module",
    {
        "MSELoss": LossRow("squared_error"),
        "L1Loss": LossRow("absolute_error"),
        "HuberLoss": LossRow("huber", settings={"delta": "delta"}),
        "SmoothL1Loss": LossRow("huber", settings={"beta": "delta"}, divided_by="beta"),
        "BCELoss": LossRow("binary_cross_entropy", fixed=_UNWEIGHTED),
        "BCEWithLogitsLoss": LossRow("binary_cross_entropy", "sigmoid", fixed={**_UNWEIGHTED, "pos_weight": (None,)}),
        "CrossEntropyLoss": LossRow(
            "cross_entropy", "softmax", over_outputs=False, fixed={**_OF_CLASSES, "label_smoothing": (0.0,)}
        ),
        "NLLLoss": LossRow("cross_entropy", "softmax", "LogSoftmax", over_outputs=False, fixed=_OF_CLASSES),
    },
)
"""Losses of `torch.nn` beside ours. Hinge losses are not among them: MultiMarginLoss divides by the number of classes."""

Described = dict[str, Any]


def from_torch(
    model: torch.nn.Module, loss: torch.nn.Module, x: Any = None, y: Any = None, **tables: object
) -> Problem:
    """Return the problem of a `torch.nn.Sequential` and a loss of `torch.nn`, with the module's weights as its numbers.

    The module is made of `Linear`, each with an activation behind it or none. Loss and gradients are PyTorch's: where its
    mean runs over the outputs too, so does the problem's. `x` and `y` are the data, if any, tensors or arrays; `tables` are
    further tables of a problem (`training={"learning_rate": 0.1, "steps": 3}`).

    Raises `UnknownNameError` for a module without a counterpart, `ProblemError` for one in a place or with a setting that
    has none, `MissingLibraryError` without PyTorch.
    """
    _require()
    modules = list(_flat(model))
    row = TORCH_LOSSES[_name(loss)]
    _check(loss, row.fixed or {}, "loss")
    if row.after:
        if not modules or _name(modules[-1]) != row.after:
            raise ProblemError(message("torch.after", loss=_name(loss), module=row.after), where="loss")
        del modules[-1]
    layers, parameters = _layers(modules)
    if row.output:
        if layers[-1]["activation"] != "linear":
            raise ProblemError(message("torch.logits", loss=_name(loss), activation=row.output), where="loss")
        layers[-1]["activation"] = row.output
    content: Described = {
        "network": {
            "inputs": _linear(modules[0], 0).in_features,
            "layers": layers,
            "reduction": _reduction(loss),
            "loss": _loss(row, loss, layers[-1]["units"]),
        },
        "parameters": parameters,
        "data": {name: _plain(value) for name, value in (("x", x), ("y", y)) if value is not None},
        **tables,
    }
    return problem({name: table for name, table in content.items() if table}, name="module")


def to_torch(problem: Problem, parameters: Mapping[str, Any] | None = None) -> torch.nn.Sequential:
    """Return a network problem as a `torch.nn.Sequential` in float64 that computes its outputs.

    `parameters` are arrays by name, those of a history say; by default the problem's own numbers. A bias that a layer shares
    becomes one number for each unit, and a threshold a bias of the opposite sign.

    Raises `ProblemError` for a computation graph and for activations that PyTorch has no module for, `MissingLibraryError`
    without PyTorch.
    """
    library = _require()
    if not problem.layers:
        raise ProblemError(message("torch.graph"))
    modules: list[Any] = []
    width = problem.network.inputs
    parameters_of = parameter_quantities(problem.network, problem.layout)
    for number, (layer, own) in enumerate(zip(problem.layers, parameters_of, strict=True), start=1):
        linear = library.nn.Linear(width, layer.units, bias=layer.bias != "none", dtype=library.float64)
        weight, *bias = (_tensor(library, problem, parameters, each.name) for each in own)
        with library.no_grad():
            linear.weight.copy_(weight.T if problem.layout == "row" else weight)
            for found in bias:
                linear.bias.copy_(-found if layer.bias == "threshold" else found)
        modules.append(linear)
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


def _flat(model: Any, place: str = "model") -> Iterator[Any]:
    """Yield the modules of a sequence, those of sequences inside it in their place."""
    if _name(model) != "Sequential":
        raise ProblemError(message("torch.sequential", name=_name(model)), where=place)
    for position, module in enumerate(model):
        if _name(module) == "Sequential":
            yield from _flat(module, f"{place}[{position}]")
        else:
            yield module


def _layers(modules: list[Any]) -> tuple[list[Described], Described]:
    """Return the layers of some modules as a problem has them, and their parameters by name."""
    layers: list[Described] = []
    parameters: Described = {}
    for position, module in enumerate(modules):
        if _name(module) == "Linear":
            linear = _linear(module, position)
            layers.append({"units": linear.out_features, "activation": "linear"})
            parameters[f"W{len(layers)}"] = _plain(linear.weight)
            if linear.bias is None:
                layers[-1]["bias"] = "none"
            else:
                parameters[f"b{len(layers)}"] = _plain(linear.bias)
            continue
        if _name(module) not in ACTIVATIONS:
            raise unknown("module", _name(module), ("Linear", *ACTIVATIONS), where=f"model[{position}]")
        row = ACTIVATIONS[_name(module)]
        if not layers or _name(modules[position - 1]) != "Linear":
            raise ProblemError(message("torch.place", name=_name(module)), where=f"model[{position}]")
        _check(module, row.fixed, f"model[{position}]")
        layers[-1]["activation"] = row.activation
        layers[-1].update({ours: getattr(module, theirs) for theirs, ours in row.settings.items()})
    if not layers:
        raise ProblemError(message("torch.empty"), where="model")
    return layers, parameters


def _linear(module: Any, position: int) -> Any:
    if _name(module) != "Linear":
        raise ProblemError(message("torch.place", name=_name(module)), where=f"model[{position}]")
    return module


def _check(module: Any, fixed: Mapping[str, tuple[object, ...]], where: str) -> None:
    """Raise `ProblemError` for a setting that has no counterpart."""
    for setting, allowed in fixed.items():
        found = getattr(module, setting)
        if not any(found is each or (each is not None and found == each) for each in allowed):
            what = message(
                "torch.setting", name=_name(module), setting=setting, value=str(found), allowed=str(allowed[0])
            )
            raise ProblemError(what, where=where)


def _reduction(loss: Any) -> str:
    _check(loss, {"reduction": ("mean", "sum")}, "loss")
    return str(loss.reduction)


def _loss(row: LossRow, loss: Any, outputs: int) -> object:
    """Return the loss of one sample, as a problem has it; the mean over the outputs is written into an expression."""
    settings = {ours: getattr(loss, theirs) for theirs, ours in (row.settings or {}).items()}
    averaged = outputs if row.over_outputs and loss.reduction == "mean" else 1
    divisor = float(getattr(loss, row.divided_by)) if row.divided_by else 1.0
    if averaged * divisor == 1:
        return {"name": row.loss, **settings} if settings else row.loss
    if row.loss == "squared_error":
        return "mean_squared_error"
    text = losses.LOSSES[row.loss].expression
    for name, value in settings.items():
        text = text.replace(name, f"{value!r}")
    return {"expression": f"({text})/{averaged * divisor!r}"}


def _plain(value: Any) -> Any:
    """Return a tensor or an array as nested lists."""
    return value.detach().cpu().tolist() if hasattr(value, "detach") else value


def _tensor(torch: Any, problem: Problem, parameters: Mapping[str, Any] | None, name: str) -> Any:
    if parameters is not None:
        if name not in parameters:
            raise ProblemError(message("problem.missing_values", names=[name]), where="parameters")
        return torch.as_tensor(parameters[name], dtype=torch.float64)
    array = problem.arrays[name]
    if None in array.entries:
        raise ProblemError(message("problem.missing_values", names=[name]))
    numbers = [float(given.value) for given in array.entries if given is not None]
    return torch.tensor(numbers, dtype=torch.float64).reshape(array.shape)


def _activated(torch: Any, layer: Any, number: int) -> list[Any]:
    """Return the module of a layer's activation, in a list; none for the identity."""
    known = {row.activation: (name, row) for name, row in ACTIVATIONS.items()}
    if layer.body or layer.activation not in known:
        raise ProblemError(message("torch.activation", name=layer.activation), where=f"network.layers[{number - 1}]")
    if layer.activation == "linear":
        return []
    name, row = known[layer.activation]
    settings = {**dict(functions.ACTIVATIONS[layer.activation].parameters), **dict(layer.settings)}
    arguments: Described = {theirs: float(settings[ours]) for theirs, ours in row.settings.items()}
    if functions.is_vector(layer.activation):
        arguments["dim"] = -1
    made: Callable[..., Any] = getattr(torch.nn, name)
    return [made(**arguments)]
