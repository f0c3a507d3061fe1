"""Laws of the tests themselves: a loop of assertions ran, a law is stated, and what is slow is known to be."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import ROOT, each
from tools.house import House

FILES = sorted((ROOT / "tests").rglob("*.py"))
FIXED = (ast.Tuple, ast.List, ast.Set, ast.Dict)
LOOPING = ("each", "range", "enumerate", "zip", "sorted", "reversed", "product", "items", "values", "keys")
"""What a loop may run over without saying that there is something: literals, `each`, and these of them."""


@functools.cache
def tree_of(file: Path) -> ast.Module:
    """Return the syntax tree of a module of the tests."""
    return ast.parse(file.read_text("utf-8"))


def laws_of(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Iterate over the test functions of a module."""
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))


def asserts(node: ast.AST) -> bool:
    """Return whether a statement asserts something by itself: `assert`, `pytest.raises`, or a helper that is named so."""
    if isinstance(node, ast.Assert):
        return True
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name.startswith(("assert_", "check_")) or name in ("raises", "warns", "fail")


def surely_runs(iterated: ast.expr) -> bool:
    """Return whether a loop over an expression has something to run over, as far as the expression tells."""
    if isinstance(iterated, FIXED):
        return bool(iterated.keys if isinstance(iterated, ast.Dict) else iterated.elts)
    if isinstance(iterated, ast.IfExp):
        return surely_runs(iterated.body) and surely_runs(iterated.orelse)
    if isinstance(iterated, ast.Constant):
        return bool(iterated.value)
    if not isinstance(iterated, ast.Call):
        return False
    name = iterated.func.attr if isinstance(iterated.func, ast.Attribute) else getattr(iterated.func, "id", "")
    if name in ("each", "few"):
        return True
    of = [iterated.func.value] if isinstance(iterated.func, ast.Attribute) and not iterated.args else iterated.args
    return name in LOOPING and bool(of) and all(surely_runs(part) for part in of)


def may_run_never(function: ast.FunctionDef) -> list[int]:
    """Return the lines of the loops for which all that a test asserts may never be looked at."""
    loops: list[int] = []

    def sure(node: ast.AST) -> bool:
        if asserts(node):
            return True
        if isinstance(node, ast.For) and not surely_runs(node.iter):
            inside = any(asserts(part) for part in ast.walk(node))
            loops.extend([node.lineno] if inside else [])
            return False
        return any(sure(child) for child in ast.iter_child_nodes(node))

    return [] if any(sure(statement) for statement in function.body) else loops


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT / "tests").as_posix())
def test_loop_of_assertions_asserts_that_it_ran(file: Path) -> None:
    """A test whose assertions all stand in loops says that there was something to look at: `each`, a literal, a count."""
    tree = tree_of(file)
    assert {} == {test.name: lines for test in laws_of(tree) if (lines := may_run_never(test))}


@pytest.mark.parametrize(
    ("body", "is_found"),
    [
        ("for row in rows:\n  assert row", True),
        ("for row in rows:\n  with pytest.raises(ValueError):\n   row()", True),
        ("for row in sorted(rows):\n  for part in (1, 2):\n   assert row", True),
        ("for part in (1, 2):\n  for row in rows:\n   assert row", True),
        ("for row in range(count):\n  assert_true(row)", True),
        ("for row in ():\n  assert row", True),
        ("for row in each(rows):\n  assert row", False),
        ("for row in zip((1, 2), [3, 4], strict=True):\n  assert row", False),
        ("for row in {'a': 1}.items():\n  assert row", False),
        ("for row in range(3):\n  assert row", False),
        ("for row in rows:\n  assert row\n assert rows", False),
        ("for row in rows:\n  row()", False),
    ],
)
def test_loop_that_may_never_run_is_found(body: str, is_found: bool) -> None:
    """Planted loops: over what may be empty, in each other, with a helper that asserts; and those that surely run."""
    (test,) = laws_of(ast.parse(f"def test_planted():\n {body}\n"))
    assert is_found == bool(may_run_never(test))


def test_every_test_states_its_law() -> None:
    """Each test says in its docstring what holds."""
    for file in each(FILES, least=60):
        tests = laws_of(tree_of(file))
        assert [] == [f"{file.name}: {test.name}" for test in tests if not ast.get_docstring(test)]


PRINTING = {"algebra", "document", "rendering", "display", "figures", "scripts", "homework", "jupyter"}
"""The wings whose work the oracle judges: what derives by rule, and what prints."""


@pytest.mark.parametrize("module", ["latex_reader", "latex_values", "symbols", "truth"])
def test_oracle_knows_nothing_of_what_it_judges(module: str) -> None:
    """The readers import nothing of the package; what judges knows numbers and names, neither rules nor printers."""
    tree = ast.parse((ROOT / "tests" / "oracle" / f"{module}.py").read_text("utf-8"))
    named = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    named |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    own = {name for name in named if name.partition(".")[0] == "symbackprop"}
    assert named > own
    assert {name for name in own if name.split(".")[1:2] and name.split(".")[1] in PRINTING} == set()
    assert module in ("symbols", "truth") or own == set()


def named_in(tree: ast.Module) -> set[str]:
    """Return the dotted names of modules that a test module has: in imports, or whole in a text; packages go with them."""
    found = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    own = {name for name in found if re.fullmatch(r"symbackprop(\.\w+)*", name)}
    return own | {
        ".".join(parts[:count]) for name in own for parts in [name.split(".")] for count in range(1, len(parts))
    }


def test_every_module_is_named_in_a_test() -> None:
    """Who reads a module finds a test that names it: none of the package is covered from above alone."""
    tests = [file for file in FILES if file.name.startswith("test_")]
    named = set().union(*(named_in(tree_of(file)) for file in tests))
    assert len(House().trees) > 150
    assert sorted(set(House().trees) - named) == []


def test_names_of_modules_are_found() -> None:
    """Planted imports and a text name their modules and the packages around them; part of a text names nothing."""
    text = "import symbackprop.a.b\nfrom symbackprop.c import d as e\nx = 'symbackprop.f.g', 'see symbackprop.h'\n"
    expected = {"a", "a.b", "c", "c.d", "f", "f.g"}
    assert {"symbackprop", *(f"symbackprop.{name}" for name in expected)} == named_in(ast.parse(text))
