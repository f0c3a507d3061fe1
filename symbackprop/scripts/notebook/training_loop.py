"""The functions and the loop with which a notebook trains: updates at once or layer by layer, all samples or batches."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from symbackprop.algebra.formula import ONE, Adjoint, Name
from symbackprop.arithmetic.python_code import Spelled
from symbackprop.compilation.optimizer_code import UpdateCode
from symbackprop.compilation.plan import plan
from symbackprop.compilation.scalar_code import States, Straight
from symbackprop.descent import epochs
from symbackprop.descent.epochs import Batch
from symbackprop.descent.solution import Solution
from symbackprop.graph.quantities import Role
from symbackprop.problems import Training
from symbackprop.scripts.notebook.statements import Listing, optimizer_lines

MOST_UPDATES = 1000
"""The loop of a notebook runs as many updates at most; where each has a rate or samples of its own, fewer."""

MOST_LISTED_UPDATES = 100
FEWEST_UPDATES = 100
"""A problem with a step or two is carried on for so many updates: a curve of two points is none."""

COMPARED_LOSSES = 5
_INDENT = "    "


class _Layerwise(Straight):
    """Code in which a layer is updated as soon as its gradients are there: layers before it see what is new.

    What these have behind weights that are new is no gradient and has names of its own.
    """

    def _before(self, update: UpdateCode, trained: Sequence[Name]) -> list[str]:
        self.known = {Adjoint(self.plan.graph.output): ONE}
        forward = [(target, self._resolved(formula)) for target, formula in self.plan.forward()]
        return list(self._statements(forward))

    def _behind(self, update: UpdateCode, trained: Sequence[Name], states: States) -> list[str]:
        backward = list(self.plan.backward())
        layers = {self._layer(target.name) for target, _ in backward} | {self._layer(name.name) for name in trained}
        lines, is_new = [], False
        # What belongs to no layer, such as parts of the loss, is nearest to the output.
        for layer in sorted(layers, key=lambda layer: (layer is not None, -(layer or 0))):
            for target, formula in backward:
                if self._layer(target.name) == layer:
                    text, name = self._text(self._resolved(formula)), self.identifiers.of(target)
                    if is_new:
                        name = self.identifiers.fresh(f"{name}_tilde")
                        self.known[target] = Spelled(name)
                    lines.append(f"{name} = {text}")
            changing = [name for name in trained if self._layer(name.name) == layer]
            lines += self._updates(update, changing, states)
            is_new = is_new or bool(changing)
        return lines

    def _layer(self, element: str) -> int | None:
        return self.plan.graph.quantity_of(element).layer


def straight(solution: Solution, samples: int | None) -> Straight:
    """Return what writes the passes over so many samples as a function."""
    found = solution.problem.training
    kind = _Layerwise if found is not None and found.update == "sequential" else Straight
    return kind(plan(solution.derivation, samples, "float64"), ())


def arrays(solution: Solution) -> list[str]:
    """Return the lines that put parameters and data into lists, as generated functions take them."""
    first = solution.steps[0].values
    names = [element for quantity in solution.derivation.parameters for element in quantity.elements()]
    whole = solution.after if solution.after is not None else first
    data = [
        element
        for quantity in solution.derivation.graph.of_role(Role.INPUT, Role.TARGET)
        for element in quantity.elements()
    ]
    elements = solution.derivation.elements
    rows = [
        [float(whole.value(*elements.place(element, sample))) for element in data]
        for sample in elements.batch_axis.numbers
    ]
    return [
        f"names = {names!r}",
        f"parameters = {[float(first.value(name)) for name in names]!r}",
        *(["rows = [", *(f"{_INDENT}{row!r}," for row in rows), "]"] if len(rows) > 1 else [f"rows = {rows!r}"]),
    ]


def training(solution: Solution) -> tuple[str, str] | None:
    """Return the functions that run updates, and the loop over them; nothing where no update changes the loss.

    The losses of the loop are those of all samples before each update; the first of them are compared with the solution's.
    """
    found = solution.problem.training
    if found is None or len(solution.losses) < 2:
        return None
    listed = itertools.islice(epochs.batches_of(found, solution.problem.samples), MOST_LISTED_UPDATES)
    batches = [batch for batch in listed if batch is not None]
    first, later = (optimizer_lines(solution, first=first) for first in (True, False))
    functions = _functions(solution, batches, "descend", later)
    is_first_different = (first.common, first.lines) != (later.common, later.lines)
    if is_first_different:
        functions = _functions(solution, batches[:1], "first_update", first) + functions
    return "\n\n\n".join(functions), _loop(solution, found, batches, is_first_different=is_first_different)


def _functions(solution: Solution, batches: Sequence[Batch], name: str, update: UpdateCode) -> list[str]:
    """Return the functions that run an update: one for each size of the batches."""
    sizes = _sizes(batches)
    return [
        straight(solution, size or solution.problem.samples)
        .descend(update, batches=bool(batches))
        .replace("rates, losses, looks, trace, t)", "rates, losses, t)", 1)
        .replace("def descend(", f"def {_named(name, size, sizes)}(", 1)
        .rstrip()
        for size in sizes
    ]


def _sizes(batches: Sequence[Batch]) -> list[int]:
    """Return the sizes of the batches, each once; 0 stands for all samples."""
    return list(dict.fromkeys(map(len, batches))) or [0]


def _named(name: str, size: int, sizes: Sequence[int]) -> str:
    return f"{name}_{size}" if len(sizes) > 1 else name


def _loop(solution: Solution, training: Training, batches: Sequence[Batch], *, is_first_different: bool) -> str:
    samples = solution.problem.samples
    listed = [float(epochs.learning_rate(training, number, samples)) for number in range(1, MOST_UPDATES + 1)]
    is_constant = len(set(listed)) == 1
    most = MOST_UPDATES if is_constant and not batches else MOST_LISTED_UPDATES
    count = min(max(len(solution.losses) - 1, FEWEST_UPDATES), most)
    states = [float(line.partition(" = ")[2]) for line in Listing(solution, solution.steps[0]).states()]
    compared = [float(loss) for loss in solution.losses[: min(COMPARED_LOSSES, count)]]
    return "\n".join(
        [
            *arrays(solution),
            f"states = {states!r}",
            f"rates = [{listed[0]!r}] * {count}" if is_constant else f"rates = {listed[:count]!r}",
            *(_by_batches(batches[:count], is_first_different) if batches else _at_once(is_first_different)),
            f"assert np.allclose(losses[:{len(compared)}], {compared!r}, rtol=1e-9, atol=1e-12)",
            'print(losses[0], "→", losses[-1])',
        ]
    )


def _at_once(is_first_different: bool) -> Iterator[str]:
    """Yield the lines of a loop whose updates all see the same samples."""
    yield "losses = []"
    if is_first_different:
        yield "first_update(parameters, states, rows, [], rates[:1], losses, 1)"
        yield "descend(parameters, states, rows, [], rates[1:], losses, 2)"
    else:
        yield "descend(parameters, states, rows, [], rates, losses, 1)"


def _by_batches(batches: Sequence[Batch], is_first_different: bool) -> Iterator[str]:
    """Yield the lines of a loop whose updates have samples of their own; the losses are those of all samples."""
    sizes = _sizes(batches)
    yield f"batches = {[[number - 1 for number in batch] for batch in batches]!r}"
    update = "descend"
    if len(sizes) > 1:
        named = ", ".join(f"{size}: {_named('descend', size, sizes)}" for size in sizes)
        yield f"updates = {{{named}}}"
        update = "updates[len(batch)]"
    yield "losses = []"
    yield "for t, (batch, rate) in enumerate(zip(batches, rates), start=1):"
    yield f"{_INDENT}losses.append(gradient(parameters, rows, []))"
    if is_first_different:
        yield f"{_INDENT}update = first_update if t == 1 else {update}"
        update = "update"
    yield f"{_INDENT}{update}(parameters, states, rows, [batch], [rate], [], t)"
