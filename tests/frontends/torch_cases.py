"""Modules and losses of PyTorch's, a row each: how to make them, and the shapes of what they are given."""

# ruff: noqa: D102, E501 - each is called what it is, and a row is a line

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn


class Function(nn.Module):
    """A function of the input, as a module with some parameters."""

    def __init__(self, function: Callable[..., Any], **parameters: tuple[int, ...]) -> None:
        super().__init__()
        self.function = function
        for name, shape in parameters.items():
            self.register_parameter(name, nn.Parameter(torch.randn(shape) / 2))

    def forward(self, *given: Any) -> Any:
        return self.function(*given, **dict(self._parameters))


def on(shape: tuple[int, ...] | list[tuple[int, ...]], module: Callable[[], nn.Module], classes: int = 0) -> Any:
    """Return a row: shapes of the inputs, what makes the module; the loss is a weighted sum of its output."""
    return (shape if isinstance(shape, list) else [shape]), module


class First(nn.Module):
    """What a module returns first, of several."""

    def __init__(self, module: nn.Module, **options: Any) -> None:
        super().__init__()
        self.module, self.options = module, options

    def forward(self, *given: Any) -> Any:
        return self.module(*given, **self.options)[0]


class ToItself(nn.Module):
    """Attention of a sequence to itself."""

    def __init__(self, causal: bool = False, padded: bool = False, **options: Any) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True, **options)
        self.causal, self.padded = causal, padded

    def forward(self, x: Any) -> Any:
        length = x.shape[1]
        mask = torch.ones(length, length, dtype=torch.bool).triu(1) if self.causal else None
        hidden = torch.zeros(x.shape[0], length, dtype=torch.bool) if self.padded else None
        if hidden is not None:
            hidden[0, -1] = True
        return self.attention(x, x, x, attn_mask=mask, key_padding_mask=hidden)[0]


class Block(nn.Module):
    """A block of a transformer, norms before."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, 2, batch_first=True)
        self.net = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Any) -> Any:
        h = self.norm1(x)
        x = x + self.attention(h, h, h, need_weights=False)[0]
        return x + self.net(self.norm2(x))


class Image(nn.Module):
    """Convolution, pooling, dense."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.pool, self.dense = nn.Conv2d(1, 2, 3), nn.MaxPool2d(2), nn.Linear(8, 3)

    def forward(self, x: Any) -> Any:
        x = self.pool(F.relu(self.conv(x)))
        return self.dense(torch.flatten(x, 1))


class Causal(nn.Module):
    """Attention of one head with a mask in a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.key, self.query, self.value = (nn.Linear(3, 2, bias=False) for _ in range(3))
        self.register_buffer("mask", torch.tril(torch.ones(4, 4)))

    def forward(self, x: Any) -> Any:
        k, q, v = self.key(x), self.query(x), self.value(x)
        scores = q @ k.transpose(-2, -1) * k.size(-1) ** -0.5
        weights = F.softmax(scores.masked_fill(self.mask == 0, float("-inf")), dim=-1)
        return weights @ v


class Words(nn.Module):
    """Words as vectors, their mean, scores."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.scores = nn.Embedding(6, 3), nn.Linear(3, 2)
        self.register_buffer("places", torch.tensor([[0, 3, 3], [5, 1, 2]]))

    def forward(self, x: Any) -> Any:
        return self.scores(self.words(self.places).mean(dim=1) + x)


class Unrolled(nn.Module):
    """A cell, step by step."""

    def __init__(self, cell: nn.Module) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, x: Any) -> Any:
        state = None
        for t in range(x.shape[1]):
            state = self.cell(x[:, t], state)
        return state[0] if isinstance(state, tuple) else state


