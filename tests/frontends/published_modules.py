"""Modules of PyTorch as papers have them, a row each: where it was published, how to make it, its loss, what it is given."""

# ruff: noqa: D101, D102, D103 - each is called what it is

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn


class Published(NamedTuple):
    """A module, a loss of its output (and targets), its inputs, and targets."""

    source: str
    make: Callable[[], nn.Module]
    loss: Callable[..., Any]
    x: Any
    y: Any = None


def numbers(*shape: int) -> Any:
    """Return numbers with two decimals that look drawn, the same ones each time."""
    count = torch.arange(1, torch.Size(shape).numel() + 1, dtype=torch.float64)
    return (torch.sin(count * 12.9898) * 0.9).round(decimals=2).reshape(shape)


class VariationalAutoencoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.mu, self.log_var = nn.Linear(3, 4), nn.Linear(4, 2), nn.Linear(4, 2)
        self.decoder, self.out = nn.Linear(2, 4), nn.Linear(4, 3)
        self.register_buffer("noise", numbers(2, 2))

    def forward(self, x: Any) -> Any:
        h = torch.tanh(self.encoder(x))
        mu, log_var = self.mu(h), self.log_var(h)
        z = mu + torch.exp(0.5 * log_var) * self.noise
        return self.out(torch.tanh(self.decoder(z))), mu, log_var


def evidence_bound(output: Any, y: Any) -> Any:
    logits, mu, log_var = output
    reconstruction = F.binary_cross_entropy_with_logits(logits, y, reduction="sum")
    divergence = -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp())
    return reconstruction + divergence


class SqueezeAndExcitation(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(2, 1), nn.Linear(1, 2)

    def forward(self, x: Any) -> Any:
        n, c, _, _ = x.shape
        s = F.adaptive_avg_pool2d(x, 1).view(n, c)
        s = torch.sigmoid(self.fc2(F.relu(self.fc1(s))))
        return x * s.view(n, c, 1, 1)


class ConvolutionalNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 2)
        self.fc = nn.Linear(2, 3)

    def forward(self, x: Any) -> Any:
        x = F.max_pool2d(torch.tanh(self.conv1(x)), 2)
        x = torch.tanh(self.conv2(x))
        return self.fc(torch.flatten(x, 1))


