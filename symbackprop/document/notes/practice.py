"""Limits and practice: what training and networks can and cannot do, in half a page at the end of a solution.

Sources: Goodfellow, Bengio and Courville, Deep Learning, 2016 (sections 6.4.1, 7.1, 7.8, 8.1, 8.2, 11.4); Cybenko 1989;
Hornik, Stinchcombe and White 1989; Leshno, Lin, Pinkus and Schocken 1993; Dauphin et al. 2014; Griewank and Walther,
Evaluating Derivatives, 2008, section 4.4.
"""

from __future__ import annotations

from collections.abc import Callable

from symbackprop.document.blocks import Listing, Section
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.messages import message


def _is_network(scene: Scene) -> bool:
    return bool(scene.derivation.graph.layers)


def _always(scene: Scene) -> bool:
    return True


PRACTICE: tuple[tuple[str, Callable[[Scene], bool]], ...] = (
    ("cost", _always),
    ("learning_rate", lambda scene: scene.derivation.problem.training is not None),
    ("mini_batches", _always),
    ("local_minima", _always),
    ("universal_approximation", _is_network),
    ("hidden_units", _is_network),
    ("overfitting", _is_network),
)
"""What is said, by the ends of the ids of its phrases, and of which solutions."""


def practice_section(scene: Scene) -> Section:
    """Return the section of limits and practice."""
    items = tuple(message(f"practice.{name}") for name, holds in PRACTICE if holds(scene))
    return Section(message("practice.title"), (Listing(items),))
