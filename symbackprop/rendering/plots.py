"""Plots → SVG by matplotlib: the same bytes for the same plot. The only importer of matplotlib, when a plot is written."""

from __future__ import annotations

import io
import re
import unicodedata
import warnings
from typing import Any

from symbackprop import language as phrases
from symbackprop.figures.drawing import Ink, Plot, Region
from symbackprop.figures.labels import Label, LabelPart
from symbackprop.graph.notation import GREEK, Symbol
from symbackprop.messages import Message
from symbackprop.rendering import escapes

SIZE = (5.6, 3.5)
"""Width and height of a plot, in inches."""
COLOURS = {
    Ink.PLAIN: "#222222",
    Ink.QUIET: "#808080",
    Ink.FORWARD: "#1B5E9B",
    Ink.BACKWARD: "#B3261E",
    Ink.NEGATIVE: "#A85A00",
}
_MARKERS = {"": "", "circle": "o", "square": "s"}
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "font.family": "serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "mathtext.fontset": "custom",
    "mathtext.rm": "serif",
    "mathtext.it": "serif:italic",
    "mathtext.bf": "serif:bold",
    "mathtext.bfit": "serif:italic:bold",
    "mathtext.sf": "serif",
    "mathtext.tt": "serif",
    "mathtext.cal": "serif:italic",
    "path.simplify": True,
}


def svg(plot: Plot, title: str, description: str, language: str) -> str:
    """Return a plot as an `<svg>` element in the colours of diagrams; black is that of the text around it."""
    # The salt keeps identifiers the same in every run, and apart from those of other plots in a page.
    text = _written(plot, "svg", language, f"{title} {description}").decode()
    return _finished(text, title, description)


GROUND = "background: var(--paper, #fff)"
"""What a figure stands on where nothing else is said: black lines of a file would not be seen on a dark page."""
FILES = ("svg", "png", "pdf")
"""The kinds of file that a plot can be."""
_METADATA: Any = {
    "svg": dict.fromkeys(("Date", "Creator", "Format", "Type")),
    "png": {"Software": None},
    "pdf": dict.fromkeys(("CreationDate", "Creator", "Producer")),
}


def image(plot: Plot, kind: str, language: str) -> bytes:
    """Return a plot as a file of its own, of one of the kinds in `FILES`, on white."""
    return _written(plot, kind, language, "", transparent=False)


def _written(plot: Plot, kind: str, language: str, salt: str, *, transparent: bool = True) -> bytes:
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({**_SETTINGS, "svg.hashsalt": salt})
        figure = Figure(figsize=SIZE, layout="constrained")
        FigureCanvasAgg(figure)
        _draw(figure.add_subplot(), plot, language)
        written = io.BytesIO()
        with warnings.catch_warnings():
            if kind == "svg":  # Its texts stay texts, and whoever shows it has fonts for them.
                warnings.filterwarnings("ignore", "Glyph .* missing from font")
            figure.savefig(written, format=kind, transparent=transparent, dpi=200, metadata=_METADATA[kind])
    return written.getvalue()


SHADE = 0.1
"""How much of its ink a shaded region has."""


def _shade(axes: Any, region: Region) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    outline = Path.make_compound_path(*(Path(ring, closed=True) for ring in region.rings))
    axes.add_patch(PathPatch(outline, facecolor=COLOURS[region.ink], edgecolor="none", alpha=SHADE))


def _draw(axes: Any, plot: Plot, language: str) -> None:
    for region in plot.regions:
        _shade(axes, region)
    for series in plot.series:
        axes.plot(
            [point.x for point in series.points],
            [point.y for point in series.points],
            color=COLOURS[series.ink],
            linestyle="none" if not series.joined else "--" if series.is_dashed else "-",
            linewidth=series.thickness,
            marker=_MARKERS[series.marker],
            markersize=4 if series.joined else 7,
            label=_padded(_word(series.name, language)) if series.name is not None else "_",
        )
    axes.set_xlabel(_words(plot.horizontal, language))
    axes.set_ylabel(_words(plot.vertical, language), rotation=0, labelpad=14)
    if plot.counts:
        axes.xaxis.get_major_locator().set_params(integer=True)
    if plot.log:
        axes.set_yscale("log")
    if plot.limits is not None:
        axes.set_xlim(plot.limits.left, plot.limits.right)
        axes.set_ylim(plot.limits.top, plot.limits.bottom)
    if any(series.name is not None for series in plot.series):
        axes.figure.legend(frameon=False, fontsize=9, loc="outside upper center", ncols=4)


def _words(label: Label, language: str) -> str:
    return "".join(_word(part, language) for part in label)


def _word(part: LabelPart, language: str) -> str:
    if isinstance(part, Symbol):
        return f"${_symbol(part)}$"
    return phrases.say(language, part).replace("$", r"\$") if isinstance(part, Message) else str(part)


def _padded(word: str) -> str:
    """Return a word with spaces behind it for what is lost where fonts lack its letters and measure 0.6 em for each."""
    wide = sum(unicodedata.east_asian_width(character) == "W" for character in word)
    return word + "\u2003" * round(0.4 * wide)


def _symbol(symbol: Symbol) -> str:
    """Return a symbol in matplotlib's own mathematics."""
    is_greek = symbol.base in GREEK
    base = rf"\{symbol.base}" if is_greek else symbol.base
    if len(symbol.base) > 1 and not is_greek:
        base = rf"\mathrm{{{base}}}"
    lower = ",".join(part if isinstance(part, str) else _symbol(part) for part in symbol.lower).replace("_", r"\_")
    upper = "".join(symbol.upper)
    return base + (f"^{{{upper}}}" if upper else "") + (f"_{{{lower}}}" if lower else "")


def _finished(text: str, title: str, description: str) -> str:
    """Return matplotlib's file as an element: without its head, with words for those who cannot see it."""
    element = text[text.index("<svg") :]
    element = re.sub(r"\s*<metadata>.*?</metadata>", "", element, count=1, flags=re.DOTALL)
    # A style in a page is a style of the page, and a list of fonts at every label is long.
    element = element.replace("*{stroke-linejoin", "svg.plot *{stroke-linejoin")
    element = re.sub(r"font-family: [^;\"]*", "font-family: serif", element)
    own = f'class="figure plot" role="img" style="{GROUND}"'
    element = re.sub(
        r"<svg ([^>]*)>", lambda found: f"<svg {own} {found[1]}>\n{words(title, description)}", element, count=1
    )
    # Several figures may stand in one page: only what is referred to keeps its identifier.
    referred = set(re.findall(r"#([\w-]+)", element))
    element = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in referred else "", element)
    return element.replace(COLOURS[Ink.PLAIN], "currentColor").replace("#000000", "currentColor")


def words(title: str, description: str) -> str:
    """Return what a figure says to those who cannot see it."""
    return f"<title>{escapes.xml(title)}</title>\n<desc>{escapes.xml(description)}</desc>"
