"""How long training takes on problems that fit on a page: `python benchmarks/train_tiny.py`.

What is measured is the call that users make, `sbp.train`. Every contestant takes the same steps from the
same parameters, in float64 on one thread, notes the loss of every step, and ends at the same numbers before its time counts.
The limit is the same loop in C by hand, compiled by gcc. The loop inside, without what a training does around it, is for
information.
"""

from __future__ import annotations

import argparse
import ctypes
import functools
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import measuring
import numpy as np
from measuring import Line

import symbackprop as sbp
from symbackprop.compilation import Runner
from symbackprop.compilation.backends import BACKENDS

RATE = 0.1
PROBLEMS = {"2-2-2": ((2, 2, 2), 1), "2-3-3-1": ((2, 3, 3, 1), 1), "XOR, batch of 4": ((2, 2, 1), 4)}
"""Widths and number of samples: sigmoid units, half the squared error, a bias for each unit."""

Arrays = dict[str, np.ndarray[Any, Any]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="runs of each contestant, of which the best counts")
    options = parser.parse_args()
    measuring.alone()
    measuring.show(measuring.machine() + measuring.kernels())
    for name, (widths, samples) in PROBLEMS.items():
        measuring.table(race(name, widths, samples, options.rounds))
    measuring.table(onlookers(options.rounds))
    measuring.table(beginnings(options.rounds))
    if BACKENDS["numba"].is_installed:
        measuring.table(one_sample(options.rounds))
        measuring.table(loops(options.rounds))
    measuring.table(crossover(options.rounds))


def sigmoid(z: Any) -> Any:
    """Return σ(z), as tutorials write it."""
    return 1 / (1 + np.exp(-z))


def sigmoid_derivative(a: Any) -> Any:
    """Return σ′ by the value a = σ(z)."""
    return a * (1 - a)


