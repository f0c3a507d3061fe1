"""Formulas of the sciences as they were published, each a function of a module (SymPy, or one that is called alike)."""

# ruff: noqa: D103 - each is called what it is

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Published(NamedTuple):
    """A formula, and numbers for its letters."""

    source: str
    function: Callable[..., Any]
    numbers: Mapping[str, float]


def call_price(m: Any, S: Any, K: Any, r: Any, s: Any, T: Any) -> Any:
    root = s * m.sqrt(T)
    d1 = (m.log(S / K) + (r + s**2 / 2) * T) / root

    def normal(z: Any) -> Any:
        return (1 + m.erf(z / 2**0.5)) / 2

    return S * normal(d1) - K * m.exp(-r * T) * normal(d1 - root)


def enzyme_rate(m: Any, V: Any, K: Any, n: Any) -> Any:
    seen = ((0.5, 0.3), (1.0, 0.55), (2.0, 0.7))
    return sum((rate - V * dose**n / (K**n + dose**n)) ** 2 for dose, rate in seen)


def pair_potential(m: Any, epsilon: Any, sigma: Any, r: Any) -> Any:
    return 4 * epsilon * ((sigma / r) ** 12 - (sigma / r) ** 6)


def valley(m: Any, x: Any, y: Any) -> Any:
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def ripples(m: Any, x: Any, y: Any) -> Any:
    far = -20 * m.exp(-0.2 * m.sqrt((x**2 + y**2) / 2))
    return far - m.exp((m.cos(2 * math.pi * x) + m.cos(2 * math.pi * y)) / 2) + 20 + math.e


def black_body(m: Any, nu: Any, T: Any) -> Any:
    return 2 * nu**3 / (m.exp(nu / T) - 1)


def gate_opening(m: Any, V: Any, m0: Any, dt: Any) -> Any:
    opening = 0.1 * (25 - V) / (m.exp((25 - V) / 10) - 1)
    closing = 4 * m.exp(-V / 18)
    return m0 + dt * (opening * (1 - m0) - closing * m0)


def membrane_voltage(m: Any, p: Any, q: Any, outside: Any, inside: Any) -> Any:
    return 25.7 * m.log((p * outside + q) / (p * inside + 9 * q))


def gas_pressure(m: Any, T: Any, V: Any, a: Any, b: Any) -> Any:
    return T / (V - b) - a / V**2


def population(m: Any, K: Any, r: Any, P0: Any) -> Any:
    curve = [K / (1 + (K - P0) / P0 * m.exp(-r * t)) for t in (1, 2, 3)]
    return sum((value - seen) ** 2 for value, seen in zip(curve, (0.4, 0.6, 0.7), strict=True))


def double_pendulum(m: Any, t1: Any, t2: Any, w1: Any, w2: Any) -> Any:
    motion = w1**2 + w2**2 / 2 + w1 * w2 * m.cos(t1 - t2)
    return motion + 9.81 * (2 * m.cos(t1) + m.cos(t2))


PUBLISHED: Mapping[str, Published] = {
    row.function.__name__: row
    for row in (
        Published("Black and Scholes 1973", call_price, {"S": 100.0, "K": 95.0, "r": 0.02, "s": 0.25, "T": 0.5}),
        Published("Michaelis and Menten 1913; Hill 1910", enzyme_rate, {"V": 0.9, "K": 0.8, "n": 1.5}),
        Published("Lennard-Jones 1931", pair_potential, {"epsilon": 0.5, "sigma": 1.1, "r": 1.3}),
        Published("Rosenbrock 1960", valley, {"x": -1.2, "y": 1.0}),
        Published("Ackley 1987", ripples, {"x": 0.4, "y": -0.7}),
        Published("Planck 1901", black_body, {"nu": 1.5, "T": 0.8}),
        Published("Hodgkin and Huxley 1952", gate_opening, {"V": 10.0, "m0": 0.05, "dt": 0.01}),
        Published(
            "Goldman 1943; Hodgkin and Katz 1949", membrane_voltage,
            {"p": 1.0, "q": 0.05, "outside": 5.0, "inside": 140.0},
        ),
        Published("van der Waals 1873", gas_pressure, {"T": 1.2, "V": 2.5, "a": 0.4, "b": 0.1}),
        Published("Verhulst 1838", population, {"K": 0.9, "r": 0.7, "P0": 0.2}),
        Published("Landau and Lifshitz, Mechanics, §5", double_pendulum, {"t1": 0.3, "t2": -0.4, "w1": 0.5, "w2": 0.8}),
    )
}  # fmt: skip
"""By name."""
