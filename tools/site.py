"""What the documentation's site has beside the files of `docs/`: a hook of MkDocs (`make docs`).

README, changelog and gallery are pages of the site from where they are; the references of the problem file, of the commands
and of the names of the package are made of the schema, the commands and the package; KaTeX comes from the templates. Links
that lead out of `docs/` lead to these pages, or to the source, which is part of the site. Nothing is fetched, and nothing is
written but the site.
"""

from __future__ import annotations

import functools
import html
import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Page
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import TextLexer, get_lexer_for_filename
from pygments.util import ClassNotFound
from pymdownx.slugs import slugify

import symbackprop
from symbackprop import cli
from symbackprop.problems import load
from symbackprop.problems.json_schema import schema
from tools.gallery import LANGUAGES, file_of

ROOT = Path(__file__).resolve().parent.parent
DOCS = "docs"

BROUGHT = {"README.md": "index.md", "README.zh.md": "zh/index.md", "CHANGELOG.md": "changelog.md"}
"""Files of the checkout that are pages of the site."""
GALLERY = "gallery.md"
LEADS = {**BROUGHT, "output/README.md": GALLERY, DOCS: "index.md"}
"""Where a link to a file or folder of the checkout leads on the site; one to anything else leads to its source."""
KATEX = "templates/html/katex"
PICTURES = (".svg", ".png")

_FENCED = re.compile(r"^(```.*?^```)$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]*)(#[^)\s]*)?(?=\))")
_NESTED = re.compile(r"^( +)(?=[*-] )", re.MULTILINE)
_STYLE = (
    "body { font: 15px/1.5 system-ui, sans-serif; margin: 1rem 2rem; } pre { font: 13px/1.45 ui-monospace, monospace; }"
)


# Events of MkDocs


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is made, or brought in from the checkout."""
    made = {path: (ROOT / origin).read_text("utf-8") for origin, path in BROUGHT.items()} | pages()
    for path, text in made.items():
        files.append(File.generated(config, path, content=text))
    for path, place in brought().items():
        files.append(File.generated(config, path, abs_src_path=str(place)))
    linked = {target for path, text in texts(files, made) for target in sources(path, text)}
    for target in sorted(linked):
        files.append(File.generated(config, source_of(target), content=source_page(ROOT / target)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Give a page the links of the site, and its lists the depth that Python-Markdown wants."""
    path = page.file.src_uri
    return outside_fences(lambda text: _NESTED.sub(r"\1\1", relinked(path, text)), markdown)


def on_page_context(context: Any, page: Page, config: MkDocsConfig, nav: Any) -> None:
    """Have the theme speak the language of a page."""
    config.theme["language"] = "zh" if page.file.src_uri.startswith("zh/") else "en"


def outside_fences(change: Any, text: str) -> str:
    """Return a text changed outside its fenced blocks."""
    parts = _FENCED.split(text)
    return "".join(part if part.startswith("```") else change(part) for part in parts)


# Links


def texts(files: Files, made: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Iterate over the pages: path on the site, text."""
    for file in files.documentation_pages():
        yield file.src_uri, made.get(file.src_uri) or file.content_string


def origin_of(path: str) -> str:
    """Return the path in the checkout of a page of the site."""
    return next((origin for origin, to in BROUGHT.items() if to == path), f"{DOCS}/{path}")


def target_of(path: str, link: str) -> str:
    """Return the path in the checkout that a link of a page leads to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(origin_of(path)), link))


def place_of(target: str) -> str:
    """Return the path on the site of a file or folder of the checkout."""
    if target in LEADS:
        return LEADS[target]
    if target.startswith(f"{DOCS}/"):
        return target.removeprefix(f"{DOCS}/")
    if target.startswith("output/"):
        return target.replace("output/", "gallery/", 1)
    return source_of(target)


def source_of(target: str) -> str:
    """Return the path on the site of a source."""
    return f"source/{target}.html"


def relinked(path: str, text: str) -> str:
    """Return the text of a page with links between pages of the site."""

    def lead(found: re.Match[str]) -> str:
        if not found[1]:
            return found[0]
        place = posixpath.relpath(place_of(target_of(path, found[1])), posixpath.dirname(path) or ".")
        return place + (found[2] or "")

    return _LINK.sub(lead, text)


def sources(path: str, text: str) -> Iterator[str]:
    """Iterate over the files and folders of the checkout that links of a page lead to and that are on the site as source."""
    for link in (found[1] for part in _FENCED.split(text)[::2] for found in _LINK.finditer(part) if found[1]):
        target = target_of(path, link)
        if place_of(target) == source_of(target) and (ROOT / target).exists():
            yield target


