"""Judges every relation of a printed solution: what is equal has to be equal, what is rounded has to be well rounded.

A document is read by `latex_reader` and computed by `latex_values`. What symbols stand for is taken from the solution's
numbers; formulas of quantities, of functions and values of settings are taken from the document itself.
"""

from __future__ import annotations

import copy
import functools
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

import symbackprop as sbp
from symbackprop import language
from symbackprop.arithmetic.exact import magnitude
from symbackprop.catalog import optimizers, schedules
from symbackprop.derivation.derivations import Derivation
from symbackprop.descent.solution import DescentStep, Solution
from symbackprop.evaluation.arithmetics import EXACT
from symbackprop.evaluation.evaluate import Evaluation, Values, evaluate, leaves
from symbackprop.graph.quantities import Role
from tests.oracle import deep_arrays
from tests.oracle.deep_arrays import is_deep
from tests.oracle.latex_reader import MOST_PLACES, Chain, Row, Term, Unreadable, number_of, parse, read, without_text
from tests.oracle.latex_values import (
    CONTEXT,
    Names,
    Number,
    Unknown,
    add,
    divide,
    mapped,
    multiply,
    real,
    shape_of,
    summands,
    transposed,
    value,
)
from tests.oracle.symbols import Symbols, accented, sign, state

TRUE, FALSE, UNKNOWN = "true", "false", "unknown"
KINK = "a kink"
"""The reason where a derivative is a convention, which no difference can confirm."""
CLOSE = Fraction(1, 10**36)
"""The relative difference of numbers that are the same to 50 digits, some of which a subtraction may have cost."""
POINTS = (Fraction(7, 10), Fraction(-13, 10))
"""Where formulas in a free variable (z, or u where a quantity is called z) are tried."""


ERROR = CONTEXT.mpf(10) ** -24
SHIFT = Fraction(1, 10**14)
"""The h of differences of gradients, which have 50 digits: their error is about 10⁻²⁸."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one relation: true, false or not understood, with its two sides and the reason."""

    outcome: str
    text: str
    reason: str = ""


def judged(solution: Solution, latex: str, code: str = "en") -> list[Verdict]:
    """Return the verdict on every `=` and `≈` of a solution in LaTeX, in a language."""
    chains, rows = read(latex)
    scenes = Scenes(solution, chains, rows, code)
    found = [verdict for chain in chains for verdict in scenes.judge(chain)]
    return found + [verdict for row in rows for verdict in scenes.judge_row(row)]


