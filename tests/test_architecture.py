"""The plan of the house: which room may import which, which library belongs where, who may print and write.

The tables below are the plan (docs/architecture.md explains it); the tests walk the syntax trees of all modules. A room
is a module or a package directly below `symbackprop`.
"""

from __future__ import annotations

import ast
import graphlib
import importlib
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import symbackprop

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "symbackprop"
LONGEST_MODULE = 400

FLOORS: tuple[tuple[str, ...], ...] = (
    ("errors", "display"),
    ("registry", "resources", "tables"),
    ("language",),
    ("formula",),
    ("expressions",),
    ("functions",),
    ("losses", "optimizers", "schedules"),
    ("symbolic",),
    ("differentiation",),
    ("arithmetic", "columns", "floats", "reals"),
    ("forms", "initializers"),
    ("shapes",),
    ("graph",),
    ("notation", "problems"),
    ("entries", "dense", "circuits"),
    ("elements", "matrices"),
    ("backprop",),
    ("derivation",),
    ("evaluate", "epochs"),
    ("verify", "compilation"),
    ("solution",),
    ("curvature", "training", "torch_models"),
    ("study",),
    ("results", "figures", "estimators"),
    ("document",),
    ("rendering",),
    ("homework", "scripts"),
    ("cli",),
    ("__main__",),
)
"""The rooms, lowest floor first: a room imports its own floor and those below it."""

EXCEPTIONS = {
    ("symbackprop.errors", "symbackprop.language"),
    ("symbackprop.display", "symbackprop.rendering.showing"),
}
"""Imports that climb. An error puts itself into words only when it is printed, and words are a language's; an object is
written only when a notebook shows it, and writing is rendering's."""

LIBRARIES: dict[str, tuple[str, ...]] = {
    "sympy": ("symbolic", "differentiation", "forms", "derivation", "verify", "curvature", "compilation"),
    "mpmath": ("arithmetic", "reals", "verify"),
    "numpy": (
        "columns",
        "compilation",
        "document",
        "epochs",
        "homework",
        "initializers",
        "training",
        "estimators",
        "scripts",
    ),
    "pydantic": ("problems",),
    "jinja2": ("rendering",),
    "matplotlib": ("rendering",),
    "pypdf": ("rendering",),
    "contourpy": ("figures",),
    "numba": ("compilation",),
    "torch": ("torch_models",),
    "sklearn": ("estimators",),
    "click": ("cli",),
    "rich": ("cli",),
}
"""The libraries and the rooms that may import each."""

COMES_WITH = {"mpmath": "sympy", "contourpy": "matplotlib"}
"""Libraries that are not declared, because a declared one requires them for us."""

DISTRIBUTIONS = {"sklearn": "scikit-learn"}
"""Libraries that are installed under another name."""

OPTIONAL = ("numba", "torch", "sklearn")
"""Groups of pyproject.toml with libraries that are used where they are installed."""

PRINTING_ROOMS = ("cli",)

WRITERS = {"symbackprop.training.history": {"write_bytes"}}
"""What writes although it is no command: `history.save(path)`, because Python users ask for it by name."""

WRITING_FUNCTIONS = {"print", "open"}
WRITING_ATTRIBUTES = {
    "open",
    "write_text",
    "write_bytes",
    "writelines",
    "stdout",
    "stderr",
    "mkdir",
    "makedirs",
    "unlink",
}
"""What prints or changes files: functions by name, and methods and streams by attribute."""

FILES = sorted(PACKAGE.rglob("*.py"))


