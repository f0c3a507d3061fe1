"""Work cut into chunks: by this process, by processes of its own, or by an executor of somebody else's.

What all chunks share is small, and goes with each of them: whoever begins late has it. A chunk whose process dies is tried
again; the third time it is given up, and the others go on. Whoever works has to have the versions of the program that gave
the work, or nothing is computed.
"""

from __future__ import annotations

import functools
import gc
import hashlib
import importlib.metadata
import multiprocessing
import multiprocessing.connection
import os
import platform
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED as FIRST
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from symbackprop import resources
from symbackprop.errors import OutputError
from symbackprop.messages import message
from symbackprop.rendering.typesetting import tex_engines

MOST_DEATHS = 3
"""Deaths of a process after which its chunk is given up."""

AT_ONCE = 64
"""Chunks that an executor is given before one of them has come back."""

MANY = 500
"""Students from whom on it is worth beginning processes to mark them."""

_LIBRARIES = ("numpy", "sympy")
"""Libraries that numbers and lines depend on."""

Shared = TypeVar("Shared")
Part = TypeVar("Part")
Result = TypeVar("Result")


@dataclass
class Workers:
    """Who works: an executor that `begin` makes, and is to make again where it is `ours` and broke.

    It is given at most `at_once` chunks. `deadly` are the errors of a chunk whose process died so often that nobody is to
    try again.
    """

    begin: Callable[[], Executor]
    at_once: int = AT_ONCE
    ours: bool = False
    deadly: tuple[type[Exception], ...] = ()
    busy: int = 0
    _executor: Executor | None = field(default=None, repr=False)

    def submit(self, work: Callable[..., Result], *arguments: object) -> Future[Result]:
        """Give the executor something to do; raises `BrokenExecutor` where there is none any more."""
        if self._executor is None:
            self._executor = self.begin()
        self.busy += 1
        return self._executor.submit(work, *arguments)

    def died(self) -> None:
        """Remember that the executor broke: one of ours is begun anew."""
        if self.ours:
            self.close()

    def close(self) -> None:
        """End an executor of ours, without waiting for it."""
        if self.ours and self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None


def worked(
    work: Callable[[Shared, Part], Result],
    shared: Shared,
    parts: Sequence[Part],
    processes: int | None = None,
    executor: Executor | Workers | None = None,
) -> Iterator[tuple[int, Result | None]]:
    """Yield the places of parts with what `work` makes of them, as it comes; None for a part that was given up.

    Work is done by the executor, else by as many processes as are asked for (default: one for each core) and have something
    to do. Raises `OutputError` where an executor works with other versions.
    """
    own = min(processes or os.cpu_count() or 1, len(parts))
    if executor is None and own <= 1:
        yield from ((place, work(shared, part)) for place, part in enumerate(parts))
        return
    if executor is None:
        # A process dies alone where each is an executor of its own: which chunk it was at is then known.
        several = [Workers(_process, 1, ours=True) for _ in range(own)]
    else:
        several = [executor if isinstance(executor, Workers) else Workers(lambda: executor)]
    try:
        expected = None if executor is None else dict(versions())
        yield from _given_out(functools.partial(_checked, work, expected), shared, parts, several)
    finally:
        for each in several:
            each.close()


def _given_out(
    work: Callable[..., Result], shared: object, parts: Sequence[Part], several: Sequence[Workers]
) -> Iterator[tuple[int, Result | None]]:
    waiting, deaths = deque(range(len(parts))), Counter[int]()
    running: dict[Future[Result], tuple[int, Workers]] = {}
    while waiting or running:
        for workers in several:
            while waiting and workers.busy < workers.at_once:
                place = waiting.popleft()
                try:
                    running[workers.submit(work, shared, parts[place])] = place, workers
                except BrokenExecutor:
                    workers.busy -= 1
                    yield place, None
        for future in wait(running, return_when=FIRST).done:
            place, workers = running.pop(future)
            workers.busy -= 1
            try:
                found = future.result()
            except BrokenExecutor:
                workers.died()
                deaths[place] += 1
                if deaths[place] < MOST_DEATHS:
                    waiting.append(place)
                else:
                    yield place, None
            except workers.deadly:
                yield place, None
            else:
                yield place, found


def _checked(
    work: Callable[[Shared, Part], Result], expected: Mapping[str, str] | None, shared: Shared, part: Part
) -> Result:
    """Work at a part, in a process with the versions that are expected; None: it was begun by this program itself."""
    if expected is not None:
        check_versions(expected)
    return work(shared, part)


def check_versions(expected: Mapping[str, str]) -> None:
    """Raise `OutputError` where this process has other versions than another one."""
    for name, found in versions().items():
        if expected.get(name) != found:
            what = message("homework.other_worker", name=name, found=found, expected=expected.get(name, "–"))
            raise OutputError(what, where=platform.node())


@functools.cache
def versions() -> Mapping[str, str]:
    """Return what numbers and pages depend on: versions of Python and of libraries, and a hash of this program's files."""
    found = {"python": ".".join(platform.python_version_tuple()[:2])}
    found |= {name: importlib.metadata.version(name) for name in _LIBRARIES}
    content = hashlib.sha256()
    package = Path(__file__).parents[1]
    for folder, pattern in ((package, "*.py"), (package / "language", "*.toml"), (resources.folder("templates"), "*")):
        for file in sorted(path for path in folder.rglob(pattern) if path.is_file()):
            content.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return {**found, "symbackprop": content.hexdigest()[:12]}


def _process() -> Executor:
    """Return a process of our own."""
    # Begun anew: a fork of a process that has threads, as of BLAS or of a notebook, may never wake up.
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_begin)


def _begin() -> None:
    """Begin a process that works at parts."""
    # What is loaded by now stays: the collector need not walk over it again and again, a tenth of the time.
    gc.freeze()
    _end_with_parent()


def _end_with_parent() -> None:
    """End this process when the one that started it ends, however that came about."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    tex_engines.abandon()
    os._exit(1)
