"""Limits: how large what people hand in may be, all in one place; more is refused in one line that names the limit.

They keep every answer, or refusal, within seconds; `docs/security.md` tells of each.
"""

from __future__ import annotations

CHARACTERS = 10_000
"""Of an expression."""

PARTS = 2_000
"""Of an expression in which a function that is short for a formula (`sinh`) is written out, with its argument twice."""

LEVELS = 60
"""Of functions, parentheses, powers and quotients inside each other in an expression."""

DIGITS = 400
"""Of a number, and of zeros that its exponent stands for."""

MAGNITUDE = 100_000
"""Of the power of ten of a number that is stated, by a formula such as `exp(99999)`."""

NUMBERS = 5_000_000
"""Of an array: what training takes."""

OCCURRENCES = 300
"""Of one name in an equation, an activation or a loss: its gradient adds over as many places."""

SAVED_NUMBERS, SAVED_CHARACTERS, SAVED_CLASSES = 40_000_000, 4_000_000, 100_000
"""Of a file of arrays that training saved: all its numbers, the text of its problem, the names of its classes."""

READS = 500_000
"""Of numbers in a derivation number by number, of which documents and checks are made: 784-128-10 has 203,000."""

HANDED_IN_BYTES = 500_000_000
"""Of a file with submissions, and of all that an archive of them holds, unpacked."""
