"""What public names say of themselves: every argument by its name, what comes back, what goes wrong, an example."""

from __future__ import annotations

import ast
import doctest
import functools
import inspect
import re
import sys
import textwrap
import types
from collections.abc import Iterator
from typing import Any

import pytest

import symbackprop
from symbackprop.homework import python_functions
from tests.helpers import each, require_module

SECTIONS = ("Args", "Returns", "Yields", "Raises", "Examples")
NEEDS = {"from_torch": "torch", "to_torch": "torch"}
"""Functions whose examples need a library that is looked for; without it a plain run of doctests leaves them out."""

_SECTION = re.compile(rf"^({'|'.join(SECTIONS)}):\n((?:    .*\n|\n)+)", re.MULTILINE)


def function_of(member: Any) -> types.FunctionType | None:
    """Return the function behind a method, None for what is no method."""
    found = getattr(member, "__func__", member)
    return found if isinstance(found, types.FunctionType) else None


@functools.cache
def functions() -> dict[str, types.FunctionType]:
    """Return the public functions by name; `homework` is a package that is called."""
    things = {name: getattr(symbackprop, name) for name in symbackprop._HOME}
    called = {"homework": python_functions.homework}
    return called | {name: thing for name, thing in things.items() if isinstance(thing, types.FunctionType)}


def methods_of(kind: type) -> Iterator[tuple[str, types.FunctionType]]:
    """Iterate over the public methods that a kind of objects defines."""
    for name, member in vars(kind).items():
        function = function_of(member)
        if function is not None and (name == "__call__" or not name.startswith("_")):
            yield f"{kind.__name__}.{name}", function


@functools.cache
def methods() -> dict[str, types.FunctionType]:
    """Return the public methods of the public kinds of objects and errors by name."""
    kinds = [thing for name in symbackprop._HOME if isinstance(thing := getattr(symbackprop, name), type)]
    return {name: method for kind in kinds for name, method in methods_of(kind)}


def sections_of(function: types.FunctionType | type) -> dict[str, str]:
    """Return the sections of a docstring."""
    return dict(_SECTION.findall(f"{inspect.getdoc(function)}\n"))


def described(function: types.FunctionType) -> list[str]:
    """Return the arguments that a docstring describes, in order."""
    return re.findall(r"^    (\w+): \S", sections_of(function).get("Args", ""), re.MULTILINE)


def raises(function: types.FunctionType) -> bool:
    """Return whether a function has a statement that raises."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    return any(isinstance(node, ast.Raise) for node in ast.walk(tree))


def arguments_of(function: types.FunctionType) -> list[str]:
    """Return the names of the arguments of a function or method."""
    return [name for name in inspect.signature(function).parameters if name != "self"]


@pytest.mark.parametrize("name", functions())
def test_function_says_what_goes_in_and_comes_out_and_goes_wrong(name: str) -> None:
    """Each argument by its name and in order; what is returned; the errors, which are ours; an example."""
    function = functions()[name]
    sections = sections_of(function)
    assert {"Args", "Returns", "Raises", "Examples"} <= set(sections)
    assert arguments_of(function) == described(function)
    errors = re.findall(r"^    (\w+): \S", sections["Raises"], re.MULTILINE)
    for error in each(errors):
        assert issubclass(getattr(symbackprop, error), symbackprop.SymbackpropError)
    assert re.search(rf"(>>>|\.\.\.) .*symbackprop\.{name}\(", sections["Examples"])


@pytest.mark.parametrize("name", methods())
def test_method_says_what_goes_in_and_comes_out_and_goes_wrong(name: str) -> None:
    """Each argument by its name and in order; what is returned; errors where a statement raises one; an example."""
    method = methods()[name]
    sections = sections_of(method)
    assert arguments_of(method) == described(method)
    assert bool({"Returns", "Yields"} & set(sections)) == (inspect.signature(method).return_annotation != "None")
    assert "Raises" in sections or not raises(method)
    kind = getattr(symbackprop, name.split(".")[0])
    shown = sections.get("Examples") or sections_of(kind)["Examples"]
    called = r"(gradient|Every\(.*\))\(" if method.__name__ == "__call__" else rf"\.{method.__name__}\("
    assert re.search(rf"(>>>|\.\.\.) .*{called}", shown)


@pytest.mark.parametrize("name", NEEDS)
def test_examples_run_where_their_library_is(name: str) -> None:
    """What doctests leave out, since not every machine has the library, is run here."""
    require_module(NEEDS[name])
    text = sections_of(functions()[name])["Examples"].replace("# doctest: +SKIP", "")
    test = doctest.DocTestParser().get_doctest(textwrap.dedent(text), {}, name, name, 0)
    report: list[str] = []
    doctest.DocTestRunner(verbose=False).run(test, out=report.append)
    assert test.examples
    assert "" == "".join(report)


@pytest.mark.parametrize("name", [name for name in functions() | methods() if name not in NEEDS])
def test_no_example_is_left_out(name: str) -> None:
    """Every other example is run as a doctest of its module."""
    function = (functions() | methods())[name]
    assert "+SKIP" not in (function.__doc__ or "")
    assert sys.modules[function.__module__].__name__.startswith("symbackprop.")
