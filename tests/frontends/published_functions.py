"""Functions of NumPy arrays as papers and textbooks have them, a row each: where it was published, and its shapes."""

# ruff: noqa: D103 - each is called what it is

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Shapes = Mapping[str, tuple[int, ...]]


class Published(NamedTuple):
    """A function of a module (NumPy, or one that is called alike) and its arrays."""

    source: str
    function: Callable[..., Any]
    shapes: Shapes


def clip_pairs(np: Any, images: Any, texts: Any, scale: Any) -> Any:
    images = images / np.linalg.norm(images, axis=1, keepdims=True)
    texts = texts / np.linalg.norm(texts, axis=1, keepdims=True)
    logits = np.exp(scale) * images @ texts.T

    def matched(scores: Any) -> Any:
        shifted = scores - np.max(scores, axis=1, keepdims=True)
        logs = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
        return -np.mean(np.diag(logs))

    return (matched(logits) + matched(logits.T)) / 2


def lstm_step(np: Any, W: Any, b: Any, x: Any, h: Any, c: Any) -> Any:
    z = W @ np.concatenate([x, h]) + b
    i, f, o, g = np.split(z, 4)
    i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
    c = f * c + i * np.tanh(g)
    h = o * np.tanh(c)
    return np.sum(h**2)


def causal_head(np: Any, X: Any, Wq: Any, Wk: Any, Wv: Any) -> Any:
    Q, K, V = X @ Wq, X @ Wk, X @ Wv
    scores = Q @ K.T / np.sqrt(Wk.shape[1])
    seen = np.tril(np.ones((len(X), len(X)), dtype=bool))
    scores = np.where(seen, scores, -1e9)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return np.mean((weights @ V) ** 2)


def clipped_surrogate(np: Any, theta: Any, states: Any, old: Any, advantage: Any) -> Any:
    scores = states @ theta
    logs = scores - np.log(np.sum(np.exp(scores), axis=1, keepdims=True))
    ratio = np.exp(logs[np.arange(3), np.array([0, 1, 1])] - np.log(old))
    clipped = np.clip(ratio, 0.8, 1.2)
    return -np.mean(np.minimum(ratio * advantage, clipped * advantage))


def negative_sampling(np: Any, u: Any, v: Any, negatives: Any) -> Any:
    def log_sigmoid(z: Any) -> Any:
        return -np.logaddexp(0, -z)

    return -log_sigmoid(u @ v) - np.sum(log_sigmoid(-negatives @ u))


def global_vectors(np: Any, W: Any, V: Any, b: Any, c: Any, counts: Any) -> Any:
    weight = np.minimum(counts / 0.5, 1) ** 0.75
    error = W @ V.T + b[:, None] + c[None, :] - np.log(counts)
    return np.sum(weight * error**2)


def heat_equation(np: Any, u: Any, k: Any) -> Any:
    dt, dx = 0.1, 0.5
    loss = 0.0
    for _ in range(2):
        new = u[1:-1] + k * dt / dx**2 * np.diff(u, n=2)
        u = np.concatenate([u[:1], new, u[-1:]])
        loss = loss + np.sum(np.diff(u) ** 2)
    return loss


def predator_and_prey(np: Any, rates: Any, start: Any, end: Any) -> Any:
    def slope(state: Any) -> Any:
        prey, predators = state
        return np.stack([
            rates[0] * prey - rates[1] * prey * predators,
            rates[2] * prey * predators - rates[3] * predators,
        ])  # fmt: skip

    h = 0.1
    state = start
    for _ in range(2):
        k1 = slope(state)
        k2 = slope(state + h / 2 * k1)
        k3 = slope(state + h / 2 * k2)
        k4 = slope(state + h * k3)
        state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return np.sum((state - end) ** 2)


def kalman_filter(np: Any, F: Any, q: Any, r: Any, x: Any, zs: Any) -> Any:
    H = np.array([[1.0, 0.0]])
    P = np.eye(2)
    loss = 0.0
    for z in zs:
        x = F @ x
        P = F @ P @ F.T + q * np.eye(2)
        S = (H @ P @ H.T)[0, 0] + r
        gain = (P @ H.T)[:, 0] / S
        surprise = z - x[0]
        loss = loss + 0.5 * (np.log(S) + surprise**2 / S)
        x = x + gain * surprise
        P = P - np.outer(gain, H @ P)
    return loss


def partial_likelihood(np: Any, beta: Any, X: Any, event: Any) -> Any:
    risk = X @ beta
    at_risk = np.cumsum(np.exp(risk)[::-1])[::-1]
    return -np.sum(event * (risk - np.log(at_risk)))


def sinkhorn(np: Any, C: Any, a: Any, b: Any) -> Any:
    K = np.exp(-C / 0.5)
    v = np.ones_like(b)
    for _ in range(3):
        u = a / (K @ v)
        v = b / (K.T @ u)
    plan = u[:, None] * K * v
    return np.sum(plan * C)


def hidden_markov(np: Any, start: Any, A: Any, B: Any) -> Any:
    start = start / start.sum()
    A = A / A.sum(axis=1, keepdims=True)
    B = B / B.sum(axis=1, keepdims=True)
    alpha = start * B[:, 0]
    for seen in (1, 0):
        alpha = (alpha @ A) * B[:, seen]
    return -np.log(alpha.sum())


