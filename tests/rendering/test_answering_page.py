"""The page whose numbers may be changed: after an edit it says what Python writes with the same number."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import symbackprop as sbp
from symbackprop import language, rendering
from symbackprop.catalog.optimizers import OPTIMIZERS
from symbackprop.descent.solution import solve
from symbackprop.document.notes import observations
from symbackprop.document.sections import figure_placement
from symbackprop.errors import EvaluationError, SymbackpropError
from symbackprop.figures import curves
from symbackprop.graph.scalars import Scalar
from symbackprop.messages import message
from symbackprop.problems.load import examples
from symbackprop.rendering import explorable_data, formats
from symbackprop.rendering.drafts import VALUES, Draft
from symbackprop.rendering.explorable import changes, edited, pictured, recomposed
from symbackprop.rendering.object_graphs import ObjectGraph
from symbackprop.templating import Deferred
from tests.derivation.test_axes import NETWORK, PARAMETERS, problem_of
from tests.documents import some
from tests.helpers import each, require_tool

ROOT = Path(__file__).parent.parent.parent
EDITS = int(os.environ.get("SYMBACKPROP_EDITS", "1"))
"""Random edits of every example; a thousand of each are the whole law."""

TEXTS = ("0", "1", "-1", "2", "-0.3", "1/3", "-2/7", "0.05", "100", "-12.5", "ln(3)", "0.1234567", "1e-3", "-0.45")

LONG = re.compile(r"-?0?\.?0*\d[\d.]{4,}")

UNSEEN = {"tikz", "image", "words", "alternative", "places", "figures", "formulas", "toned", "latin"}
BESIDE = {"small", "explorable", "footer", "loss"}
"""What of a view no reader of the page sees, and what does not depend on a number."""


class NotInThePageError(Exception):
    """What the engine has no means to compute: curvature."""


def refuse(*_: object, **__: object) -> Any:
    """Compute nothing where the engine cannot, and say nothing of it."""
    raise EvaluationError(message("evaluation.magnitude"))


def absent(*_: object, **__: object) -> Any:
    """Fail where the engine leaves a figure out."""
    raise NotInThePageError


def without(make: Callable[..., Any]) -> Callable[..., Any]:
    """Return what makes a figure, or none where the engine has none."""

    def made(solution: object) -> Any:
        try:
            return make(solution)
        except NotInThePageError:
            return None

    return made


@pytest.fixture
def as_in_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take from Python what the engine leaves out and counts: this list may only become shorter."""
    monkeypatch.setattr(observations, "critical_points", refuse)
    monkeypatch.setattr(curves, "_flat_points", absent)
    closing = {title: tuple(map(without, makers)) for title, makers in figure_placement._CLOSING.items()}
    monkeypatch.setattr(figure_placement, "_CLOSING", closing)


class Drawn(str):
    """A plot, which is the same as another whose lines go through the same places but for the last printed digit."""

    NUMBER = re.compile(r"-?\d+\.?\d*")
    PRINTED = 0.0101

    def __eq__(self, other: object) -> bool:
        numbers, others = ([float(one) for one in self.NUMBER.findall(str(each))] for each in (self, other))
        return (
            self.NUMBER.sub("", str(self)) == self.NUMBER.sub("", str(other))
            and len(numbers) == len(others)
            and all(abs(one - two) < self.PRINTED for one, two in zip(numbers, others, strict=True))
        )

    __hash__ = str.__hash__


def plainly(view: object) -> Any:
    """Return a view as the engine gives it: texts and numbers, and plots."""
    if isinstance(view, Mapping):
        drawn = {**view, "svg": view["svg"] and Drawn(view["svg"])} if view.get("is_plot") else view
        return {key: plainly(inner) for key, inner in drawn.items() if key not in UNSEEN | BESIDE}
    if isinstance(view, Drawn):
        return view
    if isinstance(view, list | tuple):
        return [plainly(inner) for inner in view]
    return str(view) if isinstance(view, Deferred) else view


def draft_of(name: str, code: str = "en") -> Draft:
    """Return the page of an example that is about to be written."""
    problem = sbp.example(name)
    draft = Draft(formats()["html"], solve(problem, derivation=sbp.derive(problem)), code, None, explorable=VALUES)
    assert draft.view
    return draft


