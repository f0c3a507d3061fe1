"""Solutions → documents: sections of blocks that know no format and no language."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from symbackprop.algebra.formula import Name
from symbackprop.arithmetic.decimals import is_decimal
from symbackprop.arithmetic.real_numbers import Logarithm
from symbackprop.derivation.derivations import Derivation
from symbackprop.derivation.stated_numbers import StatedNumbers
from symbackprop.descent.solution import DescentStep, Solution
from symbackprop.document.blocks import Block, Chain, Document, Figure, Listing, Paragraph, Section, Table
from symbackprop.document.calculation.numerals import Style, show
from symbackprop.document.chain_rule import choice, detail
from symbackprop.document.chain_rule.formulas import formula_display
from symbackprop.document.chain_rule.scene import Choice, Formulas, Scene
from symbackprop.document.matrix_form import general, matrix
from symbackprop.document.notes.explanations import EXPLANATIONS as EXPLANATIONS
from symbackprop.document.notes.explanations import Lesson
from symbackprop.document.sections import (
    display_once,
    figure_placement,
    gate_by_gate,
    rate_comparison,
    second_order,
    short_form,
    statement,
    updates,
)
from symbackprop.document.sections.conventions import backward_sentence
from symbackprop.document.sections.passes import (
    after_section,
    later_section,
    matrix_sections,
    step_sections,
    summary_section,
)
from symbackprop.evaluation import checks
from symbackprop.evaluation.evaluate import Values
from symbackprop.graph.notation import Notation
from symbackprop.graph.quantities import Role
from symbackprop.graph.scalars import Scalar
from symbackprop.messages import message
from symbackprop.problems import Given, Problem

DETAILS = (detail.FULL, detail.REPRESENTATIVE, detail.SHORT, detail.MATRIX, "general", "second_order")
"""What a document may show: every quantity; one parameter of each array, and tables; one quantity of each kind, a line
for each other; array equations; recurrences for any layer; the second derivatives."""


_OF_RESULTS = "convention.digits"
"""What a convention says of the numbers that are computed."""

_ASKED = ("title.network", "title.given", "title.conventions", "title.graph", "title.gates")
"""The parts of a statement that a sheet of homework needs; the others tell what is to be found."""


_OF_ANY_NUMBERS = ("title.network",)
"""The parts of a statement in a document of recurrences alone, which hold for any numbers."""

_LISTS: Mapping[str | None, str | None] = {detail.FULL: None, detail.REPRESENTATIVE: "title.other_formulas"}
"""The list of formulas of a document that shows steps; where none is shown all formulas stand in it."""


def stated(
    derivation: Derivation,
    diagram: Figure | None,
    *,
    formulas: bool,
    update: bool = True,
    known: Formulas | None = None,
) -> Section:
    """Return the statement of a problem with nothing but what is given: no value that has to be computed.

    Nor is said how results are printed, or, without `update`, how parameters are updated. `known` are formulas as `compose`
    has them.
    """
    problem, scene = derivation.problem, _unsolved(derivation, known)
    kept = [*_ASKED, *(["title.formulas"] if formulas else [])]
    sections = tuple(
        Section(message(title), tuple(map(_given_alone, part(scene))))
        for title, part in _parts(problem).items()
        if title in kept
    )
    if problem.training is not None and update:
        header = tuple(message(f"column.{name}") for name in ("symbol", "meaning", "value"))
        settings = Table(header, tuple(updates.symbol_rows(scene)), (False, False, True))
        rules = Listing(tuple(updates.rules(scene)))
        sections = (*sections, Section(message("title.update"), (rules, settings)))
    return Section(message("title.problem"), () if diagram is None else (diagram,), sections)


def _given_alone(block: Block) -> Block:
    """Return a block without the words on how results are printed."""
    if not isinstance(block, Listing):
        return block
    return replace(block, items=tuple(item for item in block.items if item.id != _OF_RESULTS))


def gradients(derivation: Derivation, elements: Sequence[str]) -> tuple[Chain, ...]:
    """Return the formulas of the gradients by some elements, without numbers, as a document has them at a glance."""
    return formula_display(_unsolved(derivation, None), elements, 1).chains


def numbers_given(derivation: Derivation) -> Section:
    """Return the numbers that a problem states, in tables."""
    tables = tuple(_parts(derivation.problem)["title.given"](_unsolved(derivation, None)))
    return Section(message("title.problem"), sections=(Section(message("title.given"), tables),))


def _parts(problem: Problem) -> statement.Parts:
    return statement.PARTS if problem.layers else gate_by_gate.PARTS


def _unsolved(derivation: Derivation, known: Formulas | None) -> Scene:
    """Return what the lines of a problem without its solution are written from."""
    problem = derivation.problem
    notation, style = Notation.of(derivation.graph, problem.notation), style_of(problem)
    given, formulas = derivation.stated_numbers, {} if known is None else known
    return Scene(derivation, None, notation, style, given, formulas=formulas, numbers_in_arrays=False)


def compose(
    solution: Solution,
    details: Sequence[str] | None = None,
    explanations: str = "full",
    *,
    without: Collection[str] = (),
    known: Formulas | None = None,
) -> Document:
    """Return the worked solution as a document that shows the given details, with explanations (`full`, `brief`, `remarks`).

    Without details, it shows those that suit the size of the problem (`detail.automatic`). Of the sections `title.problem`,
    `title.derivatives`, `title.check` and `title.summary` those in `without` are neither made nor shown (the comparison with
    central differences takes as long as all the rest), no figure with `figures` in it, and no formula between arrays has its
    numbers put in with `numbers_in_arrays`. `known` are formulas in symbols that other documents of the derivation with
    other numbers have left, and takes up new ones.
    """
    problem, derivation = solution.problem, solution.derivation
    details = detail.automatic(derivation) if details is None else details
    notation = solution.notation
    style = style_of(problem)

    chosen: Choice | None = None
    formulas: Formulas = {} if known is None else known
    is_general, is_short = _is_general(details), detail.of_steps(details) == detail.SHORT
    # By hand each number is rounded, not each line; without errors a product of arrays would need parentheses.
    is_plain = problem.notation.round_intermediates is None and problem.notation.backward == "delta"
    in_arrays = is_plain and not (is_general or is_short or "numbers_in_arrays" in without)

    def scene(values: Values | None, given: Mapping[Scalar, Given], step: DescentStep | None = None) -> Scene:
        if step is None or step.batch is None:
            return Scene(derivation, values, notation, style, given, chosen, formulas, in_arrays)
        return Scene(step.derivation, values, notation, style, given, chosen, numbers_in_arrays=in_arrays)

    given = derivation.stated_numbers
    opening = solution.steps[0] if solution.steps else None
    # The values of a batch are not those of the whole data.
    has_values = opening is not None and opening.batch is None and not is_general
    first = scene(opening.values if has_values and opening is not None else None, given)
    lesson = Lesson(explanations, is_short)
    sections: list[Section] = []
    if "title.problem" not in without:
        sections += lesson.explained([_statement(first, details, max(len(solution.losses) - 1, 0))], first)
    if "general" in details:
        sections += lesson.explained([general.general_section(problem)], first)
    if detail.MATRIX in details:
        sections += lesson.explained(list(matrix.matrix_sections(first)), first)
        if not is_general and detail.of_steps(details) is None:
            sections += matrix_sections(solution, _scenes(solution, scene), lesson)
    if (shown := detail.of_steps(details)) is not None:
        if shown != detail.FULL:
            choose = choice.first_of_each_kind if shown == detail.SHORT else choice.representatives
            chosen = choose(derivation, None if opening is None else opening.values)
        sections += _worked(solution, scene, lesson, without)
    if "second_order" in details:
        sections += lesson.explained([second_order.second_order_section(first)], first)
    if solution.learning_rates:
        sections += lesson.explained([rate_comparison.rate_comparison_section(first, solution)], first)
    whole = [*sections, *lesson.closing(first, sections)]
    if problem.notation.round_intermediates is None:
        # By hand the numbers of a line hold beside the formula in the numbers already rounded, and beside no other.
        whole = list(display_once.once(whole))
    if "figures" not in without and not is_general:
        whole = figure_placement.illustrated(whole, solution, only=figure_placement.OF_STATEMENTS if is_short else None)
    return _document(solution, whole, has_numbers=not is_general)


def _is_general(details: Sequence[str]) -> bool:
    """Say whether a document is about any layer and no numbers."""
    return set(details) == {"general"}


def _statement(scene: Scene, details: Sequence[str], updates: int) -> Section:
    """Return the statement of a problem in the length that suits some details."""
    parts, steps = _parts(scene.derivation.problem), detail.of_steps(details)
    if _is_general(details):
        kept = [Section(message(title), tuple(parts[title](scene))) for title in _OF_ANY_NUMBERS if title in parts]
        return Section(message("title.problem"), sections=tuple(kept))
    if steps == detail.SHORT:
        return short_form.statement(scene, parts)
    return statement.statement(scene, parts, updates, _LISTS.get(steps, statement.FORMULAS))


def _worked(
    solution: Solution, scene: Callable[..., Scene], lesson: Lesson, without: Collection[str]
) -> Iterator[Section]:
    """Yield the steps in full, what they did, the check and the summary; without numbers the symbols alone."""
    given = solution.derivation.stated_numbers
    if not solution.steps:
        yield from step_sections(scene(None, given), None, lesson, derives="title.derivatives" not in without)
        return
    scenes = _scenes(solution, scene)
    for number, (current, step) in enumerate(zip(scenes, solution.steps, strict=True), start=1):
        title = message("title.step", number=number)
        if number > 1 and current.is_short:
            yield later_section(title, current, step)
            continue
        parts = tuple(step_sections(current, step, lesson, derives=number == 1 and "title.derivatives" not in without))
        yield from [Section(title, sections=parts)] if len(scenes) > 1 else parts
    closing = []
    if solution.after is not None:
        after = _again(scene(solution.after, _unchanged(solution, given)), scenes)
        explained = lesson.explained([lesson.reviewed(after_section(after, solution), solution)], after)
        # The formulas have been seen.
        yield from (section.with_chains(updates.numbers_alone) for section in explained)
    if "title.check" not in without:
        closing.append(_check_section(solution, scenes[0].style))
    if "title.summary" not in without:
        summarize = short_form.summary if scenes[0].is_short else summary_section
        closing.append(summarize(scenes, solution))
    yield from lesson.explained(closing, scenes[0])


def _scenes(solution: Solution, scene: Callable[..., Scene]) -> list[Scene]:
    """Return what the lines of each step are written from."""
    scenes: list[Scene] = []
    for step in solution.steps:
        known = (solution if step.batch is None else step).derivation.stated_numbers
        # After an update the parameters are computed; only the data is still as written.
        scenes.append(_again(scene(step.values, known if not scenes else _unchanged(solution, known), step), scenes))
    return scenes


def _again(scene: Scene, before: Sequence[Scene]) -> Scene:
    """Return a scene in which, after others of a short document, nothing is written out once more."""
    return replace(scene, chosen=Choice(is_short=True)) if before and scene.is_short else scene


def _document(solution: Solution, sections: Iterable[Section], *, has_numbers: bool) -> Document:
    """Return the document; without a title of the user's it is called what it is, and of digits one with numbers speaks."""
    problem, kind = solution.problem, message("text.worked_solution")
    backward = (backward_sentence(solution.notation, "text"),) if problem.layers else ()
    digits = (message("text.digits", digits=problem.notation.digits),) if has_numbers else ()
    conventions = (*backward, *digits)
    title = problem.heading if problem.title else None
    return Document(title or kind, (kind, *conventions) if title else conventions, tuple(sections))


