"""Judges every relation of a printed solution: what is equal has to be equal, what is rounded has to be well rounded.

A document is read by `latex_reader` and computed by `latex_values`. What symbols stand for is taken from the solution's
numbers; formulas of quantities, of functions and values of settings are taken from the document itself.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from symbackprop import document, optimizers, schedules
from symbackprop.arithmetic import magnitude
from symbackprop.derivation import Derivation
from symbackprop.evaluate import Values, evaluate
from symbackprop.graph import Role
from symbackprop.notation import Notation, setting_symbol, state_symbol
from symbackprop.rendering import spelling
from symbackprop.solution import Solution, Step
from tests.latex_reader import Chain, Row, Term, Unreadable, number_of, parse, read, without_text
from tests.latex_values import CONTEXT, Names, Number, Unknown, real, shape_of, value

TRUE, FALSE, UNKNOWN = "true", "false", "unknown"
KINK = "a kink"
"""The reason where a derivative is a convention, which no difference can confirm."""
CLOSE = Fraction(1, 10**36)
"""The relative difference of numbers that are the same to 50 digits, some of which a subtraction may have cost."""
POINTS = (Fraction(7, 10), Fraction(-13, 10))
"""Where formulas in a free variable z are tried."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one relation: true, false or not understood, with its two sides and the reason."""

    outcome: str
    text: str
    reason: str = ""


def judged(solution: Solution, latex: str) -> list[Verdict]:
    """Return the verdict on every `=` and `≈` of a solution in LaTeX."""
    chains, rows = read(latex)
    scenes = Scenes(solution, chains, rows)
    found = [verdict for chain in chains for verdict in scenes.judge(chain)]
    return found + [verdict for row in rows for verdict in scenes.judge_row(row)]