class Case:
    """One problem with numbers, and what its contestants share."""

    def __init__(self, widths: tuple[int, ...], samples: int) -> None:
        self.widths, self.samples, self.depth = widths, samples, len(widths) - 1
        problem = sbp.network(widths, activations=["sigmoid"] * self.depth, loss="half_squared_error")
        self.derivation = sbp.derive(problem)
        random = np.random.default_rng(1)
        self.parameters = {name: random.uniform(-1, 1, shape) for name, shape in problem.parameter_shapes().items()}
        self.x, self.y = random.uniform(size=(samples, widths[0])), random.uniform(size=(samples, widths[-1]))

    def copy(self) -> Arrays:
        """Return the parameters to begin with."""
        return {name: array.copy() for name, array in self.parameters.items()}

    # The contestants: each takes a number of steps and returns the parameters after them

    def ours(self, backend: str, steps: int, **asked: Any) -> Arrays:
        """Take the steps by the call that users make."""
        options = {"parameters": self.parameters, "learning_rate": RATE, "epochs": steps, "backend": backend, **asked}
        return dict(sbp.train(self.derivation, self.x, self.y, **options).parameters)

    def loop(self, backend: str, steps: int) -> Arrays:
        """Take the steps with the loop inside our training."""
        runner = self._runner(backend)
        runner.run(np.full(steps, RATE))
        return runner.parameters

    def _runner(self, backend: str) -> Runner:
        compiled = self._compiled(backend)
        return Runner(compiled, self.parameters, self.x, self.y)

    @functools.cache  # noqa: B019 - a benchmark keeps what it compiled
    def _compiled(self, backend: str) -> Any:
        return sbp.compile(self.derivation, backend)

    def tutorial(self, steps: int) -> Arrays:
        """Take the steps as tutorials write them in NumPy: a function for σ, one for σ′, a line for each formula."""
        w, losses = self.copy(), []
        for _ in range(steps):
            a = [self.x]
            for layer in range(1, self.depth + 1):
                z = np.dot(a[-1], w[f"W{layer}"].T) + w[f"b{layer}"]
                a.append(sigmoid(z))
            losses.append(np.sum((a[-1] - self.y) ** 2) / (2 * self.samples))
            delta = (a[-1] - self.y) / self.samples * sigmoid_derivative(a[-1])
            for layer in range(self.depth, 0, -1):
                gradient_w, gradient_b = np.dot(delta.T, a[layer - 1]), np.sum(delta, axis=0)
                if layer > 1:
                    delta = np.dot(delta, w[f"W{layer}"]) * sigmoid_derivative(a[layer - 1])
                w[f"W{layer}"] -= RATE * gradient_w
                w[f"b{layer}"] -= RATE * gradient_b
        return w

    def torch(self, steps: int) -> Arrays:
        """Take the steps with torch's automatic differentiation, one operation after the other."""
        import torch

        losses = []
        w = {name: torch.tensor(array, requires_grad=True) for name, array in self.parameters.items()}
        x, y = torch.tensor(self.x), torch.tensor(self.y)
        for _ in range(steps):
            a = x
            for layer in range(1, self.depth + 1):
                a = torch.sigmoid(a @ w[f"W{layer}"].T + w[f"b{layer}"])
            loss = 0.5 * ((a - y) ** 2).sum() / self.samples
            losses.append(loss.item())
            loss.backward()
            with torch.no_grad():
                for tensor in w.values():
                    tensor -= RATE * tensor.grad
                    tensor.grad = None
        return {name: tensor.detach().numpy() for name, tensor in w.items()}

    def jax(self, steps: int) -> Arrays:
        """Take the steps with one call of a compiled step each."""
        w, step = self._jax()
        losses = []
        for _ in range(steps):
            loss, w = step(w)
            losses.append(loss)
        return {name: np.asarray(array) for name, array in w.items()}

    @functools.cache  # noqa: B019 - a benchmark keeps what it compiled
    def _jax(self) -> tuple[Any, Callable[[Any], Any]]:
        import jax

        jax.config.update("jax_enable_x64", True)

        def loss(w: Any) -> Any:
            a = self.x
            for layer in range(1, self.depth + 1):
                a = jax.nn.sigmoid(a @ w[f"W{layer}"].T + w[f"b{layer}"])
            return 0.5 * ((a - self.y) ** 2).sum() / self.samples

        def step(w: Any) -> Any:
            value, gradients = jax.value_and_grad(loss)(w)
            return value, jax.tree.map(lambda p, g: p - RATE * g, w, gradients)

        return {name: jax.numpy.asarray(array) for name, array in self.parameters.items()}, jax.jit(step)

    def c(self, steps: int) -> Arrays:
        """Take the steps in C."""
        names = [f"{letter}{layer + 1}" for layer in range(self.depth) for letter in "Wb"]
        flat = np.concatenate([self.parameters[name].ravel() for name in names])
        pointer = ctypes.POINTER(ctypes.c_double)
        arrays = [np.ascontiguousarray(array) for array in (flat, self.x, self.y, np.zeros(steps))]
        self._library().descend(*(array.ctypes.data_as(pointer) for array in arrays), ctypes.c_int(steps))
        found, start = {}, 0
        for name in names:
            shape = self.parameters[name].shape
            found[name] = arrays[0][start : start + int(np.prod(shape))].reshape(shape)
            start += found[name].size
        return found

    @functools.cache  # noqa: B019 - a benchmark keeps what it compiled
    def _library(self) -> ctypes.CDLL:
        folder = Path(tempfile.mkdtemp())
        (folder / "descend.c").write_text(self._c_source())
        options = ["-O3", "-march=native", "-shared", "-fPIC"]
        subprocess.run(["gcc", *options, "descend.c", "-o", "descend.so", "-lm"], cwd=folder, check=True)
        return ctypes.CDLL(str(folder / "descend.so"))

    def _c_source(self) -> str:
        """Return the loop with sizes that the compiler knows, so that it can unroll all of it."""
        declarations, forward, backward, update = [], [], [], []
        start = 0
        for layer, (before, after) in enumerate(zip(self.widths, self.widths[1:], strict=False), start=1):
            declarations += [
                f"double W{layer}[{after}][{before}], b{layer}[{after}], gW{layer}[{after}][{before}], gb{layer}[{after}];",
                f"double a{layer}[{after}], d{layer}[{after}];",
                f"memcpy(W{layer}, p + {start}, sizeof W{layer});",
                f"memcpy(b{layer}, p + {start + before * after}, sizeof b{layer});",
            ]
            start += after * (before + 1)
            source = f"a{layer - 1}" if layer > 1 else f"(x + n * {before})"
            forward.append(
                f"for (int j = 0; j < {after}; j++) {{ double z = b{layer}[j];"
                f" for (int k = 0; k < {before}; k++) z += W{layer}[j][k] * {source}[k];"
                f" a{layer}[j] = 1 / (1 + exp(-z)); }}"
            )
            slope = f"a{layer}[j] * (1 - a{layer}[j])"
            if layer == self.depth:
                error = (
                    f"double e = a{layer}[j] - y[n * {after} + j]; loss += 0.5 * e * e / {self.samples};"
                    f" d{layer}[j] = e / {self.samples} * {slope};"
                )
            else:
                wide = self.widths[layer + 1]
                error = (
                    f"double e = 0; for (int i = 0; i < {wide}; i++) e += W{layer + 1}[i][j] * d{layer + 1}[i];"
                    f" d{layer}[j] = e * {slope};"
                )
            backward.append(
                f"for (int j = 0; j < {after}; j++) {{ {error} gb{layer}[j] += d{layer}[j];"
                f" for (int k = 0; k < {before}; k++) gW{layer}[j][k] += d{layer}[j] * {source}[k]; }}"
            )
            update.append(
                f"for (int j = 0; j < {after}; j++) {{ b{layer}[j] -= {RATE} * gb{layer}[j];"
                f" for (int k = 0; k < {before}; k++) W{layer}[j][k] -= {RATE} * gW{layer}[j][k]; }}"
            )
        layers = range(1, self.depth + 1)
        zero = " ".join(f"memset(gW{n}, 0, sizeof gW{n}); memset(gb{n}, 0, sizeof gb{n});" for n in layers)
        back, start = [], 0
        for layer, (before, after) in enumerate(zip(self.widths, self.widths[1:], strict=False), start=1):
            back.append(f"memcpy(p + {start}, W{layer}, sizeof W{layer});")
            back.append(f"memcpy(p + {start + before * after}, b{layer}, sizeof b{layer});")
            start += after * (before + 1)
        return "\n".join(
            [
                "#include <math.h>\n#include <string.h>",
                "void descend(double *p, const double *x, const double *y, double *losses, int steps) {",
                *declarations,
                "for (int step = 0; step < steps; step++) {",
                f"double loss = 0; {zero}",
                f"for (int n = 0; n < {self.samples}; n++) {{",
                *forward,
                *reversed(backward),
                "}",
                *update,
                "losses[step] = loss; }",
                *back,
                "}",
            ]
        )


