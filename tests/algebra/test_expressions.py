"""The expression language: what texts mean, how mistakes are shown, and that no text is ever run."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest

from symbackprop.algebra import expressions, shorthands
from symbackprop.algebra.array_operations import ARRAY_OPERATIONS
from symbackprop.algebra.formula import (
    Apply,
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
)
from symbackprop.algebra.functions import ARITIES, EXTREMES, NAMES
from symbackprop.arithmetic.exact import evaluate
from symbackprop.errors import EvaluationError, ExpressionError, SymbackpropError
from symbackprop.problems.numbers import number

VALUES = {"p": Fraction(3), "q": Fraction(5), "W1_2": Fraction(7), "lambda": Fraction(2), "σ": Fraction(11)}


def parsed(text: str) -> Node:
    """Return the formula of a text over the names above."""
    return expressions.parse(text, functions=ARITIES, names=VALUES, arities=ARITIES)


def value(text: str) -> object:
    """Return the exact value of a text over the names above."""
    return evaluate(parsed(text), lambda part: VALUES[part.name] if isinstance(part, Name) else None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", "1"),
        ("0.1", "1/10"),
        (".5", "1/2"),
        ("5.", "5"),
        ("1e3", "1000"),
        ("1.5E-3", "3/2000"),
        ("1e+2", "100"),
        ("1e0000000000002", "100"),
        ("1/3", "1/3"),
        ("1/3/3", "1/9"),
        ("2*3/4*2", "3"),
        ("1 - 2 - 3", "-4"),
        ("1 - (2 - 3)", "2"),
        ("1 + 2*3", "7"),
        ("(1 + 2)*3", "9"),
        ("-2**2", "-4"),
        ("(-2)**2", "4"),
        ("2**-1", "1/2"),
        ("2**3**2", "512"),
        ("--2", "2"),
        ("+-+2", "-2"),
        ("2*-3", "-6"),
        ("0**0", "1"),
        ("p + q", "8"),
        ("p*q - W1_2", "8"),
        ("lambda", "2"),
        ("σ - p", "8"),
        (" p\t+\n q ", "8"),
        ("max(p, q)", "5"),
        ("min(p, -q)", "-5"),
        ("abs(p - q)", "2"),
        ("sqrt(9/4)", "3/2"),
        ("exp(0)", "1"),
        ("ln(1)", "0"),
        ("log(1)", "0"),
        ("log(8, 2)", "3"),
        ("log(1/9, 3)", "-2"),
        ("log2(32)", "5"),
        ("sinh(ln(2))", "3/4"),
        ("cosh(ln(2))", "5/4"),
        ("sec(pi/3)", "2"),
        ("cot(pi/2)", "0"),
        ("relu(-2)", "0"),
        ("linear(7)", "7"),
        ("sigmoid(0)", "1/2"),
        ("tanh(p - 3)", "0"),
        ("cos(0) + sin(0)", "1"),
        ("(" * 50 + "1" + ")" * 50, "1"),
    ],
)
def test_expression_has_its_value(text: str, expected: str) -> None:
    """A text of the language has the value that a mathematician reads, exactly."""
    assert Fraction(expected) == value(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("p - q/2", Sum), ("p/q", Quotient), ("exp(p)", Apply), ("p", Name)],
)
def test_expression_keeps_the_written_shape(text: str, kind: type[Node]) -> None:
    """The tree is that of the text: nothing is reordered or evaluated."""
    assert isinstance(parsed(text), kind)


@pytest.mark.parametrize("alias", shorthands.ALIASES)
def test_second_name_of_a_function_ends_where_text_is_read(alias: str) -> None:
    """No formula has a second name, so that no reader of formulas has to know it."""
    assert parsed(f"{shorthands.ALIASES[alias]}(p)") == parsed(f"{alias}(p)")
    array = expressions.parse(f"{alias}(x)", functions=NAMES, names=("x",))
    assert Apply(shorthands.ALIASES[alias], (Name("x"),)) == array


def test_expression_of_arrays_has_the_matrix_product() -> None:
    """Between arrays `@` is the matrix product, with the precedence of `*`."""
    tree = expressions.parse("W @ x + b", functions=(), names=("W", "x", "b"))
    assert Sum((MatrixProduct(Name("W"), Name("x")), Name("b"))) == tree


X, W = Name("x"), Name("W")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("W.T", Transposed(W)),
        ("W.T @ x", MatrixProduct(Transposed(W), X)),
        ("W.T.T", Transposed(Transposed(W))),
        ("2.T", Transposed(Number(Fraction(2)))),
        ("x[0]", Indexed(X, (0,))),
        ("x[-1]", Indexed(X, (-1,))),
        ("W[0, 1]", Indexed(W, (0, 1))),
        ("W[0][1]", Indexed(Indexed(W, (0,)), (1,))),
        ("x[1:3]", Indexed(X, (Span(1, 3),))),
        ("x[:-1]", Indexed(X, (Span(None, -1),))),
        ("W[:, 0]", Indexed(W, (Span(None, None), 0))),
        ("W[1:, :2]", Indexed(W, (Span(1, None), Span(None, 2)))),
        ("-x[0]**2", Negative(Power(Indexed(X, (0,)), Number(Fraction(2))))),
        ("[1, x[0]]", Stack((Number(Fraction(1)), Indexed(X, (0,))))),
        ("[[1], [2]][0]", Indexed(Stack((Stack((Number(Fraction(1)),)), Stack((Number(Fraction(2)),)))), (0,))),
        ("sum(W, axis=0)", Apply("sum", (W,), axis=0)),
        ("softmax(W, axis=-1)", Apply("softmax", (W,), axis=-1)),
        ("concat(x, x, axis = 0)", Apply("concat", (X, X), axis=0)),
        ("dot(x, pi*x)", Apply("dot", (X, Product((Apply("pi", ()), X))))),
    ],
)
def test_expression_of_arrays_is_read_as_written(text: str, expected: Node) -> None:
    """Transposes, indices, slices, literals and axes are what NumPy's reader expects."""
    assert expected == expressions.parse(text, functions=NAMES, names=("x", "W"))


