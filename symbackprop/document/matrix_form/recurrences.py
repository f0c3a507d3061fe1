"""The recurrences of backpropagation for an arbitrary layer, read off the derivation of a network of symbols.

The network has four layers whose functions are symbols. Its derivation is made as any other; then unit 1 of layer 2 is
called j, the layers around it l − 1, l and l + 1, and the terms that differ only in the unit they belong to become one
sum, after it is checked that they are alike. Names keep their form with letters for numbers: `W3_k_j` leads from unit j of
layer 2 to unit k of layer 3; a `General` formula says by its notation that layer 2 is called l.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from symbackprop.algebra import functions
from symbackprop.algebra.formula import (
    ONE,
    Adjoint,
    Apply,
    Name,
    Negative,
    Node,
    Number,
    Product,
    SampleCount,
    added,
    multiplied,
    rewrite,
)
from symbackprop.derivation.derivations import derive
from symbackprop.document.calculation.numerals import Style
from symbackprop.document.chain_rule.chains import gradient_symbol, in_its_sign, path_of
from symbackprop.document.chain_rule.factors import Factor, product_of, signed
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.document.display_nodes import Braced, Delta, Gradient, Letter, Local, Summation
from symbackprop.graph.notation import NAMINGS, Notation, Symbol
from symbackprop.graph.quantities import PENALTY, Graph, Quantity
from symbackprop.problems import Array, Layer, NotationChoice, Problem

WIDTH = 5
"""Units of each layer of the network of symbols: several, so that what is a sum looks like one."""

BEFORE, THIS, NEXT, LAST = 1, 2, 3, 4
"""Its layers: l − 1, l, l + 1, and the output layer."""

DEPTHS = "LHNKQ"
"""Letters for the number of layers, the first that is free."""

_Units = Mapping[tuple[int, int], str]
"""(layer, unit) → the letter that the unit is called by."""


@dataclass(frozen=True, slots=True)
class Model:
    """A network of symbols, the letter for its depth, and the two ways to call its layers: around l, and up to the depth."""

    scene: Scene
    depth: str
    hidden: Notation
    output: Notation

    @property
    def graph(self) -> Graph:
        """The graph of the network of symbols."""
        return self.scene.derivation.graph

    def z(self, layer: int, *unit: int | str) -> str:
        """Return the name of a pre-activation of a layer, whose unit may be a letter; without a unit, of all of them."""
        return self.graph.layers[layer - 1].pre_activation.at(*unit)

    def a(self, layer: int, *unit: int | str) -> str:
        """Return the name of an activation of a layer, or of all of them."""
        return self.graph.units(layer).at(*unit)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """`left = formula = formula …`, each with the id of the phrase that is its reason, in one of the two notations."""

    left: Node
    lines: tuple[tuple[Node, str], ...]
    notation: Notation


def model_of(
    problem: Problem, bias: str, activation: Layer | None = None, *, has_loss: bool = False, outputs: int = WIDTH
) -> Model:
    """Return the network of symbols that is like a problem in layout, batch, penalty and notation.

    `bias` is the kind of bias of all its layers; `activation` gives their function in place of a symbol, and `has_loss`
    says that the loss is that of the problem, over so many `outputs`.
    """
    layer = activation or Layer(WIDTH, functions.GENERIC, bias)
    widths = (WIDTH,) * (LAST - 1) + (outputs,)
    layers = tuple(replace(layer, units=units, bias=bias) for units in widths)
    network = replace(problem.network, inputs=WIDTH, input_names=(), layers=layers)
    if not has_loss:
        network = replace(network, loss="generic", loss_settings=(), loss_body="")
    unknown = {name: Array((count,), (None,) * count) for name, count in (("x", WIDTH), ("y", outputs))}
    derivation = derive(replace(problem, model=network, arrays=unknown, training=None), of_any_size=True)
    notation = Notation.of(derivation.graph, _by_layer(problem.notation))
    this, last = notation.layer_number(THIS), notation.layer_number(LAST)
    hidden = replace(notation, layer_texts={this - 2: "l-2", this - 1: "l-1", this: "l", this + 1: "l+1"})
    depth = depth_letter(notation)
    output = replace(notation, layer_texts={last - 1: f"{depth}-1", last: depth})
    return Model(Scene(derivation, None, notation, Style(6, True), {}), depth, hidden, output)


def depth_letter(notation: Notation) -> str:
    """Return a letter for the number of layers that is none of the quantities', as L is where the loss is not called so."""
    taken = {notation.symbol(name).base for name in notation.graph.quantities}
    return next((letter for letter in DEPTHS if letter not in taken), DEPTHS[0])


