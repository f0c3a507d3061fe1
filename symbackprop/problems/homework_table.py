"""The tables `[variants]` and `[homework]`: what is drawn for each student, what is asked and how it is marked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from symbackprop.catalog.optimizers import RATE
from symbackprop.errors import ProblemError, unknown
from symbackprop.messages import message
from symbackprop.problems import numbers
from symbackprop.problems.accepted_targets import misfit
from symbackprop.problems.answer_rules import NUMBERS, AnswerRules
from symbackprop.problems.asked import GROUPS, OF_UPDATES, AskedEntry, askable_arrays
from symbackprop.problems.assignments import Homework
from symbackprop.problems.rounding import Rounding
from symbackprop.problems.spec import ChoicesSpec, GridSpec, HomeworkSpec, ProblemSpec
from symbackprop.problems.types import Array, Draw, Given, Problem
from symbackprop.problems.wordings import wording

_MOST_CHOICES = 10_000


def variants(spec: ProblemSpec, problem: Problem) -> dict[str, Draw]:
    """Return the draws of a problem by the name of what is drawn: a declared array or the learning rate."""
    drawable = list(problem.arrays)
    if problem.training is not None:
        drawable.append(RATE)
    found = {}
    for name, table in (spec.variants.model_extra or {}).items():
        where = f"variants.{name}"
        if name not in drawable:
            raise unknown("drawable", name, drawable, where="variants")
        choices = tuple(_choices(table, where))
        if not choices:
            raise ProblemError(message("homework.no_choice"), where=where)
        classes = _are_classes(problem, name, choices, where)
        found[name] = Draw(name, _size(problem, name, classes), choices, classes)
    return found


def _choices(table: GridSpec | ChoicesSpec, where: str) -> Iterator[Given]:
    if isinstance(table, ChoicesSpec):
        for position, value in enumerate(table.choices):
            yield numbers.number(value, f"{where}.choices[{position}]")
        return
    low = numbers.fraction(numbers.number(table.low, f"{where}.low"), f"{where}.low")
    high = numbers.fraction(numbers.number(table.high, f"{where}.high"), f"{where}.high")
    step = numbers.positive_fraction(table.step, f"{where}.step")
    if low > high:
        raise ProblemError(message("problem.low_high"), where=where)
    count = (high - low) // step + 1
    if count > _MOST_CHOICES:
        raise ProblemError(message("homework.many_choices", count=count, limit=_MOST_CHOICES), where=where)
    for position in range(count):
        yield numbers.stated(low + position * step)


def _size(problem: Problem, name: str, classes: bool) -> int:
    if classes:
        return problem.samples or 1
    return 1 if name == RATE else len(problem.arrays[name].entries)


def _are_classes(problem: Problem, name: str, choices: tuple[Given, ...], where: str) -> bool:
    """Say whether the choices of `y` are class indices, and check that they exist."""
    if name != "y" or not problem.layers:
        return False
    if not problem.network.has_classes:
        fits = problem.network.targets.entry
        wrong = next((given for given in choices if not fits(float(given.value))), None)
        if wrong is not None:
            raise ProblemError(misfit(problem.network, float(wrong.value)), where=where)
        return False
    last = problem.layers[-1].units - 1
    for given in choices:
        if given.value not in range(last + 1):
            raise ProblemError(message("problem.class_index", value=given.text, last=last), where=where)
    return True


def drawn(draw: Draw, positions: Sequence[int], array: Array) -> Array:
    """Return an array filled with the choices at the given positions; of classes, one-hot rows."""
    chosen = tuple(draw.choices[position] for position in positions)
    if draw.classes:
        outputs = len(array.entries) // draw.size
        chosen = tuple(entry for given in chosen for entry in numbers.one_hot(given.value, outputs))
    return Array(array.shape, chosen)


def homework(spec: HomeworkSpec, problem: Problem) -> Homework:
    """Return the assignment of a problem."""
    names = problem.model.computed()
    ask = tuple(dict.fromkeys(_usual(problem) if spec.ask is None else spec.ask))
    _check_asked(ask, problem)
    for position, name in enumerate(spec.given):
        if name not in names:
            raise unknown("asked", name, names, where=f"homework.given[{position}]")
    if not ask:
        raise ProblemError(message("problem.kind", expected=message("kind.non_empty")), where="homework.ask")
    for name in spec.given:
        if name in ask:
            raise ProblemError(message("homework.given_and_asked", name=name), where="homework.given")
    if spec.significant is not None and spec.decimals is not None:
        raise ProblemError(message("problem.rounding"), where="homework")
    for key, table in (("points", spec.points), ("answers", spec.answers), ("choices", spec.choices)):
        for name in table if isinstance(table, dict) else ():
            if name not in ask:
                raise unknown("asked", name, ask, where=f"homework.{key}")
    kinds, choices = _kinds(spec.answers, ask), _choices_asked(spec.choices, ask)
    for name in choices:
        if kinds[name] != NUMBERS:
            raise ProblemError(message("homework.chosen_formula", name=name), where="homework.choices")
    points = {name: numbers.positive_fraction(spec.points.get(name, 1), f"homework.points.{name}") for name in ask}
    return Homework(
        ask=ask,
        rounding=Rounding(spec.decimals or spec.significant or 4, significant=spec.decimals is None),
        points=points,
        total=None if spec.total is None else numbers.positive_fraction(spec.total, "homework.total"),
        rules=AnswerRules(
            follow_through=numbers.fraction_between(spec.follow_through, 0, 1, "homework.follow_through"),
            rounded=numbers.fraction_between(spec.rounded, 0, 1, "homework.rounded"),
            repeated=numbers.fraction_between(spec.repeated, 0, 1, "homework.repeated"),
            kinds=kinds,
            partial={
                name: numbers.fraction_between(share, 0, 1, f"homework.partial.{name}")
                for name, share in spec.partial.items()
            },
            choices=choices,
            common=dict(spec.common),
        ),
        given=tuple(dict.fromkeys(spec.given)),
        instructions=wording(spec.instructions, "homework.instructions"),
        course=wording(spec.course, "homework.course"),
        date=wording(spec.date, "homework.date"),
        show=tuple(dict.fromkeys(spec.show)),
        paper=spec.paper,
        steps=max(AskedEntry.read(entry).step for entry in ask),
        pool=spec.pool or 0,
    )


def _usual(problem: Problem) -> tuple[str, ...]:
    """Return what is asked where the file does not say it: everything but the loss after the update."""
    groups = [group for group in GROUPS if problem.training is not None or group not in OF_UPDATES]
    return tuple(name for name in (*problem.model.computed(), *groups) if name != "new_L")


def _check_asked(ask: Sequence[str], problem: Problem) -> None:
    """Raise `ProblemError` for an entry that begins with no name of the problem, or is of a step that there is not.

    Whether it is an element is known where the graph is: `homework.answers`.
    """
    known, steps = askable_arrays(problem), 1 if problem.training is None else problem.training.steps
    for position, text in enumerate(ask):
        where, entry = f"homework.ask[{position}]", AskedEntry.read(text)
        if not entry.stands_for_one_of(known):
            raise unknown("asked", entry.name, known, where=where)
        if entry.step > max(steps, 1):
            raise ProblemError(message("homework.step_beyond", step=entry.step, count=steps), where=where)


def _kinds(stated: str | Mapping[str, str], ask: Sequence[str]) -> dict[str, str]:
    """Return what an answer may be, by the entry of `ask`."""
    if isinstance(stated, str):
        return dict.fromkeys(ask, stated)
    return {name: stated.get(name, NUMBERS) for name in ask}


def _choices_asked(stated: int | Mapping[str, int], ask: Sequence[str]) -> dict[str, int]:
    """Return from how many options answers are chosen, by the entry of `ask`."""
    return dict.fromkeys(ask, stated) if isinstance(stated, int) else dict(stated)
