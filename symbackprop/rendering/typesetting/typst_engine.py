"""Typst → PDF, by the Typst that is installed as a Python package: tagged, for those who listen, and without TeX.

It works in a process of its own, without files and without a network, which is ended when a document takes too long.
"""

from __future__ import annotations

import base64
import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from symbackprop.errors import OutputError
from symbackprop.messages import message
from symbackprop.rendering import escapes
from symbackprop.rendering.typesetting.typst_worker import MOST_MISSING

NAME = "typst"
_WORKER = Path(__file__).with_name("typst_worker.py")
_FONTS = ("/usr/share/texlive/texmf-dist/fonts/opentype/public/fandol", "/usr/share/texmf/fonts/opentype/public")
"""Where the Chinese fonts of TeX Live are, which no other program sees."""
_AT_ONCE = MOST_MISSING
"""Characters that are looked for in one document."""


def is_installed() -> bool:
    """Say whether the package is there."""
    return importlib.util.find_spec(NAME) is not None


def typeset(sources: Iterable[str], time_limit: float, lenient: bool = False) -> Iterator[bytes]:
    """Yield documents as PDF, one after the other.

    Raises `OutputError` where Typst is not installed, or stops, or takes longer than `time_limit` seconds for a document, or
    where no font has a character; `lenient`, there is a question mark in its place.
    """
    for reply in _replies(sources, time_limit):
        if "pdf" not in reply or (reply["missing"] and not lenient):
            raise OutputError(message("pdf.no_font", characters=list(dict.fromkeys("".join(reply["missing"])))))
        yield base64.b64decode(reply["pdf"])


def missing(characters: Sequence[str], time_limit: float) -> frozenset[str]:
    """Return those of some characters that no font on this machine has."""
    chunks = (characters[start : start + _AT_ONCE] for start in range(0, len(characters), _AT_ONCE))
    sources = ("#set document(title: [x])\n" + "\n\n".join(map(escapes.typst, chunk)) for chunk in chunks)
    return frozenset("".join(text for reply in _replies(sources, time_limit) for text in reply["missing"]))


def _replies(sources: Iterable[str], time_limit: float) -> Iterator[dict[str, Any]]:
    """Yield what the process says of each document: its PDF, and the texts with letters that no font has."""
    folders = json.dumps([folder for folder in _FONTS if os.path.isdir(folder)])
    time = int(os.environ.get("SOURCE_DATE_EPOCH") or "0")
    command = [sys.executable, str(_WORKER), folders]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            for source in sources:
                yield _set(process, json.dumps({"source": source, "time": time}), time_limit)
        finally:
            process.kill()


def _set(process: subprocess.Popen[bytes], request: str, time_limit: float) -> dict[str, Any]:
    assert process.stdin is not None and process.stdout is not None
    stopped = threading.Event()

    def stop() -> None:
        stopped.set()
        process.kill()

    timer = threading.Timer(time_limit, stop)
    timer.start()
    try:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(request.encode() + b"\n")
            process.stdin.flush()
        line = process.stdout.readline()
    finally:
        timer.cancel()
    if stopped.is_set():
        raise OutputError(message("pdf.slow", program=NAME, seconds=f"{time_limit:g}"))
    if not line.endswith(b"\n"):
        raise OutputError(message("pdf.failed", program=NAME, reason=""))
    reply: dict[str, Any] = json.loads(line)
    if "failed" in reply:
        raise OutputError(message("pdf.failed", program=NAME, reason=reply["failed"]))
    return reply
