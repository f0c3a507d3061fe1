"""Plots: the loss after every update, the loss over one or two parameters with the descent, the decision boundary."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from symbackprop import curvature
from symbackprop.algebra.functions import ACTIVATIONS
from symbackprop.curvature import CriticalPoint, Kind
from symbackprop.curvature.tangents import is_rational
from symbackprop.derivation.derivations import Derivation
from symbackprop.descent import epochs
from symbackprop.descent.solution import Descent, Solution
from symbackprop.descent.update import trained
from symbackprop.errors import SymbackpropError
from symbackprop.evaluation.arithmetics import FLOAT
from symbackprop.evaluation.evaluate import Evaluation, leaves
from symbackprop.figures import contours
from symbackprop.figures.drawing import Box, Ink, Plot, Point, Region, Series
from symbackprop.graph.notation import Symbol
from symbackprop.messages import Message, message

_MOST_POINTS = 400
_MOST_DESCENT = 1000
"""Updates that are followed over a landscape, at most."""
_FINE, _COARSE = 161, 41
"""Points of a curve, and of one side of a grid."""
_LEVELS = 9
_MARGIN = 0.35
_LOG_FROM = 50.0
"""The ratio of first and last loss from which their axis is logarithmic."""
_INKS = (Ink.FORWARD, Ink.NEGATIVE, Ink.BACKWARD, Ink.QUIET, Ink.PLAIN)
"""The inks of curves side by side."""

Loss = Callable[..., float]
Path = Sequence[tuple[float, ...]]
"""The parameters before the first update of a descent and after each."""


def losses(solution: Solution) -> Plot | None:
    """Return the loss before the first update and after each, if there are at least three of them."""
    found = solution.losses
    if len(found) < 3:
        return None
    series = _series(list(enumerate(found)), Ink.FORWARD)
    output = solution.notation.symbol(solution.derivation.graph.output)
    axes = (message("figure.updates"),), (output,)
    return Plot(message("figure.losses"), *axes, (series,), _is_log(found), counts=True)


def training(
    output: Symbol,
    losses: Sequence[tuple[int, float]],
    watched: Sequence[tuple[int, float]] = (),
    best: tuple[int, float] | None = None,
) -> Plot:
    """Return the losses of a training over its updates, those of validation data, and where the watched one is least."""
    series = [_series(losses, Ink.FORWARD, name=message("train.losses") if watched or best else None)]
    if watched:
        series.append(_series(watched, Ink.NEGATIVE, name=message("train.validation_losses"), is_dashed=True))
    if best is not None:
        series.append(Series((Point(*best),), Ink.BACKWARD, "square", joined=False, name=message("train.best")))
    heights = [loss for _, loss in (*losses, *watched)]
    return Plot(
        message("train.curve"), (message("figure.updates"),), (output,), tuple(series), _is_log(heights), counts=True
    )


def learning_rates(output: Symbol, trajectories: Sequence[tuple[str, Sequence[float]]]) -> Plot:
    """Return the losses of several named descents over their updates; zeros have no place on an axis of powers."""
    heights = [loss for _, losses in trajectories for loss in losses if loss > 0]
    log = bool(heights) and _is_log(heights)
    styles = [(ink, dashed) for dashed in (False, True) for ink in _INKS]
    series = [
        replace(
            _series([(k, loss) for k, loss in enumerate(losses) if loss > 0 or not log], ink, is_dashed=dashed),
            name=message("rates.named", name=name),
            # Curves that lie on each other are all seen: the later ones are thinner.
            thickness=1.2 + 2 * (len(trajectories) - 1 - place) / len(trajectories),
        )
        for place, ((name, losses), (ink, dashed)) in enumerate(
            zip(trajectories, itertools.cycle(styles), strict=False)
        )
    ]
    return Plot(message("rates.title"), (message("figure.updates"),), (output,), tuple(series), log, counts=True)


def _series(
    places: Sequence[tuple[int, float]], ink: Ink, *, name: Message | None = None, is_dashed: bool = False
) -> Series:
    """Return losses over the number of updates, not more points than can be seen."""
    last = len(places) - 1
    shown = range(last + 1)
    if last >= _MOST_POINTS:
        shown = sorted({round(k * last / (_MOST_POINTS - 1)) for k in range(_MOST_POINTS)})  # type: ignore[assignment]
    points = tuple(Point(*places[k]) for k in shown)
    return Series(points, ink, "circle" if last <= 20 else "", thickness=1.4, is_dashed=is_dashed, name=name)


def _is_log(heights: Sequence[float]) -> bool:
    """Say whether losses belong on a logarithmic axis."""
    return min(heights) > 0 and max(heights) / min(heights) >= _LOG_FROM


def landscape(solution: Solution) -> Plot | None:
    """Return the loss over the one or two parameters that are trained, with the path of the descent; else nothing."""
    names = tuple(trained(solution.derivation)) if solution.steps else ()
    if len(names) not in (1, 2) or len(solution.losses) < 2:
        return None
    path = _path(solution, names)
    loss = _loss(solution.derivation, names)
    output = solution.derivation.graph.output
    symbols = tuple(solution.notation.symbol(name) for name in (*names, output))
    if len(names) == 1:
        return _curve(loss, path, _flat_points(solution, names), symbols)
    return _surface(loss, path, _flat_points(solution, names), names, symbols)


def _path(solution: Solution, names: Sequence[str]) -> Path:
    """Return the way of the trained parameters."""
    training = solution.problem.training
    assert training is not None
    descent = Descent(solution.derivation, FLOAT)
    path = [tuple(float(descent.values.value(name)) for name in names)]
    updates = min(len(solution.losses) - 1, _MOST_DESCENT)
    for batch in itertools.islice(epochs.batches_of(training, solution.problem.samples), updates):
        descent.update(batch)
        path.append(tuple(float(descent.values.value(name)) for name in names))
    return path


def _loss(derivation: Derivation, names: Sequence[str]) -> Loss:
    """Return the loss as a function of some parameters, the others as the problem states them; NaN where it has no value."""
    shared, data = leaves(derivation, FLOAT)
    evaluation = Evaluation.of(derivation, FLOAT, ())

    def loss(*place: float) -> float:
        start = {**shared, **dict(zip(names, place, strict=True))}
        try:
            return float(evaluation.forward(start, data).value(derivation.graph.output))
        except (ArithmeticError, ValueError):
            return math.nan

    return loss


def _around(values: Sequence[float]) -> tuple[float, float]:
    """Return a range that holds some values and a margin on both sides."""
    low, high = min(values), max(values)
    margin = _MARGIN * (high - low) or max(1.0, abs(high))
    return low - margin, high + margin


def _spread(low: float, high: float, count: int) -> list[float]:
    return [low + (high - low) * k / (count - 1) for k in range(count)]


def _flat_points(solution: Solution, names: tuple[str, ...]) -> list[CriticalPoint]:
    """Return where the loss is flat, as far as that is known; over two parameters only where it can be solved for."""
    try:
        if len(names) > 1 and not is_rational(solution.derivation, names):
            return []
        found = curvature.critical_points(solution.problem).points
    except SymbackpropError:
        return []
    return [point for point in found if point.floats.keys() == set(names)]


def _minima(points: Sequence[Point]) -> Iterator[Series]:
    """Yield the markers of minima, if there are any."""
    if points:
        yield Series(tuple(points), Ink.FORWARD, "square", joined=False, name=message("figure.minimum"))


def _curve(loss: Loss, path: Path, points: Sequence[CriticalPoint], symbols: Sequence[Symbol]) -> Plot:
    first, last = path[0][0], path[-1][0]
    flat = [(place, point) for point in points for place in point.floats.values()]
    # A descent stays on one side of its minimum: mirrored at its end, so that both sides are seen.
    known = [place for place, _ in flat] or [2 * last - first]
    low, high = _around([*(place[0] for place in path), *known])
    steps = [Point(place, loss(place)) for (place,) in path]
    heights = [point.y for point in steps] + [loss(place) for place, _ in flat]
    curve = [Point(x, y) for x in _spread(low, high, _FINE) if math.isfinite(y := loss(x))]
    least = min(*(point.y for point in curve), *heights)
    room = max(heights) - least or 1.0
    limits = Box(low, least - 0.08 * room, high, max(heights) + 0.5 * room)
    series = (
        Series(tuple(point for point in curve if point.y <= limits.bottom), Ink.PLAIN, thickness=1.2),
        *_minima([Point(place, loss(place)) for place, point in flat if point.kind is Kind.MINIMUM]),
        Series(tuple(steps), Ink.BACKWARD, "circle", thickness=0.8, name=message("figure.descent")),
    )
    return Plot(message("figure.curve"), (symbols[0],), (symbols[1],), series, limits=limits)


def _surface(
    loss: Loss, path: Path, points: Sequence[CriticalPoint], names: Sequence[str], symbols: Sequence[Symbol]
) -> Plot:
    minima = [Point(*(point.floats[name] for name in names)) for point in points if point.kind is Kind.MINIMUM]
    xs, ys = (_spread(*_around([place[axis] for place in (*path, *minima)]), _COARSE) for axis in (0, 1))
    grid = [[loss(x, y) for x in xs] for y in ys]
    heights = [height for row in grid for height in row if math.isfinite(height)]
    low, high = min(heights), max(heights)
    # Closer together at the bottom, where the descent ends.
    levels = [low + (high - low) * (k / (_LEVELS + 1)) ** 2 for k in range(1, _LEVELS + 1)]
    equal = [Series(line, Ink.QUIET, thickness=0.7) for level in levels for line in contours.lines(xs, ys, grid, level)]
    steps = tuple(Point(*place) for place in path)
    descent = Series(steps, Ink.BACKWARD, "circle", thickness=1.0, name=message("figure.descent"))
    limits = Box(xs[0], ys[0], xs[-1], ys[-1])
    series = (*equal, *_minima(minima), descent)
    return Plot(message("figure.surface"), (symbols[0],), (symbols[1],), series, limits=limits)


def fit(solution: Solution) -> Plot | None:
    """Return the samples of a network of one input and one output, and its prediction before and after; else nothing."""
    derivation, graph = solution.derivation, solution.derivation.graph
    if not (solution.problem.layers and solution.steps) or solution.problem.samples in (None, 1):
        return None
    if (solution.problem.network.inputs, solution.problem.layers[-1].units) != (1, 1):
        return None
    shared, data = leaves(derivation, FLOAT)
    (name,) = graph.units(0).elements()
    output, target = next(iter(graph.targets.items()))
    xs = _spread(*_around([sample[name] for sample in data]), _FINE)
    places = [{**data[0], name: x} for x in xs]

    def line(parameters: Mapping[str, float], key: str, ink: Ink, *, is_dashed: bool) -> Series:
        found = Evaluation.of(derivation, FLOAT, ()).forward({**shared, **parameters}, places).samples
        points = tuple(Point(x, float(sample[output])) for x, sample in zip(xs, found, strict=True))
        return Series(points, ink, thickness=1.4, is_dashed=is_dashed, name=message(key))

    series = [line({}, "figure.fit_before", Ink.QUIET, is_dashed=True)] if len(solution.losses) > 1 else []
    final = {key: float(value) for key, value in solution.final.items()}
    series.append(line(final, "figure.fit", Ink.PLAIN, is_dashed=False))
    samples = tuple(Point(sample[name], sample[target]) for sample in data)
    series.append(Series(samples, Ink.FORWARD, "circle", joined=False, name=message("figure.samples")))
    notation = solution.notation
    return Plot(message("figure.data"), (notation.symbol(name),), (notation.symbol(output),), tuple(series))


def boundary(solution: Solution) -> Plot | None:
    """Return where a classifier of two inputs changes its mind, before and after training, among the samples; else nothing.

    A classifier has one output between 0 and 1 (or between -1 and 1), or two that are probabilities; a single sample has
    nothing to be told apart from.
    """
    derivation, graph = solution.derivation, solution.derivation.graph
    if not (solution.problem.layers and solution.steps) or solution.problem.network.inputs != 2:
        return None
    last = solution.problem.layers[-1]
    row = None if last.body else ACTIVATIONS[last.activation]
    if row is None or row.boundary is None or last.units != 1 + row.vector:
        return None
    level = float(row.boundary)
    shared, data = leaves(derivation, FLOAT)
    samples = [{**shared, **sample} for sample in data]
    if len(samples) < 2:
        return None
    inputs = graph.units(0).elements()
    xs, ys = (_spread(*_around([sample[name] for sample in samples]), _COARSE) for name in inputs)
    output, target = next(iter(graph.targets.items()))
    places = [{**data[0], **dict(zip(inputs, (x, y), strict=True))} for y in ys for x in xs]

    def outputs(parameters: Mapping[str, float]) -> list[list[float]]:
        """Return the outputs over the grid of inputs, row by row."""
        found = Evaluation.of(derivation, FLOAT, ()).forward({**shared, **parameters}, places).samples
        heights = [float(sample[output]) for sample in found]
        return [heights[k : k + len(xs)] for k in range(0, len(heights), len(xs))]

    def line(grid: list[list[float]], key: str, ink: Ink, *, is_dashed: bool) -> Iterator[Series]:
        """Yield where the output is at its level: pieces of one line, the first of them in the legend."""
        for number, points in enumerate(contours.lines(xs, ys, grid, level)):
            yield Series(points, ink, thickness=1.4, is_dashed=is_dashed, name=None if number else message(key))

    series: list[Series] = []
    if len(solution.losses) > 1:
        series += line(outputs({}), "figure.before", Ink.QUIET, is_dashed=True)
    final = outputs({name: float(value) for name, value in solution.final.items()})
    series += line(final, "figure.boundary", Ink.PLAIN, is_dashed=False)
    if not series:
        return None
    for above, key, marker, ink in (
        (True, "figure.above", "circle", Ink.FORWARD),
        (False, "figure.below", "square", Ink.NEGATIVE),
    ):
        points = tuple(Point(*(s[name] for name in inputs)) for s in samples if (s[target] > level) == above)
        if points:
            series.append(Series(points, ink, marker, joined=False, name=message(key, target=f"{level:g}")))
    notation = solution.notation
    horizontal, vertical = ((notation.symbol(name),) for name in inputs)
    limits = Box(xs[0], ys[0], xs[-1], ys[-1])
    sides = [(Ink.FORWARD, True), (Ink.NEGATIVE, False)]
    outlines = [(ink, contours.regions(xs, ys, final, level, above=above)) for ink, above in sides]
    regions = tuple(Region(tuple(rings), ink) for ink, rings in outlines if rings)
    return Plot(message("figure.decision"), horizontal, vertical, tuple(series), limits=limits, regions=regions)
