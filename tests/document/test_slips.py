"""What one gets by a mistake: the numbers beside the lines and in the section are those that a diagnosis finds again."""

from __future__ import annotations

from pathlib import Path

import pytest

import symbackprop as sbp
from symbackprop import document, language
from symbackprop.algebra.formula import Adjoint, Name, Node
from symbackprop.by_hand.hand_computation import GRADIENT, PATH, given_numbers, hand_computation
from symbackprop.document.blocks import Display, Note, NoteKind, Table
from symbackprop.document.display_nodes import Gradient, Updated
from symbackprop.document.key_symbols import quantity_of
from symbackprop.document.notes.reasons import MADE
from symbackprop.document.notes.slips import Slips
from symbackprop.evaluation.arithmetics import FLOAT
from symbackprop.messages import Message
from symbackprop.mistakes.changes import Change, changes
from symbackprop.mistakes.consequences import Consequences
from symbackprop.mistakes.diagnosing import diagnose
from symbackprop.mistakes.known_mistakes import MISTAKES
from symbackprop.mistakes.verdicts import Finding
from symbackprop.mistakes.worksheets import Worksheet
from symbackprop.problems.load import examples
from tests.document.test_truth import assert_true
from tests.documents import sections_of, solved
from tests.helpers import each, few
from tests.oracle import truth
from tests.rendering.test_rendering import assert_compiles


def notes_of(name: str) -> list[Note]:
    """Return the mistakes beside the lines of a solution."""
    return [
        block
        for part in sections_of(document.compose(solved(name)).sections)
        for block in part.blocks
        if isinstance(block, Note) and block.kind is NoteKind.MISTAKE
    ]


def slip_of(text: Message) -> str:
    """Return the row whose words a sentence has."""
    return str(text.arguments["slip"].id).removeprefix("slip.")


def table_of(name: str) -> Table:
    """Return the table of what one gets by each mistake."""
    content = document.compose(solved(name), explanations="mistakes")
    (section,) = [part for part in content.sections if part.title.id == "slips.title"]
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    return table


@pytest.mark.parametrize("name", ["mazur", "classifier", "rnn"])
def test_note_beside_a_line_is_a_row_with_a_number(name: str) -> None:
    """Every row that is told has a number, where the problem has numbers, and is told once."""
    made = [note.text for note in notes_of(name) if note.text.id in ("mistake.made", "mistake.alone")]
    told = [slip_of(text) for text in made]
    assert len(told) == len(set(told)) >= 3
    assert set(told) <= MISTAKES.keys() & set(MADE.values())
    assert sum(text.id == "mistake.made" for text in made) >= len(made) - 1


@pytest.mark.parametrize("name", ["circuit", "convolution", "lstm", "mazur", "rnn"])
def test_mistake_stands_below_the_line_that_it_changes(name: str) -> None:
    """A number that a mistake beside a line gives is that of a line above it on the page, never of one further on."""
    lines: list[Node] = []
    told = []
    for section in sections_of(document.compose(solved(name)).sections):
        for block in section.blocks:
            if isinstance(block, Display):
                lines += [chain.left for chain in block.chains]
            elif isinstance(block, Note) and isinstance(it := block.text.arguments.get("it"), Adjoint | Gradient):
                told.append((it.name, {getattr(left, "name", "") for left in lines}))
    for quantity, above in each(told):
        assert quantity in above


@pytest.mark.parametrize("name", ["mazur", "classifier", "batchnorm", "lstm"])
def test_section_tells_every_mistake_that_can_be_made(name: str) -> None:
    """Each line has another number than the right one; conventions are none of them."""
    rows = table_of(name).rows
    slips = [slip_of(slip) for slip, *_ in rows]
    assert len(slips) == len(set(slips)) >= 8
    assert not any(MISTAKES[slip].is_convention for slip in slips)
    for _, _, wrong, right in each(rows):
        assert wrong != right


@pytest.mark.parametrize("name", ["mazur", "rnn"])
def test_section_tells_the_first_line_of_the_page_that_changes(name: str) -> None:
    """Of the gradients that a mistake changes none stands further up on the page than the one that is told."""
    solution = solved(name)
    content = document.compose(solution, explanations="mistakes")
    (backward,) = [part for part in content.sections if part.title.id == "title.backward"]
    displays = [block for part in sections_of([backward]) for block in part.blocks if isinstance(block, Display)]
    page = list(dict.fromkeys(chain.name for block in displays for chain in block.chains))
    sheet = Worksheet(hand_computation(solution.derivation))
    consequences = Consequences(sheet.computation)
    values = consequences.run(given_numbers(solution.derivation, FLOAT))
    for slip, number, *_ in each((row for row in table_of(name).rows if isinstance(row[1], Gradient)), 8):
        forms: dict[str, Change] = {}
        for change in changes(sheet, [MISTAKES[slip_of(slip)]]):
            best = forms.setdefault(change.sites[0].variant, change)
            if len(change.sites) > len(best.sites):
                forms[change.sites[0].variant] = change
        moved = consequences.under(next(iter(forms.values())), values)
        names = {
            key[1:] for key in moved if PATH not in key and key[0] == GRADIENT and abs(moved[key] - values[key]) > 1e-6
        }
        assert next(each for each in page if each in names) == number.name, slip


