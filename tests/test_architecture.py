"""The plan of the house: which wing may import which, which library belongs where, who may print and write.

The tables below are the plan (docs/architecture.md explains it); the tests walk the syntax trees of all modules. Every
import counts: those inside functions and those for type checkers only too.
"""

from __future__ import annotations

import ast
import graphlib
import importlib
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping, Set

import pytest

import symbackprop
from tests.helpers import ROOT
from tools.house import PACKAGE, WINGS, House, imports_of, wing_of

LONGEST_MODULE = 400

FACE = "symbackprop"
"""The package itself: it may know every wing, and only `display` asks it for anything."""

MOST_AT_THE_TOP = 13
"""Modules directly below the package that a newcomer meets before the first folder."""

MOST_IN_A_FOLDER = 32
"""Modules side by side in one folder: more of them are several things, which folders tell apart."""

LIBRARIES: dict[str, tuple[str, ...]] = {
    "sympy": ("algebra", "arithmetic", "derivation", "evaluation", "curvature", "compilation", "frontends"),
    "mpmath": ("arithmetic", "evaluation"),
    "numpy": (
        "by_hand",
        "catalog",
        "compilation",
        "descent",
        "homework",
        "exporting",
        "mistakes",
        "training",
        "estimators",
        "frontends",
        "scripts",
    ),
    "pydantic": ("problems", "homework"),
    "pydantic_core": ("problems",),
    "jinja2": ("templating",),
    "matplotlib": ("rendering",),
    "pypdf": ("rendering",),
    "segno": ("rendering",),
    "typst": ("rendering",),
    "markdown_it": ("rendering",),
    "mdit_py_plugins": ("rendering",),
    "distributed": ("homework",),
    "numba": ("compilation",),
    "torch": ("frontends",),
    "sklearn": ("estimators",),
    "scipy": ("estimators",),
    "click": ("cli",),
    "rich": ("cli",),
}
"""The libraries and the wings that may import each."""

COMES_WITH = {"mpmath": "sympy", "scipy": "scikit-learn", "pydantic_core": "pydantic"}
"""Libraries that are not declared, because a declared one requires them for us."""

DISTRIBUTIONS = {"sklearn": "scikit-learn", "markdown_it": "markdown-it-py", "mdit_py_plugins": "mdit-py-plugins"}
"""Libraries that are installed under another name."""

OPTIONAL = ("numba", "torch", "sklearn", "pdf", "dask")
"""Groups of pyproject.toml with libraries that are used where they are installed."""

PRINTING_WINGS = ("cli",)

WRITERS = {
    "symbackprop.whole_files": {"mkdir", "open", "writelines", "unlink"},
    "symbackprop.homework.reporting.marks_folders": {"mkdir", "open", "unlink"},
    "symbackprop.training.history": {"write_bytes"},
    "symbackprop.estimators.fitting": {"print"},
    "symbackprop.compilation.kept_code": {"mkdir", "write_text", "unlink"},
    "symbackprop.templating.confinement": {"stdout"},
    "symbackprop.templating.worker": {"stdout"},
    "symbackprop.rendering.typesetting.typst_engine": {"stdout"},
    "symbackprop.rendering.typesetting.typst_worker": {"open", "stdout"},
}
"""What writes although it is no command: what commands and functions write files with; the folder of marks, which one run
at a time writes into; `history.save(path)`, because Python users ask for it by name; estimators that
are `verbose`, because those of scikit-learn print; machine code that is kept for other processes; and the two sides of the
process that fills templates of strangers, which talk by its standard streams."""

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

MODELS = frozenset({"Network", "ComputationGraph"})
ASKS_FOR_THE_MODEL = {"symbackprop.problems.types", "symbackprop.derivation.derivations"}
"""The modules that look at the kind of a problem's model: all others ask the problem or its graph for what they need."""

