"""Mistakes as rows: a name, the places where it is made in a computation, and what stands there instead.

Nothing is typed in about a particular problem: the places are found in its equations, products and updates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from symbackprop.mistakes import backward, conventions, derivatives, forward, products, updates
from symbackprop.mistakes.scenes import Scene, Site
from symbackprop.registry import Registry
from symbackprop.rows import Words

SitesOf = Callable[[Scene], Iterator[Site]]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake: its `sites` in a computation, and where it was seen.

    One that is a `convention` is right and only different: it is accepted where all numbers keep it. One without sites is
    made in writing numbers down. `words` are the phrases that the row brings itself: `slip.NAME` says what is
    wrong in a few words, `slip_reason.NAME` why.
    """

    name: str
    sites: SitesOf | None
    source: str
    is_convention: bool = False
    words: Words = field(default_factory=dict)


_FORUMS = "questions of learners with their numbers"
_CODE = "reports of wrong code"
_COURSES = "papers of courses"
_TEXTBOOKS = "published worked examples"

MISTAKES: Registry[Mistake] = Registry(
    "mistake",
    (
        Mistake("inputs_exchanged", forward.inputs_exchanged, _FORUMS),
        Mistake("no_bias", forward.no_bias, _COURSES),
        Mistake("bias_twice", forward.bias_twice, _COURSES),
        Mistake("dropped_term", forward.dropped_term, _TEXTBOOKS),
        Mistake("no_activation", forward.no_activation, _COURSES),
        Mistake("exponent_sign", forward.exponent_sign, _FORUMS),
        Mistake("logarithm_base", forward.logarithm_base, _COURSES),
        Mistake("degrees", forward.degrees, _COURSES),
        Mistake("no_derivative", derivatives.no_derivative, _FORUMS),
        Mistake("derivative_not_passed_on", derivatives.derivative_not_passed_on, _TEXTBOOKS),
        Mistake("derivative_at_activation", derivatives.derivative_at_activation, _FORUMS),
        Mistake("derivative_at_preactivation", derivatives.derivative_at_preactivation, _FORUMS),
        Mistake("derivative_twice", derivatives.derivative_twice, _FORUMS),
        Mistake("wrong_tanh_derivative", derivatives.wrong_tanh_derivative, _FORUMS),
        Mistake("relu_ignored", derivatives.relu_ignored, _FORUMS),
        Mistake("spurious_sigmoid", derivatives.spurious_sigmoid, _FORUMS),
        Mistake("softmax_diagonal", derivatives.softmax_diagonal, _FORUMS),
        Mistake("lost_factor_two", backward.lost_factor_two, _FORUMS),
        Mistake("doubled_factor_two", backward.doubled_factor_two, _FORUMS),
        Mistake("wrong_sign", backward.wrong_sign, _FORUMS),
        Mistake("no_mean", backward.no_mean, _FORUMS),
        Mistake("mean_twice", backward.mean_twice, _FORUMS),
        Mistake("mean_in_bias_only", backward.mean_in_bias_only, _FORUMS),
        Mistake("missing_path", backward.missing_path, _FORUMS),
        Mistake("last_use_only", backward.last_use_only, _FORUMS),
        Mistake("dropped_factor", backward.dropped_factor, _FORUMS),
        Mistake("updated_weights", products.updated_weights, _TEXTBOOKS),
        Mistake("gradient_for_weight", products.gradient_for_weight, _CODE),
        Mistake("weights_not_transposed", products.weights_not_transposed, _CODE),
        Mistake("gradient_transposed", products.gradient_transposed, _CODE),
        Mistake("wrong_input", products.wrong_input, _COURSES),
        Mistake("matrix_for_elementwise", products.matrix_for_elementwise, _CODE),
        Mistake("statistics_constant", backward.statistics_constant, _CODE),
        Mistake("bias_with_input", products.bias_with_input, _COURSES),
        Mistake("no_penalty", backward.no_penalty, _COURSES),
        Mistake("penalty_factor", backward.penalty_factor, _COURSES),
        Mistake("bias_not_updated", updates.bias_not_updated, _TEXTBOOKS),
        Mistake("no_learning_rate", updates.no_learning_rate, _COURSES),
        Mistake("learning_rate_squared", updates.learning_rate_squared, _COURSES),
        Mistake("update_sign", updates.update_sign, _COURSES),
        Mistake("weight_for_gradient", updates.weight_for_gradient, _COURSES),
        Mistake("no_momentum", updates.no_momentum, _CODE),
        Mistake("plain_for_nesterov", updates.plain_for_nesterov, _CODE),
        Mistake("no_bias_correction", updates.no_bias_correction, _CODE),
        Mistake("step_off_by_one", updates.step_off_by_one, _CODE),
        Mistake("epsilon_inside_root", updates.epsilon_inside_root, _CODE),
        Mistake("betas_exchanged", updates.betas_exchanged, _CODE),
        Mistake("no_root", updates.no_root, _CODE),
        Mistake("misplaced_point", None, _TEXTBOOKS),
        Mistake("rounded_early", None, _COURSES),
        Mistake("truncated", None, _COURSES),
        Mistake("negative_delta", conventions.negative_delta, _TEXTBOOKS, is_convention=True),
        Mistake("mean_in_gradient", conventions.mean_in_gradient, _TEXTBOOKS, is_convention=True),
        Mistake("loss_without_half", conventions.loss_without_half, _TEXTBOOKS, is_convention=True),
        Mistake("summed_samples", conventions.summed_samples, _TEXTBOOKS, is_convention=True),
        Mistake("change_for_gradient", conventions.change_for_gradient, _TEXTBOOKS, is_convention=True),
        Mistake("transposed_layout", conventions.transposed_layout, _TEXTBOOKS, is_convention=True),
    ),
    phrases=lambda row: (f"slip.{row.name}", f"slip_reason.{row.name}"),
)
"""Mistakes, then conventions, by name; of two that make the same number in the same line the first is named."""
