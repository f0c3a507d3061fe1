"""Random functions of NumPy arrays: bytes are the steps of a machine that keeps arrays on a stack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

ARRAYS: dict[str, Any] = {"v": [0.5, -1.25, 2.0], "m": [[1.0, 0.5, -0.5], [0.25, 2.0, 1.5]], "s": 0.75}
"""What a function gets: a vector, a matrix, a number."""

_LONGEST = 24
_LARGEST = 64

Step = Callable[[Any, Any, int], Any]
"""Makes an array of the last one, of another one and of a number below 256."""

_ONE = ("exp", "tanh", "sin", "sqrt", "log", "abs", "square", "negative", "sign", "log1p", "transpose", "squeeze")
_TWO = ("add", "subtract", "multiply", "divide", "maximum", "minimum", "power", "matmul", "dot", "outer", "greater")
_ALONG = ("sum", "mean", "max", "prod", "cumsum", "var", "std", "argmax", "flip", "any", "sort", "linalg.norm")


def _named(name: str) -> Any:
    found: Any = np
    for part in name.split("."):
        found = getattr(found, part)
    return found


STEPS: Sequence[Step] = (
    *(lambda a, b, n, name=name: _named(name)(a) for name in _ONE),
    *(lambda a, b, n, name=name: _named(name)(a, b) for name in _TWO),
    *(lambda a, b, n, name=name: _named(name)(a, axis=(None, 0, 1, -1)[n % 4]) for name in _ALONG),
    lambda a, b, n: a + b,
    lambda a, b, n: a @ b,
    lambda a, b, n: a ** (n % 5 - 1),
    lambda a, b, n: (n - 7) / 4 - a,
    lambda a, b, n: a[n % 4],
    lambda a, b, n: a[n % 3 :: -1],
    lambda a, b, n: a[..., None],
    lambda a, b, n: a[[0, n % 3]],
    lambda a, b, n: a[np.array([True, False, n % 2 == 0])],
    lambda a, b, n: a.T,
    lambda a, b, n: a.reshape(-1, 1 + n % 3),
    lambda a, b, n: a.astype(int) if n % 2 else a.copy(),
    lambda a, b, n: np.where(a > n / 64, a, b),
    lambda a, b, n: np.where(a == b, b, 0),
    lambda a, b, n: np.concatenate([a, b], axis=n % 2),
    lambda a, b, n: np.stack([a, b], axis=n % 3),
    lambda a, b, n: np.clip(a, -1, n / 64),
    lambda a, b, n: np.einsum("ij,j->i", a, b) if n % 2 else np.einsum("i,i", a, b),
    lambda a, b, n: np.ones(3) * a,
    lambda a, b, n: float(a) if n % 2 else int(a),
    lambda a, b, n: a if a > 0 else b,
    lambda a, b, n: np.linalg.inv(a) if n % 2 else np.fft.fft(a),
    lambda a, b, n: np.random.default_rng(n).normal(size=3) * a,
    lambda a, b, n: sum(a) + max(0, n),
    lambda a, b, n: [each * 2 for each in a][n % 3],
    lambda a, b, n: np.asarray(a) + n,
    lambda a, b, n: complex(0, n) * a,
)


def function(data: bytes) -> Callable[..., Any]:
    """Return a function of the arrays: a step for each three bytes that NumPy takes, and the sum of the last array."""
    told = [tuple(data[start : start + 3]) for start in range(0, min(len(data), 3 * _LONGEST) - 2, 3)]
    steps: list[tuple[int, ...]] = []
    stack = [np.array(value) for value in ARRAYS.values()]
    for step in told:
        try:
            with np.errstate(all="ignore"):
                found = _made(stack, *step)
        except (ArithmeticError, AttributeError, IndexError, TypeError, ValueError):
            continue
        if np.size(found) <= _LARGEST:
            stack.append(found)
            steps.append(step)

    def drawn(v: Any, m: Any, s: Any) -> Any:
        stack = [v, m, s]
        for step in steps:
            stack.append(_made(stack, *step))
        last = stack[-1]
        return np.sum(last * last)

    return drawn


def _made(stack: Sequence[Any], step: int, other: int, number: int) -> Any:
    return STEPS[step % len(STEPS)](stack[-1 - (number // 64) % len(stack)], stack[other % len(stack)], number)


SEEDS = tuple(
    bytes([step, other, number]) * 2 for step in range(len(STEPS)) for other, number in ((0, 0), (1, 65), (2, 130))
)
"""Each step, done twice, on each of the arrays."""
