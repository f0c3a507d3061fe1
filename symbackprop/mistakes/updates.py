"""Mistakes of the update: learning rate, sign, what is left as it was, and the formulas of optimizers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from symbackprop.algebra.formula import ONE, Apply, Name, Negative, Node, Number, Product, Sum, added, rewrite
from symbackprop.by_hand import hand_computation
from symbackprop.by_hand.hand_computation import NEW
from symbackprop.catalog.optimizers import RATE, Line
from symbackprop.mistakes.scenes import BIASES, Scene, Site

Change = Callable[[str, Node], Node | None]
"""From the target of an assignment and a part of its formula to what stands there instead, None for nothing else."""


def _sites(scene: Scene, lines: Sequence[Line], variant: str = "") -> Iterator[Site]:
    """Yield the updates of all elements by other assignments."""
    for element in scene.updated:
        yield Site(NEW + element, scene.update(element, tuple(lines)), variant)


def _changed(scene: Scene, change: Change, variant: str = "") -> Iterator[Site]:
    """Yield the updates in whose assignments some part is another."""
    lines = scene.lines()
    found = [(target, rewrite(formula, lambda part, target=target: change(target, part))) for target, formula in lines]  # type: ignore[misc]
    if found != list(lines):
        yield from _sites(scene, found, variant)


def _with(scene: Scene, names: dict[str, Node], variant: str = "") -> Iterator[Site]:
    """Yield the updates with something else for some names of their assignments."""
    return _changed(scene, lambda target, part: names.get(part.name) if isinstance(part, Name) else None, variant)


def no_learning_rate(scene: Scene) -> Iterator[Site]:
    """Yield updates by the whole gradient."""
    return _with(scene, {RATE: ONE})


def learning_rate_squared(scene: Scene) -> Iterator[Site]:
    """Yield updates with the learning rate twice."""
    return _with(scene, {RATE: Product((Name(RATE), Name(RATE)))})


def update_sign(scene: Scene) -> Iterator[Site]:
    """Yield updates up the gradient."""
    return _with(scene, {RATE: Negative(Name(RATE))})


def weight_for_gradient(scene: Scene) -> Iterator[Site]:
    """Yield updates by the parameter itself in place of its gradient."""
    return _with(scene, {"g": Name("w")})


def bias_not_updated(scene: Scene) -> Iterator[Site]:
    """Yield biases that are left as they were."""
    for element in scene.updated:
        if scene.kind(element) in BIASES:
            yield Site(NEW + element, (hand_computation.sum_of(NEW + element, [element]),))


def no_momentum(scene: Scene) -> Iterator[Site]:
    """Yield updates without the velocity of earlier steps, or with 1 − μ for μ."""
    yield from _with(scene, {"momentum": Number(Fraction(0))}, "none")
    yield from _with(scene, {"momentum": Sum((ONE, Negative(Name("momentum"))))}, "complement")


def plain_for_nesterov(scene: Scene) -> Iterator[Site]:
    """Yield updates of Nesterov's kind by the velocity alone."""
    lines = scene.lines()
    target, formula = lines[-1] if lines else ("", ONE)
    plain = Sum((Name("w"), Negative(Product((Name(RATE), Name("v"))))))
    training = scene.derivation.problem.training
    if training is not None and training.optimizer == "nesterov" and formula != plain:
        yield from _sites(scene, (*lines[:-1], (target, plain)))


def no_bias_correction(scene: Scene) -> Iterator[Site]:
    """Yield updates of Adam's kind by the moments as they are; by one corrected and one not."""
    corrected = {"m_hat": Name("m"), "v_hat": Name("v")}
    for names, variant in ((corrected, ""), ({"m_hat": Name("m")}, "first"), ({"v_hat": Name("v")}, "second")):
        yield from _with(scene, dict(names), variant)


def step_off_by_one(scene: Scene) -> Iterator[Site]:
    """Yield updates that count the first step as the second."""
    return _with(scene, {"t": Sum((Name("t"), ONE))})


def epsilon_inside_root(scene: Scene) -> Iterator[Site]:
    """Yield updates with ε under the root."""

    def inside(target: str, part: Node) -> Node | None:
        match part:
            case Sum((Apply("sqrt", (under,)), Name("epsilon"))):
                return Apply("sqrt", (added((under, Name("epsilon"))),))
        return None

    return _changed(scene, inside)


def betas_exchanged(scene: Scene) -> Iterator[Site]:
    """Yield updates of Adam's kind with β₁ and β₂ exchanged."""
    return _with(scene, {"beta1": Name("beta2"), "beta2": Name("beta1")})


def no_root(scene: Scene) -> Iterator[Site]:
    """Yield updates that divide by the mean square itself in place of its root."""

    def bare(target: str, part: Node) -> Node | None:
        return part.arguments[0] if isinstance(part, Apply) and part.function == "sqrt" else None

    return _changed(scene, bare)
