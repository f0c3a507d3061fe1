"""Mistakes as rows: a name, the places where it is made in a computation, and what stands there instead.

Nothing is typed in about a particular problem: the places are found in its equations, products and updates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from symbackprop.mistakes import (
    accepted_conventions,
    wrong_array_structures,
    wrong_arrays,
    wrong_derivatives,
    wrong_gradients,
    wrong_products,
    wrong_structures,
    wrong_updates,
    wrong_values,
)
from symbackprop.mistakes.array_worksheets import ArraySite, ArrayWorksheet
from symbackprop.mistakes.worksheets import Site, Worksheet
from symbackprop.registry import Registry
from symbackprop.rows import Words

SitesOf = Callable[[Worksheet], Iterator[Site]]
ArraySitesOf = Callable[[ArrayWorksheet], Iterator[ArraySite]]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake: its `sites` in a computation, those in the `arrays` of a backward pass as code, and where it was seen.

    One that is a `convention` is right and only different: it is accepted where all numbers keep it. One without sites is
    made in writing numbers down, or only in code. `seen` is how often learners were seen to make it: 1 at one place or in
    code, 2 at several places, 3 at many. `words` are the phrases that the row brings itself: `slip.NAME` says what is wrong
    in a few words, `slip_reason.NAME` why.
    """

    name: str
    sites: SitesOf | None
    source: str
    is_convention: bool = False
    arrays: ArraySitesOf | None = None
    seen: int = 1
    words: Words = field(default_factory=dict)


_FORUMS = "questions of learners with their numbers"
_CODE = "reports of wrong code"
_CLASSES = "papers of students"
_TEXTBOOKS = "published worked examples"

