"""Notation: code name → printed symbol. The only place that spells an index, a superscript or a letter.

A printed symbol is a small tree (`Symbol`); printers of output formats turn it into TeX or anything else. A naming
convention is one row of `NAMINGS`: a function from what a quantity is (kind, layer, index) to its symbol.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from symbackprop.algebra.formula import Apply
from symbackprop.graph.quantities import INNER, PIECE, Graph, Quantity
from symbackprop.graph.scalars import element_name
from symbackprop.registry import Registry, derived
from symbackprop.rows import Words

GREEK = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu",
    "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda",
    "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega",
)  # fmt: skip
GREEK_LETTERS = dict(zip("αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ", GREEK, strict=True))
GREEK_BY_NAME = {name: letter for letter, name in GREEK_LETTERS.items()}
_SYMBOL = re.compile(r"\\?(?P<base>[^\W\d_]+)(?:_(?:\{(?P<braced>\w+)\}|(?P<lower>\w+)))?")


@dataclass(frozen=True, slots=True)
class Symbol:
    """A printed symbol: a letter, a Greek letter by name or a word, with parts below and above it.

    `accent` stands over the letter (`hat`, `tilde`, `bar`) or is its alphabet (`mathcal`).
    """

    base: str
    lower: tuple[str | Symbol, ...] = ()
    upper: tuple[str, ...] = ()
    accent: str = ""

    @property
    def plain(self) -> str:
        """The symbol in letters and digits: h with the index 1 is `h1`, W with 1 above and 2, 1 below is `W1_2_1`."""
        lower = [part if isinstance(part, str) else part.plain for part in self.lower]
        upper = [part.strip("()") for part in self.upper]
        return self.base + "_".join([*upper, *lower])


@dataclass(frozen=True, slots=True)
class Conventions:
    """What books differ in; nothing but documents depends on it.

    `naming` is a row of `NAMINGS`, `names` gives single quantities (code names of elements or arrays) names of their own,
    `symbols` replaces letters. `backward` is `delta` or `activation` (everything through ∂L/∂a), `layers` is `enter` or
    `leave` (W1 leaves layer 1, the input), `index_order` is `to_from` or `from_to`, `delta_sign` is `gradient` or
    `negative` (δ = −∂L/∂z).
    """

    naming: str = "layered"
    names: Mapping[str, str] = field(default_factory=dict)
    symbols: Mapping[str, str] = field(default_factory=dict)
    backward: str = "delta"
    layers: str = "enter"
    index_order: str = "to_from"
    delta_sign: str = "gradient"

    def bases(self) -> Iterator[str]:
        """Yield the letters that quantities of a dense network are printed with, without their indices."""
        texts = (*COMMON.values(), *NAMINGS[self.naming].letters.values(), *self.symbols.values(), *self.names.values())
        yield from (symbol.base for text in texts if (symbol := parse_symbol(text)) is not None)


COMMON = {
    "pre_activation": "z",
    "bias": "b",
    "threshold": "theta",
    "loss": "L",
    "delta": "delta",
    "learning_rate": "eta",
}
"""The letters that all conventions share; `[notation] symbols` may replace any."""


@functools.lru_cache(maxsize=1 << 10)
def parse_symbol(text: str) -> Symbol | None:
    r"""Return the symbol that a text names, or None if it cannot be printed.

    >>> parse_symbol(r"\delta")
    Symbol(base='delta', lower=(), upper=(), accent='')
    >>> parse_symbol("w_1").lower
    ('1',)
    """
    found = _SYMBOL.fullmatch(text.strip())
    if found is None or len(text) > 30:
        return None
    base = GREEK_LETTERS.get(found["base"], found["base"])
    if not base.isascii() or (text.strip().startswith("\\") and base not in GREEK):
        return None
    lower = found["braced"] or found["lower"]
    if lower and not lower.isascii():
        return None
    return Symbol(base, (lower,) if lower else ())


BATCH = Symbol("B", accent="mathcal")
"""The samples of a step that does not see all of them."""


def setting_symbol(text: str) -> Symbol:
    """Return the symbol of a setting of an optimizer or a schedule by its text (`beta_1`)."""
    found = parse_symbol(text)
    assert found is not None
    return found


def state_symbol(name: str, number: str = "", of: Symbol | None = None) -> Symbol:
    """Return the symbol of a state of an optimizer or of a part of its update, of a parameter, after some update.

    >>> state_symbol("m_hat", "3")
    Symbol(base='m', lower=('3',), upper=(), accent='hat')
    >>> state_symbol("m", "3", Symbol("b", ("1",), ("(2)",))).plain
    'm2_b1_3'
    """
    letter, _, accent = name.partition("_")
    own = () if of is None else (Symbol(of.base, of.lower, accent=of.accent),)
    return Symbol(letter, (*own, *([number] if number else ())), () if of is None else of.upper, accent)


@dataclass(frozen=True, slots=True)
class Notation:
    """The notation of one graph: the symbol of every element, array and adjoint.

    `layer_texts` are what stands for a printed layer number in formulas for an arbitrary layer (2: "l+1"). `known` holds the
    symbols that have been asked for. `has_e` says that some quantity is printed as e, so that this letter is no constant.
    """

    graph: Graph
    conventions: Conventions
    letters: Mapping[str, Symbol]
    offsets: Mapping[int, int]
    layer_texts: Mapping[int, str] = field(default_factory=dict)
    has_e: bool = False
    known: dict[tuple[str, int | str | None], Symbol] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def of(cls, graph: Graph, conventions: Conventions) -> Notation:
        """Return the notation of a graph in some conventions."""
        texts = {**COMMON, **NAMINGS[conventions.naming].letters, **conventions.symbols}
        letters = {kind: symbol for kind, text in texts.items() if (symbol := parse_symbol(text)) is not None}
        offsets, total = {}, 0
        for quantity in graph.quantities.values():
            if quantity.kind == "weight" and quantity.layer is not None:
                offsets[quantity.layer] = total
                total += quantity.shape[0] * quantity.shape[1]
        notation = cls(graph, conventions, letters, offsets)
        return replace(notation, has_e=any(symbol.base == "e" for symbol in notation._letters()))

    def _letters(self) -> Iterator[Symbol]:
        """Yield symbols with every letter that quantities are printed with."""
        yield from self.letters.values()
        yield from map(self.symbol, self.graph.quantities)
        yield from filter(None, map(parse_symbol, self.conventions.names.values()))

    @property
    def depth(self) -> int:
        """The number of layers."""
        return len(self.graph.layers)

    @property
    def negative_delta(self) -> bool:
        """Whether δ is printed for −∂L/∂z."""
        return self.conventions.delta_sign == "negative" and self.conventions.backward == "delta"

    def layer_number(self, layer: int) -> int:
        """Return the printed number of a layer of units by its number from the input, 0: the input itself may be layer 1."""
        return layer + (self.conventions.layers == "leave")

    def layer_text(self, number: int) -> str:
        """Return a printed layer number as it stands above a symbol: `(2)`, `(l+1)`."""
        return f"({self.layer_texts.get(number, number)})"

    def width(self, layer: int) -> Symbol:
        """Return the symbol of the number of units of a layer, counted from the input, 0."""
        number = self.layer_number(layer)
        return Symbol("d", (self.layer_texts.get(number, str(number)),))

    def function(self, layer: int, order: int = 0) -> Symbol:
        r"""Return the symbol of a layer's activation as a function without a formula, or of its derivative."""
        text = self.layer_text(self.layer_number(layer))
        return Symbol("f", (), (text + "′" * order,))

    def symbol(self, name: str, sample: int | str | None = None) -> Symbol:
        """Return the symbol of an element or an array by its code name, in sample `sample` if one is named."""
        found = self.known.get((name, sample))
        if found is None:
            found = self.known[name, sample] = self.entry(*self.graph.place_of(name), sample)
        return found

    def entry(self, quantity: Quantity, index: tuple[str, ...], sample: int | str | None = None) -> Symbol:
        """Return the symbol of an array's element, whose index, in the order to, from, may be letters; () is the array."""
        if self.graph.is_sample_loss(quantity):
            found = self.symbol(self.graph.output)
            return replace(found, lower=(*found.lower, "n" if sample is None else str(sample)))
        row = _named if quantity.kind in NAMED else NAMINGS[self.conventions.naming].symbol
        found = self._own(quantity, index) or row(self, quantity, index)
        return found if sample is None else replace(found, upper=(*found.upper, f"[{sample}]"))

    def _own(self, quantity: Quantity, index: tuple[str, ...]) -> Symbol | None:
        """Return the name that the user gave to an element, or to its array (the element then adds its index)."""
        names = self.conventions.names
        if not names:
            return None
        name = element_name(quantity.name, index)
        if name in names:
            return parse_symbol(names[name])
        found = parse_symbol(names.get(quantity.name, ""))
        return None if found is None else replace(found, lower=(*found.lower, *_indices(self, quantity, index)))

    def is_own(self, name: str) -> bool:
        """Say whether the user named a quantity, or the array that it is an element of."""
        return self._own(*self.graph.place_of(name)) is not None

    def delta(self, name: str, sample: int | str | None = None) -> Symbol | None:
        """Return the symbol δ that belongs to a quantity, if there is one: to pre-activations, in most conventions."""
        quantity, index = self.graph.place_of(name)
        if quantity.kind != "pre_activation" or self.conventions.backward == "activation":
            return None
        own, delta = self.entry(quantity, index, sample), self.letters["delta"]
        # Where the user chose the letter of the unit, the letter and not only its index says which unit it is.
        is_own = self._own(quantity, index) is not None
        lower: tuple[str | Symbol, ...] = (replace(own, upper=()),) if is_own else own.lower
        return Symbol(delta.base, (*delta.lower, *lower), own.upper)

    def substitute(self, name: str, sample: int | str | None = None) -> Symbol:
        """Return the symbol of what a sequential update has in place of a gradient: δ̃, or g̃ with the quantity below."""
        delta = self.delta(name, sample)
        if delta is not None:
            return replace(delta, accent="tilde")
        own = self.symbol(name, sample)
        return Symbol("g", (replace(own, upper=()),), own.upper, accent="tilde")

    def of_all_samples(self, found: Symbol) -> Symbol:
        """Return the symbol of the array of all samples of what has a symbol: its capital, with a bar if that is taken.

        What has no capital has a bar as well.
        """
        taken = {self.letters["delta"].base, "L"}
        for quantity in self.graph.quantities.values():
            taken |= {self.symbol(name).base for name in (quantity.name, *quantity.elements()[:1])}
        capital = found.base.upper() if len(found.base) == 1 else found.base.capitalize()
        if len(capital) > 1 and capital not in GREEK:
            capital = found.base
        return replace(found, base=capital, accent="bar" if capital in taken else found.accent)

    def learning_rate(self) -> Symbol:
        """Return the symbol of the learning rate."""
        return self.letters["learning_rate"]

    def locate(self, name: str) -> tuple[Quantity, tuple[int, ...]]:
        """Return the array that an element belongs to, and its index from 1 in the order to, from."""
        quantity, index = self.graph.place_of(name)
        return quantity, tuple(map(int, index))

    def quantity(self, name: str) -> Quantity:
        """Return the array that an element belongs to, whose index may have letters."""
        return self.graph.quantity_of(name)

    def unit(self, layer: int, index: int) -> Symbol:
        """Return the symbol of a unit's value: input, hidden or output unit `index` of layer `layer` (0 is the input)."""
        return self.entry(self.graph.units(layer), (str(index),))


