"""The penalty on the weights with its strength as a letter: λ/2 times the sum of the squares, and λw, its partial."""

from __future__ import annotations

from fractions import Fraction

from symbackprop.algebra.formula import (
    ONE,
    Adjoint,
    Apply,
    Name,
    Node,
    Number,
    Product,
    Quotient,
    Sum,
    added,
    multiplied,
    rewrite,
    walk,
)
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.document.display_nodes import Lettered
from symbackprop.graph.notation import Symbol
from symbackprop.graph.quantities import PENALTY

_OF_SIZES = frozenset(("abs", "step", "sign"))
"""The functions of a penalty on absolute values, and of its partials."""


def strengths(scene: Scene) -> dict[str, Lettered]:
    """Return the strengths of a penalty by their keys, `l2` and `l1`: λ, or λ₂ and λ₁ where λ has another meaning too.

    None is there where the penalty is weighed against the loss of the data, and stands for itself.
    """
    problem = scene.derivation.problem
    choice = problem.network.regularization if problem.layers else None
    if choice is None or choice.form == "convex":
        return {}
    given = {key: value for key, value in (("l2", choice.l2), ("l1", choice.l1)) if value}
    decays = (
        problem.training is not None and {"weight_decay"} & problem.training.settings.keys() - problem.training.zero
    )
    is_alone = len(given) == 1 and not decays
    accent = "bar" if "lambda" in scene.notation.conventions.bases() else ""
    return {
        key: Lettered(Symbol("lambda", () if is_alone else (key[1:],), accent=accent), value)
        for key, value in given.items()
    }


def penalty(scene: Scene) -> Node | None:
    """Return the penalty with each strength before the sum that it weighs, None where it has no letter."""
    letters = strengths(scene)
    sums: dict[Node, list[Node]] = {}
    for term in scene.derivation.equations[PENALTY].terms if letters else ():
        factor, rest = _split(term.formula(), letters)
        sums.setdefault(factor, []).append(rest)
    return added(tuple(multiplied((factor, added(tuple(parts)))) for factor, parts in sums.items())) if sums else None


def penalty_of_arrays(scene: Scene, formula: Node) -> Node:
    """Return the penalty between arrays with each strength as a letter."""
    letters, terms = strengths(scene), formula.terms if isinstance(formula, Sum) else (formula,)
    return added(tuple(multiplied(_split(term, letters)) for term in terms)) if letters else formula


def penalty_partial(scene: Scene, partial: Node) -> Node:
    """Return a partial of the penalty, or of a part of it, with the strength as a letter: λw."""
    letters = strengths(scene)
    return multiplied(_split(partial, letters)) if letters else partial


def with_letters(scene: Scene, formula: Node, name: str) -> Node:
    """Return the gradient by an array between arrays with the strength as a letter, in the term of the penalty."""
    letters = strengths(scene)

    def change(part: Node) -> Node | None:
        if not isinstance(part, Product) or not isinstance(part.factors[0], Number):
            return None
        read = {leaf for leaf in walk(part) if isinstance(leaf, Name | Adjoint)}
        return multiplied(_split(part, letters)) if read == {Name(name)} else None

    return rewrite(formula, change) if letters else formula


def _split(formula: Node, letters: dict[str, Lettered]) -> tuple[Node, Node]:
    """Return a term of a penalty as a multiple of its strength, and what that multiplies."""
    number, rest = Fraction(1), formula
    if isinstance(formula, Product) and isinstance(formula.factors[0], Number):
        number, rest = formula.factors[0].value, multiplied(formula.factors[1:])
    is_size = any(isinstance(part, Apply) and part.function in _OF_SIZES for part in walk(formula))
    letter = letters.get("l1" if is_size else "l2")
    if letter is None:
        return ONE, formula
    share = number / letter.value
    if share.numerator == 1 and share != 1:
        return Quotient(letter, Number(Fraction(share.denominator))), rest
    return multiplied((Number(share), letter)), rest