def fields(draft: Draft) -> Iterator[str]:
    """Yield the names of the numbers of a page that may be changed."""
    for sample, elements, _ in draft.solved.derivation.stated_arrays():
        yield from [str(Scalar(element, sample)) for element in elements]
    training = draft.solved.problem.training
    yield from [] if training is None else training.settings


def computed(draft: Draft, edits: list[list[tuple[str, str]]]) -> list[dict[str, Any]]:
    """Return what the engine makes of a page after each of some edits."""
    given = json.dumps({"engine": explorable_data.engine(), "given": explorable_data.given(draft), "edits": edits})
    runner = Path(__file__).parent / "engine_runner.js"
    run = subprocess.run(
        [require_tool("node"), str(runner)], input=given, capture_output=True, text=True, timeout=600, check=True
    )
    return list(json.loads(run.stdout))


def expected(draft: Draft, edit: list[tuple[str, str]]) -> Any:
    """Return the view that Python makes of a page after an edit, None where the edit is refused."""
    solution = draft.solved
    problem = solution.problem
    try:
        for name, text in edit:
            for part in [(name, text)] if name else changes(solve(problem, derivation=solution.derivation)):
                problem = edited(problem, solution.derivation, *part)
        other = solve(problem, derivation=solution.derivation)
        return plainly(json.loads(json.dumps(plainly(recomposed(other, None, "full", draft.writer)))))
    except SymbackpropError:
        return None


@pytest.mark.sweep
@pytest.mark.usefixtures("as_in_the_page")
@pytest.mark.parametrize("name", [*(row for row in some(examples())), pytest.param("line", id="line again")])
def test_page_says_what_python_writes(name: str) -> None:
    """Every line, table, sentence and network picture after random edits is that of Python with the same numbers."""
    draft = draft_of(name)
    drawn = random.Random(name)
    names = list(fields(draft))
    edits = [[(drawn.choice(names), drawn.choice(TEXTS)) for _ in range(drawn.choice((1, 1, 2)))] for _ in range(EDITS)]
    for edit, found in each(zip(edits, computed(draft, edits), strict=True), least=EDITS):
        wanted = expected(draft, edit)
        assert (wanted is None) == ("refused" in found), (edit, found.get("refused"))
        if wanted is not None:
            shown = {key: inner for key, inner in plainly(found["view"]).items() if key not in BESIDE}
            assert wanted == shown, edit


@pytest.mark.sweep
@pytest.mark.usefixtures("as_in_the_page")
def test_page_computes_with_arrays_of_more_axes() -> None:
    """A graph of images with channels is after an edit what Python writes, line by line and between arrays."""
    problem = problem_of(NETWORK, PARAMETERS, {"X": (2, 2, 2)})
    solution = solve(problem, derivation=sbp.derive(problem))
    draft = Draft(formats()["html"], solution, "en", ("full", "matrix"), explorable=VALUES)
    assert draft.view
    (found,) = computed(draft, [[("K_2_1_1_2", "0.7")]])
    other = solve(edited(problem, solution.derivation, "K_2_1_1_2", "0.7"), derivation=solution.derivation)
    wanted = plainly(json.loads(json.dumps(plainly(recomposed(other, draft.details, "full", draft.writer)))))
    assert wanted == {key: inner for key, inner in plainly(found["view"]).items() if key not in BESIDE}


@pytest.mark.sweep
@pytest.mark.usefixtures("as_in_the_page")
@pytest.mark.parametrize("name", some(["mazur", "line", "rnn", "classifier"]))
def test_page_goes_on_with_the_numbers_of_the_next_step(name: str) -> None:
    """After an update, and after two, the page is what Python writes for the parameters that it leaves."""
    draft = draft_of(name)
    edits = [[("", "")], [("", ""), ("", "")]]
    for edit, found in each(zip(edits, computed(draft, edits), strict=True)):
        shown = {key: inner for key, inner in plainly(found["view"]).items() if key not in BESIDE}
        assert expected(draft, edit) == shown, edit


