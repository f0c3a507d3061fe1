"""What a template sees of a figure: words and drawings in every form, each made when a template first asks for it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from symbackprop import language as phrases
from symbackprop.document.blocks import Figure
from symbackprop.figures.drawing import Plot
from symbackprop.rendering import escapes, svg, tikz
from symbackprop.templating import Deferred


def view(figure: Figure, language: str, escape: Callable[[str], str]) -> Mapping[str, Any]:
    """Return the forms of a figure by name; `escape` writes plain text as text of the format.

    `words` and `image`, the SVG on paper, are strings of Typst.
    """
    drawn = functools.partial(svg.picture, figure.picture, figure.alternative, language)
    return {
        "is_plot": isinstance(figure.picture, Plot),
        "alternative": Deferred(lambda: escape(phrases.say(language, figure.alternative))),
        "svg": Deferred(drawn),
        "tikz": Deferred(functools.partial(tikz.picture, figure.picture, language, escape)),
        "words": Deferred(lambda: escapes.quoted(phrases.say(language, figure.alternative))),
        "image": Deferred(lambda: escapes.quoted(drawn(on_paper=True))),
    }
