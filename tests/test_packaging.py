"""The package as it is handed over: built, installed into a clean environment, used in an empty directory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from tests.helpers import each, require_module

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

pytestmark = pytest.mark.sweep  # a package is built and installed


def run(*command: str | Path, folder: Path) -> str:
    """Return what a command prints; a failing command is an assertion with its output."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    finished = subprocess.run(
        [str(part) for part in command], cwd=folder, env=environment, capture_output=True, timeout=600, check=False
    )
    output = finished.stdout.decode()
    assert finished.returncode == 0, output + finished.stderr.decode()
    return output


def made_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """Return a folder that all processes of a run share, which the first to ask for it has made."""
    with FileLock(folder.with_suffix(".lock"), timeout=600):
        if not folder.exists():
            make(folder)
    return folder


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return the folder of this run, in which each of its processes has a folder of its own."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="module")
def built(shared: Path) -> Path:
    """Return a folder with the source distribution and the wheel that was built from it."""

    def build(folder: Path) -> None:
        run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, folder=ROOT)

    return made_once(shared / "built", build)


def lowest(requirements: list[str]) -> list[str]:
    """Return requirements that allow the lowest version each of some allows, and no other."""
    return [requirement.partition(",")[0].replace(">=", "==") for requirement in requirements]


@pytest.fixture(scope="module", params=["newest", "lowest"])
def installed(shared: Path, built: Path, request: pytest.FixtureRequest) -> Path:
    """Return the folder of programs of a clean environment: the wheel and its dependencies, newest or lowest versions.

    The lowest versions of the optional numba, scikit-learn and Typst come with those of the rest.
    """
    (wheel,) = built.glob("*.whl")
    optional = PROJECT["optional-dependencies"]
    pinned = {
        "newest": [],
        "lowest": lowest([*PROJECT["dependencies"], *optional["numba"], *optional["sklearn"], *optional["pdf"]]),
    }[request.param]

    def install(home: Path) -> None:
        venv.create(home, symlinks=os.name != "nt")
        run(sys.executable, "-m", "pip", "--python", home, "install", "--quiet", wheel, *pinned, folder=home)

    return made_once(shared / f"installed-{request.param}", install) / ("Scripts" if os.name == "nt" else "bin")


def files_below(folder: str) -> set[str]:
    """Return the files of the repository below a folder, as paths from its top."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_wheel_has_code_phrases_templates_and_examples(built: Path) -> None:
    """The wheel holds the package with its phrase files, and the templates and examples inside it; nothing else."""
    (wheel,) = built.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    inside = files_below("symbackprop")
    beside = {f"symbackprop/{name}" for folder in ("templates", "examples") for name in files_below(folder)}
    assert inside | beside == names
    assert "symbackprop/language/en/document.toml" in names


def test_wheel_names_its_dependencies_and_licence(built: Path) -> None:
    """The metadata of the wheel are those of pyproject.toml, and the licence comes along."""
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        lines = archive.read(metadata).decode().splitlines()
        assert any(name.endswith("/LICENSE") for name in archive.namelist())
    assert f"Version: {PROJECT['version']}" in lines
    required = {
        line.removeprefix("Requires-Dist: ") for line in lines if "Requires-Dist" in line and "extra" not in line
    }
    assert set(PROJECT["dependencies"]) == required


def test_source_distribution_is_complete(built: Path) -> None:
    """The source distribution holds what is needed to work on the project, tests and documentation included."""
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    for folder in ("symbackprop", "templates", "examples", "tests", "docs", ".ci"):
        assert files_below(folder) <= names
    assert {"pyproject.toml", "Makefile", "LICENSE", ".gitignore"} <= names


@pytest.mark.parametrize("entry", ["console script", "module"])
def test_installed_wheel_solves_an_example_in_an_empty_directory(installed: Path, tmp_path: Path, entry: str) -> None:
    """`symbackprop` and `python -m symbackprop` write the worked solution of a bundled example."""
    command = [installed / "symbackprop"] if entry == "console script" else [installed / "python", "-m", "symbackprop"]
    printed = run(*command, "solve", "mazur", folder=tmp_path)
    paths = [tmp_path / line for line in printed.splitlines()]
    assert [path.suffix for path in paths] == [".tex", ".md", *[".svg"] * 4]
    assert all(path.stat().st_size > 1000 for path in paths)
    result = json.loads(run(*command, "solve", "mazur", "-f", "json", "-o", "-", folder=tmp_path))
    assert result["values"]["L"] == pytest.approx(0.298371108760003, rel=1e-12)


def test_packages_are_made_alike_and_small(built: Path, tmp_path: Path) -> None:
    """The same tree gives the same bytes, whatever the day; the wheel has at most 5 MB, and an index takes both."""
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", tmp_path, ROOT, folder=tmp_path)
    for file in each(sorted(built.iterdir()), 2):
        assert file.read_bytes() == (tmp_path / file.name).read_bytes()
    (wheel,) = built.glob("*.whl")
    assert wheel.stat().st_size <= 5_000_000
    assert 2 == run(sys.executable, "-m", "twine", "check", "--strict", *built.iterdir(), folder=tmp_path).count(
        "PASSED"
    )


TYPED = """
import numpy as np
import symbackprop as sbp