@pytest.mark.parametrize("name", examples())
def test_next_step_begins_where_the_update_ends(name: str) -> None:
    """The loss of the problem with the numbers after an update is the loss after it, where they are offered."""
    problem = sbp.example(name)
    derivation = sbp.derive(problem)
    solution = solve(problem, derivation=derivation)
    edits = changes(solution)
    for part in edits:
        problem = edited(problem, derivation, *part)
    after = solve(problem, derivation=derivation, steps=1).losses[0] if edits else None
    assert after is None or solution.losses[1] == pytest.approx(after, rel=1e-12)
    states = problem.training is not None and OPTIMIZERS[problem.training.optimizer].state
    assert not (states and edits)


@pytest.mark.parametrize("name", ["mazur", "xor", "lstm"])
def test_numbers_of_pictures_are_those_that_python_draws(name: str) -> None:
    """What is put into a picture at once is what stands in it when it is drawn anew."""
    solution = sbp.solve(name)
    drawn = dict(DRAWN.findall(str(rendering.render(solution, "html"))))
    names = [code for code in drawn if solution.derivation.graph.has_element(code)]
    for code, (value, gradient) in each(zip(names, pictured(solution, names), strict=True)):
        assert drawn[code] in {number.replace("-", "−") for number in (value, gradient) if number}


DRAWN = re.compile(r'<text class="(?:forward|backward)" data-name="([^"]+)"[^>]*>(−?[\d.]+)</text>')


def test_edit_is_that_of_a_problem_file() -> None:
    """A weight, a number of one sample and a setting are found by name; another text or name is refused in words."""
    problem = sbp.example("xor")
    derivation = sbp.derive(problem)
    changed = edited(problem, derivation, "x_1@3", "1/3")
    one, other = (numbers.arrays["x"].entries for numbers in (problem, changed))
    assert 1 == sum(a != b for a, b in zip(one, other, strict=True))
    rate = edited(problem, derivation, "learning_rate", "0.125")
    assert rate.training is not None
    assert "0.125" == rate.training.settings["learning_rate"].text
    for name, text in each([("W1_1_1", "abc"), ("W9_1_1", "1"), ("learning_rate", "x")]):
        with pytest.raises(SymbackpropError):
            edited(problem, derivation, name, text)


def test_object_that_occurs_again_is_a_number() -> None:
    """An object graph holds each object once, with its class by the name that the engine knows."""
    graph = ObjectGraph()
    derivation = sbp.derive("line")
    assert graph.entry([derivation.problem, derivation.problem])
    assert {"problems_types$Problem", "problems_types$Given"} <= graph.kinds.keys()
    (pair,) = graph.entry([derivation.problem, derivation.problem])
    assert graph.rows[pair][0] == "T"
    assert graph.rows[pair][1] == graph.rows[pair][2]


@pytest.mark.sweep
def test_engine_is_what_its_modules_say() -> None:
    """The file that pages have with them is what `tools/engine.py` writes."""
    run = subprocess.run(
        [sys.executable, "tools/engine.py", "--check"], cwd=ROOT, env={**os.environ, "PYTHONPATH": "."}, timeout=300
    )
    assert 0 == run.returncode


@pytest.mark.parametrize("code", ["en", "zh"])
def test_page_has_the_words_that_it_may_say(code: str) -> None:
    """Phrases that the engine names, whole or by their beginning, are there; those of commands and homework are not."""
    given = explorable_data.given(draft_of("line", code))
    assert given is not None
    known = language.phrases(code)
    said = {id for id in known if id.startswith(("note.", "reason.", "slip.", "evaluation.magnitude"))}
    assert all(given["words"][id] == known[id] for id in each(said, least=20))
    assert not {id.partition(".")[0] for id in given["words"]} & {"cli", "homework", "starter", "explore"}


def test_page_answers_only_where_it_is_asked_to() -> None:
    """The numbers to compute with, and what computes with them, are in a page only with `explorable="values"`."""
    solution = sbp.solve("line")
    pages = {kind: str(rendering.render(solution, "html", explorable=kind)) for kind in ("off", "practice", "values")}
    assert ["values"] == [kind for kind, text in pages.items() if "given-numbers" in text]
    assert ["values"] == [kind for kind, text in pages.items() if "DecompressionStream" in text]
    assert "data-explore" not in pages["off"]


