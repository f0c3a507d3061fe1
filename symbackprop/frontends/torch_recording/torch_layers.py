"""What modules record whose `forward` cannot run on tensors that record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from symbackprop.frontends.torch_recording.attention import multihead_attention
from symbackprop.frontends.torch_recording.normalizations import batch_norm
from symbackprop.frontends.torch_recording.recorded_tensors import lifted
from symbackprop.frontends.torch_recording.recurrent_layers import RECURRENCES, recurrent, recurrent_cell


def _batch_norm_module(module: Any, x: Any) -> Any:
    is_trained = module.training or module.running_mean is None
    return batch_norm(
        x, module.running_mean, module.running_var, module.weight, module.bias, is_trained, eps=module.eps
    )


def masked_dropout(module: Any, x: Any, mask: Any) -> Any:
    """Return what a given mask of zeros and ones leaves, divided by the share that is left on average."""
    return lifted(x) * lifted(mask) / (1 - module.p)


MODULES: Mapping[str, Callable[..., Any]] = {
    **{f"BatchNorm{axes}d": _batch_norm_module for axes in (1, 2, 3)},
    "MultiheadAttention": multihead_attention,
    **{kind: recurrent(kind) for kind in RECURRENCES},
    **{f"{kind}Cell": recurrent_cell(kind) for kind in RECURRENCES},
}
"""What modules record whose `forward` cannot run on tensors that record, by the name of their class."""