problem: sbp.Problem = sbp.example("mazur")
solution: sbp.Solution = sbp.solve(problem)
text = sbp.render(solution, format="markdown")
network = sbp.network([1, 4, 1], activations=["tanh", "linear"], loss="mean_squared_error")
loss: float = sbp.train(network, np.ones((3, 1)), np.ones((3, 1)), epochs=2, seed=0).loss
agrees: bool = sbp.check(problem).agrees
print(text, loss, agrees, sbp.compile(problem))
"""


@pytest.mark.parametrize("installed", ["newest"], indirect=True)
def test_program_of_a_user_has_types(installed: Path, tmp_path: Path) -> None:
    """A program that uses the public names passes a strict check of types, and one that misuses them does not."""
    require_module("mypy")
    (tmp_path / "right.py").write_text(TYPED, "utf-8")
    (tmp_path / "wrong.py").write_text(TYPED + "number: int = sbp.check(problem).agrees.real + text\n", "utf-8")
    strict = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(installed / "python")]
    finished = subprocess.run(
        [*strict, "right.py", "wrong.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    found = [line for line in finished.stdout.splitlines() if ": error:" in line]
    assert found and all(line.startswith("wrong.py:12:") for line in found), finished.stdout


def test_installed_wheel_lists_the_bundled_examples(installed: Path, tmp_path: Path) -> None:
    """Every problem file of `examples/` is there under its name."""
    names = [
        line.split()[0] for line in run(installed / "symbackprop", "list", "examples", folder=tmp_path).splitlines()
    ]
    assert sorted(path.stem for path in (ROOT / "examples").glob("*.toml")) == names


def test_installed_wheel_tells_its_version(installed: Path, tmp_path: Path) -> None:
    """`symbackprop --version` prints the version of pyproject.toml."""
    assert f"symbackprop {PROJECT['version']}\n" == run(installed / "symbackprop", "--version", folder=tmp_path)


def test_installed_wheel_is_not_the_repository(installed: Path, tmp_path: Path) -> None:
    """The clean environment uses its own copy of the package, templates and examples included."""
    program = "import symbackprop.resources as r; print(r.__file__, r.folder('templates'), r.folder('examples'))"
    printed = run(installed / "python", "-c", program, folder=tmp_path)
    assert str(ROOT) not in printed
    assert printed.count("site-packages") == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ["solve", "xor", "-f", "html"],
        ["solve", "xor", "-f", "notebook"],
        ["solve", "xor", "-f", "text", "--lang", "zh"],
        ["check", "mazur"],
        ["train", "xor", "--epochs", "20", "--plot", "losses.svg"],
        ["code", "mazur"],
        ["list", "activations"],
        ["homework", "homework", "--variants", "3", "-o", "class"],
    ],
    ids=" ".join,
)
def test_installed_wheel_does_what_its_commands_say(installed: Path, tmp_path: Path, arguments: list[str]) -> None:
    """Each command ends well, with the newest and with the lowest versions it claims."""
    assert run(installed / "python", "-m", "symbackprop", *arguments, folder=tmp_path)


def test_installed_wheel_trains_alike_with_every_backend(installed: Path, tmp_path: Path) -> None:
    """The backends that are installed, numba among them beside the lowest versions, give the same losses."""
    program = """
import json
import symbackprop as sbp
from symbackprop.compilation.backends import BACKENDS
names = [name for name, backend in BACKENDS.items() if backend.is_installed]
print(json.dumps({name: sbp.train(sbp.example("xor"), epochs=20, backend=name).losses.tolist() for name in names}))
"""
    losses = json.loads(run(installed / "python", "-c", program, folder=tmp_path))
    assert {"numpy", "sympy"} <= set(losses)
    for name, found in each(losses.items()):
        assert found == pytest.approx(losses["numpy"], rel=1e-12), name
