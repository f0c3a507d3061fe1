"""Diagnosis: which mistakes explain numbers from a book, a page or a student's paper.

First step by step along the numbers that are given: each is computed anew from those before it as they were given. What no
single change between two given numbers explains is then looked for by final answer, anywhere in the computation. A mistake
is named only where no other explains the number within the digits in which it is given.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from symbackprop.by_hand.answer_parsing import shortened, unit
from symbackprop.by_hand.hand_computation import names_read
from symbackprop.errors import known_language
from symbackprop.language import DEFAULT
from symbackprop.messages import Message, message
from symbackprop.mistakes.changes import Change
from symbackprop.mistakes.examination import Examination
from symbackprop.mistakes.numbers_given import Given, given_answers
from symbackprop.mistakes.roundings import RoundedRun
from symbackprop.mistakes.verdicts import DiagnosedAnswer, Diagnosis, Explanation, Finding
from symbackprop.problems import Rounding

COARSE = 1e-3
"""Who types a number to a unit this share of that in which numbers on the way were rounded may have rounded so."""
POWERS = (1, -1, 2, -2, 3, -3)
"""Powers of ten by which a misplaced point makes a number another."""
MOST_POSSIBLE = 12
"""Explanations that are listed of a number that several explain."""


def examined(examination: Examination, numbers: Mapping[str, Any], language: str = DEFAULT) -> Diagnosis:
    """Return the diagnosis of a paper by an examination that is made ready."""
    known_language(language)
    paper = given_answers(numbers, examination.named, examination.values)
    return Diagnosis(examination.derivation, tuple(_Paper(examination, paper).answers()), language)


_Found = Mapping[str, float]
_Candidate = tuple[Change, _Found]


class _Paper:
    """The diagnosis of the numbers of one paper."""

    def __init__(self, examination: Examination, given: Sequence[Given]) -> None:
        self.examination, self.given = examination, given
        self.values = examination.values
        self.numbers = [each for each in given if each.is_number]
        self.keys = frozenset(each.key for each in self.numbers)
        self.right = {each.key for each in self.numbers if each.meets(self.values[each.key])}
        self.named: dict[int, Change] = {}
        self.verdicts: dict[str, Finding] = {}

    def answers(self) -> list[DiagnosedAnswer]:
        """Return what each number turned out to be; they are looked at in order of computation."""
        order = self.examination.sheet.positions
        found = {each.answer: self._answer(each) for each in sorted(self.given, key=lambda one: order.get(one.key, -1))}
        return [found[each.answer] for each in self.given]

    def _answer(self, given: Given) -> DiagnosedAnswer:
        for look in (
            self._unread,
            self._right,
            self._by_convention,
            self._following,
            self._rounded,
            self._mistaken,
            self._rounded_otherwise,
        ):
            found = look(given)
            if found is not None:
                self.verdicts[given.key] = found.verdict
                return found
        return self._told(given, Finding.UNEXPLAINED, message("diagnosis.unexplained"))

    def _told(self, given: Given, verdict: Finding, said: Message | None, **more: Any) -> DiagnosedAnswer:
        expected = self.values[given.key]
        return DiagnosedAnswer(given.answer, given.key, given.text, given.value, expected, verdict, said=said, **more)

    def _unread(self, given: Given) -> DiagnosedAnswer | None:
        if given.parsed.is_blank:
            return self._told(given, Finding.BLANK, None)
        if given.is_number:
            return None
        mistake = given.parsed.mistake
        return self._told(given, Finding.UNREADABLE, message("mark.undecided") if mistake is None else mistake.what)

    def _right(self, given: Given) -> DiagnosedAnswer | None:
        return self._told(given, Finding.RIGHT, None) if given.key in self.right else None

    # By convention

    @functools.cached_property
    def _conventions(self) -> list[_Candidate]:
        """The conventions that all numbers keep to: some are told by them, none is right against them."""
        if self.right == self.keys:
            return []
        found: list[_Candidate] = []
        for change in self.examination.conventions:
            reached = self.examination.consequences.under(change, self.values)
            touched = [each for each in self.numbers if each.key in reached and self._differs(each, reached)]
            kept = [each for each in touched if each.meets(reached[each.key])]
            if kept and len(kept) == len(touched) and self._is_witnessed(change, kept):
                found.append((change, reached))
        return found

    def _differs(self, given: Given, reached: _Found) -> bool:
        usual = self.values[given.key]
        return abs(reached[given.key] - usual) > 2 * given.half + 1e-9 * abs(usual)

    def _is_witnessed(self, change: Change, kept: Sequence[Given]) -> bool:
        """Say whether a convention shows elsewhere: in the loss that it changes, or in what it leaves right behind it."""
        if not change.is_written:
            return any(self.examination.sheet.is_loss(each.key) for each in kept)
        behind = self.examination.consequences.behind({each.key for each in kept})
        later = [each for each in self.numbers if each.key in behind and each not in kept]
        right = sum(1 for each in later if each.key in self.right)
        needs_proof = change.mistake.name != "negative_delta" and change.mistake.name != "mean_in_gradient"
        return 2 * right >= len(later) and (right > 0 or not needs_proof)

    def _by_convention(self, given: Given) -> DiagnosedAnswer | None:
        for change, reached in self._conventions:
            if given.key in reached and given.tells(reached[given.key], self.values[given.key]):
                own = self.examination.explanation(change, reached[given.key])
                said = message("diagnosis.convention", convention=message(f"slip.{own.id}"))
                return self._told(given, Finding.CONVENTION, said, mistakes=(own,))
        return None

    # From the numbers of the paper itself

    @functools.cached_property
    def _accepted(self) -> frozenset[str]:
        """The keys of the numbers that are right, or right by a convention."""
        kept = {
            each.key
            for each in self.numbers
            for _, reached in self._conventions
            if each.key in reached and each.meets(reached[each.key])
        }
        return frozenset(self.right | kept)

    @functools.cached_property
    def _personal(self) -> tuple[dict[str, float], dict[str, float]]:
        """All numbers as they follow from those of the paper; and the given ones, each from those before it."""
        consequences = self.examination.consequences
        own = {each.key: each.value for each in self.numbers if each.key not in self._accepted}
        values: dict[str, float] = dict(self.examination.given)
        follows: dict[str, float] = {}
        values |= {key: value for key, value in own.items() if key in values and value is not None}
        for equation in self.examination.computation.equations:
            key = equation.name
            found = consequences.of(key, values)
            if key in self.keys:
                follows[key] = found
            mine = own.get(key)
            values[key] = self.values[key] if key in self._accepted else found if mine is None else mine
        return values, follows

    def _roundings(self, given: Given) -> tuple[Rounding, ...]:
        """Return the contracts by which a number with these digits may have been computed: its decimals, its digits."""
        last = unit(given.parsed)
        if last is None or given.value is None or not given.value:
            return ()
        decimals = max(0, -_power(float(last)))
        digits = _power(abs(given.value)) - _power(float(last)) + 1
        return Rounding(decimals, significant=False), Rounding(max(1, digits), significant=True)

    def _allowed(self, given: Given, along: frozenset[str]) -> float:
        """Return how far roundings may move a number that is computed from those `along` the paper."""
        roundings = self._roundings(given)
        values = self._personal[0] if along else self.values
        known = {each.key: each.half for each in self.numbers if each.key in along and each is not given}
        return self.examination.allowed(given.key, values, known, roundings) if roundings else 0.0

    def _is_leaf(self, given: Given) -> bool:
        return given.key not in self.examination.computation.by_key

    def _following(self, given: Given) -> DiagnosedAnswer | None:
        if self._is_leaf(given):
            return None
        follows, right = self._personal[1][given.key], self.values[given.key]
        if abs(follows - right) <= 1e-9 * abs(right) or not given.meets(follows):
            return None
        return self._followed(given)

    def _followed(self, given: Given) -> DiagnosedAnswer:
        """Return a number that follows from wrong ones of the paper: rounded where these were only rounded."""
        used = self._used(given)
        if all(self.verdicts.get(each.key) is Finding.ROUNDED for each in used):
            return self._told(given, Finding.ROUNDED, message("diagnosis.rounded"))
        values = [message("mark.with", name=each.answer, value=shortened(each.text.strip())) for each in used]
        return self._told(given, Finding.FOLLOW_THROUGH, message("diagnosis.follow_through", values=values))

    def _used(self, given: Given) -> list[Given]:
        """Return the wrong numbers of the paper that one is computed from."""
        cone = self.examination.computation.cone([given.key], self.keys - {given.key})
        read = set(names_read(cone)) & (self.keys - self._accepted)
        return [each for each in self.numbers if each.key in read]

    def _rounded(self, given: Given) -> DiagnosedAnswer | None:
        if self._is_leaf(given):
            return None
        known = self.keys - {given.key}
        if given.meets(self.values[given.key], self._allowed(given, frozenset())):
            return self._told(given, Finding.ROUNDED, message("diagnosis.rounded"), mistakes=self._by_rounding(given))
        found = self._by_rounding(given, COARSE)
        if found:
            return self._told(given, Finding.ROUNDED, message("diagnosis.rounded"), mistakes=found)
        if self._used(given) and given.meets(self._personal[1][given.key], self._allowed(given, known)):
            return self._followed(given)
        return None

    def _rounded_otherwise(self, given: Given) -> DiagnosedAnswer | None:
        found = () if self._is_leaf(given) else self._by_rounding(given)
        return self._told(given, Finding.ROUNDED, message("diagnosis.rounded"), mistakes=found) if found else None

    def _by_rounding(self, given: Given, finest: float = 0.0) -> tuple[Explanation, ...]:
        """Return the way to round that makes a number, if one does: to digits no finer than a share of those typed."""
        for run in self.examination.rounded:
            for value in (run.written[given.key], run.computed[given.key]):
                if given.tells(value, self.values[given.key]) and given.half >= finest * run.unit(given.key):
                    return (Explanation(run.mistake, (), value),)
            if finest and self._is_in_digits_of(given, run):
                return (Explanation(run.mistake, (), run.written[given.key]),)
        return ()

    def _is_in_digits_of(self, given: Given, run: RoundedRun) -> bool:
        """Say whether a number is typed in the digits of a way to round, and is what that way writes down."""
        written = run.written[given.key]
        same_digits = math.isclose(2 * given.half, run.unit(given.key), rel_tol=1e-6)
        return same_digits and given.value is not None and math.isclose(given.value, written, rel_tol=1e-12)

    # By mistake

    def _mistaken(self, given: Given) -> DiagnosedAnswer | None:
        if self._is_leaf(given):
            return None
        values, follows = self._personal
        for reached, usual in (
            (self._steps, lambda key: follows.get(key, values[key])),
            (self._finals, lambda key: self.values[key]),
        ):
            for more in (0.0, self._allowed(given, self.keys if reached is self._steps else frozenset())):
                found = self._explaining(given, reached, usual, more)
                if found:
                    return self._named(given, found)
        return self._of_several(given) or self._misplaced(given)

    def _misplaced(self, given: Given) -> DiagnosedAnswer | None:
        """Return a number whose point stands at another place."""
        for power in POWERS:
            value = self._personal[1][given.key] * 10.0**power
            if given.tells(value, self.values[given.key], min(1.0, 10.0**power) * self._allowed(given, self.keys)):
                own = (Explanation("misplaced_point", (given.answer,), value),)
                return self._told(given, Finding.MISTAKE, _explained(own), mistakes=own)
        return None

    @functools.cached_property
    def _steps(self) -> list[_Candidate]:
        """What each mistake makes of the numbers where those that are given are taken as they are."""
        return self._reached(self._personal[0], self.keys)

    @functools.cached_property
    def _finals(self) -> list[_Candidate]:
        """What each mistake makes of the right numbers."""
        return self._reached(self.values, frozenset())

    def _reached(self, values: Mapping[str, float], fixed: frozenset[str]) -> list[_Candidate]:
        consequences = self.examination.consequences
        return [
            (change, consequences.under(change, values, fixed))
            for change in self.examination.mistakes
            if not self._open.isdisjoint(consequences.reach(change, fixed))
        ]

    @functools.cached_property
    def _open(self) -> frozenset[str]:
        """The keys of the numbers that neither are right nor follow from others."""
        follows = self._personal[1]
        wrong = (each for each in self.numbers if each.key not in self._accepted and not self._is_leaf(each))
        return frozenset(each.key for each in wrong if not each.meets(follows[each.key]))

    def _explaining(
        self, given: Given, candidates: Iterable[_Candidate], usual: Callable[[str], float], more: float
    ) -> list[_Candidate]:
        """Return the changes that explain a number, and no right one speaks against: those that explain most others too."""
        best: dict[int, list[_Candidate]] = {}
        for change, reached in candidates:
            if given.key not in reached or not given.tells(reached[given.key], usual(given.key), more):
                continue
            others = [each for each in self.numbers if each.key in reached and each is not given]
            told = [each for each in others if each.tells(reached[each.key], usual(each.key))]
            against = [
                each
                for each in others
                if each not in told and each.meets(usual(each.key)) and not each.meets(reached[each.key])
            ]
            if not against:
                best.setdefault(len(told), []).append((change, reached))
        return _smallest(best[max(best)]) if best else []

    def _named(self, given: Given, found: Sequence[_Candidate]) -> DiagnosedAnswer:
        rounding = self._by_rounding(given)
        if rounding and given.value == 0:  # nothing is left of the number that could tell a mistake
            return self._told(given, Finding.ROUNDED, message("diagnosis.rounded"), mistakes=rounding)
        own = tuple(self.examination.explanation(change, reached[given.key]) for change, reached in found)
        own += rounding
        if len(own) == 1:
            self.named.setdefault(id(found[0][0]), found[0][0])
            return self._told(given, Finding.MISTAKE, _explained(own), mistakes=own)
        said = message("diagnosis.possible", mistakes=[_slip(each) for each in own[:MOST_POSSIBLE]])
        return self._told(given, Finding.POSSIBLE, said, possible=own)

    def _of_several(self, given: Given) -> DiagnosedAnswer | None:
        """Return a number that all mistakes named so far make together."""
        several = tuple(self.named.values())
        if len(several) < 2:
            return None
        equations = {key: equation for change in several for key, equation in change.equations.items()}
        joint = Change(several[0].mistake, tuple(site for change in several for site in change.sites), equations)
        reached = self.examination.consequences.under(joint, self.values)
        if given.key not in reached or not given.tells(reached[given.key], self.values[given.key]):
            return None
        own = tuple(self.examination.explanation(change, reached[given.key]) for change in several)
        return self._told(given, Finding.MISTAKE, _explained(own), mistakes=own)


def _smallest(found: Sequence[_Candidate]) -> list[_Candidate]:
    """Return the changes without those that are others of the same mistake at more places."""
    kept: list[_Candidate] = []
    for change, reached in sorted(found, key=lambda candidate: len(candidate[0].sites)):
        places = {site.at for site in change.sites}
        is_wider = any(
            other.mistake is change.mistake
            and other.sites[0].variant == change.sites[0].variant
            and {site.at for site in other.sites} <= places
            for other, _ in kept
        )
        if not is_wider:
            kept.append((change, reached))
    return kept


def _power(value: float) -> int:
    """Return the power of ten of the first digit of a number."""
    return int(f"{value:e}".partition("e")[2])


def _explained(own: Sequence[Explanation]) -> Message:
    return message("diagnosis.mistake", mistakes=[_slip(each) for each in own])


def _slip(each: Explanation) -> Message:
    slip = message(f"slip.{each.id}")
    return message("diagnosis.at", mistake=slip, names=list(each.at)) if each.at else slip