class Scenes:
    """What symbols stand for in each part of a document."""

    def __init__(self, solution: Solution, chains: Sequence[Chain], rows: Sequence[Row], code: str = "en") -> None:
        self.solution, self.digits = solution, solution.problem.notation.digits
        self.titles = _titles(code)
        self.symbols = Symbols(solution)
        self.letters = {**dict(_settings(rows, self.titles["column.symbol"])), **self._schedule(), **self._strengths()}
        self.meanings: dict[str, Term] = {}
        self.functions: dict[str, tuple[str, Term]] = {}
        self._find_meanings(chains, rows)
        self.updated = self._updated_in(chains)
        self.unrounded = self._unrounded()

    def _unrounded(self) -> Scenes:
        """Return what relations between symbols alone are about, where numbers are rounded as by hand: none of that."""
        problem = self.solution.problem
        if problem.notation.round_intermediates is None:
            return self
        found = copy.copy(self)
        free = replace(problem, notation=replace(problem.notation, round_intermediates=None))
        found.solution = sbp.solve(free, steps=len(self.solution.losses) - 1, full_steps=len(self.solution.steps))
        return found

    def _schedule(self) -> dict[str, Number]:
        """Return the numbers of the letters of the learning rate's schedule."""
        training = self.solution.problem.training
        if training is None or training.schedule is None:
            return {}
        rows = schedules.SCHEDULES[training.schedule.kind].settings
        return {
            sign(rows[name].symbol).key: given.value
            for name, given in training.schedule.settings.items()
            if rows[name].symbol
        }

    def _find_meanings(self, chains: Sequence[Chain], rows: Sequence[Row]) -> None:
        """Note the first formula that the document gives for each quantity and each function."""
        names = self.whole()
        sides = [chain.texts[:2] for chain in chains if chain.relations[:1] == ("=",)]
        sides += [(_formula(row.cells[0]), _formula(row.cells[2])) for row in rows if len(row.cells) > 2]
        for left, right in sides:
            try:
                what, formula = parse(left), parse(right)
                if what.kind == "call" and what.parts[0].kind == "symbol":
                    self.functions.setdefault(what.text, (what.parts[0].text, formula))
                elif what.kind == "symbol" and not is_literal(formula) and what.text not in names.signs:
                    self.meanings.setdefault(names.place(replace(what, sample="1"))[0], _unmarked(formula, what.sample))
            except (Unreadable, Unknown):
                continue

    @staticmethod
    def _updated_in(chains: Sequence[Chain]) -> Mapping[int, str]:
        """Return the symbol of the parameter that each display of updates ends with."""
        return {chain.display: chain.texts[0] for chain in chains if chain.display and "+" in chain.texts[0]}

    @functools.cache  # noqa: B019
    def whole(self) -> Names:
        """Return what symbols stand for in the statement: the numbers before the first step, over all samples."""
        solution = self.solution
        if not solution.steps:
            return self._names(solution.derivation, None)
        opening = solution.steps[0]
        values = opening.values if opening.batch is None else evaluate(solution.derivation)
        return self._names(solution.derivation, values)

    @functools.cache  # noqa: B019
    def after(self) -> Names:
        """Return what symbols stand for after the last step in full."""
        return self._names(self.solution.derivation, self.solution.after)

    @functools.cache  # noqa: B019
    def curved(self) -> Names:
        """Return what symbols stand for beside second derivatives: g, H, Newton's p and the eigenvalues of H."""
        names, found = self.whole(), dict[str, Number]()
        if self.solution.steps[0].kinks:
            return names
        slopes, rows = second_derivatives(self.solution.derivation)
        arrays: dict[str, Number] = {"g": slopes, "H": [[_snapped(entry) for entry in row] for row in rows]}
        hessian = CONTEXT.matrix([[real(entry) for entry in row] for row in arrays["H"]])
        eigenvalues = [_snapped(value) for value in CONTEXT.eigsy(hessian, eigvals_only=True)]
        if all(eigenvalues):
            step = CONTEXT.lu_solve(hessian, CONTEXT.matrix([-real(slope) for (slope,) in slopes]))
            arrays["p"] = [[entry] for entry in step]
            elements = [element for quantity in self.solution.derivation.parameters for element in quantity.elements()]
            found = {
                self.symbols.updated(e).key: add(names.values[e, None], p) for e, p in zip(elements, step, strict=True)
            }
        for letter, array in arrays.items():
            number = array[0][0] if len(slopes) == 1 else array
            found |= {letter if letter not in self._bases() else rf"\bar{{{letter}}}": number}
        found |= {rf"\lambda_{place}": value for place, value in enumerate(eigenvalues, 1)}
        found |= {r"\lambda_\mathrm{max}": eigenvalues[-1], r"\eta_\mathrm{max}": _over(2, eigenvalues[-1])}
        # A p without a step is none, whatever else is called p.
        others = {letter: number for letter, number in names.letters.items() if letter != "p"}
        return replace(names, letters={**others, **found})

    def _bases(self) -> set[str]:
        """Return the letters of the problem."""
        graph = self.solution.derivation.graph
        quantities = graph.quantities.values()
        found = {self.symbols.of(name).letter for each in quantities for name in (each.name, each.elements()[0])}
        batched = [each.name for each in quantities if each.batched and graph.layers]
        return found | {self.symbols.of_all_samples(name).letter.removeprefix(r"\bar{").rstrip("}") for name in batched}

    @functools.cache  # noqa: B019
    def at(self, number: int) -> Names:
        """Return what symbols stand for in a step (from 1)."""
        step = self.solution.steps[number - 1]
        return self._names(step.derivation, step.values, step)

    def _names(self, derivation: Derivation, values: Values | None, step: DescentStep | None = None) -> Names:
        graph, called = derivation.graph, self.symbols
        count = graph.samples or 0
        labels = step.batch if step is not None and step.batch is not None else tuple(range(1, count + 1))
        symbols: dict[str, tuple[str, int | None]] = {}
        numbers: dict[tuple[str, int | None], Number] = {}
        gradients: dict[tuple[str, int | None], Number] = {}
        arrays: dict[str, list[list[str]]] = {}
        signs: dict[str, int] = {}
        batched: set[str] = set()
        direction = -1 if called.is_negative else 1
        rows = self.solution.problem.layout == "row"
        has_joint_matrices = bool(graph.layers)
        leaves: set[str] = set()
        for quantity in graph.quantities.values():
            elements = quantity.elements()
            if quantity.role in (Role.PARAMETER, Role.INPUT, Role.TARGET):
                leaves |= {*elements, quantity.name}
            for name in dict.fromkeys((*elements, quantity.name)):
                if quantity.batched:
                    batched.add(name)
                places = [(name, None)]
                if name.endswith("@"):
                    places += [(name, label) for label in labels]
                for _, label in places:
                    symbols.setdefault(called.of(name, label).key, (name, label))
                delta = called.delta(name)
                if delta is not None:
                    symbols.setdefault(delta.key, (name, None))
                    signs[delta.key] = direction
            if quantity.shape:
                arrays[quantity.name] = _grid(quantity, rows)
            if quantity.batched and len(labels) > 1 and has_joint_matrices:
                places = [[f"{element}@{label}" for element in elements] for label in labels]
                arrays[f"{quantity.name}@all"] = places if rows else [list(each) for each in zip(*places, strict=True)]
                symbols.setdefault(called.of_all_samples(quantity.name).key, (f"{quantity.name}@all", None))
                if called.delta(quantity.name) is not None:
                    delta_key = called.of_all_samples(quantity.name, is_delta=True).key
                    symbols.setdefault(delta_key, (f"{quantity.name}@all", None))
                    signs[delta_key] = direction
            for name in elements if values is not None else ():
                for index, label in enumerate(labels, 1) if quantity.batched else ((None, None),):
                    numbers[name, label] = _exact(values.value(name, index))
                    if values.gradients:
                        gradients[name, label] = _exact(values.gradient(name, index))
                    if label is not None:
                        numbers[f"{name}@{label}", None] = numbers[name, label]
                        if values.gradients:
                            gradients[f"{name}@{label}", None] = gradients[name, label]
        if step is not None and step.change is not None:
            for element, new in step.change.new.items():
                symbols[called.updated(element).key] = (f"{element}+", None)
                numbers[f"{element}+", None] = _exact(new)
            for quantity in derivation.parameters:
                if quantity.shape:
                    symbols[called.updated(quantity.name).key] = (f"{quantity.name}+", None)
                    arrays[f"{quantity.name}+"] = _marked(arrays[quantity.name], "+")
            for layer, seen in step.change.passes.items():
                for quantity in graph.quantities.values():
                    if quantity.layer != layer:
                        continue
                    own = direction if called.delta(quantity.name) is not None else 1
                    for name in dict.fromkeys((*quantity.elements(), quantity.name)):
                        symbols[called.substitute(name).key] = (f"{name}~", None)
                        if quantity.batched:
                            batched.add(f"{name}~")
                    for name in quantity.elements():
                        for index, label in enumerate(labels, 1) if quantity.batched else ((None, None),):
                            numbers[f"{name}~", label] = own * _exact(seen.gradient(name, index))
                    if quantity.shape:
                        arrays[f"{quantity.name}~"] = _marked(arrays[quantity.name], "~")
        letters = dict(self.letters)
        if step is not None and step.change is not None:
            letters[called.rate(step.change.number).key] = _exact(step.change.learning_rate)
        if (training := self.solution.problem.training) is not None:
            for name, setting in optimizers.OPTIMIZERS[training.optimizer].settings.items():
                if name in training.zero:
                    continue  # it leaves no trace
                letters[sign(setting.symbol).key] = training.settings[name].value
            letters[called.rate().key] = training.settings["learning_rate"].value
        return Names(
            symbols, numbers, gradients, arrays, graph.output, frozenset(batched), signs,
            self.meanings, self.functions, letters, batch=tuple(labels), rows=rows,
            parts=frozenset({f"{graph.output}@", "data_loss"} & set(graph.quantities)), leaves=frozenset(leaves),
        )  # fmt: skip

    def _strengths(self) -> dict[str, Number]:
        """Return the strengths of the penalty: λ of one alone, else λ₁ of absolute values, λ₂ of squares."""
        choice, training = getattr(self.solution.problem.model, "regularization", None), self.solution.problem.training
        if choice is None or choice.form == "convex":
            return {}
        found = {key: number for key, number in (("1", choice.l1), ("2", choice.l2)) if number}
        decays = training is not None and {"weight_decay"} & training.settings.keys() - training.zero
        is_alone = len(found) == 1 and not decays
        return {r"\lambda" if is_alone else rf"\lambda_{key}": number for key, number in found.items()}

    def _of(self, path: tuple[str, ...], display: int = 0) -> Names:
        """Return what symbols stand for under a heading."""
        if self.titles["title.after"] in path or self._number("title.after_step", path):
            return self.after()
        found = self._number("title.step", path)
        if self.titles["second_order.title"] in path[:1]:
            return self.curved()
        number = found or 1
        in_working = {self.titles[f"title.{part}"] for part in _WORKING} & set(path[:1])
        if not self.solution.steps or not (found or (in_working and len(self.solution.steps) == 1)):
            return self.whole()
        names = self.at(number)
        change = self.solution.steps[number - 1].change
        if display in self.updated and change is not None:
            names = replace(names, letters={**names.letters, **self._states(names, display, number)})
        return names

    def _number(self, title: str, path: tuple[str, ...]) -> int | None:
        """Return the number in a title with one ("Step 2")."""
        pattern = r"(\d+)".join(map(re.escape, self.titles[title].split("{number}")))
        return next((int(found[1]) for part in path if (found := re.fullmatch(pattern, part))), None)

    def _states(self, names: Names, display: int, number: int) -> dict[str, Number]:
        """Return the numbers of the optimizer's letters in a display that updates one parameter that is understood."""
        change = self.solution.steps[number - 1].change
        assert change is not None
        try:
            element = names.place(parse(self.updated[display]))[0].removesuffix("+")
        except (Unreadable, Unknown):
            return {}
        if element in names.arrays:
            return {}  # lines between arrays have no letters of one parameter
        found: dict[str, Number] = {}
        own = self.symbols.of(element)
        slope = {element: {"g": names.gradients[element, None]}}
        for at, states in ((change.number, change.lines), (change.number - 1, change.states), (None, slope)):
            for name, number_ in states.get(element, {}).items():
                plain = state(name, at, own)
                for key in {plain.key, accented(plain, "" if "_" in name else "bar").key}:
                    if key not in names.symbols:
                        found[key] = _exact(number_)
        return found

    def judge(self, chain: Chain) -> Iterator[Verdict]:
        """Yield a verdict on every `=` and `≈` of a chain, and on every line's agreement with the result."""
        if not {"=", "≈"} & set(chain.relations) or not chain.texts[0]:
            return
        terms: list[Term | str] = []
        for text in chain.texts:
            try:
                terms.append(parse(text))
            except Unreadable as error:
                terms.append(f"unreadable: {error}")
        names = self._of(chain.path, chain.display)
        free = self.unrounded._of(chain.path, chain.display)
        for place, relation in enumerate(chain.relations):
            left, right = terms[place], terms[place + 1]
            line = f"{chain.texts[place]}  {relation}  {chain.texts[place + 1]}"
            if relation not in ("=", "≈"):
                continue
            if isinstance(left, str) or isinstance(right, str):
                yield Verdict(UNKNOWN, line, left if isinstance(left, str) else str(right))
            else:
                earlier = [term for term in terms[:place] if isinstance(term, Term)]
                is_free = relation == "=" and not is_literal(left) and not is_literal(right)
                rounded = self._rounded_by_hand(left, right, names) if place == 0 else None
                if relation == "≈" and right.kind == "matrix" and self._grid_by_hand(left, right, names):
                    rounded = True
                if relation == "≈" and _as_number(left) and _as_number(right):
                    rounded = self.by_hand(value(left, names)) == value(right, names) or None
                if rounded is not None and self.by_hand(Fraction(0)) is not None:
                    yield Verdict(
                        TRUE if rounded else FALSE, line, "" if rounded else "not what rounding by hand gives"
                    )
                    continue
                yield _verdict(self, (left, *reversed(earlier)), relation, right, free if is_free else names, line)
        for text, term in zip(chain.texts, terms, strict=True):
            braces = [part for part in walk(term) if part.kind == "brace"] if isinstance(term, Term) else []
            for brace in braces:
                # What stands under a brace is another name for what stands above it.
                yield _verdict(self, (brace.parts[1],), "=", brace.parts[0], free, f"under a brace of {text}")
        result = terms[-1]
        if isinstance(result, Term) and _as_number(result) is not None:
            for text, term in list(zip(chain.texts, terms, strict=True))[:-2]:
                if not isinstance(term, Term) or not is_literal(term) or _is_beyond_fractions(term):
                    continue
                if self.by_hand(value(term, names)) == value(result, names):
                    continue
                if not rounds(value(term, names), result, self.digits):
                    yield Verdict(FALSE, f"{text}  …  {chain.texts[-1]}", f"{text} does not give the result")

    def _rounded_by_hand(self, left: Term, right: Term, names: Names) -> bool | None:
        """Say whether the number that a line computes is what rounding the line gives; None where nothing is rounded."""
        if left.kind not in ("symbol", "derivative") or not is_literal(right):
            return None
        try:
            kept, computed = value(left, names), value(right, names)
        except Unknown:
            return None
        return None if isinstance(kept, list) else kept == computed or self.by_hand(computed) == kept or None

    def _grid_by_hand(self, left: Term, right: Term, names: Names) -> bool:
        """Say whether each entry of an array is what rounding by hand gives."""
        try:
            found, printed = value(left, replace(names, shape=shape_of(value(right, names)))), value(right, names)
        except (Unknown, IndexError):
            return False
        if not isinstance(found, list) or shape_of(found) != shape_of(printed):
            return False
        pairs = zip(itertools.chain(*found), itertools.chain(*printed), strict=True)
        return all(self.by_hand(one) == other for one, other in pairs)

    def by_hand(self, computed: Number) -> Fraction | None:
        """Return a number rounded as by hand, halves to even, where the problem asks for that."""
        policy = self.solution.problem.notation.round_intermediates
        if policy is None:
            return None
        if not isinstance(computed, Fraction) and computed and abs(CONTEXT.log10(abs(computed))) > MOST_PLACES:
            # No fraction holds it; with so many digits it is written as it is, with so many places it is 0.
            return None if policy.significant or abs(computed) > 1 else Fraction(0)
        exact = computed if isinstance(computed, Fraction) else Fraction(str(CONTEXT.nstr(computed, 60)))
        place = magnitude(exact) - policy.digits + 1 if policy.significant and exact else -policy.digits
        return round(exact / Fraction(10) ** place) * Fraction(10) ** place

    def judge_row(self, row: Row) -> Iterator[Verdict]:
        """Yield a verdict on every number beside a symbol in a table, and on the formula given for it."""
        for part in beside(row):
            yield from self._judge_cells(part)

    def _judge_cells(self, row: Row) -> Iterator[Verdict]:
        left = _formula(row.cells[0])
        if not left or "=" in left:
            return
        kinds = {self.titles[f"column.{kind}"]: kind for kind in ("value", "formula", "gradient", "new")}
        for title, cell in zip(row.header[1:], row.cells[1:], strict=False):
            text = _formula(cell)
            if title not in kinds or not text:
                continue
            about = text.startswith(r"\approx")
            text = text.removeprefix(r"\approx").strip()
            scenes = self.unrounded if kinds[title] == "formula" else self
            names = scenes._of(row.path)
            try:
                what, number = parse(left), parse(text)
                kind = kinds[title]
                if kind == "gradient":
                    output = next(key for key, place in names.symbols.items() if place == (names.output, None))
                    what = Term("derivative", (Term("symbol", (), output), what))
                if kind == "new":
                    what = Term("symbol", (), self.symbols.updated(names.place(what)[0]).key)
                if what.kind == "symbol" and what.text in names.letters:
                    continue
                exact = kind == "formula" and not is_literal(number)
                yield _verdict(
                    self, (what,), "=" if exact else "≈", number, names, f"{left} | {cell} ({title}, {about})"
                )
            except (Unreadable, Unknown) as error:
                yield Verdict(UNKNOWN, f"{left} | {cell}", repr(error))


