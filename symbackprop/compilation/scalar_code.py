"""Straight-line code for small problems: one statement for every named number, every name that of the documents.

Numbers come in and go out in lists and tuples of Python, or in arrays; what lies between is the same for both. The code
runs the expressions of the registry as they are written. Where an exponential in one of them overflows, `math` raises (or a
compiled loop gives infinities), and whoever called turns to arrays, whose code is made of the stable forms.
"""

from __future__ import annotations

import collections
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from symbackprop.algebra import functions
from symbackprop.algebra.folding import folded
from symbackprop.algebra.formula import (
    ONE,
    ZERO,
    Adjoint,
    Apply,
    Name,
    Node,
    Number,
    Sum,
    fill,
    map_children,
    rewrite,
    walk,
)
from symbackprop.arithmetic.python_code import SCALARS, Dialect, Spelled, accurate, factored, printed
from symbackprop.compilation.identifiers import Identifiers
from symbackprop.compilation.optimizer_code import COUNT, GRADIENT, PARAMETER, RATE, UpdateCode
from symbackprop.compilation.plan import Assignment, Plan
from symbackprop.graph.quantities import Quantity

_WORDS = "parameters gradients states rows batches batch rates losses step record looks look trace keep is_seen"
WORDS = frozenset((*_WORDS.split(), "range", "zip", "len", "abs", "max", "min", COUNT.name, RATE.name))
"""What generated code calls its own arguments."""

_INDENT = "    "


States = Mapping[tuple[str, Name], str]
"""What the states of an optimizer are called, by their name and the parameter's."""


