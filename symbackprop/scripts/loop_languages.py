"""Languages without arrays of their own kind: how loops over numbers are written in JavaScript, C and Julia."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from symbackprop.arithmetic.python_code import Dialect
from symbackprop.compilation.loop_code import Syntax

_PLAIN = ("exp", "sqrt", "sin", "cos", "tan", "tanh", "asin", "acos", "atan", "log1p", "expm1")


@dataclass(frozen=True, slots=True)
class Language:
    """A language of scripts: its syntax of loops, what begins a comment, and the words that are no names in it.

    `listed` writes numbers as an array, `allocated` an array of zeros; `own` are functions that a script has to define,
    because the language lacks them.
    """

    name: str
    syntax: Syntax
    comment: str
    reserved: frozenset[str]
    listed: str
    own: frozenset[str] = frozenset()


def _functions(prefix: str, **others: str) -> Mapping[str, str]:
    return {**{name: f"{prefix}{name}({{0}})" for name in _PLAIN}, "ln": f"{prefix}log({{0}})", **others}


def _number(value: float) -> str:
    return repr(float(value))


def _step(argument: str, at_zero: Fraction) -> str:
    if at_zero in (0, 1):
        return f"({argument} {'>=' if at_zero else '>'} 0.0 ? 1.0 : 0.0)"
    return f"({argument} > 0.0 ? 1.0 : ({argument} == 0.0 ? {float(at_zero)!r} : 0.0))"


_CHOICE = "({} ? {} : {})"


def _joins(larger: str, smaller: str, functions: Mapping[str, str]) -> Mapping[str, str]:
    """Return what joins in reductions: the larger, the smaller, and the logarithm of a sum of exponentials."""
    largest, below = larger.format("{0}", "{1}"), smaller.format("{0}", "{1}")
    difference = functions["abs"].format("{0} - {1}")
    shifted = functions["log1p"].format(functions["exp"].format(f"-{difference}"))
    return {
        "maximum": largest,
        "minimum": below,
        "logaddexp": f"({{0}} == {{1}} ? {{0}} + {math.log(2)!r} : {largest} + {shifted})",
    }


def _bracketed(array: str, terms: Sequence[str]) -> str:
    return f"{array}[{' + '.join(terms) or '0'}]"


def _from_one(array: str, terms: Sequence[str]) -> str:
    return f"{array}[{' + '.join([*terms, '1'])}]"


_JAVASCRIPT = _functions("Math.", abs="Math.abs({0})", erf="erf({0})", erfc="erfc({0})")
_C = _functions("", abs="fabs({0})", erf="erf({0})", erfc="erfc({0})")
_JULIA = _functions("", abs="abs({0})", erf="erf({0})", erfc="erfc({0})")

_WORDS_OF_JAVASCRIPT = """
arguments await break case catch class const continue debugger default delete do else enum eval export extends false
finally for function if implements import in instanceof interface let new null package private protected public return
static super switch this throw true try typeof var void while with yield Math Infinity NaN undefined Float64Array
Object Array
"""

_WORDS_OF_C = """
auto break case char const continue default do double else enum extern float for goto if inline int long register
restrict return short signed sizeof static struct switch typedef union unsigned void volatile while main y0 y1 yn j0
j1 jn gamma fmax fmin fabs pow log exp sqrt sin cos tan tanh asin acos atan erf erfc hypot printf puts exit compare
memset memcpy INFINITY NAN linux unix index
"""

_WORDS_OF_JULIA = """
baremodule begin break catch const continue do else elseif end export false finally for function global if import in
isa let local macro module quote return struct true try using where while abs exp log max min sum zeros pi im Dict
push deepcopy println
"""

JAVASCRIPT = Language(
    "javascript",
    Syntax(
        Dialect(
            _JAVASCRIPT,
            lambda function, left, right, at_tie: f"Math.{function}({left}, {right})",
            _step,
            _CHOICE.format,
            _number,
            "Math.pow({}, {})",
        ),
        _bracketed,
        lambda name, length: (f"for (let {name} = 0; {name} < {length}; {name}++) {{", "}"),
        "const {} = {};",
        "let {} = {};",
        "{} = {};",
        _joins("Math.max({}, {})", "Math.min({}, {})", _JAVASCRIPT),
        lambda value: "Infinity" if value > 0 else "-Infinity",
        "samples",
    ),
    "//",
    frozenset(_WORDS_OF_JAVASCRIPT.split()),
    "Float64Array.of({})",
    frozenset({"erf", "erfc"}),
)

C = Language(
    "c",
    Syntax(
        Dialect(
            _C,
            lambda function, left, right, at_tie: f"f{function}({left}, {right})",
            _step,
            _CHOICE.format,
            _number,
            "pow({}, {})",
        ),
        _bracketed,
        lambda name, length: (f"for (int {name} = 0; {name} < {length}; {name}++) {{", "}"),
        "const double {} = {};",
        "double {} = {};",
        "{} = {};",
        _joins("fmax({}, {})", "fmin({}, {})", _C),
        lambda value: "INFINITY" if value > 0 else "-INFINITY",
        "samples",
    ),
    "//",
    frozenset(_WORDS_OF_C.split()),
    "{{{}}}",
)

JULIA = Language(
    "julia",
    Syntax(
        Dialect(
            _JULIA,
            lambda function, left, right, at_tie: f"{function}({left}, {right})",
            _step,
            _CHOICE.format,
            _number,
            "{}^{}",
        ),
        _from_one,
        lambda name, length: (f"for {name} in 0:{length}-1", "end"),
        joins=_joins("max({}, {})", "min({}, {})", _JULIA),
        infinity=lambda value: "Inf" if value > 0 else "-Inf",
        samples="samples",
    ),
    "#",
    frozenset(_WORDS_OF_JULIA.split()),
    "[{}]",
    frozenset({"erf", "erfc"}),
)