MISTAKES_OF_ARRAYS = [
    ("x[]", 2, 'expected a whole number, found "\\]"'),
    ("x[0", 3, 'expected "\\]", found "the end"'),
    ("x[1.5]", 2, 'expected a whole number, found "1.5"'),
    ("x[x]", 2, r'expected a whole number, found "x"; .* sum\(y\*p\)'),
    ("ones(0)", 5, r"ones takes the lengths of at most 4 axes"),
    ("eye(2, 2)", 4, r"eye takes the lengths of at most 1 axes"),
    ("zeros(1000, 9)", 6, r"whole numbers from 1 to 64"),
    ("x^2", 1, r"a power is written \*\*"),
    ("W.reshape(4)", 1, r"but in \.T: write reshape\(…\)"),
    ("W == 0", 2, r'"==" is no comparison .* where\('),
    ("W != 0", 2, r'"!=" is no comparison'),
    ("0 < W < 1", 6, r"a comparison is between two expressions"),
    ("where(W, 1, 2)", 6, r"where chooses by a comparison"),
    ("where(1 > 0, W, 2)", 6, r"in which a quantity stands"),
    ("reshape(W)", 9, r"lengths of one to 4 axes"),
    ("reshape(W, 2, 0)", 14, r"lengths of one to 4 axes"),
    ("reshape(W, (2, 1))", 11, r"reshape\(x, 2, 3\)"),
    ("reshape(W, -1, -1)", 15, r"one may be -1"),
    ("x[1 + 1]", 4, 'expected "\\]", found "\\+"'),
    ("x[--1]", 2, 'expected a whole number, found "-"'),
    ("x[99999999999]", 2, 'expected a whole number, found "99999999999"'),
    ("x[::0]", 4, "a slice goes forwards: expected a step of at least 1"),
    ("x[0, ]", 5, 'expected a whole number, found "\\]"'),
    ("[]", 1, 'found "\\]"'),
    ("[1, 2", 5, 'expected "\\]", found "the end"'),
    ("[1, 2)", 5, 'expected "\\]", found "\\)"'),
    ("x.t", 1, 'the character "\\."'),
    ("x.T2", 1, 'the character "\\."'),
    ("x.Transpose", 1, 'the character "\\."'),
    ("x.shape", 1, 'the character "\\."'),
    ("sum(W, axis)", 7, 'unknown name "axis"'),
    ("sum(W, axis=)", 12, 'expected a whole number, found "\\)"'),
    ("sum(W, axis=x)", 12, 'expected a whole number, found "x"'),
    ("sum(W, axis=0, 1)", 13, 'expected "\\)", found ","'),
    ("sum(axis=0)", 4, 'unknown name "axis"'),
    ("sum(W, keepdims=1)", 7, 'unknown name "keepdims"'),
    ("x = 1", 2, 'expected an operator, found "="'),
    ("W @ @ x", 4, 'found "@"'),
    ("inv(W)", 0, 'unknown function "inv"'),
]


