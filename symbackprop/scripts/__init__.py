"""Stand-alone training scripts: the equations and gradients of a derivation as Python that a person reads.

`libraries` says what operations are called in a library, `script_lines` writes formulas between arrays, `script_parts`
gathers what a script needs, and `targets` fills the template.
"""

from __future__ import annotations

from symbackprop.scripts.targets import TARGETS, cells, page_program, script

__all__ = ["TARGETS", "cells", "page_program", "script"]
