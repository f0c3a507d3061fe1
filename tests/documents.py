"""The documents that several test modules look at: every example, and problems of every kind and notation."""

from __future__ import annotations

import functools
import random
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import symbackprop as sbp
from symbackprop import document, language, rendering
from symbackprop.algebra.formula import Node
from symbackprop.catalog import losses
from symbackprop.catalog.losses import LOSSES, TARGETS
from symbackprop.descent.solution import Solution
from symbackprop.document.blocks import Document, Section
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.graph.notation import Notation
from symbackprop.problems.load import examples
from symbackprop.rendering import layout
from symbackprop.rendering.dialects import tex
from tests.helpers import only

EXAMPLES = examples()


def losses_of(units: int) -> list[str]:
    """Return the losses that an output layer of so many units may have: one unit is no choice of classes."""
    return [name for name in losses.WITH_FORMULA if units > 1 or TARGETS[LOSSES[name].targets].total is None]


HOSTILE = r'$\input{/etc/passwd}$ <script>alert(1)</script> | ` % # & ~ ^ _ { } \ " [a](b) *c* _d_ ![i](j) &amp; -- #'


def dense(*layers: tuple[int, str], inputs: int | list[str] = 2, **tables: object) -> dict[str, object]:
    """Return the content of a problem with the same small random numbers every time.

    `bias`, `loss`, `samples`, `values` and `reduction` are taken from `tables`; the rest are tables of the file.
    """
    bias, loss = tables.pop("bias", "per_unit"), tables.pop("loss", "half_squared_error")
    samples, values, reduction = (
        tables.pop("samples", None),
        tables.pop("values", True),
        tables.pop("reduction", "mean"),
    )
    content: dict[str, object] = {
        "title": "A test",
        "network": {
            "inputs": inputs,
            "layers": [{"units": units, "activation": name, "bias": bias} for units, name in layers],
            "loss": loss,
            "reduction": reduction,
        },
        "training": {"learning_rate": 0.1},
        **tables,
    }
    draw = random.Random(1)

    def numbers(shape: tuple[int, ...]) -> object:
        return [numbers(shape[1:]) for _ in range(shape[0])] if shape else round(draw.uniform(-1, 1), 2)

    if values:
        shapes = sbp.problem(content).parameter_shapes()
        content["parameters"] = {name: numbers(shape) for name, shape in shapes.items()}
        count = inputs if isinstance(inputs, int) else len(inputs)
        target = [1] + [0] * (layers[-1][0] - 1)
        content["data"] = {
            "x": numbers((count,) if samples is None else (samples, count)),  # type: ignore[arg-type]
            "y": target if samples is None else [target] * samples,  # type: ignore[operator]
        }
    return content


WORDS = {
    "pre_activation": "net",
    "activation": "out",
    "target": "target",
    "learning_rate": r"\alpha",
    "loss": "E_total",
}
FRACTIONS = {
    "network": {
        "inputs": 2,
        "layers": [{"units": 2, "activation": "relu"}, {"units": 1, "activation": "linear"}],
        "loss": "half_squared_error",
    },
    "parameters": {"W1": [["1/3", "-2/7"], ["1/2", "5/6"]], "b1": ["1/9", 0], "W2": [["2/3", "-1/7"]], "b2": ["1/11"]},
    "data": {"x": ["1/2", 3], "y": ["1/3"]},
    "training": {"learning_rate": "1/3", "steps": 2},
}
PROBLEMS: dict[str, dict[str, object]] = {
    "threshold biases": dense((2, "tanh"), (1, "linear"), bias="threshold"),
    "softmax": dense((3, "relu"), (3, "softmax"), loss="cross_entropy"),
    "batch with mean": dense((2, "sigmoid"), (1, "sigmoid"), loss="binary_cross_entropy", samples=3),
    "symbols only": dense((2, "sigmoid"), (2, "softmax"), loss="cross_entropy", values=False),
    "twelve inputs": dense((1, "tanh"), (1, "sigmoid"), inputs=12),
    "flat, deep": dense((2, "sigmoid"), (2, "tanh"), (1, "sigmoid"), notation={"naming": "flat"}),
    "words": dense((2, "sigmoid"), (2, "sigmoid"), notation={"symbols": WORDS}),
    "flat words": dense((2, "sigmoid"), (2, "sigmoid"), notation={"naming": "flat", "symbols": WORDS}),
    "row": dense((3, "sigmoid"), (2, "sigmoid"), notation={"layout": "row"}),
    "three digits": dense((2, "sigmoid"), (1, "sigmoid"), notation={"digits": 3}),
    "twelve digits": dense((2, "sigmoid"), (2, "sigmoid"), notation={"digits": 12}),
    "fractions": FRACTIONS,
    "hostile": dense((1, "sigmoid"), inputs=[r"$\input{/etc/passwd}$", HOSTILE[25:80]], title=HOSTILE),
    "not Latin": dense((1, "sigmoid"), inputs=["输入", "вход"], title="反向传播 β → ∞, Müller"),
}


@functools.cache
def solved(name: str) -> Solution:
    """Return the solution of an example or of a problem of this module."""
    return sbp.solve(sbp.problem(PROBLEMS[name]) if name in PROBLEMS else sbp.example(name))


@functools.cache
def _rendered(name: str, format: str, code: str, stem: str) -> Mapping[str, str | bytes]:
    return MappingProxyType(dict(rendering.files(solved(name), format, code, stem=stem)))


def rendered(
    name: str, format: str, code: str = language.DEFAULT, stem: str = rendering.STEM
) -> Mapping[str, str | bytes]:
    """Return the files of the solution of an example or of a problem of this module; all tests read the same ones."""
    return _rendered(name, format, code, stem)


def text_of(name: str, format: str, code: str = language.DEFAULT) -> str:
    """Return the document of an example or of a problem of this module."""
    return str(next(iter(rendered(name, format, code).values())))


REPRESENTATIVE = (
    *("circuit", "line", "local_minima", "mazur", "rnn"),
    *("batch with mean", "flat words", "fractions", "hostile", "not Latin", "softmax"),
)
"""Small problems of every kind: a law that is looked at on all examples is looked at on these by `make test`."""


def some(names: Iterable[str]) -> list[Any]:
    """Return the names of examples or of problems of this module as rows of a test, all but the representative a sweep."""
    listed = list(names)
    return only(listed, *(name for name in listed if name in REPRESENTATIVE))


def printed(notation: Notation, *nodes: Node) -> list[str]:
    """Return the TeX of some formulas in a notation."""
    laid_out = layout.of(notation)
    return [tex.write(laid_out.box(node)) for node in nodes]


def scene_of(name: str) -> Scene:
    """Return what the lines of the first step of an example or a problem of this module are written from."""
    return document_scene(solved(name))


def document_scene(solution: Solution) -> Scene:
    """Return what the lines of the first step of a solution are written from; without numbers, in symbols alone."""
    notation, style = solution.notation, document.style_of(solution.problem)
    values = solution.steps[0].values if solution.steps else None
    return Scene(solution.derivation, values, notation, style, {})


def sections_of(sections: tuple[Section, ...]) -> Iterator[Section]:
    """Yield sections and subsections."""
    for section in sections:
        yield section
        yield from sections_of(section.sections)


@functools.cache
def composed(name: str) -> Document:
    """Return the document of an example or of a problem of this module before it is written in a format."""
    return document.compose(solved(name))


def blocks_of(name: str, *kinds: type) -> int:
    """Return the number of blocks of some kinds in a document."""
    return sum(isinstance(block, kinds) for section in sections_of(composed(name).sections) for block in section.blocks)
