"""Templates: a folder of the user's replaces and adds files, and its mistakes are one message each."""

from __future__ import annotations

import functools
import json
import re
import resource
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import pytest

from symbackprop import rendering, resources
from symbackprop.descent.solution import Solution
from symbackprop.errors import OutputError, UnknownNameError
from symbackprop.rendering.dialects import DIALECTS
from symbackprop.rendering.escapes import MARKUPS
from symbackprop.rendering.exporters import EXPORTERS
from symbackprop.rendering.formats import _KINDS
from symbackprop.templating import confinement
from tests.documents import solved
from tests.helpers import ROOT, few, only


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
    few(
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
        4,
    ),
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


SECRET = "root-secret"
HARMFUL = {
    "repetition": "<< 'x' * 10**9 >>",
    "more memory than there is": "<< 'x' * 10**12 >>",
    "a list of it": "<< [1] * 10**9 >>",
    "a padded text": "<< 'x'.center(10**9) >>",
    "a padding filter": "<< 'x' | center(10**9) >>",
    "a width": "<< '%1000000000d' % 1 >>",
    "a width in a format": "<< '{:>1000000000}'.format(1) >>",
    "lipsum": "<< lipsum(n=10**7) >>",
    "ranges": "<% for a in range(99999) %><% for b in range(99999) %><% endfor %><% endfor %>",
    "a lazy list": "<< range(99999) | map('center', 10**6) | list >>",
    "a power": "<< 9**(9**9) >>",
    "a growing text": "<% set n = namespace(s='x') %><% for i in range(60) %><% set n.s = n.s ~ n.s %><% endfor %>",
    "replaced": "<< ('a' * 10**6).replace('a', 'b' * 10**6) | length >>",
    "much text": "<% for a in range(99999) %><< 'x' * 1000 >><% endfor %>",
    "a macro that calls itself": "<% macro a() %><< a() >><% endmacro %><< a() >>",
    "a template that includes itself": "<% include 'document.jinja' %>",
    "a long sum": f"<< {'1+' * 20_000}1 >>",
    "parentheses": f"<< {'(' * 5_000}1{')' * 5_000} >>",
    "lists in lists": f"<< {'[' * 200}1{']' * 200} >>",
    "half a surrogate": r"<< '\ud800' >>",
    "a batch that is filled up": "<< range(9) | batch(10**9, 'x') | list >>",
    "a constant that the compiler folds": "<% if 'x' * 10**10 %><% endif %>",
    "a name that is none": "<% include 'a\\0b' %>",
}


