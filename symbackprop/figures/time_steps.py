"""Which equations of a graph are one step in time: the same formulas again, over quantities numbered one further."""

from __future__ import annotations

import re
from collections.abc import Mapping

from symbackprop.algebra.formula import Indexed, Name, Node, rewrite
from symbackprop.graph.quantities import Graph, Role

_NUMBERED = re.compile(r"(?P<stem>[^\W\d]+)(?P<number>\d+)(?P<rest>\D*)")
_LEAST = 2
"""How many equations a step has at least, and how many steps there are at least."""


def steps_of(graph: Graph) -> Mapping[str, int]:
    """Return the step, from 1, of each equation that belongs to one; none where the graph has no steps.

    The equations of a step follow each other, and all steps say the same of quantities and entries of their own number.

    >>> import symbackprop
    >>> steps_of(symbackprop.derive(symbackprop.example("rnn")).graph)
    {'z1': 1, 'h1': 1, 'z2': 2, 'h2': 2, 'z3': 3, 'h3': 3}
    """
    numbered: dict[int, dict[str, Node]] = {}
    found: dict[str, int] = {}
    for equation in graph.equations:
        name = _NUMBERED.fullmatch(equation.name)
        if name is None:
            continue
        number = int(name["number"])
        numbered.setdefault(number, {})[name["stem"] + name["rest"]] = _said(graph, equation.formula, number)
        found[equation.name] = number
    steps = list(numbered.values())
    is_counted = list(numbered) == list(range(1, len(steps) + 1)) and list(found.values()) == sorted(found.values())
    is_alike = all(list(step.items()) == list(steps[0].items()) for step in steps)
    return found if len(steps) >= _LEAST and is_counted and is_alike and len(steps[0]) >= _LEAST else {}


def _said(graph: Graph, formula: Node, step: int) -> Node:
    """Return a formula in which the numbers of quantities and of entries are counted from its step."""

    def counted(node: Node) -> Node | None:
        match node:
            case Indexed(Name(name), indices) if not _is_shared(graph, name):
                places = [str(index - step if isinstance(index, int) else index) for index in indices]
                return Name(f"{name}[{', '.join(places)}]")
            case Name(name) if not _is_shared(graph, name) and (found := _NUMBERED.fullmatch(name)):
                return Name(f"{found['stem']}{found['rest']}({int(found['number']) - step})")
        return None

    return rewrite(formula, counted)


def _is_shared(graph: Graph, name: str) -> bool:
    """Say whether a quantity is the same one in every step."""
    return graph.quantities[name].role is Role.PARAMETER
