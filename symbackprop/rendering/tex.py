"""Formula trees → TeX. The one place that spells mathematics for LaTeX and for Markdown."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from symbackprop.algebra import functions
from symbackprop.algebra.formula import (
    Adjoint,
    Apply,
    Indexed,
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
from symbackprop.document.blocks import Relation
from symbackprop.document.display_nodes import (
    About,
    Apart,
    Assigned,
    Blank,
    Boxed,
    Braced,
    Delta,
    Derivative,
    Dots,
    Equality,
    Gradient,
    Letter,
    Local,
    OverSamples,
    Range,
    Shown,
    Substitute,
    Updated,
)
from symbackprop.graph.notation import BATCH, Notation, Symbol
from symbackprop.rendering import array_formulas, digits, generic, indices
from symbackprop.rendering.spelling import function_name, symbol
from symbackprop.rendering.widths import width

RELATIONS = {Relation.EQUAL: "=", Relation.ABOUT: r"\approx"}

_SUM, _SIGNED, _PRODUCT, _POWER, _ATOM = range(5)
"""How tightly a printed formula holds together; a looser one inside a tighter place gets parentheses."""


def _scripted(found: Symbol) -> tuple[str, int]:
    """Return a printed symbol, and how tightly it holds together."""
    return symbol(found), _POWER if found.upper else _ATOM


@dataclass(frozen=True, slots=True)
class Printer:
    """Prints formulas in one notation.

    `tones` gives the TeX command that colours a number of each tone, if any; `inline` writes derivatives and numerical
    fractions with a slash: in a sentence, an exponent, an index, under a brace. `rows` says that vectors are rows; `over` is
    the letter that marks the names of a sample inside a sum over the samples. Sums wider than `room` are set in lines
    (0: none is). `spelled` keeps the names that have been printed in this notation.
    """

    notation: Notation
    tones: Mapping[str, str]
    inline: bool = False
    rows: bool = False
    over: str = ""
    room: float = 0.0
    spelled: dict[tuple[Node, bool, str], tuple[str, int]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def inlined(self) -> Printer:
        """The printer of what stands in a sentence (`replace` takes longer than most that is printed)."""
        return Printer(self.notation, self.tones, True, self.rows, self.over, self.room, self.spelled)

    def print(self, node: Node) -> str:
        """Return a formula as TeX."""
        return self.printed(node)[0]

    def printed(self, node: Node) -> tuple[str, int]:
        """Return a formula as TeX, and how tightly it holds together."""
        kind = type(node)
        return self._named(node) if kind in _NAMES else _ALL_RULES[kind](self, node)

    def _named(self, node: Node) -> tuple[str, int]:
        """Return a name or a gradient as TeX; it is spelled once, however often a document has it."""
        key = (node, self.inline, self.over)
        found = self.spelled.get(key)
        if found is None:
            found = self.spelled[key] = _ALL_RULES[type(node)](self, node)
        return found

    def inside(self, node: Node, place: int) -> str:
        """Return a formula for a place that binds as tightly as `place`: in parentheses if it is looser."""
        text, strength = self.printed(node)
        return text if strength >= place else rf"\left({text}\right)" if _is_tall(text) else f"({text})"

    def _sample(self, node: Name | Adjoint | Gradient | Delta | Substitute) -> int | str | None:
        """Return the sample that a name is marked with: n inside a sum over the samples."""
        if node.sample is not None or not self.over or not self.notation.quantity(node.name).batched:
            return node.sample
        return self.over

    def name(self, node: Name) -> tuple[str, int]:
        """A named quantity."""
        return _scripted(self.notation.symbol(node.name, self._sample(node)))

    def adjoint(self, node: Adjoint) -> tuple[str, int]:
        """δ where it stands for the derivative, else the derivative itself."""
        found = None if self.notation.negative_delta else self.notation.delta(node.name, self._sample(node))
        return self.gradient(node) if found is None else _scripted(found)

    def delta(self, node: Delta) -> tuple[str, int]:
        """δ."""
        found = self.notation.delta(node.name, self._sample(node))
        assert found is not None
        return _scripted(found)

    def substitute(self, node: Substitute) -> tuple[str, int]:
        """δ or g with a tilde."""
        return _scripted(self.notation.substitute(node.name, self._sample(node)))

    def gradient(self, node: Gradient | Adjoint) -> tuple[str, int]:
        """∂L/∂name."""
        output, _ = self._named(Name(self.notation.graph.output))
        by, _ = self._named(Name(node.name, node.sample))
        return self.derivative(output, by)

    def is_derivative(self, node: Node) -> bool:
        """Say whether a gradient is printed as ∂L/∂name, for want of a symbol."""
        if isinstance(node, Adjoint):
            return self.notation.negative_delta or self.notation.delta(node.name) is None
        return isinstance(node, Gradient)

    def local(self, node: Local) -> tuple[str, int]:
        """∂of/∂by."""
        return self.derivative(self.print(node.of), self.print(node.by))

    def derivative_of_formula(self, node: Derivative) -> tuple[str, int]:
        """d/dz of a formula."""
        by = self.print(node.by)
        return rf"\frac{{\mathrm{{d}}}}{{\mathrm{{d}} {by}}} {self.inside(node.of, _POWER)}", _PRODUCT

    def derivative(self, of: str, by: str) -> tuple[str, int]:
        """∂of/∂by of printed formulas."""
        text = rf"\partial {of}/\partial {by}" if self.inline else rf"\frac{{\partial {of}}}{{\partial {by}}}"
        return text, _PRODUCT

    def sum(self, node: Sum) -> tuple[str, int]:
        """Terms with their signs."""
        terms = self.terms(node)
        text = "".join(terms)
        return (self._stacked(terms) if self.room and width(text) > self.room else text), _SUM

    def _stacked(self, terms: list[str]) -> str:
        """Return the terms of a sum in lines that are no wider than there is room."""
        lines = [terms[0]]
        for term in terms[1:]:
            if width(lines[-1] + term) <= self.room:
                lines[-1] += term
            else:
                lines.append(f"{{}}{term}")
        body = r" \\ ".join(f"&{line}" for line in lines)
        return rf"\begin{{aligned}} {body} \end{{aligned}}"

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
        if isinstance(term, Number) and term.value.numerator < 0:
            return "-", self.print(Number(-term.value))
        if isinstance(term, Shown) and (sized := digits.positive(term)) is not None:
            return "-", self.inside(sized, _PRODUCT)
        return "+", self.inside(term, _PRODUCT)

    def product(self, node: Product) -> tuple[str, int]:
        """Factors side by side; a cross between numbers, a dot between derivatives and braces."""
        return "".join(self.factors(node)), _PRODUCT

    def factors(self, node: Product) -> list[str]:
        """Return the factors of a product, each after the first beginning with what joins it."""
        factors = _flat(node)
        last = len(factors) - 1
        texts = [self.inside(factors[0], _PRODUCT if last else _loosest(factors[0]))]
        numeric = [_has_number(factor) for factor in factors] if last else []
        for place, (before, factor) in enumerate(itertools.pairwise(factors), start=1):
            sign = r" \times " if numeric[place - 1] or numeric[place] else _times(before, factor)
            if self.inline and self.is_derivative(before):
                sign = r" \cdot "  # behind a slash a factor would belong to what is below it
            texts.append(sign + self.inside(factor, _loosest(factor) if place == last else _PRODUCT))
        return texts

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
        return self.inlined.print(node)

    def negative(self, node: Negative) -> tuple[str, int]:
        """A negative; of a negative number, with parentheses."""
        return f"-{self.inside(node.operand, _loosest(node.operand))}", _SIGNED

    def apply(self, node: Apply) -> tuple[str, int]:
        """A function of its arguments."""
        if array_formulas.is_array_function(node):
            return array_formulas.apply(self, node)
        if functions.is_symbol(node):
            return generic.function(self, node)
        if node.function == "exp":
            return f"e^{{{self._small(node.arguments[0])}}}", _POWER
        if node.function == "step":
            (argument,) = node.arguments
            if isinstance(argument, Negative):
                relation, argument = r"\le" if node.at_kink == 1 else "<", argument.operand
            else:
                relation = r"\ge" if node.at_kink == 1 else ">"
            return rf"\mathbf{{1}}_{{{self._small(argument)} {relation} 0}}", _ATOM
        arguments = [self.print(argument) for argument in node.arguments]
        if node.function == "sqrt":
            return rf"\sqrt{{{arguments[0]}}}", _ATOM
        if node.function == "abs":
            return rf"\left\vert {arguments[0]} \right\vert", _ATOM
        if not arguments:
            return function_name(node.function), _ATOM
        inside = ", ".join(arguments)
        brackets = rf"\left({inside}\right)" if _is_tall(inside) else f"({inside})"
        return function_name(node.function) + _settings(node) + brackets, _POWER

    def braced(self, node: Braced) -> tuple[str, int]:
        """A formula with a brace under it."""
        body = self.inside(node.body, _PRODUCT)
        # A brace counts as an operator, beside which TeX sets + and · without space; in braces of its own it is a letter.
        return rf"{{\underbrace{{{body}}}_{{{self._small(node.label)}}}}}", _ATOM

    def apart(self, node: Apart) -> tuple[str, int]:
        """A factor among others."""
        return self.inside(node.body, _PRODUCT), _PRODUCT

    def boxed(self, node: Boxed) -> tuple[str, int]:
        """A boxed result."""
        return rf"\boxed{{{self.print(node.body)}}}", _ATOM

    def letter(self, node: Letter) -> tuple[str, int]:
        """A symbol that is no quantity."""
        return symbol(node.symbol), _ATOM

    def blank(self, node: Blank) -> tuple[str, int]:
        """Print a line to write on."""
        return r"\underline{\hspace{9em}}", _ATOM

    def updated(self, node: Updated) -> tuple[str, int]:
        """A parameter after the update, with a plus."""
        found = self.notation.symbol(node.name)
        return symbol(Symbol(found.base, found.lower, (*found.upper, "+"))), _POWER

    def assigned(self, node: Assigned) -> tuple[str, int]:
        """Target ← value."""
        return rf"{self.print(node.target)} \leftarrow {self.print(node.value)}", _SUM

    def equality(self, node: Equality) -> tuple[str, int]:
        """Left = right; a number that was rounded is only about what is on the left."""
        is_rounded = isinstance(node.right, Shown) and not node.right.exact
        relation = RELATIONS[Relation.ABOUT if is_rounded else Relation.EQUAL]
        return f"{self.print(node.left)} {relation} {self.print(node.right)}", _SUM

    def over_samples(self, node: OverSamples) -> tuple[str, int]:
        """A sum over the samples; of a single one, what is in it."""
        if node.count == 1 and not node.of_batch:
            return replace(self, over="1").printed(node.body)
        inside = replace(self, over="n").inside(node.body, _PRODUCT)
        if node.of_batch:
            return rf"\sum_{{n \in {symbol(BATCH)}}} {inside}", _SUM
        return rf"\sum_{{n=1}}^{{{node.count}}} {inside}", _SUM

    def about(self, node: About) -> tuple[str, int]:
        """≈ number."""
        return rf"\approx {self.print(node.body)}", _SUM

    def range(self, node: Range) -> tuple[str, int]:
        """first, …, last."""
        return rf"{self.print(node.first)}, \ldots, {self.print(node.last)}", _SUM

    def dots(self, node: Dots) -> tuple[str, int]:
        """Terms that are left out."""
        return r"\cdots", _ATOM


_RULES: Mapping[type[Node], Callable[..., tuple[str, int]]] = {
    Name: Printer.name,
    Adjoint: Printer.adjoint,
    Gradient: Printer.gradient,
    Delta: Printer.delta,
    Substitute: Printer.substitute,
    Local: Printer.local,
    Derivative: Printer.derivative_of_formula,
    Sum: Printer.sum,
    Product: Printer.product,
    Quotient: Printer.quotient,
    Power: Printer.power,
    Negative: Printer.negative,
    Apply: Printer.apply,
    Apart: Printer.apart,
    Braced: Printer.braced,
    Boxed: Printer.boxed,
    Letter: Printer.letter,
    Blank: Printer.blank,
    Updated: Printer.updated,
    Assigned: Printer.assigned,
    Equality: Printer.equality,
    OverSamples: Printer.over_samples,
    Range: Printer.range,
    Dots: Printer.dots,
    About: Printer.about,
}


_NAMES = frozenset((Name, Adjoint, Gradient, Delta, Substitute))


class _Rules(dict[type[Node], Callable[..., tuple[str, int]]]):
    """What prints each kind of node, found once among the tables."""

    def __missing__(self, kind: type[Node]) -> Callable[..., tuple[str, int]]:
        tables = (_RULES, digits.RULES, array_formulas.RULES, indices.RULES, generic.RULES)
        self[kind] = found = next(table[kind] for table in tables if kind in table)
        return found


_ALL_RULES = _Rules()


def _flat(node: Product) -> list[Node]:
    return [part for factor in node.factors for part in (_flat(factor) if isinstance(factor, Product) else [factor])]


def _has_number(node: Node) -> bool:
    kind = type(node)
    return kind is Shown or (kind not in _NAMES and any(type(part) is Shown for part in walk(node)))


def _times(before: Node, factor: Node) -> str:
    """Return what joins two factors without numbers."""
    apart = Local | Gradient | Braced | Apart
    if isinstance(before, apart) or isinstance(factor, apart | Number):
        return r" \cdot "
    return r" \, " if isinstance(factor, Name | Adjoint | Letter | Apply | Indexed | Substitute | Updated) else " "


def _settings(node: Apply) -> str:
    """Return the parameters of an activation below its name, where they are not what everyone takes."""
    row = functions.ACTIVATIONS.get(node.function)
    own = [str(value) for name, value in node.settings if row is None or (name, value) not in row.parameters]
    return "" if row is None or node.body or not own else f"_{{{','.join(own)}}}"


def _loosest(node: Node) -> int:
    """Return how loose a formula may be at the end of a product: the sign of a sum over samples or entries reaches on."""
    is_sum = isinstance(node, OverSamples) and (node.count > 1 or node.of_batch)
    is_sum = is_sum or (isinstance(node, Apply) and array_formulas.is_array_function(node))
    return _SUM if is_sum else _PRODUCT


def _is_tall(text: str) -> bool:
    return any(sign in text for sign in (r"\frac", r"\sum", r"\begin"))
