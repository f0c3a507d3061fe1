"""The process that fills templates of strangers: a request and its data in, a text or a failure out, line by line.

The limits are the operating system's: time and memory of this process. Where it has none (Windows), the other side counts
the seconds.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __name__ == "__main__":
    # The folder of this file is no place of modules, the package's is.
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from symbackprop.errors import OutputError
from symbackprop.templating import filling

if TYPE_CHECKING:
    import jinja2

_PAGE = "/proc/self/statm"
_MOST_COMPILED = 200


def main() -> None:
    """Answer requests until there are no more."""
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    while line := sys.stdin.buffer.readline():
        request = json.loads(line)
        functions = {key: _imported(*place) for key, place in request["functions"].items()}
        with _limited(**request["limits"]):
            reply = _answer(request, functions, sys.stdin.buffer.readline())
        _send(reply)


def _answer(request: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]], data: bytes) -> dict[str, Any]:
    import jinja2

    try:
        environment = filling.environment(jinja2.FunctionLoader(_load), _compiled())
        content = filling.told({**json.loads(data), **functions}, request["said"])
        text = filling.fill(environment, request["name"], request["place"], content, request["limits"]["most"])
        return {"text": text}
    except OutputError as error:
        return {"failure": error.what.id, "arguments": dict(error.what.arguments), "where": error.where}
    except MemoryError:
        return {"failure": "render.memory", "arguments": {}, "where": ""}


def _load(name: str) -> tuple[str, str, Callable[[], bool]] | None:
    """Return the source of a template, which the other side knows, and its file."""
    _send({"load": name})
    found = json.loads(sys.stdin.buffer.readline())
    return None if found is None else (found["text"], found["file"], lambda: True)


def _send(part: object) -> None:
    sys.stdout.buffer.write(json.dumps(part).encode() + b"\n")
    sys.stdout.buffer.flush()


def _imported(module: str, name: str) -> Callable[..., Any]:
    """Return a function of the package, as one that shows nothing of itself."""
    function = getattr(importlib.import_module(module), name)
    return lambda *arguments, **named: function(*arguments, **named)


@functools.cache
def _compiled() -> jinja2.BytecodeCache:
    """Return what remembers compiled templates by their text."""
    from jinja2 import BytecodeCache
    from jinja2.bccache import Bucket

    class Compiled(BytecodeCache):
        def __init__(self) -> None:
            self.codes: dict[tuple[str, str], Any] = {}

        def load_bytecode(self, bucket: Bucket) -> None:
            bucket.code = self.codes.get((bucket.key, bucket.checksum))

        def dump_bytecode(self, bucket: Bucket) -> None:
            if len(self.codes) >= _MOST_COMPILED:
                self.codes.clear()
            self.codes[bucket.key, bucket.checksum] = bucket.code

    return Compiled()


@contextlib.contextmanager
def _limited(seconds: float, megabytes: int, most: int) -> Iterator[None]:
    """End this process where what is done takes more of the processor's time; refuse it more memory."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError, ValueError):
        pages = int(Path(_PAGE).read_text().split()[0])
        limit = pages * os.sysconf("SC_PAGE_SIZE") + megabytes * 1_000_000
        resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, before)


if __name__ == "__main__":
    main()
