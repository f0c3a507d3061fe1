"""The front end for computation graphs: the texts of `[graph]` → quantities and equations."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction

from symbackprop.algebra import expressions
from symbackprop.algebra.broadcasting import spell
from symbackprop.algebra.formula import (
    Apply,
    Indexed,
    Name,
    Node,
    Product,
    Transposed,
    map_children,
    names,
    per_sample,
    walk,
)
from symbackprop.algebra.functions import ACTIVATIONS, NAMES, SETTINGS, has_value, is_vector
from symbackprop.algebra.shapes import is_elementwise, shape_of, with_kept_axes
from symbackprop.errors import ProblemError, SymbackpropError, unknown
from symbackprop.graph.batch_axis import Samples
from symbackprop.graph.quantities import INNER, Equation, Graph, Quantity, Role
from symbackprop.graph.scalars import gradient_of, identifier, of_one_sample
from symbackprop.messages import message
from symbackprop.problems import ComputationGraph
from symbackprop.problems.graph_table import check_name


def graph_of(model: ComputationGraph, samples: Samples) -> Graph:
    """Return the graph of the equations of a computation graph over so many samples.

    With samples, the output of one sample is called `<output>@`, and the output is their sum or mean.
    Raises `SymbackpropError` that names the equation at fault.
    """
    quantities = {quantity.name: quantity for quantity in _declared(model, samples is not None)}
    equations: list[Equation] = []
    inner = _InnerActivations(model, quantities, equations)
    for position, text in enumerate(model.equations):
        try:
            _add(model, text, quantities, equations, inner)
        except SymbackpropError as error:
            raise error.at(f"graph.equations[{position}] ({text.strip()[:100]})") from None
    _finish(model, samples, quantities, equations)
    _check_elements(quantities, model.output)
    return Graph(quantities, tuple(equations), model.output, samples)


def _declared(model: ComputationGraph, batched: bool) -> list[Quantity]:
    roles = ((model.parameters, Role.PARAMETER), (model.inputs, Role.INPUT), (model.targets, Role.TARGET))
    return [
        Quantity(name, model.shapes[name], role, "given", batched=batched and role is not Role.PARAMETER)
        for declared, role in roles
        for name in declared
    ]


def _add(
    model: ComputationGraph,
    text: str,
    quantities: dict[str, Quantity],
    equations: list[Equation],
    inner: _InnerActivations,
) -> None:
    name, equals, body = text.partition("=")
    name = name.strip()
    if not equals:
        raise ProblemError(message("graph.assignment"))
    check_name(name, "")
    if name in quantities:
        raise ProblemError(message("graph.twice", name=name))
    formula = expressions.parse(body.strip(), functions=NAMES, names=tuple(quantities), settings=SETTINGS)
    shapes = {known: quantity.shape for known, quantity in quantities.items()}
    formula = with_kept_axes(_with_convention(formula, model.relu_derivative_at_zero), shapes)
    shape = shape_of(formula, shapes, "")
    batched = any(quantities[read].batched for read in names(formula))
    role = Role.OUTPUT if name == model.output else Role.INTERMEDIATE
    formula = inner.named(name, formula)
    quantities[name] = Quantity(name, shape, role, "gate", batched=batched)
    equations.append(Equation(name, formula))


class _InnerActivations:
    """The activations inside equations, each a quantity of its own: `h = o*tanh(c)` reads `h_tanh = tanh(c)`.

    One that the problem names (`m = tanh(c)`) keeps that name wherever it occurs; what occurs twice is one quantity. So is
    what a softmax is of, where that is made of products of matrices or of sums: `A_z` of `A = softmax(Q @ K.T)`.
    """

    def __init__(self, model: ComputationGraph, quantities: dict[str, Quantity], equations: list[Equation]) -> None:
        self.quantities, self.equations = quantities, equations
        self._known: dict[Node, str] = {}
        self._taken = {*quantities, *(text.partition("=")[0].strip() for text in model.equations)}

    def named(self, equation: str, formula: Node) -> Node:
        """Return the formula of an equation with names for the activations inside it."""
        found = self._with_names(equation, formula)
        if has_value(found):
            self._known.setdefault(found, equation)
        return found

    def _with_names(self, equation: str, formula: Node) -> Node:
        """Return a formula with names for the activations inside it, and for what a softmax is of."""
        return map_children(formula, lambda part: self._opened(equation, formula, part))

    def _opened(self, equation: str, around: Node, part: Node) -> Node:
        found = self._with_names(equation, part)
        if isinstance(found, Apply) and has_value(found):
            return self._quantity(f"{equation}_{found.function}", found)
        if isinstance(around, Apply) and is_vector(around.function) and not all(map(_is_of_elements, walk(found))):
            return self._quantity(f"{equation}_z", found)
        return found

    def _quantity(self, wanted: str, formula: Node) -> Name:
        """Return the name of the quantity that has a formula."""
        if formula not in self._known:
            name = self._known[formula] = self._fresh(wanted)
            shape = shape_of(formula, {known: quantity.shape for known, quantity in self.quantities.items()}, "")
            batched = any(self.quantities[read].batched for read in names(formula))
            self.quantities[name] = Quantity(name, shape, Role.INTERMEDIATE, INNER, batched=batched)
            self.equations.append(Equation(name, formula))
        return Name(self._known[formula])

    def _fresh(self, wanted: str) -> str:
        """Return a name that no quantity has, nor any of its elements."""
        numbered = itertools.chain([wanted], (f"{wanted}{number}" for number in itertools.count(2)))
        free = next(name for name in numbered if not any(f"{taken}_".startswith(f"{name}_") for taken in self._taken))
        self._taken.add(free)
        return free


def _is_of_elements(part: Node) -> bool:
    """Say whether an operation works element by element, or only picks elements."""
    return is_elementwise(part) or isinstance(part, Name | Transposed | Indexed)


def _with_convention(formula: Node, at_zero: Fraction) -> Node:
    """Return the formula with the convention at 0 in its activations, and where `max` or `min` compares with a constant."""
    changed = map_children(formula, lambda child: _with_convention(child, at_zero))
    if not isinstance(changed, Apply):
        return changed
    return replace(changed, at_kink=at_zero) if changed.function in ACTIVATIONS else expressions.tied(changed, at_zero)


def _finish(
    model: ComputationGraph, samples: Samples, quantities: dict[str, Quantity], equations: list[Equation]
) -> None:
    """Check the output; with samples, name its value in one sample apart from their sum or mean."""
    output = quantities.get(model.output)
    computed = [equation.name for equation in equations]
    if output is None or model.output not in computed:
        listed = [name for name in computed if quantities[name].kind != INNER]
        raise unknown("equation", model.output, listed, where="graph.output")
    if output.shape != ():
        what = message("graph.output", name=model.output, shape=spell(output.shape))
        raise ProblemError(what, where="graph.output")
    if samples is None or not output.batched:
        return
    if any(model.output in names(equation.formula) for equation in equations):
        raise ProblemError(message("graph.output_read", name=model.output), where="graph.output")
    inner = of_one_sample(model.output)
    place = computed.index(model.output)
    equations[place] = Equation(inner, equations[place].formula)
    total: Node = Name(inner)
    if model.reduction == "mean" and samples != 1:
        total = Product((per_sample(Fraction(1), samples), total))
    equations.append(Equation(model.output, total))
    quantities[inner] = Quantity(inner, (), Role.INTERMEDIATE, "gate", batched=True)
    del quantities[model.output]
    quantities[model.output] = Quantity(model.output, (), Role.OUTPUT, "gate")


def _check_elements(quantities: dict[str, Quantity], output: str) -> None:
    """Refuse a name that another quantity's element has, or a gradient: `w_1` beside a vector `w`, `dL_du` beside `u`."""
    owner: dict[str, str] = {}
    for quantity in quantities.values():
        for element in map(identifier, quantity.elements()):
            if element in owner:
                what = message("graph.collision", name=element, other=owner[element])
                raise ProblemError(what, where=f"graph ({quantity.name})")
            owner[element] = identifier(quantity.name)
    for element in owner:
        of = gradient_of(element, output)
        if of in owner:
            what = message("graph.adjoint", name=element, other=of)
            raise ProblemError(what, where=f"graph ({owner[element]})")
