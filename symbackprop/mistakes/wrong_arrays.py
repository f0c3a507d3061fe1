"""Mistakes of code: contributions to gradients of whole arrays by other formulas.

They are the same mistakes as those made number by number, where code can make them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction

from symbackprop.algebra import expressions
from symbackprop.algebra.array_operations import operation_of
from symbackprop.algebra.formula import (
    ONE,
    ZERO,
    Adjoint,
    Apply,
    Hadamard,
    MatrixProduct,
    Name,
    Negative,
    Node,
    Number,
    Power,
    Product,
    Repeated,
    Sum,
    Transposed,
    added,
    fill,
    negated,
    rewrite,
    walk,
)
from symbackprop.algebra.functions import ARITIES
from symbackprop.catalog import optimizers
from symbackprop.derivation import matrix_grain
from symbackprop.graph.quantities import Role
from symbackprop.mistakes.array_worksheets import ArraySite, ArrayWorksheet, LinkKey
from symbackprop.mistakes.wrong_derivatives import WRONG_TANH

_TWO, _HALF = Number(Fraction(2)), Number(Fraction(1, 2))

# Derivatives of activations


def _smooth(sheet: ArrayWorksheet, *, kinked: bool = False) -> Iterator[tuple[LinkKey, Apply]]:
    for key, formula in sheet.activations():
        if any(isinstance(part, Apply) and part.function == "step" for part in walk(sheet.partial(formula))) is kinked:
            yield key, formula


def _site(key: LinkKey, formula: Node, variant: str = "") -> ArraySite:
    return ArraySite(key[0], {key: formula}, variant)


def no_derivative(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield contributions without the derivative of the activation."""
    for key, _ in _smooth(sheet):
        yield _site(key, Adjoint(key[1]))


