r"""How a quantity is called on paper, by what `docs/conventions.md` and `docs/problem-format.md` say: code name to key.

Nothing of the printer is used. A key is a symbol as `latex_reader` finds it: the letter, `^` and what stands above, `_` and
what stands below, without the braces of these (`W^(1)_12`, `z_h_1`, `\mathrm{net}^(2)_1`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from symbackprop.descent.solution import Solution
from symbackprop.graph.quantities import Quantity
from tests.oracle.latex_reader import INNER

_SMALL = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon"
_SMALL += " phi chi psi omega"
_CAPITALS = "Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega"
GREEK = {*_SMALL.split(), *_CAPITALS.split()}
SIGNS = dict(zip("αβγδεζηθικλμνξπρστυφχψω", _SMALL.split(), strict=True))
LETTERS = {
    "pre_activation": "z",
    "bias": "b",
    "threshold": "theta",
    "loss": "L",
    "delta": "delta",
    "learning_rate": "eta",
    "input": "x",
    "target": "y",
    "weight": "W",
    "activation": "a",
}
OTHERS = {"elementwise": {"weight": "w"}, "flat": {"input": "i", "target": "t", "weight": "w", "activation": ""}}


def word(text: str) -> str:
    r"""Return a letter or a number as it is, a Greek letter by its command, a word upright."""
    if text in GREEK:
        return f"\\{text}"
    is_word = len(text) > 1 and any(map(str.isalpha, text)) and text.replace("_", "").isalnum()
    return rf"\mathrm{{{text}}}".replace("_", r"\_") if is_word else text


@dataclass(frozen=True)
class Sign:
    """A printed symbol: its letter, what stands below (joined by commas) and above."""

    letter: str
    below: tuple[str, ...] = ()
    above: str = ""

    @property
    def key(self) -> str:
        """The symbol as the reader finds it."""
        below = ",".join(self.below)
        return self.letter + (f"^{self.above}" if self.above else "") + (f"_{below}" if below else "")

    def and_below(self, *texts: str) -> Sign:
        """Return the symbol with more below it."""
        return replace(self, below=(*self.below, *(text for text in texts if text)))

    @property
    def index(self) -> str:
        """The symbol as an index: what stands above it goes to the letter that it is an index of."""
        below = ",".join(self.below)
        return self.letter + ("" if not below else f"_{below}" if len(below) == 1 else f"_{{{below}}}")


def sign(text: str) -> Sign:
    r"""Return the symbol that a text names: `E_total`, `\alpha`, `beta_1`."""
    letter, _, below = text.strip().lstrip("\\").partition("_")
    below = below.strip("{}")
    return Sign(word(SIGNS.get(letter, letter)), (word(below),) if below else ())


def accented(found: Sign, accent: str) -> Sign:
    """Return a symbol with a hat, a bar or a tilde."""
    return replace(found, letter=rf"\{accent}{{{found.letter}}}") if accent else found


class Symbols:
    """The symbols of one problem."""

    def __init__(self, solution: Solution) -> None:
        """Read the conventions of a problem."""
        self.conventions = solution.problem.notation
        self.quantities = solution.derivation.graph.quantities
        self.output = solution.derivation.graph.output
        letters = {**LETTERS, **OTHERS.get(self.conventions.naming, {}), **self.conventions.symbols}
        self.letters = {kind: sign(text) for kind, text in letters.items() if text}
        self.depth = max((each.layer or 0 for each in self.quantities.values()), default=0)
        self.is_negative = (self.conventions.delta_sign, self.conventions.backward) == ("negative", "delta")

    def _located(self, name: str) -> tuple[Quantity, list[str]]:
        base, index = name, list[str]()
        while base not in self.quantities:
            base, _, last = base.rpartition("_")
            index.insert(0, last)
        return self.quantities[base], index

    def of(self, name: str, sample: int | None = None) -> Sign:
        """Return the symbol of an element or of an array; the samples of a quantity have the same key, but losses."""
        if name.endswith("@"):
            return self.of(self.output).and_below("n" if sample is None else str(sample))
        quantity, index = self._located(name)
        if quantity.kind == "weight" and self.conventions.index_order == "from_to":
            index = index[::-1]
        # W_1_12 and W_11_2 have to be told apart.
        below = ("," if max(quantity.shape, default=0) > 9 else "").join(index)
        for own, rest in ((name, ""), (quantity.name, below)):
            if own in self.conventions.names:
                return sign(self.conventions.names[own]).and_below(rest)
        if quantity.kind == "data_loss":
            return self.letters["loss"].and_below(word("data"))
        if quantity.kind == "penalty":
            return Sign(r"\Omega")
        if quantity.kind == "inner":
            return Sign(INNER, (below,) if below else ())
        if quantity.kind in ("gate", "given", "piece"):
            return _called(quantity.name).and_below(below)
        if self.conventions.naming == "flat":
            return self._flat(quantity, index)
        return self._layered(quantity, below)

    def _layered(self, quantity: Quantity, below: str) -> Sign:
        kind, layer = quantity.kind, quantity.layer or 0
        found = self.letters[kind].and_below(below)
        if kind == "weight" and not below and re.fullmatch("[a-z]", found.letter):
            found = replace(found, letter=found.letter.upper())
        if kind in ("input", "target", "loss"):
            return found
        return replace(found, above=f"({self._number(layer) if kind in ('pre_activation', 'activation') else layer})")

    def _number(self, layer: int) -> int:
        """Return the number of a layer of units: with `leave` the inputs are layer 1."""
        return layer + (self.conventions.layers == "leave")

    def _unit(self, layer: int) -> Sign:
        """Return the letter of the units of a layer; with several hidden layers it carries its layer."""
        if layer == self.depth:
            return sign(self.conventions.symbols.get("output", "o"))
        above = f"({self._number(layer)})" if self.depth > 2 else ""
        return replace(sign(self.conventions.symbols.get("hidden", "h")), above=above)

    def _flat(self, quantity: Quantity, index: list[str]) -> Sign:
        kind, layer = quantity.kind, quantity.layer or 0
        if kind == "weight" and index:
            to, origin = index if self.conventions.index_order == "to_from" else index[::-1]
            before = sum(
                each.shape[0] * each.shape[1]
                for each in self.quantities.values()
                if each.kind == "weight" and (each.layer or 0) < layer
            )
            fan_in = quantity.shape[0 if quantity.transposed else 1]
            return self.letters[kind].and_below(str(before + (int(to) - 1) * fan_in + int(origin)))
        if kind == "activation" and kind not in self.letters:
            return self._unit(layer).and_below(*index)
        if kind in ("input", "target", "loss"):
            return self.letters[kind].and_below(*index)
        if index:
            unit = self._unit(layer).and_below(*index)
            return replace(self.letters[kind].and_below(unit.index), above=unit.above)
        if kind in ("bias", "threshold"):
            return self.letters[kind].and_below(str(layer))
        return self._layered(quantity, "")

    def delta(self, name: str) -> Sign | None:
        """Return δ of a pre-activation, in most conventions."""
        quantity, _ = self._located(name)
        if quantity.kind != "pre_activation" or self.conventions.backward == "activation":
            return None
        own = self.of(name)
        is_own = name in self.conventions.names or quantity.name in self.conventions.names
        below = (own.index,) if is_own else own.below
        return replace(self.letters["delta"].and_below(*below), above=own.above)

    def of_all_samples(self, name: str, *, is_delta: bool = False) -> Sign:
        """Return the symbol of a quantity, or of δ, in all samples: the capital, with a bar where that is taken."""
        found = self.delta(name) if is_delta else self.of(name)
        assert found is not None
        letter, taken = found.letter, {self.letters["delta"].letter, "L"}
        for quantity in self.quantities.values():
            taken |= {self.of(each).letter for each in (quantity.name, *quantity.elements()[:1])}
        if re.fullmatch("[a-z]", letter):
            letter = letter.upper()
        elif letter.lstrip("\\").capitalize() in _CAPITALS.split():
            letter = f"\\{letter[1:].capitalize()}"
        return accented(replace(found, letter=letter), "bar" if letter in taken else "")

    def substitute(self, name: str) -> Sign:
        """Return what a sequential update has in place of a gradient."""
        own, delta = self.of(name), self.delta(name)
        return accented(delta or Sign("g", (own.index,), own.above), "tilde")

    def updated(self, name: str) -> Sign:
        """Return a parameter after the update."""
        own = self.of(name)
        return replace(own, above=f"{own.above}+")

    def rate(self, number: int | None = None) -> Sign:
        """Return the learning rate, of an update if it changes."""
        found = self.letters["learning_rate"]
        return found if number is None else found.and_below(str(number))


def _called(name: str) -> Sign:
    """Return the symbol of a quantity of a graph: `h1` is h₁, `Wx` W with x below, `beta2` β₂, `cost` a word."""
    base, *rest = name.strip("_").split("_")
    letters = base.rstrip("0123456789")
    if not letters:
        return Sign(word(name))
    digits = base[len(letters) :]
    if re.fullmatch("[A-Z][a-z]", letters) and letters not in GREEK:
        letters, digits, rest = letters[0], letters[1], [digits, *rest] if digits else rest
    return Sign(word(SIGNS.get(letters, letters))).and_below(*map(word, (digits, *rest)))


def state(name: str, number: int | None, own: Sign) -> Sign:
    """Return a state of an optimizer after an update (`m_hat`), of the parameter that has a sign."""
    letter, _, accent = name.partition("_")
    below = (own.index, *(() if number is None else (str(number),)))
    return accented(Sign(word(letter), below, own.above), accent)
