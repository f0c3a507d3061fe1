"""How long the estimators take beside those of scikit-learn: `python benchmarks/estimators.py`.

Both have the same settings and take turns; what is measured are the calls that users make, `fit`, `partial_fit`, `predict`.
"""

from __future__ import annotations

import argparse
import itertools
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import measuring
import numpy as np
from measuring import Line
from sklearn.datasets import load_digits, load_iris
from sklearn.neural_network import MLPClassifier

from symbackprop.estimators import SymbolicMLPClassifier

DATA = {"iris": (load_iris, 16), "digits": (load_digits, 64)}
"""Samples, and the units of the hidden layer."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="runs of each contestant, of which the best counts")
    options = parser.parse_args()
    measuring.alone()
    warnings.simplefilter("ignore")  # that training ends before it has converged
    measuring.show(measuring.machine())
    for name in DATA:
        measuring.table(race(name, options.rounds))
    measuring.table(memory())


def race(name: str, rounds: int) -> Iterator[Line]:
    """Yield the times of one set of samples."""
    load, hidden = DATA[name]
    x, y = load(return_X_y=True)
    settings: dict[str, Any] = {"hidden_layer_sizes": (hidden,), "random_state": 0}
    kinds = {"ours": SymbolicMLPClassifier, "scikit-learn": MLPClassifier}
    runs: dict[str, Callable[[], object]] = {}
    for who, kind in kinds.items():
        fitted = kind(**settings, max_iter=20).fit(x, y)
        sizes = itertools.cycle(range(1, 141))
        runs[f"predict, sizes never seen: {who}"] = lambda fitted=fitted, sizes=sizes: fitted.predict(x[: next(sizes)])
        runs[f"partial_fit: {who}"] = lambda fitted=fitted: fitted.partial_fit(x, y)
        runs[f"fit, 20 epochs: {who}"] = lambda kind=kind: kind(**settings, max_iter=20).fit(x, y)
    seconds = measuring.best_of(runs, rounds)
    for what, time in seconds.items():
        call, who = what.split(": ")
        ratio = time / seconds[f"{call}: scikit-learn"]
        limit = 1.5 if call.startswith("predict") and who == "ours" else None
        target = ("", None) if limit is None else (f"≤ {limit} ×", ratio <= limit)
        yield Line(f"{name}, {what}", f"{1e3 * time:.2f} ms, {ratio:.2f} ×", *target)


def memory() -> Iterator[Line]:
    """Yield how much memory predictions of eight sizes leave behind."""
    random = np.random.default_rng(0)
    fitted = SymbolicMLPClassifier((256,), max_iter=1).fit(random.normal(size=(100, 10)), np.arange(100) % 2)
    x = random.normal(size=(50_008, 10))
    tracemalloc.start()
    fitted.predict(x[:50_000])
    before, _ = tracemalloc.get_traced_memory()
    for samples in range(50_000, 50_008):
        fitted.predict(x[:samples])
    after, _ = tracemalloc.get_traced_memory()
    left = (after - before) / 1e6
    yield Line("10-256-1, predictions of 8 sizes from 50,000 on: memory left", f"{left:.2f} MB", "≤ 1 MB", left <= 1)


if __name__ == "__main__":
    main()
