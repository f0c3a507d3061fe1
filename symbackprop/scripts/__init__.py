"""Stand-alone training scripts: the equations and gradients of a derivation as Python that a person reads.

`dialects` says what operations are called in a library, `lines` writes formulas between arrays, `parts` gathers what a
script needs, and `writing` fills the template.
"""

from __future__ import annotations

from symbackprop.scripts.targets import TARGETS, script

__all__ = ["TARGETS", "script"]
