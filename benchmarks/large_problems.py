"""How long the worked solution of a large problem takes, warm: `python benchmarks/large_problems.py`.

Times are those of the processor from a problem that was not seen before to its solution, and from that to a document in each
language; the loss after the update is compared with that of `sbp.train` before they count.
"""

from __future__ import annotations

import argparse
import itertools
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import measuring
from measuring import Line

import symbackprop as sbp

WIDTHS = (784, 128, 10)
TOKENS, WIDTH, HIDDEN = 4, 64, 256
TARGET = 1.0
LANGUAGES = ("en", "zh")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="runs, of which the best counts")
    options = parser.parse_args()
    measuring.show(measuring.machine())
    measuring.table(lines(options.rounds))


def lines(rounds: int) -> Iterator[Line]:
    """Yield what was measured."""
    name = "-".join(map(str, WIDTHS))
    yield from solved(name, lambda: network(), rounds)
    yield from solved(f"{name}, Adam", lambda: network(optimizer="adam"), rounds)
    yield from solved(f"{name}, two samples", lambda: network(samples=2), rounds)
    yield from solved(f"a transformer block {WIDTH} wide, {TOKENS} tokens", block, rounds)


def solved(name: str, content: Callable[[], dict[str, Any]], rounds: int) -> Iterator[Line]:
    """Yield the times of a solution and of its documents."""
    best = [float("inf")] * (1 + len(LANGUAGES))
    agree = True
    for _ in range(rounds + 1):
        problem = sbp.problem(content())
        marks = [time.process_time()]
        solution = sbp.solve(problem)
        marks.append(time.process_time())
        for language in LANGUAGES:
            sbp.render(solution, "latex", language)
            marks.append(time.process_time())
        spent = [after - before for before, after in itertools.pairwise(marks)]
        best = [min(pair) for pair in zip(best, spent, strict=True)]
        loss = sbp.train(problem).loss
        agree = agree and abs(solution.losses[-1] - loss) <= 1e-12 * max(1.0, abs(loss))
    solving, *documents = best
    for language, writing in zip(LANGUAGES, documents, strict=True):
        total, which = solving + writing, f"{name}, {language} (agree: {agree})"
        parts = f"{solving:.2f} + {writing:.2f} s"
        yield Line(which, parts, f"≤ {TARGET:g} s", agree and total <= TARGET)


def network(samples: int = 0, **training: object) -> dict[str, Any]:
    """Return a network for pictures of digits on one of them, or on several, from drawn weights."""
    draw = random.Random(0)
    pictures = [[draw.randint(0, 16) / 16 for _ in range(WIDTHS[0])] for _ in range(samples or 1)]
    return {
        "network": {
            "inputs": WIDTHS[0],
            "layers": [{"units": WIDTHS[1], "activation": "relu"}, {"units": WIDTHS[2], "activation": "softmax"}],
            "loss": "cross_entropy",
        },
        "parameters": {"initializer": "he_uniform", "seed": 0},
        "data": {"x": pictures, "y": [3] * samples} if samples else {"x": pictures[0], "y": 3},
        "training": {"learning_rate": 0.1, **training},
    }


def block() -> dict[str, Any]:
    """Return a transformer block of one head before its norms, on a few tokens, from drawn weights."""
    draw = random.Random(0)

    def drawn(rows: int, columns: int, scale: float = 0.125) -> list[list[float]]:
        return [[round(draw.gauss(0, 1) * scale, 4) for _ in range(columns)] for _ in range(rows)]

    wide = {name: drawn(WIDTH, WIDTH) for name in ("Wq", "Wk", "Wv", "Wo")}
    norms = {"g1": [1] * WIDTH, "c1": [0] * WIDTH, "g2": [1] * WIDTH, "c2": [0] * WIDTH}
    inner = {
        "W1": drawn(WIDTH, HIDDEN),
        "b1": drawn(1, HIDDEN)[0],
        "W2": drawn(HIDDEN, WIDTH),
        "b2": drawn(1, WIDTH)[0],
    }
    equations = [
        "N1 = g1*layer_norm(X) + c1",
        "Q = N1 @ Wq",
        "K = N1 @ Wk",
        "V = N1 @ Wv",
        "H = attention(Q, K, V)",
        "R = X + H @ Wo",
        "N2 = g2*layer_norm(R) + c2",
        "F = relu(N2 @ W1 + b1)",
        "Y = R + F @ W2 + b2",
        "L = 1/2*mean((Y - T)**2)",
    ]
    return {
        "graph": {
            "equations": equations,
            "output": "L",
            "parameters": {**wide, **norms, **inner},
            "inputs": {"X": drawn(TOKENS, WIDTH, 1)},
            "targets": {"T": drawn(TOKENS, WIDTH, 1)},
        },
        "training": {"learning_rate": 0.1},
    }


if __name__ == "__main__":
    main()
