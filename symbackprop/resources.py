"""Where the files that ship with the package are: templates and examples.

In a wheel they lie inside the package; in a repository (and so in an editable install) they lie beside it.
"""

from __future__ import annotations

from pathlib import Path


def folder(name: str) -> Path:
    """Return the folder `templates` or `examples`: the one in the package if it is there, else the repository's."""
    package = Path(__file__).parent
    for place in (package / name, package.parent / name):
        if place.is_dir():
            return place
    raise FileNotFoundError(
        f"the folder {name!r} is neither in {package} nor beside it: the installation is incomplete"
    )
