"""Who is meant: the students of a class by id, code or another column of the list, as people and spreadsheets write them."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from symbackprop.homework.classes.columns import USUAL_NAMES, simple
from symbackprop.homework.handouts.manifest import Enrolment
from symbackprop.messages import Message, message

_LISTED = 8
"""Ids that a remark names; how many there are it says anyway."""
_MISREAD = str.maketrans("018", "OIB")
"""Digits that no code has, and the letters that they are taken for."""
_WHOLE = re.compile(r"(\d+)[.,]0+")
"""A whole number as spreadsheets and data frames write it."""


class ClassList:
    """The students of a class, found by their ids, their codes, and what else the list has of each alone."""

    def __init__(self, ids: Iterable[str], codes: Mapping[str, str] | None = None) -> None:
        self._exact = {id if (plain := _plain(id)) == id else plain: id for id in ids}
        self._codes = {code.upper(): id for id, code in (codes or {}).items()}
        self._others: dict[str, str] = {}
        # Only ids of digits may lack their zeros.
        self._shortened: dict[str, tuple[str, ...]] = {}
        for plain, id in self._exact.items():
            if (whole := _whole(plain)).isdecimal():
                short = whole.lstrip("0")
                self._shortened[short] = (*self._shortened.get(short, ()), id)
        self.completed: dict[str, str] = {}

    @classmethod
    def of(cls, enrolments: Sequence[Enrolment]) -> ClassList:
        """Return the class of a homework; what else its list has, such as addresses, finds a student too."""
        found = cls(
            [each.student.id for each in enrolments], {each.student.id: each.code for each in enrolments if each.code}
        )
        columns = dict.fromkeys(column for each in enrolments for column in each.student.row)
        for column in columns:
            if simple(column) in USUAL_NAMES:
                found._know([(each.student.row.get(column, ""), each.student.id) for each in enrolments])
        return found

    def _know(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Let students be found by the cells of a column in which no two have the same."""
        count = Counter(_plain(text) for text, _ in pairs)
        for text, id in pairs:
            if count[_plain(text)] == 1 and _plain(text):
                self._others.setdefault(_plain(text), id)

    def by_code(self, text: str) -> str | None:
        """Return the student whose sheet has a code, however it was copied: in small letters, with blanks, with 0 for O."""
        letters = "".join(c for c in unicodedata.normalize("NFKC", text).upper() if c.isalnum())
        return self._codes.get(letters) or self._codes.get(letters.translate(_MISREAD))

    def finds(self, text: str) -> bool:
        """Say whether a text stands for a student, without keeping anything in mind."""
        return self._found(text)[0] is not None

    def find(self, text: str) -> tuple[str | None, Message | None]:
        """Return the student that a text stands for, if any, and what is odd about that.

        Spreadsheets turn 00123 into 123 or 123.0, and put an apostrophe before a sign. An id without its zeros is that of
        the one student whom it can be; where it can be several, only one who is called exactly so is meant.
        """
        id, odd, is_completed = self._found(text)
        if id is not None and is_completed:
            self.completed[text.strip()] = id
        return id, odd

    def _found(self, text: str) -> tuple[str | None, Message | None, bool]:
        """Return the same, and whether an id was completed by its zeros."""
        plain = _plain(text)
        if plain not in self._exact:
            plain = plain.removeprefix("#")
        if plain[1:2] in tuple("-+=@") and plain.startswith("'"):
            plain = plain[1:]
        if plain not in self._exact:
            plain = _whole(plain)
        alike = self._shortened.get(plain.lstrip("0"), ()) if plain.isdecimal() else ()
        exact = self._exact.get(plain)
        if exact is not None:
            others = [id for id in alike if id != exact]
            return exact, message("homework.maybe_other", id=exact, others=others) if others else None, False
        other = self._others.get(plain) or self.by_code(plain)
        if other is not None:
            return other, None, False
        if len(alike) == 1:
            return alike[0], None, True
        if alike:
            return None, message("homework.ambiguous_student", name=text.strip(), students=alike), False
        return None, message("homework.unknown_student", name=text.strip()), False

    def remark(self) -> Message | None:
        """Return which ids were completed by their zeros, if any were."""
        pairs: list[object] = [message("homework.completed_id", found=f, id=id) for f, id in self.completed.items()]
        if not pairs:
            return None
        return message("homework.zeros", count=len(pairs), pairs=[*pairs[:_LISTED], *["…"] * (len(pairs) > _LISTED)])


def _whole(text: str) -> str:
    """Return a whole number without the decimals that a spreadsheet gave it, and any other text as it is."""
    found = _WHOLE.fullmatch(text)
    return found[1] if found else text


def _plain(id: str) -> str:
    return unicodedata.normalize("NFKC", id).strip().lower()
