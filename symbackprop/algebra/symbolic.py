"""Between formula trees and SymPy: `to_sympy` for differentiation and for users, `from_sympy` for what SymPy derives.

Functions with a kink (`max`, `min`, `abs`) become SymPy functions of our own whose derivative is a step with a stated
value at the kink. SymPy's own choice there is an accident (Max(0, z)' is ½ at 0 and Piecewise gives 0).
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import sympy
from sympy.core.function import AppliedUndef

from symbackprop.algebra import functions
from symbackprop.algebra.branches import WHERE, choice_of
from symbackprop.algebra.formula import (
    ONE,
    Apply,
    Name,
    Negative,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    SampleCount,
    Slot,
    Sum,
    UnknownFunction,
    added,
    multiplied,
    negated,
    walk,
)
from symbackprop.errors import EvaluationError, KindError, nearest
from symbackprop.messages import message

_LONGEST_NUMBER = 3_000
"""The bits of the longest constant of a formula: a number of a problem has at most 400 digits, and may be squared."""


class Step(sympy.Function):
    """`Step(u, c)`: 1 where u > 0, c where u = 0, 0 where u < 0."""

    nargs = 2

    @classmethod
    def eval(cls, operand: sympy.Expr, at_zero: sympy.Rational) -> sympy.Expr | None:
        """Return the value at a number; SymPy orders no functions that it cannot evaluate."""
        if not operand.is_comparable:
            return None
        return at_zero if operand.is_zero else sympy.Integer(bool(operand.is_positive))

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        """Return the derivative, zero wherever there is one."""
        return sympy.Integer(0)


class Maximum(sympy.Function):
    """`Maximum(p, q, c)`: the larger of p and q, whose partials at a tie are c; more arguments share a tie equally."""

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        """Return the step that is 1 where that argument is the largest one."""
        return _share(self, argindex - 1, 1)


class Minimum(sympy.Function):
    """`Minimum(p, q, c)`: the smaller of p and q, whose partials at a tie are c; more arguments share a tie equally."""

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        """Return the step that is 1 where that argument is the smallest one."""
        return _share(self, argindex - 1, -1)


def _share(extreme: sympy.Function, place: int, sign: int) -> sympy.Expr:
    """Return the partial of a maximum (`sign` is 1) or minimum (−1) by the argument at a place."""
    *arguments, at_tie = extreme.args
    if len(arguments) == 2:
        return Step(sign * (arguments[place] - arguments[1 - place]), at_tie)
    hits = [Step(sign * (each - extreme), sympy.Integer(1)) for each in arguments]
    return hits[place] / sympy.Add(*hits)


class Absolute(sympy.Function):
    """`Absolute(p, c)`: |p|, whose derivative at 0 is c."""

    nargs = 2

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        """Return the sign of p as a difference of two steps."""
        operand, at_zero = self.args
        return Step(operand, at_zero) - Step(-operand, sympy.Integer(0))


class Where(sympy.Function):
    """`Where(u, c, p, q)`: p where u > 0, or where u = 0 if c is 1; q elsewhere."""

    nargs = 4

    def _eval_derivative(self, by: sympy.Symbol) -> sympy.Expr:
        """Return the derivatives of the branches; which of them is taken does not change on either side of the edge."""
        operand, at_edge, *pieces = self.args
        holding, otherwise = (piece.diff(by) for piece in pieces)
        return holding if holding == otherwise else Where(operand, at_edge, holding, otherwise)


_KINKED: dict[str, type[sympy.Function]] = {"max": Maximum, "min": Minimum, "abs": Absolute}


def rational(value: Fraction) -> sympy.Rational:
    """Return the fraction as a SymPy number."""
    return sympy.Rational(value.numerator, value.denominator)


def slot_symbol(index: int) -> sympy.Symbol:
    """Return the SymPy symbol of a form's slot."""
    return sympy.Symbol(f"slot{index}", real=True)


