"""Models and losses of textbooks and papers, each a function of a module (numpy or torch) and its arrays."""

# ruff: noqa: D103 - each is called what it is

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any


def linear_regression(xp: Any, w: Any, b: Any, X: Any, y: Any) -> Any:
    error = X @ w + b - y
    return (error**2).mean()


def logistic_regression(xp: Any, w: Any, X: Any, y: Any) -> Any:
    p = 1 / (1 + xp.exp(-(X @ w)))
    return -(y * xp.log(p) + (1 - y) * xp.log(1 - p)).mean()


def softmax_regression(xp: Any, W: Any, X: Any, Y: Any) -> Any:
    scores = X @ W
    e = xp.exp(scores - xp.mean(scores))
    p = e / e.sum(axis=1, keepdims=True)
    return -xp.sum(Y * xp.log(p))


def two_layers(xp: Any, W1: Any, b1: Any, W2: Any, b2: Any, x: Any, y: Any) -> Any:
    h = xp.tanh(W1 @ x + b1)
    out = W2 @ h + b2
    return 0.5 * xp.sum((out - y) ** 2)


def elman(xp: Any, W: Any, U: Any, h: Any, X: Any, y: Any) -> Any:
    for t in range(3):
        h = xp.tanh(W @ X[t] + U @ h)
    return ((h - y) ** 2).sum()


def gru(xp: Any, Wz: Any, Wr: Any, Wh: Any, x: Any, h: Any) -> Any:
    def sigmoid(z: Any) -> Any:
        return 1 / (1 + xp.exp(-z))

    z = sigmoid(Wz @ (x + h))
    r = sigmoid(Wr @ (x + h))
    candidate = xp.tanh(Wh @ (x + r * h))
    new = (1 - z) * h + z * candidate
    return new.sum()


def attention(xp: Any, Q: Any, K: Any, V: Any) -> Any:
    S = Q @ K.T / math.sqrt(2)
    E = xp.exp(S)
    A = E / E.sum(axis=1, keepdims=True)
    return (A @ V).mean()


def layer_norm(xp: Any, gain: Any, bias: Any, x: Any, y: Any) -> Any:
    mean = x.mean()
    variance = ((x - mean) ** 2).mean()
    n = (x - mean) / xp.sqrt(variance + 1e-5)
    return ((gain * n + bias - y) ** 2).sum()


def batch_norm(xp: Any, gamma: Any, beta: Any, X: Any) -> Any:
    mu = X.mean(axis=0)
    centred = X - mu
    scale = xp.sqrt((centred**2).mean(axis=0) + 1e-3)
    out = gamma * centred / scale + beta
    return (out**3).sum()


def convolution(xp: Any, k: Any, x: Any, y: Any) -> Any:
    c = xp.stack([(k * x[i : i + 3]).sum() for i in range(4)])
    pooled = xp.stack([c[0:2].max(), c[2:4].max()])
    return ((pooled - y) ** 2).sum()


def autoencoder(xp: Any, E: Any, D: Any, X: Any) -> Any:
    codes = X @ E
    back = codes @ D
    return ((back - X) ** 2).mean()


def variational(xp: Any, m: Any, s: Any, noise: Any, x: Any) -> Any:
    z = m + xp.exp(s / 2) * noise
    reconstruction = ((x - z) ** 2).sum() / 2
    divergence = -(1 + s - m**2 - xp.exp(s)).sum() / 2
    return reconstruction + divergence


def contrastive(xp: Any, A: Any, B: Any) -> Any:
    S = A @ B.T
    E = xp.exp(S)
    return -(xp.log(E[0, 0] / E[0].sum()) + xp.log(E[1, 1] / E[1].sum())) / 2


def focal(xp: Any, z: Any, y: Any) -> Any:
    p = 1 / (1 + xp.exp(-z))
    right = y * p + (1 - y) * (1 - p)
    return -(((1 - right) ** 2) * xp.log(right)).mean()


def gaussian_likelihood(xp: Any, mu: Any, s: Any, x: Any) -> Any:
    return (s + (x - mu) ** 2 / (2 * xp.exp(2 * s)) + 0.5 * math.log(2 * math.pi)).sum()


def physics_residual(xp: Any, w: Any, b: Any, t: Any) -> Any:
    u = xp.tanh(w * t + b)
    slope = w * (1 - u**2)
    return ((slope + 2 * u) ** 2).mean() + (u[0] - 1) ** 2


def principal_component(xp: Any, v: Any, X: Any) -> Any:
    unit = v / xp.sqrt((v**2).sum())
    return -((X @ unit) ** 2).mean()


