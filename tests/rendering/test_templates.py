"""Templates: a folder of the user's replaces and adds files, and its mistakes are one message each."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from symbackprop import rendering
from symbackprop.descent.solution import Solution
from symbackprop.errors import OutputError, UnknownNameError
from symbackprop.rendering.dialects import DIALECTS
from symbackprop.rendering.escapes import MARKUPS
from symbackprop.rendering.exporters import EXPORTERS
from symbackprop.rendering.formats import _KINDS
from tests.documents import solved
from tests.helpers import ROOT


@functools.cache
def line() -> Solution:
    """Return the smallest example, solved."""
    return solved("line")


def written(folder: Path, **files: str) -> Path:
    """Write files into a folder of templates: `latex__document_jinja` is latex/document.jinja."""
    for name, text in files.items():
        place, _, file = name.partition("__")
        (folder / place).mkdir(exist_ok=True)
        (folder / place / file.replace("_", ".")).write_text(text, encoding="utf-8")
    return folder


def test_templates_of_the_users_replace_the_bundled_ones(tmp_path: Path) -> None:
    """A folder needs only the file that it changes."""
    folder = written(
        tmp_path, latex__document_jinja="%% << document.title >>: << document.sections | length >> sections"
    )
    title = "Two steps of gradient descent on a line through the origin"
    assert f"%% {title}: 7 sections" == rendering.render(line(), "latex", templates=folder)
    assert rendering.render(line(), "markdown") == rendering.render(line(), "markdown", templates=str(folder))


def test_templates_folder_adds_a_format(tmp_path: Path) -> None:
    """A new format is a new folder."""
    folder = written(tmp_path, plain__format_toml='suffix = "txt"', plain__document_jinja="<< document.title >>")
    assert {"plain"} == set(rendering.formats(folder)) - set(rendering.formats())
    assert line().problem.title == rendering.render(line(), "plain", templates=folder)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("\n<< document.nothing >>", r"(?s)line 2.*nothing"),
        ("<% if %>", "line 1"),
        ("\n\n<% endfor %>", "line 3"),
        ("<< document.__class__.__mro__ >>", "unsafe|undefined"),
        ("<< ''.__class__.__base__.__subclasses__() >>", "unsafe"),
        ("<< 1 // 0 >>", "zero"),
        ("<% include 'other.jinja' %>", "other.jinja"),
        ("<% include '/etc/passwd' %>", "no template"),
    ],
)
def test_template_at_fault_is_one_message(template: str, message: str, tmp_path: Path) -> None:
    """What is undefined, misspelt or forbidden is reported with the file, its line and the reason."""
    folder = written(tmp_path, markdown__document_jinja=template)
    with pytest.raises(OutputError, match=message) as caught:
        rendering.render(line(), "markdown", templates=folder)
    assert str(folder / "markdown" / "document.jinja") == caught.value.where


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("suffix = ", "settings of a format"),
        ("", "suffix"),
        ('suffix = "x"\nescap = "latex"', "escape"),
        ('suffix = "x"\nescape = "latx"', "latex"),
        ('suffix = "x"\nwidth = "wide"', "width"),
        ('suffix = "x"\ntones = 3', "tones"),
    ],
)
def test_settings_of_a_format_at_fault_are_one_message(settings: str, message: str, tmp_path: Path) -> None:
    """Unreadable, unknown or unfitting settings are reported with their file."""
    folder = written(tmp_path, mine__format_toml=settings, mine__document_jinja="")
    with pytest.raises((OutputError, UnknownNameError), match=message) as caught:
        rendering.render(line(), "mine", templates=folder)
    assert str(folder / "mine" / "format.toml") == caught.value.where


def test_templates_folder_has_to_exist(tmp_path: Path) -> None:
    """A misspelt folder is not passed over."""
    with pytest.raises(OutputError, match="no such folder"):
        rendering.render(line(), "latex", templates=tmp_path / "nowhere")


def test_format_builds_on_another(tmp_path: Path) -> None:
    """Settings and templates of the base hold where the format has none of its own."""
    folder = written(tmp_path, mine__format_toml='base = "markdown"\nsuffix = "mine.md"', mine__fences_jinja=FENCES)
    own, base = rendering.formats(folder)["mine"], rendering.formats()["markdown"]
    assert (base.escape, base.width, base.spaced, "mine.md") == (own.escape, own.width, own.spaced, own.suffix)
    text = str(rendering.render(line(), "mine", templates=folder))
    assert "~~~" in text
    assert str(rendering.render(line(), "markdown")).replace("$$", "~~~") == text


FENCES = '<% set opening = "~~~" %><% set closing = "~~~" %>'


def test_file_of_a_format_is_preferred_to_that_of_its_base(tmp_path: Path) -> None:
    """A folder laid over the base changes what the other format takes from it, and nothing that it has of its own."""
    macro = "<% macro section(s, level, number) %>[<< number >>]<% endmacro %>"
    folder = written(tmp_path, markdown__fences_jinja=FENCES)
    assert "~~~" in str(rendering.render(line(), "markdown", templates=folder))
    assert rendering.render(line(), "markdown-github") == rendering.render(line(), "markdown-github", templates=folder)
    written(tmp_path, markdown__blocks_jinja=macro)
    for format in ("markdown", "markdown-github"):
        assert "[1][2]" in str(rendering.render(line(), format, templates=folder)).replace("\n", "")


def test_folder_changes_single_settings(tmp_path: Path) -> None:
    """What the folder does not set stays as it is."""
    folder = written(tmp_path, latex__format_toml='suffix = "tex"\nwidth = 40')
    changed, bundled = rendering.formats(folder), rendering.formats()
    assert (40, bundled["latex"].escape) == (changed["latex"].width, changed["latex"].escape)
    assert 40 == changed["pdf"].width
    assert bundled["latex-fragment"].width == changed["latex-fragment"].width


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a__format_toml": 'suffix = "a"\nbase = "latx"'}, "(?s)format.*latx.*latex"),
        ({"a__format_toml": 'suffix = "a"\nbase = "a"'}, "(?s)format.*a"),
        (
            {"a__format_toml": 'suffix = "a"\nbase = "b"', "b__format_toml": 'suffix = "b"\nbase = "a"'},
            "(?s)format.*a",
        ),
    ],
)
def test_base_has_to_be_another_format(files: dict[str, str], message: str, tmp_path: Path) -> None:
    """A base that does not exist, or that leads back, is one message and no endless search."""
    folder = written(tmp_path, **files)
    with pytest.raises(UnknownNameError, match=message) as caught:
        rendering.formats(folder)
    assert str(folder) in caught.value.where


def test_template_at_fault_is_named_where_it_stands(tmp_path: Path) -> None:
    """An error in a file that another includes or imports is placed in that file."""
    folder = written(tmp_path, latex__body_jinja="one\n<< document.nothing >>")
    with pytest.raises(OutputError, match=r"line 2.*nothing") as caught:
        rendering.render(line(), "latex", templates=folder)
    assert str(folder / "latex" / "body.jinja") == caught.value.where


def test_files_of_a_format_come_with_the_document() -> None:
    """The document is first; figures are linked under the names that they are given."""
    found = rendering.files(line(), "markdown", stem="my solution")
    assert "my solution.md" == next(iter(found))
    text = str(found["my solution.md"])
    figures = [name for name in found if name.endswith(".svg")]
    assert figures
    assert [name.replace(" ", "%20") for name in figures] == re.findall(r"\]\(([^)]+)\)", text)
    for name in figures:
        assert "svg" in ElementTree.fromstring(str(found[name])).tag
    alone = str(rendering.render(line(), "markdown"))
    assert len(figures) == alone.count("](data:image/svg+xml;base64,")


def test_docs_list_every_format_and_every_setting() -> None:
    """docs/formats.md has each format with its file, each key of its settings, and the choices of these keys."""
    page = (ROOT / "docs" / "formats.md").read_text("utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \| (.*?) \| .* \|$", page, re.MULTILINE)
    listed = {name: cell.strip("`") for name, cell in rows if cell.startswith("`solution.")}
    assert {name: f"solution.{row.suffix}" for name, row in rendering.formats().items()} == listed
    keys = {name: cell for name, cell in rows if name not in listed}
    assert set(keys) == set(_KINDS)
    for key, choices in (("escape", MARKUPS), ("formulas", DIALECTS), ("finish", EXPORTERS)):
        assert sorted(choices) == sorted(re.findall(r"`(\w+)`", keys[key]))
