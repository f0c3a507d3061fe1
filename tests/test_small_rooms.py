"""Rooms that their wings use through others, asked alone."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

import symbackprop as sbp
from symbackprop.algebra.formula import Name
from symbackprop.document import derivatives
from symbackprop.errors import OutputError, ProblemError, UnknownNameError
from symbackprop.figures import histories
from symbackprop.messages import message
from symbackprop.problems import accepted_targets, data_file, findings
from symbackprop.rendering.layout import scalar_formulas
from symbackprop.rendering.layout.boxes import Sign
from symbackprop.templating import filling

ONE_HOT = {
    "network": {"inputs": 1, "loss": "hinge", "layers": [{"units": 2, "activation": "linear"}]},
    "parameters": {"W1": [[1], [2]], "b1": [0, 0]},
    "data": {"x": [[1], [2]], "y": [[1, 0], [0, 1]]},
}


def test_letters_of_a_derivative_are_no_quantities() -> None:
    """A name of a formula becomes a letter: nothing looks up its value."""
    lettered = derivatives.lettered(Name("x"))
    assert "x" == lettered.symbol.base  # type: ignore[union-attr]
    document = derivatives.compose(sbp.differentiate("x**2", "x"))
    assert 1 == len(document.sections)


def test_curve_of_a_history_has_its_losses() -> None:
    """The points of the curve are the losses before each update of the training, and the one after the last."""
    history = sbp.train(sbp.example("xor"), epochs=5)
    (series,) = histories.curve(history).series
    assert list(enumerate(history.losses)) == [tuple(point) for point in series.points[:-1]]
    assert (5, sbp.train(sbp.example("xor"), epochs=6).losses[5]) == tuple(series.points[-1])


def test_target_that_a_loss_cannot_take_is_said_with_its_place() -> None:
    """What the loss needs and what was found stand in the message, the place before it."""
    problem = sbp.problem(ONE_HOT)
    accepted_targets.check_targets(problem.network, problem.arrays["y"], problem.samples)
    wrong = sbp.problem(
        {**ONE_HOT, "network": {**ONE_HOT["network"], "loss": "squared_error"}, "data": {"x": [[1]], "y": [[3, 4]]}}
    )
    with pytest.raises(ProblemError, match=r"data.y\[0\].*the loss hinge takes"):
        accepted_targets.check_targets(problem.network, wrong.arrays["y"], 1)


def test_samples_of_a_file_are_its_rows(tmp_path: Path) -> None:
    """Inputs and targets come from the columns that the table names, exactly as they are written."""
    path = tmp_path / "rows.csv"
    path.write_text("y,x\n0.1,0.30\n1,2\n", "utf-8")
    network = sbp.problem(
        {"network": {"inputs": ["x"], "loss": "squared_error", "layers": [{"units": 1, "activation": "linear"}]}}
    ).network
    found = data_file.read({"file": "rows.csv"}, network, tmp_path)
    assert ["0.30", "2"] == [given.text for given in found.x.entries if given is not None]
    assert ["0.1", "1"] == [given.text for given in found.y.entries if given is not None]


def test_finding_is_a_message_with_its_key() -> None:
    """A key that no table has is named as the file writes it, with the nearest that there is."""
    assert "network.layers[0].units" == findings.spell_key(["network", "layers", 0, "units"])
    with pytest.raises(UnknownNameError, match=r"network: unknown key \"input\"[\s\S]*\"inputs\""):
        findings.checked({"network": {"input": 2}})


def test_failing_template_is_one_error_with_its_line() -> None:
    """Whatever goes wrong while a template is filled comes with the place where it stands."""
    environment = filling.environment(jinja2.DictLoader({"good": "<< a >>!", "bad": "\n<< a.b.c >>"}))
    assert "1!" == filling.fill(environment, "good", "good", {"a": 1})
    with pytest.raises(OutputError, match=r"line 2.*no attribute 'b'"):
        filling.fill(environment, "bad", "bad", {"a": 1})
    assert "text" == filling.told({}, {"an.id": "text"})["say"]("an.id")  # type: ignore[operator]
    assert {} == filling.told({}, None)
    assert message("render.memory").id == "render.memory"


def test_two_relations_have_signs_of_their_own() -> None:
    """A line that is exact and one that is rounded are told apart."""
    assert {Sign("="), Sign("≈")} == set(scalar_formulas.RELATIONS.values())