class Scenes:
    """What symbols stand for in each part of a document."""

    def __init__(self, solution: Solution, chains: Sequence[Chain], rows: Sequence[Row]) -> None:
        self.solution, self.digits = solution, solution.problem.notation.digits
        self.notation = document.notation_of(solution)
        self.letters = {**dict(_settings(rows)), **self._schedule()}
        self.meanings: dict[str, Term] = {}
        self.functions: dict[str, tuple[str, Term]] = {}
        self._find_meanings(chains, rows)
        self.updated = self._updated_in(chains)

    def _schedule(self) -> dict[str, Number]:
        """Return the numbers of the letters of the learning rate's schedule."""
        training = self.solution.problem.training
        if training is None or training.schedule is None:
            return {}
        rows = schedules.SCHEDULES[training.schedule.kind].settings
        return {
            Printed(self.notation).key(setting_symbol(rows[name].symbol)): given.value
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
                    self.meanings.setdefault(names.place(replace(what, sample="1"))[0], formula)
            except (Unreadable, Unknown):
                continue

    @staticmethod
    def _updated_in(chains: Sequence[Chain]) -> Mapping[int, str]:
        """Return the symbol of the parameter that each display of updates ends with."""
        return {chain.display: chain.texts[0] for chain in chains if chain.display and "+" in chain.texts[0]}

    @functools.cache  # noqa: B019
    def whole(self) -> Names:
        """Return what symbols stand for in the statement: the numbers before the first step, over all samples."""
        if not self.solution.steps:
            return self._names(self.solution.derivation, None)
        opening = self.solution.steps[0]
        values = opening.values if opening.batch is None else evaluate(self.solution.derivation)
        return self._names(self.solution.derivation, values)

    @functools.cache  # noqa: B019
    def after(self) -> Names:
        """Return what symbols stand for after the last step in full."""
        return self._names(self.solution.derivation, self.solution.after)

    @functools.cache  # noqa: B019
    def at(self, number: int) -> Names:
        """Return what symbols stand for in a step (from 1)."""
        step = self.solution.steps[number - 1]
        return self._names(step.derivation, step.values, step)

    def _names(self, derivation: Derivation, values: Values | None, step: Step | None = None) -> Names:
        graph, printed = derivation.graph, Printed(self.notation)
        count = graph.samples or 0
        labels = step.batch if step is not None and step.batch is not None else tuple(range(1, count + 1))
        symbols: dict[str, tuple[str, int | None]] = {}
        numbers: dict[tuple[str, int | None], Number] = {}
        gradients: dict[tuple[str, int | None], Number] = {}
        arrays: dict[str, list[list[str]]] = {}
        signs: dict[str, int] = {}
        batched: set[str] = set()
        sign = -1 if self.notation.negative_delta else 1
        rows = self.solution.problem.layout == "row"
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
                    symbols.setdefault(printed.key(self.notation.symbol(name, label)), (name, label))
                delta = self.notation.delta(name)
                if delta is not None:
                    symbols.setdefault(printed.key(delta), (name, None))
                    signs[printed.key(delta)] = sign
            if quantity.shape:
                arrays[quantity.name] = _grid(quantity, rows)
            for name in elements if values is not None else ():
                for index, label in enumerate(labels, 1) if quantity.batched else ((None, None),):
                    numbers[name, label] = _exact(values.value(name, index))
                    if values.gradients:
                        gradients[name, label] = _exact(values.gradient(name, index))
        if step is not None and step.change is not None:
            for element, new in step.change.new.items():
                found = self.notation.symbol(element)
                key = printed.key(replace(found, upper=(*found.upper, "+")))
                symbols[key] = (f"{element}+", None)
                numbers[f"{element}+", None] = _exact(new)
        letters = dict(self.letters)
        if step is not None and step.change is not None:
            rate = self.notation.learning_rate()
            key = printed.key(replace(rate, lower=(*rate.lower, str(step.change.number))))
            letters[key] = _exact(step.change.learning_rate)
        if (training := self.solution.problem.training) is not None:
            for name, setting in optimizers.OPTIMIZERS[training.optimizer].settings.items():
                letters[printed.key(setting_symbol(setting.symbol))] = training.settings[name].value
            letters[printed.key(self.notation.learning_rate())] = training.settings["learning_rate"].value
        return Names(
            symbols, numbers, gradients, arrays, graph.output, frozenset(batched), signs,
            self.meanings, self.functions, letters, batch=tuple(labels), rows=rows,
            parts=frozenset({f"{graph.output}@", "data_loss"} & set(graph.quantities)), leaves=frozenset(leaves),
        )  # fmt: skip

    def _of(self, path: tuple[str, ...], display: int = 0) -> Names:
        """Return what symbols stand for under a heading."""
        found = next((re.fullmatch(r"(Step|After step) (\d+)", title) for title in path if _is_step(title)), None)
        if "After the step" in path or (found and found[1] == "After step"):
            return self.after()
        number = int(found[2]) if found else 1
        in_working = {"Forward pass", "Loss", "Backward pass", "Update", "Summary"} & set(path[:1])
        if not self.solution.steps or not (found or (in_working and len(self.solution.steps) == 1)):
            return self.whole()
        names = self.at(number)
        change = self.solution.steps[number - 1].change
        if display in self.updated and change is not None:
            names = replace(names, letters={**names.letters, **self._states(names, display, number)})
        return names

    def _states(self, names: Names, display: int, number: int) -> dict[str, Number]:
        """Return the numbers of the optimiser's letters in a display that updates one parameter that is understood."""
        change = self.solution.steps[number - 1].change
        assert change is not None
        try:
            element = names.place(parse(self.updated[display]))[0].removesuffix("+")
        except (Unreadable, Unknown):
            return {}
        printed = Printed(self.notation)
        found: dict[str, Number] = {}
        for at, states in ((change.number, change.lines), (change.number - 1, change.states)):
            for name, number_ in states.get(element, {}).items():
                symbol = state_symbol(name, str(at))
                for key in {printed.key(replace(symbol, accent=symbol.accent or mark)) for mark in ("", "bar")}:
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
        for place, relation in enumerate(chain.relations):
            left, right = terms[place], terms[place + 1]
            line = f"{chain.texts[place]}  {relation}  {chain.texts[place + 1]}"
            if relation not in ("=", "≈"):
                continue
            if isinstance(left, str) or isinstance(right, str):
                yield Verdict(UNKNOWN, line, left if isinstance(left, str) else str(right))
            else:
                earlier = [term for term in terms[:place] if isinstance(term, Term)]
                yield _verdict(self, (left, *reversed(earlier)), relation, right, names, line)
        result = terms[-1]
        if isinstance(result, Term) and _as_number(result) is not None:
            for text, term in list(zip(chain.texts, terms, strict=True))[:-2]:
                if isinstance(term, Term) and is_literal(term) and not rounds(value(term, names), result, self.digits):
                    yield Verdict(FALSE, f"{text}  …  {chain.texts[-1]}", f"{text} does not give the result")

    def judge_row(self, row: Row) -> Iterator[Verdict]:
        """Yield a verdict on every number beside a symbol in a table, and on the formula given for it."""
        period = row.header[1:].index(row.header[0]) + 1 if row.header[0] in row.header[1:] else len(row.header)
        for start in range(0, len(row.cells), period):
            yield from self._judge_cells(Row(row.path, row.header[:period], row.cells[start : start + period]))

    def _judge_cells(self, row: Row) -> Iterator[Verdict]:
        left = _formula(row.cells[0])
        if not left or "=" in left:
            return
        kinds = {"value": "≈", "formula": "=", "gradient": "≈", "new value": "≈"}
        for title, cell in zip(row.header[1:], row.cells[1:], strict=False):
            text = _formula(cell)
            if title not in kinds or not text:
                continue
            about = text.startswith(r"\approx")
            text = text.removeprefix(r"\approx").strip()
            names = self._of(row.path)
            try:
                what, number = parse(left), parse(text)
                if title == "gradient":
                    output = next(key for key, place in names.symbols.items() if place == (names.output, None))
                    what = Term("derivative", (Term("symbol", (), output), what))
                if title == "new value":
                    what = Term("symbol", (), _with_plus(self.notation, names, what))
                if what.kind == "symbol" and what.text in names.letters:
                    continue
                exact = title == "formula" and not is_literal(number)
                yield _verdict(
                    self, (what,), "=" if exact else "≈", number, names, f"{left} | {cell} ({title}, {about})"
                )
            except (Unreadable, Unknown) as error:
                yield Verdict(UNKNOWN, f"{left} | {cell}", repr(error))


def _with_plus(notation: Notation, names: Names, what: Term) -> str:
    found = notation.symbol(names.place(what)[0])
    return Printed(notation).key(replace(found, upper=(*found.upper, "+")))


def _is_step(title: str) -> bool:
    return bool(re.fullmatch(r"(Step|After step) \d+", title))


@dataclass(frozen=True)
class Printed:
    """Symbols as the reader finds them."""

    notation: Notation

    def key(self, symbol: object) -> str:
        """Return the key of a symbol, without its sample."""
        return parse(spelling.symbol(symbol)).text  # type: ignore[arg-type]


def _grid(quantity: object, rows: bool) -> list[list[str]]:
    """Return the elements of an array row by row; a vector is a row or a column."""
    shape, found = quantity.shape, list(quantity.elements())  # type: ignore[attr-defined]
    if len(shape) == 1:
        return [found] if rows else [[name] for name in found]
    return [found[start : start + shape[1]] for start in range(0, len(found), shape[1])]


def _exact(number: Number) -> Number:
    """Return a fraction as it is and any other number as a float of 90 digits."""
    return (
        number if isinstance(number, Fraction) else Fraction(number) if isinstance(number, int) else CONTEXT.mpf(number)
    )


def _settings(rows: Sequence[Row]) -> Iterator[tuple[str, Number]]:
    """Yield the letters that a table gives a plain number: the settings of the optimiser."""
    for row in rows:
        if row.header[0] == "symbol":
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
    return not any(part.kind in ("symbol", "derivative", "partial", "slope") for part in walk(term))


def _variants(names: Names, error: str) -> list[Names]:
    """Return where else a formula can be tried that holds a free variable, an index, or a symbol of any sample."""
    if error == "z":
        return [replace(names, letters={**names.letters, "z": point}) for point in POINTS]
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
        other = value(right, replace(names, shape=shape_of(one)) if isinstance(one, list) else names)
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
    if isinstance(number, list):
        return str([[_shown(entry) for entry in row] for row in number])
    return str(CONTEXT.nstr(real(number), 20))


def _same(left: Number, right: Number) -> bool:
    """Say whether two values are equal: fractions exactly, others to 36 digits."""
    if isinstance(left, list) or isinstance(right, list):
        if shape_of(left) != shape_of(right):
            return False
        left, right = ([[side]] if not isinstance(side, list) else side for side in (left, right))
        return all(_same(*pair) for rows in zip(left, right, strict=True) for pair in zip(*rows, strict=True))
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return left == right
    left, right = real(left), real(right)
    return bool(abs(left - right) <= real(CLOSE) * (max(abs(left), abs(right)) + Fraction(1, 10**6)))


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
        if term.kind == "matrix":
            return all(
                aligned(Term("value", (), ""), part, names, digits) is None and rounds(entry, part, digits)
                if _as_number(part) is None
                else rounds(entry, part, digits)
                for row, parts in zip(found, term.parts, strict=True)
                for entry, part in zip(row, parts.parts, strict=True)
            )
        found = found[0][0] if isinstance(found, list) and shape_of(found) == (1, 1) else found
        if isinstance(found, list):
            return False
    if _same(found, other):
        return True
    slack = Fraction(0)
    for part in walk(term):
        if part.kind == "number" and (given := number_of(part.text))[2] >= digits - 1 and given[0]:
            moved = value(_nudged(term, part), names)
            slack += abs(Fraction(str(CONTEXT.nstr(real(moved) - real(other), 40))))
    return bool(abs(real(found) - real(other)) <= real(slack) * Fraction(101, 100))


def _nudged(term: Term, number: Term) -> Term:
    """Return a formula with one of its numbers half a unit of the last digit larger."""
    if term is number:
        printed, unit, _ = number_of(number.text)
        return Term("quotient", (_whole((2 * printed + unit).numerator), _whole((2 * printed + unit).denominator * 2)))
    return replace(term, parts=tuple(_nudged(part, number) for part in term.parts))


def _whole(number: int) -> Term:
    return Term("number", (), str(number))