def style_of(problem: Problem) -> Style:
    """Return how the numbers of a problem are shown: as fractions where it states one as a fraction or a logarithm.

    What is rounded as by hand is a decimal.
    """
    has_fraction = any(
        given is not None and isinstance(given.value, Fraction | Logarithm) and not is_decimal(given.text)
        for array in problem.arrays.values()
        for given in array.entries
    )
    return Style(problem.notation.digits, has_fraction and problem.notation.round_intermediates is None)


def _unchanged(solution: Solution, given: StatedNumbers) -> StatedNumbers:
    """Return the given numbers that an update leaves as they are: the data and the frozen parameters."""
    frozen = solution.problem.training.frozen if solution.problem.training else frozenset()
    return given.without([each.name for each in solution.derivation.parameters if each.name not in frozen])


def _check_section(solution: Solution, style: Style) -> Section:
    """Return the section that says how well the gradients agree with central differences."""
    report = checks.check(solution.problem, derivation=solution.derivation, oracles=(checks.Oracle.DIFFERENCES,))
    counts = {f"{role}s": count for role in (Role.PARAMETER, Role.INPUT) if (count := report.compared(role))}
    skipped = report.with_verdict(checks.Verdict.SKIPPED)
    blocks = []
    if counts:
        of_one, of_several = ("text.check_one", "text.check_failed_one"), ("text.check", "text.check_failed")
        outcome = (of_one if sum(counts.values()) == 1 else of_several)[0 if report.agrees else 1]
        which = message("text.compared_" + "_and_".join(counts), **counts)
        worst, step = show(report.worst, Style(1)), show(checks.STEP, style)
        blocks.append(Paragraph(message(outcome, which=which, worst=worst, step=step)))
    if skipped:
        names = tuple(Name(*Scalar.read(entry.name)) for entry in skipped)
        blocks.append(Paragraph(message("text.skipped", names=names)))
    return Section(message("title.check"), tuple(blocks))
