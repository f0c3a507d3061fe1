"""Mistakes in a text: what is wrong, with a caret below the place, whatever stands around it."""

from __future__ import annotations

import pytest

from symbackprop.algebra.mistakes import shown_at, wrong_count
from symbackprop.messages import message
from tests.helpers import each


@pytest.mark.parametrize("before", ["", "x", "½ + ", "中文 + ", "x" * 500, "a\tb\n"])
def test_caret_stands_below_the_place(before: str) -> None:
    """Full-width letters take two columns, and a long text is cut around the place."""
    error = shown_at(f"{before}? + y", len(before), message("expression.character", character="?"), close="y")
    text, caret = (
        str(error).splitlines()[-2:] if "y" not in str(error).splitlines()[-1] else str(error).splitlines()[1:3]
    )
    width = sum(2 if "\u4e00" <= letter <= "\u9fff" else 1 for letter in text[: text.index("?")])
    assert width == caret.index("^")
    assert len(text) < 150


def test_number_of_arguments_leads_to_the_name() -> None:
    """One argument more than a function takes was meant by its name; any other number is only wrong."""
    assert "by_name" in repr(wrong_count("softmax", 1, 2, "axis"))
    for found in each((0, 3)):
        assert "arguments" in repr(wrong_count("softmax", 1, found, "axis"))
    assert "arguments" in repr(wrong_count("exp", 1, 2))
