"""The safe expression language: text → formula tree, by whitelist, with a caret under the mistake.

No text is ever evaluated: it is cut into tokens, parsed by precedence, and every name and function is looked up in the
tables that the caller gives. Grammar, loosest first: `+ -`, `* / @`, unary `-`, `**` (to the right), `.T` and `[index]`,
call, parentheses, `[a, b]` literals.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from fractions import Fraction
from typing import TypeVar

from symbackprop import limits
from symbackprop.algebra import branches, tokens
from symbackprop.algebra.broadcasting import MOST_AXES
from symbackprop.algebra.contractions import EINSUM, letters_of
from symbackprop.algebra.formula import (
    Apply,
    Axis,
    Indexed,
    MatrixProduct,
    Name,
    Negative,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Span,
    Stack,
    Sum,
    Transposed,
    depth,
    rewrite,
    walk,
)
from symbackprop.algebra.mistakes import check_length, foreign_character, shown_at, wrong_count
from symbackprop.algebra.shorthands import ALIASES, CONSTANT_ARRAYS, DEFINITIONS, LENGTHS, ORDERS, constant_array, tied
from symbackprop.algebra.tokens import Token
from symbackprop.errors import ExpressionError, nearest
from symbackprop.messages import Message, message

Item = TypeVar("Item")
_TRUTHS = {"true": Fraction(1), "false": Fraction(0)}
_LONGEST_AXIS = 64


def parse(
    text: str,
    *,
    functions: Collection[str],
    names: Collection[str],
    arities: Mapping[str, int] | None = None,
    settings: Mapping[str, Collection[str]] | None = None,
    original: tuple[str, Sequence[int]] | None = None,
) -> Node:
    """Return the formula that `text` spells, over the given function names and quantity names.

    `arities` is given for an expression of scalars: it says how many arguments each function takes; there are no arrays
    then (`@`, `.T`, indices, literals). `settings` names the parameters that a function takes by keyword, as in
    `leaky_relu(z, alpha=0.2)`. `original` is given where `text` was made from another text: that one, and the column in it
    of each character; carets stand there.

    >>> parse("a - y/2", functions=(), names=("a", "y")).terms[1]
    Negative(operand=Quotient(numerator=Name(name='y', sample=None), denominator=Number(value=Fraction(2, 1))))

    Raises `ExpressionError`, with a caret under the first mistake.
    """
    return _Parser(text, functions, names, arities, settings or {}, original or (text, range(len(text)))).whole()


class _Parser:
    """One pass over the tokens of one text."""

    def __init__(
        self,
        text: str,
        functions: Collection[str],
        names: Collection[str],
        arities: Mapping[str, int] | None,
        settings: Mapping[str, Collection[str]],
        original: tuple[str, Sequence[int]],
    ) -> None:
        self.original, self.columns = original
        self.text, self.functions, self.names, self.arities, self.settings = text, functions, names, arities, settings
        check_length(text, self.original, self.columns[0] if self.columns else 0)
        self.tokens = self._cut()
        self.position = 0
        self.depth = 0

    def _cut(self) -> list[Token]:
        found = tokens.cut(self.text)
        if found[-1].kind == tokens.UNKNOWN:
            raise self._error(found[-1].start, foreign_character(self.text, found[-1].start))
        return found

    def _error(
        self, at: int, what: Message, *, valid: Collection[str] = (), close: str | None = None
    ) -> ExpressionError:
        # Behind the last character is the end of what was typed.
        at = self.columns[at] if at < len(self.columns) else len(self.original.rstrip())
        return shown_at(self.original, at, what, valid=valid, close=close)

    @property
    def _next(self) -> Token:
        return self.tokens[self.position]

    def _take(self, *operators: str) -> Token | None:
        token = self._next
        if token.kind == "operator" and token.text in operators:
            self.position += 1
            return token
        return None

    def _expect(self, operator: str) -> None:
        if self._take(operator) is None:
            raise self._found(self._next, "expression.expected", expected=operator)

    def _found(self, token: Token, key: str, **others: str) -> ExpressionError:
        """Return the error for a token that cannot stand where it does."""
        return self._error(token.start, message(key, **others, found=token.text or message("expression.end")))

    def _listed(self, item: Callable[[], Item]) -> tuple[Item, ...]:
        """Read items with commas between them, and the bracket behind."""
        items = [item()]
        while self._take(","):
            items.append(item())
        self._expect("]")
        return tuple(items)

    def whole(self) -> Node:
        node = self._comparison()
        if self._next.kind != "end":
            raise self._error(self._next.start, message("expression.unexpected", found=self._next.text))
        if depth(node) > limits.LEVELS:  # a long chain of quotients nests to the left
            raise self._error(0, message("expression.too_deep", limit=limits.LEVELS))
        return node

    def _nested(self, rule: Callable[[], Node]) -> Node:
        self.depth += 1
        if self.depth > limits.LEVELS:
            raise self._error(self._next.start, message("expression.too_deep", limit=limits.LEVELS))
        node = rule()
        self.depth -= 1
        return node

    def _comparison(self) -> Node:
        left = self._sum()
        if [token.text for token in self.tokens[self.position : self.position + 2]] == ["=", "="]:
            raise self._error(self._next.start, message("expression.equality", text="=="))
        token = self._take(*branches.SIGNS)
        if token is None:
            return left
        right = self._sum()
        if self._next.text in branches.SIGNS:
            raise self._error(self._next.start, message("expression.chained"))
        return branches.step_of(branches.Comparison(left, token.text, right))

    def _sum(self) -> Node:
        terms = [self._product()]
        while token := self._take("+", "-"):
            term = self._product()
            terms.append(term if token.text == "+" else Negative(term))
        return terms[0] if len(terms) == 1 else Sum(tuple(terms))

    def _product(self) -> Node:
        node = self._signed()
        operators = ("*", "/", "@") if self.arities is None else ("*", "/")
        while token := self._take(*operators):
            right = self._signed()
            if token.text == "@":
                node = MatrixProduct(node, right)
            elif token.text == "/":
                node = _divided(node, right)
            else:
                node = Product((*(node.factors if isinstance(node, Product) else (node,)), right))
        return node

    def _signed(self) -> Node:
        if self._take("-"):
            operand = self._nested(self._signed)
            return Number(-operand.value) if isinstance(operand, Number) else Negative(operand)
        if self._take("+"):
            return self._nested(self._signed)
        return self._power()

    def _power(self) -> Node:
        base = self._postfix()
        return Power(base, self._nested(self._signed)) if self._take("**") else base

    def _postfix(self) -> Node:
        node = self._atom()
        while self.arities is None and (token := self._take(".T", "[")):
            node = Transposed(node) if token.text == ".T" else Indexed(node, self._listed(self._index))
        return node

    def _index(self) -> int | Span:
        """Read `3`, `-1`, `1:3`, `:2`, `::2` or `:`."""
        start = self._whole_number()
        if self._take(":"):
            stop = self._whole_number()
            return Span(start, stop, self._step() if self._take(":") else 1)
        if start is None:
            is_name = self._next.kind == "name"
            raise self._found(self._next, "expression.index_name" if is_name else "expression.index")
        return start

    def _step(self) -> int:
        """Read the step of a slice, which goes forwards."""
        step = self._whole_number()
        if step is not None and step < 1:
            raise self._error(self.tokens[self.position - 1].start, message("expression.step"))
        return step or 1

    def _whole_number(self) -> int | None:
        at = self.position
        sign = -1 if self._take("-") else 1
        token = self._next
        if token.kind == "number" and token.text.isdecimal() and len(token.text) < 10:
            self.position += 1
            return sign * int(token.text)
        self.position = at
        return None

    def _atom(self) -> Node:
        token = self._next
        self.position += 1
        if token.kind == "number":
            value = tokens.decimal(token.text)
            if value is None:
                raise self._error(token.start, message("expression.too_large", limit=limits.DIGITS))
            return Number(value)
        if token.kind == tokens.FRACTION:
            return Number(tokens.fraction(token.text))
        if token.text == "√" and "sqrt" in self.functions:
            return Apply("sqrt", (self._nested(self._atom),))
        if token.kind == "name":
            return self._call(token) if self._next.text == "(" else self._name(token)
        if token.text == "(":
            node = self._nested(self._comparison)
            self._expect(")")
            return node
        if token.text == "[" and self.arities is None:
            return Stack(self._listed(lambda: self._nested(self._comparison)))
        raise self._found(token, "expression.operand")

    def _name(self, token: Token) -> Node:
        if token.text in ("pi", "π") and "pi" in self.functions and token.text not in self.names:
            return Apply("pi", ())
        if token.text not in self.names:
            close = nearest(token.text, self.names)
            what = message("expression.name" if self.names else "expression.number", name=token.text)
            raise self._error(token.start, what, valid=self.names, close=close)
        return Name(token.text)

    def _call(self, token: Token) -> Node:
        if token.text not in self.functions:
            what = message("expression.function", name=token.text)
            raise self._error(token.start, what, valid=self.functions, close=nearest(token.text, self.functions))
        self._expect("(")
        if token.text in CONSTANT_ARRAYS:
            return self._constant_array(token)
        at = self._next.start
        if token.text == EINSUM:
            return self._einsum(token)
        arguments = [self._nested(self._comparison)]
        if token.text in LENGTHS or token.text in ORDERS:
            return self._with_whole_numbers(token, arguments[0])
        if token.text == branches.WHERE:
            self._check_condition(at, arguments[0])
        axis: Axis = None
        settings: dict[str, Fraction] = {}
        while self._take(","):
            is_keyword = self._next.kind == "name" and self.tokens[self.position + 1].text == "="
            if is_keyword and self.arities is None and self._next.text == "axis" and axis is None:
                axis = self._axis()
            elif axis is not None and not is_keyword:
                raise self._found(self.tokens[self.position - 1], "expression.expected", expected=")")
            elif settings or axis is not None or (is_keyword and token.text in self.settings):
                settings |= [self._setting(token.text)]
            else:
                arguments.append(self._nested(self._comparison))
        self._expect(")")
        if token.text == "log" and len(arguments) == 2 and axis is None:
            number, base = (Apply("ln", (argument,)) for argument in arguments)
            return Quotient(number, base)
        if token.text in DEFINITIONS and len(arguments) == 1 and axis is None:
            return self._defined(token, arguments[0])
        if self.arities is not None and len(arguments) != self.arities[token.text]:
            names = self.settings.get(token.text, ())
            raise self._error(token.start, wrong_count(token.text, self.arities[token.text], len(arguments), *names))
        function = ALIASES.get(token.text, token.text)
        return tied(Apply(function, tuple(arguments), axis=axis, settings=tuple(settings.items())))

    def _check_condition(self, at: int, condition: Node) -> None:
        """Raise for what no branch can be chosen by: no comparison, or one of numbers alone."""
        if not (branches.is_comparison(condition) and any(isinstance(part, Name) for part in walk(condition))):
            raise self._error(at, message("expression.condition"))

    def _constant_array(self, token: Token) -> Node:
        """Read the lengths of `ones(2, 3)`, `zeros(3)` or `eye(2)`, and return the array as a literal."""
        at = self._next.start
        lengths = [self._index()]
        while self._take(","):
            lengths.append(self._index())
        self._expect(")")
        most = 1 if token.text == "eye" else MOST_AXES
        sizes = [length for length in lengths if isinstance(length, int) and 0 < length <= _LONGEST_AXIS]
        if len(sizes) < len(lengths) or len(sizes) > most:
            raise self._error(at, message("expression.lengths", function=token.text, count=most, limit=_LONGEST_AXIS))
        return constant_array(token.text, sizes)

    def _with_whole_numbers(self, token: Token, argument: Node) -> Node:
        """Read the lengths of `reshape(x, 2, 3)`, one of which may be -1, or the axes of `transpose(x, 1, 0)`."""
        at = self._next.start
        numbers: list[int | None] = []
        while self._take(","):
            at = self._next.start if len(numbers) < MOST_AXES else at
            numbers.append(self._whole_number())
        known = [number for number in numbers if number is not None and abs(number) <= limits.NUMBERS]
        are_lengths = bool(known) and known.count(-1) <= 1 and all(each > 0 or each == -1 for each in known)
        if not (len(known) == len(numbers) <= MOST_AXES and (are_lengths or token.text in ORDERS)):
            key = "expression.new_lengths" if token.text in LENGTHS else "expression.order"
            raise self._error(at, message(key, function=token.text, count=MOST_AXES))
        self._expect(")")
        return Apply(token.text, (argument,), settings=tuple((str(n), Fraction(each)) for n, each in enumerate(known)))

    def _einsum(self, token: Token) -> Node:
        """Read the subscripts and the operands of `einsum('ij,jk->ik', A, B)`."""
        subscripts = self._next
        if subscripts.kind != tokens.TEXT or letters_of(subscripts.text[1:-1]) is None:
            raise self._found(subscripts, "expression.subscripts")
        self.position += 1
        arguments: list[Node] = []
        while self._take(","):
            arguments.append(self._nested(self._comparison))
        self._expect(")")
        return Apply(token.text, tuple(arguments), settings=((subscripts.text[1:-1], Fraction(0)),))

    def _setting(self, function: str) -> tuple[str, Fraction]:
        """Read `alpha=0.2`."""
        token, known = self._next, self.settings.get(function, ())
        if token.text not in known:
            what = message("expression.setting", function=function, name=token.text)
            raise self._error(token.start, what, valid=known, close=nearest(token.text, known))
        self.position += 1
        self._expect("=")
        at = self._next.start
        if self._next.text.lower() in _TRUTHS:
            self.position += 1
            return token.text, _TRUTHS[self.tokens[self.position - 1].text.lower()]
        value = self._product()
        if not isinstance(value, Number):
            raise self._error(at, message("expression.constant", name=token.text))
        return token.text, value.value

    def _defined(self, token: Token, argument: Node) -> Node:
        """Return what a function is short for, unless that is too long: its argument may stand in it twice."""
        found = rewrite(_definition(token.text), lambda part: argument if part == Name("u") else None)
        if sum(1 for _ in itertools.islice(walk(found), limits.PARTS + 1)) > limits.PARTS:
            what = message(
                "expression.too_many_parts",
                limit=limits.PARTS,
                function=token.text,
                formula=DEFINITIONS[token.text],
            )
            raise self._error(token.start, what)
        return found

    def _axis(self) -> int | tuple[int, ...]:
        """Read `axis=1` or `axis=(0, 1)`."""
        self.position += 2
        if not self._take("("):
            return self._axis_number()
        axes = [self._axis_number()]
        while self._take(",") and self._next.text != ")":
            axes.append(self._axis_number())
        self._expect(")")
        return tuple(axes)

    def _axis_number(self) -> int:
        axis = self._whole_number()
        if axis is None:
            raise self._found(self._next, "expression.index")
        return axis


@functools.cache
def _definition(name: str) -> Node:
    return parse(DEFINITIONS[name], functions=("exp", "ln", "sin", "cos"), names=("u",))


def _divided(left: Node, right: Node) -> Node:
    """Return the quotient; one of two constants is a fraction at once (`1/3` is a third)."""
    if isinstance(left, Number) and isinstance(right, Number) and right.value:
        return Number(left.value / right.value)
    return Quotient(left, right)
