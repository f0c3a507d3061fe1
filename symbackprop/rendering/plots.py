"""Plots → files of their own by matplotlib, which nothing else imports: the same bytes for the same plot."""

from __future__ import annotations

import io
import unicodedata
import warnings
from typing import Any

from symbackprop import language as phrases
from symbackprop.figures.drawing import Ink, Plot
from symbackprop.figures.labels import Label, LabelPart
from symbackprop.graph.notation import GREEK, Symbol
from symbackprop.messages import Message
from symbackprop.rendering.svg_parts import COLOURS

SIZE = (5.6, 3.5)
"""Width and height of a plot, in inches."""
_COLOURS = {**COLOURS, Ink.PLAIN: "#222222"}
_MARKERS = {"": "", "circle": "o", "square": "s"}
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "",
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


FILES = ("svg", "png", "pdf")
"""The kinds of file that a plot can be."""
_METADATA: Any = {
    "svg": dict.fromkeys(("Date", "Creator", "Format", "Type")),
    "png": {"Software": None},
    "pdf": dict.fromkeys(("CreationDate", "Creator", "Producer")),
}


def image(plot: Plot, kind: str, language: str) -> bytes:
    """Return a plot as a file of its own, of one of the kinds in `FILES`, on white."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        figure = Figure(figsize=SIZE, layout="constrained")
        FigureCanvasAgg(figure)
        _draw(figure.add_subplot(), plot, language)
        written = io.BytesIO()
        with warnings.catch_warnings():
            if kind == "svg":  # Its texts stay texts, and whoever shows it has fonts for them.
                warnings.filterwarnings("ignore", "Glyph .* missing from font")
            figure.savefig(written, format=kind, dpi=200, metadata=_METADATA[kind])
    return written.getvalue()


def _draw(axes: Any, plot: Plot, language: str) -> None:
    for series in plot.series:
        axes.plot(
            [point.x for point in series.points],
            [point.y for point in series.points],
            color=_COLOURS[series.ink],
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
