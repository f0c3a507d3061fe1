"""Templates: a folder of the user's replaces and adds files, and its mistakes are one message each."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

import symbackprop as sbp
from symbackprop import rendering
from symbackprop.errors import OutputError, UnknownNameError
from symbackprop.solution import Solution


@functools.cache
def line() -> Solution:
    """Return the smallest example, solved."""
    return sbp.solve(sbp.example("line"))


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
    assert f"%% {title}: 6 sections" == rendering.render(line(), "latex", templates=folder)
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
