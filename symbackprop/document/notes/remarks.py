"""Short phrases at the end of a displayed line, read off its numbers: the branch of a kink, the sign of a gradient.

Nothing is said that the numbers do not bear out: a sign is that of the true gradient of the step, and where a path passes
a kink, so that the derivative is a convention, it is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction

from symbackprop.algebra import functions
from symbackprop.algebra.branches import always_computed, choice_of, comparison_of
from symbackprop.algebra.formula import ONE, Apply, Name, Negative, Node, Number, Product, Slot, Sum
from symbackprop.arithmetic import exact
from symbackprop.derivation.element_grain import ElementEquation
from symbackprop.descent.solution import DescentStep
from symbackprop.document.calculation.numerals import show
from symbackprop.document.calculation.reduction import leaf_value
from symbackprop.document.chain_rule.chains import calculable
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.document.display_nodes import Boxed, Inequality, Range, Shown
from symbackprop.document.notes.conditions import DisplayedLine, is_gradient, is_loss_of_data, is_parameter
from symbackprop.evaluation.arithmetics import EXACT, Value
from symbackprop.evaluation.evaluate import Evaluation, Values
from symbackprop.evaluation.kinks import NEAR_KINK
from symbackprop.graph.quantities import Role
from symbackprop.messages import Message, message

Remark = Callable[[DisplayedLine, "ExactGradients"], Message | None]


class ExactGradients:
    """The true gradients of a step, and what lies on the paths of a kink."""

    def __init__(self, scene: Scene, step: DescentStep | None) -> None:
        """Look at a step, whose numbers may be rounded as by hand; None: there is no step, and nothing is true."""
        self.values = None if step is None else step.values
        self.kinks = frozenset(kink.name for kink in step.kinks) if step is not None else frozenset()
        if self.values is not None and scene.derivation.problem.notation.round_intermediates is not None:
            self.values = _exact(scene, self.values)

    def gradient(self, line: DisplayedLine) -> Value | None:
        """Return the true gradient by what a line is about; None without numbers or behind a kink."""
        if self.values is None or (self.kinks and not self.kinks.isdisjoint(_reached(line))):
            return None
        return self.values.gradient(line.name, line.sample)


def _exact(scene: Scene, values: Values) -> Values:
    """Return a pass without rounding from the same given numbers and parameters."""
    derivation = scene.derivation
    leaves = derivation.graph.of_role(Role.PARAMETER, Role.INPUT, Role.TARGET)
    shared = {name: values.shared[name] for q in leaves if not q.batched for name in q.elements()}
    samples = [{name: sample[name] for q in leaves if q.batched for name in q.elements()} for sample in values.samples]
    evaluation = Evaluation.of(derivation, EXACT)
    return evaluation.backward(evaluation.forward(shared, samples))


def _reached(line: DisplayedLine) -> Iterator[str]:
    """Iterate over everything that is computed from what a line is about."""
    links, waiting, seen = line.scene.derivation.links, [line.name], {line.name}
    while waiting:
        for link in links.get(waiting.pop(), ()):
            if link.source not in seen:
                seen.add(link.source)
                waiting.append(link.source)
                yield link.source


def _sign(line: DisplayedLine, exact_gradients: ExactGradients) -> Message | None:
    """Return what the sign of a leaf's gradient says; the printed number and the true one have to agree in it."""
    is_leaf = bool(line.name) and line.name not in line.scene.derivation.equations
    if not (line.area == "backward" and is_leaf and (is_parameter(line) or not line.is_network)):
        return None
    last = line.chain.steps[-1].formula
    shown = last.body if isinstance(last, Boxed) else last
    gradient = exact_gradients.gradient(line)
    if gradient is None or not isinstance(shown, Shown) or _compared(gradient) != _compared(shown.value):
        return None
    kind = ("negative", "zero", "positive")[_compared(gradient) + 1]
    return message(f"remark.{kind}", it=line.symbol, loss=Name(line.scene.derivation.graph.output))


def _compared(value: Value) -> int:
    return exact.compare(value, Fraction(0))


def _holding(line: DisplayedLine, exact_gradients: ExactGradients) -> Message | None:
    """Return the conditions that hold, by which branches of a formula are chosen."""
    equations = line.scene.derivation.equations
    if line.area == "forward":
        name = line.name if line.name in equations else ""
    else:
        name = line.links[0].source if line.area == "backward" and is_gradient(line) and len(line.links) == 1 else ""
    if not name or line.scene.values is None:
        return None
    formula = calculable(line.scene.in_sample(equations[name].formula(), line.sample))
    held = tuple(dict.fromkeys(_held(line.scene, formula)))
    return message("remark.holds", condition=message("text.items", items=held)) if held else None


def _held(scene: Scene, formula: Node) -> Iterator[Inequality]:
    """Yield the conditions by which branches of a formula are chosen, outermost first."""
    for part in always_computed(formula):
        choice = choice_of(part)
        if choice is not None:
            compared = comparison_of(choice.condition)
            holds = exact.evaluate(scene.numbered(choice.condition), leaf_value)
            yield Inequality(*(compared if holds else compared.opposite))
            yield from _held(scene, choice.holding if holds else choice.otherwise)


def _branch(line: DisplayedLine, exact_gradients: ExactGradients) -> Message | None:
    """Return which branch of a kinked activation holds, in the forward pass."""
    if line.area != "forward" or line.name not in line.scene.derivation.equations:
        return None
    return _of_branch(line, line.scene.derivation.equations[line.name], "branch")