_SAMPLE_COUNT = sympy.Symbol("m", integer=True, positive=True)
"""The number of samples; a quantity called m is real, and so another symbol."""


def name_symbol(name: str) -> sympy.Symbol:
    """Return the SymPy symbol of a named quantity."""
    return sympy.Symbol(name, real=True)


def to_sympy(node: Node, leaf: Callable[[Node], sympy.Expr | None] = lambda node: None) -> sympy.Expr:
    """Return a scalar formula as a SymPy expression; `leaf` may answer for any node before its own rule does.

    >>> to_sympy(Quotient(Name("p"), Name("q")))
    p/q
    """
    answer = leaf(node)
    if answer is not None:
        return answer
    match node:
        case Number(value):
            return rational(value)
        case SampleCount():
            return _SAMPLE_COUNT
        case Name(name, sample):
            return name_symbol(name if sample is None else f"{name}@{sample}")
        case Slot(index):
            return slot_symbol(index)
        case Sum(terms):
            return _bounded(sympy.Add(*(to_sympy(term, leaf) for term in terms)))
        case Product(factors):
            return _bounded(sympy.Mul(*(to_sympy(factor, leaf) for factor in factors)))
        case Quotient(numerator, denominator):
            return _bounded(to_sympy(numerator, leaf) / to_sympy(denominator, leaf))
        case Power(base, exponent):
            return _power(to_sympy(base, leaf), to_sympy(exponent, leaf))
        case Negative(operand):
            return -to_sympy(operand, leaf)
        case UnknownFunction():
            return _unknown(node, to_sympy(node.argument, leaf))
        case Apply():
            return _applied(node, leaf)
    raise TypeError(f"a formula of scalars was expected, not {type(node).__name__}")


def _power(base: sympy.Expr, exponent: sympy.Expr) -> sympy.Expr:
    """Return the power; one of numbers that is too long to write is an error before SymPy computes it."""
    if isinstance(base, sympy.Rational) and isinstance(exponent, sympy.Rational):
        largest = max(abs(base.p), base.q)
        if largest > 1 and abs(exponent) * largest.bit_length() > _LONGEST_NUMBER:
            raise EvaluationError(message("evaluation.magnitude"))
    return base**exponent


def _bounded(number: sympy.Expr) -> sympy.Expr:
    """Return an expression; a number too long to write is an error, for SymPy would look for its roots and factors."""
    if isinstance(number, sympy.Rational) and max(abs(number.p), number.q).bit_length() > _LONGEST_NUMBER:
        raise EvaluationError(message("evaluation.magnitude"))
    return number


def _applied(apply: Apply, leaf: Callable[[Node], sympy.Expr | None]) -> sympy.Expr:
    if apply.function == "step":
        return Step(to_sympy(apply.arguments[0], leaf), rational(apply.at_kink))
    if apply.function == functions.CONSTANT:
        return sympy.pi
    choice = choice_of(apply)
    if choice is not None:
        condition, *pieces = choice
        return Where(
            to_sympy(condition.arguments[0], leaf),
            rational(condition.at_kink),
            *(to_sympy(piece, leaf) for piece in pieces),
        )
    if functions.is_symbol(apply):
        return _undefined(apply, [to_sympy(argument, leaf) for argument in apply.arguments])
    body = functions.expanded(apply)
    if body is not None:
        return to_sympy(body, leaf)
    arguments = [to_sympy(argument, leaf) for argument in apply.arguments]
    row = functions.PRIMITIVES[apply.function]
    if row.kinked:
        return _KINKED[row.name](*arguments, rational(apply.at_kink))
    return getattr(sympy, row.sympy)(*arguments)


def _unknown(node: UnknownFunction, argument: sympy.Expr) -> sympy.Expr:
    """Return a function of which nothing is known, or its derivative; one that is implied is a symbol."""
    if node.implied and not node.order:
        return name_symbol(node.name)
    place = sympy.Dummy()
    return sympy.Function(node.name)(place).diff((place, node.order)).subs(place, argument)