@pytest.mark.sweep
def test_page_of_homework_never_answers(tmp_path: Path) -> None:
    """Neither a sheet nor a key has the engine or what it computes with: the numbers of a key are in no sheet."""
    sbp.homework("homework", students={"1": "A"}, seed=1, folder=tmp_path, formats=["html"])
    sheets = [file.read_text("utf-8") for file in (tmp_path / "students").rglob("*.html")]
    keys = [file.read_text("utf-8") for file in (tmp_path / "teacher").rglob("*.html")]
    for text in each([*sheets, *keys], least=2):
        assert "given-numbers" not in text
        assert "application/gzip" not in text
    answers = json.loads((tmp_path / "teacher" / "answers.json").read_text("utf-8"))
    assert answers
    numbers = set(_numbers(answers))
    for text in each(sheets):
        assert not {number for number in each(numbers) if number in text}


def _numbers(found: object) -> Iterator[str]:
    """Yield the long decimals in the answers of a class: a short one may well be a number that is given."""
    if isinstance(found, Mapping):
        for inner in found.values():
            yield from _numbers(inner)
    elif isinstance(found, list):
        for inner in found:
            yield from _numbers(inner)
    elif isinstance(found, str | float) and LONG.fullmatch(str(found)):
        yield str(found)


FRAMES = """[...document.querySelectorAll("#solution :is(.note, .line, .left, .right, dl, figure, table)")]
    .map((one) => [one.localName, one.getAttribute("role"), one.dataset.value ?? "", one.id])"""
"""Blocks as elements, which a template and a script write."""


@pytest.mark.sweep
@pytest.mark.usefixtures("as_in_the_page")
def test_changed_page_has_the_lines_of_the_page_that_python_writes(visit: Any) -> None:
    """In a browser: `set` brings the page up to the number, `reset` takes it back, what is no number changes nothing."""
    problem = sbp.example("mazur")
    derivation = sbp.derive(problem)
    seen = visit(str(rendering.render(sbp.solve("mazur"), "html", explorable="values"))).page
    before = seen.evaluate("symbackprop.lines()")
    seen.evaluate("document.addEventListener('symbackprop:changed', ({ detail }) => { window.told = detail; })")
    seen.evaluate("symbackprop.set('W2_1_1', '-0.45')")
    after = seen.evaluate("symbackprop.lines()")
    assert before != after
    told = seen.evaluate("({ count: told.changed.length, before: told.loss_before, after: told.loss_after })")
    assert told["count"] > 10
    assert told["before"] != told["after"]
    other = solve(edited(problem, derivation, "W2_1_1", "-0.45"), derivation=derivation)
    assert other.losses[0] == told["after"]
    frames = seen.evaluate(FRAMES)
    fresh = visit(str(rendering.render(other, "html", explorable="values"))).page
    assert after == fresh.evaluate("symbackprop.lines()")
    assert frames == fresh.evaluate(FRAMES)
    why = seen.evaluate("symbackprop.set('W2_1_1', 'abc').then(() => '', (error) => error.message)")
    assert "abc" in why
    assert after == seen.evaluate("symbackprop.lines()")
    seen.evaluate("symbackprop.reset()")
    assert before == seen.evaluate("symbackprop.lines()")


@pytest.mark.sweep
def test_picture_is_there_before_the_lines(visit: Any) -> None:
    """The numbers of pictures are the new ones while the lines are still the old ones, and paper has the new ones."""
    seen = visit(str(rendering.render(sbp.solve("mazur"), "html", explorable="values"))).page
    seen.locator("button.given").first.wait_for(state="attached")
    seen.evaluate(f"{WATCH}; window.before = symbackprop.lines(); watch(); symbackprop.set('W1_1_1', '0.31415')")
    seen.wait_for_function("() => window.early && document.querySelector('td.edited')")
    assert seen.evaluate("before") == seen.evaluate("early.lines") != seen.evaluate("symbackprop.lines()")
    assert seen.evaluate("early.picture") == seen.evaluate("pictured()")
    assert ["W1_1_1", "0.31415"] in seen.evaluate("early.picture")
    paper = subprocess.run([require_tool("pdftotext"), "-", "-"], input=seen.pdf(), capture_output=True, check=True)
    assert b"0.31415" in paper.stdout