def _by_layer(conventions: NotationChoice) -> NotationChoice:
    """Return conventions in which a unit is named by its layer and its place in it, as an arbitrary unit has to be."""
    if conventions.naming != "flat":
        return replace(conventions, names={})
    kept = {kind: letter for kind, letter in NAMINGS["flat"].letters.items() if kind in NAMINGS["layered"].letters}
    return replace(conventions, naming="layered", names={}, symbols={**kept, **conventions.symbols})


# Units by letters


class Unlike(Exception):
    """Terms that should be alike are not: a formula has no form for an arbitrary unit."""


def unit_layers(quantity: Quantity) -> tuple[int, ...]:
    """Return the layers whose units the indices of an element name: that it leads to, and that it comes from."""
    layer = quantity.layer or 0
    return (layer, layer - 1) if quantity.kind == "weight" else (layer,)


def lettered(model: Model, formula: Node, letters: _Units) -> Node:
    """Return a formula with letters for its units, all of which have one."""

    def change(part: Node) -> Node | None:
        if not isinstance(part, Name | Adjoint | Gradient | Delta):
            return None
        quantity, index = model.scene.notation.locate(part.name)
        places = list(zip(unit_layers(quantity), index, strict=False))
        if not letters.keys() >= set(places):
            raise Unlike
        return type(part)(quantity.at(*(letters[place] for place in places)))

    return rewrite(formula, change)


def summed(
    model: Model, formulas: Sequence[Node], units: Sequence[int], layer: int, letter: str, fixed: _Units
) -> Node:
    """Return the sum of formulas that are alike but for the unit of a layer that each belongs to.

    Raises `Unlike` where they differ in more than that.
    """
    found = [lettered(model, f, {**fixed, (layer, unit): letter}) for f, unit in zip(formulas, units, strict=True)]
    if any(formula != found[0] for formula in found):
        raise Unlike
    other = next((fixed[layer, unit] for unit in range(1, WIDTH + 1) if (layer, unit) in fixed), "")
    return Summation(found[0], letter, layer, other)


_J: _Units = {(THIS, 1): "j"}
_JI: _Units = {(THIS, 1): "j", (BEFORE, 3): "i"}
_LAST_J: _Units = {(LAST, 1): "j"}


def _unit(model: Model, name: str, layer: int) -> int:
    """Return the unit of a layer that an element belongs to."""
    quantity, index = model.scene.notation.locate(name)
    return index[unit_layers(quantity).index(layer)]


def _units(model: Model, paths: Sequence[tuple[Factor, ...]], layer: int) -> list[int]:
    """Return the units of a layer at whose gradients some paths begin."""
    firsts = [path[0].derivative for path in paths]
    return [_unit(model, first.name, layer) for first in firsts if isinstance(first, Gradient)]


# Forward


def forward(model: Model) -> tuple[Recurrence, Recurrence]:
    """Return the pre-activation and the activation of unit j of layer l."""
    equations = model.scene.derivation.equations
    terms: list[Node] = []
    for form, group in itertools.groupby(equations[model.z(THIS, 1)].terms, lambda term: term.form):
        alike = list(group)
        formulas = [term.formula() for term in alike]
        if form.arity == 1:
            terms += [lettered(model, formula, _J) for formula in formulas]
        else:
            units = [_unit(model, term.arguments[1], BEFORE) for term in alike]
            terms.append(summed(model, formulas, units, BEFORE, "i", _J))
    z = Recurrence(Name(model.z(THIS, "j")), ((added(tuple(terms)), "general.weighted_sum"),), model.hidden)
    value = lettered(model, equations[model.a(THIS, 1)].formula(), _J)
    return z, Recurrence(Name(model.a(THIS, "j")), ((value, "general.activation"),), model.hidden)


# Backward, unit by unit


def _paths(model: Model, name: str) -> list[tuple[Factor, ...]]:
    """Return the factors of every path from the nearest named gradients behind a layer down to a quantity."""
    scene = model.scene
    is_error = model.graph.quantity_of(name).kind == "pre_activation"
    found = []
    for link in scene.derivation.links[name]:
        path = path_of(scene, link, None)
        kind = scene.notation.locate(link.source)[0].kind
        if kind == "activation" and isinstance(path[0].partial, Adjoint) and is_error:
            found += [(*above, *path[1:]) for above in _paths(model, link.source)]
        else:
            found.append(path)
    return [tuple(general_factor(model, factor) for factor in path) for path in found]


def general_factor(model: Model, factor: Factor) -> Factor:
    """Return a factor with a letter for the number of samples, and ∂L/∂a and ∂Ω/∂w as the derivatives that they are."""
    is_loss = isinstance(factor.partial, Apply) and factor.partial.function == functions.GENERIC_LOSS
    if is_loss or (isinstance(factor.derivative, Local) and factor.derivative.of == Name(PENALTY)):
        return Factor(factor.derivative, factor.derivative)
    return Factor(factor.derivative, rewrite(factor.partial, counted))


