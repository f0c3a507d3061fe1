"""What problems, derivations and solutions have in common: a Jupyter notebook shows them as a page with formulas."""

from __future__ import annotations


class Displayed:
    """An object that shows itself in a notebook. Nothing is written before a notebook asks."""

    __slots__ = ()

    def _repr_markdown_(self) -> str:
        """Return the object as Markdown: a problem its statement, a derivation its formulas, a solution everything."""
        import symbackprop

        return symbackprop.to_markdown(self)
