"""The law of every reader: whatever it gets, a result or one message, within seconds and memory; nothing is half-written."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from symbackprop.errors import SymbackpropError, explain
from tests.fuzz.readers import Reader

SECONDS, MEGABYTES = 4, 500
"""Of processor time, on a machine that has other things to do (it takes half of it at most), and of memory beyond what the
process has, for one input."""


class LateError(BaseException):
    """An input had no answer in time; nothing that reads takes this for an error of its own."""


def assert_law(reader: Reader, data: bytes) -> bool:
    """Assert the law of a reader for one input, and return whether it was read: refused inputs leave a folder as it was."""
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings(), limited():
        warnings.simplefilter("ignore", RuntimeWarning)
        folder = Path(name)
        try:
            reader.read(data, folder)
        except SymbackpropError as error:
            for language in ("en", "zh"):
                text = explain(language, error)
                assert text.strip() and "\0" not in text, text
            return False
        return True


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Let a block have so much of the processor and of memory, where the system can tell."""
    if sys.platform == "win32":
        yield
        return
    import resource

    def late(number: int, frame: FrameType | None) -> None:
        raise LateError(f"no answer in {SECONDS} s")

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    if (held := _held()) is not None:
        resource.setrlimit(resource.RLIMIT_AS, (held + MEGABYTES * 1_000_000, hard))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.signal(signal.SIGPROF, before)


def _held() -> int | None:
    """Return the bytes of addresses that the process has; None where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
