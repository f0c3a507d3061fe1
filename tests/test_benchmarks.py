"""Programs that measure: nothing else runs them, so what they import is looked at here."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import symbackprop
from tests.helpers import ROOT, each

WITHOUT = {"measuring", "commands", "golden", "javascript", "site_docstrings", "versions"}
"""Programs that take nothing from the package: what benchmarks or the site share, what runs commands or older versions."""
PROGRAMS = sorted([*(ROOT / "benchmarks").glob("*.py"), *(ROOT / "tools").glob("*.py")])


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_program_imports_only_what_is_there(program: Path) -> None:
    """Every name that a program takes from the package is one of the module that it names."""
    nodes = list(ast.walk(ast.parse(program.read_text("utf-8"))))
    found = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    own = [node for node in found if node.module is not None and node.module.split(".")[0] == "symbackprop"]
    public = {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)}
    public = {name.removeprefix("sbp.") for name in public if re.fullmatch(r"sbp\.\w+", name)}
    assert (program.stem in WITHOUT) == (not own and not public)
    for name in each(sorted(public), least=0):
        assert hasattr(symbackprop, name), name
    for node in each(own, least=0 if program.stem in WITHOUT or public else 1):
        module = importlib.import_module(str(node.module))
        for alias in each(node.names):
            assert hasattr(module, alias.name) or importlib.util.find_spec(f"{node.module}.{alias.name}"), alias.name


def test_formulas_that_are_timed_agree_with_those_of_sympy() -> None:
    """The program that times printing runs to its end, and what it times has the values of SymPy's expressions."""
    program = [sys.executable, "benchmarks/print.py", "--rounds", "1"]
    done = subprocess.run(
        program, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "agree: True" in done.stdout
