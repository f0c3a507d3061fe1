"""What a diagnosis of code finds: a verdict on each array, in words too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from symbackprop import language
from symbackprop.derivation.derivations import Derivation
from symbackprop.messages import Message, message
from symbackprop.mistakes.verdicts import Finding

_FINE = (Finding.RIGHT, Finding.CONVENTION)


@dataclass(frozen=True, slots=True)
class GradientMistake:
    """A mistake (`id`, a row of `MISTAKES`) in the gradients by some quantities, `at` their names."""

    id: str
    at: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DiagnosedGradient:
    """The gradient by `name`: what it turned out to be, and its largest `difference` from the right one.

    `mistakes` are certain, `possible` those that all explain it equally well.
    """

    name: str
    verdict: Finding
    difference: float
    mistakes: tuple[GradientMistake, ...] = ()
    possible: tuple[GradientMistake, ...] = ()
    said: Message | None = None


@dataclass(frozen=True)
class GradientDiagnosis:
    """What a diagnosis of code found: the arrays in the order in which they were given.

    As a text it is what to say of them, a line for each.
    """

    derivation: Derivation
    answers: tuple[DiagnosedGradient, ...]
    language: str = field(default=language.DEFAULT)

    @property
    def is_right(self) -> bool:
        """Whether all arrays are right."""
        return all(answer.verdict in _FINE for answer in self.answers)

    @property
    def summary(self) -> Mapping[str, int]:
        """How many arrays have each verdict, those that none has left out."""
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
            >>> found = symbackprop.diagnose("mazur", gradients={"b1": 0.0})
            >>> found.say(message("finding.right"))
            'right'
        """
        return "" if said is None else " ".join(language.say(self.language, said).split())

    def __str__(self) -> str:
        lines = []
        for answer in self.answers:
            said = message(f"finding.{answer.verdict}") if answer.said is None else answer.said
            lines.append(self.say(message("gradients.line", name=answer.name, what=said)))
        return "\n".join(lines)

    def __repr__(self) -> str:
        counted = ", ".join(f"{count} {verdict}" for verdict, count in self.summary.items())
        return f"<GradientDiagnosis of {self.derivation.problem.name}: {counted or 'nothing'}>"
