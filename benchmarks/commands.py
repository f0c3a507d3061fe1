"""How long commands take from a cold start, beside `import sympy`: `python benchmarks/commands.py`.

Each run is a process of its own in an empty folder, with one thread. Modules are compiled once, before anything counts, as
pip does when it installs them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import measuring
from measuring import Line

YARDSTICK = ("-c", "import sympy")
TARGETS: Mapping[str, float] = {
    "solve mazur -f latex": 1.7,
    "solve mazur -f html": 1.8,
    "train xor": 1.8,
    "check mazur": 1.8,
    "solve attention": 3.9,
    "solve lstm": 3.9,
    "check attention": 3.9,
    "check lstm": 3.9,
}
"""Commands, and how many times the yardstick each may take; the largest examples are the last ones."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="runs of each command, of which the best counts")
    options = parser.parse_args()
    measuring.show(measuring.machine())
    measuring.table(lines(options.rounds))


def lines(rounds: int) -> Iterator[Line]:
    """Yield the time of each command; commands take turns, so that a busy moment hits them all."""
    runs = {"": YARDSTICK} | {command: ("-m", "symbackprop", *command.split()) for command in TARGETS}
    best = dict.fromkeys(runs, float("inf"))
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds + 1):
            for command, arguments in runs.items():
                seconds = seconds_of(arguments, Path(folder))
                best[command] = min(best[command], seconds) if number else best[command]
    yardstick = best.pop("")
    yield Line("python -c 'import sympy'", f"{yardstick:.2f} s")
    for command, seconds in best.items():
        target, ratio = TARGETS[command], seconds / yardstick
        yield Line(f"symbackprop {command}", f"{seconds:.2f} s, {ratio:.2f} ×", f"≤ {target:g} ×", ratio <= target)


def seconds_of(arguments: Sequence[str], folder: Path) -> float:
    """Return the processor's seconds that a process takes; compiled modules stay in `folder`."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {**measuring.THREADS, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    before = os.times()
    command = [sys.executable, *arguments]
    subprocess.run(command, env=environment, cwd=folder, stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    return sum(after[2:4]) - sum(before[2:4])


if __name__ == "__main__":
    main()
