"""Limits: how large what people hand in may be, all in one place; more is refused in one line that names the limit.

They keep every answer, or refusal, within seconds; `docs/security.md` tells of each.
"""

from __future__ import annotations

CHARACTERS = 10_000
"""Of an expression."""

LEVELS = 60
"""Of functions, parentheses, powers and quotients inside each other in an expression."""

DIGITS = 400
"""Of a number, and of zeros that its exponent stands for."""

NUMBERS = 5_000_000
"""Of an array: what training takes."""

WRITTEN_PARTS, OWN_LEVELS, NESTED_ACTIVATIONS = 100, 12, 4
"""Of an activation of one's own, which is worked out line by line: parts, its functions written out; levels; activations
inside each other."""

OCCURRENCES = 100
"""Of one name in an equation of a graph: a product of so many factors has as many terms in its derivative."""

READS = 500_000
"""Of numbers in a derivation number by number, of which documents and checks are made: 784-128-10 has 203,000."""