def name_of(file: Path) -> str:
    """Return the dotted name of a module; a package is named without `__init__`."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(file): file for file in FILES}


def room_of(module: str) -> str:
    """Return the room of a module; the package itself has the room ""."""
    return module.split(".")[1] if "." in module else ""


def floor_of(room: str) -> int:
    """Return the number of a room's floor, from 0."""
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def imports_of(tree: ast.Module, modules: frozenset[str] | None = None) -> Iterator[str]:
    """Iterate over the modules that a module imports, inside functions too, but not for type checking only.

    `from symbackprop import graph` names the module symbackprop.graph, `from symbackprop.graph import Graph` too.
    """
    known = frozenset(MODULES) if modules is None else modules
    for node in executed(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in known else node.module


def executed(node: ast.AST) -> Iterator[ast.AST]:
    """Iterate over a tree without the bodies of `if TYPE_CHECKING:`."""
    yield node
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    for child in ast.iter_child_nodes(node):
        yield from executed(child)


def parse(module: str) -> ast.Module:
    """Return the syntax tree of one of our modules."""
    return ast.parse(MODULES[module].read_text("utf-8"))


def own_imports(module: str) -> set[str]:
    """Return which of our modules a module imports, the named exceptions left out."""
    found = {name for name in imports_of(parse(module)) if name.split(".")[0] == "symbackprop"}
    return {name for name in found if (module, name) not in EXCEPTIONS}


def climbing(module: str, imported: set[str]) -> set[str]:
    """Return those imports that lie on a higher floor than the module."""
    own = floor_of(room_of(module))
    return {name for name in imported if floor_of(room_of(name)) > own}


def writing(tree: ast.Module) -> set[str]:
    """Return the names in a module that print or change files."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in WRITING_ATTRIBUTES:
            found.add(node.attr)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WRITING_FUNCTIONS:
            found.add(node.func.id)
    return found


def test_floors_list_every_room() -> None:
    """The plan names exactly the rooms that exist, each once."""
    listed = [room for rooms in FLOORS for room in rooms]
    assert len(listed) == len(set(listed))
    assert set(listed) == {room_of(module) for module in MODULES} - {""}


@pytest.mark.parametrize("module", [module for module in MODULES if room_of(module)])
def test_module_imports_only_its_own_and_earlier_floors(module: str) -> None:
    """No import climbs, wherever it stands, unless only a type checker reads it."""
    assert climbing(module, own_imports(module)) == set()


def test_package_imports_none_of_its_modules() -> None:
    """The package resolves its names when they are used: importing it imports none of its rooms."""
    assert own_imports("symbackprop") == set()


def test_package_names_exist_where_it_says() -> None:
    """Every public name of the package is found in the module that the package looks in."""
    for name, home in symbackprop._HOME.items():
        assert getattr(importlib.import_module(home), name) is getattr(symbackprop, name)


def test_modules_import_each_other_without_cycles() -> None:
    """The modules, and the rooms, can be put in an order in which each imports only those before it."""
    graph = {module: own_imports(module) for module in MODULES}
    graphlib.TopologicalSorter(graph).prepare()
    rooms: dict[str, set[str]] = {}
    for module, imported in graph.items():
        rooms.setdefault(room_of(module), set()).update(map(room_of, imported))
    graphlib.TopologicalSorter({room: below - {room} for room, below in rooms.items()}).prepare()


@pytest.mark.parametrize("module", MODULES)
def test_module_imports_only_the_libraries_of_its_room(module: str) -> None:
    """A library is imported in the rooms it belongs to and nowhere else."""
    roots = {name.split(".")[0] for name in imports_of(parse(module))}
    foreign = roots - set(sys.stdlib_module_names) - {"symbackprop"}
    assert {library for library in foreign if room_of(module) not in LIBRARIES[library]} == set()


def test_libraries_are_the_declared_dependencies() -> None:
    """What modules may import is what pyproject.toml installs, or what one of its optional groups does."""
    declared = {name for group in ("dependencies", *OPTIONAL) for name in requirements(group)}
    assert declared == {DISTRIBUTIONS.get(name, name) for name in LIBRARIES} - set(COMES_WITH)
    assert set(COMES_WITH.values()) <= declared


def requirements(group: str) -> list[str]:
    """Return the names of the packages that a group of pyproject.toml requires."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    listed = project["dependencies"] if group == "dependencies" else project["optional-dependencies"][group]
    names = [match.group() for text in listed if (match := re.match(r"[\w-]+", text))]
    return [name for name in names if name != project["name"]]


def test_dependencies_each_have_a_reason() -> None:
    """docs/dependencies.md has one row for each dependency, core, optional, test and development, and no other."""
    page = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    reasons = dict(re.findall(r"^\| ([a-z][\w-]*) \| (.+) \|$", page, re.MULTILINE))
    reasons.pop("package")
    groups = ("dependencies", *OPTIONAL, "test", "dev")
    assert [name for group in groups for name in requirements(group)] == list(reasons)


@pytest.mark.parametrize("module", [module for module in MODULES if room_of(module) not in PRINTING_ROOMS])
def test_module_neither_prints_nor_writes(module: str) -> None:
    """Only the command line prints and changes files; everything else returns what it made."""
    assert writing(parse(module)) == WRITERS.get(module, set())


@pytest.mark.parametrize("module", MODULES)
def test_module_is_short(module: str) -> None:
    """A module that outgrows 400 lines is two modules."""
    assert len(MODULES[module].read_text("utf-8").splitlines()) <= LONGEST_MODULE


def test_architecture_checks_find_what_they_look_for() -> None:
    """Planted violations are found: a climbing import in a function, a foreign library, a print and a written file."""
    tree = ast.parse(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from symbackprop import cli\n"
        "def derive():\n    from symbackprop import graph\n    import click.testing\n"
        "from symbackprop.errors import message\n"
        "def show(path):\n    print(1)\n    path.write_text('')\n"
    )
    imported = set(imports_of(tree, frozenset({"symbackprop.graph", "symbackprop.cli", "symbackprop.errors"})))
    assert imported == {"typing", "symbackprop.graph", "click.testing", "symbackprop.errors"}
    own = {name for name in imported if name.startswith("symbackprop")}
    assert climbing("symbackprop.losses", own) == {"symbackprop.graph"}
    assert writing(tree) == {"print", "write_text"}
