"""The terms that occur in a solution, with their symbols and meanings, as its last section."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from symbackprop.algebra.formula import Adjoint, Hadamard, Name, Node, Transposed, walk
from symbackprop.catalog.optimizers import RATE, carried, reduced
from symbackprop.document.blocks import Inline, Section, Terms
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.document.display_nodes import Delta, Gradient, Letter, Local
from symbackprop.document.matrix_form.matrix import array_gradients, named
from symbackprop.graph.quantities import LayerArrays
from symbackprop.messages import message

Symbol = Callable[[Scene], Inline]


@dataclass(frozen=True, slots=True)
class GlossaryTerm:
    """A term: the end of its ids, whether it occurs in a solution, its symbol (""), the end of the id of its meaning."""

    name: str
    occurs: Callable[[Scene], object]
    symbol: Symbol = lambda scene: ""
    meaning: Callable[[Scene], str] = lambda scene: ""


def _is_network(scene: Scene) -> bool:
    return bool(scene.derivation.graph.layers)


def _first_layer(scene: Scene) -> LayerArrays:
    return scene.derivation.graph.layers[0]


def _of_kind(kind: str) -> GlossaryTerm:
    """Return the term for a kind of array of a network, with the first element of the first one as its symbol."""

    def first(scene: Scene) -> str:
        quantities = scene.derivation.graph.quantities.values() if _is_network(scene) else ()
        return next((quantity.elements()[0] for quantity in quantities if quantity.kind == kind), "")

    return GlossaryTerm(kind, first, lambda scene: Name(first(scene)))


def _differentiated(scene: Scene) -> str:
    """Return the first parameter, or whatever the output is differentiated by."""
    names = [name for quantity in scene.derivation.parameters for name in quantity.elements()]
    return next((name for name in (*names, *scene.derivation.links) if scene.derivation.links.get(name)), "")


def _output(scene: Scene) -> Name:
    return Name(scene.derivation.graph.output)


def _has_kink(scene: Scene) -> bool:
    return any(term.form.kinks for equation in scene.derivation.elements.equations for term in equation.terms)


def _has_fork(scene: Scene) -> bool:
    return any(len({link.source for link in links}) > 1 for links in scene.derivation.links.values())


def _has_states(scene: Scene) -> bool:
    training = scene.derivation.problem.training
    return training is not None and bool(carried(training.optimizer, reduced(training.optimizer, training.zero)))


def _has_delta(scene: Scene) -> bool:
    return _is_network(scene) and scene.notation.conventions.backward == "delta"


def _unit(scene: Scene) -> str:
    """Return the pre-activation of the first unit."""
    return _first_layer(scene).pre_activation.elements()[0]


def _partial(scene: Scene) -> Node:
    """Return the first local derivative that the output is not itself in, if there is one."""
    links = scene.derivation.links
    first = next(link for name in links for link in links[name])
    inner = (link for name in links for link in links[name] if link.source != scene.derivation.graph.output)
    link = next(inner, first)
    return Local(Name(link.source), Name(link.term.arguments[link.slot]))


def _descends(scene: Scene) -> bool:
    training = scene.derivation.problem.training
    return training is not None and training.settings[RATE].value > 0


def _has_epochs(scene: Scene) -> bool:
    training = scene.derivation.problem.training
    return training is not None and scene.derivation.graph.samples is not None


def _has_mini_batches(scene: Scene) -> bool:
    return _has_epochs(scene) and scene.derivation.graph.batch_axis.size > 1


def _stops(scene: Scene) -> bool:
    training = scene.derivation.problem.training
    return training is not None and training.stop is not None


def _between_arrays(scene: Scene, kind: type[Node]) -> list[Node]:
    """Return the formulas of some kind in the gradients between the arrays of a network."""
    formulas = array_gradients(scene).values() if _is_network(scene) else ()
    return [part for formula in formulas for part in walk(named(scene, formula)) if isinstance(part, kind)]


def _found(scene: Scene, kind: type[Node]) -> Node:
    """Return the shortest formula of some kind."""
    return min(_between_arrays(scene, kind), key=lambda found: sum(1 for _ in walk(found)))


OF_ARRAYS = ("transpose", "elementwise")
"""The terms that occur between arrays alone."""


TERMS: tuple[GlossaryTerm, ...] = (
    GlossaryTerm("unit", _is_network, lambda scene: Letter(scene.notation.unit(1, 1))),
    GlossaryTerm("hidden_layer", lambda scene: len(scene.derivation.graph.layers) > 1),
    _of_kind("input"),
    _of_kind("weight"),
    _of_kind("bias"),
    _of_kind("threshold"),
    _of_kind("pre_activation"),
    GlossaryTerm("activation_function", _is_network),
    _of_kind("activation"),
    _of_kind("target"),
    GlossaryTerm("loss", _is_network, _output),
    _of_kind("penalty"),
    GlossaryTerm("overfitting", lambda scene: "penalty" in scene.derivation.graph.quantities),
    GlossaryTerm("sample", lambda scene: scene.derivation.graph.samples is not None),
    GlossaryTerm("mini_batch", _has_mini_batches),
    GlossaryTerm("epoch", _has_epochs),
    GlossaryTerm("early_stopping", _stops),
    GlossaryTerm("backpropagation", lambda scene: True),
    GlossaryTerm("gradient_descent", _descends),
    GlossaryTerm("gate", lambda scene: not _is_network(scene)),
    GlossaryTerm("fork", lambda scene: not _is_network(scene) and _has_fork(scene)),
    GlossaryTerm(
        "gradient",
        _differentiated,
        lambda scene: Gradient(_differentiated(scene)),
        lambda scene: "" if _is_network(scene) else "_graph",
    ),
    GlossaryTerm(
        "delta",
        _has_delta,
        lambda scene: Delta(_unit(scene)) if scene.notation.negative_delta else Adjoint(_unit(scene)),
        lambda scene: "_negative" if scene.notation.negative_delta else "",
    ),
    GlossaryTerm("chain_rule", lambda scene: True),
    GlossaryTerm("partial", lambda scene: True, _partial),
    GlossaryTerm("kink", _has_kink),
    GlossaryTerm(
        "transpose", lambda scene: _between_arrays(scene, Transposed), lambda scene: _found(scene, Transposed)
    ),
    GlossaryTerm("elementwise", lambda scene: _between_arrays(scene, Hadamard), lambda scene: _found(scene, Hadamard)),
    GlossaryTerm(
        "learning_rate",
        lambda scene: scene.derivation.problem.training,
        lambda scene: Letter(scene.notation.learning_rate()),
    ),
    GlossaryTerm("state", _has_states),
    GlossaryTerm("central_difference", lambda scene: scene.values is not None),
)
"""The terms in the order of the glossary."""


def glossary(scene: Scene, without: Collection[str] = ()) -> Section:
    """Return the section of the terms that occur in a solution, without some by name."""
    entries = tuple(
        (message(f"glossary.{term.name}"), term.symbol(scene), message(f"definition.{term.name}{term.meaning(scene)}"))
        for term in TERMS
        if term.name not in without and term.occurs(scene)
    )
    header = (message("glossary.term"), message("column.symbol"), message("column.meaning"))
    return Section(message("glossary.title"), (Terms(header, entries),))