def _undefined(apply: Apply, arguments: list[sympy.Expr]) -> sympy.Expr:
    """Return a function that is a symbol (`f2(z)`, `loss(a_1, y_1)`), or its derivative, as SymPy writes that.

    >>> to_sympy(Apply("generic", (Name("z"),), settings=(("layer", Fraction(2)), ("order", Fraction(1)))))
    Derivative(f2(z), z)
    """
    settings = dict(apply.settings)
    if apply.function == functions.GENERIC_LOSS:
        whole = sympy.Function(functions.GENERIC_LOSS)(*arguments)
        return whole.fdiff(int(settings["by"]) + 1) if "by" in settings else whole
    whole = sympy.Function(f"f{settings['layer']}")(*arguments)
    return whole.fdiff() if "order" in settings else whole


def _is_slot(expression: sympy.Expr) -> bool:
    return isinstance(expression, sympy.Symbol) and expression.name.startswith("slot")


def _from_undefined(expression: sympy.Expr) -> Node | None:
    """Return a function of slots that is a symbol, or its first derivative, as a formula; None for anything else."""
    is_derivative = isinstance(expression, sympy.Derivative) and expression.derivative_count == 1
    whole = expression.expr if is_derivative else expression
    if not isinstance(whole, AppliedUndef) or not all(map(_is_slot, whole.args)):
        return None
    if whole.name == functions.GENERIC_LOSS:
        settings = (("by", Fraction(whole.args.index(expression.variables[0]))),) if is_derivative else ()
        return Apply(functions.GENERIC_LOSS, tuple(map(from_sympy, whole.args)), settings=settings)
    order = (("order", Fraction(1)),) if is_derivative else ()
    layer = ("layer", Fraction(whole.name.removeprefix("f")))
    return Apply(functions.GENERIC, tuple(map(from_sympy, whole.args)), settings=(layer, *order))


def _from_unknown(expression: sympy.Expr) -> Node | None:
    """Return a function of one argument, or a derivative of it by that, as a formula; None for anything else."""
    is_derivative = isinstance(expression, sympy.Derivative)
    whole = expression.expr if is_derivative else expression
    if not isinstance(whole, AppliedUndef) or len(whole.args) != 1:
        return None
    if is_derivative and set(expression.variables) != set(whole.args):
        return None
    return UnknownFunction(whole.name, from_sympy(whole.args[0]), expression.derivative_count if is_derivative else 0)


_FUNCTION_NAMES = {getattr(sympy, row.sympy): row.name for row in functions.PRIMITIVES.values() if not row.kinked}
_NOT_REAL = (sympy.zoo, sympy.nan, sympy.oo, -sympy.oo, sympy.I)
"""What SymPy makes of a constant such as 1/0 or sqrt(-1)."""

_KINKED_NAMES = {kind: name for name, kind in _KINKED.items()}


def from_sympy(expression: sympy.Expr) -> Node:
    """Return a SymPy expression over slots as a formula tree, in a readable order.

    Terms are ordered by their first slot, positive ones before negative ones; a common numeric coefficient is taken out
    (SymPy distributes it: 2·(p − q) is stored as 2p − 2q). An unknown kind of expression raises `KindError`.
    """
    if expression is sympy.pi:
        return Apply(functions.CONSTANT, ())
    if isinstance(expression, sympy.Rational):
        return Number(Fraction(int(expression.p), int(expression.q)))
    if expression == _SAMPLE_COUNT:
        return SampleCount()
    if isinstance(expression, sympy.Symbol):
        name = expression.name
        return Slot(int(name.removeprefix("slot"))) if _is_slot(expression) else Name(name)
    if isinstance(expression, sympy.Add):
        return _sum(expression)
    if isinstance(expression, sympy.Mul):
        return _product(expression)
    if isinstance(expression, sympy.Pow):
        base, exponent = expression.as_base_exp()
        if exponent.could_extract_minus_sign():
            return Quotient(ONE, from_sympy(sympy.Pow(base, -exponent)))
        if exponent == sympy.Rational(1, 2):
            return Apply("sqrt", (from_sympy(base),))
        return Power(from_sympy(base), from_sympy(exponent))
    return _function(expression)


