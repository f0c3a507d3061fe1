"""Multiple choice: of each number that is asked the options, which known mistakes of the same derivation make.

A distractor is what one mistake makes of the variant's own numbers. The commonest mistakes come first: by how often a class
made them, then by how often they are seen at all; then those in the line that is asked. Which options an answer has, and in
which order, is a function of the homework and of the numbers that were drawn. What was given out stands in the manifest.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy

from symbackprop.by_hand.answer_ids import id_of
from symbackprop.by_hand.array_arithmetic import ARRAYS
from symbackprop.by_hand.tolerance import half_unit
from symbackprop.csv_tables import read_csv
from symbackprop.errors import ProblemError
from symbackprop.homework.assignments.answers import Answer
from symbackprop.homework.assignments.options import Option, OptionsById
from symbackprop.homework.assignments.variants import AT_ONCE, VERSION, Array, Cohort, HomeworkAssignment
from symbackprop.homework.handouts.manifest import printed, spelled
from symbackprop.messages import Message, message, some
from symbackprop.mistakes.changes import Change, changes
from symbackprop.mistakes.consequences import Consequences
from symbackprop.mistakes.known_mistakes import MISTAKES
from symbackprop.mistakes.worksheets import Worksheet
from symbackprop.problems import load

OPTION = "--mistakes"
"""The option that names a report of marking."""

Made = Mapping[str, Mapping[int, Array]]
"""What changes make of the answers of a cohort: by key, then by the place of the change."""


class MistakenNumbers:
    """What known mistakes make of some answers, by key: the changes that reach one of them, conventions left out."""

    def __init__(self, given: HomeworkAssignment, keys: frozenset[str]) -> None:
        self.keys = keys
        self.consequences = Consequences(given.computation, ARRAYS)
        self.changes: Sequence[Change] = [
            change
            for change in (changes(Worksheet(given.computation)) if keys else ())
            if not change.mistake.is_convention and not keys.isdisjoint(self.consequences.reach(change))
        ]

    def of(self, cohort: Cohort) -> Made:
        """Return the numbers of all students."""
        found: dict[str, dict[int, Array]] = {key: {} for key in self.keys}
        with numpy.errstate(all="ignore"):
            for number, change in enumerate(self.changes):
                for key, made in self.consequences.under(change, cohort.values).items():
                    if key in found:
                        found[key][number] = numpy.broadcast_to(made, (len(cohort.students),))
        return found


class Choices:
    """The options of variants, made ready for one homework.

    Each answer has `count` options, the key among them; without a count those that `choices` of `[homework]` says, and none
    where it says nothing.
    """

    def __init__(self, given: HomeworkAssignment, count: int | None = None) -> None:
        asked = given.homework.rules.choices
        self.given = given
        self.counts: Mapping[Answer, int] = {
            answer: count or asked[answer.group] for answer in given.answers if count or answer.group in asked
        }
        keys = frozenset(answer.key for answer in self.counts)
        self._mistaken = MistakenNumbers(given, keys)
        self._changes = self._mistaken.changes
        self._cones = {key: {each.name for each in given.computation.cone([key])} for key in keys}
        self._order = {key: self._in_order(key) for key in keys}

    def of(self, cohort: Cohort) -> list[dict[str, tuple[Option, ...]]]:
        """Return the options of each student by the id of the answer, in the order in which sheets have them.

        One of them is the key. No two are within tolerance of each other, or printed alike: where too few known mistakes
        make other numbers there are fewer, and may be the key alone.
        """
        return [dict(own) for start in range(0, len(cohort.students), AT_ONCE) for own in self._of(cohort, start)]

    def _of(self, whole: Cohort, start: int) -> Iterator[Iterator[tuple[str, tuple[Option, ...]]]]:
        """Yield the options of some students: what mistakes make is worked out for all of them at once."""
        part = slice(start, start + AT_ONCE)
        positions = {name: array[part] for name, array in whole.positions.items()}
        cohort = Cohort(self.given, whole.students[part], positions)
        made = self._mistaken.of(cohort)
        for place in range(len(cohort.students)):
            yield ((answer.id, self._options(answer, cohort, made, place)) for answer in self.counts)

    def _options(self, answer: Answer, cohort: Cohort, made: Made, place: int) -> tuple[Option, ...]:
        """Return the options of an answer in the variant at a place."""
        allowed = float(cohort.tolerances[answer.id][place])
        chosen = [self._option(answer.key, float(cohort.values[answer.key][place]))]
        for number in self._order[answer.key]:
            if len(chosen) == self.counts[answer]:
                break
            value = float(made[answer.key][number][place])
            if math.isfinite(value):
                option = self._option(answer.key, value, self._changes[number])
                if all(self._are_apart(option, each, allowed) for each in chosen):
                    chosen.append(option)
        positions = {name: array[place].tolist() for name, array in sorted(cohort.positions.items())}
        stream = json.dumps(["symbackprop options", VERSION, self.given.digest, positions, answer.name])
        order = sorted(range(len(chosen)), key=lambda each: hashlib.sha256(f"{stream}{each}".encode()).digest())
        return tuple(map(chosen.__getitem__, order))

    def _option(self, key: str, value: float, change: Change | None = None) -> Option:
        number = float(spelled(value)) + 0.0  # 0 has no sign
        text = printed(number, self.given.homework.rounding)
        if change is None:
            return Option(number, text)
        graph = self.given.derivation.graph
        sites = [site for site in change.sites if any(each.name in self._cones[key] for each in site.equations)]
        at = dict.fromkeys(self.given.part + id_of(site.at, graph) for site in sites or change.sites)
        return Option(number, text, change.mistake.name, tuple(at))

    def _are_apart(self, one: Option, other: Option, allowed: float) -> bool:
        """Say whether who comes to one option, by roundings as told, cannot take the other for it."""
        rounding = self.given.homework.rounding
        reach = sum(max(allowed, float(half_unit(each.value, rounding))) for each in (one, other))
        return abs(one.value - other.value) > reach and one.text != other.text

    def _in_order(self, key: str) -> Sequence[int]:
        """Return the places of the changes that reach an answer, the commonest first: of each row one, then the others.

        A mistake in the line itself is made there alone, one before it wherever it can be made.
        """
        common = self.given.homework.rules.common
        reaching = [n for n, change in enumerate(self._changes) if key in self._mistaken.consequences.reach(change)]

        def rank(number: int) -> tuple[int, int, bool, int]:
            change = self._changes[number]
            is_here, count = any(site.at == key for site in change.sites), len(change.sites)
            return -common.get(change.mistake.name, 0), -change.mistake.seen, not is_here, count if is_here else -count

        order = sorted(reaching, key=rank)
        seen: Counter[str] = Counter()
        turns = {}
        for number in order:
            name = self._changes[number].mistake.name
            turns[number] = seen[name]
            seen[name] += 1
        return sorted(order, key=turns.__getitem__)


def with_counts(sources: Sequence[load.Source], report: Path) -> list[load.Source]:
    """Return problems whose `common` of `[homework]` says how many students made each mistake, by a report of marking.

    Raises `ProblemError` for a file that is none.
    """
    sheet = read_csv(report)
    student, mistake = (sheet.column(name, OPTION) for name in ("student", "mistake"))
    made = {(row[student], row[mistake]) for _, row in sheet.rows if row[mistake] in MISTAKES}
    counts = Counter(id for _, id in sorted(made))
    return [_with_common(source, counts) for source in sources]


def _with_common(source: load.Source, counts: Mapping[str, int]) -> load.Source:
    told = source.content.get("homework", {})
    if not isinstance(told, Mapping):
        return source
    return replace(source, content={**source.content, "homework": {**told, "common": dict(counts)}})


def remarks_on(choices: Choices, options: Sequence[OptionsById]) -> Iterator[Message]:
    """Yield what a teacher is told of the options of a class: which answers have fewer than is asked.

    Raises `ProblemError` where an answer of some variant has nothing to choose from.
    """
    least = {each: min((len(own[each.id]) for own in options), default=count) for each, count in choices.counts.items()}
    none = [each.id for each, count in least.items() if count < 2]
    if none:
        raise ProblemError(message("homework.nothing_to_choose", names=some(none)), where="homework.choices")
    few = [f"{each.id} ({count})" for each, count in least.items() if count < choices.counts[each]]
    if few:
        yield message("homework.few_options", names=some(few))