WATCH = """
window.pictured = () => [...document.querySelectorAll("#solution svg.figure text[data-name]")]
    .filter((text) => text.matches(".forward, .backward") || text.firstElementChild)
    .map((text) => [text.dataset.name, text.lastChild.data]);
window.watch = () => new MutationObserver((_, self) => {
    self.disconnect();
    window.early = { lines: symbackprop.lines(), picture: pictured() };
}).observe(document.getElementById("solution"), { subtree: true, characterData: true })
"""
"""What notes the first change of a text that keeps its place."""


@pytest.mark.sweep
def test_key_applies_the_update(visit: Any) -> None:
    """N goes to the numbers of the next step, a curve has the losses, and R goes back to those of the problem."""
    seen = visit(str(rendering.render(sbp.solve("mazur"), "html", explorable="values"))).page
    seen.locator("button.given").first.wait_for(state="attached")
    before = seen.evaluate("symbackprop.lines()")
    seen.evaluate("symbackprop.step(1)")
    curve = seen.locator("[data-explore=losses]")
    points = "document.querySelector('[data-explore=losses] polyline').getAttribute('points')?.split(' ').length"
    for count in each((2, 3)):
        seen.keyboard.press("n")
        seen.wait_for_function(f"() => {points} === {count}")
    losses = sbp.solve("mazur", steps=2).losses
    told = re.findall(r"\d[\d.]*", str(curve.get_attribute("aria-label")))
    assert [pytest.approx(float(one), rel=1e-3) for one in told] == list(losses)
    seen.keyboard.press("r")
    curve.wait_for(state="hidden")
    assert before == seen.evaluate("symbackprop.lines()")


@pytest.mark.sweep
@pytest.mark.parametrize("mode", ["all", "next", "predict"])
def test_steps_stay_where_they_are_after_a_change(mode: str, visit: Any) -> None:
    """A reader is at the same line, with other numbers; later ones stay absent, and its symbols are marked."""
    seen = visit(str(rendering.render(sbp.solve("mazur"), "html", explorable="values"))).page
    seen.locator("[data-explore=bar]").first.wait_for(state="attached")
    anchors = "symbackprop.lines().map(each => each.anchor)"
    lit = "[...document.querySelectorAll('.chain.current .sym')].map(each => each.textContent)"
    seen.evaluate(f"symbackprop.mode('{mode}')")
    seen.evaluate("symbackprop.step(5)")
    seen.locator(".chain.current .sym").first.wait_for(state="attached")
    before = seen.evaluate(anchors), seen.evaluate(lit)
    seen.evaluate("symbackprop.set('b1', '0.5')")
    seen.locator(".chain.current .sym").first.wait_for(state="attached")
    after = seen.evaluate(anchors), seen.evaluate(lit)
    missing = {each for each in before[0] if each not in after[0]}
    assert missing <= {""} and after[0][:6] == before[0][:6]
    assert [each for each in before[1] if not each[0].isdigit()] == [each for each in after[1] if not each[0].isdigit()]
    assert 1 == seen.evaluate("document.querySelectorAll('.chain.current').length")


@pytest.mark.sweep
@pytest.mark.parametrize("code", ["en", "zh"])
def test_counter_names_the_part_that_a_step_is_in(code: str, visit: Any) -> None:
    """In every language: its title stands behind the numbers."""
    seen = visit(str(rendering.render(sbp.solve("line"), "html", code))).page
    seen.locator("[data-explore=bar]").first.wait_for(state="attached")
    seen.evaluate("symbackprop.step(1)")
    said = str(seen.locator("[data-explore=counter]").text_content()).split()[-1]
    assert said.isalpha()
    assert any(said in title for title in seen.locator("section:has(.chain.current) summary").all_text_contents())