def race(name: str, widths: tuple[int, ...], samples: int, rounds: int) -> Iterator[Line]:
    """Yield the times of one problem."""
    case = Case(widths, samples)
    contestants: dict[str, tuple[Callable[[int], Arrays], int]] = {
        "ours, numpy": (functools.partial(case.ours, "numpy"), 10_000),
        "the loop inside, numpy": (functools.partial(case.loop, "numpy"), 10_000),
        "tutorial NumPy": (case.tutorial, 2_000),
    }
    if BACKENDS["numba"].is_installed:
        contestants["ours, numba"] = functools.partial(case.ours, "numba"), 1_000_000
        contestants["the loop inside, numba"] = functools.partial(case.loop, "numba"), 1_000_000
    if shutil.which("gcc"):
        contestants["C by hand"] = case.c, 1_000_000
    if measuring.is_installed("torch"):
        import torch

        torch.set_num_threads(1)
        contestants["torch eager"] = case.torch, 500
    if measuring.is_installed("jax"):
        contestants["jax.jit, a call each"] = case.jax, 2_000
    expected = case.tutorial(100)
    agree = {
        each: all(np.allclose(run(100)[key], expected[key], rtol=1e-9, atol=1e-12) for key in expected)
        for each, (run, _) in contestants.items()
    }
    seconds = measuring.best_of(
        {each: functools.partial(run, count) for each, (run, count) in contestants.items()}, rounds
    )
    step = {each: seconds[each] / contestants[each][1] for each in contestants}
    mine = step["ours, numpy"]
    for each, time in step.items():
        ratio = time / mine
        target, met = {
            "tutorial NumPy": measuring.at_least(ratio, 10),
            "torch eager": measuring.at_least(ratio, 35),
        }.get(each, ("", None))
        shown = f"{1e6 * time:.2f} µs, {ratio:.2f} ×"
        if each.endswith("numba") and "C by hand" in step:
            ratio = time / step["C by hand"]
            shown = f"{1e6 * time:.3f} µs, {ratio:.2f} × C"
            if each.startswith("ours"):
                target, met = "≤ 1.5 × C", ratio <= 1.5
        if each == "C by hand":
            shown = f"{1e6 * time:.3f} µs"
        yield Line(
            f"{name}: {each} (agrees: {agree[each]})", shown, target, None if met is None else met and agree[each]
        )