class ResidualBlock(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(1, 1, 3, padding=1, bias=False), nn.BatchNorm2d(1)
        self.conv2, self.bn2 = nn.Conv2d(1, 1, 3, padding=1, bias=False), nn.BatchNorm2d(1)

    def forward(self, x: Any) -> Any:
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += x
        return F.relu(out)


class Projection(nn.Module):
    """An encoder whose outputs have length 1."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))

    def forward(self, x: Any) -> Any:
        return F.normalize(self.net(x), dim=1)


def normalized_temperature(z: Any) -> Any:
    scores = z @ z.T / 0.5
    scores = scores.masked_fill(torch.eye(4, dtype=torch.bool), float("-inf"))
    return F.cross_entropy(scores, torch.tensor([2, 3, 0, 1]))


class ThreeOfOne(nn.Module):
    """One encoder for an anchor, what is like it and what is not."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Projection()

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Any:
        return self.encoder(anchor), self.encoder(positive), self.encoder(negative)


class ActorCritic(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.actor, self.critic = nn.Linear(3, 4), nn.Linear(4, 2), nn.Linear(4, 1)

    def forward(self, states: Any) -> Any:
        h = torch.tanh(self.body(states))
        return self.actor(h), self.critic(h).squeeze(-1)


def advantage_loss(output: Any, returns: Any) -> Any:
    logits, values = output
    logs = F.log_softmax(logits, dim=-1)
    chosen = logs.gather(1, torch.tensor([[0], [1], [0]])).squeeze(1)
    advantage = (returns - values).detach()
    entropy = -(logs.exp() * logs).sum(-1).mean()
    return -(chosen * advantage).mean() + 0.5 * F.mse_loss(values, returns) - 0.01 * entropy


class Reader(nn.Module):
    """Words, read one after another by gated units."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.gru, self.score = nn.Embedding(5, 2), nn.GRU(2, 2, batch_first=True), nn.Linear(2, 1)

    def forward(self, words: Any) -> Any:
        _, h = self.gru(self.words(words))
        return self.score(h[-1]).squeeze(-1)


class RootNormBlock(nn.Module):
    """A gated feed-forward part behind a norm without mean."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(4, eps=1e-6)
        self.gate, self.up, self.down = (nn.Linear(*sizes, bias=False) for sizes in ((4, 3), (4, 3), (3, 4)))

    def forward(self, x: Any) -> Any:
        h = self.norm(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Rotated(nn.Module):
    """Attention to what came before, by queries and keys that are turned by their places."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(4, 4, bias=False) for _ in range(3))

    def forward(self, x: Any) -> Any:
        angles = torch.outer(torch.arange(3.0), torch.tensor([1.0, 0.01])).double()
        cos, sin = angles.cos().repeat(1, 2), angles.sin().repeat(1, 2)

        def turned(z: Any) -> Any:
            left, right = z.chunk(2, dim=-1)
            return z * cos + torch.cat((-right, left), dim=-1) * sin

        q, k, v = turned(self.q(x)), turned(self.k(x)), self.v(x)
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)


class Separable(nn.Module):
    """A convolution of each channel, and one of all channels at each place."""

    def __init__(self) -> None:
        super().__init__()
        self.depth, self.point = nn.Conv2d(2, 2, 2, groups=2), nn.Conv2d(2, 1, 1)

    def forward(self, x: Any) -> Any:
        return F.hardswish(self.point(F.relu6(self.depth(x))))


class GraphAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.W, self.a = nn.Linear(2, 2, bias=False), nn.Parameter(numbers(4))
        self.register_buffer("edges", torch.tensor([[1, 1, 0], [1, 1, 1], [0, 1, 1]]))

    def forward(self, x: Any) -> Any:
        h = self.W(x)
        e = F.leaky_relu((h @ self.a[:2])[:, None] + (h @ self.a[2:])[None, :], 0.2)
        attention = torch.softmax(e.masked_fill(self.edges == 0, float("-inf")), dim=1)
        return F.elu(attention @ h)


class Mixer(nn.Module):
    """A dense part across places, and one across channels."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(2), nn.LayerNorm(2)
        self.places = nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.Linear(4, 3))
        self.channels = nn.Sequential(nn.Linear(2, 3), nn.GELU(), nn.Linear(3, 2))

    def forward(self, x: Any) -> Any:
        x = x + self.places(self.norm1(x).transpose(-1, -2)).transpose(-1, -2)
        return x + self.channels(self.norm2(x))


class Uncertain(nn.Module):
    """Mean and variance by one net each."""

    def __init__(self) -> None:
        super().__init__()
        self.mean, self.variance = nn.Linear(2, 1), nn.Linear(2, 1)

    def forward(self, x: Any) -> Any:
        return self.mean(x), F.softplus(self.variance(x))


def focal(logits: Any, y: Any) -> Any:
    ce = F.binary_cross_entropy_with_logits(logits, y, reduction="none")
    p = torch.exp(-ce)
    alpha = 0.25 * y + 0.75 * (1 - y)
    return (alpha * (1 - p) ** 2 * ce).mean()


def squares(output: Any) -> Any:
    return output.pow(2).mean()


ZEROS_AND_ONES = torch.tensor([[1.0, 0, 1], [0, 1, 1]], dtype=torch.float64)

PUBLISHED: Mapping[str, Published] = {
    "variational autoencoder": Published(
        "Kingma and Welling 2014", VariationalAutoencoder, evidence_bound, numbers(2, 3), ZEROS_AND_ONES
    ),
    "squeeze and excitation": Published("Hu, Shen and Sun 2018", SqueezeAndExcitation, squares, numbers(1, 2, 2, 2)),
    "convolutional net": Published(
        "LeCun et al. 1998", ConvolutionalNet, F.cross_entropy, numbers(1, 1, 6, 6), torch.tensor([2])
    ),
    "residual block": Published("He et al. 2016", ResidualBlock, squares, numbers(1, 1, 3, 3)),
    "contrastive": Published("Chen et al. 2020", Projection, normalized_temperature, numbers(4, 3)),
    "triplets": Published(
        "Schroff, Kalenichenko and Philbin 2015", ThreeOfOne, lambda parts: F.triplet_margin_loss(*parts, margin=2.5),
        (numbers(2, 3), numbers(2, 3) * 0.5, -numbers(2, 3)),
    ),
    "actor and critic": Published(
        "Mnih et al. 2016", ActorCritic, advantage_loss, numbers(3, 3), torch.tensor([1.0, 0.5, -0.25])
    ),
    "gated reader": Published(
        "Cho et al. 2014", Reader, F.binary_cross_entropy_with_logits, torch.tensor([[0, 3, 1]]), torch.tensor([1.0])
    ),
    "gated feed-forward": Published("Shazeer 2020; Zhang and Sennrich 2019", RootNormBlock, squares, numbers(2, 4)),
    "rotary attention": Published("Su et al. 2021", Rotated, squares, numbers(3, 4)),
    "separable convolution": Published("Howard et al. 2017 and 2019", Separable, squares, numbers(1, 2, 3, 3)),
    "graph attention": Published("Veličković et al. 2018", GraphAttention, squares, numbers(3, 2)),
    "mixer": Published("Tolstikhin et al. 2021", Mixer, squares, numbers(3, 2)),
    "heteroscedastic regression": Published(
        "Nix and Weigend 1994", Uncertain, lambda parts, y: F.gaussian_nll_loss(parts[0], y, parts[1]),
        numbers(3, 2), numbers(3, 1),
    ),
    "focal loss": Published("Lin et al. 2017", lambda: nn.Linear(2, 3), focal, numbers(2, 2), ZEROS_AND_ONES),
}  # fmt: skip
"""By what it is."""
