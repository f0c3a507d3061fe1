"""The partials that are stated so that nobody waits for SymPy: SymPy's own, and enough for small networks."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import pytest
import sympy

from symbackprop.algebra import known_partials, symbolic
from symbackprop.algebra.forms import form_of
from symbackprop.algebra.formula import Node, Slot
from symbackprop.arithmetic import exact
from tests.helpers import few


def at_two_points(partial: Node | None) -> list[str]:
    """Return the values of a partial at (2, 3/2) and (1/3, -2), to 40 digits."""
    assert partial is not None
    points = ((Fraction(2), Fraction(3, 2)), (Fraction(1, 3), Fraction(-2)))
    return [
        exact.CONTEXT.nstr(
            exact.to_real(
                exact.evaluate(partial, lambda part, at=point: at[part.index] if isinstance(part, Slot) else None)
            ),
            40,
        )
        for point in points
    ]


@pytest.mark.parametrize("text", known_partials.TABLE)
def test_known_partial_is_what_sympy_derives(text: str) -> None:
    """Each form has all its partials in the table, and they are SymPy's, sign by sign.

    Those of a power have values at 0, where SymPy's have none; away from it they are the same numbers.
    """
    formula = known_partials.over_slots(text)
    whole = symbolic.to_sympy(formula)
    slots = range(form_of(formula).arity)
    derived = [symbolic.from_sympy(sympy.diff(whole, symbolic.slot_symbol(slot))) for slot in slots]
    known = [known_partials.of(formula, slot) for slot in slots]
    if text == "p**q":
        derived, known = (list(map(at_two_points, partials)) for partials in (derived, known))
    assert derived == known
    assert len(known_partials.TABLE[text]) == len(derived)


def test_unknown_form_is_left_to_sympy() -> None:
    """A form that is not in the table has no partial in it."""
    assert known_partials.of(known_partials.over_slots("p*q*r*s"), 0) is None


@pytest.mark.parametrize(
    "arguments",
    few(
        [
            pytest.param(("train", "xor")),
            pytest.param(("solve", "mazur", "-f", "latex", "-o", "-")),
            pytest.param(("solve", "xor", "-f", "html", "-o", "-")),
        ],
        1,
    ),
)
def test_command_on_a_small_network_never_imports_sympy(arguments: tuple[str, ...]) -> None:
    """Solving and training a network of usual functions needs no more partials than there are in the table."""
    script = (
        "import sys\nfrom symbackprop.cli import main\n"
        "try:\n    main(sys.argv[1:])\nfinally:\n    print('sympy' in sys.modules, file=sys.stderr)\n"
    )
    finished = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    assert finished.stderr.splitlines()[-1] == "False"
