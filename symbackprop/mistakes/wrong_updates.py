"""Mistakes of the update: learning rate, sign, what is left as it was, and the formulas of optimizers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from symbackprop.algebra.formula import ONE, Apply, Name, Negative, Node, Number, Product, Sum, added, rewrite
from symbackprop.by_hand import hand_computation
from symbackprop.by_hand.hand_computation import NEW
from symbackprop.catalog import optimizers
from symbackprop.catalog.optimizers import RATE, Line
from symbackprop.mistakes.worksheets import BIASES, Site, Worksheet

Change = Callable[[str, Node], Node | None]
"""From the target of an assignment and a part of its formula to what stands there instead, None for nothing else."""


def _sites(sheet: Worksheet, lines: Sequence[Line], variant: str = "") -> Iterator[Site]:
    """Yield the updates of all elements by other assignments."""
    for element in sheet.updated:
        yield Site(NEW + element, sheet.update(element, tuple(lines)), variant)


def _changed(sheet: Worksheet, change: Change, variant: str = "") -> Iterator[Site]:
    """Yield the updates in whose assignments some part is another."""
    lines = sheet.lines()
    found = [(target, rewrite(formula, lambda part, target=target: change(target, part))) for target, formula in lines]  # type: ignore[misc]
    if found != list(lines):
        yield from _sites(sheet, found, variant)


def _with(sheet: Worksheet, names: dict[str, Node], variant: str = "") -> Iterator[Site]:
    """Yield the updates with something else for some names of their assignments."""
    return _changed(sheet, lambda target, part: names.get(part.name) if isinstance(part, Name) else None, variant)


def no_learning_rate(sheet: Worksheet) -> Iterator[Site]:
    """Yield updates by the whole gradient."""
    return _with(sheet, {RATE: ONE})


def learning_rate_squared(sheet: Worksheet) -> Iterator[Site]:
    """Yield updates with the learning rate twice."""
    return _with(sheet, {RATE: Product((Name(RATE), Name(RATE)))})


def update_sign(sheet: Worksheet) -> Iterator[Site]:
    """Yield updates up the gradient."""
    return _with(sheet, {RATE: Negative(Name(RATE))})


def weight_for_gradient(sheet: Worksheet) -> Iterator[Site]:
    """Yield updates by the parameter itself in place of its gradient."""
    return _with(sheet, {"g": Name("w")})


def bias_not_updated(sheet: Worksheet) -> Iterator[Site]:
    """Yield biases that are left as they were."""
    for element in sheet.updated:
        if sheet.kind(element) in BIASES:
            yield Site(NEW + element, (hand_computation.sum_of(NEW + element, [element]),))


def no_momentum(sheet: Worksheet) -> Iterator[Site]:
    """Yield updates without the velocity of earlier steps, or with 1 − μ for μ."""
    yield from _with(sheet, {"momentum": Number(Fraction(0))}, "none")
    yield from _with(sheet, {"momentum": Sum((ONE, Negative(Name("momentum"))))}, "complement")


def plain_for_nesterov(sheet: Worksheet) -> Iterator[Site]:
    """Yield updates of Nesterov's kind by the velocity alone."""
    lines = sheet.lines()
    target, formula = lines[-1] if lines else ("", ONE)
    plain = Sum((Name("w"), Negative(Product((Name(RATE), Name("v"))))))
    training = sheet.derivation.problem.training
    if training is not None and training.optimizer == "nesterov" and formula != plain:
        yield from _sites(sheet, (*lines[:-1], (target, plain)))


def no_bias_correction(sheet: Worksheet) -> Iterator[Site]:
    """Yield updates of Adam's kind by the moments as they are; by one corrected and one not."""
    corrected = {"m_hat": Name("m"), "v_hat": Name("v")}
    for names, variant in ((corrected, ""), ({"m_hat": Name("m")}, "first"), ({"v_hat": Name("v")}, "second")):
        yield from _with(sheet, dict(names), variant)


def step_off_by_one(sheet: Worksheet) -> Iterator[Site]:
    """Yield updates that count the first step as the second."""
    return _with(sheet, {"t": Sum((Name("t"), ONE))})


def epsilon_inside_root(sheet: Worksheet) -> Iterator[Site]:
    """Yield updates with ε under the root."""

    def inside(target: str, part: Node) -> Node | None:
        match part:
            case Sum((Apply("sqrt", (under,)), Name("epsilon"))):
                return Apply("sqrt", (added((under, Name("epsilon"))),))
        return None

    return _changed(sheet, inside)


def betas_exchanged(sheet: Worksheet) -> Iterator[Site]:
    """Yield updates of Adam's kind with β₁ and β₂ exchanged."""
    return _with(sheet, {"beta1": Name("beta2"), "beta2": Name("beta1")})


def no_root(sheet: Worksheet) -> Iterator[Site]:
    """Yield updates that divide by the mean square itself in place of its root."""

    def bare(target: str, part: Node) -> Node | None:
        return part.arguments[0] if isinstance(part, Apply) and part.function == "sqrt" else None

    return _changed(sheet, bare)


def _by_optimizer(sheet: Worksheet, trained: str, other: str) -> Iterator[Site]:
    """Yield the updates of one optimizer with a weight decay by the assignments of another."""
    training = sheet.derivation.problem.training
    if training is None or training.optimizer != trained or "weight_decay" in training.zero:
        return
    targets = {target for target, _ in sheet.lines()}
    names: dict[str, Node] = {}
    found = []
    for target, formula in optimizers.reduced(other, training.zero, first=True):
        put_in = rewrite(formula, lambda part: names.get(part.name) if isinstance(part, Name) else None)
        if target in targets:
            found.append((target, put_in))
        else:  # a line that the optimizer itself does not have is written where it is read
            names[target] = put_in
    yield from _sites(sheet, found)


def decay_in_gradient(sheet: Worksheet) -> Iterator[Site]:
    """Yield updates of AdamW with the weight decay in the gradient, as an L2 penalty has it."""
    return _by_optimizer(sheet, "adamw", "adam")


def decay_beside_gradient(sheet: Worksheet) -> Iterator[Site]:
    """Yield updates of Adam with the weight decay beside the gradient, as AdamW has it."""
    return _by_optimizer(sheet, "adam", "adamw")


def stale_state(sheet: Worksheet) -> Iterator[Site]:
    """Yield updates that use velocity, moments or sums of squares as they were before the step, if they were not 0."""
    training = sheet.derivation.problem.training
    lines = sheet.lines()
    states = () if training is None else optimizers.OPTIMIZERS[training.optimizer].state
    late = [line for line in lines if line[0] in states]
    if late and sheet.has_states:
        yield from _sites(sheet, [*(line for line in lines if line[0] not in states), *late])


def nesterov_for_plain(sheet: Worksheet) -> Iterator[Site]:
    """Yield updates of plain momentum that look ahead as Nesterov's do."""
    training, lines = sheet.derivation.problem.training, sheet.all_lines()
    if training is not None and training.optimizer == "momentum":
        ahead = Sum((Name("g"), Product((Name("momentum"), Name("v")))))
        target, _ = lines[-1]
        yield from _sites(
            sheet, (*sheet.lines()[:-1], (target, Sum((Name("w"), Negative(Product((Name(RATE), ahead)))))))
        )
