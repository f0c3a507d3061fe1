"""The curve of a training: its losses, those of validation data, and where the watched one was least."""

from __future__ import annotations

from symbackprop.figures import curves
from symbackprop.figures.drawing import Plot
from symbackprop.graph.notation import Notation
from symbackprop.training.history import History


def curve(history: History) -> Plot:
    """Return the losses of a history over its updates."""
    derivation = history.gradient.derivation
    output = Notation.of(derivation.graph, derivation.problem.notation).symbol(derivation.graph.output)
    losses = list(enumerate([*history.losses.tolist(), history.loss], start=history.first))
    watched = list(zip(history.validation_steps.tolist(), history.validation_losses.tolist(), strict=True))
    best = None if history.best is None else (history.best.step, history.best.loss)
    return curves.training(output, losses, watched, best)
