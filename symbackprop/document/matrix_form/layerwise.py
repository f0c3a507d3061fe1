"""The recurrences between arrays, and what the functions of a problem put into them: f′, ∂L/∂a, softmax, fused errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from symbackprop.algebra import functions
from symbackprop.algebra.formula import (
    ONE,
    Adjoint,
    Apply,
    Hadamard,
    Name,
    Negative,
    Node,
    Product,
    Quotient,
    Sum,
    added,
    fill,
    map_children,
    multiplied,
    negated,
    rewrite,
    walk,
)
from symbackprop.derivation import matrix_grain
from symbackprop.derivation.backprop import Link
from symbackprop.derivation.matrix_grain import elementwise_product
from symbackprop.document.chain_rule.chains import gradient_symbol, in_its_sign, is_negative_delta, path_of
from symbackprop.document.chain_rule.signs import signs_in_front
from symbackprop.document.display_nodes import Delta, Gradient, Local, Sized, Summation, Width
from symbackprop.document.matrix_form.matrix import as_arrays, named
from symbackprop.document.matrix_form.recurrences import (
    LAST,
    THIS,
    WIDTH,
    Model,
    Recurrence,
    Unlike,
    counted,
    errors,
    general_factor,
    lettered,
    model_of,
    summed,
    unit_layers,
)
from symbackprop.graph.quantities import PENALTY, Quantity
from symbackprop.problems import Layer, Problem

# Between arrays


def forward_arrays(model: Model) -> tuple[Recurrence, Recurrence]:
    """Return the pre-activations and the activations of layer l."""
    graph = model.graph
    formulas = {equation.name: as_arrays(graph, equation.formula) for equation in graph.equations}
    z, a = (Recurrence(Name(name), ((formulas[name], ""),), model.hidden) for name in (model.z(THIS), model.a(THIS)))
    return z, a


def error_arrays(model: Model, layer: int) -> Recurrence:
    """Return the errors of layer l, or of the output layer."""
    return _array_recurrence(model, errors(model, layer).name)


def parameter_arrays(model: Model) -> Iterator[Recurrence]:
    """Yield the gradients by the weights and the biases of layer l."""
    for quantity in model.scene.derivation.parameters:
        if quantity.layer == THIS:
            yield _array_recurrence(model, quantity.name)


def _array_recurrence(model: Model, name: str) -> Recurrence:
    scene = model.scene
    quantity = scene.derivation.graph.quantities[name]
    terms = []
    for contribution in _contributions(model, name):
        term = signs_in_front(named(scene, in_its_sign(scene, name, contribution)))
        is_of_penalty = any(isinstance(part, Local) and part.of == Name(PENALTY) for part in walk(contribution))
        crosses = scene.derivation.crosses_samples(quantity.elements()[0]) and not is_of_penalty
        terms.append(over_samples(term) if crosses else term)
    notation = model.output if quantity.layer == LAST else model.hidden
    return Recurrence(gradient_symbol(scene, name), ((added(tuple(terms)), ""),), notation)


def over_samples(term: Node) -> Node:
    """Return the sum of a term over the samples, a sign in front of it."""
    return negated(over_samples(term.operand)) if isinstance(term, Negative) else Summation(term, "n", None)


def _contributions(model: Model, name: str) -> list[Node]:
    """Return the contributions to a gradient in gradients that have a name, without the numbers of this network."""
    graph = model.graph
    found = matrix_grain.gradients(graph)
    own = {errors(model, layer).name for layer in range(1, LAST + 1)}

    def through(part: Node) -> Node | None:
        if isinstance(part, Adjoint) and part.name not in own:
            return ONE if part.name == graph.output else added(tuple(_contributions(model, part.name)))
        if isinstance(part, Apply) and part.function == functions.GENERIC_LOSS:
            whole = Apply(part.function, part.arguments)
            loss = next(equation.name for equation in graph.equations if equation.formula == whole)
            return Local(Name(loss), part.arguments[int(dict(part.settings)["by"])])
        return counted(part)

    def tidy(part: Node) -> Node:
        inner = map_children(part, tidy)
        if isinstance(inner, Product | Hadamard):
            return elementwise_product(inner.factors, graph.shapes)
        return inner

    def of_penalty() -> Node:
        """Return ∂L/∂Ω · ∂Ω/∂W, the penalty's own derivative left as it is."""
        above = () if found[PENALTY] == ((graph.output, ONE),) else (Gradient(PENALTY),)
        return multiplied((*above, Local(Name(PENALTY), Name(name))))

    return [
        of_penalty() if source == PENALTY else tidy(rewrite(contribution, through))
        for source, contribution in found[name]
    ]


def with_shapes(model: Model, formula: Node) -> Node:
    """Return a formula between arrays with the shape under every array, in numbers of units."""
    graph = model.graph

    def change(part: Node) -> Node | None:
        match part:
            case Apply(functions.GENERIC, (Name(name),)) | Local(_, Name(name)):
                return Sized(part, _sizes(model, graph.quantities[name]))
            case Name(name) | Adjoint(name) | Delta(name) | Gradient(name) if graph.shapes[name]:
                return Sized(part, _sizes(model, graph.quantities[name]))
        return None

    return rewrite(formula, change)


def _sizes(model: Model, quantity: Quantity) -> tuple[int | None, int | None]:
    layers = unit_layers(quantity)
    if len(quantity.shape) == 2:
        return (layers[1], layers[0]) if quantity.transposed else (layers[0], layers[1])
    return (None, layers[0]) if model.scene.is_row else (layers[0], None)