@pytest.mark.parametrize(("text", "position", "match"), MISTAKES_OF_ARRAYS)
def test_mistake_between_arrays_is_shown_with_a_caret(text: str, position: int, match: str) -> None:
    """In the language of arrays too the caret stands under the first mistake."""
    with pytest.raises(ExpressionError, match=match) as caught:
        expressions.parse(text, functions=NAMES, names=("x", "W"))
    _, shown, caret, *_ = str(caught.value).splitlines()
    assert text == shown.removeprefix("  ")
    assert position == caret.index("^") - 2


MISTAKES = [
    ("", 0, 'expected a number, a name or "\\(", found "the end"'),
    ("1 +", 3, 'found "the end"'),
    ("1 + * 2", 4, 'found "\\*"'),
    ("(1 + 2", 6, 'expected "\\)", found "the end"'),
    ("1 + 2)", 5, 'expected an operator, found "\\)"'),
    ("1 2", 2, 'expected an operator, found "2"'),
    ("2p", 1, 'expected an operator, found "p"'),
    ("1_000", 1, 'expected an operator, found "_000"'),
    ("0x10", 1, 'expected an operator, found "x10"'),
    ("1.5.2", 3, 'expected an operator, found ".2"'),
    ("p + r", 4, 'unknown name "r"'),
    ("p + sigmod(1)", 4, 'unknown function "sigmod"'),
    ("p(1)", 0, 'unknown function "p"'),
    ("exp", 0, 'unknown name "exp"'),
    ("exp()", 4, 'found "\\)"'),
    ("exp(1, 2)", 0, "exp takes 1 argument\\(s\\), found 2"),
    ("2*max(1)", 2, "max takes 2 argument\\(s\\), found 1"),
    ("softmax(1)", 0, 'unknown function "softmax"'),
    ("2 @ 3", 2, 'found "@"'),
    ("1 ? 2", 2, 'the character "\\?"'),
    ("p = q", 2, 'expected an operator, found "="'),
    ("p.real", 1, 'the character "\\."'),
    ("p[0]", 1, 'expected an operator, found "\\["'),
    ("[p, q]", 0, 'expected a number, a name or "\\(", found "\\["'),
    ("p.T", 1, 'expected an operator, found ".T"'),
    ("2.T", 1, 'expected an operator, found ".T"'),
    ("max(p, axis=0)", 7, 'unknown name "axis"'),
    ("pi(1)", 0, "pi takes 0 argument\\(s\\), found 1"),
    ("dot(p, q)", 0, 'unknown function "dot"'),
    ("outer(p, q)", 0, 'unknown function "outer"'),
    ("concat(p, q)", 0, 'unknown function "concat"'),
    ("٣ + 1", 0, 'the character "٣"'),
    ("1₂", 1, 'the character "₂"'),
    ("1e401", 0, "at most 400 digits"),
    ("1, 2", 1, 'found ","'),
    ("nan", 0, 'unknown name "nan"'),
    ("1 + inf", 4, 'unknown name "inf"'),
]