def redundancy_reduction(np: Any, A: Any, B: Any) -> Any:
    A = (A - A.mean(0)) / A.std(0)
    B = (B - B.mean(0)) / B.std(0)
    C = A.T @ B / len(A)
    on = np.sum((1 - np.diag(C)) ** 2)
    off = np.sum((C * (1 - np.eye(2))) ** 2)
    return on + 0.005 * off


def graph_convolution(np: Any, X: Any, W: Any, Y: Any) -> Any:
    A = np.array([[1.0, 1, 0], [1, 1, 1], [0, 1, 1]])
    D = np.diag(1 / np.sqrt(A.sum(axis=1)))
    H = np.maximum(0, D @ A @ D @ X @ W)
    return np.sum((H - Y) ** 2)


def soft_dice(np: Any, z: Any, y: Any) -> Any:
    p = 1 / (1 + np.exp(-z))
    return 1 - (2 * np.sum(p * y) + 1) / (np.sum(p) + np.sum(y) + 1)


def factorization_machine(np: Any, w0: Any, w: Any, V: Any, x: Any, y: Any) -> Any:
    pairs = 0.5 * np.sum((x @ V) ** 2 - x**2 @ V**2)
    return (w0 + w @ x + pairs - y) ** 2


def direct_preference(np: Any, W: Any, x: Any, reference: Any) -> Any:
    scores = np.dot(W, x)
    logs = scores - np.log(np.exp(scores).sum())
    margin = 0.5 * ((logs[0] - logs[2]) - (reference[0] - reference[2]))
    return np.log1p(np.exp(-margin))


def elastic_net(np: Any, w: Any, X: Any, y: Any) -> Any:
    residual = y - X @ w
    return residual @ residual / (2 * len(y)) + 0.1 * np.abs(w).sum() + 0.05 * np.dot(w, w)


def quantile_regression(np: Any, w: Any, X: Any, y: Any) -> Any:
    e = y - X @ w
    return np.mean(np.maximum(0.9 * e, -0.1 * e))


def filtered(np: Any, k: Any, x: Any, y: Any) -> Any:
    smooth = np.convolve(x, k, mode="valid")
    return np.average((smooth - y) ** 2, weights=np.array([1.0, 2.0, 1.0]))


PUBLISHED: Mapping[str, Published] = {
    row.function.__name__: row
    for row in (
        Published("Radford et al. 2021", clip_pairs, {"images": (2, 3), "texts": (2, 3), "scale": ()}),
        Published(
            "Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000", lstm_step,
            {"W": (8, 4), "b": (8,), "x": (2,), "h": (2,), "c": (2,)},
        ),
        Published("Radford et al. 2018", causal_head, {"X": (3, 2), "Wq": (2, 2), "Wk": (2, 2), "Wv": (2, 2)}),
        Published(
            "Schulman et al. 2017", clipped_surrogate, {"theta": (2, 2), "states": (3, 2), "old": (3,), "advantage": (3,)}
        ),
        Published("Mikolov et al. 2013", negative_sampling, {"u": (3,), "v": (3,), "negatives": (2, 3)}),
        Published(
            "Pennington, Socher and Manning 2014", global_vectors,
            {"W": (2, 2), "V": (3, 2), "b": (2,), "c": (3,), "counts": (2, 3)},
        ),
        Published("Crank and Nicolson 1947, the explicit scheme", heat_equation, {"u": (5,), "k": ()}),
        Published("Lotka 1925, by the method of Kutta 1901", predator_and_prey, {"rates": (4,), "start": (2,), "end": (2,)}),
        Published("Schweppe 1965", kalman_filter, {"F": (2, 2), "q": (), "r": (), "x": (2,), "zs": (2,)}),
        Published("Cox 1975", partial_likelihood, {"beta": (2,), "X": (4, 2), "event": (4,)}),
        Published("Cuturi 2013", sinkhorn, {"C": (2, 3), "a": (2,), "b": (3,)}),
        Published("Rabiner 1989", hidden_markov, {"start": (2,), "A": (2, 2), "B": (2, 2)}),
        Published("Zbontar et al. 2021", redundancy_reduction, {"A": (3, 2), "B": (3, 2)}),
        Published("Kipf and Welling 2017", graph_convolution, {"X": (3, 2), "W": (2, 2), "Y": (3, 2)}),
        Published("Milletari, Navab and Ahmadi 2016", soft_dice, {"z": (4,), "y": (4,)}),
        Published("Rendle 2010", factorization_machine, {"w0": (), "w": (3,), "V": (3, 2), "x": (3,), "y": ()}),
        Published("Rafailov et al. 2023", direct_preference, {"W": (3, 2), "x": (2,), "reference": (3,)}),
        Published("Zou and Hastie 2005", elastic_net, {"w": (2,), "X": (3, 2), "y": (3,)}),
        Published("Koenker and Bassett 1978", quantile_regression, {"w": (2,), "X": (3, 2), "y": (3,)}),
        Published("Savitzky and Golay 1964", filtered, {"k": (3,), "x": (5,), "y": (3,)}),
    )
}  # fmt: skip
"""By name."""
