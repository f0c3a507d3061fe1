"""How long a step of descent takes for 784-128-10, ReLU and softmax: `python benchmarks/train_large.py`.

A step is loss, gradients and update, in float32 on one thread. Every contestant takes the same steps from the same
parameters and ends at the same numbers before its time counts; the best of some rounds counts, in which contestants take
turns. The limit is the machine's matrix product.
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable, Iterator
from typing import Any

import measuring
import numpy as np
from measuring import Line

import symbackprop as sbp
from symbackprop.algebra.formula import Adjoint, Name
from symbackprop.compilation import Runner
from symbackprop.compilation.backends import BACKENDS
from symbackprop.derivation import matrix_grain
from symbackprop.derivation.derivations import Derivation
from symbackprop.document.matrix_form import matrix
from symbackprop.graph.notation import Notation
from symbackprop.problems import Problem
from symbackprop.rendering import layout
from symbackprop.rendering.dialects import tex

WIDTHS = (784, 128, 10)
BATCHES = (64, 128, 1024)
RATE = np.float32(0.05)
STEPS = 10
Arrays = dict[str, Any]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40, help="runs of each contestant, of which the best counts")
    parser.add_argument(
        "--skip-compiled-torch", action="store_true", help="leave out torch.compile, which takes a minute"
    )
    options = parser.parse_args()
    measuring.alone()
    measuring.show(measuring.machine())
    peak = matrix_peak(options.rounds)
    measuring.show(measuring.kernels() + f"matrix product of 1,024³ in float32: {peak / 1e9:.0f} GFLOP/s\n")
    for samples in BATCHES:
        measuring.table(race(samples, options.rounds, peak, compiled_torch=not options.skip_compiled_torch))
    for samples in BATCHES[1:]:
        measuring.table(calls(samples, options.rounds))
    measuring.table(preparing(options.rounds))


def matrix_peak(rounds: int) -> float:
    """Return the operations per second of a large matrix product."""
    random = np.random.default_rng(0)
    left, right = (random.normal(size=(1024, 1024)).astype(np.float32) for _ in range(2))
    out = np.empty_like(left)
    seconds = measuring.best_of({"": lambda: np.matmul(left, right, out=out)}, rounds)[""]
    return 2 * 1024**3 / seconds


class Case:
    """The network with random numbers, and its contestants: each takes some steps and returns parameters."""

    def __init__(self, samples: int) -> None:
        self.samples = samples
        self.derivation = sbp.derive(problem())
        random = np.random.default_rng(1)
        self.parameters = {
            name: (0.05 * random.normal(size=shape)).astype(np.float32)
            for name, shape in self.derivation.problem.parameter_shapes().items()
        }
        self.x = random.uniform(size=(samples, WIDTHS[0])).astype(np.float32)
        self.labels = random.integers(WIDTHS[-1], size=samples)
        self.y = np.eye(WIDTHS[-1], dtype=np.float32)[self.labels]

    def ours(self, backend: str) -> Callable[[int], Arrays]:
        """Return our own descent."""
        runner = Runner(sbp.compile(self.derivation, backend, "float32"), self.parameters, self.x, self.labels)

        def run(steps: int) -> Arrays:
            runner.run(np.full(steps, RATE))
            return runner.parameters

        return run

    def tutorial(self) -> Callable[[int], Arrays]:
        """Return the descent as tutorials write it: a line for each formula, a new array for each result."""
        w = {name: array.copy() for name, array in self.parameters.items()}
        x, y, m = self.x, self.y, np.float32(self.samples)

        def run(steps: int) -> Arrays:
            losses = []
            for _ in range(steps):
                z1 = x @ w["W1"].T + w["b1"]
                a1 = np.maximum(z1, 0)
                z2 = a1 @ w["W2"].T + w["b2"]
                e = np.exp(z2 - z2.max(axis=1, keepdims=True))
                a2 = e / e.sum(axis=1, keepdims=True)
                losses.append(-np.sum(y * np.log(a2)) / m)
                d2 = (a2 - y) / m
                d1 = (d2 @ w["W2"]) * (z1 > 0)
                gradients = {"W1": d1.T @ x, "b1": d1.sum(axis=0), "W2": d2.T @ a1, "b2": d2.sum(axis=0)}
                for name, gradient in gradients.items():
                    w[name] -= RATE * gradient
            return w

        return run

    def buffers(self, *, updates: bool = True) -> Callable[[int], Arrays]:
        """Return the descent as one writes it by hand for speed: every result into an array that is made once.

        Without `updates` loss and gradients are computed and nothing is changed.
        """
        w = {name: array.copy() for name, array in self.parameters.items()}
        W1, b1, W2, b2 = w.values()
        x, y, labels, m = self.x, self.y, self.labels, np.float32(self.samples)
        g = {name: np.empty_like(array) for name, array in w.items()}
        z1, a1, d1, mask = (np.empty((self.samples, WIDTHS[1]), kind) for kind in ("f4", "f4", "f4", "?"))
        z2, a2, d2 = (np.empty((self.samples, WIDTHS[2]), np.float32) for _ in range(3))
        row, rows = np.empty((self.samples, 1), np.float32), np.arange(self.samples)

        def run(steps: int) -> Arrays:
            losses = []
            for _ in range(steps):
                np.matmul(x, W1.T, out=z1)
                np.add(z1, b1, out=z1)
                np.maximum(z1, 0, out=a1)
                np.matmul(a1, W2.T, out=z2)
                np.add(z2, b2, out=z2)
                np.max(z2, axis=1, keepdims=True, out=row)
                np.subtract(z2, row, out=z2)
                np.exp(z2, out=a2)
                np.sum(a2, axis=1, keepdims=True, out=row)
                np.divide(a2, row, out=a2)
                losses.append((np.log(row).sum() - z2[rows, labels].sum()) / m)
                np.subtract(a2, y, out=d2)
                np.divide(d2, m, out=d2)
                np.matmul(d2.T, a1, out=g["W2"])
                np.sum(d2, axis=0, out=g["b2"])
                np.matmul(d2, W2, out=d1)
                np.greater(z1, 0, out=mask)
                np.multiply(d1, mask, out=d1)
                np.matmul(d1.T, x, out=g["W1"])
                np.sum(d1, axis=0, out=g["b1"])
                for name, array in w.items() if updates else ():
                    np.multiply(g[name], RATE, out=g[name])
                    np.subtract(array, g[name], out=array)
            return w if updates else g

        return run

    def torch_eager(self) -> Callable[[int], Arrays]:
        """Return the descent with torch's automatic differentiation and updates by hand."""
        import torch

        w = {name: torch.tensor(array, requires_grad=True) for name, array in self.parameters.items()}
        x, labels = torch.tensor(self.x), torch.tensor(self.labels)

        def run(steps: int) -> Arrays:
            for _ in range(steps):
                a1 = torch.relu(torch.nn.functional.linear(x, w["W1"], w["b1"]))
                loss = torch.nn.functional.cross_entropy(torch.nn.functional.linear(a1, w["W2"], w["b2"]), labels)
                loss.backward()
                with torch.no_grad():
                    for tensor in w.values():
                        tensor.sub_(tensor.grad, alpha=float(RATE))
                        tensor.grad = None
                loss.item()
            return {name: tensor.detach().numpy() for name, tensor in w.items()}

        return run

    def torch_nn(self, *, compiled: bool = False) -> Callable[[int], Arrays]:
        """Return the descent with torch.nn and torch.optim, the model with its loss compiled or not."""
        import torch

        model = torch.nn.Sequential(
            torch.nn.Linear(*WIDTHS[:2]), torch.nn.ReLU(), torch.nn.Linear(*WIDTHS[1:]), torch.nn.LogSoftmax(dim=1)
        )
        names = dict(zip(self.parameters, model.parameters(), strict=True))
        with torch.no_grad():
            for name, tensor in names.items():
                tensor.copy_(torch.tensor(self.parameters[name]))
        optimizer = torch.optim.SGD(model.parameters(), lr=float(RATE))
        x, labels = torch.tensor(self.x), torch.tensor(self.labels)

        def loss_of(x: Any, labels: Any) -> Any:
            return torch.nn.functional.nll_loss(model(x), labels)

        forward = torch.compile(loss_of) if compiled else loss_of

        def run(steps: int) -> Arrays:
            for _ in range(steps):
                optimizer.zero_grad(set_to_none=True)
                loss = forward(x, labels)
                loss.backward()
                optimizer.step()
                loss.item()
            return {name: tensor.detach().numpy() for name, tensor in names.items()}

        return run

    def products(self) -> Callable[[int], Arrays]:
        """Return the matrix products of a step, and nothing else."""
        W1, _, W2, _ = (array.copy() for array in self.parameters.values())
        z1, z2 = (np.empty((self.samples, width), np.float32) for width in WIDTHS[1:])
        g1, g2 = np.empty_like(W1), np.empty_like(W2)
        d1 = np.ones_like(z1)

        def run(steps: int) -> Arrays:
            for _ in range(steps):
                np.matmul(self.x, W1.T, out=z1)
                np.matmul(z1, W2.T, out=z2)
                np.matmul(z2.T, z1, out=g2)
                np.matmul(z2, W2, out=z1)
                np.matmul(d1.T, self.x, out=g1)
            return {}

        return run