def _grid(quantity: object, rows: bool) -> list[list[str]]:
    """Return the elements of an array row by row; a vector is a row or a column."""
    shape, found = quantity.shape, list(quantity.elements())  # type: ignore[attr-defined]
    if len(shape) > 2:
        return np.array(found, dtype=object).reshape(shape).tolist()
    if len(shape) == 1:
        return [found] if rows else [[name] for name in found]
    return [found[start : start + shape[1]] for start in range(0, len(found), shape[1])]


def _marked(elements: list, mark: str) -> list:
    """Return the names of elements in nested lists, each with a mark behind it."""
    return [_marked(each, mark) if isinstance(each, list) else f"{each}{mark}" for each in elements]


def _exact(number: Number) -> Number:
    """Return a fraction as it is and any other number as a float of 90 digits."""
    return (
        number if isinstance(number, Fraction) else Fraction(number) if isinstance(number, int) else CONTEXT.mpf(number)
    )


def _unmarked(term: Term, sample: str) -> Term:
    """Return a formula of one sample as that of any."""
    if not sample:
        return term
    parts = tuple(_unmarked(part, sample) for part in term.parts)
    return replace(term, parts=parts, sample="" if term.sample == sample else term.sample)


def beside(row: Row) -> Iterator[Row]:
    """Yield the rows of a table that goes on beside itself."""
    period = row.header[1:].index(row.header[0]) + 1 if row.header[0] in row.header[1:] else len(row.header)
    for start in range(0, len(row.cells), period):
        yield Row(row.path, row.header[:period], row.cells[start : start + period])


