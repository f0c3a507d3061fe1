"""Explanations: true for the numbers at hand, said once, reachable, and the same in every language."""

from __future__ import annotations

import itertools
import operator
import re
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import symbackprop as sbp
from symbackprop import document, language
from symbackprop.algebra import functions
from symbackprop.algebra.formula import Name, Node
from symbackprop.algebra.functions import ACTIVATIONS
from symbackprop.arithmetic import exact
from symbackprop.catalog import losses
from symbackprop.catalog.losses import LOSSES
from symbackprop.catalog.optimizers import OPTIMIZERS
from symbackprop.descent.solution import Solution
from symbackprop.document.blocks import Chain, Display, Document, Listing, Note, NoteKind, Terms
from symbackprop.document.display_nodes import Inequality
from symbackprop.document.notes import glossary, practice
from symbackprop.document.notes.reasons import KINDS, MADE
from symbackprop.errors import EvaluationError, UnknownNameError
from symbackprop.evaluation.arithmetics import FLOAT
from symbackprop.evaluation.evaluate import Evaluation, leaves
from symbackprop.messages import Message
from symbackprop.mistakes.known_mistakes import MISTAKES
from symbackprop.problems import build
from tests.documents import dense, losses_of, sections_of, solved, text_of
from tests.helpers import each, many
from tests.rendering.test_rendering import assert_compiles

TABLES = ("note", "idea", "reason", "mistake", "remark", "glossary", "definition")
DISTANCE, UNRESOLVED = 1e-5, 1e-5
"""How far a number is moved, and the slope below which a difference quotient of floats says nothing."""

SIGNS = ("zero", "positive", "negative")


def unit(activation: str, z: str, **tables: object) -> dict[str, object]:
    """Return a 1-1-1 problem whose hidden unit has the pre-activation `z`."""
    return {
        "network": {
            "inputs": 1,
            "layers": [{"units": 1, "activation": activation, "bias": "none"}, {"units": 1, "activation": "linear"}],
            "loss": "half_squared_error",
            "relu_derivative_at_zero": "1/2",
        },
        "parameters": {"W1": [[z]], "W2": [[2]], "b2": [0]},
        "data": {"x": [1], "y": [1]},
        "training": {"learning_rate": "1/10"},
        **tables,
    }


def trained(**training: object) -> dict[str, object]:
    """Return a problem that descends in its own way."""
    return unit("tanh", "1/2", training={"learning_rate": "1/10", **training})


GRAPH: dict[str, object] = {
    "graph": {
        "parameters": {"w": "2"},
        "inputs": {"x": "-3", "c": "2"},
        "equations": ["p = w*x", "q = p + w", "n = x - q", "r = relu(n)", "f = r*c"],
        "output": "f",
    }
}
SHARED_GRAPH: dict[str, object] = {
    "graph": {
        "parameters": {"w": "2"},
        "inputs": {"x": {"shape": []}},
        "equations": ["p = w*x", "f = p**2"],
        "output": "f",
    },
    "data": {"x": ["1", "-2"]},
}