class Shared(nn.Module):
    """One layer twice, and a residual connection around it."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x: Any) -> Any:
        return x + self.layer(torch.tanh(self.layer(x)))


ACTIVATIONS = (
    "ReLU", "Sigmoid", "Tanh", "GELU", "SiLU", "ELU", "LeakyReLU", "Softplus", "Softsign", "Hardtanh", "ReLU6", "Mish", "LogSigmoid",
    "Hardswish", "Hardsigmoid", "CELU", "PReLU", "Tanhshrink", "Softshrink", "Hardshrink", "SELU", "Identity", "Softmin",
)  # fmt: skip


def _activation(name: str) -> Any:
    options = {"dim": -1} if name == "Softmin" else {}
    return on((2, 3), lambda: nn.Sequential(nn.Linear(3, 2), getattr(nn, name)(**options)))


MODULES: Mapping[str, Any] = {
    **{name: _activation(name) for name in ACTIVATIONS},
    "linear of a vector": on((3,), lambda: nn.Linear(3, 2)),
    "linear of a sequence": on((2, 2, 3), lambda: nn.Linear(3, 2)),
    "bilinear": on([(2, 2), (2, 3)], lambda: nn.Bilinear(2, 3, 2)),
    "conv1d": on((2, 2, 5), lambda: nn.Conv1d(2, 3, 3)),
    "conv1d with padding and stride": on((1, 2, 5), lambda: nn.Conv1d(2, 2, 3, padding=1, stride=2)),
    "conv1d of groups": on((1, 4, 4), lambda: nn.Conv1d(4, 2, 2, groups=2)),
    "conv1d without batch": on((2, 4), lambda: nn.Conv1d(2, 1, 2)),
    "conv2d": on((2, 2, 4, 4), lambda: nn.Conv2d(2, 2, 3)),
    "conv2d with padding": on((1, 1, 3, 3), lambda: nn.Conv2d(1, 1, 3, padding=1)),
    "conv2d with stride": on((1, 1, 5, 5), lambda: nn.Conv2d(1, 2, 3, stride=2)),
    "conv2d of groups": on((1, 2, 3, 3), lambda: nn.Conv2d(2, 2, 2, groups=2, bias=False)),
    "conv2d with gaps": on((1, 1, 5, 5), lambda: nn.Conv2d(1, 1, 2, dilation=2)),
    "conv2d with strides of its own along each axis": on(
        (1, 1, 5, 6), lambda: nn.Conv2d(1, 1, 2, stride=(2, 1), padding=(0, 1))
    ),
    "conv2d with gaps of its own along each axis": on((1, 1, 5, 6), lambda: nn.Conv2d(1, 1, 2, dilation=(1, 2))),
    "conv2d of five axes around": on((1, 2, 1, 3, 3), lambda: nn.Sequential(nn.Flatten(0, 1), nn.Conv2d(1, 2, 2))),
    "conv2d same": on((1, 1, 3, 3), lambda: nn.Conv2d(1, 1, 3, padding="same")),
    "max pool 1d": on((1, 2, 4), lambda: nn.MaxPool1d(2)),
    "max pool 2d": on((1, 1, 4, 4), lambda: nn.MaxPool2d(2)),
    "max pool with overlap": on((1, 1, 3, 3), lambda: nn.MaxPool2d(2, stride=1)),
    "max pool with padding": on((1, 1, 3, 3), lambda: nn.MaxPool2d(3, stride=2, padding=1)),
    "average pool 1d": on((1, 2, 4), lambda: nn.AvgPool1d(2)),
    "average pool 2d": on((1, 2, 4, 4), lambda: nn.AvgPool2d(2, padding=1)),
    "average pool of what is there": on((1, 1, 3, 3), lambda: nn.AvgPool2d(2, padding=1, count_include_pad=False)),
    "adaptive average": on((1, 2, 3, 3), lambda: nn.AdaptiveAvgPool2d(1)),
    "adaptive average 2": on((1, 1, 3, 3), lambda: nn.AdaptiveAvgPool2d(2)),
    "adaptive maximum": on((1, 2, 5), lambda: nn.AdaptiveMaxPool1d(2)),
    "image": on((2, 1, 6, 6), Image),
    "layer norm": on((2, 3), lambda: nn.LayerNorm(3)),
    "layer norm of a sequence": on((2, 2, 3), lambda: nn.LayerNorm(3)),
    "layer norm of two axes": on((2, 2, 3), lambda: nn.LayerNorm((2, 3))),
    "rms norm": on((2, 3), lambda: nn.RMSNorm(3, eps=1e-5)),
    "batch norm": on((4, 3), lambda: nn.BatchNorm1d(3)),
    "batch norm of use": on((4, 3), lambda: nn.BatchNorm1d(3).eval()),
    "batch norm of images": on((2, 2, 2, 2), lambda: nn.BatchNorm2d(2)),
    "batch norm of images in use": on((2, 2, 2, 2), lambda: nn.BatchNorm2d(2).eval()),
    "group norm": on((2, 4), lambda: nn.GroupNorm(2, 4)),
    "instance norm": on((1, 2, 4), lambda: nn.InstanceNorm1d(2, affine=True)),
    "rnn": on((3, 2, 2), lambda: First(nn.RNN(2, 2))),
    "rnn of relu": on((3, 2), lambda: First(nn.RNN(2, 2, nonlinearity="relu", bias=False))),
    "lstm": on((1, 3, 2), lambda: First(nn.LSTM(2, 2, batch_first=True))),
    "lstm both ways": on((2, 2), lambda: First(nn.LSTM(2, 1, bidirectional=True))),
    "gru": on((2, 2, 2), lambda: First(nn.GRU(2, 2, batch_first=True))),
    "gru of two layers": on((2, 2), lambda: First(nn.GRU(2, 2, num_layers=2))),
    "gru without bias": on((2, 2), lambda: First(nn.GRU(2, 2, bias=False))),
    "rnn with a state": on([(2, 2), (1, 2)], lambda: First(nn.RNN(2, 2))),
    "rnn cell": on((2, 3, 2), lambda: Unrolled(nn.RNNCell(2, 2))),
    "lstm cell": on((2, 2, 2), lambda: Unrolled(nn.LSTMCell(2, 2))),
    "gru cell": on((2, 3, 2), lambda: Unrolled(nn.GRUCell(2, 2))),
    "attention": on((1, 2, 4), ToItself),
    "attention to what is before": on((1, 3, 4), lambda: ToItself(causal=True)),
    "attention with paddings": on((2, 3, 4), lambda: ToItself(padded=True, bias=False)),
    "attention to others": on(
        [(2, 1, 4), (3, 1, 3), (3, 1, 2)], lambda: First(nn.MultiheadAttention(4, 2, kdim=3, vdim=2))
    ),
    "attention by hand": on((1, 4, 3), Causal),
    "attention of one": on((2, 4), lambda: Function(lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True))),
    "block": on((1, 3, 4), Block),
    "words": on((2, 3), Words),
    "shared": on((2, 3), Shared),
    "own parameter": on((3,), lambda: Function(lambda x, scale: x * scale.exp(), scale=(3,))),
    "flatten": on((2, 2, 2), lambda: nn.Sequential(nn.Flatten(), nn.Linear(4, 2))),
    "unflatten": on((2, 4), lambda: nn.Sequential(nn.Unflatten(1, (2, 2)), nn.Linear(2, 2))),
    "dropout in use": on((2, 3), lambda: nn.Sequential(nn.Tanh(), nn.Dropout(0.5), nn.Linear(3, 2)).eval()),
    "glu": on((2, 4), nn.GLU),
    "softmax over samples": on((3, 2), lambda: nn.Softmax(dim=0)),
    "softmax over channels": on((1, 2, 2, 2), lambda: nn.Softmax(dim=1)),
    "encoder layer": on((1, 2, 4), lambda: nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True)),
    "encoder layer, norms first": on(
        (1, 2, 4), lambda: nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True, norm_first=True)
    ),
    "pixel shuffle": on((1, 4, 1, 1), lambda: nn.PixelShuffle(2)),
    "cosine": on([(2, 3), (2, 3)], nn.CosineSimilarity),
    "distance": on([(2, 3), (2, 3)], nn.PairwiseDistance),
    "zero padding": on((1, 1, 2, 2), lambda: nn.ZeroPad2d(1)),
    "reflection": on((1, 1, 3), lambda: nn.ReflectionPad1d(1)),
    "upsample": on((1, 1, 2, 2), lambda: nn.Upsample(scale_factor=2)),
}
"""By what it is: shapes of the inputs, and what makes the module."""

OPERATIONS: Mapping[str, tuple[int, ...]] = {
    "x.sum(0)": (2, 3), "x.sum(dim=(0, 2))": (2, 2, 3), "x.mean(1, keepdim=True)": (2, 2, 2), "x.mean()": (2, 2, 2),
    "x.prod(-1)": (2, 3), "x.amax(1)": (2, 3), "x.max(dim=1).values": (2, 3), "x.max()": (4,), "x.min(0)[0]": (3, 2),
    "torch.max(x, 1 - x)": (3,), "x.var()": (4,), "x.std(dim=1, unbiased=False)": (2, 3), "x.norm()": (2, 2),
    "torch.linalg.norm(x, dim=1)": (2, 3), "torch.linalg.vector_norm(x, ord=1)": (3,), "x.logsumexp(1)": (2, 3),
    "x.logsumexp(0)": (2, 2, 2), "x.log_softmax(0)": (3, 2), "x.cumsum(0)": (3,), "x.cumsum(1)": (2, 3), "x.clamp(0.3, 0.6)": (4,),
    "x.clamp(min=0.5)": (4,), "torch.where(x > 0.5, x, x**2)": (4,), "x.masked_fill(x > 0.5, 2.0)": (4,), "x.t() @ x": (2, 3),
    "x @ x[0]": (2, 2), "x @ x": (2, 2, 2), "x[0] @ x": (2, 2, 2), "x @ x[0, 0]": (2, 2, 2), "torch.outer(x, x)": (3,),
    "torch.einsum('ij,kj->ik', x, x)": (2, 3), "torch.einsum('bij,bjk->bik', x, x)": (2, 2, 2), "torch.einsum('bij->bj', x)": (2, 2, 2),
    "torch.einsum('bqd,bkd->bqk', x, x)": (2, 2, 3), "torch.einsum('bhij,bhij->bh', x, x)": (1, 2, 2, 2), "torch.cat([x, x], 1)": (2, 2),
    "torch.stack([x, 2 * x], dim=-1)": (3,), "x.permute(2, 0, 1)": (2, 2, 3), "x.reshape(3, 2)": (2, 3), "x.view(-1)": (2, 2, 2),
    "x.unsqueeze(0) * x.unsqueeze(1)": (3,), "x.expand(2, 3)": (1, 3), "x.repeat(2, 1)": (2, 2), "x.flip(0)": (3, 2), "x.roll(1, 0)": (3,),
    "x.chunk(2, 1)[1]": (2, 4), "x.split([1, 2])[1]": (3,), "x.diagonal()": (2, 2), "x.tril()": (3, 3), "x[:, 1:]": (2, 3),
    "x[..., 0]": (2, 2, 2), "x[[1, 0]]": (2, 3), "x[::2]": (5,), "x[None]": (3,), "x.gather(1, torch.tensor([[0], [2]]))": (2, 3),
    "x.index_select(0, torch.tensor([1, 1]))": (2, 2), "x.transpose(0, 2)": (2, 1, 3), "x.squeeze()": (1, 3), "1 / x - x**-2": (3,),
    "2 - x.rsqrt()": (3,), "x.exp().log1p().sqrt()": (3,), "x.sin() * x.cos() + x.atan()": (3,), "torch.erf(x)": (3,),
    "x.sigmoid().logit()": (3,), "torch.addmm(x, x, x)": (2, 2), "x.abs().neg()": (3,), "torch.minimum(x, x.flip(0))": (3,),
    "F.normalize(x)": (2, 3), "F.pad(x, (1, 0))": (2, 2), "F.gelu(x) + F.silu(x)": (3,), "F.softplus(x)": (3,), "x.detach() * x": (3,),
    "F.one_hot(torch.tensor([0, 2]), 3).double() @ x": (3, 2), "x.trace()": (2, 2), "torch.bmm(x, x.mT)": (2, 2, 3), "(x > 0.5) * x": (4,),
    "x.mean(dim=(-2, -1))": (1, 2, 2, 2), "torch.logaddexp(x, 1 - x)": (3,), "x.softmax(-1).argmax(-1) * x[0]": (2, 2),
    "sum(x[i] for i in range(len(x)))": (2, 3), "x.unbind(0)[1]": (2, 2), "x.square().sum().sqrt()": (3,), "math.pi * x": (2,),
    "x[:1].expand_as(x) + x.view_as(x)": (2, 3), "torch.diff(x)": (2, 4), "x.diff(n=2, dim=0)": (4, 2),
    "torch.cdist(x, x[:1] + 1)": (2, 3), "torch.tensordot(x, x[0], dims=1)": (2, 3), "torch.tensordot(x, x.T)": (2, 2),
    "torch.hypot(x, 2 * x)": (3,), "torch.lerp(x, x**2, 0.3) + torch.addcmul(x, x, x, value=2)": (3,),
    "torch.std_mean(x, 1)[0]": (2, 3), "torch.var_mean(x, 1)[1]": (2, 3), "torch.dist(x[0], x[1])": (2, 3),
    "F.softplus(x, beta=2)": (3,), "F.gelu(x, approximate='tanh')": (3,), "F.threshold(x, 0.5, 0.1)": (4,),
    "torch.linalg.norm(x, ord=math.inf)": (3,), "torch.baddbmm(x[:, :, :1], x, x.mT)": (2, 2, 3), "x * x.isfinite()": (2,),
    "torch.distributions.Normal(x, x.exp()).log_prob(torch.tensor([0.5, 1.0]))": (2,),
    "torch.distributions.Categorical(logits=x).log_prob(torch.tensor([0, 2]))": (2, 3),
    "torch.distributions.kl_divergence(*(torch.distributions.Normal(z, z + 1) for z in (x, x**2)))": (3,),
    "x.T": (2, 3), "x.view(2, -1, 3).size(1) * x": (4, 3), "torch.zeros_like(x) + x": (2,), "x.softmax(1) * x": (2, 2),
}  # fmt: skip
"""A formula of a tensor x of some shape."""
assert math and F


def _losses() -> Mapping[str, Any]:
    classes, shares, signs = (
        torch.tensor([0, 2]),
        torch.tensor([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]]),
        torch.tensor([1.0, -1.0]),
    )
    zeros_and_ones, weight = torch.tensor([[1.0, 0, 0], [0, 1, 1]]), torch.tensor([0.5, 1.0, 2.0])
    floats = torch.tensor([[0.25, -1.0, 2.0], [0.5, 3.0, -0.5]])
    ignored = torch.tensor([1, -100])
    return {
        **{f"{name} {reduction}": (getattr(nn, name)(reduction=reduction), floats) for reduction in ("mean", "sum") for name in (
            "MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss",
        )},
        "huber, wide": (nn.HuberLoss(delta=0.3), floats), "smooth, narrow": (nn.SmoothL1Loss(beta=0.2), floats),
        "ce": (nn.CrossEntropyLoss(), classes), "ce sum": (nn.CrossEntropyLoss(reduction="sum"), classes),
        "ce smoothed": (nn.CrossEntropyLoss(label_smoothing=0.1), classes), "ce weighted": (nn.CrossEntropyLoss(weight=weight), classes),
        "ce weighted and smoothed": (nn.CrossEntropyLoss(weight=weight, label_smoothing=0.2), classes),
        "ce ignoring": (nn.CrossEntropyLoss(), ignored), "ce ignoring, smoothed": (nn.CrossEntropyLoss(label_smoothing=0.3), ignored),
        "ce ignoring another": (nn.CrossEntropyLoss(ignore_index=2), classes), "ce of shares": (nn.CrossEntropyLoss(), shares),
        "ce of shares, smoothed": (nn.CrossEntropyLoss(label_smoothing=0.1, weight=weight), shares),
        "bce with logits": (nn.BCEWithLogitsLoss(), zeros_and_ones),
        "bce with weights": (nn.BCEWithLogitsLoss(pos_weight=weight, reduction="sum"), zeros_and_ones),
        "bce": (lambda z, y: F.binary_cross_entropy(torch.sigmoid(z), y), zeros_and_ones),
        "nll": (lambda z, y: F.nll_loss(F.log_softmax(z, 1), y), classes),
        "kl": (lambda z, y: F.kl_div(F.log_softmax(z, 1), y, reduction="batchmean"), shares),
        "kl of logarithms": (lambda z, y: F.kl_div(F.log_softmax(z, 1), F.log_softmax(y, 1), reduction="sum", log_target=True), floats),
        "cosine": (lambda z, y: F.cosine_embedding_loss(z, y, signs), floats),
        "cosine with margin": (nn.CosineEmbeddingLoss(margin=0.2), (floats, signs)),
        "triplet": (nn.TripletMarginLoss(), (floats, floats.flip(0))),
        "triplet swapped": (lambda z, y: F.triplet_margin_loss(z, y, y.flip(1), swap=True, margin=3.0), floats),
        "ranking": (lambda z, y: F.margin_ranking_loss(z[:, 0], z[:, 1], y, margin=0.5), signs),
        "hinge embedding": (nn.HingeEmbeddingLoss(), torch.tensor([[1.0, -1, 1], [-1, -1, 1]])),
        "soft margin": (nn.SoftMarginLoss(), torch.tensor([[1.0, -1, 1], [-1, -1, 1]])),
        "several labels": (nn.MultiLabelSoftMarginLoss(), zeros_and_ones), "several margins": (nn.MultiMarginLoss(), classes),
        "poisson": (nn.PoissonNLLLoss(), shares), "gaussian": (lambda z, y: F.gaussian_nll_loss(z, y, F.softplus(z)), floats),
        "sum of output": (lambda z: (z**2).sum(), None),
        "by hand": (lambda z, y: ((z - y) ** 2).sum(dim=1).mean() + 0.1 * z.abs().sum(), floats),
    }  # fmt: skip


LOSSES: Mapping[str, Any] = _losses()
"""By what it is: the loss of the output of a layer (2 samples, 3 numbers), and the targets."""
