r"""A test of the truth test: mistakes planted anywhere in a document are found, whatever its notation.

Each kind of mistake is a pattern and what takes its place: an index, a sign, a digit, a relation, a symbol, a factor. It is
planted at places spread over the displayed lines of a solution, one at a time, and has to make a relation false.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator

import pytest

import symbackprop as sbp
from symbackprop.descent.solution import Solution
from tests.document.test_truth import written
from tests.documents import dense
from tests.helpers import few
from tests.oracle import truth
from tests.oracle.latex_reader import Chain, read
from tests.oracle.truth import FALSE, UNKNOWN

PLACES = 6
"""So many mistakes of each kind are planted in a document."""
DEEP = ((2, "sigmoid"), (2, "tanh"), (2, "sigmoid"))
TARGETS = [0.3, 0.8]
ALIKE = {"naming": "flat", "symbols": {"weight": "v", "loss": "E"}}
PROBLEMS: dict[str, dict[str, object]] = {
    "layered": dense(*DEEP),
    "flat": dense(*DEEP, notation=ALIKE),
    "elementwise, rows": dense(
        *DEEP[1:], notation={"naming": "elementwise", "layout": "row", "index_order": "from_to"}
    ),
    "negative, leaving": dense(*DEEP[1:], notation={"delta_sign": "negative", "layers": "leave"}),
    "through activations": dense(*DEEP[1:], notation={"backward": "activation"}, bias="threshold"),
    "batch": dense(*DEEP[1:], samples=2, loss="binary_cross_entropy"),
    "sequential": dense(*DEEP, training={"learning_rate": 0.1, "update": "sequential"}),
    "adam": dense(*DEEP[1:], training={"learning_rate": 0.1, "optimizer": "adam"}, regularization={"l2": 0.1}),
}
NAME = r"(?:\\tilde\{(?:\\delta|g)\}|\\(?:delta|theta)|[a-zA-Z])(?:\^(?:\{[^{}]*\}|\+))?"


def _next(digit: str) -> str:
    return str(int(digit) % 2 + 1)


KINDS: dict[str, tuple[str, Callable[[re.Match[str]], str]]] = {
    # 1 is exchanged for 2: every unit and every weight of these networks has a neighbour of that name.
    # L_n in a chain is the sample that the rest of the chain names; the oracle reads it so whatever its number.
    "another index": (
        rf"(?<![a-zA-Z\\])(?!L_)({NAME})_([12])(?![0-9\w])",
        lambda found: f"{found[1]}_{_next(found[2])}",
    ),
    "another index of two": (r"_\{([12])([12])\}", lambda found: f"_{{{found[1]}{_next(found[2])}}}"),
    "another layer": (r"\^\{\(([12])\)", lambda found: f"^{{({_next(found[1])})"),
    "another sign": (r"(?<=[\w)}]) ([+-]) (?=[\\\w({])", lambda found: " - " if found[1] == "+" else " + "),
    "another digit": (
        # The last digit but one: the last may be a guard digit that the result does not need.
        r"(?<=\.)(\d*)([0-8])(\d)(?=\}? (?:\\times|\+|-|\\approx|=))",
        lambda found: f"{found[1]}{int(found[2]) + 1}{found[3]}",
    ),
    # The product of two long decimals is longer than what is printed.
    "equal for about": (
        r"(\d{5}\}?\)? \\times \(?(?:\\[bf]wd\{)?-?\d\.\d{5,}\}?\)?) \\approx ",
        lambda found: f"{found[1]} = ",
    ),
    "a product for a sum": (r"(?<=\}) \+ (?=\\[fb]wd)", lambda found: r" \times "),
    "a factor left out": (r"\(1 - [^()]*?(?:\([^()]*\)[^()]*?)?\)(?=\}| \\,|\\\\)", lambda found: "1"),
    "an old weight for a new one": (
        r"(?<=\^\{\(2\))\+\}|(?<=[vw])\^\+(?=_)",
        lambda found: found[0].replace("+", "").replace("^", ""),
    ),
}


@functools.cache
def solved(name: str) -> tuple[Solution, str, frozenset[Chain]]:
    """Return the solution of a problem, its document, which is true, and the chains of that."""
    content = dict(PROBLEMS[name])
    content["data"] = {**content["data"], "y": TARGETS if name != "batch" else [TARGETS, TARGETS[::-1]]}  # type: ignore[dict-item]
    solution = sbp.solve(sbp.problem(content))
    text = written(solution)
    assert not [verdict for verdict in truth.judged(solution, text) if verdict.outcome == FALSE]
    return solution, text, frozenset(read(text)[0])


def displays(text: str) -> list[range]:
    """Return the places of the displayed formulas that work out a step."""
    start = text.index(r"\symbackpropsection{Forward pass}")
    found = re.finditer(r"\\begin\{alignat\*\}\{\d+\}(.*?)\\end\{alignat\*\}", text, re.DOTALL)
    return [range(*each.span(1)) for each in found if each.start() > start]


def planted(text: str, kind: str) -> Iterator[tuple[str, str]]:
    """Yield documents with one mistake each, and what was changed."""
    pattern, change = KINDS[kind]
    places = displays(text)
    said = [range(*each.span()) for each in re.finditer(r"\\symbackpropremark\{.*", text)]
    found = [each for each in re.finditer(pattern, text) if any(each.start() in place for place in places)]
    found = [each for each in found if not any(each.start() in remark for remark in said)]
    for number in range(min(PLACES, len(found))):
        each = found[number * len(found) // min(PLACES, len(found))]
        changed = text[: each.start()] + change(each) + text[each.end() :]
        before, after = text[each.start() - 60 : each.start()], text[each.end() : each.end() + 40]
        yield changed, f"{before}⟦{each[0]}→{change(each)}⟧{after}"


@pytest.mark.parametrize("name", few(PROBLEMS, 2))
@pytest.mark.parametrize("kind", KINDS)
def test_planted_mistake_of_each_kind_is_found(kind: str, name: str) -> None:
    """Each mistake makes a relation of its document false, or gives it a symbol that there is not."""
    solution, text, known = solved(name)

    def is_found(changed: str) -> bool:
        chains, rows = read(changed)
        scenes = truth.Scenes(solution, chains, rows)
        new = [verdict for chain in chains if chain not in known for verdict in scenes.judge(chain)]
        return any(verdict.outcome in (FALSE, UNKNOWN) for verdict in new)

    assert [] == [where for changed, where in planted(text, kind) if not is_found(changed)]


def test_every_kind_of_mistake_is_planted() -> None:
    """No pattern is idle: each finds places in some document, and most do in every one."""
    counts = {kind: [len(list(planted(solved(name)[1], kind))) for name in PROBLEMS] for kind in KINDS}
    assert all(max(found) > 2 for found in counts.values()), counts
    assert sum(map(sum, counts.values())) > 250, counts
