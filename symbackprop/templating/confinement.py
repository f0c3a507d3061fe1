"""Templates of strangers, filled in a process of their own.

The process gets data and sources of templates, and gives back a text. It opens no file, writes none, and is ended by the
machine when it takes more time or memory than a limit that grows with the data: no template can pass that, whatever it does.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FunctionType
from typing import Any

from symbackprop import resources
from symbackprop.errors import OutputError
from symbackprop.messages import message
from symbackprop.templating.filling import Deferred

SECONDS, CHARACTERS_A_SECOND = 1.0, 1_000_000
"""The time of the processor that filling a template may take, and the characters of data for each second more."""

MEGABYTES = 512
"""The memory that it may take."""

MOST_CHARACTERS, CHARACTERS_FOR_EACH = 5_000_000, 20
"""The length of a text, and what each character of data adds to it."""

PATIENCE = 10
"""On a busy machine the time that passes is so many times the processor's, before the process is ended all the same."""

_FAILURES = ("render.template", "render.missing", "render.memory", "render.long")


def fill(folders: Sequence[Path], name: str, content: Mapping[str, object], said: Mapping[str, str] | None) -> str:
    """Return a template filled as `symbackprop.templating.filled` does; functions in the content are those of a module."""
    functions = {key: value for key, value in content.items() if isinstance(value, FunctionType)}
    data = json.dumps({key: value for key, value in content.items() if key not in functions}, default=_found)
    limits = {
        "seconds": SECONDS + len(data) / CHARACTERS_A_SECOND,
        "megabytes": MEGABYTES,
        "most": MOST_CHARACTERS + CHARACTERS_FOR_EACH * len(data),
    }
    place = str(resources.found(folders, name) or name)
    request = {
        "name": name,
        "place": place,
        "functions": {key: [each.__module__, each.__qualname__] for key, each in functions.items()},
        "said": None if said is None else dict(said),
        "limits": limits,
    }
    child = _child(os.getpid(), threading.get_ident())
    timer = threading.Timer(PATIENCE * limits["seconds"], child.process.kill)
    try:
        timer.start()
        child.send(request)
        child.send_text(data)
        reply = child.received()
        while reply is not None and "load" in reply:
            child.send(_source(folders, reply["load"]))
            reply = child.received()
    except BaseException:
        _forget(child)
        raise
    finally:
        timer.cancel()
    if reply is None:
        _forget(child)
        seconds = f"{limits['seconds']:.3g}"
        raise OutputError(message("render.limit", seconds=seconds, megabytes=MEGABYTES), where=place)
    if "text" in reply:
        return str(reply["text"])
    assert reply["failure"] in _FAILURES
    raise OutputError(message(reply["failure"], **reply["arguments"]), where=reply["where"] or place)


def _found(value: object) -> str | bool:
    """Return a text or an answer that is found when it is asked for: nothing but data and texts goes to a template."""
    if isinstance(value, Deferred):
        return value.value
    raise TypeError(f"{type(value).__name__} is no data")


def _source(folders: Sequence[Path], name: str) -> Mapping[str, str] | None:
    """Return a template's file and text; None where none of the folders has it."""
    file = resources.found(folders, name)
    return None if file is None else {"file": str(file), "text": resources.text_of(file)}


class _Child:
    """The process that fills templates, one after the other, for a thread of this one."""

    def __init__(self) -> None:
        # A script by its path: what lies in the working folder is on no path of modules.
        command = [sys.executable, str(Path(__file__).with_name("worker.py"))]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        weakref.finalize(self, _end, self.process, os.getpid())

    def send(self, part: object) -> None:
        """Send a part of the conversation."""
        self.send_text(json.dumps(part))

    def send_text(self, text: str) -> None:
        """Send a part that is JSON already; where the process has ended there is no reply, which says it."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(text.encode() + b"\n")
            self.process.stdin.flush()

    def received(self) -> dict[str, Any] | None:
        """Return the next part of the other side; None where the process has ended."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.endswith(b"\n"):
            return None
        part = json.loads(line)
        assert isinstance(part, dict)
        return part


@functools.lru_cache(maxsize=8)
def _child(process: int, thread: int) -> _Child:
    """Return the child of a thread of a process: a process that was forked has children of its own."""
    return _Child()


def _forget(child: _Child) -> None:
    _child.cache_clear()
    _end(child.process, os.getpid())


def _end(process: subprocess.Popen[bytes], owner: int) -> None:
    """End a child of this process; one that was inherited goes on for its owner."""
    if owner != os.getpid():
        return
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