@pytest.mark.parametrize("template", few([pytest.param(text, id=name) for name, text in HARMFUL.items()], 2))
def test_template_of_a_stranger_ends_in_one_line(template: str, tmp_path: Path) -> None:
    """Whatever it asks for, it is refused in a line that names its file, in about two seconds of the processor's time."""
    folder = written(tmp_path, markdown__document_jinja=template)
    started = [sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    with pytest.raises(OutputError) as caught:
        rendering.render(line(), "markdown", templates=folder)
    confinement._child.cache_clear()  # the time of a process counts when it has ended
    ended = [sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    assert str(folder / "markdown" / "document.jinja") == caught.value.where
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500
    assert sum(ended) - sum(started) < 3


@pytest.mark.parametrize(
    "asked",
    few(
        [
            "document.figures[0].svg.write.func",
            "document.figures[0].tikz.write",
            "document.figures[0].svg.__class__",
            "say.func",
            "say.__globals__",
            "say.__closure__",
            "self._TemplateReference__context",
            "wrapped.__globals__",
            "''.format.__self__.__class__",
            "'{0.__class__}'.format(say)",
            "document | attr('__class__')",
            "range.__self__",
            "cycler.__init__.__globals__",
        ],
        4,
    ),
)
def test_template_of_a_stranger_sees_data_only(asked: str, tmp_path: Path) -> None:
    """No way leads from what a template sees to an object, a function's insides or an address."""
    folder = written(tmp_path, html__document_jinja=f"<< {asked} >>")
    with pytest.raises(OutputError):
        rendering.render(line(), "html", templates=folder)


@pytest.mark.parametrize("format", only(sorted(rendering.formats()), "markdown"))
def test_bundled_templates_say_the_same_when_they_are_a_strangers(format: str, tmp_path: Path) -> None:
    """A copy of a format's folder is filled by the other process, to the same text."""
    if rendering.formats()[format].finish == "pdf":
        pytest.skip("its text is that of LaTeX")
    bundled = resources.folder("templates")
    for folder in bundled.iterdir():
        if folder.name != "script":
            shutil.copytree(folder, tmp_path / folder.name)
    assert rendering.render(line(), format) == rendering.render(line(), format, templates=tmp_path)
    assert rendering.files(line(), format) == rendering.files(line(), format, templates=tmp_path)


@pytest.mark.parametrize(
    "name",
    ["/../../../evil.txt", "../evil", "a/b", "a\\b", "a\0b", "", ".", "..", "a..b", "/etc/x", "a b", "C:x", "é\n"],
)
@pytest.mark.parametrize("key", ["suffix", "figures", "attachments"])
def test_names_of_a_format_lead_nowhere_else(key: str, name: str, tmp_path: Path) -> None:
    """What becomes a part of a file's name is a plain word, or the format is refused with its file."""
    if (key, name) == ("figures", ""):
        return  # figures are inside the document
    value = json.dumps([name] if key == "attachments" else name)
    text = f"{key} = {value}" if key == "suffix" else f'suffix = "x"\n{key} = {value}'
    folder = written(tmp_path, mine__format_toml=text, mine__document_jinja="")
    with pytest.raises(OutputError, match=key) as caught:
        rendering.files(line(), "mine", templates=folder)
    assert str(folder / "mine" / "format.toml") == caught.value.where


@pytest.mark.parametrize(
    "linked",
    few(
        ["markdown/document.jinja", "markdown/blocks.jinja", "html/page.css", "html/format.toml", "markdown", "html"], 2
    ),
)
def test_links_out_of_a_folder_of_templates_are_not_followed(linked: str, tmp_path: Path) -> None:
    """A template, a style, the settings or a whole folder that is elsewhere is refused; a link inside is a file."""
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    (outside / "made").mkdir(parents=True)
    (inside / linked).parent.mkdir(parents=True, exist_ok=True)
    for name in ("document.jinja", "page.css", "format.toml"):
        (outside / "made" / name).write_text(SECRET)
    target = outside / "made" if "/" not in linked else outside / "made" / "document.jinja"
    (inside / linked).symlink_to(target)
    format = linked.partition("/")[0]
    with pytest.raises(OutputError, match="link") as caught:
        rendering.render(line(), format, templates=inside)
    assert SECRET not in str(caught.value)
    (inside / linked).unlink()
    (inside / "markdown").mkdir(exist_ok=True)
    (inside / "own.jinja").write_text(SECRET)
    (inside / "markdown" / "document.jinja").symlink_to(inside / "own.jinja")
    assert SECRET == rendering.render(line(), "markdown", templates=inside)


@pytest.mark.parametrize(
    "settings", [f"suffix = {'[' * 5000}", 'suffix = "x"\nwidth = -1', f'suffix = "x"\nwidth = {"9" * 5000}', "\0"]
)
def test_settings_of_a_stranger_are_one_message(settings: str, tmp_path: Path) -> None:
    """Deep, negative, endless: refused with the file."""
    folder = written(tmp_path, mine__format_toml=settings)
    with pytest.raises(OutputError) as caught:
        rendering.formats(folder)
    assert str(folder / "mine" / "format.toml") == caught.value.where


@pytest.mark.sweep
def test_process_of_templates_goes_on_after_a_failure(tmp_path: Path) -> None:
    """One template that is ended does not end the others, of this thread or of another."""
    for name in "ab":
        (tmp_path / name).mkdir()
    bad = written(tmp_path / "a", markdown__document_jinja=HARMFUL["ranges"])
    good = written(tmp_path / "b", markdown__document_jinja="<< document.title >>")
    with ThreadPoolExecutor(3) as pool:
        found = [pool.submit(rendering.render, line(), "markdown", templates=folder) for folder in (good, bad, good)]
        assert isinstance(found[1].exception(), OutputError)
        assert [line().problem.title] * 2 == [found[0].result(), found[2].result()]


def test_large_files_of_a_stranger_are_refused(tmp_path: Path) -> None:
    """A file beyond the limit is not read."""
    folder = written(tmp_path, markdown__document_jinja="x" * (resources.MOST_BYTES + 1))
    with pytest.raises(OutputError, match=str(resources.MOST_BYTES)):
        rendering.render(line(), "markdown", templates=folder)
