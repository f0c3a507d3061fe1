"""How long a class takes: drawing, the numbers of the keys, sheets and keys in Markdown: `python benchmarks/homework.py`.

With `--pdf` the sheets and keys of a class as PDF too, which TeX sets.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import measuring
from measuring import Line

from symbackprop.by_hand.array_arithmetic import ARRAYS
from symbackprop.by_hand.hand_computation import evaluation
from symbackprop.by_hand.tolerance import Tolerance
from symbackprop.homework.assignments.variants import HomeworkAssignment, assignment, draw, leaves_of
from symbackprop.homework.classes.roster import numbered
from symbackprop.homework.handouts import distribution, enrolment
from symbackprop.homework.marks.marking import Marker, MarkVerdict
from symbackprop.problems import load

EXAMPLE = "homework"
VARIANTS = 10_000
PAIRS = 1_000
MARKED = 300
CLASS = 300


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pdf", action="store_true", help="a class of 300 as PDF, which takes minutes")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="sheets and keys that are written in Markdown")
    options = parser.parse_args()
    measuring.show(measuring.machine())
    measuring.table(race(options.pairs))
    if options.pdf:
        measuring.table(typeset())


def race(pairs: int) -> Iterator[Line]:
    """Yield the times of a large class, step by step."""
    given = assignment(load.example(EXAMPLE))
    students = [f"s{number}" for number in range(VARIANTS)]
    start = time.perf_counter()
    cohort = draw(given, students, 7, dict.fromkeys(students, 1))
    seconds = time.perf_counter() - start
    yield Line(f"draw {VARIANTS:,} fair variants ({cohort.tries:,} draws)", f"{seconds:.2f} s")
    found = leaves_of(given, cohort.positions, VARIANTS)
    run = evaluation(given.computation.equations, ARRAYS).forward
    tolerances = [Tolerance(given.computation, answer.key, given.homework.rounding, ARRAYS) for answer in given.answers]

    def keys() -> None:
        values = run(found, ()).shared
        for tolerance in tolerances:
            tolerance.of(values)

    best = measuring.best_of({"": keys}, 5)[""]
    yield Line(f"numbers of {VARIANTS:,} keys: values and tolerances", f"{1e3 * best:.1f} ms", "≤ 100 ms", best <= 0.1)
    yield _marking(given, students[:MARKED])
    with tempfile.TemporaryDirectory() as folder:
        yield _written(pairs, Path(folder))


def _marking(given: HomeworkAssignment, students: Sequence[str]) -> Line:
    cohort = draw(given, students, 7, dict.fromkeys(students, 1))
    marker = Marker(given)
    start = time.perf_counter()
    right = True
    for place in range(len(students)):
        values = {key: float(array[place]) for key, array in cohort.values.items()}
        allowed = {id: float(array[place]) for id, array in cohort.tolerances.items()}
        typed = {answer.id: f"{values[answer.key]:.4g}" for answer in given.answers}
        right &= all(mark.verdict is MarkVerdict.CORRECT for mark in marker.mark(values, allowed, typed))
    seconds = time.perf_counter() - start
    return Line(f"mark {len(students)} students (all correct: {right})", f"{seconds:.2f} s")


def _job(count: int, formats: Sequence[str], folder: Path) -> distribution.Job:
    source = load.find_source(EXAMPLE)
    made = enrolment.prepare([source], numbered(count), folder, seed=7, formats=formats, language="en")
    return made.job


def _written(pairs: int, folder: Path) -> Line:
    job = _job(pairs, ("markdown",), folder)
    start = time.perf_counter()
    count = sum(len(files or {}) for _, files in distribution.documents(job, range(pairs)))
    seconds = (time.perf_counter() - start) * PAIRS / pairs
    cores = os.cpu_count()
    what = f"{count // 2:,} sheets and keys in Markdown, {cores} cores, for {PAIRS:,}"
    return Line(what, f"{seconds:.1f} s", "≤ 15 s", seconds <= 15)


def typeset() -> Iterator[Line]:
    """Yield the time of a class as PDF."""
    with tempfile.TemporaryDirectory() as folder:
        job = _job(CLASS, ("pdf",), Path(folder))
        start = time.perf_counter()
        files = sum(len(found or {}) for _, found in distribution.documents(job, range(CLASS)))
        seconds = time.perf_counter() - start
        yield Line(f"{CLASS} sheets and keys as PDF ({files} files)", f"{seconds:.0f} s", "≤ 120 s", seconds <= 120)


if __name__ == "__main__":
    main()
