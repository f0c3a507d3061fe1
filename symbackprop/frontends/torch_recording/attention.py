"""Attention: softmax of products of queries and keys times values, in heads, with masks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from symbackprop.frontends.torch_recording.recorded_tensors import (
    FUNCTIONS,
    composite,
    lifted,
    recorded_call,
    suggest,
    torch,
    unrecorded,
)
from symbackprop.frontends.torch_recording.tensor_products import linear, matmul


def scaled_dot_product_attention(
    query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_p: float = 0.0, is_causal: bool = False,
    scale: float | None = None, enable_gqa: bool = False,
) -> Any:  # fmt: skip
    """Return softmax(Q Kᵀ / √d) V, with what a mask hides left out."""
    return _attended(query, key, value, attn_mask, dropout_p, is_causal, scale)[0]


def _attended(
    query: Any, key: Any, value: Any, mask: Any, dropout: float, is_causal: bool, scale: float | None
) -> tuple[Any, Any]:
    if dropout:
        unrecorded("scaled_dot_product_attention", "dropout")
    keys = lifted(key)
    scores: Any = matmul(query, recorded_call("transpose", keys, -1, -2))
    mask = _added(mask, scores.shape[-2:], is_causal)
    scores = scores / math.sqrt(keys.shape[-1]) if scale is None else scores * scale
    weights = suggest("A", recorded_call("softmax", scores if mask is None else scores + mask, -1))
    if scale is not None:
        return matmul(weights, value), weights
    attend = torch().nn.functional.scaled_dot_product_attention
    return composite("attention", attend, query, keys, value, *([] if mask is None else [mask])), weights


def _added(mask: Any, shape: Sequence[int], is_causal: bool) -> Any:
    """Return what is added to scores: the mask, or −∞ where one of truth values hides something; None where nothing is."""
    if is_causal:
        mask = torch().ones(*shape, dtype=torch().bool).tril()
    if not isinstance(mask, torch().Tensor):
        return mask
    return lifted(_of_infinities(~mask) if mask.dtype == torch().bool else mask, "M")


def _of_infinities(hidden: Any) -> Any:
    return torch().zeros(hidden.shape, dtype=torch().float64).masked_fill(hidden, -math.inf)


def multihead_attention(
    module: Any, query: Any, key: Any, value: Any, key_padding_mask: Any = None, need_weights: bool = True,
    attn_mask: Any = None, average_attn_weights: bool = True, is_causal: bool = False,
) -> Any:  # fmt: skip
    """Return what `MultiheadAttention` does: projections, attention of each head, and the projection of all heads."""
    if module.bias_k is not None or module.add_zero_attn:
        unrecorded("MultiheadAttention with bias_kv or zero_attn")
    given: list[Any] = [lifted(each) for each in (query, key, value)]
    is_single = given[0].ndim == 2
    if is_single:
        given = [each[None] for each in given]
    elif not module.batch_first:
        given = [recorded_call("transpose", each, 0, 1) for each in given]
    queries, keys, values = _projected(module, given)
    mask = _joint_mask(module, attn_mask, key_padding_mask, len(queries))
    dropout = module.dropout if module.training else 0.0
    heads = [_in_heads(module, each) for each in (queries, keys, values)]
    found, weights = _attended(heads[0], heads[1], heads[2], mask, dropout, False, None)
    samples, _, places, _ = found.shape
    merged = recorded_call("reshape", recorded_call("transpose", found, 1, 2), (samples, places, module.embed_dim))
    result = linear(merged, module.out_proj.weight, module.out_proj.bias)
    shown = (recorded_call("mean", weights, 1) if average_attn_weights else weights) if need_weights else None
    if is_single:
        return result[0], None if shown is None else shown[0]
    return result if module.batch_first else recorded_call("transpose", result, 0, 1), shown


def _projected(module: Any, given: Sequence[Any]) -> list[Any]:
    size = module.embed_dim
    if module._qkv_same_embed_dim:
        weights = [module.in_proj_weight[start : start + size] for start in (0, size, 2 * size)]
    else:
        weights = [module.q_proj_weight, module.k_proj_weight, module.v_proj_weight]
    biases: list[Any] = [None] * 3
    if module.in_proj_bias is not None:
        biases = [module.in_proj_bias[start : start + size] for start in (0, size, 2 * size)]
    return [suggest(letter, linear(*each)) for letter, *each in zip("QKV", given, weights, biases, strict=True)]


def _in_heads(module: Any, tensor: Any) -> Any:
    samples, places, _ = tensor.shape
    return recorded_call("transpose", recorded_call("reshape", tensor, (samples, places, module.num_heads, -1)), 1, 2)


def _joint_mask(module: Any, mask: Any, hidden: Any, samples: int) -> Any:
    """Return what is added to the scores: −∞ where PyTorch's masks, of places or of paddings, hide something."""

    def added(each: Any) -> Any:
        if each is None or each.dtype != torch().bool:
            return each
        return _of_infinities(each)

    places, paddings = added(mask), added(hidden)
    if places is not None and places.ndim == 3:
        places = places.reshape(samples, module.num_heads, *places.shape[1:])
    if paddings is not None:
        paddings = paddings.reshape(-1, 1, 1, paddings.shape[-1])
    return places if paddings is None else paddings if places is None else places + paddings


FUNCTIONS.update(
    {
        "scaled_dot_product_attention": scaled_dot_product_attention,
    }
)  # fmt: skip