def problem() -> Problem:
    """Return the network without numbers."""
    return sbp.network(WIDTHS, activations=["relu", "softmax"], loss="cross_entropy")


def race(samples: int, rounds: int, peak: float, *, compiled_torch: bool) -> Iterator[Line]:
    """Yield the times of one batch size."""
    case = Case(samples)
    contestants: dict[str, Callable[[int], Arrays]] = {"ours, numpy": case.ours("numpy")}
    if BACKENDS["numba"].is_installed:
        contestants["ours, numba"] = case.ours("numba")
    contestants |= {"NumPy with buffers": case.buffers(), "tutorial NumPy": case.tutorial()}
    if measuring.is_installed("torch"):
        import torch

        torch.set_num_threads(1)
        contestants |= {"torch eager": case.torch_eager(), "torch.nn": case.torch_nn()}
        if compiled_torch:
            contestants["torch.compile"] = case.torch_nn(compiled=True)
    expected = case.tutorial()(3)
    agree = {}
    for name, run in list(contestants.items()):
        try:
            found = run(3)
        except Exception as error:  # torch.compile needs a compiler that it can use
            yield Line(f"batch {samples}: {name}", f"does not run: {type(error).__name__}")
            del contestants[name]
            continue
        agree[name] = all(np.allclose(found[key], expected[key], rtol=1e-3, atol=1e-5) for key in expected)
    contestants["matrix products alone"] = case.products()
    seconds = measuring.best_of({name: functools.partial(run, STEPS) for name, run in contestants.items()}, rounds)
    step = {name: time / STEPS for name, time in seconds.items()}
    mine = step["ours, numpy"]
    best_torch = min((name for name in step if name.startswith("torch")), key=step.__getitem__, default=None)
    for name, time in step.items():
        ratio, target, met = time / mine, "", None
        if name == "NumPy with buffers":
            target, met = measuring.at_least(ratio, 1.0)
        elif name == best_torch:
            target, met = measuring.at_least(ratio, 1.2)
        verdict = "" if name not in agree else f" (agrees: {agree[name]})"
        met = None if met is None else met and agree[name]
        yield Line(f"batch {samples}: {name}{verdict}", f"{1e6 * time:,.0f} µs, {ratio:.2f} ×", target, met)
    edges = WIDTHS[0] * WIDTHS[1] + WIDTHS[1] * WIDTHS[2]
    rate = (4 * samples * edges + 2 * samples * WIDTHS[1] * WIDTHS[2]) / mine
    is_judged = samples == 128
    share = f"{rate / 1e9:.0f} GFLOP/s, {100 * rate / peak:.0f} % of peak"
    yield Line(
        f"batch {samples}: ours", share, "≥ 70 %" if is_judged else "", rate >= 0.7 * peak if is_judged else None
    )
    products = step["matrix products alone"] / mine
    yield Line(f"batch {samples}: share of our step that its matrix products take alone", f"{100 * products:.0f} %")