class Straight:
    """The straight-line code of a plan; `words` are names that quantities cannot have.

    `indexed` says that single numbers are read and written by index instead of unpacked and returned in a list; the
    `dialect` is what the lines call.
    """

    def __init__(self, plan: Plan, words: Iterable[str], *, indexed: bool = False, dialect: Dialect = SCALARS) -> None:
        self.plan, self.indexed, self.dialect = plan, indexed, dialect
        self.identifiers = Identifiers(plan.derivation, WORDS | frozenset(words))
        self.known: dict[Node, Node] = {}
        self.parameters = _elements(plan.parameters)
        self.reached = {target for target, _ in plan.backward()}

    def gradient(self) -> str:
        """Return `gradient(parameters, rows, gradients)`, which fills the gradients in and returns the loss."""
        statements = self._pass()
        wanted = [Name(*each) for each in self.plan.graph.scalars(*self.plan.gradients)]
        found = [self._text(self._gradient(name)) for name in wanted]
        body = [
            *self._load(self._spelled(self.parameters), "parameters"),
            *self._rows(None),
            *statements,
            *self._store(found, "gradients"),
            f"return {self._text(self._output())}",
        ]
        return _function("gradient(parameters, rows, gradients)", body)

    def value(self, wanted: Sequence[Name]) -> str:
        """Return `value(parameters, rows)`, which returns a tuple of values of the forward pass."""
        self.known = {}
        found = self._resolvable(self.plan.forward())
        values = [self._text(self.known.get(name, name)) for name in wanted]
        body = [*self._load(self._spelled(self.parameters), "parameters"), *self._rows(None), *self._statements(found)]
        return _function("value(parameters, rows)", [*body, f"return ({', '.join(values)},)"])

    def descend(self, update: UpdateCode, *, batches: bool = False, looks: bool = False) -> str:
        """Return `descend(parameters, states, rows, batches, rates, losses, looks, trace, t)`: an update for every rate.

        Parameters and states change in place; the loss before each update goes into `losses`; `t` is the number of the
        first update. With `batches` each update has samples of its own, by their rows; with `looks` the parameters behind
        the updates that it marks go into `trace`, by index or (`keep`, of a `struct`) into its memory.
        """
        indexed = self.indexed
        trained = _elements(quantity for quantity in self.plan.parameters if quantity.name in update.trained)
        statements = self._before(update, trained)
        states = {
            (state, name): self.identifiers.fresh(f"{state}_{name.name}") for state in update.states for name in trained
        }
        columns = [("learning_rate", "rates"), *[("batch", "batches")] * batches, *[("is_seen", "looks")] * looks]
        header = f"for {', '.join(one for one, _ in columns)} in zip({', '.join(each for _, each in columns)}):"
        if len(columns) == 1:
            header = "for learning_rate in rates:"
        output = self._text(self._output())
        step = [
            *(["learning_rate = rates[step]"] if indexed else []),
            *(self._rows("batches[step, {}]" if indexed else "batch[{}]") if batches else []),
            *statements,
            f"losses[step] = {output}" if indexed else f"record({output})",
            *self._behind(update, trained, states),
            *([f"{COUNT.name} += 1"] if any(COUNT in set(walk(formula)) for _, formula in update.common) else []),
            *(self._looked() if looks else []),
        ]
        body = [
            *([] if indexed else ["record = losses.append"]),
            *(["look = 0"] if looks else []),
            *self._load(self._spelled(self.parameters), "parameters"),
            *self._load(list(states.values()), "states"),
            *([] if batches else self._rows(None)),
            "for step in range(len(rates)):" if indexed else header,
            *(_INDENT + line for line in step),
            *self._store(self._spelled(self.parameters), "parameters"),
            *self._store(list(states.values()), "states"),
        ]
        return _function("descend(parameters, states, rows, batches, rates, losses, looks, trace, t)", body)

    def _looked(self) -> list[str]:
        """Return the lines that keep the parameters behind a marked update."""
        names = self._spelled(self.parameters)
        if not self.indexed:
            kept = [f"keep(trace, look, {', '.join(names)})", f"look += {8 * len(names)}"]
            return ["if is_seen:", *(_INDENT + line for line in kept)]
        kept = [f"trace[look, {position}] = {name}" for position, name in enumerate(names)]
        return ["if looks[step]:", *(_INDENT + line for line in [*kept, "look += 1"])]

    def _before(self, update: UpdateCode, trained: Sequence[Name]) -> list[str]:
        """Return the lines of an update up to the loss, which is noted before anything changes."""
        is_read_once = sum(part == GRADIENT for _, formula in update.lines for part in walk(formula)) == 1
        return self._pass(frozenset(trained), is_read_once=is_read_once)

    def _behind(self, update: UpdateCode, trained: Sequence[Name], states: States) -> list[str]:
        """Return the lines of an update from the loss on."""
        return list(self._updates(update, trained, states))

    def _load(self, names: Sequence[str], source: str, row: str = "") -> list[str]:
        """Return the lines that give names to the numbers of a sequence, or of one row of it."""
        if self.indexed:
            before = f"{row}, " if row else ""
            return [f"{name} = {source}[{before}{position}]" for position, name in enumerate(names)]
        whole = f"{source}[{row}]" if row else source
        return [f"[{', '.join(names)}] = {whole}"] if names else []

    def _store(self, names: Sequence[str], target: str) -> list[str]:
        """Return the lines that write numbers back; lists are changed in place."""
        if self.indexed:
            return [f"{target}[{position}] = {name}" for position, name in enumerate(names)]
        return [f"{target}[:] = [{', '.join(names)}]"]

    def _spelled(self, found: Iterable[Name]) -> list[str]:
        return [self.identifiers.of(name) for name in found]

    def _output(self) -> Node:
        output = Name(self.plan.graph.output)
        return self.known.get(output, output)

    def _rows(self, row: str | None) -> list[str]:
        """Return the lines that load the data: one row for each sample, at the place that `row` says."""
        lines = []
        for number, place in enumerate(self.plan.graph.batch_axis.numbers):
            loaded = [Name(name.name, place) for name in _elements(self.plan.data)]
            at = str(number) if row is None else row.format(number)
            lines += self._load(self._spelled(loaded), "rows", at)
        return lines

    def _pass(self, changed: frozenset[Name] | None = None, *, is_read_once: bool = False) -> list[str]:
        """Return the lines of both passes.

        In a loop, where some parameters are `changed` behind the lines, nobody reads these: what is read once is written
        where it is read, a gradient in its update if updates read it once.
        """
        self.known = {Adjoint(self.plan.graph.output): ONE}
        assignments = (*self.plan.forward(), *self.plan.backward())
        found = self._resolvable(assignments, changed or frozenset(), is_read_once=is_read_once)
        return list(self._statements(found if changed is None else self._tight(found)))

    def _resolvable(
        self, assignments: Iterable[Assignment], changed: Container[Node] = frozenset(), *, is_read_once: bool = False
    ) -> list[Assignment]:
        """Return the assignments that take a statement; what needs none is known by its formula.

        The gradient by a parameter that is to be `changed` is read when those before it have changed already: it needs none
        only if it reads no such parameter, or in one place and no such parameter but its own.
        """
        found: list[Assignment] = []
        for target, formula in assignments:
            value = self._resolved(formula)
            needs_none = isinstance(value, Name | Adjoint | Number)
            if isinstance(target, Adjoint) and Name(target.name) in changed:
                read = {part for part in walk(value) if part in changed}
                needs_none = (needs_none and not read) or (is_read_once and read <= {Name(target.name)})
            if needs_none:
                self.known[target] = value
            else:
                found.append((target, value))
        return found

    def _tight(self, found: Sequence[Assignment]) -> list[Assignment]:
        """Return the assignments with each that one other reads put into it; updates read names."""
        read = collections.Counter(
            part for _, value in found for part in walk(value) if isinstance(part, Name | Adjoint)
        )
        kept = {part for value in self.known.values() for part in walk(value)} | set(
            map(self._gradient, self.parameters)
        )
        kept.add(self._output())
        inner: dict[Node, Node] = {}
        remaining = []
        for target, value in found:
            whole = rewrite(value, inner.get)
            if read[target] == 1 and target not in kept:
                inner[target] = whole
            else:
                remaining.append((target, whole))
        return remaining

    def _statements(self, found: Sequence[Assignment]) -> Iterator[str]:
        """Yield the statements, what is costly and occurs twice computed once."""
        values = factored([value for _, value in found], lambda number: self.identifiers.fresh(f"e{number}"))
        for (target, _), (before, value) in zip(found, values, strict=True):
            yield from (f"{name} = {self._text(inner)}" for name, inner in before)
            yield f"{self.identifiers.of(target)} = {self._text(value)}"

    def _resolved(self, formula: Node) -> Node:
        """Return a formula in primitives, with what is a constant or has another name put in."""
        return accurate(plain(folded(rewrite(formula, self.known.get))))

    def _text(self, formula: Node) -> str:
        return printed(accurate(formula), self._leaf, self.dialect)

    def _leaf(self, part: Node) -> str | None:
        return self.identifiers.of(part) if isinstance(part, Name | Adjoint) else None

    def _gradient(self, wanted: Name) -> Node:
        """Return the gradient by a parameter or an input, by its name or as a formula; zero where nothing leads to it."""
        adjoint = Adjoint(wanted.name, wanted.sample)
        return self.known.get(adjoint, adjoint) if adjoint in self.reached else ZERO

    def _updates(self, update: UpdateCode, trained: Sequence[Name], states: States) -> Iterator[str]:
        """Yield the statements that update every parameter."""
        common: dict[Node, Node] = {COUNT: Spelled(COUNT.name), RATE: Spelled(RATE.name)}
        for name, formula in update.common:
            spelled = Spelled(self.identifiers.fresh(name))
            yield f"{spelled.text} = {self._text(rewrite(formula, common.get))}"
            common[Name(name)] = spelled
        parts: dict[Node, Node] = {Name(target): Spelled(self.identifiers.fresh(target)) for target, _ in update.lines}
        for parameter in trained:
            places: dict[Node, Node] = {**common, **parts, PARAMETER: parameter, GRADIENT: self._gradient(parameter)}
            places |= {Name(state): Spelled(states[state, parameter]) for state in update.states}
            for target, formula in update.lines:
                text = self._text(folded(rewrite(formula, places.get)))
                places[Name(target)] = self._assigned(places[Name(target)])
                yield f"{self._text(places[Name(target)])} = {text}"

    def _assigned(self, place: Node) -> Node:
        """Return what an update gives a new value to: the name itself."""
        return place


