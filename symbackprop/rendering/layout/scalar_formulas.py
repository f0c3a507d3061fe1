"""Formulas between scalars: sums with their signs, products, quotients, functions, derivatives, braces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from symbackprop.algebra import functions
from symbackprop.algebra.branches import WHERE, choice_of, comparison_of
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
)
from symbackprop.derivation.array_entries import in_sample, inner_formula
from symbackprop.document.blocks import Relation
from symbackprop.document.display_nodes import (
    About,
    AllSamples,
    Apart,
    Assigned,
    Blank,
    Boxed,
    Braced,
    Case,
    Cases,
    Delta,
    DerivativeOf,
    Dots,
    Equality,
    Gradient,
    Inequality,
    Letter,
    Lettered,
    Local,
    OverSamples,
    Range,
    Same,
    Shown,
    Substitute,
    Total,
    Updated,
)
from symbackprop.graph.notation import BATCH, Symbol
from symbackprop.graph.quantities import INNER
from symbackprop.rendering.layout import array_formulas, boxes, digits, generic
from symbackprop.rendering.layout.formula_layout import (
    ATOM,
    PARTIAL,
    POWER,
    PRODUCT,
    SIGNED,
    SUMMED,
    LaidOut,
    Layout,
    Rules,
    is_numeric,
    remembered,
)
from symbackprop.rendering.layout.operator_words import function_name

RELATIONS = {Relation.EQUAL: boxes.Sign("="), Relation.ABOUT: boxes.Sign("≈")}

_APART = frozenset((Local, Gradient, Braced, Apart))
_SEPARATE = frozenset((Name, Adjoint, AllSamples, Letter, Lettered, Apply, Indexed, Substitute, Updated))
"""Factors that have a dot, or a thin space, before them."""


def _name(layout: Layout, node: Name) -> LaidOut:
    """The symbol of a quantity; of an activation inside an equation its formula."""
    quantity, index = layout.notation.graph.place_of(node.name)
    if quantity.kind != INNER:
        return _scripted(layout.notation.symbol(node.name, layout.sample(node)))
    formula = inner_formula(layout.notation.graph, node)
    if formula is not None:
        return layout.laid_out(formula)
    arrays = in_sample(layout.notation.graph, layout.notation.graph.formulas[quantity.name], node.sample)
    whole = boxes.Group(layout.inside(arrays, POWER))
    below = "".join(map(str, layout.notation.entry(quantity, index).lower))
    return boxes.Scripts(whole, boxes.Sign(below)), POWER


def _scripted(found: Symbol) -> LaidOut:
    return found, POWER if found.upper else ATOM


def _adjoint(layout: Layout, node: Adjoint) -> LaidOut:
    """δ where it stands for the derivative, else the derivative itself."""
    found = None if layout.notation.negative_delta else layout.notation.delta(node.name, layout.sample(node))
    return _gradient(layout, node) if found is None else _scripted(found)


def _delta(layout: Layout, node: Delta) -> LaidOut:
    found = layout.notation.delta(node.name, layout.sample(node))
    assert found is not None
    return _scripted(found)


def _substitute(layout: Layout, node: Substitute) -> LaidOut:
    """δ or g with a tilde."""
    return _scripted(layout.notation.substitute(node.name, layout.sample(node)))


def _all_samples(layout: Layout, node: AllSamples) -> LaidOut:
    """The capital of a quantity, of δ, or ∂L/∂ the capital."""
    notation = layout.notation
    whole = notation.of_all_samples(notation.symbol(node.name))
    if isinstance(node.body, Name):
        return _scripted(whole)
    delta = notation.delta(node.name)
    if delta is None or isinstance(node.body, Gradient) or layout.is_derivative(node.body):
        return layout.derivative(layout.box(Name(notation.graph.output)), whole)
    return _scripted(notation.of_all_samples(delta))


def _gradient(layout: Layout, node: Gradient | Adjoint) -> LaidOut:
    """∂L/∂name."""
    return layout.derivative(layout.box(Name(layout.notation.graph.output)), layout.box(Name(node.name, node.sample)))


def _derivative(layout: Layout, node: DerivativeOf) -> LaidOut:
    """d/dz of a formula, ∂/∂a where what it is differentiated by is one of several quantities."""
    above, sign = (boxes.Word("d"), boxes.Sign("d")) if isinstance(node.by, Letter) else (PARTIAL, PARTIAL)
    below = (sign, layout.box(node.by))
    return (boxes.Fraction(above, below), boxes.GAP, layout.inside(node.of, POWER)), PRODUCT


def _cases(layout: Layout, node: Cases) -> LaidOut:
    """A function by cases."""
    return boxes.Cases([(layout.box(case.body), layout.box(case.condition)) for case in node.cases]), ATOM


def _sum(layout: Layout, node: Sum) -> LaidOut:
    """Terms with their signs; in lines that are no wider than there is room."""
    row = tuple(terms(layout, node))
    if not layout.room or layout.measure(row) <= layout.room:
        return row, SUMMED
    return boxes.Lines(in_lines(layout, row, layout.room)), SUMMED


def in_lines(layout: Layout, pieces: Iterable[boxes.Box], room: float, margin: float = 0) -> list[boxes.Row]:
    """Return the pieces of a formula in lines that have room for no more of them, beside a margin."""
    lines: list[boxes.Row] = []
    for piece in pieces:
        if lines and layout.measure((*lines[-1], piece)) + margin <= room:
            lines[-1] = (*lines[-1], piece)
        else:
            # Behind empty braces a sign at the start of a line keeps the space of one between two terms.
            lines.append((boxes.EMPTY, piece) if lines else (piece,))
    return lines


def terms(layout: Layout, node: Sum) -> list[boxes.Box]:
    """Return the terms of a sum, each after the first beginning with its sign."""
    found = [layout.inside(node.terms[0], SIGNED)]
    found += [_signed(layout, term) for term in node.terms[1:]]
    return found


def _signed(layout: Layout, term: Node) -> tuple[boxes.Box, boxes.Box]:
    """Return sign and size of a term: a negative number is subtracted, a double minus keeps its parentheses."""
    if isinstance(term, Negative):
        return boxes.MINUS, layout.inside(term.operand, PRODUCT)
    if isinstance(term, Number) and term.value.numerator < 0:
        return boxes.MINUS, layout.box(Number(-term.value))
    if isinstance(term, Shown) and (sized := digits.positive(term)) is not None:
        return boxes.MINUS, layout.inside(sized, PRODUCT)
    return boxes.PLUS, layout.inside(term, PRODUCT)


def factors(layout: Layout, node: Product) -> list[boxes.Box]:
    """Return the factors of a product, each after the first beginning with what joins it.

    That is a cross between numbers, a dot between derivatives and braces, else room.
    """
    parts = _flat(node) if Product in map(type, node.factors) else node.factors
    first, *rest = parts
    if not rest:
        return [layout.inside(first, _loosest(first))]
    found = [layout.inside(first, PRODUCT)]
    before, was_numeric = first, is_numeric(first)
    for place, part in enumerate(rest, start=1):
        numeric = is_numeric(part)
        sign = boxes.CROSS if numeric or was_numeric else _times(before, part)
        if layout.inline and layout.is_derivative(before):
            sign = boxes.DOT  # behind a slash a factor would belong to what is below it
        found.append((sign, layout.inside(part, _loosest(part) if place == len(rest) else PRODUCT)))
        before, was_numeric = part, numeric
    return found


def _quotient(layout: Layout, node: Quotient) -> LaidOut:
    if layout.inline:
        above, strength = layout.laid_out(node.numerator)
        above = above if strength > SUMMED else boxes.parenthesised(above)
        return (above, boxes.SLASH, layout.inside(node.denominator, POWER)), min(max(strength, SIGNED), PRODUCT)
    return boxes.Fraction(layout.box(node.numerator), layout.box(node.denominator)), PRODUCT


def _apply(layout: Layout, node: Apply) -> LaidOut:
    """A function of its arguments."""
    own = _OWN_FORMS.get(node.function)
    if own is not None:
        return own(layout, node)
    if array_formulas.is_array_function(node):
        return array_formulas.apply(layout, node)
    if functions.is_symbol(node):
        return generic.function(layout, node)
    arguments = [layout.box(argument) for argument in node.arguments]
    if not arguments:
        return function_name(node.function), ATOM
    inside = arguments[0] if len(arguments) == 1 else boxes.joined(boxes.COMMA, arguments)
    return (*_settings(node), boxes.parenthesised(inside)), POWER


def _exponential(layout: Layout, node: Apply) -> LaidOut:
    """A power of e, or exp(…) where e is a quantity of the problem."""
    if layout.notation.has_e:
        return (function_name(node.function), boxes.parenthesised(layout.box(node.arguments[0]))), POWER
    return boxes.Scripts(Symbol("e"), None, layout.small(node.arguments[0])), POWER


def _step(layout: Layout, node: Apply) -> LaidOut:
    """Return 1 with a condition below it; with a share at 0 between 0 and 1, that share of a second condition as well."""
    (argument,) = node.arguments
    is_below = isinstance(argument, Negative)
    if isinstance(argument, Negative):
        argument = argument.operand

    def where(relation: str) -> boxes.Box:
        return boxes.Scripts(boxes.ONES, (layout.small(argument), boxes.Infix(relation), boxes.Number("0")))

    if node.at_kink == 1:
        return where("≤" if is_below else "≥"), ATOM
    strictly = where("<" if is_below else ">")
    if node.at_kink == 0:
        return strictly, ATOM
    return (strictly, boxes.PLUS, layout.inside(Number(node.at_kink), PRODUCT), boxes.THIN, where("=")), SUMMED


def _where(layout: Layout, node: Apply) -> LaidOut:
    """Two formulas behind a brace, each beside its condition."""
    choice = choice_of(node)
    assert choice is not None
    condition, *pieces = choice
    compared = comparison_of(condition)
    conditions = [_inequality(layout, Inequality(*each))[0] for each in (compared, compared.opposite)]
    return boxes.Cases(list(zip(map(layout.box, pieces), conditions, strict=True))), SUMMED


_PRINTED_SIGNS = {"<=": "≤", ">=": "≥"}


def _inequality(layout: Layout, node: Inequality) -> LaidOut:
    """Left < right."""
    sign = boxes.Infix(_PRINTED_SIGNS.get(node.sign, node.sign))
    return (layout.box(node.left), sign, layout.box(node.right)), SUMMED


_OWN_FORMS: Mapping[str, Callable[[Layout, Apply], LaidOut]] = {
    "exp": _exponential,
    "sqrt": lambda layout, node: (boxes.Root(layout.box(node.arguments[0])), ATOM),
    "abs": lambda layout, node: (boxes.Fenced("|", layout.box(node.arguments[0]), "|", True), ATOM),
    "step": _step,
    WHERE: _where,
}
"""The functions that are not printed as a name with arguments."""


def _settings(node: Apply) -> tuple[boxes.Box, ...]:
    """Return a function's name, with the parameters below it where they are not what everyone takes."""
    name = function_name(node.function)
    row = functions.ACTIVATIONS.get(node.function)
    own = [value for name, value in node.settings if row is None or (name, value) not in row.parameters]
    if row is None or node.body or not own:
        return (name,)
    return (boxes.Scripts(name, boxes.joined(boxes.Sign(","), [digits.slashed(value) for value in own])),)


