"""Templates filled by Jinja, in a sandbox: the package's own here, those of strangers in a process of their own.

The only importer of jinja2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from symbackprop import resources
from symbackprop.templating import confinement, filling
from symbackprop.templating.filling import Deferred

__all__ = ["Deferred", "filled"]


def filled(
    folders: Sequence[Path],
    name: str,
    said: Mapping[str, str] | None = None,
    *,
    trusted: bool = False,
    **content: object,
) -> str:
    """Return a template filled; it is the file of that name in the first of the folders that has it.

    `said` are phrases by id, for the template's `say`. Unless `trusted`, templates in folders that are not all the
    package's own are filled by a process that sees data alone, and is ended when it takes too long or too much. Raises
    `OutputError` with file and line for a template at fault.
    """
    is_bundled = all(map(resources.is_bundled, folders))
    if trusted or is_bundled:
        # In the package's own folders no file comes or goes.
        files = () if is_bundled else tuple(sorted(file for folder in folders for file in folder.iterdir()))
        place = next((folder / name for folder in folders if (folder / name).is_file()), Path(name))
        environment = filling.environment_of(tuple(folders), files)
        return filling.fill(environment, name, str(place), filling.told(content, said))
    return confinement.fill(folders, name, content, said)
