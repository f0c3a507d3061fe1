"""Derivatives step by step: which rule, on which part, and what it leaves to be done.

`differentiate` gives the tree of rules, `steps` the lines of a worked solution. Both come from one table
(`symbackprop.algebra.differentiation.rules`): a rule names the parts that are still to be differentiated and says how their
derivatives combine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from symbackprop.algebra.differentiation.implicit import EqualSides, slope, solved, with_dependent
from symbackprop.algebra.differentiation.rules import TRIVIAL, Rule, applied, check
from symbackprop.algebra.differentiation.tidying import collected, lowest_terms
from symbackprop.algebra.formula import Name, Node
from symbackprop.display import Printed

if TYPE_CHECKING:
    import sympy

__all__ = [
    "Derivative",
    "Differentiation",
    "EqualSides",
    "Rule",
    "Step",
    "collected",
    "differentiate",
    "slope",
    "steps",
]


_LONGEST_SHOWN = 80
"""Letters of a derivative that a console shows."""


@dataclass(frozen=True, slots=True)
class Derivative(Node, children=("operand", "variable")):
    """The derivative of a formula by a variable, not yet worked out."""

    operand: Node
    variable: Name


@dataclass(frozen=True, slots=True)
class Differentiation(Printed):
    """How one formula was differentiated: `rule` turns `before` into `after`, by way of the `children`.

    `after` is the whole derivative by `variable`, every child worked out, with only ones, zeros and numeric factors
    cleared away. The children of the chain rule are the outer function, of a variable of its own, and the inner one. Where
    `before` is an equation (`EqualSides`), the children are its sides and `after` is dy/dx.
    """

    rule: Rule
    before: Node
    after: Node
    children: tuple[Differentiation, ...]
    variable: Name

    @property
    def expression(self) -> sympy.Expr:
        """Return the derivative as a SymPy expression."""
        from symbackprop.algebra.piecewise import to_plain_sympy

        return to_plain_sympy(self.after)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The derivative line by line: the function `steps`."""
        return steps(self)

    def __repr__(self) -> str:
        found = str(self.expression)
        shown = found if len(found) <= _LONGEST_SHOWN else f"{found[: _LONGEST_SHOWN - 1]}…"
        return f"<Differentiation by {self.variable.name}: {shown}>"

    def walk(self) -> Iterator[Differentiation]:
        """Yield this node and every one below it, outermost first.

        Yields:
            The nodes.

        Examples:
            >>> import symbackprop
            >>> [node.rule.value for node in symbackprop.differentiate("3*x**2", "x").walk()]
            ['constant_multiple', 'power']
        """
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a worked derivative: `rule`, applied to `before` (a part of the line above), gave `formula`.

    `is_chain` says that the rule was applied to an outer function and the inner derivative multiplied (the chain rule).
    Derivatives that are still to be worked out stand in the formula as `Derivative`.
    """

    rule: Rule
    before: Node
    formula: Node
    is_chain: bool = False


def differentiate(
    expression: str | Node | sympy.Basic, variable: str | sympy.Symbol | Name, dependent: str | None = None
) -> Differentiation:
    """Return the derivative of an expression by a variable as a tree of rules.

    Where the expression has no derivative (max, min and abs at their kink) the result holds the step function with
    the value stated there; for a text or SymPy's Max, Min and Abs that is 0. `print(tree)` shows the steps,
    `tree.steps` are they; `symbackprop.render` writes them in any format.

    Args:
        expression: A text of the expression language (every word that is no function is a quantity; a letter before a
            parenthesis is a function of which nothing is known, f′ its derivative), a formula of scalars, or an
            expression of SymPy. Of an equation, a text with = or SymPy's `Eq`, both sides are differentiated, and
            what results is dy/dx.
        variable: The name by which it is differentiated.
        dependent: The name that depends on the variable in an equation, by default `y`, or the only other name.

    Returns:
        The outermost rule, with those below it.

    Raises:
        ExpressionError: A text is no expression, the variable is no name, the formula is too large to be worked out,
            or an equation does not say what depends on the variable.
        UnknownNameError: There is no rule for a function.
        KindError: There is none for anything else (arrays, SymPy's other functions).

    Examples:
        >>> import symbackprop
        >>> tree = symbackprop.differentiate("1/(1 + exp(-z))", "z")
        >>> tree.rule, [child.rule for child in tree.children]
        (<Rule.CHAIN: 'chain'>, [<Rule.RECIPROCAL: 'reciprocal'>, <Rule.SUM: 'sum'>])
        >>> tree.expression
        exp(-z)/(1 + exp(-z))**2
        >>> symbackprop.differentiate("x**2 + y**2 = 25", "x").expression
        -x/y
    """
    if isinstance(expression, Node) and isinstance(variable, Name):
        formula, by = expression, variable
    else:
        from symbackprop.algebra.differentiation import conversion  # SymPy takes longer to import than all the rest

        formula, by = conversion.to_formula(expression), conversion.to_name(variable)
    if isinstance(formula, EqualSides):
        return _implicit(with_dependent(formula, by, None if dependent is None else Name(dependent)), by)
    check(formula)
    return _differentiated(formula, by)


def _implicit(sides: EqualSides, by: Name) -> Differentiation:
    for side in sides:
        check(side)
    left, right = (_differentiated(side, by) for side in sides)
    *_, last = _solution((left, right), sides)
    found = last.formula.right if isinstance(last.formula, EqualSides) else last.formula
    return Differentiation(Rule.IMPLICIT, sides, found, (left, right), by)


def _solution(children: tuple[Differentiation, ...], sides: EqualSides) -> Iterator[Step]:
    """Yield the steps from the derivatives of both sides to dy/dx."""
    derived = EqualSides(*(steps(child)[-1].formula for child in children))
    yield Step(Rule.EQUAL_SIDES, sides, derived)
    found = solved(derived, slope(sides))
    if EqualSides(slope(sides), found) == derived:
        return
    yield Step(Rule.SOLVED, derived, found)
    if (finished := lowest_terms(collected(found))) != found:
        yield Step(Rule.COLLECT, found, finished)


def steps(tree: Differentiation) -> tuple[Step, ...]:
    """Return the derivative line by line, from the first rule to the finished formula.

    Each line applies one rule to the leftmost derivative that is still to be worked out, and to its copies; constants
    and the variable itself are done at once. Of an equation these are the lines of the left side, of the right side, both
    as equal, and dy/dx. A last line collects signs, numbers and like factors where that changes it.

    >>> lines = steps(differentiate("3*exp(-2*x)", "x"))
    >>> [(line.rule.value, line.is_chain) for line in lines]
    [('constant_multiple', False), ('exponential', True), ('constant_multiple', False), ('collect', False)]
    >>> from symbackprop.algebra import symbolic
    >>> symbolic.to_sympy(lines[-1].formula)
    -6*exp(-2*x)
    """
    if isinstance(tree.before, EqualSides):
        return (*(line for child in tree.children for line in steps(child)), *_solution(tree.children, tree.before))
    lines: list[Step] = []
    done: set[Node] = set()
    node: Differentiation | None = tree
    while node is not None:
        done.add(node.before)
        is_chain = node.rule is Rule.CHAIN
        rule = node.children[0].rule if is_chain else node.rule
        formula = _line(tree, done)
        if not lines or formula != lines[-1].formula:
            lines.append(Step(rule, node.before, formula, is_chain))
        node = next(_open(tree, done), None)
    unfinished = lines[-1].formula
    finished = collected(unfinished)
    return tuple(lines) if finished == unfinished else (*lines, Step(Rule.COLLECT, unfinished, finished))


def _open(node: Differentiation, done: set[Node]) -> Iterator[Differentiation]:
    """Yield the nodes that a line shows as not yet worked out, in reading order."""
    if node.before not in done and node.rule not in TRIVIAL:
        yield node
        return
    for child in _parts_of(node):
        yield from _open(child, done)


def _parts_of(node: Differentiation) -> tuple[Differentiation, ...]:
    return node.children[1:] if node.rule is Rule.CHAIN else node.children


def _line(node: Differentiation, done: set[Node]) -> Node:
    if node.before not in done and node.rule not in TRIVIAL:
        return Derivative(node.before, node.variable)
    derivatives = [_line(part, done) for part in _parts_of(node)]
    if node.rule is Rule.CHAIN:
        derivatives.insert(0, node.children[0].after)
    return applied(node.before, node.variable).combine(*derivatives)


def _differentiated(formula: Node, by: Name) -> Differentiation:
    rule = applied(formula, by)
    children = tuple(_differentiated(part, letter) for part, letter in rule.parts)
    after = rule.combine(*(child.after for child in children))
    return Differentiation(rule.rule, formula, after, children, by)