REACHING: dict[str, dict[str, object]] = {
    **{f"{name} {z}": unit(name, z) for name in ("relu", "leaky_relu") for z in ("-1/2", "0", "1/2")},
    "elu": unit("elu", "-1/2"),
    "gelu": unit("gelu", "1/2"),
    "linear": unit("linear", "1/2"),
    "met": {**unit("linear", "1/2"), "data": {"x": [1], "y": [1]}},
    "zero input": {**unit("tanh", "1/2"), "data": {"x": [0], "y": [1]}},
    "below": dense((2, "sigmoid"), (2, "sigmoid")),
    "thresholds": dense((2, "tanh"), (1, "sigmoid"), bias="threshold"),
    "shared": dense((2, "sigmoid"), (2, "linear"), bias="shared", loss="squared_error"),
    "softmax": dense((3, "softmax"), (3, "softmax"), loss="cross_entropy"),
    "logistic mean": dense((2, "sigmoid"), (1, "sigmoid"), loss="binary_cross_entropy", samples=2),
    "sum": dense((2, "sigmoid"), (1, "sigmoid"), samples=2, reduction="sum"),
    "row": dense((2, "sigmoid"), (2, "tanh"), notation={"layout": "row"}),
    "row of one": dense((2, "sigmoid"), (1, "tanh"), inputs=1, notation={"layout": "row"}),
    "absolute": dense((2, "sigmoid"), (2, "linear"), loss="absolute_error"),
    "huber": dense((2, "sigmoid"), (2, "linear"), loss="huber"),
    "hinge": dense((2, "sigmoid"), (2, "linear"), loss="hinge"),
    "penalty": dense((2, "sigmoid"), (1, "linear"), regularization={"l2": "1/10"}),
    "without delta": dense((2, "sigmoid"), (2, "sigmoid"), notation={"backward": "activation"}),
    "negative delta": dense((2, "sigmoid"), (2, "sigmoid"), notation={"delta_sign": "negative"}),
    "ascent": trained(learning_rate="-1/10"),
    "sequential": trained(update="sequential"),
    "frozen": trained(frozen=["W1"]),
    "schedule": trained(schedule={"kind": "exponential", "gamma": "9/10"}),
    "decay": trained(weight_decay="1/10"),
    **{name: trained(optimizer=name) for name in ("momentum", "nesterov", "adagrad", "rmsprop", "adam")},
    "stop": {
        **dense((2, "sigmoid"), (1, "sigmoid"), samples=2),
        "training": {"learning_rate": "1/10", "epochs": 3, "stop": {"patience": 2, "tolerance": "1/10000"}},
    },
    "graph": GRAPH,
    "branches": {
        "graph": {
            "parameters": {"w": "2"},
            "inputs": {"x": "3"},
            "equations": ["y = where(w > 1, w*x, x)", "f = y**2"],
            "output": "f",
        }
    },
    "graph of samples": SHARED_GRAPH,
}


def composed(content: dict[str, object], *details: str) -> Document:
    """Return the explained solution of a problem."""
    return document.compose(sbp.solve(sbp.problem(content)), details or ("full",))


def notes_of(content: Document) -> Iterator[Note]:
    """Yield the notes of a document."""
    for section in sections_of(content.sections):
        yield from (block for block in section.blocks if isinstance(block, Note))


def chains_of(content: Document) -> Iterator[Chain]:
    """Yield the displayed chains of a document."""
    for section in sections_of(content.sections):
        for block in section.blocks:
            yield from block.chains if isinstance(block, Display) else ()


def ids_of(content: Document) -> Iterator[str]:
    """Yield the ids of all explanations of a document but for observations, which `test_observations` looks at."""
    for note in notes_of(content):
        yield f"note.{note.kind}"
        if note.kind is not NoteKind.OBSERVATION:
            yield note.text.id
    yield from (chain.remark.id for chain in chains_of(content) if chain.remark is not None)
    for section in sections_of(content.sections):
        if any(isinstance(block, Terms) for block in section.blocks):
            yield section.title.id
        for block in section.blocks:
            if isinstance(block, Terms):
                yield block.header[0].id
                yield from (part.id for entry in block.entries for part in (entry[0], entry[2]))


def explanations(code: str) -> dict[str, str]:
    """Return the phrases of explanations in a language by their ids."""
    return {id: text for id, text in language.phrases(code).items() if id.partition(".")[0] in TABLES}


@pytest.mark.sweep
def test_explanations_are_all_reached() -> None:
    """Each phrase stands in the solution of some problem, and no phrase is asked for that there is not."""
    found = {id for content in REACHING.values() for id in ids_of(composed(content))}
    found |= set(ids_of(composed(REACHING["below"], "matrix", "general", "second_order")))
    assert set(explanations("en")) == found


@pytest.mark.parametrize("code", language.available())
def test_explanations_have_the_same_ids_and_placeholders_in_every_language(code: str) -> None:
    """A phrase of one language has what it has in another, and the English ones are plain ASCII."""
    own, english = explanations(code), explanations("en")
    assert own.keys() == english.keys()
    for id, text in own.items():
        assert set(re.findall(r"{(\w+)}", text)) == set(re.findall(r"{(\w+)}", english[id])), id
    assert all(text.isascii() for text in english.values())


def test_explanations_have_a_phrase_for_every_kind() -> None:
    """Each kind of step has its reason, each common mistake its phrase, and there are no two rows of a name."""
    assert max(Counter(kind.name for kind in KINDS).values()) == 1
    english = explanations("en")
    rows = (*ACTIVATIONS.values(), *losses.LOSSES.values(), *OPTIMIZERS.values())
    named = {kind.name for kind in KINDS if kind.reason is None} | {row.reason for row in rows if row.reason}
    assert named == {id[7:] for id in english if id.startswith("reason.")}
    told = {id[8:] for id in english if id.startswith("mistake.")} - {"made", "alone"}
    assert told | MADE.keys() <= named
    assert not told & MADE.keys()
    assert set(MADE.values()) <= MISTAKES.keys()
    assert {term.name for term in glossary.TERMS} <= {id[9:] for id in english if id.startswith("glossary.")}