def matrix_factorization(xp: Any, U: Any, V: Any, R: Any, seen: Any) -> Any:
    error = seen * (R - U @ V.T)
    return (error**2).sum() + 0.1 * ((U**2).sum() + (V**2).sum())


def kalman_step(xp: Any, x: Any, P: Any, z: Any) -> Any:
    S = P + 0.5
    gain = P / S
    new = x + gain * (z - x)
    return (0.5 * xp.log(S) + (z - x) ** 2 / (2 * S) + new**2).sum()


def policy_gradient(xp: Any, theta: Any, action: Any, reward: Any) -> Any:
    e = xp.exp(theta)
    p = e / e.sum()
    return -reward * xp.log((p * action).sum())


def hinge(xp: Any, w: Any, X: Any, y: Any) -> Any:
    margins = 1 - y * (X @ w)
    return xp.where(margins > 0, margins, 0 * margins).mean() + 0.01 * (w * w).sum()


def huber(xp: Any, r: Any, y: Any) -> Any:
    d = r - y
    return xp.where(abs(d) <= 1.0, 0.5 * d**2, abs(d) - 0.5).sum()


def residual_block(xp: Any, W1: Any, W2: Any, x: Any) -> Any:
    h = W1 @ x
    h = xp.where(h > 0, h, 0.1 * h)
    return ((x + W2 @ h) ** 2).sum()


def bilinear(xp: Any, A: Any, x: Any, y: Any) -> Any:
    return xp.einsum("i,ij,j->", x, A, y) + xp.einsum("ij->", A) + xp.einsum("ij,kj->ik", A, A)[0, 1]


def mixture(xp: Any, a: Any, m: Any, x: Any) -> Any:
    w = xp.exp(a) / xp.exp(a).sum()
    return -xp.log((w * xp.exp(-((x - m) ** 2) / 2)).sum())


def cosine(xp: Any, a: Any, b: Any) -> Any:
    return (a * b).sum() / (xp.sqrt((a**2).sum()) * xp.sqrt((b**2).sum()))


def triplet(xp: Any, a: Any, p: Any, n: Any) -> Any:
    gap = ((a - p) ** 2).sum() - ((a - n) ** 2).sum() + 1
    return xp.where(gap > 0, gap, 0 * gap)


def wiener(xp: Any, a: Any, b: Any) -> Any:
    return (xp.sin(a) * xp.cos(b) / (1 + a**2) + xp.arctan(a * b) - xp.sinh(a) / xp.cosh(b)).sum()


def power_law(xp: Any, a: Any, b: Any) -> Any:
    return (a**b + 2**a + xp.log2(a) + xp.log1p(b) + xp.expm1(a)).prod()


def exponential_smoothing(xp: Any, alpha: Any, x: Any) -> Any:
    level = x[0]
    loss = 0.0
    for t in range(1, 4):
        loss += (x[t] - level) ** 2
        level = alpha * x[t] + (1 - alpha) * level
    return loss


def attention_in_heads(xp: Any, Q: Any, K: Any, V: Any) -> Any:
    """Attention of samples in heads, on arrays of four axes."""
    S = xp.einsum("bhid,bhjd->bhij", Q, K) / 2**0.5
    E = xp.exp(S)
    A = E / E.sum(3)[..., None]
    return ((A @ V) ** 2).sum()


def images(xp: Any, K: Any, b: Any, X: Any) -> Any:
    """A convolution of images with channels, as an Einstein sum for each place, rectified, and the mean of each map."""
    rows = []
    for i in range(2):
        rows.append(xp.stack([xp.einsum("nchw,kchw->nk", X[:, :, i : i + 2, j : j + 2], K) for j in range(2)], 2))
    Z = xp.stack(rows, 2) + b[:, None, None]
    A = xp.where(Z > 1, Z, Z / 4)
    return (A.mean((2, 3)) ** 2).sum()


def low_rank(xp: Any, A: Any, B: Any, C: Any, T: Any) -> Any:
    """An array of three axes as a sum of outer products."""
    return ((xp.einsum("ir,jr,kr->ijk", A, B, C) - T) ** 2).mean()