def _derivative_branch(line: DisplayedLine, exact_gradients: ExactGradients) -> Message | None:
    """Return which derivative of a kinked activation holds, in the backward pass."""
    if line.area != "backward" or not is_gradient(line) or len(line.links) != 1:
        return None
    return _of_branch(line, line.scene.derivation.equations[line.links[0].source], "slope")


def _of_branch(line: DisplayedLine, equation: ElementEquation, about: str) -> Message | None:
    formula = equation.terms[0].formula()
    if len(equation.terms) != 1 or not isinstance(formula, Apply) or formula.body or line.scene.values is None:
        return None
    row = functions.ACTIVATIONS.get(formula.function)
    if row is None or not row.below:
        return None
    (argument,) = formula.arguments
    if not isinstance(argument, Name):
        return None
    sample = line.scene.sample_of(argument.name, line.sample)
    value = line.scene.value(argument.name, sample)
    named = Name(argument.name, sample)
    if value == 0:
        at_zero = exact.evaluate(
            equation.terms[0].form.partial(0).plain, lambda part: Fraction(0) if isinstance(part, Slot) else None
        )
        return message(f"remark.{about}_at", argument=named, slope=show(at_zero, line.scene.style))
    if exact.compare(abs(value), NEAR_KINK) <= 0:
        return None
    side = "above" if value > 0 else row.below
    return message(f"remark.{about}_{side}", argument=named)


def _aim(line: DisplayedLine, exact_gradients: ExactGradients) -> Message | None:
    """Return on which side of its target an output is, at the error of the output."""
    if not (line.area == "backward" and line.is_network and line.name and line.scene.values is not None):
        return None
    kind = "pre_activation" if line.through_delta else "activation"
    if line.quantity.kind != kind or not line.is_last:
        return None
    graph = line.scene.derivation.graph
    predicted = graph.units(line.scene.notation.depth).at(*graph.place_of(line.name).numbers)
    output, target = Name(predicted, line.sample), Name(graph.targets[predicted], line.sample)
    reached, wanted = line.scene.value(output.name, line.sample), line.scene.value(target.name, line.sample)
    distance = exact.add(reached, exact.negate(wanted))
    side = ("below", "met", "above")[_compared(distance) + 1]
    return message(f"remark.{side}", value=output, target=target)


def _paths(line: DisplayedLine, exact_gradients: ExactGradients) -> Message | None:
    """Return through what a hidden unit acts on the loss, where it does so along several paths."""
    is_hidden = line.area == "backward" and line.is_network and line.name and line.quantity.kind == "activation"
    links = line.sources("pre_activation") if is_hidden else ()
    if len(links) < _SEVERAL:
        return None
    first, last = (Name(link.source, line.scene.sample_of(link.source, line.sample)) for link in (links[0], links[-1]))
    units = (first, last) if len(links) == _SEVERAL else (Range(first, last),)
    return message("remark.paths", count=len(links), units=message("text.items", items=units))


def _term_left(line: DisplayedLine, exact_gradients: ExactGradients) -> Message | None:
    """Return what is left of a cross-entropy of one output, or of one true class."""
    if not (line.area == "forward" and line.is_network and line.name and is_loss_of_data(line)):
        return None
    graph, scene, loss = line.scene.derivation.graph, line.scene, line.network.loss
    if scene.values is None or (len(graph.targets) > 1 and loss != "cross_entropy"):
        return None
    values = {output: scene.value(target, line.sample) for output, target in graph.targets.items()}
    certain = [output for output, value in values.items() if value == 1] or list(values)
    left = _LEFT.get((loss, values[certain[0]]))
    if left is None or len(certain) > 1 or not set(values.values()) <= {0, 1}:
        return None
    target, value = Name(graph.targets[certain[0]], line.sample), show(values[certain[0]], scene.style)
    return message("remark.term_left", target=target, value=value, term=left(Name(certain[0], line.sample)))


def _minus_log(argument: Node) -> Node:
    return Negative(Apply("ln", (argument,)))


_LEFT: Mapping[tuple[str, Value], Callable[[Node], Node]] = {
    ("binary_cross_entropy", 0): lambda output: _minus_log(Sum((ONE, Negative(output)))),
    ("binary_cross_entropy", 1): _minus_log,
    ("cross_entropy", 1): _minus_log,
}
"""What losses are where a target is 0, and where it is 1 and all others are 0."""


def _gate(line: DisplayedLine, exact_gradients: ExactGradients) -> Message | None:
    """Return what a gate of a computation graph does with what arrives, where it is a plain sum or product."""
    if line.area != "backward" or line.is_network or len(line.links) != 1:
        return None
    (link,) = line.links
    partial = link.partial()
    if partial == ONE:
        return message("remark.adds")
    if partial == Number(Fraction(-1)):
        return message("remark.subtracts")
    formula = link.term.formula()
    if isinstance(formula, Product) and isinstance(partial, Name) and Name(line.name) in formula.factors:
        return message("remark.multiplies", it=line.symbol)
    return None


_SEVERAL = 2

REMARKS: tuple[Remark, ...] = (_sign, _holding, _term_left, _branch, _derivative_branch, _aim, _paths, _gate)
"""The remarks, the first that has something to say is made."""


def remark(line: DisplayedLine, exact_gradients: ExactGradients) -> Message | None:
    """Return the remark on a line, if there is one."""
    return next((found for make in REMARKS if (found := make(line, exact_gradients)) is not None), None)