@pytest.mark.parametrize("name", ["mazur", "classifier", "xor", "rnn", "deep", "batch with mean", "softmax"])
def test_reasons_are_given_once(name: str) -> None:
    """No reason, mistake or idea is told twice."""
    told = Counter(
        (note.text.id, str(note.text.arguments.get("slip"))) for note in notes_of(document.compose(solved(name)))
    )
    assert told and max(told.values()) == 1


@pytest.mark.parametrize("name", ["mazur", "classifier", "rnn", "batch with mean"])
def test_brief_documents_have_formulas_and_numbers_only(name: str) -> None:
    """Without explanations there is no note, no remark and no glossary, and every line is that of the full document."""
    full, brief = (document.compose(solved(name), ("full",), explain) for explain in ("full", "brief"))
    assert list(ids_of(brief)) == []
    assert [(c.left, c.steps) for c in chains_of(brief)] == [(c.left, c.steps) for c in chains_of(full)]


def test_explain_unknown_is_refused() -> None:
    """There are two lengths of explanations."""
    with pytest.raises(UnknownNameError, match="brief"):
        sbp.render(solved("line"), format="markdown", explain="breif")


@pytest.mark.parametrize(("name", "networks"), [("mazur", True), ("circuit", False)])
def test_limits_and_practice_stand_where_they_are_asked_for(name: str, networks: bool) -> None:
    """They are a section before the terms, with those of networks for networks alone; nothing else differs."""
    full, asked = (document.compose(solved(name), explanations=explain) for explain in ("full", "remarks"))
    *others, found, terms = asked.sections
    assert full.sections == (*others, terms)
    (listing,) = found.blocks
    assert isinstance(listing, Listing)
    ids = [item.id.removeprefix("practice.") for item in listing.items]
    told = [
        each
        for each, _ in practice.PRACTICE
        if networks or each not in ("universal_approximation", "hidden_units", "overfitting")
    ]
    trained = solved(name).problem.training is not None
    assert ids == [each for each in told if trained or each != "learning_rate"]


class Oracle:
    """Difference quotients of a problem's first step, from forward passes alone."""

    def __init__(self, solution: Solution) -> None:
        """Make the passes ready."""
        self.solution = solution
        self.passes = Evaluation.of(solution.derivation, FLOAT)
        self.true = self.passes.backward(self.passes.forward(*leaves(solution.derivation, FLOAT)))

    def moved(self, it: Name, by: float) -> float:
        """Return the output with one given number moved."""
        shared, samples = leaves(self.solution.derivation, FLOAT)
        target = shared if it.sample is None else samples[it.sample - 1]
        target[it.name] += by
        return float(self.passes.forward(shared, samples).value(self.solution.derivation.graph.output))

    def slope(self, it: Name) -> float:
        """Return the slope of the output."""
        return (self.moved(it, DISTANCE) - self.moved(it, -DISTANCE)) / (2 * DISTANCE)

    def resolves(self, it: Name) -> bool:
        """Say whether floats suffice to see the slope, or that there is none."""
        gradient: float = self.true.gradient(it.name, it.sample)
        return gradient == 0 or abs(gradient) >= UNRESOLVED

    def assert_is_true(self, remark: Message) -> None:
        """Assert what a remark on the first step says."""
        values, kind = self.solution.steps[0].values, remark.id.removeprefix("remark.")
        if kind in SIGNS:
            it = remark.arguments["it"]
            assert isinstance(it, Name)
            if self.resolves(it):
                slope = self.slope(it)
                sign = 0 if abs(slope) < UNRESOLVED else 1 if slope > 0 else -1
                assert kind == SIGNS[sign], (remark, slope)
        elif kind in ("above", "below", "met"):
            value, target = remark.arguments["value"], remark.arguments["target"]
            assert isinstance(value, Name) and isinstance(target, Name)
            distance = values.value(value.name, value.sample) - values.value(target.name, target.sample)
            assert (distance > 0) is (kind == "above") and (distance < 0) is (kind == "below")
        elif kind.startswith(("branch", "slope")):
            argument = remark.arguments["argument"]
            assert isinstance(argument, Name)
            z = values.value(argument.name, argument.sample)
            assert (
                (z > 0) is kind.endswith("above") and (z < 0) is ("below" in kind) and (z == 0) is kind.endswith("at")
            )
        elif kind == "term_left":
            target, term = remark.arguments["target"], remark.arguments["term"]
            assert isinstance(target, Name) and isinstance(term, Node)
            loss = values.value(self.solution.derivation.graph.data_loss, target.sample)
            assert self.evaluated(term) == pytest.approx(float(loss), rel=1e-15)
        elif kind == "holds":
            condition = remark.arguments["condition"]
            assert isinstance(condition, Message)
            items = condition.arguments["items"]
            assert isinstance(items, tuple)
            for compared in each(list(items)):
                assert isinstance(compared, Inequality)
                assert COMPARED[compared.sign](self.evaluated(compared.left), self.evaluated(compared.right))

    def evaluated(self, formula: Node) -> float:
        """Return the value of a formula over the quantities of the first step."""
        values = self.solution.steps[0].values
        return float(
            exact.evaluate(
                formula, lambda part: values.value(part.name, part.sample) if isinstance(part, Name) else None
            )
        )


