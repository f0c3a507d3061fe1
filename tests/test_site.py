"""The documentation as a site: it builds without a warning, needs no network, and has every page, name, key and option."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import symbackprop
from symbackprop import cli
from symbackprop.problems import load
from symbackprop.problems.json_schema import schema
from tests.helpers import ROOT, each, require_module

MISTAKES = {
    "an anchor": "other.md#nowhere",
    "a page": "nothing.md",
    "a source": "../symbackprop/nothing.py",
}
"""Links that lead nowhere."""


def build(config: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """Return how a strict build of a site ended."""
    require_module("mkdocs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", config, "--site-dir", target]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the site, built strictly."""
    target = tmp_path_factory.mktemp("site")
    ended = build(ROOT / "mkdocs.yml", target)
    assert 0 == ended.returncode, ended.stderr
    assert "WARNING" not in ended.stderr
    return target


@pytest.mark.sweep
def test_site_fetches_nothing(site: Path) -> None:
    """No page has a script, a style sheet, a picture or a frame of another site."""
    fetched = re.compile(r'<(?:script|img|iframe|source)[^>]*\bsrc="?(?:https?:)?//|<link[^>]*href="?(?:https?:)?//')
    own = [file for file in sorted(site.rglob("*.html")) if "source" not in file.parts]
    assert [] == [file.name for file in each(own, 25) if fetched.search(file.read_text("utf-8"))]


@pytest.mark.sweep
def test_site_refers_to_every_public_name_key_and_option(site: Path) -> None:
    """The references are made of the package, the schema and the commands."""
    text = "".join(file.read_text("utf-8") for file in each(sorted((site / "reference").glob("*.html")), 6))
    assert [] == [name for name in symbackprop._HOME if not re.search(rf"^ +symbackprop\.{name}$", text, re.MULTILINE)]
    assert "heading of the solution; or { en = …, zh = … }" in text, "braces are text"
    assert "<blockquote>" not in text, "examples are code"
    keys = {key for table in (schema(), *schema()["$defs"].values()) for key in table["properties"]}
    assert [] == [key for key in each(sorted(keys), 50) if f"<code>{key}</code>" not in text]
    options = {option for name in cli.command_names() for row in cli.command(name).params for option in row.opts}
    assert [] == [option for option in each(sorted(options), 50) if option.startswith("--") and option not in text]


@pytest.mark.sweep
def test_site_shows_every_example_and_source_that_it_names(site: Path) -> None:
    """The gallery has a picture of each example, and every page of a solution that is kept; links lead to files."""
    gallery = (site / "gallery.html").read_text("utf-8")
    links = set(re.findall(r'(?:src|href)="?(gallery/[^"\s>]+)', gallery))
    assert {f"gallery/{name}/solution.1.svg" for name in load.examples()} <= links
    assert {"gallery/mazur/solution.html", "gallery/mazur/solution.pdf"} <= links
    assert [] == [link for link in links if not (site / link).is_file()]
    assert "frozen" in (site / "source/symbackprop/graph/quantities.py.html").read_text("utf-8")


@pytest.mark.sweep
def test_link_that_leads_nowhere_is_no_site(tmp_path: Path) -> None:
    """With the settings and the hook of the site, each link without its target is a warning, which ends a strict build."""
    kept = re.search(r"^validation:\n(?:  .*\n)+", (ROOT / "mkdocs.yml").read_text("utf-8"), re.MULTILINE)
    assert kept
    pages = tmp_path / "docs"
    pages.mkdir()
    (pages / "index.md").write_text("# Start\n\n" + "\n\n".join(f"[elsewhere]({link})" for link in MISTAKES.values()))
    (pages / "other.md").write_text("# Other\n")
    hook = tmp_path / "hook.py"
    hook.write_text("from tools.site import on_page_markdown\n")
    config = tmp_path / "mkdocs.yml"
    config.write_text(f"site_name: short\nhooks: [hook.py]\n{kept[0]}")
    ended = build(config, tmp_path / "site")
    assert 0 != ended.returncode
    assert len(MISTAKES) == ended.stderr.count("WARNING")


def test_examples_between_sentences_are_fenced() -> None:
    """An example of a docstring is code on the site, with a section of its own or without."""
    require_module("griffe")
    from tools.site_docstrings import fenced

    section = "Return it.\n\nExamples:\n    >>> 1 + 1\n    2\n"
    assert section == fenced(section)
    assert "One.\n\n```pycon\n>>> 1 + 1\n2\n```\n\nTwo." == fenced("One.\n\n>>> 1 + 1\n2\n\nTwo.")