def calls(samples: int, rounds: int) -> Iterator[Line]:
    """Yield the time of a call of a compiled gradient, arguments checked, and of loss and gradients by hand."""
    case = Case(samples)
    gradient, by_hand = sbp.compile(case.derivation, "numpy", "float32"), case.buffers(updates=False)
    found, expected = gradient(case.parameters, case.x, case.y)[1], by_hand(1)
    agree = all(np.allclose(found[name], expected[name], rtol=1e-3, atol=1e-5) for name in expected)
    runs: dict[str, Callable[[], Any]] = {
        "NumPy with buffers": lambda: by_hand(1),
        "gradient(parameters, x, y)": lambda: gradient(case.parameters, case.x, case.y),
        "gradient(parameters, x, labels)": lambda: gradient(case.parameters, case.x, case.labels),
        "gradient(…, out=…)": lambda: gradient(case.parameters, case.x, case.y, out=found),
    }
    seconds = measuring.best_of(runs, 5 * rounds)
    for name, time in seconds.items():
        ratio = seconds["NumPy with buffers"] / time
        target, met = ("", None) if name.startswith("NumPy") else measuring.at_least(ratio, 1.0)
        what = f"batch {samples}, a call: {name} (agrees: {agree})"
        yield Line(what, f"{1e6 * time:,.0f} µs, {ratio:.2f} ×", target, None if met is None else met and agree)


def latex(derivation: Derivation) -> list[str]:
    """Return the equations and the gradients between arrays as LaTeX."""
    graph = derivation.graph
    laid_out = layout.of(Notation.of(graph, derivation.problem.notation))
    lines = [(Name(equation.name), equation.formula) for equation in graph.equations]
    gradients = matrix_grain.gradients(graph).items()
    lines += [(Adjoint(name), matrix_grain.gradient_formula(shares)) for name, shares in gradients if shares]
    pairs = [(left, matrix.as_arrays(graph, right)) for left, right in lines]
    return [" = ".join(tex.write(laid_out.box(side)) for side in pair) for pair in pairs]


def preparing(rounds: int) -> Iterator[Line]:
    """Yield the time from the problem to LaTeX, source and a function that can be called."""
    whole = problem()

    def run() -> None:
        derivation = sbp.derive(whole)
        assert len(latex(derivation)) > len(derivation.graph.equations)
        assert sbp.compile(derivation, dtype="float32").source

    best = measuring.best_of({"": run}, rounds)[""]
    yield Line(
        "derive, LaTeX between arrays, source and compile, warm", f"{1e3 * best:.1f} ms", "≤ 5 ms", best <= 0.005
    )


if __name__ == "__main__":
    main()
