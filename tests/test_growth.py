"""Random formulas up to every limit, and random graphs of thousands of nodes: an answer or a refusal in seconds.

The rows of a run are one process of its own, so that what it needs is what the operating system says it needed.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from symbackprop import limits
from symbackprop.algebra.functions import ARITIES
from tests.helpers import each, few

SECONDS, MEGABYTES = 4, 512
"""Of processor time for one problem, on a machine that has other things to do (it takes half of it at most); of memory for a
whole process, with what it imports."""

PROGRAM = """
import json, resource, signal, sys
import symbackprop as sbp
from symbackprop.errors import SymbackpropError

def late(*_):
    raise TimeoutError

signal.signal(signal.SIGPROF, late)
sbp.check(sbp.example("line"))  # what is imported once is not timed
for line in sys.stdin:
    content = json.loads(line)
    signal.setitimer(signal.ITIMER_PROF, float(sys.argv[1]))
    try:
        derivation = sbp.derive(sbp.problem(content))
        list(derivation.links)
        sbp.render(sbp.solve(derivation), "json")
        said = "answered"
    except SymbackpropError as error:
        said = "refused"
    except BaseException as error:
        said = type(error).__name__ + ": " + str(error)[:200]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    print(said)
# What the process before it had is in its maximum, too.
held = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int((held.get("VmHWM") or held["VmRSS"]).split()[0]) // 1024)
"""


def expression(draw: random.Random, name: str, depth: int, length: int) -> str:
    """Return a random expression in one name that nests so deeply and is about so long."""
    functions = [function for function, arity in ARITIES.items() if arity == 1]
    text = name
    for _ in range(depth):
        number = draw.choice(("1/2", "2", "3/10", "0.7"))
        text = draw.choice(
            (
                f"{draw.choice(functions)}({text})",
                f"{draw.choice(functions)}({text})",
                f"({text} + {number}*{name})",
                f"({text} - {number})",
                f"{number}*({text})*{name}",
                f"max({text}, {number})",
                f"({text})/({number} + {name}**2)",
                f"(1 + abs({text}))**({number})",
            )
        )
    terms = [text]
    while len(text) < length and sum(map(len, terms)) + 3 * len(terms) < length:
        terms.append(f"{draw.choice(functions)}({draw.randrange(1, 9)}/7*{name})")
    return draw.choice((" + ", "*", " - ")).join(terms)


def of_expression(draw: random.Random) -> dict[str, Any]:
    """Return a graph, an activation or a loss that is a random expression."""
    name = draw.choice("wza")
    text = expression(
        draw, name, draw.randrange(0, 1 + draw.choice((8, 24, limits.LEVELS))), draw.choice((1, 200, 4000))
    )
    if name == "w":
        return {"graph": {"parameters": {"w": "7/10"}, "equations": [f"L = {text}"], "output": "L"}}
    activation = {"expression": text} if name == "z" else "sigmoid"
    loss = {"expression": f"sum({text} - y)"} if name == "a" else "half_squared_error"
    return {
        "network": {"inputs": 1, "layers": [{"units": 1, "activation": activation}], "loss": loss},
        "parameters": {"W1": [["1/2"]], "b1": ["1/10"]},
        "data": {"x": ["7/10"], "y": [1]},
    }


def of_nodes(draw: random.Random) -> dict[str, Any]:
    """Return a graph of up to 5,000 nodes, each of one or two of those shortly before it."""
    count = draw.choice((100, 1000, 5000))
    names, equations = ["w", "v"], []
    for number in range(count):
        first, second = (draw.choice(names[-draw.choice((1, 2, 8)) :]) for _ in range(2))
        shape = draw.choice(
            ("{0}*{1}", "tanh({0} + {1})", "sin({0})", "({0} + {1})/2", "{0} - 1/3*{1}", "sigmoid({0})")
        )
        equations.append(f"g{number} = {shape.format(first, second)}")
        names.append(f"g{number}")
    return {
        "graph": {"parameters": {"w": "7/10", "v": "-1/3"}, "equations": equations, "output": f"g{count - 1}"},
    }


KINDS: dict[str, Callable[[random.Random], dict[str, Any]]] = {"expression": of_expression, "nodes": of_nodes}
ROWS = 8
"""Problems in one process."""


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no timer of processor time")
@pytest.mark.parametrize("batch", few(range(12), 1))
@pytest.mark.parametrize("kind", KINDS)
def test_random_problems_are_answered_or_refused(kind: str, batch: int) -> None:
    """Whatever is nested, multiplied or joined: no hang, no exception of another kind, and no memory that grows."""
    draws = [random.Random(f"{kind} {batch} {row}") for row in range(ROWS if kind == "expression" else 2)]
    lines = [json.dumps(KINDS[kind](draw)) for draw in draws]
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, str(SECONDS)],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    *said, memory = found.stdout.split("\n")[:-1]
    for line, word in each(zip(lines, said, strict=True)):
        assert word in ("answered", "refused"), (word, line[:400])
    assert int(memory) < MEGABYTES
