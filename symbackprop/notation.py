"""Notation: code name → printed symbol. The only place that spells an index, a superscript or a letter.

A printed symbol is a small tree (`Symbol`); printers of output formats turn it into TeX or anything else. A naming
convention is one row of `NAMINGS`: a function from what a quantity is (kind, layer, index) to its symbol.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from symbackprop.errors import ProblemError, message, nearest
from symbackprop.graph import Graph, Quantity

GREEK = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu",
    "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda",
    "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega",
)  # fmt: skip
_GREEK_LETTERS = dict(zip("αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ", GREEK, strict=True))
_SYMBOL = re.compile(r"\\?(?P<base>[^\W\d_]+)(?:_(?:\{(?P<braced>\w+)\}|(?P<lower>\w+)))?")


@dataclass(frozen=True, slots=True)
class Symbol:
    """A printed symbol: a letter, a Greek letter by name or a word, with parts below and above it."""

    base: str
    lower: tuple[str | Symbol, ...] = ()
    upper: tuple[str, ...] = ()


DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "layered": {"input": "x", "target": "y", "weight": "W", "activation": "a"},
    "flat": {"input": "i", "target": "t", "weight": "w", "hidden": "h", "output": "o"},
}
"""The letters that differ between naming conventions."""

COMMON = {
    "pre_activation": "z",
    "bias": "b",
    "threshold": "theta",
    "loss": "L",
    "delta": "delta",
    "learning_rate": "eta",
}
"""The letters that all conventions share; `[notation] symbols` may replace any."""

KINDS = tuple(dict.fromkeys((*COMMON, *(kind for letters in DEFAULTS.values() for kind in letters))))


def parse_symbol(text: str) -> Symbol | None:
    r"""Return the symbol that a text names, or None if it cannot be printed.

    >>> parse_symbol(r"\delta")
    Symbol(base='delta', lower=(), upper=())
    >>> parse_symbol("w_1").lower
    ('1',)
    """
    found = _SYMBOL.fullmatch(text.strip())
    if found is None or len(text) > 30:
        return None
    base = _GREEK_LETTERS.get(found["base"], found["base"])
    if not base.isascii() or (text.strip().startswith("\\") and base not in GREEK):
        return None
    lower = found["braced"] or found["lower"]
    if lower and not lower.isascii():
        return None
    return Symbol(base, (lower,) if lower else ())


def check_symbols(symbols: Mapping[str, str], where: str) -> None:
    """Raise `ProblemError` for a kind of symbol that does not exist or a text that cannot be printed."""
    for kind, text in symbols.items():
        if kind not in KINDS:
            what = message("problem.symbol_name", name=kind)
            raise ProblemError(what, where=where, valid=KINDS, nearest=nearest(kind, KINDS))
        if parse_symbol(text) is None:
            raise ProblemError(message("problem.symbol", text=text), where=f"{where}.{kind}")


@dataclass(frozen=True, slots=True)
class Notation:
    """The notation of one graph: the symbol of every element, array and adjoint."""

    graph: Graph
    naming: str
    letters: Mapping[str, Symbol]
    offsets: Mapping[int, int]

    @classmethod
    def of(cls, graph: Graph, naming: str, symbols: Mapping[str, str]) -> Notation:
        """Return the notation of a graph in a naming convention, with letters of the user's own."""
        texts = {**COMMON, **DEFAULTS[naming], **symbols}
        letters = {kind: symbol for kind, text in texts.items() if (symbol := parse_symbol(text)) is not None}
        offsets, total = {}, 0
        for quantity in graph.quantities.values():
            if quantity.kind == "weight" and quantity.layer is not None:
                offsets[quantity.layer] = total
                total += quantity.shape[0] * quantity.shape[1]
        return cls(graph, naming, letters, offsets)

    @property
    def depth(self) -> int:
        """The number of layers."""
        return max((quantity.layer or 0 for quantity in self.graph.quantities.values()), default=0)

    def symbol(self, name: str, sample: int | None = None) -> Symbol:
        """Return the symbol of an element or an array by its code name, in sample `sample` if one is named."""
        quantity, index = self.locate(name)
        if quantity.name.endswith("@"):
            found = self.symbol(self.graph.output)
            return replace(found, lower=(*found.lower, "n" if sample is None else str(sample)))
        found = (_named if quantity.kind in NAMED else NAMINGS[self.naming])(self, quantity, index)
        return found if sample is None else replace(found, upper=(*found.upper, f"[{sample}]"))

    def delta(self, name: str, sample: int | None = None) -> Symbol | None:
        """Return the symbol of the gradient by an element where it has one of its own (δ by a pre-activation)."""
        quantity, _ = self.locate(name)
        if quantity.kind != "pre_activation":
            return None
        own, delta = self.symbol(name, sample), self._letter("delta")
        return Symbol(delta.base, (*delta.lower, *own.lower), own.upper)

    def learning_rate(self) -> Symbol:
        """Return the symbol of the learning rate."""
        return self._letter("learning_rate")

    def locate(self, name: str) -> tuple[Quantity, tuple[int, ...]]:
        """Return the array that an element belongs to, and its index from 1 in the order to, from."""
        quantities = self.graph.quantities
        index: tuple[int, ...] = ()
        base = name
        while base not in quantities:
            base, _, position = base.rpartition("_")
            index = (int(position), *index)
        return quantities[base], index

    def unit(self, layer: int, index: int) -> Symbol:
        """Return the symbol of a unit's value: input, hidden or output unit `index` of layer `layer` (0 is the input)."""
        return self.symbol(f"x_{index}" if layer == 0 else f"a{layer}_{index}")

    def _letter(self, kind: str) -> Symbol:
        return self.letters[kind]

    def is_wide(self, quantity: Quantity) -> bool:
        """Say whether an index of this array has two digits, so that indices need a comma between them."""
        return any(length > 9 for length in quantity.shape)


