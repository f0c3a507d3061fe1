"""The front end for computation graphs: the texts of `[graph]` → quantities and equations."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from symbackprop.algebra import expressions
from symbackprop.algebra.array_operations import operation_of
from symbackprop.algebra.branches import choice_of
from symbackprop.algebra.broadcasting import check_size, spell
from symbackprop.algebra.formula import (
    Apply,
    Indexed,
    MatrixProduct,
    Name,
    Node,
    Product,
    Transposed,
    map_children,
    names,
    per_sample,
    walk,
)
from symbackprop.algebra.functions import NAMES, SETTINGS, has_value, is_vector, with_convention
from symbackprop.algebra.mistakes import check_occurrences
from symbackprop.algebra.shapes import is_elementwise, opened, shape_of, with_settled_axes
from symbackprop.derivation.taking_apart import LONG_PARTS, OWN_NESTED, TakingApart, free_letter, with_condition
from symbackprop.errors import ProblemError, SymbackpropError, unknown
from symbackprop.graph.batch_axis import Samples
from symbackprop.graph.notation import own_symbol
from symbackprop.graph.quantities import INNER, PIECE, Equation, Graph, Quantity, Role
from symbackprop.graph.scalars import beginnings, element_name, gradient_of, identifier, numbered, of_one_sample
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
    builder = _Builder(model, quantities, equations)
    for position, text in enumerate(model.equations):
        try:
            builder.add(text)
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


class _Builder:
    """The equations of a graph as they are read, in single assignment.

    An activation inside an equation is a quantity of its own: `h = o*tanh(c)` reads `h_tanh = tanh(c)`. One that the problem
    names (`m = tanh(c)`) keeps that name wherever it occurs; what occurs twice is one quantity. So is what a softmax is of,
    where that is made of products of matrices or of sums: `A_z` of `A = softmax(Q @ K.T)`.
    """

    def __init__(self, model: ComputationGraph, quantities: dict[str, Quantity], equations: list[Equation]) -> None:
        self.model, self.quantities, self.equations = model, quantities, equations
        self._shapes = {name: quantity.shape for name, quantity in quantities.items()}
        for name, shape in self._shapes.items():
            check_size(name, shape, f"graph ({name})")
        self._known: dict[Node, str] = {}
        self._nested: dict[str, int] = {}
        taken = (*quantities, *(text.partition("=")[0].strip() for text in model.equations))
        self._taken = {start for name in taken for start in beginnings(name)}
        letter = free_letter(own_symbol(name).base for name in self._taken)
        self._apart = TakingApart(functools.partial(self._define, kind=PIECE), letter)

    def add(self, text: str) -> None:
        """Read one equation."""
        name, equals, body = text.partition("=")
        name = name.strip()
        if not equals:
            raise ProblemError(message("graph.assignment"))
        check_name(name, "")
        if name in self.quantities:
            raise ProblemError(message("graph.twice", name=name))
        formula = expressions.parse(body.strip(), functions=NAMES, names=self.quantities, settings=SETTINGS)
        check_occurrences(formula)
        formula = with_settled_axes(with_convention(formula, self.model.relu_derivative_at_zero), self._shapes)
        shape_of(formula, self._shapes, "")

        def piece(part: Node) -> Node:
            return self._apart.piece(self._apart.shortened(self._with_names(name, part)))

        written = opened(formula, self._shapes, piece)
        rows = [row for part in walk(formula) if (row := operation_of(part)) is not None and row.opens is not None]
        is_folded = bool(rows) and all(row.symbol for row in rows)
        self._define(name, self._apart.shortened(self.named(name, written)), "gate", formula if is_folded else None)

    def _define(self, name: str, formula: Node, kind: str, folded: Node | None = None) -> None:
        shape = self._shapes[name] = shape_of(formula, self._shapes, "")
        for part in walk(formula):
            check_size(name, shape_of(part, self._shapes, ""))
        batched = any(self.quantities[read].batched for read in names(formula))
        role = Role.OUTPUT if name == self.model.output else Role.INTERMEDIATE
        self.quantities[name] = Quantity(name, shape, role, kind, batched=batched)
        self.equations.append(Equation(name, formula, folded=folded))

    def named(self, equation: str, formula: Node) -> Node:
        """Return the formula of an equation with names for the activations inside it."""
        found = self._with_names(equation, formula)
        if has_value(found):
            self._known.setdefault(found, equation)
        return found

    def _with_names(self, equation: str, formula: Node) -> Node:
        """Return a formula with names for the activations inside it, and for what a softmax is of.

        What stands in one branch alone has a value only where that branch is chosen, and gets no name.
        """
        choice = choice_of(formula)
        if choice is not None:
            return with_condition(choice, self._with_names(equation, choice.condition))
        return map_children(formula, lambda part: self._opened(equation, formula, part))

    def _opened(self, equation: str, around: Node, part: Node) -> Node:
        found = self._with_names(equation, part)
        if isinstance(found, Apply) and has_value(found):
            nested = 1 + max((self._nested.get(name, 0) for name in names(found)), default=0)
            if nested > OWN_NESTED and found not in self._known:
                return self._apart.piece(self._apart.shortened(found))
            inner = self._quantity(element_name(equation, (found.function,)), found)
            self._nested.setdefault(inner.name, nested)
            return inner
        if isinstance(around, Apply) and is_vector(around.function) and not all(map(_is_of_elements, walk(found))):
            return self._quantity(element_name(equation, "z"), found)
        if isinstance(around, Apply) and operation_of(around) is None and self._adds_many(found):
            return self._apart.piece(self._apart.shortened(found))
        return found

    def _adds_many(self, part: Node) -> bool:
        """Say whether an element of a part is a long sum of products, which each of its derivatives would have in it."""
        products = (each for each in walk(part) if isinstance(each, MatrixProduct))
        return any(2 * shape_of(each.left, self._shapes, "")[-1] > LONG_PARTS for each in products)

    def _quantity(self, wanted: str, formula: Node) -> Name:
        """Return the name of the quantity that has a formula."""
        if formula not in self._known:
            self._known[formula] = self._fresh(wanted)
            self._define(self._known[formula], self._apart.shortened(formula), INNER)
        return Name(self._known[formula])

    def _fresh(self, wanted: str) -> str:
        """Return a name that no quantity has, nor any of its elements."""
        numbered = itertools.chain([wanted], (f"{wanted}{number}" for number in itertools.count(2)))
        free = next(name for name in numbered if name not in self._taken)
        self._taken.update(beginnings(free))
        return free


def _is_of_elements(part: Node) -> bool:
    """Say whether an operation works element by element, or only picks elements."""
    return is_elementwise(part) or isinstance(part, Name | Transposed | Indexed)


def _finish(
    model: ComputationGraph, samples: Samples, quantities: dict[str, Quantity], equations: list[Equation]
) -> None:
    """Check the output; with samples, name its value in one sample apart from their sum or mean."""
    output = quantities.get(model.output)
    computed = [equation.name for equation in equations]
    if output is None or model.output not in computed:
        listed = [name for name in computed if quantities[name].kind not in (INNER, PIECE)]
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
    equations[place] = replace(equations[place], name=inner)
    total: Node = Name(inner)
    if model.reduction == "mean" and samples != 1:
        total = Product((per_sample(Fraction(1), samples), total))
    equations.append(Equation(model.output, total))
    quantities[inner] = Quantity(inner, (), Role.INTERMEDIATE, "gate", batched=True)
    del quantities[model.output]
    quantities[model.output] = Quantity(model.output, (), Role.OUTPUT, "gate")


def _check_elements(quantities: Mapping[str, Quantity], output: str) -> None:
    """Refuse a name that another quantity's element has, or a gradient: `w_1` beside a vector `w`, `dL_du` beside `u`.

    Names are compared without a look at the elements, of which there may be millions.
    """
    order = {quantity: place for place, quantity in enumerate(quantities.values())}
    arrays: dict[str, list[Quantity]] = {}
    for quantity in order:
        arrays.setdefault(identifier(quantity.name), []).append(quantity)
    for quantity in order:
        element = identifier(quantity.element((0,) * len(quantity.shape)))
        for other in _arrays_of(identifier(quantity.name), quantity, arrays):
            if other is not quantity:
                first, second = sorted((quantity, other), key=order.__getitem__)
                what = message("graph.collision", name=element, other=identifier(first.name))
                raise ProblemError(what, where=f"graph ({second.name})")
        of = gradient_of(identifier(quantity.name), output)
        for _ in _arrays_of(of, quantity, arrays) if of else ():
            what = message("graph.adjoint", name=element, other=gradient_of(element, output))
            raise ProblemError(what, where=f"graph ({identifier(quantity.name)})")


def _arrays_of(name: str, quantity: Quantity, arrays: Mapping[str, Sequence[Quantity]]) -> Iterator[Quantity]:
    """Yield the arrays that have elements called as those of an array of that name, of the rank of a quantity."""
    for start, index in numbered(name):
        for array in arrays.get(start, ()):
            if len(array.shape) == len(index) + len(quantity.shape) and all(map(operator.le, index, array.shape)):
                yield array
