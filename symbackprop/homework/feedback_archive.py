"""All pages of feedback in one archive, named as the learning system wants them back."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence

from symbackprop.homework.columns import simple
from symbackprop.homework.manifest import Enrolment
from symbackprop.homework.roster import file_name

ARCHIVE = "feedback.zip"
_MOODLE_FOLDER = re.compile(r"[^/]+_\d+_assignsubmission_[a-z]+_?")
_MOODLE_FILE = re.compile(r"([^/]+_\d+_assignsubmission_[a-z]+_)[^/]*")
_CANVAS_FILE = re.compile(r"([^/_]+(?:_LATE)?_\d+_\d+_[^/]*)\.[a-z]+", re.IGNORECASE)
_PARTICIPANT = re.compile(r"\D*(\d+)")
_PAGE = "feedback"
_BEGINNING = (1980, 1, 1, 0, 0, 0)
"""The time of every file, so that the same marks make the same archive."""


def archive(
    files: Mapping[str, str | bytes], enrolments: Sequence[Enrolment], origins: Mapping[str, str]
) -> dict[str, bytes]:
    """Return the archive of the pages among `files`, by its name; {} where there are none.

    `origins` says, by student, under which path in a folder or archive the submission came. The pages go back under its
    name, as Moodle and Canvas have it, else under the name of Moodle's offline worksheet, if the roster is one, else by id.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
        for each in enrolments:
            stem = f"feedback/{file_name(each.student.id)}."
            for name, text in files.items():
                if name.startswith(stem) and "." not in (suffix := name.removeprefix(stem)):
                    entry = zipfile.ZipInfo(returned(each, origins.get(each.student.id, ""), suffix), _BEGINNING)
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    packed.writestr(entry, text)
        names = packed.namelist()
    return {ARCHIVE: content.getvalue()} if names else {}


def returned(each: Enrolment, origin: str, suffix: str) -> str:
    """Return the path in the archive of a student's page."""
    parts = origin.split("/")
    folder = next((part for part in parts[:-1] if _MOODLE_FOLDER.fullmatch(part)), None)
    if folder is not None:
        return f"{folder}/{_PAGE}.{suffix}"
    if found := _MOODLE_FILE.fullmatch(parts[-1]):
        return f"{found[1]}{_PAGE}.{suffix}"
    if found := _CANVAS_FILE.fullmatch(parts[-1]):
        return f"{found[1]}.{suffix}"
    cells = {simple(column): cell for column, cell in each.student.row.items()}
    participant = _PARTICIPANT.fullmatch(cells.get("identifier", "").strip())
    if participant:
        name = re.sub(r"[_/\\:*?\"<>|\x00-\x1f]", " ", each.student.name).strip()
        return f"{name}_{participant[1]}_assignsubmission_file_/{_PAGE}.{suffix}"
    return f"{file_name(each.student.id)}.{suffix}"