def onlookers(rounds: int) -> Iterator[Line]:
    """Yield how many times as long training takes with somebody who looks at every epoch."""
    case, epochs = Case((2, 2, 1), 4), 10_000
    data = (case.x, case.y)
    kinds: dict[str, dict[str, Any]] = {
        "nobody": {},
        "stop": {"stop": {"patience": 100_000}},
        "validation_data": {"validation_data": data},
        "validation_data and stop": {"validation_data": data, "stop": {"patience": 100_000}},
        "record": {"record": range(1, epochs + 1)},
        "a callback": {"callbacks": [lambda state: None]},
    }
    runs = {name: functools.partial(case.ours, "numpy", epochs, **kind) for name, kind in kinds.items()}
    seconds = measuring.best_of(runs, rounds)
    for name, time in seconds.items():
        ratio = time / seconds["nobody"]
        target = ("", None) if name == "nobody" else ("≤ 1.3 ×", ratio <= 1.3)
        yield Line(f"XOR, numpy, at every epoch: {name}", f"{1e6 * time / epochs:.2f} µs, {ratio:.2f} ×", *target)


def beginnings(rounds: int) -> Iterator[Line]:
    """Yield how long a training of one update takes when one of the same structure was there before."""
    backends = [name for name in ("numpy", "numba") if BACKENDS[name].is_installed]
    cases = {name: functools.partial(sbp.train, sbp.example("xor"), epochs=1, backend=name) for name in backends}
    for name, time in measuring.best_of(cases, 10 * rounds).items():
        yield Line(
            f"a second sbp.train of the same structure, 1 epoch, {name}", f"{1e3 * time:.2f} ms", "≤ 1 ms", time <= 1e-3
        )


