"""The derivation: graph, element equations and chain links of one problem, which everything else reads."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symbackprop.algebra.formula import SampleCount
from symbackprop.derivation import backprop, computation_graphs, dense, element_grain
from symbackprop.derivation.backprop import Link, Links
from symbackprop.derivation.element_grain import ElementEquation, ElementGraph
from symbackprop.derivation.lazy_fields import on_demand
from symbackprop.derivation.stated_numbers import StatedNumbers
from symbackprop.display import Displayed, latex
from symbackprop.errors import UnknownNameError
from symbackprop.graph import alike
from symbackprop.graph.quantities import Graph, Quantity, Role
from symbackprop.graph.scalars import Scalar, identifier
from symbackprop.problems import ComputationGraph, Given, Problem
from symbackprop.problems.accepted import ProblemLike, problem_of

if TYPE_CHECKING:
    import sympy

    from symbackprop.derivation.in_sympy import Expressions
    from symbackprop.derivation.symbols import Symbols


@dataclass(frozen=True)
class Derivation(Displayed):
    """What one reverse sweep found.

    `graph` holds the equations between arrays, `elements` those between scalars, `links` for each scalar the products
    (upstream adjoint × local partial) whose sum is the gradient of the output by it. The grain of elements is worked out
    when it is first read: who works between arrays never pays for it.
    """

    problem: Problem
    graph: Graph
    elements: ElementGraph = on_demand(lambda derivation: element_grain.expand(derivation.graph))  # noqa: RUF009 - a descriptor
    links: Links = on_demand(lambda derivation: derivation._swept())  # noqa: RUF009 - a descriptor

    def _given(self) -> dict[str, Any]:
        """Return the fields that follow from the others, where the constructor was given them."""
        return {name: self.__dict__[name] for name in ("elements", "links") if name in self.__dict__}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Derivation):
            return NotImplemented
        return (self.problem, self.graph, self._given()) == (other.problem, other.graph, other._given())

    def __reduce__(self) -> tuple[object, ...]:
        """Return how a copy is made: of problem and graph; what follows from them is worked out anew."""
        return functools.partial(Derivation, **self._given()), (self.problem, self.graph)

    def __repr__(self) -> str:
        return f"<Derivation of {self.problem.name}: {self.problem.outline}>"

    def _swept(self) -> Links:
        """Return the links that the reverse sweep finds, with fused losses where the problem goes through δ."""
        return backprop.sweep(self.elements, fused=self.problem.notation.backward == "delta")

    @functools.cached_property
    def equations(self) -> Mapping[str, ElementEquation]:
        """The element equations by the name each defines."""
        return {equation.name: equation for equation in self.elements.equations}

    @functools.cached_property
    def fused_links(self) -> Links:
        """The links with fused losses, which floats need; those of `links` unless the problem goes through ∂L/∂a."""
        has_fused = self.elements.bypassed and self.problem.notation.backward != "delta"
        return backprop.sweep(self.elements) if has_fused else self.links

    @property
    def parameters(self) -> tuple[Quantity, ...]:
        """The parameters in order of definition."""
        return self.graph.of_role(Role.PARAMETER)

    def stated_arrays(self) -> Iterator[tuple[int | None, tuple[str, ...], tuple[Given | None, ...]]]:
        """Yield the problem's numbers array by array and sample by sample.

        Yields:
            The sample (None for what is shared), the names of the elements, a number for each (None where it is left
            out).

        Examples:
            >>> [(sample, names) for sample, names, _ in derive("line").stated_arrays()]
            [(None, ('W1_1_1',)), (None, ('x_1',)), (None, ('y_1',))]
        """
        for name, array in self.problem.arrays.items():
            quantity = self.graph.quantities[name]
            elements = quantity.elements()
            for start, sample in zip(itertools.count(0, len(elements)), self.graph.samples_of(quantity), strict=False):
                yield sample, elements, array.entries[start : start + len(elements)]

    def stated(self) -> Iterator[tuple[Scalar, Given]]:
        """Yield the numbers that the problem states.

        Yields:
            A scalar, and the number that it has.

        Examples:
            >>> [(str(scalar), given.text) for scalar, given in derive("line").stated()]
            [('W1_1_1', '0'), ('x_1', '1'), ('y_1', '1')]
        """
        yield from self.stated_numbers.items()

    @functools.cached_property
    def stated_numbers(self) -> StatedNumbers:
        """What `stated` yields, by scalar."""
        return StatedNumbers(self.graph, self.problem.arrays)

    def quantity(self, name: str) -> Quantity:
        """Return the array quantity of a name.

        Args:
            name: The code name of an array.

        Returns:
            The quantity, with its shape and role.

        Raises:
            UnknownNameError: There is none; the error suggests one.

        Examples:
            >>> derive("mazur").quantity("W1").shape
            (2, 2)
        """
        if name not in self.graph.quantities:
            raise self._unknown(name, self.graph.quantities)
        return self.graph.quantities[name]

    def chain(self, name: str) -> tuple[Link, ...]:
        """Return the links from the output side down to a scalar, for as long as there is only one path.

        The first source is the output, or a quantity that several paths reach (or leave for the sum over the samples).

        Args:
            name: The code name of a scalar.

        Returns:
            The links, from the output side.

        Raises:
            UnknownNameError: There is no such scalar.

        Examples:
            >>> [link.source for link in derive("mazur").chain("W2_1_1")]
            ['L', 'a2_1', 'z2_1']
        """
        name = self._scalar(name)
        found: list[Link] = []
        while len(self.links.get(name, ())) == 1 and not (found and self.crosses_samples(name)):
            found += self.links[name]
            name = found[-1].source
        return tuple(reversed(found))

    def crosses_samples(self, name: str) -> bool:
        """Say whether a gradient adds over the samples: the quantity is shared by them and its readers are not.

        Args:
            name: The code name of a scalar.

        Returns:
            Whether it does.

        Examples:
            >>> derivation = derive("xor")
            >>> derivation.crosses_samples("W1_1_1"), derivation.crosses_samples("a1_1")
            (True, False)
        """
        return any(self.elements.batch_axis.adds(name, link.read) for link in self.links.get(name, ()))

    def contributions(self, name: str, sample: int | None = None) -> Iterator[tuple[Link, int | None]]:
        """Yield what the gradient by a scalar is the sum of: its links, each in the sample where it lies.

        Args:
            name: The code name of a scalar.
            sample: The sample, for what differs between samples.

        Yields:
            A link, and its sample.

        Examples:
            >>> [sample for _, sample in derive("xor").contributions("W1_1_1")]
            [1, 2, 3, 4]
        """
        for link in self.links[name]:
            for place in self.elements.batch_axis.spread(name, link.read, sample):
                yield link, place

    def adjoint_name(self, name: str) -> str:
        """Return the code name of the gradient by an element: `delta2_1` for z2_1 of a network, else `dL_dw_1`.

        Args:
            name: The code name of a scalar or an array.

        Returns:
            The name.

        Raises:
            UnknownNameError: There is no such quantity.

        Examples:
            >>> derive("mazur").adjoint_name("z2_1")
            'delta2_1'
        """
        if name not in self.graph.quantities:
            name = self._scalar(name)
        return self.graph.gradient_name(name)

    @functools.cached_property
    def symbols(self) -> Symbols:
        """The quantities and gradients as SymPy symbols, and what they are made of in these."""
        from symbackprop.derivation.symbols import Symbols

        return Symbols(self.graph, self.equations, self.links, self.elements.batch_axis)

    def gradient(self, name: str) -> sympy.Matrix:
        """Return the gradient of the output by a quantity, as a SymPy matrix.

        Args:
            name: The code name of an array.

        Returns:
            A matrix of its shape, a vector as a column, or SymPy's array of more axes; each entry a `gradient_expression`.

        Raises:
            UnknownNameError: There is no such array.

        Examples:
            >>> derive("mazur").gradient("W2")[0, 0]
            a1_1*delta2_1
        """
        return self._matrix(name, self.gradient_expression)

    def gradient_expression(self, element: str) -> sympy.Expr:
        """Return the gradient by one scalar as a SymPy expression over named quantities.

        These are forward values (`a1_1`) and gradients (`delta2_1` is ∂L/∂z2_1, `dL_da1_1` is ∂L/∂a1_1), real
        symbols; at a kink stands a `Piecewise`. In a batch, what differs between samples is indexed by the sample,
        from 0, and a gradient by something shared is a `Sum` over the samples, with what they share (a penalty)
        outside it.

        Args:
            element: The code name of a scalar, `W1_2_1`.

        Returns:
            The expression.

        Raises:
            UnknownNameError: There is no such scalar.

        Examples:
            >>> derive("xor").gradient_expression("W2_1_1")
            Sum(a1_1[n]*delta2_1[n], (n, 0, 3))
        """
        return self.symbols.gradient(self._scalar(element))

    def expression(self, element: str) -> sympy.Expr:
        """Return the right-hand side of one scalar's equation in SymPy.

        Args:
            element: The code name of a scalar.

        Returns:
            The expression.

        Raises:
            UnknownNameError: There is no such scalar, or it has no equation.

        Examples:
            >>> derive("line").expression("z1_1")
            W1_1_1*x_1
        """
        found = self._scalar(element)
        if found not in self.equations:
            raise self._unknown(element, self.equations)
        return self.symbols.expression(found)

    def closed_form(self, name: str) -> sympy.Expr:
        """Return the gradient by a quantity in parameters, inputs and targets alone; of the output, its own value.

        Args:
            name: The code name of a scalar or an array.

        Returns:
            An expression of a scalar, a matrix of an array, as `gradient` has it.

        Raises:
            UnknownNameError: There is no such quantity.
            EvaluationError: The result would have more than 20,000 names in it.

        Examples:
            >>> derivation = derive("line")
            >>> derivation.closed_form("L"), derivation.closed_form("W1_1_1")
            ((W1_1_1*x_1 - y_1)**2/2, x_1*(W1_1_1*x_1 - y_1))
        """
        entry = self.symbols.closed_form
        return self._matrix(name, entry) if self.graph.shapes.get(name) else entry(self._scalar(name))

    def latex(self, name: str) -> str:
        r"""Return the gradient by a quantity as LaTeX for a displayed formula, in the notation of the document.

        Args:
            name: The code name of a scalar, or of an array, which has a line for each of its elements.

        Returns:
            LaTeX without its delimiters.

        Raises:
            UnknownNameError: There is no such quantity.

        Examples:
            >>> print(derive("mazur").latex("W2_1_1"))
            \frac{\partial E}{\partial w_5} = \delta_{o_1} \, h_1
        """
        return latex(self, name if self.graph.shapes.get(name) else self._scalar(name))

    def _matrix(self, name: str, entry: Callable[[str], sympy.Expr]) -> sympy.Matrix:
        """Return a matrix of the shape of a quantity, from its elements."""
        import sympy

        quantity = self.quantity(name)
        entries = [entry(element) for element in quantity.elements()]
        kind = sympy.Matrix if len(quantity.shape) < 3 else sympy.ImmutableDenseNDimArray
        return kind(entries).reshape(*(quantity.shape if len(quantity.shape) > 1 else (len(entries), 1)))

    def _scalar(self, name: str) -> str:
        """Return the code name of a scalar by its name or identifier; raises `UnknownNameError` for another name."""
        if name == identifier(self.graph.sample_loss):
            return self.graph.sample_loss
        if not self.graph.has_element(name):
            raise self._unknown(name, self.graph.elements_near(name))
        return name

    def _unknown(self, name: str, choices: Iterable[str]) -> UnknownNameError:
        """Return the error for a name; a name as documents print it leads to the code name."""
        return alike.unknown_quantity(self.graph, self.problem.notation, name, choices)

    def sympy(self) -> Expressions:
        """Return output and gradients as SymPy expressions in what is given, with the problem's numbers for the symbols.

        Returns:
            The expressions; `differences` compares them with SymPy's own derivatives.

        Raises:
            EvaluationError: An expression would have more than 20,000 names in it, or the batch is of any size.

        Examples:
            >>> found = derive("line").sympy()
            >>> found.output, found.differences()
            ((W1_1_1*x_1 - y_1)**2/2, {})
        """
        from symbackprop.derivation.in_sympy import expressions

        return expressions(self.symbols, self.closed_form, self.stated())


def derive(problem: ProblemLike, *, of_any_size: bool = False) -> Derivation:
    """Return the derivation of a problem: its equations, and the links that one reverse sweep over them finds.

    Reverse accumulation over a graph: Griewank and Walther, Evaluating Derivatives, chapter 3.

    Args:
        problem: Whatever stands for a problem: a problem, the name of an example, a file, a mapping, ….
        of_any_size: Whether a batch has a symbol for its number of samples; formulas then hold for every number.

    Returns:
        The derivation, in symbols: it needs no numbers.

    Raises:
        ProblemError: Equations do not fit together, or two quantities would be printed alike.
        KindError: What is given stands for no problem.

    Examples:
        >>> import symbackprop
        >>> symbackprop.derive("mazur").gradient("W2")
        Matrix([
        [a1_1*delta2_1, a1_2*delta2_1],
        [a1_1*delta2_2, a1_2*delta2_2]])
    """
    problem = problem_of(problem)
    samples = SampleCount() if of_any_size and problem.samples is not None else problem.samples
    model = problem.model
    if isinstance(model, ComputationGraph):
        graph = computation_graphs.graph_of(model, samples)
    else:
        graph = dense.graph_of(problem, samples)
    alike.check_names(graph, problem.notation, where="notation.naming")
    return Derivation(problem, graph)


def derivation_of(meant: Derivation | ProblemLike) -> Derivation:
    """Return the derivation that is meant: itself, that of a solution or a compiled gradient, or that of a problem."""
    known = meant if isinstance(meant, Derivation) else getattr(meant, "derivation", None)
    return known if isinstance(known, Derivation) else derive(meant)
