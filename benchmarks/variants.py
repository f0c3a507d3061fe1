"""How long it takes to work out every named number of 10,000 variants: `python benchmarks/variants.py`.

A variant of an exercise has numbers of its own. All values and all gradients of all variants come from one call, and some
variants are compared with an evaluation of their own before the time counts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping
from typing import Any

import measuring
import numpy as np
import sympy
from measuring import Line

import symbackprop as sbp
from symbackprop.by_hand.array_arithmetic import ARRAYS
from symbackprop.by_hand.hand_computation import GRADIENT, PATH, evaluation, hand_computation, split
from symbackprop.derivation.derivations import Derivation
from symbackprop.evaluation.arithmetics import FLOAT
from symbackprop.evaluation.evaluate import Evaluation, Values

WIDTHS = (2, 3, 3, 1)
VARIANTS = 10_000
COMPARED = 20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30, help="runs, of which the best counts")
    options = parser.parse_args()
    measuring.alone()
    measuring.show(measuring.machine())
    measuring.table(race(options.rounds))


def race(rounds: int) -> Iterator[Line]:
    """Yield the times of one call for all variants, and of one variant by other means."""
    problem = sbp.network(WIDTHS, activations=["sigmoid"] * (len(WIDTHS) - 1), loss="half_squared_error")
    derivation = sbp.derive(problem)
    steps = hand_computation(derivation)
    run = evaluation(steps.equations, ARRAYS).forward
    random = np.random.default_rng(1)
    leaves = {name: random.uniform(-1, 1, VARIANTS) for name in steps.leaves}
    draws = run(leaves, ()).shared
    count = sum(PATH not in key for key in draws)
    own = Evaluation.of(derivation, FLOAT)
    agree = True
    for variant in range(COMPARED):
        values = own.backward(own.forward(_of(leaves, variant), ()))
        agree &= all(
            np.isclose(array[variant], _expected(values, key)) for key, array in draws.items() if PATH not in key
        )
    best = measuring.best_of({"": lambda: run(leaves, ()).shared}, rounds)[""]
    name = "-".join(map(str, WIDTHS))
    yield Line(
        f"{name}: {count} named numbers of {VARIANTS:,} variants (agree: {agree})",
        f"{1e3 * best:.2f} ms",
        "≤ 10 ms",
        agree and best <= 0.01,
    )
    single = measuring.best_of({"": lambda: _each(own, leaves)}, 3)[""] / COMPARED * VARIANTS
    yield Line("  one evaluation for each variant", f"{single:.1f} s, {single / best:,.0f} ×")
    slow = _substituted(derivation, _of(leaves, 0)) * VARIANTS
    yield Line(
        "  SymPy, subs in each named expression (one variant, scaled)", f"{slow / 60:,.0f} min, {slow / best:,.0f} ×"
    )


def _expected(values: Values, key: str) -> float:
    mark, (name, _) = split(key)
    return float(values.gradient(name) if mark == GRADIENT else values.value(name))


def _of(leaves: Mapping[str, Any], variant: int) -> dict[str, float]:
    return {name: float(array[variant]) for name, array in leaves.items()}


def _each(evaluation: Evaluation, leaves: Mapping[str, Any]) -> None:
    for variant in range(COMPARED):
        evaluation.backward(evaluation.forward(_of(leaves, variant), ()))


def _substituted(derivation: Derivation, numbers: Mapping[str, float]) -> float:
    """Return the seconds that SymPy takes to put the numbers of one variant into every named expression, one by one."""
    values = [(name, derivation.expression(name)) for name in derivation.equations]
    adjoints = [
        (derivation.adjoint_name(name), derivation.gradient_expression(name))
        for name in derivation.links
        if name != derivation.graph.output
    ]
    known: dict[Any, Any] = {sympy.Symbol(name, real=True): number for name, number in numbers.items()}
    start = time.perf_counter()
    for name, expression in (*values, *adjoints):
        known[sympy.Symbol(name, real=True)] = expression.subs(known)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