def one_sample(rounds: int) -> Iterator[Line]:
    """Yield the time of an update on one sample with Adam, beyond the size of straight lines, and that of loops by hand."""
    import numba

    hidden, steps, samples = 64, 3_000, 300
    random = np.random.default_rng(2)
    problem = sbp.network((4, hidden, 3), activations=["tanh", "softmax"], loss="cross_entropy")
    x, labels = random.normal(size=(samples, 4)), random.integers(3, size=samples)
    start = {name: random.normal(size=shape) / 4 for name, shape in problem.parameter_shapes().items()}

    @numba.njit(error_model="numpy")  # type: ignore[untyped-decorator]
    def descend(W1: Any, b1: Any, W2: Any, b2: Any, x: Any, labels: Any, rate: float, steps: int) -> Any:
        parameters = (W1.ravel(), b1, W2.ravel(), b2)
        gradients = (np.zeros(W1.size), np.zeros(b1.size), np.zeros(W2.size), np.zeros(b2.size))
        m = (np.zeros(W1.size), np.zeros(b1.size), np.zeros(W2.size), np.zeros(b2.size))
        v = (np.zeros(W1.size), np.zeros(b1.size), np.zeros(W2.size), np.zeros(b2.size))
        a1, z2, losses = np.zeros(b1.size), np.zeros(b2.size), np.zeros(steps)
        for step in range(steps):
            row = step % len(x)
            for j in range(b1.size):
                z = b1[j]
                for k in range(W1.shape[1]):
                    z += W1[j, k] * x[row, k]
                a1[j] = np.tanh(z)
            for i in range(b2.size):
                z2[i] = b2[i]
                for j in range(b1.size):
                    z2[i] += W2[i, j] * a1[j]
            largest = z2.max()
            total = 0.0
            for i in range(b2.size):
                total += np.exp(z2[i] - largest)
            losses[step] = np.log(total) + largest - z2[labels[row]]
            for i in range(b2.size):
                gradients[3][i] = np.exp(z2[i] - largest) / total - (i == labels[row])
                for j in range(b1.size):
                    gradients[2][i * b1.size + j] = gradients[3][i] * a1[j]
            for j in range(b1.size):
                d = 0.0
                for i in range(b2.size):
                    d += W2[i, j] * gradients[3][i]
                gradients[1][j] = d * (1 - a1[j] * a1[j])
                for k in range(W1.shape[1]):
                    gradients[0][j * W1.shape[1] + k] = gradients[1][j] * x[row, k]
            one, two = 1 - 0.9 ** (step + 1), 1 - 0.999 ** (step + 1)
            for n in range(4):
                for k in range(gradients[n].size):
                    g = gradients[n][k]
                    m[n][k] = 0.9 * m[n][k] + 0.1 * g
                    v[n][k] = 0.999 * v[n][k] + 0.001 * g * g
                    parameters[n][k] -= rate * (m[n][k] / one) / (np.sqrt(v[n][k] / two) + 1e-8)
        return losses

    def by_hand() -> Any:
        return descend(*(array.copy() for array in start.values()), x, labels, 0.001, steps)

    def ours(backend: str) -> Any:
        options = {"optimizer": "adam", "learning_rate": 0.001, "steps": steps, "batch_size": 1, "backend": backend}
        return sbp.train(problem, x, labels, parameters=start, **options).losses

    names = ("numba", "numpy")
    agree = all(np.allclose(by_hand(), ours(backend), rtol=1e-9) for backend in names)
    runs = {"loops by hand, numba": by_hand, **{f"ours, {name}": functools.partial(ours, name) for name in names}}
    seconds = measuring.best_of(runs, max(rounds // 3, 2))
    for name, time in seconds.items():
        ratio = time / seconds["loops by hand, numba"]
        target = ("≤ 1.5 ×", ratio <= 1.5 and agree) if name == "ours, numba" else ("", None)
        what = f"4-{hidden}-3, one sample, Adam: {name} (agrees: {agree})"
        yield Line(what, f"{1e6 * time / steps:.2f} µs, {ratio:.1f} ×", *target)


def loops(rounds: int) -> Iterator[Line]:
    """Yield the time of a step in Numba's loops and with NumPy's matrix products, over the size that decides which."""
    from symbackprop.compilation.backends import numba as backend
    from symbackprop.compilation.loop_engine import LoopEngine

    for widths, samples in (((4, 64, 3), 4), ((64, 64, 64, 10), 1), ((4, 64, 3), 64), ((64, 64, 64, 10), 8)):
        case = Case(widths, samples)
        runners = {}
        for name, limit in (("loops", 10**9), ("matrix products", 0)):
            chosen, backend.LOOPS = backend.LOOPS, limit
            runners[name] = Runner(sbp.compile(case.derivation, "numba"), case.parameters, case.x, case.y)
            assert isinstance(runners[name].gradient.engine(samples), LoopEngine) == (name == "loops")
            backend.LOOPS = chosen
        runs = {name: functools.partial(each.run, [0.01] * 200) for name, each in runners.items()}
        found = measuring.best_of(runs, rounds)
        size = runners["loops"].gradient.plan(samples).edges
        text = " / ".join(f"{1e6 * found[name] / 200:.1f}" for name in runners)
        yield Line(f"numba, size {size:,}: {' / '.join(runners)} (crossover at {backend.LOOPS:,})", f"{text} µs")


def crossover(rounds: int) -> Iterator[Line]:
    """Yield the time of a step in straight lines and between arrays, over the size that decides between them."""
    from symbackprop.compilation.array_engine import ArrayEngine
    from symbackprop.compilation.backends import numpy as backend

    for widths, samples in (((2, 3, 4), 4), ((4, 8, 2), 4), ((8, 8, 2), 4), ((8, 8, 2), 8)):
        case = Case(widths, samples)
        runners = []
        for limit in (10**9, 0):
            chosen, backend.CROSSOVER = backend.CROSSOVER, limit
            runners.append(Runner(sbp.compile(case.derivation), case.parameters, case.x, case.y))
            runners[-1].gradient.engine(samples)
            backend.CROSSOVER = chosen
        assert isinstance(runners[1].gradient.engine(samples), ArrayEngine)
        names = ("straight lines", "arrays")
        runs = {name: functools.partial(each.run, [0.01] * 500) for name, each in zip(names, runners, strict=True)}
        found = measuring.best_of(runs, rounds)
        size = runners[0].gradient.plan(samples).edges
        text = " / ".join(f"{1e6 * found[name] / 500:.1f}" for name in names)
        yield Line(f"size {size:,}: straight lines / arrays (crossover at {backend.CROSSOVER:,})", f"{text} µs")


if __name__ == "__main__":
    main()