@pytest.mark.parametrize("code", ["en", "zh"])
def test_every_note_says_why(code: str) -> None:
    """Each row that stands beside a line has a clause that says why it is a mistake, and the sentence has it."""
    for row in each(set(MADE.values()), 20):
        assert language.phrases(code)[f"mistake_why.{row}"]
    for note in each(
        note for name in ("mazur", "classifier") for note in notes_of(name) if "why" in note.text.arguments
    ):
        said = language.say(code, Message("mistake.alone", note.text.arguments))
        assert language.phrases(code)[f"mistake_why.{slip_of(note.text)}"] in said


def test_numbers_of_the_section_are_diagnosed_as_their_mistakes() -> None:
    """Who types the number that the section gives is told that mistake, or a set of them that has it."""
    table, derivation = table_of("mazur"), sbp.derive("mazur")
    names = {"updated_weights": "dL_da1_1", "no_derivative": "dL_dz2_1", "no_bias": "z1_1", "spurious": ""}
    for slip, _, wrong, _ in each(table.rows, 20):
        answer = names.get(slip_of(slip))
        if answer:
            shown = getattr(wrong, "shown", wrong)
            number = getattr(shown, "body", shown)
            (found,) = diagnose(derivation.problem, {answer: f"{float(number.value):.9g}"}).answers
            assert found.verdict in (Finding.MISTAKE, Finding.POSSIBLE)
            assert slip_of(slip) in {one.id for one in (*found.mistakes, *found.possible)}


@pytest.mark.parametrize(
    "name", few([name for name in examples() if name != "local_minima"], 3)
)  # whose lines tell none
def test_no_mistake_is_lost_where_another_line_is_to_tell_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same mistakes are told whether each is told at once, or beside the line that it changes first."""

    def told() -> set[str]:
        found = [note.text for note in notes_of(name)]
        return {slip_of(text) if "slip" in text.arguments else text.id for text in found}

    placed, original = told(), Slips.note
    monkeypatch.setattr(Slips, "note", lambda *arguments: (original(*arguments)[0], False))
    assert placed == told() != set()


def test_section_stands_in_every_format_and_says_nothing_false() -> None:
    """No line of it is read as an equation: all relations of the document are true."""
    solution, title = solved("mazur"), "What you get if"
    texts = {
        format: str(sbp.render(solution, format=format, explain="mistakes"))
        for format in ("latex", "markdown", "html", "text", "typst", "notebook")
    }
    assert all(title in text for text in each(texts.values()))
    assert_true(truth.judged(solution, texts["latex"]))


@pytest.mark.sweep
@pytest.mark.parametrize("code", ["en", "zh"])
def test_section_fits_the_page(code: str, tmp_path: Path) -> None:
    """TeX sets the table of mistakes in either language."""
    text = sbp.render(solved("classifier"), format="latex", language=code, explain="mistakes")
    assert_compiles(str(text), tmp_path, runs=1)


@pytest.mark.parametrize(
    "overrides", [[("notation.delta_sign", "negative")], [("notation.round_intermediates", {"decimals": 4})]]
)
def test_no_number_where_the_lines_have_others(overrides: list[tuple[str, object]]) -> None:
    """Where the lines have δ of the other sign, or rounded numbers, a mistake is told without a number."""
    content = document.compose(sbp.solve(sbp.example("mazur", overrides)), explanations="mistakes")
    notes = [block.text for part in sections_of(content.sections) for block in part.blocks if isinstance(block, Note)]
    assert not any(text.id == "mistake.made" for text in notes)
    assert any(text.id == "mistake.alone" for text in notes)
    assert not any(part.title.id == "slips.title" for part in content.sections)


def test_problem_without_numbers_has_no_section() -> None:
    """What has no numbers has no wrong ones."""
    solution = sbp.solve(sbp.network([2, 2, 1], activations=["sigmoid", "sigmoid"], loss="half_squared_error"))
    assert not list(Slips(document._unsolved(solution.derivation, None)).section())


def test_keys_are_printed_as_what_they_stand_for() -> None:
    """A value, a gradient in a sample, a new value."""
    assert quantity_of("z1_2@3") == Name("z1_2", 3)
    assert quantity_of("∂z1_2@3") == Gradient("z1_2", 3)
    assert quantity_of("→W1_1_1") == Updated("W1_1_1")