MISTAKES: Registry[Mistake] = Registry(
    "mistake",
    (
        Mistake("inputs_exchanged", wrong_values.inputs_exchanged, _FORUMS),
        Mistake("no_bias", wrong_values.no_bias, _CLASSES),
        Mistake("bias_twice", wrong_values.bias_twice, _CLASSES),
        Mistake("dropped_term", wrong_values.dropped_term, _TEXTBOOKS),
        Mistake("no_activation", wrong_values.no_activation, _CLASSES),
        Mistake("exponent_sign", wrong_values.exponent_sign, _FORUMS),
        Mistake("logarithm_base", wrong_values.logarithm_base, _CLASSES),
        Mistake("degrees", wrong_values.degrees, _CLASSES),
        Mistake("no_derivative", wrong_derivatives.no_derivative, _FORUMS, arrays=wrong_arrays.no_derivative, seen=3),
        Mistake(
            "derivative_not_passed_on",
            wrong_derivatives.derivative_not_passed_on,
            _TEXTBOOKS,
            arrays=wrong_arrays.derivative_not_passed_on,
        ),
        Mistake(
            "derivative_at_activation",
            wrong_derivatives.derivative_at_activation,
            _FORUMS,
            arrays=wrong_arrays.derivative_at_activation,
        ),
        Mistake(
            "derivative_at_preactivation",
            wrong_derivatives.derivative_at_preactivation,
            _FORUMS,
            arrays=wrong_arrays.derivative_at_preactivation,
        ),
        Mistake("derivative_twice", wrong_derivatives.derivative_twice, _FORUMS, arrays=wrong_arrays.derivative_twice),
        Mistake(
            "wrong_tanh_derivative",
            wrong_derivatives.wrong_tanh_derivative,
            _FORUMS,
            arrays=wrong_arrays.wrong_tanh_derivative,
        ),
        Mistake("relu_ignored", wrong_derivatives.relu_ignored, _FORUMS, arrays=wrong_arrays.relu_ignored),
        Mistake(
            "spurious_sigmoid",
            wrong_derivatives.spurious_sigmoid,
            _FORUMS,
            arrays=wrong_arrays.spurious_sigmoid,
            seen=2,
        ),
        Mistake(
            "softmax_diagonal",
            wrong_derivatives.softmax_diagonal,
            _FORUMS,
            arrays=wrong_arrays.softmax_diagonal,
            seen=2,
        ),
        Mistake("lost_factor_two", wrong_gradients.lost_factor_two, _FORUMS, arrays=wrong_arrays.lost_factor_two),
        Mistake(
            "doubled_factor_two", wrong_gradients.doubled_factor_two, _FORUMS, arrays=wrong_arrays.doubled_factor_two
        ),
        Mistake("wrong_sign", wrong_gradients.wrong_sign, _FORUMS, arrays=wrong_arrays.wrong_sign, seen=2),
        Mistake("no_mean", wrong_gradients.no_mean, _FORUMS, arrays=wrong_arrays.no_mean, seen=2),
        Mistake("mean_twice", wrong_gradients.mean_twice, _FORUMS, arrays=wrong_arrays.mean_twice),
        Mistake(
            "mean_in_bias_only",
            wrong_gradients.mean_in_bias_only,
            _FORUMS,
            arrays=wrong_array_structures.mean_in_bias_only,
        ),
        Mistake(
            "mean_in_weights_only",
            wrong_gradients.mean_in_weights_only,
            _FORUMS,
            arrays=wrong_array_structures.mean_in_weights_only,
        ),
        Mistake("missing_path", wrong_gradients.missing_path, _FORUMS, arrays=wrong_arrays.missing_path, seen=2),
        Mistake("last_use_only", wrong_gradients.last_use_only, _FORUMS, arrays=wrong_arrays.last_use_only),
        Mistake(
            "truncated_in_time",
            wrong_structures.truncated_in_time,
            _CODE,
            arrays=wrong_array_structures.truncated_in_time,
        ),
        Mistake("kernel_flipped", wrong_structures.kernel_flipped, _CODE, arrays=wrong_array_structures.kernel_flipped),
        Mistake(
            "derivative_inside",
            wrong_structures.derivative_inside,
            _CLASSES,
            arrays=wrong_array_structures.derivative_inside,
            seen=2,
        ),
        Mistake("dropped_factor", wrong_gradients.dropped_factor, _FORUMS),
        Mistake(
            "updated_weights", wrong_products.updated_weights, _TEXTBOOKS, arrays=wrong_arrays.updated_weights, seen=3
        ),
        Mistake(
            "gradient_for_weight", wrong_products.gradient_for_weight, _CODE, arrays=wrong_arrays.gradient_for_weight
        ),
        Mistake(
            "weights_not_transposed",
            wrong_products.weights_not_transposed,
            _CODE,
            arrays=wrong_arrays.weights_not_transposed,
            seen=2,
        ),
        Mistake(
            "gradient_transposed",
            wrong_products.gradient_transposed,
            _CODE,
            arrays=wrong_arrays.gradient_transposed,
            seen=2,
        ),
        Mistake("wrong_input", wrong_products.wrong_input, _CLASSES, arrays=wrong_arrays.wrong_input),
        Mistake(
            "matrix_for_elementwise",
            wrong_products.matrix_for_elementwise,
            _CODE,
            arrays=wrong_arrays.matrix_for_elementwise,
            seen=2,
        ),
        Mistake("elementwise_for_matrix", wrong_structures.elementwise_for_matrix, _CODE),
        Mistake(
            "statistics_constant", wrong_gradients.statistics_constant, _CODE, arrays=wrong_arrays.statistics_constant
        ),
        Mistake("bias_with_input", wrong_products.bias_with_input, _CLASSES),
        Mistake("no_penalty", wrong_gradients.no_penalty, _CLASSES, arrays=wrong_arrays.no_penalty),
        Mistake("penalty_factor", wrong_gradients.penalty_factor, _CLASSES, arrays=wrong_arrays.penalty_factor),
        Mistake(
            "biases_penalised", wrong_structures.biases_penalised, _CODE, arrays=wrong_array_structures.biases_penalised
        ),
        Mistake("bias_not_updated", wrong_updates.bias_not_updated, _TEXTBOOKS),
        Mistake("no_learning_rate", wrong_updates.no_learning_rate, _CLASSES),
        Mistake("learning_rate_squared", wrong_updates.learning_rate_squared, _CLASSES),
        Mistake("update_sign", wrong_updates.update_sign, _CLASSES),
        Mistake("weight_for_gradient", wrong_updates.weight_for_gradient, _CLASSES),
        Mistake("no_momentum", wrong_updates.no_momentum, _CODE),
        Mistake("plain_for_nesterov", wrong_updates.plain_for_nesterov, _CODE),
        Mistake("nesterov_for_plain", wrong_updates.nesterov_for_plain, _CODE),
        Mistake("stale_state", wrong_updates.stale_state, _CODE),
        Mistake(
            "decay_in_gradient", wrong_updates.decay_in_gradient, _CODE, arrays=wrong_array_structures.decay_in_gradient
        ),
        Mistake("decay_beside_gradient", wrong_updates.decay_beside_gradient, _CODE),
        Mistake("no_bias_correction", wrong_updates.no_bias_correction, _CODE),
        Mistake("step_off_by_one", wrong_updates.step_off_by_one, _CODE),
        Mistake("epsilon_inside_root", wrong_updates.epsilon_inside_root, _CODE),
        Mistake("betas_exchanged", wrong_updates.betas_exchanged, _CODE),
        Mistake("no_root", wrong_updates.no_root, _CODE),
        Mistake("elementwise_for_outer", None, _FORUMS, arrays=wrong_array_structures.elementwise_for_outer),
        Mistake("samples_not_summed", None, _CODE),
        Mistake("misplaced_point", None, _TEXTBOOKS),
        Mistake("rounded_early", None, _CLASSES),
        Mistake("truncated", None, _CLASSES),
        Mistake("negative_delta", accepted_conventions.negative_delta, _TEXTBOOKS, is_convention=True),
        Mistake("mean_in_gradient", accepted_conventions.mean_in_gradient, _TEXTBOOKS, is_convention=True),
        Mistake("loss_without_half", accepted_conventions.loss_without_half, _TEXTBOOKS, is_convention=True),
        Mistake("summed_samples", accepted_conventions.summed_samples, _TEXTBOOKS, is_convention=True),
        Mistake("change_for_gradient", accepted_conventions.change_for_gradient, _TEXTBOOKS, is_convention=True),
        Mistake("transposed_layout", accepted_conventions.transposed_layout, _TEXTBOOKS, is_convention=True),
    ),
    phrases=lambda row: (f"slip.{row.name}", f"slip_reason.{row.name}"),
)
"""Mistakes, then conventions, by name; of two that make the same number in the same line the first is named."""
