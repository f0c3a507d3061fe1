"""Numbers are diagnosed: every mistake by its name and place, honest numbers never, published slips by their causes."""

from __future__ import annotations

import csv
import functools
import json
import math
import random
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

import symbackprop as sbp
from symbackprop.by_hand.answer_ids import id_of
from symbackprop.by_hand.hand_computation import PATH
from symbackprop.cli.commands import diagnose as diagnose_command
from symbackprop.document import diagnosis_document
from symbackprop.document.answer_symbols import symbol
from symbackprop.document.blocks import Table
from symbackprop.errors import ProblemError, UnknownNameError
from symbackprop.mistakes import numbers_given
from symbackprop.mistakes.changes import Change
from symbackprop.mistakes.diagnosing import diagnose, examination_of
from symbackprop.mistakes.diagnosis import examined
from symbackprop.mistakes.examination import Examination
from symbackprop.mistakes.roundings import rounded_runs
from symbackprop.mistakes.verdicts import DiagnosedAnswer, Finding
from symbackprop.rendering import diagnosis_formats
from tests import random_problems
from tests.helpers import each, few, only
from tests.test_reference_cases import CASES, problem_of

EXACT = 1e-9
"""A difference by which a number of fifteen digits is told from the right one."""
LARGEST = 1e6


@functools.cache
def examination(seed: int) -> Examination | None:
    """Return the examination of a random problem, None where it is none of gradient descent or its numbers explode."""
    try:
        found = Examination(sbp.derive(sbp.problem(random_problems.problem(seed))))
    except ProblemError:
        return None
    return found if all(abs(value) < LARGEST for value in found.values.values()) else None


def asked(found: Examination) -> list[str]:
    """Return the keys of all that can be asked of a problem."""
    graph = found.derivation.graph
    return [key for key in found.computation.by_key if PATH not in key and id_of(key, graph) in found.named]


def paper(found: Examination, values: Mapping[str, float], keys: list[str]) -> dict[str, str]:
    """Return numbers as they are typed with fifteen digits."""
    graph = found.derivation.graph
    return {
        id_of(key, graph): f"{values[key]:.14e}" if values[key] else "0" for key in keys if math.isfinite(values[key])
    }


def names_of(answers: Iterator[DiagnosedAnswer]) -> set[str]:
    """Return the mistakes that are named, or possible, and those conventions that are accepted."""
    return {one.id for answer in answers for one in (*answer.mistakes, *answer.possible)}


def one_of_each(found: Examination, draw: random.Random) -> Iterator[tuple[Change, dict[str, float], list[str]]]:
    """Yield one change of each mistake that shows, with all numbers under it and the keys of those that are others."""
    changes = list(found.mistakes)
    draw.shuffle(changes)
    seen: set[str] = set()
    for change in changes:
        if change.mistake.name in seen:
            continue
        values = {**found.values, **found.consequences.under(change, found.values)}
        touched = [
            key
            for key in asked(found)
            if EXACT < abs(values[key] - found.values[key]) < LARGEST
            and abs(values[key] - found.values[key]) > EXACT * abs(found.values[key])
        ]
        if touched:
            seen.add(change.mistake.name)
            yield change, values, touched


ACCEPTED = (Finding.CONVENTION, Finding.ROUNDED, Finding.RIGHT)
"""What a number may be instead, where that explains it as well: it cannot be told apart."""


@pytest.mark.parametrize("seed", only(range(200), 0, 33, 64, 86, 94, 102, 103, 106, 163))
def test_every_mistake_is_found_by_its_last_number(seed: int) -> None:
    """One number that a mistake makes is explained by it, or by several of which it is one."""
    found = examination(seed)
    if found is None:
        return
    draw = random.Random(seed)
    for change, values, touched in each(one_of_each(found, draw)):
        (answer,) = examined(found, paper(found, values, [draw.choice(touched)])).answers
        assert change.mistake.name in names_of(iter([answer])) or answer.verdict in ACCEPTED, (
            change.mistake.name,
            answer,
        )


@pytest.mark.parametrize("seed", few(range(100), 10))
def test_every_mistake_is_found_step_by_step(seed: int) -> None:
    """On a whole paper a mistake is found where it is made, and all that is computed from it follows."""
    found = examination(seed)
    if found is None:
        return
    for change, values, _ in each(one_of_each(found, random.Random(f"steps {seed}"))):
        answers = examined(found, paper(found, values, asked(found))).answers
        odd = [one for one in answers if one.verdict not in (Finding.RIGHT, Finding.FOLLOW_THROUGH)]
        kept = {one.verdict for one in odd} <= set(ACCEPTED)
        assert change.mistake.name in names_of(iter(odd)) or kept, (change.mistake.name, odd)


