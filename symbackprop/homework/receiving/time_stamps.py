"""When something was handed in: the times that forms and learning systems write, put in order."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Callable, Sequence

TIME_NAMES = (
    *("time", "timestamp", "completiontime", "submissiontime", "submittedat", "submitted", "handedin", "saved"),
    *("lastmodifiedsubmission", "date", "zeitstempel", "时间", "时间戳记", "时间戳", "提交时间", "完成时间"),
)
"""Names that columns of times have, in small letters and without signs, the clearest first."""

_DATE = re.compile(r"(\d{1,4})\s*[-./年]\s*(\d{1,2})\s*[-./月]\s*(\d{1,4})\s*日?")
_CLOCK = re.compile(r"(\d{1,2})[:.时](\d{2})(?:[:.分](\d{2})(?:\.\d+)?)?")
_OFFSET = re.compile(r"(?:GMT|UTC|(?<=\d)\s?)([+-])(\d{1,2}):?(\d{2})?\s*$")
_AFTERNOON, _MORNING = ("pm", "p.m.", "下午", "晚上"), ("am", "a.m.", "上午", "凌晨")

Parts = tuple[int, int, int]


def _year_first(parts: Parts) -> Parts:
    return parts


def _month_first(parts: Parts) -> Parts:
    return parts[2], parts[0], parts[1]


def _day_first(parts: Parts) -> Parts:
    return parts[2], parts[1], parts[0]


_ORDERS: Sequence[Callable[[Parts], Parts]] = (_year_first, _month_first, _day_first)
"""How dates are written, the first that suits a whole column counts."""


def times(texts: Sequence[str]) -> tuple[list[datetime.datetime], bool] | None:
    """Return the times that the cells of a column state, and whether they could be meant in another order too.

    `3/5/2026` is in March, unless a date of the column has no such month, or dots. None where a cell states no time.

    >>> [time.day for time in times(["3/5/2026 9:41:22", "3/13/2026 2:00 PM"])[0]]
    [5, 13]
    >>> times(["yesterday"])
    """
    dotted = any(re.match(r"\s*\d{1,2}\.", text) for text in texts)
    orders = [_year_first, _day_first] if dotted else list(_ORDERS)
    found = [read for order in orders if (read := _column(texts, order)) is not None]
    if not found:
        return None
    order = [sorted(range(len(texts)), key=each.__getitem__) for each in found]
    return found[0], any(other != order[0] for other in order[1:])


def _column(texts: Sequence[str], order: Callable[[Parts], Parts]) -> list[datetime.datetime] | None:
    found = [_time(text, order) for text in texts]
    return None if None in found else [each for each in found if each is not None]


def _time(text: str, order: Callable[[Parts], Parts]) -> datetime.datetime | None:
    """Return a time in UTC, as far as it says from which it differs; None for what is none in that order."""
    text = unicodedata.normalize("NFKC", text).strip()
    date = _DATE.search(text)
    if date is None:
        return None
    year, month, day = order((int(date[1]), int(date[2]), int(date[3])))
    if order is _year_first and len(date[1]) < 4:
        return None
    rest = text[date.end() :]
    clock = _CLOCK.search(rest)
    hour, minute, second = (int(part or 0) for part in clock.groups()) if clock else (0, 0, 0)
    lower = rest.lower()
    if any(word in lower for word in _AFTERNOON) and hour < 12:
        hour += 12
    elif any(word in lower for word in _MORNING) and hour == 12:
        hour = 0
    offset = _OFFSET.search(rest)
    ahead = datetime.timedelta()
    if offset:
        ahead = datetime.timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0)) * (-1 if offset[1] == "-" else 1)
    try:
        return datetime.datetime(year + 2000 * (year < 100), month, day, hour, minute, second) - ahead
    except (ValueError, OverflowError):
        return None
