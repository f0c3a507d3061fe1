"""Which figures a document shows, where, with which caption and which words for those who cannot see them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from symbackprop import figures
from symbackprop.algebra.formula import Name
from symbackprop.derivation.derivations import Derivation
from symbackprop.descent.solution import Solution
from symbackprop.descent.update import trained
from symbackprop.document.blocks import Figure, Section
from symbackprop.evaluation.evaluate import is_finite
from symbackprop.figures.drawing import Diagram, Ink
from symbackprop.figures.labels import decimal, plain
from symbackprop.figures.network_diagram import coupling
from symbackprop.messages import Message, message

_LAYERS = 2
"""How many layers, from the last one back, have a picture of paths."""
_MOST_TOLD = 6
"""Quantities whose numbers are told in words, at most: more of them stand in tables."""


def illustrated(
    sections: Sequence[Section], solution: Solution, *, only: Collection[str] | None = None
) -> list[Section]:
    """Return the sections of a document with their figures, or `only` some by title: diagrams open, curves close."""
    unseen = iter(_paths(solution))
    return [_illustrated(section, solution, only, unseen) for section in sections]


def _illustrated(
    section: Section, solution: Solution, only: Collection[str] | None, unseen: Iterator[Figure]
) -> Section:
    title = section.title.id
    is_shown = only is None or title in only
    opening, below, closing = (
        tuple(figure for make in makers.get(title, ()) if is_shown and (figure := make(solution)) is not None)
        for makers in (_OPENING, _BELOW, _CLOSING)
    )
    inner = tuple(_illustrated(each, solution, only, unseen) for each in section.sections)
    if title == "title.backward" and is_shown:
        # The layers come from the last one back; a later step has the same paths with other numbers.
        inner = tuple(replace(each, blocks=(*itertools.islice(unseen, 1), *each.blocks)) for each in inner)
    if closing:
        inner = (*inner, Section(message("figure.section"), closing))
    return replace(section, blocks=(*opening, *section.blocks, *below), sections=inner)


def stated(solution: Solution) -> Figure | None:
    """Return the diagram of a solution's problem with the numbers that it states."""
    return given(solution.derivation)


def summarized(solution: Solution) -> Figure | None:
    """Return the diagram with all numbers of the first step, if there is one."""
    return (network(solution) or graph(solution)) if solution.steps else None


def given(derivation: Derivation) -> Figure | None:
    """Return the diagram of a problem with nothing but the numbers that it states; None where it is too large for one."""
    unsolved = Solution(derivation.problem, derivation, (), None, (), {})
    return network(unsolved) or graph(unsolved)


def network(solution: Solution) -> Figure | None:
    """Return the diagram of a network."""
    if not solution.problem.layers:
        return None
    diagram = figures.network(solution)
    graph = solution.derivation.graph
    kind = "network_symbols" if not solution.steps else "network" if graph.samples is None else "network_batch"
    caption = message(f"caption.{kind}")
    for phrase in _beside_shapes(diagram, solution):
        caption = _joined(caption, message(f"caption.{phrase}"))
    widths = [solution.problem.network.inputs, *(layer.units for layer in solution.problem.network.layers)]
    elements = {name for layer in range(len(widths)) for name in graph.units(layer).elements()}
    units = sum(node.name in elements for node in diagram.nodes)
    if units < sum(widths):
        caption = _joined(caption, message("caption.elided", shown=units, count=sum(widths)))
    if any(layer.bias is not None and not layer.bias.shape for layer in graph.layers):
        caption = _joined(caption, message("caption.shared_bias"))
    if (name := coupling(solution)) and widths[-1] > 1:
        caption = _joined(caption, message("caption.coupled", name=name))
    if any(line.thickness != 1 for line in diagram.lines):
        caption = _joined(caption, message("caption.unlabelled"))
    layers = [_counted("inputs", widths[0])]
    layers += [_counted("hidden", count) for count in widths[1:-1]]
    layers.append(_counted("outputs", widths[-1]))
    whole = message("alternative.network", layers=tuple(layers))
    return Figure(diagram, caption, _with_numbers(whole, diagram))