def honest(found: Examination, draw: random.Random) -> dict[str, str]:
    """Return an honest paper: right numbers rounded at the end, or rounded on the way, to some digits."""
    runs = [run for run in found.rounded if run.mistake == "rounded_early"]
    run = draw.choice(runs)
    values = draw.choice([found.values, run.written])
    keys = draw.sample(asked(found), max(1, len(asked(found)) // draw.choice((1, 1, 2, 4))))
    form = f".{run.digits - 1}e" if run.significant else f".{run.digits}f"
    graph = found.derivation.graph
    return {id_of(key, graph): format(values[key], form) for key in keys if math.isfinite(values[key])}


@pytest.mark.parametrize("seed", few(range(150), 30))
def test_honest_numbers_are_never_called_mistakes(seed: int) -> None:
    """Numbers rounded at the end or on the way are right, rounded, or follow: no mistake is named or suspected."""
    found = examination(seed)
    if found is None:
        return
    draw = random.Random(f"honest {seed}")
    for _ in range(5):
        for answer in each(examined(found, honest(found, draw)).answers):
            assert answer.verdict not in (Finding.MISTAKE, Finding.POSSIBLE, Finding.CONVENTION), answer


def test_number_rounded_on_the_way_in_its_own_digits_is_rounded() -> None:
    """Where it is too near the right number to be told from it by its digits, and a mistake makes it, too."""
    found = examination(119)
    assert found is not None
    (answer,) = examined(found, {"a2_3@1@step2": "8.6e-01"}).answers
    assert (Finding.ROUNDED, ["rounded_early"]) == (answer.verdict, [one.id for one in answer.mistakes])


def test_mazurs_loss_is_that_of_updated_weights() -> None:
    """The best-known published slip, by one number: the loss after the update."""
    (answer,) = diagnose("mazur", {"new_L": 0.291027924}).answers
    assert Finding.MISTAKE is answer.verdict
    assert [("updated_weights", ("dL_da1_1", "dL_da1_2"))] == [(one.id, one.at) for one in answer.mistakes]
    assert math.isclose(0.29102777369, answer.expected, rel_tol=1e-10)
    (right,) = diagnose("mazur", {"new_L": "0.291028"}).answers
    assert Finding.RIGHT is right.verdict


PUBLISHED = (
    ("rgu_2-2-1", {"a1_1": "0.68", "a1_2": "0.6637", "dL_dz2_1": "0.0406", "new_W2_1_1": "0.272392",
                   "new_W2_1_2": "0.87305", "dL_dz1_1": "2.406e-3", "dL_dz1_2": "7.916e-3"},
     {"dL_dz1_1": "updated_weights", "dL_dz1_2": "updated_weights"}),
    ("gfg_2-2-1", {"a1_1": "0.56", "a1_2": "0.59", "dL_dz2_1": "0.0376", "dL_dz1_2": "0.0819", "new_W2_1_2": "0.877816"},
     {"dL_dz1_2": "misplaced_point"}),
    ("brownlee_2-1-2", {"a2_1": "0.6213859615555266", "a2_2": "0.6573693455986976", "dL_dz1_1": "0.0005348048046610517"},
     {"a2_1": "dropped_term", "a2_2": "dropped_term"}),
)  # fmt: skip


@pytest.mark.parametrize(("name", "numbers", "causes"), PUBLISHED, ids=[name for name, *_ in PUBLISHED])
def test_published_slips_are_found_by_their_causes(name: str, numbers: dict[str, str], causes: dict[str, str]) -> None:
    """Other worked examples in print, with the digits in which they stand there."""
    found = diagnose(problem_of(CASES[name]), numbers)
    named = {one.answer: one.mistakes[0].id for one in found.answers if one.verdict is Finding.MISTAKE}
    assert causes == named


def test_conventions_are_accepted_where_all_numbers_keep_them() -> None:
    """δ with the other sign is right beside right gradients; with a wrong gradient it is a wrong sign."""
    kept = diagnose("mazur", {"dL_dz2_1": "-0.1384986", "dL_dz2_2": "0.0380982", "dL_dW2_1_1": "0.08216704"}).answers
    assert [Finding.CONVENTION, Finding.CONVENTION, Finding.RIGHT] == [one.verdict for one in kept]
    assert {"negative_delta"} == names_of(iter(kept))
    mixed = diagnose("mazur", {"dL_dz2_1": "-0.1384986", "dL_dz2_2": "-0.0380982"}).answers
    assert Finding.CONVENTION not in [one.verdict for one in mixed]
    doubled = diagnose("mazur", {"L": "0.5967422175", "dL_dW2_1_1": "0.1643340811"}).answers
    assert {"loss_without_half"} == names_of(iter(doubled))


def test_two_mistakes_on_different_paths_are_both_named() -> None:
    """Each where its number stands, and both where the loss after the update comes from both."""
    found = examination_of(sbp.derive("mazur"))
    one = next(each for each in found.mistakes if each.mistake.name == "wrong_input" and "∂W1_1_1" == each.sites[0].at)
    other = next(each for each in found.mistakes if each.mistake.name == "wrong_sign" and "∂W2_2_2" == each.sites[0].at)
    both = Change(one.mistake, (*one.sites, *other.sites), {**one.equations, **other.equations})
    values = {**found.values, **found.consequences.under(both, found.values)}
    (first, second, loss) = examined(found, paper(found, values, ["∂W1_1_1", "∂W2_2_2", "→L"])).answers
    assert ["wrong_input"] == [each.id for each in first.mistakes]
    assert ["wrong_sign"] == [each.id for each in second.mistakes]
    assert {Finding.FOLLOW_THROUGH, Finding.MISTAKE} >= {loss.verdict}


def test_what_cannot_be_read_is_said_and_never_run() -> None:
    """Blank, unreadable, unexplained; an answer that the problem does not have is an error that names the nearest."""
    found = diagnose("mazur", {"z1_1": "", "z1_2": "__import__('os')", "a1_1": "12.345678", "L": None})
    verdicts = [Finding.BLANK, Finding.UNREADABLE, Finding.UNEXPLAINED, Finding.BLANK]
    assert verdicts == [answer.verdict for answer in found.answers]
    with pytest.raises(UnknownNameError) as caught:
        diagnose("mazur", {"dL_dW2_1_9": "1"})
    assert "dL_dW2_1_1" in caught.value.valid


def test_numbers_come_from_a_table(tmp_path: Path) -> None:
    """Columns in any letters; an answer that stands twice, or a column that is not there, is an error."""
    file = tmp_path / "numbers.csv"
    file.write_text("Answer;Value\nL;0,2984\n", "utf-8")
    assert {"L": "0,2984"} == numbers_given.read_numbers(file)
    for text in ("answer,value\nL,1\nL,2\n", "answer,number\nL,1\n"):
        file.write_text(text, "utf-8")
        with pytest.raises(ProblemError):
            numbers_given.read_numbers(file)


def test_command_writes_every_format(tmp_path: Path) -> None:
    """Text with the lines side by side, data in the shape of the contract, pages; hostile text stays text."""
    file = tmp_path / "numbers.csv"
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows(
            [("answer", "value"), ("new_L", "0.291027924"), ("L", "<b>0,3</b>"), ("learning_rate", "0.5")]
        )
    run = functools.partial(CliRunner().invoke, diagnose_command.command)
    text = run(["mazur", str(file)])
    assert 0 == text.exit_code
    assert "updated weights are used (dL_da1_1, dL_da1_2)" in " ".join(text.output.split())
    assert "w₅⁺" in text.output
    data = json.loads(run(["mazur", str(file), "-f", "json", "--lang", "zh"]).output)
    first = data["answers"][0]
    assert {"answer", "given", "value", "expected", "verdict", "mistakes", "possible", "message"} == first.keys()
    (mistake,) = first["mistakes"]
    assert ("updated_weights", ["dL_da1_1", "dL_da1_2"]) == (mistake["id"], mistake["at"])
    assert {"right": 1, "mistake": 1, "unreadable": 1} == data["summary"]
    assert "已经更新的权重" in first["message"]
    page = tmp_path / "page.html"
    assert 0 == run(["mazur", str(file), "-f", "html", "-o", str(page)]).exit_code
    assert "<b>0,3" not in page.read_text("utf-8")
    assert isinstance(run(["mazur", str(file), "-f", "notebook"]).exception, UnknownNameError)


def test_lines_stand_side_by_side_in_the_document() -> None:
    """The document has a section for each explained number, whose table has right and wrong formulas."""
    found = diagnose("mazur", {"dL_dz2_1": "0.7413650695523157"})
    document = diagnosis_document.compose(found)
    assert 2 == len(document.sections)
    (table,) = (block for block in document.sections[0].blocks if isinstance(block, Table))
    assert symbol(found.derivation, "∂z2_1") == table.rows[0][1]
    assert "What explains dL_dz2_1" in str(diagnosis_formats.rendered(found))
    assert "diagnosis" in repr(found).lower()


def test_numbers_that_were_cut_off_are_told_from_rounded_ones() -> None:
    """Each way to round shows in the numbers that come out of it."""
    found = examination_of(sbp.derive("mazur"))
    runs = list(rounded_runs(found.consequences, found.given))
    for name in ("rounded_early", "truncated"):
        run = next(run for run in runs if (run.mistake, run.digits, run.significant) == (name, 3, True))
        (answer,) = examined(found, {"new_L": f"{run.computed['→L']:.10f}"}).answers
        assert (Finding.ROUNDED, [name]) == (answer.verdict, [one.id for one in answer.mistakes])
        assert 0.001 == run.unit("→L")


def test_diagnosis_of_a_small_network_is_fast() -> None:
    """Two layers of two units, four wrong numbers: well below a tenth of a second when the problem is known."""
    numbers = {"dL_dz1_1": "0.0364", "dL_dz1_2": "0.0414", "dL_dW1_1_1": "0.00182", "new_L": "0.29"}
    diagnose("mazur", numbers)
    started = time.process_time()
    for _ in range(5):
        diagnose("mazur", numbers)
    assert time.process_time() - started < 5 * 0.25
    for answer in each(diagnose("mazur", numbers).answers):
        assert answer.value is not None
