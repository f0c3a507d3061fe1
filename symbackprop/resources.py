"""Where the files that ship with the package are: templates and examples.

In a wheel they lie inside the package; in a repository (and so in an editable install) they lie beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from symbackprop.errors import OutputError
from symbackprop.messages import message

MOST_BYTES = 4_000_000
"""The size of a file in a folder of templates that is not the package's."""


def folder(name: str) -> Path:
    """Return the folder `templates` or `examples`: the one in the package if it is there, else the repository's."""
    package = Path(__file__).parent
    for place in (package / name, package.parent / name):
        if place.is_dir():
            return place
    raise FileNotFoundError(
        f"the folder {name!r} is neither in {package} nor beside it: the installation is incomplete"
    )


def is_bundled(place: Path) -> bool:
    """Say whether a folder of templates is one of the package's own."""
    return folder("templates") in place.parents


def found(folders: Sequence[Path], name: str) -> Path | None:
    """Return the file of that name in the first of the folders of templates that has it; None for a name outside them.

    Raises `OutputError` for a file of a stranger's that is a link to somewhere else, or large.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or "\\" in name:
        return None
    file = next((place for each in folders if (place := each.joinpath(*path.parts)).is_file()), None)
    if file is not None and not any(is_bundled(each) for each in folders if each in file.parents):
        layer = next(each for each in folders if each in file.parents).parent
        if not file.resolve().is_relative_to(layer.resolve()):
            raise OutputError(message("render.link"), where=str(file))
        if file.stat().st_size > MOST_BYTES:
            raise OutputError(message("render.large", limit=MOST_BYTES), where=str(file))
    return file


def text_of(file: Path) -> str:
    r"""Return the text of a file of a folder of templates, its lines ended by \n; raises `OutputError` for what is none."""
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OutputError(message("asset.unreadable", reason=str(error)), where=str(file)) from None
