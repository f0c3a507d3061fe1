"""Gradebooks as learning systems export them: how each is recognised, and how its columns are called."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from symbackprop.homework.classes.columns import USUAL_NAMES, simple


@dataclass(frozen=True, slots=True)
class GradebookLayout:
    """A layout: every group of `telling` columns has one that is there; columns of ids and of names, the best first.

    All names are those of `simple`. A name may be made of several columns, with a plus sign between them.
    """

    name: str
    telling: tuple[tuple[str, ...], ...]
    ids: tuple[str, ...]
    names: tuple[str, ...]


_FIRST, _LAST = ("firstname", "vorname"), ("lastname", "surname", "nachname")
_BOTH = ("firstname+lastname", "firstname+surname", "vorname+nachname")

LAYOUTS: Sequence[GradebookLayout] = (
    GradebookLayout("canvas", (("student",), ("id",), ("section",)), ("sisuserid", "sisloginid", "id"), ("student",)),
    GradebookLayout(
        "moodle worksheet",
        (("identifier",), ("fullname",), ("grade",), ("maximumgrade",)),
        ("idnumber", "emailaddress", "identifier"),
        ("fullname",),
    ),
    GradebookLayout(
        "moodle",
        (
            _FIRST,
            _LAST,
            ("idnumber",),
            ("emailaddress", "emailadresse"),
            ("lastdownloadedfromthiscourse", "institution"),
        ),
        ("idnumber", "emailaddress", "emailadresse"),
        _BOTH,
    ),
    GradebookLayout(
        "blackboard", (_FIRST, _LAST, ("username",), ("lastaccess", "availability")), ("studentid", "username"), _BOTH
    ),
    GradebookLayout(
        "brightspace", (("orgdefinedid", "username"), ("endoflineindicator",)), ("orgdefinedid", "username"), _BOTH
    ),
    GradebookLayout(
        "openolat",
        (
            _FIRST,
            _LAST,
            ("username", "benutzername"),
            ("institutionnumber", "institutionalidentifier", "institutionsnummer"),
        ),
        ("institutionnumber", "institutionalidentifier", "institutionsnummer", "username", "benutzername"),
        _BOTH,
    ),
    GradebookLayout(
        "ilias",
        (_FIRST, _LAST, ("login", "benutzername")),
        ("matriculationnumber", "matrikelnummer", "login", "benutzername"),
        _BOTH,
    ),
    GradebookLayout("gradescope", (("sid",), ("email",), ("totallateness",)), ("sid", "email"), (*_BOTH, "name")),
)
"""The layouts, those with the most to tell them by first."""

LISTS = GradebookLayout(
    "list", (), ("id", *USUAL_NAMES), ("name", "fullname", *_BOTH, "studentname", "student", "姓名", "学生姓名")
)
"""A list of no learning system's, by the usual names of its columns."""

_DECORATIONS = (
    re.compile(r"\s*\(\d+\)$"),  # Canvas: Homework 3 (12345)
    re.compile(r"^[^:]{1,30}:\s+(?=.*\([^()]*\)$)"),  # Moodle: Assignment: Homework 3 (Real)
    re.compile(r"\s*\([^()\d]*\)$"),
    re.compile(r"\s*\[(?:Total|Gesamt)[^\]]*\].*$"),  # Blackboard: Homework 3 [Total Pts: 10 Score] |998877
    re.compile(r"\s+Points Grade(?:\s*<.*>)?$"),  # Brightspace: Homework 3 Points Grade <Numeric MaxPoints:10 …>
)
_LIMIT = re.compile(r"(?:MaxPoints|Pts):\s*(?:up to )?(\d+(?:[.,]\d+)?)")


def layout_of(columns: Sequence[str]) -> GradebookLayout | None:
    """Return the layout of a table with these columns, None for one of no learning system that is known."""
    there = {simple(column) for column in columns}
    return next((row for row in LAYOUTS if all(there & set(group) for group in row.telling)), None)


def title(column: str) -> str:
    """Return what a column of grades is called without what the learning system adds to it.

    >>> title("Homework 3 (12345)"), title("Assignment: Homework 3 (Real)")
    ('homework 3', 'homework 3')
    """
    for decoration in _DECORATIONS:
        column = decoration.sub("", column)
    return " ".join(column.split()).casefold()


def limit(column: str) -> float | None:
    """Return the most points that the name of a column states, if it does."""
    found = _LIMIT.search(column)
    return float(found[1].replace(",", ".")) if found else None


def columns_of(layout: GradebookLayout, columns: Sequence[str], full: Collection[str]) -> dict[str, str]:
    """Return the columns for `id` and `name` in a layout; an id is in the best column that is `full`, no cell left blank."""
    by_name = {simple(column): column for column in reversed(columns)}
    ids = [by_name[name] for name in layout.ids if name in by_name]
    names = [name for name in layout.names if all(part in by_name for part in name.split("+"))]
    found = {"id": next((column for column in ids if column in full), ids[0])} if ids else {}
    return found | ({"name": "+".join(by_name[part] for part in names[0].split("+"))} if names else {})
