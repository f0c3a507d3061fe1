"""What the numbers of a computation by hand are called: ids of answers, and the names that documents print."""

from __future__ import annotations

from collections.abc import Iterator

from symbackprop.by_hand.hand_computation import GRADIENT, NEW, PATH, HandComputation, split
from symbackprop.catalog.optimizers import RATE
from symbackprop.derivation.derivations import Derivation
from symbackprop.graph.notation import Notation
from symbackprop.graph.scalars import Scalar, gradient_name


def names_of(computation: HandComputation) -> dict[str, str]:
    """Return the key of every quantity by its id and, where no other has that name, as the document prints it."""
    derivation = computation.derivation
    output = derivation.graph.output
    notation = Notation.of(derivation.graph, derivation.problem.notation)
    keys = [key for key in (*computation.leaves, *computation.by_key) if PATH not in key]
    ids = {id_of(key, output): key for key in keys}
    printed: dict[str, list[str]] = {}
    for key in keys:
        for name in dict.fromkeys(_printed(key, derivation, notation)):
            printed.setdefault(name, []).append(key)
    return ids | {name: each[0] for name, each in printed.items() if len(each) == 1 and name not in ids}


def id_of(key: str, output: str) -> str:
    """Return what the number with a key is called in submissions: `dL_dz1_2`, `new_W1_1_2`."""
    if key.startswith(GRADIENT):
        return gradient_name(output, key[len(GRADIENT) :])
    if key.startswith(NEW):
        return f"new_{key[len(NEW) :]}"
    return key


def _printed(key: str, derivation: Derivation, notation: Notation) -> Iterator[str]:
    """Yield the names of a quantity as the document prints them, in plain letters: `dE_dw5` and `delta1_1`, `o1`, `eta`."""
    if key == RATE:
        yield notation.learning_rate().plain
        return
    prefix, (name, sample) = split(key)
    text = str(Scalar(notation.symbol(name).plain, sample))
    if prefix == GRADIENT:
        yield gradient_name(notation.symbol(derivation.graph.output).plain, text)
        if notation.quantity(name).kind == "pre_activation" and not notation.negative_delta:
            delta = notation.delta(name)
            names = (derivation.adjoint_name(name), *([delta.plain] if delta else []))
            yield from (str(Scalar(each, sample)) for each in names)
    else:
        yield f"new_{text}" if prefix == NEW else text
