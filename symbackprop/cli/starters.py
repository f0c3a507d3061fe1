"""Problem files to start from: a network of a few units with its numbers, or what three questions on a terminal ask for."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click

from symbackprop import language
from symbackprop.algebra.activations import ROWS
from symbackprop.catalog.losses import LOSSES
from symbackprop.errors import OutputError, SymbackpropError, explain, unknown
from symbackprop.messages import message

MOST_UNITS, MOST_LAYERS = 20, 6
"""What a file to start from writes out; a larger network is made by changing it."""
ACTIVATIONS_ASKED = tuple(row.name for row in ROWS if row.name not in ("softmax", "generic"))
LOSSES_ASKED = tuple(name for name in LOSSES if name != "generic")
_NAME = "problem"
_SIZES = re.compile(r"\d{1,4}(?:\s*[-,\s]\s*\d{1,4})+", re.ASCII)
_PARAMETERS = ("0.1", "0.2", "0.3", "-0.4", "0.5", "0", '"1/2"', "-0.3")
_INPUTS = ("1", "0.5", "-1", "2")

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Starter:
    """A network to start from: units from the inputs to the outputs, activation of hidden layers, and loss."""

    units: tuple[int, ...] = (2, 2, 1)
    activation: str = "sigmoid"
    loss: str = "half_squared_error"

    def text(self, title: str) -> str:
        """Return the problem file."""
        row = LOSSES[self.loss]
        inputs, *layers = self.units
        activations = [self.activation] * (len(layers) - 1) + [row.fused.activation if row.fused else "linear"]
        written = (
            f'  {{ units = {units}, activation = "{name}" }},' for units, name in zip(layers, activations, strict=True)
        )
        numbers = itertools.cycle(_PARAMETERS)
        parameters = []
        for layer, (before, units) in enumerate(itertools.pairwise(self.units), 1):
            parameters.append(f"W{layer} = {_matrix(units, before, numbers)}")
            parameters.append(f"b{layer} = {_vector(units, numbers)}")
        x = _vector(inputs, itertools.cycle(_INPUTS))
        y = _vector(layers[-1], itertools.chain("1", itertools.repeat("0")))
        return _TEXT.format(
            title=title,
            inputs=inputs,
            loss=self.loss,
            layers="\n".join(written),
            parameters="\n".join(parameters),
            x=x,
            y=y,
        )


def _vector(count: int, numbers: Iterator[str]) -> str:
    return f"[{', '.join(itertools.islice(numbers, count))}]"


def _matrix(rows: int, columns: int, numbers: Iterator[str]) -> str:
    return f"[{', '.join(_vector(columns, numbers) for _ in range(rows))}]"


_TEXT = """\
title = "{title}"

[network]
inputs = {inputs}
loss = "{loss}"
layers = [
{layers}
]

[parameters]
{parameters}

[data]
x = {x}
y = {y}

[training]
optimizer = "gradient_descent"
learning_rate = 0.5
steps = 1

[notation]
naming = "layered"
layout = "column"
digits = 6
"""


def asked(lang: str) -> Starter:
    """Ask on a terminal for units, activation and loss; what cannot be read is asked again, with the reason."""
    plain = Starter()
    phrases = language.phrases(lang)

    def ask(question: str, default: str, read: Callable[[str], Answer]) -> Answer:
        while True:
            text = click.prompt(phrases[f"starter.ask_{question}"], default=default)
            try:
                return read(text.strip())
            except SymbackpropError as error:
                click.echo(explain(lang, error))

    units = ask("units", "-".join(map(str, plain.units)), read_units)
    activation = ask("activation", plain.activation, lambda text: _known("activation", text, ACTIVATIONS_ASKED))
    return ask("loss", plain.loss, lambda text: with_loss(units, activation, text))


def with_loss(units: tuple[int, ...], activation: str, loss: str) -> Starter:
    """Return a network with that loss; raises `ProblemError` where the loss asks for more than one output."""
    from symbackprop.problems import load

    found = Starter(units, activation, _known("loss", loss, LOSSES_ASKED))
    load.problem(tomllib.loads(found.text("")))
    return found


def read_units(text: str) -> tuple[int, ...]:
    """Return the units of layers written as `2-3-1`; raises `OutputError` for what is none or too much to write out."""
    if _SIZES.fullmatch(text):
        units = tuple(int(part) for part in re.findall(r"\d+", text))
        if all(0 < count <= MOST_UNITS for count in units) and len(units) <= MOST_LAYERS:
            return units
    raise OutputError(message("starter.units", text=text, units=MOST_UNITS, layers=MOST_LAYERS))


def _known(kind: str, name: str, names: Collection[str]) -> str:
    if name not in names:
        raise unknown(kind, name, names)
    return name


def free_name() -> Path:
    """Return the first of `problem.toml`, `problem2.toml`, … that is not there."""
    names = (Path(f"{_NAME}{number if number > 1 else ''}.toml") for number in itertools.count(1))
    return next(name for name in names if not name.exists())
