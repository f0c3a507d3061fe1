"""Formula trees → TeX. The one place that spells mathematics for LaTeX and for Markdown."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from symbackprop import functions
from symbackprop.document.marks import (
    About,
    Assigned,
    Boxed,
    Braced,
    Equality,
    Gradient,
    Letter,
    Local,
    OverSamples,
    Range,
    Shown,
    Slope,
    Updated,
)
from symbackprop.document.truth import Relation
from symbackprop.formula import (
    Adjoint,
    Apply,
    MatrixProduct,
    Name,
    Negative,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    walk,
)
from symbackprop.notation import GREEK, Notation, Symbol
from symbackprop.rendering import arrays

RELATIONS = {Relation.EQUAL: "=", Relation.ABOUT: r"\approx"}

_SUM, _SIGNED, _PRODUCT, _POWER, _ATOM = range(5)
"""How tightly a printed formula holds together; a looser one inside a tighter place gets parentheses."""

_OPERATORS = {"exp", "ln", "sin", "cos", "tan", "tanh", "max", "min"}
_SIGNS = {"sigmoid": r"\sigma", "sign": r"\mathrm{sgn}", "pi": r"\pi"}


def word(text: str) -> str:
    r"""Return a word, a letter or a number in math mode.

    >>> word("net"), word("w"), word("12")
    ('\\mathrm{net}', 'w', '12')
    """
    upright = len(text) > 1 and any(character.isalpha() for character in text)
    escaped = text.replace("_", r"\_")
    return rf"\mathrm{{{escaped}}}" if upright else escaped


def symbol(found: Symbol) -> str:
    """Return a printed symbol.

    >>> symbol(Symbol("W", ("12",), ("(1)",)))
    'W^{(1)}_{12}'
    """
    base = rf"\{found.base}" if found.base in GREEK else word(found.base)
    lower = ",".join(word(part) if isinstance(part, str) else symbol(part) for part in found.lower)
    upper = "".join(found.upper)
    return base + _script("^", upper) + _script("_", lower)


def _script(mark: str, text: str) -> str:
    return "" if not text else f"{mark}{text}" if len(text) == 1 else f"{mark}{{{text}}}"


@dataclass(frozen=True, slots=True)
class Printer:
    """Prints formulas in one notation.

    `tones` gives the TeX command that colours a number of each tone, if any; `inline` writes derivatives and numerical
    fractions with a slash: in a sentence, an exponent, an index, under a brace. `rows` says that vectors are rows.
    """

    notation: Notation
    tones: Mapping[str, str]
    inline: bool = False
    rows: bool = False

    def print(self, node: Node) -> str:
        """Return a formula as TeX."""
        return self.printed(node)[0]

    def printed(self, node: Node) -> tuple[str, int]:
        """Return a formula as TeX, and how tightly it holds together."""
        if isinstance(node, Apply) and arrays.is_array_function(node):
            return arrays.apply(self, node)
        rule = _RULES.get(type(node)) or arrays.RULES[type(node)]
        return rule(self, node)

    def inside(self, node: Node, place: int) -> str:
        """Return a formula for a place that binds as tightly as `place`: in parentheses if it is looser."""
        text, strength = self.printed(node)
        return text if strength >= place else rf"\left({text}\right)" if _is_tall(text) else f"({text})"

    def _symbol(self, name: str, sample: int | None) -> Symbol:
        return self.notation.symbol(name, sample)

    def name(self, node: Name) -> tuple[str, int]:
        """A named quantity."""
        found = self._symbol(node.name, node.sample)
        return symbol(found), _POWER if found.upper else _ATOM

    def adjoint(self, node: Adjoint) -> tuple[str, int]:
        """δ where the quantity has one, else the derivative."""
        delta = self.notation.delta(node.name, node.sample)
        if delta is None:
            return self.gradient(Gradient(node.name, node.sample))
        return symbol(delta), _POWER if delta.upper else _ATOM

    def gradient(self, node: Gradient) -> tuple[str, int]:
        """∂L/∂name."""
        output = symbol(self.notation.symbol(self.notation.graph.output))
        return self._derivative(output, symbol(self._symbol(node.name, node.sample)))

    def local(self, node: Local) -> tuple[str, int]:
        """∂of/∂by."""
        return self._derivative(self.print(node.of), self.print(node.by))

    def slope(self, node: Slope) -> tuple[str, int]:
        """d/dz of a formula."""
        by = self.print(node.by)
        return rf"\frac{{\mathrm{{d}}}}{{\mathrm{{d}} {by}}} {self.inside(node.of, _POWER)}", _PRODUCT

    def _derivative(self, of: str, by: str) -> tuple[str, int]:
        text = rf"\partial {of}/\partial {by}" if self.inline else rf"\frac{{\partial {of}}}{{\partial {by}}}"
        return text, _PRODUCT

    def number(self, node: Number) -> tuple[str, int]:
        """An exact constant of a formula."""
        value = node.value
        if value.denominator == 1:
            return str(value.numerator), _ATOM if value >= 0 else _SIGNED
        text = rf"\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"
        return (f"-{text}", _SIGNED) if value < 0 else (text, _PRODUCT)

    def shown(self, node: Shown) -> tuple[str, int]:
        """A number on paper."""
        numeral, strength = node.numeral, _ATOM
        text = numeral.text
        if numeral.denominator:
            sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
            ratio = (
                rf"{digits}/{numeral.denominator}" if self.inline else rf"\frac{{{digits}}}{{{numeral.denominator}}}"
            )
            text, strength = sign + ratio, _PRODUCT
        if numeral.exponent:
            mantissa = "" if text == "1" else rf"{text} \times "
            text, strength = rf"{mantissa}10^{{{numeral.exponent}}}", _PRODUCT
        if node.value < 0:
            strength = _SIGNED
        command = self.tones.get(node.tone, "")
        return (rf"\{command}{{{text}}}" if command else text), strength

    def sum(self, node: Sum) -> tuple[str, int]:
        """Terms with their signs."""
        return "".join(self.terms(node)), _SUM

    def terms(self, node: Sum) -> list[str]:
        """Return the terms of a sum, each after the first beginning with its sign."""
        texts = [self.inside(node.terms[0], _SIGNED)]
        for term in node.terms[1:]:
            sign, body = self._signed(term)
            texts.append(f" {sign} {body}")
        return texts

    def _signed(self, term: Node) -> tuple[str, str]:
        """Return sign and size of a term: a negative number is subtracted, a double minus keeps its parentheses."""
        if isinstance(term, Negative):
            return "-", self.inside(term.operand, _PRODUCT)
        if isinstance(term, Number) and term.value < 0:
            return "-", self.print(Number(-term.value))
        if isinstance(term, Shown) and term.value < 0:
            return "-", self.print(_positive(term))
        return "+", self.inside(term, _PRODUCT)

    def product(self, node: Product) -> tuple[str, int]:
        """Factors side by side; a cross between numbers, a dot between derivatives and braces."""
        return "".join(self.factors(node)), _PRODUCT

    def factors(self, node: Product) -> list[str]:
        """Return the factors of a product, each after the first beginning with what joins it."""
        factors = _flat(node)
        pairs = itertools.pairwise(factors)
        return [self.inside(factors[0], _PRODUCT)] + [
            self._times(before, factor) + self.inside(factor, _PRODUCT) for before, factor in pairs
        ]

    def _times(self, before: Node, factor: Node) -> str:
        if any(isinstance(part, Shown) for one in (before, factor) for part in walk(one)):
            return r" \times "
        if any(isinstance(part, Local | Gradient | Braced) for part in (before, factor)):
            return r" \cdot "
        if isinstance(factor, Number):
            return r" \cdot "
        return r" \, " if isinstance(factor, Name | Adjoint | Letter | Apply) else " "

    def quotient(self, node: Quotient) -> tuple[str, int]:
        """A fraction."""
        if self.inline:
            above, strength = self.printed(node.numerator)
            above = above if strength in (_SIGNED, _PRODUCT) else self.inside(node.numerator, _PRODUCT)
            return f"{above}/{self.inside(node.denominator, _POWER)}", min(max(strength, _SIGNED), _PRODUCT)
        return rf"\frac{{{self.print(node.numerator)}}}{{{self.print(node.denominator)}}}", _PRODUCT

    def power(self, node: Power) -> tuple[str, int]:
        """A power."""
        return f"{self.inside(node.base, _ATOM)}^{{{self._small(node.exponent)}}}", _POWER

    def _small(self, node: Node) -> str:
        """Return a formula for an exponent, an index or a label under a brace."""
        return replace(self, inline=True).print(node)

    def negative(self, node: Negative) -> tuple[str, int]:
        """A negative; of a negative number, with parentheses."""
        return f"-{self.inside(node.operand, _PRODUCT)}", _SIGNED

    def apply(self, node: Apply) -> tuple[str, int]:
        """A function of its arguments."""
        if node.function == "exp":
            return f"e^{{{self._small(node.arguments[0])}}}", _POWER
        if node.function == "step":
            (argument,) = node.arguments
            if isinstance(argument, Negative):
                return rf"\mathbf{{1}}_{{{self._small(argument.operand)} < 0}}", _ATOM
            return rf"\mathbf{{1}}_{{{self._small(argument)} > 0}}", _ATOM
        arguments = [self.print(argument) for argument in node.arguments]
        if node.function == "sqrt":
            return rf"\sqrt{{{arguments[0]}}}", _ATOM
        if node.function == "abs":
            return rf"\left\vert {arguments[0]} \right\vert", _ATOM
        if not arguments:
            return function_name(node.function), _ATOM
        inside = ", ".join(arguments)
        brackets = rf"\left({inside}\right)" if _is_tall(inside) else f"({inside})"
        return function_name(node.function) + brackets, _POWER

    def matrix_product(self, node: MatrixProduct) -> tuple[str, int]:
        """Matrices side by side."""
        return rf"{self.inside(node.left, _PRODUCT)} \, {self.inside(node.right, _PRODUCT)}", _PRODUCT

    def braced(self, node: Braced) -> tuple[str, int]:
        """A formula with a brace under it."""
        body = self.inside(node.body, _PRODUCT)
        # A brace counts as an operator, beside which TeX sets + and · without space; in braces of its own it is a letter.
        return rf"{{\underbrace{{{body}}}_{{{self._small(node.label)}}}}}", _ATOM

    def boxed(self, node: Boxed) -> tuple[str, int]:
        """A boxed result."""
        return rf"\boxed{{{self.print(node.body)}}}", _ATOM

    def letter(self, node: Letter) -> tuple[str, int]:
        """A symbol that is no quantity."""
        return symbol(node.symbol), _ATOM

    def updated(self, node: Updated) -> tuple[str, int]:
        """A parameter after the update, with a plus."""
        found = self._symbol(node.name, None)
        return symbol(Symbol(found.base, found.lower, (*found.upper, "+"))), _POWER

    def assigned(self, node: Assigned) -> tuple[str, int]:
        """Target ← value."""
        return rf"{self.print(node.target)} \leftarrow {self.print(node.value)}", _SUM

    def equality(self, node: Equality) -> tuple[str, int]:
        """Left = right."""
        return f"{self.print(node.left)} = {self.print(node.right)}", _SUM

    def over_samples(self, node: OverSamples) -> tuple[str, int]:
        """A sum over the samples."""
        return rf"\sum_{{n=1}}^{{{node.count}}} {self.inside(node.body, _PRODUCT)}", _SUM

    def about(self, node: About) -> tuple[str, int]:
        """≈ number."""
        return rf"\approx {self.print(node.body)}", _SUM

    def range(self, node: Range) -> tuple[str, int]:
        """first, …, last."""
        return rf"{self.print(node.first)}, \ldots, {self.print(node.last)}", _SUM


_RULES: Mapping[type[Node], Callable[..., tuple[str, int]]] = {
    Name: Printer.name,
    Adjoint: Printer.adjoint,
    Gradient: Printer.gradient,
    Local: Printer.local,
    Slope: Printer.slope,
    Number: Printer.number,
    Shown: Printer.shown,
    Sum: Printer.sum,
    Product: Printer.product,
    Quotient: Printer.quotient,
    Power: Printer.power,
    Negative: Printer.negative,
    Apply: Printer.apply,
    MatrixProduct: Printer.matrix_product,
    Braced: Printer.braced,
    Boxed: Printer.boxed,
    Letter: Printer.letter,
    Updated: Printer.updated,
    Assigned: Printer.assigned,
    Equality: Printer.equality,
    OverSamples: Printer.over_samples,
    Range: Printer.range,
    About: Printer.about,
}


def function_name(name: str) -> str:
    """Return a function's printed name: σ, tanh, ReLU."""
    if name in _OPERATORS or name in _SIGNS:
        return _SIGNS.get(name, rf"\{name}")
    row = functions.ACTIVATIONS.rows.get(name)
    return word(row.symbol if row else name)


def _positive(shown: Shown) -> Shown:
    numeral = replace(shown.numeral, text=shown.numeral.text.removeprefix("-"))
    return replace(shown, numeral=numeral, value=Fraction(-shown.value))


def _flat(node: Product) -> list[Node]:
    return [part for factor in node.factors for part in (_flat(factor) if isinstance(factor, Product) else [factor])]


def _is_tall(text: str) -> bool:
    return r"\frac" in text or r"\sum" in text
