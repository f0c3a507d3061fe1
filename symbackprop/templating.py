"""Templates filled by Jinja, in a sandbox. The only importer of jinja2."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from symbackprop.errors import OutputError, SymbackpropError
from symbackprop.messages import message

if TYPE_CHECKING:
    import jinja2


@functools.lru_cache(maxsize=32)
def _environment(folders: tuple[Path, ...], files: tuple[Path, ...]) -> jinja2.Environment:
    """Return what fills the templates in the folders, compiled once while the folders hold the same `files`."""
    import jinja2
    from jinja2.sandbox import SandboxedEnvironment

    return SandboxedEnvironment(
        loader=jinja2.FileSystemLoader(folders),
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


def filled(folders: Sequence[Path], name: str, **content: object) -> str:
    """Return a template filled; it is the file of that name in the first of the folders that has it.

    Raises `OutputError` with file and line for a template at fault.
    """
    import jinja2

    place = next((folder / name for folder in folders if (folder / name).is_file()), Path(name))
    try:
        files = tuple(sorted(file for folder in folders for file in folder.iterdir()))
        return _environment(tuple(folders), files).get_template(name).render(**content)
    except SymbackpropError:
        raise
    except jinja2.TemplateSyntaxError as error:
        line = message("render.template", line=error.lineno, reason=error.message)
        raise OutputError(line, where=str(error.filename or place)) from None
    except jinja2.TemplateNotFound as error:
        raise OutputError(message("render.missing", name=str(error.name)), where=str(place)) from None
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        file, number = _origin(error, folders)
        line = message("render.template", line=number, reason=str(error))
        raise OutputError(line, where=str(file or place)) from None


def _origin(error: Exception, folders: Iterable[Path]) -> tuple[Path | None, int]:
    """Return the file and the line of a template in which an error arose: Jinja puts them in the traceback."""
    found = [(frame, line) for frame, line in traceback.walk_tb(error.__traceback__) if _is_template(frame)]
    if not found:
        return None, 1
    frame, line = found[-1]
    file = Path(frame.f_code.co_filename)
    return (file if any(folder in file.parents for folder in folders) else None), line


def _is_template(frame: FrameType) -> bool:
    return "__jinja_template__" in frame.f_globals or frame.f_code.co_filename.endswith(".jinja")
