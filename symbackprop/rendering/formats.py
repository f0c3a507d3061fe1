"""The output formats: folders of templates whose settings say how a document is written.

A format that builds on another (`base`) has its settings and its templates but for those that it brings itself. A folder
of the user's is laid over the bundled one in the same way, file by file and setting by setting.
"""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from symbackprop import resources
from symbackprop.errors import OutputError, unknown
from symbackprop.messages import message
from symbackprop.rendering import escapes
from symbackprop.rendering.dialects import DIALECTS
from symbackprop.rendering.drafts import Format
from symbackprop.rendering.exporters import EXPORTERS
from symbackprop.rendering.typesetting import pdf_engines

SETTINGS = "format.toml"

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
"""What may be a part of a file's name: it leads into no other folder, whatever the system."""

_KINDS: Mapping[str, type] = {"base": str} | {
    key: list if isinstance(value, tuple) else type(value)
    for key, value in dataclasses.asdict(Format("", "", ())).items()
    if key not in ("name", "folders", "engine")
}
"""What a setting is in TOML: like what the format has where it is not set."""

MOST_WIDTH = 10_000
"""The room for a formula that a setting may give, in digits."""

_CHOICES: Mapping[str, Collection[str]] = {
    "escape": escapes.MARKUPS,
    "finish": EXPORTERS,
    "formulas": DIALECTS,
    "spaced": escapes.SPACED,
}


def formats(templates: str | Path | None = None, engine: str | None = None) -> Mapping[str, Format]:
    """Return the formats by name, one for each folder of templates; `templates` is a folder of the user's.

    Those that are typeset build on what the `engine` sets, one of `pdf_engines.ENGINES` (default: `pdf_engines.chosen`).

    >>> formats()["pdf"].suffix
    'pdf'
    """
    if templates and not Path(templates).is_dir():
        raise OutputError(message("render.folder"), where=str(templates))
    found: dict[str, list[Path]] = {}
    for layer in ([Path(templates)] if templates else []) + [resources.folder("templates")]:
        for folder in sorted(path for path in layer.iterdir() if path.is_dir()):
            found.setdefault(folder.name, []).append(folder)
    # A folder without settings is no format: a user may keep anything beside the templates.
    settings = {name: read for name, folders in found.items() if (read := _settings(folders))}
    used = pdf_engines.chosen(engine, Path(templates) if templates else None)
    for content in settings.values():
        if base := content.get("engines", {}).get(used):
            content |= {"base": base, "engine": used}
    return {name: _format(name, found, settings) for name in sorted(settings)}


def spellings(known: Mapping[str, Format]) -> Mapping[str, str]:
    """Return the suffixes of files by which some formats are known, and the name of the first format with each.

    >>> spellings(formats())["md"], spellings(formats())["ipynb"]
    ('markdown', 'notebook')
    """
    return {row.suffix: name for name, row in reversed(list(known.items()))}


def _settings(folders: list[Path]) -> dict[str, Any]:
    """Return the settings in a format's own folders, the first of which is preferred."""
    content: dict[str, Any] = {}
    for file in (file for folder in reversed(folders) if (file := resources.found([folder], SETTINGS))):
        content |= _read(file)
        if "suffix" not in content:
            raise OutputError(message("problem.missing_key", key="suffix"), where=str(file))
    return content


def _format(name: str, found: Mapping[str, list[Path]], settings: Mapping[str, dict[str, Any]]) -> Format:
    """Return a format with what it takes from those that it builds on."""
    line = [name]
    while (base := settings[line[-1]].get("base")) is not None:
        if base not in settings or base in line:
            where = next(str(folder / SETTINGS) for folder in found[line[-1]] if (folder / SETTINGS).is_file())
            raise unknown("format", base, [other for other in settings if other not in line], where=where)
        line.append(base)
    content: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for ancestor in reversed(line)
        for key, value in settings[ancestor].items()
        if key != "base"
    }
    return Format(name=name, folders=tuple(folder for ancestor in line for folder in found[ancestor]), **content)


def _read(file: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(resources.text_of(file))
    except (ValueError, RecursionError) as error:
        raise OutputError(message("render.settings", reason=str(error)), where=str(file)) from None
    for key, value in content.items():
        if key not in _KINDS:
            raise unknown("key", key, _KINDS, where=str(file))
        if not isinstance(value, _KINDS[key]) or not _fits(key, value):
            raise OutputError(message("render.setting", key=key, value=repr(value)), where=str(file))
        if key in _CHOICES and value not in _CHOICES[key]:
            raise unknown(key, str(value), _CHOICES[key], where=str(file))
    return content


def _fits(key: str, value: Any) -> bool:
    """Say whether a part of a file's name is plain, and the entries of a setting texts: two of them around a formula."""
    if key in ("suffix", "figures", "attachments"):
        names = value if key == "attachments" else [value] if value or key == "suffix" else []
        return all(isinstance(name, str) and _PLAIN_NAME.fullmatch(name) for name in names)
    if isinstance(value, int):
        return 0 <= value <= MOST_WIDTH
    entries = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return all(isinstance(entry, str) for entry in entries) and (key != "math" or len(value) == 2)