def _updated(layout: Layout, node: Updated) -> LaidOut:
    """A parameter after the update, with a plus."""
    found = layout.notation.symbol(node.name)
    return Symbol(found.base, found.lower, (*found.upper, "+")), POWER


def _equality(layout: Layout, node: Equality) -> LaidOut:
    """Left = right; a number that was rounded is only about what is on the left."""
    is_rounded = isinstance(node.right, Shown) and not node.right.exact
    return (layout.box(node.left), boxes.ABOUT if is_rounded else boxes.EQUAL, layout.box(node.right)), SUMMED


def _over_samples(layout: Layout, node: OverSamples) -> LaidOut:
    """A sum over the samples; of a single one, what is in it."""
    if node.count == 1 and not node.of_batch:
        return layout.summed_over("1").laid_out(node.body)
    inside = layout.summed_over("n").inside(node.body, PRODUCT)
    n = Symbol("n")
    if node.of_batch:
        return (boxes.Scripts(boxes.SUM, (n, boxes.Infix("∈"), BATCH)), boxes.GAP, inside), SUMMED
    return (boxes.counted("n", boxes.Number(str(node.count))), boxes.GAP, inside), SUMMED


def _total(layout: Layout, node: Total) -> LaidOut:
    """A sum over the outputs."""
    sign = boxes.counted(node.index, boxes.Number(str(node.count)))
    return (sign, boxes.GAP, layout.inside(node.body, PRODUCT)), PRODUCT


