"""Documents → text through Jinja templates. The only importer of jinja2.

An output format is one folder under `templates/`: `format.toml` says how it writes text and formulas, `document.jinja` lays
the document out. Adding a format is adding a folder.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from symbackprop import document, resources, results
from symbackprop.derivation import Derivation
from symbackprop.errors import OutputError, message, unknown
from symbackprop.rendering import view
from symbackprop.rendering.tex import Printer
from symbackprop.solution import Solution, solve

DOCUMENT = "document.jinja"


@dataclass(frozen=True, slots=True)
class Format:
    """An output format: file suffix, how plain text is escaped, TeX commands for the tones of numbers, line width.

    `width` is the room for a displayed formula, in digits (0: never broken); `folder` holds the templates, None for JSON.
    """

    name: str
    suffix: str
    escape: str = "none"
    tones: Mapping[str, str] | None = None
    width: int = 0
    folder: Path | None = None


def formats(templates: str | Path | None = None) -> Mapping[str, Format]:
    """Return the formats by name: one for each folder of templates, and JSON; `templates` adds a folder of the user's.

    >>> formats()["latex"].suffix
    'tex'
    """
    found = {"json": Format("json", "json")}
    for base in (resources.folder("templates"), *([Path(templates)] if templates else ())):
        for settings in sorted(base.glob("*/format.toml")):
            found[settings.parent.name] = _format(settings)
    return dict(sorted(found.items()))


def _format(settings: Path) -> Format:
    try:
        return Format(name=settings.parent.name, folder=settings.parent, **tomllib.loads(settings.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError) as error:
        raise OutputError(message("render.settings", reason=str(error)), where=str(settings)) from None


def render(
    source: Solution | Derivation,
    format: str = "latex",
    language: str = "en",
    detail: str = "full",
    templates: str | Path | None = None,
) -> str:
    """Return a worked solution as text in a format and a language; a derivation is solved first.

    `templates` is a folder whose files replace the bundled ones of the same name (`latex/document.jinja`).
    Raises `UnknownNameError` for a format or language that does not exist, `OutputError` for a template at fault.

    >>> import symbackprop
    >>> text = render(symbackprop.derive(symbackprop.example("line")), format="markdown")
    >>> text.splitlines()[0]
    '# Two steps of gradient descent on a line through the origin'
    """
    table = formats(templates)
    if format not in table:
        raise unknown("format", format, table)
    if detail not in DETAILS:
        raise unknown("detail", detail, DETAILS)
    solution = source if isinstance(source, Solution) else solve(source.problem)
    if table[format].folder is None:
        return results.to_json(solution)
    return _filled(table[format], solution, language, templates)


DETAILS = ("full",)
"""How much a document shows."""


def _filled(chosen: Format, solution: Solution, language: str, templates: str | Path | None) -> str:
    import jinja2
    from jinja2.sandbox import SandboxedEnvironment

    printer = Printer(document.notation_of(solution), chosen.tones or {})
    writer = view.Writer(printer, language, view.ESCAPES[chosen.escape], chosen.width)
    folders = [Path(templates) / chosen.name] if templates else []
    environment = SandboxedEnvironment(
        loader=jinja2.FileSystemLoader([*folders, resources.folder("templates") / chosen.name]),
        undefined=jinja2.StrictUndefined,
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # text is escaped by `view`, each format in its own way
    )
    content = writer.document(document.compose(solution))
    try:
        return environment.get_template(DOCUMENT).render(document=content)
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise OutputError(message("render.template", name=f"{chosen.name}/{DOCUMENT}", reason=str(error))) from None
