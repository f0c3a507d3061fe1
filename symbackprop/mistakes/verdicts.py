"""What a diagnosis finds: a verdict on each number, and which mistakes explain it at which places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from symbackprop import language
from symbackprop.algebra.formula import Node
from symbackprop.derivation.derivations import Derivation
from symbackprop.messages import Message


class Finding(StrEnum):
    """What a number turned out to be."""

    RIGHT = "right"
    FOLLOW_THROUGH = "follow_through"
    CONVENTION = "convention"
    ROUNDED = "rounded"
    MISTAKE = "mistake"
    POSSIBLE = "possible"
    UNEXPLAINED = "unexplained"
    UNREADABLE = "unreadable"
    BLANK = "blank"


@dataclass(frozen=True, slots=True)
class WrongLine:
    """A line that a mistake breaks: the key that it defines, the formula that belongs there and the one that stood there."""

    key: str
    right: Node
    wrong: Node


@dataclass(frozen=True, slots=True)
class Explanation:
    """A mistake (`id`, a row of `MISTAKES`) at some places (ids of answers), what it makes of the number, and its lines."""

    id: str
    at: tuple[str, ...]
    value: float
    lines: tuple[WrongLine, ...] = ()


@dataclass(frozen=True, slots=True)
class DiagnosedAnswer:
    """A number that was given, as it was `given` and as it was read, the right one, and what it turned out to be.

    `mistakes` are certain: one, or several on different paths. `possible` are those that all explain it equally well.
    """

    answer: str
    key: str
    given: str
    value: float | None
    expected: float
    verdict: Finding
    mistakes: tuple[Explanation, ...] = ()
    possible: tuple[Explanation, ...] = ()
    said: Message | None = None


class Judged(Protocol):
    """What has a verdict: a number, or an array."""

    @property
    def verdict(self) -> Finding:
        """What it turned out to be."""


JudgedT = TypeVar("JudgedT", bound=Judged)


@dataclass(frozen=True)
class Findings(Generic[JudgedT]):
    """What a diagnosis found, in the order in which it was given, and the language to tell it in."""

    derivation: Derivation
    answers: tuple[JudgedT, ...]
    language: str = field(default=language.DEFAULT)

    def __repr__(self) -> str:
        counted = ", ".join(f"{count} {verdict}" for verdict, count in self.summary.items())
        return f"<{type(self).__name__} of {self.derivation.problem.name}: {counted or 'nothing'}>"

    @property
    def summary(self) -> Mapping[str, int]:
        """How many answers have each verdict, those that none has left out."""
        counts = Counter(answer.verdict for answer in self.answers)
        return {verdict.value: counts[verdict] for verdict in Finding if counts[verdict]}

    def say(self, said: Message | None) -> str:
        """Return a message in the language of the diagnosis.

        Args:
            said: The message, or None.

        Returns:
            Its text, "" for none.

        Examples:
            >>> import symbackprop
            >>> found = symbackprop.diagnose("mazur", {"new_L": "0.291027924"})
            >>> found.say(found.answers[0].said)
            'already updated weights are used (dL_da1_1, dL_da1_2)'
        """
        return "" if said is None else " ".join(language.say(self.language, said).split())


class Diagnosis(Findings[DiagnosedAnswer]):
    """What a diagnosis found of numbers."""