_WORKING = ("forward", "loss", "backward", "update", "summary")
"""The sections that work out a step."""


@functools.cache
def _titles(code: str) -> Mapping[str, str]:
    """Return what sections and columns are called in a language."""
    kept = ("title.", "column.", "second_order.title")
    return {id: text for id, text in language.phrases(code).items() if id.startswith(kept)}


def second_derivatives(derivation: Derivation) -> tuple[Number, Number]:
    """Return the gradient by all parameters and the matrix of second derivatives, by differences of gradients."""
    evaluation = Evaluation.of(derivation, EXACT)
    shared, data = leaves(derivation, EXACT)
    names = [element for quantity in derivation.parameters for element in quantity.elements()]

    def slopes(moved: Mapping[str, Number]) -> list[Number]:
        found = evaluation.backward(evaluation.forward({**shared, **moved}, data))
        return [found.gradient(name) for name in names]

    rows = []
    for name in names:
        above, below = (slopes({name: add(shared[name], step)}) for step in (SHIFT, -SHIFT))
        rows.append([(real(one) - real(other)) / (2 * real(SHIFT)) for one, other in zip(above, below, strict=True)])
    hessian = CONTEXT.matrix(rows)
    return [[_exact(slope)] for slope in slopes({})], ((hessian + hessian.T) / 2).tolist()


