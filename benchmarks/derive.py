"""How long symbolic derivation takes, as ratios: `python benchmarks/derive.py`.

Every comparison runs in one process, one after the other, and says whether the numbers agree. Times depend on the machine;
the ratios and the exponent travel. benchmarks/README.md says how to read the table.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import itertools
import math
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any

import sympy
from measuring import Line, machine, show, table, times

import symbackprop as sbp
from symbackprop.algebra.shapes import shape_of
from symbackprop.derivation import dense, matrix_grain
from symbackprop.derivation.derivations import Derivation, derive
from symbackprop.problems import Problem

SQUARE = (7, 12, 22, 39, 71)
"""Networks k-k-k have 2k² edges: 98 to 10,082."""
SMALL = (4, 8, 8, 2)
WIDE = (784, 16, 10)
LARGE = (784, 128, 10)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=15, help="runs of each warm measurement (default 15)")
    parser.add_argument("--skip-composed", action="store_true", help="leave out the comparison that takes ten seconds")
    options = parser.parse_args()
    show(machine())
    for section in (growth, wide, matrix_gradients):
        table(section(options.repeat))
    if not options.skip_composed:
        table(composed(options.repeat))


def network(widths: Sequence[int], **numbers: object) -> Problem:
    """Return a network of sigmoid units with half the squared error."""
    layers = [{"units": units, "activation": "sigmoid"} for units in widths[1:]]
    return sbp.problem({"network": {"inputs": widths[0], "layers": layers, "loss": "half_squared_error"}, **numbers})


def edges(widths: Sequence[int]) -> int:
    """Return the number of weights."""
    return sum(before * after for before, after in itertools.pairwise(widths))


def derived(problem: Problem) -> Derivation:
    """Return the derivation with its links, which are worked out when they are first read."""
    derivation = derive(problem)
    assert len(derivation.links)
    return derivation


def milliseconds(found: Sequence[float]) -> str:
    """Return median and best of some times."""
    return f"{1e3 * statistics.median(found):.1f} ms (best {1e3 * found[0]:.1f})"


# The element grain


def growth(repeat: int) -> Iterator[Line]:
    """Yield the times over networks of 10² to 10⁴ edges, and the exponent of their growth."""
    points = []
    for width in SQUARE:
        problem = network((width,) * 3)
        best = times(functools.partial(derived, problem), repeat)[0]
        points.append((math.log(edges((width,) * 3)), math.log(best)))
        per_edge = 1e6 * best / edges((width,) * 3)
        yield Line(f"derive {width}-{width}-{width}, {edges((width,) * 3):,} edges", f"{per_edge:.2f} µs per edge")
    slope = statistics.linear_regression(*zip(*points, strict=True)).slope
    yield Line("exponent of the time over the edges (fit to the best runs)", f"{slope:.3f}", "≤ 1.1", slope <= 1.1)


def wide(repeat: int) -> Iterator[Line]:
    """Yield the time of 784-16-10, where every partial is a SymPy expression for the asking."""
    problem = network(WIDE)
    found = times(lambda: derived(problem), repeat)
    median = statistics.median(found)
    yield Line(
        f"derive {'-'.join(map(str, WIDE))}, {edges(WIDE):,} edges, warm",
        milliseconds(found),
        "≤ 50 ms",
        median <= 0.05,
    )
    derivation = derive(problem)
    expression = derivation.gradient_expression("W1_16_784")
    agree = expression == sympy.Symbol("x_784", real=True) * sympy.Symbol("delta1_16", real=True)
    asked = times(lambda: derivation.gradient_expression("W1_16_784"), repeat)
    yield Line(f"  ∂L/∂W1_16_784 = {expression} as SymPy, on demand", f"{1e6 * asked[0]:.0f} µs", "", agree)
    yield from _casadi(derivation, median)


def _casadi(derivation: Derivation, seconds: float) -> Iterator[Line]:
    """Yield the ratio to casadi's reverse mode on the same scalars, where it is installed."""
    if importlib.util.find_spec("casadi") is None:
        yield Line("  casadi", "not installed")
        return
    casadi = importlib.import_module("casadi")

    def run() -> object:
        activation, parameters = casadi.SX.sym("x", WIDE[0]), []
        for number, (before, after) in enumerate(itertools.pairwise(WIDE), start=1):
            weights, biases = casadi.SX.sym(f"W{number}", after, before), casadi.SX.sym(f"b{number}", after)
            parameters += [casadi.vec(weights), biases]
            activation = 1 / (1 + casadi.exp(-(weights @ activation + biases)))
        loss = casadi.sumsqr(activation - casadi.SX.sym("y", WIDE[-1])) / 2
        gradient = casadi.gradient(loss, casadi.vertcat(*parameters))
        assert gradient.numel() == sum(len(quantity.elements()) for quantity in derivation.parameters)
        return gradient

    other = statistics.median(times(run, 3))
    yield Line("  casadi SX, graph and gradient (C++)", f"{1e3 * other:.1f} ms, {other / seconds:.2f} of ours")