SAID = """[...document.querySelectorAll("#solution :is(.note, p, figcaption)")]
    .filter((one) => !one.querySelector(".of-the-file") && !one.matches(".note p, .not-recomputed")).map((one) => {
        const copy = one.cloneNode(true);
        copy.querySelectorAll(".katex-html").forEach((part) => part.remove());
        return copy.textContent.replace(/\\s+/g, " ").trim();
    })"""
"""Remarks and captions that are not marked, as they are said."""
PLOTS = "[...document.querySelectorAll('#solution svg.plot')].map((one) => one.innerHTML)"
MARKED = "[...document.querySelectorAll('.of-the-file')].map((one) => one.closest('figure, .note, p').className)"


@pytest.mark.sweep
@pytest.mark.parametrize(("name", "number"), [("mazur", "W2_1_1"), ("mazur", "weight_decay"), ("xor", "x_1@1")])
def test_plots_and_remarks_of_many_updates_follow(name: str, number: str, visit: Any) -> None:
    """All that the page says and draws after a change is what Python writes for it, and nothing is of the file."""
    problem = sbp.example(name)
    derivation = sbp.derive(problem)
    seen = visit(str(rendering.render(sbp.solve(name), "html", explorable="values"))).page
    assert 0 == seen.evaluate(f"symbackprop.set('{number}', '0.35').then((detail) => detail.not_recomputed)")
    assert [] == seen.evaluate(MARKED)
    other = solve(edited(problem, derivation, number, "0.35"), derivation=derivation)
    fresh = visit(str(rendering.render(other, "html", explorable="values"))).page
    assert fresh.evaluate(SAID) == seen.evaluate(SAID) != []
    assert [Drawn(one) for one in fresh.evaluate(PLOTS)] == seen.evaluate(PLOTS)


@pytest.mark.sweep
def test_what_is_looked_at_stays_where_it_is(visit: Any) -> None:
    """A page does not jump when a number is changed, although what is above has another height then."""
    seen = visit(str(rendering.render(sbp.solve("xor"), "html", explorable="values")), 390).page
    heading = seen.locator("h2").nth(-3)
    heading.scroll_into_view_if_needed()
    seen.evaluate("scrollBy(0, 400)")
    top, height = heading.bounding_box()["y"], seen.evaluate("document.documentElement.scrollHeight")
    seen.evaluate("symbackprop.set('learning_rate', '1/3')")
    assert height != seen.evaluate("document.documentElement.scrollHeight")
    assert abs(heading.bounding_box()["y"] - top) < 2


@pytest.mark.sweep
@pytest.mark.parametrize(("name", "number"), [("local_minima", "w"), ("line", "W1_1_1")])
def test_what_is_not_recomputed_says_so(name: str, number: str, visit: Any, request: pytest.FixtureRequest) -> None:
    """What Python alone computes stays after a change and says whose numbers it has; the rest is what Python writes."""
    problem = sbp.example(name)
    derivation = sbp.derive(problem)
    seen = visit(str(rendering.render(sbp.solve(name), "html", explorable="values"))).page
    pictures = "[...document.querySelectorAll('#solution .picture')].filter((one) => !one.querySelector('svg')).length"
    before = seen.evaluate(SAID)
    assert [0, []] == [seen.evaluate(pictures), seen.evaluate(MARKED)]
    left = seen.evaluate(f"symbackprop.set('{number}', '0.3').then((detail) => detail.not_recomputed)")
    assert left and left == len(seen.evaluate(MARKED))
    assert str(left) in seen.locator(".not-recomputed").inner_text()
    assert 0 == seen.evaluate(pictures)
    after = seen.evaluate(SAID)
    request.getfixturevalue("as_in_the_page")
    other = solve(edited(problem, derivation, number, "0.3"), derivation=derivation)
    fresh = visit(str(rendering.render(other, "html", explorable="values"))).page
    assert len(after) == len(fresh.evaluate(SAID))
    assert set(after) <= set(fresh.evaluate(SAID))
    seen.evaluate("symbackprop.reset()")
    assert [before, []] == [seen.evaluate(SAID), seen.evaluate(MARKED)]