def _beside_shapes(diagram: Diagram, solution: Solution) -> list[str]:
    """Return what a caption says of gradients beside edges and units of a network: of those that there are."""
    graph = solution.derivation.graph
    kinds = {graph.quantity_of(text.name).kind for text in diagram.texts if text.ink is Ink.BACKWARD}
    own = {each.bias.kind for each in graph.layers if each.bias is not None and each.bias.shape}
    found = ["edge_gradients"] if "weight" in kinds else []
    found += ["unit_gradients"] if "pre_activation" in kinds else []
    return [*found, *(["bias_gradients"] if own & kinds else [])]


def graph(solution: Solution) -> Figure | None:
    """Return the diagram of a computation graph."""
    if solution.problem.layers:
        return None
    diagram = figures.gates(solution)
    if diagram is None:
        return None
    caption = message("caption.graph" if solution.steps else "caption.graph_symbols")
    for phrase in _on_wires(diagram):
        caption = _joined(caption, message(f"caption.{phrase}"))
    if any(line.is_dashed for line in diagram.lines):
        caption = _joined(caption, message("caption.time_steps"))
    equations = solution.derivation.graph.equations
    gates = sum(node.is_round and bool(node.name) for node in diagram.nodes)
    if gates < len(equations):
        caption = _joined(caption, message("caption.gates_elided", shown=gates, count=len(equations)))
    caption = _without_parameters(caption, diagram, solution)
    whole = message("alternative.graph", gates=_counted("gates", len(equations)))
    return Figure(diagram, caption, _with_numbers(whole, diagram))


_ON_WIRES = {Ink.FORWARD: "wire_values", Ink.BACKWARD: "wire_gradients"}
"""What is said of labels on wires, by their ink."""


def _on_wires(diagram: Diagram) -> list[str]:
    """Return what a caption says of the labels of wires: of those that there are."""
    beside = [text for text in diagram.texts if text.name and text.anchor != "middle"]
    found = [phrase for ink, phrase in _ON_WIRES.items() if any(text.ink is ink for text in beside)]
    return [*found, *(["wire_shapes"] if any(text.ink is Ink.QUIET for text in beside) else [])]


def _without_parameters(caption: Message, diagram: Diagram, solution: Solution) -> Message:
    """Return a caption that says how many parameters of a graph have no node."""
    drawn = {element for node in diagram.nodes for element in node.also}
    parameters = [element for quantity in solution.derivation.parameters for element in quantity.elements()]
    missing = sum(element not in drawn for element in parameters)
    if not missing:
        return caption
    shown = len(parameters) - missing
    told = message("caption.parameters_elided", shown=shown, count=len(parameters))
    return _joined(caption, told if shown else message("caption.no_parameters"))


def _paths(solution: Solution) -> Iterator[Figure]:
    """Yield the paths from the first weight of the output layer to the loss, then those of the layer before it."""
    for layer in solution.derivation.graph.layers[: -1 - _LAYERS : -1]:
        parameter = layer.weights.elements()[0]
        diagram = figures.path(solution, parameter)
        if diagram is None:
            return
        count = diagram.routes
        names = {"parameter": Name(parameter), "loss": Name(solution.derivation.graph.sample_loss)}
        told = {key: str(plain(solution.notation.symbol(name.name))) for key, name in names.items()}
        caption = message("caption.paths", count=count, **names) if count > 1 else message("caption.path", **names)
        words = message("alternative.path" if count > 1 else "alternative.path_one", count=count, **told)
        yield Figure(diagram, caption, words)


def losses(solution: Solution) -> Figure | None:
    """Return the curve of the losses, none where float64 cannot hold one of them."""
    found = solution.losses
    plot = figures.losses(solution)
    if plot is None or not all(map(is_finite, found)):
        return None
    words = message(
        "alternative.losses",
        first=_short(found[0]),
        last=_short(found[-1]),
        least=_short(min(found)),
        count=len(found) - 1,
    )
    return Figure(plot, message("caption.losses"), words)


