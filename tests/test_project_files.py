"""What is said of the project beside its code is what is so: version, versions of Python, commands."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from tests.helpers import each

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def text_of(name: str) -> str:
    """Return the text of a file at the top."""
    return (ROOT / name).read_text("utf-8")


def test_citation_has_the_version() -> None:
    """And the licence."""
    cited = dict(re.findall(r"^(\w[\w-]*): (.+)$", text_of("CITATION.cff"), re.MULTILINE))
    assert (PROJECT["version"], PROJECT["license"]) == (cited["version"], cited["license"])


def test_workflow_runs_what_is_run_here_with_every_version_of_python() -> None:
    """The versions are those that the package names, from the lowest that it takes."""
    workflow = text_of(".github/workflows/ci.yml")
    assert "- run: .ci/run\n" in workflow
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert re.findall(r'"(3\.\d+)"', workflow) == named
    assert PROJECT["requires-python"] == f">={named[0]}"


def test_commands_for_contributors_exist() -> None:
    """Every `make …` in the files for contributors is a target, and every link leads to a file."""
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    for name in each(("CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md", ".github/PULL_REQUEST_TEMPLATE.md")):
        text = text_of(name)
        assert set(re.findall(r"`?make ([a-z]+)", text)) <= targets
        links = re.findall(r"\]\((?!http)([^)#]+)", text)
        assert [] == [link for link in links if not (ROOT / name).parent.joinpath(link).exists()]
