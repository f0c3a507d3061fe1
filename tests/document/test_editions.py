"""Documents of a class, printed together: letter by letter those that are written one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from symbackprop import resources
from symbackprop.homework import class_printing, distribution
from symbackprop.homework.class_printing import Press, Pupil
from symbackprop.homework.enrolment import prepare
from symbackprop.homework.roster import numbered
from symbackprop.problems import load

GRID = {"low": "-1", "high": "1", "step": "1/10"}
DRAWS = {"W1": GRID, "W2": GRID, "x": {"choices": ["1/2", "1", "3/2", "2", "-1"]}}
POINTS = {"W1": GRID, "W2": GRID, "x": {"low": "0.05", "high": "0.95", "step": "0.05"}}

CASES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "sigmoid with fractions": ("homework", {}),
    "rows, deltas that are negative": (
        "homework",
        {
            "notation.layout": "row",
            "notation.delta_sign": "negative",
            "variants.x": POINTS["x"],
            "parameters.W2": [["0.7"], ["-0.4"]],
        },
    ),
    "gradients through activations": ("homework", {"notation.backward": "activation"}),
    "an optimizer with states": ("homework", {"training.optimizer": "adam"}),
    "relu and softmax": (
        "homework",
        {
            "network.layers": [{"units": 2, "activation": "relu"}, {"units": 2, "activation": "softmax"}],
            "network.loss": "cross_entropy",
            "parameters": {},
            "variants": {**DRAWS, "b1": GRID, "b2": GRID, "W2": GRID},
            "parameters.W1": [["0.3", "-0.5"], ["0.8", "0.2"]],
            "parameters.b1": ["0.1", "0.2"],
            "parameters.W2": [["0.7", "-0.4"], ["0.1", "0.9"]],
            "parameters.b2": ["0.2", "-0.3"],
            "data.y": [1, 0],
        },
    ),
    "more gradients than name all their factors": (
        "deep",
        {
            **{f"variants.{name}": GRID for name in ("W1", "W2", "W3")},
            **{f"parameters.{name}": ["0.1", "0.25", "-0.3"] for name in ("b1", "b2")},
            "parameters.b3": ["0.2"],
            "data.x": ["0.5", "1"],
            "training.steps": 1,
        },
    ),
    "2-2-2 with two samples": ("mazur", {f"variants.{name}": draw for name, draw in POINTS.items()}),
}
"""Problems with what is changed in them, by what they try."""


def _job(
    name: str, changes: Mapping[str, Any], count: int, folder: Any, format: str, language: str
) -> distribution.Job:
    source = load.find_source(name, list(changes.items()))
    return prepare(source, numbered(count), folder, seed=3, formats=[format], language=language).job


def _class(job: distribution.Job, count: int) -> tuple[Any, list[Pupil]]:
    given = distribution._assignment(job.manifest)
    pupils = distribution.pupils(given, job.manifest, range(count))
    names = ["Ann 100 %", "=cmd()", "李雷", r"\input{x} $a$ {_}", "O'Neil, <b>"]
    return given, [
        replace(pupil, header=replace(pupil.header, name=names[place % len(names)]))
        for place, pupil in enumerate(pupils)
    ]


@pytest.fixture
def printed_together(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return a list that takes up, for each document of a class, whether it was printed with the others."""
    found: list[bool] = []
    together = Press._together

    def counted(self: Press, *arguments: Any) -> Sequence[str | None]:
        texts = together(self, *arguments)
        found.extend(text is not None for text in texts)
        return texts

    monkeypatch.setattr(Press, "_together", counted)
    return found


@pytest.mark.parametrize(
    ("case", "format", "language"),
    [*((case, "markdown", "en") for case in CASES), ("sigmoid with fractions", "markdown-github", "zh")],
)
def test_documents_printed_together_are_those_printed_alone(
    case: str,
    format: str,
    language: str,
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
    printed_together: list[bool],
) -> None:
    """The shapes, the guard digits and the lines of each come out as they do for it alone; few are not printed together."""
    name, changes = CASES[case]
    count = 48
    given, pupils = _class(_job(name, changes, count, tmp_path, format, language), count)
    press = Press(given, format, language, None)
    sheets = press.sheets(pupils)
    assert printed_together == [True] * count
    printed_together.clear()
    keys = press.keys(pupils)
    assert len(printed_together) >= 6
    assert sum(printed_together) >= 0.9 * len(printed_together)
    monkeypatch.setattr(class_printing, "SMALLEST_CLASS", count + 1)
    assert (press.sheets(pupils), press.keys(pupils)) == (sheets, keys)


def test_formats_that_cannot_be_filled_are_written_one_by_one(tmp_path: Any, printed_together: list[bool]) -> None:
    """A page for browsers holds formulas as MathML too, which is no text with gaps."""
    given, pupils = _class(_job("homework", {}, 8, tmp_path, "html", "en"), 8)
    assert all("<math" in str(text) for text in Press(given, "html", "en", None).sheets(pupils))
    assert printed_together
    assert not any(printed_together)


TEMPLATES = {
    "a header in capitals": ("document.jinja", "<< document.title >>", "<< document.subtitle | join | upper >>"),
    "no displayed formula": ("blocks.jinja", "<< cell.left >> &<< cell.right >>", ""),
    "right sides alone": ("blocks.jinja", "<< cell.left >> &<< cell.right >>", "<< cell.right >>"),
    "every formula twice": ("blocks.jinja", "<< cell.right >>", "<< cell.right >> << cell.right >>"),
}
"""Templates of a user's own: the file, what stands in it, and what stands there instead."""


@pytest.mark.parametrize("case", TEMPLATES)
def test_templates_of_a_users_own_get_what_they_ask_for(
    case: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a template does with the parts of a document, it is filled rightly, or written one by one."""
    name, old, new = TEMPLATES[case]
    count = 12
    own = tmp_path / "own"
    (own / "markdown").mkdir(parents=True)
    text = (resources.folder("templates") / "markdown" / name).read_text("utf-8")
    assert old in text
    (own / "markdown" / name).write_text(text.replace(old, new), "utf-8")
    given, pupils = _class(_job("homework", {}, count, tmp_path, "markdown", "en"), count)
    press = Press(given, "markdown", "en", str(own))
    together = press.keys(pupils)
    monkeypatch.setattr(class_printing, "SMALLEST_CLASS", count + 1)
    assert press.keys(pupils) == together