def landscape(solution: Solution) -> Figure | None:
    """Return the loss over the one or two parameters that are trained, none where float64 cannot hold their way."""
    plot = figures.landscape(solution)
    if plot is not None and not all(is_finite(number) for point in plot.series[-1].points for number in point):
        return None
    if plot is None:
        return None
    # The first coordinates of the path are the parameters; over one parameter the second is the loss.
    start, end = (plot.series[-1].points[place] for place in (0, -1))
    notation = solution.notation
    names = list(trained(solution.derivation))
    told = [str(plain(notation.symbol(name))) for name in names]
    count = len(plot.series[-1].points) - 1
    if len(names) == 1:
        words = message("alternative.curve", parameter=told[0], first=_short(start.x), last=_short(end.x), count=count)
        return Figure(plot, message("caption.curve", parameter=Name(names[0])), words)
    first, last = (tuple(map(_short, point)) for point in (start, end))
    words = message("alternative.surface", first_name=told[0], second_name=told[1], first=first, last=last, count=count)
    return Figure(plot, message("caption.surface", first=Name(names[0]), second=Name(names[1])), words)


def boundary(solution: Solution) -> Figure | None:
    """Return the decision boundary of a classifier."""
    plot = figures.boundary(solution)
    if plot is None:
        return None
    notation = solution.notation
    first, second = (str(plain(notation.symbol(name))) for name in solution.derivation.graph.units(0).elements())
    samples = sum(len(series.points) for series in plot.series if not series.joined)
    words = message("alternative.decision", first=first, second=second, samples=_counted("samples", samples))
    return Figure(plot, message("caption.decision"), words)


def fit(solution: Solution) -> Figure | None:
    """Return the samples of a network of one input with its prediction."""
    plot = figures.fit(solution)
    if plot is None:
        return None
    *lines, samples = plot.series
    ends = [(_short(line.points[0].y), _short(line.points[-1].y)) for line in (lines[0], lines[-1])]
    (start_low, start_high), (low, high) = ends
    name = solution.derivation.graph.units(0).at(1)
    words = message(
        "alternative.fit",
        input=str(plain(solution.notation.symbol(name))),
        samples=_counted("samples", len(samples.points)),
        start_low=start_low,
        start_high=start_high,
        low=low,
        high=high,
    )
    return Figure(plot, message("caption.fit"), words)


def _joined(first: Message, second: Message) -> Message:
    return message("caption.joined", first=first, second=second)


def _counted(kind: str, count: int) -> Message:
    """Return a number of things, in the words for one or for several."""
    return message(f"alternative.{kind}" if count != 1 else f"alternative.{kind}_one", count=count)


def _short(number: float) -> str:
    return str(plain(decimal(number)))


def _with_numbers(whole: Message, diagram: Diagram) -> Message:
    """Return the description of a diagram, with the numbers in it where these are few."""
    told = tuple(diagram.told.values())
    return message("alternative.numbers", whole=whole, numbers=told) if 0 < len(told) <= _MOST_TOLD else whole


Maker = Callable[[Solution], Figure | None]

_OPENING: Mapping[str, tuple[Maker, ...]] = {
    # What is to be computed is no part of the statement.
    "title.network": (stated,),
    "title.graph": (stated,),
}
_BELOW: Mapping[str, tuple[Maker, ...]] = {
    # Its table fills the page before a picture that asks for most of one.
    "title.summary": (summarized,),
}
_CLOSING: Mapping[str, tuple[Maker, ...]] = {
    "title.after": (losses, fit, landscape, boundary),
    "title.after_step": (losses, fit, landscape, boundary),
}
"""The figures that open a section, stand below its blocks, or close it, by the id of its title."""

OF_STATEMENTS = ("title.network", "title.graph")
"""The sections whose figures show nothing but the problem."""
