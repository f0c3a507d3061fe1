"""What may be differentiated: a text, a formula tree or a SymPy expression, all as a formula of scalars."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Collection, Mapping

import sympy

from symbackprop.algebra import expressions, functions, shorthands, symbolic, tokens
from symbackprop.algebra.differentiation.implicit import EqualSides
from symbackprop.algebra.formula import Apply, Name, Node, UnknownFunction, rewrite
from symbackprop.algebra.mistakes import check_length, shown_at
from symbackprop.errors import ExpressionError, KindError
from symbackprop.messages import message


def to_name(variable: str | sympy.Symbol | Name) -> Name:
    """Return the variable as a name; raises `ExpressionError` for a text that cannot name a quantity."""
    if isinstance(variable, Name):
        return variable
    if isinstance(variable, sympy.Symbol):
        return Name(variable.name)
    if not isinstance(variable, str):
        raise KindError(message("derivative.variable", kind=type(variable).__name__))
    if not variable.isidentifier() or variable in functions.NAMES:
        kind = "graph.reserved" if variable in functions.NAMES else "graph.name"
        raise ExpressionError(message(kind, name=variable))
    return Name(variable)


def to_formula(expression: str | Node | sympy.Basic) -> Node:
    """Return the expression as a formula, an equation as `EqualSides`.

    Raises `ExpressionError` or `KindError` for one that cannot be read.
    """
    if isinstance(expression, Node):
        return expression
    if isinstance(expression, str):
        return _from_text(expression)
    if isinstance(expression, sympy.Eq):
        return EqualSides(_from_sympy(expression.lhs), _from_sympy(expression.rhs))
    if isinstance(expression, sympy.Expr):
        return _from_sympy(expression)
    raise KindError(message("derivative.expression", kind=type(expression).__name__))


_LETTER = re.compile(r"[^\W\d_]\d*")
"""What an unknown function may be called; a longer word before a parenthesis is a known one, or mistyped."""


def _from_text(text: str) -> Node:
    check_length(text, text)
    found = tokens.cut(text)
    called = {
        token.text for token, after in itertools.pairwise(found) if token.kind == tokens.NAME and after.text == "("
    }
    words = tokens.words(text) - {*functions.NAMES, "π"}
    unknown = {word for word in called & words if _LETTER.fullmatch(word)}
    for token, after in itertools.pairwise(found):
        if token.text in unknown and after.text != "(":
            raise shown_at(text, token.start, message("derivative.two_meanings", name=token.text))
    arities = {**functions.ARITIES, **dict.fromkeys(unknown, 1)}

    def read(start: int, end: int) -> Node:
        columns = (text, range(start, end))
        tree = expressions.parse(text[start:end], functions=arities, names=words, arities=arities, original=columns)
        return rewrite(tree, lambda part: _unknown(part, unknown))

    signs = [token.start for token in found if token.text == "="]
    if len(signs) != 1:
        return read(0, len(text))
    return EqualSides(read(0, signs[0]), read(signs[0] + 1, len(text)))


def _unknown(part: Node, unknown: Collection[str]) -> Node | None:
    """Return a call of an unknown function as one, with those in its argument; None for any other part."""
    if not isinstance(part, Apply) or part.function not in unknown:
        return None
    return UnknownFunction(part.function, rewrite(part.arguments[0], lambda inner: _unknown(inner, unknown)))


_PREFIX = "."
"""Put before every name while SymPy holds it, so that a quantity called `slot1` is not taken for a slot."""


def _from_sympy(expression: sympy.Expr) -> Node:
    symbols = expression.free_symbols
    for symbol in symbols:
        if not (isinstance(symbol, sympy.Symbol) and symbol.is_commutative):
            raise KindError(message("derivative.no_number", name=str(symbol)))
        if sum(other.name == symbol.name for other in symbols) > 1:
            raise KindError(message("derivative.two_symbols", name=symbol.name))
    atoms = {symbol: sympy.Symbol(_PREFIX + symbol.name, real=True) for symbol in symbols}
    atoms |= {number: sympy.Rational(str(number)) for number in expression.atoms(sympy.Float)}
    expression = expression.xreplace(atoms)
    for kind, ours in _SYMPY.items():
        expression = expression.replace(kind, ours)
    return rewrite(
        symbolic.from_sympy(expression),
        lambda part: Name(part.name.removeprefix(_PREFIX)) if isinstance(part, Name) else None,
    )


def _folded(kind: type[sympy.Function]) -> Callable[..., sympy.Expr]:
    def joined(left: sympy.Expr, right: sympy.Expr) -> sympy.Expr:
        is_beside_constant = left.is_number or right.is_number
        beside = sympy.Integer(kind is symbolic.Minimum)
        return kind(left, right, beside if is_beside_constant else sympy.Rational(1, 2))

    return lambda *arguments: functools.reduce(joined, arguments)


def _stepped(operand: sympy.Expr, at_zero: sympy.Expr) -> sympy.Expr:
    if not isinstance(at_zero, sympy.Rational):
        raise KindError(message("derivative.heaviside", value=str(at_zero)))
    return symbolic.Step(operand, at_zero)


def _pieces(*pieces: sympy.Tuple) -> sympy.Expr:
    """Return a piecewise function as a sum of its pieces, each times the step that is 1 where it holds."""
    *others, (last, rest) = pieces
    if rest != sympy.true:
        raise KindError(message("derivative.last_piece", condition=str(rest)))
    for piece, condition in reversed(others):
        holds = _holds(condition)
        last = holds * piece + (1 - holds) * last
    return last


def _holds(condition: sympy.Basic) -> sympy.Expr:
    """Return what is 1 where a comparison holds and 0 elsewhere."""
    if isinstance(condition, sympy.Ne):
        return 1 - _holds(sympy.Eq(*condition.args, evaluate=False))
    if isinstance(condition, sympy.Eq):
        difference = condition.lhs - condition.rhs
        return symbolic.Step(difference, 1) - symbolic.Step(difference, 0)
    at_edge = {sympy.Gt: 0, sympy.Lt: 0, sympy.Ge: 1, sympy.Le: 1}.get(condition.func)
    if at_edge is None:
        raise KindError(message("derivative.condition", condition=str(condition)))
    return symbolic.Step(condition.gts - condition.lts, at_edge)


def _written_out(name: str) -> Callable[[sympy.Expr], sympy.Expr]:
    formula = symbolic.to_sympy(
        expressions.parse(shorthands.DEFINITIONS[name], functions=functions.ARITIES, names=("u",))
    )
    return lambda operand: formula.xreplace({symbolic.name_symbol("u"): operand})


_SYMPY: Mapping[type[sympy.Expr], Callable[..., sympy.Expr]] = {
    sympy.Max: _folded(symbolic.Maximum),
    sympy.Min: _folded(symbolic.Minimum),
    sympy.Abs: lambda operand: symbolic.Absolute(operand, 0),
    sympy.sign: lambda operand: symbolic.Step(operand, 0) - symbolic.Step(-operand, 0),
    sympy.Heaviside: _stepped,
    sympy.Piecewise: _pieces,
    **{getattr(sympy, name): _written_out(name) for name in shorthands.DEFINITIONS if hasattr(sympy, name)},
}
"""SymPy's functions with kinks and jumps, in ours, which say what they are there, and those that are short for a formula."""