# The functions of a problem


def activation_derivative(problem: Problem, layer: Layer) -> Recurrence | None:
    """Return f′ of a layer whose function has a formula, in its classroom form if it has one; None for one in pieces."""
    model = model_of(problem, layer.bias, layer)
    if model.graph.layers[THIS - 1].pieces:
        return None
    (link,) = model.scene.derivation.links[model.z(THIS, 1)]
    settings = (("layer", Fraction(THIS)), ("order", Fraction(1)))
    left = Apply(functions.GENERIC, (Name(model.z(THIS, "j")),), settings=settings)
    return Recurrence(left, ((lettered(model, link.partial(), {(THIS, 1): "j"}), ""),), model.hidden)


def loss_derivative(problem: Problem) -> Recurrence | None:
    """Return the partial of the problem's loss by output j, None for one in pieces or not alike for every j and width."""
    model, other = (_last(problem, outputs) for outputs in (WIDTH, WIDTH - 2))
    if model.graph.loss_pieces:
        return None
    try:
        (link,), (smaller,) = (each.scene.derivation.links[each.a(LAST, 1)] for each in (model, other))
        formula = _of_last(model, link.partial())
        if formula != _of_last(other, smaller.partial()):
            formula, again = (_of_last(each, _scaled(each, one)) for each, one in ((model, link), (other, smaller)))
            if formula != again:
                return None
            formula = Quotient(formula, Width(LAST))
    except (Unlike, ValueError):
        return None
    return Recurrence(Local(Name(link.source), Name(model.a(LAST, "j"))), ((formula, ""),), model.output)


def _last(problem: Problem, outputs: int) -> Model:
    """Return the network of symbols with the problem's own output activation and loss."""
    last = problem.network.layers[-1]
    return model_of(problem, last.bias, last, has_loss=True, outputs=outputs)


def _of_last(model: Model, formula: Node) -> Node:
    return lettered(model, formula, {(LAST, 1): "j"})


def _scaled(model: Model, link: Link) -> Node:
    """Return a partial times the number of outputs."""
    from symbackprop.algebra import symbolic

    outputs = len(model.graph.targets)
    scaled = symbolic.from_sympy(link.term.form.partial(link.slot).derived * outputs)
    return fill(scaled, tuple(map(Name, link.term.arguments)))


def fused_error(problem: Problem) -> Recurrence | None:
    """Return the error of output j of a usual pair of activation and loss, a − y; None for any other pair."""
    model = _last(problem, WIDTH)
    equation = next(each for each in model.graph.equations if each.name == model.graph.data_loss)
    if equation.fused is None or errors(model, LAST).kind == "activation":
        return None
    error = rewrite(
        equation.fused.error,
        lambda part: Name(model.graph.quantities[part.name].at("j")) if isinstance(part, Name) else None,
    )
    (link,) = model.scene.derivation.links[model.a(LAST, 1)]
    above = path_of(model.scene, link, None)[:-1]
    factors = tuple(general_factor(model, factor).partial for factor in above)
    is_negative = is_negative_delta(model.scene, model.z(LAST, 1))
    if is_negative and isinstance(error, Sum):
        error = Sum(tuple(negated(term) for term in reversed(error.terms)))
    left = gradient_symbol(model.scene, model.z(LAST, "j"))
    return Recurrence(left, ((multiplied((*factors, error)), "general.fused"),), model.output)


def softmax_error(problem: Problem, layer: Layer) -> tuple[Recurrence, ...]:
    """Return the Jacobian of softmax in layer l, and the error of its unit j, to which all its activations add."""
    model = model_of(problem, layer.bias, layer)
    scene, fixed = model.scene, {(THIS, 1): "j"}
    own, *others = scene.derivation.links[model.z(THIS, 1)]
    units = [scene.notation.locate(link.source)[1][0] for link in others]
    partial = summed(model, [link.partial() for link in others], units, THIS, "k", fixed)
    assert isinstance(partial, Summation)
    own_unit, other_unit, argument = model.a(THIS, "j"), model.a(THIS, "k"), model.z(THIS, "j")
    own_partial = (lettered(model, own.partial(), fixed), "")
    other_partial = (partial.body, "general.other_unit")
    jacobian = (
        Recurrence(Local(Name(own_unit), Name(argument)), (own_partial,), model.hidden),
        Recurrence(Local(Name(other_unit), Name(argument)), (other_partial,), model.hidden),
    )

    def total(products: Sequence[Node]) -> Node:
        first = lettered(model, products[0], fixed)
        rest = summed(model, products[1:], units, THIS, "k", fixed)
        return in_its_sign(scene, argument, Sum((first, rest)))

    paths = [path_of(scene, link, None) for link in (own, *others)]
    chain = total([multiplied(tuple(factor.derivative for factor in path)) for path in paths])
    partials = total([multiplied(tuple(factor.partial for factor in path)) for path in paths])
    spread = Summation(Product((Adjoint(other_unit), Name(other_unit))), "k", THIS)
    collected = Product((Name(own_unit), Sum((Adjoint(own_unit), Negative(spread)))))
    lines = (
        (chain, "general.all_outputs"),
        (partials, "general.partials"),
        (in_its_sign(scene, argument, collected), "general.collected"),
    )
    return (*jacobian, Recurrence(gradient_symbol(scene, argument), lines, model.hidden))
