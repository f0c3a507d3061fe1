"""Why each kind of step is as it is: a table from kinds of step to the phrases that explain them.

A row of `KINDS` says when a displayed line is of its kind, and which symbols its phrases speak of. A row's reason is the
phrase `reason.<name>`. Its common mistake is a row of `MISTAKES` (`MADE`), or else the phrase `mistake.<name>`; `POSSIBLE`
says where it can be made.
A phrase that would be false in some notation belongs to a row whose condition asks for the notation in which it is true.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from symbackprop import language
from symbackprop.algebra.formula import Hadamard, MatrixProduct, Name, Transposed
from symbackprop.algebra.functions import ACTIVATIONS
from symbackprop.catalog.losses import LOSSES
from symbackprop.catalog.optimizers import OPTIMIZERS, RATE
from symbackprop.catalog.schedules import CONSTANT
from symbackprop.document.display_nodes import Letter, Local
from symbackprop.document.notes.conditions import (
    Condition,
    DisplayedLine,
    adds_samples,
    contains,
    crosses_samples,
    decays,
    derivative_by_value,
    every,
    has_bias,
    has_derivative,
    has_negative_delta,
    has_rows,
    has_several_outputs,
    has_several_parameters,
    has_several_paths,
    is_bent,
    is_branched,
    is_fork,
    is_fused,
    is_gradient,
    is_linear,
    is_loss_of_data,
    is_own_activation,
    is_shared,
    leads_to_square,
    no,
    of_kind,
    reduces_by,
    trains,
    trains_with,
    within,
)
from symbackprop.messages import message

Words = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class StepKind:
    """A kind of step: the end of the ids of its phrases, when a line is of it, the symbols of its phrases.

    Where a row of a registry is what a line applies, the row says the name: `reason` finds it, "" for none.
    """

    name: str
    holds: Condition
    words: Callable[[DisplayedLine], Words] = lambda line: {}
    reason: Callable[[DisplayedLine], str] | None = None

    def mistake(self, line: DisplayedLine) -> str | None:
        """Return the mistake that is told beside a line of it: a row of `MISTAKES`, "" for one that its phrase tells."""
        if self.name in POSSIBLE and not POSSIBLE[self.name](line):
            return None
        if self.name in MADE:
            return MADE[self.name]
        return "" if f"mistake.{self.name}" in language.phrases(language.DEFAULT) else None

    def of(self, line: DisplayedLine) -> StepKind | None:
        """Return the kind under the name that it has for a line, None where the line is not of it."""
        if not self.holds(line):
            return None
        name = self.name if self.reason is None else self.reason(line)
        return replace(self, name=name) if name else None


def _itself(line: DisplayedLine) -> Words:
    return {"it": line.symbol}


def _activated(line: DisplayedLine) -> Words:
    if ACTIVATIONS[line.layer.activation].vector:
        return _itself(line)
    (term,) = line.scene.derivation.equations[line.name].terms
    return {
        "it": line.symbol,
        "argument": Name(term.arguments[0], line.scene.sample_of(term.arguments[0], line.sample)),
    }


def _derivative(line: DisplayedLine) -> Words:
    (link,) = line.links
    value = Name(link.source, line.sample)
    return {
        "it": line.symbol,
        "value": value,
        "slope": line.in_sample(link.partial()),
        "derivative": Local(value, line.symbol),
        "error": line.chain.left,
    }


def _source(line: DisplayedLine) -> Words:
    source = line.links[0].source
    return {"it": line.symbol, "value": Name(source, line.scene.sample_of(source, line.sample))}


def _paths(line: DisplayedLine) -> Words:
    links = line.sources("pre_activation")
    weights = tuple(line.in_sample(link.partial()) for link in links)
    units = tuple(Name(link.source, line.sample) for link in links)
    return {
        "it": line.symbol,
        "weights": message("text.items", items=weights),
        "units": message("text.items", items=units),
    }


def _weight(line: DisplayedLine) -> Words:
    link = line.sources("pre_activation")[0]
    sample = line.scene.samples[0]
    return {
        "it": line.symbol,
        "sum": Name(link.source, line.scene.sample_of(link.source, sample)),
        "input": line.scene.in_sample(link.partial(), sample),
        "derivative": Local(
            Name(link.source, line.scene.sample_of(link.source, sample)),
            line.symbol,
        ),
    }


def _samples(line: DisplayedLine) -> Words:
    return {"it": line.symbol, "count": len(line.scene.samples)}


def _sample_losses(line: DisplayedLine) -> Words:
    graph = line.scene.derivation.graph
    return {"loss": Name(graph.output), "count": len(line.scene.samples), "one": Name(graph.sample_loss)}


def _matrix(line: DisplayedLine) -> Words:
    weights = Name(line.scene.derivation.graph.layers[line.quantity.layer or 0].weights.name)
    return {"it": line.chain.left, "weights": weights, "transposed": Transposed(weights)}


def _left(line: DisplayedLine) -> Words:
    return {"it": line.chain.left}


def _rate(line: DisplayedLine) -> Words:
    return {"rate": Letter(line.scene.notation.learning_rate()), "loss": Name(line.scene.derivation.graph.output)}


_sum = every(within("forward"), of_kind("pre_activation"))
_bend = every(within("forward"), of_kind("activation"))
_loss = every(within("forward"), lambda line: line.is_network and bool(line.name), is_loss_of_data)
_error = every(within("backward"), of_kind("pre_activation"))
_with_derivative = every(_error, has_derivative)
_hidden = every(within("backward"), of_kind("activation"), no(lambda line: line.is_last))
_parameter = within("backward")
_array = within("matrix")


def _is_gate(line: DisplayedLine) -> bool:
    return line.area == "backward" and not line.is_network and bool(line.links)


_descends = every(
    trains_with(lambda training: training.optimizer == "gradient_descent"),
    trains_with(lambda training: training.settings[RATE].value > 0 and not decays(training)),
)
_ascends = trains_with(lambda training: training.settings[RATE].value < 0)
_decays = trains_with(lambda training: training.settings[RATE].value > 0 and decays(training))

KINDS: tuple[StepKind, ...] = (
    # Forward
    StepKind("weighted_sum", every(_sum, has_bias("per_unit", "shared")), _itself),
    StepKind("weighted_sum_threshold", every(_sum, has_bias("threshold")), _itself),
    StepKind("weighted_sum_plain", every(_sum, has_bias("none")), _itself),
    StepKind(
        "activation",
        every(_bend, no(is_own_activation)),
        _activated,
        lambda line: ACTIVATIONS[line.layer.activation].reason,
    ),
    StepKind(
        "loss",
        every(_loss, lambda line: not line.network.loss_body),
        _itself,
        lambda line: LOSSES[line.network.loss].reason,
    ),
    StepKind("batch_mean", every(within("forward"), adds_samples, reduces_by("mean")), _sample_losses),
    StepKind("batch_sum", every(within("forward"), adds_samples, reduces_by("sum")), _sample_losses),
    StepKind("penalty", every(within("forward"), of_kind("penalty")), _itself),
    # Backward through units
    StepKind("fused", every(_error, is_fused), _itself),
    StepKind("delta_output", every(_with_derivative, lambda line: line.is_last, no(is_linear)), _derivative),
    StepKind("delta_output_linear", every(_with_derivative, lambda line: line.is_last, is_linear), _derivative),
    StepKind("slope_by_value", every(_with_derivative, no(is_linear), derivative_by_value), _derivative),
    StepKind("slope_branch", every(_with_derivative, is_branched, no(derivative_by_value)), _derivative),
    StepKind("slope", every(_with_derivative, no(is_linear), no(derivative_by_value), no(is_branched)), _derivative),
    StepKind("slope_linear", every(_with_derivative, is_linear, no(lambda line: line.is_last)), _derivative),
    StepKind("softmax_paths", every(_error, no(is_fused), has_several_paths), _itself),
    StepKind("loss_slope", every(within("backward"), of_kind("activation"), lambda line: line.is_last), _itself),
    StepKind("paths", every(_hidden, has_several_paths), _paths),
    StepKind("one_path", every(_hidden, no(has_several_paths)), _paths),
    # Parameters
    StepKind("weight", every(_parameter, of_kind("weight")), _weight),
    StepKind(
        "slope_within",
        every(_parameter, of_kind("weight"), is_bent, no(lambda line: line.through_delta), no(crosses_samples)),
        _itself,
    ),
    StepKind(
        "penalty_gradient",
        every(_parameter, of_kind("weight", "bias", "threshold"), lambda line: bool(line.sources("penalty"))),
        _itself,
    ),
    StepKind("bias", every(_parameter, of_kind("bias"), no(is_shared)), _weight),
    StepKind("shared_bias", every(_parameter, of_kind("bias"), is_shared), _weight),
    StepKind("threshold", every(_parameter, of_kind("threshold")), _weight),
    StepKind("samples", every(_parameter, crosses_samples, reduces_by("sum")), _samples),
    StepKind("samples_mean", every(_parameter, crosses_samples, reduces_by("mean")), _samples),
    # Between arrays
    StepKind("transposed", every(_array, of_kind("activation"), contains(Transposed), no(has_rows)), _matrix),
    StepKind("transposed_row", every(_array, of_kind("activation"), contains(Transposed), has_rows), _matrix),
    StepKind("elementwise", every(_array, of_kind("pre_activation"), contains(Hadamard)), _left),
    StepKind("outer", every(_array, of_kind("weight"), contains(MatrixProduct), no(has_rows)), _left),
    StepKind("outer_row", every(_array, of_kind("weight"), contains(MatrixProduct), has_rows), _left),
    StepKind("input", every(within("backward", "matrix"), of_kind("input"), is_gradient)),
    # Computation graphs
    StepKind("gate", every(_is_gate, no(is_fork)), _source),
    StepKind("fork", every(_is_gate, is_fork), _itself),
    # Update
    StepKind("descent", every(_descends, no(has_negative_delta)), _rate),
    StepKind("descent_negative_delta", every(_descends, has_negative_delta), _rate),
    StepKind("ascent", _ascends, _rate),
    StepKind(
        "optimizer", trains, reason=lambda line: OPTIMIZERS[line.training.optimizer].reason if line.training else ""
    ),
    StepKind("weight_decay", _decays),
    StepKind("schedule", trains_with(lambda t: t.schedule.kind != CONSTANT), _rate),
    StepKind("old_values", every(trains_with(lambda t: t.update == "simultaneous"), has_several_parameters)),
    StepKind("sequential", trains_with(lambda t: t.update == "sequential")),
    StepKind("frozen", trains_with(lambda t: t.frozen)),
)
"""The kinds of step, in the order in which their reasons are given where one line is of several."""

MADE: Mapping[str, str] = {
    "weighted_sum": "inputs_exchanged",
    "weighted_sum_plain": "inputs_exchanged",
    "weighted_sum_threshold": "wrong_sign",
    "activation_sigmoid": "exponent_sign",
    "fused": "spurious_sigmoid",
    "delta_output": "no_derivative",
    "slope_by_value": "derivative_at_preactivation",
    "slope_branch": "relu_ignored",
    "slope_within": "no_derivative",
    "softmax_paths": "softmax_diagonal",
    "loss_slope": "wrong_sign",
    "paths": "missing_path",
    "weight": "wrong_input",
    "penalty_gradient": "no_penalty",
    "bias": "bias_with_input",
    "shared_bias": "last_use_only",
    "samples": "mean_twice",
    "samples_mean": "mean_twice",
    "transposed": "weights_not_transposed",
    "transposed_row": "weights_not_transposed",
    "elementwise": "matrix_for_elementwise",
    "outer": "gradient_transposed",
    "outer_row": "gradient_transposed",
    "gate": "dropped_factor",
    "fork": "missing_path",
    "momentum": "no_momentum",
    "nesterov": "plain_for_nesterov",
    "adam": "no_bias_correction",
    "old_values": "updated_weights",
    "threshold": "wrong_sign",
}
"""The row of `MISTAKES` that tells the common mistake of a kind of step, by the name of the kind."""

POSSIBLE: Mapping[str, Condition] = {
    "weighted_sum": no(lambda line: line.is_last),
    "weighted_sum_plain": no(lambda line: line.is_last),
    "half_squared_error": has_several_outputs,
    "squared_error": has_several_outputs,
    "transposed": leads_to_square,
    "transposed_row": leads_to_square,
    "adagrad": has_several_parameters,
    "rmsprop": has_several_parameters,
}
"""Where a common mistake can be made, by the name of its kind; the others can be made wherever their step is taken."""


def kinds_of(line: DisplayedLine) -> list[StepKind]:
    """Return the kinds of step that a line is of."""
    return [found for kind in KINDS if (found := kind.of(line)) is not None]