def relu_ignored(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield contributions without the derivative of an activation with a kink, or with it at the gradient."""
    for key, formula in _smooth(sheet, kinked=True):
        upstream = Adjoint(key[1])
        yield _site(key, upstream)
        yield _site(key, Hadamard((upstream, fill(sheet.partial(formula), (upstream,)))), "upstream")


def derivative_not_passed_on(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield contributions to inner activations from gradients by activations behind them."""
    behind = {target: source for (target, source), _ in sheet.activations()}
    for (target, source), formula in sheet.links.items():
        if source in behind and sheet.quantity(target).role is not Role.PARAMETER:
            yield _site((target, source), _reading(formula, {Adjoint(source): Adjoint(behind[source])}))


def derivative_at_activation(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield contributions with f′(a) in place of f′(z)."""
    for key, formula in _smooth(sheet):
        yield _site(key, Hadamard((Adjoint(key[1]), fill(sheet.partial(formula), (Name(key[1]),)))))


def derivative_at_preactivation(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield contributions with z in place of a in a derivative that is written in a."""
    for key, _ in _smooth(sheet):
        found = _reading(sheet.links[key], {Name(key[1]): Name(key[0])})
        if found != sheet.links[key]:
            yield _site(key, found)


def derivative_twice(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield contributions with the derivative of the activation twice."""
    for key, formula in _smooth(sheet):
        yield _site(key, Hadamard((sheet.links[key], fill(sheet.partial(formula), (Name(key[0]),)))))


def wrong_tanh_derivative(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield contributions with something else for 1 − tanh²."""
    for (target, source), formula in _smooth(sheet):
        for text in WRONG_TANH if formula.function == "tanh" else ():
            written = expressions.parse(text, functions=ARITIES, names=("z", "a"), arities=ARITIES)
            partial = _reading(written, {Name("z"): Name(target), Name("a"): Name(source)})
            yield _site((target, source), Hadamard((Adjoint(source), partial)), text)


def _own_value(sheet: ArrayWorksheet, key: LinkKey) -> Name | None:
    """Return the activation whose argument a fused loss leads to."""
    fused = sheet.equations[key[1]].fused
    return Name(fused.activation) if fused is not None and fused.logits == key[0] else None


def spurious_sigmoid(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield errors of a cross-entropy with one derivative a(1 − a) too many."""
    for key, formula in sheet.links.items():
        value = _own_value(sheet, key)
        if value is not None:
            yield _site(key, Hadamard((formula, value, added((ONE, negated(value))))))


def softmax_diagonal(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield gradients through a softmax by its diagonal a(1 − a) alone."""
    plain = matrix_grain.gradients(sheet.plan.graph, fused=False)
    for target, source in sheet.links:
        value = _own_value(sheet, (target, source))
        after = source if value is None else value.name
        if not _is_softmax(sheet, after, target):
            continue
        upstream = Adjoint(source) if value is None else added(tuple(each for _, each in plain[after]))
        yield _site((target, source), Hadamard((upstream, Name(after), added((ONE, negated(Name(after)))))))


def _is_softmax(sheet: ArrayWorksheet, name: str, argument: str) -> bool:
    formula = sheet.equations[name].formula
    return isinstance(formula, Apply) and formula.function == "softmax" and formula.arguments == (Name(argument),)


def statistics_constant(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield gradients through something normalized that take its mean and its variance as constants."""
    means = {
        name
        for name, equation in sheet.equations.items()
        if not sheet.is_loss(name) and any(_is_mean_of_array(part) for part in walk(equation.formula))
    }
    for target, sources in sheet.sources.items():
        dropped = [each for each in sources if each in means]
        if 0 < len(dropped) < len(sources):
            yield ArraySite(target, {(target, each): ZERO for each in dropped})


def _is_mean_of_array(part: Node) -> bool:
    row = operation_of(part)
    return row is not None and row.name == "mean"


def matrix_for_elementwise(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield errors by a product of vectors where ⊙ belongs: every unit of a layer gets the sum over all units."""
    for (target, source), formula in sheet.activations():
        shape = sheet.quantity(target).shape
        if len(shape) == 1 and shape[0] > 1:
            partial = fill(sheet.partial(formula), (Name(target),))
            if Name(target) in walk(partial):
                yield _site((target, source), Repeated(MatrixProduct(Adjoint(source), partial), 0, shape[0]))


# Factors, signs, means


def _scaled(sheet: ArrayWorksheet, factor: Node, wanted: Callable[[LinkKey], bool]) -> Iterator[ArraySite]:
    for key, formula in sheet.links.items():
        if wanted(key):
            yield _site(key, Product((factor, formula)))


def _is_square(sheet: ArrayWorksheet, key: LinkKey) -> bool:
    formula = sheet.equations[key[1]].formula
    return sheet.is_loss(key[1]) and any(isinstance(part, Power) for part in walk(formula))


def lost_factor_two(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield derivatives of squares that are half of what they should be."""
    return _scaled(sheet, _HALF, lambda key: _is_square(sheet, key))


def doubled_factor_two(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield derivatives of squares that are twice what they should be."""
    return _scaled(sheet, _TWO, lambda key: _is_square(sheet, key))


def wrong_sign(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield contributions with the other sign."""
    for key, formula in sheet.links.items():
        yield _site(key, Negative(formula), key[1] if len(sheet.sources[key[0]]) > 1 else "")


def has_mean(sheet: ArrayWorksheet) -> bool:
    """Say whether the loss is a mean over several samples."""
    return (sheet.samples or 1) > 1 and any(
        sheet.is_loss(target) and formula != ONE for (target, _), formula in sheet.links.items()
    )


def _times_samples(sheet: ArrayWorksheet, exponent: int) -> Iterator[ArraySite]:
    if not has_mean(sheet):
        return
    factor = Number(Fraction(sheet.samples or 1) ** exponent)
    for target, sources in sheet.sources.items():
        keys = [(target, source) for source in sources if not sheet.is_penalty(source)]
        is_start = any(sheet.is_loss(source) for _, source in keys) and sheet.is_loss(target)
        if keys and (is_start or sheet.quantity(target).role is Role.PARAMETER):
            formulas = {key: Product((factor, sheet.links[key])) for key in keys}
            yield ArraySite(target, formulas, "loss" if is_start else "")


def no_mean(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield gradients by parameters, or of the losses of the samples, as sums over the samples in place of means."""
    return _times_samples(sheet, 1)


def mean_twice(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield gradients by parameters with 1/m once more."""
    return _times_samples(sheet, -1)


# Paths


def missing_path(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield gradients that are no parameters' without one of their contributions."""
    for target, sources in sheet.sources.items():
        if sheet.quantity(target).role is not Role.PARAMETER:
            for source in sources if len(sources) > 1 else ():
                yield ArraySite(target, {(target, source): ZERO}, source)


def last_use_only(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield gradients by parameters that are used several times from the last use, or the first, alone."""
    order = list(sheet.equations)
    for target, sources in sheet.sources.items():
        uses = sorted((each for each in sources if not sheet.is_penalty(each)), key=order.index)
        if sheet.quantity(target).role is Role.PARAMETER and len(uses) > 1:
            for kept, variant in ((uses[-1], "last"), (uses[0], "first")):
                nothing = {(target, each): ZERO for each in uses if each != kept}
                yield ArraySite(target, nothing, variant)


def no_penalty(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield gradients without the part of the penalty."""
    for key in sheet.links:
        if sheet.is_penalty(key[1]) and len(sheet.sources[key[0]]) > 1:
            yield _site(key, ZERO)


def penalty_factor(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield parts of a penalty that are twice, or half, what they should be."""
    for factor in (_TWO, _HALF):
        for key, formula in sheet.links.items():
            if sheet.is_penalty(key[1]) and sheet.quantity(key[0]).role is Role.PARAMETER:
                yield _site(key, Product((factor, formula)), str(factor.value))


# Weights and inputs


def _past_weights(sheet: ArrayWorksheet, other: Callable[[str], Node | None]) -> Iterator[ArraySite]:
    """Yield contributions to what is no parameter with something else for the weights that they lead past."""
    for (target, source), formula in sheet.links.items():
        if sheet.quantity(target).role is Role.PARAMETER or sheet.is_penalty(source):
            continue

        def changed(part: Node) -> Node | None:
            is_weight = isinstance(part, Name) and sheet.quantity(part.name).role is Role.PARAMETER
            return other(part.name) if is_weight and isinstance(part, Name) else None

        found = rewrite(formula, changed)
        if found != formula:
            yield _site((target, source), found)


def updated_weights(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield gradients that are led back past already updated weights."""
    training = sheet.gradient.problem.training
    if training is None or training.state:
        return
    settings = {name: given.value for name, given in training.settings.items()}
    if not all(isinstance(value, Fraction) for value in settings.values()):
        return
    numbers: dict[str, Node] = {name: Number(Fraction(value)) for name, value in settings.items()}

    def updated(name: str) -> Node | None:
        if name in training.frozen or name not in sheet.sources:
            return None
        known = {**numbers, "t": ONE, "w": Name(name), "g": Adjoint(name)}
        known |= {state: Number(Fraction(0)) for state in optimizers.OPTIMIZERS[training.optimizer].state}
        for target, formula in optimizers.reduced(training.optimizer, training.zero, first=True):
            known[target] = rewrite(formula, lambda part: known.get(part.name) if isinstance(part, Name) else None)
        return known["w"]

    yield from _past_weights(sheet, updated)


def gradient_for_weight(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield gradients that are led back past the gradients by weights in place of the weights."""
    return _past_weights(sheet, lambda name: Adjoint(name) if name in sheet.sources else None)


def weights_not_transposed(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield gradients that are led back by W in place of its transpose, where W is square."""
    for (target, source), formula in sheet.links.items():

        def turned(part: Node) -> Node | None:
            if not isinstance(part, MatrixProduct):
                return None
            left, right = (_turned(sheet, side) for side in (part.left, part.right))
            return MatrixProduct(left, right)

        found = rewrite(formula, turned)
        if found != formula and sheet.quantity(target).role is not Role.PARAMETER:
            yield _site((target, source), found)


def _turned(sheet: ArrayWorksheet, side: Node) -> Node:
    """Return a square matrix of weights as its transpose, anything else as it is."""
    inner = side.operand if isinstance(side, Transposed) else side
    if not isinstance(inner, Name):
        return side
    quantity = sheet.quantity(inner.name)
    is_square = quantity.role is Role.PARAMETER and len(quantity.shape) == 2 and len(set(quantity.shape)) == 1
    if not is_square:
        return side
    return inner if isinstance(side, Transposed) else Transposed(inner)


def gradient_transposed(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield gradients by matrices as their transposes."""
    for target, sources in sheet.sources.items():
        quantity = sheet.quantity(target)
        if quantity.role is Role.PARAMETER and len(quantity.shape) == 2 and max(quantity.shape) > 1:
            yield ArraySite(target, {(target, each): _transpose(sheet.links[target, each]) for each in sources})


def _transpose(formula: Node) -> Node:
    match formula:
        case Apply("outer", (left, right)):
            return Apply("outer", (right, left))
        case Transposed(operand):
            return operand
        case Product(factors):
            return Product((*factors[:-1], _transpose(factors[-1])))
        case Sum(terms):
            return Sum(tuple(map(_transpose, terms)))
    return Transposed(formula)


def wrong_input(sheet: ArrayWorksheet) -> Iterator[ArraySite]:
    """Yield gradients by weights with the unit's own value, or with z where a came in."""
    after = {target: source for (target, source), _ in sheet.activations()}
    before = {source: target for target, source in after.items()}
    for (target, source), formula in sheet.links.items():
        match formula:
            case Apply("outer", (left, right)) if sheet.quantity(target).role is Role.PARAMETER:
                for side in (left, right):
                    others = {"before": before.get(getattr(side, "name", "")), "own": after.get(source)}
                    for variant, other in others.items():
                        is_value = isinstance(side, Name) and other is not None
                        if is_value and other is not None and _are_alike(sheet, side, other):
                            yield _site((target, source), _reading(formula, {side: Name(other)}), variant)


def _are_alike(sheet: ArrayWorksheet, side: Node, other: str) -> bool:
    return (
        isinstance(side, Name) and sheet.quantity(side.name).shape == sheet.quantity(other).shape and side.name != other
    )


def _reading(formula: Node, places: Mapping[Node, Node]) -> Node:
    """Return a formula that reads other arrays in some places."""
    return rewrite(formula, places.get)
