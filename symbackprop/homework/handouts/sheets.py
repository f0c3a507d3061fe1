"""Documents of one student: the sheet with blanks, and the key, which is the worked solution.

The sheet is made from a derivation without values: nothing that is asked can be in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from symbackprop import document
from symbackprop.arithmetic.decimals import trimmed
from symbackprop.derivation.derivations import Derivation
from symbackprop.descent.solution import solve
from symbackprop.document.answer_symbols import symbol
from symbackprop.document.blocks import Block, Document, Inline, Listing, PageFooter, Prose, Section, Table
from symbackprop.document.calculation.numerals import as_written
from symbackprop.document.display_nodes import Blank
from symbackprop.document.sections import figure_placement
from symbackprop.homework.assignments.answers import Answer
from symbackprop.homework.assignments.options import OptionsById, letter
from symbackprop.homework.assignments.problem_sets import ProblemSet
from symbackprop.homework.assignments.variants import HomeworkAssignment
from symbackprop.homework.handouts.manifest import printed, spelled
from symbackprop.language import Wording
from symbackprop.messages import Message, message
from symbackprop.problems import Problem, Rounding

_NOT_IN_KEYS = ("title.problem", "title.derivatives", "title.check", "title.summary", "figures", "numbers_in_arrays")
"""What every student's key would say alike, what the table of answers says already, and what nobody marks by."""

_HOMEWORK = 8
"""Digits of a homework's hash that tell it from others in a scan."""


@dataclass(frozen=True, slots=True)
class PrintedNumber:
    """A number as it is printed: rounded as is asked, with more digits, and the tolerance of one that is asked."""

    rounded: str
    full: str
    tolerance: str = ""


Numerals = Mapping[str, PrintedNumber]
"""Numbers by key as they are printed."""

_TOLERANCE = Rounding(2, significant=True)
"""Digits of a tolerance."""


@dataclass(frozen=True)
class Variant:
    """The variant of a problem: its numbers, those to be printed, and the options of what is answered by choosing."""

    problem: Problem
    values: Numerals
    options: OptionsById = field(default_factory=dict)


@dataclass(frozen=True)
class StudentVariant:
    """A student with a sheet: name and id (empty on an anonymous one), code, and variants by the numbers of the problems."""

    name: str
    id: str
    code: str
    variants: Mapping[str, Variant]


def sheet(given: ProblemSet, student: StudentVariant) -> Document:
    """Return the sheet of a student; of the values only those are printed that the homework gives."""
    common, special = _shared({part.part: (_digits(part), *_rules(part)) for part in given.parts})

    def of_problem(part: HomeworkAssignment) -> Iterator[Section]:
        own = student.variants[part.part]
        yield from _stated(part, own, special[part.part])
        yield Section(message("sheet.answers"), tuple(_blanks(part, own.options)))

    task = _task(given.homework.instructions, (*common, *_points(given)))
    sections = (task, *given.by_problem(of_problem))
    return Document(given.heading, tuple(_subtitle(given, student)), sections, _footer(given, student), many=True)


def question(given: HomeworkAssignment, own: Variant, *, is_chosen: bool = False) -> Document:
    """Return what another program asks that marks each answer alone: a sheet without blanks and our rules.

    An answer is a decimal, or one of the options that the program shows.
    """
    form = message("sheet.choose") if is_chosen else message("sheet.forms_decimals")
    task = _task(given.homework.instructions, (_digits(given), form))
    return Document(own.problem.heading, (), (task, *_stated(given, own)))


def _task(instructions: Wording, rules: tuple[Message, ...]) -> Section:
    """Return what is to be done: the teacher's words, and the rules of marking."""
    return Section(message("sheet.task"), (Prose(instructions), Listing(rules)))


def _shared(said: Mapping[str, tuple[Message, ...]]) -> tuple[tuple[Message, ...], Mapping[str, tuple[Block, ...]]]:
    """Return what is said of every problem, and by the number of the problem a list of what is said of it alone."""
    common = tuple(each for each in next(iter(said.values())) if all(each in own for own in said.values()))
    rest = {part: tuple(each for each in own if each not in common) for part, own in said.items()}
    return common, {part: (Listing(own),) if own else () for part, own in rest.items()}