def _indices(notation: Notation, quantity: Quantity, index: tuple[str, ...]) -> tuple[str, ...]:
    if quantity.kind == "weight" and notation.conventions.index_order == "from_to":
        index = index[::-1]
    if not index:
        return ()
    # Letters stand apart, for together they would be a word: k j, but 12. Indices of two digits, and sums, need a comma.
    is_wide = any(length > 9 for length in quantity.shape) or any("+" in each for each in index)
    joint = "," if is_wide else "" if all(map(str.isdecimal, index)) else " "
    return (joint.join(index),)


def _layered(notation: Notation, quantity: Quantity, index: tuple[str, ...]) -> Symbol:
    """W^{(l)}_{jk} from unit k to unit j, b^{(l)}_j, z^{(l)}_j, a^{(l)}_j, x_k, y_j (Nielsen 2015, chapter 2).

    A matrix of weights is a capital where its entries are a small letter.
    """
    letter, layer = notation.letters[quantity.kind], quantity.layer or 0
    base = letter.base.upper() if quantity.kind == "weight" and not index and len(letter.base) == 1 else letter.base
    number = notation.layer_number(layer) if quantity.kind in ("pre_activation", "activation") else layer
    has_layer = quantity.kind not in ("input", "target", "loss")
    upper = (notation.layer_text(number),) if has_layer else ()
    return Symbol(base, (*letter.lower, *_indices(notation, quantity, index)), upper)


