"""Python identifiers for the quantities of a derivation: the code names of the documents, made safe.

Quantities come first: a quantity named `exp` or `lambda` keeps its name with an underscore behind it, and what the generated
code calls is reserved. Sample 3 of `z1_2` is `z1_2__3`, or `z1_2` where there is one sample; the losses of the samples,
`L@`, are `L_samples`.
"""

from __future__ import annotations

import keyword

from symbackprop.algebra.formula import Adjoint, Name
from symbackprop.derivation.derivations import Derivation


class Identifiers:
    """Identifiers by name and sample, each given once."""

    def __init__(self, derivation: Derivation, reserved: frozenset[str]) -> None:
        self.derivation = derivation
        self._taken = {*keyword.kwlist, *keyword.softkwlist, *reserved}
        self._known: dict[object, str] = {}

    def of(self, node: Name | Adjoint) -> str:
        """Return the identifier of a value or a gradient, of arrays or of elements, in a sample or in none."""
        if node not in self._known:
            text = node.name if isinstance(node, Name) else self.derivation.adjoint_name(node.name).rstrip("_")
            number = node.sample if self.derivation.graph.samples != 1 else None
            text = text.replace("@", "" if number else "_samples")
            self._known[node] = self.fresh(text if number is None else f"{text}__{number}")
        return self._known[node]

    def fresh(self, text: str) -> str:
        """Return an identifier that nothing else has, as near to the text as there is."""
        while text in self._taken:
            text += "_"
        self._taken.add(text)
        return text
