"""PyTorch's criteria as formulas of what records: of differences, of classes, of pairs and triplets."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from symbackprop.frontends.torch_recording.recorded_tensors import (
    FUNCTIONS,
    RecordedTensor,
    lifted,
    recorded_call,
    torch,
    unrecorded,
)


def _call(name: str, *arguments: Any, **options: Any) -> Any:
    return recorded_call(name, *arguments, **options)


def _reduced(losses: Any, reduction: str, divisor: Any = None) -> Any:
    """Return the mean of losses, or their sum, or what they are; a divisor stands in the place of their number."""
    if reduction == "none":
        return losses
    if reduction == "sum":
        return _call("sum", losses)
    return _call("mean", losses) if divisor is None else _call("sum", losses) / divisor


def _of_difference(formula: Callable[..., Any]) -> Callable[..., Any]:
    """Return the loss that a formula makes of outputs and targets, element by element."""

    def record(
        output: Any, target: Any, *rest: Any, weight: Any = None, reduction: str = "mean", **options: Any
    ) -> Any:
        options = {key: value for key, value in options.items() if key not in _OLD}
        losses = formula(lifted(output), lifted(target), **options)
        return _reduced(losses if weight is None else losses * weight, reduction)

    return record


_OLD = ("size_average", "reduce")
"""Options of earlier versions, which PyTorch hands on as None."""


def _smooth(output: Any, target: Any, beta: float = 1.0) -> Any:
    if not beta:
        return _call("abs", output - target)
    return _bent(output - target, beta) / beta


def _bent(difference: Any, delta: float) -> Any:
    """Return half the square up to delta, and what goes on straight beyond."""
    distance = _call("abs", difference)
    return _call("where", distance < delta, difference**2 / 2, delta * (distance - delta / 2))


def _binary(output: Any, target: Any) -> Any:
    return -(target * _call("log", output) + (1 - target) * _call("log", 1 - output))


def binary_with_logits(
    output: Any,
    target: Any,
    weight: Any = None,
    *rest: Any,
    reduction: str = "mean",
    pos_weight: Any = None,
    **options: Any,
) -> Any:
    """Return the cross-entropy of probabilities σ(z): (1 − y)z + softplus(−z), its second part weighted where y is 1."""
    z, y = lifted(output), lifted(target)
    factor: Any = 1 if pos_weight is None else 1 + (lifted(pos_weight) - 1) * y
    below = _call("softplus", -z)
    losses = (1 - y) * z + (below if pos_weight is None else factor * below)
    return _reduced(losses if weight is None else losses * weight, reduction)


# Classes


def cross_entropy(
    output: Any, target: Any, weight: Any = None, *rest: Any, ignore_index: int = -100, reduction: str = "mean",
    label_smoothing: float = 0.0, **options: Any,
) -> Any:  # fmt: skip
    """Return the cross-entropy of scores: of classes or of probabilities of them, smoothed, weighted, some left out."""
    scores = lifted(output)
    logarithms: Any = _call("log_softmax", scores, 0 if scores.ndim == 1 else 1)
    if isinstance(target, RecordedTensor) or target.is_floating_point():
        probabilities: Any = lifted(target)
        if label_smoothing:
            probabilities = (
                probabilities * (1 - label_smoothing) + label_smoothing / scores.shape[min(scores.ndim - 1, 1)]
            )
        parts = (
            logarithms * probabilities
            if weight is None
            else logarithms * probabilities * _by_class(weight, scores.ndim)
        )
        losses = -_call("sum", parts, 0 if scores.ndim == 1 else 1)
        return _reduced(losses, reduction, math.prod(losses.shape) if reduction == "mean" else None)
    return _of_classes(logarithms, target, weight, ignore_index, reduction, label_smoothing)


def nll_loss(
    output: Any,
    target: Any,
    weight: Any = None,
    *rest: Any,
    ignore_index: int = -100,
    reduction: str = "mean",
    **options: Any,
) -> Any:
    """Return the negative logarithms of the probabilities of classes."""
    return _of_classes(lifted(output), target, weight, ignore_index, reduction, 0.0)


def _by_class(weight: Any, rank: int) -> Any:
    return lifted(weight) if rank == 1 else _call("reshape", weight, (-1, *[1] * (rank - 2)))


_CLASSES = "y"
"""What the zeros and ones are called that stand for classes."""


def _numbers(tensor: Any) -> Any:
    """Return the numbers of what is a constant, recorded or not."""
    return tensor.numbers if isinstance(tensor, RecordedTensor) else torch().as_tensor(tensor).double()


def _of_classes(logarithms: Any, target: Any, weight: Any, ignored: int, reduction: str, smoothing: float) -> Any:
    """Return the loss by classes, as targets of zeros and ones; without a row where a class is to be ignored."""
    axis, count = (0, logarithms.shape[0]) if logarithms.ndim == 1 else (1, logarithms.shape[1])
    seen = target != ignored
    places = torch().where(seen, target, 0)
    ones = torch().nn.functional.one_hot(places, count).double() * seen.unsqueeze(-1)
    probabilities = torch().movedim(ones, -1, axis)
    weights = torch().ones(count, dtype=torch().float64) if weight is None else _numbers(weight)
    total = float((weights[places] * seen).sum())
    if reduction == "none":
        unrecorded("cross_entropy with reduction='none'")
    numbers: Any = probabilities.numpy()
    if weight is not None:
        numbers = numbers * weights.reshape(-1, *[1] * (logarithms.ndim - axis - 1)).numpy()
    if bool(logarithms.numbers.isfinite().all()):
        loss = -_call("sum", lifted(numbers, _CLASSES) * logarithms)
    else:  # 0 times −∞ is no number: classes that are hidden have no part in it
        loss = -_of_places(logarithms, numbers)
    loss = loss if reduction == "sum" else loss / total
    if not smoothing:
        return loss
    spread = seen.double().unsqueeze(axis) * weights.reshape(-1, *[1] * (logarithms.ndim - axis - 1))
    even = -_call(
        "sum", logarithms * (1.0 if bool((spread == 1).all()) else lifted(spread.expand(probabilities.shape)))
    )
    even = even if reduction == "sum" else even / total
    return (1 - smoothing) * loss + smoothing / count * even


def _of_places(logarithms: Any, numbers: Any) -> Any:
    """Return the sum of what has a number other than 0, each times that."""
    weights = numbers.ravel()
    places = weights.nonzero()[0]
    picked = _call("take", logarithms, torch().as_tensor(places))
    return _call("sum", picked if (weights[places] == 1).all() else picked * lifted(weights[places]))


# Pairs and triplets


def _kl(output: Any, target: Any, *rest: Any, reduction: str = "mean", log_target: bool = False, **options: Any) -> Any:
    logs, y = lifted(output), lifted(target)
    if log_target:
        losses: Any = _call("exp", y) * (y - logs)
    elif isinstance(target, RecordedTensor) and bool((y.numbers > 0).all()):
        losses = y * (_call("log", y) - logs)
    else:
        losses = _call("where", y > 0, y * _call("log", _call("where", y > 0, y, 1.0)), 0.0) - y * logs
    return _reduced(losses, *(("mean", len(logs)) if reduction == "batchmean" else (reduction,)))


def cosine_similarity(one: Any, other: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """Return the products of vectors over the product of their lengths, neither below a bound."""
    first, second = lifted(one), lifted(other)
    lengths = [_call("clamp", _call("norm", each, 2, dim), eps) for each in (first, second)]
    return _call("sum", first * second, dim) / (lengths[0] * lengths[1])


def _cosine_embedding(
    one: Any, other: Any, target: Any, margin: float = 0.0, *rest: Any, reduction: str = "mean", **options: Any
) -> Any:
    """Return 1 − cos for pairs that belong together, what cos has above the margin for others; as PyTorch, with ε inside."""
    first, second = lifted(one), lifted(other)
    axis = first.ndim - 1
    epsilon = 1e-12
    squares = [_call("sum", each**2, axis) + epsilon for each in (first, second)]
    cosine = _call("sum", first * second, axis) / _call("sqrt", squares[0] * squares[1])
    is_pair = _numbers(target) > 0
    apart = _call("where", cosine - margin > 0, cosine - margin, 0.0)
    return _reduced(_call("where", is_pair, 1 - cosine, apart), reduction)


def _distance(one: Any, other: Any, p: float, eps: float) -> Any:
    return _call("norm", one - other + eps, p, -1)


def pairwise_distance(one: Any, other: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    """Return the lengths of differences."""
    return _call("norm", lifted(one) - lifted(other) + eps, p, -1, keepdim)


def _triplet(
    anchor: Any, positive: Any, negative: Any, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6, swap: bool = False,
    *rest: Any, reduction: str = "mean", **options: Any,
) -> Any:  # fmt: skip
    a, near, far = lifted(anchor), lifted(positive), lifted(negative)
    other = _distance(a, far, p, eps)
    if swap:
        other = _call("minimum", other, _distance(near, far, p, eps))
    gap = margin + _distance(a, near, p, eps) - other
    return _reduced(_call("where", gap >= 0, gap, 0.0), reduction)


def _margin_ranking(
    one: Any, other: Any, target: Any, margin: float = 0.0, *rest: Any, reduction: str = "mean", **options: Any
) -> Any:
    gap = -lifted(target) * (lifted(one) - lifted(other)) + margin
    return _reduced(_call("where", gap >= 0, gap, 0.0), reduction)


def _hinge_embedding(
    output: Any, target: Any, margin: float = 1.0, *rest: Any, reduction: str = "mean", **options: Any
) -> Any:
    x: Any = lifted(output)
    y = _numbers(target)
    gap = margin - x
    return _reduced(_call("where", y == 1, x, _call("where", gap >= 0, gap, 0.0)), reduction)


def _soft_margin(output: Any, target: Any) -> Any:
    return _call("softplus", -target * output)


def _multilabel_soft_margin(
    output: Any, target: Any, weight: Any = None, *rest: Any, reduction: str = "mean", **options: Any
) -> Any:
    return _reduced(_call("mean", binary_with_logits(output, target, weight, reduction="none"), -1), reduction)


def _multi_margin(
    output: Any,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    *rest: Any,
    reduction: str = "mean",
    **options: Any,
) -> Any:
    scores: Any = lifted(output)
    if p != 1 or weight is not None:
        unrecorded("multi_margin_loss with p or weight")
    is_one = scores.ndim == 1
    scores = scores[None] if is_one else scores
    ones = torch().nn.functional.one_hot(target.reshape(-1), scores.shape[1]).double()
    gap = margin - _call("sum", scores * ones, 1, True) + scores
    losses = _call("sum", _call("where", gap > 0, gap, 0.0) * (1 - ones), 1) / scores.shape[1]
    return _reduced(losses, reduction)


def _poisson(
    output: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    *rest: Any,
    eps: float = 1e-8,
    reduction: str = "mean",
    **options: Any,
) -> Any:
    x, y = lifted(output), lifted(target)
    if full:
        unrecorded("poisson_nll_loss with full=True")
    losses: Any = _call("exp", x) - y * x if log_input else x - y * _call("log", x + eps)
    return _reduced(losses, reduction)


def _gaussian(
    output: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Any:
    bounded = lifted(var)
    if bool((bounded.numbers < eps).any()):
        unrecorded("gaussian_nll_loss with a variance below eps")
    losses: Any = (_call("log", bounded) + (lifted(output) - lifted(target)) ** 2 / bounded) / 2
    return _reduced(losses + math.log(2 * math.pi) / 2 if full else losses, reduction)


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "mse_loss": _of_difference(lambda output, target: (output - target) ** 2),
    "l1_loss": _of_difference(lambda output, target: _call("abs", output - target)),
    "smooth_l1_loss": _of_difference(_smooth),
    "huber_loss": _of_difference(lambda output, target, delta=1.0: _bent(output - target, delta)),
    "binary_cross_entropy": _of_difference(_binary),
    "soft_margin_loss": _of_difference(_soft_margin),
    "binary_cross_entropy_with_logits": binary_with_logits,
    "cross_entropy": cross_entropy,
    "nll_loss": nll_loss,
    "kl_div": _kl,
    "cosine_similarity": cosine_similarity,
    "cosine_embedding_loss": _cosine_embedding,
    "pairwise_distance": pairwise_distance,
    "triplet_margin_loss": _triplet,
    "margin_ranking_loss": _margin_ranking,
    "hinge_embedding_loss": _hinge_embedding,
    "multilabel_soft_margin_loss": _multilabel_soft_margin,
    "multi_margin_loss": _multi_margin,
    "poisson_nll_loss": _poisson,
    "gaussian_nll_loss": _gaussian,
}
"""By the name of the function in `torch.nn.functional`."""

FUNCTIONS.update(_FUNCTIONS)
