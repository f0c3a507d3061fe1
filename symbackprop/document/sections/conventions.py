"""The sentences that say which notation a solution of a network is written in."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction

from symbackprop.algebra.branches import is_comparison, outside_conditions
from symbackprop.algebra.formula import Adjoint, Name, Node, Number, Power, negated, walk
from symbackprop.algebra.functions import has_branches, reads_nothing
from symbackprop.algebra.shapes import is_elementwise, shape_of
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.document.display_nodes import Delta, Equality, Gradient, Letter
from symbackprop.graph.notation import Notation, Symbol
from symbackprop.graph.quantities import PIECE, Graph, Quantity
from symbackprop.messages import Message, message

_MOST_NAMED = 4
"""So many of the user's own names are given as examples."""


def samples_sentence(scene: Scene, reduction: str) -> Message:
    """Return what the loss of a sample has to do with the loss; `reduction` (mean, sum) is how a batch has it."""
    graph = scene.derivation.graph
    kind = "one_sample" if graph.samples == 1 else reduction
    return message(f"convention.{kind}", loss=Name(graph.sample_loss), count=graph.samples)


def notation_sentences(scene: Scene) -> Iterator[Message]:
    """Yield what the names in use mean: layers, indices, names of the user's own."""
    conventions = scene.notation.conventions
    if conventions.naming == "flat":
        yield message("convention.flat")
        if conventions.layers == "leave":
            yield message("notation.leave_flat")
    else:
        yield from _indexed(scene)
    if conventions.names:
        named = tuple(map(Name, conventions.names))[:_MOST_NAMED]
        yield message("notation.own_names", names=message("text.items", items=named))


def branch_sentences(scene: Scene) -> Iterator[Message]:
    """Yield what a brace with conditions means, and a condition that is a number, where they are printed."""
    forms = set(scene.derivation.links.forms())
    parts = [part for form in forms for part in outside_conditions(form.formula)]
    has_power = any(isinstance(part, Power) and not any(map(reads_nothing, part)) for part in parts)
    if has_power or any(has_branches(form.formula) for form in forms):
        yield message("convention.branches")
    if any(map(is_comparison, parts)):
        yield message("convention.indicator")


def _indexed(scene: Scene) -> Iterator[Message]:
    """Yield what the indices of a weight mean, by a weight that carries them."""
    conventions, weights = scene.notation.conventions, scene.derivation.graph.layers[0].weights
    # The last weight joins different units in most layers, so that its indices differ.
    names = (name for name in reversed(weights.elements()) if not scene.notation.is_own(name))
    last = next(names, None)
    if last is None:
        return
    indexed = itertools.chain([last], names)
    chosen = next((name for name in indexed if len(set(scene.notation.locate(name)[1])) > 1), last)
    if conventions.layers == "leave":
        units = Name(scene.derivation.graph.units(1).elements()[0])
        upper = (f"({scene.notation.layer_number(0)})",)
        letter = scene.notation.letters["activation"]
        inputs = Equality(Letter(Symbol(letter.base, letter.lower, upper)), Name(scene.derivation.graph.units(0).name))
        yield message("notation.leave", weight=Name(chosen), input=inputs, unit=units)
    else:
        yield message("notation.enter", weight=Name(chosen))
    to, of = scene.notation.locate(chosen)[1]
    ends: dict[str, Node] = {"to": Number(Fraction(to)), "from": Number(Fraction(of))}
    yield message(f"notation.{conventions.index_order}", weight=Name(chosen), **ends)
    yield from _place_in_matrix(scene, weights, chosen)
    if conventions.naming == "elementwise":
        yield message("notation.elementwise", entry=Name(chosen), matrix=Name(weights.name))


def _place_in_matrix(scene: Scene, weights: Quantity, chosen: str) -> Iterator[Message]:
    """Yield where an entry stands whose indices are not row and column of its matrix."""
    swapped = scene.notation.conventions.index_order == "from_to"
    if swapped is weights.transposed:
        return
    position = next(index for index in weights.indices() if weights.element(index) == chosen)
    row, column = (str(each + 1) for each in position)
    yield message("notation.swapped", entry=Name(chosen), row=row, column=column, matrix=Name(weights.name))


def pieces_sentence(graph: Graph) -> Iterator[Message]:
    """Yield what the letter stands for that pieces of long formulas have, where there are any."""
    pieces = (each for each in graph.quantities.values() if each.kind == PIECE)
    yield from (message("convention.pieces", first=Name(each.name)) for each in itertools.islice(pieces, 1))


def rows_sentence(graph: Graph) -> Iterator[Message]:
    """Yield what a vector means that meets a matrix entry by entry, where one does: by NumPy's rule it is every row."""
    for part in itertools.chain.from_iterable(walk(equation.formula) for equation in graph.equations):
        if is_elementwise(part):
            ranks = {len(shape_of(child, graph.shapes, "")) for child in part}
            if 1 in ranks and max(ranks) > 1:
                yield message("convention.vector_of_rows", formula=part)
                return


def backward_sentence(notation: Notation, prefix: str = "convention") -> Message:
    """Return what the backward pass goes through: δ with its definition, or ∂L/∂a; with `text`, in few words."""
    first = notation.graph.layers[0]
    unit = first.pre_activation.elements()[0]
    if notation.conventions.backward == "activation":
        kind = "notation.activation" if prefix == "convention" else "notation.through"
        return message(kind, gradient=Gradient(first.activation.elements()[0]))
    if notation.negative_delta:
        kind = "notation.negative" if prefix == "convention" else "text.delta"
        return message(kind, definition=Equality(Delta(unit), negated(Gradient(unit))))
    return message(f"{prefix}.delta", definition=Equality(Adjoint(unit), Gradient(unit)))
