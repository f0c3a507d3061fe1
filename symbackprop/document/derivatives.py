"""Derivatives → documents: a formula differentiated line by line, with the rule at each line."""

from __future__ import annotations

from dataclasses import replace

from symbackprop.algebra import differentiation
from symbackprop.algebra.differentiation import Derivative, Differentiation
from symbackprop.algebra.formula import Adjoint, Name, Node, rewrite
from symbackprop.document.blocks import Chain, ChainStep, Display, Document, Relation, Section
from symbackprop.document.display_nodes import DerivativeOf, Letter
from symbackprop.graph.notation import own_symbol
from symbackprop.messages import message


def compose(tree: Differentiation) -> Document:
    """Return the document that derives one formula."""
    section = Section(message("title.steps"), (Display((derivative_chain(tree),)),))
    return Document(message("text.derivative"), (message("text.by_rules"),), (section,))


def derivative_chain(tree: Differentiation, longest: int | None = None) -> Chain:
    """Return the lines of a derivative; of more lines than `longest`, the first and the last."""
    lines = differentiation.steps(tree)
    steps = []
    for line in lines if longest is None or len(lines) <= longest else (lines[0], lines[-1]):
        rule = message(f"rule.{line.rule.value}")
        reason = message("text.with_chain", rule=rule) if line.is_chain else rule
        steps.append(ChainStep(Relation.EQUAL, lettered(line.formula), opens=True, reason=reason))
    return Chain(DerivativeOf(lettered(tree.before), _letter(tree.variable.name)), tuple(steps))


def lettered(formula: Node) -> Node:
    """Return a formula whose names are printed as letters that are no quantities, its open derivatives as d/dx."""

    def change(part: Node) -> Node | None:
        match part:
            case Name(name):
                return _letter(name)
            case Adjoint(name):
                return Letter(replace(own_symbol(name), accent="bar"))
            case Derivative(operand, variable):
                return DerivativeOf(lettered(operand), _letter(variable.name))
        return None

    return rewrite(formula, change)


def _letter(name: str) -> Letter:
    return Letter(own_symbol(name))