@pytest.mark.parametrize(("text", "position", "match"), MISTAKES)
def test_mistake_is_shown_with_a_caret(text: str, position: int, match: str) -> None:
    """A mistake gives one message: what is wrong, the text, and a caret exactly under the place."""
    with pytest.raises(ExpressionError, match=match) as caught:
        parsed(text)
    _, shown, caret, *_ = str(caught.value).splitlines()
    assert text.rstrip() == shown.removeprefix("  ").rstrip()
    assert position == caret.index("^") - 2


def test_mistake_suggests_the_nearest_name() -> None:
    """An unknown function comes with the one that was probably meant and with all there are."""
    with pytest.raises(ExpressionError, match='did you mean "sigmoid"') as caught:
        parsed("sigmod(1)")
    assert tuple(ARITIES) == caught.value.valid


def test_mistake_in_a_long_text_is_shown_in_its_surroundings() -> None:
    """Of a long text only the surroundings of the mistake are shown, the caret under it still."""
    with pytest.raises(ExpressionError) as caught:
        parsed("1 + " * 500 + "$" + " + 1" * 500)
    _, shown, caret = str(caught.value).splitlines()
    assert "$" == shown[caret.index("^")]
    assert len(shown) < 130


HOSTILE = [
    "__import__('os').system('true')",
    "open('/etc/passwd')",
    "().__class__.__bases__[0].__subclasses__()",
    "p.__class__",
    "lambda x: lambda y: x",
    "[x for x in (1,)]",
    "{}",
    "'a'*10**9",
    '"%s" % 1',
    "1 if 1 else 2",
    "p := 3",
    "eval(1)",
    "exec(1)",
    "sympify(1)",
    "factorial(10)",
    "9**9**9",
    "9**-9**9",
    "2**9999999999",
    "1e400**1e400",
    "(9**64)**9999999",
    "exp(exp(exp(99)))",
    "exp(1e400)",
    "1e999999999",
    "1e-999999999",
    "1e00000000000099999999",
    "1e+00000000000099999999",
    "9" * 401,
    "1e" + "9" * 5000,
    "(" * 10_000,
    "(" * 5_000 + "1" + ")" * 5_000 + " " * 100,
    "(" * 4_000 + "1" + ")" * 4_000,
    "-" * 9_000 + "1",
    "2**" * 3_000 + "1",
    "exp(" * 2_000 + "1" + ")" * 2_000,
    "/".join(["ln(2)"] * 1_500),
    "1/" * 4_000 + "0",
    "٣",
    "１",
    "1\x00",
    "1;2",
    "1 #",
    "\\",
    "∞",
    "1/0",
    "0**-1",
    "ln(0)",
    "ln(-1)",
    "sqrt(-1)",
    "(-1)**(1/2)",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:24])
def test_hostile_text_is_an_error_at_once(text: str) -> None:
    """No text runs, hangs, exhausts memory or leaves Python's own exception: it is a mistake with a message."""
    started = time.perf_counter()
    with pytest.raises(SymbackpropError) as caught:
        number(text, "data.x[0]")
    assert time.perf_counter() - started < 2
    assert str(caught.value).startswith("data.x[0]: ")
    assert len(str(caught.value)) < 1000
    assert all(character.isprintable() or character == "\n" for character in str(caught.value))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("1/0", "division by zero"),
        ("0**-1", "division by zero"),
        ("ln(0)", "ln has no real value"),
        ("sqrt(-1)", "sqrt has no real value"),
        ("(-1)**(1/2)", "fractional power"),
    ],
)
def test_value_that_does_not_exist_is_an_error(text: str, match: str) -> None:
    """A well-formed text without a finite real value says why."""
    with pytest.raises(EvaluationError, match=match):
        value(text)


def test_long_flat_sum_is_no_problem() -> None:
    """Length alone is no mistake: a sum of a thousand terms has its value."""
    assert 1000 == value("+".join(["1"] * 1000))


def test_arities_are_those_of_scalar_functions() -> None:
    """Every function of scalars can be used in a number, and no reduction or vector function."""
    of_arrays = {*shorthands.CONSTANT_ARRAYS, *ARRAY_OPERATIONS} - {*EXTREMES}
    assert set(NAMES) - of_arrays == set(ARITIES)
