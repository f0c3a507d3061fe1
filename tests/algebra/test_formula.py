"""The tree of a formula: every class of node says where its subformulas are, and all of them are walked and rebuilt."""

import importlib
import pkgutil
import sys
import typing
from collections.abc import Iterator
from dataclasses import MISSING, fields
from fractions import Fraction
from typing import Any

import pytest

import symbackprop
from symbackprop.algebra.formula import Name, Node, Stack, map_children, rewrite, walk
from symbackprop.compilation.operations import Operation
from symbackprop.document.display_nodes import Grid, Numeral, Shown


def every_class() -> list[type[Node]]:
    """Return all classes of node in the package, however they are derived."""
    for module in pkgutil.walk_packages(symbackprop.__path__, "symbackprop."):
        if not module.name.endswith(("__main__", "backends.numba")):
            importlib.import_module(module.name)
    # Slots make a second class of each; the first one is in no module.
    found = {each for each in _below(Node) if getattr(sys.modules[each.__module__], each.__name__, None) is each}
    return sorted(found, key=lambda each: each.__name__)


def _below(kind: type[Node]) -> Iterator[type[Node]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


CLASSES = every_class()


def hints(kind: type[Node]) -> dict[str, Any]:
    """Return the types of the fields of a class."""
    known = typing.get_type_hints(kind)
    return {entry.name: known[entry.name] for entry in fields(kind)}


def nodes_in(hint: Any) -> Iterator[type[Node]]:
    """Yield the classes of node that a type speaks of, itself or in a tuple or a union."""
    if isinstance(hint, type) and issubclass(hint, Node):
        yield hint
    for inner in typing.get_args(hint):
        yield from nodes_in(inner)


def example(kind: type[Node], names: Iterator[str]) -> Node:
    """Return a node with other subformulas in each place."""
    if kind is Node:
        return Name(next(names))
    values: dict[str, Any] = {}
    for entry, (name, hint) in zip(fields(kind), hints(kind).items(), strict=True):
        inside = list(nodes_in(hint))
        if inside and typing.get_origin(hint) is tuple:
            values[name] = tuple(example(inside[0], names) for _ in range(4))
        elif inside:
            values[name] = example(inside[0], names)
        elif entry.default is MISSING:
            values[name] = {str: "x", int: 2, Fraction: Fraction(2)}.get(hint, ())
    return kind(**values)


def counted() -> Iterator[str]:
    """Yield names that differ."""
    yield from (f"n{number}" for number in range(1000))


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_class_declares_every_field_that_holds_nodes(kind: type[Node]) -> None:
    """The fields whose types speak of nodes are those that a class declares, one node each or a tuple of them."""
    # What an operation of compiled code fills is none of the formulas that it reads.
    filled = {"target"} if issubclass(kind, Operation) else set()
    holding = {name: hint for name, hint in hints(kind).items() if name not in filled and list(nodes_in(hint))}
    tuples = [name for name, hint in holding.items() if typing.get_origin(hint) is tuple]
    assert [name for name in holding if name not in tuples] == list(kind.children)
    assert tuples == [kind.sequence] * bool(kind.sequence)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_node_walks_and_rebuilds_its_subformulas(kind: type[Node]) -> None:
    """All subformulas are walked in order; the same ones give the same node, others a node with these and all else."""
    node = example(kind, counted())
    children = list(node)
    assert children == [
        child
        for name in (*kind.children, *([kind.sequence] if kind.sequence else []))
        for child in (getattr(node, name) if name == kind.sequence else [getattr(node, name)])
    ]
    walked = list(walk(node))
    assert walked[0] is node and all(any(part is child for part in walked) for child in children)
    assert node is map_children(node, lambda child: child) is rewrite(node, lambda part: None)
    changed = map_children(node, lambda child: Stack((child,)))
    assert [Stack((child,)) for child in children] == list(changed)
    kept = set(hints(kind)) - {*kind.children, kind.sequence}
    assert {name: getattr(node, name) for name in kept} == {name: getattr(changed, name) for name in kept}
    assert type(changed) is kind and (node == changed) is (not children)


def test_classes_of_node_are_found_in_every_wing() -> None:
    """The laws above see the nodes of paper too, among them those that hold many."""
    assert len(CLASSES) > 40 and {"Grid", "Listed", "Shaped", "Braced", "Sum"} <= {each.__name__ for each in CLASSES}


def test_grid_is_walked_row_by_row() -> None:
    """The numbers of a matrix are subformulas, and its rows are as long as it says."""
    numbers = tuple(Shown(Numeral(str(value)), Fraction(value), exact=True) for value in range(6))
    grid = Grid(numbers, 3)
    assert numbers == tuple(grid) and (numbers[:3], numbers[3:]) == grid.rows


def test_class_with_two_orders_is_refused() -> None:
    """A class cannot hold single subformulas beside a tuple of them: nothing says in which order they are read."""
    with pytest.raises(TypeError, match="no order"):
        type("Both", (Node,), {}, children=("left",), sequence="rest")