FUNCTIONS: Mapping[str, tuple[Callable[..., Any], Mapping[str, tuple[int, ...]]]] = {
    function.__name__: (function, shapes)
    for function, shapes in [
        (linear_regression, {"w": (2,), "b": (), "X": (4, 2), "y": (4,)}),
        (logistic_regression, {"w": (2,), "X": (3, 2), "y": (3,)}),
        (softmax_regression, {"W": (2, 3), "X": (2, 2), "Y": (2, 3)}),
        (two_layers, {"W1": (3, 2), "b1": (3,), "W2": (2, 3), "b2": (2,), "x": (2,), "y": (2,)}),
        (elman, {"W": (2, 2), "U": (2, 2), "h": (2,), "X": (3, 2), "y": (2,)}),
        (gru, {"Wz": (2, 2), "Wr": (2, 2), "Wh": (2, 2), "x": (2,), "h": (2,)}),
        (attention, {"Q": (2, 2), "K": (3, 2), "V": (3, 2)}),
        (layer_norm, {"gain": (3,), "bias": (3,), "x": (3,), "y": (3,)}),
        (batch_norm, {"gamma": (2,), "beta": (2,), "X": (3, 2)}),
        (convolution, {"k": (3,), "x": (6,), "y": (2,)}),
        (autoencoder, {"E": (3, 1), "D": (1, 3), "X": (2, 3)}),
        (variational, {"m": (2,), "s": (2,), "noise": (2,), "x": (2,)}),
        (contrastive, {"A": (2, 3), "B": (2, 3)}),
        (focal, {"z": (3,), "y": (3,)}),
        (gaussian_likelihood, {"mu": (2,), "s": (2,), "x": (2,)}),
        (physics_residual, {"w": (), "b": (), "t": (3,)}),
        (principal_component, {"v": (2,), "X": (4, 2)}),
        (matrix_factorization, {"U": (2, 1), "V": (3, 1), "R": (2, 3), "seen": (2, 3)}),
        (kalman_step, {"x": (2,), "P": (2,), "z": (2,)}),
        (policy_gradient, {"theta": (3,), "action": (3,), "reward": ()}),
        (hinge, {"w": (2,), "X": (3, 2), "y": (3,)}),
        (huber, {"r": (4,), "y": (4,)}),
        (residual_block, {"W1": (2, 2), "W2": (2, 2), "x": (2,)}),
        (bilinear, {"A": (2, 2), "x": (2,), "y": (2,)}),
        (mixture, {"a": (2,), "m": (2,), "x": ()}),
        (cosine, {"a": (3,), "b": (3,)}),
        (triplet, {"a": (2,), "p": (2,), "n": (2,)}),
        (wiener, {"a": (2,), "b": (2,)}),
        (power_law, {"a": (2,), "b": (2,)}),
        (exponential_smoothing, {"alpha": (), "x": (4,)}),
        (attention_in_heads, {"Q": (1, 2, 2, 2), "K": (1, 2, 2, 2), "V": (1, 2, 2, 1)}),
        (images, {"K": (2, 2, 2, 2), "b": (2,), "X": (1, 2, 3, 3)}),
        (low_rank, {"A": (2, 2), "B": (2, 2), "C": (3, 2), "T": (2, 2, 3)}),
    ]
}
"""By name: the function, and the shapes of its arrays."""

SOURCES: Mapping[str, str] = {
    "linear_regression": "Legendre 1805",
    "logistic_regression": "Bishop, Pattern Recognition and Machine Learning, 4.3.2",
    "softmax_regression": "Bishop, 4.3.4",
    "two_layers": "Rumelhart, Hinton and Williams 1986",
    "elman": "Elman 1990",
    "gru": "Cho et al. 2014",
    "attention": "Vaswani et al. 2017",
    "layer_norm": "Ba, Kiros and Hinton 2016",
    "batch_norm": "Ioffe and Szegedy 2015",
    "convolution": "LeCun et al. 1998",
    "autoencoder": "Baldi and Hornik 1989",
    "variational": "Kingma and Welling 2014",
    "contrastive": "van den Oord, Li and Vinyals 2018",
    "focal": "Lin et al. 2017",
    "gaussian_likelihood": "Nix and Weigend 1994",
    "physics_residual": "Raissi, Perdikaris and Karniadakis 2019",
    "principal_component": "Pearson 1901",
    "matrix_factorization": "Koren, Bell and Volinsky 2009",
    "kalman_step": "Kalman 1960",
    "policy_gradient": "Williams 1992",
    "hinge": "Cortes and Vapnik 1995",
    "huber": "Huber 1964",
    "residual_block": "He et al. 2016",
    "bilinear": "Tenenbaum and Freeman 2000",
    "mixture": "Bishop 1994",
    "cosine": "Salton, Wong and Yang 1975",
    "triplet": "Schroff, Kalenichenko and Philbin 2015",
    "wiener": "Abramowitz and Stegun, chapter 4",
    "power_law": "Abramowitz and Stegun, chapter 4",
    "exponential_smoothing": "Holt 1957",
    "attention_in_heads": "Vaswani et al. 2017",
    "images": "LeCun et al. 1998",
    "low_rank": "Hitchcock 1927",
}
"""Where each was published; the formulas are facts, and written anew."""