def _snapped(value: Number) -> Number:
    """Return a number that differs from a short fraction by the error of a difference alone as that fraction."""
    near = Fraction(str(CONTEXT.nstr(value, 40))).limit_denominator(10**6)
    return near if abs(value - real(near)) < ERROR * (1 + abs(value)) else value


def _over(above: int, below: Number) -> Number:
    return Fraction(0) if below == 0 else divide(Fraction(above), below)


def _settings(rows: Sequence[Row], symbol: str) -> Iterator[tuple[str, Number]]:
    """Yield the letters that a table gives a plain number, in a column of symbols: the settings of the optimizer."""
    for row in (part for whole in rows for part in beside(whole)):
        if row.header[0] == symbol:
            numbers = [_formula(cell).removeprefix(r"\approx") for cell in row.cells[2:]]
            for text in numbers:
                try:
                    if text and is_literal(parse(text)) and r"\fwd" not in text:
                        yield parse(_formula(row.cells[0])).text, value(parse(text), _NOTHING)
                except (Unreadable, Unknown):
                    continue


_NOTHING = Names({}, {}, {}, {}, "")


def _formula(cell: str) -> str:
    found = re.fullmatch(r"\$([^$]*)\$", cell.strip())
    return without_text(found[1]) if found else ""


def walk(term: Term) -> Iterator[Term]:
    """Yield a term and all its parts."""
    yield term
    for part in term.parts:
        yield from walk(part)