def own_symbol(name: str) -> Symbol:
    """Return the symbol of a name of the user's own: `h1` is h with index 1, `Wx` W with index x, `beta` β.

    An underscore at the end stays, so that `x_` is not printed as `x` is.

    >>> own_symbol("Wx").lower, own_symbol("beta2"), own_symbol("cost").base
    (('x',), Symbol(base='beta', lower=('2',), upper=(), accent=''), 'cost')
    """
    base, _, index = name.lstrip("_").partition("_")
    letters = base.rstrip("0123456789")
    if not letters or name.endswith("_"):
        return Symbol(name)
    lower = tuple(part for part in (base[len(letters) :], *index.split("_")) if part)
    if len(letters) == 2 and letters[0].isupper() and letters[1].islower() and letters not in GREEK:
        return Symbol(letters[0], (letters[1], *lower))
    return Symbol(GREEK_LETTERS.get(letters, letters), lower)


def _named(notation: Notation, quantity: Quantity, index: tuple[str, ...]) -> Symbol:
    """A quantity of a computation graph: its own name, the index of the element below."""
    if quantity.kind == "data_loss":
        return replace(notation.letters["loss"], lower=(*notation.letters["loss"].lower, "data"))
    found = Symbol("Omega") if quantity.kind == "penalty" else own_symbol(quantity.name)
    if quantity.kind == INNER:
        formula = notation.graph.formulas[quantity.name]
        found = Symbol(formula.function if isinstance(formula, Apply) else "z")
    return replace(found, lower=(*found.lower, *_indices(notation, quantity, index)))


