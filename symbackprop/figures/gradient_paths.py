"""What lies between a quantity and the output: the names on the chains of its gradient."""

from __future__ import annotations

from collections.abc import Collection

from symbackprop.derivation.derivations import Derivation


class Chains:
    """Who reads each element of a derivation, ready to be followed from some of its elements."""

    def __init__(self, derivation: Derivation, starts: Collection[str]) -> None:
        self._parameters = {element for quantity in derivation.parameters for element in quantity.elements()}
        self._readers: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
        followed = {*starts, *derivation.equations}
        for equation in derivation.elements.equations:
            for term in equation.terms:
                for name in term.arguments:
                    if name in followed:
                        self._readers.setdefault(name, []).append((equation.name, term.arguments))

    def onward(self, *starts: str) -> tuple[str, ...]:
        """Return the names on the chains from some elements to the output, themselves first, with the parameters they pass.

        >>> import symbackprop
        >>> Chains(symbackprop.derive(symbackprop.example("line")), ["W1_1_1"]).onward("W1_1_1")
        ('W1_1_1', 'z1_1', 'a1_1', 'L')
        """
        found = dict.fromkeys(starts)
        queue = list(starts)
        for name in queue:
            is_parameter = name in self._parameters
            for reader, arguments in self._readers.get(name, ()):
                if not is_parameter:
                    for each in arguments:
                        if each not in found and each in self._parameters:
                            found[each] = None
                if reader not in found:
                    queue.append(reader)
                    found[reader] = None
        return tuple(found)