def _stated(given: HomeworkAssignment, own: Variant, rules: tuple[Block, ...] = ()) -> Iterator[Section]:
    """Yield what a student has to know: rules of its own, the problem, and the values that the homework gives."""
    show, derivation = given.homework.show, _derivation(given, own)
    diagram = figure_placement.given(derivation) if "diagram" in show else None
    stated = document.stated(
        derivation, diagram, formulas="formulas" in show, update=given.asks_of_updates, known=given.formulas
    )
    yield replace(stated, blocks=(*rules, *stated.blocks))
    if given.homework.given:
        yield Section(message("sheet.given"), (_given(given, own.values),))


def key(given: ProblemSet, student: StudentVariant) -> Document:
    """Return the key of a student: of each problem the answers as they are marked, then the whole worked solution."""
    worked = {part.part: _worked(part, student.variants[part.part]) for part in given.parts}
    conventions, special = _shared({part: found.subtitle for part, found in worked.items()})

    def of_problem(part: HomeworkAssignment) -> Iterator[Section]:
        own = student.variants[part.part]
        numbers = document.numbers_given(_derivation(part, own))
        yield Section(message("sheet.key"), (_answers(part, own.values), *_explained(part, own.options)))
        yield replace(numbers, blocks=(*special[part.part], *numbers.blocks))
        yield from worked[part.part].sections

    title = worked[given.parts[0].part].title if len(worked) == 1 else given.heading
    subtitle = (*_subtitle(given, student), *conventions)
    return Document(title, subtitle, given.by_problem(of_problem), _footer(given, student), many=True)


def _worked(given: HomeworkAssignment, own: Variant) -> Document:
    """Return the worked solution of a variant."""
    full = given.homework.steps if given.homework.steps > 1 else None
    solution = solve(own.problem, derivation=_derivation(given, own), full_steps=full)
    return document.compose(solution, explanations="brief", without=_NOT_IN_KEYS, known=given.formulas)


def _derivation(given: HomeworkAssignment, own: Variant) -> Derivation:
    """Return the derivation of a problem with the numbers of a variant."""
    return replace(given.derivation, problem=own.problem)


def numerals(given: HomeworkAssignment, values: Mapping[str, float], tolerances: Mapping[str, float]) -> Numerals:
    """Return the numbers that sheets and keys print: what is asked, with its tolerance by id, and what is given."""
    allowed = {each.key: printed(tolerances[each.id], _TOLERANCE) for each in given.answers}
    keys = allowed | dict.fromkeys(_given_keys(given), "")
    return {
        key: PrintedNumber(printed(values[key], given.homework.rounding), spelled(values[key]), allowed.get(key, ""))
        for key in keys
    }


def _footer(given: ProblemSet, student: StudentVariant) -> PageFooter:
    """Return the foot of the pages of a student: who it is, and for scanners the homework and the code of the sheet."""
    owner = (*_person(student), message("sheet.code", code=student.code))
    return PageFooter(owner, f"{given.digest[:_HOMEWORK]}:{student.code}".upper(), given.homework.paper)


def _person(student: StudentVariant) -> Iterator[Message]:
    for text in (student.name, student.id):
        if text:
            yield message("text.plain", text=text)


def _subtitle(given: ProblemSet, student: StudentVariant) -> Iterator[Message]:
    for text in (given.homework.course, given.homework.date):
        if text.text:
            yield message("text.plain", text=text)
    yield from _person(student)
    yield message("sheet.code", code=student.code)


def _digits(given: HomeworkAssignment) -> Message:
    rounding = given.homework.rounding
    return message("sheet.significant" if rounding.significant else "sheet.decimals", digits=rounding.digits)


def _rules(given: HomeworkAssignment) -> Iterator[Message]:
    """Yield how marking reads answers, and what it gives for them."""
    rules = given.homework.rules
    yield from _forms({name: "choices" if name in rules.choices else kind for name, kind in rules.kinds.items()})
    if rules.follow_through:
        part = "" if rules.follow_through == 1 else _percent(rules.follow_through)
        yield message("sheet.follow_through_share", share=part) if part else message("sheet.follow_through")
    if rules.rounded:
        yield message("sheet.few_digits", share=_percent(rules.rounded))
    if rules.repeated:
        yield message("sheet.same_mistake", share=_percent(rules.repeated))
    for name, share in rules.partial.items():
        yield message("sheet.partial", mistake=message(f"slip.{name}"), share=_percent(share))


