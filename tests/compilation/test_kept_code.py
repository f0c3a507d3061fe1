"""Machine code between processes: loaded where it was kept, and never from where others could have put it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from symbackprop.compilation import kept_code
from symbackprop.compilation.backends import BACKENDS
from tests.helpers import ROOT

PROGRAM = """
import symbackprop as sbp
from symbackprop.compilation.backends import numba
found = []
compiled = numba._compiled
numba._compiled = lambda *given: found.append(compiled(*given)) or found[-1]
print(sbp.train("xor", epochs=20, backend="numba").loss)
print(sum(sum(each.stats.cache_hits.values()) for each in found), len(found))
"""


@pytest.mark.skipif(not BACKENDS["numba"].is_installed, reason="numba is not installed")
@pytest.mark.sweep
def test_second_process_loads_what_the_first_one_compiled(tmp_path: Path) -> None:
    """The same loss, and every function out of the folder; without a folder nothing is written."""
    lines = []
    for place in (tmp_path / "kept", tmp_path / "kept", ""):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), kept_code.FOLDER: str(place)}
        found = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True, cwd=tmp_path
        )
        lines.append(found.stdout.splitlines())
    (first, compiled), (second, loaded), (third, _) = lines
    assert first == second == third
    assert ["0", "1"] == compiled.split() and ["1", "1"] == loaded.split()
    assert ["kept"] == os.listdir(tmp_path)


def test_function_is_that_of_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a file in the folder says is never read as code: the source at hand is."""
    monkeypatch.setenv(kept_code.FOLDER, str(tmp_path / "kept"))
    source = "def double(x):\n    return factor*x\n"
    function, is_kept = kept_code.defined(source, {"factor": 2}, "double")
    assert (True, 6) == (is_kept, function(3))
    (file,) = (tmp_path / "kept").glob("*.py")
    file.write_text("raise SystemExit")
    function, _ = kept_code.defined(source, {"factor": 3}, "double")
    assert 9 == function(3)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="rights are those of POSIX")
@pytest.mark.parametrize("kind", ["for all", "for a group", "link", "file", "empty", "nowhere"])
def test_folder_that_is_not_the_users_alone_is_not_used(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that others can look into, a link, a file, none: nothing is kept, and code is compiled all the same."""
    place = tmp_path / "kept"
    if kind.startswith("for"):
        place.mkdir()
        place.chmod(0o777 if kind == "for all" else 0o750)
    elif kind == "link":
        (tmp_path / "own").mkdir(mode=0o700)
        place.symlink_to(tmp_path / "own")
    elif kind == "file":
        place.write_text("")
    names = {"empty": "", "nowhere": "/proc/none/kept"}
    monkeypatch.setenv(kept_code.FOLDER, names.get(kind, str(place)))
    assert kept_code.folder() is None
    function, is_kept = kept_code.defined("def one():\n    return 1\n", {}, "one")
    assert (False, 1) == (is_kept, function())


def test_folder_is_where_the_platform_keeps_such_things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`XDG_CACHE_HOME` and its default, the library of a Mac, the application data of Windows."""
    monkeypatch.delenv(kept_code.FOLDER, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    for platform, variable, value, expected in (
        ("linux", "XDG_CACHE_HOME", str(tmp_path / "own"), tmp_path / "own"),
        ("linux", "XDG_CACHE_HOME", "relative", tmp_path / ".cache"),
        ("linux", "XDG_CACHE_HOME", "", tmp_path / ".cache"),
        ("darwin", "XDG_CACHE_HOME", "", tmp_path / "Library" / "Caches"),
        ("win32", "LOCALAPPDATA", str(tmp_path / "Local"), tmp_path / "Local"),
    ):
        monkeypatch.setattr(sys, "platform", platform)
        monkeypatch.setenv(variable, value)
        assert expected / "symbackprop" == kept_code.folder()
        assert not (expected / "symbackprop").stat().st_mode & 0o077


def test_oldest_sources_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more sources than are kept the oldest go, with what was compiled of them."""
    monkeypatch.setenv(kept_code.FOLDER, str(tmp_path / "kept"))
    monkeypatch.setattr(kept_code, "_MOST", 2)
    for number in range(4):
        kept_code.defined(f"def f():\n    return {number}\n", {}, "f")
        newest = max((tmp_path / "kept").glob("*.py"), key=lambda path: path.stat().st_mtime_ns)
        (tmp_path / "kept" / "__pycache__").mkdir(exist_ok=True)
        (tmp_path / "kept" / "__pycache__" / f"{newest.stem}.f-1.nbi").write_text("")
        os.utime(newest, (number, number))
    assert 2 == len(list((tmp_path / "kept").glob("*.py"))) == len(list((tmp_path / "kept").glob("__pycache__/*.nbi")))
