"""What a large class costs: sheets with keys, and marking, by the command: `python benchmarks/large_classes.py 1000 10000`.

With `--marking` only the files of the teacher are written before the class is marked: with and without pages, in two shards.
Counted is the processor's time of the command and its processes, and the memory of the process that hands work out. With
`--kill 10` the class is given out once more while a process is killed every ten seconds; the SHA-256 has to be the same.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import operator
import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import measuring
from measuring import Line

from symbackprop.homework.classes import roster
from symbackprop.homework.classes.chunks import versions
from symbackprop.homework.handouts import enrolment
from symbackprop.problems import load
from symbackprop.whole_files import write_files

WRONG = 0.1
"""The share of answers that are wrong."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", type=int, nargs="+", help="students of the classes")
    parser.add_argument("--kill", type=float, metavar="SECONDS", help="also kill a process so often")
    parser.add_argument("--marking", action="store_true", help="mark only: no sheets, no keys")
    options = parser.parse_args()
    measuring.show(measuring.machine() + f"symbackprop {versions()['symbackprop']}\n")
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            lines = marking(size, Path(folder)) if options.marking else race(size, Path(folder), options.kill)
            measuring.table(lines)


def race(size: int, folder: Path, kill: float | None) -> Iterator[Line]:
    """Yield what a class of some size costs."""
    give = ("homework", "homework", "--variants", str(size), "-f", "markdown", "--archives", "--secret", "secret")
    digest, line = run(folder, f"{size:,} sheets and keys", size, *give, "-o", "class")
    yield line
    if kill is not None:
        other = ""
        while not other:  # what was given up is done by the next run
            other, line = run(folder, f"{size:,}, one killed every {kill:g} s", size, *give, "-o", "again", kill=kill)
        yield line._replace(target="same bytes", met=digest == other)
    yield from marked(size, folder)


def marking(size: int, folder: Path) -> Iterator[Line]:
    """Yield what marking a class of some size costs, of whom nobody has a sheet."""
    settings = {"seed": 7, "formats": ["markdown"], "language": "en", "archives": True}
    course = enrolment.prepare([load.find_source("homework")], roster.numbered(size), folder / "class", **settings)
    write_files({folder / "class" / name: content for name, content in course.files.items()})
    yield from marked(size, folder)


def marked(size: int, folder: Path) -> Iterator[Line]:
    """Yield what marking costs, alone, with a page for each student, and in two shards that are joined."""
    hand_in(folder)
    grade = ("grade", "class", "in.csv", "--no-feedback")
    whole, line = run(folder, f"{size:,} students marked", size, *grade, "-o", "whole")
    yield line
    for shard in ("1", "2"):
        yield run(folder, f"shard {shard} of 2", size, *grade, "--shard", f"{shard}/2", "-o", shard)[1]
    merged, line = run(folder, "both joined", size, "merge", "2", "1", "-o", "merged")
    yield line._replace(target="same bytes", met=whole == merged)
    yield run(folder, f"{size:,} marked, with pages", size, *grade[:-1], "-o", "pages")[1]


def run(folder: Path, what: str, size: int, *arguments: str, kill: float | None = None) -> tuple[str, Line]:
    """Run a command, and return the SHA-256 that it prints with what it took."""
    before, start, most = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic(), 0
    command = [sys.executable, "-m", "symbackprop", *arguments]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    due = time.monotonic() + (kill or 0)
    while process.poll() is None:
        time.sleep(0.05)
        most = max(most, memory(process.pid))
        if kill is not None and time.monotonic() >= due:
            for worker in workers(process.pid)[-1:]:
                os.kill(worker, signal.SIGKILL)
            due = time.monotonic() + kill
    assert process.stdout is not None and process.returncode in (0, 1)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - start
    used = after.ru_utime - before.ru_utime
    found = re.search(r"[0-9a-f]{64}", process.stdout.read())
    told = f"{used:.0f} s of cores, {wall:.0f} s, {1000 * used / size:.1f} ms each, {most // 1000} MB"
    return found[0] if found else "", Line(what, told)


def memory(process: int) -> int:
    """Return the most memory that a process had, in kB; 0 where it has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text("utf-8")
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+)", status)
    return int(found[1]) if found else 0


def workers(process: int) -> list[int]:
    """Return the processes that work for one, but for that which keeps account of what they share."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text("utf-8").split()
        return [int(each) for each in children if "spawn_main" in Path(f"/proc/{each}/cmdline").read_text("utf-8")]
    except OSError:
        return []


def hand_in(folder: Path) -> None:
    """Write what a class hands in: a row for each student, most answers right."""
    chance, begun = random.Random(1), False
    with (folder / "class/teacher/answers.csv").open(encoding="utf-8") as key, (folder / "in.csv").open("w") as file:
        table = csv.writer(file)
        for student, rows in itertools.groupby(csv.DictReader(key), key=operator.itemgetter("student")):
            own = {row["answer"]: float(row["value"]) * (1.1 if chance.random() < WRONG else 1) for row in rows}
            if not begun:
                table.writerow(("student", *own))
                begun = True
            table.writerow((student, *(f"{value:.6g}" for value in own.values())))


if __name__ == "__main__":
    main()