SPELLS = {
    "symbackprop.graph.scalars",  # names of scalars
    "symbackprop.graph.notation",  # printed symbols, from names of the user's own
    "symbackprop.problems.types",  # names of the arrays of a network
    "symbackprop.frontends.torch_models",  # content of a problem, from a model
    "symbackprop.cli.starters",  # content of a problem, from three answers
    "symbackprop.algebra.symbolic",  # symbols of SymPy
    "symbackprop.compilation.identifiers",  # identifiers of code
    "symbackprop.by_hand.answer_normalization",  # what students type
}
"""The edges: the modules that spell names of quantities, or read them."""

HOUSE = House()
MODULES = HOUSE.files


def parse(module: str) -> ast.Module:
    """Return the syntax tree of one of our modules."""
    return HOUSE.trees[module]


def climbing(module: str, imported: Set[str]) -> set[str]:
    """Return those imports that lie in a later wing than the module."""
    own = WINGS.index(wing_of(module))
    return {name for name in imported if name != FACE and WINGS.index(wing_of(name)) > own}


def circles(graph: Mapping[str, Set[str]]) -> list[str] | None:
    """Return nodes that lead back to each other, or None where there are none."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return None


def writing(tree: ast.Module) -> set[str]:
    """Return the names in a module that print or change files."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in WRITING_ATTRIBUTES:
            found.add(node.attr)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WRITING_FUNCTIONS:
            found.add(node.func.id)
    return found