def _flat(node: Product) -> list[Node]:
    return [part for factor in node.factors for part in (_flat(factor) if isinstance(factor, Product) else [factor])]


def _times(before: Node, factor: Node) -> boxes.Infix | boxes.Space:
    """Return what joins two factors without numbers."""
    kind = type(factor)
    if type(before) in _APART or kind in _APART or kind is Number:
        return boxes.DOT
    return boxes.THIN if kind in _SEPARATE else boxes.GAP


def _loosest(node: Node) -> int:
    """Return how loose a formula may be at the end of a product: the sign of a sum over samples or entries reaches on."""
    if isinstance(node, OverSamples):
        return SUMMED if node.count > 1 or node.of_batch else PRODUCT
    return SUMMED if isinstance(node, Apply) and array_formulas.is_array_function(node) else PRODUCT


RULES: Rules = {
    Name: remembered(_name),
    Adjoint: remembered(_adjoint, slashed=True),
    Gradient: remembered(_gradient, slashed=True),
    Delta: remembered(_delta),
    Substitute: remembered(_substitute),
    AllSamples: _all_samples,
    Local: lambda layout, node: layout.derivative(layout.box(node.of), layout.box(node.by)),
    DerivativeOf: _derivative,
    Sum: _sum,
    Product: lambda layout, node: (tuple(factors(layout, node)), PRODUCT),
    Quotient: _quotient,
    Power: lambda layout, node: (
        boxes.Scripts(layout.inside(node.base, ATOM), None, layout.small(node.exponent)),
        POWER,
    ),
    Negative: lambda layout, node: ((boxes.NEGATIVE, layout.inside(node.operand, _loosest(node.operand))), SIGNED),
    Apply: _apply,
    Apart: lambda layout, node: (layout.inside(node.body, PRODUCT), PRODUCT),
    Braced: lambda layout, node: (boxes.Braced(layout.inside(node.body, PRODUCT), layout.small(node.label)), ATOM),
    Boxed: lambda layout, node: (boxes.Framed(layout.box(node.body)), ATOM),
    Letter: lambda layout, node: _scripted(node.symbol),
    Lettered: lambda layout, node: _scripted(node.symbol),
    Blank: lambda layout, node: (boxes.Blank(), ATOM),
    Updated: _updated,
    Assigned: lambda layout, node: ((layout.box(node.target), boxes.Infix("←"), layout.box(node.value)), SUMMED),
    Equality: _equality,
    Inequality: _inequality,
    OverSamples: _over_samples,
    Range: lambda layout, node: (
        boxes.joined(boxes.COMMA, (layout.box(node.first), boxes.Sign("…"), layout.box(node.last))),
        SUMMED,
    ),
    Dots: lambda layout, node: (boxes.Sign("⋯"), ATOM),
    About: lambda layout, node: ((RELATIONS[Relation.ABOUT], boxes.GAP, layout.box(node.body)), SUMMED),
    Total: _total,
    Case: lambda layout, node: ((layout.box(node.body), boxes.QUAD, layout.box(node.condition)), SUMMED),
    Cases: _cases,
    Same: lambda layout, node: (
        boxes.Scripts(boxes.ONES, (layout.box(node.left), boxes.EQUAL, layout.box(node.right))),
        ATOM,
    ),
}
