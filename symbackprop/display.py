"""What objects that users hold have in common: a notebook shows them with formulas, `print` some of them as text."""

from __future__ import annotations

from typing import Any


class Displayed:
    """An object that shows itself in a notebook. Nothing is written before a notebook asks."""

    __slots__ = ()

    def _repr_markdown_(self) -> str:
        """Return the object as Markdown: a problem its statement, a derivation its formulas, a solution everything."""
        import symbackprop

        return symbackprop.to_markdown(self)


def latex(shown: Any, name: str) -> str:
    """Return what an object says of a quantity as LaTeX."""
    import symbackprop

    return symbackprop.to_latex(shown, name)


class Printed(Displayed):
    """An object that is short enough to be printed as what the notebook shows."""

    __slots__ = ()

    def __str__(self) -> str:
        import symbackprop

        return symbackprop.to_text(self)
