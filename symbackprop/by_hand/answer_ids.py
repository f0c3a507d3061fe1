"""What the numbers of a computation by hand are called: ids of answers, and the names that documents print."""

from __future__ import annotations

from collections.abc import Iterator

from symbackprop.by_hand.hand_computation import NEW, PATH, HandComputation, key_parts
from symbackprop.catalog.optimizers import RATE
from symbackprop.derivation.derivations import Derivation
from symbackprop.graph.notation import Notation
from symbackprop.graph.quantities import Graph, Role
from symbackprop.graph.scalars import Scalar, gradient_name, in_step


def names_of(computation: HandComputation) -> dict[str, str]:
    """Return the key of every quantity by its id and, where no other has that name, as the document prints it."""
    derivation = computation.derivation
    notation = Notation.of(derivation.graph, derivation.problem.notation)
    keys = [key for key in (*computation.leaves, *computation.by_key) if PATH not in key]
    ids = {id_of(key, derivation.graph): key for key in keys}
    printed: dict[str, list[str]] = {}
    for key in keys:
        for name in dict.fromkeys(_printed(key, derivation, notation)):
            printed.setdefault(name, []).append(key)
    return ids | {name: each[0] for name, each in printed.items() if len(each) == 1 and name not in ids}


def id_of(key: str, graph: Graph) -> str:
    """Return what the number with a key is called in submissions: `dL_dz1_2`, `new_W1_1_2`, `m_W1_1_2`, `z1_2@step2`."""
    updates, is_gradient, scalar, line = key_parts(key)
    if is_gradient:
        return in_step(gradient_name(graph.output, str(scalar)), updates + 1)
    if not updates:
        return str(scalar)
    if line:
        name = f"{line}_{scalar}"
        return in_step(f"state_{name}" if graph.has_element(name) else name, updates)
    is_computed = not graph.has_element(scalar.name) or graph.quantity_of(scalar.name).role is not Role.PARAMETER
    if is_computed and scalar.name != graph.output:
        return in_step(str(scalar), updates + 1)
    return in_step(f"new_{scalar}", updates)


def _printed(key: str, derivation: Derivation, notation: Notation) -> Iterator[str]:
    """Yield the names of a quantity as the document prints them, in plain letters: `dE_dw5` and `delta1_1`, `o1`, `eta`."""
    if key.lstrip(NEW) == RATE:
        yield in_step(notation.learning_rate().plain, len(key) - len(RATE) + 1)
        return
    updates, is_gradient, (name, sample), line = key_parts(key)
    text = str(Scalar(notation.symbol(name).plain, sample))
    if is_gradient:
        yield from (in_step(each, updates + 1) for each in _printed_gradients(name, sample, derivation, notation))
    elif updates:
        yield in_step(f"{line or 'new'}_{text}", updates)
        if derivation.graph.quantity_of(name).role is not Role.PARAMETER:
            yield in_step(text, updates + 1)
            yield in_step(str(Scalar(name, sample)), updates + 1)  # the loss after an update is that of the next step
    else:
        yield text
        yield str(
            Scalar(derivation.graph.quantity_of(name).name, sample)
        )  # a letter without an index, of the only element


def _printed_gradients(name: str, sample: int | None, derivation: Derivation, notation: Notation) -> Iterator[str]:
    text = str(Scalar(notation.symbol(name).plain, sample))
    yield gradient_name(notation.symbol(derivation.graph.output).plain, text)
    if notation.quantity(name).kind == "pre_activation" and not notation.negative_delta:
        delta = notation.delta(name)
        names = (derivation.adjoint_name(name), *([delta.plain] if delta else []))
        yield from (str(Scalar(each, sample)) for each in names)
