"""What can be asked: elements, arrays, layers, states of the optimizer, later steps; in networks and graphs alike."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import symbackprop as sbp
from symbackprop import cli
from symbackprop.by_hand.answer_ids import id_of
from symbackprop.by_hand.hand_computation import LINE, NEW, PATH, evaluation, gradient_key, hand_computation, key_parts
from symbackprop.catalog.optimizers import OPTIMIZERS, RATE
from symbackprop.catalog.schedules import SCHEDULES
from symbackprop.derivation.derivations import Derivation, derive
from symbackprop.descent.solution import Solution, solve
from symbackprop.evaluation.arithmetics import EXACT, arithmetic_of
from symbackprop.evaluation.evaluate import leaves
from symbackprop.homework.assignments.answers import askable
from symbackprop.homework.assignments.variants import HomeworkAssignment, assignment
from symbackprop.homework.classes.roster import Roster, Student, numbered
from symbackprop.homework.handouts import enrolment
from symbackprop.homework.marks.marking import Marker, MarkVerdict
from symbackprop.problems import asked, load
from symbackprop.problems.asked import AskedEntry
from tests.helpers import each, few
from tests.homework import term

ROWS = {
    "step": {"kind": "step", "step_size": 1, "gamma": "1/2"},
    "exponential": {"kind": "exponential", "gamma": "4/5"},
}
TWO_STEPS = {"optimizer": "adam", "learning_rate": "1/10", "steps": 2}
NETWORK: Mapping[str, Any] = {
    "network": {
        "inputs": 2,
        "loss": "half_squared_error",
        "layers": [{"units": 2, "activation": "sigmoid"}, {"units": 1}],
    },
    "parameters": {"W1": [["1/2", "-1/4"], ["1/3", 1]], "b1": [0, "1/10"], "W2": [["3/4", -1]], "b2": ["1/5"]},
    "data": {"x": [[1, 2], [-1, "1/2"]], "y": [[1], [0]]},
    "training": TWO_STEPS,
    "variants": {"W1": term.TENTHS, "W2": term.TENTHS},
}
GRAPH: Mapping[str, Any] = {**term.TERM["recurrent"], "training": TWO_STEPS}


def ready(table: Mapping[str, Any], ask: list[str], **homework: Any) -> HomeworkAssignment:
    """Return a problem that asks for something."""
    return assignment(load.problem({**table, "homework": {"ask": ask, **homework}}, name="asked"))


@pytest.mark.parametrize(
    ("entry", "ids"),
    [
        ("dL_dW1_2_1", "dL_dW1_2_1"),
        ("dL_dW1", "dL_dW1_1_1 dL_dW1_1_2 dL_dW1_2_1 dL_dW1_2_2"),
        ("new_W2", "new_W2_1_1 new_W2_1_2"),
        ("z1@2", "z1_1@2 z1_2@2"),
        ("z1_2@2", "z1_2@2"),
        ("z2@step1", "z2_1@1 z2_1@2"),
        ("dL_da1_1", "dL_da1_1@1 dL_da1_1@2"),
        ("dL_da1_1@1", "dL_da1_1@1"),
        ("dL_dz2@2", "dL_dz2_1@2"),
        ("m_W1_2_1", "m_W1_2_1"),
        ("v_b1", "v_b1_1 v_b1_2"),
        ("m_hat_b2@step2", "m_hat_b2_1@step2"),
        ("new_W1_2_1@step2", "new_W1_2_1@step2"),
        ("z2_1@1@step2", "z2_1@1@step2"),
        ("L@step2", "new_L"),
        ("new_L@step2", "new_L@step2"),
        ("dL_db1@step2", "dL_db1_1@step2 dL_db1_2@step2"),
        ("layer2@step2", "z2_1@1@step2 z2_1@2@step2 a2_1@1@step2 a2_1@2@step2 dL_dz2_1@1@step2 dL_dz2_1@2@step2 "
         "dL_dW2_1_1@step2 dL_dW2_1_2@step2 dL_db2_1@step2 new_W2_1_1@step2 new_W2_1_2@step2 new_b2_1@step2"),
    ],
)  # fmt: skip
def test_entries_of_a_network(entry: str, ids: str) -> None:
    """An element, an array, a layer, a state, a sample, a step: each stands for its answers and no other."""
    found = ready(NETWORK, [entry])
    assert ids.split() == [answer.id for answer in found.answers]


@pytest.mark.parametrize(
    ("entry", "ids"),
    [
        ("z_2", "z_2"),
        ("dL_dWx_1_2", "dL_dWx_1_2"),
        ("new_v@step2", "new_v_1@step2 new_v_2@step2"),
        ("m_Wh_2_1@step2", "m_Wh_2_1@step2"),
        ("h@step2", "h_1@step2 h_2@step2"),
        ("v_b", "v_b_1 v_b_2"),
    ],
)
def test_entries_of_a_graph(entry: str, ids: str) -> None:
    """Graphs are asked like networks; the state v beside a parameter v is asked by its parameter."""
    assert ids.split() == [answer.id for answer in ready(GRAPH, [entry]).answers]


@pytest.mark.parametrize(
    ("entry", "close"),
    [
        ("dL_dW1_3_1", "dL_dW1_2_1"),
        ("dL_dW_1", "dL_dW1"),
        ("new_w1", "new_W1"),
        ("m_W3", "m_W2"),
        ("lyaer2", "layer2"),
        ("z1_2@3", "z1_2@2"),
        ("u_W1", "v_W1"),
    ],
)
def test_unknown_entries_name_the_nearest(entry: str, close: str) -> None:
    """What is asked is there, or the nearest that is there is named."""
    with pytest.raises(sbp.UnknownNameError) as caught:
        ready(NETWORK, ["L", entry])
    assert caught.value.nearest == close
    assert "homework.ask[1]" in str(caught.value)


@pytest.mark.parametrize(("steps", "entry"), [(1, "L@step2"), (2, "new_W1@step3")])
def test_a_step_that_is_not_made_is_not_asked(steps: int, entry: str) -> None:
    """`steps` says how many there are."""
    table = {**NETWORK, "training": {**TWO_STEPS, "steps": steps}}
    with pytest.raises(sbp.ProblemError, match=f"the training has {steps}"):
        ready(table, [entry])


def test_updates_by_batches_are_no_homework() -> None:
    """What is asked is an update by all samples; the solution would show another."""
    with pytest.raises(sbp.ProblemError, match="batch_size"):
        ready({**NETWORK, "training": {**TWO_STEPS, "batch_size": 1}}, ["L"])
    assert ready({**NETWORK, "training": {**TWO_STEPS, "batch_size": 2}}, ["L"]).answers


@pytest.mark.parametrize("table", [NETWORK, GRAPH], ids=["network", "graph"])
def test_every_entry_can_be_asked_alone(table: Mapping[str, Any]) -> None:
    """What the list of entries has is taken, stands for what it says, and ids are names of one number."""
    derivation = derive(load.problem({**table, "homework": {}}, name="asked"))
    computation = hand_computation(derivation, steps=2)
    known = askable(computation)
    for entry in each(random.Random(2).sample(sorted(known), 40), least=40):
        found = ready(table, [entry])
        assert set(known[entry]) == {answer.key for answer in found.answers}
    ids = {id_of(key, derivation.graph): key for key in computation.by_key if PATH not in key}
    assert len(ids) == len([key for key in computation.by_key if PATH not in key])
    for array in each(asked.askable_arrays(derivation.problem), least=20):
        entry = AskedEntry.read(array)
        assert entry.name == array and entry.step == 1
        assert array in known or array == "v", array


def test_points_and_kinds_belong_to_the_narrowest_entry() -> None:
    """Of two entries that both stand for an answer the one that stands for fewer says its points."""
    found = ready(
        NETWORK,
        ["gradients", "dL_dW1", "dL_dW1_2_1"],
        points={"dL_dW1_2_1": 3, "dL_dW1": 2},
        answers={"dL_dW1_2_1": "both"},
    )
    assert {"dL_dW1_1_1": 2, "dL_dW1_2_1": 3, "dL_dW2_1_1": 1}.items() <= found.most.items()
    assert ["dL_dW1_2_1"] == [a.id for a in found.answers if found.homework.rules.kinds[a.group] == "both"]


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
@pytest.mark.parametrize("table", [NETWORK, GRAPH], ids=["network", "graph"])
def test_steps_are_those_of_the_solution(optimizer: str, table: Mapping[str, Any]) -> None:
    """Every value, gradient, state and new parameter of three steps, for each optimizer, with a rate that changes."""
    kind = random.Random(optimizer).choice(sorted(ROWS))
    assert SCHEDULES[kind]
    training = {"optimizer": optimizer, "learning_rate": "1/10", "steps": 3, "schedule": ROWS[kind]}
    problem = load.problem({**table, "training": training, "homework": {}}, name="asked")
    solved, derivation = solve(problem, full_steps=3), derive(problem)
    found = numbers_of(derivation, 3)
    for key, value in each(found.items(), least=40):
        expected = solved_number(solved, key)
        assert expected is None or float(value) == pytest.approx(float(expected), rel=1e-12), key


def numbers_of(derivation: Derivation, steps: int) -> Mapping[str, Any]:
    """Return what a hand computation of so many steps finds, exactly."""
    shared, samples = leaves(derivation, EXACT)
    known = {**shared, **{f"{key}@{n}": value for n, sample in enumerate(samples, 1) for key, value in sample.items()}}
    training = derivation.problem.training
    assert training is not None
    known[RATE] = training.settings[RATE].value
    equations = hand_computation(derivation, steps=steps).equations
    return evaluation(equations, arithmetic_of(derivation.problem)).forward(known, ()).shared


def solved_number(solved: Solution, key: str) -> Any:
    """Return what the solution has for a key; None for a product on the way, and for what is given."""
    updates, is_gradient, (name, sample), line = key_parts(key)
    if PATH in key:
        return None
    if name == RATE:
        return solved.steps[updates].change.learning_rate  # type: ignore[union-attr]
    before = None if not updates else solved.steps[updates - 1].change
    if line:
        assert before is not None
        return before.lines[name][line]
    if is_gradient:
        return solved.steps[updates].values.gradient(name, sample)
    if before is not None and name in before.new:
        return before.new[name]
    values = solved.after if updates == len(solved.steps) else solved.steps[updates].values
    assert values is not None
    return values.value(name, sample)


@pytest.mark.parametrize("table", few([NETWORK, GRAPH], 1), ids=["network", "graph"])
def test_honest_students_get_all_points_in_later_steps(table: Mapping[str, Any]) -> None:
    """Who rounds as told is right everywhere; a wrong number in step 1 is followed into step 2."""
    found = ready(
        table, ["gradients", "m", "v_b1" if table is NETWORK else "v_b", "updated", "gradients@step2", "updated@step2"]
    )
    cohort, chance = term.drawn(found, 10), random.Random(1)
    marker = Marker(found)
    for place in range(10):
        values, allowed = term.of(cohort, place)
        written = term.worked(found, values, {}, chance)
        marks = marker.mark(values, allowed, {a.id: repr(written[a.key]) for a in found.answers})
        assert {mark.verdict for mark in marks} == {MarkVerdict.CORRECT}
        slipped = next(a for a in found.answers if NEW not in a.key)
        written = term.worked(found, values, {slipped.key: term.SLIPS["near"]}, chance)
        marks = marker.mark(values, allowed, {a.id: repr(written[a.key]) for a in found.answers})
        verdicts = {mark.answer.id: mark.verdict for mark in marks}
        assert verdicts.pop(slipped.id) is MarkVerdict.WRONG
        assert set(verdicts.values()) <= {MarkVerdict.CORRECT, MarkVerdict.FOLLOW_THROUGH}


def test_formulas_name_numbers_of_later_steps() -> None:
    """In the names that the sheet has for them."""
    table = {**NETWORK, "training": {"learning_rate": "1/10", "steps": 2}}
    found = ready(table, ["gradients@step2", "new_b2@step2"], answers="formulas")
    marker, cohort = Marker(found), term.drawn(found, 1)
    texts = {
        "new_b2_1 - learning_rate*dL_db2_1@step2": MarkVerdict.CORRECT,
        "new_b2_1 - η·dL/db2_1@step2": MarkVerdict.CORRECT,
        "b2_1 - learning_rate*dL_db2_1@step2": MarkVerdict.WRONG,
    }
    for text, verdict in each(texts.items()):
        marks = marker.mark(*term.of(cohort, 0), {"new_b2_1@step2": text})
        assert verdict is next(m.verdict for m in marks if m.answer.id == "new_b2_1@step2"), text


def test_kinks_of_later_steps_are_looked_at() -> None:
    """A draw with a kink within rounding of the second pass is no fair one; inactive units owe zeros there, too."""
    table = {**NETWORK, "training": {"learning_rate": "1/10", "steps": 2}}
    table["network"] = {**table["network"], "layers": [{"units": 2, "activation": "relu"}, {"units": 1}]}  # type: ignore[dict-item]
    found = ready(table, ["z1", "a1", "gradients", "updated", "gradients@step2"])
    cohort = term.drawn(found, 12)
    key = gradient_key(f"{NEW}W1_1_1")
    assert key in cohort.values and (cohort.values[key] != 0).any()


@pytest.mark.parametrize(
    ("changed", "warned"),
    [
        ({"optimizer": "adam"}, True),
        ({"optimizer": "adam", "state": {"m": {"W1": [["1/10"]]}, "v": {"W1": [["1/50"]]}}}, False),
        ({"optimizer": "momentum"}, False),
    ],
)
def test_a_first_step_that_is_the_same_for_all_is_warned_about(
    changed: dict[str, Any], warned: bool, tmp_path: Path
) -> None:
    """In a first step Adam moves every weight by the learning rate, whatever was drawn; not where a state is given."""
    table = {
        **term.TERM["adam"],
        "training": {**term.TERM["adam"]["training"], **changed},
        "homework": {"ask": ["new_W1"]},
    }
    source = load.Source(table, Path("problem"))
    students = Roster(("id",), tuple(Student(str(n), "", {"id": str(n)}) for n in range(5)))
    given = enrolment.prepare([source], students, tmp_path / "class", seed=1, formats=("markdown",), language="en")
    told = [remark for remark in given.remarks if remark.id == "homework.same_steps"]
    assert bool(told) is warned
    assert not told or "new_W1_1_1" in str(told[0].arguments)


def test_an_inactive_unit_is_no_step_of_the_learning_rate(tmp_path: Path) -> None:
    """Its weights stay as they are on every sheet: they did not move by the learning rate."""
    table = {
        "network": {
            "inputs": 1,
            "loss": "half_squared_error",
            "layers": [{"units": 2, "activation": "relu"}, {"units": 1}],
        },
        "parameters": {"W1": [["3/2"], ["-1/2"]], "b1": [0, 0], "W2": [["2/5", "3/5"]], "b2": [0]},
        "data": {"x": [2], "y": [1]},
        "training": {"learning_rate": "1/10"},
        "variants": {"x": {"choices": [2, 3, 4, 5]}, "W2": {"low": -1, "high": 1, "step": "1/10"}},
        "homework": {"ask": ["updated"]},
    }
    given = enrolment.prepare(
        [load.Source(table, Path("relu"))], numbered(4), tmp_path, seed=1, formats=("text",), language="en"
    )
    assert {"new_W1_2_1"} <= {answer.id for part in given.job.manifest.problem_set().parts for answer in part.answers}
    assert "homework.same_steps" not in [remark.id for remark in given.remarks]


def test_keys_are_taken_apart() -> None:
    """Arrows count updates."""
    assert key_parts(f"{NEW}{NEW}W1_1_1{LINE}m_hat").line == "m_hat"
    assert (1, True, ("z1_2", 3), "") == key_parts(gradient_key(f"{NEW}z1_2@3"))


def test_sheets_forms_and_marks_of_later_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sheet says which step and which state is meant, the key works both steps out, and all of it is marked."""
    monkeypatch.chdir(tmp_path)
    Path("two.toml").write_text(
        """
[network]
inputs = 1
loss = "half_squared_error"
layers = [{ units = 1 }]
[parameters]
W1 = [[0.5]]
b1 = [0]
[data]
x = [2]
y = [3]
[training]
optimizer = "momentum"
learning_rate = 0.1
steps = 2
[variants]
W1 = { low = -1, high = 1, step = "1/10" }
x = { choices = [1, 2, 3] }
[homework]
ask = ["gradients", "v", "updated", "gradients@step2", "v@step2", "new_W1@step2"]
"""
    )

    def run(*arguments: str) -> None:
        with pytest.raises(SystemExit) as ended:
            cli.main(list(arguments))
        assert not ended.value.code, capsys.readouterr().err

    for lang, words in each({"en": "in step 2", "zh": "第 2 步"}.items()):
        run("homework", "two.toml", "--variants", "2", "-f", "markdown", "--lang", lang, "--forms", "-o", lang)
        sheet = Path(lang, "students/sheets/1.md").read_text().replace("\\", "")
        assert words in sheet and "v_W1_1_1@step2" in sheet and "new_W1_1_1@step2" in sheet
        assert words in Path(lang, "students/forms/1.html").read_text()
        assert Path(lang, "teacher/keys/1.md").read_text().count("v^{(1)}_{W_{11},2}") >= 3
    rows = Path("en/teacher/answers.csv").read_text().splitlines()
    lines = ["student,answer,value", *(",".join((row.split(",")[0], *row.split(",")[2:4])) for row in rows[1:])]
    Path("in.csv").write_text("\n".join(lines) + "\n")
    run("grade", "en", "in.csv", "--quiet")
    assert "wrong" not in Path("en/teacher/marks/report.csv").read_text()
    assert "@step2" in Path("en/teacher/marks/report.csv").read_text()
