"""What a diagnosis of code finds: a verdict on each array, in words too."""

from __future__ import annotations

from dataclasses import dataclass

from symbackprop.messages import Message, message
from symbackprop.mistakes.verdicts import Finding, Findings

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


class GradientDiagnosis(Findings[DiagnosedGradient]):
    """What a diagnosis of code found of arrays.

    As a text it is what to say of them, a line for each.
    """

    @property
    def is_right(self) -> bool:
        """Whether all arrays are right."""
        return all(answer.verdict in _FINE for answer in self.answers)

    def __str__(self) -> str:
        lines = []
        for answer in self.answers:
            said = message(f"finding.{answer.verdict}") if answer.said is None else answer.said
            lines.append(self.say(message("gradients.line", name=answer.name, what=said)))
        return "\n".join(lines)