def is_literal(term: Term) -> bool:
    """Say whether a formula holds numbers alone."""
    named = ("symbol", "derivative", "partial", "slope")
    return not any(part.kind in named and part.text != r"\pi" for part in walk(term))


def _variants(names: Names, error: str) -> list[Names]:
    """Return where else a formula can be tried that holds a free variable, an index, or a symbol of any sample."""
    if error in ("z", "u"):
        return [replace(names, letters={**names.letters, error: point}) for point in POINTS]
    if error.startswith("sample of"):
        return [replace(names, sample=sample) for sample in names.batch]
    if re.search(r"_.*[ijkn]|^[ijk]$", error) and not names.indices:
        return [replace(names, indices={"i": i, "j": j, "k": 1}) for i, j in ((1, 1), (2, 1), (1, 2))]
    return []


def _verdict(
    scenes: Scenes, lefts: tuple[Term, ...], relation: str, right: Term, names: Names, line: str, depth: int = 0
) -> Verdict:
    try:
        reason = _holds(lefts, relation, right, names, scenes.digits)
        return Verdict(FALSE if reason else TRUE, line, reason)
    except (Unknown, IndexError) as error:
        others = _variants(names, str(error)) if depth < 3 else []
        if not others:
            return Verdict(UNKNOWN, line, str(error))
        found = [_verdict(scenes, lefts, relation, right, other, line, depth + 1) for other in others]
        known = [verdict for verdict in found if verdict.outcome != UNKNOWN]
        return next((verdict for verdict in known if verdict.outcome == FALSE), known[0] if known else found[0])


