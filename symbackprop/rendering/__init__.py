"""Documents → text through Jinja templates. The only importer of jinja2.

An output format is one folder under `templates/`: `format.toml` says how it writes text and formulas, `document.jinja` lays
the document out. Adding a format is adding a folder.
"""

from __future__ import annotations

import tomllib
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from symbackprop import document, resources, results
from symbackprop.derivation import Derivation
from symbackprop.errors import OutputError, message, unknown
from symbackprop.rendering import escapes, view
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


_SETTINGS: Mapping[str, type] = {"suffix": str, "escape": str, "tones": dict, "width": int}


def formats(templates: str | Path | None = None) -> Mapping[str, Format]:
    """Return the formats by name: one for each folder of templates, and JSON; `templates` adds a folder of the user's.

    >>> formats()["latex"].suffix
    'tex'
    """
    found = {"json": Format("json", "json")}
    if templates and not Path(templates).is_dir():
        raise OutputError(message("render.folder"), where=str(templates))
    for base in (resources.folder("templates"), *([Path(templates)] if templates else ())):
        for settings in sorted(base.glob("*/format.toml")):
            found[settings.parent.name] = _format(settings)
    return dict(sorted(found.items()))


def _format(settings: Path) -> Format:
    try:
        content = tomllib.loads(settings.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise OutputError(message("render.settings", reason=str(error)), where=str(settings)) from None
    for key, value in content.items():
        if key not in _SETTINGS:
            raise unknown("key", key, _SETTINGS, where=str(settings))
        if not isinstance(value, _SETTINGS[key]):
            raise OutputError(message("render.setting", key=key, value=repr(value)), where=str(settings))
    if "suffix" not in content:
        raise OutputError(message("problem.missing_key", key="suffix"), where=str(settings))
    if content.get("escape", "none") not in escapes.ESCAPES:
        raise unknown("escape", content["escape"], escapes.ESCAPES, where=str(settings))
    return Format(name=settings.parent.name, folder=settings.parent, **content)


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
    details = tuple(part.strip() for part in detail.split(","))
    for part in details:
        if part not in document.DETAILS:
            raise unknown("detail", part, document.DETAILS)
    solution = source if isinstance(source, Solution) else solve(source.problem)
    if table[format].folder is None:
        return results.to_json(solution)
    return _filled(table[format], solution, language, details, templates)


def _filled(
    chosen: Format, solution: Solution, language: str, details: Sequence[str], templates: str | Path | None
) -> str:
    import jinja2
    from jinja2.sandbox import SandboxedEnvironment

    printer = Printer(document.notation_of(solution), chosen.tones or {}, rows=solution.problem.layout == "row")
    writer = view.Writer(printer, language, escapes.ESCAPES[chosen.escape], chosen.width)
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
    content = writer.document(document.compose(solution, details))
    place = next(
        (folder / DOCUMENT for folder in folders if (folder / DOCUMENT).is_file()), f"{chosen.name}/{DOCUMENT}"
    )
    try:
        return environment.get_template(DOCUMENT).render(document=content)
    except jinja2.TemplateSyntaxError as error:
        line = message("render.template", line=error.lineno, reason=error.message)
        raise OutputError(line, where=str(error.filename or place)) from None
    except jinja2.TemplateNotFound as error:
        raise OutputError(message("render.missing", name=str(error.name)), where=str(place)) from None
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        line = message("render.template", line=_line(error), reason=str(error))
        raise OutputError(line, where=str(place)) from None


def _line(error: Exception) -> int:
    """Return the line of a template in which an error arose: Jinja puts it in the traceback."""
    lines = [number for frame, number in traceback.walk_tb(error.__traceback__) if _is_template(frame)]
    return lines[-1] if lines else 1


def _is_template(frame: FrameType) -> bool:
    return "__jinja_template__" in frame.f_globals or frame.f_code.co_filename.endswith(".jinja")
