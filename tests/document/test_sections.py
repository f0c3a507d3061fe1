"""The sections of a solution, one by one: what each is made of, and where it says nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import symbackprop as sbp
from symbackprop import document, language
from symbackprop.algebra.formula import Adjoint, Apply, Name, Sum
from symbackprop.descent.solution import Solution
from symbackprop.descent.update import Change
from symbackprop.document.blocks import Chain, Display, Listing, Note, Paragraph, Section, Table
from symbackprop.document.chain_rule import chains
from symbackprop.document.chain_rule.scene import Scene
from symbackprop.document.matrix_form.general import general_section
from symbackprop.document.notes import conditions
from symbackprop.document.notes.conditions import DisplayedLine
from symbackprop.document.notes.explanations import EXPLANATIONS, Lesson
from symbackprop.document.notes.remarks import ExactGradients, remark
from symbackprop.document.sections import (
    batch_comparison,
    conventions,
    gate_by_gate,
    local_derivatives,
    passes,
    rate_comparison,
    renumbering,
    second_order,
    sequential_updates,
    statement,
    updates,
)
from symbackprop.graph.quantities import Role
from symbackprop.messages import Message, message
from tests.documents import dense, document_scene, scene_of, sections_of, solved
from tests.helpers import each


def titles(*sections: Section) -> list[str]:
    """Return the titles of sections and subsections by their ids."""
    return [section.title.id for section in sections_of(sections) if isinstance(section.title, Message)]


def lines_in(*sections: Section) -> Iterator[Chain]:
    """Yield the displayed chains of sections and subsections."""
    for section in sections_of(sections):
        for block in section.blocks:
            if isinstance(block, Display):
                yield from block.chains


# The statement and the conventions


def test_statement_has_its_parts_in_order() -> None:
    """The problem begins with the network and what is given; the loop is a numbered algorithm."""
    scene = scene_of("mazur")
    found = titles(statement.statement(scene, statement.PARTS, 1))
    assert ["title.problem", "title.network", "title.given"] == found[:3]
    assert set(found[1:]) <= {*statement.PARTS, "title.loop"}
    assert isinstance(statement.loop(scene, 1), Listing)
    assert ["layer.input", "layer.output"] == [statement.layer_name(scene, layer).id for layer in (0, 2)]


def test_statement_of_a_computation_graph_lists_its_gates_from_the_output_back() -> None:
    """A graph has equations in place of layers; its gradients run from the output to the leaves."""
    scene = scene_of("circuit")
    assert set(titles(statement.statement(scene, gate_by_gate.PARTS, 1))[1:]) <= set(gate_by_gate.PARTS)
    order = gate_by_gate.backward_order(scene)
    computed = [equation.name for equation in scene.derivation.graph.equations]
    gates = [name for name in order if name in computed]
    assert gates == sorted(gates, key=computed.index, reverse=True)
    forward = {chain.left for chain in lines_in(*gate_by_gate.forward_sections(scene))}
    assert {Name(name) for name in computed} <= forward
    backward = [chain.left for chain in lines_in(*gate_by_gate.backward_sections(scene))]
    assert [Adjoint(name) for name in order] == backward


def test_conventions_say_what_the_backward_pass_goes_through() -> None:
    """With δ its definition is said, without it the derivative by the activation; the samples have their sentence."""
    by_activation = sbp.solve(sbp.example("mazur", [("notation.backward", "activation")]))
    through, without = scene_of("mazur").notation, by_activation.notation
    assert conventions.backward_sentence(through).id != conventions.backward_sentence(without).id
    assert conventions.samples_sentence(scene_of("xor"), "mean") != conventions.samples_sentence(scene_of("xor"), "sum")
    assert list(conventions.notation_sentences(scene_of("mazur")))


# The passes


def test_local_derivatives_derive_each_activation_once() -> None:
    """Two layers with the same activation have one derivation of it, and the loss has its own."""
    section = local_derivatives.local_derivatives(scene_of("mazur"))
    assert "title.derivatives" == section.title.id  # type: ignore[union-attr]
    assert 2 <= len(list(lines_in(section)))
    for chain in each(list(lines_in(section))):
        assert chain.steps


def test_step_is_forward_loss_backward_update() -> None:
    """The sections of a step in their order; every parameter has a line in the update, and the summary a table of them."""
    solution, scene = solved("mazur"), scene_of("mazur")
    parts = list(passes.step_sections(scene, solution.steps[0], Lesson("brief")))
    expected = ["title.forward", "title.loss", "title.derivatives", "title.backward", "title.update"]
    assert expected == [part.title.id for part in parts]  # type: ignore[union-attr]
    assert any(
        isinstance(block, Table)
        for part in sections_of((passes.summary_section([scene], solution),))
        for block in part.blocks
    )
    assert "title.after" == passes.after_section(scene, solution).title.id  # type: ignore[union-attr]
    bare = parts[0].with_chains(updates.numbers_alone)
    assert max(len(chain.steps) for chain in lines_in(bare)) < max(len(chain.steps) for chain in lines_in(parts[0]))


def test_update_has_the_lines_of_its_optimizer() -> None:
    """Plain descent takes one line for a parameter, Adam those of its states too; the verdict tells what the loss did."""
    problem = sbp.example("mazur", [("training.optimizer", "adam")])
    adam = sbp.solve(problem)
    counts = []
    for solution in (solved("mazur"), adam):
        scene = document_scene(solution)
        counts.append(len(updates.updated(scene, change_of(solution), "W1_1_1")))
        assert list(updates.rules(scene)) and list(updates.symbol_rows(scene))
    assert 1 == counts[0] < counts[1]
    assert "fell" in updates.verdict(solved("mazur")).id
    assert [] == list(updates.stopped_sentence(solved("mazur")))


def change_of(solution: Solution) -> Change:
    """Return what the first step of a solution changed."""
    change = solution.steps[0].change
    assert change is not None
    return change


def test_sequential_update_goes_from_the_last_layer_to_the_first() -> None:
    """What is changed first is the output layer; the layer before it reads new weights, under names of their own."""
    solution = sbp.solve(sbp.example("mazur", [("training.update", "sequential")]))
    scene, change = document_scene(solution), change_of(solution)
    layers = list(sequential_updates.sections(scene, change))
    found = [str(chain.left) for section in layers for chain in lines_in(section)]
    first, last = (next(n for n, text in enumerate(found) if name in text) for name in ("W2_1_1", "W1_1_1"))
    assert first < last


# Sections that are asked for


def test_batch_comparison_needs_several_samples() -> None:
    """With one sample there is nothing to compare."""
    assert batch_comparison.batch_section(scene_of("mazur")) is None
    assert batch_comparison.batch_section(scene_of("xor")) is not None


def test_comparison_of_rates_has_a_row_for_each() -> None:
    """Every learning rate that is compared is in the tables."""
    solution = sbp.solve(sbp.example("line"), learning_rates=["0.5", "1.5"])
    section = rate_comparison.rate_comparison_section(document_scene(solution), solution)
    assert any(isinstance(block, Table) for part in sections_of((section,)) for block in part.blocks)


def test_second_order_has_hessian_and_limit() -> None:
    """What the second derivatives say of a line: the Hessian 1, and a rate below 2."""
    section = second_order.second_order_section(scene_of("line"))
    assert {"second_order.hessian", "second_order.newton", "second_order.rate"} < set(titles(section))


def test_general_section_speaks_of_no_layer_by_its_number() -> None:
    """The recurrences are those of any layer: forward pass, errors, gradients."""
    section = general_section(sbp.example("deep"))
    assert len(list(lines_in(section))) >= 5
    assert "general.title" == section.title.id  # type: ignore[union-attr]


# Notes


def line(name: str, quantity: str, *, gradient: bool = True) -> DisplayedLine:
    """Return the displayed line of a gradient or a value of an example."""
    scene = scene_of(name)
    chain = chains.gradient(scene, quantity) if gradient else chains.forward(scene, quantity)
    return DisplayedLine(scene, chain, "backward" if gradient else "forward")


@pytest.mark.parametrize(
    ("condition", "is_held"),
    [
        (conditions.is_gradient, True),
        (conditions.is_parameter, True),
        (conditions.has_several_paths, False),
        (conditions.of_kind("weight"), True),
        (conditions.of_kind("bias"), False),
        (conditions.no(conditions.of_kind("bias")), True),
        (conditions.every(conditions.is_gradient, conditions.of_kind("weight")), True),
        (conditions.within("forward"), False),
        (conditions.is_own_activation, False),
        (conditions.trains, False),
    ],
)
def test_condition_tells_a_line_by_what_it_finds(condition: conditions.Condition, is_held: bool) -> None:
    """The gradient by a weight of Mazur's output layer: a parameter, one path, no update, no function of one's own."""
    assert is_held == bool(condition(line("mazur", "W2_1_1")))


def test_condition_sees_several_paths_and_kinks() -> None:
    """A hidden activation that two units read has two paths; a formula with a part of a type contains it."""
    assert conditions.has_several_paths(line("mazur", "a1_1"))
    assert conditions.contains(Sum)(line("mazur", "z1_1", gradient=False))
    assert conditions.contains(Apply)(line("mazur", "a1_1", gradient=False))


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [("W2_1_1", "remark.positive"), ("W2_2_1", "remark.negative"), ("a1_1", "remark.paths")],
)
def test_remark_is_read_off_the_numbers(quantity: str, expected: str) -> None:
    """A gradient that is positive, one that is negative, and one over two paths: each has its remark; a value has none."""
    exact = ExactGradients(scene_of("mazur"), solved("mazur").steps[0])
    found = remark(line("mazur", quantity), exact)
    assert found is not None
    assert expected == found.id
    assert remark(line("mazur", "z1_1", gradient=False), exact) is None


def test_lesson_explains_nothing_twice_and_nothing_at_all_when_it_is_brief() -> None:
    """The same sections explained again get no second note; a brief lesson changes nothing."""
    scene = scene_of("mazur")
    sections = list(passes.step_sections(scene, solved("mazur").steps[0], Lesson("brief")))
    lesson = Lesson("full")
    first, again = (lesson.explained(sections, scene, solved("mazur").steps[0]) for _ in range(2))

    def notes(found: tuple[Section, ...]) -> int:
        return sum(isinstance(block, Note) for part in sections_of(found) for block in part.blocks)

    assert notes(first) > notes(again)
    assert tuple(sections) == Lesson("brief").explained(sections, scene, solved("mazur").steps[0])
    assert ("full", "brief", "remarks", "mistakes") == EXPLANATIONS


def test_problem_without_numbers_has_symbols_alone() -> None:
    """A step without numbers has the sections in symbols and no update to work out."""
    solution = sbp.solve(sbp.problem(dense((2, "sigmoid"), (1, "linear"), values=False)))
    found = list(passes.step_sections(unsolved(solution), None, Lesson("brief")))
    assert "title.forward" in titles(*found)


def unsolved(solution: Solution) -> Scene:
    """Return the scene of a solution without numbers."""
    notation, style = solution.notation, document.style_of(solution.problem)
    return Scene(solution.derivation, None, notation, style, {})


@pytest.mark.parametrize(("batch", "kind"), [((3,), "training.one_sample"), ((3, 2), "training.samples")])
def test_samples_of_a_step_are_named(batch: tuple[int, ...], kind: str) -> None:
    """A step on some of the samples says which, and its headings have their numbers in the data."""
    assert renumbering.batch_sentence(batch).text.id == kind
    (title,) = renumbering.of_batch(batch, (message("title.sample", number=1),))
    assert title == message("title.sample", number=3)


@pytest.mark.parametrize("name", ["mazur", "circuit", "xor", "line", "attention"])
def test_check_says_what_was_compared(name: str) -> None:
    """The gradients compared are counted by what they are taken with respect to: of parameters those of the summary."""
    solution = solved(name)
    (section,) = (each for each in document.compose(solution).sections if each.title == Message("title.check"))
    (said,) = (block.text for block in section.blocks if isinstance(block, Paragraph))
    assert isinstance(said, Message)
    which = said.arguments["which"]
    assert isinstance(which, Message)
    graph = solution.derivation.graph
    parameters = sum(len(each.elements()) for each in solution.derivation.parameters)
    inputs = len(list(graph.scalars(*graph.of_role(Role.INPUT))))
    assert {"parameters": parameters, "inputs": inputs} == dict(which.arguments)
    english, chinese = (language.say(code, which) for code in ("en", "zh"))
    assert f"{parameters} with respect to parameters, {inputs} with respect to inputs" == english
    assert f"对参数 {parameters} 个，对输入 {inputs} 个" == chinese


def test_check_of_one_kind_names_that_kind() -> None:
    """Where nothing but parameters, or nothing but inputs, can be compared, the sentence speaks of these alone."""
    tables = {"parameters": {"w": 2}, "inputs": {"x": 3}}
    for kind in each(tables, least=2):
        graph = {kind: tables[kind], "equations": [f"L = {next(iter(tables[kind]))}**2"], "output": "L"}
        solution = sbp.solve(sbp.problem({"graph": graph}))
        (section,) = (each for each in document.compose(solution).sections if each.title == Message("title.check"))
        (block,) = (each for each in section.blocks if isinstance(each, Paragraph))
        assert isinstance(block.text, Message)
        assert f"(1 with respect to {kind})" in language.say("en", block.text)
