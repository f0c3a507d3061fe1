"""LaTeX → PDF, by a TeX engine of the machine.

The engine runs in a folder of its own, without a shell, may neither read nor write outside that folder and TeX's own, and
is stopped with all that it started when it takes too long. What it says is read: a page that lacks a character or a line
is no page.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from symbackprop.errors import OutputError
from symbackprop.messages import message

TIME_LIMIT = 120.0
"""Seconds that one run may take."""

MOST_RUNS = 6
"""Two runs set a page with its references; a long table may need one or two more to find its widths."""

ENGINES: Mapping[str, tuple[str, ...]] = {
    "pdflatex": ("pdflatex", "xelatex", "lualatex"),
    "xelatex": ("xelatex",),
}
"""By the program that a document asks for in its first line: the programs that can set it, the fastest first."""

_PROGRAM = re.compile(r"\A% !TeX program = (\w+)$", re.MULTILINE)
_JOB = "document"
_FOLDER = "symbackprop-"
"""The beginning of the name of a folder of work; the process that works there follows."""
_running: list[subprocess.Popen[bytes]] = []
_AGAIN = ("Rerun to get", "Table widths have changed", "Rerun LaTeX")
_SAFE = {
    "openin_any": "p",  # reads nothing above its folder but TeX's own files
    "openout_any": "p",  # writes nothing outside it
    "shell_escape": "f",
    "max_print_line": "1000",  # no line of the log is broken
    "FORCE_SOURCE_DATE": "1",  # the same bytes on every day
}


def program_of(source: str) -> str:
    r"""Return the program that a document asks for in its first line.

    >>> program_of("% !TeX program = xelatex\n\\documentclass{article}")
    'xelatex'
    """
    found = _PROGRAM.search(source)
    return found[1] if found and found[1] in ENGINES else "pdflatex"


def engine_for(source: str) -> str:
    """Return the path of a program that can set a document; raises `OutputError` where there is none."""
    candidates = ENGINES[program_of(source)]
    paths = [path for name in candidates if (path := shutil.which(name)) is not None]
    if not paths:
        raise OutputError(message("pdf.no_engine", programs=list(candidates)))
    return paths[0]


def is_installed() -> bool:
    """Say whether there is a program that can set some document."""
    return any(shutil.which(program) for programs in ENGINES.values() for program in programs)


def typeset(source: str, time_limit: float = TIME_LIMIT) -> bytes:
    """Return a LaTeX document as PDF.

    Raises `OutputError` when no engine is installed, or it stops at an error, lacks a character, or takes longer than
    `time_limit` seconds a run.
    """
    engine = engine_for(source)
    _remove_abandoned()
    with tempfile.TemporaryDirectory(prefix=f"{_FOLDER}{os.getpid()}-") as place:
        folder = Path(place)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=folder, suffix=".tex", delete=False) as file:
            file.write(source)
        command = [
            engine, "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", f"-jobname={_JOB}",
            Path(file.name).name,
        ]  # fmt: skip
        log = ""
        for run in range(MOST_RUNS):
            _run(command, folder, time_limit)
            log = _log(folder)
            _check(log, Path(engine).stem)
            if run > 0 and not any(sign in log for sign in _AGAIN):
                break
        result = folder / f"{_JOB}.pdf"
        if not result.is_file():
            raise OutputError(message("pdf.failed", program=Path(engine).stem, reason=log.strip()[-300:]))
        return result.read_bytes()


def _run(command: list[str], folder: Path, time_limit: float) -> None:
    """Run an engine; when it takes too long or is interrupted, stop it with everything that it started."""
    environment = {"SOURCE_DATE_EPOCH": "0", **os.environ, **_SAFE}
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    _running.append(process)
    try:
        process.wait(time_limit)
    except subprocess.TimeoutExpired:
        name = Path(command[0]).stem
        raise OutputError(message("pdf.slow", program=name, seconds=f"{time_limit:g}")) from None
    finally:
        if process.poll() is None:
            _stop(process)
        _running.remove(process)


def abandon() -> None:
    """Stop the engines of this process and remove its folders of work: it is about to end without coming back to them."""
    for process in list(_running):
        _stop(process)
    _remove(os.getpid())


def _remove_abandoned() -> None:
    """Remove the folders of processes that were killed: they may hold sheets or keys of a class."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*-*"):
        process = folder.name.removeprefix(_FOLDER).partition("-")[0]
        if process.isdecimal() and not _is_running(int(process)):
            _remove(int(process))


def _remove(process: int) -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}{process}-*"):
        shutil.rmtree(folder, ignore_errors=True)


def _is_running(process: int) -> bool:
    if os.name != "posix":  # elsewhere there is no signal that only asks
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _stop(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def _log(folder: Path) -> str:
    file = folder / f"{_JOB}.log"
    return file.read_text("utf-8", errors="replace") if file.is_file() else ""


def _check(log: str, program: str) -> None:
    """Raise `OutputError` for what a log says about a page that cannot be handed over."""
    lines = log.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("!"):
            place = next((after for after in lines[number:] if re.match(r"l\.\d+", after)), "")
            raise OutputError(message("pdf.failed", program=program, reason=f"{line[1:].strip()} {place}".strip()))
    missing = dict.fromkeys(re.findall(r"Missing character: There is no (\S+)", log))
    if missing:
        raise OutputError(message("pdf.missing", program=program, characters=list(missing)))
