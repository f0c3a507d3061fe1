"""Random problems by number: networks in any notation, with any optimiser, and small computation graphs.

Most are as small as a network can be that shows a rule; every tenth is larger.
"""

from __future__ import annotations

import random

import symbackprop as sbp
from symbackprop import functions, losses, optimizers
from symbackprop.losses import LOSSES
from symbackprop.problems import build

CONVENTIONS = {
    "naming": ("layered", "flat", "elementwise"),
    "backward": ("delta", "activation"),
    "layers": ("enter", "leave"),
    "index_order": ("to_from", "from_to"),
    "delta_sign": ("gradient", "negative"),
    "layout": ("column", "row"),
}
SMALL = ((1, 1), (2, 1), (1, 2), (1, 1, 1), (1, 2, 1), (2, 1, 1), (1, 1, 2), (2, 2, 1))
"""The numbers of units by layer, from the inputs on."""
GATES = ("{p} + {q}", "{p} - {q}", "{p}*{q}", "{p}*{p}", "2*{p} - {q}", "max({p}, {q})", "{p}*{p}*{q}")
FUNCTIONS = (
    "sigmoid({p})",
    "tanh({p})",
    "relu({p})",
    "exp({p})",
    "1/(1 + {p}**2)",
    "ln(1 + {p}**2)",
    "sqrt(1 + {q}**2)",
)


def problem(seed: int) -> dict[str, object]:
    """Return the content of a problem; every fifth is a computation graph, every tenth a larger network."""
    draw = random.Random(seed)
    return _graph(draw) if seed % 5 == 0 else _network(draw, is_larger=seed % 10 == 9)


def _number(draw: random.Random, fractions: bool) -> object:
    if fractions:
        return f"{draw.randint(-9, 9)}/{draw.choice([1, 2, 3, 4, 7])}"
    return round(draw.uniform(-1.5, 1.5), draw.choice([0, 1, 2, 2]))


def _training(draw: random.Random, samples: int | None, is_larger: bool) -> dict[str, object]:
    training: dict[str, object] = {
        "optimizer": draw.choice(["gradient_descent", "gradient_descent", *optimizers.OPTIMIZERS]),
        "learning_rate": draw.choice([0.5, 0.1, 0.01, "1/3"]),
        "steps": draw.choice([1, 1, 1, 2]) if is_larger else 1,
    }
    if draw.random() < 0.15:
        training["weight_decay"] = 0.1
    if samples and samples > 1 and draw.random() < 0.3:
        training["batch_size"] = draw.randint(1, samples)
    if draw.random() < 0.15:
        training |= {"schedule": {"kind": "exponential", "gamma": 0.5, "per": "step"}, "steps": 2}
    return training


def _network(draw: random.Random, is_larger: bool) -> dict[str, object]:
    larger = [draw.randint(1, 3) for _ in range(draw.choice([2, 2, 3, 3, 4]))]
    widths = larger if is_larger else list(draw.choice(SMALL))
    loss = draw.choice(losses.WITH_FORMULA)
    last = draw.choice(build.fitting_activations(LOSSES[loss].predictions))
    names = [*(draw.choice(functions.WITH_FORMULA) for _ in widths[2:]), last]
    samples = draw.choice([None, None, None, 1, 2, 3] if is_larger else [None, None, None, None, 1, 2])
    layers = [
        {
            "units": units,
            "activation": name,
            "bias": draw.choice(["per_unit", "per_unit", "shared", "none", "threshold"]),
        }
        for units, name in zip(widths[1:], names, strict=True)
    ]
    notation = {key: draw.choice(choices) for key, choices in CONVENTIONS.items() if draw.random() < 0.4}
    if notation.get("backward") == "activation":
        notation.pop("delta_sign", None)
    content: dict[str, object] = {
        "network": {
            "inputs": widths[0],
            "layers": layers,
            "loss": loss,
            "reduction": draw.choice(["mean", "sum"]),
        },
        "notation": {**notation, "digits": draw.choice([3, 4, 5, 6, 6, 6, 8])},
    }
    if draw.random() < 0.85:
        content["training"] = _training(draw, samples, is_larger)
    if draw.random() < 0.1:
        content["regularization"] = {"l2": 0.1, "form": draw.choice(["half", "plain"])}
    fractions = draw.random() < 0.25

    def numbers(shape: tuple[int, ...]) -> object:
        return [numbers(shape[1:]) for _ in range(shape[0])] if shape else _number(draw, fractions)

    content["parameters"] = {name: numbers(shape) for name, shape in sbp.problem(content).parameter_shapes().items()}

    def target() -> list[int]:
        chosen = draw.randrange(widths[-1])
        return [int(unit == chosen) for unit in range(widths[-1])]

    content["data"] = {
        "x": numbers((widths[0],) if samples is None else (samples, widths[0])),
        "y": target() if samples is None else [target() for _ in range(samples)],
    }
    return content


def _graph(draw: random.Random) -> dict[str, object]:
    fractions = draw.random() < 0.25
    known = ["a", "b", "x"]
    equations = []
    for name in ("p", "q", "r", "s")[: draw.randint(2, 4)]:
        form = draw.choice(draw.choice([GATES, FUNCTIONS]))
        # The gate before is always read, so that the output depends on all.
        left, right = (known[-1], draw.choice(known[:-1])) if equations else draw.sample(known, 2)
        equations.append(f"{name} = " + form.format(p=left, q=right))
        known.append(name)
    content: dict[str, object] = {
        "graph": {
            "parameters": {name: _number(draw, fractions) for name in ("a", "b")},
            "inputs": {"x": _number(draw, fractions)},
            "equations": [*equations, f"L = 1/2*({known[-1]} - a)**2 + b*x"],
            "output": "L",
        },
        "notation": {"digits": draw.choice([3, 4, 6, 8])},
    }
    if draw.random() < 0.7:
        content["training"] = {"learning_rate": 0.1, "steps": 1}
    return content