def _holds(lefts: tuple[Term, ...], relation: str, right: Term, names: Names, digits: int) -> str:
    """Return why a relation does not hold, or nothing; what came before the left side says where numbers come from."""
    left = lefts[0]
    if relation == "=":
        one = value(left, names)
        other = value(right, replace(names, shape=shape_of(one)) if isinstance(one, list) or is_deep(one) else names)
        is_turned = shape_of(one) == shape_of(other)[::-1] and 1 in shape_of(one)
        if is_turned and {left.kind, right.kind} & {"extreme", "total"}:
            other = transposed(other)  # what joins the rows of a matrix is a vector, and vectors are columns
        if not _same(one, other):
            return f"{_shown(one)} is not {_shown(other)}"
        return ""
    if right.kind == "matrix":
        names = replace(names, shape=shape_of(value(right, names)))
    places = [left] if is_literal(left) else lefts
    found = next((told for term in places if (told := aligned(term, right, names, digits)) is not None), None)
    if found is None:
        found = _within(value(left, names), right, names, digits)
    return "" if found else f"{_shown(value(left, names))} is not {_shown(value(right, names))} as rounded"


def _shown(number: Number) -> str:
    if is_deep(number):
        return str(deep_arrays.mapped(_shown, number).tolist())
    if isinstance(number, list):
        return str([[_shown(entry) for entry in row] for row in number])
    return str(CONTEXT.nstr(real(number), 20))


def _is_beyond_fractions(term: Term) -> bool:
    """Say whether a number is among the parts that has too many places to be computed with."""
    return any(part.kind == "magnitude" for part in walk(term))


def _same(left: Number, right: Number) -> bool:
    """Say whether two values are equal: fractions exactly, others to 36 digits."""
    if is_deep(left) or is_deep(right):
        return shape_of(left) == shape_of(right) and all(map(_same, left.flat, right.flat))
    if isinstance(left, list) or isinstance(right, list):
        if shape_of(left) != shape_of(right):
            return False
        left, right = ([[side]] if not isinstance(side, list) else side for side in (left, right))
        return all(_same(*pair) for rows in zip(left, right, strict=True) for pair in zip(*rows, strict=True))
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return left == right
    left, right = real(left), real(right)
    return bool(left == right or abs(left - right) <= real(CLOSE) * (max(abs(left), abs(right)) + Fraction(1, 10**6)))


def _as_number(term: Term) -> tuple[Fraction, Fraction, int] | None:
    """Return what a printed number is, with the unit of its last digit; a fraction has none."""
    if term.kind == "negative":
        found = _as_number(term.parts[0])
        return None if found is None else (-found[0], *found[1:])
    if term.kind == "brace":
        return _as_number(term.parts[0])
    if term.kind == "quotient" and all(part.kind == "number" and "." not in part.text for part in term.parts):
        return number_of(term.parts[0].text)[0] / number_of(term.parts[1].text)[0], Fraction(0), 99
    return number_of(term.text) if term.kind == "number" else None


def rounds(found: Number, term: Term, digits: int) -> bool:
    """Say whether a value, rounded as a calculator rounds, is the printed number.

    0 stands for what is 0 to the digits in use.
    """
    number = _as_number(term)
    assert number is not None
    printed, unit, _ = number
    if isinstance(found, list):
        return False
    if printed == 0:
        return bool(abs(found) < Fraction(1, 10 ** (digits + 1)) if isinstance(found, Fraction) else abs(found) < 1e-40)
    if _same(found, printed):
        return True
    if not unit:
        # A fraction stands for what agrees with it in so many digits.
        unit = Fraction(10) ** (magnitude(printed) - digits + 1)
    distance = abs(real(found) - real(printed)) * 2
    return bool(distance < real(unit)) or (
        isinstance(found, Fraction) and abs(found - printed) * 2 == unit and abs(printed) > abs(found)
    )


def _parts(term: Term, kind: str) -> list[Term]:
    """Return the terms of a sum or the factors of a product, one level for all."""
    if term.kind == "brace":
        return _parts(term.parts[0], kind)
    if term.kind != kind:
        return [term]
    return [part for inner in term.parts for part in _parts(inner, kind)]


def aligned(left: Term, right: Term, names: Names, digits: int) -> bool | None:
    """Say whether each number on the right is what stands in its place on the left, rounded; None where none does."""
    if right.kind == "brace":
        return aligned(left, right.parts[0], names, digits)
    if _as_number(right) is not None:
        found = value(left, names)
        return rounds(found, right, digits) if not isinstance(found, list) else None
    if left.kind == "brace":
        return aligned(left.parts[0], right, names, digits)
    if right.kind == "matrix" and left.kind != "matrix":
        return _fills(value(left, names), right, names, digits)
    if left.kind == "total" and right.kind == "sum":
        return _adds(summands(left, names), _parts(right, "sum"), names, digits)
    if right.kind in ("sum", "product") and left.kind == right.kind:
        return _split_alike(_parts(left, left.kind), _parts(right, right.kind), right.kind, names, digits)
    if right.kind == left.kind and right.kind not in ("symbol", "total") and right.text == left.text:
        if len(left.parts) != len(right.parts):
            return None
        found_parts = [aligned(a, b, names, digits) for a, b in zip(left.parts, right.parts, strict=True)]
        # A square says nothing of the sign of what is squared.
        is_square = right.kind == "power" and right.parts[1] == Term("number", (), "2")
        return None if None in found_parts or (is_square and not all(found_parts)) else all(found_parts)
    if left.kind == "call" and left.text in names.functions:
        letter, meaning = names.functions[left.text]
        return aligned(_put(meaning, letter, left.parts[0]), right, names, digits)
    return None