def _points(given: ProblemSet) -> Iterator[Message]:
    """Yield how many points there are, where not each answer has the same."""
    points = {each for part in given.parts for each in part.homework.points.values()}
    if len(points) > 1 or any(part.homework.total is not None for part in given.parts):
        yield message("sheet.total", points=trimmed(given.total))


def _forms(answers: Mapping[str, str]) -> Iterator[Message]:
    """Yield what an answer may be; where that differs, with the entries of `ask` that it is said of."""
    for kind in dict.fromkeys(answers.values()):
        rule = message(f"sheet.forms_{kind}")
        names = [name for name, own in answers.items() if own == kind]
        yield rule if len(names) == len(answers) else message("sheet.forms_for", names=names, rule=rule)


def _percent(share: Fraction) -> str:
    return f"{float(100 * share):g} %"


def _given_keys(given: HomeworkAssignment) -> Iterator[str]:
    """Yield the keys of the computed quantities that a sheet gives."""
    graph = given.derivation.graph
    yield from map(str, graph.scalars(*map(graph.quantities.__getitem__, given.homework.given)))


def _given(given: HomeworkAssignment, values: Numerals) -> Table:
    return Table(
        _columns("quantity", "value"),
        tuple((symbol(given.derivation, key), as_written(values[key].rounded)) for key in _given_keys(given)),
        (False, True),
    )


def _blanks(given: HomeworkAssignment, options: OptionsById) -> Iterator[Table]:
    """Yield a table of blanks, then one with the options of what is answered by choosing; none without a row."""
    columns = _columns("answer_id", "quantity", "points")
    open_ones = [each for each in given.answers if each.id not in options]
    chosen = [each for each in given.answers if each.id in options]
    blank = message("column.answer")
    if open_ones:
        rows = tuple((*_asked(given, each), Blank()) for each in open_ones)
        yield Table((*columns, blank), rows, (False, False, True, False))
    if chosen:
        most = max(len(options[each.id]) for each in chosen)
        letters = tuple(map(letter, range(most)))
        texts = {each.id: [as_written(option.text) for option in options[each.id]] for each in chosen}
        rows = tuple(
            (*_asked(given, each), *texts[each.id], *[""] * (most - len(texts[each.id])), Blank()) for each in chosen
        )
        yield Table((*columns, *letters, blank), rows, (False, False, *[True] * (most + 1), False))


def _asked(given: HomeworkAssignment, answer: Answer) -> tuple[Inline, ...]:
    """Return what is asked: the id, the symbol, the points."""
    return answer.id, symbol(given.derivation, answer.key), trimmed(given.most[answer.id])


def _explained(given: HomeworkAssignment, options: OptionsById) -> Iterator[Block]:
    """Yield the options with what makes them, a row for each, and why these mistakes are some."""
    chosen = [
        (each.id, place, option) for each in given.answers for place, option in enumerate(options.get(each.id, ()))
    ]
    if chosen:
        rows = tuple(
            ("" if place else id, letter(place), as_written(option.text), option.cause or message("sheet.right_option"))
            for id, place, option in chosen
        )
        yield Table(_columns("answer_id", "option", "value", "option_cause"), rows, (False, False, True, False))
        made = dict.fromkeys(option.mistake for _, _, option in chosen if not option.is_key)
        yield Listing(
            tuple(
                message("sheet.why", mistake=message(f"slip.{id}"), reason=message(f"slip_reason.{id}")) for id in made
            )
        )


def _columns(*names: str) -> tuple[Inline, ...]:
    return tuple(message(f"column.{name}") for name in names)


def _answers(given: HomeworkAssignment, values: Numerals) -> Table:
    columns = _columns("answer_id", "quantity", "value", "full_value", "tolerance", "points")
    rows = tuple(tuple(_answer_row(given, each, values[each.key])) for each in given.answers)
    return Table(columns, rows, (False, False, True, True, True, True))


def _answer_row(given: HomeworkAssignment, answer: Answer, number: PrintedNumber) -> Iterator[Inline]:
    yield from (answer.id, symbol(given.derivation, answer.key))
    yield from map(as_written, (number.rounded, number.full, number.tolerance))
    yield trimmed(given.most[answer.id])
