"""Random problems by number: networks in any notation, with any optimizer, and small computation graphs.

Most are as small as a network can be that shows a rule; every tenth is larger. Every second one has, on top, some of what
else a problem file offers (`_varied`); `view` says which document of it to look at.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import symbackprop as sbp
from symbackprop.algebra import functions
from symbackprop.catalog import losses, optimizers
from symbackprop.catalog.losses import LOSSES
from symbackprop.problems import build
from tests.documents import WORDS, losses_of

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


def problem(seed: int) -> dict[str, Any]:
    """Return the content of a problem; every fifth is a computation graph, every tenth a larger network."""
    draw = random.Random(seed)
    if seed % 5 == 0:
        return _array_graph(draw) if seed % 15 == 0 else _graph(draw)
    found = _network(draw, is_larger=seed % 10 == 9)
    return _varied(random.Random(f"varied {seed}"), found) if seed % 2 else found


@dataclass(frozen=True)
class View:
    """A document of a problem: its details, its language, the learning rates that it compares."""

    details: tuple[str, ...] = ("full",)
    language: str = "en"
    learning_rates: tuple[str, ...] = ()


def view(seed: int) -> View:
    """Return the document to look at: mostly every line, in English."""
    draw = random.Random(f"view {seed}")
    details = draw.choice(
        [("full",)] * 6 + [("representative",), ("matrix",), ("full", "matrix"), ("full", "second_order")]
    )
    if "second_order" in details and seed % 10 == 9:
        details = ("full",)  # a large one has too many second derivatives
    rates = ("1/10", "0.5") if draw.random() < 0.05 and "training" in problem(seed) else ()
    return View(details, draw.choice(["en", "en", "en", "zh"]), rates)


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
    if loss not in losses_of(widths[-1]):
        loss = "squared_error"
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


SETTINGS = {
    "momentum": {"momentum": 0.5, "dampening": 0.2},
    "nesterov": {"momentum": "1/3"},
    "adagrad": {"lr_decay": 0.1, "epsilon": 0.001},
    "rmsprop": {"alpha": 0.9, "momentum": 0.5},
    "adam": {"beta1": 0.5, "beta2": 0.75, "epsilon": 0.01},
    "adamw": {"beta1": 0.8},
}
"""Settings that differ from their defaults."""
SCHEDULES = (
    {"kind": "exponential", "gamma": "1/3"},
    {"kind": "step", "gamma": 0.5, "step_size": 1, "per": "step"},
    {"kind": "step", "step_size": 2},
    {"kind": "constant"},
)
ACTIVATIONS = ("z/(1 + abs(z))", "z**3", "tanh(z)/2", "ln(1 + exp(z))", "z*sigmoid(z)", "max(0, z)**2")
OWN_LOSSES = ("sum((a - y)**4)/4", "sum(exp(a - y) - (a - y))", "mean(ln(1 + (a - y)**2))")
LETTERS = {"weight": "v", "bias": r"\beta", "input": "u", "delta": r"\epsilon", "loss": "J"}
REAL_TARGETS = ("half_squared_error", "squared_error", "mean_squared_error", "absolute_error", "huber")
CLASSES = ("cross_entropy", "hinge")


def _varied(draw: random.Random, content: dict[str, Any]) -> dict[str, Any]:
    """Return a network with some more of what a problem file offers."""
    network, notation, data = content["network"], content["notation"], content["data"]
    shapes = sbp.problem(content).parameter_shapes()
    is_batch = isinstance(data["x"][0], list)

    def sometimes(share: float) -> bool:
        return draw.random() < share

    if sometimes(0.25):
        form = draw.choice(["half", "plain", "half_mean", "convex"])
        content["regularization"] = {draw.choice(["l1", "l2"]): "1/5", "form": form, "biases": sometimes(0.3)}
    for position, layer in enumerate(network["layers"]):
        if layer["activation"] in ("leaky_relu", "elu") and sometimes(0.5):
            layer["alpha"] = draw.choice([0.2, "1/3"])
        is_free = layer is not network["layers"][-1] or network["loss"] in REAL_TARGETS
        if is_free and sometimes(0.15):
            layer["activation"] = {"expression": draw.choice(ACTIVATIONS), "name": "rstuvw"[position]}
            layer.pop("alpha", None)
    if network["loss"] in REAL_TARGETS:
        count = network["layers"][-1]["units"]
        if sometimes(0.5):
            data["y"] = (
                [[_number(draw, False) for _ in range(count)] for _ in data["x"]]
                if is_batch
                else [_number(draw, False) for _ in range(count)]
            )
        if sometimes(0.15):
            network["loss"] = {"expression": draw.choice(OWN_LOSSES)}
        elif network["loss"] == "huber" and sometimes(0.5):
            network["loss"] = {"name": "huber", "delta": "1/2"}
    elif network["loss"] in CLASSES and network["layers"][-1]["units"] > 1 and sometimes(0.4):
        data["y"] = [row.index(1) for row in data["y"]] if is_batch else data["y"].index(1)
    if network["loss"] == "hinge" and sometimes(0.5):
        network["loss"] = {"name": "hinge", "margin": 2}
    if sometimes(0.2):
        network["relu_derivative_at_zero"] = draw.choice([1, 0.5])
    if sometimes(0.1):
        content["parameters"] = {
            "seed": draw.randint(0, 99),
            "initializer": draw.choice(["glorot_uniform", "he_normal"]),
        }
    if sometimes(0.15):
        notation["round_intermediates"] = draw.choice([{"decimals": 4}, {"significant": 3}])
    if sometimes(0.15):
        notation["symbols"] = dict(draw.choice([WORDS, LETTERS]))
    elif sometimes(0.15):
        base = notation.get("naming", "layered")
        notation["naming"] = {"base": base, "W1_1_1": "omega", draw.choice(["W1", "z1", "a1"]): "q", "L": "C"}
    if "training" in content and content.get("regularization", {}).get("form") == "half_mean":
        content["training"].pop("batch_size", None)  # the m of a batch is its own, and so is its Ω
        is_batch = False
    if "training" in content:
        _train_otherwise(draw, content["training"], list(shapes), len(data["x"]) if is_batch else 1)
    return content


def _train_otherwise(draw: random.Random, training: dict[str, Any], parameters: list[str], samples: int) -> None:
    """Change the training of a network: the way of updating, settings, schedules, batches, frozen parameters."""

    def sometimes(share: float) -> bool:
        return draw.random() < share

    if sometimes(0.3):
        training |= {"optimizer": "gradient_descent", "update": "sequential"}
    elif sometimes(0.4):
        training |= SETTINGS.get(training["optimizer"], {})
    if sometimes(0.2):
        training |= {"schedule": dict(draw.choice(SCHEDULES)), "steps": 2}
    if samples > 1 and sometimes(0.4):
        training |= {"batch_size": draw.randint(1, samples), "shuffle": True, "seed": draw.randint(0, 9)}
    if sometimes(0.2):
        training["frozen"] = (
            draw.sample(parameters, draw.randint(1, len(parameters) - 1)) if len(parameters) > 1 else []
        )
    if sometimes(0.1):
        training["learning_rate"] = "-1/10"
    if sometimes(0.2):
        training["steps"] = 14
        if sometimes(0.5):
            training["stop"] = {"tolerance": 0.001, "patience": 2}


LAYERS = ("tanh({p} @ x + v)", "relu({p} @ x)", "softmax({p} @ x)", "({p} @ x)*v", "max({p} @ x, v)", "{p}.T @ v - x/2")
READERS = (
    "sum(h*h)",
    "mean(h)",
    "dot(h, v)",
    "h @ x",
    "max(h)",
    "sum(outer(h, x))",
    "h[0]*h[1]",
    "sum({p}*{p}, axis=0)[1] + h[0]",
    "sum({p}[0]*h)",
    "sum(concat(h, v)[1:3])",
    "sum([h[1], v[0]]*x)",
)


def _array_graph(draw: random.Random) -> dict[str, Any]:
    """Return a computation graph between a matrix and vectors, perhaps over several samples."""
    fractions, samples = draw.random() < 0.25, draw.choice([None, None, 2, 3])

    def numbers(*shape: int) -> Any:
        return [numbers(*shape[1:]) for _ in range(shape[0])] if shape else _number(draw, fractions)

    content: dict[str, Any] = {
        "graph": {
            "parameters": {"A": numbers(2, 2), "v": numbers(2)},
            "inputs": {"x": numbers(2) if samples is None else {"shape": [2]}},
            "targets": {"t": numbers() if samples is None else {"shape": []}},
            "equations": [
                "h = " + draw.choice(LAYERS).format(p="A"),
                "p = " + draw.choice(READERS).format(p="A"),
                "L = (p - t)**2" + draw.choice(["", " + sum(abs(v))"]),
            ],
            "output": "L",
            "reduction": draw.choice(["mean", "sum"]),
        },
        "notation": {"digits": draw.choice([3, 6]), "layout": draw.choice(["column", "row"])},
    }
    if samples is not None:
        content["data"] = {"x": numbers(samples, 2), "t": numbers(samples)}
    if draw.random() < 0.7:
        content["training"] = {"learning_rate": 0.1, "steps": draw.choice([1, 2])}
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