COMPARED = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}

tenths = st.integers(-20, 20).map(lambda count: f"{count}/10")


@st.composite
def small_problems(draw: st.DrawFn) -> dict[str, object]:
    """Draw a problem with small numbers: floats then resolve nearly every slope."""
    units = draw(st.integers(1, 3))
    loss = draw(st.sampled_from(losses_of(units)))
    hidden = draw(st.lists(st.sampled_from(functions.WITH_FORMULA), max_size=2))
    last = draw(st.sampled_from(build.fitting_activations(LOSSES[loss].predictions)))
    layers = [*((draw(st.integers(1, 3)), name) for name in hidden), (units, last)]
    samples = draw(st.sampled_from([None, 2]))
    notation = {
        "backward": draw(st.sampled_from(["delta", "activation"])),
        "delta_sign": draw(st.sampled_from(["gradient", "negative"])),
        "naming": draw(st.sampled_from(["layered", "flat"])),
        "layout": draw(st.sampled_from(["column", "row"])),
    }
    bias = draw(st.sampled_from(["per_unit", "shared", "none", "threshold"]))
    found = dense(*layers, loss=loss, bias=bias, samples=samples, notation=notation)
    inputs = st.lists(tenths, min_size=2, max_size=2)
    x = draw(inputs) if samples is None else [draw(inputs) for _ in range(samples)]
    data = found["data"]
    assert isinstance(data, dict)
    return {**found, "data": {**data, "x": x}, "training": {"learning_rate": 1, "steps": 0}}


@settings(max_examples=many(40), deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate])
@given(small_problems())
def test_remarks_are_true_in_random_problems(content: dict[str, object]) -> None:
    """Signs, branches and targets are as the numbers of the step are, whatever the problem."""
    try:
        solution = sbp.solve(sbp.problem(content))
    except EvaluationError:
        return
    oracle = Oracle(solution)
    for chain in each(chains_of(document.compose(solution, ("full",), without=("title.check",)))):
        if chain.remark is not None:
            oracle.assert_is_true(chain.remark)


@settings(max_examples=many(10), deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate])
@given(small_problems(), st.integers(1, 2))
def test_signs_are_true_of_numbers_rounded_by_hand(content: dict[str, object], decimals: int) -> None:
    """Where rounding has changed a sign or made a zero, nothing is said of it."""
    rounding = {"round_intermediates": {"decimals": decimals}}
    notation = {**content["notation"], **rounding}  # type: ignore[dict-item]
    try:
        solution = sbp.solve(sbp.problem({**content, "notation": notation}))
    except EvaluationError:
        return
    oracle = Oracle(solution)
    for chain in each(chains_of(document.compose(solution, ("full",), without=("title.check",)))):
        if chain.remark is not None and chain.remark.id.removeprefix("remark.") in SIGNS:
            oracle.assert_is_true(chain.remark)