def _indices(notation: Notation, quantity: Quantity, index: Iterable[int]) -> tuple[str, ...]:
    texts = [str(position) for position in index]
    return (",".join(texts),) if notation.is_wide(quantity) else ("".join(texts),) if texts else ()


def _layered(notation: Notation, quantity: Quantity, index: tuple[int, ...]) -> Symbol:
    """W^{(l)}_{jk} from unit k to unit j, b^{(l)}_j, z^{(l)}_j, a^{(l)}_j, x_k, y_j (Nielsen 2015, chapter 2)."""
    letter = notation.letters[quantity.kind]
    has_layer = quantity.kind not in ("input", "target", "loss")
    upper = (f"({quantity.layer})",) if has_layer else ()
    return Symbol(letter.base, (*letter.lower, *_indices(notation, quantity, index)), upper)


def own_symbol(name: str) -> Symbol:
    """Return the symbol of a name of the user's own: `h1` is h with index 1, `Wx` W with index x, `beta` β.

    >>> own_symbol("Wx").lower, own_symbol("beta2"), own_symbol("cost").base
    (('x',), Symbol(base='beta', lower=('2',), upper=()), 'cost')
    """
    base, _, index = name.strip("_").partition("_")
    letters = base.rstrip("0123456789")
    if not letters:
        return Symbol(name)  # underscores alone, or a digit behind one
    lower = tuple(part for part in (base[len(letters) :], *index.split("_")) if part)
    if len(letters) == 2 and letters[0].isupper() and letters[1].islower() and letters not in GREEK:
        return Symbol(letters[0], (letters[1], *lower))
    return Symbol(_GREEK_LETTERS.get(letters, letters), lower)


def _named(notation: Notation, quantity: Quantity, index: tuple[int, ...]) -> Symbol:
    """A quantity of a computation graph: its own name, the index of the element below."""
    if quantity.kind == "data_loss":
        return replace(notation.letters["loss"], lower=(*notation.letters["loss"].lower, "data"))
    found = Symbol("Omega") if quantity.kind == "penalty" else own_symbol(quantity.name)
    return replace(found, lower=(*found.lower, *_indices(notation, quantity, index)))


NAMED = ("gate", "given", "data_loss", "penalty")
"""The kinds of quantity that are called what the problem calls them, in every convention."""


def _flat(notation: Notation, quantity: Quantity, index: tuple[int, ...]) -> Symbol:
    """w_1 … w_n by layer and then by to-unit, units i_k, h_j, o_j, pre-activations and biases by their unit."""
    kind, layer = quantity.kind, quantity.layer or 0
    if not index and kind not in ("bias", "threshold", "loss"):
        return _layered(notation, quantity, index) if kind in notation.letters else _unit(notation, layer, "")
    letter = notation.letters.get(kind)
    if kind == "weight":
        number = notation.offsets[layer] + (index[0] - 1) * _fan_in(quantity) + index[1]
        return replace(notation.letters["weight"], lower=(str(number),))
    if kind in ("input", "target", "loss") and letter is not None:
        return replace(letter, lower=(*letter.lower, *_indices(notation, quantity, index)))
    if kind == "activation":
        unit = _unit(notation, layer, str(index[0]))
        below = replace(unit, upper=())
        return unit if letter is None else replace(letter, lower=(*letter.lower, below), upper=unit.upper)
    assert letter is not None
    if not index:
        return replace(letter, lower=(*letter.lower, str(layer)))
    # The layer of a hidden unit stands above the letter itself: an index of its own with indices is too small to read.
    unit = _unit(notation, layer, str(index[0]))
    return replace(letter, lower=(*letter.lower, replace(unit, upper=())), upper=unit.upper)


def _fan_in(quantity: Quantity) -> int:
    return quantity.shape[0] if quantity.transposed else quantity.shape[1]


def _unit(notation: Notation, layer: int, index: str) -> Symbol:
    is_output = layer == notation.depth
    letter = notation.letters["output" if is_output else "hidden"]
    upper = (f"({layer})",) if not is_output and notation.depth > 2 else ()
    return Symbol(letter.base, (*letter.lower, index) if index else letter.lower, upper)


NAMINGS: Mapping[str, Callable[[Notation, Quantity, tuple[int, ...]], Symbol]] = {"layered": _layered, "flat": _flat}
"""Naming conventions by name."""