# The matrix grain


def matrix_gradients(repeat: int) -> Iterator[Line]:
    """Yield the time of graph and matrix gradients of 784-128-10."""
    problem = network(LARGE)
    found = times(lambda: matrix_grain.gradients(dense.graph_of(problem, problem.samples)), repeat)
    name = "-".join(map(str, LARGE))
    graph = dense.graph_of(problem, problem.samples)
    contributions = matrix_grain.gradients(graph)
    fit = all(
        shape_of(matrix_grain.gradient_formula(contributions[quantity.name]), graph.shapes, "") == quantity.shape
        for quantity in graph.quantities.values()
        if contributions.get(quantity.name)
    )
    yield Line(
        f"graph and matrix gradients of {name} (shapes agree: {fit})",
        milliseconds(found),
        "≤ 5 ms",
        fit and statistics.median(found) <= 0.005,
    )


# The composed loss


def composed(repeat: int) -> Iterator[Line]:
    """Yield the ratio to differentiating the composed loss of 4-8-8-2."""
    problem = network(SMALL)
    ours = statistics.median(times(lambda: derived(problem), repeat))
    name = "-".join(map(str, SMALL))
    yield Line(f"derive {name}, {edges(SMALL)} edges, warm", f"{1e3 * ours:.2f} ms")
    for library in ("sympy", "symengine"):
        if importlib.util.find_spec(library) is None:
            yield Line(f"  {library}", "not installed")
            continue
        theirs, gradients, symbols = _composed_gradients(importlib.import_module(library))
        agree = _agree(gradients, symbols)
        ratio = theirs / ours
        is_target = library == "sympy"
        yield Line(
            f"  {library}.diff of the composed loss by all parameters (agree: {agree})",
            f"{theirs:.2f} s, {ratio:,.0f} ×",
            "≥ 1,000 ×" if is_target else "",
            (agree and ratio >= 1000) if is_target else None,
        )


def _composed_gradients(library: Any) -> tuple[float, dict[str, Any], dict[str, Any]]:
    """Return the seconds that `diff` of the composed loss takes, the derivatives by parameter, and all symbols."""
    sympy.core.cache.clear_cache()
    symbols: dict[str, Any] = {}

    def symbol(name: str) -> Any:
        return symbols.setdefault(name, library.Symbol(name))

    activations, parameters = [symbol(f"x_{k + 1}") for k in range(SMALL[0])], []
    for number, units in enumerate(SMALL[1:], start=1):
        names = [[f"W{number}_{j + 1}_{k + 1}" for k in range(len(activations))] for j in range(units)]
        biases = [f"b{number}_{j + 1}" for j in range(units)]
        parameters += [*(name for row in names for name in row), *biases]
        sums = [
            symbol(bias) + sum(symbol(name) * a for name, a in zip(row, activations, strict=True))
            for row, bias in zip(names, biases, strict=True)
        ]
        activations = [1 / (1 + library.exp(-z)) for z in sums]
    loss = sum((a - symbol(f"y_{j + 1}")) ** 2 for j, a in enumerate(activations)) / 2
    start = time.perf_counter()
    gradients = {name: library.diff(loss, symbol(name)) for name in parameters}
    return time.perf_counter() - start, gradients, symbols


def _agree(gradients: dict[str, Any], symbols: dict[str, Any]) -> bool:
    """Say whether some derivatives of the composed loss have the values of the derivation, at a random point."""
    from symbackprop.evaluation.arithmetics import FLOAT
    from symbackprop.evaluation.evaluate import evaluate

    draw = random.Random(1)
    point = {name: round(draw.uniform(-1, 1), 3) for name in symbols}

    def nested(name: str, *shape: int) -> Any:
        if not shape:
            return point[name]
        return [nested(f"{name}_{k + 1}", *shape[1:]) for k in range(shape[0])]

    layers = list(enumerate(itertools.pairwise(SMALL), start=1))
    parameters = {f"W{number}": nested(f"W{number}", after, before) for number, (before, after) in layers}
    parameters |= {f"b{number}": nested(f"b{number}", after) for number, (_, after) in layers}
    data = {"x": nested("x", SMALL[0]), "y": nested("y", SMALL[-1])}
    values = evaluate(derive(network(SMALL, parameters=parameters, data=data)), FLOAT)
    numbers = {symbol: point[name] for name, symbol in symbols.items()}
    return all(
        math.isclose(values.gradient(name), float(gradients[name].subs(numbers)), rel_tol=1e-9, abs_tol=1e-12)
        for name in ("W1_1_1", "W1_8_4", "W2_3_5", "b2_8", "W3_2_8", "b3_1")
    )


if __name__ == "__main__":
    main()
