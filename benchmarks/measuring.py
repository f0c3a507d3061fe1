"""What the benchmarks share: the machine, times, lines of a table, and a process of their own with one thread."""

from __future__ import annotations

import importlib.util
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy
import sympy

MARK = "SYMBACKPROP_BENCHMARK"
THREADS = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


class Line(NamedTuple):
    """A line of the table; an empty target is only for information."""

    what: str
    measured: str
    target: str = ""
    met: bool | None = None


def show(text: str) -> None:
    """Print a text."""
    print(text, flush=True)  # noqa: T201 - a benchmark is run by hand and prints


def table(lines: Iterator[Line]) -> None:
    """Print lines of the table as they are measured."""
    for line in lines:
        verdict = {None: "", True: "met", False: "MISSED"}[line.met]
        show(f"{line.what:<62} {line.measured:>22}  {line.target:<12} {verdict}".rstrip())


def machine() -> str:
    """Return the machine, Python and libraries that the numbers belong to."""
    processor = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            processor = next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    versions = f"Python {platform.python_version()}, SymPy {sympy.__version__}, NumPy {numpy.__version__}"
    return f"{processor}, {os.cpu_count()} cores, {platform.system()}; {versions}\n"


def times(run: Callable[[], object], repeat: int) -> list[float]:
    """Return the sorted seconds of some runs, after one to warm up."""
    run()
    found = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return sorted(found)


def is_installed(library: str) -> bool:
    """Say whether a library to compare with is there."""
    return importlib.util.find_spec(library) is not None


def alone() -> None:
    """Run this program again in a process with one thread and NumPy's own choice of kernel, unless this is that process.

    `OPENBLAS_CORETYPE` is set on some machines and halves the speed of matrix products; threads are counted when a library
    is loaded.
    """
    if MARK in os.environ:
        return
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    finished = subprocess.run([sys.executable, *sys.argv], env={**environment, **THREADS, MARK: "1"}, check=False)
    raise SystemExit(finished.returncode)


def kernels() -> str:
    """Return the matrix kernels that are loaded, with their threads."""
    if not is_installed("threadpoolctl"):
        return "kernels unknown: pip install threadpoolctl\n"
    import threadpoolctl

    pools = threadpoolctl.threadpool_info()
    found = [f"{pool['internal_api']} {pool.get('architecture', '')} {pool['num_threads']} thread(s)" for pool in pools]
    return "; ".join(found) + "\n"


def best_of(runs: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the best seconds of each run, of the processor: what else the machine does meanwhile does not count.

    The runs take turns, so that a slow moment hits them all.
    """
    for run in runs.values():
        run()
    found = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.process_time()
            run()
            found[name] = min(found[name], time.process_time() - start)
    return found


def at_least(ratio: float, target: float) -> tuple[str, bool]:
    """Return a target as a line shows it, and whether a ratio meets it."""
    return f"≥ {target:g} ×", ratio >= target