def _function(expression: sympy.Expr) -> Node:
    kind, arguments = expression.func, expression.args
    undefined = _from_undefined(expression) or _from_unknown(expression)
    if undefined is not None:
        return undefined
    if expression in _NOT_REAL:
        raise EvaluationError(message("evaluation.not_real"))
    if kind is sympy.Abs:  # SymPy writes the root of a square so
        return Apply("abs", (from_sympy(arguments[0]),))
    if kind is sympy.sign:
        return added((Apply("step", (from_sympy(arguments[0]),)), negated(Apply("step", (from_sympy(-arguments[0]),)))))
    if kind in _FUNCTION_NAMES:
        return Apply(_FUNCTION_NAMES[kind], tuple(map(from_sympy, arguments)))
    if kind is Where:
        operand, at_edge, *pieces = arguments
        condition = Apply("step", (from_sympy(operand),), Fraction(int(at_edge)))
        return Apply(WHERE, (condition, *map(from_sympy, pieces)))
    if kind is Step or kind in _KINKED_NAMES:
        at_kink = Fraction(int(arguments[-1].p), int(arguments[-1].q))
        name = "step" if kind is Step else _KINKED_NAMES[kind]
        return Apply(name, tuple(map(from_sympy, arguments[:-1])), at_kink)
    names = tuple(dict.fromkeys((*_FUNCTION_NAMES.values(), *_KINKED)))
    what = message("derivative.function", name=kind.__name__)
    raise KindError(what, valid=names, nearest=nearest(kind.__name__, names))


def _sum(expression: sympy.Add) -> Node:
    coefficient, rest = expression.primitive()
    if coefficient != 1 and all(abs(term.as_coeff_Mul()[0]) == 1 for term in sympy.Add.make_args(rest)):
        return multiplied((from_sympy(coefficient), from_sympy(rest)))
    terms = [from_sympy(term) for term in expression.as_ordered_terms()]
    return added(tuple(sorted(terms, key=_reading_order)))


def _reading_order(term: Node) -> tuple[bool, int]:
    negative = isinstance(term, Negative) or (isinstance(term, Number) and term.value < 0)
    slots = [part.index for part in walk(term) if isinstance(part, Slot)]
    return negative, min(slots, default=-1)


def _product(expression: sympy.Mul) -> Node:
    if expression.could_extract_minus_sign():
        return negated(from_sympy(-expression))
    numerator, denominator = sympy.fraction(expression, exact=True)
    if not isinstance(denominator, sympy.Rational):
        return Quotient(from_sympy(numerator), from_sympy(denominator))
    coefficient, factors = expression.as_coeff_mul()
    root = next((each for each in factors if _divides(each, coefficient)), None)
    if root is not None:
        # SymPy writes K/√2 as ½√2·K.
        number = Fraction(int(coefficient.p), int(coefficient.q)) * int(root.base)
        above = from_sympy(sympy.Mul(number.numerator, *(each for each in factors if each is not root)))
        return Quotient(above, multiplied((Number(Fraction(number.denominator)), from_sympy(root))))
    ordered = sorted(map(from_sympy, factors), key=lambda factor: _reading_order(factor)[1])
    return multiplied((from_sympy(coefficient), *ordered))


def _divides(factor: sympy.Expr, coefficient: sympy.Rational) -> bool:
    """Say whether a factor is the root of a whole number, and that number divides the denominator before it."""
    is_root = isinstance(factor, sympy.Pow) and factor.exp == sympy.Rational(1, 2) and factor.base.is_Integer
    return bool(is_root and coefficient.q % factor.base == 0)