@pytest.mark.parametrize("targets", list(itertools.product(["0", "1", "1/2"], repeat=2)))
@pytest.mark.parametrize(
    ("loss", "last", "certain"),
    [
        ("binary_cross_entropy", "sigmoid", ()),
        ("cross_entropy", "softmax", (("0", "1"), ("1", "0"))),
        ("half_squared_error", "linear", ()),
    ],
)
def test_term_is_left_of_a_cross_entropy_where_one_class_is_certain(
    loss: str, last: str, certain: tuple[tuple[str, str], ...], targets: tuple[str, str]
) -> None:
    """Of several outputs only a softmax with one true class has a single logarithm; of one output a certain target does."""
    content = dense((2, last), loss=loss)
    content["data"] = {"x": [1, 2], "y": list(targets)}
    assert ("remark.term_left" in ids_of(composed(content))) == (targets in certain)
    if loss == "binary_cross_entropy":
        content = dense((1, last), loss=loss)
        content["data"] = {"x": [1, 2], "y": [targets[0]]}
        assert ("remark.term_left" in ids_of(composed(content))) == (targets[0] != "1/2")


@pytest.mark.parametrize(("target", "sign"), [("1/2", "<="), ("7/4", "<="), ("0", ">"), ("2", ">"), ("-3", ">")])
def test_case_of_huber_is_told(target: str, sign: str) -> None:
    """The remark at the loss says which case holds with these numbers, and the number line is of that case."""
    content = {**unit("linear", "1/2"), "data": {"x": [1], "y": [target]}}
    network = content["network"]
    assert isinstance(network, dict)
    found = composed({**content, "network": {**network, "loss": {"name": "huber", "delta": "3/4"}}})
    remarks = [chain.remark for chain in chains_of(found) if chain.remark and chain.remark.id == "remark.holds"]
    condition = remarks[0].arguments["condition"]
    assert isinstance(condition, Message)
    (inequality,) = condition.arguments["items"]  # type: ignore[misc]
    assert isinstance(inequality, Inequality)
    assert inequality.sign == sign


@pytest.mark.parametrize("name", REACHING)
def test_remarks_are_true(name: str) -> None:
    """So they are at kinks, on targets and in computation graphs."""
    solution = sbp.solve(sbp.problem(REACHING[name]), steps=0)
    oracle = Oracle(solution)
    chains = chains_of(document.compose(solution, ("full",), without=("title.check",)))
    remarks = [chain.remark for chain in chains if chain.remark is not None]
    for remark in each(remarks):
        oracle.assert_is_true(remark)


def test_signs_are_not_told_behind_a_kink() -> None:
    """At a kink the derivative is a convention, which says nothing of what the loss does."""
    content = composed(REACHING["relu 0"])
    told = {
        str(chain.remark.arguments["it"])
        for chain in chains_of(content)
        if chain.remark and "it" in chain.remark.arguments
    }
    assert str(Name("W1_1_1")) not in told
    assert str(Name("b2_1")) in told


def test_prediction_is_what_the_gradients_predict() -> None:
    """The change to first order is the sum of gradient times change; what became of it is the change of the loss."""
    solution = sbp.solve(sbp.example("line"), steps=1)
    (found,) = [n.text for n in notes_of(document.compose(solution)) if n.text.id == "observation.predicted"]
    slope, step = solution.steps[0].values.gradient("W1_1_1"), solution.steps[0]
    assert step.updated is not None
    promised = slope * (step.updated["W1_1_1"] - step.values.value("W1_1_1"))
    changes = found.arguments["predicted"], found.arguments["change"]
    for said, expected in zip(changes, (promised, Fraction(1, 8) - Fraction(1, 2)), strict=True):
        assert isinstance(said, Message)
        assert said.id == "change.decrease"
        assert said.arguments["size"].value == -expected  # type: ignore[attr-defined]


@pytest.mark.sweep
@pytest.mark.parametrize("code", ["en", "zh"])
@pytest.mark.parametrize("name", ["mazur", "classifier", "xor", "rnn"])
def test_explained_documents_typeset_without_overfull_lines(name: str, code: str, tmp_path: Path) -> None:
    """Notes and remarks fit the page in either language."""
    assert_compiles(text_of(name, "latex", code), tmp_path, runs=1)


def test_notes_stand_in_every_format() -> None:
    """Each format writes ideas, reasons and mistakes in its own way."""
    latex, markdown, page = (text_of("mazur", f) for f in ("latex", "markdown", "html"))
    assert (
        latex.count(r"\symbackpropreason{Reason.}")
        == markdown.count("> *Reason.*")
        == page.count('<div class="note of-reason" role="note">')
    )
    assert latex.count(r"\symbackpropremark{") == page.count('<div class="remark">') > 10
    assert len({note.kind for note in notes_of(document.compose(solved("mazur")))}) == len(NoteKind)
