"""Solutions → documents: sections of blocks that know no format and no language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from symbackprop import verify
from symbackprop.document import circuit, matrix
from symbackprop.document.blocks import Document, Paragraph, Section
from symbackprop.document.chains import Scene
from symbackprop.document.marks import Equality, Gradient
from symbackprop.document.numerals import Style, is_decimal, show
from symbackprop.document.statement import statement
from symbackprop.document.working import after_section, step_sections, summary_section
from symbackprop.errors import Message, message
from symbackprop.evaluate import Values
from symbackprop.formula import Adjoint, Name
from symbackprop.notation import Notation
from symbackprop.problems import Circuit, Given, Problem
from symbackprop.solution import Solution

DETAILS = ("full", "matrix")
"""What a document may show: every quantity, or the equations and gradients between arrays."""


def compose(solution: Solution, details: Sequence[str] = ("full",)) -> Document:
    """Return the worked solution as a document that shows the given details."""
    problem, derivation = solution.problem, solution.derivation
    notation = notation_of(solution)
    style = Style(problem.notation.digits, _has_fractions(problem))

    def scene(values: Values | None, given: Mapping[str, Given]) -> Scene:
        return Scene(derivation, values, notation, style, given)

    given = _given(solution)
    first = scene(solution.steps[0].values if solution.steps else None, given)
    state = circuit.statement if isinstance(problem.model, Circuit) else statement
    sections = [state(first, max(len(solution.losses) - 1, 0))]
    if "matrix" in details:
        sections += matrix.matrix_sections(first)
    if "full" not in details:
        return _document(solution, notation, sections)
    if not solution.steps:
        sections += step_sections(first, None)
        return _document(solution, notation, sections)
    later = _unchanged(solution, given)
    # After an update the parameters are computed; only the data is still as written.
    scenes = [first, *(scene(step.values, later) for step in solution.steps[1:])]
    for number, (current, step) in enumerate(zip(scenes, solution.steps, strict=True), start=1):
        parts = tuple(step_sections(current, step, is_first=number == 1))
        several = len(solution.steps) > 1
        sections += [Section(message("title.step", number=number), sections=parts)] if several else parts
    if solution.after is not None:
        sections.append(after_section(scene(solution.after, later), solution))
    sections.append(_check_section(solution, style))
    sections.append(summary_section(scenes, solution))
    return _document(solution, notation, sections)


def _document(solution: Solution, notation: Notation, sections: list[Section]) -> Document:
    """Return the document; without a title of the user's it is called what it is."""
    kind, *conventions = _subtitle(solution, notation)
    title = solution.problem.title
    return Document(title or kind, (kind, *conventions) if title else tuple(conventions), tuple(sections))


def notation_of(solution: Solution) -> Notation:
    """Return the notation that the problem asks for."""
    choice = solution.problem.notation
    return Notation.of(solution.derivation.graph, choice.naming, choice.symbols)


def _has_fractions(problem: Problem) -> bool:
    """Say whether the problem states a number as a fraction."""
    return any(
        given is not None and isinstance(given.value, Fraction) and not is_decimal(given.text)
        for array in problem.arrays.values()
        for given in array.entries
    )


def _given(solution: Solution) -> dict[str, Given]:
    """Return the numbers of the problem by element (and sample)."""
    found = {}
    for name, array in solution.problem.arrays.items():
        quantity = solution.derivation.graph.quantities[name]
        elements = quantity.elements()
        for position, given in enumerate(array.entries):
            element = elements[position % len(elements)]
            key = f"{element}@{position // len(elements) + 1}" if quantity.batched else element
            if given is not None:
                found[key] = given
    return found


def _unchanged(solution: Solution, given: Mapping[str, Given]) -> dict[str, Given]:
    """Return the given numbers that an update leaves as they are: the data and the frozen parameters."""
    frozen = solution.problem.training.frozen if solution.problem.training else frozenset()
    changed = {e for q in solution.derivation.parameters if q.name not in frozen for e in q.elements()}
    return {name: number for name, number in given.items() if name not in changed}


def _subtitle(solution: Solution, notation: Notation) -> list[Message]:
    digits = message("text.digits", digits=solution.problem.notation.digits)
    if isinstance(solution.problem.model, Circuit):
        return [message("text.worked_solution"), digits]
    first = next(q for q in solution.derivation.graph.quantities.values() if q.kind == "pre_activation").elements()[0]
    delta = message("text.delta", definition=Equality(Adjoint(first), Gradient(first)))
    return [message("text.worked_solution"), delta, digits]


def _check_section(solution: Solution, style: Style) -> Section:
    """Return the section that says how well the gradients agree with central differences."""
    report = verify.check(solution.problem, derivation=solution.derivation)
    compared = [entry for entry in report.entries if entry.verdict is not verify.Verdict.SKIPPED]
    skipped = report.with_verdict(verify.Verdict.SKIPPED)
    blocks = []
    if compared:
        outcome = "text.check" if report.agrees else "text.check_failed"
        worst = show(report.worst, Style(1))
        blocks.append(Paragraph(message(outcome, count=len(compared), worst=worst, step=show(verify.STEP, style))))
    if skipped:
        names = tuple(_named(entry.name) for entry in skipped)
        blocks.append(Paragraph(message("text.skipped", names=names)))
    return Section(message("title.check"), tuple(blocks))


def _named(key: str) -> Name:
    name, _, sample = key.partition("@")
    return Name(name, int(sample) if sample else None)
