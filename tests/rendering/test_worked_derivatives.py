"""Worked derivatives as people see them: printed, in a notebook, in every format, by the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sympy
from click.testing import CliRunner

import symbackprop as sbp
from symbackprop import cli, language
from symbackprop.algebra.differentiation import Rule
from symbackprop.errors import UnknownNameError
from symbackprop.messages import message
from symbackprop.rendering import worked_derivatives
from symbackprop.rendering.formats import formats
from tests.helpers import each

TEXTS = ("x*sin(x)", "exp(-x**2)/theta_1", "abs(x)", "max(x, y)", "softplus(2*x)", "3")
WRITTEN = [name for name in formats() if name not in (*worked_derivatives.WITHOUT, "pdf")]


@pytest.mark.parametrize("text", TEXTS)
def test_printed_derivative_has_a_line_for_each_step(text: str) -> None:
    """`print` shows every step with its rule, in order."""
    tree = sbp.differentiate(text, "x")
    shown = " ".join(str(tree).split())
    at = 0
    for step in each(tree.steps):
        rule = language.say("en", message(f"rule.{step.rule.value}"))
        at = shown.index(rule, at) + len(rule)
    assert shown.startswith("d/dx")
    assert sbp.to_text(tree) == str(tree)


@pytest.mark.parametrize("text", TEXTS)
def test_derivative_shows_itself_in_a_notebook(text: str) -> None:
    """A notebook shows the same lines as one displayed formula."""
    tree = sbp.differentiate(text, "x")
    shown = tree._repr_markdown_()
    assert shown.strip().startswith("$$")
    assert shown.count(r"\text{(") == len(tree.steps)


@pytest.mark.parametrize("format", WRITTEN)
@pytest.mark.parametrize("code", ["en", "zh"])
def test_derivative_is_rendered_in_every_format(format: str, code: str) -> None:
    """`render` takes a derivative as it takes a solution, in every format and language; the rules are named in it."""
    shown = sbp.render(sbp.differentiate("x*sin(x)", "x"), format, code)
    assert isinstance(shown, str)
    assert language.say(code, message("rule.product")) in shown


def test_derivative_as_data_is_read_back() -> None:
    """The JSON has what was asked, the derivative as SymPy reads it, and the steps with their rules."""
    tree = sbp.differentiate("x*sin(x)", "x")
    found = json.loads(sbp.render(tree, "json"))
    x = sympy.Symbol("x", real=True)
    assert ["expression", "variable", "derivative", "steps"] == list(found)
    derivative = sympy.sympify(found["derivative"], {"x": x})
    assert 0 == sympy.expand(derivative - sympy.diff(sympy.sympify(found["expression"], {"x": x}), x))
    assert [step.rule for step in tree.steps] == [Rule(step["rule"]) for step in found["steps"]]
    assert "sin(x) + x cos(x)" == found["steps"][-1]["formula"]


def test_format_that_a_derivative_has_not_is_unknown() -> None:
    """A notebook recomputes numbers, and there are none; any other name leads to the nearest."""
    for format in each(("notebook", "latx")):
        with pytest.raises(UnknownNameError, match="format"):
            sbp.render(sbp.differentiate("x", "x"), format)


def run(*arguments: str) -> Any:
    """Return what the command says."""
    return CliRunner().invoke(cli.group, ["differentiate", *arguments], obj={})


def test_command_prints_the_steps() -> None:
    """`symbackprop differentiate` prints text; other formats and languages are asked for as elsewhere."""
    assert "product rule" in run("x*sin(x)", "x").output
    assert "积的求导法则" in run("x*sin(x)", "x", "--lang", "zh").output
    assert "cos" in json.loads(run("x*sin(x)", "x", "-f", "json").output)["derivative"]


def test_command_writes_a_file(tmp_path: Path) -> None:
    """With `-o` the steps are in a file."""
    assert "" == run("x*sin(x)", "x", "-f", "markdown", "-o", str(tmp_path / "a" / "d.md")).output
    assert "product rule" in (tmp_path / "a" / "d.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("x*", "x"), "expected a number"),
        (("sinn(x)", "x"), "sinn"),
        (("x", "2"), "2"),
        (("x", "x", "-f", "tex"), "format"),
    ],
)
def test_command_says_what_is_wrong(arguments: tuple[str, ...], match: str) -> None:
    """A mistake is one message."""
    found = run(*arguments)
    assert isinstance(found.exception, sbp.SymbackpropError)
    assert match in str(found.exception)