def _adds(found: Sequence[Number], terms: Sequence[Term], names: Names, digits: int) -> bool | None:
    """Say whether the terms of a sum are the numbers, or the arrays, that a sum over an index adds; None for others."""
    if len(found) != len(terms):
        return None
    pairs = list(zip(found, terms, strict=True))
    if all(_as_number(term) is not None for term in terms):
        return all(rounds(number, term, digits) for number, term in pairs)
    if all(term.kind == "matrix" for term in terms):
        return all(_fills(number, term, names, digits) for number, term in pairs)
    return None


def _fills(found: Number, matrix: Term, names: Names, digits: int) -> bool | None:
    """Say whether each entry of a printed matrix is that of an array, rounded; None where there is no array."""
    if not isinstance(found, list) or shape_of(found) != shape_of(value(matrix, names)):
        return None if not isinstance(found, list) else False
    return all(
        rounds(entry, part, digits) if _as_number(part) is not None else _within(entry, part, names, digits)
        for row, parts in zip(found, matrix.parts, strict=True)
        for entry, part in zip(row, parts.parts, strict=True)
    )


def _put(term: Term, letter: str, argument: Term) -> Term:
    if term.kind == "symbol" and term.text == letter:
        return argument
    return replace(term, parts=tuple(_put(part, letter, argument) for part in term.parts))


def _split_alike(left: list[Term], right: list[Term], kind: str, names: Names, digits: int) -> bool | None:
    """Align terms with terms, several neighbours on the left with one on the right where there are more of them."""
    if len(left) < len(right):
        return None
    if len(right) == 1:
        joined = left[0] if len(left) == 1 else Term(kind, tuple(left))
        return aligned(joined, right[0], names, digits)
    outcomes: list[bool | None] = []
    for size in range(1, len(left) - len(right) + 2):
        head = left[0] if size == 1 else Term(kind, tuple(left[:size]))
        first = aligned(head, right[0], names, digits)
        if first:
            first = _split_alike(left[size:], right[1:], kind, names, digits)
        if first:
            return True
        outcomes.append(first)
    return None if None in outcomes else False


def _within(found: Number, term: Term, names: Names, digits: int) -> bool:
    """Say whether a value is a printed formula's, whose numbers may each be off by half a unit of their last digit."""
    other = value(term, names)
    if isinstance(found, list) or isinstance(other, list):
        if shape_of(found) != shape_of(other):
            return False
        if term.kind == "matrix" and isinstance(found, list):
            return bool(_fills(found, term, names, digits))
    if _same(found, other):
        return True
    slack: Number = Fraction(0)
    for part in walk(term):
        if part.kind == "number" and (given := number_of(part.text))[2] >= digits - 1 and given[0]:
            slack = add(slack, _distance(value(_nudged(term, part), names), other))
    pairs = zip(_flat(_distance(found, other)), _flat(slack), strict=True)
    return all(real(distance) <= real(allowed) * Fraction(101, 100) for distance, allowed in pairs)


def _flat(number: Number) -> list[Number]:
    """Return the entries of an array, or a number alone."""
    if is_deep(number):
        return list(number.flat)
    return list(itertools.chain(*number)) if isinstance(number, list) else [number]


def _distance(left: Number, right: Number) -> Number:
    """Return how far two numbers are apart, or two arrays entry by entry."""
    return mapped(
        lambda found: abs(Fraction(str(CONTEXT.nstr(real(found), 40)))), add(left, multiply(Fraction(-1), right))
    )


def _nudged(term: Term, number: Term) -> Term:
    """Return a formula with one of its numbers half a unit of the last digit larger."""
    if term is number:
        printed, unit, _ = number_of(number.text)
        return Term("quotient", (_whole((2 * printed + unit).numerator), _whole((2 * printed + unit).denominator * 2)))
    return replace(term, parts=tuple(_nudged(part, number) for part in term.parts))


def _whole(number: int) -> Term:
    return Term("number", (), str(number))
