"""Parts of scripts and notebooks: lines of one library, what a template sees, targets, cells, the training loop."""

from __future__ import annotations

import ast

import numpy as np
import pytest

import symbackprop as sbp
from symbackprop.algebra.array_operations import ARRAY_OPERATIONS
from symbackprop.errors import UnknownNameError
from symbackprop.problems.load import examples
from symbackprop.scripts import libraries, script, targets
from symbackprop.scripts.notebook import cells, training_loop
from symbackprop.scripts.script_lines import COUNT, Piece
from symbackprop.scripts.script_parts import RESERVED, Parts
from tests.documents import solved
from tests.helpers import each


@pytest.mark.parametrize(("number", "text"), [(1.0, "1"), (-2.0, "-2"), (0.5, "0.5"), (1e-9, "1e-09")])
def test_number_is_spelled_as_a_person_types_it(number: float, text: str) -> None:
    """Whole numbers have no point, and every number reads back as itself."""
    assert text == libraries.spelled(number)
    assert number == float(libraries.spelled(number))


def test_library_spells_the_functions_it_has() -> None:
    """NumPy's and PyTorch's reductions are calls of their own module; PyTorch differentiates by itself."""
    for library, prefix in ((libraries.NUMPY, "np"), (libraries.TORCH, "torch")):
        assert prefix == library.name
        calls = [row.calls[library.name] for row in each(ARRAY_OPERATIONS.values()) if row.is_reduction]
        assert all(call.startswith(f"{prefix}.") for call in each(calls, least=4))
    assert (False, True) == (libraries.NUMPY.differentiates, libraries.TORCH.differentiates)


def test_piece_is_put_into_parentheses_where_something_follows() -> None:
    """An expression that binds loosely is bracketed before an index and nowhere else."""
    loose = Piece("a + b", (2,), varies=True, level=0)
    assert "a + b" == loose.text
    assert loose.with_axis(0).text.startswith("(a + b)[")


def test_parts_of_a_script_are_lines_of_python() -> None:
    """Each line of the forward pass assigns one expression to a name that no function of the script has."""
    parts = Parts(sbp.example("mazur"), libraries.NUMPY)
    view = parts.view()
    assert set(parts.names.values()).isdisjoint(RESERVED)
    assert "m" == COUNT
    for line in each(view["forward"], least=5):
        ast.parse(f"{line.name} = {line.text}")
        assert line.shape


@pytest.mark.parametrize("target", [row.name for row in targets.TARGETS.values() if row.language is None])
def test_target_writes_a_script_that_parses(target: str) -> None:
    """Every target has a template and a library; a target that does not exist is named."""
    tree = ast.parse(script(sbp.example("line"), target))
    assert any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in tree.body)
    with pytest.raises(UnknownNameError, match="fortran"):
        targets.script(sbp.example("line"), "fortran")


class Words:
    """The phrases of a notebook, as their ids."""

    def plain(self, id: str) -> str:
        """Return the id."""
        return id

    def markdown(self, ids: object) -> object:
        """Return the ids."""
        return ("markdown", ids)

    def names(self, rows: object) -> object:
        """Return the rows."""
        return ("markdown", rows)


def test_cells_of_a_notebook_follow_the_solution() -> None:
    """The parts are the given numbers, the passes, the update and the checks, in that order."""
    names = [name for name, _, _ in cells.parts(solved("mazur"), Words())]  # type: ignore[arg-type]
    assert "given" == names[0]
    assert names.index("forward") < names.index("backward") < names.index("update")


@pytest.mark.parametrize("name", [name for name in examples() if name in ("mazur", "line", "circuit")])
def test_training_loop_of_a_notebook_computes_the_losses(name: str) -> None:
    """The functions and the loop, run after the arrays of the notebook, are valid Python; no update, no loop."""
    found = training_loop.training(solved(name))
    lines = training_loop.arrays(solved(name))
    space: dict[str, object] = {"np": np}
    for line in each(lines):
        exec(line, space)
    assert (found is None) == (solved(name).problem.training is None)
    if found is not None:
        for text in found:
            ast.parse(text)
