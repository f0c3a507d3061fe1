"""The detail `general`: forward pass, errors and gradients of an arbitrary layer of a network, without numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from symbackprop.algebra import functions
from symbackprop.algebra.formula import Name, Node, Number
from symbackprop.document.blocks import Block, Chain, ChainStep, Display, Listing, Paragraph, Relation, Section
from symbackprop.document.display_nodes import Boxed, Equality, General, Letter, Local, Range, Width
from symbackprop.document.matrix_form import layerwise, recurrences
from symbackprop.document.matrix_form.recurrences import LAST, THIS, Model, Recurrence
from symbackprop.errors import ProblemError
from symbackprop.graph.notation import Symbol
from symbackprop.messages import Message, message
from symbackprop.problems import Layer, Problem


def general_section(problem: Problem) -> Section:
    """Return the recurrences of a network like the problem's, for any number of layers.

    Raises `ProblemError` for a computation graph, which has no layers.
    """
    if not problem.layers:
        raise ProblemError(message("general.no_layers"), where="--detail")
    layers = problem.network.layers
    models = {bias: recurrences.model_of(problem, bias) for bias in dict.fromkeys(layer.bias for layer in layers)}
    first = next(iter(models.values()))
    parts: Sequence[tuple[str, Iterable[Block]]] = (
        ("general.setting", [Listing(tuple(_setting(first)))]),
        ("general.forward", _forward(models)),
        ("general.output_error", _output_error(problem, first)),
        ("general.hidden_error", _hidden_error(problem, first)),
        ("general.gradients", _gradients(models)),
        ("general.algorithm", [Listing(tuple(_algorithm(problem, first)), numbered=True)]),
    )
    sections = tuple(Section(message(title), tuple(blocks)) for title, blocks in parts)
    return Section(message("general.title"), sections=tuple(section for section in sections if section.blocks))


def _setting(model: Model) -> Iterator[Message]:
    """Yield what the letters of the formulas mean."""
    notation = model.scene.notation
    first = notation.layer_number(0)
    input_layer = replace(notation, layer_texts={notation.layer_number(THIS): str(first)})
    width = General(Width(THIS), model.hidden)
    yield message("general.layers", width=width, this=_letter("l"), first=str(first), last=_letter(model.depth))
    ends = Equality(General(Name(model.a(THIS)), input_layer), Name(model.a(0)))
    yield message("general.ends", inputs=ends, outputs=General(Name(model.a(LAST)), model.output))
    letters = {"i": "i", "j": "j", "k": "k", "before": "l-1", "this": "l", "next": "l+1"}
    yield message("general.units", **{key: _letter(text) for key, text in letters.items()})
    value, derivative = (Letter(model.hidden.function(THIS, order)) for order in (0, 1))
    yield message("general.functions", function=value, derivative=derivative)
    if notation.graph.samples is not None:
        yield message("general.samples", sample=_letter("n"), count=_letter("m"))


def _letter(text: str) -> Letter:
    return Letter(Symbol(text))


def _forward(models: Mapping[str, Model]) -> Iterator[Block]:
    for position, (bias, model) in enumerate(models.items()):
        kept = 1 if position else 2  # the activation does not depend on the bias
        yield from _of_kind(models, bias)
        yield Display(tuple(map(_chain, recurrences.forward(model)[:kept])))
        yield from _in_arrays(model, layerwise.forward_arrays(model)[:kept], is_boxed=False)


def _of_kind(models: Mapping[str, Model], bias: str) -> list[Block]:
    """Return the sentence that says which layers are meant, where they have several kinds of bias."""
    return [Paragraph(message("general.of_kind", kind=message(f"bias.{bias}")))] if len(models) > 1 else []


def _chain(recurrence: Recurrence, model: Model | None = None) -> Chain:
    """Return a recurrence as lines; between arrays, with the shapes of `model` under them."""
    steps = []
    before = recurrence.left
    for formula, reason in recurrence.lines:
        if formula != before:
            shown = formula if model is None else layerwise.with_shapes(model, formula)
            body = General(shown, recurrence.notation)
            steps.append(ChainStep(Relation.EQUAL, body, opens=True, reason=message(reason) if reason else None))
        before = formula
    return Chain(General(recurrence.left, recurrence.notation), tuple(steps))


def _in_arrays(
    model: Model, found: Sequence[Recurrence], id: str = "text.in_matrix_form", *, is_boxed: bool = True
) -> Iterator[Block]:
    yield Paragraph(message(id))
    chains = (_chain(recurrence, model) for recurrence in found)
    yield Display(tuple(_boxed(chain) if is_boxed and chain.steps else chain for chain in chains))


def _boxed(chain: Chain) -> Chain:
    """Return lines with a box around the last formula: an equation of backpropagation."""
    *steps, last = chain.steps
    match last.formula:
        case General(body, notation):
            last = replace(last, formula=General(Boxed(body), notation))
    return replace(chain, steps=(*steps, last))


def _output_error(problem: Problem, model: Model) -> Iterator[Block]:
    whole = _chain(recurrences.output_error(model))
    if whole.steps:
        yield Paragraph(message("general.output_why"))
        yield Display((whole,))
        yield from _in_arrays(model, [layerwise.error_arrays(model, LAST)])
    if "network.loss" in problem.generic():
        return
    partial, fused = layerwise.loss_derivative(problem), layerwise.fused_error(problem)
    if partial is not None:
        yield Paragraph(message("general.with_loss"))
        yield Display((_chain(partial),))
    if fused is not None:
        yield Paragraph(message("general.with_pair", activation=_named(problem.network.layers[-1])))
        yield Display((_chain(fused),))


def _hidden_error(problem: Problem, model: Model) -> Iterator[Block]:
    yield Paragraph(message("general.hidden_why"))
    yield Display((_chain(recurrences.hidden_error(model)),))
    yield from _in_arrays(model, [layerwise.error_arrays(model, THIS)], "general.hidden_arrays")
    for layer in _distinct(problem):
        if _is_vector(layer):
            yield Paragraph(message("general.softmax", activation=_named(layer)))
            yield Display(tuple(map(_chain, layerwise.softmax_error(problem, layer))))
        elif layer.body or layer.activation in functions.WITH_FORMULA:
            derivative = layerwise.activation_derivative(problem, layer)
            if derivative is not None:
                yield Paragraph(message("general.where", activation=_named(layer)))
                yield Display((_chain(derivative),))


def _named(layer: Layer) -> Message | str:
    return layer.activation if layer.body else message(f"activation.{layer.activation}")


def _distinct(problem: Problem) -> list[Layer]:
    """Return one layer for each activation in use."""
    found = {(layer.activation, layer.settings, layer.body): layer for layer in reversed(problem.network.layers)}
    return list(reversed(found.values()))


def _gradients(models: Mapping[str, Model]) -> Iterator[Block]:
    yield Paragraph(message("general.gradients_why"))
    for position, (bias, model) in enumerate(models.items()):
        known = 1 if position else 0  # the gradient by a weight does not depend on the bias
        chains = [_chain(recurrence) for recurrence in recurrences.parameter_gradients(model)][known:]
        if chains:
            yield from _of_kind(models, bias)
            yield from (Display((chain,)) for chain in chains)
            yield from _in_arrays(model, list(layerwise.parameter_arrays(model))[known:])


def _algorithm(problem: Problem, model: Model) -> Iterator[Message]:
    first = Number(Fraction(model.scene.notation.layer_number(1)))
    z, a = (_equality(found) for found in layerwise.forward_arrays(model))
    yield message("general.do_forward", z=z, a=a, layers=Equality(_letter("l"), Range(first, _letter(model.depth))))
    yield message("general.do_loss", outputs=General(Name(model.a(LAST)), model.output))
    yield message("general.do_output", error=_equality(_output_rule(problem, model)))
    hidden = _equality(layerwise.error_arrays(model, THIS))
    yield message(
        "general.do_hidden", error=hidden, layers=Equality(_letter("l"), Range(_letter(f"{model.depth}-1"), first))
    )
    for found in layerwise.parameter_arrays(model):
        yield message("general.do_gradient", gradient=_equality(found))
    yield message("general.do_update")


def _output_rule(problem: Problem, model: Model) -> Recurrence:
    """Return the error of the output layer between arrays, or of a softmax, which is none unit by unit, that of output j."""
    last = problem.network.layers[-1]
    if not _is_vector(last):
        return layerwise.error_arrays(model, LAST)
    this_is_last = replace(model.hidden, layer_texts={model.scene.notation.layer_number(THIS): model.depth})
    return layerwise.fused_error(problem) or replace(layerwise.softmax_error(problem, last)[-1], notation=this_is_last)


def _is_vector(layer: Layer) -> bool:
    return not layer.body and functions.is_vector(layer.activation)


def _equality(found: Recurrence) -> Node:
    formula, _ = found.lines[-1]
    is_itself = isinstance(formula, Local)  # ∂L/∂a of a loss without a formula
    return General(found.left if is_itself else Equality(found.left, formula), found.notation)
