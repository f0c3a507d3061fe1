"""What a solution says in words is true: which way the loss went, what was predicted, how many parameters there are.

The claims are taken from the phrases and their arguments, before they are put into a language; what they should say comes
from compiled float64 code, which shares no pass with the exact steps. Remarks at lines are judged in `test_explanations`.
"""

from __future__ import annotations

import collections
import itertools
import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

import symbackprop as sbp
from symbackprop import document
from symbackprop.algebra.formula import Number
from symbackprop.descent.solution import Solution
from symbackprop.document.blocks import Block, Listing, Note, Paragraph, Section
from symbackprop.document.display_nodes import About, Equality
from symbackprop.errors import EvaluationError
from symbackprop.evaluation.evaluate import Values
from symbackprop.messages import Message
from symbackprop.problems import ComputationGraph
from tests import random_problems
from tests.documents import sections_of
from tests.helpers import few, many

SEEDS = [seed for seed in range(1, 400) if seed % 5]
"""Networks: a computation graph has other arguments."""
WENT = {
    "text.fell": -1,
    "text.stayed": 0,
    "text.rose": 1,
    "text.rose_on_purpose": 1,
    "training.rose_batch": 1,
    "training.rose_states": 1,
}
"""Which way the loss went, by the phrase that says so."""


def messages(blocks: tuple[Block, ...]) -> Iterator[Message]:
    """Yield the phrases of some blocks."""
    for block in blocks:
        if isinstance(block, Paragraph | Note):
            yield block.text
        elif isinstance(block, Listing):
            yield from block.items


def claims(sections: tuple[Section, ...]) -> dict[str, Message]:
    """Return the phrases of a document by id, the last of each."""
    return {said.id: said for section in sections_of(sections) for said in messages(section.blocks)}


class Floats:
    """Losses and gradients of a solution's parameters in float64."""

    def __init__(self, solution: Solution) -> None:
        """Compile the loss over the whole data."""
        self.solution, problem = solution, solution.problem
        self.run = sbp.compile(solution.derivation)
        entries = {name: [float(given.value) for given in problem.arrays[name].entries if given] for name in ("x", "y")}
        self.data = {name: np.reshape(numbers, (problem.samples or 1, -1)) for name, numbers in entries.items()}

    def at(self, values: Values) -> tuple[float, dict[str, np.ndarray]]:
        """Return the loss and the gradients at the parameters of a pass."""
        arrays = {
            quantity.name: np.reshape([float(values.value(e)) for e in quantity.elements()], quantity.shape)
            for quantity in self.solution.derivation.parameters
        }
        loss, gradients = self.run(arrays, self.data["x"], self.data["y"])
        return float(loss), {name: np.asarray(found) for name, found in gradients.items()}


def agree(printed: object, expected: float, digits: int) -> bool:
    """Say whether a printed number is an expected one to its digits, or both are next to nothing."""
    return math.isclose(float(printed.value), expected, rel_tol=0.6 * 10 ** (1 - digits), abs_tol=1e-11)  # type: ignore[attr-defined]


def judge(solution: Solution) -> collections.Counter[str]:
    """Judge the claims of a solution; return how many there were of each kind."""
    found = claims(document.compose(solution, ("full",), without=("title.check", "title.summary")).sections)
    problem, digits = solution.problem, solution.problem.notation.digits
    seen: collections.Counter[str] = collections.Counter()
    if "text.count" in found:
        sizes = {name: math.prod(shape) for name, shape in problem.parameter_shapes().items()}
        said = found["text.count"].arguments["total"]
        assert isinstance(said, Equality)
        assert Number(Fraction(sum(sizes.values()))) == said.right
        seen["count"] += 1
    if solution.after is None:
        return seen
    floats, step = Floats(solution), solution.steps[-1]
    before, gradients = floats.at(step.values)
    after, _ = floats.at(solution.after)
    for id in found.keys() & WENT.keys():
        difference = after - before
        assert abs(difference) < 1e-13 * max(1, before) or math.copysign(1, difference) == WENT[id], id
        assert agree(found[id].arguments["after"], after, digits)
        assert agree(found[id].arguments.get("before", found[id].arguments["after"]), before, digits)
        seen["went"] += 1
    prediction = found.get("observation.predicted", found.get("observation.as_predicted"))
    if prediction is not None and step.updated is not None:
        steps = (
            gradients[quantity.name].reshape(-1)[place] * float(step.updated[name] - step.values.value(name))
            for quantity in solution.derivation.parameters
            for place, name in enumerate(quantity.elements())
        )
        predicted, true = (
            prediction.arguments.get(key, prediction.arguments["predicted"]) for key in ("predicted", "change")
        )
        for said, expected in ((predicted, sum(steps)), (true, after - before)):
            assert isinstance(said, Message)
            size = said.arguments["size"]
            assert agree(size.body if isinstance(size, About) else size, abs(expected), 3)
            assert abs(expected) < 1e-11 or said.id == ("change.increase" if expected > 0 else "change.decrease")
        assert "change" not in prediction.arguments or predicted != true
        seen["prediction"] += 1
    return seen


@pytest.mark.parametrize("part", few(range(4), 1))
def test_claims_of_random_networks_are_true(part: int) -> None:
    """The loss fell, stayed or rose as it is said, from and to what is said; the gradients predicted what is said."""
    seen: collections.Counter[str] = collections.Counter()
    for seed in itertools.islice(SEEDS, part, many(len(SEEDS), 3), 4):
        problem = sbp.problem(random_problems.problem(seed))
        assert not isinstance(problem.model, ComputationGraph)
        if problem.notation.round_intermediates is not None:
            continue  # the numbers are those of a hand, and no float64 has them
        try:
            solution = sbp.solve(problem)
        except EvaluationError:
            continue
        try:
            seen += judge(solution)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from None
    assert min(seen[kind] for kind in ("count", "went", "prediction")) > 10, seen