def kinds_asked(tree: ast.Module) -> set[str]:
    """Return the names of the classes that a module tests objects for, by `isinstance` or in the cases of a `match`."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
            found.update(part.id for part in ast.walk(node.args[1]) if isinstance(part, ast.Name))
            found.update(part.attr for part in ast.walk(node.args[1]) if isinstance(part, ast.Attribute))
        elif isinstance(node, ast.MatchClass):
            found.update(part.id for part in ast.walk(node.cls) if isinstance(part, ast.Name))
    return found


_PARSING = {"partition", "rpartition", "split", "rsplit", "endswith", "join", "replace"}
_SIGNS, _ESCAPING = {"_", "@"}, ("replace", "_")
_FIXED = re.compile(r"(?:W|b|theta|delta|z|a|x|y)\d*_?")
"""What the code names of a network begin with."""
_PAPER = "a4"
"""A size of paper, which looks like the fourth activations."""
_ELEMENT = re.compile(r"(?:(?:W|b|theta|delta|z|a)[0-9]+(?:_\w+)?|[xy]_[0-9a-z]+)")
"""The code name of an array of a layer, or of an element."""


def is_docstring(node: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> bool:
    """Say whether a text is a statement of its own."""
    return isinstance(parents.get(node), ast.Expr)


def spelled_names(tree: ast.Module) -> list[str]:
    """Return where a module takes names of quantities apart, or puts them together."""
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=method) as called, args=arguments) if method in _PARSING:
                texts = [each.value for each in (called.value, *arguments[:1]) if isinstance(each, ast.Constant)]
                found += [
                    f"{node.lineno}: {method}" for text in texts if text in _SIGNS and (method, text) != _ESCAPING
                ]
            case ast.JoinedStr(values=[ast.Constant(value=str(first)), ast.FormattedValue(), *_]) if _FIXED.fullmatch(
                first
            ):
                found.append(f"{node.lineno}: f-string {first}")
            case ast.JoinedStr(values=values):
                texts = [each.value for each in values if isinstance(each, ast.Constant)]
                found += [f"{node.lineno}: f-string {text}" for text in texts if str(text).startswith("@")]
            case ast.Constant(value=str(text)) if _ELEMENT.fullmatch(text) and not is_docstring(node, parents):
                if text == _PAPER:
                    continue
                found.append(f"{node.lineno}: {text}")
    return found


def adding_over_samples(tree: ast.Module) -> list[int]:
    """Return the lines in which a module decides by what is batched whether something is added over the samples."""
    found = []
    for node in ast.walk(tree):
        text = ast.unparse(node) if isinstance(node, ast.Call | ast.BoolOp) else ""
        match node:
            case ast.Call(func=ast.Attribute(attr="isdisjoint")) if re.search(r"\bbatched\b|self\.names\b", text):
                found.append(node.lineno)
            case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=1), ast.BinOp()]) if ".samples" in text:
                found.append(node.lineno)
            case ast.BoolOp(op=ast.And(), values=values) if text.count("batched") > 1:
                found += [node.lineno for each in values if "not" in ast.unparse(each)]
    return found


def test_wings_list_every_wing() -> None:
    """The plan names exactly the wings that exist, each once."""
    assert len(WINGS) == len(set(WINGS))
    assert set(WINGS) == {wing_of(module) for module in MODULES} - {""}


def test_top_of_the_package_has_few_modules() -> None:
    """What is not in a folder is what every wing uses, or a face: a newcomer meets folders."""
    assert len([file for file in MODULES.values() if file.parent == PACKAGE]) <= MOST_AT_THE_TOP


def test_folders_have_few_modules_side_by_side() -> None:
    """A folder that has grown is cut into folders, in the order of the data."""
    sizes = Counter(file.parent for file in MODULES.values() if file.stem != "__init__")
    assert len(sizes) > 25
    assert {folder: size for folder, size in sizes.items() if size > MOST_IN_A_FOLDER} == {}


def test_modules_have_names_of_their_own() -> None:
    """No two modules have one name, so that a name says which module is meant."""
    stems = Counter(file.stem for file in MODULES.values() if file.stem != "__init__")
    assert {stem for stem, count in stems.items() if count > 1} == set()
    assert len(stems) > 150


@pytest.mark.parametrize("wing", WINGS)
def test_wing_imports_only_itself_and_earlier_wings(wing: str) -> None:
    """No import runs back, wherever it stands: in a function and for a type checker too."""
    modules = [module for module in MODULES if wing_of(module) == wing]
    assert modules
    assert {module: found for module in modules if (found := climbing(module, HOUSE.imports[module]))} == {}


def test_face_is_asked_by_display_alone() -> None:
    """The package knows every wing; only what a notebook shows is asked of it."""
    assert {module for module in MODULES if module != FACE and FACE in HOUSE.imports[module]} == {"symbackprop.display"}


def test_package_imports_none_of_its_modules() -> None:
    """The package resolves its names when they are used: importing it imports none of its wings."""
    program = "import sys, symbackprop; print(sorted(name for name in sys.modules if name.startswith('symbackprop.')))"
    assert subprocess.check_output([sys.executable, "-c", program], text=True, cwd=ROOT).strip() == "[]"


def test_package_names_exist_where_it_says() -> None:
    """Every public name of the package is found in the module that the package looks in."""
    for name, home in symbackprop._HOME.items():
        assert getattr(importlib.import_module(home), name) is getattr(symbackprop, name)
    assert set(symbackprop.__all__) <= set(symbackprop._HOME)


def test_modules_import_each_other_without_circles() -> None:
    """The modules can be put in an order in which each imports only those before it."""
    graph = {module: HOUSE.imports[module] - {FACE} for module in MODULES if module != FACE}
    assert circles(graph) is None


def test_folders_import_each_other_without_circles() -> None:
    """The same holds for the rooms of each wing: its modules and the folders inside it."""
    rooms: dict[str, dict[str, set[str]]] = {}
    for module in MODULES:
        for imported in HOUSE.imports[module]:
            room, other = module.split("."), imported.split(".")
            depth = next((n for n, pair in enumerate(zip(room, other, strict=False)) if pair[0] != pair[1]), 0)
            if depth:
                inside = rooms.setdefault(".".join(room[:depth]), {})
                inside.setdefault(room[depth], set()).add(other[depth])
    assert {"symbackprop", "symbackprop.document", "symbackprop.rendering"} <= set(rooms)
    assert {place: circles(inside) for place, inside in rooms.items() if circles(inside)} == {}


@pytest.mark.parametrize("module", MODULES)
def test_module_imports_only_the_libraries_of_its_wing(module: str) -> None:
    """A library is imported in the wings it belongs to and nowhere else."""
    roots = {name.split(".")[0] for name in imports_of(parse(module), HOUSE.known)}
    foreign = roots - set(sys.stdlib_module_names) - {"symbackprop"}
    assert {library for library in foreign if wing_of(module) not in LIBRARIES[library]} == set()


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
    groups = ("dependencies", *OPTIONAL, "test", "docs", "dev")
    assert [name for group in groups for name in requirements(group)] == list(reasons)


@pytest.mark.parametrize("module", [module for module in MODULES if wing_of(module) not in PRINTING_WINGS])
def test_module_neither_prints_nor_writes(module: str) -> None:
    """Only the command line prints and changes files; everything else returns what it made."""
    assert writing(parse(module)) == WRITERS.get(module, set())


@pytest.mark.parametrize("module", MODULES)
def test_module_is_short(module: str) -> None:
    """A module that outgrows 400 lines is two modules."""
    assert len(MODULES[module].read_text("utf-8").splitlines()) <= LONGEST_MODULE


def test_few_modules_ask_which_model_a_problem_has() -> None:
    """A problem and its graph say whether there are layers, what is predicted and what the loss is; no reader branches."""
    assert {module for module in MODULES if kinds_asked(parse(module)) & MODELS} == ASKS_FOR_THE_MODEL


@pytest.mark.parametrize("module", [module for module in MODULES if module not in SPELLS])
def test_module_neither_spells_nor_parses_names(module: str) -> None:
    """Names of quantities are strings without parts: who wants the array, the index or the sample asks the graph."""
    assert spelled_names(parse(module)) == []


def test_rules_of_batches_stand_in_one_module() -> None:
    """What is added over the samples is asked of the batch axis; nobody compares what is batched with what is not."""
    assert {module for module in MODULES if adding_over_samples(parse(module))} == {"symbackprop.graph.batch_axis"}


def test_edges_spell_names() -> None:
    """The list of edges names modules that exist, each of which needs to be on it."""
    assert set(MODULES) >= SPELLS
    assert {module for module in SPELLS if not spelled_names(parse(module))} == set()


def test_architecture_checks_find_what_they_look_for() -> None:
    """Planted faults are found: imports that run back, lazy or for types only, a circle, a library, a written file."""
    tree = ast.parse(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from symbackprop import cli\n"
        "def derive():\n    from symbackprop import problems\n    import click.testing\n"
        "from symbackprop.errors import unknown\n"
        "def show(path):\n    print(1)\n    path.write_text('')\n"
        "def ask(model):\n    match model:\n        case Network():\n            return isinstance(model, types.A | B)\n"
    )
    known = frozenset({"symbackprop.problems", "symbackprop.cli", "symbackprop.errors"})
    imported = set(imports_of(tree, known))
    assert imported == {"typing", "click.testing", *known}
    own = {name for name in imported if name.startswith("symbackprop")}
    assert climbing("symbackprop.catalog.losses", own) == {"symbackprop.problems", "symbackprop.cli"}
    assert circles({"a": {"b"}, "b": {"a"}}) is not None
    assert writing(tree) == {"print", "write_text"}
    spelled = ast.parse(
        "array = name.partition('_')[0]\nname, sample = key.rsplit('@', 1)\none = f'{output}@'\n"
        "unit = f'a{layer}_{unit}'\n"
        "weights = f'W{number}'\nfirst = equations['z2_1']\njoined = '_'.join(parts)\n"
        "fine = 'user@example', 'W', 'a_b', f'{a} @ {b}'\n"
    )
    assert sorted(text[0] for text in spelled_names(spelled)) == list("1234567")
    batches = ast.parse(
        "spans = not batched.isdisjoint(names)\nadds = a.batched and not b.batched\n"
        "crosses = name not in batched and source in batched\nfor n in range(1, graph.samples + 1): pass\n"
        "x = not a.batched\n"
    )
    assert sorted(adding_over_samples(batches)) == [1, 2, 3, 4]
    assert kinds_asked(tree) == {"Network", "types", "A", "B"}