NAMED = ("gate", INNER, PIECE, "given", "data_loss", "penalty")
"""The kinds of quantity that are called what the problem calls them, in every convention."""


def _flat(notation: Notation, quantity: Quantity, index: tuple[str, ...]) -> Symbol:
    """w_1 … w_n by layer and then by to-unit, units i_k, h_j, o_j, pre-activations and biases by their unit."""
    kind, layer = quantity.kind, quantity.layer or 0
    if not index and kind not in ("bias", "threshold", "loss"):
        return _layered(notation, quantity, index) if kind in notation.letters else _unit(notation, layer, "")
    letter = notation.letters.get(kind)
    if kind == "weight":
        if not all(map(str.isdecimal, index)):
            return _layered(notation, quantity, index)  # a weight to unit j from unit k has no number
        fan_in = quantity.shape[0] if quantity.transposed else quantity.shape[1]
        number = notation.offsets[layer] + (int(index[0]) - 1) * fan_in + int(index[1])
        return replace(notation.letters["weight"], lower=(str(number),))
    if kind in ("input", "target", "loss") and letter is not None:
        return replace(letter, lower=(*letter.lower, *_indices(notation, quantity, index)))
    if kind == "activation":
        unit = _unit(notation, layer, index[0])
        below = replace(unit, upper=())
        return unit if letter is None else replace(letter, lower=(*letter.lower, below), upper=unit.upper)
    assert letter is not None
    if not index:
        return replace(letter, lower=(*letter.lower, notation.layer_texts.get(layer, str(layer))))
    # The layer of a hidden unit stands above the letter itself: an index of its own with indices is too small to read.
    unit = _unit(notation, layer, index[0])
    return replace(letter, lower=(*letter.lower, replace(unit, upper=())), upper=unit.upper)


def _unit(notation: Notation, layer: int, index: str) -> Symbol:
    is_output = layer == notation.depth
    letter = notation.letters["output" if is_output else "hidden"]
    upper = (notation.layer_text(notation.layer_number(layer)),) if not is_output and notation.depth > 2 else ()
    return Symbol(letter.base, (*letter.lower, index) if index else letter.lower, upper)


@dataclass(frozen=True, slots=True)
class Naming:
    """A naming convention: what finds the symbol of a quantity's element, and the letters in which it differs.

    `words` are the phrases that it brings itself.
    """

    name: str
    symbol: Callable[[Notation, Quantity, tuple[str, ...]], Symbol]
    letters: Mapping[str, str]
    words: Words = field(default_factory=dict)


NAMINGS: Registry[Naming] = Registry(
    "naming",
    (
        Naming("layered", _layered, {"input": "x", "target": "y", "weight": "W", "activation": "a"}),
        Naming("elementwise", _layered, {"input": "x", "target": "y", "weight": "w", "activation": "a"}),
        Naming("flat", _flat, {"input": "i", "target": "t", "weight": "w", "hidden": "h", "output": "o"}),
    ),
    phrases=lambda row: (f"naming.{row.name}",),
)
"""The naming conventions."""

KINDS = derived([], lambda: list(dict.fromkeys((*COMMON, *(kind for row in NAMINGS.values() for kind in row.letters)))))
"""The kinds of quantity that have a letter."""
