"""The glossary says what the code says: its words are names in it, and words that were replaced are none."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.helpers import ROOT
from tools.house import PACKAGE, House, wing_of

GLOSSARY = ROOT / "docs" / "glossary.md"
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


class Row(NamedTuple):
    """A row of the glossary: what is meant, its names in the code, words that are not used for it."""

    word: str
    meaning: str
    names: tuple[str, ...]
    replaced: tuple[str, ...]


def rows() -> list[Row]:
    """Return the rows of all tables of the glossary."""
    found = []
    for line in GLOSSARY.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if cells and cells[0] not in ("word", "---"):
            word, meaning, names, replaced = cells
            found.append(
                Row(word, meaning, tuple(re.findall(r"`([^`]+)`", names)), tuple(filter(None, replaced.split(", "))))
            )
    return found


ROWS = rows()


def defined(tree: ast.Module) -> Iterator[str]:
    """Iterate over the names that a module gives to something: modules apart, which are files."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name) | ast.alias(asname=str(name)):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name


@functools.cache
def identifiers() -> frozenset[str]:
    """Return every name that the package gives to something, and the dotted names of its modules below the package."""
    house = House()
    found = {name.lstrip("_") for tree in house.trees.values() for name in defined(tree)}
    modules = {module.removeprefix(f"{PACKAGE.name}.") for module in house.files}
    return frozenset(found | modules | {module.rpartition(".")[2] for module in modules})


def words(name: str) -> set[str]:
    """Return the words of a name: of `ScalarEngine` and `scalar_engine` the same."""
    return {word.lower() for word in _WORD.findall(name)}


def test_glossary_has_one_meaning_a_word() -> None:
    """No word stands in two rows, and no row gives a word that another row gives up."""
    names = [row.word for row in ROWS]
    assert len(names) == len(set(names)) > 50
    assert all(row.meaning and row.names for row in ROWS)
    assert set(names).isdisjoint(word for row in ROWS for word in row.replaced)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.word)
def test_glossary_word_is_a_name_in_the_code(row: Row) -> None:
    """What the glossary says the code calls a thing is a name in the code."""
    assert {name for name in row.names if name not in identifiers() | {"WINGS"}} == set()


@pytest.mark.parametrize("row", [row for row in ROWS if row.replaced], ids=lambda row: row.word)
def test_replaced_word_is_no_name_in_the_code(row: Row) -> None:
    """A word that was replaced is part of no name in the package."""
    found = {name for name in identifiers() for word in row.replaced if word in words(name)}
    assert found == set(), f"say {row.word}"


def test_replaced_words_are_found() -> None:
    """Names are seen wherever one is given, and by their words."""
    tree = ast.parse(
        "class FairnessCheck: pass\ndef f(typed, *, x=1):\n    self.study = 1\n    import a as b\n    for slope in x: pass"
    )
    assert {"FairnessCheck", "f", "typed", "x", "study", "b", "slope"} == set(defined(tree))
    assert {"fairness", "check"} == words("FairnessCheck") == words("_fairness_check")


def test_only_answers_are_marked() -> None:
    """`mark` is a word of homework alone: no name of another wing, but for the commands, has it."""
    house = House()
    found = {
        (module, name)
        for module, tree in house.trees.items()
        for name in defined(tree)
        if words(name) & {"mark", "marks", "marked", "marking"}
    }
    wings = {wing_of(module) for module, _ in found}
    assert {"homework"} == wings - {"cli"}
