"""Logarithms of probabilities as functions of the logits: ln(softmax(z)) where equations say it, in one line or in two.

Taken apart, ln p is −∞ where the probability p is less than floats have, and its gradient p̄ = −y/p has no value. The
logarithm of a softmax is z − ln Σ exp(z), that of a sigmoid −ln(1 + exp(−z)): neither ends. Code for floats is made of
these; documents and exact numbers keep the equations that are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from symbackprop.algebra.formula import ONE, Apply, Indexed, Name, Negative, Node, Sum, Transposed, map_children
from symbackprop.graph.quantities import Graph


def with_stable_logarithms(graph: Graph) -> Graph:
    """Return a graph whose logarithms of softmax and sigmoid, and of 1 − sigmoid, read the logits; itself if it has none."""
    formulas = {equation.name: equation.formula for equation in graph.equations}

    def from_logits(node: Node) -> Node:
        changed = map_children(node, from_logits)
        match changed:
            case Apply("ln", (argument,)) if not changed.body:
                return _logarithm(argument, formulas) or changed
        return changed

    equations = tuple(
        equation if equation.fused else replace(equation, formula=from_logits(equation.formula))
        for equation in graph.equations
    )
    return graph if equations == graph.equations else replace(graph, equations=equations)


def _logarithm(node: Node, formulas: Mapping[str, Node]) -> Node | None:
    """Return the logarithm of probabilities by the logits, None for that of anything else."""
    match node:
        case Name(name) if name in formulas:
            return _logarithm(formulas[name], formulas)
        case Apply("softmax", (argument,)) if not node.body:
            return replace(node, function="log_softmax")
        case Apply("sigmoid", (argument,)) if not node.body:
            return Negative(Apply("softplus", (Negative(argument),)))
        case Sum((first, Negative(operand))) if first == ONE:
            return _of_complement(operand, formulas)
        case Indexed(operand, indices):
            inner = _logarithm(operand, formulas)
            return None if inner is None else Indexed(inner, indices)
        case Transposed(operand):
            inner = _logarithm(operand, formulas)
            return None if inner is None else Transposed(inner)
    return None


def _of_complement(node: Node, formulas: Mapping[str, Node]) -> Node | None:
    """Return ln(1 − p) by the logit of p, None where p is no sigmoid."""
    match node:
        case Name(name) if name in formulas:
            return _of_complement(formulas[name], formulas)
        case Apply("sigmoid", (argument,)) if not node.body:
            return Negative(Apply("softplus", (argument,)))
    return None
