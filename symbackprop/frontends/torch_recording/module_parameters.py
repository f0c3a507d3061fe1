"""What parameters and results of a module are called: as is usual for its layers."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from symbackprop.algebra.functions import RESERVED
from symbackprop.frontends.torch_recording.recorded_tensors import torch

_LETTERS: Mapping[str, str] = {
    "weight": "W", "bias": "b", "weight_ih": "W", "weight_hh": "U", "bias_ih": "b", "bias_hh": "c", "in_proj_weight": "W",
    "in_proj_bias": "b",
}  # fmt: skip
_OF_NORMS: Mapping[str, str] = {"weight": "gamma", "bias": "beta"}
_NORMS = (
    "LayerNorm", "RMSNorm", "GroupNorm", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm1d", "InstanceNorm2d",
)  # fmt: skip
_ACTIVATIONS = (
    "ReLU", "Sigmoid", "Tanh", "Softmax", "GELU", "SiLU", "ELU", "LeakyReLU", "Softplus", "Softsign", "Hardtanh", "ReLU6",
    "Mish", "LogSoftmax", "LogSigmoid", "Hardswish", "Hardsigmoid", "CELU", "GLU", "SELU", "PReLU",
)  # fmt: skip
_POOLING = tuple(f"{kind}Pool{axes}d" for kind in ("Max", "Avg", "AdaptiveAvg", "AdaptiveMax") for axes in (1, 2))

PARAMETERS: Mapping[str, Mapping[str, str]] = {
    **dict.fromkeys(("Linear", "NonDynamicallyQuantizableLinear", "Bilinear", "Conv1d", "Conv2d"), _LETTERS),
    **dict.fromkeys(("MultiheadAttention", "RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"), _LETTERS),
    **dict.fromkeys(_NORMS, _OF_NORMS),
    "Embedding": {"weight": "E"},
    "PReLU": {"weight": "alpha"},
}
"""By the class of a module the letters of its parameters; others are called what they are in PyTorch."""

RESULTS: Mapping[str, str] = {
    **dict.fromkeys(("Linear", "Bilinear", "Conv1d", "Conv2d"), "z"),
    **dict.fromkeys(_ACTIVATIONS, "a"),
    **dict.fromkeys(_NORMS, "n"),
    **dict.fromkeys(_POOLING, "p"),
    "Embedding": "e",
}
"""By the class of a module the letter of what it returns, where no variable is assigned to it."""

BUFFERS: Mapping[str, str] = {"running_mean": "mu", "running_var": "v"}
"""What arrays are called that a module keeps besides its parameters."""


def parameters_of(modules: Mapping[str, Any]) -> Iterator[tuple[str, Any, str, Any]]:
    """Yield path, module, own name and tensor of each parameter once; a path begins with the key of its module."""
    seen: set[int] = set()
    for root, module in modules.items():
        for where, each in paths_of(root, module):
            for name, tensor in each._parameters.items():
                if tensor is not None and id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield where, each, name, tensor


def paths_of(root: str, module: Any) -> Iterator[tuple[str, Any]]:
    """Yield the modules in a module with their paths, itself first; nothing for any other function."""
    if isinstance(module, torch().nn.Module):
        for inner, each in module.named_modules():
            yield (f"{root}.{inner}" if inner else root), each


def names_of_parameters(modules: Mapping[str, Any], taken: Collection[str] = ()) -> Mapping[str, str]:
    """Return by path what each parameter is called: a letter, and a number where several modules have letters alike.

    What is `taken` is not the name of a parameter.
    """
    found = []
    families: dict[str, list[tuple[str, str]]] = {}
    for where, module, name, _ in parameters_of(modules):
        base, _, layer = name.partition("_l")
        letters = PARAMETERS.get(type(module).__name__, {})
        letter = letters.get(base) if layer[:1].isdigit() or not layer else letters.get(name)
        called = letter or name.strip("_")
        family = next((each for each, row in _FAMILIES.items() if called in row), called)
        owner = (where, layer if letter else "")
        owners = families.setdefault(family, [])
        if owner not in owners:
            owners.append(owner)
        found.append((f"{where}.{name}", called, owners, owner))
    names: dict[str, str] = {}
    for key, called, owners, owner in found:
        numbered = (f"{called}{number}" for number in itertools.count(owners.index(owner) + 1))
        choices = numbered if len(owners) > 1 else itertools.chain([called], numbered)
        names[key] = next(each for each in choices if each not in {*taken, *RESERVED, *names.values()})
    return names


_FAMILIES: Mapping[str, Collection[str]] = {"layers": _LETTERS.values(), "norms": _OF_NORMS.values()}
"""Letters that have one number where they are of one module."""