def source_page(place: Path) -> str:
    """Return a source as a page: a file with its colours, a folder with the names that are in it."""
    if place.is_dir():
        names = "\n".join(sorted(each.name for each in place.iterdir() if not each.name.startswith(("_", "."))))
        return highlight(names, TextLexer(), _formatter(place))
    try:
        lexer = get_lexer_for_filename(place.name)
    except ClassNotFound:
        lexer = TextLexer()
    return highlight(place.read_text("utf-8"), lexer, _formatter(place))


def _formatter(place: Path) -> Any:
    title = place.relative_to(ROOT).as_posix()
    return HtmlFormatter(full=True, title=title, cssstyles="background: none", prestyles=_STYLE)


# Files of the checkout


def brought() -> Mapping[str, Path]:
    """Return files that are on the site as they are: KaTeX, and of the gallery pages, pictures and PDFs."""
    katex = {f"assets/katex/{file.relative_to(ROOT / KATEX).as_posix()}": file for file in _files(ROOT / KATEX)}
    output = ROOT / "output"
    shown = [file for file in _files(output) if file.suffix in (".html", ".pdf", *PICTURES) and file.parent != output]
    return katex | {f"gallery/{file.relative_to(output).as_posix()}": file for file in shown}


def _files(folder: Path) -> Iterable[Path]:
    return (file for file in sorted(folder.rglob("*")) if file.is_file())


# Pages that are made


def pages() -> Mapping[str, str]:
    """Return the pages that are made, by their paths on the site."""
    return {
        GALLERY: gallery(),
        "reference/schema.md": schema_page(),
        "reference/commands.md": commands_page(),
        "reference/functions.md": names_page("Functions", "What `symbackprop` offers to be called.", is_function),
        "reference/objects.md": names_page("Kinds of objects", "What the functions return.", is_object),
        "reference/errors.md": names_page("Errors", "All are kinds of `SymbackpropError`.", is_error),
        "reference/modules.md": modules_page(),
    }


def gallery() -> str:
    """Return the gallery: a card for each example, with the pages and PDFs of it that there are in `output/`."""
    cards = "\n".join(_card(name) for name in load.examples())
    said = "Worked solutions of the examples: pages that can be gone through line by line, with blanks to fill in."
    return f'# Gallery\n\n{said}\n\n<ul class="gallery">\n{cards}\n</ul>\n'


def _card(name: str) -> str:
    heading = load.example(name).heading
    lines = []
    for code, called in LANGUAGES.items():
        links = [
            f'<a href="gallery/{path}">{kind}</a>'
            for format, kind in {"html": called, "pdf": "PDF"}.items()
            if (ROOT / "output" / (path := file_of(name, code, format))).exists()
        ]
        lines.append(f'<p lang="{code}">{html.escape(heading.said(code))} {" ".join(links)}</p>')
    picture = f'<img src="gallery/{name}/solution.1.svg" alt="" loading="lazy">'
    return f"<li>{picture}<strong>{name}</strong>{''.join(lines)}</li>"


