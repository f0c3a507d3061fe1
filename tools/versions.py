"""Tests with other versions: every Python that this machine has, and the lowest of every dependency (`make versions`).

Usage: `python tools/versions.py [3.12 …] [lowest]`; without names all of them. Environments are kept below `.venv/versions`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LOWEST = "lowest"
NEWEST_UNNAMED = "3.14"
"""A version that the package does not promise yet, and that is tried where it is there."""
PYTHONS = [*re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"])), NEWEST_UNNAMED]
WIDE = (
    *("tests/algebra", "tests/arithmetic", "tests/catalog", "tests/cli", "tests/compilation/test_kept_code.py"),
    *("tests/derivation", "tests/frontends", "tests/fuzz", "tests/homework/test_classes.py", "tests/language"),
    *(
        "tests/mistakes/test_mistake_rows.py",
        "tests/problems",
        "tests/rendering/test_golden.py",
        "tests/test_objects.py",
    ),
)
"""What is quick and goes through every wing."""


def interpreter(version: str) -> str | None:
    """Return the program of a version of Python that is on this machine: on the path, or of pyenv."""
    found = shutil.which(f"python{version}")
    if found is not None and subprocess.run([found, "--version"], capture_output=True, check=False).returncode == 0:
        return found
    kept = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    return str(kept[-1]) if kept else None


def lowest_requirements() -> list[str]:
    """Return what is needed to use the package, each in the lowest version that is allowed."""
    needed = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["pdf"]]
    return [requirement.partition(",")[0].replace(">=", "==") for requirement in needed]


def tested(name: str) -> str:
    """Return what became of the tests with one version: passed, failed, or that this machine does not have it."""
    python = sys.executable if name == LOWEST else interpreter(name)
    if python is None:
        return "not on this machine"
    home = ROOT / ".venv" / "versions" / name
    if not (home / "bin" / "python").exists():
        subprocess.run([python, "-m", "venv", str(home)], check=True)
    pinned = lowest_requirements() if name == LOWEST else []
    install = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", f"{ROOT}[test]", *pinned]
    subprocess.run(install, check=True)
    # Old libraries warn of what newer ones among their own dependencies are going to drop.
    quiet = ["-W", "ignore::DeprecationWarning"] if name == LOWEST else []
    ran = subprocess.run(
        [str(home / "bin" / "python"), "-m", "pytest", "-q", "-m", "not sweep", "--numprocesses=auto", *quiet, *WIDE],
        cwd=ROOT,
        check=False,
    )
    return "passed" if ran.returncode == 0 else "failed"


if __name__ == "__main__":
    told = {name: tested(name) for name in sys.argv[1:] or [*PYTHONS, LOWEST]}
    sys.stdout.write("".join(f"{name}: {said}\n" for name, said in told.items()))
    sys.exit("failed" in told.values())