def counted(part: Node) -> Node | None:
    """Return the letter of the number of samples in its place."""
    return Letter(Symbol("m")) if isinstance(part, SampleCount) else None


def _partials(path: Sequence[Factor]) -> Node:
    """Return the product of partials, each over its derivative, in which a derivative that stays one needs no brace."""

    def bare(part: Node) -> Node | None:
        return part.body if isinstance(part, Braced) and part.body == part.label else None

    return rewrite(product_of(tuple(path)), bare)


def _derivatives(path: Sequence[Factor]) -> Node:
    return multiplied(tuple(factor.derivative for factor in path))


def errors(model: Model, layer: int) -> Quantity:
    """Return what the errors of a layer are the gradients by: its pre-activations, or without δ its activations."""
    arrays = model.graph.layers[layer - 1]
    is_through_activations = model.scene.notation.conventions.backward == "activation"
    return arrays.activation if is_through_activations else arrays.pre_activation


def _definition(model: Model, name: str, letters: _Units) -> list[tuple[Node, str]]:
    if model.scene.notation.delta(name) is None:
        return []
    return [(in_its_sign(model.scene, name, lettered(model, Gradient(name), letters)), "general.definition")]


def hidden_error(model: Model) -> Recurrence:
    """Return the error of unit j of layer l from those of layer l + 1."""
    name = errors(model, THIS).at(1)
    paths = _paths(model, name)
    units = _units(model, paths, NEXT)

    def added_up(formulas: list[Node]) -> Node:
        return summed(model, formulas, units, NEXT, "k", _J)

    chain = in_its_sign(model.scene, name, added_up([_derivatives(path) for path in paths]))
    partials = added_up([in_its_sign(model.scene, name, _partials(path)) for path in paths])
    lines = [*_definition(model, name, _J), (chain, "general.paths_add"), (partials, "general.partials")]
    if errors(model, THIS).kind == "pre_activation":
        inner = added_up(
            [in_its_sign(model.scene, name, signed(tuple(factor.partial for factor in path[:-1]))) for path in paths]
        )
        derivative = lettered(model, paths[0][-1].partial, _J)
        lines.append((Product((inner, derivative)), "general.common_factor"))
    return Recurrence(lettered(model, gradient_symbol(model.scene, name), _J), tuple(lines), model.hidden)


def output_error(model: Model) -> Recurrence:
    """Return the error of unit j of the output layer from the loss; without δ it is one derivative alone."""
    name = errors(model, LAST).at(1)
    (path,) = _paths(model, name)
    chain = in_its_sign(model.scene, name, lettered(model, _derivatives(path), _LAST_J))
    partials = lettered(model, in_its_sign(model.scene, name, _partials(path)), _LAST_J)
    lines = [*_definition(model, name, _LAST_J), (chain, "general.chain_rule"), (partials, "general.partials")]
    return Recurrence(lettered(model, gradient_symbol(model.scene, name), _LAST_J), tuple(lines), model.output)


def parameter_gradients(model: Model) -> Iterator[Recurrence]:
    """Yield the gradients by the weight from unit i of layer l − 1 to unit j of layer l, and by the bias of layer l."""
    for quantity in model.scene.derivation.parameters:
        if quantity.layer == THIS:
            yield _parameter_gradient(model, quantity)


def _parameter_gradient(model: Model, quantity: Quantity) -> Recurrence:
    name = quantity.at(*(1, 3)[: len(quantity.shape)])
    letters: _Units = _JI if quantity.kind == "weight" else _J
    paths = _paths(model, name)
    others = [path for path in paths if not _is_penalty(path)]
    penalties = [lettered(model, _derivatives(path), letters) for path in paths if _is_penalty(path)]

    def line(formulas: list[Node]) -> Node:
        if quantity.shape:
            found = lettered(model, formulas[0], letters)
        else:
            found = summed(model, formulas, _units(model, others, THIS), THIS, "j", {})
        if model.scene.derivation.crosses_samples(name):
            found = Summation(found, "n", None)
        return added((found, *penalties))

    chain = line([_derivatives(path) for path in others])
    partials = line([_partials(path) for path in others])
    short = line([signed(tuple(_with_sign(factor.partial) for factor in path)) for path in others])
    reasons = ("general.paths_add" if not quantity.shape else "general.chain_rule", f"general.by_{quantity.kind}")
    left = lettered(model, Adjoint(name), letters)
    return Recurrence(left, ((chain, reasons[0]), (partials, reasons[1]), (short, "")), model.hidden)


def _with_sign(partial: Node) -> Node:
    """Return a factor of -1 as a sign."""
    return Negative(ONE) if partial == Number(Fraction(-1)) else partial


def _is_penalty(path: tuple[Factor, ...]) -> bool:
    last = path[-1].derivative
    return isinstance(last, Local) and last.of == Name(PENALTY)