def schema_page() -> str:
    """Return the reference of the problem file: each of its tables, by the name that it has in the file."""
    found = schema()
    headings = {"": "Top level", **_headings(found, found["$defs"], "")}
    for name in [name for name, heading in headings.items() if list(headings.values()).count(heading) > 1]:
        headings[name] += f" with `{found['$defs'][name]['required'][0]}`"
    parts = ["# Schema of the problem file", "Made of the JSON schema that `symbackprop schema` prints."]
    for name, heading in headings.items():
        table = found["$defs"][name] if name else found
        parts += [f"## {heading}", table.get("description", ""), _table_of(table, headings)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _headings(table: Mapping[str, Any], definitions: Mapping[str, Any], path: str) -> dict[str, str]:
    """Return the tables below one by the names of their definitions, each as it is first written in a file."""
    headings: dict[str, str] = {}
    for key, described in _keys(table).items():
        below = f"{path}.{key}".removeprefix(".")
        for name, opened in _references(described, "[{}]"):
            own = opened.format(below)
            headings = {name: f"`{own}`", **_headings(definitions[name], definitions, own.strip("[]"))} | headings
    return dict(sorted(headings.items(), key=lambda row: row[1].strip("`[]")))


def _keys(table: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the keys of a table, `NAME` among them where it takes any."""
    others = table.get("additionalProperties")
    return table["properties"] | ({"NAME": others} if isinstance(others, Mapping) else {})


def _references(described: Mapping[str, Any], opened: str) -> Iterator[tuple[str, str]]:
    """Iterate over the tables that a key takes: the name of the definition, how such a table is opened."""
    if "$ref" in described:
        yield described["$ref"].rpartition("/")[2], opened
    for kind in described.get("anyOf", ()):
        yield from _references(kind, opened)
    if "items" in described:
        yield from _references(described["items"], "[[{}]]")
    if isinstance(described.get("additionalProperties"), Mapping):
        yield from _references(described["additionalProperties"], "[{}.NAME]")


def _table_of(table: Mapping[str, Any], headings: Mapping[str, str]) -> str:
    lines = ["| key | takes | default | meaning |", "| --- | --- | --- | --- |"]
    for key, described in _keys(table).items():
        default = "required" if key in table.get("required", ()) else _default(described.get("default"))
        meaning = described.get("description", "").replace("|", "\\|").replace("\n", " ")
        lines.append(f"| `{key}` | {_kind(described, headings)} | {default} | {meaning} |")
    return "\n".join(lines)


def _default(value: object) -> str:
    """Return a default as TOML has it; tables have those of their keys."""
    return "" if value is None or isinstance(value, Mapping) else f"`{json.dumps(value, ensure_ascii=False)}`"


def _kind(described: Mapping[str, Any], headings: Mapping[str, str]) -> str:
    """Return what a key takes, in words."""
    if "$ref" in described:
        heading = headings[described["$ref"].rpartition("/")[2]]
        return f"[{heading}](#{slugify(case='lower')(heading.replace('`', ''), '-')})"
    if "anyOf" in described:
        return " or ".join(_kind(kind, headings) for kind in described["anyOf"] if kind != {"type": "null"})
    if "enum" in described:
        return ", ".join(f"`{value}`" for value in described["enum"])
    if described.get("type") == "array":
        return f"list of {_kind(described.get('items', {}), headings)}"
    if isinstance(described.get("additionalProperties"), Mapping):
        return f"table of {_kind(described['additionalProperties'], headings)}"
    kinds = described.get("type", "anything")
    return kinds if isinstance(kinds, str) else " or ".join(kinds)


def commands_page() -> str:
    """Return the reference of the commands: usage and options of each, as click has them."""
    parts = ["# Commands", "What `symbackprop COMMAND --help` prints."]
    program = click.Context(cli.group, info_name="symbackprop", **cli.group.context_settings)
    for name in cli.command_names():
        command = cli.command(name)
        context = click.Context(command, parent=program, info_name=name, terminal_width=90)
        parts += [f"## {name}", f"```text\n{command.get_help(context)}\n```"]
    return "\n\n".join(parts) + "\n"


# Names of the package


CALLED = {"homework": "symbackprop.homework.python_functions"}
"""Packages that are called by their own names, with the module of the function that they call."""


@functools.cache
def names() -> Mapping[str, Any]:
    """Return the public names of the package, each with what it is, in alphabetical order."""
    return {name: getattr(symbackprop, name) for name in sorted(symbackprop._HOME, key=str.lower)}


def is_error(thing: Any) -> bool:
    """Return whether a name is that of an error."""
    return isinstance(thing, type) and issubclass(thing, Exception)


def is_object(thing: Any) -> bool:
    """Return whether a name is that of a kind of objects."""
    return isinstance(thing, type) and not is_error(thing)


def is_function(thing: Any) -> bool:
    """Return whether a name is that of a function."""
    return not isinstance(thing, type)


def names_page(title: str, said: str, belongs: Any) -> str:
    """Return the reference of the names of one kind."""
    parts = [f"# {title}", said]
    for name, thing in names().items():
        if belongs(thing):
            place = getattr(thing, "__module__", None) or CALLED[name]
            parts.append(
                f"::: {place}.{name}\n    options:\n      heading: symbackprop.{name}\n      toc_label: {name}"
            )
    return "\n\n".join(parts) + "\n"


MODULES = ("symbackprop.estimators", "symbackprop.curvature", "symbackprop.testing", "symbackprop.figures")
"""Modules that are public by themselves."""


def modules_page() -> str:
    """Return the reference of the modules that are public by themselves."""
    parts = ["# Modules", "What is public and not at the top of the package."]
    return "\n\n".join([*parts, *(f"::: {module}" for module in MODULES)]) + "\n"