def _elements(quantities: Iterable[Quantity]) -> list[Name]:
    return [Name(element) for quantity in quantities for element in quantity.elements()]


def _function(signature: str, body: Iterable[str]) -> str:
    return "\n".join((f"def {signature}:", *(_INDENT + line for line in body))) + "\n"


_PRIMITIVES = ("step", *functions.PRIMITIVES)


def plain(formula: Node) -> Node:
    """Return a formula in primitives, as the registry writes them; softmax in its shifted form.

    Sums of exponentials and maxima are written in one order, so that all units of a softmax share them.
    """

    def primitive(part: Node) -> Node | None:
        if not isinstance(part, Apply) or (part.function in _PRIMITIVES and not part.body):
            return None
        is_vector = not part.body and functions.is_vector(part.function)
        body = functions.stable_definition(part) if is_vector else functions.definition(part)
        return None if body is None else plain(fill(body, part.arguments))

    return _ordered(rewrite(formula, primitive))


def _ordered(node: Node) -> Node:
    node = map_children(node, _ordered)
    match node:
        case Sum(terms) if all(isinstance(term, Apply) and term.function == "exp" for term in terms):
            return Sum(tuple(sorted(terms, key=repr)))
        case Apply(function, arguments) if function in functions.EXTREMES and len(arguments) > 2:
            return replace(node, arguments=tuple(sorted(arguments, key=repr)))
    return node
