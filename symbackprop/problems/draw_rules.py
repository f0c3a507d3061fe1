"""What a problem says of the numbers that are drawn for students, besides which numbers these may be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DrawRules:
    """Which draws are accepted.

    `inactive` says how many units may be on the flat side of a kink: `some`, `none`, `any`; where it is empty some, if draws
    can be so. With `distinguish` the numbers drawn have to tell common mistakes apart.
    """

    inactive: str = ""
    distinguish: bool = True
