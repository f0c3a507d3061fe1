"""Norms: what has mean 0 and variance 1 in a layer, a batch or a group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symbackprop.algebra.composite_operations import EPS
from symbackprop.frontends.torch_recording.recorded_tensors import (
    FUNCTIONS,
    axes_of,
    composite,
    lifted,
    recorded_call,
    suggest,
    torch,
)


def _normalized(tensor: Any, dims: Any, eps: float) -> Any:
    """Return what has mean 0 and variance 1 along some axes, but for what is added to the variance."""
    axes = axes_of(tensor, dims)
    if axes == (tensor.ndim - 1,):
        layer = torch().nn.functional.layer_norm
        return composite("layer_norm", lambda z: layer(z, z.shape[-1:], eps=eps), tensor, **_other_than_usual(eps))
    if axes == (0,) and tensor.ndim == 2:
        batch = torch().nn.functional.batch_norm
        return composite(
            "batch_norm", lambda z: batch(z, None, None, training=True, eps=eps), tensor, **_other_than_usual(eps)
        )
    distances = suggest("d", tensor - recorded_call("mean", tensor, dims, True))
    variance = recorded_call("mean", distances**2, dims, True)
    return distances / suggest("s", recorded_call("sqrt", variance + eps))


def _other_than_usual(eps: float) -> dict[str, float]:
    return {} if eps == float(EPS) else {"eps": eps}


def layer_norm(tensor: Any, shape: Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Return what is normalised along the last axes."""
    found = _normalized(lifted(tensor), tuple(range(-len(shape), 0)), eps)
    found = found if weight is None else found * weight
    return found if bias is None else found + bias


def _rms_norm(tensor: Any, shape: Sequence[int], weight: Any = None, eps: float | None = None) -> Any:
    found: Any = lifted(tensor)
    given = torch().finfo(torch().float64).eps if eps is None else eps
    mean = recorded_call("mean", found**2, tuple(range(-len(shape), 0)), True)
    found = found / recorded_call("sqrt", mean + given)
    return found if weight is None else found * weight


def batch_norm(
    tensor: Any, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None, training: bool = False,
    momentum: float = 0.1, eps: float = 1e-5,
) -> Any:  # fmt: skip
    """Return what is normalised by the batch's mean and variance, or by those that were kept."""
    found: Any = lifted(tensor)
    shape = (-1, *[1] * (found.ndim - 2))
    if training or running_mean is None:
        found = _normalized(found, (0, *range(2, found.ndim)), eps)
    else:
        deviation = suggest("s", recorded_call("sqrt", lifted(running_var) + eps))
        centred = found - recorded_call("reshape", running_mean, shape)
        found = centred / recorded_call("reshape", deviation, shape)
    found = found if weight is None else found * recorded_call("reshape", weight, shape)
    return found if bias is None else found + recorded_call("reshape", bias, shape)


def _group_norm(tensor: Any, groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    found = lifted(tensor)
    shape = (1, -1, *[1] * (found.ndim - 2))
    parts = recorded_call("reshape", found, (found.shape[0], groups, -1))
    result = recorded_call("reshape", _normalized(parts, -1, eps), found.shape)
    result = result if weight is None else result * recorded_call("reshape", weight, shape)
    return result if bias is None else result + recorded_call("reshape", bias, shape)


def _instance_norm(
    tensor: Any, running_mean: Any = None, running_var: Any = None, weight: Any = None, bias: Any = None,
    use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5,
) -> Any:  # fmt: skip
    found = lifted(tensor)
    return (
        _group_norm(found, found.shape[1], weight, bias, eps)
        if use_input_stats
        else batch_norm(found, running_mean, running_var, weight, bias, eps=eps)
    )


def _normalize(tensor: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Any = None) -> Any:
    found: Any = lifted(tensor)
    return found / recorded_call("clamp", recorded_call("norm", found, p, dim, True), eps)


FUNCTIONS.update(
    {
        "layer_norm": layer_norm,
        "rms_norm": _rms_norm,
        "batch_norm": batch_norm,
        "group_norm": _group_norm,
        "instance_norm": _instance_norm,
        "normalize": _normalize,
    }
)  # fmt: skip
