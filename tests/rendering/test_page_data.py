"""What a page has beside its document: which cells hold given numbers, and the problem as its file."""

from __future__ import annotations

import html
import json
import re
import tomllib
from fractions import Fraction

import pytest

import symbackprop as sbp
from symbackprop.algebra.formula import Name
from symbackprop.document.blocks import Table
from symbackprop.document.calculation.numerals import Style, show
from symbackprop.graph.notation import Conventions, Notation
from symbackprop.graph.scalars import Scalar
from symbackprop.messages import message
from symbackprop.problems.load import examples
from symbackprop.rendering import given_numbers, problem_file
from tests.documents import solved, text_of
from tests.helpers import each

MARKED = re.compile(f'"{problem_file.OPEN}([^{problem_file.CLOSE}"]*){problem_file.CLOSE}([^"]*)"')
PLAIN = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?(e[-+]?[0-9]+)?")


def file_of(name: str) -> str:
    """Return the problem file of a page, with the numbers of the problem."""
    text = html.unescape(problem_file.text(solved(name).derivation))
    return MARKED.sub(lambda found: found[2] if PLAIN.fullmatch(found[2]) else json.dumps(found[2]), text)


@pytest.mark.parametrize("name", examples())
def test_problem_file_of_a_page_is_the_problem(name: str) -> None:
    """It has the same model, numbers as they were written, training and notation."""
    problem = solved(name).problem
    read = sbp.problem(tomllib.loads(file_of(name), parse_float=str))
    for part in each(("model", "arrays", "training", "notation", "layout", "titles")):
        assert getattr(problem, part) == getattr(read, part), part


def test_result_is_no_field() -> None:
    """Of the same numbers under the same header those of computed quantities have no name, nor has a dash."""
    notation = Notation.of(solved("mazur").derivation.graph, Conventions())
    shown = show(Fraction(1, 2), Style(6))
    rows = tuple((Name(name), cell) for name in ("W1_1_1", "z1_1", "L") for cell in (shown, "–"))
    table = Table((message("column.quantity"), message("column.value")), rows, (False, True))
    assert ["W1_1_1", *[""] * 5] == [second for _, second in given_numbers.names(table, notation)]
    assert {""} == {first for first, _ in given_numbers.names(table, notation)}


@pytest.mark.parametrize("name", ["mazur", "xor", "line", "attention", "local_minima"])
def test_fields_hold_given_numbers(name: str) -> None:
    """Each field has the name of a number of the problem, or of a setting, and that number in it as it was written."""
    problem, graph = solved(name).problem, solved(name).derivation.graph
    written = {}
    for key, array in problem.arrays.items():
        quantity = graph.quantities[key]
        scalars = [Scalar(one, sample) for sample in graph.samples_of(quantity) for one in quantity.elements()]
        written |= {str(scalar): given.text for scalar, given in zip(scalars, array.entries, strict=True) if given}
    assert problem.training is None or not written.keys() & problem.training.settings.keys()
    written |= {} if problem.training is None else {key: given.text for key, given in problem.training.settings.items()}
    cells = re.findall(r'<td[^>]* data-name="([^"]*)">(.*?)</td>', str(text_of(name, "html")), re.DOTALL)
    for field, cell in each(cells):
        shown = re.search(r"<annotation[^>]*>(.*?)</annotation>", cell)
        assert shown
        number = Fraction(shown[1].replace(r"\approx", "").strip())
        assert abs(number - Fraction(written[field])) <= abs(number) / 10**5, field
